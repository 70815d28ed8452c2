"""The cases that come with qvar: their names, and their files in an installation or a clone.

Only the standard library is imported, and no case is loaded: completion in a shell asks for the names.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path

from qvar.errors import QvarError, did_you_mean

_PACKAGE = Path(__file__).parents[1]


def bundled_cases() -> dict[str, Path]:
    """Return the cases by name, such as `h4_duel`; empty if an installation has none."""
    for folder in (_PACKAGE / "bundled" / "cases", _PACKAGE.parent / "cases"):  # of a wheel, and of a clone
        if folder.is_dir():
            files = sorted(folder.rglob("*.py"))
            return {
                file.relative_to(folder).with_suffix("").as_posix(): file for file in files if _functions(_tree(file))
            }
    return {}


def find_case(word: str | Path) -> Path:
    """Return the file of a case: a path as it is, or the file of a case of qvar by its name.

    Raises `QvarError` if the word is no path of a Python file and no name of a case.
    """
    path = Path(word)
    if path.suffix or os.path.lexists(path):
        return path
    cases = bundled_cases()
    if path.as_posix() in cases:
        return cases[path.as_posix()]
    hint = did_you_mean(path.as_posix(), cases, "`qvar list cases` prints their names.")
    raise QvarError(f"`CASE` must be a Python file or the name of a case of qvar, but is {str(word)!r}; {hint}")


def sentence_of(file: Path) -> str:
    """Return the first line of the docstring of a Python file; empty without one."""
    words = ast.get_docstring(_tree(file)) or ""
    return words.partition("\n")[0]


def flags_of(file: Path) -> list[str]:
    """Return the flags that a case's arguments make, read from its text."""
    flags = []
    for function in _functions(_tree(file)):
        for argument in (*function.args.args, *function.args.kwonlyargs):
            name = argument.arg.replace("_", "-")
            flags.append(f"--{name}")
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "bool":
                flags.append(f"--no-{name}")
    return flags


def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "case"]
