"""Fermionic excitations against the matrix exponential of PennyLane's Jordan-Wigner operators."""

import numpy as np
import pennylane as qml
import pytest
import scipy.linalg
from pennylane.fermi import FermiWord

import qvar
from qvar.ansatz.program import ProgramBuilder

N = 5


def _program(modes: tuple[int, ...] | None):
    rng = np.random.default_rng(0)
    builder = ProgramBuilder(N, 1)
    for wire in range(N):  # a state without symmetries, so that every sign shows
        builder.add("RY", (wire,), offset=rng.uniform(-2, 2))
        builder.add("RZ", (wire,), offset=rng.uniform(-2, 2))
    for wire in range(N - 1):
        builder.add("CNOT", (wire, wire + 1))
    if modes is not None:
        kind = "FermionicSingleExcitation" if len(modes) == 2 else "FermionicDoubleExcitation"
        builder.add(kind, modes, {0: 2.0})
    return qvar.Ansatz("excitation", "generic", builder.build())


@pytest.mark.parametrize(
    "modes",
    [(3, 1), (1, 3), (1, 2), (2, 3, 1, 0), (3, 2, 1, 0), (0, 1, 3, 4), (4, 0, 1, 3), (0, 3, 1, 2), (1, 4, 2, 0)],
)
def test_is_the_exponential_of_the_written_operator(modes: tuple[int, ...]) -> None:
    half = len(modes) // 2
    word = FermiWord({(place, mode): "+" if place < half else "-" for place, mode in enumerate(modes)})
    t = qml.matrix(qml.jordan_wigner(word), wire_order=range(N))
    theta = np.array([0.7])
    probe = qml.PauliZ(0)  # any observable makes the engine hand out the state
    before = np.asarray(qvar.expectation(probe, _program(None)).state(theta))
    expected = scipy.linalg.expm(0.7 * (t - t.conj().T)) @ before
    ansatz = _program(modes)
    ours = np.asarray(qvar.expectation(probe, ansatz).state(theta))
    np.testing.assert_allclose(ours, expected, atol=1e-12)

    @qml.qnode(qml.device("default.qubit", wires=N))
    def node():
        ansatz.circuit(theta)
        return qml.state()

    np.testing.assert_allclose(abs(np.vdot(node(), expected)), 1.0, atol=1e-12)


def test_uccsd_first_factor_acts_first(h2: qvar.Problem) -> None:
    """One single, alpha, then beta, then the double: the first op of the program excites wire 0 to wire 2."""
    program = qvar.uccsd(h2).program
    assert [program.op_wires(i) for i in range(3)] == [(2, 0), (3, 1), (2, 3, 1, 0)]
    doubles_first = qvar.uccsd(h2, order="doubles_first").program
    assert [doubles_first.op_wires(i) for i in range(3)] == [(2, 3, 1, 0), (2, 0), (3, 1)]


def test_canonical_order_of_h4(h4: qvar.Problem) -> None:
    program = qvar.uccsd(h4).program
    wires = [program.op_wires(i) for i in range(program.n_ops)]
    assert wires[:4] == [(4, 0), (5, 1), (6, 0), (7, 1)]  # i=0: a=2 alpha, beta; a=3 alpha, beta
    assert wires[8:10] == [(4, 6, 2, 0), (5, 7, 3, 1)]
    assert wires[10:14] == [(4, 5, 1, 0), (4, 7, 1, 0), (4, 5, 3, 0), (4, 7, 3, 0)]  # one alpha part together


@pytest.mark.parametrize(
    ("orbitals", "pairs", "expected"),
    [(2, 1, 3), (4, 2, 26), (6, 2, 92), (6, 3, 117), (7, 3, 204), (7, 5, 140), (10, 7, 609)],
    ids=["H2", "H4", "LiH", "H6", "BeH2", "H2O", "N2"],
)
def test_parameter_counts(orbitals: int, pairs: int, expected: int) -> None:
    class Occupation:
        n_qubits, n_orbitals = 2 * orbitals, orbitals
        reference_bits = (1,) * (2 * pairs) + (0,) * (2 * (orbitals - pairs))
        occupied_alpha = occupied_beta = tuple(range(pairs))

        def orbital_parities(self):
            return np.ones((0, orbitals), dtype=int)

        def amplitudes(self, method):
            return {}

    virtual = orbitals - pairs
    formula = 2 * pairs * virtual + 2 * (pairs * (pairs - 1) // 2) * (virtual * (virtual - 1) // 2)
    formula += (pairs * virtual) ** 2
    assert qvar.uccsd(Occupation()).n_params == expected == formula


def test_nothing_to_excite() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`problem` must have occupied and empty orbitals .* has none\.$"):
        qvar.uccsd(qvar.tfim(4))
