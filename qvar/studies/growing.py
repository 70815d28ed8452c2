"""Contenders of any size: a circuit and what is measured on it, or an ensemble of them, for every size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, TypeAlias, cast

import jax

from qvar._types import Family
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields, is_row
from qvar.errors import QvarError, require, shown
from qvar.problems.fermion_mapping import pauli_terms
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.studies.contender import Contender, made_by

Setup: TypeAlias = tuple[Any, Ansatz]
"""A `Problem`, whose energy is measured, or a PennyLane observable; and the circuit."""


@short_repr()
@dataclass(frozen=True)
class ExactLaw:
    """Exact variances by theory, shown with the sampled ones."""

    name: str
    """The formula in a few characters, such as "1/(d+1)"."""
    _: KW_ONLY
    loss: Callable[[int], float] | None = None
    """Size -> variance of the loss, in the unit squared."""
    gradient_first: Callable[[int], float] | None = None
    """Size -> variance of the derivative by the first parameter, in the unit squared."""
    reference: str | None = None
    """Key of its paper in `qvar/citations.bib`."""


@short_repr()
@dataclass(frozen=True, eq=False)
class Growing:
    """A contender of any size: one circuit for each, or an ensemble of them."""

    name: str
    """Name in the ledger."""
    family: Family
    """`"generic"` or `"constrained"`."""
    make: Callable[[int], Setup] | None = None
    """Size -> problem or observable, and the circuit."""
    _: KW_ONLY
    draw: Callable[[int, jax.Array], Setup] | None = None
    """Instead of `make`, for an ensemble such as `qvar.random_circuit`: (size, JAX random key) -> problem or
    observable, and a circuit; drawn for every sample."""
    law: ExactLaw | None = None
    """Exact law of its variances."""

    def __post_init__(self) -> None:
        check_fields(self)
        require((self.make is None) != (self.draw is None), "make", "be given exactly if `draw` is not", self.make)

    def setup(self, size: int, key: jax.Array | None = None) -> Setup:
        """Return problem or observable, and circuit, at one size; of an ensemble those of a key.

        Raises:
            QvarError: if `make` or `draw` returns something else.
        """
        if self.make is not None:
            setup = self.make(size)
        else:
            assert self.draw is not None
            setup = self.draw(size, jax.random.key(0) if key is None else key)
        if not (isinstance(setup, tuple) and len(setup) == 2 and isinstance(setup[1], Ansatz)):
            word = "draw" if self.make is None else "make"
            raise QvarError(f"`{word}` must return (problem or observable, ansatz), but returned {shown(setup)}.")
        return setup


def description_of(observable: Any, ansatz: Ansatz) -> tuple[str, Any]:
    """Return the name of a problem or observable, and its JSON-able description."""
    if isinstance(observable, Problem):
        return observable.name, observable.description
    terms = pauli_terms(observable, ansatz.n_qubits)
    letters = [f"{letter}{wire}" for wire, letter in enumerate(terms.words[0]) if letter != "I"]
    name = " ".join(letters) or "1"
    if len(terms.words) > 1:
        name = f"{len(terms.words)} Pauli terms"
    words = [[word, round(float(c), 12)] for word, c in zip(terms.words, terms.coefficients, strict=True)]
    return f"{name} on {ansatz.n_qubits} qubits", words


def growing_of(contenders: Any, problem: Callable[[int], Any] | None) -> Any:
    """Return contenders that have a circuit of every size; a `Contender` gets the problem of each size.

    Raises `QvarError` if there is a `Contender`, and no problem for it.
    """
    if isinstance(contenders, Growing | Contender):
        contenders = (contenders,)
    if not is_row(contenders) or not any(isinstance(contender, Contender) for contender in contenders):
        return contenders
    growing: list[Any] = []
    for contender in contenders:
        if not isinstance(contender, Contender):
            growing.append(contender)
        elif problem is None:
            raise QvarError(f"`problem` must make the problem of a size for {contender.name}, but is None.")
        else:
            makes = ((depth.name, partial(_setup_of, depth, problem)) for depth in contender.depths)
            growing += [Growing(name, contender.family, make) for name, make in makes]
    return tuple(growing)


def _setup_of(contender: Contender, problem: Callable[[int], Any], size: int) -> Setup:
    instance = problem(size)
    return instance, cast(Ansatz, made_by(contender, instance))
