r"""Circuits with local noise, as density matrices, for small registers: \(4^n\) numbers.

A gate acts on the rows of \(\rho\) and, conjugated, on its columns, by the same mask operations as on states (see
`qvar.ansatz.gates`). Every channel here sends the pair (row bit, column bit) of its wire to itself and to the pair with
both bits flipped, so it is two tables of four numbers. One scan runs over the gates, so that the time to compile does
not grow with depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.elementary import elementary
from qvar.ansatz.frequencies import harmonics, single_frequencies
from qvar.ansatz.program import Program
from qvar.arguments import checked
from qvar.engines.energy import energy, expectation
from qvar.engines.mask_operations import mask_tables, mixing_amplitudes, moved, weights
from qvar.engines.state_function import mask_angles, state_data
from qvar.errors import QvarError, require
from qvar.memory import require_memory
from qvar.objective import Objective, with_function
from qvar.problems.problem import Problem

Channel: TypeAlias = Literal["depolarizing", "bit_flip", "phase_flip", "amplitude_damping"]
"""Noise on a wire after a gate; see `noisy_energy`."""

Gates: TypeAlias = Literal["written", "cnot"]
"""Gates that noise follows: those that the ansatz is written in, or those after decomposition to CNOTs."""

MAX_MIXED_QUBITS = 8
"""A density matrix then takes 1 MiB, and a gradient keeps one for every gate."""


@dataclass(frozen=True)
class NoisyEnergyFunction:
    r"""\(\theta \to \mathrm{Tr}(\rho(\theta) H)\).

    Circuit, channel and observable are data: circuits of one shape share a compiled program, whatever the noise.
    """

    n_qubits: int
    angle_function: Callable[[Any], Array] | None

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, ""]:
        """Return the noisy expectation value at theta."""
        return jnp.sum(jnp.real(data["observable"].T * self.density_matrix(theta, data)))

    def density_matrix(self, theta: Float[Array, " n_params"], data: PyTree) -> Array:
        """Return the state (2^n, 2^n), wire 0 the most significant bit."""
        phi = mask_angles(self.angle_function, theta, data["angles"])[: len(data["circuit"]["fixed"])]
        state = jnp.outer(data["reference"], jnp.conj(data["reference"])).astype(complex)

        @jax.checkpoint  # a gradient keeps one density matrix for each gate, and recomputes the rest
        def step(state: Array, gate: tuple[PyTree, Array]) -> tuple[Array, None]:
            op, angle = gate
            source, sign, active = moved(op, self.n_qubits)
            keep, mix = weights(op, angle, op["g"])
            own, other = jnp.where(active, keep, 1.0), mix * sign.astype(float)
            state = own[:, None] * state + other[:, None] * state[source]
            state = own[None] * state + jnp.conj(other)[None] * state[:, source]

            def noise(state: Array, bit: Array) -> tuple[Array, None]:
                return jnp.where(bit == 0, state, _channel(state, bit, data["stay"], data["flip"])), None

            return jax.lax.scan(noise, state, op["noisy"])

        return jax.lax.scan(step, state, (data["circuit"], phi))[0]


def _channel(state: Array, bit: Array, stay: Array, flip: Array) -> Array:
    """Apply a channel to the wire of one bit, by its tables (row bit, column bit); see `_tables`."""
    index = jnp.arange(len(state), dtype=bit.dtype)
    on, partner = ((index & bit) != 0).astype(int), index ^ bit
    flipped = state[partner][:, partner]
    return stay[on[:, None], on[None]] * state + flip[on[:, None], on[None]] * flipped


def _tables(channel: Channel, p: float) -> tuple[FloatArray, FloatArray]:
    """Return (stay, flip) of a channel: weight of what stays, and of what comes from both bits flipped."""
    none, one = np.zeros((2, 2)), np.ones((2, 2))
    coherence = one - np.eye(2)
    if channel == "depolarizing":
        return (1 - 2 * p / 3) * np.eye(2) + (1 - 4 * p / 3) * coherence, 2 * p / 3 * np.eye(2)
    if channel == "bit_flip":
        return (1 - p) * one, p * one
    if channel == "phase_flip":
        return np.eye(2) + (1 - 2 * p) * coherence, none
    return np.diag([1.0, 1 - p]) + np.sqrt(1 - p) * coherence, np.diag([p, 0.0])


@checked()
def noisy_energy(
    problem: Problem | Any,
    ansatz: Ansatz,
    probability: float,
    *,
    channel: Channel = "depolarizing",
    gates: Gates = "written",
    name: str | None = None,
) -> Objective:
    r"""Return the energy of a circuit in which every gate is followed by noise on each of its wires.

    \(E(\theta) = \mathrm{Tr}(\rho(\theta) H)\), where each gate makes \(\rho \to U \rho U^\dagger\) and then one of
    these channels acts on each of its wires:

    - depolarizing: \((1 - p)\rho + \tfrac p3 (X\rho X + Y\rho Y + Z\rho Z)\), which keeps a share \(1 - 4p/3\) of
      every Pauli operator of the wire;
    - bit flip: \((1 - p)\rho + p X\rho X\); phase flip: \((1 - p)\rho + p Z\rho Z\);
    - amplitude damping: \(K_0 = |0\rangle\langle 0| + \sqrt{1 - p}\,|1\rangle\langle 1|\),
      \(K_1 = \sqrt p\,|0\rangle\langle 1|\).

    These are PennyLane's channels. Preparing the reference determinant and measuring are free of noise, and so are
    idle wires. Wang et al., Nat. Commun. 12, 6961 (2021), https://doi.org/10.1038/s41467-021-27045-6, on what such
    noise does to gradients.

    Args:
        problem: a Problem, or a PennyLane observable on wires 0 to n_qubits - 1.
        ansatz: the circuit.
        probability: p, from 0 to 1.
        channel: `"depolarizing"`, `"bit_flip"`, `"phase_flip"` or `"amplitude_damping"`.
        gates: `"written"`, the operations of `ansatz.program`, where an excitation is one gate however many wires it
            has, and a rotation about several axes, such as `qml.Rot`, is one gate for each of its angles; or `"cnot"`,
            the CNOTs and gates of one qubit that `Ansatz.resources` counts, which compares families of circuits fairly.
            Both are the same for circuits written in such gates.
        name: name in the ledger; made of the ansatz, the channel and p if None.

    Returns:
        Objective of engine `"mixed"`, in the problem's unit, without a state vector; its `baseline` and `target` are
        those of the circuit without noise. Time of an evaluation grows as gates times 4^n, memory of a gradient too.

    Raises:
        QvarError: if an argument is not as above, there are more than `MAX_MIXED_QUBITS` qubits, or the numbers of
            qubits differ.
    """
    p, program = float(probability), _noisy_program(ansatz, probability, gates)
    own = isinstance(problem, Problem)
    noiseless = energy(problem, ansatz, engine="dense") if own else expectation(problem, ansatz)
    operator, n, lowered = noiseless.needed("operator"), program.n_qubits, program.lowered
    size = 16 * 4**n * (len(lowered.slot) + 12)
    require_memory("ansatz", f"{ansatz.name} with {len(lowered.slot)} noisy gates", size, device=True)
    basis = jnp.eye(1 << n, dtype=complex)
    images = jax.vmap(lambda vector: operator(vector, noiseless.data))(basis)
    stay, flip = _tables(channel, p)
    multiples = harmonics(program)
    factors = {"g": mixing_amplitudes(lowered, real=False)[0], "fixed": lowered.fixed, "noisy": _noisy_bits(program)}
    first = np.eye(1, 1 << n, program.reference_index)[0] if program.initial is None else program.initial.register()
    data = state_data(program, first, mask_tables(lowered) | factors)
    data |= {"stay": stay, "flip": flip, "observable": images.T}  # row k of the images is column k of the matrix
    return with_function(
        noiseless,
        NoisyEnergyFunction(n, program.angle_function),
        jax.tree.map(jnp.asarray, data),
        name=name or f"{ansatz.name} {channel} {p:g}",
        engine="mixed",
        frequencies=single_frequencies(multiples),
        harmonics=multiples,
        bytes_per_evaluation=size,
        most_at_once=None,
    )


def _noisy_program(ansatz: Ansatz, probability: float, gates: Gates) -> Program:
    """Return the circuit in which every operation is followed by noise."""
    require(0.0 <= probability <= 1.0, "probability", "be from 0 to 1", probability)
    if ansatz.n_qubits > MAX_MIXED_QUBITS:
        raise QvarError(f"`ansatz` must have at most {MAX_MIXED_QUBITS} qubits with noise, but has {ansatz.n_qubits}.")
    return ansatz.program if gates == "written" else elementary(ansatz.program)


def _noisy_bits(program: Program) -> np.ndarray:
    """Return (mask operations, width) bits of the wires that noise acts on afterwards, filled up with 0."""
    slots = program.lowered.slot
    last = np.append(slots[1:] != slots[:-1], True)[: len(slots)]
    wires = program.wires[slots]
    bits = np.where((wires >= 0) & last[:, None], 1 << (program.n_qubits - 1 - np.maximum(wires, 0)), 0)
    return bits.astype(np.int32)
