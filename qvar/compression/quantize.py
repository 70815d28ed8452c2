r"""Rounding: the angles of a trained circuit on a grid of few bits, and training that knows the grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.resources import Synthesis
from qvar.arguments import checked
from qvar.checks import counting_number, real_numbers
from qvar.compression.grouping import groups_of
from qvar.compression.path import Hook, PathStep
from qvar.compression.prune import within_a_period
from qvar.diagnostics.curvature import hessian
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import mean_estimates
from qvar.errors import QvarError, require
from qvar.host_kernels import HostKernels, HostSource, LossFunction
from qvar.objective import Costs, Objective
from qvar.optimize.agreement import gathered
from qvar.optimize.budget import Budget
from qvar.optimize.checkpoint import Stopped, Training, fingerprint_of
from qvar.optimize.first_order import adam
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize
from qvar.random_draws import uniform
from qvar.short_repr import short_repr

GridKind: TypeAlias = Literal["common", "class"]
r"""`"common"`: \(2^b\) points of a full turn \(2\pi\), for all angles. `"class"`: \(2^b\) points over the range of the
angles of each class of operations, from minus to plus the largest modulus."""

OnGrid: TypeAlias = Literal["straight_through", "coordinate"]
"""`"straight_through"`: gradient steps of the angles behind the rounded ones. `"coordinate"`: the step of one angle to
a neighbouring point that lowers the value most, until there is none."""

_GAIN = 1e-13
"""Relative fall of the value that is rounding of numbers."""

MOST_BITS = 40
"""Bits beyond which rounding is lost in the precision of a number."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Points that angles are rounded to: whole multiples of a step, and an offset."""

    steps: FloatArray
    """(n_params,) distances of neighbouring points, radians."""
    least: FloatArray
    """(n_params,) lowest multiple; minus infinity on a full turn, whose multiples come around."""
    most: FloatArray
    """(n_params,) highest multiple."""

    @classmethod
    def of(cls, ansatz: Ansatz, theta: FloatArray, bits: int, kind: GridKind) -> Grid:
        """Return the grid of a circuit at theta."""
        n, infinite = ansatz.n_params, np.full(ansatz.n_params, np.inf)
        if kind == "common":
            return cls(np.full(n, 2.0 * np.pi / 2**bits), -infinite, infinite)
        steps, half = np.zeros(n), 2 ** (bits - 1)
        for group in groups_of(ansatz, "class"):
            steps[group] = max(float(np.abs(theta[group]).max()), 1e-12) / max(half - 1, 1)
        return cls(steps, np.full(n, -float(half)), np.full(n, half - 1.0))

    def rounded(self, theta: Any, offset: Any = 0.0) -> Any:
        """Return the nearest points of the grid, moved by an offset in units of the steps."""
        multiples = np.clip(np.round(theta / self.steps - offset), self.least, self.most)
        return self.steps * (multiples + offset)

    def law(self, curvatures: FloatArray) -> float:
        r"""Return the mean rise \(\sum_q K_{qq} \Delta_q^2 / 24\) of uniform rounding errors, to second order."""
        return float(curvatures @ self.steps**2) / 24.0

    @property
    def precision(self) -> float:
        r"""Error \(\Delta/4\) in the operator norm that the largest rounding error of the finest angle makes.

        A rotation that is off by \(\delta\) is off by \(2\sin(\delta/4) \approx \delta/2\), and \(\delta \leq
        \Delta/2\). A synthesis as good as this does not spoil the grid.
        """
        return min(float(self.steps.min()) / 4.0, 0.5)


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
    if objective.n_params != n:
        raise QvarError(f"`objective` must have the {n} parameters of {ansatz.name}, but has {objective.n_params}.")
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
        improve = _by_coordinates if retrain == "coordinate" else _straight_through
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


def _straight_through(
    objective: Objective, point: FloatArray, grid: Grid, method: Method | None, budget: Budget | None
) -> tuple[FloatArray, float, int]:
    """Return the best rounded point of a training by the straight-through estimator, its value, and evaluations."""
    result = minimize(
        straight_through(objective, grid),
        point,
        method=method or adam(learning_rate=min(0.05, 0.2 * float(grid.steps.max()))),
        budget=budget or Budget(gradients=200, gradient_tolerance=0.0, hessian_products=0, escape="never"),
        keep_path=True,
    )
    assert result.trace.theta is not None  # as asked for
    best = int(np.nanargmin(result.trace.value))
    return (
        grid.rounded(np.asarray(result.trace.theta[best])),
        float(result.trace.value[best]),
        (result.energy_evaluations),
    )


def _by_coordinates(
    objective: Objective, point: FloatArray, grid: Grid, method: Method | None, budget: Budget | None
) -> tuple[FloatArray, float, int]:
    """Return a rounded point that no single angle improves by a step, its value, and evaluations.

    The ambient keeper of checkpoints keeps the search as it does a training.
    """
    n, begin = len(point), np.clip(np.round(point / grid.steps), grid.least, grid.most)
    search = Training.next(lambda: fingerprint_of(["coordinate", objective.name], np.round(point, 8), grid.steps))
    now = _Search(begin, np.asarray(objective.loss(grid.steps * begin), float), np.asarray(1), np.asarray(False))
    saved = search.read(now, ())
    now = now if saved is None else saved[0]
    most = 200 * n if budget is None else budget.gradients
    moves = np.concatenate([np.eye(n), -np.eye(n)])
    while not now.ended:
        now = _moved(objective, grid, now, moves, most)
        requests = gathered([bool(now.ended), *search.wishes])
        ended, due, stop = *map(bool, requests[0, :2]), bool(requests[:, 2].any())
        if ended or due or stop:
            search.write(now, ())
        if stop and not ended:
            raise Stopped(f"Training {search.name} was asked to stop; its state is kept.")
    return grid.steps * now.multiples, float(now.value), int(now.evaluations)


class _Search(NamedTuple):
    """A search by single angles, as arrays."""

    multiples: FloatArray
    value: FloatArray
    evaluations: IntArray
    ended: np.ndarray


def _moved(objective: Objective, grid: Grid, now: _Search, moves: FloatArray, most: int) -> _Search:
    """Return the search after its best move; the end is if none improves, or after `most` evaluations."""
    trials = np.clip(now.multiples + moves, grid.least, grid.most)
    values = np.asarray(objective.loss_batch(grid.steps * trials))
    spent, best, value = np.asarray(now.evaluations + len(values)), int(values.argmin()), float(now.value)
    if not values[best] < value - _GAIN * max(1.0, abs(value)):
        return _Search(now.multiples, now.value, spent, np.asarray(True))
    return _Search(trials[best], np.asarray(values[best]), spent, np.asarray(bool(spent >= most)))


def checked_bits(bits: Any) -> int:
    """Return a number of bits; `QvarError` if it is none from 1 to 40."""
    number = counting_number("bits", bits)
    require(number <= MOST_BITS, "bits", f"be at most {MOST_BITS}", bits)
    return number


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
    if objective.n_params != n:
        raise QvarError(f"`objective` must have the {n} parameters of {ansatz.name}, but has {objective.n_params}.")
    samples = counting_number("samples", samples, least=2, bytes_each=8 * n)
    point = within_a_period(objective, real_numbers("theta", theta, (n,), finite=True))
    places = Grid.of(ansatz, point, checked_bits(bits), grid)
    free = replace(places, least=np.full(n, -np.inf), most=np.full(n, np.inf))
    offset_key, resample_key = jax.random.split(key)
    offsets = np.asarray(uniform(offset_key, samples * n, 0.0, 1.0)).reshape(samples, n)
    values = np.asarray(objective.loss_batch(free.rounded(point, offsets)))
    rises = values - float(objective.loss(point))
    return mean_estimates(resample_key, jnp.asarray(rises)[:, None])[0]


def straight_through(objective: Objective, grid: Grid) -> Objective:
    """Return the objective at rounded angles, with the gradient there as its derivative by the angles before."""
    data = (grid.steps, grid.least, grid.most, objective.data)
    function = StraightThrough(objective.function)

    def make() -> HostKernels | None:
        kernels = objective.value_kernels
        if kernels is None:
            return None
        return HostKernels(
            values=lambda thetas: kernels.values(grid.rounded(thetas)),
            values_and_gradients=lambda thetas: kernels.values_and_gradients(grid.rounded(thetas)),
            prepare=kernels.prepare,
            has_derivatives=False,
        )

    return replace(
        objective,
        function=function,
        data=data,
        state_function=None,
        forward_state_function=None,
        operator=None,
        measure=None,
        frequencies=None,
        harmonics=None,
        host=None if objective.host is None else HostSource(make, function, None, data),
    )


@dataclass(frozen=True)
class StraightThrough:
    """(theta, (steps, least, most, data)) -> the function at the rounded theta, its derivative passed through."""

    function: LossFunction

    def __call__(self, theta: Any, data: PyTree) -> Array:
        """Return the value."""
        steps, least, most, inner = data
        rounded = steps * jnp.clip(jnp.round(theta / steps), least, most)
        return self.function(theta + jax.lax.stop_gradient(rounded - theta), inner)
