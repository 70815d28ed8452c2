"""One function on each atom of H2, for full configuration interaction: STO-3G scaled, and three free Gaussians."""

import qvar
from qvar import basis


def case(bond: float = 0.7414, seeds: int = 4) -> basis.BasisDuel:
    """Fits minimal sets of hydrogen to the exact energy of H2 in them.

    Args:
        bond: Length of the bond, in angstrom.
        seeds: Number of starts of each form.
    """
    target = basis.Target(f"H 0 0 0; H 0 0 {bond}", theory="fci")
    forms = [basis.sto_ng("H", n=3), basis.free("H", s=3, contracted=True)]
    return basis.BasisDuel(target, forms, seeds=seeds, baselines=["sto-3g"])


if __name__ == "__main__":
    qvar.launch(case)
