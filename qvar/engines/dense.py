"""The dense engine: all 2^n amplitudes, any gate.

Operations act in layers if they can (see `dense_schedule`), else one at a time: an amplitude mixes with the one at
the flipped index, with a sign that is the parity of masked bits (see `qvar.ansatz.gates`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jax.sharding import Mesh

from qvar._types import PyTree
from qvar.ansatz.program import Program
from qvar.engines.dense_layers import LayerCircuit
from qvar.engines.dense_schedule import schedule
from qvar.engines.dense_tables import tabulate
from qvar.engines.sharding import replicate

FEWEST_ROTATIONS = 6
"""Rotations of single qubits in a layer from which a pass of matrix products over all qubits is cheaper."""

LEAST_GAIN = 1.5
"""Factor by which layers must make a circuit cheaper; below it, every operation is run by itself."""


def dense_circuit(
    program: Program, complex_state: bool, mesh: Mesh | None = None
) -> tuple[LayerCircuit, PyTree, PyTree]:
    """Return the circuit of a program in layers, its reference basis state and its tables.

    Amplitudes are complex if `complex_state`, even if all are real.

    Returns:
        Circuit, number of the reference basis state or the initial state (2^n,), tables.
    """
    planes = 1 if program.real else 2
    steps = schedule(program.lowered, FEWEST_ROTATIONS, LEAST_GAIN)
    plan, tables = tabulate(steps, program.n_qubits, planes, len(program.lowered.slot))
    start = np.asarray(program.reference_index if program.initial is None else program.initial.register())
    return (LayerCircuit(replace(plan, mesh=mesh), complex_state), *replicate((start, tables), mesh))
