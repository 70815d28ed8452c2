"""No circle of modules: the import graph of `qvar/`, imports inside functions and for type checkers left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "qvar"


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when a module is imported."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _statements(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def import_graph(root: Path) -> dict[str, set[str]]:
    """Modules of a package, and those of its modules that each one imports."""
    paths = {}
    for path in root.rglob("*.py"):
        parts = (root.name, *path.relative_to(root).with_suffix("").parts)
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        names: list[str] = []
        for node in _statements(ast.parse(path.read_text(encoding="utf-8")).body):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                source = ".".join([*above, *([node.module] if node.module else [])])
                parts = [f"{source}.{alias.name}" for alias in node.names]
                names += [part if part in paths else source for part in parts]
        graph[name] = {other for other in names if other in paths} - {name}
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other, the first of them at both ends; empty if there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_circle_of_modules() -> None:
    graph = import_graph(ROOT)
    assert "qvar.problems.hamiltonians" in graph["qvar.problems.problem"]
    assert circle(graph) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from house.b import f", ["house.a", "house.b", "house.a"]),
        ("try:\n    from . import b\nfinally:\n    pass", ["house.a", "house.b", "house.a"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import b", []),
        ("def g():\n    import house.b", []),
    ],
)
def test_a_circle_is_found(tmp_path: Path, text: str, expected: list[str]) -> None:
    root = tmp_path / "house"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "b.py").write_text("from house import a, missing\n")
    (root / "a.py").write_text(text + "\n")
    assert sorted(set(circle(import_graph(root)))) == sorted(set(expected))
