"""How a campaign is told: a study repeated at many values of its arguments; who won where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qvar.optimize.budget import FINE
from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.campaign_tables import (
    VARIANCE,
    Argument,
    Block,
    across,
    alone,
    arguments,
    blocks,
    cell_words,
    failures,
    is_campaign,
    point_words,
    points,
    results,
    short_words,
    standings,
    unit_words,
    value_words,
    varied,
    winners,
)
from qvar.report.duel_view import STARTS
from qvar.report.plot_style import Drawing
from qvar.report.plots.campaign import PICTURES, campaign_drawings
from qvar.report.tables import Frame
from qvar.report.terminal import Table, empty_table, fits, plain, render, wrapped
from qvar.report.view import View

MOST_LINES = 150
"""Longer tables of all contenders give way, on a terminal, to a line per point."""

MOST_MESSAGES = 5
"""Messages that are told."""

_MOST_VALUES = 8
"""Values of an argument that are named."""

_OPEN_POINTS = 30
"""A table of more points is opened by the reader."""

_WORDS = (
    "One study was repeated at many points: the swept arguments of its case took all combinations of their values. "
    "Contenders are compared point by point."
)


def campaign(studies: Sequence[View]) -> View:
    """The view of a case swept over its arguments, whatever study it makes.

    Args:
        studies: the views of the studies themselves, of which the first that recognises a point's ledger says what
            was done at each point, and tells every row of it; it tells everything where there is one point alone.

    Returns:
        A view that recognises a ledger by its columns `sweep_<argument>`.
    """

    def study(ledger: Frame) -> View:
        bare = alone(ledger)
        return next(view for view in studies if view.recognises(bare))

    def facts(run: LoadedRun) -> dict[str, str]:
        inner = study(run.ledger)
        told = inner.facts(replace(run, ledger=alone(run.ledger)))
        if len(run.ledger["reference"].unique()) > 3:
            told.pop("Exact reference", None)
        seeds = [rows["seed"].nunique() for _, rows in points(run.ledger)]
        if len(set(seeds)) > 1 and told.get(STARTS):
            told[STARTS] = f"{min(seeds)} to {max(seeds)} per contender"
        return {**_swept_facts(run), "At each point": inner.words, **told}

    def result(ledger: Frame, trace: Frame) -> str:
        return study(ledger).result(alone(ledger), alone(trace)) if _single(ledger) else _result(ledger)

    def drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
        if _single(ledger):
            return study(ledger).drawings(alone(ledger), alone(trace))
        return campaign_drawings(ledger)

    def sections(ledger: Frame, trace: Frame) -> dict[str, str]:
        if _single(ledger):
            return study(ledger).sections(alone(ledger), alone(trace))
        return {"Every point": _points_html(results(ledger))}

    def text(ledger: Frame) -> str:
        if _single(ledger):
            return _of_point(ledger, study(ledger).text)
        return _text(ledger)

    def rows(ledger: Frame) -> str:
        if ledger.empty:
            return study(ledger).rows(alone(ledger))
        return "\n\n".join(_of_point(rows, study(ledger).rows, at) for at, rows in points(ledger))

    return View(
        recognises=is_campaign,
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


def _single(ledger: Frame) -> bool:
    return len(ledger) == 0 or all(len(argument.values) == 1 for argument in arguments(ledger))


def _of_point(rows: Frame, tell: Any, at: dict[Argument, Any] | None = None) -> str:
    """A point's name above what is told of it."""
    if at is None:
        at = {argument: argument.values[0] for argument in arguments(rows) if argument.values}
    return f"{_wrapped([point_words(at)])}\n{tell(alone(rows))}".strip("\n")


# ---------------------------------------------------------------------------------------------------------------------
# Words that terminal and page share


def _swept_facts(run: LoadedRun) -> dict[str, str]:
    """What was swept, how far the points are, and how to see one of them alone."""
    sweep = run.case.get("sweep") or {argument.name: argument.values for argument in arguments(run.ledger)}
    swept = [f"{name}: {_listed([value_words(value) for value in values])}" for name, values in sweep.items()]
    stored = run.case.get("points") or []
    n_points = len(stored) or len(points(run.ledger)) if len(run.ledger) else len(stored)
    complete = n_points
    if run.n_done < run.n_tasks:
        complete = sum(all(run.folder.shard(key).exists() for key in point.get("tasks", [])) for point in stored)
    some = str(stored[0]["name"]) if stored else "<name>"
    return {
        "Swept": "; ".join(swept),
        "Points": f"{n_points}" + (f", of which {complete} are complete" if complete < n_points else ""),
        "One point alone": (
            f"Each point is a run of its own in the folder points: qvar report {run.folder.path}/points/{some} "
            "makes the page of that one."
        ),
    }


def _listed(values: list[str]) -> str:
    if len(values) <= _MOST_VALUES:
        return ", ".join(values)
    return f"{', '.join(values[:3])} ... {values[-1]} ({len(values)} values)"


def _sentences(table: Frame) -> list[str]:
    """Who is best at how many points, and which family."""
    numbered = table[table["median"].notna()]
    n_points = numbered["point"].nunique()
    if n_points == 0:
        return []
    first = standings(table)
    kinds = set(numbered["quantity"])
    best = {
        frozenset({"error"}): "the lowest median error",
        frozenset({"value"}): "the lowest median value",
        frozenset({VARIANCE}): "the largest variance of the gradient",
    }.get(frozenset(kinds), "the best median")
    leaders = first[first["won"] == first["won"].max()]
    names = " and ".join(str(name) for name in leaders["label"][:3])
    have = "has" if len(leaders) == 1 else "have"
    said = [f"{names} {have} {best} at {first['won'].max()} of {n_points} points{' each' * (len(leaders) > 1)}."]
    families = table[table["best"]].dropna(subset=["family"]).groupby("family", sort=False)["point"].nunique()
    if table["family"].nunique() > 1:
        counts = {family: int(families.get(family, 0)) for family in dict.fromkeys(table["family"].dropna())}
        told = ", ".join(f"a {family} one at {n}" for family, n in sorted(counts.items(), key=lambda one: -one[1]))
        said.append(f"The best contender is {told}.")
    reached = numbered[(numbered["unit"] == tables.MILLIHARTREE) & (numbered["median"] <= 1.6)]
    if (numbered["unit"] == tables.MILLIHARTREE).any():
        n = reached["point"].nunique()
        said.append(f"Some contender's median error is within chemical accuracy (1.6 mHa) at {n} of {n_points} points.")
    return said


def _failure_lines(ledger: Frame) -> list[str]:
    """How many rows ended how that should not, and the first messages."""
    counts = Counter(ledger["status"].fillna("unknown"))
    ended = [f"{n} {str(status).replace('_', ' ')}" for status, n in counts.items() if status not in FINE]
    lines = [f"Of {len(ledger)} rows ended: {', '.join(ended)}."] if ended else []
    found = failures(ledger)
    for message, n, where in found[:MOST_MESSAGES]:
        lines.append(f"{where}{f' (and {n - 1} more rows)' * (n > 1)}: {message}")
    if len(found) > MOST_MESSAGES:
        lines.append(f"{len(found) - MOST_MESSAGES} other messages stand in the ledger.")
    return lines


def _range(low: Any, high: Any) -> str:
    first, last = tables.count(low), tables.count(high)
    return first if first == last else f"{first}-{last}"


def _note(table: Frame) -> str:
    return (
        f"Numbers are the {unit_words(table) or 'medians'} over the seeds; the best of each point is marked, of equal "
        "ones that with the fewest parameters."
    )


# ---------------------------------------------------------------------------------------------------------------------
# A terminal


def _text(ledger: Frame) -> str:
    table = results(ledger)
    swept = varied(ledger)
    parts = [_wrapped([" ".join(_sentences(table))]), _standings_text(table)]
    along, order = across(swept), list(standings(table)["label"])
    found = blocks(table, along, swept)
    if table["median"].notna().any():
        if len(found) * (len(order) + 4) <= MOST_LINES:
            parts += [grid for block in found for grid in _grids(block, along, order)]
            parts += [_wrapped([_note(table).replace("marked", "marked *")])]
        else:
            parts += [_winners_text(table)]
    return "\n\n".join(filter(None, [*parts, _wrapped(_failure_lines(ledger))]))


def _wrapped(lines: Sequence[str]) -> str:
    return "\n".join(map(wrapped, lines))


def _standings_text(table: Frame) -> str:
    rows = standings(table)
    shown = empty_table()
    shown.add_column("contender", overflow="fold", min_width=8)
    shown.add_column("family", no_wrap=True)
    within, worst = bool(rows["within"].notna().any()), bool(rows["worst"].notna().any())
    units = {str(unit) for unit in table["unit"].dropna() if unit}
    in_unit = f"\n\\[{units.pop()}]" if len(units) == 1 else ""
    names = ["params", "best\nat", *(["within\n1.6 mHa"] if within else []), *([f"worst{in_unit}"] if worst else [])]
    for name in [*names, "converged", "failed"]:
        shown.add_column(name, justify="right", no_wrap=True, essential=name in ("params", "best\nat"))
    for row in tables.records(rows):
        shown.add_row(
            plain(row.label),
            str(row.family) if tables.known(row.family) else tables.NOTHING,
            _range(row.n_params_low, row.n_params_high),
            f"{row.won}/{row.points}",
            *([f"{tables.count(row.within)}/{row.points}"] if within else []),
            *([tables.number(row.worst)] if worst else []),
            f"{row.converged}/{row.seeds}",
            str(row.failed or tables.NOTHING),
        )
    return render(shown, [])


def _grids(block: Block, along: Argument, order: list[str]) -> list[str]:
    """Contenders down, values of one argument across, as many tables as the width asks for."""
    cells = {(row.label, _at(row, along)): row for row in tables.records(block.rows)}
    values = [value for value in along.values if any((label, value) in cells for label in order)]
    heads = dict(zip(values, short_words(values), strict=True))
    name = f"{block.name}\n{along.name} =" if block.name else f"{along.name} ="

    def grid(some: Sequence[Any]) -> Table:
        table = empty_table()
        table.add_column(plain(name), overflow="fold", min_width=8)
        for value in some:
            table.add_column(plain(heads[value]), justify="right", min_width=1, essential=True)
        for label in order:
            line = [cells.get((label, value)) for value in some]
            if any(line):
                table.add_row(plain(label), *("" if row is None else " *"[row.best] + cell_words(row) for row in line))
        return table

    grids: list[Table] = []
    for n_tables in range(1, len(values) + 1):
        size = -(-len(values) // n_tables)
        grids = [grid(values[start : start + size]) for start in range(0, len(values), size)]
        if all(map(fits, grids)):
            break
    return [render(table, []) for table in grids]


def _at(row: Any, argument: Argument) -> Any:
    value = getattr(row, argument.column)
    return value if tables.known(value) else None


def _winners_text(table: Frame) -> str:
    shown = empty_table()
    shown.add_column("point", overflow="fold", min_width=10)
    shown.add_column("best contender", overflow="fold", min_width=8)
    shown.add_column("params", justify="right", no_wrap=True)
    shown.add_column(_short_unit(table), justify="right", no_wrap=True, essential=True)
    shown.add_column("converged", justify="right", no_wrap=True)
    for name, best, _ in winners(table):
        if not best:
            shown.add_row(plain(name), tables.NOTHING, "", "", "")
            continue
        row = best[0]
        others = f" and {len(best) - 1} more" if len(best) > 1 else ""
        converged = f"{row.converged}/{row.seeds}"
        shown.add_row(plain(name), plain(row.label) + others, tables.count(row.n_params), cell_words(row), converged)
    return render(shown, [])


def _short_unit(table: Frame) -> str:
    return unit_words(table).replace("variance of the ", "variance of\n").replace(" (", "\n\\[").replace(")", "]")


# ---------------------------------------------------------------------------------------------------------------------
# A page


def _result(ledger: Frame) -> str:
    table = results(ledger)
    swept = varied(ledger)
    said = pieces.text(" ".join(_sentences(table)))
    along, order = across(swept), list(standings(table)["label"])
    grids = blocks(table, along, swept)
    named = [_grid_html(block, along, order) for block in grids]
    if len(named) > 1:
        shown = [
            f"<details{' open' * (number < 6)}><summary><b>{pieces.text(block.name)}</b></summary>{grid}</details>"
            for number, (block, grid) in enumerate(zip(grids, named, strict=True))
        ]
    else:
        shown = named
    lines = "".join(f"<li>{pieces.text(line)}</li>" for line in _failure_lines(ledger))
    grid = ""
    if table["median"].notna().any():
        note = pieces.text(_note(table).replace("marked", "in bold"))
        grid = f'<h3>Against {pieces.text(along.name)}</h3>{"".join(shown)}<p class="note">{note}</p>'
    return (f"<p>{said}</p>" if said else "") + _standings_html(table) + grid + (f"<ul>{lines}</ul>" if lines else "")


def _standings_html(table: Frame) -> str:
    found = standings(table)
    within, worst = bool(found["within"].notna().any()), bool(found["worst"].notna().any())
    heads = ["contender", "family", "params", "best at", *(["within 1.6 mHa at"] if within else [])]
    heads += [f"worst {unit_words(table)}", "where"] if worst else []
    rows = []
    for row in tables.records(found):
        cells = [pieces.name(row.label), pieces.family(row.family)]
        cells += pieces.numbers([_range(row.n_params_low, row.n_params_high), f"{row.won} of {row.points}"])
        cells += [(f"{tables.count(row.within)} of {row.points}", "number")] if within else []
        cells += (
            [(tables.number(row.worst), "number"), (pieces.text(row.worst_at or tables.NOTHING), "")] if worst else []
        )
        rows.append([*cells, (f"{row.converged}/{row.seeds}", "number"), (str(row.failed or tables.NOTHING), "number")])
    return pieces.table([pieces.text(head) for head in (*heads, "converged", "failed")], rows)


def _grid_html(block: Block, along: Argument, order: list[str]) -> str:
    cells = {(row.label, _at(row, along)): row for row in tables.records(block.rows)}
    heads = ["contender", *(f"{along.name} = {words}" for words in short_words(along.values))]
    rows = []
    for label in order:
        line = [cells.get((label, value)) for value in along.values]
        if any(line):
            rows.append([pieces.name(label), *(("", "") if row is None else _cell_html(row) for row in line)])
    return pieces.table([pieces.text(head) for head in heads], rows)


def _cell_html(row: Any) -> tuple[str, str]:
    words = pieces.text(cell_words(row))
    return (f"<b>{words}</b>" if row.best else words), "bad number" if row.failed else "number"


def _points_html(table: Frame) -> str:
    rows = []
    for name, best, n_numbered in winners(table):
        who = ", ".join(str(row.label) for row in best) or tables.NOTHING
        cells = [(pieces.text(name), ""), pieces.name(who)]
        cells += [(tables.count(best[0].n_params) if best else "", "number")]
        cells += [(pieces.text(cell_words(best[0])) if best else "", "number")]
        cells += [(f"{best[0].converged}/{best[0].seeds}" if best else "", "number"), (str(n_numbered), "number")]
        rows.append(cells)
    heads = [
        "point",
        "best contender",
        "params",
        unit_words(table) or "median",
        "converged",
        "contenders with a number",
    ]
    told = pieces.table([pieces.text(head) for head in heads], rows)
    return told if len(rows) <= _OPEN_POINTS else f"<details><summary>{len(rows)} points</summary>{told}</details>"
