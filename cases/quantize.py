"""Circuits whose angles have few bits: the loss for each number of bits, and the T gates that they cost."""

from typing import Literal

import qvar


def case(
    molecule: Literal["h2", "h4", "lih", "beh2", "h6"] = "h4",
    bond: float | None = None,
    bits: tuple[int, ...] | None = None,
    grid: Literal["common", "class"] = "common",
    samples: int | None = None,
    start: Literal["own", "clifford"] = "own",
    seeds: int = 1,
    quick: bool = False,
) -> qvar.Compression:
    """Rounds the angles of trained circuits to few bits, as weights of neural networks are; STO-3G, all electrons.

    Plain rounding, training on the grid by the straight-through estimator (Bengio et al. 2013; Jacob et al. 2018), and
    steps of single angles to neighbouring points. The mean rise of the energy falls by four for each bit; fewer bits
    take fewer T gates on an error-corrected quantum computer. At two bits a circuit consists of Clifford gates, which
    can be simulated: the start clifford begins at the best such point that a search finds (Ravi et al. 2022).

    Args:
        molecule: Molecule, all electrons.
        bond: Bond length in angstrom; the molecule's usual one if left out.
        bits: Bits of an angle; 12 to 2 if not given, 10, 8, 6 and 4 with quick.
        grid: One grid for all angles, or one for each class of operations.
        samples: Grids of random offset over which the mean rise is taken; 400 if not given, 100 with quick.
        start: Own start of each circuit, or the best Clifford point.
        seeds: Number of starts of each circuit.
        quick: Fewer bits and grids, within a minute.
    """
    problem = qvar.named(molecule, bond)
    contenders = [
        qvar.uccsd(problem).with_start("zero"),
        qvar.kupccgsd(problem, layers=1),
        qvar.tups(problem, layers=2),
        qvar.hardware_efficient(problem, layers=2, rotations=("RY",)),
    ]
    if start == "clifford":
        contenders = [ansatz.with_start("clifford") for ansatz in contenders]
    bits = bits or ((10, 8, 6, 4) if quick else tuple(range(12, 1, -1)))
    samples = samples if samples is not None else 100 if quick else 400
    return qvar.Compression(
        problem,
        contenders,
        [
            qvar.Rounding(bits, grid=grid, samples=samples),
            qvar.Rounding(bits, grid=grid, retrain="straight_through"),
            qvar.Rounding(bits, grid=grid, retrain="coordinate"),
        ],
        seeds=seeds,
    )


if __name__ == "__main__":
    qvar.launch(case)
