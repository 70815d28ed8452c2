"""Command lines from a seed: every command with its flags, valid and spoilt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

CASE = '''
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qvar.task import Task


@dataclass(frozen=True)
class Settings:
    layers: int = 1
    deep: bool = False


class Quick:
    name = "quick"

    def __init__(self, n):
        self.n = n

    def tasks(self):
        def rows(report):
            return [{"contender": "a", "status": "measured", "value": 0.0, "seed": 0}]

        return [Task(f"task-{number}", f"task {number}", rows) for number in range(self.n)]


def case(
    tasks: int = 1,
    bond: float = 1.0,
    noisy: bool = False,
    rotation: Literal["RX", "RY"] = "RX",
    pair: tuple[int, float] = (1, 2.0),
    words: tuple[str, ...] = (),
    limit: float | None = None,
    place: Path = Path("x"),
    settings: Settings = Settings(),
    layers: int = 1,
):
    """A case.

    Args:
        tasks: number of tasks.
    """
    import qvar

    qvar.hardware_efficient(2, layers=layers, rotations=(rotation,))
    if not 1 <= tasks <= 3:
        raise qvar.QvarError(f"`tasks` must be from 1 to 3, but is {tasks}.")
    return Quick(tasks)
'''

BAD_CASES = {
    "problem.py": "import qvar\ndef case(problem: qvar.Problem = None):\n    pass\n",
    "untyped.py": "def case(x=1):\n    pass\n",
    "bare.py": "def case(x: int):\n    pass\n",
    "wrong_default.py": "def case(x: int = 'a'):\n    pass\n",
    "reserved.py": "def case(out: str = 'a'):\n    pass\n",
    "raises.py": "def case(x: int = 1):\n    raise RuntimeError('no\\nidea')\n",
    "exits.py": "import sys\ndef case(x: int = 1):\n    sys.exit(0)\n",
    "exits_at_import.py": "import sys\nsys.exit(3)\n",
    "syntax.py": "def case(:\n",
    "missing.py": "import no_such_module\n",
    "none.py": "def case(x: int = 1):\n    return None\n",
    "class.py": "class case:\n    pass\n",
    "stars.py": "def case(*args: int, **kwargs: int):\n    pass\n",
    "callable.py": "from collections.abc import Callable\ndef case(f: Callable[[int], int] = abs):\n    pass\n",
    "empty.py": "",
    "binary.py": "\0\1",
}

FILES = ("a folder", "file.txt", "nowhere", "loop", "/dev/null", "/", "", ".", "..", "run", "camp", "empty", "bad.npz")
NUMBERS = ("0", "1", "2", "-1", "1.5", "1e3", "1e308", "1e999", "nan", "inf", "-inf", "99999999999999999999", "9" * 400,
           "0x10", "1_0", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT TWO}", "١٢", "+2", " 2", "2 ", "")  # fmt: skip
WORDS = ("True", "False", "x", "yes", "None", "RX", "--", "-", "-h", "--help", "=", "--=", "---", "--=1", "\N{SNOWMAN}",
         "e\N{COMBINING ACUTE ACCENT}", "a" * 5000, "\udcff", "two words", "'", '"', "$HOME", "*", "[red]", "[/]", "%s",
         "{}", "\n", "\t", "\x1b[31m", "case.py", "run", "qvar")  # fmt: skip
TIMES = ("2h", "90", "30:00", "1-12", "1-12:30:05", "soon", "0", "-1h", "1:60:00", "99:99", "1e3h", "9" * 30 + "h")
SIZES = ("16G", "16GB", "4096", "1.5T", "0", "-1G", "lots", "1e3G", "9" * 30 + "T", "16 GiB")
SWEEPS = ("tasks=1:3", "tasks=1,2", "bond=0.5:2.5:0.5", "bond=1,nan", "tasks", "=1", "tasks=", "tasks=1:0", "x=1",
          "tasks=1:99999999999", "noisy=true,false", "noisy=maybe", "pair=1 2,3 4", "rotation=RX,RZ", "tasks=1,,2",
          "bond=1:2:0", "settings=1", "settings.layers=1,2", "words=a b", "limit=None,1", "place=a,b")  # fmt: skip
QUEUES = ("slurm", "grid_engine", "pbs", "lsf", "local", "slrm", "")

RUN_FLAGS: dict[str, Sequence[str]] = {
    "--tasks": NUMBERS, "--bond": NUMBERS, "--noisy": ("", "True", "1"), "--no-noisy": (), "--rotation": ("RX", "RZ"),
    "--pair": ("1", "1 2", "x y"), "--words": ("a", "a b", ""), "--limit": ("None", *NUMBERS), "--place": FILES,
    "--settings": ("1", ""), "--settings.layers": NUMBERS, "--settings.deep": ("", "True"), "--settings.no-deep": (),
    "--layers": NUMBERS, "--out": FILES, "--resume": (), "--workers": ("0", "x", "1", ""), "--no-progress": (),
    "--quiet": (), "--json": (),
}  # fmt: skip
SUBMIT_FLAGS: dict[str, Sequence[str]] = {
    "--sweep": SWEEPS, "--out": FILES, "--resume": FILES, "--failed": (), "--dry-run": (), "--queue": QUEUES,
    "--workers": NUMBERS, "--site": FILES, "--partition": WORDS, "--account": WORDS, "--qos": WORDS, "--time": TIMES,
    "--memory": SIZES, "--cpus": NUMBERS, "--gpus": NUMBERS, "--nodes": NUMBERS, "--distributed": (),
    "--setup": WORDS, "--extra": WORDS, "--pack": NUMBERS, "--at-once": NUMBERS, "--max-array": NUMBERS,
    "--signal": TIMES, "--checkpoint": TIMES, "--no-collect": (), "--no-progress": (), "--tasks": NUMBERS,
    "--noisy": ("True",), "--bond": NUMBERS,
}  # fmt: skip
COMMANDS: dict[str, tuple[Sequence[str], dict[str, Sequence[str]]]] = {
    "show": (FILES, {"--all": (), "--columns": ()}),
    "report": (FILES, {}),
    "cite": (FILES, {"--all": ()}),
    "export": (FILES, {"--contender": WORDS, "--out": FILES, "--format": ("nw", "gbs", "x")}),
    "list": (("ansatze", "problems", "x", ""), {"--problem": ("tfim", *FILES, *WORDS), "--layers": NUMBERS}),
    "check": (("own.py:mine", "own.py:", ":mine", "own.py:nothing", "own.py:number", "own.py:broken", *FILES),
              {"--problem": ("tfim", *FILES)}),
    "status": (FILES, {"--json": ()}),
    "collect": (FILES, {}),
    "cancel": (FILES, {}),
    "doctor": ((), {}),
    "": ((), {"--version": (), "--help": (), "-h": (), "--x": ()}),
}  # fmt: skip
"""{command: (values of its first argument, flags with their values)}."""


def furnish(folder: Path) -> None:
    """Put the files that the command lines name into an empty folder."""
    (folder / "case.py").write_text(CASE)
    for name, text in BAD_CASES.items():
        (folder / name).write_bytes(text.encode())
    (folder / "own.py").write_text(
        "import qvar\nmine = qvar.hardware_efficient(2, layers=1)\nnumber = 3\n\n\n"
        "def broken(problem):\n    return 1 / 0\n"
    )
    (folder / "a folder").mkdir()
    (folder / "a folder" / "file").touch()
    (folder / "empty").mkdir()
    (folder / "file.txt").write_text("text")
    (folder / "bad.npz").write_bytes(b"PK\3\4")
    (folder / "loop").symlink_to("loop")


def command_line(draw: random.Random) -> list[str]:
    """One command line: of a valid form at first, then spoilt in about half of the cases."""
    kind = draw.random()
    if kind < 0.22:
        flags, words = RUN_FLAGS, ["run", *_case(draw)]
    elif kind < 0.38:
        flags, words = SUBMIT_FLAGS, ["submit", *_case(draw), *draw.choice(((), ("--dry-run",)))]
    else:
        name = draw.choice(sorted(COMMANDS))
        values, flags = COMMANDS[name]
        words = [name, *([draw.choice(values)] if values and draw.random() < 0.9 else [])] if name else []
    for _ in range(draw.choice((0, 0, 1, 1, 2, 3))):
        if flags:
            words += _flag(draw, flags)
    return _spoilt(draw, words) if draw.random() < 0.5 else words


def _case(draw: random.Random) -> list[str]:
    roll = draw.random()
    if roll < 0.75:
        return ["case.py"]
    return [draw.choice(sorted(BAD_CASES))] if roll < 0.9 else [draw.choice((*FILES, *WORDS))]


def _flag(draw: random.Random, flags: dict[str, Sequence[str]]) -> list[str]:
    flag = draw.choice(sorted(flags))
    values = flags[flag]
    if not values:
        return [flag]
    value = draw.choice(values)
    return [f"{flag}={value}"] if draw.random() < 0.3 else [flag, *value.split(" ")]


def _spoilt(draw: random.Random, words: list[str]) -> list[str]:
    for _ in range(draw.choice((1, 1, 2))):
        at = draw.randrange(len(words) + 1)
        how = draw.randrange(6)
        if how == 0 or not words:
            words.insert(at, draw.choice(WORDS))
        elif how == 1:
            del words[min(at, len(words) - 1)]
        elif how == 2:
            words.insert(at, draw.choice(words))
        elif how == 3:
            draw.shuffle(words)
        elif how == 4:
            at = min(at, len(words) - 1)
            cut = draw.randrange(len(words[at]) + 1)
            words[at] = words[at][:cut] + draw.choice(("", "x", "-", "\N{SNOWMAN}", "0")) + words[at][cut + 1 :]
        else:
            words.insert(at, draw.choice(NUMBERS))
    return words
