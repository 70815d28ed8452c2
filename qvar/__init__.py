"""qvar pits variational quantum models against each other under equal budgets.

Importing qvar switches JAX to 64 bit, because chemical accuracy is a part in 10^5 of a molecule's
energy; set the environment variable `QVAR_PRECISION=32` before the import to leave JAX at 32 bit. It also makes JAX
keep compiled programs on the disk, see `qvar.compile_cache`; `QVAR_CACHE=off` does without.

Public names load on first use, so that `import qvar` and `qvar --help` answer at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from qvar.late_import import when_imported

__version__ = "0.1.0"

if TYPE_CHECKING:
    from qvar import basis, diagnostics
    from qvar.ansatz.ansatz import Ansatz
    from qvar.ansatz.fabric import gate_fabric, givens_fabric, tups
    from qvar.ansatz.hardware_efficient import hardware_efficient
    from qvar.ansatz.hva import hva
    from qvar.ansatz.identity_blocks import identity_blocks
    from qvar.ansatz.lucj import lucj, ucj
    from qvar.ansatz.orbital_optimized import orbital_optimized
    from qvar.ansatz.random_circuit import random_circuit
    from qvar.ansatz.sim import sim_circuit
    from qvar.ansatz.symmetry_preserving import particle_conserving_u1, particle_conserving_u2, symmetry_preserving
    from qvar.ansatz.templates import basic_entangler, efficient_su2, real_amplitudes, strongly_entangling
    from qvar.ansatz.ucc import kupccgsd, puccd, uccd, uccgsd, uccsd
    from qvar.cli import launch
    from qvar.engines.mixed import noisy_energy
    from qvar.engines.select import energy, expectation
    from qvar.errors import QvarError
    from qvar.objective import Costs, Objective
    from qvar.optimize.budget import Budget, Status
    from qvar.optimize.methods import adam, gradient_descent, lbfgs
    from qvar.optimize.minimize import minimize, minimize_batch
    from qvar.optimize.natural_gradient import natural_gradient
    from qvar.optimize.result import Result
    from qvar.optimize.rotosolve import rotosolve
    from qvar.optimize.spsa import spsa
    from qvar.problems.lattice import hubbard
    from qvar.problems.molecule import hydrogen_chain, molecule
    from qvar.problems.named import named
    from qvar.problems.problem import Problem
    from qvar.problems.spins import heisenberg, tfim, xxz
    from qvar.runs.runner import run
    from qvar.studies.capacity import Capacity, Layered
    from qvar.studies.curve import Curve
    from qvar.studies.duel import Duel
    from qvar.studies.landscape import Landscape
    from qvar.studies.ranking import Ranking
    from qvar.studies.scaling import ExactLaw, Growing, Scaling
    from qvar.task import Progress, Runnable, Task

_HOME = {
    "Ansatz": "ansatz.ansatz",
    "Budget": "optimize.budget",
    "Capacity": "studies.capacity",
    "Costs": "objective",
    "Curve": "studies.curve",
    "Duel": "studies.duel",
    "ExactLaw": "studies.scaling",
    "Growing": "studies.scaling",
    "Landscape": "studies.landscape",
    "Layered": "studies.capacity",
    "Objective": "objective",
    "Ranking": "studies.ranking",
    "Problem": "problems.problem",
    "Progress": "task",
    "QvarError": "errors",
    "Result": "optimize.result",
    "Runnable": "task",
    "Scaling": "studies.scaling",
    "Status": "optimize.budget",
    "Task": "task",
    "adam": "optimize.methods",
    "basic_entangler": "ansatz.templates",
    "efficient_su2": "ansatz.templates",
    "energy": "engines.select",
    "expectation": "engines.select",
    "gate_fabric": "ansatz.fabric",
    "givens_fabric": "ansatz.fabric",
    "gradient_descent": "optimize.methods",
    "hardware_efficient": "ansatz.hardware_efficient",
    "heisenberg": "problems.spins",
    "hubbard": "problems.lattice",
    "hva": "ansatz.hva",
    "hydrogen_chain": "problems.molecule",
    "identity_blocks": "ansatz.identity_blocks",
    "kupccgsd": "ansatz.ucc",
    "launch": "cli",
    "lbfgs": "optimize.methods",
    "lucj": "ansatz.lucj",
    "minimize": "optimize.minimize",
    "minimize_batch": "optimize.minimize",
    "molecule": "problems.molecule",
    "named": "problems.named",
    "natural_gradient": "optimize.natural_gradient",
    "noisy_energy": "engines.mixed",
    "orbital_optimized": "ansatz.orbital_optimized",
    "particle_conserving_u1": "ansatz.symmetry_preserving",
    "particle_conserving_u2": "ansatz.symmetry_preserving",
    "puccd": "ansatz.ucc",
    "random_circuit": "ansatz.random_circuit",
    "real_amplitudes": "ansatz.templates",
    "rotosolve": "optimize.rotosolve",
    "run": "runs.runner",
    "sim_circuit": "ansatz.sim",
    "spsa": "optimize.spsa",
    "strongly_entangling": "ansatz.templates",
    "symmetry_preserving": "ansatz.symmetry_preserving",
    "tfim": "problems.spins",
    "tups": "ansatz.fabric",
    "uccd": "ansatz.ucc",
    "uccgsd": "ansatz.ucc",
    "uccsd": "ansatz.ucc",
    "ucj": "ansatz.lucj",
    "xxz": "problems.spins",
}
"""Where each public name lives; the `TYPE_CHECKING` block above says the same to type checkers."""

__all__ = [
    "Ansatz",
    "Budget",
    "Capacity",
    "Costs",
    "Curve",
    "Duel",
    "ExactLaw",
    "Growing",
    "Landscape",
    "Layered",
    "Objective",
    "Problem",
    "Progress",
    "QvarError",
    "Ranking",
    "Result",
    "Runnable",
    "Scaling",
    "Status",
    "Task",
    "adam",
    "basic_entangler",
    "basis",
    "diagnostics",
    "efficient_su2",
    "energy",
    "expectation",
    "gate_fabric",
    "givens_fabric",
    "gradient_descent",
    "hardware_efficient",
    "heisenberg",
    "hubbard",
    "hva",
    "hydrogen_chain",
    "identity_blocks",
    "kupccgsd",
    "launch",
    "lbfgs",
    "lucj",
    "minimize",
    "minimize_batch",
    "molecule",
    "named",
    "natural_gradient",
    "noisy_energy",
    "orbital_optimized",
    "particle_conserving_u1",
    "particle_conserving_u2",
    "puccd",
    "random_circuit",
    "real_amplitudes",
    "rotosolve",
    "run",
    "sim_circuit",
    "spsa",
    "strongly_entangling",
    "symmetry_preserving",
    "tfim",
    "tups",
    "uccd",
    "uccgsd",
    "uccsd",
    "ucj",
    "xxz",
]


def check_precision() -> None:
    """Raises `QvarError` if the environment variable QVAR_PRECISION is something else than 32 or 64."""
    wanted = os.environ.get("QVAR_PRECISION", "64")
    if wanted not in ("32", "64"):
        from qvar.errors import QvarError

        raise QvarError(f"`QVAR_PRECISION` must be 32 or 64, but is {wanted!r}.")


def _set_precision() -> None:
    enable = os.environ.get("QVAR_PRECISION") != "32"
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", enable)
    else:  # JAX reads this when it is imported, which can wait until it is needed
        os.environ["JAX_ENABLE_X64"] = "1" if enable else "0"


def _use_compile_cache() -> None:
    from qvar.compile_cache import use_compile_cache

    use_compile_cache()


_set_precision()
when_imported("jax", _use_compile_cache)


def __getattr__(name: str) -> Any:
    if name in ("basis", "diagnostics"):
        return importlib.import_module(f"qvar.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'qvar' has no attribute {name!r}")
    check_precision()  # not at import, where the command line could not catch it
    value = getattr(importlib.import_module(f"qvar.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
