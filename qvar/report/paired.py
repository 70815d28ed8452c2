"""The report of ways to train that are compared seed by seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from qvar._types import DataFrame
from qvar.analysis.depths import depth_table, series_table
from qvar.analysis.paired import PairedRow, paired_table
from qvar.analysis.rows import MILLIHARTREE, RESOLUTION, known, typed, where
from qvar.report.accuracy import accuracy_parts
from qvar.report.capacity import series_sentences, thresholds
from qvar.report.duel import DUEL
from qvar.report.formats import count, error_words, listed, number, recovered_words, share
from qvar.report.plot_style import Drawing
from qvar.report.plots.capacity import capacity, final_errors
from qvar.report.plots.paired import verdicts
from qvar.report.study_report import Drawings, pictures
from qvar.report.table import NOTHING, Column, Note, Part, Table
from qvar.report.terminal import to_terminal
from qvar.units import HARTREE, MILLIHARTREE_PER_HARTREE

_WORDS = (
    "Circuits were trained in several ways, each from the same seeds. A way is compared with another one seed by seed: "
    "it helped if it ended lower in significantly more than half of the seeds in which the two differ, it hurt if in "
    "significantly less, and else the seeds do not decide it. An interval holds the true number in 95 of 100 "
    "repetitions."
)

_NOTE = (
    "Better, worse and equal count seeds; errors within 1e-6 are equal. Share: of the seeds in which the two differ, "
    "those that ended lower, with its 95 % exact interval. Change: mean difference of |error|, negative if this way "
    "is closer to the exact value, with its 95 % bootstrap interval. Evals: evaluations; ratio: "
    "median over the seeds of the ratio to the other way's. Correlation at the start: share of the correlation energy, "
    "0 for the reference and 1 for the exact energy, median. Evals to tolerance: median over all seeds, missing "
    "if fewer than half arrive."
)

_CLOSER = 0.01
"""Share of the correlation energy of a start that is closer to the exact energy than the reference."""


_MANY = 12
"""With more comparisons than this the verdicts are listed, and not a sentence each."""


def _table(rows: list[PairedRow]) -> Table[PairedRow]:
    def some(name: str) -> bool:
        return any(known(getattr(row, name)) for row in rows)

    closer = any((row.start_recovered or 0.0) > _CLOSER for row in rows)
    starts: Literal["both", "page"] = "both" if closer else "page"
    optional: list[Column[PairedRow]] = [
        Column("distance", lambda row: number(row.distance)),
        Column("Fisher rank", lambda row: count(row.fisher_rank), short="Fisher\nrank"),
        Column("infidelity", lambda row: number(row.infidelity)),
        Column("correlation at the start", lambda row: recovered_words(row.start_recovered), short="corr.\nstart"),
    ]
    in_unit = _unit(rows).replace(" (", "\n[").replace(")", "]")
    present = [some("distance"), some("fisher_rank"), some("infidelity"), closer]
    return Table(
        [
            Column("way", lambda row: row.contender, "name"),
            *(column for column, there in zip(optional, present, strict=True) if there),
            Column("params", lambda row: count(row.n_params)),
            Column(
                f"median |error|{_unit(rows)}", lambda row: _size(row, row.median), short=f"median\n|error|{in_unit}"
            ),
            Column("success", lambda row: share(row.successes, row.seeds)),
            Column("minima", lambda row: count(row.minima), show="page"),
            Column("evals", lambda row: count(row.evaluations), short="median\nevals"),
            Column("evals to tolerance", lambda row: count(row.arrival), show=starts, short="evals\nto tol."),
            Column("evals per success", lambda row: count(row.evaluations_per_success), show="page"),
            Column("against", lambda row: row.against or NOTHING, "name", "page"),
            Column("better / worse / equal", counts, short="better/\nworse/\nequal"),
            Column("share", _share, show="page"),
            Column(f"change{_unit(rows)}", _change, show="page"),
            Column("evals, ratio", lambda row: number(row.evaluations_ratio), short="evals\nratio"),
            Column("verdict", lambda row: row.verdict or NOTHING, "word", stays=True),
        ],
        rows,
    )


def _unit(rows: list[PairedRow]) -> str:
    units = {row.unit for row in rows if row.unit}
    unit = units.pop() if len(units) == 1 else ""
    return f" ({_shown_unit(unit)})" if unit else ""


def _shown_unit(unit: str) -> str:
    return MILLIHARTREE if unit == HARTREE else unit


def _size(row: PairedRow, value: float | None) -> str:
    """Return an |error| in the unit that is shown, or that it is below what is known."""
    return error_words(_shown(row, value), _shown_unit(row.unit))


def _error(row: PairedRow, value: float | None) -> str:
    """Return a signed error; rounding is 0."""
    return number(0.0 if value is not None and abs(value) <= RESOLUTION else _shown(row, value))


def _shown(row: PairedRow, value: float | None) -> float | None:
    return None if value is None else value * (MILLIHARTREE_PER_HARTREE if row.unit == HARTREE else 1.0)


def counts(row: PairedRow) -> str:
    """Return the numbers of better, worse and equal seeds; a dash if there is nothing to compare with."""
    return f"{row.better}/{row.worse}/{row.equal}" if row.verdict else NOTHING


def _share(row: PairedRow) -> str:
    if not known(row.share):
        return NOTHING
    return f"{100 * row.share:.0f} % ({_percent(row)})"


def _percent(row: PairedRow) -> str:
    return f"{100 * float(row.share_low or 0):.0f}-{100 * float(row.share_high or 0):.0f} %"


def _change(row: PairedRow) -> str:
    if not known(row.change):
        return NOTHING
    if max(abs(row.change), abs(row.change_low or 0.0), abs(row.change_high or 0.0)) <= RESOLUTION:
        return _size(row, row.change)
    ends = f" ({_error(row, row.change_low)} to {_error(row, row.change_high)})" if known(row.change_low) else ""
    return f"{_error(row, row.change)}{ends}"


def sentences(rows: list[PairedRow]) -> list[str]:
    """Return the verdict on each way in a sentence."""
    words = {
        "helped": "ended lower than {} in {} of {} seeds that differ: it helped",
        "hurt": "ended lower than {} in {} of {} seeds that differ: it hurt",
        "undecided": "ended lower than {} in {} of {} seeds that differ: undecided",
    }
    lines = []
    for row in rows:
        if not row.verdict:
            continue
        differ = row.better + row.worse
        if differ == 0:
            lines.append(f"{row.contender} ended as {row.against} did in all {row.pairs} seeds: undecided.")
            continue
        verdict = words[row.verdict].format(row.against, row.better, differ)
        change = f"Mean change of |error|: {_change(row)} {_shown_unit(row.unit)}".rstrip() + "."
        lines.append(f"{row.contender} {verdict} (95 % interval of the share: {_percent(row)}). {change}")
    return lines


def _verdicts(rows: list[PairedRow]) -> list[str]:
    """Return a sentence for each way, or one for each verdict if the ways are many."""
    lines = sentences(rows)
    if len(lines) <= _MANY:
        return lines
    lists = []
    differing = [row for row in rows if row.better + row.worse]
    for verdict in ("helped", "hurt", "undecided"):
        ways = [f"{row.contender} ({row.better} of {row.better + row.worse})" for row in differing
                if row.verdict == verdict]  # fmt: skip
        lists += [f"{verdict.capitalize()}: {listed(ways)}."] if ways else []
    alike = [row.contender for row in rows if row.verdict and row not in differing]
    lists += [f"Undecided, for all seeds end alike: {listed(alike)}."] if alike else []
    return [*lists, "In brackets: seeds that ended lower, of those that differ."]


def _rows(ledger: DataFrame) -> list[PairedRow]:
    return typed(paired_table(ledger), PairedRow)


def _plain(ledger: DataFrame) -> DataFrame:
    """Return the rows of circuits with layers that were trained plainly, and whose ranks are known."""
    if not {"series", "layers", "tolerance", "fisher_rank"} <= set(ledger.columns):
        return ledger.iloc[:0]
    ranked = where(ledger, ledger["layers"].notna() & ledger["fisher_rank"].notna())
    return where(ranked, ranked["recipe"].isna()) if "recipe" in ranked.columns else ranked


def _depths(ledger: DataFrame) -> DataFrame | None:
    """Return the depths of these circuits; None without two of one circuit."""
    plain = _plain(ledger)
    table = depth_table(plain) if len(plain) else plain
    return table if len(table) and table["series"].value_counts().max() > 1 else None


def _parts(ledger: DataFrame) -> list[Part]:
    rows, depths = _rows(ledger), _depths(ledger)
    capacity_parts: list[Part] = []
    if depths is not None:
        series = series_table(depths)
        capacity_parts = [*series_sentences(series), thresholds(series)]
    return [*_verdicts(rows), _table(rows), Note(_NOTE), *capacity_parts]


def _text(ledger: DataFrame) -> str:
    rows, depths = _rows(ledger), _depths(ledger)
    more = [] if depths is None else series_sentences(series_table(depths))
    return to_terminal(_table(rows), notes=["", *_verdicts(rows), *more])


def _drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
    depths, (drawn, missing) = _depths(ledger), DUEL.drawings(ledger, trace)
    first: list[Drawing | None] = [verdicts(_rows(ledger))]
    if depths is not None:
        plain = _plain(ledger)
        first += [capacity(depths), final_errors(plain, depths)]
        drawn, _ = DUEL.drawings(plain, where(trace, trace["contender"].isin(plain["contender"])))
    return pictures([*first, *drawn], missing)


PAIRED = replace(
    DUEL,
    study="paired",
    words=_WORDS,
    drawings=_drawings,
    pictures=("verdicts", "capacity", "error_vs_layers", *DUEL.pictures),
    marks=frozenset({"against"}),
    filled="against",
    result=lambda ledger, trace: _parts(ledger),
    text=_text,
    sections=lambda ledger, trace: {
        "Every way": DUEL.result(ledger, trace),
        "Reliability, speed and cost": accuracy_parts(ledger, trace),
    },
)
"""The report of a `qvar.Paired`."""
