"""The pages of "What we found" are those that their ledgers make."""

from __future__ import annotations

import re

import pytest

from findings.markdown import error, filled, listed, table
from findings.pages import DOCS, PICTURES, texts
from findings.plan import CAMPAIGNS
from qvar.analysis.kept_ledgers import FOLDER, NAMES, kept_ledger


def test_pages_are_made_from_the_ledgers_alone() -> None:
    pages = texts()
    for name, text in pages.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name}: make results ARGS=--pages"
    assert {path.name for path in (DOCS / "found").glob("*.md")} == {name.removeprefix("found/") for name in pages}
    drawn = {name for text in pages.values() for name in re.findall(r"images/(\w+)\.png", text)}
    assert drawn == set(PICTURES)
    assert all((DOCS / "images" / f"{name}.png").exists() for name in drawn)


def test_ledgers_are_small_and_say_where_their_rows_are_from() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.parquet")) < 1_000_000
    known = {campaign.name for campaign in CAMPAIGNS}
    for name in NAMES:
        ledger = kept_ledger(name)
        assert set(ledger["campaign"]) <= known
        assert ledger["command"].str.startswith("qvar run ").all()
        assert ledger[["qvar", "date"]].notna().all(axis=None)


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "<1e-5"), (0.0123456, "0.0123"), (4.2, "4.20"), (123.4, "123"), (2531.0, "2530")]
)
def test_errors_have_three_digits(value: float, words: str) -> None:
    assert error(value) == words


def test_paragraphs_are_broken_and_tables_are_not() -> None:
    rows = table(["a", "b"], [["x" * 200, "1"]])
    text = filled(f"# Head\n\n{'word ' * 60}\n\n{rows}")
    head, *prose, rule = text.split("\n\n")
    assert head == "# Head"
    assert max(map(len, prose[0].splitlines())) <= 118
    assert rule == f"{rows}\n"
    assert listed(["a", "b", "c"]) == "a, b and c"
