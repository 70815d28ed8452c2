"""The best generic model against the best constrained one, repetition by repetition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.paired import exact_interval, mean_interval
from qvar.analysis.rows import known, shared, where

SETTINGS = ("entry", "problem", "data", "level", "training_size")
"""Columns that distinguish the settings in which families are compared, each for itself, if a ledger has them."""

_SAME = 1e-9
"""Relative difference below which errors are equal."""


class FamilyRow(NamedTuple):
    """A row of `family_table`."""

    setting: str
    generic: str
    constrained: str
    generic_params: int
    constrained_params: int
    generic_error: float
    constrained_error: float
    pairs: int
    better: int
    worse: int
    share: float | None
    share_low: float
    share_high: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    aic: float | None
    bic: float | None
    verdict: str
    unit: str


def family_table(ledger: DataFrame, *, column: str = "test_error", settings: Sequence[str] = SETTINGS) -> DataFrame:
    """Compare the best generic with the best constrained model in each setting of a ledger.

    The best of a family has the lowest median error over the seeds, which are the repetitions of an experiment; both
    are chosen by the errors that are compared, so that a close call may be an accident of the choice.

    Args:
        ledger: a run's ledger with columns `contender` (or `model`), `family`, `n_params`, `seed` and the error.
        column: column of the error; lower is better.
        settings: columns whose values are compared separately.

    Returns:
        One row per setting with models of both families: names, parameters, and median errors; `pairs` (seeds with
        both), `better` and `worse` (the constrained model has the lower or the higher error), `share` (better among
        those that differ) with its exact 95 % interval (Clopper and Pearson 1934); `ratio` (geometric mean of the
        generic over the constrained error) with its 95 % bootstrap interval over seeds; `aic`, `bic` (median of the
        criterion of the generic model minus that of the constrained one, positive if the constrained one is preferred);
        `verdict`: "constrained" or "generic" if the interval of the share is above or below one half, else "undecided".
    """
    import pandas as pd

    rows: list[FamilyRow] = []
    if len(ledger) and {column, "family", "seed"} <= set(ledger.columns):
        names: Any = ledger["contender"] if "model" not in ledger else ledger["model"].fillna(ledger["contender"])
        finite = np.isfinite(ledger[column].to_numpy(float, na_value=np.nan))
        parts = settings_of(where(ledger.assign(model_name=names), finite), settings)
        rows = [row for setting, group in parts if (row := _row(setting, group, column)) is not None]
    return pd.DataFrame(rows, columns=list(FamilyRow._fields))


def settings_of(ledger: DataFrame, settings: Sequence[str] = SETTINGS) -> list[tuple[str, DataFrame]]:
    """Return the settings of a ledger, each with its name in words and its rows; "" if there is one."""
    everything: Any = ledger
    kept = [name for name in settings if name in everything and everything[name].nunique() > 1]
    if not kept:
        return [("", ledger)]
    parts = []
    for key, group in everything.groupby(kept, sort=False, dropna=False):
        words = [_word(group, name, value) for name, value in zip(kept, key, strict=True) if known(value)]
        parts.append((", ".join(words), group))
    return parts


def _row(setting: str, group: DataFrame, column: str) -> FamilyRow | None:
    best = {family: _best(group, family, column) for family in ("generic", "constrained")}
    generic, constrained = best["generic"], best["constrained"]
    if generic is None or constrained is None:
        return None
    seeds = generic.index.intersection(constrained.index)
    pair = np.array([frame.loc[seeds, column].to_numpy(float) for frame in (generic, constrained)])
    differ = np.abs(pair[0] - pair[1]) > _SAME * np.abs(pair).max(axis=0)
    better = int(np.sum(differ & (pair[1] < pair[0])))
    worse = int(np.sum(differ)) - better
    low, high = exact_interval(better, better + worse)
    logs = np.log(pair[0] / pair[1]) if len(seeds) and np.all(pair > 0) else np.array([])
    ends = [None if end is None else float(np.exp(end)) for end in mean_interval(logs)]
    return FamilyRow(
        setting=setting,
        generic=str(generic["model_name"].iloc[0]),
        constrained=str(constrained["model_name"].iloc[0]),
        generic_params=int(generic["n_params"].iloc[0]),
        constrained_params=int(constrained["n_params"].iloc[0]),
        generic_error=float(generic[column].median()),
        constrained_error=float(constrained[column].median()),
        pairs=len(seeds),
        better=better,
        worse=worse,
        share=better / (better + worse) if better + worse else None,
        share_low=low,
        share_high=high,
        ratio=float(np.exp(logs.mean())) if len(logs) else None,
        ratio_low=ends[0],
        ratio_high=ends[1],
        aic=_difference(generic, constrained, "aic"),
        bic=_difference(generic, constrained, "bic"),
        verdict="constrained" if low > 0.5 else "generic" if high < 0.5 else "undecided",
        unit=str(shared(group, "unit") or ""),
    )


def _best(group: DataFrame, family: str, column: str) -> Any:
    """Return the rows of the family's model of the lowest median, by seed; None without a model."""
    own: Any = where(group, group["family"] == family)
    if own.empty:
        return None
    medians = own.groupby("model_name", sort=False)[column].median()
    return own[own["model_name"] == medians.astype(float).idxmin()].drop_duplicates("seed").set_index("seed")


def _difference(generic: Any, constrained: Any, column: str) -> float | None:
    if column not in generic:
        return None
    differences = (generic[column] - constrained[column]).dropna()
    return float(differences.median()) if len(differences) else None


def _word(group: DataFrame, name: str, value: Any) -> str:
    """Return the value of a setting in words."""
    if name == "level":
        word = str(shared(group, "level_name") or "")
        return f"{value:,.0f} {word.removesuffix('s') if value == 1 else word}".rstrip()
    return f"{value:,.0f} training data" if name == "training_size" else str(value)
