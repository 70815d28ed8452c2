"""The report of models of both families and of rising size that are fitted to the same noisy data."""

from __future__ import annotations

from dataclasses import replace

from qvar._types import DataFrame
from qvar.analysis.rows import known, typed
from qvar.analysis.selection import SelectionRow, crossings, selection_table
from qvar.records.run_folder import LoadedRun
from qvar.report.duel import DUEL
from qvar.report.estimates import estimate_parts
from qvar.report.families import FAMILY_NOTE, family_rows, family_rows_table, family_sentences
from qvar.report.formats import count, counted, digits, family, number, once, share, values
from qvar.report.plots.estimates import estimates
from qvar.report.plots.selection import error_vs_parameters, fits
from qvar.report.study_report import pictures
from qvar.report.table import NOTHING, Bullets, Column, Heading, Note, Part, Table
from qvar.report.terminal import to_terminal

_WORDS = (
    "Models were fitted to the same noisy data, in repetitions that all models share. A further parameter always fits "
    "the data better; it pays for itself if it also predicts data better that the model was not fitted to. Generic "
    "models can describe many things, constrained ones carry the structure of this problem. Akaike's and Schwarz's "
    "criteria (AIC, BIC), which charge for each parameter, and cross-validation, which predicts values that were held "
    "out, choose a model by the measured values alone."
)

_NOTE = (
    "AIC, BIC, cross-validation, other group, test: repetitions of the data in which the model has the lowest "
    "criterion, predicts values and groups best that were left out of the fit, and has the smallest error against the "
    "exact values or other measurements. Distinguished: directions of the parameters that the data can distinguish, "
    "from the Fisher information, the median. Operations and time: of one evaluation of all predictions."
)

_NO_VERDICT = (
    "There is no verdict: no two families were fitted to the same data, and no criterion prefers a larger model in "
    "more than half of the repetitions. The table has the numbers of every model."
)

_NAMES = {
    "aic": "AIC", "bic": "BIC", "cv_error": "cross-validation", "group_error": "other group", "test_error": "test",
}  # fmt: skip


def _table(rows: list[SelectionRow]) -> Table[SelectionRow]:
    def preferred(criterion: str) -> Column[SelectionRow]:
        brief = {"cv_error": "cross-\nvalid.", "group_error": "other\ngroup"}.get(criterion, "")
        return Column(_NAMES[criterion], lambda row: share(getattr(row, criterion), row.seeds), short=brief)

    unit = next((row.unit for row in rows if row.unit), "")
    level = next((row.level_name for row in rows if row.level_name), "level")
    present = [name for name in _NAMES if any(known(getattr(row, name)) for row in rows)]
    several = {name: len({getattr(row, name) for row in rows}) > 1 for name in ("problem", "level", "family")}
    columns: list[Column[SelectionRow]] = [
        Column("data", once(rows, "problem"), "name"),
        Column(level, lambda row: count(row.level), stays=True),
        Column("model", lambda row: row.model, "name"),
        Column("family", lambda row: family(row.family), "word"),
        Column("params", lambda row: count(row.n_params), stays=True),
        Column("distinguished", _distinguished, short="disting-\nuished"),
        *map(preferred, present),
        Column(f"median test error{f' ({unit})' if unit else ''}", lambda row: number(row.median_error),
               short="median\nerror", stays=True),
        Column("operations", lambda row: count(row.operations), show="page"),
        Column("time (microseconds)", lambda row: digits(1e6 * float(row.evaluation_s or "nan")), show="page"),
    ]  # fmt: skip
    hidden = {"data": "problem", level: "level", "family": "family"}
    kept = [column for column in columns if several.get(hidden.get(str(column.head), ""), True)]
    return Table(kept, rows)


def _distinguished(row: SelectionRow) -> str:
    return f"{row.identifiable:g}" if known(row.identifiable) else NOTHING


def _crossed(table: DataFrame) -> list[str]:
    several = len(table["problem"].unique()) > 1
    if several and len(table["family"].unique()) > 1:
        return []  # the families are compared instead
    lines = []
    for row in crossings(table):
        if row.criterion not in _NAMES:
            continue
        interval = f"{100 * row.low:.0f}-{100 * row.high:.0f} %"
        by = f"{row.problem}: by" if several else "By"
        lines.append(
            f"{by} {_NAMES[row.criterion]}, {row.model} ({counted(row.n_params, 'parameter')})"
            f" or a larger model is preferred from {row.level} {row.level_name} on: in {row.preferred} of {row.seeds} "
            f"repetitions there (95 % interval {interval})."
        )
    return lines


def _verdicts(ledger: DataFrame) -> list[str]:
    groups = family_sentences(family_rows(ledger, "group_error"), "error in groups left out")
    return [*family_sentences(family_rows(ledger), "test error"), *groups]


def _parts(ledger: DataFrame) -> list[Part]:
    table, families = selection_table(ledger), family_rows(ledger)
    compared: list[Part] = []
    if families:
        compared = [Heading("Generic against constrained"), Bullets(_verdicts(ledger)), family_rows_table(families)]
        compared += [Note(FAMILY_NOTE)]
    crossed = _crossed(table)
    sizes: list[Part] = [Heading("Where a larger model pays"), Bullets(crossed)] if crossed else []
    if not families and not crossed:
        sizes = [_NO_VERDICT]
    return [
        *compared,
        *sizes,
        Heading("All models"),
        _table(typed(table, SelectionRow)),
        Note(_NOTE),
        *estimate_parts(ledger),
    ]


def _text(ledger: DataFrame) -> str:
    table = selection_table(ledger)
    notes = ["", *_verdicts(ledger), *_crossed(table)]
    return to_terminal(_table(typed(table, SelectionRow)), notes=notes)


def _facts(run: LoadedRun) -> dict[str, str]:
    return {
        "Data": ", ".join(values(run.ledger, "problem")),
        "Repetitions": str(len(values(run.ledger, "seed"))),
        "Measured values": ", ".join(values(run.ledger, "n_data")),
        "Method": ", ".join(values(run.ledger, "method")),
    }


SELECTION = replace(
    DUEL,
    study="selection",
    words=_WORDS,
    facts=_facts,
    marks=frozenset({"bic", "level"}),
    result=lambda ledger, trace: _parts(ledger),
    drawings=lambda ledger, trace: pictures([error_vs_parameters(ledger), fits(ledger), estimates(ledger)]),
    pictures=("error_vs_parameters", "fits", "estimates"),
    text=_text,
    noun="fits",
    sections=lambda ledger, trace: {},
)
"""The report of a `qvar.Selection`."""
