r"""Forms of basis sets: free ones with many parameters, and constrained ones with two to eight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.basis.exponent_rules import Law, even_tempered_law, free_law, legendre_law, well_tempered_laws
from qvar.basis.exponent_starts import symbol_of, usual_logarithms
from qvar.basis.form import Expanded, Form, Part
from qvar.basis.shells import LETTERS, Shell, angular_momentum
from qvar.checks import counting_number, finite_number, whole_number
from qvar.errors import require

SMALLEST_RATIO = 1.4
"""Default smallest ratio of neighbouring exponents; two equal ones would be one function."""


@checked()
def free(
    element: str, *, ratio: float = SMALLEST_RATIO, contracted: bool = False, name: str | None = None, **counts: int
) -> Form:
    r"""Make the generic form, with every exponent free.

    $$ \ln \alpha_k = \ln \alpha_{k-1} + \ln \rho + \ln(1 + e^{u_k}) $$

    so that neighbours keep a ratio of at least \(\rho\): without it two exponents may collapse to a function and its
    derivative, and the overlap matrix becomes singular.

    Args:
        element: symbol, such as "Ne".
        ratio: smallest ratio of neighbouring exponents, at least 1.
        contracted: whether the exponents of each angular momentum make one contracted function, whose coefficients are
            free up to scale, instead of a function each.
        name: name for tables; such as "free 8s4p" if None.
        counts: exponents of each angular momentum, such as `s=8, p=4`.

    Raises:
        QvarError: if the element is unknown, a count is not positive, or the ratio is below one.
    """
    ratio = _ratio(ratio)
    momenta = _counts(counts)
    parts = [law_part(element, l, free_law(n, ratio), contracted=contracted) for l, n in momenta.items()]
    return Form(name or f"free {_sizes(momenta)}{' contracted' if contracted else ''}", tuple(parts))


@checked()
def even_tempered(element: str, *, ratio: float = 1.0, name: str | None = None, **counts: int) -> Form:
    r"""Make exponents in geometric progression, \(\alpha_k = \alpha \beta^{k-1}\): two parameters for each momentum.

    An angular momentum with one exponent has one parameter.

    Schmidt, Ruedenberg, J. Chem. Phys. 71, 3951 (1979), https://doi.org/10.1063/1.438165.

    Args:
        element: symbol.
        ratio: smallest beta, at least 1.
        name: name for tables.
        counts: exponents of each angular momentum, such as `s=18, p=13`.

    Raises:
        QvarError: as `free`.
    """
    ratio, momenta = _ratio(ratio), _counts(counts)
    parts = tuple(law_part(element, l, even_tempered_law(n, ratio)) for l, n in momenta.items())
    return Form(name or f"even-tempered {_sizes(momenta)}", parts)


@checked()
def well_tempered(
    element: str,
    *,
    definition: Literal["basisopt", "erkale"] = "basisopt",
    ratio: float = 1.0,
    name: str | None = None,
    **counts: int,
) -> Form:
    r"""Make Huzinaga's well-tempered exponents: four parameters for each angular momentum.

    With the definition "basisopt" \(\alpha_k = \alpha \beta^{k-1} [1 + \gamma (k/n)^\delta]\); with "erkale", from the
    third on, \(\alpha_k = \alpha_{k-1} \beta [1 + \gamma (k/n)^\delta]\). Both are in use under one name. An angular
    momentum with one or two exponents has as many parameters.

    Huzinaga, Klobukowski, Chem. Phys. Lett. 212, 260 (1993), https://doi.org/10.1016/0009-2614(93)89323-A.

    Args:
        element: symbol.
        definition: named after the program that uses it.
        ratio: smallest beta, at least 1.
        name: name for tables.
        counts: exponents of each angular momentum.

    Raises:
        QvarError: as `free`, and if the definition is unknown.
    """
    ratio, momenta = _ratio(ratio), _counts(counts)
    parts = tuple(law_part(element, l, well_tempered_laws[definition](n, ratio)) for l, n in momenta.items())
    return Form(name or f"well-tempered {_sizes(momenta)} ({definition})", parts)


@checked()
def legendre(element: str, *, terms: int, name: str | None = None, **counts: int) -> Form:
    r"""Make the logarithms of the exponents short sums of Legendre polynomials: `terms` parameters each.

    $$ \ln \alpha_k = \sum_{j=0}^{t-1} A_j P_j\Big(\frac{2k - 2}{n - 1} - 1\Big) $$

    Two terms are exactly even-tempered, n terms exactly free. Angular momenta with fewer exponents than terms get as
    many terms as they have exponents.

    Petersson, Zhong, Montgomery, Frisch, J. Chem. Phys. 118, 1101 (2003), https://doi.org/10.1063/1.1516801.

    Args:
        element: symbol.
        terms: number of polynomials.
        name: name for tables.
        counts: exponents of each angular momentum.

    Raises:
        QvarError: as `free`, and if `terms` is not positive.
    """
    terms, momenta = counting_number("terms", terms), _counts(counts)
    parts = tuple(law_part(element, l, legendre_law(n, min(terms, n))) for l, n in momenta.items())
    return Form(name or f"Legendre {terms} {_sizes(momenta)}", parts)


def _ratio(ratio: Any) -> float:
    number = finite_number("ratio", ratio)
    require(number >= 1, "ratio", "be at least 1", ratio)
    return number


def _counts(counts: dict[str, int]) -> dict[int, int]:
    """Return angular momentum -> number of exponents, ascending."""
    require(len(counts) > 0, "counts", "name at least one angular momentum, such as s=8", counts)
    numbers = {}
    for letter, count in counts.items():
        l = angular_momentum("counts", letter)
        require(l not in numbers, "counts", "name each angular momentum once", list(counts))
        require(whole_number(letter, count) >= 1, letter, "be at least 1 function", count)
        numbers[l] = int(count)
    return dict(sorted(numbers.items()))


def _sizes(momenta: dict[int, int]) -> str:
    return "".join(f"{n}{LETTERS[l]}" for l, n in momenta.items())


def law_part(element: str, l: int, law: Law, *, contracted: bool = False) -> Part:
    """Make shells of one angular momentum whose exponents follow a law; arguments as in `free`."""
    symbol, n = symbol_of(element), law.n
    start = law.nearest(usual_logarithms(symbol, l, n))
    split, free_coefficients = len(start), n - 1 if contracted else 0

    def expand(theta: Array) -> Expanded:
        if not contracted:
            return ((law.logarithms(theta), jnp.eye(n)),)
        return ((law.logarithms(theta[:split]), jnp.concatenate([jnp.ones(1), theta[split:]])[:, None]),)

    def nearest(shells: Sequence[Shell]) -> FloatArray:
        order = np.argsort(shells[0].exponents)
        numbers = law.nearest(np.log(shells[0].exponents[order]))
        column = shells[0].coefficients[order, 0]
        return np.concatenate([numbers, column[1:] / column[0]]) if contracted else numbers

    return Part(
        element=symbol,
        angular=(l,),
        expand=expand,
        start=np.concatenate([start, np.ones(free_coefficients)]),
        spread=np.concatenate([law.spread, np.full(free_coefficients, 0.3)]),
        labels=(*law.labels, *(f"coefficient {k + 2}" for k in range(free_coefficients))),
        nearest=nearest,
        family="generic" if law.name == "free" else "constrained",
        description={"law": law.name, "l": l, "n": n, "contracted": contracted, **law.settings},
    )
