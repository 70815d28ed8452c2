"""The commands that read the record of a run: `qvar show`, `report`, `cite` and `export`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from qvar.errors import QvarError
from qvar.records.run_folder import LoadedRun, load, reason, say_damage


def show(path: str | None, every_row: bool, columns: bool) -> int:
    """Print the table of a run, or the meaning of its columns."""
    from qvar.report.reports import rows_text, summary_text
    from qvar.report.terminal import columns_text

    if columns:
        print(columns_text())
        return 0
    if path is None:
        raise QvarError("`RUN` must be given: the folder of a run, such as `qvar show runs/h4_duel`.")
    run = load(path)
    text = rows_text if every_row else summary_text
    print(text(run.ledger, run.case.get("study")))
    _print_state(run)
    return 0


def report(path: str) -> int:
    """Make the plots and the page of a run again."""
    from qvar.report.page import write_report

    run = load(path)
    try:
        page = write_report(run)
    except OSError as error:
        raise QvarError(f"`RUN` must be a folder that can be written, but {path}: {reason(error)}.") from error
    print(page)
    _print_state(run)
    return 0


def compare(paths: Sequence[str], out: str) -> int:
    """Make one page about several runs."""
    from qvar.report.comparison import write_comparison

    try:
        print(write_comparison(paths, out))
    except OSError as error:
        raise QvarError(f"`--out` must be a folder that can be written, but {out}: {reason(error)}.") from error
    return 0


def index(folder: str) -> int:
    """Write the page that lists the runs of a folder."""
    from qvar.report.run_index import write_index

    try:
        print(write_index(folder))
    except OSError as error:
        raise QvarError(f"`FOLDER` must be a folder that can be written, but {folder}: {reason(error)}.") from error
    return 0


def cite(paths: Sequence[str], everything: bool) -> int:
    """Print the BibTeX entries of runs, or all that qvar knows."""
    from qvar.citations import bibtex, entries

    if everything:
        print(bibtex(entries()))
        return 0
    if not paths:
        raise QvarError(
            "`RUN` must be given: the folder of a run, such as `qvar cite runs/h4_duel`; `qvar cite --all` prints "
            "every entry."
        )
    keys: set[str] = set()
    for path in paths:
        run = load(path)
        if "references" not in run.case:
            raise QvarError(f"`RUN` must say what it used, but {path} is of an older qvar; --resume adds it.")
        keys.update(run.case["references"])
    known = keys & set(entries())
    if known:
        print(bibtex(known))
    for key in sorted(keys - known):
        print(f"qvar: {key!r} has no entry in qvar/citations.bib; its author knows it.", file=sys.stderr)
    if not keys:
        print(f"qvar: {', '.join(paths)} names nothing to cite.", file=sys.stderr)
    return 0


def export(path: str, contender: str | None, out: str, kind: str) -> int:
    """Write the basis sets that a run fitted."""
    from qvar.runs.export import export_sets

    run = load(path)
    for file in export_sets(run, out, contender, f".{kind}"):
        print(file)
    _print_state(run)
    return 0


def _print_state(run: LoadedRun) -> None:
    """Print which files were damaged, and what is not finished."""
    say_damage(run)
    if run.n_done == run.n_tasks:
        return
    from qvar.records.provenance import command

    campaign = _campaign_of(run)
    if campaign is not None:
        print(f"\n{run.progress}; `qvar status {campaign}` shows the others.")
        return
    again = command(run.case.get("case"), run.case.get("arguments", {}), run.folder.path, resume=True)
    finish = again or f'qvar.run(study, "{run.folder.path}", resume=True)'
    print(f"\n{run.progress}; finish with: {finish}")


def _campaign_of(run: LoadedRun) -> Path | None:
    """Return the campaign that a run is, or is a point of: `qvar run --resume` would not see its workers."""
    if "points" in run.case:
        return run.folder.path
    above = run.folder.path.resolve().parents
    return above[1] if run.folder.tasks.is_symlink() and (above[1] / "case.json").exists() else None
