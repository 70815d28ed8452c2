from __future__ import annotations

from pathlib import Path

import pytest

from qvar.errors import QvarError
from qvar.records.provenance import command
from qvar.runs.case_flags import build, load_case
from qvar.runs.flag_errors import box_text

HEAD = '''"""A case."""
from typing import Literal
import enum

class Study:
    name = "study"
    def __init__(self, *given): self.given = given
    def tasks(self): return []

'''

TYPED = (
    HEAD
    + '''
def case(bond: float = 1.0, n_layers: int = 2, depths: tuple[int, ...] = (1, 2), fast: bool = False,
         basis: Literal["sto-3g", "6-31g"] = "sto-3g", noise: float | None = None, names: list[str] = ["a"],
         pair: tuple[float, float] = (0.0, 1.0)):
    """Does something.

    Args:
        bond: Distance of the atoms, in angstrom.
        n_layers: Number of layers.
    """
    return Study(bond, n_layers, depths, fast, basis, noise, names, pair)
'''
)


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def write(text: str, name: str = "mine.py") -> Path:
    Path(name).write_text(text)
    return Path(name)


def test_flags_are_the_signature() -> None:
    function = load_case(write(TYPED))
    defaults = {
        "bond": 1.0,
        "n_layers": 2,
        "depths": [1, 2],
        "fast": False,
        "basis": "sto-3g",
        "noise": None,
        "names": ["a"],
        "pair": [0.0, 1.0],
    }
    study, arguments, options = build(function, [], "qvar run mine.py")
    assert study.given == (1.0, 2, (1, 2), False, "sto-3g", None, ["a"], (0.0, 1.0))  # pyright: ignore
    assert arguments == defaults
    assert (options.out, options.resume, options.progress) == (Path("runs/mine"), False, True)
    words = "--bond -1.5 --n-layers 4 --depths 4 8 --fast --basis 6-31g --noise 0.1 --names x y --pair 2 3 --out o"
    study, arguments, options = build(function, [*words.split(), "--no-progress", "--resume"], "qvar run mine.py")
    assert study.given == (-1.5, 4, (4, 8), True, "6-31g", 0.1, ["x", "y"], (2.0, 3.0))  # pyright: ignore
    assert arguments["depths"] == [4, 8]
    assert (options.out, options.resume, options.progress) == (Path("o"), True, False)


@pytest.mark.parametrize("flag", ["--n-layers", "--n_layers"])
def test_underscores_and_hyphens_are_one(flag: str) -> None:
    assert build(load_case(write(TYPED)), [flag, "7"], "p")[1]["n_layers"] == 7


def test_help_shows_units_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build(load_case(write(TYPED)), ["--help"], "qvar run mine.py")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for words in ("Does something.", "--bond FLOAT", "in angstrom (default: 1.0)", "--fast, --no-fast", "--resume"):
        assert words in text
    assert all(len(line) <= 80 for line in text.splitlines()[1:])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--bond", "abc"], "`bond` must be a float, but is 'abc'."),
        (["--bond=abc"], "`bond` must be a float, but is 'abc'."),
        (["--bond"], "`bond` must be a float, but nothing follows --bond."),
        (["--n_layers", "1.5"], "`n_layers` must be an int, but is '1.5'."),
        (["--depths", "1", "x"], "`depths` must be values, each an int, but is '1 x'."),
        (["--basis", "foo"], "`basis` must be one of 'sto-3g', '6-31g', but is 'foo'."),
        (["--noise", "foo"], "`noise` must be a float or None, but is 'foo'."),
        (["--pair", "1"], "`pair` must be 2 values (a float, a float), but is '1'."),
        (["--bnd", "2"], "`--bnd` is not a flag of this case; did you mean `--bond`?"),
        (["--zzz"], "`--zzz` is not a flag of this case; `prog --help` lists them."),
        (["stray"], "`stray` follows no flag that takes it; `prog --help` lists the flags."),
        (["--fast", "true"], "`fast` must be given as --fast or --no-fast alone, but is '--fast true'."),
        (["--out"], "`--out` must be followed by its value."),
    ],
)
def test_wrong_flags_are_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(QvarError) as caught:
        build(load_case(write(TYPED)), words, "prog")
    assert str(caught.value) == sentence
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "`CASE` mine.py must define a function `case`, but has none."),
        ("case = 3", "`case` in mine.py must be a function, but is int."),
        ("\n\nfoo", "`CASE` mine.py could not be loaded: NameError: name 'foo' is not defined (line 3)."),
        ("import nowhere_xyz", "`CASE` mine.py could not be loaded: ModuleNotFoundError: No module named "),
        ("def case(:", "`CASE` mine.py could not be loaded: SyntaxError: invalid syntax (mine.py, line 1)."),
        ("raise SystemExit(3)", "`CASE` mine.py could not be loaded: SystemExit: 3 (line 1)."),
        ("def case(bond=1.0): ...", "`bond` must have a type in `case`, such as `bond: float = 1.0`."),
        ("def case(bond: float): ...", "`bond` must have a default in `case`, such as `bond: float = 1.0`."),
        ("def case(*bond: float): ...", "`case` must name each of its arguments, but has *bond: float."),
        ("def case(out: str = ''): ...", "`out` must not be an argument of `case`: it is a flag of every run."),
        ("def case(resume: bool = True): ...", "`resume` must not be an argument of `case`: it is a flag of every"),
        ("def case(progress: int = 1): ...", "`progress` must not be an argument of `case`: it is a flag of every"),
        ("def case(bond: 'Nowhere' = 1): ...", "`case` must have types that exist, but: NameError: name 'Nowhere'"),
        (
            "import qvar\ndef case(): ...\nqvar.launch(case)",
            '`qvar.launch(case)` must be called under `if __name__ == "__main__":`.',
        ),
    ],
)
def test_files_that_are_no_case(text: str, sentence: str) -> None:
    with pytest.raises(QvarError) as caught:
        load_case(write(text))
    assert str(caught.value).startswith(sentence)


def test_missing_files_and_other_kinds() -> None:
    Path("folder").mkdir()
    for name, sentence in (
        ("none.py", "`CASE` must be a Python file, but none.py is missing."),
        ("folder", "`CASE` must be a Python file, but folder is a folder."),
        (str(write("", "case.txt")), "`CASE` must be a Python file that ends in .py, but is case.txt."),
    ):
        with pytest.raises(QvarError) as caught:
            load_case(name)
        assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def case(): return 3", "`case` must return a Runnable, such as qvar.Duel(...), but returned int."),
        ("def case():\n    1 / 0", "`case` in mine.py raised ZeroDivisionError: division by zero (line 2)."),
        (
            "from qvar.errors import require\n"
            "def case(bond: float = -1.0):\n    require(bond > 0, 'bond', 'be positive', bond)",
            "`bond` must be positive, but is -1.0.",
        ),
    ],
)
def test_cases_that_fail(text: str, sentence: str) -> None:
    with pytest.raises(QvarError) as caught:
        build(load_case(write(text)), [], "prog")
    assert str(caught.value) == sentence


def test_a_case_can_import_the_file_beside_it() -> None:
    Path("sub").mkdir()
    write("DISTANCE = 1.25", "sub/constants_beside.py")
    write(HEAD + "from constants_beside import DISTANCE\ndef case(): return Study(DISTANCE)", "sub/mine.py")
    assert build(load_case("sub/mine.py"), [], "p")[0].given == (1.25,)  # pyright: ignore


def test_the_default_folder_is_the_next_that_is_free() -> None:
    function = load_case(write(TYPED))
    Path("runs/mine").mkdir(parents=True)
    assert build(function, [], "p")[2].out == Path("runs/mine-2")
    Path("runs/mine-2").mkdir()
    assert build(function, [], "p")[2].out == Path("runs/mine-3")
    assert build(function, ["--resume"], "p")[2].out == Path("runs/mine")
    Path("runs/mine/file").touch()
    with pytest.raises(QvarError, match="exists already"):
        build(function, ["--out", "runs/mine"], "p")
    assert build(function, ["--out", "runs/mine-2"], "p")[2].out == Path("runs/mine-2")  # empty


def test_the_folder_is_checked_before_the_case_works() -> None:
    function = load_case(write("def case(): raise SystemError('worked')"))
    Path("there").mkdir()
    Path("there/file").touch()
    with pytest.raises(QvarError, match="exists already"):
        build(function, ["--out", "there"], "p")


def test_both_kinds_of_boxes_are_read() -> None:
    unicode = "╭─ Value error ─╮\n│ Error parsing │\n│ --bond: x     │\n│ ───────────── │\n│ For help      │\n╰───╯"
    plain = " Value error   \n ------------- \n  Error parsing  \n  --bond: x  \n  -------------\n  For help\n   "
    assert box_text(unicode) == box_text(plain) == "Error parsing --bond: x"
    assert box_text("") == ""


NESTED = (
    HEAD
    + """
from dataclasses import dataclass
@dataclass(frozen=True)
class Settings:
    layers: int = 1
    deep: bool = False
def case(settings: Settings = Settings(), noisy: bool = False, n: int = 1, tags: tuple[str, ...] = ()):
    return Study(settings.layers, settings.deep, noisy, n, tags)
"""
)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--noisy True", "`noisy` must be given as --noisy or --no-noisy alone, but is '--noisy True'."),
        ("--noisy=False", "`noisy` must be given as --noisy or --no-noisy alone, but is '--noisy False'."),
        ("--no-noisy no", "`noisy` must be given as --noisy or --no-noisy alone, but is '--no-noisy no'."),
        ("--resume yes", "`resume` must be given as --resume alone, but is '--resume yes'."),
        ("--settings 2",
         "`settings` must be given field by field (--settings.layers, --settings.deep), but is given as --settings."),
        ("--settings.layer 2", "`--settings.layer` is not a flag of this case; did you mean `--settings.layers`?"),
        ("--settings.layers x", "`settings.layers` must be an int, but is 'x'."),
        ("--settings.deep True",
         "`settings.deep` must be given as --settings.deep or --settings.no-deep alone, but is "
         "'--settings.deep True'."),
        ("--n 1 --n 2", "`n` must be given once, but occurs more than once."),
        ("--noisy --no-noisy", "`noisy` must be given once, but occurs more than once."),
        ("--tags a --tags b", "`tags` must be given once, but occurs more than once."),
    ],
)  # fmt: skip
def test_switches_and_fields_of_dataclasses(words: str, sentence: str) -> None:
    with pytest.raises(QvarError) as caught:
        build(load_case(write(NESTED)), words.split(), "p")
    assert str(caught.value) == sentence


def test_a_dataclass_is_flags_a_record_and_a_command_line() -> None:
    words = ["--settings.layers", "3", "--settings.deep", "--n", "2"]
    study, arguments, _ = build(load_case(write(NESTED)), words, "p")
    assert study.given == (3, True, False, 2, ())  # pyright: ignore
    assert arguments["settings"] == {"layers": 3, "deep": True}
    again = command("mine.py", arguments)
    assert again == "qvar run mine.py --settings.layers 3 --settings.deep --no-noisy --n 2 --tags"
    assert build(load_case("mine.py"), again.split()[3:], "p")[1] == arguments


@pytest.mark.parametrize(
    ("signature", "sentence"),
    [
        ("problem: qvar.Problem = None",
         "`problem` must have a type that a flag can give (int, float, str, bool, Path, a Literal, a dataclass of "
         "these, or a list or tuple of them), but has Problem; take its name, such as `problem: str = \"h4\"`, and "
         "call qvar.named(problem) in the case."),
        ("ansatz: qvar.Ansatz | None = None", "`ansatz` must have a type that a flag can give ("),
        ("problems: list[qvar.Problem] = []", "`problems` must have a type that a flag can give ("),
        ("f: Callable[[int], int] = abs", "`f` must have a type that a flag can give ("),
        ("x: Any = 1", "`x` must have a type that a flag can give ("),
        ("x: int = 'a'", "`x` must have a default in `case` that is an integer, but is 'a'."),
        ("x: int = None",
         "`x` must have a default in `case` that is an integer, but is None; write `x: int | None = None`."),
        ("x: bool = 1", "`x` must have a default in `case` that is True or False, but is 1."),
    ],
)  # fmt: skip
def test_types_that_no_flag_can_give(signature: str, sentence: str) -> None:
    head = "import qvar\nfrom collections.abc import Callable\nfrom typing import Any\n"
    with pytest.raises(QvarError) as caught:
        load_case(write(f"{head}def case({signature}):\n    pass\n"))
    assert str(caught.value).startswith(sentence)
