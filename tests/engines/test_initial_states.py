"""Circuits that start from a state: against PennyLane's simulator and PySCF's CI vectors, in every engine."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import jax
import numpy as np
import pennylane as qml
import pytest
from mixed_oracle import mixed_oracle

import qvar
from qvar.errors import QvarError
from qvar.hessian_products import ProductFunction


@pytest.fixture(scope="module")
def h3():
    return qvar.hydrogen_chain(3, bond=1.2)


def random_state(shape, *, real, seed=0):
    rng = np.random.default_rng(seed)
    state = rng.normal(size=shape)
    return state if real else state + 1j * rng.normal(size=shape)


def ones_and_twos(theta):
    """Excitations that keep electrons of each spin, with a phase."""
    qml.SingleExcitation(theta[0], wires=[0, 4])
    qml.DoubleExcitation(theta[1], wires=[0, 1, 4, 5])
    qml.SingleExcitation(theta[2], wires=[1, 5])
    qml.SingleExcitation(theta[0] + theta[3], wires=[2, 4])


def with_phases(theta):
    ones_and_twos(theta)
    for wire in range(6):
        qml.RZ(theta[wire % 4], wires=wire)


def anything(theta):
    ones_and_twos(theta)
    qml.RX(theta[3], wires=1)
    qml.CNOT([1, 2])
    for wire in range(6):
        qml.RY(theta[wire % 4], wires=wire)


def pennylane(problem, ansatz):
    """Value at theta as `default.qubit` computes it."""
    matrix = qml.matrix(problem.hamiltonian(), wire_order=range(6))

    @qml.qnode(qml.device("default.qubit", wires=6), diff_method=None)
    def node(theta):
        ansatz.circuit(theta)
        return qml.state()

    def value(theta):
        state = np.asarray(node(theta))
        return float(np.real(state.conj() @ matrix @ state))

    return value


def along(value, theta, v, step=1e-3):
    """Derivative along v, a central difference of fourth order, right to about 1e-10."""
    near, far = (value(theta + s * step * v) - value(theta - s * step * v) for s in (1, 2))
    return (8 * near - far) / (12 * step)


CASES = {
    "real in the sector": (ones_and_twos, (3, 3), True, "sector"),
    "complex in the sector": (ones_and_twos, (3, 3), False, "sector"),
    "phases in the sector": (with_phases, (3, 3), False, "sector"),
    "real on the register": (ones_and_twos, (64,), True, "dense"),
    "complex on the register": (with_phases, (64,), False, "dense"),
    "any gates": (anything, (3, 3), False, "dense"),
    "any gates, real": (anything, (64,), True, "dense"),
}


BY_JAX = ("complex in the sector", "any gates")
"""Cases whose programs are compiled by JAX, too."""


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name, h3):
    """On the host and by JAX; derivatives against differences."""
    function, shape, real, engine = CASES[name]
    ansatz = qvar.Ansatz.from_circuit(function, 6, 4)
    bits = replace(ansatz.program, reference=h3.reference_bits)
    ansatz = replace(ansatz, program=bits).with_state(random_state(shape, real=real))
    objective = qvar.energy(h3, ansatz)
    assert objective.engine == engine
    oracle, theta, v = pennylane(h3, ansatz), np.array([0.3, -0.7, 0.2, 0.5]), np.array([0.4, -0.1, 0.8, 0.3])
    kernels = objective.host_kernels
    value, gradient, product = kernels.hessian_product(theta, v)
    assert value == pytest.approx(oracle(theta), abs=1e-10)
    assert gradient @ v == pytest.approx(along(oracle, theta, v), abs=1e-8)
    values, gradients = kernels.values_and_gradients(theta[None] + np.array([[0.0], [1e-5], [-1e-5]]) * v)
    assert values[0] == pytest.approx(value, abs=1e-12)
    assert np.allclose(gradients[0], gradient, rtol=0, atol=1e-12)
    assert np.allclose((gradients[1] - gradients[2]) / 2e-5, product, rtol=0, atol=1e-8)
    assert np.allclose(kernels.gradient_and_hessian(theta)[1] @ v, product, rtol=0, atol=1e-10)
    ahead, behind = kernels.states(np.stack([theta + 1e-5 * v, theta - 1e-5 * v]))
    states, tangents = kernels.derivatives(theta, v[None])
    assert np.allclose(states, objective.state(theta), rtol=0, atol=1e-12)
    assert np.allclose(tangents[0], (ahead - behind) / 2e-5, rtol=0, atol=1e-8)
    if name in BY_JAX:
        product_function = jax.jit(ProductFunction(objective.function).with_value)
        by_jax = product_function(*map(jax.numpy.asarray, (theta, v)), objective.data)
        for one, other in zip(by_jax, (value, gradient, product), strict=True):
            assert np.allclose(one, other, rtol=0, atol=1e-10)
        forward = objective.forward_state_function(jax.numpy.asarray(theta), objective.data)
        assert np.allclose(forward, states, rtol=0, atol=1e-12)
    if engine == "sector":
        assert float(qvar.energy(h3, ansatz, engine="dense").loss(theta)) == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize("theory", ["cisd", "fci"])
def test_pyscfs_vectors(theory):
    """Their energies are those of the circuit at zero angles, in the sector; the layout is PySCF's own."""
    from pyscf import fci

    problem = qvar.molecule("Li 0 0 0; H 0 0 1.546", frozen=[0])
    own, m = problem.integrals, problem.n_orbitals
    if theory == "fci":
        energy, vector = fci.direct_spin1.kernel(own.one_body, own.two_body, m, (1, 1), tol=1e-12)
        energy += own.core_energy
    else:
        solver = _cisd(problem)
        solver.conv_tol = 1e-12
        energy, vector = solver.kernel()
        energy += problem.reference_energy
        vector = solver.to_fcivec(vector)
    ansatz = qvar.uccsd(problem).with_state(vector)
    objective = qvar.energy(problem, ansatz)
    assert (objective.engine, objective.space) == ("sector", "N_alpha, N_beta")
    assert float(objective.loss(np.zeros(ansatz.n_params))) == pytest.approx(energy, abs=1e-8)


def _cisd(problem):
    """CISD over the problem's orbitals, of which the first is doubly occupied."""
    from pyscf import ci, gto, scf

    own, m = problem.integrals, problem.n_orbitals
    mol = gto.M(verbose=0)
    mol.nelectron, mol.incore_anyway = 2, True
    mean_field = scf.RHF(mol)
    mean_field.get_hcore = lambda *_: np.array(own.one_body)
    mean_field.get_ovlp = lambda *_: np.eye(m)
    mean_field._eri = np.array(own.two_body)
    mean_field.mo_coeff, mean_field.mo_occ = np.eye(m), 2.0 * (np.arange(m) < 1)
    mean_field.mo_energy = np.zeros(m)
    mean_field.converged, mean_field.e_tot = True, problem.reference_energy - own.core_energy
    return ci.CISD(mean_field)


def test_a_trained_circuit_goes_on(h3):
    """The state of one circuit, from any layout, is the start of the next."""
    for first, engine in (
        (qvar.uccsd(h3), "sector"),
        (qvar.uccsd(h3), "dense"),
        (qvar.particle_conserving_u1(h3), "auto"),
    ):
        objective = qvar.energy(h3, first, engine=engine)
        theta = np.linspace(-0.4, 0.5, first.n_params)
        state = objective.state(theta)
        for second in (qvar.uccsd(h3), qvar.particle_conserving_u1(h3)):
            then = second.with_state(state, basis_states=objective.basis_states)
            after = qvar.energy(h3, then)
            if second.name.startswith("uccsd"):
                value = float(after.loss(np.zeros(then.n_params)))
                assert value == pytest.approx(float(objective.loss(theta)), abs=1e-10)
            assert after.engine == "sector"


def test_the_sector_is_proved_from_the_state(h3):
    """Amplitudes elsewhere, in another sector of spin, of number or of parity, change the space."""
    ansatz = qvar.uccsd(h3)
    up, down, fewer = 0b111000, 0b110100, 0b100000
    spaces = {
        (up,): "N_alpha, N_beta",
        (up, 0b001110): "N_alpha, N_beta",
        (up, down): "N",
        (up, fewer): "1 parity",
        (up, 0b110000, 0b101000): "register",
    }
    for states, space in spaces.items():
        vector = np.zeros(64)
        vector[list(states)] = 1.0
        then = ansatz.with_state(vector)
        objective, theta = qvar.energy(h3, then), np.linspace(-0.3, 0.6, ansatz.n_params)
        assert objective.space.startswith(space), (states, objective.space)
        value = float(qvar.energy(h3, then, engine="dense").loss(theta))
        assert float(objective.loss(theta)) == pytest.approx(value, abs=1e-10)
        if space != "N_alpha, N_beta":
            with pytest.raises(QvarError, match="`engine`") if space == "register" else nullcontext():
                qvar.energy(h3, then, engine="sector")


def test_a_recorded_circuit_begins_with_its_state(h3):
    vector = random_state(64, real=False)
    vector /= np.linalg.norm(vector)

    def prepared(theta):
        qml.StatePrep(vector, wires=range(6))
        qml.PauliX(2)
        anything(theta)

    ansatz = qvar.Ansatz.from_circuit(prepared, 6, 4)
    assert np.allclose(ansatz.program.initial.register(), vector, rtol=0, atol=1e-15)

    @qml.qnode(qml.device("default.qubit", wires=6), diff_method=None)
    def node(theta):
        prepared(theta)
        return qml.expval(h3.hamiltonian())

    theta = np.array([0.3, -0.7, 0.2, 0.5])
    value = float(qvar.energy(h3, ansatz).loss(theta))
    assert value == pytest.approx(float(node(theta)), abs=1e-10)
    assert value == pytest.approx(pennylane(h3, ansatz)(theta), abs=1e-10)
    on_some_wires = qvar.Ansatz.from_circuit(lambda t: qml.StatePrep(np.ones(4) / 2, wires=[4, 1]), 6, 0)
    assert set(on_some_wires.program.support.tolist()) == {0, 0b000010, 0b010000, 0b010010}


def test_noise_follows_the_state():
    problem = qvar.tfim(2)
    ansatz = qvar.hardware_efficient(2, layers=1).with_state(random_state(4, real=False))
    theta = np.linspace(-1, 1, ansatz.n_params)
    value, gradient = mixed_oracle(problem, ansatz, 0.05)(theta)
    own = qvar.noisy_energy(problem, ansatz, probability=0.05).value_and_grad(theta)
    assert float(own[0]) == pytest.approx(value, abs=1e-10)
    assert np.allclose(own[1], gradient, rtol=0, atol=1e-10)


def test_what_is_known_of_such_a_circuit(h3):
    ansatz = qvar.uccsd(h3)
    first, second = (ansatz.with_state(random_state((3, 3), real=True, seed=seed)) for seed in (1, 2))
    costs = first.resources()
    assert (costs.n_qubits, costs.two_qubit_gates, costs.depth, costs.t_gates) == (6, None, None, None)
    assert len({str(each.describe()) for each in (ansatz, first, second)}) == 3
    assert first.with_state(np.eye(3)).program.reference.n_qubits == 6
    assert "0.5" not in repr(first)


@pytest.mark.parametrize(
    ("state", "changes", "mention"),
    [
        (np.ones(63), {}, "2^6 amplitudes"),
        (np.ones((3, 4)), {}, "(3, 3)"),
        (np.zeros(64), {}, "not all zero"),
        (np.full(64, np.nan), {}, "finite"),
        ("up", {}, "amplitudes"),
        ([[1.0], [1.0, 2.0]], {}, "amplitudes"),
        (np.ones(2), {"basis_states": [1, 1]}, "different numbers"),
        (np.ones(2), {"basis_states": [1, 64]}, "below 2^6"),
        (np.ones(3), {"basis_states": [1, 2]}, "2 amplitudes"),
    ],
)
def test_a_wrong_state_is_one_sentence(h3, state, changes, mention):
    with pytest.raises(QvarError) as info:
        qvar.uccsd(h3).with_state(state, **changes)
    assert mention in str(info.value)
    assert str(info.value).startswith("`")


def test_a_state_of_theta_is_one_sentence():
    with pytest.raises(QvarError, match="same state for every theta"):
        qvar.Ansatz.from_circuit(lambda t: qml.StatePrep(t, wires=range(2), normalize=True), 2, 4)
    with pytest.raises(QvarError, match="StatePrep"):  # it is not the first operation
        qvar.Ansatz.from_circuit(lambda t: [qml.RX(t[0], 0), qml.StatePrep(np.ones(2) / 2**0.5, wires=0)], 2, 1)
