"""The command `qvar run`."""

from __future__ import annotations

from collections.abc import Sequence

from qvar.errors import QvarError

_HELP = """usage: qvar run CASE [flags of the case] [--out FOLDER] [--resume]
                         [--workers N] [--distributed]

Runs a case: a Python file with a function `case` whose arguments are its flags,
or one of qvar's own by its name (`qvar list cases`).

  qvar run h4_duel --help                  the case's flags, their units and defaults
  qvar run h4_duel --bond 1.5              run it with one of them changed
  qvar run my_case.py                      run one of your own (`qvar new-case`)

options of every run:
  --out FOLDER     where the record goes (default: runs/<name of the case file>,
                   or runs/<name>-2 ... if that exists)
  --resume         finish an interrupted run in --out; a training continues at
                   its last checkpoint
  --workers N      processes that do tasks at the same time (default: 1)
  --distributed    one of several processes, such as of srun, whose GPUs hold
                   one state
  --no-progress    show no progress
  --quiet          print mistakes alone
  --json           print the ledger as JSON instead of a table
  -h, --help       show this help message and exit
"""


def run(words: Sequence[str]) -> int:
    """Run a case, or print the help of `qvar run`."""
    if not words:
        raise QvarError("`CASE` must be given, such as `qvar run h4_duel`; see `qvar run --help`.")
    if words[0] in ("-h", "--help"):
        print(_HELP, end="")
        return 0
    if words[0].startswith("-"):
        raise QvarError(f"`CASE` must come before its flags, but the first word is {words[0]}.")
    from qvar.runs.case_flags import load_case
    from qvar.runs.compile_ahead import compile_ahead
    from qvar.runs.launch import run_case

    case = load_case(words[0])
    if not {"-h", "--help"}.intersection(words):
        compile_ahead()
    return run_case(case, words[0], words[1:], f"qvar run {words[0]}")
