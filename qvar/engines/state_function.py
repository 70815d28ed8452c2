r"""State functions theta -> |psi(theta)>, their data and their memory, in every engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax.sharding import Mesh
from jaxtyping import Array, Float

from qvar._types import PyTree
from qvar.ansatz.program import Program, affine_angles
from qvar.engines.adjoint import Circuit
from qvar.engines.room import operations_room, with_room
from qvar.engines.sharding import gather

STATES_HELD = 8
"""States that a value and gradient hold at the same time, parts and copies included."""

SCRATCH_BYTES = 1 << 21
"""Additional memory of H|psi>, see `electronic_hamiltonian.CHUNK_BYTES`."""

CACHE_BYTES = 1 << 18
"""Size of the states of a batch above which, on a CPU, single evaluations in sequence are faster."""


@dataclass(frozen=True)
class StateFunction:
    """theta -> state vector; hashable, so that circuits of one shape share compiled programs."""

    circuit: Circuit
    angle_function: Callable[[Any], Array] | None
    readers: Mesh | None = None
    """Devices of several processes, each of which reads the whole state; None if there is one process."""

    @property
    def allows_padding(self) -> bool:
        """True if theta may be longer than n_params: what comes after the parameters is not read."""
        return self.angle_function is None and self.readers is None

    def padded_size(self, data: PyTree) -> int:
        """Return a length of padded theta that circuits of one size class share."""
        return len(data["angles"]["slot"])

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Array:
        """Return the state at theta."""
        return gather(self.amplitudes(theta, data), self.readers)

    def amplitudes(self, theta: Float[Array, " n_params"], data: PyTree) -> Array:
        """Return the state at theta, sharded as the engine does."""
        # the cotangent of a gathered array is gathered: every process can read the gradient
        return self.circuit(data["reference"], self.phi(gather(theta, self.readers), data), data["circuit"])

    def phi(self, theta: Float[Array, " n_params"], data: PyTree) -> Array:
        """Return the angles of the mask operations at theta, radians."""
        return mask_angles(self.angle_function, theta, data["angles"])


@dataclass(frozen=True)
class ForwardStateFunction:
    """theta -> state vector, for derivatives in forward mode; see `Objective.forward_state_function`."""

    state: StateFunction

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Array:
        """Return the state at theta."""
        state = self.state.circuit.forward_mode(data["reference"], self.state.phi(theta, data), data["circuit"])
        return gather(state, self.state.readers)


def mask_angles(angle_function: Callable[[Any], Array] | None, theta: Array, lowering: PyTree) -> Array:
    """Return the angles of the mask operations of a program at theta, radians, then zeros; see `state_data`."""
    angles = affine_angles(theta, lowering["affine"]) if angle_function is None else angle_function(theta)
    return lowering["factor"] * angles[lowering["slot"]] + lowering["constant"]


def state_data(program: Program, reference: PyTree, tables: PyTree) -> dict[str, PyTree]:
    """Return the data of a `StateFunction`: the map from theta to angles, the initial state, the circuit's tables.

    The map has room for more operations and terms (see `room`), which change no angle.
    """
    lowered = program.lowered
    size = operations_room(max(program.n_ops, program.n_params, len(lowered.slot), len(program.angle_op)))
    offset, op, param, scale = program.affine_map
    other = {"slot": lowered.slot, "factor": lowered.factor, "constant": lowered.constant}
    affine = (with_room(offset, size), with_room(op, size, fill=size), with_room(param, size), with_room(scale, size))
    return {
        "angles": {"affine": affine} | {name: with_room(table, size) for name, table in other.items()},
        "reference": reference,
        "circuit": tables,
    }


def bytes_per_state(program: Program, n_amplitudes: int) -> int:
    """Return the memory of one state of a circuit, real if the circuit keeps it real."""
    return n_amplitudes * jax.dtypes.canonicalize_dtype(float).itemsize * (1 if program.real else 2)


def bytes_per_evaluation(state_bytes: int, n_devices: int = 1) -> int:
    """Return the memory of an evaluation on each of the devices that share its states."""
    return STATES_HELD * state_bytes // n_devices + SCRATCH_BYTES


def most_in_cache(state_bytes: int) -> int | None:
    """Return how many simultaneous evaluations are faster than sequential ones; None for any number."""
    return max(1, CACHE_BYTES // state_bytes) if jax.default_backend() == "cpu" else None
