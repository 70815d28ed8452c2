"""Plain English: words that must not occur in docstrings, comments, messages and pages, and import rules of pages."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]

WORDS = (
    "told", "tells", "tell", "telling", "stands", "stand beside", "stands beside", "lest", "anew", "whoever", "nobody",
    "heeded", "begun", "reckon", "reckons", "whence", "thereof", "likewise", "somebody", "last word", "let go of",
    "goes by it", "is silent", "falls silent", "bought", "buys", "beats",
)  # fmt: skip
"""Words and phrases that stop a reader whose second language is English, or that have a plainer standard term."""

_PATTERN = re.compile(r"\b(" + "|".join(map(re.escape, WORDS)) + r")\b", re.IGNORECASE)


def texts(path: Path) -> list[tuple[int, str]]:
    """Line number and text of every comment and every string of a Python file."""
    source = path.read_text(encoding="utf-8")
    found = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    found += [
        (node.lineno, node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return found


_QUESTION = re.compile(r"(What|How|Whether|Who|Whose|Where|Why|Which)\b")
"""A docstring says what a thing is or does, and does not ask."""


_PARTICIPLES = ("told", "found", "given", "said", "asked", "shown", "begun", "made")
"""Names that do not say what a variable holds."""


FILES = sorted((ROOT / "qvar").rglob("*.py"))

CASES = sorted([*(ROOT / "cases").rglob("*.py"), *(ROOT / "docs").rglob("*.py")])

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_words() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]}"
        for path in [*FILES, *CASES, *PAGES]
        for line, text in (texts(path) if path.suffix == ".py" else enumerate(path.read_text("utf-8").splitlines(), 1))
        for match in _PATTERN.finditer(text)
    ]
    assert wrong == []


def test_the_readme_has_two_hundred_lines_at_most() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_docstrings_do_not_begin_with_a_question() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {value.value[:40]}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(value := node.value, ast.Constant)
        if isinstance(value.value, str) and _QUESTION.match(value.value)
    ]
    assert wrong == []


def test_a_wrong_word_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""Fine."""\n\n# nobody knows\nx = f"what {1} tells"\n')
    matches = [match[0] for _, text in texts(tmp_path / "a.py") for match in _PATTERN.finditer(text)]
    assert sorted(matches) == ["nobody", "tells"]


def test_variables_are_nouns() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.id}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in _PARTICIPLES
    ]
    assert wrong == []
