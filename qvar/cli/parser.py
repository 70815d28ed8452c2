"""Parser of the command line whose errors are sentences, with the nearest word that it knows.

Only the standard library is imported: `qvar --help` answers at once.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from qvar.errors import HelpShown, QvarError, did_you_mean

_FORMS = (
    (r"the following arguments are required: ([^,]+).*", "`{0}` must be given"),
    (r"argument (\S+): expected one argument", "`{0}` must have a value, but nothing follows it"),
    (r"argument (\S+): invalid int value: (.*)", "`{0}` must be an int, but is {1}"),
)
"""Messages of argparse, and what is said instead."""

_CHOICE = re.compile(r"argument (\S+): invalid choice: (.*) \(choose from (.*)\)")


class Parser(argparse.ArgumentParser):
    """Argument parser whose errors are sentences; flags are not abbreviated."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**{"allow_abbrev": False, **settings})  # pyright: ignore[reportArgumentType]

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leave by an exception."""
        raise HelpShown(status)

    def error(self, message: str) -> NoReturn:
        """Raise the sentence of an error."""
        choice = _CHOICE.fullmatch(message)
        if choice is not None:
            known = re.findall(r"[\w-]+", choice[3])
            hint = did_you_mean(choice[2].strip("'"), known, f"see `{self.prog} --help`.")
            words = f"{', '.join(known[:-1])} or {known[-1]}"
            raise QvarError(f"`{choice[1]}` must be {words}, but is {choice[2]}; {hint}")
        for pattern, sentence in _FORMS:
            match = re.fullmatch(pattern, message)
            if match is not None:
                raise QvarError(f"{sentence.format(*match.groups())}; see `{self.prog} --help`.")
        raise QvarError(f"{message[:1].upper()}{message[1:]}; see `{self.prog} --help`.")

    def refuse(self, words: Sequence[str]) -> None:
        """Raise the sentence about words that no argument takes, if there are any."""
        if not words:
            return
        flag = words[0].partition("=")[0]
        if not flag.startswith("-"):
            raise QvarError(f"`{words[0]}` is more than `{self.prog}` takes; see `{self.prog} --help`.")
        known = [option for action in self._actions for option in action.option_strings]
        hint = did_you_mean(flag, known, f"see `{self.prog} --help`.")
        raise QvarError(f"`{flag}` is not a flag of `{self.prog}`; {hint}")


def commands_of(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Return the parser of each command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
