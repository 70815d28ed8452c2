"""The command `qvar`: reads which command is meant and calls its function.

Only the standard library is imported here, so that `qvar --help` answers at once.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from functools import cache

from qvar._version import __version__
from qvar.cli.parser import Parser, commands_of
from qvar.errors import QvarError
from qvar.runs.guard import guarded

_COMMANDS = {
    "run": "run.run", "submit": "submit.submit", "status": "campaign.status", "collect": "campaign.collect",
    "cancel": "campaign.cancel", "worker": "campaign.worker", "show": "record.show", "report": "record.report",
    "compare": "record.compare", "index": "record.index", "cite": "record.cite", "export": "record.export",
    "list": "look.list_known", "check": "look.check", "doctor": "look.doctor", "new-case": "new_case.new_case",
    "completion": "completion.completion", "advise": "advise.advise",
}  # fmt: skip
"""{command: its module and function}; the function's arguments are named as in the parser."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `qvar`.

    Returns:
        The exit status: 0, or 1 if `doctor` or `check` finds a fault, 2 after a mistake of the user, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _dispatch(words))


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["run"]:  # by hand: --help after the case belongs to the case
        from qvar.cli.run import run

        return run(words[1:])
    if words[:1] == ["submit"]:  # by hand for the same reason
        from qvar.cli.submit import submit

        return submit(words[1:], Parser(prog="qvar submit", add_help=False))
    if words[:1] == ["complete"]:  # shells call it, with the words of a command line that is not finished
        from qvar.cli.completion import complete

        return complete(words[1:], _parser())
    if words and not words[0].startswith("-") and words[0] not in _COMMANDS:
        near = difflib.get_close_matches(words[0], _COMMANDS, n=1)
        hint = f"did you mean `qvar {near[0]}`?" if near else "`qvar --help` lists them."
        raise QvarError(f"`{words[0]}` is not a command of qvar; {hint}")
    parser = _parser()
    known, unknown = parser.parse_known_args(words)
    args = vars(known)
    name = args.pop("command")
    (commands_of(parser)[name] if name else parser).refuse(unknown)
    if name is None:
        parser.print_help()
        return 0
    module, _, function = _COMMANDS[name].partition(".")
    return getattr(importlib.import_module(f"qvar.cli.{module}"), function)(**args)


@cache
def _parser() -> Parser:
    """Return the parser of all commands; `run` and `submit` are there for the help alone."""
    parser = Parser(prog="qvar", description="Compares variational quantum models under equal budgets.")
    parser.add_argument("--version", action="version", version=f"qvar {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    def command(name: str, help: str, description: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=description)

    commands.add_parser("run", help="run a case: qvar run h4_duel --bond 1.5", add_help=False)
    commands.add_parser("submit", help="send a case, swept over its arguments, to a batch queue", add_help=False)
    status = command(
        "status",
        "show the state of a campaign",
        "Shows the tasks of a campaign by their state: done, running, waiting, stopped, died, failed, missing.",
    )
    status.add_argument("path", metavar="CAMPAIGN", help="folder that `qvar submit` made")
    status.add_argument(
        "--json", dest="as_json", action="store_true", help="for a script: counts, and one entry for each task"
    )
    collect = command(
        "collect",
        "make a campaign's tables and report",
        "Makes the tables, plots and report of a campaign; exit status 1 if results are missing.",
    )
    collect.add_argument("path", metavar="CAMPAIGN", help="folder that `qvar submit` made")
    cancel = command(
        "cancel",
        "take a campaign out of the queue",
        "Takes a campaign out of the queue; `qvar submit --resume` continues it.",
    )
    cancel.add_argument("path", metavar="CAMPAIGN", help="folder that `qvar submit` made")
    worker = command(
        "worker",
        "do tasks of a campaign (array scripts call it)",
        "Does the tasks of one array task of a campaign, or all that no other process is working on.",
    )
    worker.add_argument("path", metavar="CAMPAIGN", help="folder that `qvar submit` made")
    worker.add_argument("--index", metavar="N", type=int, help="number of the array task (default: all tasks)")
    about = "one of several processes, such as of srun, whose GPUs hold one state"
    worker.add_argument("--distributed", action="store_true", help=about)
    show = command("show", "print the table of a run", "Prints the table of a run.")
    show.add_argument("path", metavar="RUN", nargs="?", help="folder of a run, finished or not")
    show.add_argument("--all", dest="every_row", action="store_true", help="one row per contender and seed")
    show.add_argument("--columns", action="store_true", help="explain the columns of the ledger")
    report = command("report", "make plots and report.html again", "Makes the plots and report.html of a run again.")
    report.add_argument("path", metavar="RUN", help="folder of a run, finished or not")
    compare = command("compare", "make one page about several runs", "Makes one page, with plots, about several runs.")
    compare.add_argument("paths", metavar="RUN", nargs="+", help="folders of runs of one kind of study")
    compare.add_argument(
        "--out", metavar="FOLDER", default="comparison", help="folder of the page (default: comparison)"
    )
    index = command(
        "index", "list the runs of a folder on a page", "Writes index.html, a list of the runs in a folder."
    )
    index.add_argument("folder", metavar="FOLDER", nargs="?", default="runs", help="folder of runs (default: runs)")
    cite = command("cite", "print the BibTeX of what a run used", "Prints the BibTeX of what runs used.")
    cite.add_argument("paths", metavar="RUN", nargs="*", help="folder of a run, finished or not")
    cite.add_argument("--all", dest="everything", action="store_true", help="every entry that qvar knows, of no run")
    export = command(
        "export",
        "write the basis sets of a run",
        "Writes the best basis set of every form that a run fitted, each with a record of its origin.",
    )
    export.add_argument("path", metavar="RUN", help="folder of a run that fitted basis sets")
    export.add_argument("--contender", metavar="NAME", help="only the set of this form")
    export.add_argument("--out", metavar="FOLDER", default="sets", help="folder to write to (default: sets)")
    export.add_argument(
        "--format", dest="kind", choices=("nw", "gbs"), default="nw", help="NWChem's or Gaussian's (default: nw)"
    )
    listing = command(
        "list",
        "list ansatze, cases, methods, pools or problems",
        "Lists the ansätze or pools of qvar, with their costs or sizes on a problem; its cases and optimizers; or the "
        "problems that have names.",
    )
    kinds = ("ansatze", "cases", "methods", "pools", "problems")
    listing.add_argument("what", metavar="WHAT", choices=kinds, help=f"one of {', '.join(kinds)}")
    listing.add_argument("--problem", metavar="NAME", default="h4", help="name or .npz file (default: h4)")
    listing.add_argument("--layers", metavar="N", type=int, default=2, help="layers of each ansatz (default: 2)")
    advise = command(
        "advise",
        "recommend a circuit for a molecule",
        "Recommends a circuit for a molecule within limits of cost, from runs that travel with qvar: the lowest median "
        "error, or with --error the fewest CNOTs that reach it; exit status 1 if none is within the limits.",
    )
    advise.add_argument("--problem", metavar="NAME", required=True, help="molecule: h4, h6, lih, beh2, h2o, n2")
    advise.add_argument("--bond", metavar="LENGTH", type=float, help="length of its bonds, angstrom (default: usual)")
    advise.add_argument("--basis", metavar="NAME", default="sto-3g", help="sto-3g or 6-31g (default: sto-3g)")
    advise.add_argument("--two-qubit-gates", metavar="N", type=int, help="largest number of CNOTs")
    advise.add_argument("--parameters", metavar="N", type=int, help="largest number of parameters")
    advise.add_argument("--evaluations", metavar="N", type=int, help="largest median number of evaluations")
    advise.add_argument("--error", metavar="E", type=float, help="largest median error, mHa, such as 1.6")
    advise.add_argument("--json", dest="as_json", action="store_true", help="for a script")
    check = command(
        "check",
        "check an ansatz of your own",
        "Checks an ansatz of your own: gradients, simulators, claimed symmetries; exit status 1 if a check fails.",
    )
    about = "a Python file, and an Ansatz in it, or a function that returns one, of a problem or of no argument"
    check.add_argument("place", metavar="FILE.py:NAME", help=about)
    about = "name or .npz file of the problem to try it on (default: one of its size, see `qvar list problems`)"
    check.add_argument("--problem", dest="problem_word", metavar="NAME", help=about)
    new = command("new-case", "write a case to start from", "Writes a case file with a circuit of one's own.")
    new.add_argument("name", metavar="NAME", help="name of the new file, such as my_case")
    shells = command(
        "completion",
        "print a shell's completion script",
        "Prints the script that completes commands, cases and flags; its first line says where to put it.",
    )
    shells.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    command(
        "doctor",
        "check the installation on this machine",
        "Checks the installation: versions, devices, precision, memory, compile cache; exit status 1 if something is "
        "broken.",
    )
    return parser
