r"""Evaluations that a method reads at a point: the value alone, or with its gradient, metric or variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import PyTree
from qvar.host_kernels import HostKernels, LossFunction
from qvar.objective import Objective
from qvar.quantum_geometry import FisherColumns, FisherFunction, fisher_function, host_fisher, means_and_variances

Reads: TypeAlias = Literal["value", "variance", "gradient", "metric"]
"""`"value"`: the value alone. `"variance"`: with the operator's variance. `"gradient"`: with the gradient.
`"metric"`: with the gradient and the quantum Fisher information."""


class Reading(NamedTuple):
    """Evaluation at one point; None for what the method does not read."""

    value: Array
    """() value of the objective."""
    gradient: Array | None = None
    """(n_params,) its gradient."""
    metric: Array | None = None
    r"""(n_params, n_params) quantum Fisher information F, four times the Fubini-Study metric."""
    variance: Array | None = None
    r"""() \(\langle H^2 \rangle - \langle H \rangle^2\) of the operator whose expectation value the value is."""


def reading_of(reads: Reads, n: int, size: int, make: Callable[..., Any]) -> Reading:
    """Return a reading at n points whose parts `make` makes from their shapes."""
    return Reading(
        value=make(n),
        gradient=make(n, size) if reads in ("gradient", "metric") else None,
        metric=make(n, size, size) if reads == "metric" else None,
        variance=make(n) if reads == "variance" else None,
    )


@dataclass(frozen=True)
class ReadValue:
    """(theta, data) -> value."""

    function: LossFunction

    @property
    def allows_padding(self) -> bool:
        """True if theta may be longer than n_params."""
        return getattr(self.function, "allows_padding", False)

    def __call__(self, theta: Array, data: PyTree) -> Reading:
        """Return the reading at theta."""
        return Reading(self.function(theta, data))


@dataclass(frozen=True)
class ReadVariance:
    """(theta, data) -> value and variance, from the state."""

    state: Callable[[Any, PyTree], Array]
    operator: Callable[[Any, PyTree], Array]

    @property
    def allows_padding(self) -> bool:
        """As `ReadValue.allows_padding`."""
        return getattr(self.state, "allows_padding", False)

    def __call__(self, theta: Array, data: PyTree) -> Reading:
        """Return the reading at theta."""
        state = self.state(theta, data)
        image = self.operator(state, data)
        value = jnp.sum(jnp.real(jnp.conj(state) * image))
        return Reading(value, variance=jnp.sum(jnp.abs(image - value * state) ** 2))


@dataclass(frozen=True)
class ReadGradient:
    """(theta, data) -> value and gradient; the metric too, where it is given."""

    function: LossFunction
    fisher: FisherFunction | FisherColumns | None = None

    @property
    def allows_padding(self) -> bool:
        """As `ReadValue.allows_padding`; a metric takes time for each parameter."""
        return self.fisher is None and getattr(self.function, "allows_padding", False)

    def __call__(self, theta: Array, data: PyTree) -> Reading:
        """Return the reading at theta."""
        value, gradient = jax.value_and_grad(self.function)(theta, data)
        return Reading(value, gradient, None if self.fisher is None else self.fisher(theta, data))


Reader: TypeAlias = ReadValue | ReadVariance | ReadGradient
"""A pure function of (theta, data), hashable, so that compiled programs are shared."""


def reader(objective: Objective, reads: Reads) -> Reader:
    """Return the function that evaluates an objective for a method.

    Raises `QvarError` if the objective has no state or no operator where they are needed.
    """
    match reads:
        case "value":
            return ReadValue(objective.function)
        case "variance":
            return ReadVariance(objective.needed("state_function"), objective.needed("operator"))
        case "gradient":
            return ReadGradient(objective.function)
        case "metric":
            return ReadGradient(objective.function, fisher_function(objective))


def host_reader(objective: Objective, kernels: HostKernels, reads: Reads) -> Callable[[Any], Reading]:
    """Return a function of points (n, n_params) that evaluates an objective for a method on the host."""
    fisher = host_fisher(objective) if reads == "metric" else None

    def read(points: Any) -> Reading:
        parts: dict[str, Any] = {}
        if reads == "value":
            parts["value"] = kernels.values(points)
        elif reads == "variance":
            parts["value"], parts["variance"] = means_and_variances(kernels, len(points), points.__getitem__)
        else:
            parts["value"], parts["gradient"] = kernels.values_and_gradients(points)
        if fisher is not None:
            parts["metric"] = np.array([fisher(point) for point in points])
        return Reading(**parts)

    return read


def readings_at_once(objective: Objective, reads: Reads, n: int) -> int:
    """Return how many of n readings are made at once; a metric holds a state for each parameter."""
    if reads != "metric":
        return objective.chunk(n)
    per_reading = max(1, objective.n_params)
    return max(1, objective.chunk(n * per_reading) // per_reading)
