"""Cases and pages import public names only: those of `qvar` and of the packages that have a stub of public names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"qvar", "qvar.analysis", "qvar.basis", "qvar.diagnostics"}
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.M | re.S)
SOURCES = [*sorted((ROOT / "cases").glob("*.py")), ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def public(package: str) -> set[str]:
    """Public names of a package, from its stub."""
    stub = ROOT.joinpath(*package.split("."), "__init__.pyi").read_text(encoding="utf-8")
    return {
        name.value
        for node in ast.parse(stub).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
        for name in node.value.elts
        if isinstance(name, ast.Constant)
    }


def private_names(code: str) -> list[str]:
    """Names of qvar that a text imports, or uses as attributes of a package, and that are not public."""
    tree, wrong, names = ast.parse(code), [], {"qvar": "qvar"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "qvar":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if node.module not in PACKAGES or (full not in PACKAGES and alias.name not in public(node.module)):
                    wrong.append(full)
                if full in PACKAGES:
                    names[alias.asname or alias.name] = full
        elif isinstance(node, ast.Import):
            wrong += [a.name for a in node.names if a.name.startswith("qvar.") and a.name not in PACKAGES]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            package = names[node.value.id]
            if f"{package}.{node.attr}" not in PACKAGES and node.attr not in public(package):
                wrong.append(f"{package}.{node.attr}")
    return wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_public_names(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = text if path.suffix == ".py" else "\n".join(BLOCK.findall(text))
    assert private_names(code) == []


def test_private_names_are_found() -> None:
    imports = "import qvar\nfrom qvar.checks import one_of\nfrom qvar import basis\n"
    code = f"{imports}basis.nothing\nqvar.checks.shown\nqvar.uccsd"
    assert private_names(code) == ["qvar.checks.one_of", "qvar.basis.nothing", "qvar.checks"]
