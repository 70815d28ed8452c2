"""The lithium atom in four free Gaussians, restricted open-shell Hartree-Fock."""

import qvar
from qvar import basis


def case(functions: int = 4, seeds: int = 4) -> basis.BasisDuel:
    """Fits free s Gaussians to the lithium atom.

    Args:
        functions: Number of Gaussians.
        seeds: Number of starts.
    """
    target = basis.Target("Li 0 0 0", theory="rohf", spin=1)
    limit = basis.HARTREE_FOCK_LIMITS["Li"]
    return basis.BasisDuel(target, [basis.free("Li", s=functions)], seeds=seeds, reference=limit)


if __name__ == "__main__":
    qvar.launch(case)
