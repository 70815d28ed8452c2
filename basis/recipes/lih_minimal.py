"""As many functions on Li and H as STO-3G has, for full configuration interaction: its shape scaled, and set free."""

import qvar
from qvar import basis


def case(bond: float = 1.5957, seeds: int = 1, gradients: int = 3000) -> basis.BasisDuel:
    """Fits minimal sets of lithium and hydrogen to the exact energy of LiH in them.

    Args:
        bond: Length of the bond, in angstrom.
        seeds: Number of starts of each form.
        gradients: Budget of each start, in evaluations of energy and gradient.
    """
    target = basis.Target(f"Li 0 0 0; H 0 0 {bond}", theory="fci")
    scaled = (basis.sto_ng("Li", n=3) + basis.sto_ng("H", n=3)).named("STO-3G scaled")
    free = (basis.from_set("Li", "sto-3g") + basis.from_set("H", "sto-3g")).named("STO-3G all free")
    budget = qvar.Budget(gradients=gradients, gradient_tolerance=1e-5)
    return basis.BasisDuel(target, [scaled, free], seeds=seeds, budget=budget, baselines=["sto-3g"])


if __name__ == "__main__":
    qvar.launch(case)
