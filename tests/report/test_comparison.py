"""A page about several runs, and a page that lists the runs of a folder."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from qvar.cli.main import main
from qvar.errors import QvarError
from qvar.report.comparison import write_comparison
from qvar.report.run_index import write_index
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
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "case.json").write_text("{")
    page = write_index(str(tmp_path)).read_text()
    assert '<a href="near/report.html">near</a>' in page
    assert "Not in the list" in page
    assert "1 failed" in page
    with pytest.raises(QvarError, match=r"no folder in .* holds one"):
        write_index(str(tmp_path / "near"))
    with pytest.raises(QvarError, match="there is no folder"):
        write_index(str(tmp_path / "nowhere"))
