"""Kernels compiled ahead of their use, and one at a time."""

import threading
import time

import pytest

import qvar
from qvar import compile_cache
from qvar.engines import host_compile
from qvar.engines.usual_kernels import compile_usual_kernels
from qvar.runs import compile_ahead


def test_the_usual_kernels_are_all_that_a_duel_on_electrons_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_usual_kernels()
    loaded: list[str] = []
    first_call = host_compile.Kernel._first_call

    def noted(self: host_compile.Kernel, kind: str, arguments: tuple) -> object:
        loaded.append(f"{self._name} {kind}")
        return first_call(self, kind, arguments)

    monkeypatch.setattr(host_compile.Kernel, "_first_call", noted)
    problem = qvar.hydrogen_chain(3, charge=1)
    for ansatz in (
        qvar.uccsd(problem),
        qvar.hardware_efficient(problem, layers=2),
        qvar.hardware_efficient(problem, layers=1, rotations=("RY",)),
    ):
        kernels = qvar.energy(problem, ansatz).host_kernels
        assert kernels is not None
        kernels.prepare()
    assert loaded == []


def test_a_process_waits_for_another_one_that_compiles_the_same_kernel(tmp_path) -> None:
    order: list[str] = []
    inside = threading.Event()

    def other() -> None:
        with host_compile._alone(tmp_path, "kernel"):
            inside.set()
            time.sleep(0.2)
            order.append("first")

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(5)
    with host_compile._alone(tmp_path, "kernel"):  # flock of another open file, as that of another process
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_nobody_waits_for_a_kernel_that_is_there(tmp_path) -> None:
    (tmp_path / "engines_1").mkdir()
    with host_compile._alone(tmp_path, "kernel"):
        (tmp_path / "engines_1" / "kernel-12.py311.nbi").touch()
        with host_compile._alone(tmp_path, "kernel"):
            pass


def test_patience_ends(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_compile, "_PATIENCE_S", 0.1)
    with host_compile._alone(tmp_path, "kernel"), host_compile._alone(tmp_path, "kernel"):
        pass


def test_an_error_inside_is_passed_on(tmp_path) -> None:
    with pytest.raises(OSError, match="full"), host_compile._alone(tmp_path, "kernel"):
        raise OSError("the disk is full")


def test_kernels_are_compiled_ahead_once_for_each_version(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    class Context:
        def Process(self, *, name: str, **_: object) -> "Context":  # noqa: N802
            started.append(name)
            return self

        def start(self) -> None:
            pass

    monkeypatch.setattr(compile_ahead, "get_context", lambda _: Context())
    monkeypatch.setattr(compile_ahead.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setenv("QVAR_CACHE", str(tmp_path))
    compile_ahead.compile_ahead()
    assert started == ["qvar kernels"]
    folder = compile_cache.kernel_folder()
    assert folder is not None
    compile_cache.note_kernels(folder)
    compile_ahead.compile_ahead()
    assert started == ["qvar kernels"]


def test_one_core_compiles_nothing_ahead(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_ahead.os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr(compile_ahead, "get_context", lambda _: pytest.fail("a process was started"))
    monkeypatch.setenv("QVAR_CACHE", str(tmp_path))
    compile_ahead.compile_ahead()
