"""Circuits that grow from several pools of operators, against fixed circuits."""

from typing import Literal

import qvar

USUAL = {"max_operators": 60, "seeds": 4, "gradients": 1000}
QUICK = {"max_operators": 12, "seeds": 1, "gradients": 200}


def case(
    molecule: Literal["h2", "h4", "lih", "beh2", "h6"] = "lih",
    bond: float | None = None,
    pools: tuple[str, ...] = ("gsd", "qubit_gsd", "ceo"),
    max_operators: int | None = None,
    error: float = 1e-4,
    select: Literal["gradient", "gradient_per_cnot", "energy", "optimized"] = "gradient",
    grow: Literal["one", "ties", "batch", "tetris"] = "one",
    prune: bool = False,
    repeat: int | None = None,
    seeds: int | None = None,
    quick: bool = False,
) -> qvar.Adaptive:
    """Grows circuits by ADAPT-VQE from several pools, beside coupled cluster and a hardware-efficient circuit; STO-3G.

    Args:
        molecule: Molecule, all electrons.
        bond: Bond length in angstrom; the molecule's usual one if left out.
        pools: Pools of operators: sd, gsd, singlet_sd, singlet_gsd, spin_complement_gsd, pairs, qubit_sd, qubit_gsd,
            ceo, ceo_mvp, pauli, pauli_no_z, minimal_v, minimal_g, terms.
        max_operators: Largest number of operators; 60 if not given, 12 with quick.
        error: Error at which a growth ends, in hartree.
        select: Score of an operator: its gradient, that per CNOT, the exact drop of the energy by its angle alone, or
            that after the optimization of all angles, for the five largest gradients.
        grow: Operators added in a step: one, all of the largest score, all above half of it, or all that share no
            qubit.
        prune: Whether an operator whose angle has faded is removed.
        repeat: Number of operators that are a layer, which is repeated then; none if left out.
        seeds: Number of random starts of each fixed circuit; 4 if not given, 1 with quick.
        quick: Fewer operators and starts, unless they are given, and a smaller budget: within a minute.
    """
    usual = QUICK if quick else USUAL
    problem = qvar.named(molecule, bond)
    fixed = [
        qvar.uccsd(problem).with_start("zero"),
        qvar.kupccgsd(problem, layers=1),
        qvar.tups(problem, layers=2),
        qvar.lucj(problem, layers=1),
        qvar.hardware_efficient(problem, layers=2 if quick else 4),
    ]
    return qvar.Adaptive(
        problem,
        pools,
        fixed,
        rules=qvar.GrowthRules(select=select, grow=grow, prune=prune, repeat=repeat),
        max_operators=usual["max_operators"] if max_operators is None else max_operators,
        error=error,
        seeds=usual["seeds"] if seeds is None else seeds,
        budget=qvar.Budget(gradients=usual["gradients"]),
    )


if __name__ == "__main__":
    qvar.launch(case)
