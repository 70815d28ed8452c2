"""Every family of ansätze against every other on one molecule."""

from dataclasses import replace
from typing import Literal

import qvar


def case(
    molecule: Literal["h2", "h4", "h6", "lih", "beh2", "h2o", "n2"] = "lih",
    bond: float | None = None,
    basis: str = "sto-3g",
    active_space: tuple[int, int] | None = None,
    families: Literal["all", "generic", "constrained"] = "all",
    contenders: tuple[str, ...] = (),
    layers: int = 4,
    seeds: int = 4,
    gradients: int = 500,
    stable: bool = False,
) -> qvar.Duel:
    """Compares all ansätze of `qvar list ansatze`, H2O with a frozen core.

    Args:
        molecule: The molecule.
        bond: Length of its bonds, in angstrom; the usual one if None.
        basis: Name of the basis set.
        active_space: Numbers of active electrons and orbitals; all electrons if None. N2 needs one, such as 6 6, for
            generic circuits: all of its electrons take 20 qubits.
        families: Families that take part: all, or one alone.
        contenders: Names of ansätze if not all take part, as `qvar list ansatze` prints them.
        layers: Depth of those that have layers, in layers of each one's own kind.
        seeds: Number of starts of each contender.
        gradients: Budget of each start, in evaluations of energy and gradient.
        stable: Follow a Hartree-Fock reference that is a saddle down to a minimum, as of H2O at 2.5 angstrom.
    """
    problem = qvar.named(molecule, bond, basis=basis, active_space=active_space, stable=stable)
    ansatze, refused = qvar.all_ansatze(problem, layers=layers)
    for name in contenders:
        if name not in ansatze:
            reason = refused.get(name, "it is not.")
            raise qvar.QvarError(f"`contenders` must be names that `qvar list ansatze` prints, but {name!r}: {reason}")
    chosen = [
        replace(ansatz, name=name)
        for name, ansatz in ansatze.items()
        if families in ("all", ansatz.family) and name in (contenders or ansatze)
    ]
    return qvar.Duel(problem, chosen, method=qvar.lbfgs(), seeds=seeds, budget=qvar.Budget(gradients=gradients))


if __name__ == "__main__":
    qvar.launch(case)
