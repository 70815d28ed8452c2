"""The report of a ranking: the effect of each setting and each circuit, and the order of circuits in all settings."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from qvar._types import DataFrame
from qvar.analysis.rankings import BASELINE, SAME, RankingRow, orders, ranking_summary
from qvar.analysis.rows import known, typed, where
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import count, energy, family, number, once, values
from qvar.report.plots.ranking import energy_by_setting
from qvar.report.study_report import StudyReport, pictures
from qvar.report.table import Column, Part, Table
from qvar.report.terminal import to_terminal
from qvar.report.training import TRAINED_WORDS, rows_text, training_facts

_WORDS = (
    f"{TRAINED_WORDS} The same circuits were trained in several settings of one molecule, such as basis sets. In one "
    "setting the error is counted from the exact energy there; between settings of equal size what counts is how far "
    "the energy itself is from a limit that all of them share."
)

_NOTE = (
    "Energies are the lowest over the starts, errors the medians; to the limit: the lowest energy minus the limit. "
    "Ranks within a setting are by median error; errors within 0.001 mHa of each other share a rank."
)


def verdict(summary: DataFrame) -> str:
    """Return if the order of the contenders is the same in all settings; "" with fewer than two of either."""
    ranks = orders(summary)
    if len(ranks) < 2 or max(map(len, ranks.values())) < 2:
        return ""
    (setting, first), *others = ranks.items()
    changes = []
    for name, order in others:
        shared = [contender for contender in sorted(first, key=first.__getitem__) if contender in order]
        swapped = [f"{b} before {a}" for a, b in pairwise(shared) if order[b] < order[a]]
        if swapped:
            changes.append(f"in {name} {', '.join(swapped)}")
    if not changes:
        return f"The order of the circuits is the same in all {len(ranks)} settings."
    return f"The order of the circuits changes from that in {setting}: {'; '.join(changes)}."


def _gain(summary: DataFrame) -> str:
    """Return the differences between the settings and between the circuits in one sentence."""
    circuits = where(summary, (summary["setting"] != BASELINE) & summary["limit_error"].notna())
    if len(set(circuits["setting"])) < 2:
        return ""
    groups: Any = circuits.groupby("setting", sort=False)["limit_error"]
    best, widest = groups.min(), (groups.max() - groups.min()).max()
    return (
        f"The best circuit in each setting ends between {number(best.min())} mHa ({best.idxmin()}) and "
        f"{number(best.max())} mHa ({best.idxmax()}) above the limit; within one setting the circuits lie at most "
        f"{_small(widest)} mHa apart."
    )


def _small(value: float | None) -> str:
    """Format a distance in mHa; less than a thousandth is nothing."""
    return "<0.001" if known(value) and abs(value) < SAME else number(value)


def _facts(run: LoadedRun) -> dict[str, str]:
    limits = [f"{value:.8f} Ha" for value in run.ledger["limit"].dropna().unique()]
    settings = [name for name in values(run.ledger, "setting") if name != BASELINE]
    return {"Settings": ", ".join(settings), "Limit": ", ".join(limits), **training_facts(run)}


def _table(summary: DataFrame) -> Table[RankingRow]:
    rows = typed(summary, RankingRow)
    return Table(
        [
            Column("setting", lambda row: str(row.setting), "name", "page"),
            Column("setting", once(rows, "setting"), "name", "terminal"),
            Column("#", lambda row: count(row.rank)),
            Column("contender", lambda row: str(row.contender), "name"),
            Column("family", lambda row: family(row.family), "word", "page"),
            Column("qubits", lambda row: count(row.n_qubits)),
            Column("params", lambda row: count(row.n_params), stays=True),
            Column("energy (Ha)", lambda row: energy(row.best), short="energy\n[Ha]"),
            Column("error (mHa)", lambda row: _small(row.median), stays=True, short="error\n[mHa]"),
            Column("to the limit (mHa)", lambda row: number(row.limit_error), short="to the\nlimit\n[mHa]"),
        ],
        rows,
        [_NOTE],
    )


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    summary = ranking_summary(ledger)
    return [" ".join(filter(None, [_gain(summary), verdict(summary)])), _table(summary)]


def _text(ledger: DataFrame) -> str:
    summary = ranking_summary(ledger)
    table = _table(summary)
    rows = [row for row in table.rows if isinstance(row.message, str)]
    messages = [f"{row.contender} in {row.setting}: {row.message}" for row in rows]
    return to_terminal(table, notes=[*filter(None, [_gain(summary), verdict(summary)]), *messages])


RANKING = StudyReport(
    study="ranking",
    marks=frozenset({"setting"}),
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=lambda ledger, trace: pictures([energy_by_setting(ranking_summary(ledger), BASELINE)]),
    pictures=("energy_by_setting",),
    text=_text,
    rows=rows_text,
)
"""The report of a `qvar.Ranking`."""
