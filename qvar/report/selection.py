"""The report of models of rising size that are fitted to the same noisy data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qvar.analysis.rows import typed
from qvar.analysis.selection import SelectionRow, crossings, selection_table
from qvar.records.run_folder import LoadedRun
from qvar.report.duel import DUEL
from qvar.report.formats import count, number, share, values
from qvar.report.table import Column, Note, Part, Table
from qvar.report.terminal import to_terminal

if TYPE_CHECKING:
    import pandas as pd

_WORDS = (
    "Models of rising size were fitted to the same estimates, whose noise falls with the number of shots. A further "
    "parameter always fits the measured values better; it pays for itself if it also brings the predictions closer to "
    "the exact values. Three criteria decide it from the measured values alone: Akaike's (AIC) and Schwarz's (BIC), "
    "which charge for each parameter, and cross-validation, which predicts values that were held out."
)

_NOTE = (
    "AIC, AICc, BIC, cross-validation, truth: repetitions of the measurement in which the model has the lowest "
    "criterion, and the predictions closest to the exact values. Distinguished: directions of the parameters that the "
    "data can distinguish, from the Fisher information, the median."
)

_NAMES = {"aic": "AIC", "aicc": "AICc", "bic": "BIC", "cv_error": "cross-validation", "true_error": "truth"}


def _table(rows: list[SelectionRow]) -> Table[SelectionRow]:
    def preferred(criterion: str) -> Column[SelectionRow]:
        short = {"cv_error": "cross-\nvalid.", "true_error": "truth"}.get(criterion, "")
        return Column(_NAMES[criterion], lambda row: share(getattr(row, criterion), row.seeds), short=short)

    unit = next((row.unit for row in rows if row.unit), "")
    return Table(
        [
            Column("shots", lambda row: count(row.shots), stays=True),
            Column("model", lambda row: row.model, "name"),
            Column("params", lambda row: count(row.n_params)),
            Column("distinguished", lambda row: number(row.identifiable), short="disting-\nuished"),
            *map(preferred, _NAMES),
            Column(f"median true error{f' ({unit})' if unit else ''}", lambda row: number(row.median_error),
                   short="median\nerror"),
        ],
        rows,
    )  # fmt: skip


def _sentences(table: pd.DataFrame) -> list[str]:
    lines = []
    for row in crossings(table):
        interval = f"{100 * row.low:.0f}-{100 * row.high:.0f} %"
        lines.append(
            f"By {_NAMES[row.criterion]}, {row.model} ({row.n_params} parameters) or a larger model is preferred from "
            f"{row.shots} shots on: in {row.preferred} of {row.seeds} repetitions there (95 % interval {interval})."
        )
    return lines


def _parts(ledger: pd.DataFrame) -> list[Part]:
    table = selection_table(ledger)
    return [*_sentences(table), _table(typed(table, SelectionRow)), Note(_NOTE)]


def _text(ledger: pd.DataFrame) -> str:
    table = selection_table(ledger)
    drawn = _table(typed(table, SelectionRow))
    return to_terminal(Table(drawn.columns, drawn.rows, ["", *_sentences(table)]))


def _facts(run: LoadedRun) -> dict[str, str]:
    return {
        "Repetitions": str(len(values(run.ledger, "seed"))),
        "Measured values": ", ".join(values(run.ledger, "n_data")),
        "Method": ", ".join(values(run.ledger, "method")),
    }


SELECTION = replace(
    DUEL,
    study="selection",
    words=_WORDS,
    facts=_facts,
    recognises=lambda ledger: "bic" in ledger.columns,
    result=lambda ledger, trace: _parts(ledger),
    drawings=lambda ledger, trace: ([], []),
    pictures=(),
    text=_text,
    noun="fits",
    sections=lambda ledger, trace: {},
)
"""The report of a `qvar.Selection`."""
