r"""Shells of contracted Gaussians, and basis sets made of them, in the convention of published sets.

A contracted function of angular momentum l is

$$ \chi_{lm}(\mathbf r) = \frac{1}{n} \sum_k c_k\, N_l(\alpha_k)\, r^l e^{-\alpha_k r^2} Y_{lm}(\hat{\mathbf r}), $$

where \(N_l(\alpha)\) normalises a primitive, so that coefficients multiply *normalised* primitives, and n normalises
the sum. Exponents are in bohr^-2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.arguments import check_fields, checked
from qvar.checks import real_array, whole_number
from qvar.errors import QvarError, require
from qvar.problems.basis_builder import squared_norms
from qvar.short_repr import short_repr

LETTERS = "spdfghiklmn"
"""Angular momentum as a letter: `LETTERS[l]`."""

MAX_L = 6
"""Largest angular momentum that qvar takes, i: derivatives by exponents need integrals of l + 2."""


def angular_momentum(argument: str, value: Any) -> int:
    """Read an angular momentum, a letter or a number; `QvarError` if it is neither, or above `MAX_L`."""
    letter = isinstance(value, str) and len(value) == 1 and value.lower() in LETTERS
    l = LETTERS.index(value.lower()) if letter else value
    whole = isinstance(l, int | np.integer) and not isinstance(l, bool)
    must = f"be an angular momentum, a letter from s to {LETTERS[MAX_L]} or 0 to {MAX_L}"
    require(whole and int(l) in range(MAX_L + 1), argument, must, value)
    return int(l)


@short_repr()
@dataclass(frozen=True, eq=False)
class Shell:
    """Contracted functions of one angular momentum that share their primitives (a general contraction)."""

    l: int
    """Angular momentum."""
    exponents: FloatArray
    """(n_primitives,) exponents, bohr^-2."""
    coefficients: FloatArray
    """(n_primitives, n_contracted) coefficients of normalised primitives; the identity without contraction."""

    def __post_init__(self) -> None:
        require(whole_number("l", self.l) >= 0, "l", "not be negative", self.l)
        for name, shape in (("exponents", ("n",)), ("coefficients", ("n", "c"))):
            value = getattr(self, name)
            if not isinstance(value, np.ndarray) or value.ndim != len(shape):
                object.__setattr__(self, name, np.asarray(real_array(name, value, shape)))
        rows = len(self.coefficients)
        require(rows == len(self.exponents), "coefficients", "have a row for each exponent", rows)

    @property
    def n_functions(self) -> int:
        """Number of contracted spherical functions, 2l + 1 for each column."""
        return (2 * self.l + 1) * self.coefficients.shape[1]

    @cached_property
    def norms(self) -> FloatArray:
        """(n_contracted,) norms of the columns: the n of the module's formula."""
        return np.sqrt(squared_norms(self.l, self.exponents, self.coefficients))


def blocks(coefficients: FloatArray) -> list[tuple[IntArray, IntArray]]:
    """Return rows and columns of the diagonal blocks of a matrix of coefficients; zero rows are in none."""
    from scipy.sparse.csgraph import connected_components

    used = coefficients != 0
    count, labels = connected_components(used @ used.T, directed=False)
    places = [np.flatnonzero(labels == label) for label in range(count)]
    return [(rows, np.flatnonzero(used[rows].any(axis=0))) for rows in places if used[rows].any()]


def segments(shell: Shell) -> list[Shell]:
    """Split a shell into the smallest shells with the same functions: contractions that share primitives stay together.

    An uncontracted shell becomes its primitives; primitives that no function uses are left out.
    """
    return [
        Shell(shell.l, shell.exponents[rows], shell.coefficients[np.ix_(rows, columns)])
        for rows, columns in blocks(shell.coefficients)
    ]


@short_repr()
@dataclass(frozen=True, eq=False)
class BasisSet:
    """Shells of some elements."""

    shells: dict[str, tuple[Shell, ...]]
    """Element -> its shells, by ascending l."""
    _: KW_ONLY
    name: str = "custom basis"
    """Name for tables."""

    def __post_init__(self) -> None:
        check_fields(self)
        for element, shells in self.shells.items():
            require(len(shells) > 0, "shells", f"hold at least one shell for {element}", shells)

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements, in the order of `shells`."""
        return tuple(self.shells)

    def of(self, element: str) -> tuple[Shell, ...]:
        """Return the shells of an element.

        Raises:
            QvarError: if the set has none.
        """
        if element not in self.shells:
            raise QvarError(
                f"`basis` must have shells for {element}, but {self.name!r} has {', '.join(self.shells) or 'none'}."
            )
        return self.shells[element]

    def n_primitives(self, element: str) -> int:
        """Count the radial primitives of an element, without the factor 2l + 1."""
        return sum(len(shell.exponents) for shell in self.of(element))

    def n_functions(self, element: str) -> int:
        """Count the contracted spherical functions of an element."""
        return sum(shell.n_functions for shell in self.of(element))

    def sizes(self, element: str) -> str:
        """Return primitives and contracted functions of an element in the usual notation, "(9s,4p) -> [3s,2p]"."""
        primitives = dict.fromkeys(range(MAX_L + 1), 0)
        contracted = dict(primitives)
        for shell in self.of(element):
            primitives[shell.l] += len(shell.exponents)
            contracted[shell.l] += shell.coefficients.shape[1]
        before, after = (
            ",".join(f"{count}{LETTERS[l]}" for l, count in counts.items() if count)
            for counts in (primitives, contracted)
        )
        return f"({before}) -> [{after}]"

    @property
    def smallest_ratio(self) -> float:
        """Smallest ratio of neighbouring exponents within a shell, at least 1; infinite if there are no neighbours."""
        ratios = [
            np.exp(np.diff(np.log(np.sort(shell.exponents)))).min(initial=np.inf)
            for shells in self.shells.values()
            for shell in shells
        ]
        return float(min(ratios, default=np.inf))

    def pyscf(self) -> dict[str, list[list[Any]]]:
        """Return the set as PySCF takes it: `gto.M(basis=...)`."""
        return {
            element: [
                [
                    shell.l,
                    *([float(a), *map(float, c)] for a, c in zip(shell.exponents, shell.coefficients, strict=True)),
                ]
                for shell in shells
            ]
            for element, shells in self.shells.items()
        }


@checked()
def basis_set(shells: Iterable[tuple[str, Shell]], *, name: str = "custom basis") -> BasisSet:
    """Make a basis set of (element, shell) pairs, sorted by angular momentum within each element."""
    grouped: dict[str, list[Shell]] = {}
    for element, shell in shells:
        grouped.setdefault(element, []).append(shell)
    return BasisSet({e: tuple(sorted(own, key=lambda s: s.l)) for e, own in grouped.items()}, name=name)
