"""Ansatz: a named circuit with free parameters, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from qvar._types import Family
from qvar.ansatz.program import Program
from qvar.errors import QvarError, require

Scheme: TypeAlias = Literal["uniform", "gaussian", "zero"]
"""`uniform` on [-pi, pi), `gaussian` of standard deviation 0.01, or `zero`."""

SMALL = 0.01
"""Standard deviation of the `gaussian` start, radians: near the reference, and different in every seed."""


@runtime_checkable
class HasReference(Protocol):
    """What an ansatz needs to know of a problem: its qubits and its reference determinant."""

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        ...

    @property
    def reference_bits(self) -> tuple[int, ...]:
        """(n_qubits,) occupation of every wire in the reference determinant."""
        ...


@dataclass(frozen=True)
class Resources:
    """What a circuit costs after decomposition to CNOT and single-qubit gates."""

    n_params: int
    """Free parameters."""
    two_qubit_gates: int
    """CNOTs."""
    depth: int
    """Longest chain of gates, the preparation of the reference determinant included."""


@dataclass(frozen=True, eq=False)
class Ansatz:
    """A parametrized circuit.

    Built by functions such as `qvar.uccsd`, or from a PennyLane quantum function by
    `Ansatz.from_circuit`.
    """

    name: str
    """What the ledger calls it, such as `"uccsd"`."""
    family: Family
    """`"generic"` or `"constrained"`."""
    program: Program
    """The circuit as data."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that it was made with: JSON-able, recorded."""
    start: Scheme = "uniform"
    """How `initial` draws where nothing else is said."""

    def __post_init__(self) -> None:
        require(self.family in ("generic", "constrained"), "family", "be 'generic' or 'constrained'", self.family)

    @property
    def n_params(self) -> int:
        """Number of free parameters."""
        return self.program.n_params

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return self.program.n_qubits

    @classmethod
    def from_circuit(
        cls,
        quantum_function: Callable[..., Any],
        n_qubits: int,
        n_params: int,
        name: str | None = None,
        family: Family = "generic",
        start: Scheme = "uniform",
    ) -> Ansatz:
        """An ansatz from a PennyLane quantum function of one parameter vector.

        Angles that are affine in theta become a table; other functions of theta work too if they are
        written with `jax.numpy`, slower, with a `UserWarning` that says so once. Gates that qvar has no
        kind for are decomposed by PennyLane.

        Args:
            quantum_function: applies PennyLane operations, given theta of shape (n_params,); no
                measurements. Wires are 0 to n_qubits - 1; wire 2p is orbital p spin up, 2p+1 spin down.
            n_qubits: number of qubits.
            n_params: length of theta.
            name: what the ledger calls it; the function's name where None.
            family: `"generic"` or `"constrained"`.
            start: how `initial` draws, see `Ansatz.initial`.

        Raises:
            QvarError: if the function measures, uses other wires, reads more parameters than
                `n_params`, changes its gates with theta, or holds a gate that cannot be decomposed.
        """
        from qvar.ansatz.trace import trace_circuit

        title = name or getattr(quantum_function, "__name__", "circuit")
        program = trace_circuit(quantum_function, n_qubits, n_params)
        return cls(name=title, family=family, program=program, start=start)

    def circuit(self, theta: Any) -> None:
        """Applies the whole circuit as PennyLane operations, reference determinant first.

        Call it inside a quantum function or QNode.

        Args:
            theta: (n_params,) of any interface that PennyLane knows.

        Raises:
            QvarError: if theta has another length.
        """
        from qvar.ansatz.trace import emit

        emit(self.program, theta)

    def initial(self, key: jax.Array, scheme: Scheme | None = None) -> Float[Array, " n_params"]:
        """Start parameters, shape (n_params,), radians.

        Args:
            key: JAX random key.
            scheme: `"uniform"` on [-pi, pi), `"gaussian"` of standard deviation 0.01 around the
                reference, or `"zero"`; the ansatz's own `start` where None.

        Raises:
            QvarError: if the scheme is unknown.
        """
        scheme = scheme or self.start
        shape = (self.n_params,)
        if scheme == "uniform":
            return jax.random.uniform(key, shape, float, -jnp.pi, jnp.pi)
        if scheme == "gaussian":
            return SMALL * jax.random.normal(key, shape, float)
        if scheme == "zero":
            return jnp.zeros(shape, float)
        raise QvarError(f"`scheme` must be 'uniform', 'gaussian' or 'zero', but is {scheme!r}.")

    def draw(self, theta: Any = None, max_length: int = 78) -> str:
        """The circuit as text, wrapped at `max_length` columns; with angles where theta is given."""
        from qvar.ansatz.trace import draw

        return draw(self.program, theta, max_length)

    @cached_property
    def _resources(self) -> Resources:
        from qvar.ansatz.resources import count

        return count(self.program)

    def resources(self) -> Resources:
        """Parameters, CNOTs and depth after PennyLane's decomposition to CNOT and single-qubit gates.

        Adjacent gates are not merged or cancelled. Each kind of gate is decomposed once; counting is
        linear in the number of decomposed gates.
        """
        return self._resources

    def describe(self) -> dict[str, Any]:
        """JSON-able description that identifies the ansatz in task keys."""
        return {
            "name": self.name,
            "family": self.family,
            "settings": dict(self.settings),
            "start": self.start,
            "program": self.program.digest,
        }
