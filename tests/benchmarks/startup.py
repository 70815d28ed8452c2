"""Whole commands in fresh processes: a variational calculation beside TenCirChem-NG, and a case, cold and again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from measure import Sample
from rows import Row, Step

ROOT = Path(__file__).parents[2]
VQE, CASES = "startup", "startup cases"

PEER = "TENCIRCHEM_PYTHON"
"""Variable with the path of a Python that has TenCirChem-NG, which needs an environment of its own (Python 3.10)."""

SAME = 2e-3
"""Hartree; the two programs leave out different factors."""

_OURS = """
import sys

import jax

import qvar

name = sys.argv[1]
problem = qvar.molecule("Li 0 0 0; H 0 0 1.5949") if name == "LiH" else qvar.hydrogen_chain(int(name[1:]), bond=1.0)
objective = qvar.energy(problem, qvar.uccsd(problem).with_start("mp2"))
print(qvar.minimize(objective, key=jax.random.key(0)).value)
"""

_THEIRS = """
import sys

from pyscf import gto
from tencirchem import UCCSD

name = sys.argv[1]
chain = [["H", (0.0, 0.0, float(i))] for i in range(0 if name == "LiH" else int(name[1:]))]
atoms = [["Li", (0.0, 0.0, 0.0)], ["H", (0.0, 0.0, 1.5949)]] if name == "LiH" else chain
print(UCCSD(gto.M(atom=atoms, basis="sto-3g", verbose=0), run_ccsd=False, run_fci=False, init_method="mp2").kernel())
"""

_COUNTING = """
import runpy
import sys

import jax

count = 0


def listen(event, duration, **about):
    global count
    count += event == "/jax/core/compile/backend_compile_duration"


jax.monitoring.register_event_duration_secs_listener(listen)
sys.argv = ["qvar", *sys.argv[1:]]
try:
    runpy.run_module("qvar", run_name="__main__")
finally:
    print("compilations", count, file=sys.stderr)
"""


def steps(quick: bool) -> list[Step]:
    """Whole calculations and cases in fresh processes."""
    names, rounds = (("H2",), 1) if quick else (("H2", "H4", "LiH", "H6", "H8"), 3)
    steps = [Step(VQE, f"{name}, UCCSD", partial(calculation, name, rounds)) for name in names]
    duel = Step(CASES, "h4_duel", partial(case, "h4_duel.py", (18.0, 10.0), (8.0, 5.0)))
    family = Step(CASES, "family_duel on LiH", partial(case, "family_duel.py", (110.0, 60.0), None))
    return steps if quick else [*steps, duel, family]


def calculation(name: str, rounds: int) -> list[Row]:
    """Return rows of a whole UCCSD calculation: without JAX's programs in the cache, and with them.

    Args:
        name: "LiH", or a chain such as "H4".
        rounds: processes of each kind, by turns.
    """
    cold: list[float] = []
    warm: list[float] = []
    theirs: list[float] = []
    peer = os.environ.get(PEER, "")
    with tempfile.TemporaryDirectory() as folder:
        environment = {"QVAR_CACHE": folder}
        _run(sys.executable, _OURS, name, environment)  # compiles the kernels
        for _ in range(rounds):
            for child in Path(folder).iterdir():
                if child.is_dir() and child.name != "kernels":
                    shutil.rmtree(child)
            seconds, energy = _run(sys.executable, _OURS, name, environment)
            cold.append(seconds)
            warm.append(_run(sys.executable, _OURS, name, environment)[0])
            if peer:
                seconds, their_energy = _run(peer, _THEIRS, name, {})
                theirs.append(seconds)
                if abs(energy - their_energy) > SAME:
                    raise RuntimeError(f"WRONG: the energies differ by {energy - their_energy:.1e} Ha")
    found = Sample.of(theirs) if theirs else None
    note = "" if theirs else f"{PEER} is not set"
    return [
        Row(VQE, f"{name}, empty cache of programs", Sample.of(cold), found, ratio=(1 / 0.9, 1 / 0.6), note=note),
        Row(VQE, f"{name}, programs in the cache", Sample.of(warm), found, ratio=(1 / 0.6, 1 / 0.4), note=note),
    ]


def case(file: str, cold_limit: tuple[float, float], again_limit: tuple[float, float] | None) -> list[Row]:
    """Return rows of `qvar run`: with an empty cache, kernels included, and a second time."""
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for work, limit in (("empty cache", cold_limit), ("second start", again_limit)):
            out = f"{folder}/{work.replace(' ', '-')}"
            command = [sys.executable, "-c", _COUNTING, "run", str(ROOT / "cases" / file), "--out", out]
            begin = time.perf_counter()
            environment = {**os.environ, "QVAR_CACHE": f"{folder}/cache", "COLUMNS": "80"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - begin
            counts = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("compilations ")]
            rows.append(Row(CASES, f"{file}, {work}", Sample.of([seconds]), limit=limit))
            rows[-1].more = {"compilations": counts[-1]}
        return rows


def _run(python: str, script: str, name: str, environment: dict[str, str]) -> tuple[float, float]:
    """Return seconds and the energy that a script prints, of a process of its own."""
    begin = time.perf_counter()
    done = subprocess.run(
        [python, "-c", script, name],
        env={**os.environ, **environment},
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - begin, float(done.stdout.split()[-1])
