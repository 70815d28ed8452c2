r"""ExcitationSolve in two parameters at a time: the exact minimum of a trigonometric polynomial of two angles."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from qvar.optimize.evaluation import Reading
from qvar.optimize.method import Iterate, Method, Start, begin

_ORDER = 2
"""Order of the polynomial in each angle."""

_PLACES = 2 * _ORDER + 1
"""Values of each angle that fix the polynomial."""

_GRID = 64
"""Places of each angle at which the lowest value is looked for, before Newton's method."""

_NEWTON_STEPS = 10


class _Sweep(NamedTuple):
    """State of a start in its sweep over the pairs."""

    waves: Array
    """(n_params,) lowest frequency of each parameter."""
    pair: Array
    """Number of the pair that is being solved for."""
    place: Array
    """Number of the trial, 0 at the current point; see `_steps`."""
    values: Array
    """(_PLACES^2,) values at the places; the first is not used."""
    before: Array
    """Value at the beginning of the sweep."""


def pair_solver(
    name: str, tolerance: float, settings: tuple[tuple[str, float], ...], citations: tuple[str, ...]
) -> Method:
    """Return the method; the pairs are parameters 0 and 1, 2 and 3, ..., and the last two if their number is odd."""

    def at_place(theta: Array, sweep: _Sweep) -> Array:
        """Return the point of a trial, (n_params,)."""
        turn = 2.0 * jnp.pi / _PLACES
        return theta + _moved(sweep, turn * (sweep.place // _PLACES), turn * (sweep.place % _PLACES))

    def init(start: Start) -> Iterate:
        assert start.harmonics is not None  # `Method.most_harmonics`
        nothing, zero = jnp.zeros((), start.theta.dtype), jnp.asarray(0)
        waves, values = start.harmonics[:, 0].astype(start.theta.dtype), jnp.zeros(_PLACES**2, start.theta.dtype)
        return begin(start.theta, _Sweep(waves, zero, zero, values, nothing))

    def update(state: Iterate, read: Reading) -> Iterate:
        sweep: _Sweep = state.inner
        value, here = read.value, sweep.place == 0
        values = jnp.where(jnp.arange(_PLACES**2) == sweep.place, value, sweep.values)
        last = sweep.place == _PLACES**2 - 1

        first, second, lowest, rounding = lowest_of_two(values.at[0].set(state.value).reshape(_PLACES, _PLACES))
        moves = last & (lowest < state.value - rounding)
        broken = last & ~jnp.isfinite(lowest)
        theta = jnp.where(moves, state.theta + _moved(sweep, first, second), state.theta)
        reached = jnp.where(here, value, jnp.where(moves | broken, lowest, state.value))

        before = jnp.where(here, value, sweep.before)
        pair = jnp.where(last, sweep.pair + 1, sweep.pair)
        swept = 2 * pair >= len(theta)
        pair = jnp.where(swept, 0, pair)
        place = jnp.where(last, jnp.where(swept, 0, 1), sweep.place + 1)
        accepted = last | (state.iterations == 0)
        onward = _Sweep(sweep.waves, pair, place, values, before)
        return state._replace(
            trial=at_place(theta, onward),
            theta=theta,
            value=reached,
            iterations=state.iterations + accepted,
            accepted=accepted,
            converged=swept & (before - reached <= tolerance),
            inner=onward,
        )

    return Method(name, settings, init, update, citations, reads="value", most_harmonics=_ORDER)


def _moved(sweep: _Sweep, first: Array, second: Array) -> Array:
    """Return the change of theta if the pair's angles, in units of their lowest frequencies, change by so much."""
    n_params = len(sweep.waves)
    start = jnp.minimum(2 * sweep.pair, max(n_params - 2, 0))
    index = jnp.arange(n_params)
    turns = jnp.where(index == start, first, 0.0) + jnp.where(index == start + 1, second, 0.0)
    return turns / sweep.waves


def lowest_of_two(values: Array) -> tuple[Array, Array, Array, Array]:
    r"""Return the place x, y of the lowest minimum of a polynomial of two angles, its value, and its rounding.

    It is \(\sum_{mn} B_m(x) C_{mn} B_n(y)\) with \(B = (1, \cos x, \sin x, \cos 2x, \sin 2x)\). Of equal minima it is
    the one nearest to 0, in [-pi, pi).

    Args:
        values: (5, 5) values at x, y = 0, 2 pi / 5, ..., 8 pi / 5.
    """
    centre = jnp.mean(values)
    scale = jnp.abs(centre) + jnp.max(jnp.abs(values))
    rounding = 4.0 * jnp.finfo(values.dtype).eps * scale
    weights = jnp.where(jnp.arange(_PLACES) == 0, 1.0, 2.0)[:, None] / _PLACES
    inverse = weights * _basis(2.0 * jnp.pi / _PLACES * jnp.arange(_PLACES), 0).T
    table = inverse @ (values - centre) @ inverse.T

    step = 2.0 * jnp.pi / _GRID
    grid = step * (jnp.arange(_GRID) - _GRID // 2)
    heights = _basis(grid, 0) @ table @ _basis(grid, 0).T
    distances = jnp.hypot(grid[:, None], grid[None, :])
    near = jnp.argmin(jnp.where(heights <= jnp.min(heights) + rounding, distances, jnp.inf))
    x, y = grid[near // _GRID], grid[near % _GRID]
    low, high = (x - step, y - step), (x + step, y + step)

    def at(x: Array, y: Array, in_x: int, in_y: int) -> Array:
        return (_basis(x[None], in_x) @ table @ _basis(y[None], in_y).T)[0, 0]

    for _ in range(_NEWTON_STEPS):
        gx, gy = at(x, y, 1, 0), at(x, y, 0, 1)
        xx, xy, yy = at(x, y, 2, 0), at(x, y, 1, 1), at(x, y, 0, 2)
        turn = 0.5 * jnp.arctan2(2.0 * xy, xx - yy)  # to the axes of the curvature; a flat one stays
        dx, dy = jnp.zeros_like(x), jnp.zeros_like(y)
        for cosine, sine in ((jnp.cos(turn), jnp.sin(turn)), (-jnp.sin(turn), jnp.cos(turn))):
            curvature = xx * cosine**2 + 2.0 * xy * cosine * sine + yy * sine**2
            bends = curvature > rounding
            length = jnp.where(bends, (gx * cosine + gy * sine) / jnp.where(bends, curvature, 1.0), 0.0)
            dx, dy = dx + length * cosine, dy + length * sine
        x, y = jnp.clip(x - dx, low[0], high[0]), jnp.clip(y - dy, low[1], high[1])
    return x, y, centre + at(x, y, 0, 0), rounding


def _basis(x: Array, derivative: int) -> Array:
    """Return the basis (n, 5) at places x (n,), or its derivative."""
    orders = jnp.arange(1, _ORDER + 1)
    angles = x[:, None] * orders[None, :] + 0.5 * jnp.pi * derivative
    scale = orders.astype(x.dtype)[None, :] ** derivative
    waves = jnp.stack([jnp.cos(angles) * scale, jnp.sin(angles) * scale], axis=2).reshape(len(x), 2 * _ORDER)
    constant = jnp.full((len(x), 1), 0.0 if derivative else 1.0, x.dtype)
    return jnp.concatenate([constant, waves], axis=1)
