r"""Lists of excitations, each \(T = a_a^\dagger a_i\) or \(a_a^\dagger a_b^\dagger a_j a_i\), in their canonical order.

Modes are numbered as wires: orbital p spin up is 2p, spin down 2p + 1. In a double, the first created mode belongs to
the last annihilated one, spin for spin; equal spins are written with a < b and i < j, opposite ones alpha first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, permutations, product

from qvar._types import Excitation
from qvar.ansatz.protocols import HasOrbitals

Space = tuple[list[int], list[int]]
"""(occupied, empty) orbitals of one spin in the reference determinant, ascending."""


def spaces(problem: HasOrbitals) -> tuple[Space, Space]:
    """Return the (occupied, empty) orbitals of spin up and of spin down."""
    everything = range(problem.n_orbitals)
    occupied = [sorted(problem.occupied_alpha), sorted(problem.occupied_beta)]
    alpha, beta = ((list(occ), [p for p in everything if p not in occ]) for occ in occupied)
    return alpha, beta


def singles(problem: HasOrbitals) -> list[Excitation]:
    """Return singles from occupied to empty orbitals: for i, for a; alpha, then beta."""
    spins = spaces(problem)
    pairs = sorted({pair for occupied, empty in spins for pair in product(occupied, empty)})
    return [
        single(i, a, spin)
        for i, a in pairs
        for spin, (occupied, empty) in enumerate(spins)
        if i in occupied and a in empty
    ]


def doubles(problem: HasOrbitals) -> list[Excitation]:
    """Return doubles, occupied to empty: equal spins (i < j, a < b; alpha, then beta), then opposite (alpha, beta).

    Doubles of opposite spins with the same alpha part are adjacent.
    """
    spins = spaces(problem)
    quads = sorted(
        {
            (*ij, *ab)
            for occupied, empty in spins
            for ij, ab in product(combinations(occupied, 2), combinations(empty, 2))
        }
    )
    same = [
        same_spin((i, j), (a, b), spin)
        for i, j, a, b in quads
        for spin, (occupied, empty) in enumerate(spins)
        if {i, j} <= set(occupied) and {a, b} <= set(empty)
    ]
    alpha, beta = (product(*space) for space in spins)
    return same + [opposite_spin(up, down) for up, down in product(alpha, beta)]


def generalized_singles(n_orbitals: int) -> list[Excitation]:
    """Return singles between any two orbitals p < q, from p to q; alpha, then beta."""
    return [single(p, q, spin) for p, q in combinations(range(n_orbitals), 2) for spin in (0, 1)]


def generalized_doubles(n_orbitals: int) -> list[Excitation]:
    """Return every spin-conserving double of four different modes, each once; its adjoint counts as itself.

    Equal spins: for p < q < r < s, the three ways to part them into pairs, alpha, then beta; then opposite ones: for
    alpha p < q, from p to q; for beta r, s in either direction.
    """
    orbitals = range(n_orbitals)
    same = [
        same_spin(low, high, spin)
        for p, q, r, s in combinations(orbitals, 4)
        for low, high in (((p, q), (r, s)), ((p, r), (q, s)), ((q, r), (p, s)))
        for spin in (0, 1)
    ]
    return same + [
        opposite_spin(up, down) for up, down in product(combinations(orbitals, 2), permutations(orbitals, 2))
    ]


def pair_doubles(pairs: Iterable[tuple[int, int]]) -> list[Excitation]:
    """Return doubles that move both electrons of orbital i to orbital a, for each (i, a)."""
    return [opposite_spin(pair, pair) for pair in pairs]


def single(i: int, a: int, spin: int) -> Excitation:
    """Return the single from orbital i to orbital a; spin is 0 for up and 1 for down."""
    return (2 * a + spin,), (2 * i + spin,)


def same_spin(ij: tuple[int, int], ab: tuple[int, int], spin: int) -> Excitation:
    """Return the double from orbitals i < j to orbitals a < b, both of one spin."""
    (i, j), (a, b) = ij, ab
    return (2 * a + spin, 2 * b + spin), (2 * j + spin, 2 * i + spin)


def opposite_spin(up: tuple[int, int], down: tuple[int, int]) -> Excitation:
    """Return the double of spin up from i to a, and spin down from j to b."""
    (i, a), (j, b) = up, down
    return (2 * a, 2 * b + 1), (2 * j + 1, 2 * i)


def canonical(created: Iterable[int], annihilated: Iterable[int]) -> Excitation:
    """Return the excitation between these modes in the form of the lists above, for modes in any order."""

    def place(mode: int) -> tuple[int, int]:
        return mode % 2, mode

    return tuple(sorted(created, key=place)), tuple(sorted(annihilated, key=place, reverse=True))


def adjoint(excitation: Excitation) -> Excitation:
    r"""Return \(T^\dagger\), in canonical form again."""
    created, annihilated = excitation
    return annihilated[::-1], created[::-1]


def spin_flipped(excitation: Excitation) -> Excitation:
    """Return the same excitation with up and down exchanged; its sign stays."""
    created, annihilated = excitation
    return canonical((mode ^ 1 for mode in created), (mode ^ 1 for mode in annihilated))


def partners(excitation: Excitation) -> tuple[Excitation, Excitation]:
    """Return the opposite-spin doubles (i to a, j to b) and (i to b, j to a) of one of equal spins i < j to a < b."""
    (i, a), (j, b) = spatial(excitation)
    return opposite_spin((i, a), (j, b)), opposite_spin((i, b), (j, a))


def spatial(excitation: Excitation) -> tuple[tuple[int, int], ...]:
    """Return (i, a) of a single, and (i, a), (j, b) of a double, as orbitals."""
    created, annihilated = excitation
    return tuple((i // 2, a // 2) for a, i in zip(created, annihilated[::-1], strict=True))


def is_same_spin(excitation: Excitation) -> bool:
    """Return True if a double moves two electrons of one spin."""
    created, _ = excitation
    return len(created) == 2 and created[0] % 2 == created[1] % 2


def amplitude(amplitudes: Mapping[Excitation, float], excitation: Excitation) -> float:
    r"""Return \(t\) of an excitation in \(\sum t\,(T - T^\dagger)\) over `amplitudes`; 0 if there is none."""
    return amplitudes.get(excitation, 0.0) - amplitudes.get(adjoint(excitation), 0.0)
