"""How a ranking is told: what each setting gains, what each circuit, and whether the order of circuits stays."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.duel_view import TRAINED_WORDS, training_facts
from qvar.report.plot_style import Drawing
from qvar.report.plots.ranking import energy_by_setting
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, plain, render
from qvar.report.training_tables import rows_text, value_words
from qvar.report.view import View
from qvar.units import MILLIHARTREE_PER_HARTREE

if TYPE_CHECKING:
    import pandas as pd

BASELINE = "baseline"
"""Setting of the rows that no circuit made."""

_WORDS = (
    f"{TRAINED_WORDS} The same circuits were trained in several settings of one molecule, such as basis sets. In one "
    "setting the error is counted from the exact energy there; between settings of equal size what counts is how far "
    "the energy itself is from a limit that all of them share."
)

_NOTE = (
    "Energies are the lowest over the starts, errors the medians; to the limit: the lowest energy minus the limit. "
    "Ranks within a setting are by median error; errors within 0.001 mHa of each other share a rank."
)

_SAME = 1e-3
"""Median errors closer than this, in mHa, are one rank."""


def is_ranking(ledger: Frame) -> bool:
    """Whether a ledger is that of a `qvar.Ranking`."""
    return "setting" in ledger.columns


def ranking_summary(ledger: Frame) -> pd.DataFrame:
    """One row per setting and contender, settings as they stand in the ledger, the lowest median error first.

    Args:
        ledger: a ranking's ledger.

    Returns:
        Columns: `setting`, `contender`, `family`, `n_qubits`, `n_params`, `seeds`, `converged`, `best` (lowest energy),
        `median` (of the error, in mHa), `limit_error` (of the lowest energy, in mHa), `rank` (within the setting),
        `message`.
    """
    import pandas as pd

    entries: list[dict[str, Any]] = []
    for (setting, contender), group in ledger.groupby(["setting", "contender"], dropna=False, sort=False):
        finite = group[group["value"].notna()]
        median = MILLIHARTREE_PER_HARTREE * finite["error"].median() if len(finite) else None
        messages = group["message"].dropna() if "message" in group.columns else []
        entries.append(
            {
                "setting": setting,
                "contender": contender,
                "family": group["family"].iloc[0],
                "n_qubits": group["n_qubits"].iloc[0],
                "n_params": group["n_params"].iloc[0],
                "seeds": len(group),
                "converged": int((group["status"] == "converged").fillna(False).sum()),
                "best": finite["value"].min() if len(finite) else None,
                "median": median,
                "limit_error": MILLIHARTREE_PER_HARTREE * finite["limit_error"].min() if len(finite) else None,
                "message": "; ".join(dict.fromkeys(map(str, messages))) or None,
            }
        )
    table = pd.DataFrame(entries)
    if table.empty:
        return table
    settings = list(dict.fromkeys(table["setting"]))
    table = table.sort_values(
        ["setting", "median"],
        key=lambda column: column.map(settings.index) if column.name == "setting" else column.astype(float),
        kind="stable",
        na_position="last",
    ).reset_index(drop=True)
    table["rank"] = [rank for setting in settings for rank in _ranks(table[table["setting"] == setting])]
    return table


def _ranks(group: Frame) -> list[int | None]:
    """1, 2, ... in the order of the rows; equal errors share a rank, what has none has no rank."""
    ranks: list[int | None] = []
    last = float("-inf")
    for position, error in enumerate(group["median"].astype(float), start=1):
        if error != error:
            ranks.append(None)
        elif ranks and ranks[-1] is not None and error - last <= _SAME:
            ranks.append(ranks[-1])
        else:
            ranks.append(position)
            last = error
    return ranks


def verdict(summary: Frame) -> str:
    """Whether the order of the contenders is the same in all settings; empty with fewer than two of either."""
    circuits: Frame = summary[summary["setting"] != BASELINE]
    orders = {
        str(setting): {str(row.contender): row.rank for row in tables.records(group) if tables.known(row.rank)}
        for setting, group in circuits.groupby("setting", sort=False)
    }
    if len(orders) < 2 or max(map(len, orders.values())) < 2:
        return ""
    first, *others = orders.items()
    swapped = []
    for setting, order in others:
        shared = [name for name in sorted(first[1], key=lambda name: first[1][name]) if name in order]
        turned = [f"{b} before {a}" for a, b in pairwise(shared) if order[b] < order[a]]
        if turned:
            swapped.append(f"in {setting} {', '.join(turned)}")
    if not swapped:
        return f"The order of the circuits is the same in all {len(orders)} settings."
    return f"The order of the circuits changes from that in {first[0]}: {'; '.join(swapped)}."


def _small(number: Any) -> str:
    """A distance in mHa; what is below a thousandth is nothing."""
    return "<0.001" if tables.known(number) and abs(float(number)) < _SAME else tables.number(number)


def _gain(summary: Frame) -> str:
    """How much the settings and how much the circuits differ, in one sentence."""
    circuits: Frame = summary[(summary["setting"] != BASELINE) & summary["limit_error"].notna()]
    if circuits.empty or circuits["setting"].nunique() < 2:
        return ""
    best = circuits.groupby("setting", sort=False)["limit_error"].min()
    within = circuits.groupby("setting", sort=False)["limit_error"].agg(lambda column: column.max() - column.min())
    said = (
        f"The best circuit in each setting ends between {tables.number(best.min())} mHa ({best.idxmin()}) and "
        f"{tables.number(best.max())} mHa ({best.idxmax()}) above the limit"
    )
    return f"{said}; within one setting the circuits lie at most {_small(within.max())} mHa apart."


def _facts(run: LoadedRun) -> dict[str, str]:
    limits = [f"{value:.8f} Ha" for value in run.ledger["limit"].dropna().unique()]
    settings = [name for name in pieces.values(run.ledger, "setting") if name != BASELINE]
    return {"Settings": ", ".join(settings), "Limit": ", ".join(limits), **training_facts(run)}


def _result(ledger: Frame, trace: Frame) -> str:
    summary = ranking_summary(ledger)
    said = " ".join(filter(None, [_gain(summary), verdict(summary)]))
    heads = [
        "setting",
        "#",
        "contender",
        "family",
        "qubits",
        "params",
        "energy (Ha)",
        "error (mHa)",
        "to the limit (mHa)",
    ]
    lines = []
    for row in tables.records(summary):
        cells = [
            (pieces.text(row.setting), "name"),
            (tables.count(row.rank), "number"),
            pieces.name(row.contender),
            pieces.family(row.family),
            (tables.count(row.n_qubits), "number"),
            (tables.count(row.n_params), "number"),
            (value_words(row.best), "number"),
            (_small(row.median), "number"),
            (tables.number(row.limit_error), "number"),
        ]
        lines.append(cells)
    return f'<p>{pieces.text(said)}</p>{pieces.table(heads, lines)}<p class="note">{pieces.text(_NOTE)}</p>'


def _text(ledger: Frame) -> str:
    summary = ranking_summary(ledger)
    table = empty_table()
    table.add_column("setting", overflow="fold", min_width=8)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("contender", overflow="fold", min_width=8)
    for name in ("qubits", "params", "energy\n\\[Ha]", "error\n\\[mHa]", "to the\nlimit\n\\[mHa]"):
        table.add_column(name, justify="right", no_wrap=True, essential=name in ("params", "error\n\\[mHa]"))
    before = None
    for row in tables.records(summary):
        table.add_row(
            plain(row.setting) if row.setting != before else "",
            tables.count(row.rank),
            plain(row.contender),
            tables.count(row.n_qubits),
            tables.count(row.n_params),
            value_words(row.best),
            _small(row.median),
            tables.number(row.limit_error),
        )
        before = row.setting
    messages = [
        f"{row.contender} in {row.setting}: {row.message}"
        for row in tables.records(summary)
        if isinstance(row.message, str)
    ]
    return render(table, [*filter(None, [_gain(summary), verdict(summary)]), *messages])


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    drawing = energy_by_setting(ranking_summary(ledger), BASELINE)
    return ([] if drawing is None else [drawing]), []


RANKING = View(
    recognises=is_ranking,
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("energy_by_setting",),
    text=_text,
    rows=rows_text,
)
"""The view of a `qvar.Ranking`."""
