"""The hydrogen atom in one to four free Gaussians: every program of basis sets begins here."""

import qvar
from qvar import basis


def case(most: int = 4, seeds: int = 2) -> basis.BasisDuel:
    """Fits 1s, 2s, ... free Gaussians to the hydrogen atom, whose energy is -1/2 hartree.

    Args:
        most: Largest number of Gaussians.
        seeds: Number of starts of each.
    """
    forms = [basis.free("H", s=n) for n in range(1, most + 1)]
    limit = basis.HARTREE_FOCK_LIMITS["H"]
    return basis.BasisDuel(basis.Target("H 0 0 0", spin=1), forms, seeds=seeds, reference=limit)


if __name__ == "__main__":
    qvar.launch(case)
