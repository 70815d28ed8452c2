"""Symmetries of states that are known in closed form."""

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.engines.symmetry_expectations import mapped_symmetries
from qvar.problems.exact_energy import pauli_matrix


def test_reference_determinants(h4: qvar.Problem) -> None:
    for engine in ("dense", "sector"):
        objective = qvar.energy(h4, qvar.uccsd(h4), engine=engine)
        found = objective.measure(np.zeros(26))
        assert found == pytest.approx({"particle_number": 4.0, "sz": 0.0, "s2": 0.0}, abs=1e-12)


@pytest.mark.parametrize(
    ("bits", "number", "sz", "s2"),
    [
        ((1, 0, 1, 0), 2, 1.0, 2.0),  # two parallel spins: a triplet
        ((1, 0, 0, 1), 2, 0.0, 1.0),  # half singlet, half triplet
        ((0, 1, 0, 0), 1, -0.5, 0.75),
        ((1, 1, 1, 1), 4, 0.0, 0.0),
        ((0, 0, 0, 0), 0, 0.0, 0.0),
    ],
)
def test_determinants(h2: qvar.Problem, bits, number: float, sz: float, s2: float) -> None:
    def function(theta):
        qml.BasisState(np.array(bits), wires=range(4))
        qml.ControlledPhaseShift(theta[0], wires=[0, 1])

    ansatz = qvar.Ansatz.from_circuit(function, 4, 1)
    for engine in ("dense", "sector"):
        found = qvar.energy(h2, ansatz, engine=engine).measure(np.zeros(1))
        assert found == pytest.approx({"particle_number": number, "sz": sz, "s2": s2}, abs=1e-12)


@pytest.mark.parametrize(("angle", "s2"), [(np.pi / 2, 0.0), (-np.pi / 2, 2.0)])
def test_open_shell_singlet_and_triplet(h2: qvar.Problem, angle: float, s2: float) -> None:
    """(|up down> +- |down up>)/sqrt 2 on two orbitals, alpha operators first."""

    def function(theta):
        qml.BasisState(np.array([1, 0, 0, 1]), wires=range(4))
        qml.FermionicDoubleExcitation(theta[0], wires1=[0, 1], wires2=[2, 3])
        qml.DoubleExcitation(theta[1], wires=[1, 2, 0, 3])

    ansatz = qvar.Ansatz.from_circuit(function, 4, 2)
    both = [
        qvar.energy(h2, ansatz, engine=engine).measure(np.array([0.0, sign * angle]))["s2"]
        for engine in ("dense", "sector")
        for sign in (1,)
    ]
    other = qvar.energy(h2, ansatz, engine="dense").measure(np.array([0.0, -angle]))["s2"]
    assert both[0] == pytest.approx(both[1], abs=1e-12)
    assert sorted([both[0], other]) == pytest.approx([0.0, 2.0], abs=1e-12)


def test_engines_agree_on_a_spin_contaminated_state(h4: qvar.Problem) -> None:
    ansatz = qvar.uccsd(h4)
    theta = 0.4 * np.asarray(jax.random.normal(jax.random.key(0), (26,)))
    dense = qvar.energy(h4, ansatz, engine="dense").measure(theta)
    sector = qvar.energy(h4, ansatz, engine="sector").measure(theta)
    assert dense == pytest.approx(sector, abs=1e-11)
    assert sector["s2"] > 0.01


def test_spin_square_of_pyscf(h4: qvar.Problem) -> None:
    from pyscf import fci

    ansatz = qvar.uccsd(h4)
    theta = 0.4 * np.asarray(jax.random.normal(jax.random.key(1), (26,)))
    objective = qvar.energy(h4, ansatz, engine="sector")
    expected, _ = fci.spin_op.spin_square0(np.asarray(objective.state(theta)), 4, (2, 2))
    assert objective.measure(theta)["s2"] == pytest.approx(expected, abs=1e-10)


def numbers(state: np.ndarray, mapped: qvar.Problem) -> tuple[float, float]:
    found = mapped_symmetries(state, mapped.decoding)
    return found["particle_number"], found["sz"]


@pytest.mark.parametrize("mapping", ["jordan_wigner", "parity", "bravyi_kitaev"])
@pytest.mark.parametrize("taper", [False, True])
def test_eigenstates_of_mapped_problems_have_whole_numbers(mapping: str, taper: bool) -> None:
    """The levels of H3+ with one electron of each spin: singlets and triplets; S^2 sees the signs of amplitudes."""
    ion = qvar.hydrogen_chain(3, bond=0.9, charge=1)
    mapped = ion.mapped(mapping, taper=taper)
    matrix, n = pauli_matrix(mapped.pauli).toarray(), mapped.n_qubits
    inside = [k for k in range(2**n) if np.allclose(numbers(np.eye(2**n)[k], mapped), (2, 0))]
    values, vectors = np.linalg.eigh(matrix[np.ix_(inside, inside)])
    expected, levels = {spin: ion.exact_energy(spin=spin) for spin in (0, 2)}, {}
    for value, vector in zip(values, vectors.T, strict=True):
        state = np.zeros(2**n)
        state[inside] = vector
        levels.setdefault(round(mapped_symmetries(state, mapped.decoding)["s2"], 6), value)
    assert levels[0.0] == pytest.approx(expected[0], abs=1e-9)
    if not taper:
        assert levels[2.0] == pytest.approx(expected[2], abs=1e-9)


def test_a_circuit_on_mapped_qubits_says_its_electrons(h2: qvar.Problem) -> None:
    mapped = h2.mapped("parity")
    ansatz = qvar.Ansatz.from_circuit(lambda theta: qml.RX(theta[0], wires=3), 4, 1)
    found = qvar.energy(mapped, ansatz, engine="dense").measure(np.array([np.pi]))
    assert found == pytest.approx({"particle_number": 1.0, "sz": -0.5, "s2": 0.75}, abs=1e-9)
