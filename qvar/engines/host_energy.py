r"""Energies, gradients, Hessian products and states on the host, without a compilation for each circuit.

They take the place of JAX's programs on a CPU in 64 bit; see `qvar.host_kernels.HostKernels`. The gradient is the
reversible sweep of `qvar.engines.adjoint`; a Hessian product takes the tangents of all states along, see
`host_states`. Memory: two states and an image for an evaluation, six states for a product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from qvar._types import FloatArray, PyTree
from qvar.ansatz.program import Program
from qvar.engines.adjoint import Circuit
from qvar.engines.host_hamiltonian import HostHamiltonian
from qvar.engines.host_states import HostStates, host_states
from qvar.host_kernels import HostKernels

SMALL_WORK = 1 << 21
"""Amplitudes times operations that take some milliseconds."""


@dataclass(frozen=True, eq=False)
class HostEnergy(HostStates):
    """The functions of `HostKernels` for an expectation value."""

    hamiltonian: HostHamiltonian
    constant: float

    def kernels(self) -> HostKernels:
        """Return the functions of an objective."""
        return replace(
            HostStates.kernels(self),
            values=self.values,
            values_and_gradients=self.values_and_gradients,
            hessian_product=self.hessian_product,
            images=self.images,
            gradient_and_hessian=self.gradient_and_hessian,
            of_operator=lambda operator, constant: replace(self, hamiltonian=operator, constant=constant).kernels(),
            prepare=self.prepare,
        )

    def prepare(self) -> None:
        """Evaluate once, if that is next to nothing: kernels are compiled for a type of numbers, whatever the size."""
        if self.circuit.size * max(1, len(self.angles.base)) > SMALL_WORK:
            return
        nowhere = np.zeros(self.angles.n_params)
        self.values_and_gradients(nowhere[None])
        if self.has_derivatives:
            self.hessian_product(nowhere, nowhere)

    def images(self, states: np.ndarray) -> np.ndarray:
        """Return H|state> of states (n, *shape), the constant included."""
        return self.hamiltonian(states) + self.constant * states

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

    def hessian_product(self, theta: FloatArray, direction: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return value, gradient (n_params,) and Hessian times direction (n_params,) at theta."""
        angles = self.angles.at(np.array(theta, float)[None])[0]
        rates = self.angles.rates(np.array(direction, float)[None])[0]
        states = self.circuit.start(2)
        states[1] = 0.0
        self.circuit.tangents(states, angles, rates)
        images = self.hamiltonian(states)
        value = self.constant + _overlaps(states[:1], images[:1])[0]
        slopes = self.circuit.tangents(np.concatenate([states, 2.0 * images]), angles, rates)
        gradient, product = self.angles.pulled_back(slopes)
        return float(value), gradient, product

    def gradient_and_hessian(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        r"""Return the gradient (n_params,) and the Hessian (n_params, n_params), from all tangents at once.

        $$ H_{ij} = 2\, \mathrm{Re} \big(\langle\partial_i\psi|H|\partial_j\psi\rangle +
           \langle\psi|H|\partial_i\partial_j\psi\rangle\big) $$
        """
        angles, n = self.angles.at(np.array(theta, float)[None]), self.angles.n_params
        ket = self._forward(angles)
        costate = self.hamiltonian(ket)
        gradient = self.angles.pulled_back(2.0 * self.circuit.backward(ket, costate, angles))[0]
        rates, overlaps = self.angles.rates(np.eye(n)), np.zeros((n, angles.shape[1]))
        _, tangents = self.swept(angles[0], rates, costate[0], overlaps)
        mixed = self.angles.pulled_back(overlaps)
        flat = tangents.reshape(n, self.circuit.size)
        first = np.real(flat.conj() @ self.hamiltonian(tangents).reshape(flat.shape).T)
        return gradient, 2.0 * (mixed + mixed.T) + first + first.T


def _overlaps(bras: np.ndarray, kets: np.ndarray) -> FloatArray:
    """Return Re <bra|ket> of each pair of states, (n,)."""
    flat = bras.reshape(len(bras), -1), kets.reshape(len(kets), -1)
    return np.einsum("ni,ni->n", flat[0].conj(), flat[1]).real


def host_kernels(
    program: Program,
    circuit: tuple[Circuit, PyTree, PyTree],
    hamiltonian: Callable[[], HostHamiltonian | None],
    constant: float,
) -> HostKernels | None:
    """Return the functions for an energy of `qvar.energy`; None if JAX has to evaluate it.

    `circuit` is the engine's circuit, its reference and tables; `constant` is added to every value.
    """
    states = host_states(program, circuit)
    operator = None if states is None else hamiltonian()
    if states is None or operator is None:
        return None
    return HostEnergy(
        states.circuit, states.angles, states.by_operation, states.has_derivatives, operator, constant
    ).kernels()
