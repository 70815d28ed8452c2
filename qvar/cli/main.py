"""The command `qvar`: run a case, show, report and cite what it gave, list what there is, check what is one's own.

Only the standard library is imported here, so that `qvar --help` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import inspect
import io
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from qvar._version import __version__
from qvar.errors import HelpShown, QvarError, one_line
from qvar.memory import wanted_memory
from qvar.precision import check_precision

if TYPE_CHECKING:
    from qvar.records.run_folder import LoadedRun

USER_ERROR = 2
"""Exit status where what the user gave cannot be worked with."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the signal's number."""

_COMMANDS = (
    "run", "submit", "status", "collect", "cancel", "show", "report", "cite", "export", "list", "check", "doctor",
)  # fmt: skip

_RUN_HELP = """usage: qvar run CASE [flags of the case] [--out FOLDER] [--resume]
                         [--workers N] [--distributed]

Runs a case: a Python file with a function `case` whose arguments are its flags.

  qvar run cases/h4_duel.py --help         the case's flags, their units and defaults
  qvar run cases/h4_duel.py --bond 1.5     run it with one of them changed

  qvar run --campaign FOLDER [--index N]   tasks of a campaign, see `qvar submit`

options of every run:
  --out FOLDER     where the record goes (default: runs/<name of the case file>,
                   or runs/<name>-2 ... where that exists)
  --resume         finish what an interrupted run in --out lacks
  --workers N      processes that do tasks at the same time (default: 1)
  --distributed    one of several processes, such as of srun, whose GPUs hold
                   one state
  --no-progress    show no progress
  -h, --help       show this help message and exit
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are sentences."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown(status)

    def error(self, message: str) -> NoReturn:
        raise QvarError(f"{message[:1].upper()}{message[1:]}; `{self.prog} --help` tells more.")


def main(argv: Sequence[str] | None = None) -> int:
    """The console script `qvar`.

    Args:
        argv: the words after `qvar`; those of this process by default.

    Returns:
        The exit status: 0, or 1 where `doctor` or `check` finds something wrong, 2 for a mistake of the user, 130
        after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return _guarded(lambda: _dispatch(words))


def launch(case_function: Callable[..., Any]) -> NoReturn:
    """Runs a case from its own file, as `qvar run thisfile.py` does, and ends the process.

    What a case script calls under `if __name__ == "__main__":`; flags are read from the command line.

    Args:
        case_function: the script's function `case`.

    Raises:
        SystemExit: always, with the status of `main`.
        QvarError: if it is called while the case is being imported.
    """
    if getattr(case_function, "__module__", None) != "__main__":
        raise QvarError('`qvar.launch(case)` must stand under `if __name__ == "__main__":`.')
    path = Path(inspect.getfile(inspect.unwrap(case_function)))
    sys.exit(_guarded(lambda: _run_case(case_function, _shown_path(path), sys.argv[1:], f"python {sys.argv[0]}")))


def _guarded(command: Callable[[], int]) -> int:
    """Runs a command; a user's mistake becomes a sentence, a closed pipe the end of output."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show must not end the program
            stream.reconfigure(errors="replace")
    try:
        check_precision()
        wanted_memory()
        status = command()
        sys.stdout.flush()
    except QvarError as error:
        _complain(_one_line(str(error)))
        status = USER_ERROR
    except KeyboardInterrupt:
        _complain("interrupted.")
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has had enough. Python would complain when it closes the pipe at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except HelpShown:
        status = 0
    except SystemExit as end:  # of what a user's file does: it must not look as if all had gone well
        _complain(f"A user's file must not end the program, but something in it called sys.exit({end.code!r}).")
        status = USER_ERROR
    except BaseException:
        if not _is_distributed():
            raise
        traceback.print_exc()
        status = 1
    if status and _is_distributed():
        from qvar.runs.multiprocess import leave

        leave(status)
    return status


def _is_distributed() -> bool:
    """Whether this is one of several processes that have met; does not import what was not needed."""
    distributed = sys.modules.get("qvar.runs.multiprocess")
    return distributed is not None and distributed.is_begun()


def _one_line(sentence: str) -> str:
    """A sentence on one line, also if a name in it holds line breaks or controls the terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in " ".join(sentence.splitlines()))


def _complain(sentence: str) -> None:
    """Says what went wrong; of several processes one does."""
    if _is_distributed():
        from qvar.runs.multiprocess import last_words

        said = last_words(sentence)
        if said is None:
            return
        sentence = said
    print(f"qvar: {one_line(sentence)}", file=sys.stderr)


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["run"]:  # by hand: --help after the case belongs to the case
        return _run(words[1:])
    if words[:1] == ["submit"]:  # likewise
        from qvar.cluster.commands import submit

        return submit(words[1:], _Parser(prog="qvar submit", add_help=False, allow_abbrev=False))
    if words and not words[0].startswith("-") and words[0] not in _COMMANDS:
        near = difflib.get_close_matches(words[0], _COMMANDS, n=1)
        hint = f"did you mean `qvar {near[0]}`?" if near else "`qvar --help` lists them."
        raise QvarError(f"`{words[0]}` is not a command of qvar; {hint}")
    parser = _Parser(prog="qvar", description="Pits variational quantum models against each other.")
    parser.add_argument("--version", action="version", version=f"qvar {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    commands.add_parser("run", help="run a case: qvar run cases/h4_duel.py --bond 1.5", add_help=False)
    commands.add_parser("submit", help="send a case, swept over its arguments, to a batch queue", add_help=False)
    about = "Tells how a campaign stands: done, running, waiting, stopped, died, failed, missing."
    status = commands.add_parser("status", help="tell how a campaign stands", description=about)
    status.add_argument("campaign", metavar="CAMPAIGN", help="folder that `qvar submit` made")
    status.add_argument("--json", action="store_true", help="for a script: counts, and one entry for each task")
    about = "Makes the tables, plots and report of a campaign; exit status 1 where results are missing."
    collect = commands.add_parser("collect", help="make a campaign's tables and report", description=about)
    collect.add_argument("campaign", metavar="CAMPAIGN", help="folder that `qvar submit` made")
    about = "Takes a campaign out of the queue; `qvar submit --resume` goes on with it."
    cancel = commands.add_parser("cancel", help="take a campaign out of the queue", description=about)
    cancel.add_argument("campaign", metavar="CAMPAIGN", help="folder that `qvar submit` made")
    show = commands.add_parser("show", help="print the table of a run", description="Prints the table of a run.")
    show.add_argument("run", metavar="RUN", nargs="?", help="folder of a run, finished or not")
    show.add_argument("--all", action="store_true", help="one row per contender and seed")
    show.add_argument("--columns", action="store_true", help="explain the columns of the ledger")
    report = commands.add_parser(
        "report", help="make plots and report.html again", description="Makes the plots and report.html of a run again."
    )
    report.add_argument("run", metavar="RUN", help="folder of a run, finished or not")
    cite = commands.add_parser(
        "cite", help="print the BibTeX of what a run used", description="Prints the BibTeX of what runs used."
    )
    cite.add_argument("runs", metavar="RUN", nargs="*", help="folder of a run, finished or not")
    cite.add_argument("--all", action="store_true", help="every entry that qvar knows, of no run")
    about = "Writes the best basis set of every form that a run fitted, and a record of its origin beside it."
    export = commands.add_parser("export", help="write the basis sets of a run", description=about)
    export.add_argument("run", metavar="RUN", help="folder of a run that fitted basis sets")
    export.add_argument("--contender", metavar="NAME", help="only the set of this form")
    export.add_argument("--out", metavar="FOLDER", default="sets", help="where to (default: sets)")
    export.add_argument("--format", choices=("nw", "gbs"), default="nw", help="NWChem's or Gaussian's (default: nw)")
    about = "Lists the ansätze that qvar offers, with what they cost on a problem, or the problems that have names."
    listing = commands.add_parser("list", help="list ansatze or problems", description=about)
    listing.add_argument("what", choices=("ansatze", "problems"), help="what to list")
    listing.add_argument("--problem", metavar="NAME", default="h4", help="name or .npz file (default: h4)")
    listing.add_argument("--layers", metavar="N", type=int, default=2, help="layers of each ansatz (default: 2)")
    about = "Checks an ansatz of your own: gradients, simulators, claimed symmetries; exit status 1 if a check fails."
    check = commands.add_parser("check", help="check an ansatz of your own", description=about)
    about = "a Python file, and an Ansatz in it, or a function that returns one, given a problem or nothing"
    check.add_argument("place", metavar="FILE.py:NAME", help=about)
    about = "name or .npz file of the problem to try it on (default: one of its size, see `qvar list problems`)"
    check.add_argument("--problem", metavar="NAME", help=about)
    about = (
        "Looks whether qvar can work here: versions, devices, precision, memory, compile cache; exit status 1 if "
        "something is broken."
    )
    commands.add_parser("doctor", help="look whether qvar can work on this machine", description=about)
    given = parser.parse_args(words)
    if given.command in ("status", "collect", "cancel"):
        from qvar.cluster import commands as cluster

        if given.command == "status":
            return cluster.status(given.campaign, given.json)
        return cluster.collect(given.campaign) if given.command == "collect" else cluster.cancel(given.campaign)
    if given.command == "show":
        return _show(given.run, given.all, given.columns)
    if given.command == "report":
        return _report(given.run)
    if given.command == "cite":
        return _cite(given.runs, given.all)
    if given.command == "export":
        return _export(given.run, given.contender, given.out, given.format)
    if given.command == "list":
        return _list(given.what, given.problem, given.layers)
    if given.command == "check":
        return _check(given.place, given.problem)
    if given.command == "doctor":
        return _doctor()
    parser.print_help()
    return 0


# ---------------------------------------------------------------------------------------------------------------------
# Commands


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        if not words:
            raise QvarError("`CASE` must be given, such as `qvar run cases/h4_duel.py`; `qvar run --help` tells more.")
        print(_RUN_HELP, end="")
        return 0
    if words[0] == "--campaign":
        return _run_campaign(words)
    if words[0].startswith("-"):
        raise QvarError(f"`CASE` must come before its flags, but the first word is {words[0]}.")
    from qvar.runs.case_flags import load_case

    return _run_case(load_case(words[0]), words[0], words[1:], f"qvar run {words[0]}")


def _run_campaign(words: list[str]) -> int:
    """What the elements of a job array call."""
    parser = _Parser(prog="qvar run --campaign", allow_abbrev=False)
    parser.add_argument("--campaign", metavar="FOLDER", required=True, help="folder that `qvar submit` made")
    about = "number of the array element whose tasks to do (default: all that nobody is at work on)"
    parser.add_argument("--index", metavar="N", type=int, help=about)
    about = "this is one of several processes, such as of srun, whose GPUs hold one state"
    parser.add_argument("--distributed", action="store_true", help=about)
    given = parser.parse_args(words)
    if given.distributed:
        from qvar.runs.multiprocess import begin

        begin()
    from qvar.cluster.array_task import run_element
    from qvar.cluster.campaign import open_campaign

    return run_element(open_campaign(given.campaign), given.index)


def _run_case(case_function: Callable[..., Any], path: str, words: Sequence[str], prog: str) -> int:
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
        finished = load(options.out)
        again = command(path, arguments, options.out, resume=True)
        _complain(f"interrupted; {_done_words(finished)}; finish with: {again}")
        return INTERRUPTED
    if not is_leader():
        return 0
    from qvar.report.views import summary_text

    print(summary_text(load(options.out).ledger))
    print()
    written = folder.report.exists()
    if written:
        print(f"report: {folder.report}")
    print(f"ledger: {folder.path / 'ledger.csv'}")
    if not written:
        again = f"qvar report {shlex.quote(str(options.out))}"
        _complain(f"all tasks are recorded, but there is no report; try again: {again}")
    return 0 if written else 1


def _show(path: str | None, every_row: bool, columns: bool) -> int:
    from qvar.report.terminal import columns_text
    from qvar.report.views import rows_text, summary_text

    if columns:
        print(columns_text())
        return 0
    if path is None:
        raise QvarError("`RUN` must be given: the folder of a run, such as `qvar show runs/h4_duel`.")
    from qvar.records.run_folder import load

    loaded = load(path)
    print(rows_text(loaded.ledger) if every_row else summary_text(loaded.ledger))
    _say_state(loaded)
    return 0


def _report(path: str) -> int:
    from qvar.records.run_folder import load, reason
    from qvar.report.page import write_report

    loaded = load(path)
    try:
        page = write_report(loaded)
    except OSError as error:
        raise QvarError(f"`RUN` must be a folder that can be written, but {path}: {reason(error)}.") from error
    print(page)
    _say_state(loaded)
    return 0


def _cite(paths: Sequence[str], everything: bool) -> int:
    from qvar.citations import bibtex, entries

    if everything:
        print(bibtex(entries()))
        return 0
    if not paths:
        raise QvarError(
            "`RUN` must be given: the folder of a run, such as `qvar cite runs/h4_duel`; `qvar cite --all` prints "
            "every entry."
        )
    from qvar.records.run_folder import load

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


def _export(path: str, contender: str | None, out: str, kind: str) -> int:
    from qvar.records.run_folder import load
    from qvar.runs.export import export_sets

    loaded = load(path)
    for file in export_sets(loaded, out, contender, f".{kind}"):
        print(file)
    _say_state(loaded)
    return 0


def _list(what: str, problem: str, layers: int) -> int:
    from qvar.report.listing import ansatze_text, problems_text
    from qvar.runs.ansatz_files import load_problem

    if what == "problems":
        print(problems_text())
        return 0
    from qvar.checks import counting_number

    print(ansatze_text(load_problem(problem), counting_number("layers", layers)))
    return 0


def _check(place: str, problem_word: str | None) -> int:
    from qvar.report.listing import findings_text
    from qvar.runs.ansatz_files import load_ansatz
    from qvar.studies.check_ansatz import conform

    problem, ansatz = load_ansatz(place, problem_word)
    findings = conform(problem, ansatz)
    print(findings_text(problem, ansatz, findings))
    return 1 if any(finding.passed is False for finding in findings) else 0


def _doctor() -> int:
    from qvar.runs.doctor import diagnose

    found = diagnose()
    print("\n".join(found.lines))
    for sentence in found.broken:
        print(f"qvar: {sentence}", file=sys.stderr)
    print("Something is broken." if found.broken else "All is well.")
    return 1 if found.broken else 0


def _say_state(run: LoadedRun) -> None:
    """Says which files were damaged, and what is not finished."""
    from qvar.records.run_folder import say_damage

    say_damage(run)
    if run.n_done == run.n_tasks:
        return
    from qvar.records.provenance import command

    campaign = _campaign_of(run)
    if campaign is not None:
        print(f"\n{_done_words(run)}; `qvar status {campaign}` tells of the others.")
        return
    again = command(run.case.get("case"), run.case.get("arguments", {}), run.folder.path, resume=True)
    finish = again or f'qvar.run(study, "{run.folder.path}", resume=True)'
    print(f"\n{_done_words(run)}; finish with: {finish}")


def _campaign_of(run: LoadedRun) -> Path | None:
    """The campaign that a run is, or is a point of; there `qvar run --resume` would not see who is at work."""
    if "points" in run.case:
        return run.folder.path
    above = run.folder.path.resolve().parents
    return above[1] if run.folder.tasks.is_symlink() and (above[1] / "tasks.jsonl").exists() else None


def _done_words(run: LoadedRun) -> str:
    return f"{run.n_done} of {run.n_tasks} tasks {'is' if run.n_done == 1 else 'are'} done"


def _shown_path(path: Path) -> str:
    """The path from the current folder where it lies below it, for a record that reads well."""
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)
