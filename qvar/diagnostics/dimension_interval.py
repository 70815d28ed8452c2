"""The effective dimension of spectra of Fisher information, with its interval; see `effective_dimension`."""

from __future__ import annotations

import math

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.diagnostics.estimate import Estimate
from qvar.diagnostics.intervals import LEVEL, RESAMPLES, draws, samples_needed, student_ends

_BLOCK_NUMBERS = 1 << 22
"""Resampled eigenvalues held at once."""


def dimension_estimate(key: jax.Array, spectra: FloatArray, kappa: float, resamples: int = RESAMPLES) -> Estimate:
    """Return the effective dimension from (samples, n_params) spectra, with its interval; see `effective_dimension`."""
    n, n_params = spectra.shape
    value, error, weights = _dimensions(spectra[None], kappa)
    chosen = draws(key, n, resamples)
    block = max(1, _BLOCK_NUMBERS // (chosen.shape[1] * max(1, n_params)))
    parts = [_dimensions(spectra[chosen[i : i + block]], kappa)[:2] for i in range(0, len(chosen), block)]
    values, errors = (np.concatenate(part)[:, None] for part in zip(*parts, strict=True))
    if value[0] == 0:
        return Estimate(0.0, 0.0, 0.0, n)
    values = np.maximum(values, value / n)  # points without any information may be all that is drawn
    logarithms = np.log(value), error / value, n, np.log(values), errors / values, chosen.shape[1]
    low, high = np.exp(student_ends(*logarithms, LEVEL)[0])
    high = max(high, _lognormal_end(spectra, kappa))
    return Estimate(value[0], low, high, n, needed=samples_needed(weights[0]))


def _dimensions(spectra: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return effective dimensions of sets of spectra (sets, samples, n_params), standard errors, and points' weights.

    The error is that of the linearized dimension, in which each point counts through its determinant and its trace.
    """
    halves, weights, traces = _log_determinants(spectra, kappa)
    n = spectra.shape[1]
    follows = n * weights - 1 - traces
    factor = 2 / math.log(kappa)
    top = halves.max(axis=1)
    values = factor * (top + np.log(np.exp(halves - top[:, None]).mean(axis=1)))
    return values, factor * np.sqrt((follows**2).mean(axis=1) / (n - 1)), weights


def _lognormal_end(spectra: FloatArray, kappa: float) -> float:
    r"""Return the upper end of the dimension if \(\sqrt{\det}\) is log-normal: Cox's, of \(\mu + \sigma^2 / 2\)."""
    from scipy.special import stdtrit

    halves, _, traces = _log_determinants(spectra[None], kappa)
    n = len(spectra)
    variance = float((halves - traces).var(ddof=1))
    error = math.sqrt(variance / n + variance**2 / (2 * (n - 1)))
    middle = float(halves.mean() + halves.var(ddof=1) / 2)
    return 2 / math.log(kappa) * (middle + float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error)


def _log_determinants(spectra: FloatArray, kappa: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return half the logarithms of determinants (sets, samples), their weights, and the effect of traces."""
    n_params, traces = spectra.shape[2], spectra.sum(axis=2)
    mean = traces.mean(axis=1, keepdims=True)
    positive = np.where(mean > 0, mean, 1.0)
    scaled_spectra = (kappa * n_params / positive)[:, :, None] * spectra
    halves = 0.5 * np.log1p(scaled_spectra).sum(axis=2)
    slopes = 0.5 * (scaled_spectra / (1 + scaled_spectra)).sum(axis=2)
    determinants = np.exp(halves - halves.max(axis=1, keepdims=True))
    weights = determinants / determinants.sum(axis=1, keepdims=True)
    return halves, weights, (weights * slopes).sum(axis=1, keepdims=True) * (traces / positive - 1)
