"""The circuits of a run as text, for its report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_LINE = 100
"""Letters of a line."""


def circuits_of(study: Any) -> dict[str, str]:
    """Return {title: operations} of the circuits of a study; {} if it has none.

    Of a contender that is made for every point of a study, it is the circuit at the first point, and the title
    names the point.
    """
    from qvar.ansatz.drawing import operations_table

    circuits: dict[str, tuple[str, Any]] = {}
    several = set()
    for name, point, ansatz in _named(study):
        if name in circuits:
            several.add(name)
        circuits.setdefault(name, (point, ansatz))
    return {
        f"{name} (the first point: {point})" if name in several and point else name: operations_table(
            ansatz.program, None, False, _LINE
        )
        for name, (point, ansatz) in circuits.items()
    }


def _named(study: Any) -> Iterator[tuple[str, str, Any]]:
    """Return name, point and ansatz of every circuit of a study, in its order."""
    from qvar.ansatz.ansatz import Ansatz

    contenders = getattr(study, "contenders", ())
    pairs = [({}, one) for one in contenders] if isinstance(contenders, list | tuple) else []
    if not any(isinstance(one, Ansatz) for _, one in pairs):
        trainings = getattr(study, "trainings", None)
        pairs = getattr(study, "circuits", [])
        pairs = [(row, training.contender) for row, training in trainings()] if trainings else pairs
    for row, ansatz in pairs:
        if isinstance(ansatz, Ansatz):
            yield row.get("contender", ansatz.name), _point(study, row), ansatz


def _point(study: Any, row: dict[str, Any]) -> str:
    """Return the words of a point: a coordinate, a size, or a setting."""
    if "coordinate" in row:
        return f"{study.coordinate} {row['coordinate']:g} {study.unit}".rstrip()
    return f"{study.size_name} {row['size']}" if "size" in row else str(row.get("setting", ""))
