"""The best generic model against the best constrained one, in sentences and a table for several reports."""

from __future__ import annotations

from qvar._types import DataFrame
from qvar.analysis.families import FamilyRow, family_table
from qvar.analysis.rows import known, typed
from qvar.report.formats import counted, digits, number, share
from qvar.report.table import NOTHING, Column, Table

FAMILY_NOTE = (
    "In each setting the generic and the constrained model of the lowest median error are compared, repetition by "
    "repetition. Wins: repetitions in which the constrained model has the lower error, of those in which the errors "
    "differ, with the exact 95 % interval of their share. Ratio: error of the generic model over that of the "
    "constrained one, the geometric mean over the repetitions, with its 95 % bootstrap interval. AIC, BIC: criterion "
    "of the generic model minus that of the constrained one, the median; positive prefers the constrained one."
)


def family_rows(ledger: DataFrame, column: str = "test_error") -> list[FamilyRow]:
    """Return the comparison of the two families in each setting of a ledger."""
    return typed(family_table(ledger, column=column), FamilyRow)


def family_sentences(rows: list[FamilyRow], error: str = "error", repetitions: str = "repetitions") -> list[str]:
    """Return a verdict for each setting, with the noun for the error and that for the seeds."""
    return [_sentence(row, error, repetitions) for row in rows]


def family_columns(setting: str = "setting") -> list[Column[FamilyRow]]:
    """Return the columns of a table of comparisons."""

    def difference(name: str) -> Column[FamilyRow]:
        return Column(name, lambda row: digits(getattr(row, name.lower()), 3), show="page", optional=True)

    return [
        Column(setting, lambda row: row.setting or NOTHING, "name", optional=True),
        Column("generic (parameters)", lambda row: f"{row.generic} ({row.generic_params})", "name", short="generic"),
        Column("constrained (parameters)", lambda row: f"{row.constrained} ({row.constrained_params})", "name",
               short="constrained"),
        Column("error generic", lambda row: number(row.generic_error), short="error\ngeneric"),
        Column("error constrained", lambda row: number(row.constrained_error), short="error\nconstr."),
        Column("wins", lambda row: share(row.better, row.better + row.worse), stays=True),
        Column("ratio", _ratio),
        difference("AIC"),
        difference("BIC"),
        Column("lower error", lambda row: row.verdict, "word", stays=True),
    ]  # fmt: skip


def family_rows_table(rows: list[FamilyRow]) -> Table[FamilyRow]:
    """Return the table of comparisons."""
    return Table(family_columns(), rows)


def _ratio(row: FamilyRow) -> str:
    if not known(row.ratio):
        return NOTHING
    ends = f" ({digits(row.ratio_low, 2)}-{digits(row.ratio_high, 2)})" if known(row.ratio_low) else ""
    return f"{digits(row.ratio, 2)}{ends}"


def _sentence(row: FamilyRow, error: str, repetitions: str) -> str:
    setting = f"{row.setting}: " if row.setting else ""
    models = (
        f"{row.constrained} (constrained, {counted(row.constrained_params, 'parameter')})",
        f"{row.generic} (generic, {row.generic_params})",
    )
    differ = row.better + row.worse
    if differ == 0:
        times = "the one comparison" if row.pairs == 1 else f"all {row.pairs} {repetitions}"
        return f"{setting}{models[0]} and {models[1]} have the same {error} in {times}."
    winner = "undecided" if row.verdict == "undecided" else f"the {row.verdict} model is better"
    interval = f"{100 * row.share_low:.0f}-{100 * row.share_high:.0f} %"
    ratio = f"; the generic {error} is {_ratio(row)} times the constrained one" if known(row.ratio) else ""
    return (
        f"{setting}{models[0]} has a lower {error} than {models[1]} in {row.better} of {differ} {repetitions} "
        f"(95 % interval {interval}): {winner}{ratio}."
    )
