"""Papers and software to cite for a problem."""

from __future__ import annotations

from qvar.problems.problem import Problem

_MAPPINGS = {
    "jordan_wigner": ("jordan1928",),
    "parity": ("seeley2012",),
    "bravyi_kitaev": ("bravyi2002", "seeley2012"),
}


def problem_citations(problem: Problem) -> tuple[str, ...]:
    """Return keys in `qvar/citations.bib`: PySCF for a problem with electrons, mappings, AVAS, and tapering."""
    keys: set[str] = set()
    if problem.integrals is not None or problem.description.get("model") == "molecule":
        keys |= {"sun2020", *_MAPPINGS[problem.description.get("mapping", "jordan_wigner")]}
    if "avas" in (problem.description.get("active_space") or {}):
        keys.add("sayfutyarova2017")
    if problem.description.get("taper"):
        keys.add("bravyi2017")
    return tuple(sorted(keys))
