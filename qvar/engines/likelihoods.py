r"""Fits to data as objectives: negative logarithms of likelihoods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array

from qvar._types import Family, FloatArray, PyTree
from qvar.arguments import checked
from qvar.checks import counting_number, real_array, real_numbers
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.random_draws import normal

Model = Callable[[Any, Any], Any]
"""JAX function (theta, x) -> (n,) predictions."""


@dataclass(frozen=True)
class GaussianLikelihood:
    r"""theta -> \(\sum_i w_i [(y_i - m_i(\theta))^2 / 2\sigma_i^2 + \ln \sigma_i + \tfrac12 \ln 2\pi]\)."""

    model: Model

    def __call__(self, theta: Array, data: PyTree) -> Array:
        """Return the negative logarithm of the likelihood."""
        residual = (data["y"] - self.model(theta, data["x"])) / data["noise"]
        each = 0.5 * residual**2 + jnp.log(data["noise"]) + 0.5 * np.log(2.0 * np.pi)
        return jnp.sum(data["weights"] * each)

    def precision(self, theta: Array, data: PyTree) -> Array:
        """Return the Fisher information of each prediction, (n,)."""
        return data["weights"] / data["noise"] ** 2


@dataclass(frozen=True)
class PoissonLikelihood:
    r"""theta -> \(\sum_i w_i [m_i(\theta) - y_i \ln m_i(\theta) + \ln y_i!]\)."""

    model: Model

    def __call__(self, theta: Array, data: PyTree) -> Array:
        """Return the negative logarithm of the likelihood."""
        mean, counts = self.model(theta, data["x"]), data["y"]
        mean = jnp.where(mean < 0.0, jnp.nan, mean)  # no distribution: a count of 0 alone would even reward it
        logarithm = jnp.log(jnp.where(counts > 0.0, mean, 1.0))  # 0 log 0 is 0, as is its derivative
        return jnp.sum(data["weights"] * (mean - counts * logarithm + gammaln(counts + 1.0)))

    def precision(self, theta: Array, data: PyTree) -> Array:
        """Return the Fisher information of each prediction, (n,)."""
        return data["weights"] / self.model(theta, data["x"])


@checked("n_params")
def fit(
    model: Callable[..., Any],
    data: tuple[Any, Any],
    *,
    n_params: int,
    noise: Any,
    weights: Any = None,
    start: str | None = None,
    name: str | None = None,
    family: Family = "constrained",
) -> Objective:
    r"""Return the negative logarithm of the likelihood of data under a model, as an Objective.

    $$ -\ln L = \sum_i w_i \Big[\frac{(y_i - m_i(\theta))^2}{2\sigma_i^2} + \ln\sigma_i + \tfrac12 \ln 2\pi\Big]
       \quad\text{or}\quad \sum_i w_i \big[m_i(\theta) - y_i \ln m_i(\theta) + \ln y_i!\big] $$

    The second one, of counts, is NaN if a prediction is negative; minimizations treat that as too long a step.
    Take units of x and y in which parameters are of order one: the gradient tolerance of a minimization is absolute,
    so that a parameter of 1e-9, or data of 1e9, may count as converged where it began.

    The minimum gives `qvar.analysis.information_criteria`; `qvar.diagnostics.data_fisher` is its Fisher information.
    Models are compiled once for equal shapes of the data.

    Args:
        model: JAX function (theta, x) -> (n,) predictions m.
        data: (x, y): inputs of the model, an array or a dictionary of arrays, and (n,) measured values.
        n_params: length of theta.
        noise: standard deviation of each y, a number or (n,), for Gaussian noise; `"poisson"` for counts.
        weights: (n,) weights w, such as 0 for data that are held out; 1 if None.
        start: `"gaussian"` draws of standard deviation 1, as if None, or `"uniform"` on [-pi, pi), as angles.
        name: name in the ledger; the model's name if None.
        family: `"generic"` or `"constrained"`.

    Raises:
        QvarError: if data are not finite, the model gives other shapes, no floating-point numbers or is no function of
            JAX, noise is not positive, a weight is negative or all are zero, or counts are not whole numbers of at
            least 0.
    """
    counting_number("n_params", n_params)
    require(start in (None, "gaussian", "uniform"), "start", "be 'gaussian', 'uniform' or None", start)
    x, measured = data
    y = real_numbers("data[1]", measured, ("n",), finite=True)
    require(len(y) > 0, "data", "hold at least one measured value", data)
    own = np.ones(len(y)) if weights is None else real_numbers("weights", weights, (len(y),), finite=True)
    require(bool(np.all(own >= 0.0) and np.any(own > 0.0)), "weights", "not be negative, nor all zero", weights)
    inputs = model_inputs("data[0]", x)
    tables: dict[str, Any] = {"x": inputs, "y": jnp.asarray(y), "weights": jnp.asarray(own)}
    function: GaussianLikelihood | PoissonLikelihood
    if isinstance(noise, str):
        require(noise == "poisson", "noise", "be numbers or 'poisson'", noise)
        require(bool(np.all((y >= 0) & (y == np.round(y)))), "data[1]", "hold counts for Poisson noise", measured)
        function = PoissonLikelihood(model)
    else:
        tables["noise"] = jnp.asarray(noise_levels(noise, y))
        function = GaussianLikelihood(model)
    try:
        predictions = jax.eval_shape(model, jnp.zeros(n_params), inputs)
        shape, kind = predictions.shape, predictions.dtype
    except Exception as error:
        raise QvarError(f"`model` must be a JAX function of (theta, x), but raised {error!r:.200}.") from error
    if shape != y.shape:
        raise QvarError(f"`model` must give {y.shape} predictions, one for each measured value, but gives {shape}.")
    if not jnp.issubdtype(kind, jnp.floating):
        raise QvarError(f"`model` must give real numbers of floating point, which have derivatives, but gives {kind}.")
    return Objective(
        name=name or getattr(model, "__name__", "model"),
        family=family,
        n_params=n_params,
        function=function,
        draw=partial(_draw, n_params, start or "gaussian"),
        data=tables,
    )


def noise_levels(noise: Any, values: FloatArray) -> FloatArray:
    """Return the standard deviation of each value; raise `QvarError` if it has another shape or one is not positive."""
    spread = np.asarray(real_array("noise", noise, None), float)
    if spread.shape not in ((), values.shape):
        raise QvarError(f"`noise` must be a number or have shape {values.shape}, but has shape {spread.shape}.")
    require(bool(np.all((spread > 0) & np.isfinite(spread))), "noise", "be positive", noise)
    return np.broadcast_to(spread, values.shape)


def model_inputs(argument: str, x: Any) -> Any:
    """Return inputs of a model as an array or a dictionary of arrays; `QvarError` if they are not finite numbers."""
    if isinstance(x, dict):
        return {key: model_inputs(f"{argument}[{key!r}]", part) for key, part in x.items()}
    return jnp.asarray(real_array(argument, x, None, finite=True))


def _draw(n_params: int, start: str, key: jax.Array) -> Array:
    if start == "uniform":
        return jax.random.uniform(key, (n_params,), float, -jnp.pi, jnp.pi)
    return normal(key, n_params, 1.0)


def predictions_and_information(objective: Objective, theta: Any) -> tuple[FloatArray, FloatArray]:
    """Return predictions (n,) and Fisher information (n_params, n_params) of a fit; `QvarError` if it is none."""
    predictions, slopes, precision = _checked_derivatives(objective, theta)
    return predictions, slopes.T @ (precision[:, None] * slopes)


def scaled_slopes(objective: Objective, theta: Any) -> FloatArray:
    r"""Return the rows \(\sqrt{w_i / v_i}\, \partial m_i / \partial \theta\) of a fit, (n, n_params)."""
    _, slopes, precision = _checked_derivatives(objective, theta)
    return np.sqrt(precision)[:, None] * slopes


def _checked_derivatives(objective: Objective, theta: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    function: Any = objective.function
    if not isinstance(function, GaussianLikelihood | PoissonLikelihood):
        raise QvarError(f"`objective` must be a fit to data, of qvar.fit, but {objective.name} is another function.")
    point = real_array("theta", theta, (objective.n_params,))
    predictions, slopes, precision = _derivatives(function, point, objective.data)
    return np.asarray(predictions), np.asarray(slopes), np.asarray(precision)


@partial(jax.jit, static_argnums=0)
def _derivatives(function: Any, theta: Array, data: PyTree) -> tuple[Array, Array, Array]:
    slopes = jax.jacrev(function.model)(theta, data["x"])  # circuits have no derivatives in the forward direction
    return function.model(theta, data["x"]), slopes, function.precision(theta, data)
