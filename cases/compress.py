"""Pruning, rounding and distillation of trained circuits, alone and one after the other, on one front."""

from typing import Literal

import qvar


def case(
    molecule: Literal["h2", "h4", "lih", "beh2", "h6"] = "h4",
    bond: float | None = None,
    loss: float = 1e-4,
    bits: int = 10,
    n_starts: int | None = None,
    seeds: int = 1,
    quick: bool = False,
) -> qvar.Compression:
    """Makes UCCSD smaller in every order of pruning, rounding and distillation; STO-3G, all electrons.

    In machine learning a large trained network is pruned, its weights are rounded, and a small network is trained on
    its outputs; the steps are combined ("deep compression", Han et al. 2015). Here the large model is a trained UCCSD
    circuit, and the students are tUPS, a constrained circuit of few gates, and rotations with CNOTs, a generic one. The
    picture compares what is left: error against parameters, CNOTs, and T gates of an error-corrected computer.

    Args:
        molecule: Molecule, all electrons.
        bond: Bond length in angstrom; the molecule's usual one if left out.
        loss: Rise of the energy that pruning may cause, in hartree.
        bits: Bits of an angle.
        n_starts: Starts of each student, of which the best one is taken; 10 if not given, 2 with quick.
        seeds: Number of starts of UCCSD, and draws of the students' starts.
        quick: One student, fewer starts of it, and fewer orders, within a minute.
    """
    problem = qvar.named(molecule, bond)
    n_starts = n_starts or (2 if quick else 10)
    prune, fold = qvar.Pruning("obs", max_rise=loss), qvar.Rounding(bits, retrain="coordinate")
    students = [qvar.tups(problem, layers=2)]
    if not quick:
        students.append(qvar.hardware_efficient(problem, layers=4, rotations=("RY",)))
    recipes = [[prune], [fold], [prune, fold]]
    for student in students:
        distil = qvar.Distilling(student, n_starts=n_starts)
        recipes += [[distil], [distil, prune, fold]]
        if not quick:
            recipes += [[prune, distil], [distil, fold], [prune, fold, distil]]
    return qvar.Compression(problem, [qvar.uccsd(problem).with_start("zero")], recipes, seeds=seeds)


if __name__ == "__main__":
    qvar.launch(case)
