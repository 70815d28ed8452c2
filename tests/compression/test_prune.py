"""Pruning: laws of second order, exact rises, redundant parameters, and bad input."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from compilations import compilations

import qvar
from qvar import diagnostics
from qvar.ansatz.program import ProgramBuilder
from qvar.compression import second_order
from qvar.compression.grouping import groups_of
from qvar.compression.prune import Pruned
from qvar.compression.scores import RULES
from qvar.engines.infidelity import infidelity
from qvar.objective import Objective

PRECISE = qvar.Budget(gradient_tolerance=1e-9)


@pytest.fixture(scope="module")
def h4() -> tuple[qvar.Problem, qvar.Ansatz, Objective, np.ndarray]:
    """UCCSD at its minimum: 26 parameters, 12 of which the point group forbids."""
    problem = qvar.hydrogen_chain(4, 1.0)
    ansatz = qvar.uccsd(problem)
    objective = qvar.energy(problem, ansatz)
    result = qvar.minimize(objective, np.zeros(26), method=qvar.bfgs(), budget=PRECISE)
    return problem, ansatz, objective, result.theta


@pytest.mark.parametrize("by", RULES)
def test_forbidden_parameters_go_first_at_no_loss(h4: Any, by: Any) -> None:
    problem, ansatz, objective, theta = h4
    pruned = qvar.prune(ansatz, theta, objective, by=by, max_rise=1e-9)
    assert pruned.ansatz.n_params == 14
    assert np.all(np.abs(np.asarray(theta)[list(pruned.removed)]) < 1e-7)
    assert float(qvar.energy(problem, pruned.ansatz).loss(pruned.theta)) == pytest.approx(pruned.value, abs=1e-12)
    assert pruned.path[-1].resources.two_qubit_gates == 186 < pruned.path[0].resources.two_qubit_gates == 338


def test_surgeons_law_is_the_rise_after_optimization(h4: Any) -> None:
    """Within 10 % as long as angles are small: 0.06 radian at most here, 1 % of the largest."""
    _, ansatz, objective, theta = h4
    pruned = qvar.prune(ansatz, theta, objective, by="obs", keep=8)
    rising = [step for step in pruned.path if step.rise > 1e-7]
    assert len(rising) == 6
    for step in rising:
        assert step.predicted_rise == pytest.approx(step.rise, rel=0.01)
    assert [step.n_params for step in pruned.path] == list(range(26, 7, -1))


def test_laws_of_a_quadratic_function_are_exact() -> None:
    """Optimizing again solves a linear system; both laws by hand."""
    rng = np.random.default_rng(1)
    root = rng.normal(size=(6, 6))
    matrix, theta = root @ root.T, rng.normal(size=6)

    def loss(point: Any, data: Any) -> Any:
        return 0.5 * (point - theta) @ matrix @ (point - theta)

    objective = Objective("q", "generic", 6, loss, lambda key: np.zeros(6))
    free = np.arange(6)
    law, many = second_order.laws(objective, theta, free), second_order.ByProducts(objective, theta, free)
    for group in (np.array([2]), np.array([1, 4])):
        rest = np.setdiff1d(np.arange(6), group)
        moved = np.linalg.solve(matrix[np.ix_(rest, rest)], matrix[np.ix_(rest, group)] @ theta[group])
        step = np.zeros(6)
        step[group], step[rest] = -theta[group], moved
        rise = 0.5 * step @ matrix @ step
        for one in (law, many):
            assert one.damage(group) == pytest.approx(0.5 * theta[group] @ matrix[np.ix_(group, group)] @ theta[group])
            assert one.surgery(group)[0] == pytest.approx(rise, rel=1e-7)
            assert np.allclose(one.surgery(group)[1], step, atol=1e-6)
    inverse = np.linalg.inv(matrix)
    single = [np.array([k]) for k in range(6)]
    assert isinstance(law, second_order.SecondOrder)
    assert np.allclose(law.surgeries(single), theta**2 / (2.0 * np.diag(inverse)), rtol=1e-6)


def test_many_parameters_do_without_the_matrix(h4: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ansatz, objective, theta = h4
    with_matrix = qvar.prune(ansatz, theta, objective, by="obs", keep=20)
    monkeypatch.setattr(second_order, "MOST_DENSE", 1)
    without = qvar.prune(ansatz, theta, objective, by="obs", keep=20)
    assert without.value == pytest.approx(with_matrix.value, abs=1e-9)
    assert without.path[-1].predicted_rise == pytest.approx(with_matrix.path[-1].predicted_rise, rel=1e-4)


def redundant() -> qvar.Ansatz:
    """Rotations about one axis in a row: 14 parameters, fewer of which are independent."""
    builder = ProgramBuilder(2, 14)
    for k in range(3):
        for wire in range(2):
            builder.add("RY", [wire], {2 * k + wire: 1.0})
    builder.add("CNOT", [0, 1])
    for k in range(2):
        builder.add("RY", [0], {6 + k: 1.0, 8 + k: 0.5})
        builder.add("RZ", [1], {10 + k: 1.0})
    builder.add("IsingXX", [0, 1], {12: 1.0, 13: -1.0})
    return qvar.Ansatz("redundant", "generic", builder.build())


def test_a_redundant_circuit_loses_what_the_fisher_matrix_lacks_in_rank() -> None:
    """Of the infidelity to one of its own states, whose Hessian is half the Fisher matrix: it is zero as before."""
    ansatz = redundant()
    energy, theta = qvar.energy(qvar.tfim(2), ansatz), np.asarray(ansatz.initial(jax.random.key(3)))
    objective = infidelity(energy, energy.state(theta))
    rank = int(np.linalg.matrix_rank(np.asarray(diagnostics.fisher(objective, theta)), tol=1e-8))
    pruned = qvar.prune(ansatz, theta, objective, by="fisher", max_rise=1e-10)
    assert rank == 5
    assert len(pruned.removed) == 14 - rank
    assert abs(pruned.value) < 1e-10
    beyond = qvar.prune(ansatz, theta, objective, by="fisher", keep=rank - 1)
    assert beyond.path[-1].rise > 1e-4


def test_one_shot_and_shares_and_groups(h4: Any) -> None:
    _, ansatz, objective, theta = h4
    at_once = qvar.prune(ansatz, theta, objective, by="obd", keep=0.5, per_step=None, retrain=False)
    assert [step.n_params for step in at_once.path] == [26, 13]
    assert at_once.path[1].predicted_rise == pytest.approx(at_once.path[1].rise, rel=0.1)
    classes = groups_of(ansatz, "class")
    assert sorted(len(group) for group in classes) == [1, 1, 4, 4, 16]
    by_class = qvar.prune(ansatz, theta, objective, by="energy", keep=16, groups="class")
    assert by_class.ansatz.n_params == 16  # opposite-spin doubles stay
    pairs = groups_of(ansatz, "qubits")
    assert sum(map(len, pairs)) == 26
    circuit = qvar.hardware_efficient(4, layers=2)
    assert [len(group) for group in groups_of(circuit, "layer")] == [8, 8, 8]
    own = qvar.prune(ansatz, theta, objective, keep=24, groups=[[2, 3], [0, 1]])
    assert own.removed == (2, 3)


def test_angles_are_taken_modulo_their_period(h4: Any) -> None:
    _, ansatz, objective, theta = h4
    turned = np.array(theta)
    turned[2] += 2.0 * np.pi
    assert 2 in qvar.prune(ansatz, turned, objective, by="angle", max_rise=1e-9).removed


def test_the_history_of_a_training_counts(h4: Any) -> None:
    _, ansatz, objective, theta = h4
    trace = qvar.minimize(objective, np.zeros(26), keep_path=True).trace
    pruned = qvar.prune(ansatz, theta, objective, by="gradient", history=trace.theta, keep=14)
    assert abs(pruned.path[-1].value - pruned.path[0].value) < 1e-9


def test_other_objectives_and_no_compilation_for_a_removal() -> None:
    """An infidelity, evaluated by JAX."""
    problem, ansatz = qvar.tfim(2), qvar.hardware_efficient(2, layers=2, rotations=("RY",))
    energy, theta = qvar.energy(problem, ansatz), np.array([0.3, 0.4, 0.0, 0.1, 0.5, 0.2])
    objective = replace(infidelity(energy, energy.state(theta)), host=None)

    def run(keep: int, by: Any) -> Pruned:
        return qvar.prune(ansatz, theta, objective, by=by, keep=keep, budget=qvar.Budget(gradients=20))

    for by in ("energy", "fisher", "gradient"):
        run(5, by)
        with compilations() as count:
            pruned = run(3, by)
        assert sum(count.values()) == 0, count
        assert 0.0 < pruned.value < 0.1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"keep": 26}, "`keep` must be below the 26 parameters of uccsd, but is 26."),
        ({"keep": 0}, "`keep` must be a positive integer of parameters or a share below 1, but is 0."),
        ({"keep": 1.0}, "`keep` must be a positive integer of parameters or a share below 1, but is 1.0."),
        ({"keep": float("nan")}, "`keep` must be a positive integer of parameters or a share below 1, but is nan."),
        ({"keep": 1.5}, "`keep` must be a positive integer of parameters or a share below 1, but is 1.5."),
        ({}, "`keep` must be a number or a share of parameters if `max_rise` is None, but is None."),
        ({"max_rise": -1.0}, "`max_rise` must not be negative, but is -1.0."),
        ({"keep": 4, "groups": [[1], [1]]}, "`groups` must hold lists of different numbers from 0 to 25 for uccsd"),
        ({"keep": 4, "groups": "layer"}, "`groups` must not be 'layer' for uccsd, which has no layers"),
        ({"keep": 4, "by": "size"}, "`by` must be 'angle', 'energy', 'obd', 'obs', 'fisher' or 'gradient'"),
    ],
)
def test_mistakes(h4: Any, arguments: Any, sentence: str) -> None:
    _, ansatz, objective, theta = h4
    with pytest.raises(qvar.QvarError) as error:
        qvar.prune(ansatz, theta, objective, **arguments)
    assert sentence in str(error.value)


def test_nothing_left_to_prune(h4: Any) -> None:
    problem, ansatz, objective, theta = h4
    last = qvar.prune(ansatz, theta, objective, by="angle", keep=1)
    with pytest.raises(qvar.QvarError, match="`ansatz` must have parameters to prune, but uccsd 1 of 26 has 1"):
        qvar.prune(last.ansatz, last.theta, qvar.energy(problem, last.ansatz), keep=1)
    with pytest.raises(qvar.QvarError, match="`theta` must have"):
        qvar.prune(ansatz, theta[:3], objective, keep=3)
    with pytest.raises(qvar.QvarError, match=r"`objective` must have the 12 parameters of .*, but has 26"):
        qvar.prune(qvar.hardware_efficient(2, layers=2), np.ones(12), objective, keep=1)
