"""Plan of a program in the sector engine: operations sorted into groups that share a view of the state.

An operation factorizes over the two strings into *halves*: signed partial permutations or signed subsets of strings,
up to a sign that is common to all strings. An operation on the alpha string alone is on the side `alpha`, one on the
beta string alone on the side `beta`, any other on the side `cross`; rotations that only multiply amplitudes are on the
side `phase`, whatever strings they depend on.

Operations of one side and one shape form a group; those of `cross` must share their alpha half, too. An operation
joins an earlier group if it commutes with all operations in between: if they act on different bits, or if all of them
are diagonal. The state is reordered once for each group, whatever its number of operations, and a group of phases is
one multiplication.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.gates import Lowered
from qvar.engines.occupation_strings import Layout, interleaving_masks, split_masks
from qvar.pauli import MAX_QUBITS, parity

Side: TypeAlias = Literal["alpha", "beta", "cross", "phase"]

LOOK_BACK = 64
"""Groups that an operation may move past; bounds the time to sort a program."""


class HalfKey(NamedTuple):
    """Masks of one string: bits flipped, bits whose parity is the sign, bits that select and their pattern."""

    x: int = 0
    z: int = 0
    m: int = 0
    f: int = 0


ALIKE = HalfKey()
"""Acts alike on all strings."""


class GroupClass(NamedTuple):
    """Common properties of all groups of a class; compiled code depends on nothing else."""

    side: Side
    lanes: int = 0
    """Alpha strings that the alpha half selects, on the side `cross`."""
    flips_alpha: bool = False
    """True if the alpha half moves strings, so that a second set of as many lanes takes part."""
    rows: int = 0
    """Strings that the half along the rows selects."""
    diagonal: bool = True
    """True if the operations only multiply amplitudes."""
    crossed: bool = False
    """True if some phases of the group depend on both strings."""


@dataclass(frozen=True, eq=False)
class Half:
    """One string's part of an operation, up to a sign that is common to all strings."""

    rows: IntArray
    """(n,) strings selected, by their place."""
    partner: IntArray | None
    """(n,) place that each of them moves to; None if nothing moves."""
    sign: FloatArray
    """(n,) +1 or -1."""

    def acts_alike(self, n_strings: int) -> bool:
        """Return whether the half acts as a common sign alone."""
        return self.partner is None and len(self.rows) == n_strings and bool(np.all(self.sign == self.sign[:1]))


class _Piece(NamedTuple):
    """One operation as the schedule sees it."""

    op: int
    shape: GroupClass
    halves: tuple[HalfKey, HalfKey]
    """Alpha and beta; what acts alike on all strings is `ALIKE`."""
    sign: float
    """Sign common to all strings."""
    flip: float
    """Sign by which the two directions differ."""
    support: int
    """Bits that matter to it, those of beta above those of alpha."""

    @property
    def group(self) -> tuple[GroupClass, HalfKey | None]:
        """Key that all operations of a group share."""
        return self.shape, self.halves[0] if self.shape.side == "cross" else None


@dataclass
class _Group:
    """Operations that share a view, in order."""

    key: tuple[GroupClass, HalfKey | None]
    pieces: list[_Piece]
    support: int = 0

    def lets_pass(self, piece: _Piece) -> bool:

        return not self.support & piece.support or (self.key[0].diagonal and piece.shape.diagonal)

    def add(self, piece: _Piece) -> None:
        self.pieces.append(piece)
        self.support |= piece.support

    @property
    def shape(self) -> GroupClass:
        """The class; phases are crossed if one of them is."""
        crossed = self.key[0].side == "phase" and any(ALIKE not in piece.halves for piece in self.pieces)
        return self.key[0]._replace(crossed=crossed)


class SectorPlan(NamedTuple):
    """Groups in the order of their work, and the tables that they read; all arrays, but for the classes."""

    classes: tuple[GroupClass, ...]
    """Sorted, so that they do not depend on the order of the operations."""
    groups: dict[str, IntArray]
    """(n_groups,) each: `which` class, `lane` first entry among the lanes, `start` and `stop` among the sorted
    operations."""
    order: IntArray
    """(n_sorted,) operation of the program at each place; operations that select nothing are left out."""
    entry: IntArray
    """(n_sorted, 2) first entry among the rows; or, for phases, entry in the tables of alpha and of beta."""
    sign: FloatArray
    """(n_sorted,) sign common to all strings."""
    flip: FloatArray
    """(n_sorted,) sign by which the two directions differ."""
    rows: dict[str, np.ndarray]
    """Different halves along the rows, one after the other: `rows`, `partner` and `sign`."""
    lanes: dict[str, np.ndarray]
    """The same of the alpha halves of the side `cross`."""
    phases: tuple[dict[str, FloatArray], ...]
    """For each class of phases `alpha` and `beta`: signs of all strings, 0 if not selected, those that act alike first;
    nothing for other classes."""


def sector_plan(lowered: Lowered, layout: Layout, alpha: IntArray, beta: IntArray) -> SectorPlan:
    """Sort the operations of a program and build the tables.

    The mask operations conserve the number of ones in both strings; `alpha` and `beta` are ascending. Time and memory
    grow with the number of different halves times the strings that each selects.
    """
    strings = (alpha, beta)

    @cache
    def half(which: int, key: HalfKey) -> Half:
        return _half(strings[which], key)

    groups: list[_Group] = []
    for piece in _pieces(lowered, layout, strings, half):
        _join(groups, piece)
    shapes = [group.shape for group in groups]
    classes = _completed(set(shapes), layout, alpha, beta)
    rows, lanes = _Stack(), _Stack()
    phases: dict[GroupClass, tuple[dict[HalfKey, int], dict[HalfKey, int]]] = {
        shape: ({ALIKE: 0}, {ALIKE: 0}) for shape in classes if shape.side == "phase"
    }
    heads: list[tuple[int, int]] = []
    entries: list[tuple[int, int]] = []
    for group, shape in zip(groups, shapes, strict=True):
        lane = lanes.place(0, group.pieces[0].halves[0], half) if shape.side == "cross" else 0
        heads.append((classes.index(shape), lane))
        for piece in group.pieces:
            if shape.side == "phase":
                places = zip(phases[shape], piece.halves, strict=True)
                first, second = (place.setdefault(key, len(place)) for place, key in places)
            else:
                spin = 0 if shape.side == "alpha" else 1
                first = second = rows.place(spin, piece.halves[spin], half)
            entries.append((first, second))
    ordered = [piece for group in groups for piece in group.pieces]
    stops = np.cumsum([len(group.pieces) for group in groups], dtype=np.int32)
    which, firsts = np.array(heads, dtype=np.int32).reshape(-1, 2).T
    return SectorPlan(
        classes=classes,
        groups={"which": which, "lane": firsts, "start": np.append(0, stops)[:-1].astype(np.int32), "stop": stops},
        order=np.array([piece.op for piece in ordered], dtype=np.int32),
        entry=np.array(entries, dtype=np.int32).reshape(-1, 2),
        sign=np.array([piece.sign for piece in ordered]),
        flip=np.array([piece.flip for piece in ordered]),
        rows=rows.arrays(),
        lanes=lanes.arrays(),
        phases=tuple(
            {
                name: _spread([half(spin, key) for key in phases[shape][spin]], len(strings[spin]))
                for spin, name in enumerate(("alpha", "beta"))
            }
            if shape in phases
            else {}
            for shape in classes
        ),
    )


def _completed(classes: set[GroupClass], layout: Layout, alpha: IntArray, beta: IntArray) -> tuple[GroupClass, ...]:
    """Return the classes that a compiled program has code for.

    Circuits of single and double excitations get those of all excitations, of every spin, with Jordan-Wigner strings or
    without: if a circuit grows or is pruned, its program stays the same.
    """
    for excitations in _excitation_classes(layout, alpha, beta):
        if classes <= excitations:
            return tuple(sorted(excitations))
    return tuple(sorted(classes))


def _excitation_classes(layout: Layout, alpha: IntArray, beta: IntArray) -> list[set[GroupClass]]:
    """Return the classes of single and double excitations that select any strings, fermionic ones and those of qubits.

    On determinants, an excitation of qubits of one spin has a sign that depends on the string of the other spin.
    """
    if not layout.beta:
        return []

    def selected(wires: int, strings: IntArray, n: int) -> int:
        electrons = int(strings[0]).bit_count()
        return comb(wires - 2 * n, electrons - n) if wires >= 2 * n and electrons >= n else 0

    over_alpha = [n for excited in (1, 2) if (n := selected(len(layout.alpha), alpha, excited))]
    over_beta = [n for excited in (1, 2) if (n := selected(len(layout.beta), beta, excited))]
    fermionic = {GroupClass("alpha", rows=n, diagonal=False) for n in over_alpha}
    fermionic |= {GroupClass("beta", rows=n, diagonal=False) for n in over_beta}
    qubits = {GroupClass("cross", lanes=n, flips_alpha=True, rows=len(beta), diagonal=False) for n in over_alpha}
    qubits |= {GroupClass("cross", lanes=len(alpha), rows=n, diagonal=False) for n in over_beta}
    if over_alpha and over_beta:
        both = GroupClass("cross", lanes=over_alpha[0], flips_alpha=True, rows=over_beta[0], diagonal=False)
        fermionic.add(both)
        qubits.add(both)
    return [fermionic, qubits]


class _Stack:
    """Different halves of both strings, one after the other."""

    def __init__(self) -> None:
        self.halves: list[Half] = []
        self.firsts: dict[tuple[int, HalfKey], int] = {}
        self.length = 0

    def place(self, spin: int, key: HalfKey, half: Callable[[int, HalfKey], Half]) -> int:
        """Return the first entry of a half, which is added if it is not there."""
        if (spin, key) not in self.firsts:
            self.firsts[spin, key] = self.length
            self.halves.append(half(spin, key))
            self.length += len(self.halves[-1].rows)
        return self.firsts[spin, key]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return rows, partners and signs of all halves; rows that do not move are their own partners."""
        partners = [half.rows if half.partner is None else half.partner for half in self.halves]
        return {
            "rows": np.concatenate([np.zeros(0, np.int32), *(half.rows for half in self.halves)]),
            "partner": np.concatenate([np.zeros(0, np.int32), *partners]),
            "sign": np.concatenate([np.zeros(0), *(half.sign for half in self.halves)]),
        }


def _pieces(
    lowered: Lowered, layout: Layout, strings: tuple[IntArray, IntArray], half: Callable[[int, HalfKey], Half]
) -> Iterator[_Piece]:
    letters = (split_masks(getattr(lowered, name), lowered.n_qubits, layout) for name in "xzmf")
    for op, (x, z, m, f) in enumerate(zip(*letters, strict=True)):
        over_alpha, over_beta, sign = interleaving_masks(x, len(layout.alpha))
        signs = (z.alpha ^ over_alpha, z.beta ^ over_beta)
        # selected bits are the same in all strings that a half selects, so their part of its sign is common to all
        sign *= 1 - 2 * (((signs[0] & f.alpha).bit_count() + (signs[1] & f.beta).bit_count()) % 2)
        flips = (signs[0] & x.alpha).bit_count() + (signs[1] & x.beta).bit_count()
        keys = [HalfKey(x[spin], signs[spin] & ~m[spin], m[spin], f[spin]) for spin in range(2)]
        halves = [half(spin, key) for spin, key in enumerate(keys)]
        if any(len(one.rows) == 0 for one in halves):
            continue
        support = 0
        for spin in range(2):
            if halves[spin].acts_alike(len(strings[spin])):
                sign *= halves[spin].sign[0]
                keys[spin] = ALIKE
            else:
                support |= (keys[spin].x | keys[spin].z | keys[spin].m) << (MAX_QUBITS * spin)
        shape = _shape(keys, halves, bool(lowered.fixed[op]))
        yield _Piece(op, shape, (keys[0], keys[1]), float(sign), -1.0 if flips % 2 else 1.0, support)


def _shape(keys: list[HalfKey], halves: list[Half], fixed: bool) -> GroupClass:
    still = [half.partner is None for half in halves]
    if all(still) and not fixed:
        return GroupClass("phase")
    rows = [len(half.rows) for half in halves]
    if keys[0] == ALIKE:
        return GroupClass("beta", rows=rows[1], diagonal=still[1])
    if keys[1] == ALIKE:
        return GroupClass("alpha", rows=rows[0], diagonal=still[0])
    return GroupClass("cross", lanes=rows[0], flips_alpha=not still[0], rows=rows[1], diagonal=all(still))


def _join(groups: list[_Group], piece: _Piece) -> None:
    """Add an operation to the last group that it fits into, if it commutes with all later groups."""
    for group in reversed(groups[-LOOK_BACK:]):
        if group.key == piece.group:
            group.add(piece)
            return
        if not group.lets_pass(piece):
            break
    groups.append(_Group(piece.group, []))
    groups[-1].add(piece)


def _half(strings: IntArray, key: HalfKey) -> Half:
    x, z, m, f = key
    chosen = strings[(strings & m) == f]
    rows = np.searchsorted(strings, chosen).astype(np.int32)
    partner = np.searchsorted(strings, chosen ^ x).astype(np.int32) if x else None
    return Half(rows, partner, parity(chosen, z).astype(float))


def _spread(halves: list[Half], n_strings: int) -> FloatArray:
    """Return signs of all strings, 0 if a half does not select the string."""
    signs = np.zeros((len(halves), n_strings))
    for row, half in zip(signs, halves, strict=True):
        row[half.rows] = half.sign
    return signs
