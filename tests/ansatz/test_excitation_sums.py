"""Exact exponentials of sums of excitations: against Jordan-Wigner matrices, PennyLane, differences and eigenvalues."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pennylane as qml
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import expm_multiply
from twin import twin_state

import qvar
from qvar.ansatz.excitation_sums import MOST_MODES, collected, commute, gaps, modes_of, planes, terms_of, word_of
from qvar.ansatz.frequencies import frequencies, harmonics
from qvar.ansatz.parameter_shift import parameter_shift_energies
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.diagnostics.lie_generators import circuit_generators
from qvar.diagnostics.shots import gate_shift_rule

Sum = list[tuple[float, tuple[int, ...], tuple[int, ...]]]


def singlet(p: int, q: int, r: int, s: int, coupling: str) -> Sum:
    """Grimsley et al. (2019), written out: product of two spin-adapted pairs, in spin orbitals."""
    same, crossed = (1.0, 1.0) if coupling == "triplet" else (1.0, -1.0)
    terms = [(2.0, 0, 0, 0, 0), (2.0, 1, 1, 1, 1)] if coupling == "triplet" else []
    terms += [(same, 0, 0, 1, 1), (same, 1, 1, 0, 0), (crossed, 0, 1, 1, 0), (crossed, 1, 0, 0, 1)]
    # a+_r a_p a+_s a_q = a+_r a+_s a_q a_p
    return [(c, (2 * r + a, 2 * s + g), (2 * q + d, 2 * p + b)) for c, a, b, g, d in terms]


ELEMENTS: dict[str, Sum] = {
    "pp rs": singlet(0, 0, 3, 1, "singlet"),
    "pq pr singlet": singlet(1, 4, 1, 2, "singlet"),
    "pq pr triplet": singlet(2, 0, 2, 4, "triplet"),
    "pq qr triplet": singlet(0, 3, 3, 4, "triplet"),
    "pp pr": singlet(3, 3, 3, 1, "singlet"),
    "pq rs singlet": singlet(4, 0, 1, 3, "singlet"),
    "pq rs triplet": singlet(3, 1, 0, 4, "triplet"),
    "pr qs triplet": singlet(0, 2, 1, 4, "triplet"),
    "cycle": [(0.7, (2,), (0,)), (-0.4, (5,), (2,)), (1.3, (0,), (5,))],  # its blocks are not bipartite
    "no pattern": [(0.3, (8, 4), (1, 0)), (-1.1, (4, 1), (2, 8)), (0.6, (9, 0), (0, 2)), (0.2, (3,), (8,))],
    "pair": [(0.9, (6, 1), ())],
    "number": [(-0.4, (9, 6, 3), (3, 1, 0))],
    "pairs": [(0.5, (6, 1), ()), (0.8, (3, 1), ()), (-0.4, (6,), (3,))],  # changes the number of electrons
}
N = 10


def matrix_of(terms: Iterable[tuple[float, tuple[int, ...], tuple[int, ...]]]) -> sp.csr_array:
    """Sum of c (T - T^dagger) on the whole register by Kronecker products."""
    up, z, one = sp.csr_array([[0.0, 0.0], [1.0, 0.0]]), sp.csr_array(np.diag([1.0, -1.0])), sp.eye_array(2).tocsr()

    def creator(mode: int) -> sp.csr_array:
        result = sp.eye_array(1).tocsr()
        for wire in range(N):
            result = sp.kron(result, z if wire < mode else up if wire == mode else one).tocsr()
        return result

    total = sp.csr_array((1 << N, 1 << N))
    for c, created, annihilated in terms:
        product = sp.eye_array(1 << N).tocsr()
        for mode in created:
            product = product @ creator(mode)
        for mode in annihilated:
            product = product @ creator(mode).T
        total = total + c * (product - product.T)
    return total


def program_of(terms: Sum, *, permuted: bool = False) -> Program:
    """A start without symmetry, then the exponential of angle / 2 times the sum."""
    parts = collected(terms)
    modes, word = modes_of(parts), word_of(parts)
    builder = ProgramBuilder(N, 1)
    for wire in range(N):
        builder.add("RX", [wire], offset=0.3 + wire)
        builder.add("RY", [wire], offset=1.1 - wire)
    if permuted:  # the same sum, its modes in another order
        order = np.random.default_rng(len(word)).permutation(len(modes)).tolist()
        places = {modes[old]: new for new, old in enumerate(order)}
        moved = {tuple(tuple(places[mode] for mode in half) for half in key): c for key, c in parts.items()}
        text = ";".join(f"{c!r} {''.join(map(str, up))}<{''.join(map(str, down))}" for (up, down), c in moved.items())
        builder.add("ExcitationSum", [modes[old] for old in order], {0: 2.0}, word=text)
    else:
        builder.add("ExcitationSum", modes, {0: 2.0}, word=word)
    return builder.build()


@pytest.mark.parametrize("name", ELEMENTS)
def test_an_operation_is_the_exponential_of_its_sum(name: str) -> None:
    """On ten modes, with modes before, between and after those of the sum."""
    terms = ELEMENTS[name]
    start = twin_state(program_of(terms), np.zeros(1))
    expected = expm_multiply(0.83 * matrix_of(terms), start)
    np.testing.assert_allclose(twin_state(program_of(terms), np.array([0.83])), expected, rtol=0, atol=1e-12)
    permuted = program_of(terms, permuted=True)
    np.testing.assert_allclose(twin_state(permuted, np.array([0.83])), expected, rtol=0, atol=1e-12)
    if name in ("pq rs triplet", "no pattern", "pair", "number", "pairs"):
        ansatz = qvar.Ansatz("one", "generic", permuted)
        node = qml.QNode(
            lambda: (ansatz.circuit(np.array([0.83])), qml.state())[1], qml.device("default.qubit", wires=N)
        )
        np.testing.assert_allclose(np.asarray(node()), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["pq rs singlet", "cycle"])
def test_gradients_by_three_ways(name: str) -> None:
    """Of the energy of a random operator: reversed sweep, differences, PennyLane."""
    ansatz = qvar.Ansatz("one", "generic", program_of(ELEMENTS[name]))
    observable = qml.Z(0) @ qml.X(3) + 0.7 * qml.Y(1) @ qml.Y(8) + qml.Z(6) @ qml.Z(2)
    objective, point = qvar.expectation(observable, ansatz), 0.4

    @qml.qnode(qml.device("default.qubit", wires=N))
    def node(theta: object) -> object:
        ansatz.circuit(theta)
        return qml.expval(observable)

    value, gradient = objective.value_and_grad(np.array([point]))
    assert float(value) == pytest.approx(float(node(np.array([point]))), abs=1e-12)
    theta = qml.numpy.array([point], requires_grad=True)
    np.testing.assert_allclose(gradient, qml.grad(node)(theta), rtol=0, atol=1e-10)
    rule = gate_shift_rule(ansatz.program)  # shifts are of the angle, twice the parameter
    shifted = [float(objective.loss(np.array([point + 0.5 * shift]))) for shift in rule.shift]
    assert float(gradient[0]) == pytest.approx(rule.coefficient @ shifted, abs=1e-9)
    assert parameter_shift_energies(ansatz) == 2 * len(gaps(ansatz.program.words[-1]))


@pytest.mark.parametrize("name", ["pp rs", "pq rs triplet", "pairs"])
def test_gaps_are_those_of_all_eigenvalues(name: str) -> None:
    matrix = matrix_of(ELEMENTS[name])
    modes = modes_of(collected(ELEMENTS[name]))
    keep = [k for k in range(1 << N) if not any(k >> (N - 1 - wire) & 1 for wire in set(range(N)) - set(modes))]
    values = np.unique(np.round(np.linalg.eigvalsh(1j * matrix[keep][:, keep].toarray()), 8))
    expected = np.unique(np.round(np.abs(values[:, None] - values), 6))[1:]
    np.testing.assert_allclose(gaps(word_of(collected(ELEMENTS[name]))), expected, atol=1e-6)


def test_energies_are_polynomials_of_the_harmonics_or_said_not_to_be() -> None:
    """The spectrum of the energy along the angle, where one term makes two harmonics."""
    single = program_of([(0.5, (6, 3), (3, 1))])
    np.testing.assert_allclose(harmonics(single), [[0.5, 2.0]])
    assert np.isnan(frequencies(single)).all()
    assert np.isnan(harmonics(program_of(ELEMENTS["pq rs singlet"]))).all()  # 1 and sqrt 2
    objective = qvar.expectation(qml.Z(0), qvar.Ansatz("one", "generic", program_of(ELEMENTS["pp rs"])))
    with pytest.raises(qvar.QvarError, match="`objective` must be a trigonometric polynomial of each parameter"):
        qvar.minimize(objective, np.zeros(1), method=qvar.rotosolve())


def test_generator_of_the_lie_algebra_is_the_sum() -> None:
    builder = ProgramBuilder(N, 2)
    parts = collected(ELEMENTS["pq rs triplet"])
    builder.add("RX", [2], {0: 1.0})
    builder.add("ExcitationSum", modes_of(parts), {1: 2.0}, offset=0.0, word=word_of(parts))
    builder.add("RX", [2], {0: 1.0})
    circuit = circuit_generators(qvar.Ansatz("two", "generic", builder.build()))
    assert circuit.params == (0, 1, 0)
    words = circuit.generators[1].words
    operator = sum(
        c * qml.pauli.string_to_pauli_word(word)
        for word, c in zip(words, circuit.generators[1].coefficients, strict=True)
    )
    expected = 1j * matrix_of(ELEMENTS["pq rs triplet"]).toarray()
    np.testing.assert_allclose(qml.matrix(operator, wire_order=range(N)), expected, atol=1e-12)


def test_words() -> None:
    parts = collected([(1.0, (3,), (0,)), (0.5, (0,), (3,)), (0.1, (5, 2), (0, 1)), (-0.1, (2, 5), (1, 0))])
    assert parts == {((3,), (0,)): 0.5}
    assert collected([(1.0, (2, 1), (1, 2)), (1.0, (2, 2), (0, 1))]) == {}
    parts = collected((c, created, annihilated) for c, created, annihilated in ELEMENTS["no pattern"])
    assert terms_of(word_of(parts), modes_of(parts)) == parts
    assert len(modes_of(parts)) <= MOST_MODES
    assert commute("1.0 1<0;0.3 3<2")
    assert not commute("1.0 1<0;0.3 2<0")


def test_numbers_of_rotations() -> None:
    """Each is one pass over a part of the amplitudes; merged rotations do not depend on a spectator mode."""
    assert len(planes("1.0 32<01")) == 1
    sizes = {name: len(planes(word_of(collected(terms)))) for name, terms in ELEMENTS.items()}
    assert sizes["pp rs"] == 10
    assert sizes["pq pr singlet"] < 30
    assert sizes["pq rs singlet"] < 80
    assert sizes["pq rs triplet"] < 140
