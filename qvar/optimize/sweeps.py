"""Sweeps over groups of parameters, each put at the exact minimum of a polynomial that some values fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from qvar.optimize.evaluation import Reading
from qvar.optimize.method import Iterate, Method, Start, begin


class Blocks(NamedTuple):
    """Groups of parameters that are solved for one after the other; harmonics (n_params, 2) as in `Start`."""

    n_groups: Callable[[int], int]
    """n_params -> number of groups."""
    most_places: int
    """Largest number of trials of a group."""
    last_place: Callable[[Array, Array], Array]
    """(harmonics, group) -> number of its last trial; the trials have the numbers 1, 2, ..."""
    change: Callable[[Array, Array, Array], Array]
    """(harmonics, group, number of the trial) -> change of theta (n_params,); zero for number 0."""
    lowest: Callable[[Array, Array, Array], tuple[Array, Array, Array]]
    """(harmonics, group, values (1 + most_places,) from the current point on) -> change of theta to the lowest minimum,
    the value there, and its rounding."""


class _Sweep(NamedTuple):
    """State of a start in its sweep."""

    harmonics: Array
    """(n_params, 2) lowest frequency w and number R of harmonics of each parameter."""
    group: Array
    """Group that is being solved for."""
    place: Array
    """Number of the trial, 0 at the current point."""
    values: Array
    """(most_places,) values of the trials."""
    before: Array
    """Value at the beginning of the sweep."""


def block_solver(
    name: str,
    blocks: Blocks,
    most_harmonics: int,
    settings: tuple[tuple[str, float], ...],
    citations: tuple[str, ...],
) -> Method:
    """Return the method; `settings` has the `tolerance`, the gain of a sweep up to which it converged."""
    tolerance = dict(settings)["tolerance"]

    def init(start: Start) -> Iterate:
        assert start.harmonics is not None  # `Method.most_harmonics`
        nothing, zero = jnp.zeros((), start.theta.dtype), jnp.asarray(0)
        values = jnp.zeros(blocks.most_places, start.theta.dtype)
        harmonics = start.harmonics.astype(start.theta.dtype)
        return begin(start.theta, _Sweep(harmonics, zero, zero, values, nothing))

    def update(state: Iterate, read: Reading) -> Iterate:
        sweep: _Sweep = state.inner
        value, here = read.value, sweep.place == 0
        values = jnp.where(jnp.arange(blocks.most_places) == sweep.place - 1, value, sweep.values)
        last = ~here & (sweep.place == blocks.last_place(sweep.harmonics, sweep.group))

        everything = jnp.concatenate([state.value[None], values])
        change, lowest, rounding = blocks.lowest(sweep.harmonics, sweep.group, everything)
        moves = last & (lowest < state.value - rounding)
        broken = last & ~jnp.isfinite(lowest)
        theta = jnp.where(moves, state.theta + change, state.theta)
        reached = jnp.where(here, value, jnp.where(moves | broken, lowest, state.value))

        before = jnp.where(here, value, sweep.before)
        group = jnp.where(last, sweep.group + 1, sweep.group)
        swept = group >= blocks.n_groups(len(theta))
        group = jnp.where(swept, 0, group)
        place = jnp.where(last, jnp.where(swept, 0, 1), sweep.place + 1)
        accepted = last | (state.iterations == 0)
        return state._replace(
            trial=theta + blocks.change(sweep.harmonics, group, place),
            theta=theta,
            value=reached,
            iterations=state.iterations + accepted,
            accepted=accepted,
            converged=swept & (before - reached <= tolerance),
            inner=_Sweep(sweep.harmonics, group, place, values, before),
        )

    return Method(name, settings, init, update, citations, reads="value", most_harmonics=most_harmonics)
