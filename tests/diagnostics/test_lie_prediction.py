from itertools import product as combinations
from math import comb

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.diagnostics.lie_algebra import lie_closure
from qvar.diagnostics.lie_prediction import lie_gradient_variance, lie_variance

X, Y, Z = qml.X, qml.Y, qml.Z
PAULI = {"I": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}
WORDS = ["".join(letters) for letters in combinations("IXYZ", repeat=2)]


def matchgates(n: int) -> list[object]:
    return [X(q) @ X(q + 1) for q in range(n - 1)] + [Z(q) for q in range(n)]


def universal(n: int, sums: bool = False) -> list[object]:
    return [*matchgates(n), *[X(q) for q in range(n)], *([X(0) + Z(1)] if sums else [])]


def random_state(rng: np.random.Generator, size: int) -> np.ndarray:
    state = rng.normal(size=size) + 1j * rng.normal(size=size)
    return state / np.linalg.norm(state)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 16])
def test_matchgates(n: int) -> None:
    assert lie_variance(matchgates(n), Z(0), state=[0] * n) == pytest.approx(1 / (2 * n - 1), rel=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_matchgates_as_sums(n: int) -> None:
    sums = [X(q) @ X(q + 1) + 0.3 * Z(q) for q in range(n - 1)] + [Z(q) for q in range(n)]
    assert lie_variance(sums, Z(0), state=[0] * n) == pytest.approx(1 / (2 * n - 1), rel=1e-9)


@pytest.mark.parametrize("sums", [False, True])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_haar_states(n: int, sums: bool) -> None:
    d = 2**n
    state = random_state(np.random.default_rng(n), d)
    assert lie_variance(universal(n, sums), Z(0) @ X(1), state=state) == pytest.approx(1 / (d + 1), rel=1e-9)
    real = [Y(q) for q in range(n)] + [Y(q) @ X(q + 1) for q in range(n - 1)] + ([Y(0) + 0.5 * Y(1)] if sums else [])
    assert lie_variance(real, Z(0) @ X(1), state=[0] * n) == pytest.approx(2 / (d + 2), rel=1e-9)


def test_circuits_bring_their_own_state_and_frame() -> None:
    d = 2**4
    real = qvar.hardware_efficient(4, layers=3, rotations=("RY",), entangler="cnot_chain")
    assert lie_variance(real, Z(0) @ Z(1)) == pytest.approx(2 / (d + 2), rel=1e-10)
    both = qvar.hardware_efficient(4, layers=2, rotations=("RY", "RZ"), entangler="cz_chain")
    assert lie_variance(both, Z(0) @ Z(1)) == pytest.approx(1 / (d + 1), rel=1e-10)
    assert lie_gradient_variance(both, Z(0) @ Z(1), state=None, generator=5) == pytest.approx(
        d**2 / (2 * (d - 1) * (d + 1) ** 2), rel=1e-10
    )


@pytest.mark.parametrize("sums", [False, True])
@pytest.mark.parametrize("n", [2, 3])
def test_gradients_of_random_circuits(n: int, sums: bool) -> None:
    d = 2**n
    generators, observable = universal(n, sums), Z(0) @ Z(1)
    middle = lie_gradient_variance(generators, observable, state=[0] * n, generator=X(0) / 2)
    assert middle == pytest.approx(d**2 / (2 * (d - 1) * (d + 1) ** 2), rel=1e-9)
    tilted = np.array([1.0])  # McClean et al. 2018: after RY(pi/4) on every qubit, mean over three axes
    for _ in range(n):
        tilted = np.kron(tilted, [np.cos(np.pi / 8), np.sin(np.pi / 8)])
    first = [
        lie_gradient_variance(generators, observable, state=tilted, generator=P(0) / 2, position="first")
        for P in (X, Y, Z)
    ]
    assert np.mean(first) == pytest.approx(d / (3 * (d**2 - 1)), rel=1e-9)


@pytest.mark.parametrize(("n", "k"), [(4, 1), (4, 2), (5, 2), (6, 3)])
def test_hamming_weight_sectors(n: int, k: int) -> None:
    generators = [X(q) @ X(q + 1) + Y(q) @ Y(q + 1) for q in range(n - 1)] + [Z(q) for q in range(n)] + [Z(0) @ Z(1)]
    expected = 4 * k * (n - k) / (n**2 * (comb(n, k) + 1))
    assert lie_variance(generators, Z(0), state=[1] * k + [0] * (n - k), sector=k) == pytest.approx(expected, rel=1e-10)
    state = random_state(np.random.default_rng(0), comb(n, k))
    assert lie_variance(generators, Z(0), state=state, sector=k) == pytest.approx(expected, rel=1e-10)


def test_molecule_in_its_sector() -> None:
    problem = qvar.hydrogen_chain(3, bond=1.1)  # two electrons with spin up, one with spin down
    ansatz = qvar.uccsd(problem)
    matrix = qml.matrix(problem.hamiltonian(), wire_order=range(6)).real
    bits = [[int(b) for b in f"{k:06b}"] for k in range(64)]
    inside = [k for k in range(64) if (sum(bits[k][::2]), sum(bits[k][1::2])) == (2, 1)]
    block = matrix[np.ix_(inside, inside)]
    d = len(inside)
    haar = 2 * (np.trace(block @ block) - np.trace(block) ** 2 / d) / (d * (d + 2))  # real states
    assert lie_variance(ansatz, problem, sector=(2, 1)) == pytest.approx(haar, rel=1e-9)
    state = np.random.default_rng(1).normal(size=(3, 3))
    state /= np.linalg.norm(state)
    assert lie_variance(ansatz, problem, state=state, sector=(2, 1)) == pytest.approx(haar, rel=1e-9)


def test_states_in_a_sector_are_those_of_the_engine(h4: qvar.Problem) -> None:
    # singles of one spin make so(4); what a state gives there depends on its signs
    circuit = qvar.Ansatz.from_circuit(
        lambda t: [qml.FermionicSingleExcitation(t[k], [w, w + 1, w + 2]) for k, w in enumerate((0, 2, 4, 1, 3, 5))],
        8,
        6,
    )
    objective = qvar.energy(h4, qvar.uccsd(h4), engine="sector")
    theta = 0.3 * np.arange(26) / 26
    state = np.asarray(objective.state(theta))
    dense = np.asarray(qvar.energy(h4, qvar.uccsd(h4), engine="dense").state(theta))
    observable = X(0) @ Z(1) @ X(2) + Y(0) @ Z(1) @ Y(2)
    expected = lie_variance(circuit, observable, state=dense.astype(complex))
    assert expected > 1e-4
    assert lie_variance(circuit, observable, state=state, sector=(2, 2)) == pytest.approx(expected, rel=1e-8)


def matrix_of(terms: dict[str, float]) -> np.ndarray:
    return sum(c * np.kron(PAULI[w[0]], PAULI[w[1]]) for w, c in terms.items())  # type: ignore[return-value]


def operator_of(terms: dict[str, float]) -> object:
    wires = {0: 0, 1: 1}
    return qml.dot(list(terms.values()), [qml.pauli.string_to_pauli_word(w, wire_map=wires) for w in terms])


class Oracle:
    """Second moments by brute force: all 15 x 15 matrices that commute with the generators' brackets."""

    def __init__(self, generators: list[np.ndarray]) -> None:
        self.basis = [matrix_of({word: 0.5}) for word in WORDS[1:]]
        ads = [self.adjoint(g) for g in generators]
        one = np.eye(15)
        squares = np.zeros((225, 225))
        for ad in ads:
            change = np.kron(ad, one) - np.kron(one, ad.T)
            squares += change.T @ change
        values, vectors = np.linalg.eigh(squares)
        self.commutant = vectors[:, values < 1e-9]
        values, vectors = np.linalg.eigh(sum(ad.T @ ad for ad in ads))
        self.constants = vectors[:, values < 1e-9]

    def coordinates(self, operator: np.ndarray) -> np.ndarray:
        return np.array([np.trace(b @ operator).real for b in self.basis])

    def adjoint(self, generator: np.ndarray) -> np.ndarray:
        return np.array([self.coordinates(1j * (generator @ b - b @ generator)) for b in self.basis]).T

    def twirl(self, matrix: np.ndarray) -> np.ndarray:
        return (self.commutant @ (self.commutant.T @ matrix.ravel())).reshape(15, 15)

    def variance(self, observable: np.ndarray, state: np.ndarray) -> float:
        o, r = self.coordinates(observable), self.coordinates(np.outer(state, state.conj()))
        mean = r @ self.constants @ (self.constants.T @ o)
        return float(r @ self.twirl(np.outer(o, o)) @ r - mean**2)

    def gradient(self, observable: np.ndarray, state: np.ndarray, generator: np.ndarray, position: str) -> float:
        o, r = self.coordinates(observable), self.coordinates(np.outer(state, state.conj()))
        ad = self.adjoint(generator)
        if position == "first":
            return float((ad.T @ r) @ self.twirl(np.outer(o, o)) @ (ad.T @ r))
        if position == "last":
            return float(r @ self.twirl(np.outer(ad @ o, ad @ o)) @ r)
        return float(r @ self.twirl(ad @ self.twirl(np.outer(o, o)) @ ad.T) @ r)


@pytest.mark.parametrize("seed", [*range(30), 41, 61, 125])  # the last three have equivalent parts
def test_any_algebra_of_two_qubits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 4))
    if seed % 2 == 0:
        generators = [{str(rng.choice(WORDS[1:])): 1.0} for _ in range(count)]
    else:
        generators = [
            dict(zip(map(str, rng.choice(WORDS[1:], 2, replace=False)), rng.choice([1.0, -1.0, 0.7], 2), strict=True))
            for _ in range(count)
        ]
    words = [str(word) for word in rng.choice(WORDS, rng.integers(1, 5), replace=False)]
    terms = dict(zip(words, rng.normal(size=len(words)), strict=True))
    state = random_state(rng, 4)
    oracle = Oracle([matrix_of(g) for g in generators])
    operators, observable = [operator_of(g) for g in generators], operator_of(terms)
    expected = oracle.variance(matrix_of(terms), state)
    assert lie_variance(operators, observable, state=state) == pytest.approx(expected, abs=1e-10)
    for position in ("middle", "first", "last"):
        gradient = lie_gradient_variance(operators, observable, state=state, generator=operators[0], position=position)
        expected = oracle.gradient(matrix_of(terms), state, matrix_of(generators[0]), position)
        assert gradient == pytest.approx(expected, abs=1e-10)


def sampled(generators: list[np.ndarray], observable: np.ndarray, state: np.ndarray) -> tuple[float, float]:
    """Variance of the loss of a deep circuit with random angles, and its standard error."""
    rng, samples = np.random.default_rng(11), 6000
    states = np.tile(state.astype(complex)[:, None], samples)
    for values, vectors in [np.linalg.eigh(g) for g in generators] * 20:
        phases = np.exp(-1j * np.outer(values, rng.uniform(-np.pi, np.pi, samples)))
        states = vectors @ (phases * (vectors.conj().T @ states))
    losses = np.einsum("is,ij,js->s", states.conj(), observable, states).real
    deviations = (losses - losses.mean()) ** 2
    return float(deviations.mean()), float(deviations.std() / np.sqrt(samples))


def test_periodic_ising_chain_by_sampling() -> None:
    ansatz = qvar.hva(qvar.tfim(4, periodic=True), layers=2)
    bonds = sum(qml.matrix(Z(q) @ Z((q + 1) % 4), wire_order=range(4)) for q in range(4))
    field = sum(qml.matrix(X(q), wire_order=range(4)) for q in range(4))
    plus = np.full(16, 0.25)
    for observable in (qml.sum(*[X(q) for q in range(4)]), Z(0) @ Z(1), Z(0) @ Z(2)):  # the last two: outside
        matrix = qml.matrix(observable, wire_order=range(4))
        variance, error = sampled([bonds, field], matrix, plus)
        predicted = lie_variance(ansatz, observable)
        assert variance == pytest.approx(predicted, abs=4 * error)
        assert predicted == pytest.approx(
            lie_variance(
                [qml.sum(*[Z(q) @ Z((q + 1) % 4) for q in range(4)]), qml.sum(*[X(q) for q in range(4)])],
                observable,
                state=plus,
            ),
            rel=1e-8,
        )
    assert lie_closure(ansatz).dimension == 11


def test_exchange_chain_by_sampling() -> None:
    # the Hamiltonian is made of equivalent and inequivalent parts of several sectors
    problem = qvar.xxz(4, j=1.0, delta=0.5)
    ansatz = qvar.hva(problem, layers=2)
    matrices = []
    for bonds in ([(1, 2)], [(0, 1), (2, 3)]):
        for letters in ((X, Y), (Z,)):
            terms = [P(p) @ P(q) for p, q in bonds for P in letters]
            matrices.append(qml.matrix(qml.sum(*terms, 0 * Z(0)), wire_order=range(4)))
    singlet = np.array([0.0, 1.0, -1.0, 0.0]) / np.sqrt(2)
    state = np.kron(singlet, singlet)
    observable = qml.matrix(problem.hamiltonian(), wire_order=range(4))
    variance, error = sampled(matrices, observable, state)
    predicted = lie_variance(ansatz, problem)
    assert variance == pytest.approx(predicted, abs=4 * error)
    assert lie_variance(ansatz, problem, sector=2) == pytest.approx(predicted, rel=1e-8)


def test_constants_do_not_vary() -> None:
    assert lie_variance(matchgates(3), qml.Identity(0) * 2.0, state=[0, 0, 0]) == 0.0
    parity = Z(0) @ Z(1) @ Z(2)
    state = random_state(np.random.default_rng(2), 8)
    assert lie_variance(matchgates(3), parity, state=state) == 0.0
    with_parity = lie_variance(matchgates(3), Z(0) + 0.7 * parity, state=state)
    assert with_parity == pytest.approx(lie_variance(matchgates(3), Z(0), state=state), rel=1e-10)
    assert lie_variance([Z(0), Z(1)], Z(0), state=[0, 0]) == 0.0  # the centre


def test_refusals(h4: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match="`state` must be given"):
        lie_variance(matchgates(2), Z(0))
    with pytest.raises(qvar.QvarError, match="2 bits or amplitudes"):
        lie_variance(matchgates(2), Z(0), state=[0, 2])
    with pytest.raises(qvar.QvarError, match="norm 1"):
        lie_variance(matchgates(2), Z(0), state=[1.0, 0.0, 0.0, 1.0])
    with pytest.raises(qvar.QvarError, match="`limit`"):
        lie_variance(universal(3), Z(0), state=[0, 0, 0], limit=62)
    with pytest.raises(qvar.QvarError, match="turns the observable into"):
        lie_variance(matchgates(4), Z(0) @ Z(1), state=[0] * 4, limit=28)  # four Majorana operators of eight: 70
    with pytest.raises(qvar.QvarError, match="`generator` must lie in"):
        lie_gradient_variance(matchgates(3), Z(0), state=[0, 0, 0], generator=X(1))
    with pytest.raises(qvar.QvarError, match="sector"):
        lie_variance(qvar.uccsd(h4), h4, state=[1, 1, 1, 0, 0, 0, 0, 0], sector=(2, 2))
