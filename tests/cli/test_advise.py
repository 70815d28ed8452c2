"""`qvar advise`: answers from the ledgers that travel with qvar."""

from __future__ import annotations

import json
import shlex

import pytest

from qvar.analysis.advice import coverage
from qvar.cli.main import main
from qvar.runs.case_flags import case_values, load_case


def test_an_answer_has_its_numbers_origin_and_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--problem", "lih", "--two-qubit-gates", "500"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    text = " ".join(out.split())
    assert "LiH, 1.546 angstrom, sto-3g: " in text
    assert "have at most 500 CNOTs." in text
    assert "is recommended: of these it has the lowest median error" in text
    *_, command = out.strip().splitlines()
    assert max(map(len, out.strip().splitlines()[:-1])) <= 80
    run, case, *words = shlex.split(command.strip())[1:]
    assert run == "run"
    assert case_values(load_case(case), words, "qvar run")["molecule"] == "lih"


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--problem", "H4", "--bond", "1.0", "--error", "1.6", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    best, following = answer["recommended"], answer["next"]
    assert best["median"] <= 1.6
    assert best["two_qubit_gates"] <= following["two_qubit_gates"]
    assert 0 < answer["fitting"] < answer["tried"]
    assert (answer["molecule"], answer["bond"], best["molecule"]) == ("h4", 1.0, "h4")


def test_nothing_within_the_limits_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--problem", "lih", "--two-qubit-gates", "1", "--error", "0.1"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert " ".join(out.split()).endswith("none has at most 1 CNOTs and 0.1 mHa of median error.")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--problem", "lhi"], "`problem` must be a molecule that was run ({all}); did you mean `lih`?"),
        (["--problem", "benzene"], "`problem` must be a molecule that was run ({all}), but is 'benzene'."),
        (["--problem", "lih", "--basis", "cc-pvdz"], "`basis` must be one that lih was run in ("),
        (["--problem", "lih", "--bond", "7"], "`bond` must be one that lih was run at ("),
        (["--problem", "lih", "--error", "0"], "`error` must be positive, but is 0.0."),
        (["--problem", "lih", "--error", "nan"], "`error` must be finite, but is nan."),
        (["--problem", "lih", "--parameters", "0"], "`parameters` must be at least 1, but is 0."),
        ([], "`--problem` must be given; see `qvar advise --help`."),
    ],
)
def test_a_mistake_is_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"qvar: {sentence.format(all=', '.join(coverage()))}")
    assert err.count("\n") == 1
