"""Code that computes a result: versions of packages, and digests of the files of qvar and of the user.

Each result and checkpoint keeps them. A task's key holds its inputs alone: results of a run that was resumed may be of
different code.
"""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from qvar.records.json_files import jsonable
from qvar.records.provenance import versions

_PACKAGE = Path(__file__).parents[1]
_DIGEST = "sha256:"
_INSTALLED = {"site-packages", "dist-packages"}
_NOT_OWN = tuple(
    f"{folder}{os.sep}" for folder in {_PACKAGE, *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib"))}
)

_digests: WeakKeyDictionary[ModuleType, tuple[Any, str]] = WeakKeyDictionary()
"""{module: (its spec when its file was read, digest)}: the file may be edited while its old content is at work."""


def code_versions() -> dict[str, str]:
    """Return versions and digests by the names of packages, of the case file or script, and of the user's modules.

    Modules of the user are those that were imported so far from outside of installed packages.
    """
    own: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType):
            continue
        content = object.__getattribute__(module, "__dict__")  # a lazy module stays unloaded
        file = content.get("__file__")
        if isinstance(file, str) and _is_own(file):
            by_file = name in ("__main__", "__mp_main__") or name.startswith("qvar_")  # see `load_module`
            end = "/__init__.py" if Path(file).stem == "__init__" else ".py"
            label = Path(file).name if by_file else name.replace(".", "/") + end
            own[label] = _digest_of(module, content.get("__spec__"), Path(file))
    return {**_packages(), **jsonable(dict(sorted(own.items())))}


def other_code(codes: Iterable[Mapping[str, str]]) -> str:
    """Return what differs between the codes of some results, such as "my_case.py, jax 0.9 and 0.10"; empty if nothing.

    A file that one of them does not name differs in nothing: it may not have been imported yet.
    """
    values: dict[str, dict[str, None]] = {}
    for code in codes:
        for name, value in {"qvar": "", **code}.items():  # an older qvar kept none
            values.setdefault(name, {})[value] = None
    words = []
    for name, different in values.items():
        if len(different) > 1:
            numbers = dict.fromkeys(value.partition(_DIGEST)[0].strip() for value in different)
            several = len(numbers) > 1 and all(numbers)
            words.append(f"{name} {' and '.join(numbers)}" if several else name)
    return ", ".join(words)


def say_other_code(codes: Sequence[Mapping[str, str]], tasks: Path) -> str:
    """Return what differs between this process and the code of results that are kept, and print a sentence about it.

    Args:
        codes: code of each result.
        tasks: folder of the results.
    """
    now = code_versions()
    others = [code for code in codes if other_code([code, now])]
    words = other_code([*others, now])
    if words:
        count = f"{len(others)} finished task{' is' if len(others) == 1 else 's are'} kept"
        remedy = f"if that changes their numbers, remove the files in {tasks} and resume again"
        print(f"qvar: {count} that other code computed ({words}); {remedy}.", file=sys.stderr, flush=True)
    return words


@cache
def _packages() -> dict[str, str]:
    """Return the versions of packages that compute, qvar's with a digest of its files: a clone changes between two."""
    files = sorted(_PACKAGE.rglob("*.py"))
    digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
    numbers = {name: number for name, number in versions().items() if number is not None and name != "python"}
    return {**numbers, "qvar": f"{numbers['qvar']} {_DIGEST}{digest.hexdigest()[:16]}"}


@cache
def _is_own(file: str) -> bool:
    """Return if a file is neither of Python, nor of an installed package, nor of qvar."""
    return file.endswith(".py") and not file.startswith(_NOT_OWN) and _INSTALLED.isdisjoint(Path(file).parts)


def _digest_of(module: ModuleType, spec: Any, file: Path) -> str:
    known = _digests.get(module)
    if known is not None and known[0] is spec:  # a module that was loaded again has another one
        return known[1]
    try:
        digest = _DIGEST + hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError:  # deleted since
        digest = ""
    _digests[module] = spec, digest
    return digest
