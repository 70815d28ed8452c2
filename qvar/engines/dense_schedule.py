r"""Schedule of mask operations in layers, whose operations act together.

A *layer* is, in the order in which they act, phases, a permutation of the basis states, phases, and rotations
\(e^{-i\alpha Y}\) of single qubits. The usual gates are made of these:

- RY is a rotation. RX is one between \(S\) and \(S^\dagger\); the Hadamard gate is one between signs.
- RZ, IsingZZ, PhaseShift, CRZ and other diagonal gates are phases; CZ and PauliZ are signs.
- CNOT, SWAP and PauliX permute basis states by an affine map over two elements, \(k \to Ak \oplus b\); any number of
  them compose into one. CY and ISWAP are such a map and phases.

Each operation goes into the earliest layer that the operations on its own wires leave open, so that a row of rotations
and a chain of entanglers become one layer. Other operations (excitations, controlled rotations, Pauli rotations of
several qubits, Toffoli) stay single mask operations. A layer with few rotations has them as single operations, too,
because a pass over all qubits would cost more.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from qvar.ansatz.gates import Lowered

_PHASES_BEFORE, _PERMUTATION, _PHASES_AFTER, _ROTATIONS, _PLACES = 0, 1, 2, 3, 4
"""Places in a layer, in the order in which they act."""

_CONSTANT = -1
"""Source of a phase that no parameter enters."""


class Phase(NamedTuple):
    r"""\(e^{i\,\text{scale}\,\varphi}\) to the power \((-1)^{|k \wedge z|}\) for \(k \wedge m = f\)."""

    z: int
    m: int
    f: int
    scale: float
    """Coefficient of the angle; the phase itself if there is no source."""
    source: int
    """Number of the mask operation whose angle it reads."""


class Sign(NamedTuple):
    r"""\((-1)^{|k \wedge z|}\), or -1 if z is 0, for \(k \wedge m = f\)."""

    z: int
    m: int
    f: int


class Rotation(NamedTuple):
    r"""\(e^{-i\,\text{scale}\,\varphi Y}\) on one qubit."""

    bit: int
    scale: float
    source: int


class AffineMap(NamedTuple):
    r"""The amplitude of basis state \(k\) comes from \(\bigoplus_{q \in k} \text{columns}_q \oplus \text{shift}\)."""

    columns: tuple[int, ...]
    """Images of the single bits, lowest bit first."""
    shift: int

    def __call__(self, k: int, shift: bool = True) -> int:
        """Return the basis state that the amplitude of k comes from."""
        image = self.shift if shift else 0
        for bit, column in enumerate(self.columns):
            image ^= column if k >> bit & 1 else 0
        return image

    def then(self, change: dict[int, int], shift: int) -> AffineMap:
        """Return the map followed by another, which changes the images of some bits, lowest bit 0, and shifts."""
        columns = list(self.columns)
        for bit, image in change.items():
            columns[bit] = self(image, shift=False)
        return AffineMap(tuple(columns), self(shift))

    def inverse(self) -> AffineMap:
        """Return the inverse map, by elimination over two elements."""
        n = len(self.columns)
        rows = [(column, 1 << bit) for bit, column in enumerate(self.columns)]  # image of the second is the first
        for bit in range(n):
            pivot = next(i for i in range(bit, n) if rows[i][0] >> bit & 1)
            rows[bit], rows[pivot] = rows[pivot], rows[bit]
            image, origin = rows[bit]
            rows = [(a ^ image, b ^ origin) if i != bit and a >> bit & 1 else (a, b) for i, (a, b) in enumerate(rows)]
        linear = AffineMap(tuple(origin for _, origin in rows), 0)
        return AffineMap(linear.columns, linear(self.shift))


def identity(n_qubits: int) -> AffineMap:
    """Return the identity map of the basis states."""
    return AffineMap(tuple(1 << bit for bit in range(n_qubits)), 0)


@dataclass
class Layer:
    """Operations that act together; see the module's docstring."""

    before: list[Phase | Sign] = field(default_factory=list)
    permutation: AffineMap | None = None
    after: list[Phase | Sign] = field(default_factory=list)
    rotations: list[Rotation] = field(default_factory=list)


class Single(NamedTuple):
    """One mask operation by itself (letters as in `qvar.ansatz.gates`); its angle is scale times the source's."""

    x: int
    z: int
    m: int
    f: int
    w: complex
    fixed: bool
    scale: float
    source: int


Step = Layer | Single


class _Affine(NamedTuple):
    change: dict[int, int]
    shift: int
    wires: int


def schedule(lowered: Lowered, fewest_rotations: int, least_gain: float) -> list[Step]:
    """Return the steps of a circuit, the first acts first.

    Rotations of a layer cost as much as `fewest_rotations` single operations; a layer with fewer has them as single
    operations instead. If layers do not make the circuit cheaper by the factor `least_gain`, all operations stay
    single, of one class that compiles once for all such circuits.
    """
    scheduler = _Scheduler(lowered.n_qubits)
    letters = zip(*(getattr(lowered, name).tolist() for name in ("x", "z", "m", "f", "w", "fixed")), strict=True)
    singles: list[Step] = []
    for source, (x, z, m, f, w, fixed) in enumerate(letters):
        op = Single(x, z, m, f, w, fixed, 1.0, source)
        singles.append(op)
        scheduler.add(op)
    steps = [step for layer in scheduler.steps for step in _settle(layer, fewest_rotations)]
    cost = sum(_cost(step, fewest_rotations) for step in steps)
    return steps if cost * least_gain <= len(singles) else singles


def _cost(step: Step, rotations: int) -> int:
    """Return the cost in passes over the state."""
    if isinstance(step, Single):
        return 1
    return sum((bool(step.before), step.permutation is not None, bool(step.after), rotations * bool(step.rotations)))


class _Scheduler:
    def __init__(self, n_qubits: int) -> None:
        self.n_qubits = n_qubits
        self.steps: list[Step] = []
        self.layers: list[int] = []  # which of the steps are layers
        self.last = [-1] * n_qubits  # place in which each bit was last acted on

    def add(self, op: Single) -> None:
        parts = _fixed(op, self.n_qubits) if op.fixed else _rotation(op)
        if parts is None:
            self._mark(op.x | op.z | op.m, len(self.steps) * _PLACES + _ROTATIONS)
            self.steps.append(op)
            return
        for part in parts:
            if isinstance(part, Rotation):
                self._layer(part.bit, (_ROTATIONS,)).rotations.append(part)
            elif isinstance(part, _Affine):
                layer = self._layer(part.wires, (_PERMUTATION,))
                layer.permutation = (layer.permutation or identity(self.n_qubits)).then(part.change, part.shift)
            else:
                layer = self._layer(part.z | part.m, (_PHASES_BEFORE, _PHASES_AFTER))
                (layer.before if self.place == _PHASES_BEFORE else layer.after).append(part)

    def _layer(self, mask: int, places: tuple[int, ...]) -> Layer:
        """Return the earliest layer that can take a part on these bits; `self.place` is the part's place in it."""
        bits = [bit for bit in range(self.n_qubits) if mask >> bit & 1]
        last = max((self.last[bit] for bit in bits), default=-1)
        step, place = divmod(max(last, 0), _PLACES)
        open_places = [p for p in places if p >= place]
        if last < 0 or not open_places or isinstance(self.steps[step], Single):
            at = bisect_left(self.layers, step + 1 if last >= 0 else 0)
            if at == len(self.layers):
                self.layers.append(len(self.steps))
                self.steps.append(Layer())
            step, open_places = self.layers[at], list(places)
        self.place = open_places[0]
        self._mark(mask, step * _PLACES + self.place)
        layer = self.steps[step]
        assert isinstance(layer, Layer)  # `layers` holds nothing else
        return layer

    def _mark(self, mask: int, position: int) -> None:
        for bit in range(self.n_qubits):
            if mask >> bit & 1:
                self.last[bit] = position


def _rotation(op: Single) -> list[Phase | Sign | Rotation | _Affine] | None:
    """Return exp(-i phi G) as phases and a rotation, or None."""
    if op.x == 0:
        return [Phase(op.z, op.m, op.f, -op.w.real, op.source)]
    one_bit = op.x & (op.x - 1) == 0
    if not one_bit or op.m or op.z & ~op.x:
        return None
    if op.z:  # w = -i makes Y
        return [Rotation(op.x, -op.w.imag, op.source)]
    quarter = 0.5 * np.pi  # X = S^dagger Y S
    s = Phase(0, op.x, op.x, quarter, _CONSTANT)
    return [s, Rotation(op.x, op.w.real, op.source), s._replace(scale=-quarter)]


def _fixed(op: Single, n_qubits: int) -> list[Phase | Sign | Rotation | _Affine] | None:
    """Return G on A as phases and a permutation, or None. Phases act first: they see the flipped basis state."""
    flip_sign = -1.0 if (op.x & op.z).bit_count() % 2 else 1.0
    angle = float(np.angle(op.w * flip_sign))
    controls = [bit for bit in range(n_qubits) if op.m >> bit & 1]
    parts: list[Phase | Sign | Rotation | _Affine] = []
    if op.x & op.m == 0:
        if angle and (len(controls) < 2 or abs(angle) < 3.0):
            parts.append(Phase(0, op.m, op.f, angle, _CONSTANT))
        elif angle:
            parts.append(Sign(0, op.m, op.f))
        if op.z:
            parts.append(Sign(op.z, op.m, op.f))
        if op.x == 0:
            return parts
        if len(controls) > 1:
            return None
        if not controls:
            return [*parts, _Affine({}, op.x, op.x)]
        (control,) = controls
        shift = 0 if op.f else op.x
        return [*parts, _Affine({control: 1 << control | op.x}, shift, op.x | op.m)]
    if op.x != op.m or len(controls) != 2 or op.z or op.f.bit_count() != 1:
        return None
    a, b = controls
    if angle:  # a + b - 2ab, 1 for bits that differ, times pi / 2
        if abs(abs(angle) - 0.5 * np.pi) > 1e-9:
            return None
        parts += [Phase(0, bit, bit, angle, _CONSTANT) for bit in (1 << a, 1 << b)]
        parts.append(Sign(0, op.m, op.m))
    return [*parts, _Affine({a: 1 << b, b: 1 << a}, 0, op.m)]


def _settle(step: Step, fewest_rotations: int) -> list[Step]:
    """Return a layer without empty halves; few rotations become single operations."""
    if isinstance(step, Single):
        return [step]
    singles: list[Step] = []
    if len(step.rotations) < fewest_rotations:
        singles = [Single(t.bit, t.bit, 0, 0, -1j, False, t.scale, t.source) for t in step.rotations]
        step.rotations = []
    if step.permutation is None:
        step.before, step.after = [], step.before + step.after
    empty = not (step.before or step.permutation or step.after or step.rotations)
    return singles if empty else [step, *singles]
