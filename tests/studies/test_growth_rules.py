"""Rules of growing circuits: each against one-by-one computations, closed forms or laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import qvar
from qvar.ansatz.pools import program_of
from qvar.engines.infidelity import infidelity
from qvar.studies.growing_circuit import GrowingCircuit, Point
from qvar.studies.growth_rules import GrowthRules, faded


def grown_point(circuit: GrowingCircuit, grown: qvar.Adapted) -> Point:
    names = {element.name: element for element in circuit.pool.elements}
    elements = [names[name] for name in grown.operators]
    ansatz = circuit.ansatz(elements)
    return Point(elements, ansatz, circuit.objective(ansatz), grown.theta)


def lowest_between(function: Any, low: float, high: float) -> float:
    result: Any = minimize_scalar(function, bounds=(low, high), method="bounded")
    return float(result.fun)


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("name", ["qubit_gsd", "ceo"])
def test_drops_are_those_of_one_by_one_minimization(
    name: str, host: bool, h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By SciPy, from several brackets of one period."""
    pool = qvar.pool(name, h4)
    circuit = GrowingCircuit(h4, pool, None, "auto", "one")
    grown = qvar.adapt(h4, pool, max_operators=2)
    at = grown_point(circuit, grown)
    if not host:
        monkeypatch.setattr(GrowingCircuit, "after", lambda self, at, pool: None)
    drops, angles, evaluations = circuit.drops(at, grown.value)
    assert evaluations == 4 * len(pool)  # two harmonics: two excitations of one angle have the gaps of one
    for place in np.argsort(-drops)[: 3 if host else 1]:
        program = program_of([pool.elements[place]], 8, None, grown.ansatz.program)
        objective = qvar.energy(h4, qvar.Ansatz("one more", "generic", program))

        def value(angle: float, objective: qvar.Objective = objective) -> float:
            return float(objective.loss(np.append(grown.theta, angle)))

        grid = np.linspace(-np.pi, np.pi, 13)
        lowest = min(lowest_between(value, low, high) for low, high in zip(grid[:-2], grid[2:], strict=True))
        assert grown.value - drops[place] == pytest.approx(lowest, abs=1e-8)
        assert value(float(angles[place])) == pytest.approx(lowest, abs=1e-8)


def test_the_energy_rule_takes_the_largest_drop(h4: qvar.Problem) -> None:
    circuit = GrowingCircuit(h4, qvar.pool("ceo", h4), None, "auto", "one")
    start = circuit.ansatz([])
    at = Point([], start, circuit.objective(start), np.zeros(0))
    drops, _, evaluations = circuit.drops(at, h4.reference_energy)
    grown = qvar.adapt(h4, circuit.pool, select="energy", max_operators=1)
    assert h4.reference_energy - grown.value == pytest.approx(drops.max(), abs=1e-9)
    assert grown.evaluations[-1] > evaluations


def test_optimized_candidates(h4: qvar.Problem) -> None:
    """One candidate is the rule of the gradient; more are at least as good in their first step."""
    plain = qvar.adapt(h4, "qubit_gsd", max_operators=2)
    one = qvar.adapt(h4, "qubit_gsd", rules=GrowthRules(select="optimized", candidates=1), max_operators=2)
    assert one.operators == plain.operators
    np.testing.assert_allclose(one.values, plain.values, atol=1e-10)
    several = qvar.adapt(h4, "qubit_gsd", rules=GrowthRules(select="optimized", candidates=4), max_operators=1)
    assert several.value <= plain.values[1] + 1e-10
    assert several.evaluations[-1] > plain.evaluations[1]


def test_an_optimized_candidate_is_not_optimized_again(h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of three candidates: six optimizations, whether one is added or the ties of the best."""
    from qvar.optimize.minimize import minimize

    calls: list[int] = []

    def counted(objective: qvar.Objective, *arguments: Any, **settings: Any) -> Any:
        calls.append(objective.n_params)
        return minimize(objective, *arguments, **settings)

    monkeypatch.setattr("qvar.studies.adapt.minimize", counted)
    for grow in ("one", "tetris"):
        calls.clear()
        rules = GrowthRules(select="optimized", candidates=3, grow=grow)
        grown = qvar.adapt(h4, "ceo", rules=rules, max_operators=2)
        several = [step for step in grown.steps[1:] if len(step.chosen) > 1]
        assert len(calls) == 3 * (len(grown.steps) - 1) + len(several)


def test_the_cnots_of_a_circuit_are_counted_once(h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    from qvar.ansatz import routing

    circuits: list[Any] = []
    count = routing.count

    def counted(program: Any, *arguments: Any) -> Any:
        circuits.append(program)
        return count(program, *arguments)

    monkeypatch.setattr(routing, "count", counted)
    grown = qvar.adapt(h4, "ceo", max_cnots=40, max_operators=5)
    assert grown.status.value == "cnots"
    assert len(circuits) == len({id(program) for program in circuits}) == len(grown.steps) + 1


def test_a_layer_is_repeated(h4: qvar.Problem) -> None:
    """Five elements chosen, then the same ones again, until a further layer is too many or gains nothing."""
    grown = qvar.adapt(h4, "ceo_mvp", rules=GrowthRules(repeat=5), max_operators=14)
    chosen = qvar.adapt(h4, "ceo_mvp", max_operators=5)
    assert grown.operators == 2 * chosen.operators
    assert [step.n_operators for step in grown.steps] == [0, 1, 2, 3, 4, 5, 10]
    assert grown.ansatz.n_params == 2 * chosen.ansatz.n_params
    np.testing.assert_allclose(grown.values[:6], chosen.values, rtol=0, atol=1e-12)
    assert np.all(np.diff(grown.values) < 0)
    assert grown.status.value == "operators"
    assert "liu2022" in grown.ansatz.citations
    layer = qvar.adapt(h4, "ceo", grow="tetris", max_operators=3)
    repeated = qvar.adapt(h4, "ceo", rules=GrowthRules(grow="tetris", repeat=3), max_operators=6)
    assert repeated.steps[-1].chosen == layer.operators


def test_batches_and_ties(h4: qvar.Problem) -> None:
    """A batch of share 1 is all of the largest score; a smaller share takes more, in the order of the gradients."""
    ties = qvar.adapt(h4, "qubit_gsd", grow="ties", max_operators=6)
    whole = qvar.adapt(h4, "qubit_gsd", rules=GrowthRules(grow="batch", share=1.0), max_operators=6)
    assert whole.operators == ties.operators
    assert max(len(step.chosen) for step in ties.steps) > 1
    pool = qvar.pool("qubit_gsd", h4)
    scores = np.linspace(0.0, 1.0, len(pool))
    chosen = GrowthRules(grow="batch", share=0.9).chosen(pool, scores, 100)
    assert chosen == np.flatnonzero(scores >= 0.9)[::-1].tolist()
    assert len(GrowthRules(grow="batch", share=0.9).chosen(pool, scores, 2)) == 2
    assert GrowthRules(grow="batch").chosen(pool, 0.0 * scores, 5) == []


def test_faded_elements() -> None:
    """The formula by hand: position 1 of 6 has the largest factor, and an angle below a tenth of the latest ones."""
    angles = np.array([0.5, 1e-3, 0.3, -0.2, 0.2, 0.1])
    weights = np.exp(-11.0 * np.arange(6) / 6.0) / angles**2
    assert np.argmax(weights) == 1
    assert faded(angles, 1) == 1
    assert faded(np.abs(angles), 5) is None  # all but the first are of the last step
    assert faded(np.array([0.5, 0.1, 0.3, -0.2, 0.2, 0.1]), 1) is None
    assert faded(np.zeros(1), 1) is None


def test_pruning_lowers_the_value_in_every_step() -> None:
    """A stretched chain, where an early operator fades."""
    problem = qvar.hydrogen_chain(4, 2.0)
    pruned = qvar.adapt(problem, "qubit_gsd", rules=GrowthRules(prune=True), max_operators=9, gradient_norm=1e-6)
    removed = [name for step in pruned.steps for name in step.removed]
    assert len(removed) >= 1
    assert np.all(np.diff(pruned.values) < 0)
    chosen = [name for step in pruned.steps for name in step.chosen]
    assert len(chosen) - len(removed) == pruned.n_operators == len(pruned.operators)
    assert float(qvar.energy(problem, pruned.ansatz).loss(pruned.theta)) == pytest.approx(pruned.value, abs=1e-10)


def test_the_last_angles_alone(h4: qvar.Problem) -> None:
    plain = qvar.adapt(h4, "qubit_gsd", max_operators=3)
    last = qvar.adapt(h4, "qubit_gsd", rules=GrowthRules(last=1), max_operators=3)
    first = qvar.adapt(h4, "qubit_gsd", max_operators=1)
    np.testing.assert_allclose(last.theta[0], first.theta[0], atol=1e-8)
    assert np.all(np.diff(last.values) < 0)
    assert last.value > plain.value + 1e-6
    held = plain.ansatz.freeze(plain.theta, parameters=range(plain.ansatz.n_params - 2))
    assert float(qvar.energy(h4, held).loss(plain.theta[1:])) == pytest.approx(plain.value, abs=1e-12)


def test_growth_towards_a_state_then_to_the_energy(h4: qvar.Problem) -> None:
    """PySCF's vector of the ground state: an infidelity near zero is an energy near the exact one."""
    target = exact_state(h4)
    towards = qvar.adapt(h4, "qubit_gsd", target_state=target, max_operators=8)
    assert np.all(np.diff(towards.values) < 0)
    state = np.asarray(qvar.energy(h4, towards.ansatz).state(towards.theta))
    assert towards.value == pytest.approx(1.0 - np.vdot(target, state) ** 2, abs=1e-12)
    assert towards.value < 0.02
    assert "feniou2023" in towards.ansatz.citations
    further = qvar.adapt(h4, "qubit_gsd", base=towards.ansatz, max_operators=1)
    energy = float(qvar.energy(h4, towards.ansatz).loss(towards.theta))
    assert further.values[0] == pytest.approx(energy, abs=1e-12)
    assert further.value < energy


def exact_state(problem: qvar.Problem) -> np.ndarray:
    from pyscf import fci

    integrals: Any = problem.integrals
    n = problem.n_orbitals
    electrons = (len(problem.occupied_alpha), len(problem.occupied_beta))
    return fci.direct_spin1.kernel(integrals.one_body, integrals.two_body, n, electrons)[1]


@pytest.mark.parametrize("complex_target", [False, True])
@pytest.mark.parametrize("engine", ["auto", "dense"])
def test_infidelity_and_its_gradient(engine: Any, complex_target: bool, h4: qvar.Problem) -> None:
    """On the host against JAX, and against the overlap of the states."""
    rng = np.random.default_rng(3)
    energy = qvar.energy(h4, qvar.kupccgsd(h4, layers=1), engine=engine)
    theta = rng.standard_normal(energy.n_params)
    state = np.asarray(energy.state(theta))
    target = rng.standard_normal(state.shape) + (1j * rng.standard_normal(state.shape) if complex_target else 0.0)
    own = infidelity(energy, target)
    value, gradient = own.value_and_grad(theta)
    overlap = np.vdot(target / np.linalg.norm(target), state)
    assert float(value) == pytest.approx(1.0 - abs(overlap) ** 2, abs=1e-12)
    import jax

    np.testing.assert_allclose(gradient, jax.grad(own.function)(jax.numpy.asarray(theta), own.data), atol=1e-10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.0}, "`share` must be above 0 and at most 1, but is 0.0"),
        ({"candidates": 0}, "`candidates` must be"),
        ({"last": 0}, "`last` must be"),
        ({"repeat": 0}, "`repeat` must be"),
        ({"repeat": 3, "prune": True}, "`prune` must be False if `repeat` is not None, but is True"),
    ],
)
def test_rules_that_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(qvar.QvarError, match=message):
        GrowthRules(**settings)


def test_targets_that_are_refused(h4: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"`target_state` must have the shape \(6, 6\).*but has \(3,\)"):
        qvar.adapt(h4, "sd", target_state=np.ones(3))
    with pytest.raises(qvar.QvarError, match=r"must have a finite norm above zero, but its norm is 0\.0"):
        qvar.adapt(h4, "sd", target_state=np.zeros((6, 6)))
    with pytest.raises(qvar.QvarError, match="`target_state` must be an array of numbers"):
        qvar.adapt(h4, "sd", target_state="fci")


def test_the_representation_of_rules() -> None:
    assert repr(GrowthRules(grow="ties")) == "GrowthRules(select='gradient', grow='ties')"
