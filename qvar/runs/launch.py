"""A case run from the command line: `qvar run case.py`, or `python case.py` if it calls `qvar.launch(case)`."""

from __future__ import annotations

import contextlib
import inspect
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from qvar.errors import QvarError
from qvar.runs.guard import INTERRUPTED, complain, guarded

if TYPE_CHECKING:
    from qvar.records.run_folder import LoadedRun


def launch(case_function: Callable[..., Any]) -> NoReturn:
    """Run a case from its own file, as `qvar run thisfile.py` does, and end the process.

    A case script calls it under `if __name__ == "__main__":`; flags are read from the command line.

    Raises:
        SystemExit: always, with the exit status of `qvar run`.
        QvarError: if it is called while the case is being imported.
    """
    if getattr(case_function, "__module__", None) != "__main__":
        raise QvarError('`qvar.launch(case)` must be called under `if __name__ == "__main__":`.')
    path = Path(inspect.getfile(inspect.unwrap(case_function)))
    sys.exit(guarded(lambda: run_case(case_function, _short_path(path), sys.argv[1:], f"python {sys.argv[0]}")))


def run_case(case_function: Callable[..., Any], path: str, words: Sequence[str], prog: str) -> int:
    """Run a case with flags from the command line, and print its table and where its record is."""
    from qvar.runs.case_flags import build

    study, arguments, options = build(case_function, words, prog)
    from qvar.records.provenance import command
    from qvar.records.run_folder import RunFolder, load
    from qvar.runs.multiprocess import is_leader
    from qvar.runs.runner import run

    folder = RunFolder(options.out)
    try:
        run(
            study, options.out, resume=options.resume, progress=options.progress, arguments=arguments, case=path,
            workers=options.workers, remake=options.remake,
        )  # fmt: skip
    except KeyboardInterrupt:
        if not is_leader():
            return INTERRUPTED
        if not folder.case_json.exists():
            raise
        again = command(path, arguments, options.out, resume=True)
        complain(f"interrupted; {load(options.out).progress}; finish with: {again}")
        return INTERRUPTED
    if not is_leader():
        return 0
    has_report = folder.report.exists()
    if options.result == "json":
        print(_as_json(load(options.out), folder.report if has_report else None))
    elif options.result == "table":
        from qvar.report.reports import summary_text

        finished = load(options.out)
        print(summary_text(finished.ledger, finished.case.get("study")))
        print()
        if has_report:
            print(f"report: {folder.report}")
        print(f"ledger: {folder.path / 'ledger.csv'}")
    if not has_report:
        again = f"qvar report {shlex.quote(str(options.out))}"
        complain(f"all tasks are recorded, but there is no report; try again: {again}")
    return 0 if has_report else 1


def _as_json(run: LoadedRun, report: Path | None) -> str:
    """Return the rows of a run's ledger and the places of its files as one line of JSON; null for what is missing."""
    from qvar.records.json_files import jsonable

    table = run.ledger.astype(object)
    answer = {
        "folder": str(run.folder.path),
        "report": None if report is None else str(report),
        "study": run.case.get("study"),
        "tasks": {"done": run.n_done, "all": run.n_tasks},
        "ledger": table.where(table.notna(), None).to_dict("records"),
    }
    return json.dumps(jsonable(answer), allow_nan=False)


def _short_path(path: Path) -> str:
    """Return the path from the current folder if it lies below it, for a record that reads well."""
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)
