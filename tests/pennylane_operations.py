"""Every PennyLane operation and template that a quantum function may hold, each in a small circuit."""

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
import pennylane as qml

WIRES = 5
PARAMS = 16


def _unitary(n_wires: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    size = 2**n_wires
    return np.linalg.qr(generator.standard_normal((size, size)) + 1j * generator.standard_normal((size, size)))[0]


_H = qml.Hamiltonian([0.7, -0.4, 0.3], [qml.Z(0) @ qml.Z(1), qml.X(0), qml.Y(1) @ qml.X(2)])
_COMMUTING = qml.Hamiltonian([0.7, -0.4], [qml.Z(0) @ qml.Z(1), qml.Z(2)])


def _spread(t: Any) -> None:
    """A state in which every later gate shows."""
    for wire in range(WIRES):
        qml.RY(t[wire] + 0.3 * wire, wires=wire)
        qml.RX(0.4 + wire, wires=wire)
    for wire in range(WIRES - 1):
        qml.CNOT([wire, wire + 1])


def _first(gate: Callable[..., Any], *wires: Any, **more: Any) -> Callable[[Any], Any]:
    return lambda t: gate(t[0] * 2 - t[1], wires=list(wires) if len(wires) > 1 else wires[0], **more)


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    # one wire
    **{name: _first(getattr(qml, name), 2) for name in ("RX", "RY", "RZ", "PhaseShift", "U1")},
    **{name: (lambda t, name=name: getattr(qml, name)(3)) for name in ("X", "Y", "Z", "H", "S", "T", "SX", "Identity")},
    "Rot": lambda t: qml.Rot(t[0], -t[1], t[2] + 1, wires=3),
    "U2": lambda t: qml.U2(t[0], t[1], wires=1),
    "U3": lambda t: qml.U3(t[0], t[1], t[2], wires=1),
    "GlobalPhase": lambda t: qml.GlobalPhase(t[0]),
    # two wires, in descending order
    **{
        name: _first(getattr(qml, name), 4, 1)
        for name in (
            "CRX",
            "CRY",
            "CRZ",
            "ControlledPhaseShift",
            "CPhase",
            "CPhaseShift00",
            "CPhaseShift01",
            "CPhaseShift10",
            "IsingXX",
            "IsingYY",
            "IsingZZ",
            "IsingXY",
            "PSWAP",
            "SingleExcitation",
            "SingleExcitationPlus",
            "SingleExcitationMinus",
            "FermionicSWAP",
        )
    },
    **{
        name: (lambda t, name=name: getattr(qml, name)([3, 0]))
        for name in ("CNOT", "CY", "CZ", "CH", "SWAP", "ISWAP", "SISWAP", "SQISW", "ECR")
    },
    "CRot": lambda t: qml.CRot(t[0], t[1], t[2], wires=[3, 1]),
    # more wires
    "Toffoli": lambda t: qml.Toffoli([4, 0, 2]),
    "CCZ": lambda t: qml.CCZ([4, 0, 2]),
    "CSWAP": lambda t: qml.CSWAP([4, 0, 2]),
    "MultiControlledX": lambda t: qml.MultiControlledX([4, 0, 2, 1], control_values=[1, 0, 1]),
    "MultiRZ": _first(qml.MultiRZ, 4, 1, 3),
    "PauliRot": lambda t: qml.PauliRot(t[0], "XYIZ", wires=[3, 0, 1, 4]),
    "PCPhase": lambda t: qml.PCPhase(t[0], dim=3, wires=[1, 4]),
    "DoubleExcitation": _first(qml.DoubleExcitation, 4, 1, 3, 0),
    "DoubleExcitationPlus": _first(qml.DoubleExcitationPlus, 4, 1, 3, 0),
    "DoubleExcitationMinus": _first(qml.DoubleExcitationMinus, 4, 1, 3, 0),
    "OrbitalRotation": _first(qml.OrbitalRotation, 4, 1, 3, 0),
    "FermionicSingleExcitation": _first(qml.FermionicSingleExcitation, 4, 2, 3, 0),
    "FermionicDoubleExcitation": lambda t: qml.FermionicDoubleExcitation(t[0], wires1=[3, 0], wires2=[4, 2, 1]),
    # matrices
    "QubitUnitary 1": lambda t: qml.QubitUnitary(_unitary(1), wires=3),
    "QubitUnitary 2": lambda t: qml.QubitUnitary(_unitary(2), wires=[3, 1]),
    "QubitUnitary 3": lambda t: qml.QubitUnitary(_unitary(3), wires=[3, 1, 0]),
    "QubitUnitary of theta": lambda t: qml.QubitUnitary(
        jnp.array([[jnp.cos(t[0]), -jnp.sin(t[0])], [jnp.sin(t[0]), jnp.cos(t[0])]]), wires=3
    ),
    "ControlledQubitUnitary": lambda t: qml.ControlledQubitUnitary(_unitary(1), wires=[0, 2, 3], control_values=[0, 1]),
    "DiagonalQubitUnitary": lambda t: qml.DiagonalQubitUnitary(np.exp(1j * np.arange(4)), wires=[3, 0]),
    "DiagonalQubitUnitary of theta": lambda t: qml.DiagonalQubitUnitary(jnp.exp(1j * t[:4]), wires=[3, 0]),
    "BlockEncode": lambda t: qml.BlockEncode(np.array([[0.1, 0.2], [0.3, 0.4]]), wires=[0, 1]),
    "SpecialUnitary": lambda t: qml.SpecialUnitary(t[:3], wires=3),
    # operations of operations
    "adjoint": lambda t: qml.adjoint(qml.RX(t[0], wires=1)),
    "adjoint of S": lambda t: qml.adjoint(qml.S(1)),
    "adjoint of a function": lambda t: qml.adjoint(lambda: (qml.RX(t[0], 1), qml.CNOT([1, 2]), qml.T(2)))(),
    "adjoint of a template": lambda t: qml.adjoint(qml.BasicEntanglerLayers(t[:4].reshape(2, 2), wires=[3, 1])),
    "ctrl RX": lambda t: qml.ctrl(qml.RX(t[0], wires=1), control=[3, 0], control_values=[0, 1]),
    "ctrl of a function": lambda t: qml.ctrl(lambda: (qml.RZ(t[0], 1), qml.Hadamard(2)), control=4)(),
    "ctrl Rot": lambda t: qml.ctrl(qml.Rot(t[0], t[1], t[2], wires=1), control=3),
    "ctrl GlobalPhase": lambda t: qml.ctrl(qml.GlobalPhase(t[0]), control=3),
    "ctrl SWAP": lambda t: qml.ctrl(qml.SWAP([0, 2]), control=[3, 4]),
    "ctrl PauliRot": lambda t: qml.ctrl(qml.PauliRot(t[0], "XY", wires=[0, 2]), control=[3]),
    "ctrl SingleExcitation": lambda t: qml.ctrl(qml.SingleExcitation(t[0], wires=[0, 2]), control=[3]),
    **{
        f"ctrl {gate} by {n}": lambda t, gate=gate, n=n: qml.ctrl(
            getattr(qml, gate)(t[0], wires=4), control=range(n), control_values=[1, 0, 1][:n]
        )
        for gate in ("RX", "RY", "RZ", "PhaseShift")
        for n in (1, 2, 3)
    },
    **{
        f"ctrl {gate} by 2": lambda t, gate=gate: qml.ctrl(getattr(qml, gate)(t[0], wires=[4, 2]), control=[3, 1])
        for gate in (
            "CRX",
            "CRY",
            "CRZ",
            "ControlledPhaseShift",
            "IsingXX",
            "IsingXY",
            "MultiRZ",
            "SingleExcitation",
            "PSWAP",
        )
    },
    "ctrl by 2 of Rot": lambda t: qml.ctrl(qml.Rot(t[0], t[1], t[2], wires=1), control=[3, 0]),
    "ctrl by 2 of U3": lambda t: qml.ctrl(qml.U3(t[0], t[1], t[2], wires=1), control=[3, 0]),
    "ctrl of QubitUnitary of theta": lambda t: qml.ctrl(
        qml.QubitUnitary(jnp.array([[jnp.cos(t[0]), -jnp.sin(t[0])], [jnp.sin(t[0]), jnp.cos(t[0])]]), wires=3),
        control=1,
    ),
    "unitary sum": lambda t: (qml.X(1) + qml.Z(1)) / 2**0.5,
    "pow S": lambda t: qml.pow(qml.S(1), 3),
    "pow RX": lambda t: qml.pow(qml.RX(t[0], 1), 3),
    "root of RX": lambda t: qml.pow(qml.RX(t[0], 1), 0.5),
    "root of S": lambda t: qml.pow(qml.S(1), 0.5),
    "two values": lambda t: qml.RX(t[:2], 1),
    "root of SISWAP": lambda t: qml.pow(qml.SISWAP([3, 1]), 0.5),
    "adjoint DoubleExcitationMinus": lambda t: qml.adjoint(qml.DoubleExcitationMinus(t[0], wires=[4, 1, 3, 0])),
    "pow DoubleExcitationPlus": lambda t: qml.pow(qml.DoubleExcitationPlus(t[0], wires=[4, 1, 3, 0]), 2),
    "ctrl DoubleExcitationPlus": lambda t: qml.ctrl(
        qml.DoubleExcitationPlus(t[0], wires=[4, 1, 3, 0]), control=2, control_values=[0]
    ),
    "pow of evolve": lambda t: qml.pow(qml.evolve(qml.Z(1) @ qml.X(3), t[0]), 2),
    "pow of a sum of words": lambda t: qml.pow(qml.pow(qml.evolve(_COMMUTING, t[0]), -1), 3),
    "pow negative": lambda t: qml.pow(qml.T(1), -1),
    "prod": lambda t: qml.prod(qml.RX(t[0], 1), qml.CNOT([1, 2])),
    "exp": lambda t: qml.exp(qml.X(0) @ qml.Y(2), 1j * t[0]),
    "exp of a sum": lambda t: qml.exp(_H, 1j * t[0]),
    "evolve": lambda t: qml.evolve(qml.Z(1) @ qml.X(3), t[0]),
    "exp with a coefficient": lambda t: qml.exp(-0.7 * qml.X(0) @ qml.Y(2), 2j * t[0] + 0.1j),
    "evolve by a number": lambda t: qml.evolve(_H, 0.3),
    "pow of evolve non commuting": lambda t: qml.pow(qml.evolve(_H, t[0]), 2),
    "evolve non commuting": lambda t: qml.evolve(_H, t[0]),
    "evolve one": lambda t: qml.evolve(0.3 * qml.Identity(0) + qml.Z(1), jnp.sin(t[0])),
    "complex exponent": lambda t: qml.exp(qml.X(0), (1 + 1j) * t[0]),
    "evolve a sum": lambda t: qml.evolve(_COMMUTING, t[0]),
    "change_op_basis": lambda t: qml.change_op_basis(qml.Hadamard(1), qml.RZ(t[0], 1)),
    # templates
    "AngleEmbedding": lambda t: qml.AngleEmbedding(t[:3], wires=[4, 1, 0], rotation="Y"),
    "IQPEmbedding": lambda t: qml.IQPEmbedding(t[:3], wires=[4, 1, 0], n_repeats=2),
    "QAOAEmbedding": lambda t: qml.QAOAEmbedding(t[:2], t[4:10].reshape(2, 3), wires=[3, 1]),
    "BasicEntanglerLayers": lambda t: qml.BasicEntanglerLayers(t[:6].reshape(2, 3), wires=[4, 1, 0]),
    "StronglyEntanglingLayers": lambda t: qml.StronglyEntanglingLayers(t[:12].reshape(2, 2, 3), wires=[4, 1]),
    "SimplifiedTwoDesign": lambda t: qml.SimplifiedTwoDesign(t[:3], t[3:7].reshape(1, 2, 2), wires=[4, 1, 0]),
    "RandomLayers": lambda t: qml.RandomLayers(t[:6].reshape(2, 3), wires=[4, 1, 0], seed=3),
    "GateFabric": lambda t: qml.GateFabric(t[:2].reshape(1, 1, 2), wires=[0, 1, 2, 3], init_state=[0, 0, 0, 0]),
    "ParticleConservingU1": lambda t: qml.ParticleConservingU1(
        t[:4].reshape(1, 2, 2), wires=[3, 1, 2], init_state=[0, 0, 0]
    ),
    "ParticleConservingU2": lambda t: qml.ParticleConservingU2(
        t[:5].reshape(1, 5), wires=[3, 1, 2], init_state=[0, 0, 0]
    ),
    "AllSinglesDoubles": lambda t: qml.AllSinglesDoubles(
        t[:3], wires=range(4), hf_state=np.zeros(4, int), singles=[[0, 2], [1, 3]], doubles=[[0, 1, 2, 3]]
    ),
    "UCCSD": lambda t: qml.UCCSD(
        t[:3], wires=range(4), s_wires=[[0, 1, 2], [1, 2, 3]], d_wires=[[[0, 1], [2, 3]]], init_state=np.zeros(4, int)
    ),
    "kUpCCGSD": lambda t: qml.kUpCCGSD(t[:6].reshape(1, 6), wires=range(4), k=1, init_state=np.zeros(4, int)),
    "BasisRotation": lambda t: qml.BasisRotation(
        wires=[0, 1, 2], unitary_matrix=np.real(np.linalg.qr(_unitary(2)[:3, :3].real)[0])
    ),
    "ApproxTimeEvolution": lambda t: qml.ApproxTimeEvolution(_H, t[0], 2),
    "CommutingEvolution": lambda t: qml.CommutingEvolution(_COMMUTING, t[0]),
    "TrotterProduct": lambda t: qml.TrotterProduct(_H, t[0], n=2, order=2),
    "QDrift with a seed": lambda t: qml.QDrift(_H, t[0], n=3, seed=7),
    "trotterize": lambda t: qml.trotterize(
        lambda time, a, wires: (qml.RX(a * time, wires[0]), qml.RZ(time, wires[1])), n=2, order=2
    )(t[0], 0.7, wires=[0, 1]),
    "qaoa layers": lambda t: (
        qml.qaoa.cost_layer(t[0], _COMMUTING),
        qml.qaoa.mixer_layer(t[1], qml.qaoa.x_mixer(range(3))),
    ),
    "ArbitraryUnitary": lambda t: qml.ArbitraryUnitary(t[:15], wires=[3, 1]),
    "ArbitraryStatePreparation": lambda t: qml.ArbitraryStatePreparation(t[:6], wires=[3, 1]),
    "QFT": lambda t: qml.QFT(wires=[3, 1, 0]),
    "AQFT": lambda t: qml.AQFT(order=1, wires=[3, 1, 0]),
    "Permute": lambda t: qml.Permute([2, 0, 1], wires=[0, 1, 2]),
    "GroverOperator": lambda t: qml.GroverOperator(wires=[3, 1, 0]),
    "FlipSign": lambda t: qml.FlipSign([1, 0, 1], wires=[3, 1, 0]),
    "Reflection": lambda t: qml.Reflection(qml.prod(qml.Hadamard(0), qml.RX(0.3, 1)), 0.7),
    "Reflection by theta": lambda t: qml.Reflection(qml.prod(qml.Hadamard(0), qml.Hadamard(1)), t[0]),
    "MPS": lambda t: qml.MPS(
        range(4),
        2,
        lambda weights, wires: (qml.RY(weights[0], wires[0]), qml.RZ(weights[1], wires[1]), qml.CNOT(wires)),
        2,
        t[:6].reshape(3, 2),
    ),
    "TTN": lambda t: qml.TTN(
        range(4),
        2,
        lambda weights, wires: (qml.RY(weights[0], wires[0]), qml.RZ(weights[1], wires[1]), qml.CNOT(wires)),
        2,
        t[:6].reshape(3, 2),
    ),
    "MERA": lambda t: qml.MERA(
        range(4),
        2,
        lambda weights, wires: (qml.RY(weights[0], wires[0]), qml.RZ(weights[1], wires[1]), qml.CNOT(wires)),
        2,
        t[:10].reshape(5, 2),
    ),
    "TwoLocalSwapNetwork": lambda t: qml.TwoLocalSwapNetwork(
        [3, 1, 0], lambda index, wires, param=0.0, fermionic=False: qml.IsingZZ(param, wires), t[:3], fermionic=False
    ),
    "Select": lambda t: qml.Select([qml.X(2), qml.RY(t[0], 2), qml.Z(3), qml.SWAP([2, 3])], control=[0, 1]),
    "SelectPauliRot": lambda t: qml.SelectPauliRot(t[:4], control_wires=[0, 1], target_wire=3, rot_axis="Y"),
    "ControlledSequence": lambda t: qml.ControlledSequence(qml.RX(t[0], 3), control=[0, 1]),
    "QuantumPhaseEstimation": lambda t: qml.QuantumPhaseEstimation(qml.RZ(t[0], 4), estimation_wires=[0, 1]),
    "PhaseAdder": lambda t: qml.PhaseAdder(3, x_wires=[0, 1, 2]),
    "Adder": lambda t: qml.Adder(3, x_wires=[0, 1, 2]),
    "Multiplier": lambda t: qml.Multiplier(3, x_wires=[0, 1], work_wires=[2, 3]),
    "OutAdder": lambda t: qml.OutAdder(x_wires=[0], y_wires=[1], output_wires=[2, 3]),
    "IntegerComparator": lambda t: qml.IntegerComparator(2, geq=True, wires=[0, 1, 2]),
    "QubitCarry": lambda t: qml.QubitCarry([0, 1, 2, 3]),
    "QubitSum": lambda t: qml.QubitSum([0, 1, 2]),
    "OutMultiplier": lambda t: qml.OutMultiplier(x_wires=[0], y_wires=[1], output_wires=[2, 3]),
    "OutPoly": lambda t: qml.OutPoly(lambda x, y: x + y, input_registers=[[0], [1]], output_wires=[2, 3]),
    "ModExp": lambda t: qml.ModExp(x_wires=[0], output_wires=[1, 2], base=3, mod=4, work_wires=[3, 4]),
    "SemiAdder": lambda t: qml.SemiAdder([0, 1], [2, 3], [4]),
    "SelectOnlyQRAM": lambda t: qml.SelectOnlyQRAM(
        [[0, 1], [1, 1], [1, 0], [0, 0]], control_wires=[0, 1], target_wires=[2, 3]
    ),
    "QuantumMonteCarlo": lambda t: qml.QuantumMonteCarlo(
        np.array([0.2, 0.8]), lambda i: 0.3, target_wires=[0, 1], estimation_wires=[2, 3]
    ),
    "QROM": lambda t: qml.QROM(
        ["01", "11", "10", "00"], control_wires=[0, 1], target_wires=[2, 3], work_wires=None, clean=False
    ),
    "AmplitudeAmplification": lambda t: qml.AmplitudeAmplification(
        qml.prod(qml.Hadamard(0), qml.Hadamard(1)), qml.FlipSign(2, wires=[0, 1]), iters=1
    ),
    "QSVT": lambda t: qml.QSVT(
        qml.BlockEncode(np.array([[0.1]]), wires=[0]), [qml.PCPhase(t[k], 1, wires=[0]) for k in range(2)]
    ),
    "PrepSelPrep": lambda t: qml.PrepSelPrep(qml.dot([0.3, 0.7], [qml.X(2), qml.Z(3)]), control=[0]),
    "Qubitization": lambda t: qml.Qubitization(qml.dot([0.3, 0.7], [qml.X(2), qml.Z(3)]), control=[0]),
    "GQSP": lambda t: qml.GQSP(qml.RX(0.3, 1), t[:6].reshape(3, 2), control=0),
    "FABLE": lambda t: qml.FABLE(np.array([[0.1, 0.2], [0.3, -0.2]]), wires=[0, 1, 2], tol=0),
    "ELBOW": lambda t: qml.TemporaryAND([0, 1, 2]),
    "IQP": lambda t: qml.IQP(t[:3], 3, [[[0]], [[1]], [[0, 1]]]),
    "HilbertSchmidt": lambda t: qml.HilbertSchmidt([qml.RX(0.3, 0)], [qml.RX(t[0], 1)]),
    "Barrier and Snapshot": lambda t: (qml.Barrier(), qml.Snapshot(), qml.RX(t[0], 0), qml.WireCut(0)),
    # preparations
    "StatePrep": lambda t: qml.StatePrep(np.array([0.6, 0.8]), wires=2),
    "BasisState": lambda t: qml.BasisState([1, 0], wires=[2, 0]),
    "BasisEmbedding": lambda t: qml.BasisEmbedding([1, 0], wires=[2, 0]),
    "AmplitudeEmbedding": lambda t: qml.AmplitudeEmbedding(np.array([0.6, 0.8]), wires=2),
    "MottonenStatePreparation": lambda t: qml.MottonenStatePreparation(np.array([0.6, 0.0, 0.8j, 0.0]), wires=[2, 0]),
    "MottonenStatePreparation of theta": lambda t: qml.MottonenStatePreparation(
        jnp.array([jnp.cos(t[0]), jnp.sin(t[0])]), wires=[2]
    ),
    "MultiplexerStatePreparation": lambda t: qml.MultiplexerStatePreparation(
        np.array([0.6, 0.0, 0.8j, 0.0]), wires=[2, 0]
    ),
    "SumOfSlatersPrep": lambda t: qml.SumOfSlatersPrep(np.array([0.6, 0.8j]), wires=[0, 1, 2], indices=(1, 4)),
    "CosineWindow": lambda t: qml.CosineWindow(wires=[2, 0]),
    "Superposition": lambda t: qml.Superposition(np.array([0.6, 0.8]), [[0, 0], [1, 1]], wires=[0, 1], work_wire=2),
    "QROMStatePreparation": lambda t: qml.QROMStatePreparation(
        np.array([0.6, 0.8]), wires=[0], precision_wires=[1, 2], work_wires=None
    ),
    # not unitary
    "AmplitudeDamping": lambda t: qml.AmplitudeDamping(0.1, wires=0),
    "DepolarizingChannel": lambda t: qml.DepolarizingChannel(0.1, wires=0),
    "PauliError": lambda t: qml.PauliError("XY", 0.1, wires=[0, 1]),
    "QubitChannel": lambda t: qml.QubitChannel([np.eye(2)], wires=0),
    "ResetError": lambda t: qml.ResetError(0.1, 0.1, wires=0),
    "Projector": lambda t: qml.Projector([1], wires=0),
    "Hermitian": lambda t: qml.Hermitian(np.eye(2), wires=0),
    "Sum": lambda t: qml.X(0) + qml.Z(1),
    "real exponent": lambda t: qml.exp(qml.X(0), t[0]),
    "not unitary": lambda t: qml.QubitUnitary(np.array([[1.0, 1.0], [0.0, 1.0]]), wires=0),
    "measure": lambda t: qml.measure(0),
    "cond": lambda t: qml.cond(qml.measure(0), qml.X)(1),
    "QDrift": lambda t: qml.QDrift(_H, t[0], n=40),  # so many draws never agree twice
    "Displacement": lambda t: qml.Displacement(t[0], 0.1, wires=0),
    "TRX": lambda t: qml.TRX(t[0], wires=0),
}


REFUSED = {
    "exp of a sum": "can decompose, .*TrotterProduct",
    "evolve non commuting": "can decompose, .*TrotterProduct",
    "pow of evolve non commuting": "can decompose, .*TrotterProduct",
    "SumOfSlatersPrep": "can decompose, .*by qml.StatePrep at the very beginning",
    "complex exponent": "real angle",
    "real exponent": "real angle",
    "root of RX": "whole powers",
    "StatePrep": "can decompose, .* after the first operation",
    "BasisState": "can decompose, .* after the first operation",
    "Superposition": "can decompose",
    "AmplitudeDamping": "can decompose, .*noisy_energy",
    "DepolarizingChannel": "can decompose",
    "PauliError": "can decompose",
    "QubitChannel": "can decompose",
    "ResetError": "can decompose",
    "Projector": "unitary",
    "Sum": "unitary",
    "not unitary": "unitary",
    "measure": "measure mid-circuit",
    "cond": "measure mid-circuit",
    "QDrift": "two calls differ",
    "Displacement": "can decompose, .*; write it in gates of qubits",
    "TRX": "can decompose",
    "two values": "one angle",
}
"""Operations that have no circuit with one determinant, unitary gates and angles for every theta; and the sentence."""

PREPARES = ("AllSinglesDoubles", "UCCSD", "kUpCCGSD", "GateFabric", "ParticleConservingU1", "ParticleConservingU2")
"""Templates that begin with a determinant of their own."""


def circuits() -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Each operation between two layers that mix."""
    for name, operation in OPERATIONS.items():

        def circuit(t: Any, name: str = name, operation: Callable[[Any], Any] = operation) -> None:
            if name not in PREPARES:
                _spread(t)
            operation(t)
            for wire in range(WIRES):
                qml.RX(t[wire + 5], wires=wire)

        yield name, circuit
