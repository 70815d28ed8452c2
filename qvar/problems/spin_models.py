"""Spin models on chains and rectangles."""

from __future__ import annotations

import numpy as np

from qvar import units
from qvar.arguments import checked
from qvar.checks import finite_number, whole_number
from qvar.errors import require
from qvar.lattice_graphs import Bonds, Shape, checkerboard, coloured_bonds, rows_and_columns, shown
from qvar.memory import require_memory
from qvar.problems.hamiltonians import PauliTerms
from qvar.problems.problem import Problem

_BYTES_PER_WORD = 100
"""Memory of a Pauli word beside its letters."""


@checked("n")
def tfim(n: int, *, j: float = 1.0, h: float = 1.0, periodic: bool = False) -> Problem:
    r"""Make the transverse-field Ising model on a chain, \(H = -J \sum_i Z_i Z_{i+1} - h \sum_i X_i\).

    At J = h = 1, the critical point, the lowest energies are \(-2 / \sin(\pi / 2n)\) on a ring (n > 2) and \(1 - 1 /
    \sin(\pi / (4n + 2))\) on an open chain (Pfeuty 1970, https://doi.org/10.1016/0003-4916(70)90270-8).

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
    n = whole_number("n", n, unbounded=True)
    require(n >= 2, "n", "be at least 2", n)
    require_memory("n", n, 2 * n * (n + _BYTES_PER_WORD))
    j, h = finite_number("j", j), finite_number("h", h)
    periodic = bool(periodic)
    bonds = coloured_bonds((1, n), periodic)
    words = [_word(n, bond, "Z") for bond in _in_order(bonds)]
    coefficients = np.array([-j] * len(words) + [-h] * n)
    words += [_word(n, [i], "X") for i in range(n)]
    return Problem(
        name=f"TFIM {n} J={j:g} h={h:g} {'periodic' if periodic else 'open'}",
        n_qubits=n,
        unit=units.COUPLING,
        description={"model": "tfim", "n": n, "j": j, "h": h, "periodic": periodic, "bonds": bonds},
        pauli=PauliTerms(tuple(words), coefficients),
    )


@checked("n")
def xxz(n: Shape, *, j: float = 1.0, delta: float = 1.0, periodic: bool = False) -> Problem:
    r"""Make the XXZ model, \(H = J \sum_{\langle ik \rangle} (X_i X_k + Y_i Y_k + \Delta Z_i Z_k)\) over neighbours.

    With Pauli matrices, not spins of length 1/2: four times the latter's energies. It conserves the number of ones,
    that is, the magnetization. On lattices without odd rings its ground state has magnetization zero (1/2 for an odd
    number of spins) if \(\Delta \ge -1\) for J > 0, or \(\Delta \le 1\) for J < 0; beyond, the spins align.

    Args:
        n: number of spins in a chain, at least 2, or (rows, columns) of a rectangle.
        j: coupling J of neighbours, in units of the coupling; positive is antiferromagnetic.
        delta: anisotropy \(\Delta\); 1 is the Heisenberg model.
        periodic: whether the lattice closes in all its directions; two spins in a row have one bond all the same.

    Returns:
        The problem on as many qubits as spins, row by row; its reference state is the Neel state, 0101... along rows
        and columns, whose number of ones is half that of the spins, rounded down.

    Raises:
        QvarError: if `n` is neither a number of spins nor a rectangle with at least 2, or a coupling is not finite.
    """
    shape, delta = rows_and_columns("n", n), finite_number("delta", delta)
    return _exchange("xxz", shape, finite_number("j", j), delta, bool(periodic))


@checked("n")
def heisenberg(n: Shape, *, j: float = 1.0, periodic: bool = False) -> Problem:
    r"""Make the Heisenberg model, \(H = J \sum_{\langle ik \rangle} (X_i X_k + Y_i Y_k + Z_i Z_k)\) over neighbours.

    With Pauli matrices, not spins of length 1/2. It conserves the total spin.

    Args:
        n: number of spins in a chain, at least 2, or (rows, columns) of a rectangle.
        j: coupling J of neighbours, in units of the coupling; positive is antiferromagnetic.
        periodic: whether the lattice closes in all its directions; two spins in a row have one bond all the same.

    Returns:
        The problem on as many qubits as spins, row by row; its reference state is the Neel state, see `xxz`.

    Raises:
        QvarError: if `n` is neither a number of spins nor a rectangle with at least 2, or the coupling is not finite.
    """
    return _exchange("heisenberg", rows_and_columns("n", n), finite_number("j", j), None, bool(periodic))


def _exchange(model: str, shape: tuple[int, int], j: float, delta: float | None, periodic: bool) -> Problem:
    """Make a model of exchange on every bond; `delta` is None for the Heisenberg model."""
    n_spins = shape[0] * shape[1]
    require_memory("n", n_spins, 3 * n_spins * (n_spins + _BYTES_PER_WORD))
    bonds = coloured_bonds(shape, periodic)
    words = [_word(n_spins, bond, letter) for bond in _in_order(bonds) for letter in "XYZ"]
    weights = [j, j, j if delta is None else j * delta]
    couplings = {"j": j} if delta is None else {"j": j, "delta": delta}
    title = "Heisenberg" if delta is None else "XXZ"
    anisotropy = "" if delta is None else f" Delta={delta:g}"
    return Problem(
        name=f"{title} {shown(shape)} J={j:g}{anisotropy} {'periodic' if periodic else 'open'}",
        n_qubits=n_spins,
        unit=units.COUPLING,
        description={"model": model, "shape": list(shape), **couplings, "periodic": periodic, "bonds": bonds},
        pauli=PauliTerms(tuple(words), np.array(weights * (len(words) // 3))),
        bits=checkerboard(shape),
    )


def _in_order(bonds: Bonds) -> list[list[int]]:
    return sorted(bond for colour in bonds for bond in colour)


def _word(n: int, places: list[int], letter: str) -> str:
    return "".join(letter if i in places else "I" for i in range(n))
