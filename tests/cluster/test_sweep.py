from __future__ import annotations

import re
from pathlib import Path

import pytest

from qvar.cluster.sweep import points
from qvar.errors import QvarError
from qvar.runs.case_flags import load_case

CASE = Path(__file__).parents[1] / "runs" / "fake_case.py"


def made(*sweeps: str, words: tuple[str, ...] = ()) -> list[dict[str, object]]:
    return [point.swept for point in points(load_case(CASE), words, sweeps, "qvar submit")]


def test_lists_and_ranges_have_the_types_of_the_case() -> None:
    assert made("seeds=1:3", "bond=0.5,1") == [
        {"seeds": seeds, "bond": bond} for seeds in (1, 2, 3) for bond in (0.5, 1.0)
    ]
    assert [point["bond"] for point in made("bond=0.5:1.1:0.1")] == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]
    assert [point["seeds"] for point in made("seeds=8:2:-3,1")] == [8, 5, 2, 1]
    assert made("noisy=true,no") == [{"noisy": True}, {"noisy": False}]
    assert made("contenders=uccsd uccgsd,ry")[0] == {"contenders": ("uccsd", "uccgsd")}


def test_each_point_carries_the_flags_and_values_of_all_arguments() -> None:
    found = points(load_case(CASE), ["--slow", "0.5"], ["seeds=2:3"], "qvar submit")
    assert [point.name for point in found] == ["seeds=2", "seeds=3"]
    assert found[1].words == ("--slow", "0.5", "--seeds", "3")
    assert (found[1].values["slow"], found[1].values["seeds"], found[1].values["bond"]) == (0.5, 3, 1.0)
    (only,) = points(load_case(CASE), [], [], "qvar submit")
    assert (only.name, only.swept) == ("point", {})


def test_names_can_be_folders_and_differ() -> None:
    found = points(load_case(CASE), [], ["contenders=ry x1/ä,ry,RY"], "qvar submit")
    assert [point.name for point in found] == ["0001", "0002", "0003"]
    (one,) = points(load_case(CASE), [], ["contenders=a/../b"], "qvar submit")
    assert one.name == "contenders=a_.._b"


@pytest.mark.parametrize(
    ("sweeps", "sentence"),
    [
        (["seeds"], "`sweep` must be like layers=1:8 or molecule=h4,lih, but is 'seeds'."),
        (["seeds="], "`sweep` must be like layers=1:8 or molecule=h4,lih, but is 'seeds='."),
        (["layers=1"], "`sweep` must name an argument of the case (contenders, seeds, slow, bond, noisy), but names"),
        (["seeds=1,,2"], "`sweep` must have a value between any two commas, but is 'seeds=1,,2'."),
        (["seeds=1:3,2"], "`sweep` must hold a value once, but 'seeds=1:3,2' holds 2 more than once."),
        (["seeds=1", "seeds=2"], "`sweep` must name an argument once, but names seeds more than once."),
        (["seeds=3:1"], "`sweep` must have ranges FIRST:LAST or FIRST:LAST:STEP that reach LAST, but is 'seeds=3:1'."),
        (["seeds=1:3:0"], "`sweep` must have ranges"),
        (["bond=nan:1"], "`sweep` must have ranges"),
        (["seeds=1:1000000"], "`sweep` must make at most 100000 points, but 'seeds=1:1000000' makes 1000000."),
        (["seeds=1:1000", "bond=1:1000"], "`sweep` must make at most 100000 points, but makes 1000000."),
        (["seeds=x"], "`seeds` must be an int, but is 'x'."),
        (["noisy=1"], "`noisy` must be true or false, but is '1'."),
    ],
)
def test_a_wrong_sweep_is_one_sentence(sweeps: list[str], sentence: str) -> None:
    with pytest.raises(QvarError, match=re.escape(sentence)):
        made(*sweeps)


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ("seeds=1:3", ("--slow", "0.5", "--seeds", "2")),
        ("seeds=1:3", ("--seeds=2",)),
        ("contenders=ry,uccsd", ("--contenders", "ry", "uccsd")),
        ("noisy=true,false", ("--noisy",)),
        ("noisy=true", ("--no-noisy",)),
    ],
)
def test_an_argument_that_is_swept_and_a_flag_is_refused(sweep: str, words: tuple[str, ...]) -> None:
    name = sweep.partition("=")[0]
    with pytest.raises(QvarError, match=f"^`{name}` must be either swept or given as a flag, but is both"):
        made(sweep, words=words)
