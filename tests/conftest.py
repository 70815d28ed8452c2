"""Strict test mode: 64 bit, warnings are errors, rank promotion raises, annotated shapes are checked."""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from forks import Forks

if TYPE_CHECKING:
    import qvar

# one compilation cache for all workers and runs
os.environ.setdefault("QVAR_CACHE", str(Path(__file__).parents[1] / ".jax_cache"))
os.environ.setdefault("OMP_NUM_THREADS", "1")
# thousands of small programs that run once: what the compiler would gain by optimizing them it loses many times over
_QUICK = ["--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1"]
if int(importlib.metadata.version("jaxlib").split(".")[1]) < 11:
    # the older way to make code for fused operations takes half the time; an unknown flag ends the process
    _QUICK.append("--xla_cpu_use_fusion_emitters=false")
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {' '.join(_QUICK)}".strip()

# imports and the collection of tests make many objects and no garbage; looking for it would be a fifth of their time
gc.disable()

# compiled sources are kept, so that not every process of every test compiles them again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    """Import the package with its annotations checked, except in a process that only hands tests to workers."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        gc.enable()
        return
    tests = Path(__file__).parent
    if [config.rootpath / word for word in config.args] == [tests]:
        config.args[:] = _rotated(config, sorted(map(str, [*tests.glob("[a-z]*/"), *tests.glob("test_*.py")])))
    assert "qvar" not in sys.modules, "conftest.py of a folder must import qvar inside its fixtures"
    from typechecker import check_imports

    with check_imports():
        import qvar

        modules = [module.name for module in pkgutil.walk_packages(qvar.__path__, "qvar.")]
        for module in _rotated(config, modules):  # the hook reaches what is imported here
            importlib.import_module(module)
    # kernels are compiled when a test needs them: no run starts another process for those that it may need
    from qvar.compile_cache import kernel_folder, note_kernels

    folder = kernel_folder()
    if folder is not None:
        note_kernels(folder)
    import jax
    import pyscf.scf.hf
    from pennylane.pauli import PauliSentence

    jax.config.update("jax_numpy_rank_promotion", "raise")
    # mean fields that tests make themselves would leave their checkpoint file open until some later test collects them
    pyscf.scf.hf.MUTE_CHKFILE = True
    # PennyLane takes a gigabyte for the columns of any sparse matrix, and the system clears most of it
    to_mat = PauliSentence.to_mat

    def with_few_columns(self: Any, wire_order: Any = None, format: str = "dense", buffer_size: Any = None) -> Any:
        return to_mat(self, wire_order, format, buffer_size or 1 << 22)

    PauliSentence.to_mat = with_few_columns

    _parse_formulas_once()
    _read_guesses_once()

    gc.set_threshold(20_000, 20, 20)  # tracing makes many objects, of which few are garbage


def _parse_formulas_once() -> None:
    """Keep what Matplotlib reads in labels such as $10^{-3}$ for all figures; by itself it keeps 50 of one figure."""
    from matplotlib.mathtext import MathTextParser

    parse = MathTextParser._parse_cached.__wrapped__
    parsers = {MathTextParser(output)._output_type: MathTextParser(output) for output in ("path", "agg")}
    kept = functools.lru_cache(4096)(lambda output, *label: parse(parsers[output], *label))
    MathTextParser._parse_cached = lambda parser, *label: kept(parser._output_type, *label)


def _read_guesses_once() -> None:
    """Keep what PySCF reads of its own basis sets; the large one of its first guesses it reads at every mean field."""
    import pyscf
    from pyscf.gto.basis import parse_nwchem

    read, own = parse_nwchem.search_seg, os.path.dirname(pyscf.__file__)
    kept = functools.cache(read)
    parse_nwchem.search_seg = lambda file, symbol: (kept if str(file).startswith(own) else read)(file, symbol)


def _rotated(config: pytest.Config, places: list[str]) -> list[str]:
    """Return places in an order of the worker's own: what others have compiled meanwhile it finds compiled."""
    worker = getattr(config, "workerinput", {"workerid": "gw0", "workercount": 1})
    first = int(worker["workerid"].removeprefix("gw")) * len(places) // worker["workercount"]
    return [*places[first:], *places[:first]]


WAITING = (
    "test_on_slurm.py",
    "test_distributed_on_slurm.py",
    "test_on_grid_engine.py",
    "test_local_slurm.py",
)
"""Files of tests that wait for queues most of their time."""


LONG = (
    "test_benchmarks.py", "test_misuse.py", "test_distributed.py", "test_sharding.py", "test_killed_runs.py",
    "test_resume_training.py", "test_resume_growth.py", "test_resume_compression.py", "test_resume.py",
    "test_array_task.py", "test_array_task_faults.py", "test_local.py", "test_commands.py", "test_compile_cache.py",
    "test_pages.py", "test_notebooks.py", "test_bare_node.py",
)  # fmt: skip
"""Other files with tests that take long; at the end of a run one of them would leave the other workers idle."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put tests that wait first, those of real queues before all: in one worker, while the others compute.

    Long tests come first in the second worker. There is one worker more than there are cores.
    """
    order = {name: place for place, name in enumerate((*WAITING, *LONG))}
    items.sort(key=lambda item: (order.get(item.path.name, len(order)), item.path))
    share = len(items) // getattr(config, "workerinput", {"workercount": 1})["workercount"]
    waiting, long = (sum(item.path.name in names for item in items) for names in (WAITING, LONG))
    if waiting + long <= share < len(items):
        others = items[waiting + long : share + long]
        items[waiting : share + long] = [*others, *items[waiting : waiting + long]]


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported and thousands of tests, which last until the end."""
    gc.collect()
    gc.freeze()
    gc.enable()
    if "qvar.late_import" in sys.modules:  # each command would count the frozen objects: a tenth of a second
        sys.modules["qvar.late_import"].__dict__["_count_as_old"] = lambda: None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Neighbouring tests go to one worker, which then has their fixtures and compiled programs already."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


MOST_MAPPINGS = 40_000
"""Compiled programs are mapped into memory, and Linux allows a process 65,530 mappings; beyond them XLA crashes."""


@pytest.fixture(scope="module", autouse=True)
def programs_are_dropped() -> Iterator[None]:
    """Compiled programs do not pile up over the files that a worker runs; the cache on the disk keeps them."""
    yield
    mapped = Path("/proc/self/maps")
    if mapped.exists() and mapped.read_bytes().count(b"\n") > MOST_MAPPINGS:
        import jax

        jax.clear_caches()
        gc.collect()


@pytest.fixture
def without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write an empty report and no pictures, if no test reads them."""
    monkeypatch.setattr("qvar.report.page.write_report", lambda loaded: loaded.folder.report.touch())


@pytest.fixture(scope="session")
def h2() -> qvar.Problem:
    """Hydrogen molecule, STO-3G: 4 qubits."""
    import qvar

    return qvar.molecule("H 0 0 0; H 0 0 0.7414", basis="sto-3g")


@pytest.fixture(scope="session")
def h4() -> qvar.Problem:
    """Chain of four hydrogen atoms, 1.0 angstrom, STO-3G: 8 qubits."""
    import qvar

    return qvar.hydrogen_chain(4, bond=1.0)


@pytest.fixture(scope="session")
def lih() -> qvar.Problem:
    """LiH at 1.546 angstrom, STO-3G, all electrons: 12 qubits."""
    import qvar

    return qvar.molecule("Li 0 0 0; H 0 0 1.546", basis="sto-3g")


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A process that has imported qvar and starts others."""
    with Forks(tmp_path_factory.mktemp("forks")) as running:
        yield running


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The module of the case without physics."""
    path = Path(__file__).parent / "runs" / "fake_case.py"
    spec = importlib.util.spec_from_file_location("qvar_fake_case", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
