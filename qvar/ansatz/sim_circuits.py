"""The 19 circuits of Sim, Johnson, Aspuru-Guzik 2019, for which expressibility was defined."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import TypeAlias

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.gates import KIND_INDEX, KINDS
from qvar.ansatz.hardware_efficient import Pair, zhang_start
from qvar.ansatz.program import ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasReference, register
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import QvarError, require

Step: TypeAlias = tuple[str, tuple[int, ...]]
"""(kind, wires); it has a parameter of its own if the kind has an angle."""


@checked("layers", "problem")
def sim_circuit(problem: HasReference | int, *, number: int, layers: int = 2, name: str | None = None) -> Ansatz:
    r"""Make one of the 19 circuits of Sim et al. 2019, as its figure 2 draws it for four qubits.

    A layer, the first gates first; (c,t) is control and target, every gate with an angle has a parameter of its own:

    | circuit | layer | parameters a layer | two-qubit gates |
    |---|---|---|---|
    | 1 | RX, RZ | \(2n\) | 0 |
    | 2 | RX, RZ, CNOT on the line | \(2n\) | \(n-1\) |
    | 3, 4 | RX, RZ, CRZ or CRX on the line | \(3n-1\) | \(n-1\) |
    | 5, 6 | RX, RZ, CRZ or CRX on all ordered pairs, RX, RZ | \(n^2+3n\) | \(n^2-n\) |
    | 7, 8 | RX, RZ, CRZ or CRX on the even row, RX, RZ, the same on the odd row | \(5n-1\) | \(n-1\) |
    | 9 | Hadamard, CZ on the line, RX | \(n\) | \(n-1\) |
    | 10 | CZ on the closed line, RY; RY once before the first layer | \(n\), and \(n\) once | \(n\) |
    | 11, 12 | RY, RZ, CNOT or CZ on the even row, inner RY, RZ, the same on the odd row | \(4n-4\) | \(n-1\) |
    | 13, 14 | RY, CRZ or CRX on ring 1, RY, the same on ring 3 | \(3n + n/\gcd(n,3)\) | \(n + n/\gcd(n,3)\) |
    | 15 | RY, CNOT on ring 1, RY, the same on ring 3 | \(2n\) | \(n + n/\gcd(n,3)\) |
    | 16, 17 | RX, RZ, CRZ or CRX on the even row, then on the odd row | \(3n-1\) | \(n-1\) |
    | 18, 19 | RX, RZ, CRZ or CRX on ring 1 | \(3n\) | \(n\) |

    Single-qubit gates act on every qubit, inner ones on all but the first and the last. The line is (n-1,n-2), ...,
    (1,0), closed by (0,n-1) for more than two qubits; the even row (1,0), (3,2), ...; the odd row (2,1), (4,3), ....
    All ordered pairs take the controls n-1, ..., 0, and for each the targets n-1, ..., 0. Ring r has
    \(n / \gcd(n, r)\) gates,

    $$ (c_k, t_k), \qquad c_k = (n - 1 - k r) \bmod n, \quad t_k = (c_k + r) \bmod n, \qquad k = 0, 1, \ldots $$

    as in the code blocks of Schuld et al., Phys. Rev. A 101, 032308 (2020),
    https://doi.org/10.1103/PhysRevA.101.032308. For four qubits ring 3 goes one step back; where 3 divides n it closes
    before it has met every qubit, and for three qubits it would join a qubit to itself, so circuits 13 to 15 refuse
    three.

    Parameter layout: in the order of the gates, kind of rotation by kind of rotation, each qubit by qubit.

    Its own start, `"zhang"`, is normal with the variance of `qvar.ansatz.hardware_efficient.zhang_start`.

    Sim, Johnson, Aspuru-Guzik, Adv. Quantum Technol. 2, 1900070 (2019), https://doi.org/10.1002/qute.201900070.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, at least 2, which
            start in |0...0>.
        number: number of the circuit, 1 to 19.
        layers: number of layers L, at least 1.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    require(1 <= number <= 19, "number", "be from 1 to 19", number)
    layers = counting_number("layers", layers)
    wires, reference = register(problem)
    require(wires >= 2, "n_qubits", "be at least 2", wires)
    if number in (13, 14, 15) and wires == 3:
        raise QvarError(f"`n_qubits` must allow a ring of qubits three apart for circuit {number}, but is 3.")
    check_operations("layers", layers, wires)
    steps = _rotations(wires, "RY") if number == 10 else []
    steps += layers * _layer(number, wires)
    builder = ProgramBuilder(wires, sum(_has_angle(kind) for kind, _ in steps), reference)
    param = 0
    for kind, on in steps:
        builder.add(kind, on, {param: 1.0} if _has_angle(kind) else {})
        param += _has_angle(kind)
    return Ansatz(
        name=name or f"sim circuit {number} x{layers}",
        family="generic",
        program=builder.build(),
        settings={"number": number, "n_qubits": wires, "layers": layers},
        starts={"zhang": zhang_start(problem, layers, param)},
        citations=("sim2019",),
    )


def _has_angle(kind: str) -> bool:
    return KINDS[KIND_INDEX[kind]].parametric


def _rotations(n: int, *kinds: str) -> list[Step]:
    return [(kind, (wire,)) for kind in kinds for wire in range(n)]


def _on(kind: str, pairs: Sequence[Pair]) -> list[Step]:
    return [(kind, pair) for pair in pairs]


def _row(n: int, first: int) -> list[Pair]:
    return [(control, control - 1) for control in range(first, n, 2)]


def _ring(n: int, reach: int) -> list[Pair]:
    controls = [(n - 1 - k * reach) % n for k in range(n // gcd(n, reach))]
    return [(control, (control + reach) % n) for control in controls]


def _layer(number: int, n: int) -> list[Step]:
    line = [(control, control - 1) for control in range(n - 1, 0, -1)]
    x_z = _rotations(n, "RX", "RZ")
    turn = "CRZ" if number in (3, 5, 7, 13, 16, 18) else "CRX"
    if number == 1:
        return x_z
    if number == 2:
        return x_z + _on("CNOT", line)
    if number in (3, 4):
        return x_z + _on(turn, line)
    if number in (5, 6):
        downward = range(n - 1, -1, -1)
        return x_z + _on(turn, [(c, t) for c in downward for t in downward if c != t]) + x_z
    if number in (7, 8):
        return x_z + _on(turn, _row(n, 1)) + x_z + _on(turn, _row(n, 2))
    if number == 9:
        return _rotations(n, "Hadamard") + _on("CZ", line) + _rotations(n, "RX")
    if number == 10:
        return _on("CZ", line + ([(0, n - 1)] if n > 2 else [])) + _rotations(n, "RY")
    if number in (11, 12):
        gate = "CNOT" if number == 11 else "CZ"
        inner: list[Step] = [(kind, (wire,)) for kind in ("RY", "RZ") for wire in range(1, n - 1)]
        return _rotations(n, "RY", "RZ") + _on(gate, _row(n, 1)) + inner + _on(gate, _row(n, 2))
    if number in (13, 14, 15):
        gate = "CNOT" if number == 15 else turn
        return _rotations(n, "RY") + _on(gate, _ring(n, 1)) + _rotations(n, "RY") + _on(gate, _ring(n, 3))
    if number in (16, 17):
        return x_z + _on(turn, _row(n, 1)) + _on(turn, _row(n, 2))
    return x_z + _on(turn, _ring(n, 1))
