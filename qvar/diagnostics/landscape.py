r"""Scans of a loss along lines and planes, around a start or an end of a training.

Rudolph et al., arXiv:2111.04695, https://arxiv.org/abs/2111.04695, on the limits of such scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.checks import counting_number, finite_number
from qvar.diagnostics.curvature import hessian
from qvar.errors import QvarError, require
from qvar.memory import chunk_size, require_memory
from qvar.objective import Objective
from qvar.quantum_geometry import checked_vector
from qvar.random_draws import normal
from qvar.short_repr import short_repr

CLOSED = 1e-8
"""A scan is periodic if its ends differ by less than this times its range."""

PRESENT = 1e-6
"""A frequency is present if its amplitude is above this times the range of the values."""

_NUMBERS = 1 << 22
"""Parameters of points that are held at once."""


@short_repr()
@dataclass(frozen=True, eq=False, kw_only=True)
class LineScan:
    r"""Values along \(\theta(t) = \text{center} + t\, \text{direction}\)."""

    positions: FloatArray
    """(n_points,) t, ascending and equally spaced."""
    values: FloatArray
    """(n_points,) in `unit`."""
    center: FloatArray
    """(n_params,) the point at t = 0."""
    direction: FloatArray
    """(n_params,) change of theta per unit of t."""
    unit: str
    """Unit of the values."""

    @property
    def range(self) -> float:
        """Largest less smallest value."""
        return float(np.ptp(self.values))

    @property
    def _rounding(self) -> float:
        return 1e-13 * float(np.abs(self.values).max())

    @property
    def total_variation(self) -> float:
        r"""\(\sum_i |f_{i+1} - f_i|\) in `unit`, a lower bound of \(\int |f'(t)| dt\).

        Without inner extrema it is |end - start|; more points tighten the bound.
        """
        return float(np.abs(np.diff(self.values)).sum())

    @property
    def local_minima(self) -> int:
        """Number of minima inside of the line, a flat bottom counted once; steps of the size of rounding are flat."""
        steps = np.diff(self.values)
        signs = np.sign(steps[np.abs(steps) > self._rounding])
        return int(np.sum((signs[:-1] < 0) & (signs[1:] > 0)))

    def spectrum(self) -> tuple[FloatArray, FloatArray]:
        r"""Return Fourier amplitudes of a scan of whole periods, \(f(t) = \sum_k A_k \cos(\omega_k t + \phi_k)\).

        Exact for a trigonometric polynomial whose frequencies are below that of the sampling, \(\pi\) over the distance
        of two points. Along one parameter that drives one rotation by its own angle the period is \(2\pi\).

        Returns:
            Angular frequencies, from 0, and amplitudes, same shape, in `unit`.

        Raises:
            QvarError: if the ends differ, so that the scan does not cover whole periods.
        """
        if abs(self.values[-1] - self.values[0]) > CLOSED * self.range + self._rounding:
            raise QvarError(
                "`scan` must cover whole periods, so that its ends agree, but they differ by "
                f"{self.values[-1] - self.values[0]:.3g}."
            )
        n = len(self.values) - 1  # the last point repeats the first
        amplitudes = np.abs(np.fft.rfft(self.values[:-1])) / n
        amplitudes[1 : (n + 1) // 2] *= 2.0
        period = self.positions[-1] - self.positions[0]
        return 2.0 * np.pi * np.arange(len(amplitudes)) / period, amplitudes

    def largest_frequency(self) -> float:
        """Return the largest angular frequency in `spectrum`, radians per t; 0 for a constant.

        Raises:
            QvarError: if the scan does not cover whole periods.
        """
        frequencies, amplitudes = self.spectrum()
        present = amplitudes[1:] > PRESENT * self.range + self._rounding
        return float(frequencies[1:][present].max(initial=0.0))


@short_repr()
@dataclass(frozen=True, eq=False, kw_only=True)
class PlaneScan:
    r"""Values on \(\theta(s, t) = \text{center} + s\, \text{first} + t\, \text{second}\)."""

    first_positions: FloatArray
    """(n,) s, ascending and equally spaced."""
    second_positions: FloatArray
    """(m,) t, ascending and equally spaced."""
    values: FloatArray
    """(n, m) in `unit`."""
    center: FloatArray
    """(n_params,) the point at s = t = 0."""
    first: FloatArray
    """(n_params,) change of theta per unit of s."""
    second: FloatArray
    """(n_params,) change of theta per unit of t."""
    unit: str
    """Unit of the values."""

    @property
    def local_minima(self) -> int:
        """Number of points inside of the grid that are lower than all their eight neighbours."""
        inner = self.values[1:-1, 1:-1]
        lower = np.ones(inner.shape, dtype=bool)
        n, m = self.values.shape
        for i in range(3):
            for j in range(3):
                if (i, j) != (1, 1):
                    lower &= inner < self.values[i : n - 2 + i, j : m - 2 + j]
        return int(lower.sum())


@checked("points")
def scan_line(objective: Objective, center: Any, direction: Any, *, span: float = np.pi, points: int = 101) -> LineScan:
    """Scan the values along a line through a point.

    Args:
        objective: any.
        center: (n_params,) the point in the middle.
        direction: (n_params,) the direction, not normalised.
        span: t goes from -span to span; for a direction of length 1 it is the distance in radians.
        points: number of values; odd ones have one at the center.

    Raises:
        QvarError: if a vector has another shape, the span is not positive, or there are fewer than 2 points.
    """
    reach = _positive("span", span)
    return _line(objective, center, direction, np.linspace(-reach, reach, _points(points)))


@checked("points")
def scan_between(
    objective: Objective, theta0: Any, theta1: Any, *, points: int = 101, beyond: float = 0.25
) -> LineScan:
    """Scan the values along the straight line from one point to another, such as from start to end of a training.

    Args:
        objective: any.
        theta0: (n_params,) the point at t = 0.
        theta1: (n_params,) the point at t = 1.
        points: number of values.
        beyond: t goes from -beyond to 1 + beyond.

    Raises:
        QvarError: if a vector has another shape, `beyond` is negative, or there are fewer than 2 points.
    """
    require(beyond >= 0.0, "beyond", "not be negative", beyond)
    first = np.asarray(checked_vector(objective, "theta0", theta0))
    last = np.asarray(checked_vector(objective, "theta1", theta1))
    return _line(objective, first, last - first, np.linspace(-beyond, 1.0 + beyond, _points(points)))


@checked("points")
def scan_plane(
    objective: Objective,
    center: Any,
    *,
    first: Any,
    second: Any,
    span: float | Sequence[float] = np.pi,
    points: int | Sequence[int] = 51,
) -> PlaneScan:
    """Scan the values on a grid in the plane of two directions.

    Args:
        objective: any.
        center: (n_params,) the point in the middle.
        first: (n_params,) direction of the first axis, not normalised.
        second: (n_params,) direction of the second axis.
        span: each axis goes from -span to span; one number, or one for each axis.
        points: number of values along each axis; one number, or one for each axis.

    Raises:
        QvarError: if a vector has another shape, a span is not positive, or there are fewer than 2 points.
    """
    spans = [_positive("span", each) for each in _pair("span", span)]
    counts = [_points(each) for each in _pair("points", points)]
    require_memory("points", points, 4 * 8 * counts[0] * counts[1])
    s, t = (np.linspace(-reach, reach, count) for reach, count in zip(spans, counts, strict=True))
    middle = np.asarray(checked_vector(objective, "center", center))
    axes = np.array([checked_vector(objective, name, axis) for name, axis in (("first", first), ("second", second))])
    grid = np.stack(np.meshgrid(s, t, indexing="ij"), axis=-1).reshape(-1, 2)
    values = _values(objective, middle, axes, grid).reshape(len(s), len(t))
    return PlaneScan(
        first_positions=s,
        second_positions=t,
        values=values,
        center=middle,
        first=axes[0],
        second=axes[1],
        unit=objective.unit,
    )


@checked("n_params")
def random_directions(n_params: int, *, key: jax.Array, count: int = 2) -> FloatArray:
    """Draw orthonormal directions, uniformly distributed; shape (count, n_params).

    Args:
        n_params: length of each.
        key: JAX random key.
        count: number of directions, at most n_params.

    Raises:
        QvarError: if there are more directions than parameters.
    """
    n, k = counting_number("n_params", n_params), counting_number("count", count)
    require_memory("n_params", n, 3 * 8 * n * min(k, n))
    require(k <= n, "count", f"be at most the {n} parameters", count)
    columns, triangle = np.linalg.qr(np.asarray(normal(key, n * k)).reshape(n, k))
    return (columns * np.sign(np.diag(triangle))).T  # the signs make the distribution uniform


@checked()
def hessian_directions(objective: Objective, theta: Any, *, count: int = 2) -> tuple[FloatArray, FloatArray]:
    """Return the directions of largest curvature at a point: eigenvectors of the exact Hessian.

    Args:
        objective: any; the Hessian takes n_params products and n_params^2 numbers, see `qvar.diagnostics.hessian`.
        theta: (n_params,) point.
        count: number of directions, at most n_params.

    Returns:
        Orthonormal directions (count, n_params), and their curvatures (count,), largest modulus first, in the
        objective's unit per radian squared.

    Raises:
        QvarError: if theta has another shape, or there are more directions than parameters.
    """
    k = counting_number("count", count)
    require(k <= objective.n_params, "count", f"be at most the {objective.n_params} parameters", count)
    curvatures, vectors = np.linalg.eigh(np.asarray(hessian(objective, theta)))
    steepest = np.argsort(-np.abs(curvatures), kind="stable")[:k]
    return vectors[:, steepest].T, curvatures[steepest]


def _values(objective: Objective, center: FloatArray, directions: FloatArray, coordinates: FloatArray) -> FloatArray:
    """Return the values at center + coordinates @ directions, (n_points,), in blocks of points of equal size."""
    block = chunk_size(len(coordinates), 0, max(1, _NUMBERS // max(1, len(center))))
    cuts = range(0, len(coordinates), block)
    return np.concatenate([objective.loss_batch(center + coordinates[at : at + block] @ directions) for at in cuts])


def _line(objective: Objective, center: Any, direction: Any, positions: FloatArray) -> LineScan:
    middle = np.asarray(checked_vector(objective, "center", center))
    along = np.asarray(checked_vector(objective, "direction", direction))
    values = _values(objective, middle, along[None], positions[:, None])
    return LineScan(
        positions=positions,
        values=values,
        center=middle,
        direction=along,
        unit=objective.unit,
    )


def _points(value: Any) -> int:
    return counting_number("points", value, least=2, bytes_each=3 * 8)


def _positive(argument: str, value: Any) -> float:
    number = finite_number(argument, value)
    require(number > 0.0, argument, "be positive", value)
    return number


def _pair(argument: str, value: Any) -> tuple[Any, Any]:
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        require(len(value) == 2, argument, "be one number, or one for each of the two axes", value)
        return value[0], value[1]
    return value, value
