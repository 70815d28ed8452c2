r"""Operation kinds: the action of each gate on computational basis states, as bit masks.

Every kind lowers to *mask operations* of a single form: to one or two of them, a sum of excitations to more. With basis
states numbered by integers \(k\) (wire 0 the most significant bit), a mask operation has the Hermitian generator

$$ (G\psi)_k = [k \in A]\; w\, (-1)^{|k \wedge z|}\, \psi_{k \oplus x}, \qquad
   A = \{k : k \wedge m \in \{f,\ f \oplus (x \wedge m)\}\}, $$

with \(G^2 = 1\) on \(A\) and zero elsewhere. A parametrized operation is \(e^{-i\varphi G}\) with
\(\varphi = \text{factor}\cdot\text{angle} + \text{constant}\); a fixed one applies \(G\) on \(A\) and leaves the
rest alone. Pauli rotations, controlled rotations, excitations with or without their Jordan-Wigner
string, phases, CNOT and SWAP are all of this form, so one kernel serves them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.excitation_sums import planes, reordered


class MaskOp(NamedTuple):
    """One mask operation; see the module's docstring for the letters."""

    x: int
    z: int
    m: int
    f: int
    w: complex
    factor: float = 0.0
    constant: float = 0.0
    fixed: bool = False


Lower = Callable[[Sequence[int], str, int], list[MaskOp]]
"""(wires, Pauli word or "", number of qubits) -> mask operations, the first acts first."""


@dataclass(frozen=True)
class Kind:
    """One kind of operation, named as PennyLane names it."""

    name: str
    n_wires: int | None
    """Number of wires; None if it varies."""
    parametric: bool
    """True if it has an angle."""
    lower: Lower


def _bit(wire: int, n_qubits: int) -> int:
    return 1 << (n_qubits - 1 - wire)


def _bits(wires: Sequence[int], n_qubits: int) -> int:
    return sum(_bit(w, n_qubits) for w in wires)


def _pauli(word: str, wires: Sequence[int], n: int) -> tuple[int, int, complex]:
    """Masks and phase of a Pauli word: P = w Z^z X^x, because Y = -i Z X."""
    x = _bits([q for q, p in zip(wires, word, strict=True) if p in "XY"], n)
    z = _bits([q for q, p in zip(wires, word, strict=True) if p in "YZ"], n)
    return x, z, (-1j) ** word.count("Y")


def _rotation(word: str, controls: int = 0) -> Lower:
    """exp(-i angle P / 2) on the last wires, if all of the first `controls` wires are 1."""

    def lower(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
        x, z, w = _pauli(word, wires[controls:], n)
        on = _bits(wires[:controls], n)
        return [MaskOp(x, z, on, on, w, factor=0.5)]

    return lower


def _fixed_pauli(word: str, controls: int = 0) -> Lower:
    def lower(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
        x, z, w = _pauli(word, wires[controls:], n)
        on = _bits(wires[:controls], n)
        return [MaskOp(x, z, on, on, w, fixed=True)]

    return lower


def _pauli_rot(wires: Sequence[int], word: str, n: int) -> list[MaskOp]:
    x, z, w = _pauli(word, wires, n)
    return [MaskOp(x, z, 0, 0, w, factor=0.5)]


def _multi_rz(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
    return [MaskOp(0, _bits(wires, n), 0, 0, 1.0, factor=0.5)]


def _phase(constant: float | None = None) -> Lower:
    """exp(i angle) where all wires are 1; a constant angle makes S and T."""

    def lower(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
        on = _bits(wires, n)
        if constant is None:
            return [MaskOp(0, 0, on, on, -1.0, factor=1.0)]
        return [MaskOp(0, 0, on, on, -1.0, constant=constant)]

    return lower


def _global_phase(wires: Sequence[int], word: str, n: int) -> list[MaskOp]:
    return [MaskOp(0, 0, 0, 0, 1.0, factor=1.0)]


def _hadamard(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
    bit = _bit(wires[0], n)  # H = RY(pi/2) Z
    return [MaskOp(0, bit, 0, 0, 1.0, fixed=True), MaskOp(bit, bit, 0, 0, -1j, constant=math.pi / 4)]


def _sqrt_x(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
    bit = _bit(wires[0], n)  # SX = exp(i pi/4) RX(pi/2)
    return [MaskOp(bit, 0, 0, 0, 1.0, constant=math.pi / 4), MaskOp(0, 0, 0, 0, -1.0, constant=math.pi / 4)]


def _exchange(w: complex, *, controls: int = 0, fixed: bool) -> Lower:
    """Exchange of |01> and |10> on the last two wires, with amplitude w."""

    def lower(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
        on = _bits(wires[:controls], n)
        a, b = _bit(wires[-2], n), _bit(wires[-1], n)
        return [MaskOp(a | b, 0, a | b | on, b | on, w, factor=0.0 if fixed else 0.5, fixed=fixed)]

    return lower


def _qubit_excitation(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
    """PennyLane's Givens rotations: |0..1..> to |1..0..> by +sin(angle/2), no Jordan-Wigner sign."""
    mask = _bits(wires, n)
    half = len(wires) // 2
    return [MaskOp(mask, _bit(wires[0], n), mask, _bits(wires[half:], n), -1j, factor=0.5)]


def fermionic_sign(creates: Sequence[int], annihilates: Sequence[int], n_qubits: int) -> tuple[int, int]:
    r"""Jordan-Wigner sign of \(a^\dagger_{c_1} \cdots a_{a_1} \cdots\) (the last factor acts first).

    Args:
        creates: modes created, in the order of the written operators.
        annihilates: modes annihilated, in the order of the written operators; all modes differ.
        n_qubits: number of modes.

    Returns:
        Mask z and sign s with \(T|k\rangle = s (-1)^{|k \wedge z|} |k'\rangle\); z has no bit of the modes themselves.
    """
    modes = [*creates, *annihilates]
    z = 0
    for mode in modes:
        z ^= _bits(range(mode), n_qubits)
    z &= ~_bits(modes, n_qubits)
    state, sign = _bits(annihilates, n_qubits), 1
    for mode in reversed(modes):
        if (state & _bits(range(mode), n_qubits)).bit_count() % 2:
            sign = -sign
        state ^= _bit(mode, n_qubits)
    return z, sign


def _fermionic(wires: Sequence[int], _: str, n: int) -> list[MaskOp]:
    """exp(angle/2 (T - T^dagger)), as PennyLane scales it; T = a^+_w0 a_w1, or a^+_w0 a^+_w1 a_w2 a_w3."""
    half = len(wires) // 2
    creates, annihilates = wires[:half], wires[half:]
    z, sign = fermionic_sign(creates, annihilates, n)
    mask = _bits(wires, n)
    # the bit of the first created mode distinguishes T from T^dagger, whose signs differ
    return [MaskOp(mask, z | _bit(creates[0], n), mask, _bits(annihilates, n), -1j * sign, factor=0.5)]


def _excitation_sum(wires: Sequence[int], word: str, n: int) -> list[MaskOp]:
    """exp(angle/2 A), A the sum of excitations that is written in the word; see `qvar.ansatz.excitation_sums`."""
    return list(_planes_as_masks(tuple(wires), word, n))


@lru_cache(maxsize=4096)
def _planes_as_masks(wires: tuple[int, ...], word: str, n: int) -> tuple[MaskOp, ...]:
    modes = sorted(wires)
    if modes != list(wires):
        word = reordered(word, tuple(modes.index(wire) for wire in wires))
    own = _bits(modes, n)
    places = [(1 << place, _bit(mode, n), _bits(range(mode), n) & ~own) for place, mode in enumerate(reversed(modes))]

    def spread(local: int) -> int:
        return sum(bit for place, bit, _ in places if local & place)

    masks = []
    for x, z, m, f, factor, constant in planes(word):
        sign = 1 << (x.bit_length() - 1)  # J and its transpose differ in sign
        outside = 0  # each ladder operator has the sign of all modes before its own
        for place, _, before in places:
            outside ^= before if x & place else 0
        masks.append(MaskOp(spread(x), spread(z | sign) | outside, spread(m), spread(f), -1j, 0.5 * factor, constant))
    return tuple(masks)


KINDS: tuple[Kind, ...] = (
    Kind("RX", 1, True, _rotation("X")),
    Kind("RY", 1, True, _rotation("Y")),
    Kind("RZ", 1, True, _rotation("Z")),
    Kind("PhaseShift", 1, True, _phase()),
    Kind("GlobalPhase", None, True, _global_phase),
    Kind("PauliX", 1, False, _fixed_pauli("X")),
    Kind("PauliY", 1, False, _fixed_pauli("Y")),
    Kind("PauliZ", 1, False, _fixed_pauli("Z")),
    Kind("Hadamard", 1, False, _hadamard),
    Kind("S", 1, False, _phase(math.pi / 2)),
    Kind("T", 1, False, _phase(math.pi / 4)),
    Kind("SX", 1, False, _sqrt_x),
    Kind("CNOT", 2, False, _fixed_pauli("X", 1)),
    Kind("CY", 2, False, _fixed_pauli("Y", 1)),
    Kind("CZ", 2, False, _fixed_pauli("Z", 1)),
    Kind("SWAP", 2, False, _exchange(1.0, fixed=True)),
    Kind("ISWAP", 2, False, _exchange(1j, fixed=True)),
    Kind("Toffoli", 3, False, _fixed_pauli("X", 2)),
    Kind("CCZ", 3, False, _fixed_pauli("Z", 2)),
    Kind("CSWAP", 3, False, _exchange(1.0, controls=1, fixed=True)),
    Kind("CRX", 2, True, _rotation("X", 1)),
    Kind("CRY", 2, True, _rotation("Y", 1)),
    Kind("CRZ", 2, True, _rotation("Z", 1)),
    Kind("ControlledPhaseShift", 2, True, _phase()),
    Kind("IsingXX", 2, True, _rotation("XX")),
    Kind("IsingYY", 2, True, _rotation("YY")),
    Kind("IsingZZ", 2, True, _rotation("ZZ")),
    Kind("IsingXY", 2, True, _exchange(-1.0, fixed=False)),
    Kind("PauliRot", None, True, _pauli_rot),
    Kind("MultiRZ", None, True, _multi_rz),
    Kind("SingleExcitation", 2, True, _qubit_excitation),
    Kind("DoubleExcitation", 4, True, _qubit_excitation),
    Kind("FermionicSingleExcitation", 2, True, _fermionic),
    Kind("FermionicDoubleExcitation", 4, True, _fermionic),
    Kind("ExcitationSum", None, True, _excitation_sum),
)
"""Every kind a program may hold. `ControlledPhaseShift` is the number-number phase exp(i angle n_p n_q)."""

KIND_INDEX: dict[str, int] = {kind.name: index for index, kind in enumerate(KINDS)}

INVERSES: dict[str, tuple[tuple[str, float], ...]] = {
    "S": (("PhaseShift", -math.pi / 2),),
    "T": (("PhaseShift", -math.pi / 4),),
    "SX": (("RX", -math.pi / 2), ("GlobalPhase", math.pi / 4)),
    "ISWAP": (("IsingXY", -math.pi),),
}
"""(kind, angle) of the operations that invert a fixed kind; a kind that is not here is its own inverse."""


@dataclass(frozen=True, eq=False)
class Lowered:
    """A program as mask operations, all of one length; the first acts first."""

    n_qubits: int
    slot: IntArray
    """(n,) index of the operation of the program, and so of the angle, that each belongs to."""
    factor: FloatArray
    """(n,) phi = factor * angle[slot] + constant."""
    constant: FloatArray
    """(n,) see `factor`; radians."""
    fixed: np.ndarray
    """(n,) bool: apply G itself instead of exp(-i phi G)."""
    x: IntArray
    """(n,) bits flipped."""
    z: IntArray
    """(n,) bits whose parity is the sign."""
    m: IntArray
    """(n,) bits that select."""
    f: IntArray
    """(n,) pattern of the selected bits; f ^ (x & m) is the other."""
    w: np.ndarray
    """(n,) complex phase."""

    @property
    def real(self) -> bool:
        """True if a real state stays real."""
        return bool(np.all(np.where(self.fixed, np.imag(self.w), np.real(self.w)) == 0.0))

    @property
    def gaps(self) -> np.ndarray:
        """(n, 2) bool: whether two eigenvalues of G lie 1 apart, and whether two lie 2 apart.

        On the basis states that m selects G is a constant, or has the eigenvalues 1 and -1; elsewhere it is 0.
        """
        constant = (self.x == 0) & (self.z & ~self.m == 0)
        patterns = np.where(self.x & self.m != 0, 2, 1)
        everywhere = np.left_shift(1, np.bitwise_count(self.m).astype(np.int64)) == patterns
        return np.stack([~everywhere, ~constant], axis=1)

    @property
    def n_distinct(self) -> int:
        """Number of operations with different masks."""
        return len(np.unique(np.stack([self.x, self.z, self.m, self.f], axis=1), axis=0))

    @property
    def one_of_two(self) -> Lowered:
        """The same operations; of two basis states that an operation exchanges, m and f select one."""
        lead = np.array([1 << max(int(x).bit_length() - 1, 0) for x in self.x], dtype=np.int64)
        free = (self.x != 0) & (self.x & self.m == 0)
        return replace(self, m=np.where(free, self.m | lead, self.m))

    def conserves(self, group: int) -> bool:
        """Return True if every operation conserves the number of ones among the bits of `group`."""
        flips_selected = (self.x & ~self.m) == 0
        same = np.bitwise_count(self.f & group) == np.bitwise_count((self.f ^ self.x) & group)
        return bool(np.all((self.x & group == 0) | (flips_selected & same)))
