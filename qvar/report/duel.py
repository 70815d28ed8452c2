"""The report of a duel: the contenders closest to the exact value, and their costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qvar._types import DataFrame
from qvar.analysis.rows import shown_errors, some, typed, where
from qvar.analysis.summaries import ContenderRow, errors_alone, lowest, summary
from qvar.records.run_folder import LoadedRun
from qvar.report.accuracy import accuracy_parts
from qvar.report.families import family_rows, family_sentences
from qvar.report.formats import bold, common, count, counted, energy, error_words, seconds, values
from qvar.report.plot_style import drawn_errors
from qvar.report.plots.front import error_vs_cost
from qvar.report.plots.training import error_vs_step
from qvar.report.table import NOTHING, Bullets, Column, Part, Span, Table
from qvar.report.training import contender_columns, contenders_report, training_facts, within_columns

_NOTE = (
    "The lowest median error comes first. Best and median are of |value - reference| over the seeds. Evaluations are "
    "medians per seed. Times are those of the whole batch of seeds, compilation apart."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    references = [f"{value:.8f}" for value in run.ledger["reference"].dropna().unique()]
    exact = " ".join([", ".join(references[:5]) or "not known", *values(run.ledger, "unit")[:1]])
    return {"Exact reference": exact, **training_facts(run)}


def _headline(contenders: DataFrame) -> list[Part]:
    """Return the lowest error, and the fewest parameters within chemical accuracy, in a sentence each."""
    ranked = where(contenders, contenders["median"].notna() & (contenders["quantity"] == "error"))
    if ranked.empty:
        return []
    best = lowest(ranked, "median")
    spans: list[str | Span] = [
        "The lowest median error is that of ",
        bold(best["label"]),
        f", {error_words(best['median'], best['unit'])} {best['unit']} with {counted(best['n_params'], 'parameter')}.",
    ]
    reached = where(ranked, ranked["within"].notna() & (ranked["median"] <= 1.6) & ranked["n_params"].notna())
    if len(reached):
        least: Any = reached.loc[reached["n_params"].astype(float).idxmin()]
        words = " The fewest parameters with a median error within chemical accuracy (1.6 mHa) are those of "
        spans += [words, bold(least["label"]), f", {count(least['n_params'])}."]
    elif some(ranked["within"].notna()):
        spans.append(" No contender's median error is within chemical accuracy (1.6 mHa).")
    return [tuple(spans)]


def _table(contenders: DataFrame) -> Table[ContenderRow]:
    rows = errors_alone(contenders)
    units = set(where(rows, rows["best"].notna())["unit"])
    unit = str(units.pop()) if len(units) == 1 else ""
    quantity = "value" if common(contenders, "quantity") == "value" else "error"

    def column(name: str) -> Column[ContenderRow]:
        def cell(row: ContenderRow) -> str:
            value = getattr(row, name)
            words = error_words(value, row.unit) if row.quantity == "error" else energy(value)
            return words if unit or not row.unit or words == NOTHING else f"{words} {row.unit}"

        head = f"{name} {quantity}" + (f" ({unit})" if unit else "")
        short = f"{name}\n{quantity}" + (f"\n[{unit}]" if unit else "")
        return Column(head, cell, stays=name == "median", short=short)

    arrival: list[Column[ContenderRow]] = [
        Column("evals to 1.6 mHa", lambda row: count(row.evaluations_to_tolerance), show="page")
    ]
    return Table(
        [
            *contender_columns(contenders),
            column("best"),
            column("median"),
            *within_columns(contenders),
            Column("evaluations", lambda row: count(row.evaluations), short="median\nevals"),
            *(arrival if within_columns(contenders) else []),
            Column("time", lambda row: seconds(row.wall_s)),
        ],
        typed(rows, ContenderRow),
    )


def _verdict(ledger: DataFrame) -> list[Part]:
    """Return the best generic against the best constrained contender of each problem, if errors are known."""
    numbers, quantity, unit = shown_errors(ledger)
    if quantity != "error":
        return []
    errors = drawn_errors(numbers.to_numpy(float, na_value=float("nan")), quantity, unit)
    rows = family_rows(ledger.assign(shown_error=errors), "shown_error")
    sentences = family_sentences(rows, repetitions="pairs of starts")
    return [Bullets(sentences)] if len(sentences) > 1 else list(sentences)


_CONTENDERS = contenders_report(
    study="duel",
    marks=frozenset(),
    facts=_facts,
    summarize=summary,
    headline=_headline,
    table=_table,
    note=_NOTE,
    draw=lambda ledger, trace, drawn: [error_vs_step(trace, ledger, drawn), error_vs_cost(ledger, drawn)],
    names=("error_vs_step", "error_vs_cost"),
    sections=lambda ledger, trace: {"Reliability, speed and cost": accuracy_parts(ledger, trace)},
)

DUEL = replace(_CONTENDERS, result=lambda ledger, trace: [*_verdict(ledger), *_CONTENDERS.result(ledger, trace)])
"""The report of a `qvar.Duel`, and of every ledger of no other kind."""
