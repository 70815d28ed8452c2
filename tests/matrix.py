"""A part of the tests in fresh environments: Python 3.11 to 3.13, the newest and the oldest versions of all packages.

`python tests/matrix.py` prints the table of docs/reference/versions.md; names of rows as arguments choose some. `uv`
makes the environments if it is on the path, otherwise `venv` and `pip`: one after the other in a temporary folder, 2 GB
each. A Python that is not installed is a row that says so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

TESTS = (
    "tests/test_jax_internals.py", "tests/cli/test_help.py", "tests/engines/test_energy.py",
    "tests/optimize/test_kept_updates.py", "tests/optimize/test_minimize.py", "tests/problems/test_hubbard.py",
    "tests/problems/test_pyscf_input.py", "tests/records/test_run_tables.py", "tests/report/test_terminal.py",
    "tests/studies/test_duel.py",
)  # fmt: skip
"""Files that use most folders of the package, and all dependencies."""

TOOLS = ("pytest", "hypothesis", "beartype", "basis-set-exchange")
"""Packages that these tests need beside the package itself."""

SHOWN = ("jax", "numpy", "scipy", "numba", "pennylane", "pyscf", "pandas", "pyarrow", "optax")
"""Packages whose versions are in the table."""

_VERSIONS = """
import importlib.metadata, json
print(json.dumps({one.name.lower(): one.version for one in importlib.metadata.distributions()}))
"""


class Environment(NamedTuple):
    """A row of the table."""

    name: str
    """Name of the row."""
    python: str
    """Version of Python, such as "3.12"."""
    constraints: tuple[str, ...]
    """Versions, one a line, as in constraints.txt."""
    options: tuple[str, ...] = ()
    """Further words for pytest."""


def environments() -> list[Environment]:
    """Return all rows: versions of constraints.txt, newest, oldest."""
    pinned = tuple((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    others = tuple(line for line in pinned if re.split("[=]", line)[0] in TOOLS)
    lenient = ("-W", "ignore::DeprecationWarning", "-W", "ignore::FutureWarning")
    return [
        *(Environment(f"pinned on {python}", python, pinned) for python in ("3.11", "3.12", "3.13")),
        Environment("newest on 3.13", "3.13", ()),
        Environment("oldest", "3.11", (*others, *lower_bounds()), lenient),
    ]


def lower_bounds() -> tuple[str, ...]:
    """Return the lower bounds of pyproject.toml as constraints; AssertionError if a dependency has none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = []
    for dependency in project["dependencies"]:
        match = re.fullmatch(r"([A-Za-z0-9-]+)>=([0-9.]+)", dependency)
        assert match is not None, f"{dependency} has no lower bound"
        bounds.append(f"{match[1]}=={match[2]}")
    return tuple(bounds)


def interpreter(python: str) -> str | None:
    """Return a program that is this version of Python; None if there is none."""
    pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{python}.*/bin/python"))
    for program in (*map(str, pyenv), shutil.which(f"python{python}"), sys.executable):
        if program is not None and _words(program, "import sys; print('%d.%d' % sys.version_info[:2])") == python:
            return program
    return None


def _words(program: str, code: str) -> str:
    done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def install(environment: Environment, program: str, folder: Path) -> str:
    """Make the environment in a folder; return its Python.

    Raises:
        CalledProcessError: if the versions do not fit together, or cannot be had.
    """
    (folder / "constraints.txt").write_text("\n".join([*environment.constraints, ""]), encoding="utf-8")
    python = str(folder / "env" / "bin" / "python")
    what = ["--constraint", str(folder / "constraints.txt"), *TOOLS, "--editable", str(ROOT)]
    if shutil.which("uv"):
        subprocess.run(["uv", "venv", "--quiet", "--python", program, str(folder / "env")], check=True)
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, *what], check=True)
    else:
        subprocess.run([program, "-m", "venv", str(folder / "env")], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *what], check=True)
    return python


def row(environment: Environment) -> dict[str, str]:
    """Return the cells of a row: versions, and what the tests say."""
    cells = {"environment": environment.name, "Python": environment.python}
    program = interpreter(environment.python)
    if program is None:
        return {**cells, "result": "no such Python here"}
    with tempfile.TemporaryDirectory(prefix="qvar-matrix-") as name:
        try:
            python = install(environment, program, Path(name))
        except subprocess.CalledProcessError:
            return {**cells, "result": "cannot be installed"}
        installed: dict[str, str] = json.loads(_words(python, _VERSIONS))
        outside = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        start = time.monotonic()
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *environment.options, *TESTS],
            cwd=ROOT, env={**outside, "QVAR_CACHE": f"{name}/cache"}, stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        counts = {word: number for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
        if done.returncode:
            print(f"--- {environment.name}\n{done.stdout}", file=sys.stderr)
        result = ", ".join(f"{number} {word}" for word, number in counts.items()) or "no test ran"
        cells["Python"] = _words(python, "import platform; print(platform.python_version())")
        return {**cells, **{package: installed[package] for package in SHOWN}, "result": result,
                "seconds": f"{time.monotonic() - start:.0f}"}  # fmt: skip


def main(names: list[str]) -> int:
    """Print the table; return 1 if a row has failures."""
    rows = environments()
    unknown = set(names) - {environment.name for environment in rows}
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(e.name for e in rows)}", file=sys.stderr)
        return 2
    heads = ["environment", "Python", *SHOWN, "result", "seconds"]
    print("| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), sep="\n", flush=True)
    results = []
    for environment in rows:
        if not names or environment.name in names:
            cells = row(environment)
            results.append(cells["result"])
            print("| " + " | ".join(cells.get(head, "") for head in heads) + " |", flush=True)
    return int(any(re.fullmatch(r"\d+ passed", result) is None for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
