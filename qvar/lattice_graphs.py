"""Chains and rectangles: their sites, their bonds in colours, and the standing waves on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.checks import whole_number, whole_numbers
from qvar.errors import require

Shape: TypeAlias = int | Sequence[int]
"""A number of sites in a chain, or (rows, columns) of a rectangle."""

Bonds: TypeAlias = list[list[list[int]]]
"""Pairs of neighbouring sites, one list for each colour; bonds of one colour share no site."""


def rows_and_columns(argument: str, shape: Any) -> tuple[int, int]:
    """Return the rows and columns of a lattice of at least two sites; a chain is one row.

    Raises:
        QvarError: if it is neither, or has fewer than two sites.
    """
    if not isinstance(shape, Sequence):
        n = whole_number(argument, shape, unbounded=True)
        require(n >= 2, argument, "be at least 2", n)
        return 1, n
    sides = whole_numbers(argument, shape, unbounded=True)
    fits = len(sides) == 2 and min(sides) >= 1 and sides[0] * sides[1] >= 2
    require(fits, argument, "be a number of sites or (rows, columns) with at least two sites", shape)
    return sides[0], sides[1]


def shown(shape: tuple[int, int]) -> str:
    """Return `"6"` for a chain of six sites, `"2x3"` for a rectangle."""
    rows, columns = shape
    return str(columns) if rows == 1 else f"{rows}x{columns}"


def coloured_bonds(shape: tuple[int, int], periodic: bool) -> Bonds:
    """Return neighbours on a lattice, each pair once, in the fewest simple colours.

    Site (row, column) has the number row * columns + column. The colours: bonds along a row that start in an even
    column, those that start in an odd one, the same along columns; a ring of odd length needs a third colour for the
    bond that closes it. A ring of two sites has one bond.

    With `periodic` both directions close into rings.
    """
    rows, columns = shape
    sites = np.arange(rows * columns).reshape(rows, columns)
    bonds: Bonds = []
    for lines in (sites, sites.T):
        length = lines.shape[1]
        starts = [range(0, length - 1, 2), range(1, length - 1, 2)]
        if periodic and length > 2:
            starts = [starts[0], range(1, length, 2)] if length % 2 == 0 else [*starts, range(length - 1, length)]
        colours = [[[int(line[i]), int(line[(i + 1) % length])] for line in lines for i in along] for along in starts]
        bonds += [colour for colour in colours if colour]
    return bonds


def checkerboard(shape: tuple[int, int]) -> tuple[int, ...]:
    """Return 0 or 1 for each site, alternating along rows and columns; 0 first."""
    return tuple((row + column) % 2 for row in range(shape[0]) for column in range(shape[1]))


def standing_waves(shape: tuple[int, int], periodic: bool, t: float) -> tuple[FloatArray, FloatArray]:
    r"""Return eigenvalues and real eigenvectors of the hopping matrix, -t on every bond, lowest energy first.

    Products of sines along rows and columns, \(\sin \frac{\pi k (x+1)}{L+1}\); on rings of cosines and sines,
    \(\cos \frac{2\pi k}{L}(x + \tfrac12)\) and \(\sin \frac{2\pi k}{L}(x + \tfrac12)\), even and odd under
    reflection about a bond. So each has a sign under the reflections of rows and of columns, and orbitals of one
    energy are the same on every machine: in order of their wave numbers along columns, then along rows, cosines first.

    With `periodic` both directions close into rings. Energies (M,), and orbitals in the columns of (M, M), in the unit
    of t.
    """
    (along, row_waves), (across, column_waves) = (_waves(length, periodic) for length in shape)
    strengths = np.add.outer(along, across).ravel()
    order = np.argsort(np.round(-np.sign(t) * strengths, 9), kind="stable")  # equal energies keep their order
    return -t * strengths[order], np.kron(row_waves, column_waves)[:, order]


def _waves(length: int, periodic: bool) -> tuple[FloatArray, FloatArray]:
    """Return eigenvalues and eigenvectors of the neighbour matrix of one chain or ring."""
    if not periodic or length <= 2:
        k = np.arange(1, length + 1)
        waves = np.sin(np.pi * np.outer(k, k) / (length + 1))
        return 2.0 * np.cos(np.pi * k / (length + 1)), waves / np.linalg.norm(waves, axis=0)
    x = np.arange(length) + 0.5
    numbers, columns = [0], [np.ones(length)]
    for k in range(1, (length + 1) // 2):
        numbers += [k, k]
        columns += [np.cos(2 * np.pi * k * x / length), np.sin(2 * np.pi * k * x / length)]
    if length % 2 == 0:
        numbers.append(length // 2)
        columns.append(np.sin(np.pi * x))
    waves = np.stack(columns, axis=1)
    return 2.0 * np.cos(2 * np.pi * np.array(numbers) / length), waves / np.linalg.norm(waves, axis=0)
