r"""States of a circuit on the host, their derivatives, and gradients of what is linear in them.

The functions of `qvar.host_kernels.HostKernels` that need no Hamiltonian, for circuits with affine angles, without a
compilation for each circuit. A derivative along a direction takes the tangent of the state along:
\(\dot\psi' = R\dot\psi - i\dot\varphi\, G R\psi\) for each \(R = e^{-i\varphi G}\).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np

from qvar._types import FloatArray, IntArray, PyTree
from qvar.ansatz.program import Program
from qvar.engines.adjoint import Circuit
from qvar.engines.dense_layers import LayerCircuit
from qvar.engines.host_angles import HostAngles, host_angles
from qvar.engines.host_register import host_register
from qvar.engines.host_sector import host_sector
from qvar.engines.host_threads import n_threads, run_all
from qvar.engines.sector import SectorCircuit
from qvar.host_kernels import HostKernels

TOGETHER = 1 << 15
"""Numbers of states that are evaluated in one call: they stay in a core's cache."""

MOST_QUBITS = 12
"""Qubits of a register up to which derivatives of states and Hessian products are made here, by one thread."""

ALONE = 1 << 16
"""Amplitudes of a state from which one is evaluated after the other, by all threads."""

WORK, WORK_OF_CALL = 1 << 18, 1 << 15
"""Amplitudes times operations of a batch, and for each kernel that is called, from which several threads share it.

Between kernels, threads wait for Python's lock."""


@runtime_checkable
class HostCircuit(Protocol):
    """A circuit on the host; see `HostSector` and `HostRegister`."""

    @property
    def size(self) -> int:
        """Amplitudes of a state."""
        ...

    @property
    def n_calls(self) -> int:
        """Kernels that a sweep calls one after the other."""
        ...

    def start(self, n: int) -> np.ndarray:
        """Return the reference n times, or the state that takes its place."""
        ...

    def starting_from(self, state: np.ndarray) -> HostCircuit:
        """Return the circuit with a state in place of the reference."""
        ...

    def forward(self, states: np.ndarray, angles: FloatArray) -> None:
        """Apply all operations at angles (n, n_ops), in place."""
        ...

    def backward(self, kets: np.ndarray, bras: np.ndarray, angles: FloatArray) -> FloatArray:
        """Undo all operations in place, and return Re <bra|-iG|ket> of each, (n, n_ops)."""
        ...

    def derivatives(self, states: np.ndarray, overlaps: FloatArray, angles: FloatArray, rates: FloatArray) -> None:
        """Apply all operations to a state, a costate and tangents, in place."""
        ...

    def tangents(self, states: np.ndarray, angles: FloatArray, rates: FloatArray) -> FloatArray:
        """Apply or undo all operations with tangents, in place."""
        ...


@dataclass(frozen=True, eq=False)
class HostStates:
    """States of a circuit, and their derivatives by theta."""

    circuit: HostCircuit
    angles: HostAngles
    by_operation: HostAngles
    """Angles of the same circuit if theta are those of the program's operations."""
    has_derivatives: bool
    """As `HostKernels.has_derivatives`."""

    def kernels(self) -> HostKernels:
        """Return the functions of an objective that has these states and no value."""
        return HostKernels(
            states=self.states,
            derivatives=self.derivatives,
            pulled_back=self.pulled_back,
            of_operations=lambda: replace(self, angles=self.by_operation).kernels(),
            after=lambda state: replace(self, circuit=self.circuit.starting_from(state)).kernels(),
            has_derivatives=self.has_derivatives,
        )

    def states(self, thetas: FloatArray) -> np.ndarray:
        """Return the states (n, *shape) at points (n, n_params)."""
        angles = self.angles.at(np.array(thetas, float))
        states = self.circuit.start(len(thetas))

        def work(rows: slice) -> None:
            self.circuit.forward(states[rows], angles[rows])

        self._in_parts(work, angles)
        return states

    def derivatives(self, theta: FloatArray, directions: FloatArray) -> tuple[np.ndarray, np.ndarray]:
        """Return the state at theta (n_params,), and its derivatives (k, *shape) along directions (k, n_params)."""
        angles = self.angles.at(np.array(theta, float)[None])[0]
        return self.swept(angles, self.angles.rates(np.array(directions, float)))

    def swept(
        self,
        angles: FloatArray,
        rates: FloatArray,
        costate: np.ndarray | None = None,
        overlaps: FloatArray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the state and its tangents (k, *shape) at angles (n_ops,) that change at rates (k, n_ops).

        `costate` is that before all operations, see `derivative_kernels`; overlaps with it, (k, n_ops), are written
        into `overlaps`.
        """
        tangents, state = self.circuit.start(len(rates)), self._forward(angles[None])[0]

        def work(rows: slice) -> None:
            own = np.zeros((0, len(angles))) if overlaps is None else overlaps[rows]
            states = self.circuit.start(2 + len(tangents[rows]))
            states[1], states[2:] = 0.0 if costate is None else costate, 0.0
            self.circuit.derivatives(states, own, angles, rates[rows])
            tangents[rows] = states[2:]

        self._in_parts(work, rates)
        return state, tangents

    def pulled_back(self, theta: FloatArray, bras: np.ndarray) -> FloatArray:
        r"""Return \(\mathrm{Re} \langle b|\partial_i \psi\rangle\), (k, n_params), for vectors b, (k, *shape)."""
        angles = np.repeat(self.angles.at(np.array(theta, float)[None]), len(bras), axis=0)
        slopes, own = np.empty(angles.shape), self.circuit.start(len(bras))
        own[:] = bras

        def work(rows: slice) -> None:
            slopes[rows] = self.circuit.backward(self._forward(angles[rows]), own[rows], angles[rows])

        self._in_parts(work, angles)
        return self.angles.pulled_back(slopes)

    def _forward(self, angles: FloatArray) -> np.ndarray:
        states = self.circuit.start(len(angles))
        self.circuit.forward(states, angles)
        return states

    def _in_parts(self, work: Callable[[slice], None], angles: FloatArray) -> None:
        """Do the work at some points after the other, in several threads if it is much."""
        n, size = len(angles), self.circuit.size
        step = max(1, TOGETHER // size)
        if n * size * max(1, angles.shape[1]) >= max(WORK, WORK_OF_CALL * self.circuit.n_calls):
            step = min(step, -(-n // n_threads()))
        calls = [partial(work, slice(at, at + step)) for at in range(0, n, step)]
        if size < ALONE:
            run_all(calls)
            return
        for call in calls:
            call()


def host_states(program: Program, circuit: tuple[Circuit, PyTree, PyTree]) -> HostStates | None:
    """Return the states of a circuit on the host; None if JAX has to evaluate them.

    `circuit` is the engine's circuit, its reference and tables.
    """
    engine, reference, tables = circuit
    if program.angle_function is not None:  # before tables are copied
        return None
    if isinstance(engine, SectorCircuit):
        sector = host_sector(engine, reference, tables)
        own: HostCircuit = sector
        order: IntArray | None = sector.order
    else:
        own, order = host_register(program, _stays_real(program, engine, reference))
    small = isinstance(engine, SectorCircuit) or program.n_qubits <= MOST_QUBITS
    return HostStates(own, host_angles(program, order), host_angles(program, order, by_operation=True), small)


def _stays_real(program: Program, engine: Circuit, reference: PyTree) -> bool:
    if isinstance(engine, LayerCircuit):
        return program.real and not engine.complex_state
    return not np.iscomplexobj(reference)
