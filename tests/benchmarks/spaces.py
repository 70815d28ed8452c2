"""Circuits that conserve less than the numbers of both spins: their sector against the register."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pennylane as qml
import works
from measure import agree, block, by_turns
from rows import Row, Step

import qvar

TABLE = "spaces"

BATCH = 8
"""Starts of a batch."""


def _pair_rotations(problem: qvar.Problem) -> qvar.Ansatz:
    """Two layers of Z rotations and of XX and YY rotations on neighbours: only a parity is conserved."""
    n, bits = problem.n_qubits, np.array(problem.reference_bits)

    def circuit(theta):
        qml.BasisState(bits, wires=range(n))
        angles = iter(theta)
        for _ in range(2):
            for wire in range(n):
                qml.RZ(next(angles), wires=wire)
            for gate in (qml.IsingXX, qml.IsingYY):
                for wire in range(n - 1):
                    gate(next(angles), wires=[wire, wire + 1])

    return qvar.Ansatz.from_circuit(circuit, n, 2 * (3 * n - 2))


CIRCUITS = {
    "symmetry_preserving": qvar.symmetry_preserving,
    "particle_conserving_u1": qvar.particle_conserving_u1,
    "particle_conserving_u2": qvar.particle_conserving_u2,
    "RZ+XX+YY x 2": _pair_rotations,
}


def _rows(word: str, name: str, seconds: float) -> list[Row]:
    problem = works.problem_of(word)
    ansatz = CIRCUITS[name](problem)
    sector, register = qvar.energy(problem, ansatz), qvar.energy(problem, ansatz, engine="dense")
    thetas = works.parameters(ansatz.n_params, "generic", BATCH)
    for ours, theirs in zip(sector.value_and_grad(thetas[0]), register.value_and_grad(thetas[0]), strict=True):
        agree("the energy and its gradient", ours, theirs, 1e-12)
    size = np.size(sector.state(thetas[0]))
    more = {"space": sector.space, "amplitudes": f"{size:,} of {2**problem.n_qubits:,}"}
    rows = []
    for call, point, text in (("value_and_grad", thetas[0], ""), ("value_and_grad_batch", thetas, f", {BATCH} starts")):
        one, all_ = (block(partial(_ready, getattr(objective, call), point)) for objective in (sector, register))
        found = by_turns({"sector": one, "register": all_}, seconds)
        rows.append(Row(TABLE, f"{word.upper()}, {name}{text}", found["sector"], found["register"], more=more))
    return rows


def _ready(function, *arguments):
    return jax.block_until_ready(function(*arguments))


def steps(quick: bool) -> list[Step]:
    """One evaluation and a batch of each circuit and molecule."""
    listed = [("lih", name) for name in CIRCUITS]
    listed += [("h6", "symmetry_preserving"), ("h6", "particle_conserving_u1")]
    listed += [("h2o", "particle_conserving_u1"), ("h2o", "particle_conserving_u2"), ("h8", "particle_conserving_u1")]
    seconds = 0.3 if quick else 3.0
    chosen = [("h4", "particle_conserving_u1")] if quick else listed
    return [Step(TABLE, f"{word.upper()}, {name}", partial(_rows, word, name, seconds)) for word, name in chosen]
