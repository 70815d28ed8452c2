"""Circuits that grow from several pools of operators, against fixed circuits."""

from typing import Literal

import qvar


def case(
    molecule: Literal["h2", "h4", "lih", "beh2", "h6"] = "lih",
    bond: float | None = None,
    pools: tuple[str, ...] = ("gsd", "qubit_gsd", "ceo"),
    max_operators: int = 60,
    error: float = 1e-4,
    tetris: bool = False,
    seeds: int = 4,
    quick: bool = False,
) -> qvar.Adaptive:
    """Grows circuits by ADAPT-VQE from several pools, beside coupled cluster and a hardware-efficient circuit; STO-3G.

    Args:
        molecule: Molecule, all electrons.
        bond: Bond length in angstrom; the molecule's usual one if left out.
        pools: Pools of operators: sd, gsd, pairs, qubit_sd, qubit_gsd, ceo, pauli, pauli_no_z.
        max_operators: Largest number of operators.
        error: Error at which a growth ends, in hartree.
        tetris: Whether a step adds all operators that share no qubit.
        seeds: Number of random starts of each fixed circuit.
        quick: Whether to stop at 12 operators and train one start of each fixed circuit.
    """
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
        grow="tetris" if tetris else "one",
        max_operators=12 if quick else max_operators,
        error=error,
        seeds=1 if quick else seeds,
        budget=qvar.Budget(gradients=200 if quick else 1000),
    )


if __name__ == "__main__":
    qvar.launch(case)
