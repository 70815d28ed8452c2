"""Generators of a Lie algebra: operators as Pauli sums, and the generators of a circuit between its fixed gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.excitation_sums import modes_of, terms_of, word_of
from qvar.ansatz.gates import KIND_INDEX, KINDS, Lowered, MaskOp
from qvar.ansatz.program import Program
from qvar.diagnostics.conjugation import Frame, mask_sums
from qvar.errors import QvarError, require
from qvar.pauli import MAX_QUBITS, PauliSum, added, commute, word_sum
from qvar.problems.hamiltonians import PauliTerms
from qvar.problems.problem import Problem

_NO_ANGLE = 1e-15
"""Constant angles up to this are zero."""


@dataclass(frozen=True, eq=False)
class CircuitGenerators:
    r"""A circuit as \(U(\theta) = W \, [\prod_j e^{-i \theta_{p_j} G_j}] \, V\), the first generator acting first."""

    generators: tuple[PauliSum, ...]
    r"""\(G_j\), without their identity part."""
    params: tuple[int, ...]
    r"""\(p_j\), the parameter that drives each."""
    preparation: tuple[tuple[MaskOp, float | None], ...]
    r"""V: the fixed gates before the first free one, with their angles (None: a gate that is no rotation)."""
    frame: Frame
    r"""\(A \mapsto W^\dagger A W\)."""


def operator_sum(operator: Any, n_qubits: int, argument: str) -> PauliSum:
    """Return a PennyLane operator, Pauli terms, or the Hamiltonian of a problem as a Pauli sum on n qubits.

    Raises `QvarError` about `argument`, if it is none of these, not Hermitian, or acts on other wires.
    """
    if isinstance(operator, Problem):
        operator = operator.pauli or operator.hamiltonian()
    if isinstance(operator, PauliTerms):
        require(operator.n_qubits == n_qubits, argument, f"act on {n_qubits} qubits", operator.n_qubits)
        return word_sum(operator.words, operator.coefficients)
    from qvar.problems.fermion_mapping import pauli_terms

    try:
        terms = pauli_terms(operator, n_qubits)
    except QvarError as error:
        raise QvarError(str(error).replace("`observable`", f"`{argument}`", 1)) from None
    return word_sum(terms.words, terms.coefficients)


def n_wires(operators: Sequence[Any]) -> int:
    """Return the number of qubits that holds all wires of some operators, at least 1."""
    most = 0
    for operator in operators:
        if isinstance(operator, Problem | PauliTerms):
            most = max(most, operator.n_qubits)
        else:
            numbers = [w for w in getattr(operator, "wires", ()) if isinstance(w, int | np.integer)]
            most = max([most, *(int(w) + 1 for w in numbers)])
    require(most <= MAX_QUBITS, "generators", f"act on at most {MAX_QUBITS} wires", most)
    return max(most, 1)


def listed_generators(generators: Any, n_qubits: int) -> tuple[PauliSum, ...]:
    """Return the operators of a list as Pauli sums without their identity part.

    Raises `QvarError` if it is no list of operators.
    """
    if not isinstance(generators, list | tuple) or len(generators) == 0:
        kind = "an empty list" if isinstance(generators, list | tuple) else repr(type(generators).__name__)
        raise QvarError(f"`generators` must be an Ansatz or a list of PennyLane operators, but is {kind}.")
    return tuple(
        operator_sum(one, n_qubits, f"generators[{place}]").traceless() for place, one in enumerate(generators)
    )


def circuit_generators(ansatz: Ansatz) -> CircuitGenerators:
    r"""Return the generators of a circuit after its fixed gates are moved to its end.

    A free gate \(e^{-i (a\theta + b) G}\) after the fixed gates F (constant angles included, without those before the
    first free gate) enters as \(a F^\dagger G F\): with F moved behind it, the circuit consists of free gates alone,
    between a preparation V and one fixed unitary W.

    Gates that share a parameter, and commute with each other and with all gates in between, make one generator, the sum
    of theirs: \(\sum ZZ\) of a Hamiltonian-variational circuit. Other gates with one parameter count as separate
    generators, so that the algebra may be larger than that of the circuit.

    Raises `QvarError` if the angles are not affine in theta, or no gate has a free one.
    """
    program = ansatz.program
    if program.angle_function is not None:
        raise QvarError(f"`ansatz` must have angles that are affine in theta, but {ansatz.name} has others.")
    free = [{param: scale for param, scale in row.items() if scale != 0.0} for row in program.angle_rows]
    frame = Frame(program.n_qubits)
    preparation: list[tuple[MaskOp, float | None]] = []
    entries: list[tuple[int, PauliSum]] = []
    last: dict[int, int] = {}
    local: dict[MaskOp, PauliSum] = {}
    lowered = program.lowered
    sums = {int(slot) for slot in np.flatnonzero(program.kind == KIND_INDEX["ExcitationSum"]) if free[slot]}
    for index in range(len(lowered.x)):
        op, slot = _mask_op(lowered, index), int(lowered.slot[index])
        terms = free[slot] if not op.fixed and op.factor != 0.0 else {}
        if slot in sums and (index == 0 or lowered.slot[index - 1] != slot):
            image = frame(_generator_of_sum(program, slot))
            for param, scale in free[slot].items():
                _insert(entries, last, param, image.times(scale))
        elif terms and slot not in sums:
            bare = op._replace(factor=0.0, constant=0.0)
            if bare not in local:
                local[bare] = mask_sums(bare, program.n_qubits)[0].traceless()
            image = frame(local[bare])
            for param, scale in terms.items():
                _insert(entries, last, param, image.times(op.factor * scale))
        if slot in sums and program.offset[slot] == 0.0:
            continue  # its constant rotations undo each other
        angle = None if op.fixed else op.factor * float(program.offset[slot]) + op.constant
        if angle is None or abs(angle) > _NO_ANGLE:
            if last:
                frame.append(op, angle)
            else:
                preparation.append((op, angle))
    if not last:
        raise QvarError(f"`ansatz` must have a gate with a free angle, but {ansatz.name} has none.")
    return CircuitGenerators(
        tuple(generator for _, generator in entries), tuple(param for param, _ in entries), tuple(preparation), frame
    )


def _generator_of_sum(program: Program, slot: int) -> PauliSum:
    r"""Return \(i A / 2\) of an operation \(e^{\varphi A / 2}\), A a sum of excitations."""
    parts = []
    for excitation, c in terms_of(program.words[slot], program.op_wires(slot)).items():
        one = {excitation: 1.0}
        (op,) = KINDS[program.kind[slot]].lower(modes_of(one), word_of(one), program.n_qubits)
        parts.append(mask_sums(op, program.n_qubits)[0].traceless().times(c * op.factor))
    return added(parts)


def _mask_op(lowered: Lowered, index: int) -> MaskOp:
    return MaskOp(
        *(int(getattr(lowered, name)[index]) for name in "xzmf"),
        w=complex(lowered.w[index]),
        factor=float(lowered.factor[index]),
        constant=float(lowered.constant[index]),
        fixed=bool(lowered.fixed[index]),
    )


def _insert(entries: list[tuple[int, PauliSum]], last: dict[int, int], param: int, generator: PauliSum) -> None:
    """Append a generator, or add it to an earlier one of its parameter if the gates between commute with it."""
    if param in last:
        at = last[param]
        if all(commute(between, generator) for _, between in reversed(entries[at:])):
            entries[at] = (param, added([entries[at][1], generator]))
            return
    last[param] = len(entries)
    entries.append((param, generator))


def distinct(generators: Sequence[PauliSum]) -> tuple[PauliSum, ...]:
    """Return generators of norm 1 that are no multiples of each other, in order; zeros left out."""
    unique: dict[Any, PauliSum] = {}
    for one in generators:
        if len(one.x) == 0:
            continue
        order = np.argsort(one.x, kind="stable")
        order = order[np.argsort(one.z[order], kind="stable")]
        x, z, coefficients = one.x[order], one.z[order], one.coefficients.real[order] / one.norm
        coefficients = coefficients * (1.0 if coefficients[0] > 0 else -1.0)
        key = (x.tobytes(), z.tobytes(), (np.round(coefficients, 10) + 0.0).tobytes())
        unique.setdefault(key, PauliSum(one.n_qubits, x, z, coefficients.astype(np.complex128)))
    return tuple(unique.values())
