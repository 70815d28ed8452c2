"""What is installed and cited: one version, lower bounds, pinned versions, and every file that users need."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import matrix
import pytest
import yaml

import qvar

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def test_the_version_has_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "qvar/_version.py"
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [qvar.__version__]


def test_the_changelog_begins_with_what_is_not_released_or_with_this_version() -> None:
    heads = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    released = [head for head in heads if head != "Unreleased"]
    assert heads.index(released[0] if released else "Unreleased") <= 1
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", head) for head in released)
    assert not released or numbers(released[0])[:3] <= numbers(qvar.__version__)
    assert sorted(released, key=numbers, reverse=True) == released


def test_every_dependency_has_a_lower_bound_and_a_pinned_version_above_it() -> None:
    pinned = dict(line.lower().replace("_", "-").split("==") for line in matrix.environments()[0].constraints[1:])
    extras = PROJECT["project"]["optional-dependencies"]
    for name, bound in (line.split("==") for line in matrix.lower_bounds()):
        assert numbers(bound) <= numbers(pinned[name]), name
    names = {re.split(r"[<>=\[]", dependency)[0] for extra in extras.values() for dependency in extra}
    assert names <= set(pinned)


def test_the_matrix_runs_files_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert all((ROOT / file).is_file() for file in matrix.TESTS)
    assert matrix.main(["newest on 2.7"]) == 2
    assert "pinned on 3.11, pinned on 3.12" in capsys.readouterr().err


def test_a_python_that_is_not_installed_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "interpreter", lambda python: None)
    cells = matrix.row(matrix.environments()[0])
    assert cells == {"environment": "pinned on 3.11", "Python": "3.11", "result": "no such Python here"}


def test_the_source_distribution_holds_what_a_wheel_and_its_tests_need() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert all((ROOT / name).exists() for name in included)
    sources = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {Path(source).parts[0] for source in sources} <= set(included)


def test_hooks_call_targets_of_the_makefile() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    entries = [hook["entry"] for repo in hooks for hook in repo["hooks"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = re.findall(r"^check: (.*)$", makefile, re.MULTILINE)[0].split()
    assert sorted(entries) == sorted(f"make {target}" for target in check)
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    assert targets - {"help"} == set(re.findall(r"  make ([a-z]+) ", makefile))


def test_forms_of_issues_ask_for_what_is_needed() -> None:
    required = {
        "wrong-number": ["case", "numbers", "doctor"],
        "crash": ["case", "output", "doctor"],
        "idea": ["question"],
    }
    for name, parts in required.items():
        form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text(encoding="utf-8"))
        assert form["name"]
        assert form["description"].endswith(".")
        assert [part["id"] for part in form["body"] if part.get("validations", {}).get("required")] == parts
        assert all(part["attributes"]["label"] for part in form["body"])
