r"""Published circuits of every kind of operation, in CNOTs and gates of one qubit.

| operation | CNOTs | circuit |
|---|---|---|
| SingleExcitation, IsingXY | 2 | two rotations between two CNOTs (Yordanov et al. 2020, Arrazola et al. 2022) |
| DoubleExcitation | 13 | rotation with three controls; its last gate and a CNOT become one (Yordanov et al. 2020) |
| doubles one after the other on the same four qubits | 13 | the same with other angles (Ramoa et al. 2024) |
| two of them with one angle, up to its sign | 9 | rotation with two controls (Ramoa et al. 2024) |
| fermionic excitation | 2 n_Z more | parity of the n_Z qubits of its Jordan-Wigner string (Yordanov et al. 2020) |
| fermionic single excitation times n of a mode | twice as many | n = (1 - Z) / 2: one without Z, one with it |
| PauliRot, MultiRZ of weight w, Ising gates | 2(w - 1) | staircase |
| CRX, CRY, CRZ, ControlledPhaseShift, ISWAP | 2 | |
| SWAP; Toffoli, CCZ; CSWAP | 3; 6; 8 | |

Each is equal to the operation, its phase included. The 13 CNOTs are 11 layers, the 9 are 7.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import NamedTuple

from qvar._types import Excitation
from qvar.ansatz.excitation_sums import terms_of
from qvar.ansatz.gates import KIND_INDEX, KINDS, fermionic_sign
from qvar.errors import QvarError


class Gate(NamedTuple):
    """One gate of a decomposition: a CNOT, a gate of one qubit, or a phase of the whole."""

    kind: str
    wires: tuple[int, ...] = ()
    angle: Mapping[int, float] = {}
    """Number of an operation in the group -> coefficient of its angle."""
    offset: float = 0.0
    """Constant part of the angle, radians."""


class Operation(NamedTuple):
    """One operation of a program, without its angle."""

    kind: int
    wires: tuple[int, ...]
    word: str = ""

    @property
    def name(self) -> str:
        """Name of its kind."""
        return KINDS[self.kind].name


_DOUBLES = (KIND_INDEX["DoubleExcitation"], KIND_INDEX["FermionicDoubleExcitation"])

_QUARTER = math.pi / 2


def groups(operations: Sequence[Operation]) -> Iterator[range]:
    """Yield the operations that are decomposed together: double excitations on the same four qubits, else single ones.

    At most three excitations make one group; each pairing of four modes comes in it once.
    """
    begin = 0
    while begin < len(operations):
        first, end = operations[begin], begin + 1
        pairings = {_pairing(first.wires)}
        while (
            first.kind in _DOUBLES
            and end < len(operations)
            and operations[end].kind == first.kind
            and set(operations[end].wires) == set(first.wires)
            and _pairing(operations[end].wires) not in pairings
        ):
            pairings.add(_pairing(operations[end].wires))
            end += 1
        yield range(begin, end)
        begin = end


def _pairing(wires: Sequence[int]) -> frozenset[frozenset[int]]:
    half = len(wires) // 2
    return frozenset({frozenset(wires[:half]), frozenset(wires[half:])})


def numbers_apart(operation: Operation) -> tuple[float, Excitation, tuple[int, ...]] | None:
    r"""Return c, T and modes with \(c\, (T - T^\dagger) \prod n\), the only term of a sum; None if it has more."""
    terms = terms_of(operation.word, operation.wires)
    if len(terms) != 1:
        return None
    (((created, annihilated), c),) = terms.items()
    for mode in (numbers := tuple(mode for mode in created if mode in annihilated)):
        at, after = created.index(mode), annihilated.index(mode)
        created, annihilated = (tuple(m for m in half if m != mode) for half in (created, annihilated))
        c *= (-1.0) ** (at + len(created) + after)
    return c, (created, annihilated), numbers


def has_circuit(operation: Operation) -> bool:
    """Return whether `decomposition` knows a circuit of an operation."""
    if operation.name != "ExcitationSum":
        return True
    parts = numbers_apart(operation)
    return parts is not None and [len(half) for half in parts[1]] == [1, 1]


@lru_cache(maxsize=4096)
def decomposition(group: tuple[Operation, ...], ratio: float | None = None) -> tuple[Gate, ...]:
    """Return the published circuit of one operation, or of a group of `groups`.

    Args:
        group: the operations.
        ratio: +1 or -1 if the second of two angles is always the first one times this.

    Raises `QvarError` if the operation is a sum of excitations that do not commute.
    """
    kind, wires, word = group[0]
    name = KINDS[kind].name
    if kind in _DOUBLES:
        return tuple(_doubles(group, ratio))
    if name in ("SingleExcitation", "FermionicSingleExcitation"):
        return tuple(_single(group[0]))
    if name == "ExcitationSum":
        return tuple(_single_with_numbers(group[0]))
    if name in ("PauliRot", "MultiRZ"):
        return tuple(_pauli_rotation(word or "Z" * len(wires), wires))
    if name.startswith("Ising") and name != "IsingXY":
        return tuple(_pauli_rotation(name[-2:], wires))
    if len(wires) <= 1 or name == "CNOT":
        return (Gate(name, wires, {0: 1.0} if KINDS[kind].parametric else {}),)
    if name in ("CRX", "CRY", "CRZ"):
        return tuple(_controlled_rotation(name[-1], *wires))
    return tuple(_FIXED[name](*wires))


def _h(*wires: int) -> list[Gate]:
    return [Gate("Hadamard", (wire,)) for wire in wires]


def _s(wire: int, power: float = 1.0) -> Gate:
    return Gate("PhaseShift", (wire,), offset=power * _QUARTER)


def _rx(quarters: int, *wires: int) -> list[Gate]:
    return [Gate("RX", (wire,), offset=quarters * _QUARTER) for wire in wires]


def _cnot(control: int, target: int) -> Gate:
    return Gate("CNOT", (control, target))


def _cz(a: int, b: int) -> list[Gate]:
    return [*_h(b), _cnot(a, b), *_h(b)]


def _cy(a: int, b: int) -> list[Gate]:
    return [_s(b, -1.0), _cnot(a, b), _s(b)]


def _swap(a: int, b: int) -> list[Gate]:
    return [_cnot(a, b), _cnot(b, a), _cnot(a, b)]


def _iswap(a: int, b: int) -> list[Gate]:
    return [_s(a), _s(b), *_h(a), _cnot(a, b), _cnot(b, a), *_h(b)]


def _ccz(a: int, b: int, c: int) -> list[Gate]:
    return [
        _cnot(b, c), _s(c, -0.5), _cnot(a, c), _s(c, 0.5), _cnot(b, c), _s(c, -0.5), _cnot(a, c),
        _s(b, 0.5), _s(c, 0.5), _cnot(a, b), _s(a, 0.5), _s(b, -0.5), _cnot(a, b),
    ]  # fmt: skip


def _toffoli(a: int, b: int, c: int) -> list[Gate]:
    return [*_h(c), *_ccz(a, b, c), *_h(c)]


def _cswap(control: int, a: int, b: int) -> list[Gate]:
    return [_cnot(b, a), *_toffoli(control, a, b), _cnot(b, a)]


def _controlled_phase(a: int, b: int) -> list[Gate]:
    half = {0: 0.5}
    return [
        Gate("PhaseShift", (a,), half), Gate("PhaseShift", (b,), half),
        _cnot(a, b), Gate("PhaseShift", (b,), {0: -0.5}), _cnot(a, b),
    ]  # fmt: skip


def _ising_xy(a: int, b: int) -> list[Gate]:
    return _xx_plus_yy(a, b, -0.5)


_FIXED = {
    "CZ": _cz,
    "CY": _cy,
    "SWAP": _swap,
    "ISWAP": _iswap,
    "CCZ": _ccz,
    "Toffoli": _toffoli,
    "CSWAP": _cswap,
    "ControlledPhaseShift": _controlled_phase,
    "IsingXY": _ising_xy,
}


def _controlled_rotation(axis: str, control: int, target: int) -> list[Gate]:
    turn = "RY" if axis == "Y" else "RZ"
    around = _h(target) if axis == "X" else []
    rotations = [Gate(turn, (target,), {0: scale}) for scale in (0.5, -0.5)]
    return [*around, rotations[0], _cnot(control, target), rotations[1], _cnot(control, target), *around]


def _pauli_rotation(word: str, wires: Sequence[int]) -> list[Gate]:
    """Return exp(-i angle P / 2): bases changed to Z, and a staircase to the last wire."""
    letters = {wire: letter for wire, letter in zip(wires, word, strict=True) if letter != "I"}
    on = list(letters)
    if not on:
        return [Gate("GlobalPhase", (), {0: 0.5})]
    if len(on) == 1:
        return [Gate(f"R{letters[on[0]]}", (on[0],), {0: 1.0})]
    flips = _h(*(wire for wire in on if letters[wire] == "X"))
    turned = [wire for wire in on if letters[wire] == "Y"]
    stairs = [_cnot(a, b) for a, b in pairwise(on)]
    before, after = [*flips, *_rx(1, *turned)], [*flips, *_rx(-1, *turned)]
    return [*before, *stairs, Gate("RZ", (on[-1],), {0: 1.0}), *reversed(stairs), *after]


def _xx_plus_yy(a: int, b: int, scale: float) -> list[Gate]:
    """Return exp(-i scale angle (XX + YY) / 2): X and Z of the two commute, and one CNOT parts them."""
    return [
        *_rx(-1, a, b), _cnot(a, b), Gate("RX", (a,), {0: scale}), Gate("RZ", (b,), {0: scale}), _cnot(a, b),
        *_rx(1, a, b),
    ]  # fmt: skip


def _single(operation: Operation, scale: float = 1.0, more: Sequence[int] = ()) -> list[Gate]:
    """Return exp(scale angle/2 (T - T^dagger)) of one created and one annihilated mode, times Z on more wires."""
    a, b = operation.wires
    string, sign = _string(operation)
    inner = [_s(b, -1.0), *_xx_plus_yy(a, b, -0.5 * scale * sign), _s(b)]
    return _with_string(inner, sorted(set(string) ^ set(more)), a)


def _single_with_numbers(operation: Operation) -> list[Gate]:
    """Multiply out the number operators (1 - Z) / 2, whose products commute."""
    parts = numbers_apart(operation) if has_circuit(operation) else None
    if parts is None:
        raise QvarError(
            "`ansatz` must consist of operations with a circuit of CNOTs, but has a sum of excitations that do not "
            "commute; qvar.pool(..., product=True) has products of excitations instead."
        )
    c, (created, annihilated), numbers = parts
    bare = Operation(KIND_INDEX["FermionicSingleExcitation"], (*created, *annihilated))
    return [
        gate
        for k in range(len(numbers) + 1)
        for more in combinations(numbers, k)
        for gate in _single(bare, c * (-1.0) ** k / 2 ** len(numbers), more)
    ]


def _string(operation: Operation) -> tuple[list[int], int]:
    """Return the wires of the Jordan-Wigner string, and the sign of the excitation; none for a qubit excitation."""
    if not operation.name.startswith("Fermionic"):
        return [], 1
    half = len(operation.wires) // 2
    n_qubits = max(operation.wires) + 1
    z, sign = fermionic_sign(operation.wires[:half], operation.wires[half:], n_qubits)
    return [wire for wire in range(n_qubits) if z >> (n_qubits - 1 - wire) & 1], sign


def _with_string(inner: list[Gate], string: list[int], mode: int) -> list[Gate]:
    """Multiply the exponent by Z on a string: CZ with one of its flipped qubits, around, gives one Z."""
    if not string:
        return inner
    stairs = [_cnot(a, b) for a, b in pairwise(string)]
    sign = _cz(string[-1], mode)
    return [*stairs, *sign, *inner, *sign, *reversed(stairs)]


class _Frame(NamedTuple):
    """CNOTs after which four flipped qubits are one rotated qubit and three (or two) that choose the angle."""

    opening: tuple[tuple[int, int], ...]
    closing: tuple[tuple[int, int], ...]
    """The same CNOTs, backwards."""
    target: int
    controls: tuple[int, ...]
    """The last one is flipped by the target in one of the CNOTs."""


def _doubles(group: tuple[Operation, ...], ratio: float | None) -> list[Gate]:
    r"""Rotate in each pair of complementary patterns of four qubits.

    After CNOTs from a target qubit a pair differs in the target alone, and the other three qubits number the pairs.
    So all excitations between these qubits are one uniformly controlled RY,
    \(\prod_{j=0}^{7} RY(\varphi_j)\, CZ(c_{g(j)}, t)\) with the bits g(j) that a Gray code changes and
    \(\varphi_j = \tfrac18 \sum_b (-1)^{b \cdot \mathrm{gray}(j)}\, \theta_b\). Two excitations with equal angles have
    only those \(\varphi_j\) that do not see the parity of two control qubits, so that two controls are enough.
    """
    string, _ = _string(group[0])
    frame = None
    if len(group) == 2 and ratio is not None:
        frame = next((one for one in _two_controls(group) if _equal_signs(group, one, ratio)), None)
    p, q, r, s = group[0].wires
    frame = frame or _Frame(((p, q), (r, s), (p, r)), ((p, r), (r, s), (p, q)), p, (q, s, r))
    return _with_string(_uniform_rotation(group, frame), string, frame.target)


def _two_controls(group: tuple[Operation, ...]) -> Iterator[_Frame]:
    """Yield the frames for each target: s is the qubit that both excitations flip alike, seen from the target."""
    first, second = (set(operation.wires[:2]) for operation in group)
    for target in group[0].wires:
        others = [wire for wire in group[0].wires if wire != target]
        alike = [wire for wire in others if all((wire in half) != (target in half) for half in (first, second))]
        (s,) = alike
        q, r = (wire for wire in others if wire != s)
        flips = (target, q), (target, s)  # they commute: in this order, and backwards, one is beside (q, r)
        yield _Frame(((q, r), *flips[::-1]), (*flips, (q, r)), target, (r, s))


def _equal_signs(group: tuple[Operation, ...], frame: _Frame, ratio: float) -> bool:
    signs = [_rotation(operation, frame)[1] for operation in group]
    return signs[0] == signs[1] * ratio


def _rotation(operation: Operation, frame: _Frame) -> tuple[int, float]:
    """Return the pattern of the controls, as bits, and the sign with which the target turns."""
    bits = {wire: int(place >= 2) for place, wire in enumerate(operation.wires)}
    turns = 1.0 if bits[frame.target] == 0 else -1.0
    for control, target in frame.opening:
        bits[target] ^= bits[control]
    pattern = sum(bits[wire] << place for place, wire in enumerate(frame.controls))
    return pattern, turns * _string(operation)[1]


def _uniform_rotation(group: tuple[Operation, ...], frame: _Frame) -> list[Gate]:
    k, target, last = len(frame.controls), frame.target, frame.controls[-1]
    # in two controls the excitations have one pattern, in three one each
    patterns = [_rotation(operation, frame) for operation in (group if k == 3 else group[:1])]
    gates = [_cnot(*pair) for pair in frame.opening] + _h(*frame.controls)
    for step in range(1 << k):
        gray = step ^ step >> 1
        angle = {
            number: sign * (-1.0) ** (pattern & gray).bit_count() / (1 << k)
            for number, (pattern, sign) in enumerate(patterns)
        }
        gates.append(Gate("RY", (target,), angle))
        if step + 1 < 1 << k:
            gates.append(_cnot(target, frame.controls[((step + 1) & -(step + 1)).bit_length() - 1]))
    gates += [*_h(*frame.controls), _s(target, -1.0)]
    for pair in frame.closing:  # CZ, and then CNOT: together -iY, controlled by the target
        gates += _cy(*pair) if pair == (target, last) else [_cnot(*pair)]
    return gates
