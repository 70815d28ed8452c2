"""`qvar cite`: the papers behind one or several runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.words import CASE, QUICK

import qvar
from qvar.cli.main import main
from qvar.runs.task_loop import TaskLoop


@pytest.mark.usefixtures("without_pages")
def test_cite(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskLoop, "_rows", lambda *_: [{"contender": "ry", "status": "converged"}])  # trains nothing
    assert main(["cite", "--all"]) == 0
    everything = capsys.readouterr().out
    problem = qvar.tfim(2)
    first = qvar.Duel(problem, [qvar.hardware_efficient(problem, layers=1)], seeds=1, budget=qvar.Budget(gradients=3))
    qvar.run(first, out="one", progress=False)
    qvar.run(
        qvar.Duel(problem, first.contenders, method=qvar.adam(), seeds=1, budget=first.budget),
        out="two",
        progress=False,
    )
    capsys.readouterr()
    assert main(["cite", "one"]) == 0
    one, err = capsys.readouterr()
    assert err == ""
    assert "@article{kandala2017,\n" in one
    assert "liu1989" in one
    assert "kingma2014" not in one
    assert main(["cite", "one", "two"]) == 0
    both = capsys.readouterr().out
    assert both.count("@article{kandala2017,") == 1
    assert "liu1989" in both
    assert "kingma2014" in both
    assert everything.count("\n@") > both.count("\n@") > one.count("\n@")


@pytest.mark.usefixtures("without_pages", "printed")
def test_cite_of_runs_that_are_unfinished_older_or_without_papers(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r/ledger.parquet").unlink()
    capsys.readouterr()
    assert main(["cite", "r"]) == 0
    assert capsys.readouterr() == ("", "qvar: r names nothing to cite.\n")
    record = json.loads(Path("r/case.json").read_text())
    assert record["references"] == []
    del record["checksum"]  # as in a file that was edited on purpose
    Path("r/case.json").write_text(json.dumps({**record, "references": ["kandala2017", "me2030"]}))
    assert main(["cite", "r"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("@article{kandala2017,")
    assert err == "qvar: 'me2030' has no entry in qvar/citations.bib; its author knows it.\n"
    del record["references"]
    Path("r/case.json").write_text(json.dumps(record))
    assert main(["cite", "r"]) == 2
    assert (
        capsys.readouterr().err == "qvar: `RUN` must say what it used, but r is of an older qvar; --resume adds it.\n"
    )
    assert main(["run", str(CASE), *QUICK, "--no-progress", "--out", "r", "--resume"]) == 0
    assert main(["cite", "r"]) == 0
