"""Energies with penalties against dense matrices of PennyLane's operators, on the host and by JAX."""

from __future__ import annotations

import json
from dataclasses import replace

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.errors import QvarError

PENALTIES = {"particle_number": 1.0, "s2": 0.5, "sz": 2.0}


@pytest.fixture(scope="module")
def h3():
    return qvar.hydrogen_chain(3, bond=1.2)


def matrices(n_qubits):
    """N, S_z and S^2; `spin2` has 3/4 of a fixed number of electrons in place of 3/4 N."""
    wires = range(n_qubits)
    number, sz = (qml.matrix(make(n_qubits), wire_order=wires) for make in (qml.qchem.particle_number, qml.qchem.spinz))
    electrons = n_qubits // 2
    s2 = qml.matrix(qml.qchem.spin2(electrons, n_qubits), wire_order=wires)
    return {"particle_number": number, "sz": sz, "s2": s2 + 0.75 * (number - electrons * np.eye(1 << n_qubits))}


def penalty_matrix(n_qubits, terms):
    """Sum of w (O - o)^2 for {name: (w, o)}."""
    total, one = 0.0, np.eye(1 << n_qubits)
    for name, operator in matrices(n_qubits).items():
        if name in terms:
            weight, value = terms[name]
            total = total + weight * (operator - value * one) @ (operator - value * one)
    return total


def mean(matrix, state):
    return float(np.real(state.conj() @ matrix @ state))


CIRCUITS = {
    "register": (lambda p: qvar.hardware_efficient(p, layers=1), "dense"),
    "electrons on a register": (qvar.uccsd, "dense"),
    "sector of N_alpha, N_beta": (qvar.uccsd, "sector"),
    "sector of N": (qvar.particle_conserving_u1, "sector"),
}


@pytest.mark.parametrize("name", CIRCUITS)
@pytest.mark.parametrize("values", [{"particle_number": 3.0, "sz": 0.5, "s2": 0.75}, {"sz": -0.5, "s2": 3.75}])
def test_values_and_derivatives_of_every_layout(name, values, h3):
    make, engine = CIRCUITS[name]
    ansatz = make(h3)
    terms = {key: (PENALTIES[key], value) for key, value in values.items()}
    penalties = {key: PENALTIES[key] for key in values} if len(values) == 3 else terms  # those of the reference
    objective = qvar.energy(h3, ansatz, engine=engine, penalties=penalties)
    assert objective.engine == engine
    dense = qvar.energy(h3, ansatz, engine="dense")
    matrix = qml.matrix(h3.hamiltonian(), wire_order=range(6)) + penalty_matrix(6, terms)
    theta, v = np.linspace(-1.0, 1.3, ansatz.n_params), np.cos(np.arange(ansatz.n_params))

    def oracle(point):
        return mean(matrix, np.asarray(dense.state(point)))

    value, gradient = objective.value_and_grad(theta)
    assert float(value) == pytest.approx(oracle(theta), abs=1e-10)
    near, far = (oracle(theta + s * 1e-3 * v) - oracle(theta - s * 1e-3 * v) for s in (1, 2))
    assert float(gradient @ v) == pytest.approx((8 * near - far) / 12e-3, abs=1e-8)
    assert float(objective.unpenalized.loss(theta)) == pytest.approx(float(dense.loss(theta)), abs=1e-10)
    kernels = objective.host_kernels
    ahead, behind = (kernels.values_and_gradients((theta + s * 1e-5 * v)[None])[1][0] for s in (1, -1))
    own = kernels.hessian_product(theta, v)
    assert np.allclose(own[2], (ahead - behind) / 2e-5, rtol=0, atol=1e-7)


@pytest.mark.parametrize("make", [lambda p: qvar.hardware_efficient(p, layers=1, rotations=("RY",)), qvar.uccsd])
def test_jax_agrees_with_the_host(make):
    problem = qvar.hydrogen_chain(2)
    objective = qvar.energy(problem, make(problem), penalties=PENALTIES)
    theta = np.linspace(-1.0, 1.3, objective.n_params)
    kernels = objective.host_kernels
    if objective.engine == "dense":
        by_jax, own = replace(objective, host=None).value_and_grad(theta), objective.value_and_grad(theta)
        for one, other in zip(by_jax, own, strict=True):
            assert np.allclose(one, other, rtol=0, atol=1e-10)
    state = objective.state(theta)
    image = np.asarray(jax.jit(objective.operator)(state, objective.data))
    assert np.allclose(image, kernels.images(np.asarray(state)[None])[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("mapping", ["jordan_wigner", "parity"])
def test_mapped_problems(mapping, h3):
    """Basis states of the qubits are determinants: amplitudes sorted by occupations meet the same matrices."""
    problem = h3.mapped(mapping)
    ansatz = qvar.hardware_efficient(6, layers=1)
    objective = qvar.energy(problem, ansatz, penalties=PENALTIES)
    theta = np.linspace(-1.0, 1.3, ansatz.n_params)
    state = np.asarray(objective.state(theta))
    bits = np.arange(64)[:, None] >> np.arange(6)[::-1] & 1
    occupations = (bits @ problem.decoding[:, :-1].T + problem.decoding[:, -1]) % 2
    register = np.zeros(64, state.dtype)
    register[occupations @ (1 << np.arange(6)[::-1])] = state
    matrix = penalty_matrix(6, {"particle_number": (1.0, 3.0), "s2": (0.5, 0.75), "sz": (2.0, 0.5)})
    penalty = float(objective.loss(theta)) - float(objective.unpenalized.loss(theta))
    assert penalty == pytest.approx(mean(matrix, register), abs=1e-10)


def test_the_ledger_has_the_energy_alone(h3):
    """In a duel, by a contender that makes the objective."""

    def make(problem):
        return qvar.energy(problem, qvar.hardware_efficient(problem, layers=1, rotations=("RY",)), penalties=PENALTIES)

    contender = qvar.Contender("held", "generic", make)
    training = qvar.Training(contender(h3), problem=h3, seeds=1, budget=qvar.Budget(gradients=3))
    trained = training.run(lambda progress: None)
    (row,), (result,) = trained.rows, trained.results
    bare = qvar.energy(h3, qvar.hardware_efficient(h3, layers=1, rotations=("RY",)))
    assert row["contender"] == "held"
    assert row["value"] == pytest.approx(float(bare.loss(result.theta)), abs=1e-10)
    assert row["error"] == pytest.approx(row["value"] - h3.exact_energy(), abs=1e-10)
    assert row["penalty"] == pytest.approx(result.value - row["value"], abs=1e-10)
    assert row["penalty"] > 1e-3
    assert row["correlation_recovered"] == pytest.approx(
        (h3.reference_energy - row["value"]) / (h3.reference_energy - h3.exact_energy()), abs=1e-8
    )
    assert "penalties" in json.loads(row["remarks"])[-1]
    other = replace(training, contender=qvar.energy(h3, qvar.hardware_efficient(h3, layers=1, rotations=("RY",))))
    assert other.inputs != training.inputs
    assert qvar.Duel(h3, [contender], seeds=1).tasks()


@pytest.mark.parametrize(
    ("penalties", "mention"),
    [
        ({"charge": 1.0}, "'charge'"),
        ({"sz": -1.0}, "-1.0"),
        ({"sz": (1.0, 2.0, 3.0)}, "2 values"),
        ({"sz": np.nan}, "nan"),
        ({"sz": "much"}, "'much'"),
        ([1.0], "dictionary"),
    ],
)
def test_wrong_penalties(h3, penalties, mention):
    with pytest.raises(QvarError) as info:
        qvar.energy.__wrapped__(h3, qvar.uccsd(h3), penalties=penalties)
    assert str(info.value).startswith("`penalties")
    assert mention in str(info.value)


def test_values_that_no_state_has_are_refused(h3):
    """A spin in place of s(s + 1) is such a value. Those that are taken are the spectra of the three matrices."""
    for name, matrix in matrices(6).items():
        spectrum = np.linalg.eigvalsh(matrix)
        for value in [*np.arange(-4.0, 8.01, 0.25), 8.75, 1e300]:
            if np.min(np.abs(spectrum - value)) < 1e-9:
                qvar.energy(h3, qvar.uccsd(h3), penalties={name: (1.0, value)})
            else:
                with pytest.raises(QvarError, match=f"`penalties` must name a value of '{name}' that a state has"):
                    qvar.energy(h3, qvar.uccsd(h3), penalties={name: (1.0, value)})


def test_penalties_need_electrons_and_all_of_them(h3):
    with pytest.raises(QvarError, match="has no electrons"):
        qvar.energy(qvar.tfim(2), qvar.hardware_efficient(2), penalties={"sz": 1.0})
    with pytest.raises(QvarError, match="`devices`"):
        qvar.energy(h3, qvar.uccsd(h3), penalties={"sz": 1.0}, devices=1)
    tapered = h3.mapped(taper=True)
    ansatz = qvar.hardware_efficient(tapered, layers=1)
    objective = qvar.energy(tapered, ansatz, penalties={"particle_number": 1.0})
    assert float(objective.loss(np.full(ansatz.n_params, 0.3))) > float(
        objective.unpenalized.loss(np.full(ansatz.n_params, 0.3))
    )
