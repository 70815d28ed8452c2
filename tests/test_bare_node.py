"""Engines and optimizers on a node that has JAX and little else, from a problem saved elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import qvar

WORK = """
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np

import qvar


def numbers(path):
    problem = qvar.Problem.load(path)
    ansatze = [qvar.hardware_efficient(problem, layers=1)]
    if problem.n_electrons:
        ansatze.append(qvar.uccsd(problem))
    found = {"exact": problem.exact_energy()}
    for ansatz in ansatze:
        objective = qvar.energy(problem, ansatz)
        starts = jnp.stack([objective.initial(jax.random.key(seed)) for seed in range(2)])
        value, gradient = objective.value_and_grad(starts[0])
        ends = []
        if ansatz is ansatze[-1]:  # one engine is enough for the optimizer
            ends = qvar.minimize_batch(objective, starts, budget=qvar.Budget(gradients=20))
        results = [objective.engine, float(value), np.asarray(gradient).tolist(), [one.value for one in ends]]
        found[ansatz.name] = [*results, {} if objective.measure is None else objective.measure(starts[0])]
    return found
"""

BARE = """
import importlib.abc
import sys

MISSING = {missing!r}


class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Missing())
"""

IMPORTS = """
import importlib

for name in MISSING:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(error)
"""

MISSING = (
    "pyscf",
    "pennylane",
    "autoray",
    "pandas",
    "pyarrow",
    "matplotlib",
    "rich",
    "tyro",
    "docstring_parser",
    "numba",
    "lazy_loader",
    "typing_extensions",
)


def test_a_bare_node_gives_the_same_numbers(h2: qvar.Problem, tmp_path: Path) -> None:
    """Compiled as at users', not as in these tests."""
    here: dict[str, Any] = {}
    exec(WORK, here)
    expected = {}
    for name, problem in {"h2": h2, "tfim": qvar.tfim(4)}.items():
        path = str(tmp_path / f"{name}.npz")
        exact = problem.exact_energy()  # goes along
        problem.save(path)
        expected[path] = here["numbers"](path)
        assert expected[path]["exact"] == exact
    script = BARE.format(missing=MISSING) + WORK + "print(json.dumps({path: numbers(path) for path in sys.argv[1:]}))\n"
    environment = {**os.environ, "PYTHONWARNINGS": "error", "XLA_FLAGS": ""}
    done = subprocess.run(
        [sys.executable, "-c", script, *expected], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for path, bare in json.loads(done.stdout).items():
        assert list(bare) == list(expected[path])
        assert bare.pop("exact") == expected[path].pop("exact")
        for ansatz, (engine, value, gradient, ends, measured) in expected[path].items():
            assert bare[ansatz][0] == engine
            assert bare[ansatz][1] == pytest.approx(value, abs=1e-13)
            assert bare[ansatz][2] == pytest.approx(gradient, abs=1e-13)
            assert bare[ansatz][3] == pytest.approx(ends, abs=1e-10)
            assert bare[ansatz][4] == pytest.approx(measured, abs=1e-8)


def test_the_missing_are_missing() -> None:
    script = BARE.format(missing=MISSING) + IMPORTS
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [f"No module named {module!r}" for module in MISSING]
