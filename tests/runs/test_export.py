"""Basis sets out of a run."""

import json
from pathlib import Path
from types import ModuleType

import pytest

import qvar
from qvar import basis
from qvar.cli.main import main
from qvar.records.run_folder import load
from qvar.runs.export import export_sets


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "hydrogen"
    forms = [basis.free("H", s=2), basis.even_tempered("H", s=2)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("qvar.report.page.write_report", lambda loaded: loaded.folder.report.touch())
        qvar.run(basis.BasisDuel(basis.Target("H 0 0 0", spin=1), forms, seeds=2, baselines=["STO-3G"]), out)
    return out


def test_the_best_of_every_form_is_written_with_its_record(folder: Path, tmp_path: Path) -> None:
    files = export_sets(load(folder), tmp_path / "sets")
    assert [file.name for file in files] == ["h-rohf-free-2s.nw", "h-rohf-even-tempered-2s.nw"]
    target = basis.Target("H 0 0 0", spin=1)
    for file in files:
        record = json.loads(file.with_suffix(".json").read_text())
        assert target.value(basis.read(file)) == pytest.approx(-0.4858127166, abs=1e-9)
        assert record["value"] == pytest.approx(-0.4858127166, abs=1e-9)
        assert (record["n_params"], record["starts"], record["status"]) == (2, 2, "converged")
        assert {"qvar", "pyscf", "jax", "numpy"} <= set(record["versions"])
    assert "# value: -0.4858127166 Ha" in files[0].read_text()


def test_the_command_writes_one_of_them_in_the_format_of_gaussian(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(folder), "--contender", "free 2s", "--out", str(tmp_path), "--format", "gbs"]
    assert main(words) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "h-rohf-free-2s.gbs")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h-rohf-free-2s.gbs", "h-rohf-free-2s.json"]


@pytest.mark.usefixtures("without_pages")
def test_mistakes_are_one_sentence(
    folder: Path, fake: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(folder), "--contender", "STO-3G", "--out", str(tmp_path / "x")]) == 2
    text = capsys.readouterr().err
    assert text == "qvar: `contender` must be one that has a set: free 2s, even-tempered 2s, but is 'STO-3G'.\n"
    assert not (tmp_path / "x").exists()
    qvar.run(fake.Fake(("ry x1",)), tmp_path / "duel", progress=False)
    assert main(["export", str(tmp_path / "duel")]) == 2
    assert capsys.readouterr().err.startswith("qvar: `RUN` must have fitted basis sets")
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["export", str(folder), "--out", str(blocked)]) == 2
    assert capsys.readouterr().err.startswith("qvar: `out` must be a folder that can be written")
