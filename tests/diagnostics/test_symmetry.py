"""Symmetry leakage, against dense matrices and closed forms."""

from dataclasses import fields

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.symmetry import SymmetryLeakage, leakage_along, symmetry_leakage
from qvar.objective import Objective


def counts(n_qubits: int) -> tuple[np.ndarray, np.ndarray]:
    """Spin-up and spin-down electrons in each basis state, written out."""
    bits = np.array([[int(letter) for letter in format(k, f"0{n_qubits}b")] for k in range(2**n_qubits)])
    return bits[:, 0::2].sum(axis=1), bits[:, 1::2].sum(axis=1)


def check(found: object, state: np.ndarray, problem: qvar.Problem) -> None:
    """Every field of a record from PennyLane's observables and a projector."""
    n, m = problem.n_qubits, problem.n_orbitals
    raises = qml.jordan_wigner(sum(qml.FermiC(2 * p) * qml.FermiA(2 * p + 1) for p in range(m)))
    matrix, number, sz, up_one = (
        np.asarray(qml.matrix(each, wire_order=range(n)))
        for each in (problem.hamiltonian(), qml.qchem.particle_number(n), qml.qchem.spinz(n), raises)
    )
    s2 = up_one.conj().T @ up_one + sz @ sz + sz  # PennyLane's own holds for one number of electrons only

    def mean(operator: np.ndarray, of: np.ndarray = state) -> float:
        return float((of.conj() @ operator @ of).real / (of.conj() @ of).real)

    up, down = counts(n)
    right = (up == problem.n_alpha) & (down == problem.n_beta)
    inside, outside = np.where(right, state, 0.0), np.where(right, 0.0, state)
    weight = float((inside.conj() @ inside).real)
    per_sector = [
        mean(matrix, np.where((up == a) & (down == b), state, 0.0)) for a in range(m + 1) for b in range(m + 1)
    ]
    assert found.energy == pytest.approx(mean(matrix), abs=1e-10)
    assert found.weight == pytest.approx(weight, abs=1e-12)
    assert found.leakage == pytest.approx(1 - weight, abs=1e-12)
    assert found.projected_energy == pytest.approx(mean(matrix, inside), abs=1e-10)
    assert found.leaked_energy == pytest.approx(mean(matrix, outside), abs=1e-10)
    assert found.lowest_energy == pytest.approx(min(per_sector), abs=1e-10)
    assert found.particle_number == pytest.approx(mean(number), abs=1e-12)
    assert found.particle_number_variance == pytest.approx(mean(number @ number) - mean(number) ** 2, abs=1e-12)
    assert found.sz == pytest.approx(mean(sz), abs=1e-12)
    assert found.sz_variance == pytest.approx(mean(sz @ sz) - mean(sz) ** 2, abs=1e-12)
    assert found.s2 == pytest.approx(mean(s2), abs=1e-12)
    assert found.price == pytest.approx(mean(matrix) - mean(matrix, inside), abs=1e-10)
    assert found.price == pytest.approx((1 - weight) * (found.leaked_energy - found.projected_energy), abs=1e-10)
    assert found.price_millihartree == pytest.approx(1000 * found.price)


@pytest.mark.parametrize("molecule", ["h2", "h4"])
def test_hardware_efficient_states_against_matrices(molecule: str, request: pytest.FixtureRequest) -> None:
    problem = request.getfixturevalue(molecule)
    objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=1))
    theta = np.asarray(objective.initial(jax.random.key(3), "uniform"))
    check(symmetry_leakage(objective, theta, problem=problem), np.asarray(objective.state(theta)), problem)


def half_filled(theta: np.ndarray) -> None:
    """cos |1000> + sin |1100>: the ion, and the molecule."""
    qml.PauliX(0)
    qml.RY(2 * theta[0], wires=1)


def test_an_ion_and_its_molecule(h2: qvar.Problem) -> None:
    """The part that lost an electron has the energy of one orbital, and lies above."""
    objective = qvar.energy(h2, qvar.Ansatz.from_circuit(half_filled, 4, 1))
    ion = h2.integrals.core_energy + h2.integrals.one_body[0, 0]
    found = symmetry_leakage(objective, [0.6], problem=h2)
    assert found.weight == pytest.approx(np.sin(0.6) ** 2, abs=1e-14)
    assert found.projected_energy == pytest.approx(h2.reference_energy, abs=1e-12)
    assert found.leaked_energy == pytest.approx(ion, abs=1e-12)
    assert found.lowest_energy == found.projected_energy
    assert found.price == pytest.approx(np.cos(0.6) ** 2 * (ion - h2.reference_energy), abs=1e-12)
    assert found.price > 0
    assert found.particle_number == pytest.approx(1 + np.sin(0.6) ** 2, abs=1e-14)
    assert found.s2 == pytest.approx(0.75 * np.cos(0.6) ** 2, abs=1e-14)


def test_a_lower_wrong_sector_has_a_negative_price() -> None:
    """A cation that would rather have its electron back: the energy flatters."""
    ion = qvar.molecule("H 0 0 0; H 0 0 0.7414", basis="sto-3g", charge=1, spin=1)
    objective = qvar.energy(ion, qvar.Ansatz.from_circuit(half_filled, 4, 1))
    found = symmetry_leakage(objective, [0.6], problem=ion)
    assert found.weight == pytest.approx(np.cos(0.6) ** 2, abs=1e-14)
    assert found.price < 0
    assert found.lowest_energy == pytest.approx(found.leaked_energy, abs=1e-12)
    assert found.lowest_energy < found.projected_energy - 0.1


def test_nothing_inside_and_nothing_outside(h2: qvar.Problem) -> None:
    objective = qvar.energy(h2, qvar.Ansatz.from_circuit(half_filled, 4, 1))
    path = leakage_along(objective, [[0.0], [np.pi / 2]], problem=h2)
    assert path.weight == pytest.approx([0.0, 1.0], abs=1e-14)
    assert np.isnan(path.projected_energy).tolist() == [True, False]
    assert np.isnan(path.leaked_energy).tolist() == [False, True]
    assert path.price[1] == pytest.approx(0.0, abs=1e-12)


def test_along_a_path(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    objective = qvar.energy(h2, qvar.hardware_efficient(h2, layers=1))
    thetas = np.asarray(objective.initial_batch(jax.random.key(0), 5, "uniform"))
    path = leakage_along(objective, thetas, problem=h2)
    for k, theta in enumerate(thetas):
        one = symmetry_leakage(objective, theta, problem=h2)
        for name, value in vars(one).items():
            assert isinstance(value, float)
            assert getattr(path, name)[k] == pytest.approx(value, abs=1e-12)
    assert path.price.shape == (5,)
    monkeypatch.setenv("QVAR_MEMORY", "1500b")  # two points at a time
    again = leakage_along(objective, thetas, problem=h2)
    assert again.projected_energy == pytest.approx(path.projected_energy, abs=1e-13)
    assert leakage_along(objective, np.zeros((0, objective.n_params)), problem=h2).weight.shape == (0,)


def test_nothing_leaks_in_the_sector_engine(h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h4)
    sector, dense = (qvar.energy(h4, ansatz, engine=engine) for engine in ("sector", "dense"))
    theta = 0.3 * np.asarray(sector.initial(jax.random.key(2), "uniform"))
    one, other = (symmetry_leakage(each, theta, problem=h4) for each in (sector, dense))
    assert one.weight == 1.0
    assert one.price == one.leakage == one.particle_number_variance == one.sz_variance == 0.0
    assert other.weight == pytest.approx(1.0, abs=1e-12)
    assert np.isnan(one.leaked_energy)
    assert np.isnan(other.leaked_energy)
    for name in ("energy", "projected_energy", "lowest_energy", "particle_number", "sz", "s2"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-10)
    assert one.s2 > 1e-3  # factors break it, though no electron leaks


def test_a_sector_of_all_spins_leaks_as_the_register_does(h4: qvar.Problem) -> None:
    ansatz = qvar.particle_conserving_u1(h4, layers=2)
    sector, dense = (qvar.energy(h4, ansatz, engine=engine) for engine in ("sector", "dense"))
    thetas = np.random.default_rng(2).normal(size=(3, ansatz.n_params))
    ours, theirs = (leakage_along(one, thetas, problem=h4) for one in (sector, dense))
    assert ours.leakage.min() > 0.01
    assert ours.sz_variance.min() > 0.01
    for one in fields(SymmetryLeakage):
        np.testing.assert_allclose(getattr(ours, one.name), getattr(theirs, one.name), rtol=0, atol=1e-12)
    with pytest.raises(qvar.QvarError, match=r"^`problem` must have the qubits of the objective, but .* has 4\.$"):
        symmetry_leakage(sector, thetas[0], problem=qvar.molecule("H 0 0 0; H 0 0 0.7414"))


def test_spin_models_count_ones() -> None:
    problem = qvar.xxz(4, delta=0.7)
    objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=1))
    theta = np.asarray(objective.initial(jax.random.key(1), "uniform"))
    found, state = symmetry_leakage(objective, theta, problem=problem), np.asarray(objective.state(theta))
    ones = np.array([bin(k).count("1") for k in range(16)])
    matrix = np.asarray(qml.matrix(problem.hamiltonian(), wire_order=range(4)))
    inside = np.where(ones == 2, state, 0.0)
    weight = float((inside.conj() @ inside).real)
    assert found.weight == pytest.approx(weight, abs=1e-13)
    assert found.projected_energy == pytest.approx(float((inside.conj() @ matrix @ inside).real) / weight, abs=1e-12)
    assert found.particle_number == pytest.approx(float(np.abs(state) ** 2 @ ones), abs=1e-13)
    assert np.isnan([found.sz, found.sz_variance, found.s2]).all()


def test_spin_models_in_a_sector() -> None:
    problem = qvar.xxz(4, delta=0.7)
    objective = qvar.energy(problem, qvar.hva(problem, layers=1))
    assert objective.engine == "sector"
    found = symmetry_leakage(objective, np.full(objective.n_params, 0.3), problem=problem)
    assert (found.weight, found.price, found.particle_number) == (1.0, 0.0, 2.0)


def test_what_is_refused(h2: qvar.Problem, h4: qvar.Problem) -> None:
    ising = qvar.tfim(4)
    small: Objective = qvar.energy(ising, qvar.hardware_efficient(ising, layers=1))
    with pytest.raises(qvar.QvarError, match=r"^`problem` must conserve the number of ones, but .* does not\.$"):
        symmetry_leakage(small, np.zeros(small.n_params), problem=ising)
    with pytest.raises(qvar.QvarError, match=r"^`problem` must have the qubits of the objective, but .* has 8\.$"):
        symmetry_leakage(small, np.zeros(small.n_params), problem=h4)
    other = qvar.energy(h2, qvar.uccsd(h2))
    with pytest.raises(qvar.QvarError, match=r"^`problem` must have the electrons of the objective, but .*\.$"):
        symmetry_leakage(other, np.zeros(3), problem=h4)
    with pytest.raises(qvar.QvarError, match=r"^`thetas` must have shape \(n, 3\), but has shape \(3,\)\.$"):
        leakage_along(other, np.zeros(3), problem=h2)
