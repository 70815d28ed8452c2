"""Frequencies of parameters, against PennyLane's energies along each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.ansatz.frequencies import frequencies, harmonics
from qvar.ansatz.program import Program, ProgramBuilder

N_QUBITS = 4

NAN = float("nan")

# (kind, wires, coefficients of parameters, Pauli word), then the frequency of every parameter
OPERATIONS = [
    ("Hadamard", [0], {}, ""),
    ("RX", [0], {0: 1.0}, ""),
    ("RY", [1], {1: 2.0}, ""),
    ("RZ", [0], {2: -0.5}, ""),
    ("T", [2], {}, ""),
    ("PauliRot", [0, 2, 3], {3: 1.0}, "XYZ"),
    ("MultiRZ", [0, 1, 2], {4: 1.5}, ""),
    ("CNOT", [0, 1], {}, ""),
    ("IsingXX", [1, 2], {5: 1.0}, ""),
    ("PhaseShift", [1], {6: 2.0}, ""),
    ("ControlledPhaseShift", [0, 1], {7: 1.0}, ""),
    ("GlobalPhase", [0], {8: 1.0}, ""),
    ("CRX", [0, 3], {10: 1.0}, ""),
    ("SingleExcitation", [1, 2], {11: 1.0}, ""),
    ("RX", [2], {12: 1.0}, ""),
    ("IsingXY", [1, 3], {13: 1.0}, ""),
    ("RX", [3], {12: 1.0}, ""),
    ("RY", [2], {14: 1.0, 15: 3.0}, ""),
    ("SX", [1], {}, ""),
    ("CRZ", [1, 2], {16: 1.0}, ""),
    ("RX", [1], {17: 0.25}, ""),
    ("GlobalPhase", [0], {17: 1.0}, ""),
    ("RY", [0], {18: 1.0}, ""),
]
EXPECTED = [1, 2, 0.5, 1, 1.5, 1, 2, 1, 1, 1, NAN, NAN, NAN, NAN, 1, 3, NAN, 0.25, 1]


def _program() -> Program:
    builder = ProgramBuilder(N_QUBITS, len(EXPECTED), reference=[0, 1, 0, 0])
    for kind, wires, angle, word in OPERATIONS:
        builder.add(kind, wires, angle, offset=0.3 if angle else 0.0, word=word)
    return builder.build()


def test_frequencies() -> None:
    np.testing.assert_allclose(frequencies(_program()), EXPECTED, rtol=1e-15)


@pytest.fixture(scope="module")
def along() -> dict[float, list[np.ndarray]]:
    """Twelve energies along each parameter, from PennyLane."""
    ansatz = qvar.Ansatz("kinds", "generic", _program())
    observable = qml.X(0) @ qml.Z(1) + 0.7 * qml.Y(1) @ qml.X(2) + 0.4 * qml.Z(2) @ qml.Y(3) + 0.3 * qml.X(3) + qml.Z(0)

    @qml.qnode(qml.device("default.qubit", wires=N_QUBITS))
    def energies(theta: np.ndarray):
        ansatz.circuit(theta)
        return qml.expval(observable)

    start = np.random.default_rng(3).uniform(-np.pi, np.pi, len(EXPECTED))
    shifts = np.linspace(-2.0, 3.0, 12)
    lines = []
    for j in range(len(EXPECTED)):
        thetas = np.tile(start, (len(shifts), 1))
        thetas[:, j] = shifts
        lines.append(np.array([float(energies(theta)) for theta in thetas]))
    return {"shifts": shifts, "lines": lines}


@pytest.mark.parametrize("j", range(len(EXPECTED)))
def test_energies_are_sines_of_them(j: int, along: dict) -> None:
    shifts, line = along["shifts"], along["lines"][j]
    wave = 1.0 if np.isnan(EXPECTED[j]) else EXPECTED[j]  # those that have several have half of it as well
    basis = np.stack([np.ones_like(shifts), np.cos(wave * shifts), np.sin(wave * shifts)], axis=1)
    residual = line - basis @ np.linalg.lstsq(basis, line, rcond=None)[0]
    if np.isnan(EXPECTED[j]):
        assert np.max(np.abs(residual)) > 1e-3
    else:
        assert np.max(np.abs(residual)) < 1e-12
    if j in (8, 9):  # a global phase, and a parameter that nothing reads
        assert np.ptp(line) < 1e-12


SEVERAL = {10: (0.5, 2), 11: (0.5, 2), 12: (1.0, 2), 13: (0.5, 2), 16: (0.5, 2)}
"""Parameters of controlled rotations, excitations and of two rotations: lowest frequency and number of harmonics."""


@pytest.mark.parametrize("j", range(len(EXPECTED)))
def test_energies_are_polynomials_of_the_harmonics(j: int, along: dict) -> None:
    wave, number = harmonics(_program())[j]
    assert (wave, number) == SEVERAL.get(j, (EXPECTED[j], 1))
    shifts, line = along["shifts"], along["lines"][j]

    def residual(harmonics: int) -> float:
        orders = wave * np.arange(1, harmonics + 1)[:, None] * shifts
        basis = np.concatenate([np.ones((1, len(shifts))), np.cos(orders), np.sin(orders)]).T
        return float(np.max(np.abs(line - basis @ np.linalg.lstsq(basis, line, rcond=None)[0])))

    assert residual(int(number)) < 1e-11
    if j in SEVERAL:
        assert residual(int(number) - 1) > 1e-3


GATES: dict[str, Callable[[Any], Any]] = {
    **{
        name: lambda t, name=name: getattr(qml, name)(t, wires=[2, 0])
        for name in (
            "CRX", "ControlledPhaseShift", "CPhaseShift00", "CPhaseShift01", "CPhaseShift10", "IsingXY", "PSWAP",
            "SingleExcitation", "SingleExcitationPlus", "SingleExcitationMinus", "FermionicSWAP",
        )
    },
    **{
        name: lambda t, name=name: getattr(qml, name)(t, wires=[2, 0, 1, 3])
        for name in ("DoubleExcitation", "DoubleExcitationPlus", "DoubleExcitationMinus", "OrbitalRotation")
    },
    "PCPhase": lambda t: qml.PCPhase(t, dim=5, wires=[0, 1, 2]),
    "controlled phase": lambda t: qml.ctrl(qml.PhaseShift(t, 0), control=[1, 2]),
    "controlled exchange": lambda t: qml.ctrl(qml.IsingXY(t, [0, 1]), control=[2]),
    "controlled excitation": lambda t: qml.ctrl(qml.SingleExcitationPlus(t, [0, 1]), control=[2]),
    "power": lambda t: qml.pow(qml.SingleExcitationMinus(t, [0, 1]), 2),
    "adjoint": lambda t: qml.adjoint(qml.DoubleExcitationPlus(t, [0, 1, 2, 3])),
    "evolution": lambda t: qml.CommutingEvolution(1.0 * qml.Z(0) @ qml.Z(1) + 1.0 * qml.Z(2), t),
}  # fmt: skip


@pytest.mark.parametrize("name", GATES)
def test_harmonics_of_a_gate_are_the_gaps_of_its_generator(name: str) -> None:
    gate, h = GATES[name], 1e-3
    unitary: Any = qml.matrix(cast(Any, gate), wire_order=range(4))
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    slope = sum(c * (unitary(k * h) - unitary(-k * h)) for k, c in weights.items()) / h
    generator = 1j * unitary(0.0).conj().T @ slope
    values = np.linalg.eigvalsh(0.5 * (generator + generator.conj().T))
    gaps = np.unique(np.round(np.abs(np.subtract.outer(values, values)), 6))[1:]
    ansatz = qvar.Ansatz.from_circuit(lambda theta: gate(theta[0]), 4, 1)
    np.testing.assert_allclose(harmonics(ansatz.program), [[gaps[0], gaps[-1] / gaps[0]]], atol=1e-6)


def test_harmonics_of_shared_parameters() -> None:
    builder = ProgramBuilder(4, 4)
    builder.add("DoubleExcitation", [0, 1, 2, 3], {0: 2.0})
    builder.add("Hadamard", [0])
    builder.add("SingleExcitation", [0, 1], {0: 4.0})
    builder.add("RX", [0], {1: 1.0})
    builder.add("RX", [1], {1: np.sqrt(2.0)})
    builder.add("GlobalPhase", [], {2: 1.0})
    program = builder.build()
    np.testing.assert_array_equal(harmonics(program), [[1.0, 6.0], [NAN, NAN], [1.0, 1.0], [1.0, 1.0]])


def test_terms_of_one_operation_add_up() -> None:
    builder = ProgramBuilder(1, 2)
    builder.add("RX", [0], {0: 1.0, 1: 1.0})
    builder.add("RY", [0], {1: 1.0})
    program = builder.build()
    twice = np.array([0, 0, 1, 1], dtype=np.int32)
    params = np.array([0, 0, 1, 1], dtype=np.int32)
    summed = Program(
        **{
            **program.__dict__,
            "angle_op": twice,
            "angle_param": params,
            "angle_scale": np.array([1.0, 0.5, 1.0, -1.0]),
        }
    )
    np.testing.assert_allclose(frequencies(summed), [1.5, 1.0])


def test_nothing_is_known_of_other_angles() -> None:
    builder = ProgramBuilder(2, 3)
    builder.add("RX", [0])
    builder.add("RY", [1])
    program = builder.build(lambda theta: jnp.stack([theta[0] ** 2, theta[1]]))
    assert np.isnan(frequencies(program)).all()


def test_a_circuit_without_parameters() -> None:
    builder = ProgramBuilder(1, 0)
    builder.add("Hadamard", [0])
    assert frequencies(builder.build()).shape == (0,)


def test_energies_carry_them(h2: qvar.Problem) -> None:
    np.testing.assert_array_equal(qvar.energy(h2, qvar.hardware_efficient(h2, layers=1)).frequencies, 1.0)
    assert np.isnan(qvar.energy(h2, qvar.uccsd(h2)).frequencies).all()
    ansatz = qvar.hardware_efficient(3, layers=1, rotations=("RY",))
    np.testing.assert_array_equal(qvar.expectation(qml.Z(0) @ qml.Z(1), ansatz).frequencies, 1.0)
