"""Cost of a gradient on a quantum computer: energies at shifted angles."""

from __future__ import annotations

import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.frequencies import operation_gaps
from qvar.ansatz.gates import KINDS


def parameter_shift_energies(ansatz: Ansatz) -> int:
    r"""Count the energies of one whole gradient by the parameter-shift rule, gate by gate.

    A gate \(e^{-i \varphi G}\) whose generator has R different positive gaps between its eigenvalues takes 2R energies:
    2 for Pauli rotations and phases, 4 for excitations and controlled rotations, whose eigenvalues are -1, 0 and 1, and
    more for sums of excitations that do not commute. The
    derivative to a parameter is the sum over the gates that it drives, each shifted by itself.

    Wierichs et al., Quantum 6, 677 (2022), https://doi.org/10.22331/q-2022-03-30-677; Anselmetti et al., New J. Phys.
    23, 113010 (2021), https://doi.org/10.1088/1367-2630/ac2cb3.

    Rotations of orbitals at the end of the circuit are gates like the others.
    """
    program = ansatz.program
    if program.angle_function is None:
        driven = np.unique(program.angle_op[program.angle_scale != 0])
    else:
        driven = np.flatnonzero([KINDS[kind].parametric for kind in program.kind])
    gaps = operation_gaps(program)
    return sum(2 * len(gaps.get(int(op), ())) for op in driven)
