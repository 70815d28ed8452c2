"""Functions of an objective on the host, which take the place of JAX's programs on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree

LossFunction = Callable[[Float[Array, " n_params"], PyTree], Float[Array, ""]]
"""Pure JAX function of (theta, data), as `Objective.function`."""


def _missing(*_: Any) -> Any:
    raise NotImplementedError


@dataclass(frozen=True, eq=False)
class HostKernels:
    """Functions of an objective on the host, compiled once for all circuits; NumPy arrays in and out.

    They compute what JAX computes from `Objective.function` to rounding, on a CPU in 64 bit, without a compilation for
    each circuit.
    """

    values: Callable[[FloatArray], FloatArray] = _missing
    """(n, n_params) points -> values (n,)."""
    values_and_gradients: Callable[[FloatArray], tuple[FloatArray, FloatArray]] = _missing
    """(n, n_params) points -> values (n,) and gradients (n, n_params)."""
    hessian_product: Callable[[FloatArray, FloatArray], tuple[float, FloatArray, FloatArray]] = _missing
    """theta, direction v, (n_params,) each -> value, gradient, and Hessian times v."""
    states: Callable[[FloatArray], Any] | None = None
    """(n, n_params) points -> states (n, *shape of `Objective.state`); None if there are no states."""
    derivatives: Callable[[FloatArray, FloatArray], tuple[Any, Any]] = _missing
    """theta, directions (k, n_params) -> state, and its derivatives along them (k, *shape)."""
    pulled_back: Callable[[FloatArray, Any], FloatArray] = _missing
    """theta, vectors b (k, *shape) -> Re <b|d_i psi>, (k, n_params)."""
    images: Callable[[Any], Any] = _missing
    """States (n, *shape) -> H|state>, as `Objective.operator`."""
    gradient_and_hessian: Callable[[FloatArray], tuple[FloatArray, FloatArray]] | None = None
    """theta -> gradient and Hessian (n_params, n_params), holding a state for each parameter; None without states."""
    after: Callable[[Any], HostKernels] = _missing
    """State (*shape) -> functions of the same circuit that acts on it in place of the reference."""
    of_operator: Callable[[Callable[[Any], Any], float], HostKernels] = _missing
    """Another operator, as `images` without its constant, and the constant -> functions of its expectation value."""
    of_operations: Callable[[], HostKernels] = _missing
    """Makes functions of the same circuit that take the angles of its operations for theta."""
    has_derivatives: bool = True
    """False if derivatives of states, images and Hessian products are left to JAX."""
    prepare: Callable[[], None] = lambda: None
    """Compiles or loads what the others call, so that the time of an evaluation is that of an evaluation."""


@dataclass(frozen=True, eq=False)
class HostSource:
    """Origin of host kernels, which serve the objective with these very parts, and no copy of it with others."""

    make: Callable[[], HostKernels | None]
    """Makes the kernels; None if JAX has to evaluate the objective after all."""
    function: LossFunction
    """As `Objective.function`."""
    state_function: Callable[[Any, PyTree], Array] | None
    """As `Objective.state_function`."""
    data: PyTree
    """As `Objective.data`."""
