"""Spin models on a chain."""

from __future__ import annotations

import numpy as np

from qvar import units
from qvar.checks import finite_number, whole_number
from qvar.errors import require
from qvar.problems.problem import PauliTerms, Problem


def tfim(n: int, j: float = 1.0, h: float = 1.0, periodic: bool = False) -> Problem:
    r"""Transverse-field Ising model on a chain, \(H = -J \sum_i Z_i Z_{i+1} - h \sum_i X_i\).

    At J = h = 1, the critical point, the lowest energies are \(-2 / \sin(\pi / 2n)\) on a ring (n > 2)
    and \(1 - 1 / \sin(\pi / (4n + 2))\) on an open chain (Pfeuty 1970,
    https://doi.org/10.1016/0003-4916(70)90270-8).

    Args:
        n: number of spins, at least 2.
        j: coupling J of neighbours, in units of the coupling; positive is ferromagnetic.
        h: transverse field, in the same unit.
        periodic: whether the last spin neighbours the first. With two spins that bond is already
            there and is not counted twice, so that n = 2 is the same open or periodic.

    Returns:
        The problem on n qubits; its reference state is |0...0>, all spins along Z.

    Raises:
        QvarError: if `n` is no integer of at least 2, or a coupling is not finite.
    """
    n = whole_number("n", n)
    require(n >= 2, "n", "be at least 2", n)
    j, h = finite_number("j", j), finite_number("h", h)
    periodic = bool(periodic)
    bonds = [(i, i + 1) for i in range(n - 1)]
    if periodic and n > 2:
        bonds.append((n - 1, 0))
    words = [_word(n, bond, "Z") for bond in bonds] + [_word(n, (i,), "X") for i in range(n)]
    coefficients = np.array([-j] * len(bonds) + [-h] * n)
    return Problem(
        name=f"TFIM {n} J={j:g} h={h:g} {'periodic' if periodic else 'open'}",
        n_qubits=n,
        unit=units.COUPLING,
        description={"model": "tfim", "n": n, "j": j, "h": h, "periodic": periodic},
        integrals=None,
        pauli=PauliTerms(tuple(words), coefficients),
        occupied_alpha=(),
        occupied_beta=(),
    )


def _word(n: int, places: tuple[int, ...], letter: str) -> str:
    return "".join(letter if i in places else "I" for i in range(n))
