"""Every public record prints as one line that says which one it is."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from misuse.objects import published

import qvar
from qvar import PathStep, basis, diagnostics
from qvar.problems.hamiltonians import PauliTerms
from qvar.short_repr import MOST_LETTERS, short_repr
from qvar.studies.check_ansatz import Finding


def public_classes() -> list[type]:
    modules = (qvar, basis, diagnostics)
    found = [getattr(module, name) for module in modules for name in module.__all__]
    return [cls for cls in found if inspect.isclass(cls) and not issubclass(cls, BaseException)]


def duel(h4: qvar.Problem) -> qvar.Duel:
    contenders = [qvar.uccsd(h4), *(qvar.hardware_efficient(h4, layers=n) for n in (1, 2))]
    return qvar.Duel(h4, contenders, seeds=3, budget=qvar.Budget(gradients=7))


def training(problem: qvar.Problem) -> qvar.Result:
    objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=1))
    return qvar.minimize(objective, key=jax.random.key(0), budget=qvar.Budget(gradients=3))


def records(h2: qvar.Problem, h4: qvar.Problem) -> dict[str, Any]:
    """A record of every kind that is made at once, with words that its line must have."""
    ansatz, spins = qvar.uccsd(h4), qvar.tfim(3)
    assert spins.pauli is not None
    objective, result = qvar.energy(h4, ansatz), training(spins)
    ry = qvar.Contender("ry", "generic", lambda problem, layers: ansatz, layers=(1, 2))
    growing = qvar.Growing("uccsd", "constrained", lambda n: ansatz)
    form = basis.even_tempered("H", s=3)
    examples = qvar.Examples(np.zeros((2, 1)), np.zeros(2, int), test_x=np.zeros((3, 1)), test_y=np.zeros(3, int))
    learning = qvar.Learning([qvar.Learner("a", "generic", lambda key: abs)], examples, steps=3)
    profile = diagnostics.EntropyProfile((1,), (diagnostics.Estimate(0.5, 0.4, 0.6, 20),), (0.25,))
    return {
        "Problem(name='H4": h4,
        "n_electrons=4, n_qubits=8, unit='Ha')": h4,
        "Problem(name='TFIM": spins,
        "Integrals(core_energy=": h4.integrals,
        "one_body=float64[4, 4]": h4.integrals,
        "PauliTerms(n_qubits=3, words=[": spins.pauli,
        "Ansatz(name='uccsd', family='constrained', n_qubits=8, n_params=26": ansatz,
        "Program(n_qubits=8, n_params=26, n_ops=": ansatz.program,
        "Objective(name='uccsd', family='constrained', n_params=26, engine='sector', unit='Ha')": objective,
        "contenders=['uccsd'": duel(h4),
        "method='lbfgs', budget=Budget(gradients=7))": qvar.Duel(h4, [ansatz], budget=qvar.Budget(gradients=7)),
        "Task(label='uccsd', key='": duel(h4).tasks()[0],
        "Budget(gradients=7)": qvar.Budget(gradients=7),
        "Method(name='adam', settings=": qvar.adam(),
        "Result(value=": result,
        "status=out_of_budget": result,
        "gradient_evaluations=3": result,
        "Trace(step=int": result.trace,
        "Scaling(contenders=['uccsd'], sizes=": qvar.Scaling([growing], (4, 6)),
        "Contender(name='ry', family='generic'": ry,
        "Capacity(problem='H2": qvar.Capacity(h2, [ry], 1e-4),
        "Landscape(problem='H4": qvar.Landscape(h4, [ansatz]),
        "Form(name='": form,
        "EntropyProfile(cuts=[1], entropies=[0.50 [0.40, 0.60] (20 samples)], page=[0.25])": profile,
        "Finding(check='gradients', passed=True": Finding("gradients", True, "Well. " * 40),
        "PublishedTable(name='a', paper='jax2018', n_numbers=1)": published(),
        "Calculation(recipe='one'": published().calculations[0],
        "PublishedNumber(quantity='a', printed='1.0'": published().calculations[0].numbers[0],
        "Published(tables=['a'])": qvar.Published((published(),), {"one": dict}),
        "DensityMatrices(problem='H4": qvar.density_matrices(objective, np.zeros(26)),
        "Dipole(debye=": qvar.density_matrices(objective, np.zeros(26)).dipole(),
        "LeadingDeterminants(name='uccsd', rows=": qvar.leading_determinants(objective, np.zeros(26)),
        "Compression(problem='H4": qvar.Compression(h4, [ansatz], [qvar.Pruning("obs", keep=4)]),
        "Pruning(by='obs', keep=4)": qvar.Pruning("obs", keep=4),
        "Distilling(student='uccsd', weight=1, n_starts=4)": qvar.Distilling(ansatz),
        "Fusing()": qvar.Fusing(),
        "Restarts(n_starts=3)": qvar.Restarts(n_starts=3),
        "OrbitalMatch(orbitals=[0, 1, 2, 3], signs=[1, 1, 1, 1])": qvar.match_orbitals(h4, h4),
        "Rounding(bits=[8, 6])": qvar.Rounding((8, 6)),
        "PathStep(action='prune', n_params=3": PathStep(action="prune", n_params=3, value=0.5),
        "Fused(ansatz='uccsd', theta=float64[26])": qvar.fuse(ansatz, np.zeros(26)),
        "Learner(name='a', family='generic')": learning.learners[0],
        "Learning(learners=['a'], sizes=[2], steps=3, seeds=8)": learning,
        "Examples(x=float64[2, 1], y=int64[2]": learning.data,
        "Progress(done=1, total=2": qvar.Progress(1, 2, "best"),
    }


def test_records_print_as_one_line(h2: qvar.Problem, h4: qvar.Problem) -> None:
    for words, record in records(h2, h4).items():
        line = repr(record)
        assert words in line
        assert "\n" not in line
        assert len(line) <= 120, line


@pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__qualname__)
def test_every_public_record_has_such_a_line(cls: type) -> None:
    """A record with an array, a record, a list, a mapping or a function in it would print them all."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(cls)))  # pyright: ignore[reportArgumentType]
    [node] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__]
    fields = [ast.unparse(entry.annotation) for entry in node.body if isinstance(entry, ast.AnnAssign)]
    fields = [field for field in fields if not field.startswith("ClassVar") and field != "KW_ONLY"]
    small = {"int", "float", "str", "bool", "None"}
    large = [field for field in fields if not set(field.replace("|", " ").split()) <= small]
    own = cls.__repr__ is not object.__repr__ and "short_repr" in " ".join(map(ast.unparse, node.decorator_list))
    assert own or not large or cls in (qvar.Runnable, qvar.Status)


def test_what_does_not_fit_is_left_out() -> None:
    @short_repr()
    @dataclass
    class Many:
        first: Any
        second: Any = None
        third: float = 1.0
        fourth: Any = ()

    class Named(NamedTuple):
        name: str

    assert repr(Many(3, [1.5, "a"])) == "Many(first=3, second=[1.5, 'a'])"
    assert repr(Many(np.zeros((3, 2)), third=0.25)) == "Many(first=float64[3, 2], third=0.25)"
    assert repr(Many(Named("x" * 90), fourth=list(range(9)))) == f"Many(first='{'x' * 37}...', fourth=[9 entries])"
    assert repr(Many(lambda: 3, {"a": 1})) == "Many(second={1 entry})"
    line = "Many(first=nan, second='a/b', fourth='line line')"
    assert repr(Many(float("nan"), Path("a") / "b", fourth="line\nline")) == line
    assert repr(Many(np.float64(0.1), True)) == "Many(first=0.1, second=True)"
    long = repr(Many("x" * 39, "y" * 39, third=0.5, fourth="z" * 39))
    assert long.endswith(", ...)")
    assert len(long) <= MOST_LETTERS


def test_a_line_of_pauli_terms_holds_no_words() -> None:
    assert repr(PauliTerms(["XX", "ZI", "IZ", "YY", "ZZ"], np.ones(5))) == "PauliTerms(n_qubits=2, words=[5 entries])"
