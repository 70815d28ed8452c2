r"""Checks of an ansatz against its own description, as `qvar check` runs them.

Every check measures: gradients against finite differences, both engines against PennyLane's simulator, claimed
symmetries at random parameters. Nothing is printed, and an error of the ansatz becomes a finding.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.starts import COMMON_STARTS
from qvar.citations import entries
from qvar.engines.energy import choose_sector, energy
from qvar.engines.pennylane_reference import function_oracle, function_state, oracle
from qvar.errors import QvarError, error_words
from qvar.objective import Objective
from qvar.problems.problem import Problem
from qvar.studies.findings import MAX_QUBITS, VALUE_TOLERANCE, Finding, count, left_out, listed, within
from qvar.studies.symmetry_checks import symmetry_findings
from qvar.task import task_key

_DRAWS = 3
GRADIENT_TOLERANCE = 1e-8
"""Largest difference of two simulators in a component of the gradient."""

SLOPE_TOLERANCE = 1e-7
"""Largest distance of the gradient from finite differences, relative to its length if that exceeds 1."""

_STEP = 2e-3
_DIRECTIONS = 30
_BACKPROPAGATION_BYTES = 2**30
_LARGE = 1e3
_TINY = 1e-300


def conform(problem: Problem, ansatz: Ansatz) -> list[Finding]:
    """Check an ansatz against its description, on one problem.

    `record`: it can be written down. `cost`: its gates can be counted. `starts`: every start has shape (n_params,).
    `values`: energy and gradient are finite numbers of the right shape. `gradient`: it is that of finite differences.
    `effect`: a remark if a parameter has none. `PennyLane`: energy and gradient are those of PennyLane's simulator,
    which runs the user's own function if the ansatz was made of one, and then also the states at negative and large
    parameters; if angles are not affine in theta and there is no such function, the state is compared.
    `engines`: `dense` and `sector` agree. Each claimed
    symmetry: it holds at random parameters; one that holds unclaimed is a remark. `citations`: their keys are known.
    `compile time`: seconds.

    Returns:
        One finding per check. Above 16 qubits the checks that need all 2^n amplitudes are left out and say so.

    Raises:
        QvarError: if the numbers of qubits differ, or JAX computes with 32 bit.
    """
    choose_sector(problem, ansatz)
    if jax.dtypes.canonicalize_dtype(float) != jnp.float64:
        raise QvarError("`QVAR_PRECISION` must be 64 to check an ansatz, but is 32.")
    findings = [
        *_findings("record", _record, ansatz),
        *_findings("cost", _cost, ansatz),
        *_findings("starts", _starts, ansatz),
    ]
    thetas = np.random.default_rng(0).uniform(-np.pi, np.pi, (_DRAWS, ansatz.n_params))
    try:
        objective = energy(problem, ansatz)
        begin = time.perf_counter()
        first = _evaluate(objective, thetas[0])
        middle = time.perf_counter()
        again = _evaluate(objective, thetas[0])
        end = time.perf_counter()
        evaluations = [again, *(_evaluate(objective, theta) for theta in thetas[1:])]
    except Exception as error:
        reason = error_words(error).rstrip(".")
        return [*findings, Finding("values", False, f"The energy cannot be computed: {reason}.")]
    values = list(_values(ansatz, [first, *evaluations]))
    findings += values
    if all(finding.passed for finding in values):
        slopes = [slope for _, slope in evaluations]
        findings += [
            *_findings("gradient", _gradient, objective, thetas[0], slopes[0]),
            *_findings("effect", _effect, slopes),
            *_findings("PennyLane", _pennylane, problem, ansatz, thetas[0]),
            *_findings("engines", _engines, problem, ansatz, thetas[0], evaluations[0]),
            *_findings("symmetries", symmetry_findings, problem, ansatz, thetas),
        ]
    findings += _findings("citations", _citations, ansatz)
    return [*findings, _compile_time(middle - begin, end - middle)]


def _findings(check: str, look: Callable[..., Iterator[Finding]], *about: Any) -> list[Finding]:
    """Return the findings of a check; an error that it raises is a finding too."""
    try:
        return list(look(*about))
    except Exception as error:
        return [Finding(check, False, f"It ends in {error_words(error).rstrip('.')}.")]


def _evaluate(objective: Objective, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    value, slope = objective.value_and_grad(theta)
    return np.asarray(value), np.asarray(slope)


# ---------------------------------------------------------------------------------------------------------------------
# The ansatz by itself


def _record(ansatz: Ansatz) -> Iterator[Finding]:
    keys = {task_key(ansatz.describe()) for _ in range(2)}
    if len(keys) > 1:
        yield Finding("record", False, "Its description differs each time it is asked, so a run could not be resumed.")
    else:
        yield Finding("record", True, "Its settings fit into the record of a run.")


def _cost(ansatz: Ansatz) -> Iterator[Finding]:
    cost = ansatz.resources()
    n_gates = cost.two_qubit_gates
    if n_gates is None:
        yield Finding("cost", True, "No circuit of CNOTs is known for one of its operations.")
        return
    yield Finding("cost", True, f"{count(n_gates, 'CNOT')}, depth {cost.depth}.", n_gates)


def _starts(ansatz: Ansatz) -> Iterator[Finding]:
    key = jax.random.key(0)
    for scheme, draw in ansatz.starts.items():
        size = np.size(draw(key))
        if size != ansatz.n_params:
            wanted = count(ansatz.n_params, "parameter")
            yield Finding("starts", False, f"Start {scheme!r} gives {count(size, 'number')} for {wanted}.", size)
            return
    schemes = (*COMMON_STARTS, *ansatz.starts)
    for scheme in schemes:
        if not np.all(np.isfinite(ansatz.initial(key, scheme))):
            yield Finding("starts", False, f"Start {scheme!r} gives numbers that are not finite.")
            return
    wanted = count(ansatz.n_params, "parameter")
    yield Finding("starts", True, f"{wanted} in each of the starts {', '.join(schemes)}.", ansatz.n_params)


def _citations(ansatz: Ansatz) -> Iterator[Finding]:
    unknown = sorted(set(ansatz.citations) - set(entries()))
    if unknown:
        yield Finding("citations", False, f"{unknown[0]!r} is no key of qvar/citations.bib.", len(unknown))
    else:
        keys = ", ".join(ansatz.citations) or "None given"
        yield Finding("citations", True, f"{keys}.", len(ansatz.citations))


def _compile_time(first: float, later: float) -> Finding:
    seconds = max(first - later, 0.0)
    sentence = f"{seconds:.1f} s to compile energy and gradient, then {1e3 * later:.3g} ms each."
    return Finding("compile time", True, sentence, seconds)


# ---------------------------------------------------------------------------------------------------------------------
# Energy and gradient


def _values(ansatz: Ansatz, evaluations: Sequence[tuple[FloatArray, FloatArray]]) -> Iterator[Finding]:
    shape = (ansatz.n_params,)
    for value, slope in evaluations:
        if value.shape != () or slope.shape != shape:
            sentence = f"Energy and gradient must have shapes () and {shape}, but have {value.shape} and {slope.shape}."
            yield Finding("values", False, sentence)
            return
        if not (np.isfinite(value) and np.all(np.isfinite(slope))):
            wrong = [k for k in range(ansatz.n_params) if not np.isfinite(slope[k])]
            what = f"the gradient to {listed(wrong)}" if np.isfinite(value) else "the energy"
            yield Finding("values", False, f"At random parameters {what} is not a finite number.")
            return
    yield Finding("values", True, f"Energy and gradient are finite at {_DRAWS} random points.")


def _gradient(objective: Objective, theta: FloatArray, slope: FloatArray) -> Iterator[Finding]:
    """Check the gradient along every axis, or along random directions if there are many parameters."""
    n_params = len(theta)
    if n_params == 0:
        yield Finding("gradient", True, "There is no parameter to differentiate by.")
        return
    directions = np.eye(n_params)
    if n_params > _DIRECTIONS:
        directions = np.random.default_rng(1).standard_normal((_DIRECTIONS, n_params))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def along(direction: FloatArray) -> float:
        near, far = (
            float(objective.loss(theta + k * _STEP * direction)) - float(objective.loss(theta - k * _STEP * direction))
            for k in (1, 2)
        )
        return (8 * near - far) / (12 * _STEP)

    measured = np.array([along(direction) for direction in directions])
    off = np.abs(measured - directions @ slope)
    worst = int(np.argmax(off))
    if off[worst] <= SLOPE_TOLERANCE * max(1.0, float(np.linalg.norm(slope))):
        yield Finding("gradient", True, f"Finite differences agree{within(float(off[worst]))}.", float(off[worst]))
        return
    where = f"parameter {worst}" if n_params <= _DIRECTIONS else "a random direction"
    sentence = (
        f"Along {where} it is {directions[worst] @ slope:.4g}, but finite differences give {measured[worst]:.4g}."
    )
    yield Finding("gradient", False, sentence, float(off[worst]))


def _effect(slopes: Sequence[FloatArray]) -> Iterator[Finding]:
    largest = np.max(np.abs(slopes), axis=0)
    idle = [k for k, size in enumerate(largest) if size < VALUE_TOLERANCE]
    if len(largest) == 0:
        yield Finding("effect", True, "There is no parameter.", 0)
    elif not idle:
        yield Finding("effect", True, "Every parameter changes the energy.", 0)
    elif len(idle) == len(largest):
        yield Finding("effect", False, "No parameter changes the energy.", len(idle))
    else:
        verb = "has" if len(idle) == 1 else "have"
        sentence = f"{listed(idle).capitalize()} {verb} no effect on the energy."
        yield Finding("effect", None, sentence, len(idle))


def _pennylane(problem: Problem, ansatz: Ansatz, theta: FloatArray) -> Iterator[Finding]:
    if ansatz.n_qubits > MAX_QUBITS:
        yield left_out("PennyLane", ansatz)
        return
    if ansatz.source is not None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Casting complex values", np.exceptions.ComplexWarning)  # autograd's
            warnings.filterwarnings("ignore", "jax.core", DeprecationWarning)  # PennyLane's
            finding = _own_function(problem, ansatz, ansatz.source, theta)
        yield finding
        return
    if ansatz.program.angle_function is not None or ansatz.n_params == 0:  # nothing that PennyLane's oracle could take
        ours = np.asarray(energy(problem, ansatz, engine="dense").state(theta))
        off = abs(1.0 - abs(np.vdot(ours, _pennylane_state(ansatz, theta))))
        yield _compared("PennyLane", "PennyLane and qvar", [("state", off, VALUE_TOLERANCE)])
        return
    # default.qubit keeps the state after every gate for its gradient, lightning.qubit does not
    gates = ansatz.program.n_ops + 3 * (ansatz.resources(costs="pennylane").two_qubit_gates or 0)
    small = gates * 2**ansatz.n_qubits * 16 < _BACKPROPAGATION_BYTES
    with warnings.catch_warnings():
        # autograd takes gradients of real angles through complex amplitudes
        warnings.filterwarnings("ignore", "Casting complex values", np.exceptions.ComplexWarning)
        reference = oracle(problem, ansatz, "default.qubit" if small else "lightning.qubit")(theta)
    ours = _evaluate(energy(problem, ansatz, engine="dense"), theta)
    yield _same("PennyLane", "PennyLane and qvar", ours, reference)


def _own_function(problem: Problem, ansatz: Ansatz, function: Callable[..., Any], theta: FloatArray) -> Finding:
    """Compare with the user's own function on PennyLane's simulator, at random, negative and large parameters."""
    dense, program = energy(problem, ansatz, engine="dense"), ansatz.program
    generator = np.random.default_rng(2)
    points = [theta, *(scale * generator.uniform(-1.0, 0.0, theta.shape) for scale in (np.pi, _LARGE))]
    points.append(_LARGE * generator.uniform(0.0, 1.0, theta.shape))
    deviations = []
    if program.n_ops * 2**ansatz.n_qubits * 16 < _BACKPROPAGATION_BYTES:
        theirs, slope = function_oracle(problem, function, ansatz.n_qubits)(theta)
        ours = _evaluate(dense, theta)
        deviations.append(("energy", float(abs(ours[0] - theirs)), VALUE_TOLERANCE))
        deviations.append(("gradient", float(np.abs(ours[1] - slope).max(initial=0.0)), GRADIENT_TOLERANCE))
    for point in points:
        theirs, ours = function_state(function, ansatz.n_qubits)(point), np.asarray(dense.state(point)).ravel()
        if not np.all(np.isfinite(theirs)) and not np.all(np.isfinite(ours)):
            continue  # the function itself has no value there
        phase = np.vdot(ours, theirs)
        off = float(np.linalg.norm(theirs - phase / max(abs(phase), _TINY) * ours))
        # angles are known to their last digit only
        rounding = np.finfo(float).eps * float(np.abs(np.asarray(program.angles(jnp.asarray(point)))).sum())
        deviations.append(("state", off, VALUE_TOLERANCE + rounding))
    return _compared("PennyLane", "PennyLane and qvar", deviations)


def _pennylane_state(ansatz: Ansatz, theta: FloatArray) -> np.ndarray:
    import pennylane as qml

    @qml.qnode(qml.device("default.qubit", wires=ansatz.n_qubits))
    def node() -> Any:
        ansatz.circuit(theta)
        return qml.state()

    return np.asarray(node())


def _engines(
    problem: Problem, ansatz: Ansatz, theta: FloatArray, chosen: tuple[FloatArray, FloatArray]
) -> Iterator[Finding]:
    if choose_sector(problem, ansatz) is None:
        what = "the number of ones or a parity"
        yield Finding("engines", None, f"Only the dense engine takes it: the other needs {what} conserved.")
    elif ansatz.n_qubits > MAX_QUBITS:
        yield left_out("engines", ansatz)
    else:
        yield _same("engines", "Dense and sector", chosen, _evaluate(energy(problem, ansatz, engine="dense"), theta))


def _same(check: str, who: str, ours: tuple[Any, Any], theirs: tuple[Any, Any]) -> Finding:
    value = float(abs(ours[0] - theirs[0]))
    slope = float(np.max(np.abs(np.asarray(ours[1]) - theirs[1]), initial=0.0))
    return _compared(check, who, [("energy", value, VALUE_TOLERANCE), ("gradient", slope, GRADIENT_TOLERANCE)])


def _compared(check: str, who: str, deviations: Sequence[tuple[str, float, float]]) -> Finding:
    largest = max(off for _, off, _ in deviations)
    wrong = [(what, off) for what, off, tolerance in deviations if not off <= tolerance]
    if wrong:
        what, off = wrong[0]
        return Finding(check, False, f"{who} differ in the {what} by {off:.1e}.", off)
    return Finding(check, True, f"{who} agree{within(largest)}.", largest)
