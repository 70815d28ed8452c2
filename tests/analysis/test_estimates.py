"""Estimates against exact values: bias and coverage of a ledger that is written by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from qvar.analysis import estimate_table


def _row(seed: int, triple: list[float | None], model: str = "line") -> dict[str, object]:
    names = {"problem": "data", "level": 10, "level_name": "shots", "model": model, "family": "constrained"}
    return {**names, "seed": seed, "estimates": json.dumps({"slope": triple})}


def test_bias_and_coverage() -> None:
    rows = [_row(0, [2.2, 0.1, 2.0]), _row(1, [1.9, 0.1, 2.0]), _row(2, [2.1, 0.1, 2.0]), _row(3, [2.4, None, 2.0])]
    (row,) = estimate_table(pd.DataFrame(rows)).itertuples(index=False)
    assert (row.quantity, row.problem, row.level, row.model, row.seeds) == ("slope", "data", 10, "line", 4)
    assert row.truth == 2.0
    assert row.median == pytest.approx(2.15)
    assert row.bias == pytest.approx(0.15)
    assert row.bias_low < 0.15 < row.bias_high
    assert (row.covered, row.intervals) == (2, 3)  # 2.2 lies two standard errors off
    assert row.coverage == pytest.approx(2 / 3)
    assert row.coverage_low == pytest.approx(0.0943, abs=1e-4)  # Clopper and Pearson 1934, 2 of 3
    assert row.coverage_high == pytest.approx(0.9916, abs=1e-4)


def test_quantities_without_intervals() -> None:
    (row,) = estimate_table(pd.DataFrame([_row(0, [2.2, None, 2.0])])).itertuples(index=False)
    assert row.intervals == row.covered == 0
    assert np.isinf(row.standard_error)
    assert pd.isna(row.coverage)
    assert pd.isna(row.bias_low)
    assert estimate_table(pd.DataFrame({"seed": [0]})).empty
