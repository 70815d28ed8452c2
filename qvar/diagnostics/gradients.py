r"""Variances of gradients and losses over random parameters: flatness of the landscape at the start of a training.

A landscape has a barren plateau if the variance of every component of the gradient falls exponentially with the
number of qubits. Exact variances are in `qvar.diagnostics.exact_variances`, those of Haar-random states in
`qvar.diagnostics.haar`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, PyTree
from qvar.arguments import checked
from qvar.checks import counting_number, finite_number
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import LEVEL, average_variance, check_level, moment_intervals, samples_needed, scaled
from qvar.errors import QvarError, require
from qvar.host_kernels import LossFunction
from qvar.objective import Objective, cut, padded_points
from qvar.short_repr import short_repr

Start: TypeAlias = str | Callable[[jax.Array], Any] | None
"""Name of a distribution of `Objective.initial`, a function of a JAX random key that returns theta, or None for the
objective's own."""

Callback: TypeAlias = Callable[[int, int], object]
"""Called with (samples done, samples in all)."""

STRETCHES = 8
"""Number of equal parts of the samples, after each of which progress is reported."""


@short_repr()
@dataclass(frozen=True, eq=False, kw_only=True)
class GradientVariance:
    r"""Moments of the gradient and of the loss over random parameters, with studentized bootstrap intervals.

    Variances are unbiased, \(\frac{1}{S - 1} \sum_s (x_s - \bar x)^2\) over S samples. All samples of one point, the
    components of its gradient and its loss, are resampled together; see `qvar.diagnostics.bootstrap_moments`.
    `Estimate.needed` is a number if the samples have a heavy tail.
    """

    variance: FloatArray
    """(n_params,) variance of each component of the gradient, in unit^2 / radian^2."""
    interval: FloatArray
    """(n_params, 2) lower and upper end of each."""
    needed: FloatArray
    """(n_params,) number of samples, to a factor of about 3, needed for an interval at its confidence; 0 if there are
    enough. With fewer samples of a heavy tail, an interval is too narrow."""
    mean: FloatArray
    """(n_params,) mean of each component, in unit / radian."""
    mean_interval: FloatArray
    """(n_params, 2) lower and upper end of each."""
    mean_variance: Estimate
    """Average of the variances over the parameters."""
    loss_mean: Estimate
    """Mean of the loss, in the objective's unit."""
    loss_variance: Estimate
    """Variance of the loss, in unit^2."""
    samples: int
    """Number of samples S."""
    circuits: int
    """Number of circuits, with equally many samples each."""
    start: str
    """Distribution of the parameters."""
    noise: float
    """Standard deviation of the noise added to every parameter, radians."""
    level: float
    """Confidence of the intervals."""

    @property
    def loss_interval(self) -> tuple[float, float]:
        """Interval of the variance of the loss."""
        return self.loss_variance.interval

    @property
    def first(self) -> Estimate:
        """Variance of the derivative by the first parameter."""
        return self.component(0)

    @property
    def largest(self) -> Estimate:
        """Variance of the component that has the largest; its interval is that component's alone."""
        return self.component(int(np.argmax(self.variance)))

    def component(self, parameter: int) -> Estimate:
        """Return the variance of the derivative by one parameter, with its interval."""
        low, high = self.interval[parameter]
        return Estimate(self.variance[parameter], low, high, self.samples, needed=int(self.needed[parameter]) or None)

    def normalised(self, width: float) -> GradientVariance:
        """Return the same for the loss divided by a width, such as `qvar.diagnostics.spectral_width(objective)`.

        Args:
            width: positive, in the objective's unit.

        Raises:
            QvarError: if the width is not positive.
        """
        width = finite_number("width", width)
        require(width > 0, "width", "be positive", width)
        return replace(
            self,
            variance=self.variance / width**2,
            interval=self.interval / width**2,
            mean=self.mean / width,
            mean_interval=self.mean_interval / width,
            mean_variance=scaled(self.mean_variance, width**-2),
            loss_mean=scaled(self.loss_mean, 1 / width),
            loss_variance=scaled(self.loss_variance, width**-2),
        )


@checked("samples")
def gradient_variance(
    objective: Objective,
    *,
    key: jax.Array,
    samples: int = 2000,
    start: Start = "uniform",
    noise: float = 0.0,
    level: float = LEVEL,
    callback: Callback | None = None,
) -> GradientVariance:
    r"""Estimate the variance of every component of the gradient, and of the loss, over random parameters.

    $$ \mathrm{Var}_\theta\Big[\frac{\partial f}{\partial \theta_i}\Big], \qquad \mathrm{Var}_\theta[f(\theta)], \qquad
       \theta = \theta_0 + \varepsilon, \quad \varepsilon \sim \mathcal{N}(0, \text{noise}^2) $$

    Gradients are exact, by `Objective.value_and_grad_batch` in chunks that fit into memory, which also holds two arrays
    of samples x n_params numbers: the gradients, and a copy while they are resampled.

    McClean, Boixo, Smelyanskiy, Babbush, Neven, Nat. Commun. 9, 4812 (2018),
    https://doi.org/10.1038/s41467-018-07090-4.

    Args:
        objective: the loss; has at least one parameter.
        key: JAX random key of the parameters and of the bootstrap.
        samples: number of samples, at least 2.
        start: distribution of the parameters: a name such as `"uniform"`, `"gaussian"` or `"mp2"`, a function of a
            JAX random key that returns theta, or None for the objective's own.
        noise: standard deviation in radians of Gaussian noise added to every parameter, so that a start that is one
            point, such as `"zero"` or `"mp2"`, has a variance.
        level: confidence of the intervals.
        callback: called with (samples done, samples in all) after each of about eight stretches.

    Returns:
        Moments with their intervals.

    Raises:
        QvarError: if an argument is out of its range, or a loss or gradient is not finite.
    """
    samples = _sample_number(samples, objective.n_params)
    noise, level = _noise(noise), check_level(level)
    require(objective.n_params >= 1, "objective", "have at least one parameter", objective.n_params)
    draw_key, bootstrap_key = jax.random.split(key)
    gradients, losses = np.empty((samples, objective.n_params)), np.empty(samples)
    stretch = -(-samples // STRETCHES)  # one shape, so that one program is compiled
    for number, done in enumerate(range(0, samples, stretch)):
        thetas = _draw(objective, jax.random.fold_in(draw_key, number), stretch, start, noise)
        values, slopes = objective.value_and_grad_batch(thetas)
        end = min(done + stretch, samples)
        losses[done:end], gradients[done:end] = values[: end - done], slopes[: end - done]
        if callback is not None:
            callback(end, samples)
    return _moments(objective.name, bootstrap_key, gradients, losses, 1, 1, start, noise, level)


@checked("samples")
def ensemble_variance(
    make: Callable[[jax.Array], Objective],
    *,
    key: jax.Array,
    samples: int = 2000,
    per_circuit: int = 1,
    start: Start = "uniform",
    noise: float = 0.0,
    level: float = LEVEL,
    callback: Callback | None = None,
) -> GradientVariance:
    """Estimate variances over an ensemble in which the circuit is drawn as well as its parameters.

    Circuits that share their compiled program, such as those of `qvar.random_circuit`, are evaluated as one batch;
    others one by one. Samples of one circuit depend on each other, so the bootstrap draws circuits.

    Args:
        make: function of a JAX random key that returns an objective; all have equally many parameters. It is called
            samples / per_circuit times.
        key: JAX random key of the circuits, the parameters and the bootstrap.
        samples: number of samples, at least 2; rounded up to a multiple of `per_circuit`.
        per_circuit: number of parameter vectors for each circuit. More than one saves the time of building circuits,
            but widens the intervals. There are at least 2 circuits.
        start: as `gradient_variance` takes it.
        noise: as `gradient_variance` takes it, radians.
        level: confidence of the intervals.
        callback: called with (samples done, samples in all) after each of about eight stretches.

    Returns:
        Moments with their intervals.

    Raises:
        QvarError: if an argument is out of its range, the circuits differ in their number of parameters, or a loss or
            gradient is not finite.
    """
    samples, per_circuit = _sample_number(samples, 1), counting_number("per_circuit", per_circuit)
    noise, level = _noise(noise), check_level(level)
    circuits = -(-samples // per_circuit)
    require(circuits >= 2, "per_circuit", f"leave at least 2 circuits for {samples} samples", per_circuit)
    draw_key, bootstrap_key = jax.random.split(key)
    stretch = -(-circuits // STRETCHES)
    parts: list[tuple[FloatArray, FloatArray]] = []
    name, n_params = "", 0
    for number, done in enumerate(range(0, circuits, stretch)):
        keys = jax.random.split(jax.random.fold_in(draw_key, number), (2, stretch))
        objectives = [make(one) for one in keys[0]]
        name, n_params = (name, n_params) if number else (objectives[0].name, objectives[0].n_params)
        for objective in objectives:
            if objective.n_params != n_params or n_params == 0:
                raise QvarError(
                    f"`make` must give objectives of one number of parameters, at least 1, but gave {n_params} in "
                    f"{name} and {objective.n_params} in {objective.name}."
                )
        pairs = zip(objectives, keys[1], strict=True)
        thetas = jnp.stack([_draw(objective, one, per_circuit, start, noise) for objective, one in pairs])
        values, slopes = _evaluate(objectives, thetas)
        wanted = min(stretch, circuits - done)
        parts.append((np.asarray(values[:wanted]), np.asarray(slopes[:wanted])))
        if callback is not None:
            callback((done + wanted) * per_circuit, circuits * per_circuit)
    losses, gradients = (np.concatenate(part) for part in zip(*parts, strict=True))
    flat = gradients.reshape(-1, n_params), losses.reshape(-1)
    return _moments(name, bootstrap_key, *flat, circuits, per_circuit, start, noise, level)


def _sample_number(samples: int, n_params: int) -> int:
    return counting_number("samples", samples, least=2, bytes_each=2 * 8 * max(1, n_params))


def _noise(noise: float) -> float:
    number = finite_number("noise", noise)
    require(number >= 0, "noise", "not be negative", noise)
    return number


def _draw(objective: Objective, key: jax.Array, n: int, start: Start, noise: float) -> Array:
    """Draw starts, shape (n, n_params)."""
    point_key, noise_key = jax.random.split(key)
    if start is None or isinstance(start, str):
        thetas = objective.initial_batch(point_key, n, start)
    else:
        thetas = replace(objective, draw=start, draw_named=None).initial_batch(point_key, n)
    if thetas.shape != (n, objective.n_params):
        raise QvarError(f"`start` must give theta of shape ({objective.n_params},), but gives {thetas.shape[1:]}.")
    if noise == 0:
        return thetas  # zeros would be a program to compile for every shape
    return thetas + noise * jax.random.normal(noise_key, thetas.shape, thetas.dtype)


def _evaluate(objectives: list[Objective], thetas: Array) -> tuple[Array, Array]:
    """Return losses (circuits, k) and gradients (circuits, k, n_params) of several circuits at k points each."""
    first = objectives[0]
    trees = [jax.tree.flatten(objective.data) for objective in objectives]
    forms = [
        (objective.function, tree, [(leaf.shape, leaf.dtype) for leaf in leaves])
        for objective, (leaves, tree) in zip(objectives, trees, strict=True)
    ]
    if any(form != forms[0] for form in forms[1:]):
        pairs = [o.value_and_grad_batch(points) for o, points in zip(objectives, thetas, strict=True)]
        return jnp.stack([values for values, _ in pairs]), jnp.stack([slopes for _, slopes in pairs])
    columns = list(zip(*(leaves for leaves, _ in trees), strict=True))
    same = tuple(all(x is column[0] or np.array_equal(x, column[0]) for x in column[1:]) for column in columns)
    together = [c[0] for c, shared in zip(columns, same, strict=True) if shared]
    own = [jnp.stack(c) for c, shared in zip(columns, same, strict=True) if not shared]
    n, k = thetas.shape[:2]
    form = _Ensemble(first.function, trees[0][1], same, max(1, first.chunk(n * k) // k))
    values, slopes = _evaluate_together(form, padded_points(first.function, thetas, first.data), own, together)
    return values, cut(slopes, first.n_params)


@dataclass(frozen=True)
class _Ensemble:
    """Layout of the data of circuits that share a program; hashable."""

    function: LossFunction
    tree: PyTree
    """Structure of `Objective.data`."""
    same: tuple[bool, ...]
    """For each array, whether all circuits have the same."""
    chunk: int
    """Circuits evaluated at once."""


@partial(jax.jit, static_argnums=0)
def _evaluate_together(form: _Ensemble, thetas: Array, own: list[Array], together: list[Array]) -> tuple[Array, Array]:
    def circuit(one: tuple[Array, list[Array]]) -> tuple[Array, Array]:
        points, mine, common = one[0], iter(one[1]), iter(together)
        data = jax.tree.unflatten(form.tree, [next(common if shared else mine) for shared in form.same])
        return jax.vmap(jax.value_and_grad(form.function), (0, None))(points, data)

    return jax.lax.map(circuit, (thetas, own), batch_size=form.chunk)


def _moments(
    name: str,
    key: jax.Array,
    gradients: FloatArray,
    losses: FloatArray,
    circuits: int,
    group: int,
    start: Start,
    noise: float,
    level: float,
) -> GradientVariance:
    """Estimate moments of (samples, n_params) gradients and (samples,) losses; `group` rows belong together."""
    n = len(losses)
    bad = n - int(np.count_nonzero(np.isfinite(losses) & np.isfinite(gradients).all(axis=1)))
    if bad:
        raise QvarError(
            f"`objective` must have finite losses and gradients, but {bad} of {n} samples of {name} are not."
        )
    mean, variance = gradients.mean(axis=0), gradients.var(axis=0, ddof=1)
    components = moment_intervals(key, gradients, level, group=group)
    loss = moment_intervals(key, losses[:, None], level, group=group)
    _, (loss_ends,), (loss_needed,) = loss
    deviations = np.abs(losses - losses.mean()).reshape(-1, group).mean(axis=1)

    def estimate(value: Any, ends: FloatArray, needed: Any = 0) -> Estimate:
        return Estimate(value, ends[0], ends[1], n, needed=int(needed) or None)

    return GradientVariance(
        variance=variance,
        interval=components.variances,
        needed=components.needed,
        mean=mean,
        mean_interval=components.means,
        mean_variance=average_variance(key, gradients, level, group),
        loss_mean=estimate(losses.mean(), loss.means[0], group * (samples_needed(deviations) or 0)),
        loss_variance=estimate(losses.var(ddof=1), loss_ends, loss_needed),
        samples=n,
        circuits=circuits,
        start="own" if start is None else start if isinstance(start, str) else getattr(start, "__name__", "function"),
        noise=noise,
        level=level,
    )
