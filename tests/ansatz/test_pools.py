"""Pools: their sizes, and elements that are anti-Hermitian operators as their names say."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.pools import POOL_NAMES, program_of


@pytest.mark.parametrize(
    ("name", "size"), [("sd", 26), ("gsd", 90), ("pairs", 6), ("qubit_sd", 26), ("qubit_gsd", 90), ("ceo", 96)]
)
def test_sizes_on_h4(name: str, size: int, h4: qvar.Problem) -> None:
    """Singles 2 C(4,2) = 12; doubles 6 of equal spins, 6 * 12 of opposite ones; CEO 12 + 2 * 3 * 2 + 2 * 30 + 6 * 2."""
    assert len(qvar.pool(name, h4)) == size


def test_size_of_the_generalized_pool_on_lih(lih: qvar.Problem) -> None:
    """Yordanov et al. (2021)."""
    assert len(qvar.pool("qubit_gsd", lih)) == 570


def matrix_of(pool: qvar.Pool, index: int, angle: float) -> np.ndarray:
    program = program_of([pool.elements[index]], pool.n_qubits, None)
    tape = qml.tape.make_qscript(qvar.Ansatz("one", "generic", program).circuit)(np.array([angle]))
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
        np.testing.assert_allclose(matrix_of(pool, index, 0.7), _exponential(0.7 * generator), atol=1e-6)
        if "<-" not in element.name:
            assert pool.symmetries == ()
            continue
        for conserved in (number, sz):
            np.testing.assert_allclose(generator @ conserved, conserved @ generator, atol=1e-11)
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
    cnots = {name: {element.cnots for element in qvar.pool(name, h4).elements} for name in POOL_NAMES}
    assert cnots["qubit_gsd"] == {2, 13}
    assert cnots["ceo"] == {2, 9}
    assert cnots["pauli_no_z"] == {2, 6}
    assert cnots["gsd"] >= {4, 13, 21}


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
