"""What a problem rests on: papers and software to cite."""

from __future__ import annotations

from qvar.problems.problem import Problem

_MAPPINGS = {
    "jordan_wigner": ("jordan1928",),
    "parity": ("seeley2012",),
    "bravyi_kitaev": ("bravyi2002", "seeley2012"),
}


def problem_references(problem: Problem) -> tuple[str, ...]:
    """Keys in `qvar/citations.bib` of what a problem rests on.

    PySCF where electrons are in it, for integrals and exact energies; how its fermions became qubits.
    """
    keys: set[str] = set()
    if problem.integrals is not None or problem.description.get("model") == "molecule":
        keys |= {"sun2020", *_MAPPINGS[problem.description.get("mapping", "jordan_wigner")]}
    if problem.description.get("taper"):
        keys.add("bravyi2017")
    return tuple(sorted(keys))
