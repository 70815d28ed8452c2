r"""ExcitationSolve in two parameters at a time: the exact minimum of a trigonometric polynomial of two angles."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qvar.optimize.sweeps import Blocks

_ORDER = 2
"""Order of the polynomial in each angle."""

_PLACES = 2 * _ORDER + 1
"""Values of each angle that fix the polynomial."""

_GRID = 64
"""Places of each angle at which the lowest value is looked for, before Newton's method."""

_NEWTON_STEPS = 10


def _change(harmonics: Array, pair: Array, place: Array) -> Array:
    turn = 2.0 * jnp.pi / _PLACES
    return _moved(harmonics, pair, turn * (place // _PLACES), turn * (place % _PLACES))


def _lowest(harmonics: Array, pair: Array, values: Array) -> tuple[Array, Array, Array]:
    first, second, lowest, rounding = lowest_of_two(values.reshape(_PLACES, _PLACES))
    return _moved(harmonics, pair, first, second), lowest, rounding


def _moved(harmonics: Array, pair: Array, first: Array, second: Array) -> Array:
    """Return the change of theta if the pair's angles, in units of their lowest frequencies, change by so much."""
    n_params = len(harmonics)
    start = jnp.minimum(2 * pair, max(n_params - 2, 0))
    index = jnp.arange(n_params)
    turns = jnp.where(index == start, first, 0.0) + jnp.where(index == start + 1, second, 0.0)
    return turns / harmonics[:, 0]


PAIRS = Blocks(
    n_groups=lambda n_params: -(-n_params // 2),
    most_places=_PLACES**2 - 1,
    last_place=lambda harmonics, pair: jnp.asarray(_PLACES**2 - 1),
    change=_change,
    lowest=_lowest,
)
"""Parameters 0 and 1, 2 and 3, ..., and the last two if their number is odd; orders up to 2."""


def lowest_of_two(values: Array) -> tuple[Array, Array, Array, Array]:
    r"""Return the place x, y of the lowest minimum of a polynomial of two angles, its value, and its rounding.

    It is \(\sum_{mn} B_m(x) C_{mn} B_n(y)\) with \(B = (1, \cos x, \sin x, \cos 2x, \sin 2x)\). Of equal minima it is
    the one nearest to 0, in [-pi, pi).

    `values` (5, 5) are those at x, y = 0, 2 pi / 5, ..., 8 pi / 5.
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
    start = grid[near // _GRID], grid[near % _GRID]

    def at(x: Array, y: Array, in_x: int, in_y: int) -> Array:
        return (_basis(x[None], in_x) @ table @ _basis(y[None], in_y).T)[0, 0]

    def newton(_: Array, place: tuple[Array, Array]) -> tuple[Array, Array]:
        x, y = place
        gx, gy = at(x, y, 1, 0), at(x, y, 0, 1)
        xx, xy, yy = at(x, y, 2, 0), at(x, y, 1, 1), at(x, y, 0, 2)
        turn = 0.5 * jnp.arctan2(2.0 * xy, xx - yy)  # to the axes of the curvature; a flat one stays
        dx, dy = jnp.zeros_like(x), jnp.zeros_like(y)
        for cosine, sine in ((jnp.cos(turn), jnp.sin(turn)), (-jnp.sin(turn), jnp.cos(turn))):
            curvature = xx * cosine**2 + 2.0 * xy * cosine * sine + yy * sine**2
            bends = curvature > rounding
            length = jnp.where(bends, (gx * cosine + gy * sine) / jnp.where(bends, curvature, 1.0), 0.0)
            dx, dy = dx + length * cosine, dy + length * sine
        low, high = ((start[0] + way, start[1] + way) for way in (-step, step))
        return jnp.clip(x - dx, low[0], high[0]), jnp.clip(y - dy, low[1], high[1])

    x, y = jax.lax.fori_loop(0, _NEWTON_STEPS, newton, start)
    return x, y, centre + at(x, y, 0, 0), rounding


def _basis(x: Array, derivative: int) -> Array:
    """Return the basis (n, 5) at places x (n,), or its derivative."""
    orders = jnp.arange(1, _ORDER + 1)
    angles = x[:, None] * orders[None, :] + 0.5 * jnp.pi * derivative
    scale = orders.astype(x.dtype)[None, :] ** derivative
    waves = jnp.stack([jnp.cos(angles) * scale, jnp.sin(angles) * scale], axis=2).reshape(len(x), 2 * _ORDER)
    constant = jnp.full((len(x), 1), 0.0 if derivative else 1.0, x.dtype)
    return jnp.concatenate([constant, waves], axis=1)
