"""report.html: one page that explains a run to someone who does not know the code, and needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qvar._types import DataFrame
from qvar.analysis.once import tables_once
from qvar.analysis.rows import endings, known, labelled, records, row_name
from qvar.atomic_files import write_whole
from qvar.citations import bibtex, entries
from qvar.optimize.budget import FINE, Status
from qvar.records import provenance
from qvar.records.run_folder import LoadedRun
from qvar.records.schema import TRACE_TYPES, describe, recorded_columns
from qvar.report.formats import attention, bold, ends, first_few, values
from qvar.report.html import document, escaped, live_picture, picture, section
from qvar.report.ledger_rows import ledger_rows
from qvar.report.plot_style import Plot
from qvar.report.plots.write import write_plots
from qvar.report.remarks import remarks
from qvar.report.reports import report_of
from qvar.report.study_report import StudyReport
from qvar.report.table import Bullets, Column, Facts, Fold, Heading, Part, Span, Table, Text, Verbatim
from qvar.task import LedgerColumn

_MOST = 8
"""Messages that are written out."""

_SIDE_BY_SIDE = "Several runs of one kind of study, side by side. Contenders are compared run by run."


def write_report(run: LoadedRun) -> Path:
    """Draw the plots and write `report.html`, each whole or not at all; `OSError` if a file cannot be written."""
    with tables_once():
        plots = write_plots(run.ledger, run.trace, run.folder.plots, run.case.get("study"))
        page = report_page(run, plots)
    with write_whole(run.folder.report) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return run.folder.report


def report_page(run: LoadedRun, plots: Sequence[Plot]) -> str:
    """Return the page's HTML: pictures and a script inside, nothing fetched."""
    ledger, trace = run.ledger, run.trace
    report = report_of(ledger, run.case.get("study"))
    title = f"{run.case.get('study') or 'run'}: {ends(_problems(ledger)) or run.folder.path.name}"
    sections = [
        _unfinished(run),
        section("What was compared", _compared(run, report)),
        section("Result", list(report.result(ledger, trace))),
        section("What to know of the problem", [Bullets(remarks(ledger))]),
        *(section(plot.title, [], _figure(plot)) for plot in plots),
        *(section(name, list(parts)) for name, parts in report.sections(ledger, trace).items()),
        section(f"How the {report.noun} ended", _endings(ledger, report.noun)),
        section("Circuits", _circuits(run)),
        section("Rows", ledger_rows(ledger)),
        section("What the columns mean", _columns(ledger, recorded_columns(run.case))),
        section("Where this comes from", _origin(run)),
        section("What to cite", _citations(run)),
    ]
    return document(title, "\n".join(filter(None, sections)))


def _unfinished(run: LoadedRun) -> str:
    if run.n_done == run.n_tasks:
        return ""
    left = [task["label"] for task in run.case["tasks"] if not run.folder.shard(task["key"]).exists()]
    missing = f" Missing: {first_few(left)}." if left else ""
    words = f"This run is not finished: {run.n_done} of {run.n_tasks} tasks are done.{missing}"
    return f'<p class="warning">{escaped(words)}</p>'


def _problems(ledger: DataFrame) -> list[str]:
    """Return the names of the problems, or of the data of a `qvar.Trials`, whose problem is "data"."""
    problems = values(ledger, "problem")
    return (values(ledger, "data") or problems) if problems == ["data"] else problems


def _figure(plot: Plot) -> str:
    if plot.page is not None:
        return live_picture(plot.page.svg, plot.page.points, plot.caption)
    return picture(base64.b64encode(plot.path.read_bytes()).decode("ascii"), plot.title, plot.caption)


def _compared(run: LoadedRun, report: StudyReport) -> list[Part]:
    ledger = run.ledger
    families = ledger.drop_duplicates("contender")["family"].value_counts()
    contenders = f"{ledger['contender'].nunique()}"
    if len(families):
        contenders += " (" + ", ".join(f"{n} {family}" for family, n in families.items()) + ")"
    facts = {
        "Problem": ends(_problems(ledger)),
        "Qubits": ", ".join(sorted(values(ledger, "n_qubits"), key=float)),
        "Contenders": contenders,
        **report.facts(run),
        "Engine": ", ".join(values(ledger, "engine")),
        "Space": "; ".join(values(ledger, "space")),
    }
    arguments = {str(name): _argument(value) for name, value in run.case.get("arguments", {}).items()}
    words = _SIDE_BY_SIDE if run.case.get("comparison") else report.words
    parts: list[Part] = [words, Facts(facts)]
    if any(arguments.values()):  # apart from the facts: a case may do with them what it likes
        parts += [Heading("Arguments of the case, as they were given"), Facts(arguments, code=True)]
    return parts


def _argument(value: object) -> str:
    if value is None:  # an argument that was not given
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


class _Ending(NamedTuple):
    """Contenders that ended with one status, each with the number of its rows."""

    status: str
    contenders: dict[str, int]


def _endings(ledger: DataFrame, noun: str) -> list[Part]:
    """Return every status that occurs, in words, with its contenders; messages of failures, each once."""
    words = {status.value: status.sentence for status in Status}
    status_table: Table[_Ending] = Table(
        [
            Column(
                "ended",
                lambda end: attention(end.status.replace("_", " "), end.status in words and end.status not in FINE),
                "name",
            ),
            Column("which means", lambda end: words.get(end.status, "A status of the study's own."), "prose"),
            Column(noun, lambda end: str(sum(end.contenders.values()))),
            Column("contenders", lambda end: first_few([f"{k} ({n})" for k, n in end.contenders.items()]), "prose"),
        ],
        [_Ending(status, contenders) for status, contenders in endings(ledger).items()],
    )
    names: dict[str, list[str]] = {}
    if "message" in ledger.columns:
        for row in records(labelled(ledger).dropna(subset=["message"])):
            names.setdefault(str(row.message), []).append(row_name(row._asdict()))
    lines: list[Text] = [(bold(first_few(who)), f": {message}") for message, who in names.items()]
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], f"and {len(lines) - _MOST} more, in the ledger"]
    return [status_table, Bullets(lines)]


def _columns(ledger: DataFrame, own: Sequence[LedgerColumn]) -> list[Part]:
    filled = [str(name) for name in ledger if any(known(value) and value != "" for value in ledger[name])]
    columns = dict.fromkeys([*filled, *TRACE_TYPES])
    files = ("The ledger (", Span("ledger.parquet", "code"), ", ", Span("ledger.csv", "code"))
    rest = (") has one row per contender and seed, the trace (", Span("trace.parquet", "code"))
    meanings: list[Column[str]] = [
        Column("column", lambda name: Span(name, "code"), "name"),
        Column("meaning", lambda name: describe(name, own), "prose"),
    ]
    return [
        (*files, *rest, ") one per contender, seed and step."),
        Fold("All columns", [Table(meanings, list(columns))]),
    ]


def _circuits(run: LoadedRun) -> list[Part]:
    """Return the operations of each circuit, folded; several names of one circuit stand together."""
    names: dict[str, list[str]] = {}
    for name, text in (run.case.get("circuits") or {}).items():
        names.setdefault(str(text), []).append(str(name))
    return [Fold(first_few(several), [Verbatim(text)]) for text, several in names.items()]


def _citations(run: LoadedRun) -> list[Part]:
    """Return the BibTeX of the papers and programs that the run used."""
    keys = set(run.case.get("references") or ()) & set(entries())
    if not keys:
        return []
    number = "1 entry" if len(keys) == 1 else f"{len(keys)} entries"
    return ["Papers and programs that this run used:", Fold(f"BibTeX, {number}", [Verbatim(bibtex(keys))])]


def _sitting(resumed: dict[str, Any]) -> str:
    """Return when a run was resumed, and if it kept results of other code."""
    code = resumed.get("other_code")
    return f"{resumed.get('time')}{f' (results of other code were kept: {code})' if code else ''}"


def _origin(run: LoadedRun) -> list[Part]:
    case = run.case
    git = case.get("git") or {}
    commit = f"{git['commit']}{' with uncommitted changes' if git.get('dirty') else ''}" if git.get("commit") else ""
    versions = ", ".join(f"{name} {number}" for name, number in (case.get("versions") or {}).items() if number)
    facts = {
        "Started": case.get("started"),
        "Resumed": ", ".join(map(_sitting, case.get("resumed") or [])),
        "Machine": ", ".join(str(case[name]) for name in ("host", "cpu", "system") if case.get(name)),
        "JAX devices": ", ".join(case.get("devices") or []),
        "Precision": f"{case['precision']} bit" if case.get("precision") else "",
        "Versions": versions,
        "Git commit": commit,
    }
    command = provenance.command(case.get("case"), case.get("arguments", {}))
    again: list[Part] = ["To repeat it:", Verbatim(command)] if command else []
    return [*again, Facts({name: str(value) for name, value in facts.items() if value})]
