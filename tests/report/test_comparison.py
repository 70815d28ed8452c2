"""A page about several runs, and a page that lists the runs of a folder."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from qvar.cli.main import main
from qvar.errors import QvarError
from qvar.report.comparison import write_comparison
from qvar.report.run_index import lowest, write_index
from qvar.runs.runner import run


@pytest.fixture
def runs(fake: ModuleType, tmp_path: Path) -> list[Path]:
    for name, contenders in {"near": ("ry x1", "uccsd"), "far": ("uccsd", "broken")}.items():
        run(fake.Fake(contenders), tmp_path / name, progress=False, arguments={"bond": len(name)})
    return [tmp_path / "near", tmp_path / "far"]


def test_several_runs_are_one_page(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "both"
    for _ in range(2):  # it may be made again
        assert main(["compare", *map(str, runs), "--out", str(out)]) == 0
        assert capsys.readouterr().out.strip() == str(out / "report.html")
    page = (out / "report.html").read_text()
    assert "side by side" in page
    assert "near" in page
    assert "far" in page
    assert "run=near" in page
    assert {path.name for path in out.iterdir()} == {"report.html", "plots"}


def test_runs_of_one_name_are_told_apart_by_their_folders(fake: ModuleType, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        run(fake.Fake(("uccsd",)), tmp_path / folder / "run", progress=False)
    page = write_comparison([str(tmp_path / folder / "run") for folder in "ab"], str(tmp_path / "out"))
    assert "a/run" in page.read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["near"], "`RUN` must be the folders of at least two runs, but is near."),
        (["near", "near"], "`RUN` must be different folders, but is near near."),
        (["near", "far", "--out", "near"], "`out` must be a folder for the page alone, but near holds a run."),
        (["near", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    runs: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "comparison").exists()


def test_a_folder_of_runs_has_a_list(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "far").rename(tmp_path / "far_away")  # names may be broken after "_", links may not
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "case.json").write_text("{")
    page = write_index(str(tmp_path)).read_text()
    links = re.findall(r'<a href="([^"]+)">', page)
    assert set(links) == {"near/report.html", "far_away/report.html"}
    assert all((tmp_path / link).is_file() for link in links)
    assert "Not in the list" in page
    assert "1 failed" in page
    with pytest.raises(QvarError, match=r"no folder in .* holds one"):
        write_index(str(tmp_path / "near"))
    with pytest.raises(QvarError, match="there is no folder"):
        write_index(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"value": -2.0, "error": 1e-3}, "1.000 mHa"),
        ({"value": -2.0, "error": 1e-12}, "<1e-5 mHa"),
        ({"value": -2.0}, "value -2.000 Ha"),  # no exact value is known: it is no error
        ({"value": -2.0, "test_error": 0.25}, "0.250 Ha"),
        ({"value": -2.0, "status": "measured"}, "-"),  # nothing was trained
    ],
)
def test_the_lowest_error_of_a_listed_run_is_an_error_or_called_a_value(entry: dict[str, object], words: str) -> None:
    rows = [{"contender": "a", "seed": 0, "status": "converged", "unit": "Ha", "error": None, **entry}]
    assert lowest(pd.DataFrame(rows)) == words
