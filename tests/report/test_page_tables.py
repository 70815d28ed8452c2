"""Tables of the page: a column that has no room as a column is in a card, under its own name."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from report.test_terminal import LEDGERS

from qvar.records.run_folder import LoadedRun, RunFolder
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.html import live_picture, picture, style, to_html
from qvar.report.page import report_page
from qvar.report.table import Bullets, Column, Note, Span, Table, Text
from qvar.report.terminal import to_terminal


class Tables(HTMLParser):
    """Heads, cells and containers of all tables of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.around: list[str] = []
        self.open: list[str] = []
        self.heads: list[list[str]] = []
        self.cells: list[list[tuple[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        entry = dict(attrs)
        if tag == "table":
            self.around.append(self.open[-1] if self.open else "")
            self.heads.append([])
            self.cells.append([])
        elif tag == "div":
            self.open.append(entry.get("class") or "")
        elif tag == "th":
            self.heads[-1].append("")
        elif tag == "td":
            self.cells[-1].append((entry.get("data-head") or "", entry.get("class") or ""))
        self.tag = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.heads and self.heads[-1] and not self.cells[-1] and data.strip():
            self.heads[-1][-1] += ("^" if self.tag == "sup" else "") + data


def page_of(name: str, **case: object) -> str:
    rows = LEDGERS[name]()
    run = LoadedRun(
        RunFolder(Path("run")), {"study": name, "tasks": [], **case}, ledger_from(rows), trace_from(rows), 1, 1
    )
    return report_page(run, [])


@pytest.mark.parametrize("name", LEDGERS)
def test_every_cell_names_its_column(name: str) -> None:
    page = page_of(name)
    tables = Tables(page)
    assert len(tables.heads) >= 3
    for around, heads, cells in zip(tables.around, tables.heads, tables.cells, strict=True):
        if around == "wide rows":  # the rows of the ledger scroll in a box of their own, with their heads
            assert all(head == "" for head, _ in cells)
            continue
        width = re.fullmatch(r"wide w(\d+)", around)
        assert width is not None
        assert f"@container (max-width: {width[1]}rem)" in page
        assert [head for head, _ in cells] == heads * (len(cells) // len(heads))
        assert sum(kind.startswith("name") for _, kind in cells) >= len(cells) // len(heads)


def table_of(*cells: tuple[str, Literal["number", "name", "prose"]], head: Text = "") -> str:
    columns = [Column(head, lambda row, k=k: row[k][0], align) for k, (_, align) in enumerate(cells)]
    return to_html(Table(columns, [cells]))


def test_a_range_and_an_exponent_are_never_broken_at_their_hyphen() -> None:
    cell = table_of(("8.5e-7 (-3.0e-4 to 2.6e-6), 0-31 %, sto-3g", "number"))
    assert re.findall(r'<span class="whole">([^<]*)</span>', cell) == ["8.5e-7", "(-3.0e-4", "2.6e-6),", "0-31"]
    for prose in (Note("below 1e-5 mHa"), "below 1e-5 mHa", Bullets(["below 1e-5 mHa"])):
        assert '<span class="whole">1e-5</span>' in to_html([prose])
    assert '<span class="whole">1e-5</span>' in picture("", "title", "below 1e-5 mHa")
    assert '<span class="whole">1e-5</span>' in live_picture("", "", "below 1e-5 mHa")
    assert re.search(r"\.whole \{[^}]*white-space: nowrap", style(""))


@pytest.mark.parametrize(("optional", "there"), [(True, False), (False, True)])
def test_an_optional_column_of_dashes_is_left_out(optional: bool, there: bool) -> None:
    def table(*entries: str) -> Table[str]:
        return Table([Column("all", lambda row: "x"), Column("failed", str, optional=optional)], entries)

    assert ("failed" in to_html(table("-", ""))) == there
    assert ("failed" in to_terminal(table("-", ""))) == there
    assert "failed" in to_html(table("-", "1"))
    assert "failed" in to_terminal(table("-", "1"))


def test_a_card_whose_first_name_is_empty_has_the_second_as_its_title() -> None:
    """A name that the row above has, too, is empty: `formats.once`."""
    rules = style('<div class="wide w40">')
    assert ".w40 td.name:not(:empty) ~ td.name { order: 0;" in rules
    assert "td.name:not(:empty) ~ td.name)::before" in rules


def test_a_table_asks_for_the_width_of_its_longest_words() -> None:
    def width(*cells: tuple[str, Literal["number", "name", "prose"]]) -> int:
        match = re.search(r"wide w(\d+)", table_of(*cells))
        assert match is not None
        return int(match[1])

    assert width(("1.5", "number")) == 4
    assert width(*[("1.2345678", "number")] * 10) == width(*[("1.2345678 [1.1, 1.3]", "number")] * 10) == 56
    assert width(*[("1.23456789012345678", "number")] * 10) > 100
    assert width(("a_long_name_of_many_short_parts", "name")) < width(("alongnameofmanyshortparts", "name"))
    assert width(("one word after another and so on", "prose")) == 12


def test_a_head_stays_what_it_is_in_a_card() -> None:
    table = table_of(("1", "number"), head=("b of e", Span("-b n", "sup")))
    assert "<th class=number>b of e<sup>-b n</sup></th>" in table
    assert 'data-head="b of e^-b n"' in table
    assert 'data-head="a &lt; b"' in table_of(("2", "prose"), head="a < b")


def test_only_the_widths_of_a_page_have_rules() -> None:
    assert style("").count("@container") == 0
    assert (
        style('<div class="wide w28"></div><div class="wide w40"></div><div class="wide w28"></div>').count(
            "@container"
        )
        == 2
    )


def test_arguments_have_a_list_of_their_own() -> None:
    page = page_of("scaling", arguments={"samples": None, "sizes": [], "quick": True})
    entry, _, given = page.partition("<h3>Arguments of the case, as they were given</h3>")
    assert "500 random parameter vectors at every point" in entry
    assert "<dt><code>quick</code></dt><dd>True</dd></dl>" in given
    assert "<dt><code>samples</code></dt>" not in page
    assert "Arguments of the case" not in page_of("scaling")
