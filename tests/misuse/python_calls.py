"""Every public function, called with values of every kind for each of its arguments: a result, or one sentence."""

from __future__ import annotations

import functools
import inspect
import math
import os
import random
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from misuse.base_calls import CALLS, RECORDS, WRONG
from misuse.objects import BUDGET, KEY, circuit, h2, objective, parabola, spins

import qvar
from qvar import basis, diagnostics

N_VALUES = int(os.environ.get("QVAR_WRONG_VALUES", "7"))
"""Values for each argument, out of `WRONG`; all of them are tried by hand."""

CALLBACKS = {
    "make", "draw", "start", "callback", "function", "count_costs", "target", "state_function",
    "problem", "forward_state_function", "operator", "draw_named", "measure", "loss", "gradient_first", "contenders",
    "remake", "quantum_function", "case_function",
}  # fmt: skip
"""Arguments that may be functions, whose own errors are their author's."""

SLOW = {
    "qvar.adapt", "qvar.distil",
    "qvar.run", "qvar.minimize", "qvar.minimize_batch", "qvar.noisy_energy", "qvar.molecule", "qvar.hydrogen_chain",
    "qvar.basis.fit", "qvar.basis.sets_of_size", "qvar.basis.casscf_baseline",
    *(f"qvar.diagnostics.{name}" for name in diagnostics.__all__),
}  # fmt: skip
"""Functions that compute for a while if a value can be taken, so that they are given such that cannot."""

METHOD = "`method` must be a method, such as qvar.lbfgs(), or an optax transformation, but"
ONE_KEY = "`key` must be a JAX random key, such as jax.random.key(0), but"

NEVER_TAKEN = (object(), {"x": 1}, 1j, qvar.Problem, "\N{SNOWMAN}" * 300, [[1, 2], [3]], 10**400)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qvar.report.page.write_report", lambda loaded: loaded.folder.report.touch())
    Path("sets.nw").write_text(_sets())


@functools.cache
def _sets() -> str:
    basis.write(basis.published_set("STO-3G", ["H"]), "sets.nw")
    return Path("sets.nw").read_text()


def public(name: str) -> Any:
    return functools.reduce(getattr, name.split(".")[1:], qvar)


def test_no_public_function_is_left_out() -> None:
    modules = {"qvar": qvar, "qvar.basis": basis, "qvar.diagnostics": diagnostics}
    for home, module in modules.items():
        for name in module.__all__:
            value = getattr(module, name)
            if callable(value) and not inspect.ismodule(value) and name not in RECORDS:
                assert f"{home}.{name}" in CALLS, name


def names_taken(name: str) -> list[str]:
    return [argument for argument in CALLS[name]() if argument != "self"]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_a_wrong_value_is_a_sentence(name: str) -> None:
    function, draw = public(name), random.Random(name)
    for argument in names_taken(name):
        values = (
            NEVER_TAKEN if name in SLOW and len(WRONG) > N_VALUES else draw.sample(WRONG, min(N_VALUES, len(WRONG)))
        )
        for value in values:
            if callable(value) and argument in CALLBACKS:
                continue
            try:
                function(**{**CALLS[name](), argument: value})
            except qvar.QvarError as error:
                sentence = str(error)
                assert sentence.endswith((".", "?")), (argument, value, sentence)
                assert "\n" not in sentence, (argument, value, sentence)
                assert len(sentence) < 600, (argument, value, sentence)
            except Exception as error:
                raise AssertionError(f"{name}({argument}={value!r:.50}) raised {type(error).__name__}") from error


class Wrong:
    """A value that no argument takes."""

    def __repr__(self) -> str:
        return "wrong!"


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_entry_is_named(name: str) -> None:
    for argument, value in CALLS[name]().items():
        if isinstance(value, dict):
            wrong: Any = {**value, next(iter(value), "x"): Wrong()}
        elif type(value) in (list, tuple):
            wrong = type(value)([*value[:-1], Wrong()])
        else:
            continue
        sentence = ""
        try:
            public(name)(**{**CALLS[name](), argument: wrong})
        except qvar.QvarError as error:
            sentence = str(error)
        assert sentence.startswith(f"`{argument}[") or not re.search(r"\b(is|has) wrong!", sentence), sentence


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: qvar.minimize(parabola(), key=0), f"{ONE_KEY} is 0."),
        (lambda: qvar.minimize(parabola(), key=jax.random.split(KEY)),
         f"{ONE_KEY} has shape (2,)."),
        (lambda: qvar.minimize(parabola(), key=KEY, budget=100),
         "`budget` must be a budget, such as qvar.Budget(gradients=500), but is 100."),
        (lambda: qvar.minimize(parabola(), method="adam", key=KEY),
         f"{METHOD} is 'adam': write qvar.adam()."),
        (lambda: qvar.minimize(parabola(), method=qvar.adam, key=KEY),
         f"{METHOD} is the function adam: call it, adam()."),
        (lambda: qvar.minimize(parabola(), theta0=[1j, 0]),
         "`theta0` must be an array of real numbers, but holds complex numbers."),
        (lambda: qvar.minimize(parabola(), theta0=["a", "b"]),
         "`theta0[0]` must be a number, but is 'a'."),
        (lambda: qvar.energy("h2", circuit()),
         "`problem` must be a problem, such as qvar.hydrogen_chain(4), but is 'h2'."),
        (lambda: qvar.energy(qvar.Problem, circuit()),
         "`problem` must be a problem, such as qvar.hydrogen_chain(4), but is the class Problem."),
        (lambda: qvar.energy(spins(), circuit(), engine="dens"),
         "`engine` must be 'auto', 'sector' or 'dense', but is 'dens' (did you mean 'dense'?)."),
        (lambda: qvar.Duel(spins(), [circuit()], method="adam"),
         f"{METHOD} is 'adam': write qvar.adam()."),
        (lambda: qvar.Duel(spins(), "abc"),
         "`contenders` must be a list that holds at least one ansatz or objective, but is 'abc'."),
        (lambda: qvar.Duel(spins(), [qvar.Ansatz]),
         "`contenders[0]` must be an ansatz, an objective, or a function such as qvar.uccsd, but is the class Ansatz."),
        (lambda: qvar.Duel(spins(), [lambda problem: 1]),
         "`contenders` must hold functions that make an ansatz, but <lambda> made 1."),
        (lambda: qvar.Duel(spins(), [circuit()], seeds=True), "`seeds` must be an integer, but is True."),
        (lambda: qvar.Duel(spins(), [circuit()], seeds="8"), "`seeds` must be an integer, but is '8'."),
        (lambda: qvar.Duel(spins(), [circuit()], seeds=-1), "`seeds` must be at least 1, but is -1."),
        (lambda: qvar.Curve(spins(), [1.0], [qvar.uccsd]), "`problem` must be a function, but is Problem("),
        (lambda: qvar.Curve(lambda x: spins(), [1.0], [circuit()]),
         "`contenders[0]` must be a function such as qvar.uccsd, which makes an ansatz for each problem, but is "),
        (lambda: qvar.Ansatz.from_circuit(lambda t: None, 1, 0, symmetries=("charge",)),
         "`symmetries[0]` must be 'particle_number', 'sz', 's2' or 'spin_flip', but is 'charge'."),
        (lambda: qvar.Ansatz.from_circuit(lambda t: None, 1, 0, citations="peruzzo2014"),
         "`citations` must be a list, each entry a text, but is 'peruzzo2014'."),
        (lambda: qvar.Ansatz.from_circuit(lambda t: None, 1, 0, family="foo"),
         "`family` must be 'generic' or 'constrained', but is 'foo'."),
        (lambda: qvar.run("h4", "out"), "`study` must be a Runnable, such as qvar.Duel(...), but is str."),
        (lambda: qvar.run(qvar.Duel(spins(), [circuit()]), None), "`out` must be a text or a path, but is None."),
        (lambda: qvar.tfim(4, periodic="no"), "`periodic` must be True or False, but is 'no'."),
        (lambda: qvar.tfim(4, j=float("nan")), "`j` must be finite, but is nan."),
        (lambda: qvar.molecule("H 0 0 0; H 0 0 1", active_space=(2.0, 2)),
         "`active_space[0]` must be an integer, but is 2.0."),
        (lambda: qvar.minimize(parabola(), theta0=[0.0, "a"]), "`theta0[1]` must be a number, but is 'a'."),
        (lambda: qvar.minimize_batch(parabola(), [[0.0, 1.0], [1.0, None]]),
         "`theta0[1][1]` must be a number, but is None."),
        (lambda: parabola().loss_batch([[0.0, 1.0], [1.0, None]]), "`thetas[1][1]` must be a number, but is None."),
        (lambda: diagnostics.hessian(parabola(), [0.0, math.inf]), "`theta[1]` must be finite, but is inf."),
    ],
)  # fmt: skip
def test_sentences(call: Any, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        call()
    assert str(caught.value).startswith(sentence)


def test_what_was_meant_is_done() -> None:
    alone = qvar.Duel(h2(), qvar.uccsd(h2()))
    assert [contender.name for contender in alone.contenders] == ["uccsd"]
    made = qvar.Duel(h2(), [qvar.uccsd, qvar.hardware_efficient])
    assert [task.key for task in made.tasks()[:1]] == [task.key for task in alone.tasks()]
    old = qvar.minimize(parabola(), key=jax.random.PRNGKey(3), budget=BUDGET)
    new = qvar.minimize(parabola(), key=jax.random.key(3), budget=BUDGET)
    assert old.value == new.value
    assert qvar.hardware_efficient(np.int64(2), layers=np.int32(1)).n_params == 8
    assert qvar.Budget(gradients=np.int64(3)) == qvar.Budget(gradients=3)


def test_an_optax_chain_is_a_method() -> None:
    rate, budget = 0.05, qvar.Budget(gradients=12)
    chain = optax.chain(optax.scale_by_adam(b1=0.9, b2=0.999), optax.scale_by_learning_rate(rate))
    theirs = qvar.minimize(parabola(), method=chain, key=KEY, budget=budget)
    ours = qvar.minimize(parabola(), method=qvar.adam(learning_rate=rate), key=KEY, budget=budget)
    assert theirs.trace.value == pytest.approx(ours.trace.value, abs=1e-12)

    theta, memory = jnp.asarray([0.3, -0.4]), chain.init(jnp.asarray([0.3, -0.4]))  # optax's own loop
    for _ in range(11):
        updates, memory = chain.update(2 * (theta - 0.5), memory, theta)
        theta = optax.apply_updates(theta, updates)
    end = qvar.minimize(parabola(), method=chain, theta0=[0.3, -0.4], budget=budget)
    assert end.theta == pytest.approx(np.asarray(theta), abs=1e-12)

    duels = [
        qvar.Duel(spins(), [circuit()], method=method) for method in (chain, chain, optax.adam(rate), optax.sgd(rate))
    ]
    keys = [duel.tasks()[0].key for duel in duels]
    assert keys[0] == keys[1] == keys[2] != keys[3]  # the record is what a transformation does, not how it was written
    assert duels[0].methods[0].name == "optax"
    with pytest.raises(
        qvar.QvarError, match=r"^`method` must be an optax transformation that needs gradients and parameters"
    ):
        qvar.minimize(parabola(), method=optax.contrib.reduce_on_plateau(), key=KEY)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda n: qvar.hardware_efficient(4, layers=n), "layers"),
        (lambda n: qvar.real_amplitudes(4, reps=n), "reps"),
        (lambda n: qvar.efficient_su2(4, reps=n), "reps"),
        (lambda n: qvar.strongly_entangling(4, layers=n), "layers"),
        (lambda n: qvar.basic_entangler(4, layers=n), "layers"),
        (lambda n: qvar.random_circuit(4, layers=n, key=KEY), "layers"),
        (lambda n: qvar.sim_circuit(4, number=1, layers=n), "layers"),
        (lambda n: qvar.hva(spins(), layers=n), "layers"),
        (lambda n: qvar.gate_fabric(h2(), layers=n), "layers"),
        (lambda n: qvar.givens_fabric(h2(), layers=n), "layers"),
        (lambda n: qvar.tups(h2(), layers=n), "layers"),
        (lambda n: qvar.lucj(h2(), layers=n), "layers"),
        (lambda n: qvar.ucj(h2(), layers=n), "layers"),
        (lambda n: qvar.kupccgsd(h2(), layers=n), "layers"),
        (lambda n: qvar.symmetry_preserving(h2(), gates=n), "gates"),
        (lambda n: qvar.particle_conserving_u1(h2(), layers=n), "layers"),
        (lambda n: qvar.particle_conserving_u2(h2(), layers=n), "layers"),
        (lambda n: qvar.identity_blocks(circuit(), blocks=n), "blocks"),
        (qvar.tfim, "n"),
        (qvar.xxz, "n"),
        (lambda n: qvar.heisenberg((n, 2)), "n"),
        (qvar.hubbard, "shape"),
        (qvar.hydrogen_chain, "n_atoms"),
        (lambda n: qvar.Duel(spins(), [circuit()], seeds=n), "seeds"),
        (lambda n: qvar.Landscape(spins(), [circuit()], points=n), "points"),
        (lambda n: qvar.Scaling([qvar.Growing("a", "generic", lambda size: (spins(), circuit()))], [2], samples=n),
         "samples"),
        (lambda n: parabola().initial_batch(KEY, n), "n"),
        (lambda n: diagnostics.gradient_variance(objective(), key=KEY, samples=n), "samples"),
        (lambda n: diagnostics.expressibility(circuit(), key=KEY, samples=n), "samples"),
        (lambda n: diagnostics.fisher_rank(objective(), key=KEY, samples=n), "samples"),
        (lambda n: diagnostics.scan_line(parabola(), [0.0, 0.0], [1.0, 0.0], points=n), "points"),
        (lambda n: diagnostics.random_directions(n, key=KEY), "n_params"),
        (lambda n: diagnostics.hessian_trace(parabola(), [0.0, 0.0], key=KEY, samples=n), "samples"),
    ],
)  # fmt: skip
def test_a_size_is_checked_against_memory_before_anything_is_built(call: Any, argument: str) -> None:
    for number in (10**14, 99999999999999999999, 10**400):
        with pytest.raises(qvar.QvarError) as caught:
            call(number)
        assert str(caught.value).startswith(f"`{argument}` must fit into memory, but "), caught.value
        assert "this machine has " in str(caught.value)


def test_states_and_matrices_are_checked_against_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvar.memory._machine_memory", lambda: 1 << 28)
    register = qvar.hardware_efficient(26, layers=1)
    with pytest.raises(
        qvar.QvarError, match=r"^`ansatz` must fit into memory, but .* 67108864 amplitudes would take 8\.0"
    ):
        qvar.energy(qvar.tfim(26), register)
    many = qvar.Objective(
        "many", "generic", 100_000, lambda theta, data: jnp.sum(theta**2), lambda key: jnp.zeros(100_000)
    )
    with pytest.raises(
        qvar.QvarError, match=r"^`objective` must fit into memory, but a Hessian of 100000 parameters would"
    ):
        diagnostics.hessian(many, np.zeros(100_000))
    with pytest.raises(qvar.QvarError, match=r"^`exact_energy` must fit into memory, but 22 qubits would take"):
        qvar.tfim(22).exact_energy()
