r"""Program: a circuit as arrays of operations, data and not traced code.

Engines walk the arrays with `jax.lax.scan`, so the time to compile does not grow with depth. Angles are
affine in the parameters, \(\text{angle} = \text{offset} + C\theta\) with a sparse \(C\); a circuit whose angles
are other functions of \(\theta\) carries that function instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, IntArray
from qvar.ansatz.angle_function import computation_digest
from qvar.ansatz.gates import INVERSES, KIND_INDEX, KINDS, Lowered
from qvar.ansatz.initial_state import InitialState
from qvar.errors import QvarError, require
from qvar.memory import require_memory
from qvar.pauli import MAX_QUBITS
from qvar.short_repr import short_repr

BYTES_PER_OPERATION = 320
"""Memory of one operation while a program is built."""


@short_repr("n_qubits", "n_params", "n_ops")
@dataclass(frozen=True, eq=False)
class Program:
    """A compiled circuit: a reference determinant, then operations; the first acts first."""

    n_qubits: int
    n_params: int
    reference: tuple[int, ...] | InitialState
    """(n_qubits,) bits of the computational basis state that the circuit starts from, or another state."""
    kind: IntArray
    """(n_ops,) index into `gates.KINDS`."""
    wires: IntArray
    """(n_ops, width) wires, filled up with -1. For fermionic kinds: created modes, then annihilated ones."""
    words: tuple[str, ...]
    """(n_ops,) Pauli word of a `PauliRot`, else ""."""
    offset: FloatArray
    """(n_ops,) constant part of the angle, radians."""
    angle_op: IntArray
    """(n_terms,) operation that a term of the affine map adds to."""
    angle_param: IntArray
    """(n_terms,) parameter that the term reads."""
    angle_scale: FloatArray
    """(n_terms,) its coefficient."""
    angle_function: Callable[[Any], Array] | None = None
    """theta -> (n_ops,) angles if they are not affine in theta; a JAX function."""
    one_of_many: bool = False
    """True if it is drawn from an ensemble of circuits with equally many operations: engines then compile once for all
    of them, and not the fastest program for this one."""

    @property
    def reference_index(self) -> int:
        """Number of the reference among the basis states, the largest one of a state; wire 0 is the leading bit."""
        if isinstance(self.reference, InitialState):
            return self.reference.largest
        return int("".join(map(str, self.reference)), 2)

    @property
    def bits(self) -> tuple[int, ...]:
        """(n_qubits,) bits of the basis state `reference_index`."""
        return tuple(self.reference_index >> (self.n_qubits - 1 - wire) & 1 for wire in range(self.n_qubits))

    @property
    def initial(self) -> InitialState | None:
        """State that the circuit starts from; None if it is a basis state."""
        return self.reference if isinstance(self.reference, InitialState) else None

    @property
    def support(self) -> IntArray:
        """(k,) basis states of which the state that the circuit starts from is made."""
        return np.array([self.reference_index]) if self.initial is None else self.initial.states

    @property
    def real(self) -> bool:
        """True if amplitudes stay real at every theta."""
        return self.lowered.real and (self.initial is None or self.initial.real)

    @property
    def n_ops(self) -> int:
        """Number of operations."""
        return len(self.kind)

    def angles(self, theta: Float[Array, " n_params"]) -> Float[Array, " n_ops"]:
        """Compute the angle of every operation, shape (n_ops,), radians; zero for operations without one."""
        if self.angle_function is not None:
            return self.angle_function(theta)
        return affine_angles(theta, self.affine_map)

    @property
    def affine_map(self) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
        """(offset, angle_op, angle_param, angle_scale), the arguments of `affine_angles`."""
        return self.offset, self.angle_op, self.angle_param, self.angle_scale

    @property
    def angle_rows(self) -> list[dict[int, float]]:
        """{parameter: coefficient} of the affine angle of every operation."""
        rows: list[dict[int, float]] = [{} for _ in range(self.n_ops)]
        for op, param, scale in zip(self.angle_op, self.angle_param, self.angle_scale, strict=True):
            rows[op][int(param)] = rows[op].get(int(param), 0.0) + float(scale)
        return rows

    def op_wires(self, index: int) -> tuple[int, ...]:
        """Return the wires of one operation."""
        row = self.wires[index]
        return tuple(int(w) for w in row[row >= 0])

    @cached_property
    def lowered(self) -> Lowered:
        """The mask operations that engines run; O(n_ops)."""
        rows = []
        for index in range(self.n_ops):
            kind = KINDS[self.kind[index]]
            rows += [(index, op) for op in kind.lower(self.op_wires(index), self.words[index], self.n_qubits)]
        ops = [op for _, op in rows]
        integers = {name: np.array([getattr(op, name) for op in ops], dtype=np.int64) for name in "xzmf"}
        return Lowered(
            n_qubits=self.n_qubits,
            slot=np.array([slot for slot, _ in rows], dtype=np.int32),
            factor=np.array([op.factor for op in ops], dtype=np.float64),
            constant=np.array([op.constant for op in ops], dtype=np.float64),
            fixed=np.array([op.fixed for op in ops], dtype=bool),
            w=np.array([op.w for op in ops], dtype=np.complex128),
            **integers,
        )

    @cached_property
    def spin_masks(self) -> tuple[int, int]:
        """Bits of the spin-up wires (0, 2, ...) and of the spin-down wires (1, 3, ...)."""
        up = sum(1 << (self.n_qubits - 1 - wire) for wire in range(0, self.n_qubits, 2))
        return up, ((1 << self.n_qubits) - 1) ^ up

    @cached_property
    def conserves_spin_numbers(self) -> bool:
        """True if the numbers of spin-up and of spin-down electrons are those of the initial state at every theta."""
        return all(map(self.conserves_ones, self.spin_masks))

    def conserves_ones(self, mask: int) -> bool:
        """Return whether all basis states of the state have the same number of ones on some wires at every theta."""
        counts = np.bitwise_count(self.support & mask)
        return self.lowered.conserves(mask) and bool(np.all(counts == counts[0]))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole circuit."""
        h = hashlib.sha256(repr((self.n_qubits, self.n_params, self.reference, self.words)).encode())
        for array in (self.kind, self.wires, *self.affine_map):
            h.update(np.ascontiguousarray(array).tobytes())
        if self.angle_function is not None:
            theta = jnp.zeros(self.n_params, float)
            h.update(computation_digest(jax.make_jaxpr(self.angle_function)(theta)).encode())
        return h.hexdigest()


def affine_angles(theta: Float[Array, " n_params"], affine_map: tuple[Any, Any, Any, Any]) -> Float[Array, " n_ops"]:
    """Compute offset + C theta with C in coordinate form (see `Program`), without rows beyond it; differentiable."""
    offset, op, param, scale = affine_map
    angles = jnp.asarray(offset, dtype=theta.dtype)
    if len(theta) == 0:
        return angles
    return angles.at[op].add(jnp.asarray(scale, dtype=theta.dtype) * theta[param], mode="drop")


def check_operations(argument: str, number: int, each: int) -> None:
    """Refuse a circuit that does not fit into memory, before it is built; `QvarError` if it does not fit."""
    require_memory(argument, number, number * max(each, 1) * BYTES_PER_OPERATION)


@dataclass
class ProgramBuilder:
    """Builder of a program, operation by operation."""

    n_qubits: int
    n_params: int
    reference: Sequence[int] | InitialState | None = None
    _ops: list[tuple[int, tuple[int, ...], str, float]] = field(default_factory=list)
    _terms: list[tuple[int, int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        require(1 <= self.n_qubits <= MAX_QUBITS, "n_qubits", f"be from 1 to {MAX_QUBITS}", self.n_qubits)

    def add(
        self,
        name: str,
        wires: Sequence[int],
        angle: Mapping[int, float] | None = None,
        *,
        offset: float = 0.0,
        word: str = "",
    ) -> None:
        """Append one operation.

        `wires` of fermionic kinds are created modes, then annihilated ones. `angle` maps parameters to coefficients of
        the affine angle, whose constant part is `offset`, radians; `word` is the Pauli word of a `PauliRot`.
        """
        index = len(self._ops)
        self._ops.append((KIND_INDEX[name], tuple(wires), word, offset))
        self._terms += [(index, param, scale) for param, scale in (angle or {}).items()]

    def extend(
        self, program: Program, *, shift: int = 0, wires: Sequence[int] | None = None, inverse: bool = False
    ) -> None:
        r"""Append all operations of another program, not its reference.

        Parameter k becomes k + `shift`, wire w becomes `wires[w]`; Jordan-Wigner strings of fermionic kinds follow.
        With `inverse` \(U(\theta)^\dagger\) is appended instead.

        Raises `QvarError` if the angles are not affine in theta.
        """
        if program.angle_function is not None:
            raise QvarError("`ansatz` must have angles that are affine in theta, but has others.")
        terms = [{param + shift: scale for param, scale in row.items()} for row in program.angle_rows]
        order = range(program.n_ops)
        for index in reversed(order) if inverse else order:
            on = program.op_wires(index)
            on = on if wires is None else tuple(wires[w] for w in on)
            name, word, offset = KINDS[program.kind[index]].name, program.words[index], float(program.offset[index])
            if not inverse:
                self.add(name, on, terms[index], offset=offset, word=word)
            elif KINDS[program.kind[index]].parametric:
                self.add(name, on, {k: -v for k, v in terms[index].items()}, offset=-offset, word=word)
            else:
                for undo, angle in INVERSES.get(name, ((name, 0.0),)):
                    self.add(undo, on, offset=angle)

    def build(self, angle_function: Callable[[Any], Array] | None = None, *, one_of_many: bool = False) -> Program:
        """Return the program of all operations added so far; see `Program` for the arguments."""
        width = max((len(wires) for _, wires, _, _ in self._ops), default=1)
        padded = [(*wires, *[-1] * (width - len(wires))) for _, wires, _, _ in self._ops]
        reference = self.reference if self.reference is not None else [0] * self.n_qubits
        return Program(
            n_qubits=self.n_qubits,
            n_params=self.n_params,
            reference=reference if isinstance(reference, InitialState) else tuple(int(b) for b in reference),
            kind=np.array([kind for kind, *_ in self._ops], dtype=np.int32),
            wires=np.array(padded, dtype=np.int32).reshape(len(padded), width),
            words=tuple(word for _, _, word, _ in self._ops),
            offset=np.array([offset for *_, offset in self._ops], dtype=np.float64),
            angle_op=np.array([op for op, _, _ in self._terms], dtype=np.int32),
            angle_param=np.array([param for _, param, _ in self._terms], dtype=np.int32),
            angle_scale=np.array([scale for _, _, scale in self._terms], dtype=np.float64),
            angle_function=angle_function,
            one_of_many=one_of_many,
        )
