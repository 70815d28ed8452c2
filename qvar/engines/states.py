"""States of an ansatz without a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import PyTree
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.program import Program
from qvar.checks import counting_number
from qvar.engines.adjoint import Circuit
from qvar.engines.conserved import ConservedSector, conserved_sector
from qvar.engines.dense import dense_circuit
from qvar.engines.energy import MAX_COLUMN_STATES, MAX_DENSE_QUBITS
from qvar.engines.mask_operations import mask_circuit
from qvar.engines.sector import sector_circuit
from qvar.engines.state_function import (
    StateFunction,
    bytes_per_evaluation,
    bytes_per_state,
    most_in_cache,
    state_data,
)
from qvar.errors import require
from qvar.host_kernels import HostKernels
from qvar.memory import chunk_size
from qvar.objective import in_chunks

_BLOCK_BYTES = 1 << 25
"""Bytes of states that are held at once."""


@dataclass(frozen=True, eq=False)
class AnsatzStates:
    """States of an ansatz in an engine, many at a time; see `ansatz_states`."""

    ansatz: Ansatz
    state_function: StateFunction
    """Pure and hashable function of (theta, data) that gives the state vector."""
    data: PyTree
    """Arrays that `state_function` reads; in a sector also `strings`, the alpha strings of the rows of a state and
    the beta strings of its columns."""
    sector: ConservedSector | None
    """Sector of the states, which are matrices; None for a register, shape (2^n,)."""
    bytes_per_state: int
    host: HostKernels | None = None
    """Functions on the host that take the place of `state_function`."""

    def draw(self, key: jax.Array, n: int, start: str | None = None) -> Float[Array, "n n_params"]:
        """Draw random parameters of `n` states, shape (n, n_params).

        Raises `QvarError` if the start is unknown.
        """
        keys = jax.random.split(key, counting_number("n", n))
        draw = (self.ansatz if start is None else self.ansatz.with_start(start)).initial
        try:
            return jax.vmap(draw)(keys)
        except jax.errors.JAXTypeError:  # a draw that leaves JAX cannot be batched
            return jnp.stack([draw(one) for one in keys])

    def states(self, thetas: Float[Array, "n n_params"]) -> Array:
        """Return the states (n, *shape) at points; the caller holds them all."""
        if self.host is not None and self.host.states is not None:
            return jax.device_put(self.host.states(np.asarray(thetas)))
        most = most_in_cache(self.bytes_per_state)
        chunk = chunk_size(len(thetas), bytes_per_evaluation(self.bytes_per_state), most)
        return in_chunks(self.state_function, chunk, thetas, self.data)

    def measured(
        self, quantity: Callable[[Any, PyTree], Any], thetas: Float[Array, "n n_params"], together: int = 1
    ) -> Any:
        """Measure a quantity of states, in blocks of points that fit into memory.

        Args:
            quantity: pure and hashable function of (states (together, *shape), `strings`); compiled once for a shape.
            thetas: (n, n_params) parameters; `together` consecutive ones belong to one quantity.
            together: number of states that a quantity is of; divides n.

        Returns:
            The quantities, (n / together, ...).
        """
        points, n = np.asarray(thetas), len(thetas) // together
        size = together * bytes_per_evaluation(self.bytes_per_state)
        block = chunk_size(n, size, max(1, _BLOCK_BYTES // (together * self.bytes_per_state)))
        parts = []
        for at in range(0, n, block):
            rows = np.minimum(np.arange(at * together, (at + block) * together), len(points) - 1)
            states = self.states(jax.device_put(points[rows]))
            groups = states.reshape(block, together, *states.shape[1:])
            parts.append(np.asarray(_quantities(quantity, groups, self.data.get("strings")))[: n - at])
        return jax.device_put(np.concatenate(parts))


@partial(jax.jit, static_argnums=0)
def _quantities(quantity: Callable[[Any, PyTree], Any], groups: Array, strings: PyTree) -> Array:
    return jax.vmap(quantity, (0, None))(groups, strings)


def ansatz_states(ansatz: Ansatz, engine: Literal["auto", "dense"] = "auto") -> AnsatzStates:
    """Return the states that a circuit prepares from its reference, without a Hamiltonian.

    `"dense"` states have shape (2^n,), wire 0 the most significant bit; `"auto"` takes the smaller matrix (alpha
    strings, beta strings) of the `conserved_sector` if there is one.

    Raises `QvarError` if 2^n is out of reach.
    """
    program = ansatz.program
    sector = conserved_sector(program) if engine == "auto" and not program.one_of_many else None
    if sector is not None and not sector.layout.beta and sector.dimension > MAX_COLUMN_STATES:
        sector = None
    circuit: tuple[Circuit, PyTree, PyTree]
    data: dict[str, PyTree] = {}
    if sector is not None:
        circuit, data["strings"] = sector_circuit(program, program.real, sector)
    else:
        limit = f"be at most {MAX_DENSE_QUBITS} in the dense engine"
        require(ansatz.n_qubits <= MAX_DENSE_QUBITS, "n_qubits", limit, ansatz.n_qubits)
        circuit = mask_circuit(program, program.real) if program.one_of_many else dense_circuit(program, False)
    kernel, reference, tables = circuit
    data |= state_data(program, reference, tables)
    n_amplitudes = 1 << ansatz.n_qubits if sector is None else sector.dimension
    tree = jax.device_put(data)
    return AnsatzStates(
        ansatz=ansatz,
        state_function=StateFunction(kernel, program.angle_function),
        data=tree,
        sector=sector,
        bytes_per_state=bytes_per_state(program, n_amplitudes),
        host=_host(program, (kernel, tree["reference"], tree["circuit"])),
    )


def _host(program: Program, circuit: tuple[Circuit, PyTree, PyTree]) -> HostKernels | None:
    if jax.default_backend() != "cpu" or jax.dtypes.canonicalize_dtype(float) != np.float64:
        return None
    try:
        from qvar.engines.host_states import host_states
    except ImportError:  # no Numba here, which a node with a GPU does not need
        return None
    states = host_states(program, circuit)
    return None if states is None else states.kernels()
