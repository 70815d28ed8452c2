"""Every ansatz on every engine that can take it, against PennyLane: value to 1e-10, gradient to 1e-8."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jax
import numpy as np
import pennylane as qml
import pytest
from twin import twin_state

import qvar
from qvar.ansatz.catalogue import ANSATZE, obstacle
from qvar.ansatz.pool_elements import program_of
from qvar.ansatz.pools import POOL_NAMES
from qvar.engines.energy import Engine, choose_sector
from qvar.engines.occupation_strings import occupation_strings, register_layout
from qvar.engines.pennylane_reference import oracle
from qvar.host_kernels import HostKernels

N = 4


def _every_kind(theta):
    """All kinds that a user's quantum function may hold, and some that PennyLane decomposes."""
    qml.PauliX(1)
    for wire in range(N):
        qml.Hadamard(wire)
        qml.RX(theta[wire], wires=wire)
    qml.RZ(theta[1], wires=0)
    qml.RY(2 * theta[2] - theta[0] + 0.3, wires=2)
    qml.PhaseShift(theta[3], wires=3)
    qml.CNOT([0, 1])
    qml.CZ([1, 2])
    qml.CY([3, 0])
    qml.S(0)
    qml.T(1)
    qml.SX(2)
    qml.PauliY(3)
    qml.PauliZ(2)
    qml.PauliX(0)
    qml.adjoint(qml.S(3))
    qml.SWAP([0, 2])
    qml.ISWAP([1, 3])
    qml.Toffoli([0, 1, 2])
    qml.CCZ([1, 2, 3])
    qml.CSWAP([3, 1, 0])
    qml.CRX(theta[4], wires=[0, 3])
    qml.CRY(theta[5], wires=[3, 1])
    qml.CRZ(theta[6], wires=[1, 0])
    qml.ControlledPhaseShift(theta[7], wires=[2, 0])
    qml.IsingXX(theta[8], wires=[0, 1])
    qml.IsingYY(theta[9], wires=[1, 3])
    qml.IsingZZ(theta[10], wires=[3, 2])
    qml.IsingXY(theta[11], wires=[2, 1])
    qml.PauliRot(theta[12], "XYZ", wires=[3, 0, 2])
    qml.MultiRZ(theta[13], wires=[0, 1, 3])
    qml.SingleExcitation(theta[14], wires=[2, 0])
    qml.DoubleExcitation(theta[15], wires=[2, 0, 3, 1])
    qml.FermionicSingleExcitation(theta[16], wires=[0, 1, 2, 3])
    qml.FermionicDoubleExcitation(theta[17], wires1=[0, 1], wires2=[2, 3])
    qml.FermionicSingleExcitation(theta[18], wires=[0, 2])
    qml.Rot(theta[19], theta[0], theta[1], wires=1)
    qml.GlobalPhase(theta[20])


def _conserving(theta):
    """Kinds that conserve the numbers of both spins, with and without Jordan-Wigner strings; any reference."""
    qml.BasisState(np.array([1, 1, 0, 1, 1, 0, 0, 0]), wires=range(8))
    qml.SingleExcitation(theta[0], wires=[0, 6])
    qml.SingleExcitation(theta[1], wires=[5, 1])
    qml.DoubleExcitation(theta[2], wires=[0, 3, 6, 7])
    qml.DoubleExcitation(theta[3], wires=[1, 2, 4, 5])
    qml.FermionicSingleExcitation(theta[4], wires=[0, 1, 2, 3, 4])
    qml.FermionicDoubleExcitation(theta[5], wires1=[0, 1, 2, 3], wires2=[4, 5])
    qml.ControlledPhaseShift(theta[6], wires=[2, 7])
    qml.ControlledPhaseShift(theta[7], wires=[4, 0])
    qml.RZ(theta[8], wires=3)
    qml.IsingZZ(theta[9], wires=[1, 6])
    qml.CRZ(theta[10], wires=[2, 5])
    qml.SWAP([0, 4])
    qml.ISWAP([3, 7])
    qml.IsingXY(theta[11], wires=[6, 2])
    qml.CSWAP([1, 4, 6])
    qml.CZ([0, 1])
    qml.T(2)
    qml.PhaseShift(theta[0], wires=5)
    qml.PauliZ(4)
    qml.MultiRZ(theta[1], wires=[0, 3, 5])


def _pairs_of_electrons(theta):
    """Kinds that conserve the number of electrons, and the parity of those of spin up, but not their number."""
    qml.BasisState(np.array([1, 1, 0, 1, 1, 0, 0, 0]), wires=range(8))
    qml.DoubleExcitation(theta[0], wires=[2, 6, 1, 3])
    qml.FermionicDoubleExcitation(theta[1], wires1=[0, 1, 2, 3, 4], wires2=[5, 6, 7])
    qml.SingleExcitation(theta[2], wires=[4, 6])
    qml.CZ([1, 2])
    qml.ControlledPhaseShift(theta[3], wires=[2, 6])
    qml.DoubleExcitation(theta[4], wires=[0, 4, 3, 7])
    qml.FermionicSingleExcitation(theta[2], wires=[0, 1, 2])
    qml.ISWAP([1, 5])


def _parity(theta):
    """Kinds that conserve the parity of the number of electrons alone."""
    qml.BasisState(np.array([1, 1, 0, 1, 1, 0, 0, 0]), wires=range(8))
    for wire in range(7):
        qml.IsingXX(theta[wire], wires=[wire, wire + 1])
        qml.RZ(theta[7 - wire], wires=wire)
    qml.PauliRot(theta[1], "XZYYZX", wires=[0, 3, 6, 1, 4, 7])
    qml.IsingYY(theta[2], wires=[7, 2])
    qml.MultiRZ(theta[3], wires=[0, 1, 5])
    qml.DoubleExcitation(theta[4], wires=[0, 1, 2, 5])
    qml.IsingXY(theta[5], wires=[1, 3])
    qml.SWAP([0, 6])
    qml.PhaseShift(theta[6], wires=3)


def _parities(theta):
    """Real kinds that conserve the parities of both spins, and those of more wires, which the Hamiltonian does not."""
    qml.BasisState(np.array([1, 1, 0, 1, 1, 0, 0, 0]), wires=range(8))
    qml.PauliRot(theta[0], "XY", wires=[0, 2])
    qml.PauliRot(theta[1], "YZX", wires=[5, 3, 7])
    qml.SingleExcitation(theta[2], wires=[0, 6])
    qml.FermionicSingleExcitation(theta[3], wires=[1, 2, 3, 4, 5])
    qml.PauliRot(theta[4], "XXXY", wires=[0, 1, 3, 4])


def _superposition(theta):
    """Kinds that conserve the number of electrons, after a start that has several."""
    qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
    qml.RY(theta[0], wires=0)
    for wire in range(3):
        qml.SingleExcitation(theta[wire], wires=[wire, wire + 1])


PROBLEMS: dict[str, Callable[[], qvar.Problem]] = {
    name: cache(make)
    for name, make in {
        "h2": lambda: qvar.molecule("H 0 0 0; H 0 0 0.7414"),
        "h3": lambda: qvar.hydrogen_chain(3, bond=1.1),
        "tfim": lambda: qvar.tfim(4, j=1.0, h=0.7, periodic=True),
        "xxz": lambda: qvar.xxz(4, delta=0.7),
        "heisenberg": lambda: qvar.heisenberg(4, periodic=True),
        "hubbard": lambda: qvar.hubbard(2, u=3.0),
        "hubbard waves": lambda: qvar.hubbard(2, u=3.0, orbitals="hopping"),
    }.items()
}
"""Small, made once, and different: closed shell, open shell, spins that conserve and do not, electrons on sites."""

ENTRIES = {entry.name: entry for entry in ANSATZE}


GENERIC_ON = {"hardware_efficient": "h2", "random_circuit": "h2"}
"""The problem of a circuit that knows none, where it is not the Ising chain."""

CLOSED_SHELLS = ("uccsd spin-adapted", "puccd", "orbital_optimized puccd")
"""Ansätze that refuse an open shell."""


def _pairs():
    """Every ansatz of the catalogue on every problem that it takes; circuits that know no problem on one of them."""
    for problem_name, make in PROBLEMS.items():
        problem = make()
        for entry in (entry for entry in ANSATZE if obstacle(entry, problem) is None):
            if entry.name in CLOSED_SHELLS and problem.occupied_alpha != problem.occupied_beta:
                continue
            if entry.needs == "qubits" and problem_name != GENERIC_ON.get(entry.name, "tfim"):
                continue
            if (entry.needs, problem_name) in (("orbitals", "hubbard"), ("model", "hubbard waves")):
                continue  # from sites, a double alone goes nowhere; hva wants sites
            yield problem_name, entry.name


def _make(problem_name: str, entry_name: str) -> tuple[qvar.Problem, qvar.Ansatz]:
    problem = PROBLEMS[problem_name]()
    return problem, ENTRIES[entry_name].make(problem, 2)


@pytest.mark.parametrize("name", CLOSED_SHELLS)
def test_open_shells_are_refused(name: str) -> None:
    with pytest.raises(qvar.QvarError, match="closed shell"):
        _make("h3", name)


def _agree(problem: qvar.Problem, ansatz: qvar.Ansatz, engines: tuple[Engine, ...] = ("dense", "auto")) -> None:
    theta = np.random.default_rng(7).uniform(-1.0, 1.0, ansatz.n_params)
    value, gradient = oracle(problem, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2  # a flat point would show nothing

    chosen: Engine = "dense" if choose_sector(problem, ansatz) is None else "sector"
    assert chosen == "sector" or not (problem.integrals and "particle_number" in ansatz.symmetries)
    taken: list[Engine] = [chosen if engine == "auto" else engine for engine in engines]
    for engine in dict.fromkeys(taken):
        objective = qvar.energy(problem, ansatz, engine=engine)
        assert objective.engine == engine
        for ours, slope in _twins(objective, theta):
            assert float(ours) == pytest.approx(value, abs=1e-10)
            np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


def _twins(objective: qvar.Objective, theta: np.ndarray) -> Iterator[tuple[Any, Any]]:
    """Value and gradient by JAX's program, and by the kernels on the host, whose Hessian products are looked at too."""
    yield jax.jit(jax.value_and_grad(objective.function))(theta, objective.data)
    host = objective.host_kernels
    if host is None:
        return
    values, gradients = host.values_and_gradients(np.stack([theta, 0.5 * theta]))
    yield values[0], gradients[0]
    assert host.values(theta[None])[0] == pytest.approx(values[0], abs=1e-12)
    direction = np.random.default_rng(8).normal(size=len(theta))
    value, gradient, product = host.hessian_product(theta, direction)
    yield value, gradient
    step = 1e-4
    steps = step * np.array([[-2.0], [-1.0], [1.0], [2.0]])
    slopes = host.values_and_gradients(theta + steps * direction)[1]
    difference = (slopes[0] - 8 * slopes[1] + 8 * slopes[2] - slopes[3]) / (12 * step)  # error of order step^4
    np.testing.assert_allclose(product, difference, rtol=0, atol=1e-7 * max(1.0, np.abs(product).max()))
    _check_states(host, objective, theta, direction, steps)


def _check_states(
    host: HostKernels, objective: qvar.Objective, theta: np.ndarray, direction: np.ndarray, steps: np.ndarray
) -> None:
    """States on the host, their derivatives and images: against differences, and each other."""
    assert host.states is not None
    state, slopes = host.derivatives(theta, np.stack([direction, np.eye(len(theta))[0]]))
    moved = host.states(theta + steps * direction)
    difference = (moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (3 * (steps[3] - steps[0]))
    np.testing.assert_allclose(slopes[0], difference, rtol=0, atol=1e-8 * max(1.0, np.abs(slopes).max()))
    assert host.gradient_and_hessian is not None
    gradient, hessian = host.gradient_and_hessian(theta)
    _, slope, product = host.hessian_product(theta, direction)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-11)
    np.testing.assert_allclose(hessian @ direction, product, rtol=0, atol=1e-9)
    images = host.images(state[None])
    assert np.vdot(state, images[0]).real == pytest.approx(host.values(theta[None])[0], abs=1e-11)
    pulled = host.pulled_back(theta, 2.0 * np.concatenate([images, slopes[1:]]))
    np.testing.assert_allclose(pulled[0], host.values_and_gradients(theta[None])[1][0], rtol=0, atol=1e-11)
    assert pulled[1] @ direction == pytest.approx(2.0 * np.vdot(slopes[1], slopes[0]).real, abs=1e-10)


@pytest.mark.parametrize(("problem_name", "ansatz_name"), list(_pairs()))
def test_engines_agree_with_pennylane(problem_name: str, ansatz_name: str) -> None:
    # registers do not know of shells: six qubits of the open shell are left to the engine that does
    _agree(*_make(problem_name, ansatz_name), engines=("auto",) if problem_name == "h3" else ("dense", "auto"))


@pytest.mark.parametrize("conserves", [True, False])
def test_engines_agree_on_elements_of_pools(conserves: bool) -> None:
    """The last element of every pool; those that conserve numbers of electrons apart, for the sector engine."""
    problem = PROBLEMS["h2"]()
    pools = [qvar.pool(name, problem) for name in POOL_NAMES]
    chosen = [pool.elements[-1] for pool in pools if bool(pool.symmetries) == conserves]
    program = program_of(chosen, 4, problem.reference_bits)
    _agree(problem, qvar.Ansatz("elements", "generic", program), engines=("auto",))


def test_engines_agree_on_sums_that_do_not_commute() -> None:
    """On three and four orbitals, pairs coupled to singlets and to triplets, between singles."""
    problem = qvar.hydrogen_chain(4, bond=1.1)
    pool = {element.name: element for element in qvar.pool("singlet_gsd", problem).elements}
    names = ["(2 <- 1) singlet", "(2 3 <- 0 1) singlet pairs", "(1 3 <- 0 1) triplet pairs", "(3 <- 0) singlet",
             "(2 3 <- 0 1) triplet pairs", "(2 2 <- 0 1) singlet pairs"]  # fmt: skip
    program = program_of([pool[one] for one in names], 8, problem.reference_bits)
    _agree(problem, qvar.Ansatz("sums", "generic", program), engines=("auto",))


@pytest.mark.parametrize(("problem_name", "ansatz_name"), list(_pairs()))
def test_claimed_symmetries_hold(problem_name: str, ansatz_name: str) -> None:
    problem, ansatz = _make(problem_name, ansatz_name)
    theta = np.random.default_rng(3).uniform(-np.pi, np.pi, ansatz.n_params)
    state = twin_state(ansatz.program, theta)  # the tests beside this one compare it with the engines'
    n, index = problem.n_qubits, np.arange(len(state))
    weight = np.abs(state) ** 2
    even = sum(1 << (n - 1 - wire) for wire in range(0, n, 2))
    ones, up = np.bitwise_count(index), np.bitwise_count(index & even)
    start = int("".join(map(str, ansatz.program.reference)), 2)
    claims = set(ansatz.symmetries)
    assert claims <= {"particle_number", "sz", "s2", "spin_flip"}
    assert bool(claims) == (ansatz.family == "constrained")
    if "particle_number" in claims:
        assert weight[ones != ones[start]].sum() < 1e-10
    if "sz" in claims:
        assert weight[2 * up - ones != 2 * up[start] - ones[start]].sum() < 1e-10
    if "s2" in claims:
        moved = total_spin(state, n)
        eigenvalue = np.vdot(state, moved).real
        np.testing.assert_allclose(moved, eigenvalue * state, atol=1e-10)
        again = twin_state(ansatz.program, 0.3 * theta)
        assert np.vdot(again, total_spin(again, n)).real == pytest.approx(eigenvalue, abs=1e-10)
    if "spin_flip" in claims:
        assert abs(np.vdot(state, state[::-1]).real) == pytest.approx(1.0, abs=1e-10)


@cache
def _spin_matrix(n_qubits: int):
    observable = qml.qchem.spin2(2, n_qubits)  # its number of electrons does not enter the operator
    return observable.sparse_matrix(wire_order=range(n_qubits))


def total_spin(state: np.ndarray, n_qubits: int) -> np.ndarray:
    """S^2 applied to a state, by PennyLane's operator."""
    return _spin_matrix(n_qubits) @ state


OWN = {
    "ry cz ring": ("h2", lambda p: qvar.hardware_efficient(p, layers=3, rotations=("RY",), entangler="cz_ring")),
    "rx rz rx, no last layer": (
        "tfim",
        lambda p: qvar.hardware_efficient(
            p, layers=1, rotations=("RX", "RZ", "RX"), entangler="iswap_brick", final_rotations=False
        ),
    ),
    "uccsd doubles first": ("h3", lambda p: qvar.uccsd(p, order="doubles_first")),
    "uccsd h4": ("h4", qvar.uccsd),
    "lucj with a final rotation": ("h2", lambda p: qvar.lucj(p, layers=1, final_rotation=True)),
    "every kind": ("h2", lambda p: qvar.Ansatz.from_circuit(_every_kind, N, 21)),
    "conserving": ("h4", lambda p: qvar.Ansatz.from_circuit(_conserving, 8, 12, family="constrained")),
    "pairs": ("h4", lambda p: qvar.Ansatz.from_circuit(_pairs_of_electrons, 8, 5, family="constrained")),
    "parity": ("h4", lambda p: qvar.Ansatz.from_circuit(_parity, 8, 8)),
    "parities": ("h4", lambda p: qvar.Ansatz.from_circuit(_parities, 8, 5)),
    "superposition": ("h2", lambda p: qvar.Ansatz.from_circuit(_superposition, 4, 3)),
}
"""Variants that the catalogue does not name, and circuits of users."""


@pytest.mark.parametrize("name", list(OWN))
def test_variants_agree_with_pennylane(name: str, h4: qvar.Problem) -> None:
    problem_name, make = OWN[name]
    problem = h4 if problem_name == "h4" else PROBLEMS[problem_name]()
    ansatz = make(problem)
    _agree(problem, ansatz)
    if name not in ("ry cz ring", "uccsd h4", "every kind"):  # real and complex amplitudes, and determinants
        return
    objective, theta = qvar.energy(problem, ansatz), np.linspace(-1.0, 1.0, ansatz.n_params)
    assert float(objective.loss(theta)) == pytest.approx(float(objective.value_and_grad(theta)[0]), abs=1e-12)


SPACES = {
    "uccsd h4": ("N_alpha, N_beta", 36),
    "conserving": ("N_alpha, N_beta", 36),
    "pairs": ("N, 1 parity", 38),  # of 70: two electrons of either spin, or all of one
    "parity": ("1 parity", 128),
    "parities": ("2 parities", 64),
    "superposition": ("register", 16),
    "every kind": ("register", 16),
}


@pytest.mark.parametrize("name", list(SPACES))
def test_the_smallest_space_that_is_proved(name: str, h4: qvar.Problem) -> None:
    problem_name, make = OWN[name]
    problem = h4 if problem_name == "h4" else PROBLEMS[problem_name]()
    objective = qvar.energy(problem, make(problem))
    assert (objective.space, objective.state(np.zeros(objective.n_params)).size) == SPACES[name]


@pytest.mark.parametrize(("problem_name", "ansatz_name"), [*_pairs(), *[("", name) for name in OWN]])
def test_a_sector_is_the_register_on_fewer_states(problem_name: str, ansatz_name: str, h4: qvar.Problem) -> None:
    """All that the two engines compute, to rounding; the kernels on the host, because nothing is compiled."""
    if problem_name:
        problem, ansatz = _make(problem_name, ansatz_name)
    else:
        problem_name, make = OWN[ansatz_name]
        problem = h4 if problem_name == "h4" else PROBLEMS[problem_name]()
        ansatz = make(problem)
    if choose_sector(problem, ansatz) is None:
        with pytest.raises(qvar.QvarError, match=r"^`engine` must be 'dense' or 'auto' if .*, but is 'sector'\.$"):
            qvar.energy(problem, ansatz, engine="sector")
        return
    sector, register = (qvar.energy(problem, ansatz, engine=engine) for engine in ("auto", "dense"))
    assert (sector.engine, register.engine, register.space) == ("sector", "dense", "register")
    rng = np.random.default_rng(12)
    theta, direction = rng.uniform(-1.0, 1.0, (2, ansatz.n_params))

    state, whole = np.asarray(sector.state(theta)), np.asarray(register.state(theta))
    assert np.isrealobj(state) == ansatz.program.lowered.real
    index, sign = _basis_states(sector, problem)
    np.testing.assert_allclose(state, sign * whole[index], rtol=0, atol=1e-12)
    assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-12)  # nothing is left out
    if sector.measure is not None:
        assert register.measure is not None
        assert sector.measure(theta) == pytest.approx(register.measure(theta), abs=1e-12)

    for ours, theirs in zip(sector.value_and_grad(theta), register.value_and_grad(theta), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    here, there = sector.host_kernels, register.host_kernels
    if here is not None and there is not None:
        product, expected = (host.hessian_product(theta, direction)[2] for host in (here, there))
        np.testing.assert_allclose(product, expected, rtol=0, atol=1e-12)


def _basis_states(objective: qvar.Objective, problem: qvar.Problem) -> tuple[np.ndarray, np.ndarray]:
    """The place in a register, and the sign, of each amplitude of a sector."""
    if objective.basis_states is not None:
        return objective.basis_states[:, None], np.ones((1, 1))
    m = problem.n_qubits // 2
    alpha, beta = (occupation_strings(m, len(own)) for own in (problem.occupied_alpha, problem.occupied_beta))
    return register_layout(alpha, beta, m)


@pytest.mark.parametrize("make", [qvar.uccsd, qvar.hardware_efficient])
def test_lightning_agrees(h2: qvar.Problem, make: Callable[[qvar.Problem], qvar.Ansatz]) -> None:
    ansatz = make(h2)
    theta = np.random.default_rng(3).uniform(-1.0, 1.0, ansatz.n_params)
    value, gradient = oracle(h2, ansatz, device="lightning.qubit")(theta)
    ours, slope = qvar.energy(h2, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["uccsd h4", "every kind", "conserving"])
def test_state_is_the_one_pennylane_prepares(name: str, h2: qvar.Problem, h4: qvar.Problem) -> None:
    problem = h2 if OWN[name][0] == "h2" else h4
    ansatz = OWN[name][1](problem)
    theta = np.random.default_rng(1).uniform(-1.0, 1.0, ansatz.n_params)

    @qml.qnode(qml.device("default.qubit", wires=ansatz.n_qubits))
    def node():
        ansatz.circuit(theta)
        return qml.state()

    expected = node()
    state = np.asarray(qvar.energy(problem, ansatz, engine="dense").state(theta))
    assert abs(np.vdot(state, expected)) == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-12)


def test_lih_uccsd_agrees_between_engines(lih: qvar.Problem) -> None:
    ansatz = qvar.uccsd(lih)
    assert ansatz.n_params == 92
    theta = 0.2 * np.asarray(jax.random.normal(jax.random.key(2), (92,)))
    sector = qvar.energy(lih, ansatz, engine="sector").value_and_grad(theta)
    dense = qvar.energy(lih, ansatz, engine="dense").value_and_grad(theta)
    assert float(sector[0]) == pytest.approx(float(dense[0]), abs=1e-10)
    np.testing.assert_allclose(sector[1], dense[1], rtol=0, atol=1e-8)


def test_expectation_of_any_observable() -> None:
    ansatz = qvar.hardware_efficient(4, layers=2, rotations=("RX", "RZ"))
    observable = 0.3 * qml.PauliZ(0) @ qml.PauliY(2) - 1.2 * qml.PauliX(1) + 0.5 * qml.PauliY(3) @ qml.PauliY(1)
    theta = np.random.default_rng(11).uniform(-1.0, 1.0, ansatz.n_params)
    value, gradient = oracle(observable, ansatz)(theta)
    ours, slope = qvar.expectation(observable, ansatz).value_and_grad(theta)
    assert float(ours) == pytest.approx(value, abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)
