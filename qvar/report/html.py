"""report.html: one page that tells a run to someone who does not know the code, and needs no other file."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qvar.optimize.budget import Status
from qvar.report import tables
from qvar.report.drawing import Plot
from qvar.report.plots import write_plots
from qvar.report.tables import Frame
from qvar.runs import origin
from qvar.runs.files import write_whole
from qvar.runs.folder import LoadedRun
from qvar.runs.record import TRACE_TYPES, describe

_BUDGET_WORDS = {
    "gradients": "{} evaluations of value and gradient per start",
    "seconds": "{} s for the whole batch of starts",
    "gradient_tolerance": "converged when the gradient norm falls below {}",
}

_FINE = (Status.CONVERGED.value,)


def write_report(run: LoadedRun) -> Path:
    """Draws the plots and writes `report.html`, each whole or not at all.

    Args:
        run: a run, finished or not.

    Returns:
        The path of the page.

    Raises:
        OSError: if a file cannot be written.
    """
    plots = write_plots(run.ledger, run.trace, run.folder.plots)
    page = report_page(run, plots)
    with write_whole(run.folder.report) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return run.folder.report


def report_page(run: LoadedRun, plots: Sequence[Plot]) -> str:
    """The page's HTML: images inside, no scripts, nothing fetched.

    Args:
        run: a run, finished or not.
        plots: its pictures.

    Returns:
        The text of an HTML file.
    """
    title = f"{run.case.get('study') or 'run'}: {_ends(_values(run.ledger, 'problem')) or run.folder.path.name}"
    sections = [
        _unfinished(run),
        _section("What was compared", _compared(run)),
        _section("Result", _curve_result(run.ledger) if tables.is_curve(run.ledger) else _result(run.ledger)),
        *(_picture(plot) for plot in plots),
        _section("How the seeds ended", _endings(run.ledger)),
        _section("What the columns mean", _columns(run)),
        _section("Where this comes from", _origin(run)),
    ]
    body = "\n".join(filter(None, sections))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{_text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{_text(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


# ---------------------------------------------------------------------------------------------------------------------
# Sections


def _unfinished(run: LoadedRun) -> str:
    if run.n_done == run.n_tasks:
        return ""
    left = [task["label"] for task in run.case["tasks"] if not run.folder.shard(task["key"]).exists()]
    missing = f" Missing: {_text(', '.join(left))}." if left else ""
    return f'<p class="warning">This run is not finished: {run.n_done} of {run.n_tasks} tasks are done.{missing}</p>'


def _compared(run: LoadedRun) -> str:
    ledger = run.ledger
    families = ledger.drop_duplicates("contender")["family"].value_counts()
    contenders = f"{ledger['contender'].nunique()}"
    if len(families):
        contenders += " (" + ", ".join(f"{n} {family}" for family, n in families.items()) + ")"
    references = [f"{value:.8f}" for value in ledger["reference"].dropna().unique()]
    exact = " ".join([", ".join(references[:5]) or "not known", *_values(ledger, "unit")[:1]])
    budget = run.case.get("budget") or {}
    spent = [
        _BUDGET_WORDS[name].format(value) for name, value in budget.items() if name in _BUDGET_WORDS and value != "inf"
    ]
    seeds = len(_values(ledger, "seed"))
    facts = {
        "Problem": _ends(_values(ledger, "problem")),
        "Points": _points(ledger) if tables.is_curve(ledger) else "",
        "Qubits": ", ".join(_values(ledger, "n_qubits")),
        "Contenders": contenders,
        "Exact reference": "" if tables.is_curve(ledger) else exact,
        "Method": ", ".join(_values(ledger, "method")),
        "Starts (seeds)": f"{seeds} per contender" if seeds else "",
        "Budget": "; ".join(spent),
        "Engine": ", ".join(_values(ledger, "engine")),
        **{f"<code>{_text(name)}</code>": _value(value) for name, value in run.case.get("arguments", {}).items()},
    }
    words = (
        "<p>Generic contenders have free parameters that know nothing of the problem; constrained contenders carry "
        "its physics. All were trained with the same method, budget and number of starts.</p>"
    )
    return words + _facts(facts)


def _points(ledger: Frame) -> str:
    """How many points a run along a coordinate has, and from where to where."""
    places = ledger["coordinate"].dropna().drop_duplicates()
    if places.empty:
        return ""
    return f"{len(places)}, {tables.axis_name(ledger)} from {places.iloc[0]:g} to {places.iloc[-1]:g}"


def _result(ledger: Frame) -> str:
    summary = tables.summary(ledger)
    return _headline(summary) + _summary_table(summary) + _notes(summary, _SUMMARY_NOTE)


_SUMMARY_NOTE = (
    "The lowest median error comes first. Best and median are of |value - reference| over the seeds. Evaluations are "
    "medians per seed. Times are those of the whole batch of seeds, compilation apart."
)


def _curve_result(ledger: Frame) -> str:
    summary = tables.curve_summary(ledger)
    return _curve_headline(summary) + _curve_table(summary) + _notes(summary, _CURVE_NOTE)


_CURVE_NOTE = (
    "The smallest greatest error comes first. Max and mean are of |value - reference| along the curve; the "
    "non-parallelity error (NPE) is the greatest minus the smallest signed error along it, and is missing where a "
    "point is: all three are medians over the seeds. Evaluations are those of all points of a seed; times are those "
    "of the whole batch of seeds, compilation apart."
)


def _headline(summary: Frame) -> str:
    """The result in a sentence or two: who came closest, and who reached chemical accuracy most cheaply."""
    ranked: Frame = summary[summary["median"].notna() & (summary["quantity"] == "error")]
    if ranked.empty:
        return ""
    best = ranked.loc[ranked["median"].astype(float).idxmin()]
    said = [
        f"The lowest median error is that of <b>{_text(best['label'])}</b>, {tables.number(best['median'])} "
        f"{_text(best['unit'])} with {tables.count(best['n_params'])} parameters."
    ]
    reached = ranked[ranked["within"].notna() & (ranked["median"] <= 1.6) & ranked["n_params"].notna()]
    if len(reached):
        least = reached.loc[reached["n_params"].astype(float).idxmin()]
        said.append(
            f"The fewest parameters with a median error within chemical accuracy (1.6 mHa) are those of "
            f"<b>{_text(least['label'])}</b>, {tables.count(least['n_params'])}."
        )
    elif ranked["within"].notna().any():
        said.append("No contender's median error is within chemical accuracy (1.6 mHa).")
    return f"<p>{' '.join(said)}</p>"


def _curve_headline(summary: Frame) -> str:
    """Who stayed closest to the exact curve, and who drew its shape best."""
    said = []
    for column, words in (("worst", "The smallest greatest error along the curve"), ("npe", "The smallest NPE")):
        ranked: Frame = summary[summary[column].notna()]
        if len(ranked):
            best = ranked.loc[ranked[column].astype(float).idxmin()]
            error = f"{tables.number(best[column])} {_text(best['unit'])}"
            said.append(f"{words} is that of <b>{_text(best['label'])}</b>, {error}.")
    return f"<p>{' '.join(said)}</p>" if said else ""


def _summary_table(summary: Frame) -> str:
    units = {(row.quantity, row.unit) for row in tables.records(summary) if tables.known(row.best)}
    quantity, shared = units.pop() if len(units) == 1 else ("", "")  # told once in the head where all rows agree
    in_unit = f"{quantity} ({shared})" if shared else quantity or "error"
    heads = [
        f"best {in_unit}", f"median {in_unit}", "within 1.6 mHa", "gradient evals",
        "evals to 1.6 mHa", "time",
    ]  # fmt: skip
    rows = []
    for row in tables.records(summary):
        noun = "" if quantity or row.quantity == "error" else " (value)"
        unit = "" if quantity else f" {_text(row.unit)}"
        cells = [
            f"{tables.number(row.best)}{unit}{noun}" if tables.known(row.best) else tables.NOTHING,
            f"{tables.number(row.median)}{unit}{noun}" if tables.known(row.median) else tables.NOTHING,
            tables.within_words(row),
            tables.count(row.evaluations),
            tables.count(row.evaluations_to_tolerance),
            tables.seconds(row.wall_s),
        ]
        rows.append((row, cells))
    return _contender_table(heads, rows)


def _curve_table(summary: Frame) -> str:
    units = [str(unit) for unit in summary["unit"].dropna().unique() if unit]
    in_unit = f" ({units[0]})" if len(units) == 1 else ""
    heads = [f"max error{in_unit}", f"NPE{in_unit}", f"mean error{in_unit}", "within 1.6 mHa", "gradient evals", "time"]
    rows = []
    for row in tables.records(summary):
        cells = [tables.number(value) for value in (row.worst, row.npe, row.mean)]
        cells += [tables.within_words(row), tables.count(row.evaluations), tables.seconds(row.wall_s)]
        rows.append((row, cells))
    return _contender_table(heads, rows)


def _contender_table(heads: Sequence[str], rows: Sequence[tuple[Any, Sequence[str]]]) -> str:
    """One row per contender: who it is, what it costs, how many starts converged, and then the given numbers."""
    lines = []
    for row, numbers in rows:
        family = f'<span class="{_text(row.family)}">{_text(row.family)}</span>' if tables.known(row.family) else "-"
        cells = [
            (str(row.rank), "number"),
            (_text(row.label).replace("_", "_<wbr>"), "name"),
            (family, ""),
            (tables.count(row.n_params), "number"),
            (tables.count(row.two_qubit_gates), "number"),
            (f"{row.converged}/{row.seeds}", "bad number" if row.failed else "number"),
            *((cell, "number") for cell in numbers),
        ]
        lines.append("".join(f'<td class="{kind}">{cell}</td>' for cell, kind in cells))
    names = ["#", "contender", "family", "params", "CNOTs", "converged", *heads]
    return f'<div class="wide">{_table("".join(f"<th>{_text(name)}</th>" for name in names), lines)}</div>'


def _notes(summary: Frame, first: str) -> str:
    below = tables.below_reference(summary)
    return "".join(f'<p class="note">{_text(note)}</p>' for note in filter(None, [first, below]))


def _picture(plot: Plot) -> str:
    data = base64.b64encode(plot.path.read_bytes()).decode("ascii")
    image = f'<img src="data:image/png;base64,{data}" alt="{_text(plot.title)}">'
    return _section(plot.title, f"<figure>{image}<figcaption>{_text(plot.caption)}</figcaption></figure>")


def _endings(ledger: Frame) -> str:
    """Every status that occurs, in words, with the contenders that ended so; messages of failures."""
    words = {status.value: status.sentence for status in Status}
    rows = []
    for status, counts in tables.endings(ledger).items():
        who = ", ".join(f"{label} ({count})" for label, count in counts.items())
        kind = "" if status in _FINE else "attention"
        sentence = words.get(status, "A status of the study's own.")
        rows.append(
            f'<td class="name {kind}">{_text(status.replace("_", " "))}</td><td>{_text(sentence)}</td>'
            f'<td class="number">{sum(counts.values())}</td><td>{_text(who)}</td>'
        )
    table = _table("<th>ended</th><th>which means</th><th>seeds</th><th>contenders</th>", rows)
    messages = []
    if "message" in ledger.columns:
        for row in tables.records(ledger.assign(label=tables.labels(ledger)).dropna(subset=["message"])):
            who = tables.whose(str(row.label), row._asdict())
            messages.append(f"<li><b>{_text(who)}</b>: {_text(row.message)}</li>")
    return table + (f"<ul>{''.join(messages)}</ul>" if messages else "")


def _columns(run: LoadedRun) -> str:
    columns = dict.fromkeys([*run.ledger.columns, *TRACE_TYPES])
    rows = [f"<td><code>{_text(c)}</code></td><td>{_text(describe(c))}</td>" for c in columns]
    table = _table("<th>column</th><th>meaning</th>", rows)
    return (
        "<p>The ledger (<code>ledger.parquet</code>, <code>ledger.csv</code>) has one row per contender and seed, the "
        "trace (<code>trace.parquet</code>) one per contender, seed and step.</p>"
        f"<details><summary>All columns</summary>{table}</details>"
    )


def _origin(run: LoadedRun) -> str:
    case = run.case
    git = case.get("git") or {}
    commit = f"{git['commit']}{' with uncommitted changes' if git.get('dirty') else ''}" if git.get("commit") else ""
    versions = ", ".join(f"{name} {number}" for name, number in (case.get("versions") or {}).items() if number)
    sittings = [str(sitting.get("time")) for sitting in case.get("resumed") or []]
    facts = {
        "Started": case.get("started"),
        "Resumed": ", ".join(sittings),
        "Machine": ", ".join(str(case[name]) for name in ("host", "cpu", "system") if case.get(name)),
        "JAX devices": ", ".join(case.get("devices") or []),
        "Precision": f"{case['precision']} bit" if case.get("precision") else "",
        "Versions": versions,
        "Git commit": commit,
    }
    command = origin.command(case.get("case"), case.get("arguments", {}))
    again = f"<p>To repeat it:</p><pre>{_text(command)}</pre>" if command else ""
    return again + _facts({name: _text(value) for name, value in facts.items() if value}, escape=False)


# ---------------------------------------------------------------------------------------------------------------------
# Pieces


def _ends(names: list[str]) -> str:
    """A list of names, of a long one the first and the last."""
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} ... {names[-1]}"


def _text(value: Any) -> str:
    return html.escape(str(value), quote=True)


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{_text(title)}</h2>\n{content}\n</section>"


def _table(head: str, rows: Sequence[str]) -> str:
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _facts(facts: dict[str, Any], escape: bool = True) -> str:
    """Names and values side by side; names are HTML already, empty values are left out."""
    entries = [
        f"<dt>{name}</dt><dd>{_text(value) if escape else value}</dd>" for name, value in facts.items() if value != ""
    ]
    return f"<dl>{''.join(entries)}</dl>"


def _value(value: Any) -> str:
    if value is None:  # an argument that was not given
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _values(ledger: Frame, column: str) -> list[str]:
    """The different entries of a column, in order of first appearance."""
    return [str(value) for value in ledger[column].dropna().unique()]


_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #f4f5f7; color: #1c2330;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0.5rem 0 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 0.75rem; }
section { background: #fff; border: 1px solid #e1e4ea; border-radius: 8px;
  padding: 1.25rem 1.5rem; margin: 0 0 1.25rem; }
p { margin: 0 0 0.75rem; }
.note, figcaption { color: #56607a; font-size: 0.875rem; }
.note { margin: 0.75rem 0 0; }
.warning { background: #fff4d6; border: 1px solid #e6c35c; border-radius: 8px; padding: 0.75rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.84rem; }
th { text-align: left; vertical-align: bottom; font-weight: 600; color: #56607a; border-bottom: 2px solid #d5d9e2; }
th, td { padding: 0.35rem 0.35rem; }
td { border-bottom: 1px solid #edeff3; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { font-weight: 600; min-width: 10.5rem; overflow-wrap: anywhere; }
td.bad, .attention { color: #a8330a; }
.constrained, .generic { padding: 0.05rem 0.45rem; border-radius: 999px; font-size: 0.8rem; white-space: nowrap; }
.constrained { background: #dcefe8; color: #00593f; }
.generic { background: #e6e9f2; color: #37415a; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.25rem; margin: 0; }
dt { color: #56607a; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; }
figure img { display: block; width: 100%; max-width: 58rem; margin: 0 auto 0.75rem; }
pre { background: #f4f5f7; border-radius: 6px; padding: 0.75rem 1rem; overflow-x: auto; font-size: 0.875rem; }
code { font-size: 0.9em; }
summary { cursor: pointer; margin-bottom: 0.5rem; }
ul { margin: 0.75rem 0 0; padding-left: 1.25rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.4rem; } }
"""
