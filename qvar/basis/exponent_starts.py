"""Elements, and start exponents of fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.errors import QvarError, shown
from qvar.problems.geometry import known_element

_NOBLE = (0, 2, 10, 18, 36, 54, 86)
"""Electrons of the closed periods."""


def symbol_of(element: Any) -> str:
    """Return the symbol of an element as PySCF spells it.

    Raises:
        QvarError: if it is none.
    """
    symbol = known_element(element) if isinstance(element, str) and element.isalpha() else None
    if symbol is None:
        raise QvarError(f"`element` must be the symbol of an element, such as 'Ne', but is {shown(element)}.")
    return symbol


def nuclear_charge(symbol: str) -> int:
    """Return the nuclear charge Z of an element."""
    if isinstance(symbol, str) and symbol.startswith("ghost-"):  # functions without a nucleus
        return 0
    from pyscf.data import elements

    return int(elements.charge(symbol_of(symbol)))


def unpaired_electrons(symbol: str) -> int:
    """Return the number of unpaired electrons, 2S, of an atom's ground state, by Hund's rule."""
    from pyscf.data import elements

    shells = [2 * (2 * l + 1) for l in range(4)]
    open_electrons = [n % full for n, full in zip(elements.CONFIGURATION[nuclear_charge(symbol)], shells, strict=True)]
    return sum(min(n, full - n) for n, full in zip(open_electrons, shells, strict=True))


def usual_logarithms(symbol: str, l: int, n: int) -> FloatArray:
    r"""Return ascending ln(alpha) of n exponents, as wide as sets of such a size usually are.

    The smallest follows the size of the valence shell, \(\alpha \propto \zeta^2\) with \(\zeta\) of Slater's rules
    (Phys. Rev. 36, 57 (1930), https://doi.org/10.1103/PhysRev.36.57); the ratio of neighbours falls from 5 for two
    exponents to 2.3 for eighteen.
    """
    charge = nuclear_charge(symbol)
    period = sum(charge > closed for closed in _NOBLE)
    valence = charge - _NOBLE[period - 1]
    inner = _NOBLE[period - 1] - _NOBLE[period - 2] if period > 1 else 0
    deep = _NOBLE[period - 2] if period > 1 else 0
    screening = 0.3 * (valence - 1) if period == 1 else 0.35 * (valence - 1) + 0.85 * inner + deep
    zeta = max(charge - screening, 1.0) / period
    ratio = 1.8 + 9.0 / (n + 1)
    smallest = 0.12 * zeta**2 / period**1.2 * (1 + l) * (2.3 if n == 1 else 1.0)
    return np.log(smallest) + np.log(ratio) * np.arange(n)
