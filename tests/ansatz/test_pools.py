"""Pools: their sizes, and elements that are anti-Hermitian operators as their names say."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from twin import twin_state

import qvar
from qvar.ansatz.pool_elements import program_of
from qvar.ansatz.pools import POOL_NAMES

SIZES = {
    "sd": 26, "gsd": 90, "singlet_sd": 14, "singlet_gsd": 66, "spin_complement_gsd": 81, "pairs": 6, "qubit_sd": 26,
    "qubit_gsd": 90, "ceo": 96, "ceo_mvp": 50, "minimal_v": 14, "minimal_g": 14,
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_sizes_on_h4(name: str, h4: qvar.Problem) -> None:
    """Singles 2 C(4,2) = 12; doubles 6 of equal spins, 6 * 12 of opposite ones; CEO 12 + 2 * 3 * 2 + 36 * 2.

    With several parameters there are 12 + 2 + 36: one for each set of four qubits.
    """
    assert len(qvar.pool(name, h4)) == SIZES[name]


def test_sizes_on_h6() -> None:
    """Grimsley et al. (2019)."""
    h6 = qvar.hydrogen_chain(6, 1.5)
    assert (len(qvar.pool("singlet_sd", h6)), len(qvar.pool("singlet_gsd", h6))) == (54, 330)


def test_size_of_the_generalized_pool_on_lih(lih: qvar.Problem) -> None:
    """Yordanov et al. (2021)."""
    assert len(qvar.pool("qubit_gsd", lih)) == 570


def matrix_of(pool: qvar.Pool, index: int, angle: float) -> np.ndarray:
    program = program_of([pool.elements[index]], pool.n_qubits, None)
    tape = qml.tape.make_qscript(qvar.Ansatz("one", "generic", program).circuit)(np.full(program.n_params, angle))
    return np.asarray(qml.matrix(tape, wire_order=range(pool.n_qubits)))


@pytest.mark.parametrize("name", POOL_NAMES)
def test_an_element_is_the_exponential_of_its_operator(name: str, h2: qvar.Problem) -> None:
    pool = qvar.pool(name, h2)
    number = sum(qml.matrix(qml.Z(wire), wire_order=range(4)) for wire in range(4))
    sz = sum((-1) ** wire * qml.matrix(qml.Z(wire), wire_order=range(4)) for wire in range(4))
    for index, element in enumerate(pool.elements):
        step = 1e-4
        generator = (matrix_of(pool, index, step) - matrix_of(pool, index, -step)) / (2 * step)
        np.testing.assert_allclose(generator, -generator.conj().T, atol=1e-11)
        unitary = matrix_of(pool, index, 0.7)
        np.testing.assert_allclose(unitary, _exponential(0.7 * generator), atol=1e-6)
        if "<-" not in element.name:
            assert pool.symmetries == ()
            continue
        for conserved in (number, sz):
            np.testing.assert_allclose(unitary @ conserved, conserved @ unitary, atol=1e-11)
        if "(" not in element.name:  # one excitation T - T^dagger, with or without its string
            created, annihilated = ([int(mode) for mode in part.split()] for part in element.name.split("<-"))
            expected = _excitation(created, annihilated, strings=not name.startswith(("qubit", "ceo")))
            np.testing.assert_allclose(generator, expected, atol=1e-7)


def _exponential(generator: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(1j * generator)
    return (vectors * np.exp(-1j * values)) @ vectors.conj().T


def _excitation(created: list[int], annihilated: list[int], *, strings: bool) -> np.ndarray:
    """a^+_c1 a^+_c2 a_a1 a_a2 minus its adjoint; Jordan-Wigner, or without Z."""
    up = np.array([[0, 0], [1, 0]])

    def ladder(mode: int, operator: np.ndarray) -> np.ndarray:
        result = np.eye(1)
        for wire in range(4):
            before = np.diag([1, -1]) if strings and wire < mode else np.eye(2)
            result = np.kron(result, operator if wire == mode else before)
        return result

    operator = np.eye(16)
    for mode in created:
        operator = operator @ ladder(mode, up)
    for mode in annihilated:
        operator = operator @ ladder(mode, up.T)
    return operator - operator.T


def test_normalization(h4: qvar.Problem) -> None:
    """Grimsley et al. (2019): T - T^dagger has two coefficients of size one."""
    plain, divided = (qvar.pool("ceo", h4, normalize=normalize) for normalize in (False, True))
    assert {round(element.norm**2) for element in plain.elements} == {2, 4}
    assert all(element.norm == pytest.approx(1.0, abs=1e-15) for element in divided.elements)


def test_cnots_of_elements(h4: qvar.Problem) -> None:
    cnots = {name: {element.cnots for element in qvar.pool(name, h4).elements} for name in SIZES}
    cnots["pauli_no_z"] = {element.cnots for element in qvar.pool("pauli_no_z", h4).elements}
    assert cnots["qubit_gsd"] == {2, 13}
    assert cnots["ceo"] == {2, 9}
    assert cnots["ceo_mvp"] == {2, 13}
    assert cnots["pauli_no_z"] == {2, 6}
    assert cnots["gsd"] >= {4, 13, 21}
    assert cnots["singlet_gsd"] >= {None, 8}
    products = qvar.pool("singlet_gsd", h4, product=True).elements
    assert all(element.cnots is not None and element.cnots >= 8 for element in products)
    assert {element.name: element.cnots for element in products}["(1 1 <- 0 0) singlet pairs"] == 13


def test_elements_with_several_angles(h4: qvar.Problem) -> None:
    """Ramoa et al. (2024): all qubit excitations on four qubits, three of one spin and two of both, at 13 CNOTs."""
    pool, excitations = qvar.pool("ceo_mvp", h4), qvar.pool("qubit_gsd", h4)
    assert sorted({element.n_params for element in pool.elements}) == [1, 2, 3]
    assert pool.n_params == excitations.size
    operations = {operation for element in pool.elements for _, operation in element.terms}
    assert operations == {operation for element in excitations.elements for _, operation in element.terms}
    assert all(len({frozenset(one.wires) for _, one in element.terms}) == 1 for element in pool.elements)
    three = next(element for element in pool.elements if element.n_params == 3)
    active = three.without_idle(np.array([0.2, 1e-9, -0.1]))
    assert [term in active.terms for term in three.terms] == [True, False, True]
    assert (active.name.count("<-"), active.cnots) == (2, 13)
    single = three.without_idle(np.array([1e-9, 1e-10, 1e-9]))
    assert single.n_params == 2  # the largest ones are left if all are idle
    assert three.without_idle(np.array([0.0, 0.0, 0.3])).name == three.name.split(", ")[2].strip("()")
    gradients = np.random.default_rng(0).standard_normal(pool.n_params)
    sizes = [np.linalg.norm(gradients[angles]) for angles in pool.angles]
    np.testing.assert_allclose(pool.sizes(gradients), sizes, rtol=1e-14)


def test_operations_of_an_ansatz_are_a_pool(h4: qvar.Problem) -> None:
    circuit = qvar.hardware_efficient(h4, layers=2, rotations=("RY",))
    own = qvar.pool(circuit, h4)
    assert (own.name, len(own)) == (circuit.name, 8)
    assert own.elements[0].name == "RY 0"
    assert len(qvar.pool(qvar.uccsd(h4), h4)) == 26


def test_what_a_pool_refuses(h4: qvar.Problem, h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"`source` must be an Ansatz or one of 'sd', .*, but is 'everything'"):
        qvar.pool("everything", h4)
    with pytest.raises(qvar.QvarError, match="`problem` must have a qubit for each spin orbital for the pool gsd"):
        qvar.pool("gsd", qvar.tfim(4))
    with pytest.raises(qvar.QvarError, match="`problem` must have a qubit for each spin orbital for the pool gsd"):
        qvar.pool("gsd", h4.mapped("parity"))
    with pytest.raises(qvar.QvarError, match="`source` must have 8 qubits as the problem, but has 4"):
        qvar.pool(qvar.uccsd(h2), h4)


@pytest.mark.parametrize("name", ["singlet_sd", "singlet_gsd", "spin_complement_gsd"])
def test_spin_adapted_pools(name: str, h4: qvar.Problem) -> None:
    """Norm 1 for singlets (Grimsley et al. 2019); singlets conserve the total spin, products of their terms do not."""
    pool = qvar.pool(name, h4)
    norms = [element.norm for element in pool.elements]
    np.testing.assert_allclose(norms, 1.0 if name.startswith("singlet") else np.round(norms, 12), atol=1e-12)
    assert ("s2" in pool.symmetries) == name.startswith("singlet")
    again = qvar.pool(name, h4, normalize=True)
    assert all(element.norm == pytest.approx(1.0) for element in again.elements)
    mixed = [element for element in pool.elements if not element.commutes]
    assert len(mixed) > 5
    ansatz = qvar.Ansatz("some", "constrained", program_of(mixed[::5], 8, h4.reference_bits))
    products = [element for element in pool.as_products().elements if not element.commutes][::5]
    apart = qvar.Ansatz("some", "constrained", program_of(products, 8, h4.reference_bits))
    theta = np.linspace(0.3, 0.9, ansatz.n_params)
    exact, product = (qvar.energy(h4, one) for one in (ansatz, apart))
    spins = [_s2(one, theta) for one in (exact, product)]
    assert spins[0] == pytest.approx(0.0, abs=1e-10) or not name.startswith("singlet")
    assert spins[1] > 1e-4
    at_zero = [one.value_and_grad(np.zeros(len(theta)))[1] for one in (exact, product)]
    np.testing.assert_allclose(*at_zero, rtol=0, atol=1e-12)


def _s2(objective: qvar.Objective, theta: np.ndarray) -> float:
    assert objective.measure is not None
    return objective.measure(theta)["s2"]


def test_pools_of_pennylane_operators(h4: qvar.Problem) -> None:
    """The same operator as of a named pool; a normal-ordered number operator; Pauli words."""
    pair = qml.FermiC(4) * qml.FermiC(5) * qml.FermiA(1) * qml.FermiA(0)
    hop = qml.FermiC(2) * qml.FermiA(0) * qml.FermiC(3) * qml.FermiA(3)
    words = 0.5j * qml.X(0) @ qml.Y(1) - 0.5j * qml.Y(0) @ qml.X(1)
    pool = qvar.pool([pair - pair.adjoint(), hop - hop.adjoint(), words], h4)
    assert pool.symmetries == ("particle_number", "sz") or pool.symmetries == ()
    assert [element.norm for element in pool.elements] == pytest.approx([2**0.5, 2**0.5, 0.5**0.5])
    named = next(one for one in qvar.pool("gsd", h4).elements if one.name == "4 5 <- 1 0")
    circuits = [
        qvar.Ansatz("one", "generic", program_of([one], 8, h4.reference_bits)) for one in (pool.elements[0], named)
    ]
    values = [float(qvar.energy(h4, one).loss(np.array([0.7]))) for one in circuits]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_operators_that_are_refused(h4: qvar.Problem) -> None:
    single = qml.FermiC(2) * qml.FermiA(0)
    large = [qml.FermiC(a) * qml.FermiA(b) for a, b in zip(range(1, 8), range(7), strict=True)]
    chain = sum((one - one.adjoint() for one in large[1:]), large[0] - large[0].adjoint())
    far = qml.FermiC(8) * qml.FermiA(0)
    wide = [chain + (far - far.adjoint())]
    for operators, sentence in (
        ([single], "`source` must hold anti-Hermitian PennyLane operators, but its operator 0 is not anti-Hermitian"),
        ([1j * (single + single.adjoint())], "operator 0 has a coefficient that is not real"),
        ([qml.X(0)], "operator 0 is not anti-Hermitian"),
        ([1j * qml.X(0) + 1j * qml.Z(0)], "operator 0 has Pauli words that do not commute"),
        ([qml.FermiC(0) - qml.FermiA(0)], "operator 0 has an odd number of creators and annihilators"),
        ([single - single], "operator 0 is zero"),
        ([3.0], "operator 0 is 3.0"),
        ([far - far.adjoint()], "`source` must use wires 0 to 7, but its operator 0 has 8"),
        ([], "`source` must give a pool with elements"),
    ):
        with pytest.raises(qvar.QvarError, match=sentence):
            qvar.pool(operators, h4)
    with pytest.raises(qvar.QvarError, match="`source` must hold operators on at most 8 modes if their terms do not"):
        qvar.pool(wide, qvar.hydrogen_chain(6, 1.5))
    with pytest.raises(qvar.QvarError, match="`problem` must have a closed-shell reference for the pool singlet_sd"):
        qvar.pool("singlet_sd", qvar.hydrogen_chain(3))


def test_minimal_pools_are_those_of_the_paper() -> None:
    """Tang et al. (2021), by their recursion; circuits of their words reach all real states of norm 1."""

    def recursion(n: int) -> set[str]:
        if n == 2:
            return {"ZY", "YI"}
        return {f"Z{word}" for word in recursion(n - 1)} | {"Y" + "I" * (n - 1), "IY" + "I" * (n - 2)}

    pools = {name: qvar.pool(name, qvar.tfim(4)) for name in ("minimal_v", "minimal_g")}
    words = {
        "".join(dict(_letters(one.name)).get(wire, "I") for wire in range(4)) for one in pools["minimal_v"].elements
    }
    assert words == recursion(4)
    for pool in pools.values():
        assert len(pool) == 2 * 4 - 2
        program = program_of(pool.elements * 5, 4, None)
        theta = np.random.default_rng(2).uniform(-2.0, 2.0, program.n_params)
        points = theta + 1e-5 * np.concatenate([np.eye(len(theta)), -np.eye(len(theta))])
        states = np.array([twin_state(program, point) for point in points])
        ahead, behind = np.split(states, 2)
        assert np.abs(states.imag).max() < 1e-12
        assert np.linalg.matrix_rank((ahead - behind).real / 2e-5, tol=1e-6) == 2**4 - 1


def _letters(name: str) -> list[tuple[int, str]]:
    return [(int(part[1:]), part[0]) for part in name.split()]


def test_terms_of_a_spin_model() -> None:
    """Words of H: ZZ and X; their products: ZY, which alone move the energy of a real state."""
    problem = qvar.tfim(4)
    pool = qvar.pool("terms", problem)
    names = {element.name for element in pool.elements}
    assert {"Z0 Z1", "X2", "Y0 Z1", "Z0 Y1"} <= names
    assert len(names) == len(pool) == 3 + 4 + 6
    grown = qvar.adapt(problem, pool, max_operators=3)
    assert np.all(np.diff(grown.values) < -0.1)
