r"""Finite shots: number of measurements that resolve a gradient component from zero.

A shot is one measurement of H in its own eigenbasis, with the exact variance
\(\sigma^2(\theta) = \langle H^2 \rangle - \langle H \rangle^2\). Hardware measures H Pauli word by Pauli word, whose
variance is larger, so that the numbers here are lower bounds whatever the grouping of words.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import linprog

from qvar._types import FloatArray, IntArray, PyTree
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.frequencies import operation_gaps
from qvar.ansatz.program import Program
from qvar.arguments import checked
from qvar.checks import finite_number, real_array
from qvar.engines.state_function import StateFunction
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.quantum_geometry import means_and_variances

CONFIDENCE = 0.95
"""Default confidence of the sign of a component."""

MOST_FREQUENCIES = 64
"""Largest number of frequencies of one operation for which a rule is sought."""

_MOST_PLACES = 20_000
"""Places of which a linear program chooses the shifts."""

_ROUNDING = 1e-12
"""Gradients up to this, relative to the sum of the moduli of the rule's terms, are rounding, and count as zero."""

_SAME = 1e-6
"""Error of a rule, relative to the sum of the moduli of its terms, above which it is that of another circuit."""


@dataclass(frozen=True)
class EnergyVarianceFunction:
    r"""theta -> \((\langle H \rangle, \langle H^2 \rangle - \langle H \rangle^2)\)."""

    state: Callable[[Any, PyTree], Array]
    operator: Callable[[Any, PyTree], Array]

    @property
    def allows_padding(self) -> bool:
        """True if theta may be longer than n_params."""
        return getattr(self.state, "allows_padding", False)

    def padded_size(self, data: PyTree) -> int:
        """Return the length of padded theta."""
        return self.state.padded_size(data)  # type: ignore[attr-defined]

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> tuple[Array, Array]:
        """Return mean and variance of one measurement of H."""
        state = self.state(theta, data)
        image = self.operator(state, data)
        energy = jnp.sum(jnp.real(jnp.conj(state) * image))
        return energy, jnp.sum(jnp.abs(image - energy * state) ** 2)


@dataclass(frozen=True)
class ShiftedFunction:
    """(place, shift) -> `function` at the origin with one of its entries shifted; the origin is data."""

    function: EnergyVarianceFunction

    def __call__(self, place_and_shift: Float[Array, "2"], data: PyTree) -> tuple[Array, Array]:
        """Return mean and variance at the shifted point."""
        place, shift = place_and_shift
        return self.function(data["origin"].at[place.astype(int)].add(shift), data["inner"])


class ShiftRule(NamedTuple):
    r"""\(\partial_j E = \sum_k c_k E(\text{point}_k)\), the terms of all parameters one after the other."""

    parameter: IntArray
    """(n_terms,) j."""
    place: IntArray
    """(n_terms,) entry that is shifted: a parameter, or an operation of the circuit."""
    shift: FloatArray
    """(n_terms,) shift, radians."""
    coefficient: FloatArray
    """(n_terms,) c."""


@checked()
def energy_variance(objective: Objective, theta: Any) -> float:
    r"""Return the variance of one ideal measurement of H, \(\langle H^2 \rangle - \langle H \rangle^2\), in unit^2.

    Args:
        objective: an objective with a state and an operator, such as `qvar.energy` makes.
        theta: (n_params,) parameters.

    Raises:
        QvarError: if theta has another shape, or there is no state or operator.
    """
    point = real_array("theta", theta, (objective.n_params,))
    return float(energy_variance_batch(objective, np.asarray(point)[None])[0])


@checked()
def energy_variance_batch(objective: Objective, thetas: Any) -> FloatArray:
    """Return `energy_variance` at many points (n, n_params), shape (n,).

    Raises:
        QvarError: if thetas has another shape, or there is no state or operator.
    """
    host, measured = objective.value_kernels, _measured(objective)
    if host is None:
        return np.asarray(objective.batch(measured, thetas)[1])
    points = np.asarray(real_array("thetas", thetas, ("n", objective.n_params)))
    return means_and_variances(host, len(points), points.__getitem__)[1]


@checked()
def shots_to_resolve(
    objective: Objective,
    theta: Any,
    *,
    ansatz: Ansatz | None = None,
    confidence: float = CONFIDENCE,
    step: float | None = None,
) -> FloatArray:
    r"""Return the number of shots that resolve each gradient component from zero.

    A gradient is estimated by a shift rule \(g_j = \sum_k c_k E(\theta_k)\) with N shots at each of its points, so
    that its variance is \(\frac1N \sum_k c_k^2 \sigma^2(\theta_k)\). The result is the N at which g_j lies z standard
    errors from zero,

    $$ N_j = \left\lceil \frac{z^2 \sum_k c_k^2\, \sigma^2(\theta_k)}{g_j^2} \right\rceil, $$

    z the normal quantile of the two-sided confidence: with N_j shots the estimate falls within |g_j| of g_j with that
    probability, and hence has the right sign.

    Three rules:

    - without `ansatz` and `step`, the exact two-point rule of parameters with one frequency w, as
      `objective.frequencies` has it: \(\frac w2 [E(\theta_j + \frac{\pi}{2w}) - E(\theta_j - \frac{\pi}{2w})]\).
    - with `ansatz`, the exact rule of every gate that a parameter drives, each shifted on its own. Rotations and phases
      have the two points above; a generator with \(G^3 = G\) (excitations, controlled rotations), whose frequencies
      are x and 2x, has four, at equal distances: shifts \(\pm \frac{\pi}{4x}\) and \(\pm \frac{3\pi}{4x}\) with
      coefficients \(\pm \frac{x}{8 \sin^2(\pi/8)}\) and \(\mp \frac{x}{8 \sin^2(3\pi/8)}\). Other
      generators with R frequencies have 2R points. Wierichs et al.,
      Quantum 6, 677 (2022), https://doi.org/10.22331/q-2022-03-30-677.
    - with `step` s, the central difference \([E(\theta_j + s) - E(\theta_j - s)]/2s\), for any objective with a
      state. It is biased by order s^2, and the result holds for the difference and not for the derivative.

    Args:
        objective: an objective with a state and an operator.
        theta: (n_params,) parameters.
        ansatz: the circuit of the objective.
        confidence: between 0 and 1.
        step: s, radians.

    Returns:
        N_j, shape (n_params,): whole numbers of shots at each point of the rule, at least 1; infinite if the
        gradient is zero. Evaluations: one state for each point of the rule.

    Raises:
        QvarError: if an argument is not as above, both `ansatz` and `step` are used, or none of them although a
            parameter has more than one frequency, or angles are not affine in theta.
    """
    level = _level(confidence)
    measured = _measured(objective)
    point = real_array("theta", theta, (objective.n_params,))
    exact = np.asarray(objective.value_and_grad(point)[1])  # checks the shape, too
    origin, data = point, objective.data
    if ansatz is not None:
        require(step is None, "step", "be left out if `ansatz` is given", step)
        rule, (origin, data) = gate_shift_rule(ansatz.program), _by_gate(objective, ansatz, point)
    elif step is not None:
        require(step > 0.0, "step", "be positive", step)
        rule = _two_point_rule(np.full(objective.n_params, float(step)), np.full(objective.n_params, 0.5 / step))
    else:
        rule = _frequency_rule(objective)
    energies, variances = _at_shifts(objective, measured, rule, origin, data)

    def per_parameter(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(rule.parameter, values, objective.n_params), dtype=float)

    # as large as an energy may be before its parts cancel
    scale = per_parameter(np.abs(rule.coefficient) * np.sqrt(energies**2 + variances))
    gradient = per_parameter(rule.coefficient * energies)
    if ansatz is not None:
        _check_rule(objective, point, gradient, exact, scale)
    noise = level**2 * per_parameter(rule.coefficient**2 * variances)
    zero = np.abs(gradient) <= _ROUNDING * scale
    shots = np.ceil(noise / np.where(zero, 1.0, gradient) ** 2)
    return np.where(zero, np.inf, np.maximum(shots, 1.0))


@checked()
def shots_for_variance(
    gradient_variance: Any, single_shot_variance: Any, *, confidence: float = CONFIDENCE, squares: float = 0.5
) -> FloatArray:
    r"""Return the number of shots that resolve a typical gradient component of an ensemble from zero.

    Typical is the standard deviation of a component over random parameters, \(g^2 = \mathrm{Var}(\partial_j E)\):

    $$ N = \left\lceil \frac{z^2\, \sigma^2 \sum_k c_k^2}{\mathrm{Var}(\partial_j E)} \right\rceil. $$

    On a barren plateau it grows as 1/Var, exponentially with the number of qubits.

    Args:
        gradient_variance: variance of components over the ensemble, in the objective's unit squared; any shape.
        single_shot_variance: variance of one measurement of H, such as the mean of `energy_variance_batch` over the
            same ensemble, in the unit squared; a number or an array of that shape. The square of the Pauli one-norm
            bounds it for shots that measure Pauli words one by one, shared out by the words' coefficients.
        confidence: between 0 and 1, as in `shots_to_resolve`.
        squares: sum of the squared coefficients of the shift rule: 1/2 for the two-point rule of a rotation by the
            parameter itself.

    Returns:
        N of that shape, shots at each point of the rule; infinite if the variance of the gradient is zero.

    Raises:
        QvarError: if a variance is negative, or a number out of range.
    """
    level = _level(confidence)
    require(squares > 0.0, "squares", "be positive", squares)
    gradients = np.asarray(real_array("gradient_variance", gradient_variance, None))
    spread = np.asarray(real_array("single_shot_variance", single_shot_variance, None))
    if spread.ndim and spread.shape != gradients.shape and gradients.ndim:
        raise QvarError(
            f"`single_shot_variance` must be a number or have shape {gradients.shape}, but has shape {spread.shape}."
        )
    gradients, spread = np.broadcast_arrays(gradients, spread)
    require(bool(np.all(gradients >= 0.0)), "gradient_variance", "not be negative", gradient_variance)
    require(bool(np.all(spread >= 0.0)), "single_shot_variance", "not be negative", single_shot_variance)
    shots = np.ceil(level**2 * squares * spread / np.where(gradients == 0.0, 1.0, gradients))
    return np.where(gradients == 0.0, np.inf, np.maximum(shots, 1.0))


def gate_shift_rule(program: Program) -> ShiftRule:
    """Return the exact shift rule of every parameter, gate by gate; see `shots_to_resolve`.

    `place` numbers the operations, `shift` is by their angles.

    Raises `QvarError` if the angles are not affine in theta.
    """
    if program.angle_function is not None:
        raise QvarError("`ansatz` must have angles that are affine in theta, but has others; give `step` instead.")
    points = {op: _points(gaps) for op, gaps in operation_gaps(program).items()}
    terms: list[tuple[int, int, float, float]] = []
    for op, parameter, scale in zip(program.angle_op, program.angle_param, program.angle_scale, strict=True):
        for shift, coefficient in points.get(int(op), []):
            terms.append((int(parameter), int(op), shift, float(scale) * coefficient))
    parameter, place, shift, coefficient = zip(*terms, strict=True) if terms else ((), (), (), ())
    return ShiftRule(
        np.array(parameter, dtype=int), np.array(place, dtype=int), np.array(shift, float), np.array(coefficient, float)
    )


@lru_cache(maxsize=256)
def _points(gaps: tuple[float, ...]) -> list[tuple[float, float]]:
    r"""Return (shift, coefficient) of an operation with these frequencies \(\Omega\).

    Coefficients solve \(\sum_k 2 c_k \sin(\Omega x_k) = \Omega\) for all of them. R equidistant frequencies have the
    shifts \(\pm (2k - 1) \pi / (2R\Omega_1)\) of Wierichs et al. (2022); of others, a linear program chooses 2R shifts
    out of many, so that \(\sum_k |c_k|\) is small.
    """
    frequencies, number = np.array(gaps), len(gaps)
    if number > MOST_FREQUENCIES:
        raise QvarError(
            f"`ansatz` must have operations with at most {MOST_FREQUENCIES} frequencies for an exact rule, but one has "
            f"{number}; give `step` instead."
        )
    steps = np.pi * (np.arange(number) + 0.5) / (number * gaps[0])
    if not np.allclose(frequencies, gaps[0] * np.arange(1, number + 1), rtol=1e-12):
        apart = np.diff(frequencies, prepend=0.0).min()
        grid = np.arange(0.5, min(16.0 * gaps[-1] / apart, _MOST_PLACES)) * np.pi / (4.0 * gaps[-1])
        sines = 2.0 * np.sin(frequencies[:, None] * grid)
        program = linprog(np.ones(2 * len(grid)), A_eq=np.hstack([sines, -sines]), b_eq=frequencies, method="highs-ds")
        chosen = program.x if program.status == 0 else np.ones(2 * len(grid))
        steps = grid[chosen[: len(grid)] + chosen[len(grid) :] > 0.0]
    sines = 2.0 * np.sin(frequencies[:, None] * steps)
    coefficients = np.linalg.lstsq(sines, frequencies, rcond=None)[0]
    if not np.allclose(sines @ coefficients, frequencies, rtol=0.0, atol=_SAME * frequencies[-1]):
        raise QvarError(
            "`ansatz` must have operations with an exact shift rule, but one has none; give `step` instead."
        )
    pairs = zip(steps.tolist(), coefficients.tolist(), strict=True)
    return [(sign * step, sign * c) for step, c in pairs for sign in (1.0, -1.0)]


def _frequency_rule(objective: Objective) -> ShiftRule:
    w = objective.frequencies
    if w is None or np.any(np.isnan(w)):
        raise QvarError(
            "`ansatz` must be given if a parameter has more than one frequency (or `step` for central differences), "
            "but is None."
        )
    return _two_point_rule(math.pi / (2.0 * w), 0.5 * w)


def _two_point_rule(step: FloatArray, coefficient: FloatArray) -> ShiftRule:
    each, signs = np.repeat(np.arange(len(step)), 2), np.tile([1.0, -1.0], len(step))
    return ShiftRule(each, each, step[each] * signs, coefficient[each] * signs)


def _by_gate(objective: Objective, ansatz: Ansatz, theta: Array) -> tuple[FloatArray, PyTree]:
    """Return the angles of all operations at theta, and data for which angles take the place of theta."""
    if not isinstance(objective.state_function, StateFunction) or objective.n_params != ansatz.n_params:
        raise QvarError(f"`ansatz` must be the circuit of the objective, but {objective.name} is not made of it.")
    program, data = ansatz.program, objective.data
    every = np.arange(program.n_ops)
    direct = (np.zeros(program.n_ops), every, every, np.ones(program.n_ops))
    angles = {**data["angles"], "affine": direct}
    offset, op, param, scale = program.affine_map
    start = np.array(offset)
    np.add.at(start, op, scale * np.asarray(theta)[param])
    return start, {**data, "angles": angles}


def _check_rule(objective: Objective, theta: Array, gradient: FloatArray, exact: FloatArray, scale: FloatArray) -> None:
    """Raise an error if a rule of an ansatz does not give the gradient of the objective at theta.

    A parameter of global phases alone has no terms: its gradient is rounding, relative to |H psi|.
    """
    energy = float(objective.loss(theta))
    size = math.sqrt(energy**2 + energy_variance(objective, theta))
    excess = np.abs(gradient - exact) - _SAME * np.where(scale > 0.0, scale, size)
    worst = int(np.argmax(excess)) if len(excess) else 0
    if len(excess) and excess[worst] > 0.0:
        raise QvarError(
            f"`ansatz` must be the circuit of the objective, but its rule gives {gradient[worst]:.3g} for the gradient "
            f"{exact[worst]:.3g} of parameter {worst}."
        )


def _at_shifts(
    objective: Objective, measured: EnergyVarianceFunction, rule: ShiftRule, origin: Any, data: PyTree
) -> tuple[FloatArray, FloatArray]:
    """Return means and variances of H at every point of a rule, (n_terms,) each."""
    host = objective.value_kernels
    if host is not None:
        center = np.asarray(origin)

        def moved(rows: slice) -> FloatArray:
            points = np.repeat(center[None], len(rule.place[rows]), axis=0)
            points[np.arange(len(points)), rule.place[rows]] += rule.shift[rows]
            return points

        return means_and_variances(host if data is objective.data else host.of_operations(), len(rule.place), moved)
    if len(rule.place) == 0:
        return np.zeros(0), np.zeros(0)
    shifted = replace(objective, n_params=2, data={"origin": origin, "inner": data}, frequencies=None, harmonics=None)
    points = np.stack([rule.place.astype(float), rule.shift], axis=1)
    energies, variances = shifted.batch(ShiftedFunction(measured), points)
    return np.asarray(energies), np.asarray(variances)


def _measured(objective: Objective) -> EnergyVarianceFunction:
    return EnergyVarianceFunction(objective.needed("state_function"), objective.needed("operator"))


def _level(confidence: float) -> float:
    """Return the normal quantile of a two-sided confidence."""
    from scipy.special import ndtri

    level = finite_number("confidence", confidence)
    require(0.0 < level < 1.0, "confidence", "be between 0 and 1", confidence)
    return float(ndtri((1.0 + level) / 2.0))
