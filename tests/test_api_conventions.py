"""Conventions of all public functions, classes and methods, as docs/reference/api.md lists them.

Every name in the `.pyi` stubs is checked, so that a function needs no entry here, unless it is an exception.
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import numpy as np

import qvar
from qvar import analysis, basis, diagnostics
from qvar.task import Runnable

MOST_ESSENTIALS = 3
"""Arguments that a call may pass by position."""

OPTIONAL_BY_POSITION = {
    "qvar.Duel": ("problem contenders", "a duel of objectives has no problem"),
    "qvar.Growing": ("make", "as in Contender, unless `draw` is given"),
    "qvar.named": ("bond", "`partial(qvar.named, 'n2')` makes the problem of a bond length"),
    "qvar.hydrogen_chain": ("bond", "`partial(qvar.hydrogen_chain, 4)` makes the problem of a bond length"),
    "qvar.Adaptive": ("contenders", "fixed circuits, as in a duel"),
    "qvar.adapt": ("pool", "what a circuit grows from"),
    "qvar.NaturalOrbitals": ("theory", "the wave function that they are natural orbitals of"),
    "qvar.pool": ("", "the name comes first: a pool of that name for the problem"),
    "qvar.distil": ("", "the student comes first: it is what is trained"),
    "qvar.Pruning": ("by", "a rule is what a pruning is known by"),
    "qvar.Distilling": ("student", "a student is what a distillation is known by"),
    "qvar.Rounding": ("bits", "a number of bits is what a rounding is known by"),
    "qvar.minimize": ("theta0", "the start of a local search"),
    "qvar.Ansatz.initial": ("start", "a key and a distribution are one draw"),
    "qvar.Objective.initial": ("start", "a key and a distribution are one draw"),
    "qvar.Objective.initial_batch": ("start", "a key and a distribution are one draw"),
    "qvar.Ansatz.draw": ("theta", "angles in the picture"),
    "qvar.Ansatz.to_openqasm": ("theta", "angles as numbers, else as expressions of parameters"),
    "qvar.Ansatz.to_qiskit": ("theta", "angles as numbers, else as expressions of parameters"),
    "qvar.Problem.exact_energy": ("spin", "the lowest energy, or that of a spin"),
    "qvar.Problem.hamiltonian": ("mapping", "the electrons' mapping to qubits is what it does"),
    "qvar.Problem.mapped": ("mapping", "the electrons' mapping to qubits is what it does"),
    "qvar.basis.Form.frozen": ("letters", "all shells, or those of some letters"),
    "qvar.Growing.setup": ("key", "only an ensemble has one"),
}
"""Arguments with a default that may be passed by position, and the reason."""

MORE_ESSENTIALS = {
    "qvar.require": "it reads as a sentence: condition, argument, must, got",
    "qvar.Objective": "a loss is a name, a family, a length, a function and a draw",
    "qvar.PublishedTable": "a file has these fields; a table without a source is none",
    "qvar.basis.Measured": "only functions make it",
    "qvar.basis.Solution": "a tuple that a solver of the user returns",
    "qvar.basis.Solver": "a tuple of three and a default",
    "qvar.diagnostics.Estimate": "value, low, high and samples are one number with its interval",
}
"""Functions and records with more, or with optional fields by position, and the reason."""

KEY_BY_POSITION = {
    "qvar.Ansatz.initial",
    "qvar.Objective.initial",
    "qvar.Objective.initial_batch",
    "qvar.basis.Form.initial",
}
"""Methods that do nothing else than to draw from a key."""

SEEDLESS = {"qvar.Gallery", "qvar.Published"}
"""Studies that draw nothing themselves: what their studies or recipes draw is part of these."""

REPS = {"qvar.real_amplitudes", "qvar.efficient_su2"}
"""Look-alikes of Qiskit's circuits."""

SYNONYMS = {
    "callback": {"on_progress", "on_step", "hook", "watch", "watcher"},
    "count": {"how_many", "number_of"},
    "key": {"seed_key", "rng", "random_key", "prng"},
    "layers": {"n_layers", "num_layers", "depth", "reps"},
    "method": {"optimizer", "optimiser"},
    "samples": {"n_samples", "num_samples", "pairs", "probes", "draws"},
    "seeds": {"n_seeds", "num_seeds"},
    "start": {"scheme", "init", "initial"},
    "theta0": {"x0", "initial_theta", "start_theta"},
}
"""Name of an argument, and other names of the same thing."""

OTHER_NAMES = {
    ("qvar.Costs", "depth"): "depth of a circuit in gates",
    ("qvar.own_method", "init"): "`init` and `update`, as in optax",
    **{(name, "reps"): "as in Qiskit" for name in REPS},
}
"""Uses of such another name, and the reason."""

MEANINGS = {
    "callback": r"None|.*(Callable|Hook|Callback|Watcher).*",
    "key": r"jax\.Array( \| None)?",
    "layers": r"int|Sequence\[int\]",
    "method": r"Method( \| None| \| Sequence\[Method\])?",
    "samples": r"int",
    "seed": r"int",
    "seeds": r"int",
    "start": r"str( \| None)?|Start",
}
"""Name of an argument: types that it may have, as a pattern."""

OTHER_TYPES = {
    ("qvar.Task", "key"): "the key of a task is a text",
    ("qvar.basis.Fitted", "key"): "numbers of the key, for the comment of a file",
    ("qvar.basis.Fitted", "method"): "name of the method, for the comment of a file",
    ("qvar.basis.Fitted", "start"): "number of the start",
    ("qvar.basis.Part", "start"): "the start itself",
}
"""Arguments of another type, and the reason."""

SEEDS = {
    "qvar.Learning.examples": "a seed of the study",
    "qvar.Learning.train": "a seed of the study",
    "qvar.Run.parameters": "the seed of a row of the ledger",
    "qvar.Training.row": "the seed of a row of the ledger",
}
"""Functions and methods that take a seed, and the reason."""


def public() -> Iterator[tuple[str, Any]]:
    """Dotted name and object of every public function, class and method."""
    for home in (qvar, basis, diagnostics, analysis):
        for name in home.__all__:
            value = getattr(home, name)
            if inspect.isfunction(value):
                yield f"{home.__name__}.{name}", value
            elif inspect.isclass(value) and not issubclass(value, BaseException | enum.Enum) and value is not Runnable:
                yield f"{home.__name__}.{name}", value
                for method, entry in vars(value).items():
                    entry = entry.__func__ if isinstance(entry, classmethod | staticmethod) else entry
                    if inspect.isfunction(entry) and not method.startswith("_"):
                        yield f"{home.__name__}.{name}.{method}", entry


PUBLIC = dict(public())


def parameters_of(call: Any) -> list[inspect.Parameter]:
    return [each for each in inspect.signature(call).parameters.values() if each.name not in ("self", "cls")]


def violations(name: str, call: Any) -> list[str]:
    """Sentences on what breaks the conventions."""
    parameters = parameters_of(call)
    by_position = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    names = [each.name for each in by_position]
    allowed = OPTIONAL_BY_POSITION.get(name, ("", ""))[0].split()
    wrong = []
    if len(set(names) - set(allowed)) > MOST_ESSENTIALS and name not in MORE_ESSENTIALS:
        wrong.append(f"more than {MOST_ESSENTIALS} essentials")
    if name not in MORE_ESSENTIALS:
        optional = [each.name for each in by_position if each.default is not each.empty]
        wrong += [f"`{each}` has a default and is no keyword" for each in optional if each not in allowed]
    if "problem" in names[1:] and name not in OPTIONAL_BY_POSITION:
        wrong.append("`problem` is not first")
    if "key" in names and name not in KEY_BY_POSITION and "key" not in allowed and name != "qvar.Task":
        wrong.append("`key` is no keyword")
    return wrong


def test_essentials_come_first_and_all_else_is_a_keyword() -> None:
    assert {name: wrong for name, call in PUBLIC.items() if (wrong := violations(name, call))} == {}


def test_arguments_of_one_meaning_have_one_name() -> None:
    other = {word: right for right, words in SYNONYMS.items() for word in words}
    places = {(name, each.name) for name, call in PUBLIC.items() for each in parameters_of(call)}
    assert {place: other[place[1]] for place in places - set(OTHER_NAMES) if place[1] in other} == {}


def test_arguments_of_one_name_have_one_type() -> None:
    places = {(name, each.name): str(each.annotation) for name, call in PUBLIC.items() for each in parameters_of(call)}
    assert {
        place: annotation
        for place, annotation in places.items()
        if place[1] in MEANINGS and place not in OTHER_TYPES and not re.fullmatch(MEANINGS[place[1]], annotation)
    } == {}


def test_functions_take_keys_and_studies_take_seeds() -> None:
    for name, call in PUBLIC.items():
        names = {each.name for each in parameters_of(call)}
        assert not (names & {"seed", "seeds"}) or inspect.isclass(call) or name in SEEDS, name
        if inspect.isclass(call) and "tasks" in vars(call):
            assert "key" not in names, name
            assert names & {"seed", "seeds"} or name in SEEDLESS, name


def test_starts_are_uniform_or_the_ansatzs_own(h2: qvar.Problem) -> None:
    for name, call in PUBLIC.items():
        for each in parameters_of(call):
            if each.name == "start" and (name, "start") not in OTHER_TYPES:
                assert each.default in (each.empty, None, "uniform"), name
    ansatz, key = qvar.uccsd(h2), jax.random.key(0)
    own = replace(ansatz, start="zero")
    for draw in (diagnostics.fidelities, diagnostics.entangling_capability):
        assert np.array_equal(draw(own, key=key, samples=2, start=None), draw(ansatz, key=key, samples=2, start="zero"))


def test_a_signature_that_breaks_a_convention_is_found() -> None:
    def wrong(objective: Any, problem: Any, a: Any, b: Any, key: jax.Array, points: int = 3) -> None: ...

    assert violations("wrong", wrong) == [
        f"more than {MOST_ESSENTIALS} essentials",
        "`points` has a default and is no keyword",
        "`problem` is not first",
        "`key` is no keyword",
    ]
    assert violations("qvar.Duel", qvar.Duel) == []


def test_exceptions_are_needed() -> None:
    """An exception that no longer is one leaves the tables."""
    for name, (words, _) in OPTIONAL_BY_POSITION.items():
        by_position = {each.name for each in parameters_of(PUBLIC[name]) if each.kind is each.POSITIONAL_OR_KEYWORD}
        assert set(words.split()) <= by_position, name
    for name, argument in (*OTHER_NAMES, *OTHER_TYPES):
        assert argument in {each.name for each in parameters_of(PUBLIC[name])}, name
    for name in (*MORE_ESSENTIALS, *KEY_BY_POSITION, *REPS, *SEEDS):
        assert name in PUBLIC, name
