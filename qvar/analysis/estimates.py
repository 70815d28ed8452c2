"""Quantities that follow from fits, against their exact values: bias, and how often their intervals hold."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.paired import exact_interval, mean_interval
from qvar.analysis.rows import records, where

_NORMAL = 1.959963984540054
"""Standard errors from the middle of a 95 % interval to its ends."""


class EstimateRow(NamedTuple):
    """A row of `estimate_table`."""

    quantity: str
    problem: str
    level: int
    level_name: str
    model: str
    family: str
    seeds: int
    truth: float
    median: float
    bias: float | None
    bias_low: float | None
    bias_high: float | None
    standard_error: float
    intervals: int
    covered: int
    coverage: float | None
    coverage_low: float
    coverage_high: float


def estimate_table(ledger: DataFrame) -> DataFrame:
    """Compare the estimates of quantities with their exact values, over the repetitions of an experiment.

    Args:
        ledger: that of a `qvar.Selection` whose data have exact values of the quantities of its models.

    Returns:
        One row per quantity, data (`problem`), level and model, with `seeds` (repetitions), `truth` (exact value),
        `median` of the estimates; `bias` (mean of estimate minus truth) with its 95 % bootstrap interval over the
        repetitions;
        `standard_error` (median, infinite if the data do not determine the quantity), `intervals` (repetitions with
        a finite one), `covered` (those whose interval of 1.96 standard errors holds the truth), `coverage` (their
        share) with its exact 95 % interval (Clopper and Pearson 1934).
    """
    import pandas as pd

    rows: list[EstimateRow] = []
    if "estimates" in ledger:
        some: Any = where(ledger, ledger["estimates"].notna())
        for _, group in some.groupby(["problem", "level", "model"], sort=False):
            numbers: dict[str, list[list[float | None]]] = {}
            for entry in group["estimates"]:
                for quantity, triple in json.loads(entry).items():
                    numbers.setdefault(quantity, []).append(triple)
            rows += [_row(name, records(group)[0], triples) for name, triples in numbers.items()]
        order = list(dict.fromkeys(row.quantity for row in rows))
        rows.sort(key=lambda row: order.index(row.quantity))
    return pd.DataFrame(rows, columns=list(EstimateRow._fields))


def _row(quantity: str, record: Any, triples: list[list[float | None]]) -> EstimateRow:
    table = np.array([[np.inf if number is None else number for number in triple] for triple in triples])
    estimates, errors, truth = table[:, 0], table[:, 1], float(table[0, 2])
    known = np.isfinite(errors)
    covered = int(np.sum(np.abs(estimates - truth)[known] <= _NORMAL * errors[known]))
    intervals = int(known.sum())
    low, high = exact_interval(covered, intervals)
    bias_low, bias_high = mean_interval(estimates - truth)
    return EstimateRow(
        quantity=quantity,
        problem=str(record.problem),
        level=int(record.level),
        level_name=str(record.level_name or ""),
        model=str(record.model),
        family=str(record.family),
        seeds=len(table),
        truth=truth,
        median=float(np.median(estimates)),
        bias=float(np.mean(estimates - truth)),
        bias_low=bias_low,
        bias_high=bias_high,
        standard_error=float(np.median(errors)),
        intervals=intervals,
        covered=covered,
        coverage=covered / intervals if intervals else None,
        coverage_low=low,
        coverage_high=high,
    )
