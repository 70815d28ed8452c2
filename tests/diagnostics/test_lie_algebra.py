from itertools import product
from math import comb

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.lie_algebra import lie_closure, lie_dimension

X, Y, Z = qml.X, qml.Y, qml.Z


def ising(n: int, periodic: bool = False) -> list[object]:
    bonds = [Z(q) @ Z((q + 1) % n) for q in range(n if periodic else n - 1)]
    return [qml.sum(*bonds), qml.sum(*[X(q) for q in range(n)])]


def matchgates(n: int) -> list[object]:
    return [X(q) @ X(q + 1) for q in range(n - 1)] + [Z(q) for q in range(n)]


def exchange(n: int) -> list[object]:
    return [X(q) @ X(q + 1) + Y(q) @ Y(q + 1) for q in range(n - 1)]


def universal(n: int) -> list[object]:
    return [*matchgates(n), *[X(q) for q in range(n)]]


@pytest.mark.parametrize("n", [2, 3, 5, 8, 14])
def test_open_ising_with_two_angles(n: int) -> None:
    assert lie_dimension(ising(n)) == n * n


@pytest.mark.parametrize("n", [3, 4, 5, 8])
def test_periodic_ising_with_two_angles(n: int) -> None:
    # free fermions: one su(2) for each of the n momenta of both parities, u(1) of k = 0 and pi once; 3n - 1
    assert lie_dimension(ising(n, periodic=True)) == 3 * n - 1


@pytest.mark.parametrize("n", [2, 3, 6, 12, 20, 40])
def test_one_angle_for_each_term(n: int) -> None:
    assert lie_dimension(matchgates(n)) == n * (2 * n - 1)


@pytest.mark.parametrize("n", [2, 4, 7])
def test_exchange_of_neighbours(n: int) -> None:
    assert lie_dimension(exchange(n)) == n * (n - 1) // 2


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_all_operators(n: int) -> None:
    assert lie_dimension(universal(n)) == 4**n - 1
    if n <= 4:  # sums, one of them with an irrational share
        assert lie_dimension([*universal(n), X(0) + np.sqrt(2) * Z(1)]) == 4**n - 1


def random_generators(seed: int) -> list[object]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 4))
    generators = []
    for _ in range(rng.integers(2, 4)):
        terms = int(rng.integers(1, 4))
        words = rng.choice(["".join(letters) for letters in product("IXYZ", repeat=n)][1:], terms, replace=False)
        weights = rng.choice([1.0, -1.0, 0.5, rng.normal()], terms)
        wires = dict(enumerate(range(n)))
        generators.append(qml.dot(weights, [qml.pauli.string_to_pauli_word(str(w), wire_map=wires) for w in words]))
    return generators


@pytest.mark.parametrize("seed", range(25))
def test_against_pennylane(seed: int) -> None:
    generators = random_generators(seed)
    sentences = [generator.pauli_rep for generator in generators]
    expected = qml.lie_closure(sentences, pauli=True)
    assert lie_dimension(generators) == len(expected)


def test_basis_is_orthonormal_and_closed() -> None:
    algebra = lie_closure(ising(3))
    n, wires = 3, {0: 0, 1: 1, 2: 2}
    basis = []
    for one in algebra.basis:
        words = [qml.pauli.string_to_pauli_word(word, wire_map=wires) for word in one.words]
        basis.append(qml.matrix(qml.dot(one.coefficients.real, words), wire_order=range(n)))
    flat = np.array([b.ravel() for b in basis])
    np.testing.assert_allclose(flat.conj() @ flat.T / 2**n, np.eye(9), atol=1e-12)
    for a in basis:
        for b in basis:
            bracket = (1j * (a @ b - b @ a)).ravel()
            inside = flat.T @ (flat.conj() @ bracket) / 2**n
            np.testing.assert_allclose(inside, bracket, atol=1e-10)


def test_identity_and_multiples_do_not_count() -> None:
    assert lie_dimension([Z(0) + 3.0 * qml.Identity(0), 2.0 * Z(0)]) == 1
    assert lie_dimension([2.0 * qml.Identity(0)]) == 0
    assert lie_dimension([Z(0) + Z(1), Z(0) - Z(1), Z(0)]) == 2


def test_the_limit_is_said_and_never_returned() -> None:
    with pytest.raises(qvar.QvarError, match="`limit` must be at least"):
        lie_dimension(universal(4), limit=254)
    assert lie_dimension(universal(4), limit=255) == 255
    part = lie_closure([*universal(3), X(0) + Z(1)], limit=20)
    assert not part.complete
    assert 20 < part.dimension < 64
    assert lie_closure(universal(3)).complete


@pytest.mark.parametrize("n", [3, 4, 5])
def test_hardware_efficient_circuits(n: int) -> None:
    def dimension(rotations: tuple[str, ...], entangler: str, layers: int) -> int:
        return lie_dimension(qvar.hardware_efficient(n, layers=layers, rotations=rotations, entangler=entangler))  # type: ignore[arg-type]

    assert dimension(("RY",), "cnot_chain", 3) == 2 ** (n - 1) * (2**n - 1)
    assert dimension(("RY", "RZ"), "cz_chain", 2) == 4**n - 1
    assert dimension(("RY",), "cz_chain", 20) == n * (n + 1)


def test_free_fermions_stay_polynomial_in_wide_and_deep_circuits() -> None:
    deep = qvar.hardware_efficient(12, layers=60, rotations=("RY",), entangler="cz_chain")
    assert lie_dimension(deep) == 12 * 13
    assert lie_dimension(qvar.hva(qvar.tfim(12, periodic=False), layers=5)) == 144


def test_clifford_gates_between_rotations_are_not_lost() -> None:
    def circuit(theta: object) -> None:
        qml.RZ(theta[0], 0)  # type: ignore[index]
        qml.Hadamard(0)
        qml.RZ(theta[1], 0)  # type: ignore[index]

    assert lie_dimension(qvar.Ansatz.from_circuit(circuit, 1, 2)) == 3

    def shifted(theta: object) -> None:
        qml.RZ(theta[0], 0)  # type: ignore[index]
        qml.T(0)
        qml.RX(theta[1] + 0.3, 0)  # type: ignore[index]
        qml.RX(theta[1], 1)  # type: ignore[index]

    # RX on both wires is one generator: su(2) of wire 0 and u(1) of wire 1, which nested commutators lack
    assert lie_dimension(qvar.Ansatz.from_circuit(shifted, 2, 2)) == 4


@pytest.mark.parametrize(("n", "k"), [(4, 1), (4, 2), (6, 3)])
def test_all_operators_of_a_sector(n: int, k: int) -> None:
    generators = [*exchange(n), *[Z(q) for q in range(n)], Z(0) @ Z(1)]
    assert lie_dimension(generators, sector=k) == comb(n, k) ** 2 - 1


def test_one_excitation_of_an_exchange_chain_is_real() -> None:
    # hopping matrices i(E_pq - E_qp) after a change of signs: so(n)
    assert lie_dimension(exchange(5), sector=1) == 10
    assert lie_dimension([*exchange(5), Z(0)], sector=1) == 24


def test_electrons(h4: qvar.Problem) -> None:
    assert lie_dimension(qvar.uccsd(h4), sector=(2, 2)) == 36 * 35 // 2
    rotations = qvar.Ansatz.from_circuit(
        lambda theta: [qml.FermionicSingleExcitation(theta[k], [w, w + 1, w + 2]) for k, w in enumerate(range(6))], 8, 6
    )
    # so(4) for either spin, in any sector where both move
    assert lie_dimension(rotations, sector=(1, 2)) == 12
    assert lie_dimension(rotations, sector=(0, 2)) == 6
    basis = lie_closure(rotations, sector=(1, 2)).basis
    assert isinstance(basis, np.ndarray)
    assert basis.shape == (12, 24, 24)
    np.testing.assert_allclose(basis, basis.conj().swapaxes(1, 2))


def test_refusals() -> None:
    for wrong, words in [
        ([], "empty list"),
        (X(0), "list of PennyLane operators"),
        ([X(0) @ Y(0)], "Hermitian"),
        ([X("a")], "wires"),
        (["XX"], r"`generators\[0\]` must be a PennyLane observable"),
    ]:
        with pytest.raises(qvar.QvarError, match=words):
            lie_dimension(wrong)
    with pytest.raises(qvar.QvarError, match="leaves the sector"):
        lie_dimension(ising(4), sector=2)
    with pytest.raises(qvar.QvarError, match="at most 100 basis states"):
        lie_dimension(exchange(10), sector=5)
    with pytest.raises(qvar.QvarError, match="from 0 to 2 ones of each spin"):
        lie_dimension(exchange(4), sector=(3, 1))
    with pytest.raises(qvar.QvarError, match="`limit` must be at least 1"):
        lie_dimension(exchange(4), limit=0)
