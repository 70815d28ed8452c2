"""The neon atom: eight s and four p exponents, all free, and thirty-one of them from four numbers."""

import qvar
from qvar import basis


def case(seeds: int = 2) -> basis.BasisDuel:
    """Fits free 8s4p and even-tempered 18s13p exponents to the neon atom, Hartree-Fock.

    Args:
        seeds: Number of starts of each.
    """
    target = basis.Target("Ne 0 0 0", theory="rohf")
    forms = [basis.free("Ne", s=8, p=4), basis.even_tempered("Ne", s=18, p=13)]
    return basis.BasisDuel(target, forms, seeds=seeds, reference=basis.HARTREE_FOCK_LIMITS["Ne"])


if __name__ == "__main__":
    qvar.launch(case)
