"""The site's file, texts that are times, the queues by their names, and what flags become."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

import qvar.cluster.site_config as site_module
from qvar.cluster.scheduler import FLAGS
from qvar.cluster.schedulers import QUEUES, becomes_text, queue_named
from qvar.cluster.script import numbers
from qvar.cluster.site_config import read_site
from qvar.errors import QvarError


@pytest.fixture(autouse=True)
def _no_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QVAR_SITE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_docstring_is_read(tmp_path: Path) -> None:
    documentation = site_module.__doc__
    assert documentation is not None
    example = documentation.split("```toml\n")[1].split("```")[0]
    assert read_site(write(tmp_path / "site.toml", textwrap.dedent(example))) == {
        "queue": "slurm", "partition": "gpu", "account": "chem", "qos": "normal", "time": 7200, "memory": 16 << 30,
        "cpus": 4, "gpus": 1, "at_once": 20, "max_array": 1000, "pack": 4, "setup": ("module load cuda",),
        "extra": ("#SBATCH --constraint=a100",),
    }  # fmt: skip


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_site() == {}
    write(tmp_path / "config" / "qvar" / "site.toml", "cpus = 2")
    assert read_site() == {"cpus": 2}
    monkeypatch.setenv("QVAR_SITE", str(write(tmp_path / "other.toml", "cpus = 3\ntime = '90s'")))
    assert read_site() == {"cpus": 3, "time": 90}
    assert read_site(str(write(tmp_path / "given.toml", "gpus = 0"))) == {"gpus": 0}
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("QVAR_SITE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(tmp_path / "home" / ".config" / "qvar" / "site.toml", "pack = 5")
    assert read_site() == {"pack": 5}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("partitoin = 'gpu'", "`partitoin` in {} is not a key of a site file; did you mean `partition`?"),
        ("xyz = 1", "`xyz` in {} is not a key of a site file; there are queue, partition,"),
        ("cpus = '4'", "{}: `cpus` must be an integer, but is '4'."),
        ("cpus = true", "{}: `cpus` must be an integer, but is True."),
        ("cpus = 0", "{}: `cpus` must be at least 1, but is 0."),
        ("gpus = -1", "{}: `gpus` must be at least 0, but is -1."),
        ("setup = 'module load cuda'", "{}: `setup` must be a list of lines in quotes, but is 'module load cuda'."),
        ("queue = 3", "{}: `queue` must be a word in quotes, but is 3."),
        ("time = 1.5", "{}: `time` must be a word in quotes, but is 1.5."),
        ("time = 'soon'", "{}: `time` must be a time such as 2h"),
        ("time = 90", "{}: `time` must have a unit, such as 90m or 90s, but is 90"),
        ("time = '30:00'\nqueue = 'lsf'", "{}: `time` must have units, such as 30h0m or 30m0s"),
        ("memory = 'much'", "{}: `memory` must be a size such as 16G"),
        ("memory = 4096", "{}: `memory` must have a unit, such as 4096M or 4096G, but is 4096"),
        ("[gpu]\npartition = 'gpu'", "`gpu` in {} is not a key of a site file; did you mean `gpus`?"),
        ("cpus =", "The site file must be TOML, but {}: "),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = write(tmp_path / "site.toml", text)
    with pytest.raises(QvarError) as caught:
        read_site(path)
    assert str(caught.value).startswith(sentence.format(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QvarError, match=r"^The site file must exist, but .*none.toml does not\.$"):
        read_site(tmp_path / "none.toml")
    monkeypatch.setenv("QVAR_SITE", str(tmp_path / "nothing.toml"))
    with pytest.raises(QvarError, match=r"nothing.toml does not\.$"):
        read_site()
    with pytest.raises(QvarError, match=r"^The site file must be readable, but .*: Is a directory\.$"):
        read_site(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"queue = '\xe4'")
    with pytest.raises(QvarError, match=r"it is not UTF-8\.$"):
        read_site(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1-3,7", [1, 2, 3, 7]), ("1-9:4", [1, 5, 9]), ("4-6%2", [4, 5, 6]), ("5", [5]), ("1,3-109,1", None), ("x", [])],
)
def test_numbers_of_an_array(text: str, expected: list[int] | None) -> None:
    assert numbers(text) == ([1, *range(3, 110), 1] if expected is None else expected)


def test_queues_by_name() -> None:
    assert [queue_named(queue.name) for queue in QUEUES] == list(QUEUES)
    for word, near in (("slrum", "slurm"), ("sge", "grid_engine"), ("grid-engine", "grid_engine")):
        with pytest.raises(QvarError, match=f"but is '{word}'; did you mean {near}\\?$"):
            queue_named(word)
    with pytest.raises(
        QvarError, match=r"^`queue` must be one of slurm, grid_engine, pbs, lsf or local, but is 'x'\.$"
    ):
        queue_named("x")


def test_the_table_of_flags_is_whole_and_narrow() -> None:
    text = becomes_text()
    assert max(map(len, text.splitlines())) <= 80
    for flag in FLAGS:
        assert f"--{flag.replace('_', '-')} " in text
    for queue in QUEUES:
        assert set(queue.becomes) <= set(FLAGS)
        assert queue.words in text
    assert "  --qos         slurm        --qos=NAME\n                others       not supported\n" in text
