"""The report of networks that are trained on examples."""

from __future__ import annotations

from dataclasses import replace

from qvar._types import DataFrame
from qvar.analysis.learning import LearningRow, learning_table
from qvar.analysis.rows import typed
from qvar.records.run_folder import LoadedRun
from qvar.report.duel import DUEL
from qvar.report.families import FAMILY_NOTE, family_rows, family_rows_table, family_sentences
from qvar.report.formats import count, family, number, values
from qvar.report.plots.learning import error_vs_multiply_adds, error_vs_parameters, error_vs_training_size
from qvar.report.study_report import Drawings, pictures
from qvar.report.table import Bullets, Column, Heading, Note, Part, Table
from qvar.report.terminal import to_terminal

_WORDS = (
    "Networks were trained on the same examples, in the same order and with equal numbers of steps, and then tried on "
    "examples that they had not seen. Generic networks have free parameters that know nothing of the problem; the "
    "structure of constrained ones mirrors it. Each training was repeated from several seeds, which draw the examples "
    "and the start parameters."
)

_NOTE = (
    "Error: mean over the seeds on examples that were not trained on, with its 95 % bootstrap interval; the share of "
    "wrong classes, or the root mean square difference. Training error: the same on the examples that were trained on. "
    "Multiply-adds: of matrix products and convolutions, for one input."
)


def _table(rows: list[LearningRow]) -> Table[LearningRow]:
    problem: list[Column[LearningRow]] = [Column("problem", lambda row: row.problem, "name")]
    size: list[Column[LearningRow]] = [
        Column("examples", lambda row: count(row.training_size), short="exam-\nples", stays=True)
    ]
    return Table(
        [
            *(problem if len({row.problem for row in rows}) > 1 else []),
            *(size if len({row.training_size for row in rows}) > 1 else []),
            Column("model", lambda row: row.model, "name"),
            Column("family", lambda row: family(row.family), "word"),
            Column("params", lambda row: count(row.n_params), stays=True),
            Column("multiply-adds", lambda row: count(row.multiply_adds), short="multiply-\nadds"),
            Column("training error", lambda row: number(row.train_error), short="training\nerror"),
            Column("error", lambda row: number(row.mean_error), stays=True),
            Column("95 % interval", lambda row: f"{number(row.low)} to {number(row.high)}", short="95 %\ninterval"),
            Column("seeds", lambda row: count(row.seeds)),
        ],
        rows,
    )


def _verdicts(ledger: DataFrame) -> list[str]:
    return family_sentences(family_rows(ledger), "error on other examples")


def _parts(ledger: DataFrame) -> list[Part]:
    families: list[Part] = []
    if verdicts := _verdicts(ledger):
        title = Heading("Generic against constrained")
        families = [title, Bullets(verdicts), family_rows_table(family_rows(ledger)), Note(FAMILY_NOTE)]
    return [*families, Heading("All networks"), _table(typed(learning_table(ledger), LearningRow)), Note(_NOTE)]


def _text(ledger: DataFrame) -> str:
    return to_terminal(_table(typed(learning_table(ledger), LearningRow)), notes=["", *_verdicts(ledger)])


def _facts(run: LoadedRun) -> dict[str, str]:
    return {
        "Training examples": ", ".join(values(run.ledger, "training_size")),
        "Steps of each training": ", ".join(values(run.ledger, "steps")),
        "Seeds": str(len(values(run.ledger, "seed"))),
    }


def _drawings(ledger: DataFrame) -> Drawings:
    rows = typed(learning_table(ledger), LearningRow)
    return pictures([error_vs_parameters(rows), error_vs_multiply_adds(rows), error_vs_training_size(rows)])


LEARNING = replace(
    DUEL,
    study="learning",
    words=_WORDS,
    facts=_facts,
    marks=frozenset({"multiply_adds"}),
    result=lambda ledger, trace: _parts(ledger),
    drawings=lambda ledger, trace: _drawings(ledger),
    pictures=("error_vs_parameters", "error_vs_multiply_adds", "error_vs_training_size"),
    text=_text,
    noun="trainings",
    sections=lambda ledger, trace: {},
)
"""The report of a `qvar.Learning`."""
