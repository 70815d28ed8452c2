"""Published tables: files, comparison, and what a wrong number or recipe becomes."""

from __future__ import annotations

from pathlib import Path

import pytest
from misuse.objects import published

import qvar
from qvar.citations import entries
from qvar.report.reports import report_of, summary_text

FOLDER = Path(__file__).parents[2] / "cases" / "published"
FILES = sorted(FOLDER.glob("*.toml"))

TEXT = """
title = "T"
paper = "yordanov2020"
doi = "10.1103/PhysRevA.102.062612"
source = "S"
held = "H"

[[calculations]]
label = "one"
recipe = "echo"
arguments = { factor = 2.0 }
numbers = [
  { quantity = "right", value = 2.50, tolerance = 1e-2, unit = "Ha" },
  { quantity = "wrong", value = -1.0, tolerance = 1e-3, remark = "a misprint" },
  { quantity = "count", value = 7, tolerance = 0 },
  { quantity = "count of others", value = 10, tolerance = 1 },
  { quantity = "absent", value = 1, tolerance = 0 },
]
"""


def echo(factor: float) -> dict[str, float]:
    return {"right": 1.255 * factor, "wrong": 1.0, "count": 7, "count of others": 8}


def table(folder: Path, text: str = TEXT) -> qvar.PublishedTable:
    path = folder / "name2020-t.toml"
    path.write_text(text)
    return qvar.PublishedTable.read(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_a_table(path: Path) -> None:
    read = qvar.PublishedTable.read(path)
    assert read.name.partition("-")[0] == read.paper
    assert read.doi or "doi" not in entries()[read.paper]  # a paper with a DOI is cited by it
    assert len(read.title) <= 72  # one line of the list


def test_there_are_forty_numbers_from_eight_papers() -> None:
    read = [qvar.PublishedTable.read(path) for path in FILES]
    assert sum(one.n_numbers for one in read) >= 40
    assert len({one.paper for one in read}) >= 8


def test_every_number_has_a_status(tmp_path: Path, without_pages: None) -> None:
    study = qvar.Published((table(tmp_path),), {"echo": echo})
    ledger = qvar.run(study, out=tmp_path / "run", progress=False).set_index("quantity")
    assert dict(ledger["status"]) == {
        "one: right": "agrees",
        "one: wrong": "differs",
        "one: count": "agrees",
        "one: count of others": "differs",
        "one: absent": "failed",
    }
    assert ledger.loc["one: right", "printed"] == "2.50"  # with its last digit
    assert ledger.loc["one: right", "error"] == pytest.approx(0.01)
    assert ledger.loc["one: wrong", "error"] == pytest.approx(2.0)
    assert ledger["within"].tolist()[:4] == [True, False, True, False]
    assert ledger.loc["one: absent", "message"] == "The recipe gives right, wrong, count, count of others."
    assert set(study.citations) > {"yordanov2020"}
    text = summary_text(ledger.reset_index(), "published")
    lines = {line.partition("  ")[0]: line.split() for line in text.splitlines()}
    assert lines["one: right [Ha]"][-5:] == ["2.50", "2.51", "1.0e-2", "yes", "1e-2"]
    assert lines["one: wrong"][-5:] == ["-1.0", "1.0", "2.0e+0", "no", "1e-3"]
    assert lines["one: count"][-5:] == ["7", "7", "0", "yes", "0"]
    assert lines["one: count of others"][-5:] == ["10", "8", "-2", "no", "1"]
    assert "one: count of others. The reason is not known." in text
    assert "Outside the tolerance: one: wrong. Known: a misprint." in text
    assert "Failed: one: absent. The recipe gives right, wrong, count, count of others." in text
    assert text.endswith("2 of 5 numbers of 1 table from 1 paper agree.")
    assert report_of(ledger.reset_index()).study == "published"


def test_a_recipe_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    def broken(factor: float) -> dict[str, float]:
        raise ZeroDivisionError("no")

    (task,) = qvar.Published((table(tmp_path),), {"echo": broken}).tasks()
    rows = task.run(lambda progress: None)
    assert {row["status"] for row in rows} == {"failed"}
    assert {row["message"] for row in rows} == {"ZeroDivisionError: no"}


def test_a_changed_number_is_another_task(tmp_path: Path) -> None:
    keys = {
        qvar.Published((table(tmp_path, text),), {"echo": echo}).tasks()[0].key
        for text in (TEXT, TEXT.replace("2.50", "2.5"), TEXT.replace("factor = 2.0", "factor = 3.0"), TEXT)
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('paper = "yordanov2020"', 'paper = "nobody1900"', "`paper` must be a key of qvar/citations.bib, but is"),
        ("062612", "062613", "`doi` must be that of yordanov2020, but is"),
        ("value = 7,", "", "`value` must be a number, but is None."),
        ("tolerance = 0 },\n]", "tolerance = -1 },\n]", "`tolerance` must not be negative, but is -1."),
        ("tolerance = 1e-3,", "", "a field is missing:"),
        ('held = "H"', 'kept = "H"', "`kept` must be one of calculations, doi, held,"),
        ('"wrong"', '"right"', "`numbers` must"),
        ("value = 7", "value = nan", "`printed` must be a finite number"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        table(tmp_path, TEXT.replace(old, new))
    assert str(caught.value).startswith(f"`name2020-t.toml` must be a published table, but: {words}")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`path` must be a TOML file, but .* is not: "):
        table(tmp_path, "a = ")
    with pytest.raises(qvar.QvarError, match=r"^`path` must be a TOML file, but "):
        qvar.PublishedTable.read(tmp_path / "none.toml")
    with pytest.raises(qvar.QvarError, match=r"^`recipe` must be one of echo, but is 'one'\.$"):
        qvar.Published((published(),), {"echo": echo})
