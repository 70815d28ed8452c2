r"""Form: exponents and contraction coefficients of a basis set as functions of a parameter vector.

A form is made of parts, each of which turns its own parameters into shells of one element. The parts are written in
JAX, so that the Jacobian of all exponents and coefficients is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import Family, FloatArray
from qvar.arguments import check_fields, checked
from qvar.basis.exponent_starts import symbol_of
from qvar.basis.shells import LETTERS, BasisSet, Shell, angular_momentum, basis_set, blocks, segments
from qvar.errors import QvarError, require
from qvar.short_repr import short_repr

Expanded: TypeAlias = tuple[tuple[Array, Array], ...]
"""For each shell of a part ln(alpha), shape (n,), and coefficients, shape (n, m)."""


@short_repr("element", "angular", "labels", "description")
@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """Shells of one element that share a parameter vector."""

    element: str
    """Symbol of the element."""
    angular: tuple[int, ...]
    """Angular momentum of each shell."""
    expand: Callable[[Array], Expanded]
    """Parameters -> shells, in JAX."""
    start: FloatArray
    """(n_params,) start of a fit."""
    spread: FloatArray
    """(n_params,) standard deviations of random starts about it."""
    labels: tuple[str, ...]
    """Names of the parameters."""
    nearest: Callable[[Sequence[Shell]], FloatArray]
    """Shells of the same sizes -> the parameters that come nearest to them."""
    family: Family
    """`"generic"` if every exponent is free, else `"constrained"`."""
    description: Any
    """Description of the part, ready for JSON."""

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return len(self.start)

    def shells(self, theta: Any) -> list[Shell]:
        """Return its shells at its parameters."""
        return [
            Shell(l, np.exp(np.asarray(logarithms)), np.asarray(coefficients))
            for l, (logarithms, coefficients) in zip(self.angular, self.expand(jnp.asarray(theta)), strict=True)
        ]


@short_repr()
@dataclass(frozen=True, eq=False)
class Form:
    """A family of basis sets, one for each parameter vector."""

    name: str
    """Name in the ledger."""
    parts: tuple[Part, ...]
    """Parts, each with its own parameters."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def family(self) -> Family:
        """`"generic"` if a part is, else `"constrained"`."""
        return "generic" if any(part.family == "generic" for part in self.parts) else "constrained"

    @property
    def n_params(self) -> int:
        """Length of theta."""
        return sum(part.n_params for part in self.parts)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the parameters, such as "Ne s ln alpha"."""
        return tuple(
            f"{part.element} {''.join(LETTERS[l] for l in dict.fromkeys(part.angular))} {label}"
            for part in self.parts
            for label in part.labels
        )

    @property
    def elements(self) -> tuple[str, ...]:
        """Its elements."""
        return tuple(dict.fromkeys(part.element for part in self.parts))

    @property
    def start(self) -> FloatArray:
        """(n_params,) default start of a fit."""
        return np.concatenate([np.zeros(0), *(part.start for part in self.parts)])

    def initial(self, key: jax.Array, *, spread: float = 1.0) -> Float[Array, " n_params"]:
        """Draw a random start, normally distributed about `start`.

        Args:
            key: JAX random key.
            spread: factor on the parts' own standard deviations; 0 is `start` itself.
        """
        widths = np.concatenate([np.zeros(0), *(part.spread for part in self.parts)])
        return jnp.asarray(self.start) + spread * widths * jax.random.normal(key, (self.n_params,), float)

    def basis(self, theta: Any) -> BasisSet:
        """Return the basis set at theta.

        Raises:
            QvarError: if theta has another shape than (n_params,).
        """
        shells = [(part.element, s) for part, own in self._shared(theta) for s in part.shells(own)]
        return basis_set(shells, name=self.name)

    def exponents(self, theta: Any) -> dict[tuple[str, str], FloatArray]:
        """Return exponents in bohr^-2, ascending, by element and letter of the angular momentum.

        Raises:
            QvarError: if theta has another shape than (n_params,).
        """
        exponents: dict[tuple[str, str], list[FloatArray]] = {}
        for element, shells in self.basis(theta).shells.items():
            for shell in shells:
                exponents.setdefault((element, LETTERS[shell.l]), []).append(shell.exponents)
        return {place: np.sort(np.concatenate(values)) for place, values in exponents.items()}

    def values(self, theta: Any) -> Float[Array, " n_values"]:
        r"""Return all \(\ln \alpha\) and coefficients, shell by shell: the exponents' logarithms, then the rows.

        Pure JAX; shells are in the order of `basis(theta)`.
        """
        flat: list[tuple[int, int, list[Array]]] = []
        for part, own in self._shared(theta):
            element = self.elements.index(part.element)
            for l, (logarithms, coefficients) in zip(part.angular, part.expand(own), strict=True):
                flat.append((element, l, [logarithms, coefficients.ravel()]))
        flat.sort(key=lambda entry: entry[:2])
        return jnp.concatenate([array for *_, arrays in flat for array in arrays])

    @cached_property
    def _jacobian(self) -> Callable[[Any], Array]:
        return jax.jit(jax.jacfwd(self.values))

    def jacobian(self, theta: Any) -> Float[Array, "n_values n_params"]:
        """Compute the exact derivatives of `values` by theta."""
        return self._jacobian(jnp.asarray(theta, dtype=float))

    def nearest(self, basis: BasisSet) -> FloatArray:
        """Compute the parameters whose basis set comes nearest to another one of the same sizes.

        A form that contains the other set reproduces it: a free form any set, Legendre polynomials an even-tempered
        one.

        Raises:
            QvarError: if the other set has shells of other sizes.
        """
        left = {element: list(basis.of(element)) for element in self.elements}
        theta: list[FloatArray] = [np.zeros(0)]
        for part in self.parts:
            own = [_taken(left[part.element], shell) for shell in part.shells(part.start)]
            if not all(own):
                raise self._unlike(basis, part.element)
            theta.append(part.nearest([shell for shell in own if shell is not None]))
        for element, shells in left.items():
            if shells:
                raise self._unlike(basis, element)
        return np.concatenate(theta)

    def _unlike(self, basis: BasisSet, element: str) -> QvarError:
        sizes = self.basis(self.start).sizes(element)
        return QvarError(
            f"`basis` must have shells of {element} like those of {self.name}, {sizes}, but {basis.name!r} has "
            f"{basis.sizes(element)}."
        )

    def named(self, name: str) -> Form:
        """Return the same form under another name."""
        return replace(self, name=name)

    def starting(self, theta: Any) -> Form:
        """Return the same form with another start.

        Raises:
            QvarError: if theta has another shape than (n_params,).
        """
        parts = tuple(replace(part, start=np.asarray(own, dtype=float)) for part, own in self._shared(theta))
        return replace(self, parts=parts)

    def frozen(self, letters: str = "", *, element: str | None = None, name: str | None = None) -> Form:
        """Return the same form with some shells fixed at their start.

        Args:
            letters: angular momenta to fix, such as "s" or "sp"; all if empty. A part is fixed if all its shells are
                among them.
            element: element to fix; all if None.
            name: name for tables; "..., frozen" if None.

        Raises:
            QvarError: if nothing is fixed.
        """
        momenta = {angular_momentum("letters", letter) for letter in letters}
        element = None if element is None else symbol_of(element)
        hold = [
            element in (None, part.element) and (not momenta or set(part.angular) <= momenta) for part in self.parts
        ]
        require(any(hold), "letters", "name shells of the form", letters)
        parts = tuple(_held(part) if held else part for part, held in zip(self.parts, hold, strict=True))
        return Form(name or f"{self.name}, {letters or 'all'} frozen", parts)

    def __add__(self, other: Form) -> Form:
        """Return both together: other elements, or further shells of the same one."""
        return Form(f"{self.name} + {other.name}", (*self.parts, *other.parts))

    def describe(self) -> dict[str, Any]:
        """Describe the form and its start, ready for JSON."""
        parts = [{"element": p.element, "start": [float(x) for x in p.start], **p.description} for p in self.parts]
        return {"name": self.name, "parts": parts}

    def _shared(self, theta: Any) -> list[tuple[Part, Array]]:
        """Return the parts with their own parameters."""
        array = jnp.asarray(theta, dtype=float)
        if array.shape != (self.n_params,):
            raise QvarError(f"`theta` must have shape ({self.n_params},), but has shape {array.shape}.")
        ends = np.cumsum([part.n_params for part in self.parts])
        return [(part, array[end - part.n_params : end]) for part, end in zip(self.parts, ends, strict=True)]


def _taken(left: list[Shell], like: Shell) -> Shell | None:
    """Remove from `left` a shell of the same shape, joined from several if needed; None if there is none."""
    whole = _first(left, like.l, like.coefficients.shape)
    if whole is not None:
        return whole
    left[:] = [segment for shell in left for segment in segments(shell)]
    exponents, coefficients = np.zeros(like.exponents.shape), np.zeros(like.coefficients.shape)
    for rows, columns in blocks(like.coefficients):
        piece = _first(left, like.l, (len(rows), len(columns)))
        if piece is None:
            return None
        exponents[rows], coefficients[np.ix_(rows, columns)] = piece.exponents, piece.coefficients
    return Shell(like.l, exponents, coefficients)


def _first(left: list[Shell], l: int, shape: tuple[int, ...]) -> Shell | None:
    """Remove the first shell of that shape from `left`."""
    for shell in left:
        if (shell.l, shell.coefficients.shape) == (l, shape):
            left.remove(shell)
            return shell
    return None


def _held(part: Part) -> Part:
    at = np.array(part.start)

    def expand(theta: Array) -> Expanded:
        return part.expand(jnp.asarray(at))

    return replace(
        part,
        expand=expand,
        start=np.zeros(0),
        spread=np.zeros(0),
        labels=(),
        nearest=lambda shells: np.zeros(0),
        family="constrained",
        description={"frozen": [float(x) for x in at], **part.description},
    )


@checked()
def tied(form: Form, element: str, letters: str, *, name: str | None = None) -> Form:
    """Tie the exponents of shells of several angular momenta, as in Pople's sp shells.

    Args:
        form: has shells of the first letter.
        element: whose shells.
        letters: such as "sp": shells of p are added that take the exponents and coefficients of those of s.
        name: name for tables.

    Raises:
        QvarError: if the form has no such shell.
    """
    momenta = [angular_momentum("letters", letter) for letter in letters]
    distinct = len(momenta) >= 2 and len(set(momenta)) == len(momenta)
    require(distinct, "letters", "name at least two angular momenta, such as 'sp'", letters)
    element, first = symbol_of(element), momenta[0]
    chosen = [part.element == element and part.angular == (first,) for part in form.parts]
    require(any(chosen), "letters", f"begin with an angular momentum that {form.name} has for {element}", letters)

    def more(part: Part) -> Part:
        def expand(theta: Array) -> Expanded:
            return part.expand(theta) * len(momenta)

        return replace(
            part,
            angular=tuple(momenta),
            expand=expand,
            nearest=lambda shells: part.nearest(shells[:1]),
            description={**part.description, "tied": letters},
        )

    parts = tuple(more(part) if take else part for part, take in zip(form.parts, chosen, strict=True))
    return Form(name or f"{form.name}, {letters} tied", parts)
