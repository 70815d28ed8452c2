"""ADAPT-VQE: published growths, gradients of the pool one by one, and ends."""

from __future__ import annotations

from typing import Literal

import jax
import numpy as np
import pytest

import qvar
from qvar.ansatz.pool_elements import program_of
from qvar.studies.adapt import _Growth, _Limits, _Trained
from qvar.studies.growing_circuit import GrowingCircuit, Point
from qvar.studies.growth_record import GrowthEnd, GrowthStep


@pytest.fixture(scope="module")
def lih_short() -> qvar.Problem:
    """The bond length of the published growths."""
    return qvar.molecule("Li 0 0 0; H 0 0 1.546", basis="sto-3g")


@pytest.fixture(scope="module")
def h4_long() -> qvar.Problem:
    """Hydrogen chain of the published growths."""
    return qvar.hydrogen_chain(4, 1.5)


def test_qubit_excitations_on_lih(lih_short: qvar.Problem) -> None:
    """Yordanov et al. (2021); energies from an independent program. Partners of one gradient come in any order."""
    grown = qvar.adapt(lih_short, "qubit_gsd", max_operators=7)
    expected = {1: -7.877119623568, 3: -7.880581566077, 5: -7.881251449811, 6: -7.881806943638, 7: -7.882217915452}
    for number, energy in expected.items():
        assert grown.values[number] == pytest.approx(energy, abs=1e-8)
    assert 1.0 < 1e3 * grown.errors[5] < 1.5936
    assert 1e3 * grown.errors[6] < 1.0
    assert grown.cnots.tolist() == [13 * number for number in range(8)]
    assert grown.status is GrowthEnd.OPERATORS


def test_cnots_of_fermionic_excitations_on_lih(lih_short: qvar.Problem) -> None:
    grown = qvar.adapt(lih_short, "gsd", max_operators=7)
    assert grown.cnots.tolist() == [0, 13, 34, 59, 72, 85, 98, 111]


def test_singlet_operators_on_h4(h4_long: qvar.Problem) -> None:
    """Grimsley et al. (2019), with the exact exponentials of sums; values from an independent program."""
    grown = qvar.adapt(h4_long, "singlet_gsd", max_operators=5)
    assert grown.pool_norms[0] == pytest.approx(0.44694869, abs=1e-6)
    assert grown.steps[0].largest_gradient == pytest.approx(0.27384954, abs=1e-6)
    expected = [-1.866372651998, -1.936450606194, -1.968220854941, -1.985756025140, -1.988840949295]
    np.testing.assert_allclose(grown.values[1:], expected, rtol=0, atol=1e-8)
    assert np.isnan(grown.cnots[-1])  # no circuit of its sums is published
    ended = qvar.adapt(h4_long, "singlet_sd")
    assert (ended.n_operators, ended.status) == (7, GrowthEnd.GRADIENT)
    assert ended.value == pytest.approx(-1.994712913240, abs=1e-8)


def test_products_have_the_gradients_of_their_sums(h4_long: qvar.Problem) -> None:
    products = qvar.pool("singlet_gsd", h4_long, product=True)
    grown = qvar.adapt(h4_long, products, max_operators=1)
    assert grown.pool_norms[0] == pytest.approx(0.44694869, abs=1e-6)
    assert grown.cnots[-1] > 0
    with pytest.raises(qvar.QvarError, match="`pool` must have elements with a published circuit if CNOTs matter"):
        qvar.adapt(h4_long, "singlet_gsd", max_cnots=100)
    with pytest.raises(qvar.QvarError, match="`pool` must have elements with a published circuit if CNOTs matter"):
        qvar.adapt(h4_long, "singlet_gsd", select="gradient_per_cnot")


def test_the_grown_circuit_is_a_contender(h4: qvar.Problem) -> None:
    grown = qvar.adapt(h4, "gsd", max_operators=4)
    objective = qvar.energy(h4, grown.ansatz)
    assert float(objective.loss(grown.theta)) == pytest.approx(grown.value, abs=1e-12)
    duel = qvar.Duel(h4, contenders=[grown.ansatz], seeds=1)
    ((_, training),) = duel.trainings()
    start = training.objective().initial(jax.random.key(0))
    np.testing.assert_array_equal(start, grown.theta)
    assert objective.engine == "sector"
    assert grown.operators == tuple(grown.ansatz.settings["operators"])


@pytest.mark.parametrize("name", ["gsd", "qubit_gsd", "ceo", "pauli_no_z"])
def test_gradients_of_the_pool_are_those_one_by_one(name: str, h4: qvar.Problem) -> None:
    """Appended alone, by differences of the energy."""
    pool = qvar.pool(name, h4)
    steps: list[GrowthStep] = []
    grown = qvar.adapt(h4, pool, max_operators=1, callback=steps.append)
    gradients = []
    for element in pool.elements[:: len(pool) // 12]:
        program = program_of([element], 8, None, grown.ansatz.program)
        objective = qvar.energy(h4, qvar.Ansatz("one more", "generic", program))
        step = 1e-3
        points = np.append(grown.theta, 0.0) + np.outer(step * np.array([-2, -1, 1, 2]), np.eye(2)[1])
        values = np.array([float(objective.loss(point)) for point in points])
        gradients.append((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step))
    every = program_of(list(pool.elements), 8, None, grown.ansatz.program)
    theta = np.concatenate([grown.theta, np.zeros(len(pool))])
    swept = np.asarray(qvar.energy(h4, qvar.Ansatz("all", "generic", every)).value_and_grad(theta)[1])[1:]
    np.testing.assert_allclose(swept[:: len(pool) // 12], gradients, atol=1e-10)
    assert steps[-1].pool_norm == pytest.approx(np.linalg.norm(swept), abs=1e-12)
    assert steps[-1].largest_gradient == pytest.approx(np.abs(swept).max(), abs=1e-12)


@pytest.mark.parametrize("engine", ["auto", "dense"])
@pytest.mark.parametrize("rotation", ["RY", "RZ"])
def test_gradients_after_a_circuit_of_real_or_complex_states(
    rotation: str, engine: Literal["auto", "dense"], h4: qvar.Problem
) -> None:
    """The pool acts on a state; oracle: the circuit with all elements of the pool."""
    base = qvar.hardware_efficient(h4, layers=1, rotations=(rotation,), entangler="cz_chain")
    pool = qvar.pool("qubit_gsd", h4)
    grown = qvar.adapt(h4, pool, base=base, engine=engine, max_operators=2)
    every = program_of(list(pool.elements), 8, None, grown.ansatz.program)
    theta = np.concatenate([grown.theta, np.zeros(len(pool))])
    swept = np.asarray(qvar.energy(h4, qvar.Ansatz("all", "generic", every), engine="dense").value_and_grad(theta)[1])
    assert grown.pool_norms[-1] == pytest.approx(np.linalg.norm(swept[base.n_params + 2 :]), abs=1e-10)


def test_elements_with_several_angles_grow_as_one(h4_long: qvar.Problem) -> None:
    """The size of a derivative is the norm over the element's angles; angles without a derivative are left out."""
    pool = qvar.pool("ceo_mvp", h4_long)
    grown = qvar.adapt(h4_long, pool, max_operators=8)
    single = qvar.adapt(h4_long, "qubit_gsd", max_operators=1)
    np.testing.assert_allclose(grown.pool_norms[:1], single.pool_norms[:1], rtol=0, atol=1e-12)
    assert grown.operators[0].count("<-") == 1  # one excitation of a quartet moves the reference determinant
    assert max(name.count("<-") for name in grown.operators) > 1
    assert [step.n_operators for step in grown.steps] == list(range(9))
    angles = [name.count("<-") for name in grown.operators]
    assert [step.n_params for step in grown.steps] == np.cumsum([0, *angles]).tolist()
    assert grown.cnots.tolist() == [13 * step.n_operators for step in grown.steps]
    assert np.all(np.diff(grown.values) < 0)
    excitations = qvar.pool("qubit_gsd", h4_long).elements
    products = {operation: element for element in excitations for _, operation in element.terms}
    every = program_of([products[one] for element in pool.elements for _, one in element.terms], 8, None,
                       grown.ansatz.program)  # fmt: skip
    theta = np.concatenate([grown.theta, np.zeros(len(excitations))])
    swept = np.asarray(qvar.energy(h4_long, qvar.Ansatz("all", "generic", every)).value_and_grad(theta)[1])
    sizes = pool.sizes(swept[len(grown.theta) :])
    assert grown.steps[-1].largest_gradient == pytest.approx(sizes.max(), abs=1e-12)
    with pytest.raises(
        qvar.QvarError, match="`select` must not be 'energy' if elements have several angles, as in ceo"
    ):
        qvar.adapt(h4_long, pool, select="energy")
    optimized = qvar.adapt(h4_long, pool, select="optimized", max_operators=2)
    assert optimized.value <= grown.values[2] + 1e-10


def test_pruning_removes_all_angles_of_an_element(h4: qvar.Problem) -> None:
    """The one in the middle has the smallest norm of its three angles; the others are optimized from where they are."""
    pool = qvar.pool("ceo_mvp", h4)
    elements = [next(one for one in pool.elements if one.n_params == number) for number in (1, 3, 2)]
    circuit = GrowingCircuit(h4, pool, None, "auto", "one")
    limits = _Limits(9, 0.0, None, None, np.inf)
    growth = _Growth(circuit, limits, qvar.GrowthRules(prune=True), qvar.bfgs(), qvar.Budget(gradients=1))
    theta = np.array([0.3, 1e-3, -2e-3, 1e-3, 0.2, -0.1])
    ansatz = circuit.ansatz(elements)
    now = _Trained(Point(elements, ansatz, circuit.objective(ansatz), theta), 0.0, np.diag(np.arange(6.0)))
    without, removed = growth._pruned(now, 1, before=0.0)
    assert removed == [elements[1]]
    assert without.point.elements == [elements[0], elements[2]]
    assert without.point.ansatz.n_params == len(without.point.theta) == 3
    start = float(circuit.objective(without.point.ansatz).loss(theta[[0, 4, 5]]))
    assert without.value <= start


def test_coupled_exchanges_on_stretched_lih() -> None:
    """A run of the code of Ramoa et al. (2024): 15 parameters, 107 CNOTs in 30 layers."""
    lih = qvar.molecule("Li 0 0 0; H 0 0 3.0", basis="sto-3g")
    grown = qvar.adapt(lih, "ceo", grow="tetris", error=1.5936e-3, max_operators=40)
    costs = grown.ansatz.resources()
    assert (grown.ansatz.n_params, costs.two_qubit_gates, costs.cnot_depth) == (15, 107, 30)
    assert grown.value == pytest.approx(-7.7979097, abs=1e-7)


def test_tetris_adds_elements_that_share_no_qubit(h4: qvar.Problem) -> None:
    grown = qvar.adapt(h4, "qubit_gsd", grow="tetris", max_operators=4)
    assert len(grown.steps[1].chosen) == 2
    wires = [{int(mode) for mode in name.split() if mode.isdigit()} for name in grown.steps[1].chosen]
    assert not wires[0] & wires[1]
    single = qvar.adapt(h4, "qubit_gsd", max_operators=1)
    assert grown.steps[1].chosen[0] == single.steps[1].chosen[0]


def test_gradient_per_cnot_takes_cheaper_elements(h4: qvar.Problem) -> None:
    for pool in ("qubit_gsd", "ceo"):
        usual, cheap = (
            qvar.adapt(h4, pool, select=rule, max_operators=3) for rule in ("gradient", "gradient_per_cnot")
        )
        assert cheap.cnots[-1] <= usual.cnots[-1]


def test_ends(h4: qvar.Problem, h2: qvar.Problem) -> None:
    exact = qvar.adapt(h2, "sd")
    assert exact.status is GrowthEnd.GRADIENT
    assert exact.errors[-1] == pytest.approx(0.0, abs=1e-9)
    assert (exact.n_operators, exact.cnots[-1]) == (1, 13)
    near = qvar.adapt(h4, "gsd", error=5e-3)
    assert near.status is GrowthEnd.ERROR
    assert near.errors[-1] < 5e-3 <= near.errors[-2]
    cheap = qvar.adapt(h4, "qubit_gsd", max_cnots=30)
    assert cheap.status is GrowthEnd.CNOTS
    assert cheap.cnots[-1] <= 30
    assert qvar.adapt(h4, "qubit_gsd", seconds=1e-9).status is GrowthEnd.SECONDS
    assert qvar.adapt(h2, "pairs", gradient_norm=0.0).status is GrowthEnd.STALLED


def test_growth_after_another_circuit(h4: qvar.Problem) -> None:
    base = qvar.hardware_efficient(h4, layers=1, rotations=("RZ",), entangler="cz_chain")
    grown = qvar.adapt(h4, "qubit_gsd", base=base, max_operators=1)
    assert grown.ansatz.n_params == base.n_params + 1
    assert grown.value < grown.values[0]


def test_the_inverse_hessian_of_the_step_before_saves_evaluations(h4: qvar.Problem) -> None:
    recycled, fresh = (qvar.adapt(h4, "qubit_gsd", max_operators=9, method=own) for own in (None, qvar.lbfgs()))
    assert recycled.operators == fresh.operators
    np.testing.assert_allclose(recycled.values, fresh.values, atol=1e-9)
    assert recycled.evaluations[-1] < 0.9 * fresh.evaluations[-1]


def test_evaluations_and_values(h4: qvar.Problem) -> None:
    grown = qvar.adapt(h4, "gsd", max_operators=3)
    assert np.all(np.diff(grown.values) < 0)
    assert np.all(np.diff(grown.evaluations) > 0)
    assert grown.values[0] == pytest.approx(h4.reference_energy, abs=1e-10)
    assert repr(grown).startswith("Adapted(")


def test_what_adapt_refuses(h4: qvar.Problem, h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match="`source` must be an Ansatz or one of"):
        qvar.adapt(h4, "everything")
    with pytest.raises(qvar.QvarError, match="`pool` must have 8 qubits as the problem, but has 4"):
        qvar.adapt(h4, qvar.pool("sd", h2))
    with pytest.raises(qvar.QvarError, match="`max_operators` must be"):
        qvar.adapt(h4, "sd", max_operators=0)
    with pytest.raises(qvar.QvarError, match="`gradient_norm` must not be negative"):
        qvar.adapt(h4, "sd", gradient_norm=-1.0)
    with pytest.raises(qvar.QvarError, match="`error` must be positive"):
        qvar.adapt(h4, "sd", error=0.0)
    with pytest.raises(qvar.QvarError, match="`select` must be"):
        qvar.adapt(h4, "sd", select="largest")  # type: ignore[arg-type]


def test_an_error_needs_the_exact_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(problem: qvar.Problem, **_: object) -> float:
        raise qvar.QvarError("too large")

    monkeypatch.setattr(qvar.Problem, "exact_energy", unknown)
    with pytest.raises(qvar.QvarError, match="`error` must be None if the exact energy of the problem is not known"):
        qvar.adapt(qvar.hydrogen_chain(2), "sd", error=1e-3)
    assert np.isnan(qvar.adapt(qvar.hydrogen_chain(2), "sd").steps[-1].error)
