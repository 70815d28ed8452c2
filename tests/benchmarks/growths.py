"""Growing circuits: whole growths in fresh processes, and the gradients of a pool beside H|psi> and a sweep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from typing import Any

import numpy as np
from measure import Sample, block, by_turns
from rows import Row, Step

import qvar
from qvar.studies.growing_circuit import GrowingCircuit, Point

TABLE, POOL_TABLE = "adapt", "adapt pool"

ENERGY = {"error": 1e-6, "gradient_norm": 1e-7, "max_operators": 300}

GROWTHS: dict[str, tuple[str, str, dict[str, Any], float | None]] = {
    "H6 1.5, singlet_gsd, to 1.6 mHa": ("h6 1.5", "singlet_gsd", {"error": 1.6e-3}, 60.0),
    "H6 1.5, singlet_gsd, to norm 1e-3": ("h6 1.5", "singlet_gsd", {"gradient_norm": 1e-3}, 180.0),
    "H6 1.5, qubit_gsd, to 1.6 mHa": ("h6 1.5", "qubit_gsd", {"error": 1.6e-3, "max_operators": 200}, None),
    "BeH2 1.316, qubit_gsd, to 1e-6 Ha": ("beh2 1.316", "qubit_gsd", ENERGY, 120.0),
    "H2O 0.9584, qubit_gsd, to 1e-6 Ha": ("h2o 0.9584", "qubit_gsd", ENERGY, 120.0),
    "H8 1.0, gsd, to 1.6 mHa": ("h8 1.0", "gsd", {"error": 1.6e-3, "max_operators": 300}, 600.0),
    "H8 1.0, singlet_gsd, to 1.6 mHa": ("h8 1.0", "singlet_gsd", {"error": 1.6e-3, "max_operators": 300}, 600.0),
}
"""{work: (molecule and bond length in angstrom, pool, limits, most seconds)}; STO-3G"""

QUICK = {"H4 1.5, qubit_gsd, to 1.6 mHa": ("h4 1.5", "qubit_gsd", {"error": 1.6e-3}, None)}

_GROWTH = """
import json
import resource
import sys
import time

import qvar

molecule, pool, limits = json.loads(sys.argv[1])
name, bond = molecule.split()
began = time.perf_counter()
chain = name[0] == "h" and name[1:].isdigit()
problem = qvar.hydrogen_chain(int(name[1:]), bond=float(bond)) if chain else qvar.named(name, float(bond))
grown = qvar.adapt(problem, pool, **{"max_operators": 100, **limits})
usage = resource.getrusage(resource.RUSAGE_SELF)
numbers = [len(qvar.pool(pool, problem)), grown.n_operators, int(grown.evaluations[-1]), 1e3 * grown.steps[-1].error]
print(json.dumps([time.perf_counter() - began, usage.ru_utime + usage.ru_stime, *numbers, grown.status.value]))
"""


def _growth(work: str, molecule: str, pool: str, limits: dict[str, Any], most: float | None) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _GROWTH, json.dumps([molecule, pool, limits])]
        environment = {**os.environ, "QVAR_CACHE": folder, "JAX_ENABLE_COMPILATION_CACHE": "true"}
        process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    wall, cpu, size, operators, evaluations, error, end = json.loads(process.stdout.splitlines()[-1])
    more = {"CPU": f"{cpu:.0f} s", "pool": str(size), "operators": str(operators), "evaluations": f"{evaluations:,}"}
    more |= {"error": f"{error:.3g} mHa", "end": end}
    return [Row(TABLE, work, Sample.of([wall]), limit=None if most is None else (most, most), more=more)]


def _pool_gradients(word: str, size: int, pool_name: str, seconds: float) -> list[Row]:
    """Gradients of a pool at a state of four operators, beside 1.5 H|psi> and 1.5 forward and backward sweeps."""
    problem = qvar.hydrogen_chain(size, bond=1.5)
    circuit = GrowingCircuit(problem, qvar.pool(pool_name, problem), None, "auto", "pool")
    grown = qvar.adapt(problem, circuit.pool, max_operators=4)
    names = {element.name: element for element in circuit.pool.elements}
    elements = [names[name] for name in grown.operators]
    ansatz = circuit.ansatz(elements)
    at = Point(elements, ansatz, circuit.objective(ansatz), grown.theta)
    kernels, whole = at.objective.host_kernels, circuit.of_products.host_kernels
    if kernels is None or whole is None or kernels.states is None or whole.states is None:
        return [Row(POOL_TABLE, word, note="the host has no kernels")]
    state, images = kernels.states(grown.theta[None]), kernels.images
    nowhere = np.zeros((1, circuit.pool.size))
    after = whole.after(state[0])
    contenders = {
        "gradients": block(lambda: circuit.gradients(at)),
        "product": block(lambda: images(state)),
        "sweep": block(lambda: after.values_and_gradients(nowhere)),
    }
    found = by_turns(contenders, seconds)
    product, sweep = found["product"].median, found["sweep"].median
    more = {"H|psi>": f"{1e6 * product:.0f} us", "sweep": f"{1e6 * (sweep - product):.0f} us"}
    peer = Sample.of([1.5 * product + 1.5 * (sweep - product)])
    return [Row(POOL_TABLE, word, found["gradients"], peer, ratio=(1.0, 1.0), more=more)]


def steps(quick: bool) -> list[Step]:
    """Gradients of a pool, then whole growths."""
    chosen = QUICK if quick else GROWTHS
    size, pool = (4, "qubit_gsd") if quick else (6, "singlet_gsd")
    word = f"H{size} 1.5, {pool}"
    first = Step(POOL_TABLE, word, partial(_pool_gradients, word, size, pool, 0.3 if quick else 4.0))
    return [first, *(Step(TABLE, work, partial(_growth, work, *about)) for work, about in chosen.items())]
