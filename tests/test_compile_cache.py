"""Compiled programs outlive the process that compiled them."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import pandas as pd
import pytest
from jax._src.lru_cache import LRUCache

from qvar import compile_cache
from qvar.cli.main import main
from qvar.late_import import when_imported

config: Any = jax.config

CASE = """
import jax
import jax.numpy as jnp

import qvar


def loss(theta, points):
    return jnp.sum((jnp.polyval(theta, points) - jnp.sin(points)) ** 2)


def case(seeds: int = 2) -> qvar.Duel:
    line = qvar.Objective(
        "line", "generic", 2, loss, lambda key: jax.random.normal(key, 2), data=jnp.linspace(0.0, 1.0, 5)
    )
    line.loss([0.0, 0.0])
    return qvar.Duel(contenders=[line], seeds=seeds, budget=qvar.Budget(gradients=5))


if __name__ == "__main__":
    qvar.launch(case)
"""

COUNTED = """
import json
import runpy
import sys
import time
from collections import Counter

import jax

import qvar.report.page

qvar.report.page.write_report = lambda loaded: loaded.folder.report.touch()
seen = Counter()
jax.monitoring.register_event_listener(lambda event, **about: seen.update([event.rpartition("/")[2]]))
path, out, *first = sys.argv[1:]
counts = []
if first:
    import qvar

    qvar.run(runpy.run_path(path)["case"](), out=first[0], progress=False)
    counts.append([seen["cache_hits"], seen["cache_misses"]])
    seen.clear()
    jax.clear_caches()
from qvar.cli.main import main

assert main(["run", path, "--out", out, "--no-progress"]) == 0
counts.append([seen["cache_hits"], seen["cache_misses"]])
print()
print(json.dumps(counts))
"""


WHERE = """
import jax
import jax.numpy as jnp

from qvar.compile_cache import use_compile_cache

found = use_compile_cache()
jax.jit(jnp.sin)(1.0)
assert use_compile_cache() == found
print(found.describe())
"""


@pytest.fixture(autouse=True)
def _with_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QVAR_CACHE", "kept")


def without_kernels() -> None:
    """Note that kernels of the host are there, so that no command compiles them meanwhile; no test here runs one."""
    folder = compile_cache.kernel_folder()
    assert folder is not None
    compile_cache.note_kernels(folder)


def undecided() -> dict[str, str]:
    """The environment, in which other tests may have set up JAX."""
    return {name: value for name, value in os.environ.items() if "COMPILATION_CACHE" not in name}


def python(code: str, *words: str, **environment: str) -> str:
    """What a process prints that says nothing on standard error."""
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, env=undecided() | environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def started(out: str, *first: str) -> tuple[list[list[int]], pd.DataFrame]:
    """Cache hits and programs written by the runs of one process, the first by `qvar.run`; the last one's ledger."""
    counts = json.loads(python(COUNTED, "tiny.py", out, *first).splitlines()[-1])
    return counts, pd.read_csv(f"{out}/ledger.csv")


def programs(folder: str = "kept") -> list[Path]:
    return sorted(Path(folder).rglob("*-cache"))


@pytest.mark.slow
def test_the_second_start_compiles_nothing() -> None:
    Path("tiny.py").write_text(CASE)
    without_kernels()
    [(again, misses)], first = started("one")
    kept = programs()
    assert len(kept) - 1 == misses > 0  # the update is also kept as it is
    names = {file.name.partition("-")[0] for file in kept}
    assert {"jit__value", "jit__evaluate", "update"} < names  # in `case`, and in the study
    [(early, none), (hits, misses)], second = started("two", "library")
    assert early > 0
    assert none == misses == 0
    assert again == 0
    assert hits == len(kept) - 2  # JAX is not asked for the update
    assert programs() == kept
    times = ["wall_s", "compile_s"]
    pd.testing.assert_frame_equal(first.drop(columns=times), second.drop(columns=times), check_exact=True)


def test_programs_are_kept_in_the_folder_of_qvar_or_of_jax() -> None:
    assert python(WHERE).startswith("kept, ")
    settings = {"JAX_COMPILATION_CACHE_DIR": "mine", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    assert python(WHERE, **settings).endswith(", set in JAX\n")
    assert all(programs(folder) for folder in ("kept", "mine"))


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"QVAR_CACHE": "~/mine"}, "home/mine"),
        ({"QVAR_CACHE": ""}, "home/.cache/qvar/jax"),
        ({"QVAR_CACHE": "", "XDG_CACHE_HOME": "xdg"}, "home/.cache/qvar/jax"),  # must be absolute
        ({"QVAR_CACHE": "", "XDG_CACHE_HOME": "{here}/xdg"}, "xdg/qvar/jax"),
        ({"QVAR_CACHE": "off"}, None),
    ],
)
def test_variables_that_name_the_folder(
    variables: dict[str, str], folder: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = config.jax_compilation_cache_dir
    monkeypatch.setattr(compile_cache, "_kept", {})
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(here=tmp_path))
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        text = compile_cache.use_compile_cache().describe()
        if folder is None:
            assert (text, config.jax_compilation_cache_dir) == ("none, switched off by QVAR_CACHE", None)
            assert list(tmp_path.iterdir()) == []
        else:
            assert text == f"{tmp_path / folder}, 0 B"
            assert Path(config.jax_compilation_cache_dir).parent == tmp_path / folder
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_a_program_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def slow(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            for half in (data[:3], data[3:]):
                file.write(half)
                file.flush()
                seen.append(cache.get("jit_f"))
                if half == b"no ":
                    raise KeyboardInterrupt
        return len(data)

    monkeypatch.setattr(Path, "write_bytes", slow)
    cache = LRUCache(str(tmp_path), max_size=-1)  # conftest has made it write whole programs, as a run does
    cache.put("jit_f", b"program")
    assert cache.get("jit_f") == b"program"
    cache.put("jit_f", b"another")
    assert cache.get("jit_f") == b"another"
    with pytest.raises(KeyboardInterrupt):
        cache.put("jit_f", b"no room")
    assert seen == [None, None, b"program", b"program", b"another"]
    assert [file.name for file in tmp_path.iterdir()] == ["jit_f-cache"]


def test_a_damaged_program_is_made_again() -> None:
    python(WHERE)
    for file in programs():
        file.write_bytes(file.read_bytes()[:-20])  # what a killed process leaves, where JAX wrote it
    command = [sys.executable, "-c", WHERE]
    errors = subprocess.run(command, env=undecided(), capture_output=True, text=True, check=True).stderr
    assert errors.count("Error reading persistent compilation cache entry") == len(programs())
    python(WHERE)  # prints no warning


def test_a_folder_that_cannot_be_made_does_no_harm() -> None:
    Path("file").write_text("in the way")
    assert python(WHERE, QVAR_CACHE="file/cache") == "none, file/cache: Not a directory\n"


IMPORTED = """
import sys

from qvar.engines.energy import energy  # a name that `qvar.__getattr__` does not see

import jax
import jax.numpy as jnp

from qvar.compile_cache import use_compile_cache

assert jax.config.jax_persistent_cache_min_compile_time_secs == 0
jax.jit(jnp.sin)(1.0)
jax.config.update("jax_compilation_cache_dir", None)
print(use_compile_cache().describe(), jax.config.jax_compilation_cache_dir)
"""

EARLIER = """
import jax

jax.config.update("jax_compilation_cache_dir", "mine")
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
import qvar

print(jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs)
"""


def test_importing_qvar_is_enough_and_settings_of_jax_stay() -> None:
    assert python(IMPORTED) == "none, set in JAX None\n"
    assert len(programs()) > 0
    assert python(EARLIER) == "mine 0.5\n"


def test_settings_of_jax_by_its_variables_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    before = config.jax_compilation_cache_dir
    monkeypatch.setattr(compile_cache, "_kept", {})
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")
        assert compile_cache.use_compile_cache().describe() == "none, set in JAX"
        monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
        jax.config.update("jax_enable_compilation_cache", False)
        assert compile_cache.use_compile_cache().describe() == "none, set in JAX"
        assert not Path("kept").exists()
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
        jax.config.update("jax_compilation_cache_dir", before)


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    before = config.jax_compilation_cache_dir
    monkeypatch.setattr(compile_cache, "_kept", {})
    monkeypatch.setattr(Path, "expanduser", unknown)
    monkeypatch.setenv("QVAR_CACHE", "")
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        assert compile_cache.use_compile_cache().describe() == "none, because the home folder is not known"
        assert config.jax_compilation_cache_dir is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_a_folder_that_is_lost_or_full_costs_programs_and_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = LRUCache(str(tmp_path / "lost"), max_size=-1)
    shutil.rmtree(tmp_path / "lost")
    assert cache.get("jit_f") is None
    cache.put("jit_f", b"program")
    assert cache.get("jit_f") == b"program"
    shutil.rmtree(tmp_path / "lost")
    (tmp_path / "lost").write_text("in the way")
    cache.put("jit_f", b"program")
    assert cache.get("jit_f") is None

    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    cache = LRUCache(str(tmp_path / "full"), max_size=-1)
    cache.put("jit_f", b"program")
    assert not list((tmp_path / "full").iterdir())


def test_the_folder_is_looked_through_once_a_day(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}-cache").write_bytes(bytes(900))
        compile_cache._shrink_daily(tmp_path, 100)
    assert {file.name for file in tmp_path.iterdir()} == {"second-cache", "looked-through"}
    os.utime(tmp_path / "looked-through", (time.time() - 90_000,) * 2)
    compile_cache._shrink_daily(tmp_path, 100)
    assert {file.name for file in tmp_path.iterdir()} == {"looked-through"}


@pytest.mark.parametrize("before", [False, True])
def test_a_function_is_called_when_a_module_is_there(
    before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "awaited.py").write_text("value = 3")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "awaited", raising=False)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    seen = []
    if before:
        importlib.import_module("awaited")
    when_imported("awaited", lambda: seen.append(sys.modules["awaited"].value))
    assert len(seen) == before
    importlib.import_module("awaited")
    importlib.reload(sys.modules["awaited"])
    assert seen == [3]
    when_imported("awaited_in_vain", lambda: seen.append(0))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("awaited_in_vain")
    assert seen == [3]


def test_doctor_prints_the_folder_with_its_size_and_the_memory_limit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("kept").mkdir()
    (Path("kept") / "jit_f-0123-cache").write_bytes(bytes(3 << 20))
    monkeypatch.setattr(compile_cache, "_kept", {config.jax_compilation_cache_dir: Path("kept")})
    monkeypatch.setenv("QVAR_MEMORY", "2GiB")
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "compile cache     kept, 3.0 MiB" in lines
    assert "memory limit      2.0 GiB for a batch, QVAR_MEMORY" in lines


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    for age, (name, size) in enumerate([("new", 400), ("used", 300), ("old", 300), ("oldest", 200)]):
        file = tmp_path / f"{name}-cache"
        file.write_bytes(bytes(size))
        os.utime(file, (1e9 - 100 * age, 0 if name == "used" else 1e9 - 100 * age))
    for name, age in [(".half-cache.n1-77-0.tmp", 4000), (".now-cache.n1-78-0.tmp", 3)]:
        (tmp_path / name).write_bytes(bytes(900))
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    compile_cache._shrink(tmp_path, 700)
    assert {file.name for file in tmp_path.iterdir()} == {"new-cache", "used-cache", ".now-cache.n1-78-0.tmp"}
    (tmp_path / ".now-cache.n1-78-0.tmp").unlink()
    compile_cache._shrink(tmp_path, 700)
    assert len(list(tmp_path.iterdir())) == 2
    compile_cache._shrink(tmp_path, 0)
    assert not list(tmp_path.iterdir())


def test_another_cpu_has_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else "flags : fpu sse2 avx512f\n"
    mine = compile_cache._cpu_digest()
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    assert compile_cache._cpu_digest() == mine or not Path("/proc/cpuinfo").exists()
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text.replace("fpu", "fpu amx_int8"))
    assert compile_cache._cpu_digest() != mine
