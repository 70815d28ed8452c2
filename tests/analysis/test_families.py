"""The best generic against the best constrained model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qvar.analysis import family_table
from qvar.report.families import family_rows, family_sentences


def ledger(errors: dict[tuple[str, str, int], list[float]], **more) -> pd.DataFrame:
    rows = [
        {"contender": name, "family": family, "n_params": n, "seed": seed, "test_error": error, "unit": "", **more}
        for (name, family, n), numbers in errors.items()
        for seed, error in enumerate(numbers)
    ]
    return pd.DataFrame(rows)


def test_the_best_of_each_family_are_compared_seed_by_seed() -> None:
    """Nine of ten wins: Clopper and Pearson's exact interval is [0.555, 0.997]; the ratio is e twice and 1 over e."""
    e = float(np.e)
    table = ledger(
        {
            ("wide", "generic", 9): [e * e] * 9 + [1 / e],
            ("wider", "generic", 12): [100.0] * 10,
            ("law", "constrained", 2): [1.0] * 10,
        }
    )
    (row,) = family_table(table).itertuples()
    assert (row.generic, row.generic_params, row.constrained, row.constrained_params) == ("wide", 9, "law", 2)
    assert (row.pairs, row.better, row.worse, row.verdict) == (10, 9, 1, "constrained")
    assert (row.share_low, row.share_high) == pytest.approx((0.55498, 0.99747), abs=1e-5)
    assert row.ratio == pytest.approx(np.exp(1.7))
    assert row.ratio_low < row.ratio < row.ratio_high
    (sentence,) = family_sentences(family_rows(table))
    assert sentence.startswith(
        "law (constrained, 2 parameters) has a lower error than wide (generic, 9) in 9 of 10 repetitions "
        "(95 % interval 55-100 %): the constrained model is better; the generic error is 5.5 ("
    )


def test_settings_are_compared_for_themselves() -> None:
    """Equal errors are no win, and a setting without one of the families has no row."""
    same = {("wide", "generic", 9): [1.0] * 4, ("law", "constrained", 2): [1.0] * 4}
    worse = {("wide", "generic", 9): [0.5] * 8, ("law", "constrained", 2): [1.0] * 8}
    alone = {("law", "constrained", 2): [1.0] * 4}
    table = pd.concat(
        [
            ledger(same, training_size=10, aic=1.0),
            ledger(worse, training_size=2000, aic=2.0),
            ledger(alone, training_size=30),
        ]
    )
    first, second = family_table(table).itertuples()
    assert (first.setting, first.pairs, first.better, first.verdict) == ("10 training data", 4, 0, "undecided")
    assert (first.share_low, first.share_high, first.aic) == (0.0, 1.0, 0.0)
    assert (second.setting, second.verdict) == ("2,000 training data", "generic")
    apart = pd.concat([ledger(same, data="digits"), ledger(worse, data="least squares")])
    assert [row.setting for row in family_table(apart).itertuples()] == ["digits", "least squares"]
    assert family_table(table, column="accuracy").empty
    assert family_table(table.assign(family="generic")).empty
