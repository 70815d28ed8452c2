"""Whatever happens to the files of a run: what is read is what was written, or one sentence says why not."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qvar.cli.main import main
from qvar.errors import QvarError
from qvar.records.run_folder import LoadedRun, load
from qvar.records.run_tables import look_at_shard
from qvar.runs.runner import run

CASE = Path(__file__).parent / "fake_case.py"
WORDS = ("run", str(CASE), "--seeds", "2", "--contenders", "ry x1", "uccsd", "--no-progress")
PLACE = {"versions": {"qvar": "0.1.0"}, "host": "n1", "git": None}
FILES = ("case.json", "ledger.parquet", "trace.parquet", "parameters.parquet", "tasks")


@pytest.fixture(scope="module")
def made(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two tasks."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("qvar.report.page.write_report", lambda loaded: loaded.folder.report.touch())
        folder = tmp_path_factory.mktemp("made") / "r"
        assert main([*WORDS, "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in the current folder; pages are made without what depends on the ledger alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qvar.report.duel.accuracy_parts", lambda *_: [])
    monkeypatch.setattr("qvar.report.page.write_plots", lambda *_: [])
    monkeypatch.setattr("qvar.records.provenance.place", lambda: PLACE)
    return Path(shutil.copytree(made, "r"))


def file_of(folder: Path, name: str) -> Path:
    """The file of that name, of the shards the first one."""
    return min((folder / "tasks").iterdir()) if name == "tasks" else folder / name


def same(one: LoadedRun, other: LoadedRun) -> bool:
    return one.case == other.case and one.ledger.equals(other.ledger) and one.trace.equals(other.trace)


def read_or_sentence(folder: Path) -> LoadedRun | None:
    """The run, if it can be read; a sentence is one line."""
    try:
        return load(folder)
    except QvarError as error:
        if len(str(error).splitlines()) > 1:
            raise
        return None


# ---------------------------------------------------------------------------------------------------------------------
# Bits


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_never_another_value(name: str, folder: Path) -> None:
    good = load(folder)
    if name == "tasks":
        (folder / "ledger.parquet").unlink()
    path = file_of(folder, name)
    data = path.read_bytes()
    draw = random.Random(name)
    for bit in [*draw.sample(range(8 * len(data)), 30), 0, 8 * len(data) - 1]:
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        found = read_or_sentence(folder)
        if found is None:
            assert name == "case.json"
        elif name == "tasks":
            assert found.n_done == 1
            assert found.damage == (f"{path} is left out: {found.damage[0].partition(': ')[2]}",)
        else:
            assert same(found, good)
            assert name == "case.json" or found.damage


def test_a_cut_or_lengthened_file_is_never_another_value(folder: Path) -> None:
    good = load(folder)
    for name in FILES:
        path = file_of(folder, name)
        data = path.read_bytes()
        for changed in (b"", data[: len(data) // 2], data[:-1], data + b"\0", data + data, b"\0" * len(data)):
            path.write_bytes(changed)
            found = read_or_sentence(folder)
            assert found is None or same(found, good)
        path.write_bytes(data)


def test_resume_does_damaged_tasks_again_and_reports_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, shard = load(folder), file_of(folder, "tasks")
    label = next(task["label"] for task in good.case["tasks"] if task["key"] == shard.stem)
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 4
    shard.write_bytes(data)
    assert main([*WORDS, "--out", "r", "--resume"]) == 0
    assert capsys.readouterr().err == (
        f"qvar: r/tasks/{shard.name} is left out: its checksum does not fit; {label} is done again.\n"
    )
    times = ["wall_s", "compile_s"]
    assert load(folder).ledger.drop(columns=times).equals(good.ledger.drop(columns=times))


def test_what_is_damaged_is_said_where_a_run_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "r"]) == 0
    table = capsys.readouterr().out
    (folder / "ledger.parquet").write_bytes(b"PAR1")
    assert main(["show", "r"]) == 0
    assert capsys.readouterr() == (
        table, "qvar: r/ledger.parquet is left out: it has no checksum of qvar, or was cut short.\n"
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Files that belong elsewhere


def test_a_shard_knows_its_own_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = sorted((folder / "tasks").iterdir())
    shutil.copy(two, one)
    assert look_at_shard(one).rows == look_at_shard(two).rows
    assert look_at_shard(one, one.stem).rows is None
    (folder / "ledger.parquet").unlink()
    assert load(folder).n_done == 1
    assert main([*WORDS, "--out", "r", "--resume"]) == 0
    output = capsys.readouterr().err
    assert f"{one} is left out: it is that of another key: {two.stem}, not {one.stem}; " in output
    assert sorted(load(folder).ledger["contender"].unique()) == ["ry x1", "uccsd"]


@pytest.mark.usefixtures("without_pages")
def test_tables_know_their_run(fake: ModuleType, folder: Path) -> None:
    good = load(folder)
    run(fake.Fake(("ry x1", "uccsd"), seeds=3), "other", progress=False)
    shutil.copy("other/ledger.parquet", folder / "ledger.parquet")
    found = load(folder)
    assert same(found, good)
    assert "it is that of another run" in found.damage[0]
    shutil.copy(folder / "trace.parquet", folder / "ledger.parquet")
    assert "it is that of another kind: trace, not ledger" in load(folder).damage[0]


@pytest.mark.parametrize("format", [{"format": 1}, {}])
def test_a_record_of_another_format_is_not_mixed_with_this_one(
    format: dict[str, int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files that do not say their format have the first."""
    record = json.loads((folder / "case.json").read_text())
    del record["checksum"], record["format"]
    (folder / "case.json").write_text(json.dumps({**record, **format}))
    sentence = "qvar: `r/case.json` must be of record format 4 to be read by this qvar, but is of format 1"
    assert main(["show", "r"]) == 2
    assert capsys.readouterr().err == f"{sentence}.\n"
    assert main([*WORDS, "--out", "r", "--resume"]) == 0
    assert capsys.readouterr().err == f"{sentence}; its tasks are done again.\n"
    assert load(folder).case["format"] == 4


# ---------------------------------------------------------------------------------------------------------------------
# What is no file


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fails where something waits for ever."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def put_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    "put",
    [
        os.mkfifo,
        Path.mkdir,
        put_socket,
        put_sparse,
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("missing"),
        Path.touch,
    ],
    ids=["pipe", "folder", "socket", "sparse", "loop", "device", "dangling", "empty"],
)
def test_other_things_in_the_place_of_a_file(
    put: Callable[[Path], object], folder: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = load(folder)
    for name in ("case.json", "ledger.parquet", "tasks"):
        path = file_of(folder, name)
        path.unlink()
        put(path)
        with at_most(20.0):
            found = read_or_sentence(folder)
            status = main([*WORDS, "--out", "r", "--resume"])
        assert found is None or same(found, good)
        output = capsys.readouterr().err
        assert (status, len(output.splitlines())) in ((0, 0), (0, 1), (2, 1)), output
        shutil.rmtree(folder)
        shutil.copytree(made, folder)


# ---------------------------------------------------------------------------------------------------------------------
# What people write into case.json

LEAVES = st.sampled_from(
    [None, True, 0, -1, 2**70, 1.5, 1e308, "", "x", "\ud800", "../../x", "x" * 400, "a\nb\x1b[31m", "<b>"]
)
NAMES = st.text(max_size=5) | st.sampled_from(["points", "sweep", "format"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


def places(content: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values stand."""
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in entries:
        yield (*above, name)
        yield from places(value, (*above, name))


def mistyped(data: st.DataObject, content: dict[str, Any]) -> bytes:
    """A file whose content differs in one to three places, as a person or a program might have written it."""
    content = copy.deepcopy(content)
    for _ in range(data.draw(st.integers(1, 3))):
        *above, name = data.draw(st.sampled_from(list(places(content))))
        inside: Any = content
        for step in above:
            inside = inside[step]
        match data.draw(st.sampled_from(["change", "remove", "add"])):
            case "change":
                inside[name] = data.draw(VALUES)
            case "remove":
                del inside[name]
            case "add" if isinstance(inside, dict):
                inside[data.draw(NAMES)] = data.draw(VALUES)
            case _:
                inside.append(data.draw(VALUES))
        if not content:
            break
    text = json.dumps(content).encode()
    return data.draw(st.sampled_from([text] * 5 + [text[:-3], b"\xef\xbb\xbf" + text, text + text, text + b"\xff"]))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_a_mistyped_case_json_is_a_sentence(data: st.DataObject, folder: Path, made: Path) -> None:
    content = json.loads((made / "case.json").read_bytes())
    del content["checksum"]
    (folder / "case.json").write_bytes(mistyped(data, content))
    others = (["show", "r", "--all"], ["report", "r"], ["cite", "r"], ["export", "r", "--out", "sets"], ["status", "r"],
              ["collect", "r"], ["submit", "--resume", "r", "--dry-run"], ["worker", "r"])  # fmt: skip
    for words in (["show", "r"], data.draw(st.sampled_from(others)), [*WORDS, "--out", "r", "--resume"]):
        assert one_sentence(words) in (0, 1, 2)


def one_sentence(words: list[str]) -> int | str | None:
    """Exit status of a command, which says one line on standard error if that is 2."""
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    if status == 2:
        assert out.getvalue() == ""
        assert len(err.getvalue().splitlines()) == 1, err.getvalue()
        assert err.getvalue().startswith("qvar: `")
    return status


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "it is nested too deep"),
        (b'{"tasks": [], "tasks": []}', "it holds 'tasks' twice"),
        (b'{"tasks": [], "precision": NaN}', "it holds NaN, which is not standard JSON"),
        (b'{"tasks": [], "precision": 1e999}', "it holds the number 1e999, which is too large"),
        (b'{"tasks": [], "host": "\\ud800"}', "it holds text that is not Unicode"),
        (b'{"tasks": [], "host": "\xff"}', "it is not UTF-8 at byte 23"),
        (b'{"tasks": []', "it is not JSON at line 1, column 13"),
        (b'{"tasks": 3}', "`tasks` must be a list, but is 3"),
        (b'{"tasks": [{"key": "../x", "label": "a"}]}', "`tasks[0].key` must be at most 120 letters, digits and ._-"),
        (b'{"tasks": [], "cpus": "2"}', "`cpus` must be a whole number from 1 to 1000000000000, but is '2'"),
        (b'{"tasks": [], "hots": "n1"}', "`hots` must be a name that qvar knows, but is 'n1'"),
        (b"{}", "`tasks` must be there, but is None"),
        (b"[]", "`the file` must be an object, but is []"),
    ],
)  # fmt: skip
def test_sentences_name_the_file_and_the_place(
    content: bytes, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "case.json").write_bytes(content)
    assert main(["report", "r"]) == 2
    output = capsys.readouterr().err
    assert output.startswith("qvar: `r/case.json` must be a file that qvar wrote, but ")
    assert words in output
    assert len(output.splitlines()) == 1


def test_an_edited_case_json_is_read_once_its_seal_is_gone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "case.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record))  # other spaces alone
    assert main(["show", "r"]) == 0
    record["host"] = "another"
    path.write_text(json.dumps(record))
    capsys.readouterr()
    assert main(["show", "r"]) == 2
    assert "its checksum does not fit, so it was damaged or edited; if it was edited on purpose, remove" in (
        capsys.readouterr().err
    )
    assert main([*WORDS, "--out", "r", "--resume"]) == 2
    assert "put back a copy of it, or run into a new folder." in capsys.readouterr().err
    del record["checksum"]
    path.write_text(json.dumps(record))
    assert main(["show", "r"]) == 0
