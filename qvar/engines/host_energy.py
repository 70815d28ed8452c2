r"""Energies, gradients, Hessian products and states on the host, without a compilation for each circuit.

They take the place of JAX's programs on a CPU in 64 bit, for circuits with affine angles; see
`qvar.objective.HostKernels`. The gradient is the reversible sweep of `qvar.engines.adjoint`; a Hessian product takes
the tangents of all states along: \(\dot\psi' = R\dot\psi - i\dot\varphi\, G R\psi\) for each
\(R = e^{-i\varphi G}\). Memory: two states and an image for an evaluation, six states for a product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np

from qvar._types import FloatArray, PyTree
from qvar.ansatz.program import Program
from qvar.engines.adjoint import Circuit
from qvar.engines.dense_layers import LayerCircuit
from qvar.engines.hamiltonian import HamiltonianKernel
from qvar.engines.host_angles import HostAngles, host_angles
from qvar.engines.host_hamiltonian import HostHamiltonian, host_hamiltonian
from qvar.engines.host_register import host_register
from qvar.engines.host_sector import host_sector
from qvar.engines.host_threads import n_threads, run_all
from qvar.engines.sector import SectorCircuit
from qvar.objective import HostKernels

TOGETHER = 1 << 15
"""Numbers of states that are evaluated in one call: they stay in a core's cache."""

MOST_QUBITS = 12
"""Qubits of a register up to which operations one at a time are not slower than JAX's layers with their compilation."""

WORK = 1 << 17
"""Amplitudes times operations of a batch from which several threads share it."""

SMALL_WORK = 1 << 21
"""Amplitudes times operations that take some milliseconds."""


@runtime_checkable
class HostCircuit(Protocol):
    """A circuit on the host; see `HostSector` and `HostRegister`."""

    @property
    def size(self) -> int:
        """Amplitudes of a state."""
        ...

    def start(self, n: int) -> np.ndarray:
        """Return the reference n times."""
        ...

    def forward(self, states: np.ndarray, angles: FloatArray) -> None:
        """Apply all operations at angles (n, n_ops), in place."""
        ...

    def backward(self, kets: np.ndarray, bras: np.ndarray, angles: FloatArray) -> FloatArray:
        """Undo all operations in place, and return Re <bra|-iG|ket> of each, (n, n_ops)."""
        ...

    def tangents(self, states: np.ndarray, angles: FloatArray, rates: FloatArray) -> FloatArray:
        """Apply or undo all operations with tangents, in place."""
        ...


@dataclass(frozen=True, eq=False)
class HostEnergy:
    """The functions of `HostKernels` for an expectation value."""

    circuit: HostCircuit
    angles: HostAngles
    hamiltonian: HostHamiltonian
    constant: float

    def kernels(self) -> HostKernels:
        """Return the functions of an objective."""
        return HostKernels(self.values, self.values_and_gradients, self.hessian_product, self.states, self.prepare)

    def prepare(self) -> None:
        """Evaluate once, if that is next to nothing: kernels are compiled for a type of numbers, whatever the size."""
        if self.circuit.size * max(1, len(self.angles.base)) > SMALL_WORK:
            return
        nowhere = np.zeros(self.angles.n_params)
        self.values_and_gradients(nowhere[None])
        self.hessian_product(nowhere, nowhere)

    def states(self, thetas: FloatArray) -> np.ndarray:
        """Return the states (n, *shape) at points (n, n_params)."""
        angles = self.angles.at(np.array(thetas, float))
        states = self.circuit.start(len(thetas))

        def work(rows: slice) -> None:
            self.circuit.forward(states[rows], angles[rows])

        self._in_parts(work, angles)
        return states

    def values(self, thetas: FloatArray) -> FloatArray:
        """Return values (n,) at points (n, n_params)."""
        angles, values = self.angles.at(np.array(thetas, float)), np.empty(len(thetas))

        def work(rows: slice) -> None:
            kets = self._forward(angles[rows])
            values[rows] = self.constant + _overlaps(kets, self.hamiltonian(kets))

        self._in_parts(work, angles)
        return values

    def values_and_gradients(self, thetas: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values (n,) and gradients (n, n_params) at points (n, n_params)."""
        angles = self.angles.at(np.array(thetas, float))
        values, slopes = np.empty(len(thetas)), np.empty(angles.shape)

        def work(rows: slice) -> None:
            kets = self._forward(angles[rows])
            bras = self.hamiltonian(kets)
            values[rows] = self.constant + _overlaps(kets, bras)
            bras *= 2.0
            slopes[rows] = self.circuit.backward(kets, bras, angles[rows])

        self._in_parts(work, angles)
        return values, self.angles.pulled_back(slopes)

    def _in_parts(self, work: Callable[[slice], None], angles: FloatArray) -> None:
        """Do the work at some points after the other, in several threads if it is much."""
        n, size = len(angles), self.circuit.size
        step = max(1, TOGETHER // size)
        if n * size * max(1, angles.shape[1]) >= WORK:
            step = min(step, -(-n // n_threads()))
        run_all([partial(work, slice(at, at + step)) for at in range(0, n, step)])

    def hessian_product(self, theta: FloatArray, direction: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return value, gradient (n_params,) and Hessian times direction (n_params,) at theta."""
        angles = self.angles.at(np.array(theta, float)[None])[0]
        rates = self.angles.rates(np.array(direction, float))
        states = self.circuit.start(2)
        states[1] = 0.0
        self.circuit.tangents(states, angles, rates)
        images = self.hamiltonian(states)
        value = self.constant + _overlaps(states[:1], images[:1])[0]
        slopes = self.circuit.tangents(np.concatenate([states, 2.0 * images]), angles, rates)
        gradient, product = self.angles.pulled_back(slopes)
        return float(value), gradient, product

    def _forward(self, angles: FloatArray) -> np.ndarray:
        states = self.circuit.start(len(angles))
        self.circuit.forward(states, angles)
        return states


def _overlaps(bras: np.ndarray, kets: np.ndarray) -> FloatArray:
    """Return Re <bra|ket> of each pair of states, (n,)."""
    flat = bras.reshape(len(bras), -1), kets.reshape(len(kets), -1)
    return np.einsum("ni,ni->n", flat[0].conj(), flat[1]).real


def host_kernels(
    program: Program,
    circuit: tuple[Circuit, PyTree, PyTree],
    hamiltonian: tuple[HamiltonianKernel, PyTree],
    constant: float,
) -> HostKernels | None:
    """Return the functions for an energy of `qvar.energy`; None if JAX has to evaluate it.

    Args:
        program: the circuit.
        circuit: the engine's circuit, its reference and tables.
        hamiltonian: the Hamiltonian and its tables.
        constant: added to every value.
    """
    engine, reference, tables = circuit
    too_large = not isinstance(engine, SectorCircuit) and program.n_qubits > MOST_QUBITS
    if program.angle_function is not None or too_large:  # before tables are copied
        return None
    operator = host_hamiltonian(*hamiltonian)
    if operator is None:
        return None
    own: HostCircuit
    if isinstance(engine, SectorCircuit):
        own, angles = host_sector(engine, reference, tables), host_angles(program, np.asarray(tables["ops"]["order"]))
    else:
        own, angles = host_register(program, _stays_real(program, engine, reference)), host_angles(program)
    return HostEnergy(own, angles, operator, constant).kernels()


def _stays_real(program: Program, engine: Circuit, reference: PyTree) -> bool:
    if isinstance(engine, LayerCircuit):
        return program.lowered.real and not engine.complex_state
    return not np.iscomplexobj(reference)
