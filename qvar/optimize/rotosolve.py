r"""Rotosolve and ExcitationSolve: each parameter in turn put at the exact minimum of a trigonometric polynomial."""

from __future__ import annotations

from functools import cache
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qvar.arguments import checked
from qvar.errors import require
from qvar.optimize.method import Method
from qvar.optimize.pair_solve import PAIRS
from qvar.optimize.sweeps import Blocks, block_solver

MOST_HARMONICS = 8
"""Largest number of harmonics of one parameter."""

_GRID = 256
"""Places at which the lowest value of a polynomial is looked for, before Newton's method."""

_NEWTON_STEPS = 8


@checked()
@cache
def rotosolve(*, tolerance: float = 1e-8) -> Method:
    r"""Minimize over one parameter after the other in closed form.

    With all others held, the value is a trigonometric polynomial of each parameter,

    $$ E(\theta_j + x / w) = a_0 + \sum_{m=1}^{R} a_m \cos(m x) + b_m \sin(m x), $$

    so the values at \(x_k = 2\pi k / (2R + 1)\), k = 1 to 2R, and \(E_0\) at the current point give all coefficients
    and the lowest minimum, which becomes the next \(E_0\); a parameter takes 2R evaluations. Before each sweep over all
    parameters, in their order, \(E_0\) is evaluated again, against rounding. A sweep thus takes
    \(1 + 2 \sum_j R_j\) evaluations, and each parameter is one step of the trace. The start is converged when a
    whole sweep lowers the value by no more than `tolerance`, or out of budget (`Budget.energies`). If all values agree
    within rounding, the parameter stays.

    The frequencies are those of `Objective.harmonics`: R = 1 for a rotation by a Pauli word or a phase, 2 for an
    excitation, and their sum for a parameter that several operations share, if their frequencies are multiples of the
    lowest one; at most 8.

    Ostaszewski, Grant, Benedetti, Quantum 5, 391 (2021), https://doi.org/10.22331/q-2021-01-28-391,
    https://arxiv.org/abs/1905.09692; Nakanishi, Fujii, Todo, Phys. Rev. Research 2, 043158 (2020),
    https://doi.org/10.1103/PhysRevResearch.2.043158, https://arxiv.org/abs/1903.12166; for several frequencies Wierichs
    et al., Quantum 6, 677 (2022), https://doi.org/10.22331/q-2022-03-30-677.

    Args:
        tolerance: what a sweep must gain to go on, in the unit of the value; not negative.

    Raises:
        QvarError: if the tolerance is negative.
    """
    require(tolerance >= 0, "tolerance", "not be negative", tolerance)
    citations = ("ostaszewski2021", "nakanishi2020", "wierichs2022")
    return block_solver("rotosolve", _ONE_BY_ONE, MOST_HARMONICS, (("tolerance", tolerance),), citations)


@checked()
@cache
def excitation_solve(*, tolerance: float = 1e-8, parameters: Literal[1, 2] = 1) -> Method:
    r"""Minimize over the angles of one excitation, or of two, after the other in closed form.

    As `rotosolve`, for circuits of excitations, qubit excitations, rotations and phases, one operation for each
    parameter: the generator of an excitation has the eigenvalues 0 and \(\pm 1\), so that the energy is a polynomial of
    second order in its angle, and four further energies give its lowest minimum. In two angles at a time it is

    $$ E(x, y) = \sum_{m, n = -2}^{2} c_{mn} e^{i (m x + n y)}, $$

    and 24 further energies give the lowest minimum of the first two parameters, then of the next two, and so on; an odd
    last one goes with the one before.

    Jäger, Kaldenbach, Haas, Schultheis (2024), https://arxiv.org/abs/2409.05939.

    Args:
        tolerance: what a sweep must gain to go on, in the unit of the value; not negative.
        parameters: number of angles that are solved for at once.

    Raises:
        QvarError: if the tolerance is negative.
    """
    require(tolerance >= 0, "tolerance", "not be negative", tolerance)
    blocks, settings = _ONE_BY_ONE, (("tolerance", tolerance),)
    if parameters == 2:
        blocks, settings = PAIRS, (*settings, ("parameters", parameters))
    return block_solver("excitation_solve", blocks, 2, settings, ("jager2024",))


def _own(harmonics: Array, coordinate: Array) -> tuple[Array, Array, Array]:
    """Return which parameter it is, (n_params,), its lowest frequency and its number of harmonics."""
    own = jnp.arange(len(harmonics)) == coordinate
    wave, number = jnp.sum(jnp.where(own[:, None], harmonics, 0.0), axis=0)
    return own, wave, number


def _change(harmonics: Array, coordinate: Array, place: Array) -> Array:
    wave, number = harmonics.T
    own = jnp.arange(len(harmonics)) == coordinate
    return jnp.where(own, 2.0 * jnp.pi * place / ((2.0 * number + 1.0) * wave), 0.0)


def _lowest(harmonics: Array, coordinate: Array, values: Array) -> tuple[Array, Array, Array]:
    own, wave, number = _own(harmonics, coordinate)
    turn, lowest, rounding = lowest_place(values, number)
    return jnp.where(own, turn / wave, 0.0), lowest, rounding


_ONE_BY_ONE = Blocks(
    n_groups=lambda n_params: n_params,
    most_places=2 * MOST_HARMONICS,
    last_place=lambda harmonics, coordinate: 2 * _own(harmonics, coordinate)[2],
    change=_change,
    lowest=_lowest,
)


def lowest_place(values: Array, number: Array) -> tuple[Array, Array, Array]:
    """Return the place of the lowest minimum in [-pi, pi), nearest to 0 of equal ones; the value there; its rounding.

    `values` (2 MOST_HARMONICS + 1,) are those at 2 pi k / (2R + 1), k = 0 to 2R, then anything; `number` is R.
    """
    places, orders = jnp.arange(len(values)), jnp.arange(1, MOST_HARMONICS + 1)
    n_places = 2.0 * number + 1.0
    used = jnp.where(places < n_places, values, 0.0)
    centre = jnp.sum(used) / n_places
    phases = 2.0 * jnp.pi * orders[:, None] * places[None, :] / n_places
    present = jnp.where(orders <= number, 2.0 / n_places, 0.0)
    cosines, sines = (present * (wave(phases) @ jnp.where(places < n_places, used - centre, 0.0)) for wave in _WAVES)

    def at(x: Array, derivative: int) -> Array:
        angles = x[:, None] * orders[None, :] + 0.5 * jnp.pi * derivative
        scale = orders.astype(values.dtype)[None, :] ** derivative
        return (jnp.cos(angles) * scale) @ cosines + (jnp.sin(angles) * scale) @ sines

    step = 2.0 * jnp.pi / _GRID
    grid = step * (jnp.arange(_GRID) - _GRID // 2)
    heights = at(grid, 0)
    scale = jnp.abs(centre) + jnp.max(jnp.abs(used))
    rounding = 4.0 * jnp.finfo(values.dtype).eps * scale
    near = grid[jnp.argmin(jnp.where(heights <= jnp.min(heights) + rounding, jnp.abs(grid), jnp.inf))][None]

    def newton(_: Array, turn: Array) -> Array:
        curvature = at(turn, 2)
        moved = turn - jnp.where(curvature > 0.0, at(turn, 1) / jnp.where(curvature > 0.0, curvature, 1.0), 0.0)
        return jnp.clip(moved, near - step, near + step)

    turn = jax.lax.fori_loop(0, _NEWTON_STEPS, newton, near)
    return turn[0], centre + at(turn, 0)[0], rounding


_WAVES = (jnp.cos, jnp.sin)
