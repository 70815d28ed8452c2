"""Bonds that break: contenders that follow the exact curve, and those that are close to it at equilibrium only."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

import qvar


def case(
    molecule: Literal["h2", "h4", "h6", "lih", "beh2", "h2o", "n2"] = "h4",
    start: float = 0.6,
    stop: float = 3.0,
    points: int = 13,
    contenders: tuple[str, ...] = ("hardware_efficient", "uccsd", "kupccgsd", "lucj", "tups"),
    layers: int = 4,
    seeds: int = 4,
    gradients: int = 300,
    stable: bool = False,
) -> qvar.Curve:
    """Stretches all bonds of a molecule together and trains every point from the one before, STO-3G.

    Args:
        molecule: The molecule, H2O with a frozen core.
        start: Length of the bonds at the first point, in angstrom.
        stop: Length of the bonds at the last point, in angstrom; it may be the smaller one.
        points: Number of points, equally spaced.
        contenders: Names of ansätze, as `qvar list ansatze` prints them.
        layers: Depth of those that have layers, in layers of each one's own kind.
        seeds: Number of starts of each contender.
        gradients: Budget of each start at each point, in evaluations of energy and gradient.
        stable: Follow a Hartree-Fock reference that is a saddle down to a minimum, as of N2 from 1.5 angstrom on.
    """
    qvar.require(points >= 1, "points", "be at least 1", points)
    for flag, length in (("start", start), ("stop", stop)):
        qvar.require(length > 0, flag, "be positive", length)
    lengths = [round(float(length), 6) for length in np.linspace(start, stop, points)]
    makers = [_maker(name, layers) for name in contenders]
    budget = qvar.Budget(gradients=gradients)
    return qvar.Curve(partial(qvar.named, molecule, stable=stable), lengths, makers, seeds=seeds, budget=budget)


def _maker(name: str, layers: int) -> Callable[[qvar.Problem], qvar.Ansatz]:
    """The catalogue's ansatz of this name, as a function of the problem."""
    try:
        qvar.named_ansatz(qvar.named("h2"), name, layers=1)
    except qvar.QvarError as error:
        raise qvar.QvarError(
            f"`contenders` must be names that `qvar list ansatze` prints for a molecule, but {name!r} is not."
        ) from error

    def make(problem: qvar.Problem) -> qvar.Ansatz:
        return qvar.named_ansatz(problem, name, layers=layers)

    make.__name__ = name
    return make


if __name__ == "__main__":
    qvar.launch(case)
