r"""Forms made from published sets: scaled STO-nG, and any set of the Basis Set Exchange with free numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray
from qvar.arguments import checked
from qvar.basis.exponent_starts import nuclear_charge, symbol_of
from qvar.basis.form import Expanded, Form, Part
from qvar.basis.formats import shells_of
from qvar.basis.shells import LETTERS, Shell
from qvar.errors import QvarError, require
from qvar.problems.basis_exchange import basis_exchange

_STANDARD = {1: ("H", 1.24), 2: ("Li", 0.80), 3: ("Na", 1.75)}
"""Principal quantum number -> an element whose outermost shell it is, and the exponent of its STO-nG set there."""

Freedom = Literal["all", "exponents", "coefficients", "scale", "nothing"]
"""Numbers of a published set that are parameters."""


@checked()
def published_shells(name: str, element: str) -> tuple[Shell, ...]:
    """Return the shells of an element in a set of the Basis Set Exchange, one for each angular momentum.

    Pritchard, Altarawy, Didier, Gibson, Windus, J. Chem. Inf. Model. 59, 4814 (2019),
    https://doi.org/10.1021/acs.jcim.9b00725.

    Raises:
        QvarError: if there is no such set, it lacks the element, or it has core potentials there; or the Basis Set
            Exchange (the extra `basis-library`) is not installed.
    """
    basis_exchange(name)  # whether the package is there is never remembered
    return _published_shells(name, element)


@cache
def _published_shells(name: str, element: str) -> tuple[Shell, ...]:
    charge = nuclear_charge(symbol_of(element))
    exchange = basis_exchange(name)
    try:
        record: Any = exchange.get_basis(name, elements=[charge])
    except (KeyError, AttributeError):  # the latter if it is no text
        must = f"be a set of the Basis Set Exchange that has {element}"
        raise QvarError(f"`basis` must {must}, but is {name!r}.") from None
    return shells_of(record["elements"][str(charge)], "basis", name)


@checked()
def sto_ng(element: str, *, n: int = 3, name: str | None = None) -> Form:
    r"""Make Slater functions, each expanded in n Gaussians: one exponent \(\zeta\) for each shell 1s, 2sp, 3sp.

    The expansions at \(\zeta = 1\) are those of the published STO-nG sets, divided by their \(\zeta^2\); the start is
    the published set. \(\theta\) holds \(\ln \zeta\).

    Hehre, Stewart, Pople, J. Chem. Phys. 51, 2657 (1969), https://doi.org/10.1063/1.1672392.

    Args:
        element: symbol, hydrogen to argon.
        n: Gaussians for each Slater function, 2 to 6.
        name: name for tables.

    Raises:
        QvarError: if the element or n is out of its range.
    """
    symbol = symbol_of(element)
    require(2 <= n <= 6, "n", "be from 2 to 6", n)
    require(nuclear_charge(symbol) <= 18, "element", "be one from hydrogen to argon for STO-nG", element)
    shells = published_shells(f"STO-{n}G", symbol)
    parts = []
    for level, group in enumerate(_levels(shells), start=1):
        unit_element, zeta = _STANDARD[level]
        unit = _levels(published_shells(f"STO-{n}G", unit_element))[level - 1][0].exponents / zeta**2
        momenta = tuple(shell.l for shell in group)
        start = 0.5 * np.log(group[0].exponents[0] / unit[0])
        parts.append(_scaled_part(symbol, momenta, unit, [shell.coefficients for shell in group], start, level, n))
    return Form(name or f"STO-{n}G scaled", tuple(parts))


def _levels(shells: Sequence[Shell]) -> list[list[Shell]]:
    """Group shells with the same exponents, by principal quantum number."""
    groups: dict[float, list[Shell]] = {}
    for shell in shells:
        groups.setdefault(float(shell.exponents.max()), []).append(shell)
    return [groups[tightest] for tightest in sorted(groups, reverse=True)]


def _scaled_part(
    symbol: str,
    momenta: tuple[int, ...],
    unit: FloatArray,
    columns: Sequence[FloatArray],
    start: float,
    level: int,
    n: int,
) -> Part:
    def expand(theta: Array) -> Expanded:
        return tuple((jnp.log(unit) + 2 * theta[0], jnp.asarray(column)) for column in columns)

    def nearest(shells: Sequence[Shell]) -> FloatArray:
        exponents = np.sort(shells[0].exponents)
        return np.array([0.5 * np.mean(np.log(exponents) - np.log(np.sort(unit)))])

    letters = "".join(LETTERS[l] for l in momenta)
    return Part(
        element=symbol,
        angular=momenta,
        expand=expand,
        start=np.array([start]),
        spread=np.array([0.15]),
        labels=(f"ln zeta {level}{letters}",),
        nearest=nearest,
        family="constrained",
        description={"law": "sto_ng", "n": n, "level": level},
    )


@checked()
def from_set(element: str, basis: str, *, vary: Freedom = "all", name: str | None = None) -> Form:
    r"""Make a form whose parameters are numbers of a published set.

    Args:
        element: symbol.
        basis: name of a set in the Basis Set Exchange, such as "cc-pvdz".
        vary: "all", the exponents of each shell and its contraction coefficients up to scale; only the "exponents";
            only the "coefficients"; one "scale" for each shell, \(\alpha_k \to e^{2\theta} \alpha_k\); or "nothing".
        name: name for tables.

    Raises:
        QvarError: if there is no such set or it lacks the element, or `vary` is unknown.
    """
    symbol = symbol_of(element)
    shells = published_shells(basis, symbol)
    parts = []
    for position, shell in enumerate(shells):
        before, count = (sum(s.l == shell.l for s in some) for some in (shells[:position], shells))
        parts.append(_set_part(symbol, shell, vary, basis, f"shell {before + 1}, " if count > 1 else ""))
    return Form(name or (basis if vary == "nothing" else f"{basis} {vary} free"), tuple(parts))


def _set_part(symbol: str, shell: Shell, vary: Freedom, basis: str, prefix: str) -> Part:
    logarithms, columns = np.log(shell.exponents), shell.coefficients
    scaled, exponents = vary == "scale", vary in ("all", "exponents")
    # the largest coefficient of each column is fixed, which fixes its scale, and so are zeros
    moving = np.zeros(columns.shape, dtype=bool)
    if vary in ("all", "coefficients"):
        moving = columns != 0
        moving[np.abs(columns).argmax(axis=0), np.arange(columns.shape[1])] = False
    rows, places = np.nonzero(moving)
    split = 1 if scaled else len(logarithms) if exponents else 0

    def expand(theta: Array) -> Expanded:
        values = jnp.asarray(logarithms)
        if scaled:
            values = values + 2 * theta[0]
        elif exponents:
            values = theta[:split]
        return ((values, jnp.asarray(columns).at[rows, places].set(theta[split:])),)

    def nearest(shells: Sequence[Shell]) -> FloatArray:
        other = shells[0]
        order = np.argsort(np.argsort(-shell.exponents))
        by_size = np.argsort(-other.exponents)[order]
        values = np.log(other.exponents[by_size])
        own = other.coefficients[by_size]
        own = own[:, _like_columns(columns, own)]
        reference = np.abs(columns).argmax(axis=0)
        factor = columns[reference, np.arange(columns.shape[1])] / own[reference, np.arange(columns.shape[1])]
        head = np.array([0.5 * np.mean(values - logarithms)]) if scaled else values[:split]
        return np.concatenate([head, (own * factor)[rows, places]])

    free_numbers = len(rows)
    labels = ["ln scale"] if scaled else [f"ln alpha {k + 1}" for k in range(split)]
    labels += [f"coefficient {k + 1}, {c + 1}" for k, c in zip(rows, places, strict=True)]
    start = np.zeros(1) if scaled else logarithms[:split]
    return Part(
        element=symbol,
        angular=(shell.l,),
        expand=expand,
        start=np.concatenate([start, columns[rows, places]]),
        spread=np.concatenate([np.full(split, 0.15), np.full(free_numbers, 0.05)]),
        labels=tuple(prefix + label for label in labels),
        nearest=nearest,
        family="generic" if vary in ("all", "exponents") else "constrained",
        description={"law": "from_set", "set": basis, "vary": vary, "l": shell.l},
    )


def _like_columns(columns: FloatArray, others: FloatArray) -> IntArray:
    """Return for each column the most similar one of the others: zeros at the same places, then the smallest angle."""
    from scipy.optimize import linear_sum_assignment

    lengths = np.outer(np.linalg.norm(columns, axis=0), np.linalg.norm(others, axis=0))
    other_zeros = (columns[:, :, None] != 0) ^ (others[:, None, :] != 0)
    return linear_sum_assignment(other_zeros.sum(axis=0) - np.abs(columns.T @ others) / (2 * lengths))[1]
