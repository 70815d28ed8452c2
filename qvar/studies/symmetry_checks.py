"""Checks of the symmetries that an ansatz claims, at random parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.engines.energy import energy
from qvar.engines.symmetry_expectations import register_symmetries
from qvar.problems.problem import Problem
from qvar.studies.findings import MAX_QUBITS, VALUE_TOLERANCE, Finding, left_out, tidy, within

_SYMMETRIES: tuple[Symmetry, ...] = ("particle_number", "sz", "s2", "spin_flip")


def symmetry_findings(problem: Problem, ansatz: Ansatz, thetas: FloatArray) -> Iterator[Finding]:
    """Yield a finding for each symmetry that is claimed, or holds without being claimed, at several parameters."""
    if ansatz.n_qubits > MAX_QUBITS:
        yield left_out("symmetries", ansatz)
        return
    dense = energy(problem, ansatz, engine="dense")
    measured = [_measure(np.asarray(dense.state(theta)), ansatz.n_qubits) for theta in thetas]
    expected = {} if problem.integrals is None else _expected(problem)
    for name in _SYMMETRIES:
        claimed = name in ansatz.symmetries
        if name not in measured[0]:
            if claimed:
                yield Finding(name, False, "It is claimed, but needs an even number of wires.")
            continue
        if not claimed and name in ("sz", "s2") and problem.integrals is None:
            continue  # these wires are no spin orbitals
        finding = _symmetry(name, [values[name] for values in measured], expected.get(name))
        if claimed:
            yield finding
        elif finding.passed:
            yield Finding(name, None, "It holds here and is not claimed.", finding.figure)
    if not ansatz.symmetries:
        yield Finding("symmetries", None, "None are claimed.")


def _expected(problem: Problem) -> dict[Symmetry, float]:
    """Return the values of the reference determinant; a quantity that is not sharp in it is left out."""
    determinant = np.zeros(2**problem.n_qubits)
    determinant[int("".join(map(str, problem.reference_bits)), 2)] = 1.0
    measured = _measure(determinant, problem.n_qubits)
    names: tuple[Symmetry, ...] = ("particle_number", "sz", "s2")
    expected: dict[Symmetry, float] = {name: measured[name][0] for name in names}
    least = abs(expected["sz"]) * (abs(expected["sz"]) + 1.0)
    if expected["s2"] > least + VALUE_TOLERANCE:  # a determinant is an eigenstate where S^2 is what S_z asks for
        del expected["s2"]
    return expected


def _symmetry(name: Symmetry, measured: Sequence[tuple[float, float]], expected: float | None) -> Finding:
    """Check that a quantity is sharp, the same at every theta, and that of the problem's reference determinant."""
    means, variances = np.array(measured).T
    target = float(means[0]) if expected is None else expected
    spread, miss = float(np.max(variances)), float(np.max(np.abs(means - target)))
    figure = max(spread, miss)
    if figure <= VALUE_TOLERANCE:
        return Finding(name, True, f"It is {tidy(target)} at {len(measured)} random points{within(figure)}.", figure)
    if spread > VALUE_TOLERANCE:
        sentence = f"It is claimed, but spreads: mean {means[0]:.4g}, variance {variances[0]:.2g}."
    elif expected is None or np.ptp(means) > VALUE_TOLERANCE:
        sentence = f"It is claimed, but changes with theta: {means.min():.4g} to {means.max():.4g}."
    else:
        sentence = f"It is {tidy(means[0])} at every theta, but {tidy(target)} in the problem's reference."
    return Finding(name, False, sentence, figure)


def _measure(state: np.ndarray, n_qubits: int) -> dict[Symmetry, tuple[float, float]]:
    """Return mean and variance of each conserved quantity; the variance of S^2 is left at 0."""
    index = np.arange(2**n_qubits)
    weight = np.abs(state) ** 2
    even = sum(1 << (n_qubits - 1 - wire) for wire in range(0, n_qubits, 2))
    ones = np.bitwise_count(index).astype(float)
    up = np.bitwise_count(index & even).astype(float)
    moments: dict[Symmetry, tuple[float, float]] = {}
    quantities: dict[Symmetry, FloatArray] = {"particle_number": ones, "sz": up - 0.5 * ones}
    for name, quantity in quantities.items():
        mean = float(weight @ quantity)
        moments[name] = mean, float(weight @ (quantity - mean) ** 2)
    if n_qubits % 2 == 0:
        moments["s2"] = register_symmetries(state, n_qubits)["s2"], 0.0
    flip = float(np.real(np.vdot(state, state[::-1])))
    moments["spin_flip"] = flip, 1.0 - flip**2
    return moments
