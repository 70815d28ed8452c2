"""Gaussian basis sets as variational models: forms of their exponents, exact gradients through PySCF, fits.

Public names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qvar.basis.baselines import HARTREE_FOCK_LIMITS, Baseline, casscf_baseline, published_set, sets_of_size
    from qvar.basis.compare import BasisDuel
    from qvar.basis.continuation import stages
    from qvar.basis.energy import METHODS, Solution, UnsolvedError
    from qvar.basis.fitting import Course, Fitted, fit
    from qvar.basis.form import Form, Part, tied
    from qvar.basis.formats import read, write
    from qvar.basis.forms import even_tempered, free, legendre, well_tempered
    from qvar.basis.post_vqe import vqe
    from qvar.basis.published import from_set, published_shells, sto_ng
    from qvar.basis.shells import BasisSet, Shell, basis_set
    from qvar.basis.target import Measured, Solver, Target

_HOME = {
    "Baseline": "baselines",
    "BasisDuel": "compare",
    "BasisSet": "shells",
    "Course": "fitting",
    "Fitted": "fitting",
    "Form": "form",
    "HARTREE_FOCK_LIMITS": "baselines",
    "METHODS": "energy",
    "Measured": "target",
    "Part": "form",
    "Shell": "shells",
    "Solution": "energy",
    "Solver": "target",
    "Target": "target",
    "UnsolvedError": "energy",
    "basis_set": "shells",
    "casscf_baseline": "baselines",
    "even_tempered": "forms",
    "fit": "fitting",
    "free": "forms",
    "from_set": "published",
    "legendre": "forms",
    "published_set": "baselines",
    "published_shells": "published",
    "read": "formats",
    "sets_of_size": "baselines",
    "stages": "continuation",
    "sto_ng": "published",
    "tied": "form",
    "vqe": "post_vqe",
    "well_tempered": "forms",
    "write": "formats",
}

__all__ = [
    "HARTREE_FOCK_LIMITS",
    "METHODS",
    "Baseline",
    "BasisDuel",
    "BasisSet",
    "Course",
    "Fitted",
    "Form",
    "Measured",
    "Part",
    "Shell",
    "Solution",
    "Solver",
    "Target",
    "UnsolvedError",
    "basis_set",
    "casscf_baseline",
    "even_tempered",
    "fit",
    "free",
    "from_set",
    "legendre",
    "published_set",
    "published_shells",
    "read",
    "sets_of_size",
    "stages",
    "sto_ng",
    "tied",
    "vqe",
    "well_tempered",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'qvar.basis' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"qvar.basis.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
