r"""The infidelity \(1 - |\langle\varphi|\psi(\theta)\rangle|^2\) to a given state as an Objective."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import PyTree
from qvar.engines.energy import EnergyFunction, OperatorFunction
from qvar.errors import QvarError, shown
from qvar.objective import HostKernels, HostSource, Objective


@dataclass(frozen=True)
class _Projector:
    """state -> -|target><target|state>; its real part if the state is real, which gives the same values."""

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return the image of the state."""
        return _image(state, tables["target"])


def _image(state: Any, target: Any) -> Any:
    image = -target * (target.conj() * state).sum()
    return image.real if state.dtype.kind == "f" else image


def infidelity(objective: Objective, target: Any) -> Objective:
    """Return the infidelity of a circuit to a state, from the circuit's energy.

    Args:
        objective: the energy, of `qvar.energy`.
        target: state in its layout, of any norm but zero.

    Raises:
        QvarError: if the target has another shape than the states, or is no vector of finite numbers, or zero.
    """
    state_function: Any = objective.needed("state_function")
    shape = jax.eval_shape(state_function, jnp.zeros(objective.n_params), objective.data).shape
    own = _normalized(target, shape)
    data = {**objective.data, "hamiltonian": {"target": jax.device_put(own)}, "constant": np.asarray(1.0)}
    function, kernel = EnergyFunction(state_function, _Projector()), _Projector()

    def make() -> HostKernels | None:
        kernels = objective.value_kernels
        if kernels is None:
            return None
        return kernels.of_operator(lambda states: np.stack([_image(state, own) for state in states]), 1.0)

    return replace(
        objective,
        function=function,
        data=data,
        unit="",
        baseline=None,
        target=lambda: 0.0,
        operator=OperatorFunction(kernel, state_function.readers),
        host=None if objective.host is None else HostSource(make, function, state_function, data),
    )


def _normalized(target: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        state = np.array(target)
        state = state.astype(complex if state.dtype.kind == "c" else float)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # words, huge integers, rows of different lengths
        raise QvarError(f"`target_state` must be an array of numbers, but is {shown(target)}.") from None
    if state.shape != shape:
        words = f"have the shape {shape} of the circuit's states"
        raise QvarError(f"`target_state` must {words}, but has {state.shape}.")
    size = np.linalg.norm(state)
    if not np.isfinite(size) or size == 0:
        raise QvarError(f"`target_state` must have a finite norm above zero, but its norm is {size}.")
    return state / size
