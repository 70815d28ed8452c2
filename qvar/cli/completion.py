"""The command `qvar completion`, and what it asks while a user types.

Only the standard library is imported: an answer must come at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from qvar.cli.parser import commands_of
from qvar.errors import QvarError
from qvar.runs.bundled_cases import bundled_cases, find_case, flags_of

_SCRIPTS = {
    "bash": """\
# qvar completion bash >> ~/.bashrc
_qvar() {
    local IFS=$'\\n'
    COMPREPLY=($(qvar complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o bashdefault -o default -F _qvar qvar
""",
    "zsh": """\
# qvar completion zsh >> ~/.zshrc, after compinit
_qvar() {
    local -a answers
    answers=("${(@f)$(qvar complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n "$answers" ]] && compadd -a answers || _files
}
compdef _qvar qvar
""",
    "fish": """\
# qvar completion fish > ~/.config/fish/completions/qvar.fish
complete -c qvar -a '(qvar complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
""",
}
"""Script of each shell; files are offered if qvar has no answer."""

_OF_RUNS = ("--out", "--resume", "--workers", "--distributed", "--no-progress", "--quiet", "--json", "--help")


def completion(shell: str) -> int:
    """Print the script that makes a shell complete commands, cases and flags."""
    print(_SCRIPTS[shell], end="")
    return 0


def complete(words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Print the words that the last of some words may become, one on each line."""
    *before, last = words or [""]
    print("\n".join(answer for answer in _answers(before, last, parser) if answer.startswith(last)))
    return 0


def _answers(before: Sequence[str], last: str, parser: argparse.ArgumentParser) -> list[str]:
    commands = commands_of(parser)
    if not before:
        return [*commands, *_flags(parser)]
    command, *rest = before
    if command not in commands:
        return []
    if command in ("run", "submit"):
        if rest:
            return [*_case_flags(rest[0]), *(_OF_RUNS if command == "run" else ())]
        return list(bundled_cases())
    own = commands[command]
    choices = [list(action.choices or ()) for action in own._actions if not action.option_strings]
    return _flags(own) if last.startswith("-") else [*map(str, choices[len(rest)])] if len(rest) < len(choices) else []


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    return [word for action in parser._actions for word in action.option_strings if word.startswith("--")]


def _case_flags(case: str) -> list[str]:
    try:
        return flags_of(find_case(case))
    except QvarError:
        return []
