"""States of an ansatz without a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from qvar._types import PyTree
from qvar.ansatz.ansatz import Ansatz
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
from qvar.memory import chunk_size
from qvar.objective import in_chunks


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

    def draw(self, key: jax.Array, n: int, start: str | None = None) -> Float[Array, "n n_params"]:
        """Draw random parameters of `n` states, shape (n, n_params).

        Args:
            key: JAX random key.
            n: how many.
            start: how each is drawn, see `Ansatz.initial`.

        Raises:
            QvarError: if the start is unknown.
        """
        keys = jax.random.split(key, counting_number("n", n))
        draw = (self.ansatz if start is None else self.ansatz.with_start(start)).initial
        try:
            return jax.vmap(draw)(keys)
        except jax.errors.JAXTypeError:  # a draw that leaves JAX cannot be batched
            return jnp.stack([draw(one) for one in keys])

    def batch(self, function: Callable[[Any, PyTree], Any], points: Float[Array, "n width"]) -> Any:
        """Evaluate a function of (point, data) at many points, in chunks that fit into memory.

        Args:
            function: pure and hashable; it may hold about eight states.
            points: (n, width), such as (n, n_params) parameters.

        Returns:
            The results of the function, every array with a leading axis n.
        """
        most = most_in_cache(self.bytes_per_state)
        chunk = chunk_size(len(points), bytes_per_evaluation(self.bytes_per_state), most)
        return in_chunks(function, chunk, points, self.data)


def ansatz_states(ansatz: Ansatz, engine: Literal["auto", "dense"] = "auto") -> AnsatzStates:
    """Return the states that a circuit prepares from its reference, without a Hamiltonian.

    Args:
        ansatz: the circuit.
        engine: `"dense"` for states of shape (2^n,), wire 0 the most significant bit; `"auto"` for the smaller
            matrix (alpha strings, beta strings) of the `conserved_sector` if there is one.

    Raises:
        QvarError: if 2^n is out of reach.
    """
    program, lowered = ansatz.program, ansatz.program.lowered
    sector = conserved_sector(program) if engine == "auto" and not program.one_of_many else None
    if sector is not None and not sector.layout.beta and sector.dimension > MAX_COLUMN_STATES:
        sector = None
    circuit: tuple[Circuit, PyTree, PyTree]
    data: dict[str, PyTree] = {}
    if sector is not None:
        circuit, data["strings"] = sector_circuit(program, lowered.real, sector)
    else:
        limit = f"be at most {MAX_DENSE_QUBITS} in the dense engine"
        require(ansatz.n_qubits <= MAX_DENSE_QUBITS, "n_qubits", limit, ansatz.n_qubits)
        circuit = mask_circuit(program, lowered.real) if program.one_of_many else dense_circuit(program, False)
    kernel, reference, tables = circuit
    data |= state_data(program, reference, tables)
    n_amplitudes = 1 << ansatz.n_qubits if sector is None else sector.dimension
    return AnsatzStates(
        ansatz=ansatz,
        state_function=StateFunction(kernel, program.angle_function),
        data=jax.tree.map(jnp.asarray, data),
        sector=sector,
        bytes_per_state=bytes_per_state(program, n_amplitudes),
    )
