"""The report of a campaign: a study repeated at many values of its arguments, with the best contender at each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from qvar._types import DataFrame
from qvar.analysis.campaigns import (
    VARIANCE,
    Argument,
    BestAt,
    Block,
    CampaignRow,
    StandingRow,
    across,
    arguments,
    best_at,
    blocks,
    campaign_standings,
    campaign_table,
    failures,
    point_words,
    points,
    short_words,
    value_words,
    varied,
)
from qvar.analysis.rows import MILLIHARTREE, known, some, typed, where, without_sweep
from qvar.optimize.budget import FINE
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import attention, common, count, error_words, family, listed, number, share
from qvar.report.plots.campaign import PICTURES, campaign_drawings
from qvar.report.study_report import Drawings, StudyReport
from qvar.report.table import NOTHING, Bullets, Column, Fold, Heading, Note, Part, Span, Table, Text
from qvar.report.terminal import fits, to_terminal, wrapped
from qvar.report.training import STARTS

MOST_LINES = 150
"""Lines of tables of all contenders above which a terminal gets a line per point instead."""

MOST_MESSAGES = 5
"""Messages that are written out."""

_MOST_VALUES = 8
"""Values of an argument that are named."""

_OPEN_POINTS = 30
"""Points above which a table is folded."""

_OPEN_BLOCKS = 6
"""Blocks that are open when a reader opens the page."""

_WORDS = (
    "One study was repeated at many points: the swept arguments of its case took all combinations of their values. "
    "Contenders are compared point by point."
)


def campaign(study: StudyReport) -> StudyReport:
    """Return the report of a case swept over its arguments."""

    def facts(run: LoadedRun) -> dict[str, str]:
        inner = study.facts(replace(run, ledger=without_sweep(run.ledger)))
        if len(run.ledger["reference"].unique()) > 3:
            inner.pop("Exact reference", None)
        seeds = [rows["seed"].nunique() for _, rows in points(run.ledger)]
        if len(set(seeds)) > 1 and inner.get(STARTS):
            inner[STARTS] = f"{min(seeds)} to {max(seeds)} per contender"
        return {**_swept_facts(run), "At each point": study.words, **inner}

    def result(ledger: DataFrame, trace: DataFrame) -> Sequence[Part]:
        return study.result(without_sweep(ledger), without_sweep(trace)) if _single(ledger) else _result(ledger)

    def drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
        if _single(ledger):
            return study.drawings(without_sweep(ledger), without_sweep(trace))
        return campaign_drawings(ledger)

    def sections(ledger: DataFrame, trace: DataFrame) -> dict[str, Sequence[Part]]:
        if _single(ledger):
            return study.sections(without_sweep(ledger), without_sweep(trace))
        return {"Every point": _points(campaign_table(ledger))}

    def text(ledger: DataFrame) -> str:
        return _point_text(ledger, study.text) if _single(ledger) else _text(ledger)

    def rows(ledger: DataFrame) -> str:
        if ledger.empty:
            return study.rows(without_sweep(ledger))
        return "\n\n".join(_point_text(rows, study.rows, at) for at, rows in points(ledger))

    return StudyReport(
        study=study.study,
        marks=frozenset(),
        words=_WORDS,
        facts=facts,
        result=result,
        drawings=drawings,
        pictures=PICTURES,
        text=text,
        rows=rows,
        noun="rows",
        sections=sections,
    )


def _single(ledger: DataFrame) -> bool:
    return len(ledger) == 0 or all(len(argument.values) == 1 for argument in arguments(ledger))


def _point_text(rows: DataFrame, text: Callable[[DataFrame], str], at: dict[Argument, Any] | None = None) -> str:
    """Return the name of a point above its text."""
    if at is None:
        at = {argument: argument.values[0] for argument in arguments(rows) if argument.values}
    return f"{wrapped(point_words(at))}\n{text(without_sweep(rows))}".strip("\n")


# ---------------------------------------------------------------------------------------------------------------------
# Words


def _swept_facts(run: LoadedRun) -> dict[str, str]:
    """Return the swept values, the number of points, and the command for one of them alone."""
    if run.case.get("comparison"):
        return {"Runs": "; ".join(f"{name}: {path}" for name, path in run.case["comparison"].items())}
    sweep = run.case.get("sweep") or {argument.name: argument.values for argument in arguments(run.ledger)}
    swept = [f"{name}: {_listed([value_words(value) for value in values])}" for name, values in sweep.items()]
    stored = run.case.get("points") or []
    n_points = complete = len(stored) or (len(points(run.ledger)) if len(run.ledger) else 0)
    if run.n_done < run.n_tasks:
        complete = sum(all(run.folder.shard(key).exists() for key in point.get("tasks", [])) for point in stored)
    name = str(stored[0]["name"]) if stored else "<name>"
    return {
        "Swept": "; ".join(swept),
        "Points": f"{n_points}" + (f", of which {complete} are complete" if complete < n_points else ""),
        "One point alone": (
            f"Each point is a run of its own in the folder points: qvar report {run.folder.path}/points/{name} "
            "makes the page of that one."
        ),
    }


def _listed(values: list[str]) -> str:
    if len(values) <= _MOST_VALUES:
        return ", ".join(values)
    return f"{', '.join(values[:3])} ... {values[-1]} ({len(values)} values)"


def _sentences(table: DataFrame) -> str:
    """Return the contender and the family that are best at the most points."""
    numbered = where(table, table["median"].notna())
    n_points = len(set(numbered["point"]))
    if n_points == 0:
        return ""
    contenders = campaign_standings(table)
    kinds = set(numbered["quantity"])
    best = {"error": "the lowest median error", "value": "the lowest median value"}
    best[VARIANCE] = "the largest variance of the gradient"
    noun = best[kinds.pop()] if len(kinds) == 1 else "the best median"
    leaders = where(contenders, contenders["won"] == contenders["won"].max())
    names = " and ".join(str(name) for name in leaders["label"][:3])
    have, each = ("has", "") if len(leaders) == 1 else ("have", " each")
    lines = [f"{names} {have} {noun} at {contenders['won'].max()} of {n_points} points{each}."]
    if len(table["family"].dropna().unique()) > 1:
        winners = where(table, table["best"])
        counts = {
            str(name): winners.loc[winners["family"] == name, "point"].nunique()
            for name in dict.fromkeys(table["family"].dropna())
        }
        words = [f"a {name} one at {n}" for name, n in sorted(counts.items(), key=lambda entry: -entry[1])]
        lines.append(f"The best contender is {', '.join(words)}.")
    in_mha = where(numbered, numbered["unit"] == MILLIHARTREE)
    if len(in_mha):
        n = where(in_mha, in_mha["median"] <= 1.6)["point"].nunique()
        lines.append(
            f"Some contender's median error is within chemical accuracy (1.6 mHa) at {n} of {n_points} points."
        )
    return " ".join(lines)


def _failure_lines(ledger: DataFrame) -> list[str]:
    """Return the numbers of rows that did not end well, and the first messages."""
    counts = Counter(ledger["status"].fillna("unknown"))
    bad = [f"{n} {str(status).replace('_', ' ')}" for status, n in counts.items() if status not in FINE]
    lines = [f"Of {len(ledger)} rows ended: {', '.join(bad)}."] if bad else []
    entries = failures(ledger)
    for message, n, place in entries[:MOST_MESSAGES]:
        lines.append(f"{place}{f' (and {n - 1} more rows)' * (n > 1)}: {message}")
    if len(entries) > MOST_MESSAGES:
        lines.append(f"{len(entries) - MOST_MESSAGES} other messages are in the ledger.")
    return lines


def _quantity_words(table: DataFrame) -> str:
    """Return the name of the numbers, such as "median |error| (mHa)", or "" if they are of several kinds."""
    kinds = table.loc[table["median"].notna(), ["quantity", "unit"]].drop_duplicates()
    if len(kinds) != 1:
        return ""
    quantity, unit = kinds.iloc[0]
    noun = {"error": "median |error|", VARIANCE: "variance of the gradient"}.get(str(quantity), f"median {quantity}")
    return f"{noun} ({unit})" if unit else noun


def _note(table: DataFrame, marked: str) -> str:
    return (
        f"Numbers are the {_quantity_words(table) or 'medians'} over the seeds; the best of each point is {marked}, of "
        "equal ones that with the fewest parameters."
    )


def _cell_words(row: CampaignRow) -> str:
    """Return the number of one contender at one point; "failed" if no row of it has a number."""
    if not known(row.median):
        return "failed" if row.failed else NOTHING
    if row.quantity == "error":
        return error_words(row.median, row.unit)
    return f"{row.median:.3g}" if row.quantity == VARIANCE else f"{row.median:.6f}"


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def _standings_table(table: DataFrame) -> Table[StandingRow]:
    rows = campaign_standings(table)
    unit = common(table, "unit")
    in_unit = f"\n[{unit}]" if unit else ""
    within, worst = some(rows["within"].notna()), some(rows["worst"].notna())
    within_columns: list[Column[StandingRow]] = [
        Column("within 1.6 mHa at", lambda row: f"{count(row.within)} of {row.points}", show="page"),
        Column("within\n1.6 mHa", lambda row: f"{count(row.within)}/{row.points}", show="terminal"),
    ]
    worst_columns: list[Column[StandingRow]] = [
        Column(f"worst {_quantity_words(table)}", lambda row: number(row.worst), short=f"worst{in_unit}"),
        Column("where", lambda row: str(row.worst_at or NOTHING), "prose", "page"),
    ]
    return Table(
        [
            Column("contender", lambda row: str(row.label), "name"),
            Column("family", lambda row: family(row.family), "word"),
            Column("params", _params, stays=True),
            Column("best at", lambda row: f"{row.won} of {row.points}", show="page"),
            Column("best\nat", lambda row: f"{row.won}/{row.points}", show="terminal", stays=True),
            *(within_columns if within else []),
            *(worst_columns if worst else []),
            Column("converged", lambda row: share(row.converged, row.seeds), optional=True),
            Column("failed", lambda row: str(row.failed or NOTHING), optional=True),
        ],
        typed(rows, StandingRow),
    )


def _params(row: StandingRow) -> str:
    low, high = count(row.n_params_low), count(row.n_params_high)
    return low if low == high else f"{low}-{high}"


def _grid(block: Block, along: Argument, order: Sequence[str], values: Sequence[Any]) -> Table[str]:
    """Return a table of contenders down and values of one argument across."""
    entries = typed(block.rows, CampaignRow)
    cells = {(row.label, value): row for row, value in zip(entries, _values(block, along), strict=True)}
    heads = dict(zip(along.values, short_words(along.values), strict=True))

    def page_cell(label: str, value: Any) -> Text:
        row = cells.get((label, value))
        if row is None:
            return ""
        words = _cell_words(row)
        return Span(words, "bad bold" if row.failed else "bold") if row.best else attention(words, row.failed)

    def terminal_cell(label: str, value: Any) -> str:
        row = cells.get((label, value))
        return "" if row is None else " *"[row.best] + _cell_words(row)

    def columns(value: Any) -> list[Column[str]]:
        return [
            Column(f"{along.name} = {heads[value]}", partial(page_cell, value=value), show="page"),
            Column(heads[value], partial(terminal_cell, value=value), show="terminal", stays=True),
        ]

    name = f"{block.name}\n{along.name} =" if block.name else f"{along.name} ="
    names: Column[str] = Column("contender", str, "name", short=name)
    rows = [label for label in order if any((label, value) in cells for value in values)]
    return Table([names, *(column for value in values for column in columns(value))], rows)


def _values(block: Block, argument: Argument) -> list[Any]:
    return [value if known(value) else None for value in block.rows[argument.column]]


def _fitting_grids(block: Block, along: Argument, order: Sequence[str]) -> list[Table[str]]:
    """Return as many tables beside each other as the width of the terminal asks for."""
    present = set(_values(block, along))
    values = [value for value in along.values if value in present]
    grids: list[Table[str]] = []
    for n_tables in range(1, len(values) + 1):
        size = -(-len(values) // n_tables)
        parts = [values[start : start + size] for start in range(0, len(values), size)]
        grids = [_grid(block, along, order, part) for part in parts]
        if all(map(fits, grids)):
            break
    return grids


def _points_table(table: DataFrame) -> Table[BestAt]:
    """Return the best contender of each point."""
    quantity = _quantity_words(table)
    short = quantity.replace("variance of the ", "variance of\n").replace(" (", "\n[").replace(")", "]")

    def cell(words: Callable[[CampaignRow], str]) -> Callable[[BestAt], str]:
        return lambda at: words(at.rows[0]) if at.rows else ""

    return Table(
        [
            Column("point", lambda at: at.point, "prose", "page"),
            Column("point", lambda at: at.point, "name", "terminal", least=10),
            Column("best contender", lambda at: listed([r.label for r in at.rows]) or NOTHING, "name", "page"),
            Column("best contender", _best_and_more, "name", "terminal"),
            Column("params", cell(lambda row: count(row.n_params))),
            Column(quantity or "median", cell(_cell_words), show="page"),
            Column(short, cell(_cell_words), show="terminal", stays=True),
            Column("converged", cell(lambda row: share(row.converged, row.seeds)), optional=True),
            Column("contenders with a number", lambda at: str(at.finite), show="page"),
        ],
        best_at(table),
    )


def _best_and_more(at: BestAt) -> str:
    if not at.rows:
        return NOTHING
    return f"{at.rows[0].label}" + (f" and {len(at.rows) - 1} more" if len(at.rows) > 1 else "")


# ---------------------------------------------------------------------------------------------------------------------
# Page and terminal


def _result(ledger: DataFrame) -> list[Part]:
    table, swept = campaign_table(ledger), varied(ledger)
    parts: list[Part] = [_sentences(table), _standings_table(table)]
    if some(table["median"].notna()):
        along, order = across(swept), [str(label) for label in campaign_standings(table)["label"]]
        groups = blocks(table, along, swept)
        grids: list[Part] = [_grid(block, along, order, along.values) for block in groups]
        if len(groups) > 1:
            grids = [
                Fold(Span(block.name, "bold"), [grid], place < _OPEN_BLOCKS)
                for place, (block, grid) in enumerate(zip(groups, grids, strict=True))
            ]
        parts += [Heading(f"Against {along.name}"), *grids, Note(_note(table, "in bold"))]
    return [*parts, Bullets(_failure_lines(ledger))]


def _points(table: DataFrame) -> list[Part]:
    best = _points_table(table)
    return [best if len(best.rows) <= _OPEN_POINTS else Fold(f"{len(best.rows)} points", [best])]


def _text(ledger: DataFrame) -> str:
    table, swept = campaign_table(ledger), varied(ledger)
    texts = [wrapped(_sentences(table)), to_terminal(_standings_table(table))]
    along, order = across(swept), [str(label) for label in campaign_standings(table)["label"]]
    groups = blocks(table, along, swept)
    if some(table["median"].notna()):
        if len(groups) * (len(order) + 4) <= MOST_LINES:
            texts += [to_terminal(grid) for block in groups for grid in _fitting_grids(block, along, order)]
            texts.append(wrapped(_note(table, "marked *")))
        else:
            texts.append(to_terminal(_points_table(table)))
    return "\n\n".join(filter(None, [*texts, wrapped(*_failure_lines(ledger))]))
