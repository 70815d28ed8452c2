"""How a duel is told: who came closest to the exact value, at what cost."""

from __future__ import annotations

from typing import Any

from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.accuracy_tables import accuracy_html
from qvar.report.plot_style import Drawing
from qvar.report.plots.front import error_vs_cost
from qvar.report.plots.training import error_vs_step
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, render
from qvar.report.training_tables import (
    add_names,
    budget_facts,
    common,
    contender_table,
    names,
    page_notes,
    rows_text,
    terminal_notes,
    value_words,
)
from qvar.report.view import View

TRAINED_WORDS = (
    "Generic contenders have free parameters that know nothing of the problem; constrained contenders carry "
    "its physics. All were trained with the same method, budget and number of starts."
)

STARTS = "Starts (seeds)"
"""Name of the fact that says how many starts each contender had."""


def _facts(run: LoadedRun) -> dict[str, str]:
    references = [f"{value:.8f}" for value in run.ledger["reference"].dropna().unique()]
    exact = " ".join([", ".join(references[:5]) or "not known", *pieces.values(run.ledger, "unit")[:1]])
    return {"Exact reference": exact, **training_facts(run)}


def training_facts(run: LoadedRun) -> dict[str, str]:
    """How the contenders were trained."""
    seeds = len(pieces.values(run.ledger, "seed"))
    return {
        "Method": ", ".join(pieces.values(run.ledger, "method")),
        STARTS: f"{seeds} per contender" if seeds else "",
        "Budget": budget_facts(run.case.get("budget") or {}),
    }


def _result(ledger: Frame, trace: Frame) -> str:
    summary = tables.summary(ledger)
    return _headline(summary) + _summary_table(summary) + page_notes(summary, _SUMMARY_NOTE)


_SUMMARY_NOTE = (
    "The lowest median error comes first. Best and median are of |value - reference| over the seeds. Evaluations are "
    "medians per seed. Times are those of the whole batch of seeds, compilation apart."
)


def _headline(summary: Frame) -> str:
    """The result in a sentence or two: who came closest, and who reached chemical accuracy most cheaply."""
    ranked: Frame = summary[summary["median"].notna() & (summary["quantity"] == "error")]
    if ranked.empty:
        return ""
    best = tables.lowest(ranked, "median")
    said = [
        f"The lowest median error is that of <b>{pieces.text(best['label'])}</b>, "
        f"{pieces.text(tables.error_words(best['median'], best['unit']))} {pieces.text(best['unit'])} with "
        f"{tables.count(best['n_params'])} parameters."
    ]
    reached = ranked[ranked["within"].notna() & (ranked["median"] <= 1.6) & ranked["n_params"].notna()]
    if len(reached):
        least = reached.loc[reached["n_params"].astype(float).idxmin()]
        said.append(
            f"The fewest parameters with a median error within chemical accuracy (1.6 mHa) are those of "
            f"<b>{pieces.text(least['label'])}</b>, {tables.count(least['n_params'])}."
        )
    elif ranked["within"].notna().any():
        said.append("No contender's median error is within chemical accuracy (1.6 mHa).")
    return f"<p>{' '.join(said)}</p>"


def _summary_table(summary: Frame) -> str:
    summary = tables.errors_alone(summary)
    units = {(row.quantity, row.unit) for row in tables.records(summary) if tables.known(row.best)}
    quantity, shared = units.pop() if len(units) == 1 else ("", "")  # told once in the head where all rows agree
    in_unit = f"{quantity} ({shared})" if shared else quantity or "error"
    heads = [
        f"best {in_unit}", f"median {in_unit}", "within 1.6 mHa", "evaluations",
        "evals to 1.6 mHa", "time",
    ]  # fmt: skip
    rows = []
    for row in tables.records(summary):
        noun = "" if quantity or row.quantity == "error" else " (value)"
        unit = "" if quantity else f" {pieces.text(row.unit)}"
        cells = [
            f"{pieces.text(_shown(row, row.best))}{unit}{noun}" if tables.known(row.best) else tables.NOTHING,
            f"{pieces.text(_shown(row, row.median))}{unit}{noun}" if tables.known(row.median) else tables.NOTHING,
            tables.within_words(row),
            tables.count(row.evaluations),
            tables.count(row.evaluations_to_tolerance),
            tables.seconds(row.wall_s),
        ]
        rows.append((row, cells))
    return contender_table(heads, rows)


def _summary_text(ledger: Frame) -> str:
    """The summary of a ledger, one row per contender, the best first, with what failed and why below it.

    Args:
        ledger: a run's ledger.
    """
    summary = tables.summary(ledger)
    shown = tables.errors_alone(summary)
    table = empty_table()
    unit = common(shown.loc[shown["best"].notna(), "unit"])
    quantity = "value" if common(summary["quantity"]) == "value" else "error"
    in_unit = f"\n\\[{unit}]" if unit else ""
    within = bool(summary["within"].notna().any())
    add_names(table)
    table.add_column(f"best\n{quantity}{in_unit}", justify="right", no_wrap=True)
    table.add_column(f"median\n{quantity}{in_unit}", justify="right", no_wrap=True, essential=True)
    if within:
        table.add_column("within\n1.6\nmHa", justify="right", no_wrap=True)
    for name in ("median\nevals", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in tables.records(shown):
        own_unit = "" if unit or not row.unit or not tables.known(row.best) else f" {row.unit}"
        cells = [*names(row), _shown(row, row.best) + own_unit, _shown(row, row.median) + own_unit]
        cells += [tables.within_words(row)] if within else []
        table.add_row(*cells, tables.count(row.evaluations), tables.seconds(row.wall_s))
    return render(table, terminal_notes(ledger, summary))


def _shown(row: Any, number: Any) -> str:
    return tables.error_words(number, row.unit) if row.quantity == "error" else value_words(number)


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    table = tables.summary(ledger)
    drawn, missing = table[table["finite"] > 0], [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    if drawn.empty:
        return [], missing
    found = [error_vs_step(trace, ledger, drawn), error_vs_cost(ledger, drawn)]
    return [drawing for drawing in found if drawing is not None], missing


def _sections(ledger: Frame, trace: Frame) -> dict[str, str]:
    return {"How surely, how soon, at what price": accuracy_html(ledger, trace)}


DUEL = View(
    recognises=lambda ledger: True,
    words=TRAINED_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("error_vs_step", "error_vs_cost"),
    text=_summary_text,
    rows=rows_text,
    sections=_sections,
)
"""The view of a duel, and of every ledger that is of no other kind."""
