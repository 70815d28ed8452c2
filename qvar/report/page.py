"""report.html: one page that tells a run to someone who does not know the code, and needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from qvar.atomic_files import write_whole
from qvar.optimize.budget import FINE, Status
from qvar.records import provenance
from qvar.records.run_folder import LoadedRun
from qvar.records.schema import TRACE_TYPES, describe
from qvar.report import pieces, tables
from qvar.report.page_style import style
from qvar.report.plot_style import Plot
from qvar.report.plots.write import write_plots
from qvar.report.remarks import remarks_html
from qvar.report.tables import Frame
from qvar.report.view import View
from qvar.report.views import view_of


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
        f"<style>{style(body)}</style>\n</head>\n<body>\n<main>\n<h1>{pieces.text(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
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
        "Qubits": ", ".join(sorted(pieces.values(ledger, "n_qubits"), key=float)),
        "Contenders": contenders,
        **view.facts(run),
        "Engine": ", ".join(pieces.values(ledger, "engine")),
    }
    arguments = {
        f"<code>{pieces.text(name)}</code>": pieces.value(value)
        for name, value in run.case.get("arguments", {}).items()
    }
    return f"<p>{pieces.text(view.words)}</p>" + pieces.facts(told) + _arguments(arguments)


def _arguments(entries: dict[str, str]) -> str:
    """Arguments of the case, apart from the facts: a case may do with them what it likes."""
    if not any(entries.values()):
        return ""
    return f"<h3>Arguments of the case, as they were given</h3>{pieces.facts(entries)}"


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
            [
                (pieces.text(status.replace("_", " ")), f"name {kind}".strip()),
                (pieces.text(sentence), ""),
                (str(sum(counts.values())), "number"),
                (pieces.text(who), ""),
            ]
        )
    table = pieces.table(["ended", "which means", noun, "contenders"], rows)
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
    rows = [[(f"<code>{pieces.text(c)}</code>", "name"), (pieces.text(describe(c)), "")] for c in columns]
    table = pieces.table(["column", "meaning"], rows)
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
    command = provenance.command(case.get("case"), case.get("arguments", {}))
    again = f"<p>To repeat it:</p><pre>{pieces.text(command)}</pre>" if command else ""
    return again + pieces.facts({name: pieces.text(value) for name, value in facts.items() if value}, escape=False)


# ---------------------------------------------------------------------------------------------------------------------
# Pieces

_MOST = 8
"""Names and messages of a list that are written out."""


def _first_few(names: Sequence[str]) -> str:
    """Names with commas between them; of many the first ones, and how many more there are."""
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
