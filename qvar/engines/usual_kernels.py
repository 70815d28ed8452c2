"""Compilation of the kernels that most circuits need, before they need them."""

from __future__ import annotations

import numpy as np

from qvar.ansatz.hardware_efficient import hardware_efficient
from qvar.ansatz.ucc import uccsd
from qvar.compile_cache import kernel_folder, note_kernels
from qvar.engines.energy import energy
from qvar.problems.hamiltonians import Integrals
from qvar.problems.problem import Problem
from qvar.units import HARTREE


def compile_usual_kernels() -> None:
    """Compile, or load, the kernels of energies, gradients and Hessian products of electrons.

    Kernels are compiled for types of arrays and not for sizes, so that two orbitals serve for all.
    """
    problem = _two_orbitals()
    on_register = [hardware_efficient(problem, layers=1, rotations=names) for names in (("RY",), ("RY", "RZ"))]
    kernels = [energy(problem, ansatz).host_kernels for ansatz in (uccsd(problem), *on_register)]
    if kernels[0] is not None:  # first the Hamiltonian's, because a circuit that waits begins with its own
        kernels[0].images(np.zeros((1, 2, 2)))
    for own in kernels:
        if own is None:  # JAX evaluates on this machine
            return
        own.prepare()
    folder = kernel_folder()
    if folder is not None:
        note_kernels(folder)


def _two_orbitals() -> Problem:
    """Return two electrons in two orbitals, with integrals near those of H2 at 0.74 angstrom in STO-3G."""
    two = np.zeros((2, 2, 2, 2))
    two[0, 0, 0, 0], two[1, 1, 1, 1], two[0, 0, 1, 1] = 0.67, 0.70, 0.66
    two[1, 1, 0, 0] = two[0, 0, 1, 1]
    two[0, 1, 0, 1] = two[1, 0, 1, 0] = two[0, 1, 1, 0] = two[1, 0, 0, 1] = 0.18
    return Problem(
        name="two orbitals",
        n_qubits=4,
        unit=HARTREE,
        description={"model": "two orbitals"},
        integrals=Integrals(0.71, np.diag([-1.25, -0.48]), two),
        occupied_alpha=(0,),
        occupied_beta=(0,),
    )
