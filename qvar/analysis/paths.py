"""Paths that a ledger holds as JSON: the steps of circuits that grow, and of circuits that are made smaller."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from qvar._types import DataFrame
from qvar.analysis.rows import Record, known, typed
from qvar.errors import QvarError


class GrownStep(NamedTuple):
    """A circuit after a step of its growth."""

    operators: int
    parameters: int
    cnots: int | None
    evaluations: int
    error: float | None


class GrowthRow(NamedTuple):
    """A row of a ledger whose circuit may have grown."""

    contender: str
    unit: str | None
    growth: str | None
    growth_end: str | None


class SmallerStep(NamedTuple):
    """A circuit after a step that made it smaller."""

    action: str
    parameters: int
    value: float
    rise: float
    predicted_rise: float | None
    cnots: int | None
    t_gates: int | None
    bits: int | None
    sampled_rise: list[float] | None


class CompressionRow(NamedTuple):
    """A row of the ledger of a compression."""

    contender: str
    circuit: str
    recipe: str
    family: str
    seed: int
    unit: str
    reference: float
    error: float
    correlation_recovered: float | None
    start_value: float | None
    trained_value: float
    training_evaluations: int
    compression: str | None


class CompressionPath(NamedTuple):
    """A row, and the steps from the trained circuit to the smallest."""

    row: CompressionRow
    steps: list[SmallerStep]


def growths(ledger: DataFrame) -> list[tuple[GrowthRow, list[GrownStep]]]:
    """Return the rows of circuits that have grown, each with its steps."""
    rows = [row for row in typed(ledger, GrowthRow) if known(row.growth)]
    return [(row, _steps(GrownStep, "growth", row.growth)) for row in rows]


def compressions(ledger: DataFrame) -> dict[str, CompressionPath]:
    """Return the path of the first seed of each contender."""
    paths: dict[str, CompressionPath] = {}
    for row in typed(ledger, CompressionRow):
        if known(row.compression):
            paths.setdefault(row.contender, CompressionPath(row, _steps(SmallerStep, "compression", row.compression)))
    return paths


def _steps(kind: type[Record], column: str, text: str | None) -> list[Record]:
    make: Any = kind
    return [make(*map(step.get, make._fields)) for step in listed_steps(column, text)]


def listed_steps(column: str, text: str | None) -> list[dict[str, Any]]:
    """Return the steps that a column holds as a JSON list; none if it is empty, `QvarError` if it is no such list."""
    try:
        steps = json.loads(text) if text else []
    except (TypeError, ValueError):
        raise QvarError(f"`{column}` must be a JSON list, but is {text!r:.60}.") from None
    return list(steps)
