"""Cases by name, and a case to start from."""

import tomllib
from pathlib import Path

import pytest

import qvar
from qvar.cli.main import main
from qvar.runs.bundled_cases import bundled_cases, find_case, flags_of, sentence_of
from qvar.runs.case_flags import argument_kinds, load_case

ROOT = Path(__file__).parents[2]


def test_every_case_of_the_repository_has_a_name_and_a_sentence() -> None:
    cases = bundled_cases()
    files = (ROOT / "cases").rglob("*.py")
    assert sorted(cases) == sorted(file.relative_to(ROOT / "cases").with_suffix("").as_posix() for file in files)
    assert all(sentence_of(file).endswith((".", "?")) for file in cases.values())


def test_a_wheel_holds_the_cases_at_the_place_that_is_looked_at() -> None:
    target = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert target["force-include"] == {"cases": "qvar/bundled/cases", "basis/sets": "qvar/bundled/basis/sets"}


def test_a_name_is_a_case_unless_there_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_case("h4_duel") == ROOT / "cases" / "h4_duel.py"
    assert find_case("own/case.py") == Path("own/case.py")
    Path("h4_duel").touch()
    assert find_case("h4_duel") == Path("h4_duel")


@pytest.mark.parametrize(("word", "hint"), [("h4-duel", "`h4_duel`"), ("nothing_like_it", "qvar list cases")])
def test_an_unknown_name_gets_a_sentence(word: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["run", word], ["submit", word, "--queue", "local"]):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert f"is {word!r}" in error
        assert hint in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("name", sorted(bundled_cases()))
def test_flags_read_from_the_text_are_those_of_the_case(name: str) -> None:
    kinds = argument_kinds(load_case(name))
    expected = {f"--{word.replace('_', '-')}" for word in kinds}
    switches = {f"--no-{word.replace('_', '-')}" for word, kind in kinds.items() if kind is bool}
    assert set(flags_of(bundled_cases()[name])) == expected | switches


def test_a_new_case_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-case", "mine"]) == 0
    assert "qvar run mine.py" in capsys.readouterr().out
    words = ["--n-atoms", "2", "--layers", "1", "--seeds", "1", "--gradients", "20", "--out", "done", "--no-progress"]
    assert main(["run", "mine.py", *words]) == 0
    assert list(qvar.load("done").ledger["contender"]) == ["mine", "ry+rz cnot chain x1", "uccsd"]
    for wrong in ("mine", "mine.py", "no-name", "absent/mine"):
        before = sorted(tmp_path.rglob("*.py"))
        assert main(["new-case", wrong]) == 2
        assert capsys.readouterr().err.startswith("qvar: `NAME` must be")
        assert sorted(tmp_path.rglob("*.py")) == before
