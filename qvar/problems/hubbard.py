"""The Fermi-Hubbard model on chains and rectangles."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from qvar import units
from qvar.arguments import checked
from qvar.checks import finite_number, whole_numbers
from qvar.errors import require
from qvar.lattice_graphs import Shape, checkerboard, coloured_bonds, rows_and_columns, shown, standing_waves
from qvar.memory import require_memory
from qvar.problems.hamiltonians import Integrals
from qvar.problems.problem import Problem

Orbitals: TypeAlias = Literal["site", "hopping"]
"""Orbitals of the modes."""


@checked("shape")
def hubbard(
    shape: Shape,
    *,
    t: float = 1.0,
    u: float = 4.0,
    n_electrons: tuple[int, int] | None = None,
    periodic: bool = False,
    orbitals: Orbitals = "site",
    name: str | None = None,
) -> Problem:
    r"""Make the Fermi-Hubbard model: electrons that hop between neighbours and repel each other on a site.

    $$ H = -t \sum_{\langle pq \rangle \sigma} (a_{p\sigma}^\dagger a_{q\sigma} + a_{q\sigma}^\dagger a_{p\sigma})
           + U \sum_p n_{p\uparrow} n_{p\downarrow} $$

    Two sites at half filling have the lowest energy \((U - \sqrt{U^2 + 16 t^2}) / 2\).

    In site orbitals the reference determinant is a checkerboard: spin up fills the even sites first, spin down the
    odd ones. In hopping orbitals, the eigenvectors of the hopping matrix in order of energy, the lowest are filled, as
    in Hartree-Fock theory (`qvar.lattice_graphs.standing_waves`: products of sines, or of cosines and sines on rings).

    Args:
        shape: number of sites in a chain, at least 2, or (rows, columns) of a rectangle.
        t: hopping, in units of the coupling.
        u: repulsion U of two electrons on one site, in the same unit; negative attracts.
        n_electrons: (spin up, spin down); half filling if None, with one more spin up on an odd number of sites.
        periodic: whether the lattice closes in all its directions; two sites in a row have one bond all the same.
        orbitals: `"site"`, or `"hopping"` for ansätze that excite from a mean-field determinant.
        name: name for tables; made from the arguments if None.

    Returns:
        The problem on two qubits per site, sites row by row; its exact energy is the lowest with these numbers of
        electrons. Memory grows as the fourth power of the number of sites.

    Raises:
        QvarError: if an argument is out of its range.
    """
    rectangle = rows_and_columns("shape", shape)
    t, u, periodic = finite_number("t", t), finite_number("u", u), bool(periodic)
    m = rectangle[0] * rectangle[1]
    require_memory("shape", shape, 2 * 8 * m**4)
    half = [(m + 1) // 2, m // 2]
    electrons = half if n_electrons is None else whole_numbers("n_electrons", n_electrons)
    fits = len(electrons) == 2 and all(0 <= number <= m for number in electrons)
    require(fits, "n_electrons", f"be two numbers from 0 to {m}", n_electrons)

    bonds = coloured_bonds(rectangle, periodic)
    if orbitals == "site":
        one_body, waves = np.zeros((m, m)), np.eye(m)
        for p, q in (bond for colour in bonds for bond in colour):
            one_body[p, q] = one_body[q, p] = -t
        colour = checkerboard(rectangle)
        filled = [sorted(range(m), key=lambda p, first=first: (colour[p] != first, p)) for first in (0, 1)]
    else:
        energies, waves = standing_waves(rectangle, periodic, t)
        one_body, filled = np.diag(energies), [list(range(m))] * 2
    densities = np.einsum("ip,iq->ipq", waves, waves)

    boundary = "periodic" if periodic else "open"
    filling = "" if electrons == half else f" ({electrons[0]},{electrons[1]})"
    basis = "" if orbitals == "site" else " hopping orbitals"
    return Problem(
        name=name or f"Hubbard {shown(rectangle)}{filling} t={t:g} U={u:g} {boundary}{basis}",
        n_qubits=2 * m,
        unit=units.COUPLING,
        description={
            "model": "hubbard",
            "shape": list(rectangle),
            "t": t,
            "u": u,
            "n_electrons": electrons,
            "periodic": periodic,
            "orbitals": orbitals,
            "bonds": bonds,
        },
        integrals=Integrals(0.0, one_body, u * np.einsum("ipq,irs->pqrs", densities, densities, optimize=True)),
        occupied_alpha=tuple(sorted(filled[0][: electrons[0]])),
        occupied_beta=tuple(sorted(filled[1][: electrons[1]])),
    )
