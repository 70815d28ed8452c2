r"""Rounding: the angles of a trained circuit on a grid of few bits, and training that knows the grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.resources import Synthesis
from qvar.arguments import checked
from qvar.checks import counting_number, real_numbers
from qvar.compression.angle_grid import Grid, GridKind, checked_bits
from qvar.compression.grid_training import by_coordinates, by_gradients
from qvar.compression.path import Hook, PathStep
from qvar.compression.prune import require_parameters, within_a_period
from qvar.diagnostics.curvature import hessian
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import mean_estimates
from qvar.errors import require
from qvar.objective import Costs, Objective
from qvar.optimize.budget import Budget
from qvar.optimize.method import Method
from qvar.random_draws import uniform
from qvar.short_repr import short_repr

OnGrid: TypeAlias = Literal["straight_through", "coordinate"]
"""`"straight_through"`: gradient steps of the angles behind the rounded ones. `"coordinate"`: the step of one angle to
a neighbouring point that lowers the value most, until there is none."""


@short_repr("ansatz", "bits", "value", "predicted_rise")
@dataclass(frozen=True, eq=False, kw_only=True)
class Quantized:
    """A circuit with angles on a grid."""

    ansatz: Ansatz
    """The same circuit. Its start `"rounded"`, the default, is `theta`."""
    theta: FloatArray
    """(n_params,) angles on the grid."""
    path: tuple[PathStep, ...]
    """The trained circuit, the rounded one, and the one after training on the grid, if there was any."""
    bits: int
    """Bits of an angle."""
    steps: FloatArray
    """(n_params,) distances of neighbouring points of the grid, radians."""

    @property
    def value(self) -> float:
        """Value of the objective."""
        return self.path[-1].value

    @property
    def predicted_rise(self) -> float:
        """Mean rise by rounding, to second order."""
        return self.path[1].predicted_rise

    @cached_property
    def costs(self) -> Costs:
        """Costs with T gates for rotations as exact as the grid."""
        return self.path[-1].resources


@checked(own=("theta",))
def quantize(
    ansatz: Ansatz,
    theta: Any,
    objective: Objective,
    *,
    bits: int = 8,
    grid: GridKind = "common",
    retrain: OnGrid | None = None,
    synthesis: Synthesis = "deterministic",
    method: Method | None = None,
    budget: Budget | None = None,
    name: str | None = None,
    callback: Hook | None = None,
) -> Quantized:
    r"""Round the angles of a trained circuit to a grid of \(2^b\) points.

    Errors of rounding are nearly uniform over a step \(\Delta\) and independent, with variance \(\Delta^2/12\). At a
    minimum with the Hessian K the value rises on average by

    $$ \tfrac12 \sum_q K_{qq} \frac{\Delta_q^2}{12} = \frac{\pi^2\, \mathrm{Tr} K}{6 \cdot 4^b} \quad
       \text{for } \Delta = 2\pi/2^b, $$

    a factor of four per bit. `qvar.rounding_rise` averages over grids; one grid is one draw.

    Training that knows the grid evaluates value and gradient at the rounded angles and moves the ones behind them
    (straight-through estimator: the derivative of rounding is taken as one), or moves single angles to neighbouring
    points. The best rounded point is kept, so that it is never above plain rounding.

    T gates are those of the circuit at the rounded angles: none for multiples of \(\pi/2\), one for other multiples of
    \(\pi/4\), and of a rotation as exact as the grid for all others, see `Grid.precision`.

    Straight-through estimator: Bengio et al. (2013), https://arxiv.org/abs/1308.3432; networks of few bits: Jacob et
    al., CVPR 2704 (2018), https://arxiv.org/abs/1712.05877.

    Args:
        ansatz: the circuit.
        theta: (n_params,) its angles, radians; the law assumes a minimum.
        objective: any function of the circuit's parameters, as for `qvar.prune`.
        bits: b, from 1 to 40.
        grid: `"common"` or `"class"`, see `GridKind`.
        retrain: training on the grid, see `OnGrid`; none if None.
        synthesis: `"deterministic"` or `"mixed_fallback"`, see `qvar.ansatz.resources.t_gates_of_rotation`.
        method: method of the straight-through training, which reads gradients; Adam with a rate of a fifth of a step
            of the grid, at most 0.05, if None.
        budget: limits of the training; 200 gradients if None, or 200 values for each angle of a coordinate search.
        name: name in the ledger; made from the number of bits if None.
        callback: called with each step.

    Raises:
        QvarError: if theta has another length, the objective has another number of parameters than the circuit or
            there are none, or `bits` is out of range.
    """
    n = ansatz.n_params
    require(n > 0, "ansatz", "have angles to round", ansatz.name)
    require_parameters(objective, ansatz)
    point = within_a_period(objective, real_numbers("theta", theta, (n,), finite=True))
    places = Grid.of(ansatz, point, checked_bits(bits), grid)
    rounded = places.rounded(point)
    values = np.asarray(objective.loss_batch(np.stack([point, rounded])))
    law = places.law(np.diag(np.asarray(hessian(objective, point))))

    def costs(angles: FloatArray) -> Costs:
        return ansatz.freeze(angles).resources(precision=places.precision, synthesis=synthesis)

    start = PathStep(action="start", n_params=n, value=float(values[0]), resources=ansatz.resources(), evaluations=1)
    path = [
        start,
        PathStep(
            action="round",
            n_params=n,
            value=float(values[1]),
            rise=float(values[1] - values[0]),
            predicted_rise=law,
            resources=costs(rounded),
            evaluations=2 + 2 * n,
            bits=bits,
        ),
    ]
    if retrain is not None:
        improve = by_coordinates if retrain == "coordinate" else by_gradients
        better, value, spent = improve(objective, point, places, method, budget)
        rounded = better if value < values[1] else rounded
        value = min(value, float(values[1]))
        path.append(
            replace(
                path[-1],
                action="train",
                value=value,
                rise=value - float(values[1]),
                predicted_rise=float("nan"),
                resources=costs(rounded),
                evaluations=path[-1].evaluations + spent,
            )
        )
    for step in path if callback is not None else ():
        callback(step)  # pyright: ignore[reportOptionalCall]
    final = replace(
        ansatz,
        name=name or f"{ansatz.name} {bits} bits",
        start="rounded",
        starts={"rounded": lambda key: rounded},
        citations=tuple(dict.fromkeys((*ansatz.citations, "bengio2013", "jacob2018"))),
    )
    return Quantized(ansatz=final, theta=rounded, path=tuple(path), bits=bits, steps=places.steps)


@checked("samples", own=("theta",))
def rounding_rise(
    ansatz: Ansatz,
    theta: Any,
    objective: Objective,
    *,
    key: jax.Array,
    bits: int = 8,
    grid: GridKind = "common",
    samples: int = 200,
) -> Estimate:
    r"""Estimate the mean rise of the value by rounding, over grids moved by random offsets.

    An offset that is uniform over a step makes the error of each angle uniform and independent, whatever the angle is:
    the mean is the one that the law \(\sum_q K_{qq} \Delta_q^2 / 24\) gives to second order, see `qvar.quantize`.

    Args:
        ansatz: the circuit.
        theta: (n_params,) its angles, radians.
        objective: any function of the circuit's parameters.
        key: JAX random key.
        bits: from 1 to 40.
        grid: `"common"` or `"class"`.
        samples: number of grids, at least 2.

    Returns:
        The mean with a bootstrap interval, in the objective's unit.

    Raises:
        QvarError: if theta has another length, or a number is out of range.
    """
    n = ansatz.n_params
    require(n > 0, "ansatz", "have angles to round", ansatz.name)
    require_parameters(objective, ansatz)
    samples = counting_number("samples", samples, least=2, bytes_each=8 * n)
    point = within_a_period(objective, real_numbers("theta", theta, (n,), finite=True))
    places = Grid.of(ansatz, point, checked_bits(bits), grid)
    free = replace(places, least=np.full(n, -np.inf), most=np.full(n, np.inf))
    offset_key, resample_key = jax.random.split(key)
    offsets = np.asarray(uniform(offset_key, samples * n, 0.0, 1.0)).reshape(samples, n)
    values = np.asarray(objective.loss_batch(free.rounded(point, offsets)))
    rises = values - float(objective.loss(point))
    return mean_estimates(resample_key, jnp.asarray(rises)[:, None])[0]
