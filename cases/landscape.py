"""What lies around the start and the end of a training: lines, planes, curvature, distinct minima, leakage."""

from typing import Literal

import numpy as np

import qvar


def case(
    molecule: Literal["h2", "h4", "lih"] | None = None,
    bond: float | None = 1.5,
    contenders: tuple[str, ...] = ("hardware_efficient", "givens_fabric", "uccsd"),
    layers: int = 4,
    seeds: int | None = None,
    gradients: int = 2000,
    start: Literal["own", "uniform"] = "uniform",
    span: float = float(np.pi),
    points: int | None = None,
    quick: bool = False,
) -> qvar.Landscape:
    """Trains a generic and two constrained circuits on a molecule, STO-3G, and scans what surrounds them.

    Args:
        molecule: The molecule; h4 if not given, h2 with quick.
        bond: Length of its bonds, in angstrom; the usual one of the molecule if None.
        contenders: Names of ansätze, as `qvar list ansatze` prints them.
        layers: Depth of those that have layers, in layers of each one's own kind.
        seeds: Number of starts of each contender; 8 if not given, 3 with quick.
        gradients: Budget of each start, in evaluations of energy and gradient.
        start: How starts are drawn: uniform on a full turn, or each ansatz's own way.
        span: The planes reach so far from their middle, in radians.
        points: Points of the planes along each direction; 41 if not given, 15 with quick.
        quick: The hydrogen molecule, three starts, coarse planes, unless they are given: half a minute.
    """
    if molecule is None:
        molecule = "h2" if quick else "h4"
    if seeds is None:
        seeds = 3 if quick else 8
    if points is None:
        points = 15 if quick else 41
    qvar.require(layers >= 1, "layers", "be at least 1", layers)
    problem = qvar.named(molecule, bond=bond)
    ansatze, refused = qvar.all_ansatze(problem, layers=layers)
    for name in contenders:
        if name not in ansatze:
            reason = refused.get(name, "it is not.")
            raise qvar.QvarError(f"`contenders` must be names that `qvar list ansatze` prints, but {name!r}: {reason}")
    chosen = [ansatze[name] if start == "own" else ansatze[name].with_start(start) for name in contenders]
    return qvar.Landscape(
        problem,
        chosen,
        seeds=seeds,
        budget=qvar.Budget(gradients=gradients),
        span=span,
        points=points,
    )


if __name__ == "__main__":
    qvar.launch(case)
