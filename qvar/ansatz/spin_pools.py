r"""Sums of excitations that treat both spins alike: singlet operators, and excitations plus their spin-flipped ones.

Grimsley et al., Nat. Commun. 10, 3007 (2019), https://doi.org/10.1038/s41467-019-10988-2. Orbitals p <= q are emptied,
r <= s filled; with \(\sigma, \tau\) two spins,

$$ e_{\sigma\tau} = a_{r\sigma}^\dagger a_{s\tau}^\dagger a_{q\tau} a_{p\sigma}, \qquad
   x_{\sigma\tau} = a_{r\sigma}^\dagger a_{s\tau}^\dagger a_{q\sigma} a_{p\tau}. $$
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, combinations_with_replacement, product
from typing import TypeAlias

from qvar._types import Excitation
from qvar.ansatz.excitation_sums import collected
from qvar.ansatz.excitations import spaces
from qvar.ansatz.pool_elements import Made, excitation_terms
from qvar.ansatz.protocols import HasOrbitals
from qvar.errors import QvarError

Pair: TypeAlias = tuple[int, int]

_EQUAL, _OPPOSITE = ((0, 0), (1, 1)), ((0, 1), (1, 0))
"""Spins (sigma, tau); 0 is up."""


def singlet_sd(problem: HasOrbitals) -> Iterator[Made]:
    """Yield the singlet operators from occupied to empty orbitals.

    Raises `QvarError` if the numbers of electrons of both spins differ.
    """
    (occupied, empty), beta = spaces(problem)
    if (occupied, empty) != beta:
        raise QvarError(
            "`problem` must have a closed-shell reference for the pool singlet_sd, but has unpaired electrons."
        )
    yield from _singles(product(occupied, empty))
    low, high = (list(combinations_with_replacement(space, 2)) for space in (occupied, empty))
    yield from _singlet_doubles(product(low, high))


def singlet_gsd(problem: HasOrbitals) -> Iterator[Made]:
    """Yield the singlet operators between any orbitals."""
    yield from _singles(combinations(range(problem.n_orbitals), 2))
    yield from _singlet_doubles(_pairs(problem))


def spin_complement_gsd(problem: HasOrbitals) -> Iterator[Made]:
    r"""Yield excitations plus their spin-flipped partners: \(e_{\alpha\alpha} + e_{\beta\beta}\), and so on."""
    yield from _singles(combinations(range(problem.n_orbitals), 2))
    for (p, q), (r, s) in _pairs(problem):
        yield from _made(f"({r} {s} <- {p} {q}) equal spins", [(1.0, _e(p, q, r, s, spins)) for spins in _EQUAL])
        yield from _made(f"({r} {s} <- {p} {q}) opposite spins", [(1.0, _e(p, q, r, s, spins)) for spins in _OPPOSITE])
        if p != q and r != s:  # else the same as the last one, up to its sign
            crossed = [(1.0, _x(p, q, r, s, spins)) for spins in _OPPOSITE]
            yield from _made(f"({r} {s} <- {p} {q}) exchanged spins", crossed)


def _pairs(problem: HasOrbitals) -> Iterator[tuple[Pair, Pair]]:
    """Yield all two different pairs of orbitals."""
    return combinations(combinations_with_replacement(range(problem.n_orbitals), 2), 2)


def _singles(pairs: Iterable[Pair]) -> Iterator[Made]:
    for p, q in pairs:
        yield from _made(f"({q} <- {p}) singlet", [(1.0, ((2 * q + spin,), (2 * p + spin,))) for spin in (0, 1)])


def _singlet_doubles(pairs: Iterable[tuple[Pair, Pair]]) -> Iterator[Made]:
    r"""Yield the operators whose pairs are coupled to triplets, and to singlets.

    \(2 e_{\alpha\alpha} + 2 e_{\beta\beta} + e_{\alpha\beta} + e_{\beta\alpha} + x_{\alpha\beta} + x_{\beta\alpha}\)
    and \(e_{\alpha\beta} + e_{\beta\alpha} - x_{\alpha\beta} - x_{\beta\alpha}\).
    """
    for (p, q), (r, s) in pairs:
        equal = [(2.0, _e(p, q, r, s, spins)) for spins in _EQUAL]
        opposite = [(1.0, _e(p, q, r, s, spins)) for spins in _OPPOSITE]
        if p != q and r != s:
            crossed = [(1.0, _x(p, q, r, s, spins)) for spins in _OPPOSITE]
            yield from _made(f"({r} {s} <- {p} {q}) triplet pairs", [*equal, *opposite, *crossed])
        crossed = [(-1.0, _x(p, q, r, s, spins)) for spins in _OPPOSITE]
        yield from _made(f"({r} {s} <- {p} {q}) singlet pairs", [*opposite, *crossed])


def _made(name: str, terms: Sequence[tuple[float, Excitation]]) -> Iterator[Made]:
    """Yield an element if it is not zero."""
    parts = collected((c, *excitation) for c, excitation in terms)
    if parts:
        yield name, excitation_terms(parts)


def _e(p: int, q: int, r: int, s: int, spins: Pair) -> Excitation:
    sigma, tau = spins
    return (2 * r + sigma, 2 * s + tau), (2 * q + tau, 2 * p + sigma)


def _x(p: int, q: int, r: int, s: int, spins: Pair) -> Excitation:
    sigma, tau = spins
    return (2 * r + sigma, 2 * s + tau), (2 * q + sigma, 2 * p + tau)
