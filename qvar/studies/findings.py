"""Findings of the checks of an ansatz, and the words of their sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qvar.ansatz.ansatz import Ansatz
from qvar.short_repr import short_repr

VALUE_TOLERANCE = 1e-10
"""Largest difference of two simulators in an energy, in its unit, and of a symmetry from its value."""

MAX_QUBITS = 16
"""Largest register that PennyLane and the dense engine simulate."""


@short_repr()
@dataclass(frozen=True)
class Finding:
    """Result of one check."""

    check: str
    """Name of the check, such as `gradient`."""
    passed: bool | None
    """True if the check is met; None for a remark, which is no fault of the ansatz."""
    sentence: str
    """The result, or the fault, in one sentence."""
    figure: float | None = None
    """Number of the result: the largest deviation, a count, or seconds; None if there is none."""


def left_out(check: str, ansatz: Ansatz) -> Finding:
    """Return the remark that a check needs too many amplitudes."""
    sentence = f"Left out: {ansatz.n_qubits} qubits are too many for all amplitudes; choose a smaller problem."
    return Finding(check, None, sentence)


def listed(parameters: Sequence[int]) -> str:
    """Return parameters by number, such as "parameters 0, 1, 2, 3 and 5 more"."""
    if len(parameters) == 1:
        return f"parameter {parameters[0]}"
    numbers = [str(parameter) for parameter in parameters[:4]]
    rest = len(parameters) - len(numbers)
    if rest:
        return f"parameters {', '.join(numbers)} and {rest} more"
    return f"parameters {', '.join(numbers[:-1])} and {numbers[-1]}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as "3 gates"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def within(deviation: float) -> str:
    """Return the words for a deviation."""
    return f", within {deviation:.0e}" if deviation else " exactly"


def tidy(number: float) -> str:
    """Return a number without rounding errors."""
    return f"{round(float(number), 10) + 0.0:g}"
