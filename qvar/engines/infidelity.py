r"""Objectives that lead to a state: the infidelity \(1 - |\langle\varphi|\psi(\theta)\rangle|^2\), and energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import PyTree
from qvar.engines.energy_function import with_operator
from qvar.engines.hamiltonian import HamiltonianKernel
from qvar.errors import QvarError, require, shown
from qvar.host_kernels import HostKernels
from qvar.objective import Objective

_WITHOUT_UNIT: dict[str, Any] = {"unit": "", "baseline": None, "target": None}


@dataclass(frozen=True)
class _Projector:
    """state -> -|target><target|state>; its real part if the state is real, which gives the same values."""

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return the image of the state."""
        return _image(state, tables["target"])


@dataclass(frozen=True)
class _Mixture:
    """state -> -w |target><target|state> + c H|state>."""

    hamiltonian: HamiltonianKernel

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return the image of the state."""
        w, c = tables["weights"]
        return w * _image(state, tables["target"]) + c * self.hamiltonian(state, tables["hamiltonian"])


def _image(state: Any, target: Any) -> Any:
    image = -target * (target.conj() * state).sum()
    return image.real if state.dtype.kind == "f" else image


def infidelity(objective: Objective, target: Any) -> Objective:
    """Return the infidelity of a circuit to a state, from the circuit's energy.

    Raises `QvarError` if the target has another shape than the states, or is no vector of finite numbers, or zero.
    """
    own = normalized(target, state_shape(objective))
    tables = {"target": jax.device_put(own)}

    def on_host(kernels: HostKernels) -> HostKernels:
        return kernels.of_operator(lambda states: np.stack([_image(state, own) for state in states]), 1.0)

    changes = {**_WITHOUT_UNIT, "target": lambda: 0.0}
    return with_operator(objective, _Projector(), tables, on_host, constant=1.0, **changes)


def towards_state(objective: Objective, target: Any, *, weight: float, scale: float) -> Objective:
    r"""Return a weighted sum of infidelity and energy, from the circuit's energy.

    $$ w\, (1 - |\langle\varphi|\psi(\theta)\rangle|^2) + (1 - w)\, \frac{E(\theta) - E_\varphi}{s} $$

    with the energy \(E_\varphi\) of the target. It is the expectation value of one operator, so that gradients, Hessian
    products and kernels on the host are those of an energy.

    The target is a state in the layout of the energy's states, of any norm but zero; w lies in 0 to 1, s is positive,
    in the unit of the energy.

    Raises `QvarError` as `infidelity` does, or if a number is out of range.
    """
    require(0.0 <= weight <= 1.0, "weight", "lie between 0 and 1", weight)
    require(0.0 < scale < np.inf, "scale", "be positive", scale)
    if weight == 1.0:
        return infidelity(objective, target)
    own, share = normalized(target, state_shape(objective)), (1.0 - weight) / scale
    kernel = getattr(objective.function, "hamiltonian", None)
    if not isinstance(kernel, HamiltonianKernel):
        raise QvarError(f"`objective` must be an energy of qvar.energy, but {objective.name} is another function.")
    data: Any = objective.data
    tables = {
        "target": jax.device_put(own),
        "hamiltonian": data["hamiltonian"],
        "weights": np.array([weight, share]),
    }
    constant = float(data["constant"])
    shift = weight - share * (expectation_in(objective, own) - constant)

    def on_host(kernels: HostKernels) -> HostKernels:
        def images(states: Any) -> Any:
            hamiltonian = kernels.images(states) - constant * states
            return weight * np.stack([_image(state, own) for state in states]) + share * hamiltonian

        return kernels.of_operator(images, shift)

    return with_operator(objective, _Mixture(kernel), tables, on_host, constant=shift, **_WITHOUT_UNIT)


def expectation_in(objective: Objective, state: Any) -> float:
    """Return the expectation value of an objective's operator in a normalised state of its layout."""
    operator, data = objective.needed("operator"), objective.data
    dtype = jax.eval_shape(objective.needed("state_function"), jnp.zeros(objective.n_params), data).dtype
    complex_state = np.issubdtype(np.asarray(state).dtype, np.complexfloating)
    parts = [np.real(state), np.imag(state)] if complex_state else [state]  # H is real in a space of real states
    if complex_state and np.issubdtype(dtype, np.complexfloating):
        parts = [state]
    return float(sum(np.vdot(part, np.asarray(operator(jnp.asarray(part, dtype), data))).real for part in parts))


def state_shape(objective: Objective) -> tuple[int, ...]:
    """Return the shape of an objective's states; `QvarError` if it has none."""
    function = objective.needed("state_function")
    return jax.eval_shape(function, jnp.zeros(objective.n_params), objective.data).shape


def normalized(target: Any, shape: tuple[int, ...], argument: str = "target_state") -> np.ndarray:
    """Return a state of norm one; `QvarError` if it has another shape, or is no vector of finite numbers, or zero."""
    state = checked_state(target, argument)
    if state.shape != shape:
        words = f"have the shape {shape} of the circuit's states"
        raise QvarError(f"`{argument}` must {words}, but has {state.shape}.")
    return state / np.linalg.norm(state)


def checked_state(target: Any, argument: str) -> np.ndarray:
    """Return a state as an array of numbers; `QvarError` if it is none, or its norm is 0 or infinite."""
    try:
        state = np.array(target)
        state = state.astype(complex if state.dtype.kind == "c" else float)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # words, huge integers, rows of different lengths
        raise QvarError(f"`{argument}` must be an array of numbers, but is {shown(target)}.") from None
    size = np.linalg.norm(state)
    if not np.isfinite(size) or size == 0:
        raise QvarError(f"`{argument}` must have a finite norm above zero, but its norm is {size}.")
    return state
