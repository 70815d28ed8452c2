"""How the sector engine runs a program: operations sorted into groups that share a view of the state.

An operation factorizes over the two strings into *halves*: signed partial permutations or signed subsets of strings,
with the sign that is common to all strings set aside. Three sides exist: an operation that leaves the beta string alone
(`alpha`), one that leaves the alpha string alone (`beta`), and the rest (`cross`). Operations of the first two sides
commute, so each run of them is sorted: first all of `alpha`, then all of `beta`. Consecutive operations of one side and
one shape form a group; those of `cross` must share their alpha half, too. A group looks at the state once, whatever its
number of operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.kinds import Lowered
from qvar.engines.strings import Layout, interleaving_masks, parity, split

Side: TypeAlias = Literal["alpha", "beta", "cross"]


class GroupClass(NamedTuple):
    """What all groups of a class have in common; compiled code depends on nothing else."""

    side: Side
    lanes: int
    """Alpha strings that the alpha half selects; 0 where the side is not `cross`."""
    flips_alpha: bool
    """Whether the alpha half moves strings, so that a second set of as many lanes takes part."""
    rows: int
    """Strings that the half along the rows selects."""
    diagonal: bool
    """Whether the operations only multiply amplitudes."""


@dataclass(frozen=True, eq=False)
class Half:
    """One string's part of an operation, up to a sign that is common to all strings."""

    rows: IntArray
    """(n,) strings selected, by their place."""
    partner: IntArray | None
    """(n,) where each of them goes; None where nothing moves."""
    sign: FloatArray
    """(n,) +1 or -1."""

    def acts_alike(self, n_strings: int) -> bool:
        """Whether nothing happens but a common sign."""
        return self.partner is None and len(self.rows) == n_strings and bool(np.all(self.sign == self.sign[:1]))


class _Item(NamedTuple):
    """One operation, sorted in."""

    op: int
    group: tuple[GroupClass, int]
    """Class, and entry of the alpha half in the lane table (0 where the side is not `cross`)."""
    entry: int
    """Entry of the half along the rows in its table."""
    sign: float
    """Sign common to all strings."""
    flip: float
    """Sign by which the two directions differ."""


class SectorPlan(NamedTuple):
    """Groups in the order of their work, and the tables that they read; all arrays, but for the classes."""

    classes: tuple[GroupClass, ...]
    groups: dict[str, IntArray]
    """(n_groups,) each: `which` class, `lane` entry, `start` and `stop` among the sorted operations."""
    order: IntArray
    """(n_sorted,) operation of the program at each place; operations that select nothing are left out."""
    entry: IntArray
    """(n_sorted,) entry in the class's row table."""
    sign: FloatArray
    """(n_sorted,) sign common to all strings."""
    flip: FloatArray
    """(n_sorted,) sign by which the two directions differ."""
    tables: tuple[dict[str, Any], ...]
    """For each class, `row`: stacked halves along the rows; `lane`: stacked alpha halves where the side is `cross`."""


def sector_plan(lowered: Lowered, layout: Layout, alpha: IntArray, beta: IntArray) -> SectorPlan:
    """Sorts the operations of a program and builds the tables.

    Args:
        lowered: mask operations that conserve the number of ones in both strings.
        layout: which wires the strings are.
        alpha: (n_alpha_strings,) ascending.
        beta: (n_beta_strings,) ascending.

    Returns:
        The plan. Time and memory grow with the number of different halves times the strings that each selects.
    """
    n, strings = lowered.n_qubits, (alpha, beta)

    @cache
    def half(which: int, x: int, z: int, m: int, f: int) -> Half:
        return _half(strings[which], x, z, m, f)

    stacks: dict[GroupClass, tuple[dict[Any, int], list[Half], dict[Any, int], list[Half]]] = {}
    items: list[_Item] = []
    masks = np.stack([lowered.x, lowered.z, lowered.m, lowered.f], axis=1).tolist()
    for op, letters in enumerate(masks):
        x, z, m, f = (split(letter, n, layout) for letter in letters)
        over_alpha, over_beta, sign = interleaving_masks(x, len(layout.alpha))
        signs = (z.alpha ^ over_alpha, z.beta ^ over_beta)
        # selected bits are the same in all strings that a half selects, so their part of its sign is common to all
        sign *= 1 - 2 * (((signs[0] & f.alpha).bit_count() + (signs[1] & f.beta).bit_count()) % 2)
        keys = tuple((which, x[which], signs[which] & ~m[which], m[which], f[which]) for which in range(2))
        first, second = (half(*key) for key in keys)
        if len(first.rows) == 0 or len(second.rows) == 0:
            continue
        flips = (signs[0] & x.alpha).bit_count() + (signs[1] & x.beta).bit_count()
        side: Side = "cross"
        along, row_key = second, keys[1]
        if first.acts_alike(len(alpha)):
            side, sign = "beta", sign * first.sign[0]
        elif second.acts_alike(len(beta)):
            side, along, row_key, sign = "alpha", first, keys[0], sign * second.sign[0]
        lanes = len(first.rows) if side == "cross" else 0
        flips_alpha = side == "cross" and first.partner is not None
        diagonal = along.partner is None and not flips_alpha
        key = GroupClass(side, lanes, flips_alpha, len(along.rows), diagonal)
        row_places, row_stack, lane_places, lane_stack = stacks.setdefault(key, ({}, [], {}, []))
        if row_key not in row_places:
            row_places[row_key] = len(row_stack)
            row_stack.append(along)
        if side == "cross" and keys[0] not in lane_places:
            lane_places[keys[0]] = len(lane_stack)
            lane_stack.append(first)
        lane = lane_places[keys[0]] if side == "cross" else 0
        items.append(_Item(op, (key, lane), row_places[row_key], float(sign), -1.0 if flips % 2 else 1.0))

    ordered: list[_Item] = []
    for crossing, run in groupby(items, key=lambda item: item.group[0].side == "cross"):
        members = list(run)  # sorting is stable
        ordered += members if crossing else sorted(members, key=lambda item: item.group[0].side)
    order = {key: which for which, key in enumerate(stacks)}
    starts = [at for at, item in enumerate(ordered) if at == 0 or ordered[at - 1].group != item.group]
    heads = [ordered[at].group for at in starts]
    groups = {
        "which": np.array([order[key] for key, _ in heads], dtype=np.int32),
        "lane": np.array([lane for _, lane in heads], dtype=np.int32),
        "start": np.array(starts, dtype=np.int32),
        "stop": np.array([*starts[1:], len(ordered)], dtype=np.int32)[: len(starts)],
    }
    tables = tuple(
        {"row": _stacked(rows), **({"lane": _stacked(lanes)} if lanes else {})} for _, rows, _, lanes in stacks.values()
    )
    return SectorPlan(
        classes=tuple(order),
        groups=groups,
        order=np.array([item.op for item in ordered], dtype=np.int32),
        entry=np.array([item.entry for item in ordered], dtype=np.int32),
        sign=np.array([item.sign for item in ordered]),
        flip=np.array([item.flip for item in ordered]),
        tables=tables,
    )


def _half(strings: IntArray, x: int, z: int, m: int, f: int) -> Half:
    chosen = strings[(strings & m) == f]
    rows = np.searchsorted(strings, chosen).astype(np.int32)
    partner = np.searchsorted(strings, chosen ^ x).astype(np.int32) if x else None
    return Half(rows, partner, parity(chosen, z).astype(float))


def _stacked(halves: list[Half]) -> dict[str, np.ndarray]:
    partners = [half.rows if half.partner is None else half.partner for half in halves]
    return {
        "rows": np.stack([half.rows for half in halves]),
        "partner": np.stack(partners),
        "sign": np.stack([half.sign for half in halves]),
    }
