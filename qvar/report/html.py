"""report.html: one page that tells a run to someone who does not know the code, and needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from qvar.optimize.budget import FINE, Status
from qvar.report import pieces, tables
from qvar.report.drawing import Plot
from qvar.report.plots import write_plots
from qvar.report.remarks import remarks_html
from qvar.report.tables import Frame
from qvar.report.view import View
from qvar.report.views import view_of
from qvar.runs import origin
from qvar.runs.columns import TRACE_TYPES, describe
from qvar.runs.folder import LoadedRun
from qvar.whole_files import write_whole


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
    view, known = view_of(run.ledger), remarks_html(run.ledger)
    title = (
        f"{run.case.get('study') or 'run'}: {pieces.ends(pieces.values(run.ledger, 'problem')) or run.folder.path.name}"
    )
    sections = [
        _unfinished(run),
        pieces.section("What was compared", _compared(run, view)),
        pieces.section("Result", view.result(run.ledger, run.trace)),
        *([pieces.section("What to know of the problem", known)] if known else []),
        *(_picture(plot) for plot in plots),
        *(pieces.section(name, told) for name, told in view.sections(run.ledger, run.trace).items() if told),
        pieces.section(f"How the {view.noun} ended", _endings(run.ledger, view.noun)),
        pieces.section("What the columns mean", _columns(run)),
        pieces.section("Where this comes from", _origin(run)),
    ]
    body = "\n".join(filter(None, sections))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{pieces.text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{pieces.text(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


# ---------------------------------------------------------------------------------------------------------------------
# Sections


def _unfinished(run: LoadedRun) -> str:
    if run.n_done == run.n_tasks:
        return ""
    left = [task["label"] for task in run.case["tasks"] if not run.folder.shard(task["key"]).exists()]
    missing = f" Missing: {pieces.text(_first_few(left))}." if left else ""
    return f'<p class="warning">This run is not finished: {run.n_done} of {run.n_tasks} tasks are done.{missing}</p>'


def _compared(run: LoadedRun, view: View) -> str:
    ledger = run.ledger
    families = ledger.drop_duplicates("contender")["family"].value_counts()
    contenders = f"{ledger['contender'].nunique()}"
    if len(families):
        contenders += " (" + ", ".join(f"{n} {family}" for family, n in families.items()) + ")"
    told = {
        "Problem": pieces.ends(pieces.values(ledger, "problem")),
        "Qubits": ", ".join(pieces.values(ledger, "n_qubits")),
        "Contenders": contenders,
        **view.facts(run),
        "Engine": ", ".join(pieces.values(ledger, "engine")),
    }
    arguments = {
        f"<code>{pieces.text(name)}</code>": pieces.value(value)
        for name, value in run.case.get("arguments", {}).items()
    }
    return f"<p>{pieces.text(view.words)}</p>" + pieces.facts(told | arguments)


def _picture(plot: Plot) -> str:
    data = base64.b64encode(plot.path.read_bytes()).decode("ascii")
    image = f'<img src="data:image/png;base64,{data}" alt="{pieces.text(plot.title)}">'
    return pieces.section(plot.title, f"<figure>{image}<figcaption>{pieces.text(plot.caption)}</figcaption></figure>")


def _endings(ledger: Frame, noun: str) -> str:
    """Every status that occurs, in words, with the contenders that ended so; messages of failures, each once."""
    words = {status.value: status.sentence for status in Status}
    rows = []
    for status, counts in tables.endings(ledger).items():
        who = _first_few([f"{label} ({count})" for label, count in counts.items()])
        kind = "" if status in FINE else "attention"
        sentence = words.get(status, "A status of the study's own.")
        rows.append(
            f'<td class="name {kind}">{pieces.text(status.replace("_", " "))}</td><td>{pieces.text(sentence)}</td>'
            f'<td class="number">{sum(counts.values())}</td><td>{pieces.text(who)}</td>'
        )
    table = pieces.table(f"<th>ended</th><th>which means</th><th>{noun}</th><th>contenders</th>", rows)
    said: dict[str, list[str]] = {}
    if "message" in ledger.columns:
        for row in tables.records(ledger.assign(label=tables.labels(ledger)).dropna(subset=["message"])):
            said.setdefault(str(row.message), []).append(tables.whose(str(row.label), row._asdict()))
    items = [f"<b>{pieces.text(_first_few(who))}</b>: {pieces.text(words)}" for words, who in said.items()]
    if len(items) > _MOST:
        items = [*items[:_MOST], f"and {len(items) - _MOST} more, in the ledger"]
    return table + (f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else "")


def _columns(run: LoadedRun) -> str:
    columns = dict.fromkeys([*run.ledger.columns, *TRACE_TYPES])
    rows = [f"<td><code>{pieces.text(c)}</code></td><td>{pieces.text(describe(c))}</td>" for c in columns]
    table = pieces.table("<th>column</th><th>meaning</th>", rows)
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
    again = f"<p>To repeat it:</p><pre>{pieces.text(command)}</pre>" if command else ""
    return again + pieces.facts({name: pieces.text(value) for name, value in facts.items() if value}, escape=False)


# ---------------------------------------------------------------------------------------------------------------------
# Pieces

_MOST = 8
"""Names and messages of a list that are written out."""


def _first_few(names: Sequence[str]) -> str:
    """Names with commas between them; of many the first ones, and how many more there are."""
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


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
