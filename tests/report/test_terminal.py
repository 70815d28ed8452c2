"""Tables of every view at every width: what is printed is whole, and what is not is named."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from report import (
    test_basis_report,
    test_campaign_view,
    test_capacity_report,
    test_curve_report,
    test_landscape_report,
    test_scaling_report,
)
from runs.fake_case import fake_rows

import qvar
from qvar.problems.named_problems import named
from qvar.records.run_tables import ledger_from
from qvar.report.listing import ansatze_text, findings_text, problems_text
from qvar.report.reports import rows_text, summary_text
from qvar.report.table import Column, Table
from qvar.report.terminal import LEAST_WIDTH, columns_text, to_terminal
from qvar.studies.check_ansatz import Finding

WIDTHS = (1, 20, 30, 40, 50, 60, 72, 80, 100, 120, 200)

NAMES = ("uccsd", "hardware_efficient x4", "sim_circuit 19", "efficient_su2 with full entanglement x12", "k-UpCCGSD")

SWEEP = [
    row
    for at in test_campaign_view.grid(molecule=("h4", "lih"), noise=(1e-5, 0.002, 0.31))
    for row in test_campaign_view.rows_at(at, lambda name: 3.25, name="{} of_many_layers")
]


def duel_rows() -> list[dict[str, Any]]:
    return [row for k, name in enumerate(NAMES) for row in fake_rows(name, "generic", 1312 + k, 2, 0, lambda _: None)]


def ranked_rows() -> list[dict[str, Any]]:
    settings = ("sto-3g", "even-tempered of five")
    return [
        {**row, "setting": setting, "limit": -3.0, "limit_error": row["value"] + 3, "n_qubits": 12}
        for setting in settings
        for row in duel_rows()
    ]


LEDGERS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "duel": duel_rows,
    "curve": lambda: [row for name in test_curve_report.ERRORS for row in test_curve_report.rows_of(name)],
    "scaling": lambda: [{**row, "contender": f"hardware_{row['contender']}"} for row in test_scaling_report.ROWS],
    "capacity": test_capacity_report.all_rows,
    "basis": test_basis_report.all_rows,
    "landscape": lambda: [row for name in ("keeps", "leaks") for row in test_landscape_report.rows_of(name)],
    "ranking": ranked_rows,
    "campaign": lambda: SWEEP,
}

FINDINGS = [
    Finding("gradients", True, "Gradients agree with finite differences to 3.1e-09 at 12 points."),
    Finding("symmetries", False, "`particle_number` is claimed, but changes by 0.1234 at theta = 1.5."),
]


OTHERS: dict[str, Callable[[], str]] = {
    "columns": columns_text,
    "problems": problems_text,
    "ansatze": lambda: ansatze_text(named("h2")),
    "findings": lambda: findings_text(named("h2"), qvar.uccsd(named("h2")), FINDINGS),
}

VIEWS = [*OTHERS, *LEDGERS, *(f"{name}, every row" for name in LEDGERS)]


def text_of(view: str) -> Callable[[], str]:
    if view in OTHERS:
        return OTHERS[view]
    name, _, every_row = view.partition(", ")
    ledger = ledger_from(LEDGERS[name]())
    return lambda: rows_text(ledger) if every_row else summary_text(ledger)


def widths_of(view: str) -> tuple[int, ...]:
    """All widths for one view; some of them for the others, because their tables go through the same function."""
    if view == "duel":
        return WIDTHS
    return (20, 40, 60, 80) if view in LEDGERS else (50,) if view in OTHERS else (30, 72)


def numbers(text: str) -> set[str]:
    """Every number of a text, with the letters, brackets and strokes that touch it."""
    return {word.rstrip(".,:;") for word in text.split() if re.search(r"\d", word)}


@pytest.mark.parametrize("name", VIEWS)
def test_no_view_cuts_a_number_or_a_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of(name)
    monkeypatch.setenv("COLUMNS", "400")
    whole = text()
    parts = {part for word in whole.split() for part in re.split(r"(?<=[_\-/=,])", word)}
    for width in widths_of(name):
        monkeypatch.setenv("COLUMNS", str(width))
        shown = text()
        broken = numbers(shown) - numbers(whole) - {f"COLUMNS={n}" for n in range(500)}
        for hidden in re.findall(r"There is no room in \d+ columns for: .*? All fit in \d+:", " ".join(shown.split())):
            broken -= numbers(hidden)
        assert {word for word in broken if not all(part in parts for part in re.split(r"(?<=[_\-/=,])", word))} == set()
        assert "…" not in shown
        for line in shown.splitlines():
            assert len(line) <= max(width, LEAST_WIDTH) or len(line.split()) == 1, line
        if width == 20 and name in LEDGERS and name != "campaign":
            squeezed = re.sub(r"\s", "", shown)
            for row in LEDGERS[name]():
                assert re.sub(r"\s", "", row.get("series", row["contender"])) in squeezed


def test_prose_is_broken_before_columns_come_closer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = OTHERS["findings"]().splitlines()
    assert lines[2] == "check              what was found"
    assert lines[4] == "gradients   pass   Gradients agree with finite differences"


def random_table(draw: random.Random) -> Table:
    """Names of letters and underscores, and numbers of which none is part of another."""
    n_rows, n_columns = draw.randint(1, 4), draw.randint(1, 9)
    columns = [Column("#" * draw.randint(1, 3), lambda row: row[0]), Column("who", lambda row: row[1], "name")]
    for k in range(n_columns):
        head = f"h{'abcdefghi'[k]}" + draw.choice(("", "\nlower", "\n[mHa]"))
        columns.append(Column(head, lambda row, k=k: row[2 + k], stays=draw.random() < 0.2))
    if draw.random() < 0.3:
        columns.append(Column("words", lambda row: "some words that say a thing", "prose"))
    rows = []
    for row in range(n_rows):
        name = "".join(draw.choice("klmnopqrstuvwxyz_ ") for _ in range(draw.randint(1, 40))).strip() or "k"
        cells = [
            f"{draw.choice(('', '-'))}{draw.randint(1, 9)}{row}{k}.{draw.randint(0, 999)}" for k in range(n_columns)
        ]
        rows.append(("7", name, *cells))
    return Table(columns, rows)


def test_random_tables_are_whole_at_every_width(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(0)
    layouts = set()
    for _ in range(15):
        table = random_table(draw)
        for width in WIDTHS:
            monkeypatch.setenv("COLUMNS", str(width))
            text = to_terminal(table)
            words = [word.rstrip(",") for word in text.split()]
            hidden = " ".join(text.split()).partition("There is no room")[2]
            layouts.add((bool(hidden), " 7," in text))
            for column in table.columns:
                cells = [str(column.cell(row)) for row in table.rows]
                head = str(column.head).replace("\n", " ")
                if column.align == "number" and head[0] == "h":
                    missing = [cell not in words for cell in cells]
                    assert not any(missing) or (all(missing) and head in hidden and not column.stays), (width, text)
                elif column.align == "name":
                    letters = "".join(text.split())
                    pieces = [piece for cell in cells for piece in re.split("[_ ]", cell) if len(piece) < 8]
                    assert all(piece in letters for piece in pieces)
            assert all(len(line) <= max(width, LEAST_WIDTH) or len(line.split()) == 1 for line in text.splitlines())
    assert layouts == {(False, False), (True, False), (False, True)}


def test_columns_that_are_left_out_are_named_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_from(duel_rows())
    monkeypatch.setenv("COLUMNS", "50")
    words = " ".join(summary_text(ledger).split())
    needed = re.search(
        r"There is no room in 50 columns for: .*within 1\.6 mHa.*All fit in (\d+): put COLUMNS=\1", words
    )
    assert needed is not None
    assert {"1312", "1316"} <= set(words.split())
    for width, whole in ((int(needed[1]), True), (int(needed[1]) - 1, False)):
        monkeypatch.setenv("COLUMNS", str(width))
        assert ("There is no room" not in summary_text(ledger)) == whole
