r"""Start at a Clifford point: the best of the angles at which a circuit is made of Clifford gates.

Each angle is a multiple of a quarter of its period: of \(\pi/2\) for a rotation by a Pauli word, and the angle of an
excitation so that it does nothing or exchanges two patterns of bits (up to a sign). Of these \(4^p\) points coordinate
search or simulated annealing finds a low one. Classical computers simulate Clifford circuits of many qubits
(Gottesman, Knill); here the objective's own engine evaluates them.

Ravi et al., CAFQA: A Classical Simulation Bootstrap for Variational Quantum Algorithms, ASPLOS 2023,
https://arxiv.org/abs/2202.12924; annealing: Kirkpatrick et al., Science 220, 671 (1983),
https://doi.org/10.1126/science.220.4598.671.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import jax
import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.gates import KIND_INDEX
from qvar.ansatz.program import Program
from qvar.arguments import checked
from qvar.checks import counting_number, real_numbers
from qvar.errors import QvarError
from qvar.objective import Objective
from qvar.random_draws import uniform

Search: TypeAlias = Literal["coordinate", "annealing"]

RESTARTS = 4
"""Starts of a search; the first one is the circuit at angles of zero."""

_SWEEPS = 20
"""Sweeps of a coordinate search, at most."""

_COOLING = 1e-3
"""Last temperature over the first one."""

_GAIN = 1e-10
"""Fall of the value below which a coordinate stays."""


@checked("restarts", own=("first",))
def clifford_start(
    objective: Objective,
    *,
    key: jax.Array,
    search: Search = "coordinate",
    restarts: int = RESTARTS,
    first: Any = None,
) -> FloatArray:
    """Return a Clifford point of low value, (n_params,), which is never above that of the circuit at zero.

    `objective.initial(key, "clifford")` and `ansatz.with_start("clifford")` use the coordinate search.

    Args:
        objective: its value must be a trigonometric polynomial of each angle with a known period, see
            `Objective.harmonics`; angles of other periods stay zero.
        key: JAX random key.
        search: `"coordinate"`: all angles in turn, each at the best of its four values, until none changes;
            `"annealing"`: one angle at a time, accepted by the Metropolis rule at falling temperature.
        restarts: number of points that are improved side by side; all but the first ones are random.
        first: (k, n_params) further points to begin with; none if None.

    Raises:
        QvarError: if `search` is unknown, there are no restarts, or no period is known.
    """
    counting_number("restarts", restarts, bytes_each=64 * objective.n_params)
    assert search in get_args(Search)  # see `checked`
    harmonics, n = objective.harmonics, objective.n_params
    known = np.zeros(n, bool) if harmonics is None else np.isfinite(harmonics).all(axis=1)
    if harmonics is None or not known.any():
        raise QvarError(f"`objective` must have angles of a known period, but {objective.name} has none.")
    quarter = np.where(known, 0.5 * np.pi / np.where(known, harmonics[:, 0], 1.0), 0.0)
    rng = np.random.default_rng(np.floor(2.0**31 * np.asarray(uniform(key, 4, 0.0, 1.0))).astype(np.int64))
    own = np.zeros((0, n)) if first is None else real_numbers("first", first, ("k", n))
    begin = np.where(known, np.round(own / np.where(known, quarter, 1.0)), 0.0).astype(int) % 4
    begin = np.concatenate([np.zeros((1, n), int), begin, rng.integers(0, 4, (restarts, n))])[: restarts + len(own)]
    improve = _by_coordinates if search == "coordinate" else _by_annealing
    points, values = improve(objective, quarter, np.flatnonzero(known), begin, rng)
    return quarter * _centred(points[int(np.argmin(values))])


def _centred(points: IntArray) -> FloatArray:
    """Return multiples -1, 0, 1 and 2 for 0 to 3 modulo 4."""
    return np.where(points == 3, -1.0, points)


def _by_coordinates(
    objective: Objective, quarter: FloatArray, coordinates: IntArray, points: IntArray, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Return points and values after sweeps over all coordinates, each point in an order of its own."""
    values = np.array(objective.loss_batch(quarter * _centred(points)))
    open_ = np.ones(len(points), bool)
    for _ in range(_SWEEPS):
        rows = np.flatnonzero(open_)
        if len(rows) == 0:
            break
        open_[:] = False
        orders = np.stack([rng.permutation(coordinates) for _ in rows])
        for column in orders.T:
            trials = np.repeat(points[rows][:, None], 3, axis=1)
            here = np.arange(len(rows))
            for step in range(3):
                trials[here, step, column] = (points[rows, column] + step + 1) % 4
            flat = trials.reshape(-1, points.shape[1])
            tried = np.asarray(objective.loss_batch(quarter * _centred(flat))).reshape(len(rows), 3)
            best = tried.argmin(axis=1)
            lowest = tried[here, best]
            better = lowest < values[rows] - _GAIN
            moved = rows[better]
            points[moved] = trials[here[better], best[better]]
            values[moved], open_[moved] = lowest[better], True
    return points, values


def _by_annealing(
    objective: Objective, quarter: FloatArray, coordinates: IntArray, points: IntArray, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Return the best points and values of Metropolis chains, as long as `_SWEEPS` sweeps."""
    values = np.array(objective.loss_batch(quarter * _centred(points)))
    best, lowest = points.copy(), values.copy()
    steps = _SWEEPS * len(coordinates)
    temperature = 0.0
    for step in range(steps):
        trials, here = points.copy(), np.arange(len(points))
        column = rng.choice(coordinates, len(points))
        trials[here, column] = (trials[here, column] + rng.integers(1, 4, len(points))) % 4
        tried = np.asarray(objective.loss_batch(quarter * _centred(trials)))
        if step == 0:
            temperature = max(float(np.abs(tried - values).max()), 1e-3)
        heat = temperature * _COOLING ** (step / steps)
        accepted = rng.random(len(points)) < np.exp(np.minimum((values - tried) / heat, 0.0))
        points[accepted], values[accepted] = trials[accepted], tried[accepted]
        better = values < lowest
        best[better], lowest[better] = points[better], values[better]
    return best, lowest


def reference_angles(program: Program, objective: Objective) -> FloatArray | None:
    r"""Return angles of 0 and \(\pi\) at which a circuit on the register gives its own reference determinant.

    Entanglers such as CNOT change the determinant of a circuit at zero; the last rotation RX or RY of a qubit
    corrects it. None if the circuit at zero is the reference itself or no determinant, or a qubit has no such rotation.
    """
    if objective.space != "register" or program.angle_function is not None:
        return None
    state = np.abs(np.asarray(objective.state(np.zeros(program.n_params)))).ravel()
    place = int(state.argmax())
    flips = place ^ program.reference_index
    if state[place] < 1.0 - 1e-9 or flips == 0:
        return None
    rows, uses = program.angle_rows, np.bincount(program.angle_param, minlength=program.n_params)
    last = {wire: op for op in range(program.n_ops) for wire in program.op_wires(op)}
    theta = np.zeros(program.n_params)
    for wire in range(program.n_qubits):
        if not flips >> (program.n_qubits - 1 - wire) & 1:
            continue
        op = last.get(wire)
        if op is None or program.kind[op] not in (KIND_INDEX["RX"], KIND_INDEX["RY"], KIND_INDEX["RZ"]):
            return None
        while program.kind[op] == KIND_INDEX["RZ"]:  # it does nothing to a determinant
            op = max((k for k in range(op) if wire in program.op_wires(k)), default=-1)
            if op < 0 or program.kind[op] not in (KIND_INDEX["RX"], KIND_INDEX["RY"], KIND_INDEX["RZ"]):
                return None
        if len(rows[op]) != 1 or uses[next(iter(rows[op]))] != 1:
            return None
        ((param, scale),) = rows[op].items()
        theta[param] = np.pi / scale
    return theta
