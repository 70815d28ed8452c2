"""The progress of a run: what is shown, in terminals of any width and in plain lines, and the time left."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import sys
from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from qvar.runs import progress as shows
from qvar.runs.overview import AtWork, Overview, rounded
from qvar.runs.progress_notebook import bar
from qvar.runs.progress_terminal import joined, live_lines, task_line
from qvar.task import Progress, Row

CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def overview(*labels: str, n_there: int = 0, workers: int = 1) -> Overview:
    return Overview({label: label for label in labels}, n_there, workers, Clock())


def rows(error: float, **more: object) -> list[Row]:
    return [{"error": error, "unit": "Ha", "status": "converged", **more}]


def do(run: Overview, key: str, seconds: float, share: float, ticks: int = 10) -> Iterator[float | None]:
    """Do a task at one speed, and yield the estimates on the way."""
    clock = run.clock
    assert isinstance(clock, Clock)
    run.start(key)
    for tick in range(ticks + 1):
        run.report(key, Progress(round(1000 * share * tick / ticks), 1000, "best 1 mHa"))
        yield run.estimate()
        clock.now += seconds / ticks * (tick < ticks)
    run.finish(key, rows(1e-3), seconds)


def test_the_time_left_is_unknown_until_it_can_be_known() -> None:
    run = overview("a", "b", "c", "d")
    assert set(do(run, "a", 20.0, 0.5)) == {None}  # how long others take is not known
    assert set(do(run, "b", 20.0, 0.5)) == {None}
    estimates = list(do(run, "c", 20.0, 0.5))
    assert estimates[0] == 40.0  # as long as those before
    assert estimates[9] == pytest.approx(20.0 + (2 / 3 - 0.45) / 0.025)  # budgets of which 1/2, 1/2 or all is used
    assert overview("a").time_left() == ""


def test_the_last_task_is_judged_by_its_own_budget() -> None:
    run = overview("a")
    estimates = [estimate for estimate in do(run, "a", 100.0, 1.0, ticks=50) if estimate is not None]
    assert len(estimates) == 49  # but for two seconds
    for tick, estimate in enumerate(estimates, start=2):
        assert estimate == pytest.approx(100.0 - 2.0 * tick, abs=1e-6)
    assert run.time_left() == ""


def test_a_checkpoint_and_compilation_are_no_speed() -> None:
    run = overview("a", n_there=0)
    clock = run.clock
    assert isinstance(clock, Clock)
    run.start("a")
    clock.now += 60.0
    for tick in range(11):
        run.report("a", Progress(800 + 10 * tick, 1000, ""))
        clock.now += 1.0
    clock.now -= 1.0
    assert run.estimate() == pytest.approx(10.0)


def test_workers_share_what_is_left() -> None:
    run = overview(*"abcdef", workers=2)
    for key in "ab":
        list(do(run, key, 10.0, 0.5))
    run.start("c")
    run.start("d")
    assert run.estimate() == pytest.approx(20.0)


def test_the_time_left_does_not_jump() -> None:
    """Nine tasks, of which the last takes a hundred times as long: what is shown rises slowly, and falls to the end."""
    run = overview(*"abcdefghi")
    clock = run.clock
    assert isinstance(clock, Clock)
    shown: list[float] = []
    for key in "abcdefghi":
        run.start(key)
        seconds = 200 if key == "i" else 2
        for tick in range(2 * seconds):
            run.report(key, Progress(tick + 1, 2 * seconds, ""))
            clock.now += 0.5
            if run.time_left():
                assert run._shown is not None
                shown.append(run._shown[0])
        run.finish(key, rows(1e-3), seconds)
    steps = [after - before for before, after in itertools.pairwise(shown)]
    assert max(steps) < 10  # of two hundred that are suddenly left
    assert min(steps) >= -1
    tail = shown[-200:]  # the last hundred seconds
    assert all(abs(left - (len(tail) - place) / 2) < 6 for place, left in enumerate(tail))


def test_times_are_rounded_words() -> None:
    words = {3: "a few seconds", 31: "about 35 s", 61: "about 1 min", 3000: "about 50 min", 9000: "about 2.5 h"}
    assert {seconds: rounded(seconds) for seconds in words} == words
    assert rounded(3e5) == "about 3 days"


def test_lines_fit_into_every_terminal() -> None:
    run = overview(*"abcdefghi")
    for width in range(20, 140):
        for name in ("uccsd", "a very long name of a circuit 漢字漢字漢字漢字漢字漢字漢字漢字"):
            for words in ("starting", "best 0.0804 mHa", "bond 1.5: best 12.3 mHa and something that is long"):
                line = task_line(name, AtWork(0.0, words, share=0.54), 75.0, width)
                assert line.cell_len <= width
                assert " 54 %" in line.plain
                assert ("━" in line.plain, "1:15" in line.plain) == (width >= 55, width >= 45)
                if width >= 40 and words == "best 0.0804 mHa":
                    assert words in line.plain
                    assert name[:6] in line.plain
        assert cell_len(joined(run.parts(), width)) <= width


@pytest.mark.parametrize(("columns", "colors"), [(80, True), (60, False), (40, True)])
def test_a_terminal_shows_live_lines(columns: int, colors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        patched.setattr(sys, "stdout", terminal)
        for name, value in {"COLUMNS": str(columns), "LINES": "24", "TERM": "xterm-256color"}.items():
            patched.setenv(name, value)
        patched.delenv("NO_COLOR", raising=False)
        if not colors:
            patched.setenv("NO_COLOR", "1")
        run = overview("one", "two", "three", "four", n_there=1, workers=2)
        with live_lines(run) as display:
            for key in ("one", "two"):
                display.start(key, 1)
                display.report(key, Progress(230, 1000, "best 0.08 mHa"))
            print("a word of the case")
            display.finish("one", rows(8e-5), 1.5)
            display.finish("two", [{"status": "failed", "message": "a reason\nthat is " + "long " * 20}], 0.1)
    read: list[bytes] = []
    with contextlib.suppress(OSError):  # at the end
        while read.append(os.read(master, 1 << 16)) is None:
            pass
    os.close(master)
    text = b"".join(read).decode()
    assert bool(COLOR.search(text)) == colors
    lines = [CODE.sub("", line) for line in re.split(r"[\r\n]+", text)]
    assert max(map(cell_len, lines)) < columns
    assert any(re.match(r"two .*23 % best 0.08 mHa", line) for line in lines)
    assert any(line.startswith("2 of 4 tasks, 56 %") for line in lines)
    assert "a word of the case" in lines
    assert any(line.startswith("1/4 one: best 0.08 mHa, 1 converged (1.5 s)"[: columns - 4]) for line in lines)
    assert any(line.startswith("2/4 two: 1 failed; a reason that") and line.endswith("...") for line in lines)


def test_without_a_terminal_there_are_few_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = overview("a", "b", "c")
    clock = run.clock
    assert isinstance(clock, Clock)
    display = shows.plain_lines(run)
    for key, seconds in {"a": 100, "b": 100, "c": 10}.items():
        display.start(key, 1)
        for tick in range(10 * seconds):
            display.report(key, Progress(tick, 20 * seconds, "best 0.31 mHa"))
            clock.now += 0.1
        display.finish(key, rows(3.1e-4), seconds)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "1/3 a: 15 %, best 0.31 mHa"
    assert lines[3] == "1/3 a: best 0.31 mHa, 1 converged (100.0 s)"
    assert [line[:3] for line in lines] == ["1/3"] * 4 + ["2/3"] * 4 + ["3/3"]
    assert lines[-2].endswith("(100.0 s); about 2 min left")
    assert lines[-1].endswith("(10.0 s)")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    with shows.display({"a": "a"}, 0, True) as dumb:
        dumb.start("a", 1)
        dumb.finish("a", rows(1e-3), 1.0)
    assert capsys.readouterr().err == "1/1 a: best 1 mHa, 1 converged (1.0 s)\n"


def test_errors_of_different_problems_have_no_best() -> None:
    run = overview("a", "b", "c")
    run.start("a")
    run.finish("a", [*rows(1e-3, coordinate=1.0), *rows(1e-4, coordinate=2.0)], 1.0)
    assert run.best is None
    run.finish("b", rows(2e-3), 1.0)
    run.finish("c", [*rows(1e-3), *rows(float("nan")), *rows(1e-9, status="failed")], 1.0)
    assert run.summary() == "3 of 3 tasks done; best 1 mHa (c); 0:00"


def test_a_notebook_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    drawings: list[tuple[str, str]] = []

    class Handle:
        def update(self, content: object) -> None:
            drawings.append((repr(content), content._repr_html_()))  # pyright: ignore[reportAttributeAccessIssue]

    def shown(content: object, *, display_id: bool) -> Handle:
        Handle().update(content)
        return Handle()

    monkeypatch.setattr("IPython.display.display", shown)
    run = overview("<a>", "b", n_there=1)
    clock = run.clock
    assert isinstance(clock, Clock)
    with bar(run) as display:
        display.start("<a>", 1)
        for _ in range(80):
            clock.now += 0.125
            display.report("<a>", Progress(23, 100, "best 1 mHa"))
        display.finish("<a>", rows(1e-12), 10.0)
    assert 15 < len(drawings) < 25  # of eighty reports in ten seconds
    assert drawings[10][0] == "1 of 2 tasks, 62 %, 0:05 elapsed\n<a>: 23 %, best 1 mHa"
    assert "&lt;a&gt;: 23 %" in drawings[10][1]
    assert drawings[-1][0] == "2 of 2 tasks done; best <1e-5 mHa (<a>); 0:10"
    assert "value='1.000'" in drawings[-1][1]


def test_a_line_is_shown_on_a_terminal_while_a_report_is_drawn_and_gone_afterwards(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with shows.transient_line("Writing.", True):
        assert capsys.readouterr().err == "", "no line in a log file"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with shows.transient_line("Writing.", False):
        assert capsys.readouterr().err == ""
    with shows.transient_line("Writing.", True):
        assert capsys.readouterr().err == "Writing."
    assert capsys.readouterr().err == "\r\x1b[K"
