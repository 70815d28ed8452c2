"""An objective of some of its parameters, the others held; nothing is compiled for a choice of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.room import operations_room, with_room
from qvar.host_kernels import HostKernels, HostSource
from qvar.objective import Objective


@dataclass(frozen=True)
class RestrictedFunction:
    """(free parameters, (places, point, data)) -> the function at the point with these parameters in their places."""

    function: Callable[[Any, PyTree], Any]

    allows_padding = True
    """Parameters beyond the last one are not read."""

    def padded_size(self, data: PyTree) -> int:
        """Return the length up to which parameters are padded."""
        return len(data[0])

    def __call__(self, theta: Any, data: PyTree) -> Any:
        """Return the value at free parameters."""
        places, point, inner = data
        n = min(len(theta), len(places))
        whole = jnp.asarray(point, theta.dtype).at[places[:n]].set(theta[:n], mode="drop")
        return self.function(whole, inner)


@dataclass(frozen=True)
class _RestrictedOperator:
    """The operator, which does not depend on parameters."""

    operator: Callable[[Any, PyTree], Array]

    def __call__(self, state: Any, data: PyTree) -> Array:
        """Return the image of a state."""
        return self.operator(state, data[2])


def restricted(objective: Objective, theta: Any, free: IntArray) -> Objective:
    """Return an objective of some parameters, all others held at theta.

    `free` are different numbers of the parameters that remain, in the order of the new theta.
    """
    point, free = np.array(theta, float), np.asarray(free, dtype=np.int32)
    functions: dict[str, Any] = {
        name: None if (function := getattr(objective, name)) is None else RestrictedFunction(function)
        for name in ("function", "state_function", "forward_state_function")
    }
    wide = getattr(objective.function, "padded_size", None)
    size = max(len(point), len(point) if wide is None else wide(objective.data))
    # a place beyond the last one is dropped
    places = with_room(free, operations_room(len(free)), fill=size)
    data = (places, np.pad(point, (0, size - len(point))), objective.data)

    def make() -> HostKernels | None:
        kernels = objective.value_kernels
        return None if kernels is None else _kernels(kernels, point, free)

    def whole(theta: Any) -> FloatArray:
        return _spread(point, free, np.asarray(theta, float)[None])[0]

    named, measure = objective.draw_named, objective.measure
    host = HostSource(make, functions["function"], functions["state_function"], data)
    return replace(
        objective,
        n_params=len(free),
        draw=lambda key: jnp.asarray(objective.draw(key))[free],
        draw_named=None if named is None else lambda key, start: jnp.asarray(named(key, start))[free],
        measure=None if measure is None else lambda theta: measure(whole(theta)),
        data=data,
        operator=None if objective.operator is None else _RestrictedOperator(objective.operator),
        frequencies=None if objective.frequencies is None else objective.frequencies[free],
        harmonics=None if objective.harmonics is None else objective.harmonics[free],
        host=None if objective.host is None else host,
        **functions,
    )


def _spread(point: FloatArray, free: IntArray, thetas: FloatArray) -> FloatArray:
    whole = np.repeat(point[None], len(thetas), axis=0)
    whole[:, free] = thetas
    return whole


def _kernels(kernels: HostKernels, point: FloatArray, free: IntArray) -> HostKernels:
    """Return functions on the host of the free parameters."""

    def at(thetas: FloatArray) -> FloatArray:
        return _spread(point, free, np.asarray(thetas, float))

    def one(theta: FloatArray) -> FloatArray:
        return at(np.asarray(theta)[None])[0]

    def along(directions: FloatArray) -> FloatArray:
        return _spread(np.zeros_like(point), free, directions)

    def values_and_gradients(thetas: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, gradients = kernels.values_and_gradients(at(thetas))
        return values, np.ascontiguousarray(gradients[:, free])

    def hessian_product(theta: FloatArray, direction: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, gradient, product = kernels.hessian_product(one(theta), along(direction[None])[0])
        return value, gradient[free], product[free]

    def gradient_and_hessian(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        assert kernels.gradient_and_hessian is not None  # else it is None here, too
        gradient, matrix = kernels.gradient_and_hessian(one(theta))
        return gradient[free], matrix[np.ix_(free, free)]

    states, matrices = kernels.states, kernels.gradient_and_hessian
    return replace(
        kernels,
        values=lambda thetas: kernels.values(at(thetas)),
        values_and_gradients=values_and_gradients,
        hessian_product=hessian_product,
        states=None if states is None else lambda thetas: states(at(thetas)),
        derivatives=lambda theta, directions: kernels.derivatives(one(theta), along(directions)),
        pulled_back=lambda theta, vectors: kernels.pulled_back(one(theta), vectors)[:, free],
        gradient_and_hessian=None if matrices is None else gradient_and_hessian,
        after=lambda state: _kernels(kernels.after(state), point, free),
        of_operator=lambda operator, constant: _kernels(kernels.of_operator(operator, constant), point, free),
    )
