"""How much memory a batch may take: the setting, and what the machine has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jax
import pytest

import qvar
from qvar import memory
from qvar.memory import chunk_size, memory_limit, size_words, wanted_memory


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4 << 30),
        ("500MB", 500_000_000),
        ("1.5 gib", 3 << 29),
        ("2048", 2048),
        ("64kB", 64_000),
        ("4G", 4 << 30),
        ("", None),
    ],
)
def test_a_size_is_read(text: str, size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVAR_MEMORY", text)
    assert wanted_memory() == size
    if size is not None:
        assert memory_limit() == size


@pytest.mark.parametrize("text", ["lots", "4 GiBs", "-1GB", "0", "0.1", "4Gi", "inf"])
def test_another_word_is_a_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVAR_MEMORY", text)
    sentence = rf"^`QVAR_MEMORY` must be a size such as 4GiB or 500MB, but is '{text}'\.$"
    with pytest.raises(qvar.QvarError, match=sentence):
        wanted_memory()
    with pytest.raises(qvar.QvarError, match=sentence):
        qvar.run(qvar.Duel(qvar.tfim(2), [qvar.hardware_efficient(2, layers=1)]), out="never")
    code = "import sys; from qvar.cli.main import main; sys.exit(main(['list', 'problems']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"qvar: `QVAR_MEMORY` must be a size such as 4GiB or 500MB, but is '{text}'.\n"


def test_half_of_the_machine_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QVAR_MEMORY", raising=False)
    machine = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    assert 1 << 20 < memory_limit() <= 1024 * int(machine.split()[1]) // 2
    statistics = {"bytes_limit": 80 << 30}

    class Accelerator:
        def memory_stats(self) -> dict[str, int]:
            return statistics

    monkeypatch.setattr(jax, "local_devices", lambda: [Accelerator()])
    assert memory_limit() == 40 << 30


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/job/step\n", {"job/memory.max": "3000\n", "job/step/memory.max": "max\n"}, 3000),
        ("0::/job/step\n", {"job/memory.max": "3000\n", "job/step/memory.max": "2000\n"}, 2000),
        ("9:cpu:/job\n4:memory:/job\n0::/\n", {"memory/job/memory.limit_in_bytes": "5000\n"}, 5000),
        ("9:cpu:/job\n", {"job/memory.max": "3000\n"}, 1 << 60),
    ],
)
def test_a_batch_job_has_less(membership: str, files: dict[str, str], limit: int, tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        place = tmp_path / "mounted" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    assert memory._group_memory(tmp_path / "cgroup", tmp_path / "mounted") == limit


@pytest.mark.parametrize(
    ("n", "per_evaluation", "chunk"),
    [(8, 0, 8), (8, 100, 8), (8, 125, 8), (8, 126, 4), (8, 400, 2), (9, 400, 2), (8, 5000, 1), (7, 300, 3), (0, 9, 0)],
)
def test_chunks_keep_below_the_limit(n: int, per_evaluation: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVAR_MEMORY", "1000")
    assert chunk_size(n, per_evaluation) == chunk


def test_sizes_in_words() -> None:
    assert [size_words(s) for s in (0, 1023, 2048, 3 << 29, 5 << 40)] == [
        "0 B",
        "1023 B",
        "2.0 KiB",
        "1.5 GiB",
        "5.0 TiB",
    ]
