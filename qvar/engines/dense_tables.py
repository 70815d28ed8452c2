"""Tables of the steps of a circuit, which compiled programs take as arguments.

The bits of a basis state are split into a high and a low half. Every table is as long as one half: an affine map is the
exclusive or of two tables, a phase the product of two. A function of both halves (a CZ or a ZZ between them) is a sum
of products: for signs over two elements, packed into the bits of integers, else of real numbers.

Tables have room for more steps, phases, permutations, rotations and operations (see `room`), and the first step of each
run is data: circuits with the same runs of classes share a compiled program, whatever their depth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jax.sharding import Mesh

from qvar._types import FloatArray, IntArray
from qvar.ansatz.gates import Lowered
from qvar.engines.dense_schedule import AffineMap, Phase, Sign, Single, Step, identity
from qvar.engines.mask_operations import mask_tables, mixing_amplitudes
from qvar.engines.room import operations_room, with_room
from qvar.pauli import parity

CODE_BITS = 31
"""Products of signs that one integer packs."""

MOST_RUNS = 4
"""Steps of one class in a row share a loop; with more such runs than this, one loop switches between classes."""

FEWEST = 8
"""Steps, phases or permutations that tables have room for at least."""


class PhaseClass(NamedTuple):
    """Kinds of phases at one place of a layer, in addition to a product of one factor for each half."""

    coded: bool
    """True if some signs depend on both halves."""
    crossed: bool
    """True if other phases do."""


class StepClass(NamedTuple):
    """Parts of a step; steps of one class share compiled code."""

    before: PhaseClass | None = None
    permutation: bool = False
    after: PhaseClass | None = None
    rotations: bool = False
    single: bool = False


@dataclass(frozen=True)
class Plan:
    """The static part of a circuit; hashable, so that compiled programs are shared."""

    n_qubits: int
    n_planes: int
    """2 for real and imaginary parts, 1 if amplitudes are real."""
    runs: tuple[tuple[StepClass, ...], ...]
    """Classes of consecutive steps that one loop runs."""
    windows: tuple[int, ...]
    """Numbers of neighbouring qubits that rotate together, wire 0 first."""
    mesh: Mesh | None = None
    """Devices that the state is sharded over."""

    @property
    def halves(self) -> tuple[int, int]:
        """Sizes of the tables over the high and the low half."""
        low = self.n_qubits // 2
        return 1 << (self.n_qubits - low), 1 << low


def windows(n_qubits: int) -> tuple[int, ...]:
    """Return the fewest windows of at most five qubits each, of nearly equal size."""
    count = -(-n_qubits // 5)
    size, more = divmod(n_qubits, count)
    return (size + 1,) * more + (size,) * (count - more)


def tabulate(steps: list[Step], n_qubits: int, n_planes: int, n_ops: int) -> tuple[Plan, dict[str, Any]]:
    """Return the plan of the steps of a circuit with `n_ops` mask operations, and the arrays that it needs.

    Tables take O(steps 2^(n/2)) memory; equal permutations share theirs. Columns of `slots` hold, for each step, the
    places of its parts in the other tables, -1 for none; run k begins with step `starts[k]`.
    """
    low, room = n_qubits // 2, operations_room(n_ops)
    phases = _PhaseTables(n_qubits - low, low, room)
    permutations: dict[AffineMap, int] = {}
    rotations: list[tuple[int, int, int, float]] = []
    singles: list[Single] = []
    n_rotations = 0
    slots: dict[str, list[int]] = {name: [] for name in StepClass._fields}
    for step in steps:
        row = dict.fromkeys(slots, -1)
        if isinstance(step, Single):
            row["single"] = len(singles)
            singles.append(step)
        else:
            row["before"] = phases.add(step.before) if step.before else -1
            row["after"] = phases.add(step.after) if step.after else -1
            if step.permutation is not None:
                row["permutation"] = permutations.setdefault(step.permutation, len(permutations))
            if step.rotations:
                row["rotations"] = n_rotations
                for rotation in step.rotations:
                    rotations.append(
                        (n_rotations, n_qubits - rotation.bit.bit_length(), rotation.source, rotation.scale)
                    )
                n_rotations += 1
        for name, value in row.items():
            slots[name].append(value)

    classes = _classes(slots, phases)
    if len(_runs(classes)) == 1 and len(set(classes)) > 1:
        _complete(slots, phases, permutations, n_qubits)
        classes = _classes(slots, phases)
    runs = _runs(classes)
    slots["which"] = [kinds.index(kind) for kinds, start, stop in runs for kind in classes[start:stop]]
    size = room if len(singles) == len(steps) else operations_room(len(steps), FEWEST)
    columns = {name: np.array(column, dtype=np.int32) for name, column in slots.items()}
    tables: dict[str, Any] = {
        "slots": {name: with_room(column, size, fill=-1) for name, column in columns.items()},
        "starts": np.array([0, *(stop for _, _, stop in runs)], dtype=np.int32),
    }
    if permutations:
        tables["permutation"] = _with_room(
            _permutation_tables(list(permutations), low), operations_room(len(permutations), FEWEST)
        )
    if rotations:
        zero = np.zeros((operations_room(n_rotations, FEWEST), n_qubits))
        tables["rotations"] = _scatter(rotations, room) | {"zero": zero}
        tables["selector"] = _selector(windows(n_qubits))
    if phases.n:
        tables["phases"] = phases.arrays(n_planes)
    if singles:
        tables["single"] = _with_room(_single_tables(singles, n_planes == 1, n_qubits), room)
    return Plan(n_qubits, n_planes, tuple(kinds for kinds, _, _ in runs), windows(n_qubits)), tables


def _with_room(tables: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    return {name: with_room(table, size) for name, table in tables.items()}


def _classes(slots: dict[str, list[int]], phases: _PhaseTables) -> list[StepClass]:
    """Return the class of each step; steps that differ only in the kind of their phases share the richer class."""
    shapes = [tuple(at >= 0 for at in row) for row in zip(*slots.values(), strict=True)]
    coded, crossed = {slot for slot, _ in phases.codes}, {term[0] for term in phases.crossing}
    kinds: dict[tuple[bool, ...], StepClass] = {}
    for at, shape in enumerate(shapes):
        kind = kinds.get(shape) or StepClass(None, shape[1], None, shape[3], shape[4])
        for place in ("before", "after"):
            slot, old = slots[place][at], getattr(kind, place) or PhaseClass(False, False)
            new = PhaseClass(old.coded or slot in coded, old.crossed or slot in crossed) if slot >= 0 else None
            kind = kind._replace(**{place: new})
        kinds[shape] = kind
    return [kinds[shape] for shape in shapes]


def _complete(
    slots: dict[str, list[int]], phases: _PhaseTables, permutations: dict[AffineMap, int], n_qubits: int
) -> None:
    """Add identity parts to layers that lack a part of the others, so that one loop switches between few classes.

    Each class that a loop switches to has scratch memory of its own.
    """
    identities = {
        "before": lambda: phases.add([]),
        "after": lambda: phases.add([]),
        "permutation": lambda: permutations.setdefault(identity(n_qubits), len(permutations)),
    }
    for rotations in (False, True):
        steps = [
            at for at, slot in enumerate(slots["rotations"]) if (slot >= 0) == rotations and slots["single"][at] < 0
        ]
        for place, make in identities.items():
            lacking = [at for at in steps if slots[place][at] < 0]
            if 0 < len(lacking) < len(steps):
                nothing = make()
                for at in lacking:
                    slots[place][at] = nothing


def _runs(classes: list[StepClass]) -> list[tuple[tuple[StepClass, ...], int, int]]:
    """Return classes, first step and end of runs of consecutive steps; one run of all if there are too many."""
    firsts = [at for at, kind in enumerate(classes) if at == 0 or kind != classes[at - 1]]
    if len(firsts) > MOST_RUNS:
        return [(tuple(sorted(set(classes), key=repr)), 0, len(classes))]
    return [((classes[start],), start, stop) for start, stop in pairwise([*firsts, len(classes)])]


def _scatter(terms: Iterable[tuple[int, int, int, float]], room: int) -> dict[str, Any]:
    """Return index arrays that add scale times an angle to an array, from (row, column, source, scale).

    Arrays have room for so many terms; those that are padded add 0 to the first entry.
    """
    columns = list(zip(*terms, strict=True)) or [()] * 4
    names = ("slot", "place", "source")
    integers = {name: np.array(column, dtype=np.int32) for name, column in zip(names, columns[:3], strict=True)}
    arrays = integers | {"scale": np.array(columns[3], dtype=float)}
    return _with_room(arrays, room if columns[0] else 0)


def _permutation_tables(maps: list[AffineMap], low: int) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for name, ways in (("", maps), ("_inverse", [way.inverse() for way in maps])):
        columns = np.array([way.columns for way in ways], dtype=np.int64)
        shift = np.array([way.shift for way in ways], dtype=np.int64)
        kind = np.int32 if columns.shape[1] < 31 else np.int64
        tables["low" + name] = _span(columns[:, :low]).astype(kind)
        tables["high" + name] = (_span(columns[:, low:]) ^ shift[:, None]).astype(kind)
    return tables


def _span(columns: IntArray) -> IntArray:
    """Return the exclusive or of the columns that the bits of k choose, for every k; (n_maps, 2^n_columns)."""
    image = np.zeros((len(columns), 1), dtype=np.int64)
    for column in columns.T:
        image = np.concatenate([image, image ^ column[:, None]], axis=1)
    return image


def _selector(sizes: tuple[int, ...]) -> FloatArray:
    r"""Return the matrix from \(\sum_r \lambda_{ar} \psi_{br}\) of windows to \(\langle\lambda|-iY_q|\psi\rangle\)."""
    blocks = []
    wire = 0
    for size in sizes:
        a = np.arange(1 << size)
        block = np.zeros((1 << size, 1 << size, sum(sizes)))
        for q in range(size):
            bit = 1 << (size - 1 - q)
            block[a, a ^ bit, wire + q] = np.where(a & bit, 1.0, -1.0)
        blocks.append(block.reshape(-1, sum(sizes)))
        wire += size
    return np.concatenate(blocks)


def _single_tables(singles: list[Single], real: bool, n_qubits: int) -> dict[str, Any]:
    columns = {name: np.array([getattr(op, name) for op in singles]) for name in Single._fields}
    source, scale = columns.pop("source").astype(np.int32), columns.pop("scale")
    lowered = Lowered(n_qubits=n_qubits, slot=source, factor=scale, constant=np.zeros(len(singles)), **columns)
    forward, back = mixing_amplitudes(lowered, real=False)
    tables = mask_tables(lowered)
    # an imaginary factor takes one plane to the other
    tables["swap"] = (np.imag(forward) != 0.0).astype(tables["x"].dtype)
    tables |= {"g": _plane_factors(forward, real), "g_inverse": _plane_factors(back, real)}
    return tables | {"fixed": lowered.fixed, "source": source, "scale": scale}


def _plane_factors(g: np.ndarray, real: bool) -> FloatArray:
    """Return factors of the partner's planes, which are exchanged if g is imaginary."""
    return np.real(g)[:, None] if real else np.stack([np.real(g) - np.imag(g), np.real(g) + np.imag(g)], axis=1)


class _Half(NamedTuple):
    """One half's part of a phase: the sign (-1)^|k & z| if k & m = f, else 0."""

    z: int
    m: int
    f: int

    def values(self, size: int) -> FloatArray:
        k = np.arange(size)
        return np.where(k & self.m == self.f, parity(k, self.z), 0).astype(float)

    @property
    def constant(self) -> bool:
        return not (self.z or self.m)


@dataclass
class _PhaseTables:
    """Collects the phases of all layers."""

    high: int
    low: int
    room: int
    """Terms that arrays have room for."""
    n: int = 0
    constants: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    codes: list[tuple[int, dict[_Half, IntArray]]] = field(default_factory=list)
    crossing: list[tuple[int, _Half, _Half, int, float]] = field(default_factory=list)
    local: tuple[list[tuple[int, _Half, int, float]], list[tuple[int, _Half, int, float]]] = field(
        default_factory=lambda: ([], [])
    )

    def add(self, parts: list[Phase | Sign]) -> int:
        """Add the phases of one place in a layer, and return their number."""
        constants = (np.zeros(1 << self.high), np.zeros(1 << self.low))
        code: dict[_Half, IntArray] = {}
        for part in parts:
            halves = [_Half(*(mask >> self.low for mask in part[:3])), _Half(*(mask & self._rest for mask in part[:3]))]
            if isinstance(part, Sign):
                self._sign(halves, constants, code)
            elif halves[0].constant or halves[1].constant:
                which = 0 if halves[1].constant else 1
                if part.source < 0:
                    constants[which][:] += part.scale * halves[which].values(len(constants[which]))
                else:
                    self.local[which].append((self.n, halves[which], part.source, part.scale))
            else:
                self.crossing.append((self.n, halves[0], halves[1], part.source, part.scale))
        if code:
            self.codes.append((self.n, code))
        self.constants.append(constants)
        self.n += 1
        return self.n - 1

    @property
    def _rest(self) -> int:
        return (1 << self.low) - 1

    def _sign(self, halves: list[_Half], constants: tuple[FloatArray, FloatArray], code: dict[_Half, IntArray]) -> None:
        """Add a sign as products of a high and a low truth value, over two elements."""
        sizes = (1 << self.high, 1 << self.low)
        match = [half._replace(z=0).values(size) for half, size in zip(halves, sizes, strict=True)]
        odd = [half.values(size) < 0 for half, size in zip(halves, sizes, strict=True)]
        products = [(match[0], match[1], halves[1])] if not (halves[0].z or halves[1].z) else []
        products += [(odd[0], match[1], halves[1]._replace(z=0))] if halves[0].z else []
        products += [(match[0], odd[1], halves[1])] if halves[1].z else []
        for u, v, key in products:
            if np.all(v):
                constants[0][:] += np.pi * u
            elif np.all(u):
                constants[1][:] += np.pi * v
            else:
                code[key] = code.get(key, np.zeros(len(u), dtype=np.int64)) ^ u.astype(np.int64)

    def arrays(self, n_planes: int) -> dict[str, Any]:
        """Return all tables; leading axis the number of the phases."""
        size = operations_room(self.n, FEWEST)
        high, low = (with_room(np.stack(tables), size) for tables in zip(*self.constants, strict=True))
        if n_planes == 1:  # signs alone
            return {"high": np.round(np.cos(high)), "low": np.round(np.cos(low))} | self._code_arrays()
        arrays: dict[str, Any] = {"high": high % (2 * np.pi), "low": low % (2 * np.pi)}
        for name, terms, size in (("high", self.local[0], high.shape[1]), ("low", self.local[1], low.shape[1])):
            keys = {key: place for place, key in enumerate(dict.fromkeys(term[1] for term in terms))}
            arrays[f"{name}_terms"] = _scatter(
                ((slot, keys[key], source, scale) for slot, key, source, scale in terms), self.room
            )
            arrays[f"{name}_signs"] = np.array([key.values(size) for key in keys]).reshape(len(keys), size)
        return arrays | self._code_arrays() | self._crossing_arrays(high.shape[1], low.shape[1])

    def _code_arrays(self) -> dict[str, Any]:
        if not self.codes:
            return {}
        words = max(-(-len(code) // CODE_BITS) for _, code in self.codes)
        size = operations_room(self.n, FEWEST)
        high = np.zeros((size, words, 1 << self.high), dtype=np.int64)
        low = np.zeros((size, words, 1 << self.low), dtype=np.int64)
        for slot, code in self.codes:
            for place, (half, u) in enumerate(code.items()):
                word, bit = divmod(place, CODE_BITS)
                values = half.values(1 << self.low)
                v = values < 0 if half.z else values > 0
                high[slot, word] |= u << bit
                low[slot, word] |= v.astype(np.int64) << bit
        return {"high_code": high.astype(np.int32), "low_code": low.astype(np.int32)}

    def _crossing_arrays(self, high: int, low: int) -> dict[str, Any]:
        """Group the terms that share their low half; the angle of a group depends on the high half."""
        if not self.crossing:
            return {}
        u_keys = {key: number for number, key in enumerate(dict.fromkeys(term[1] for term in self.crossing))}
        v_keys = {key: number for number, key in enumerate(dict.fromkeys(term[2] for term in self.crossing))}
        groups: list[dict[_Half, int]] = [{} for _ in range(self.n)]
        for slot, _, v, _, _ in self.crossing:
            groups[slot].setdefault(v, len(groups[slot]))
        count = max(len(group) for group in groups)
        index = np.zeros((operations_room(self.n, FEWEST), count), dtype=np.int32)
        for slot, group in enumerate(groups):
            for v, place in group.items():
                index[slot, place] = v_keys[v]
        terms = (
            (slot, groups[slot][v] * len(u_keys) + u_keys[u], source, scale)
            for slot, u, v, source, scale in self.crossing
        )
        return {
            "cross_terms": _scatter(terms, self.room),
            "cross_low": index,
            "cross_high_signs": np.array([key.values(high) for key in u_keys]),
            "cross_low_signs": np.array([key.values(low) for key in v_keys]),
        }
