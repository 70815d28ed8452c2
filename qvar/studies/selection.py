"""Selection: models of rising size, fitted to the same noisy data."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import FloatArray
from qvar.analysis.information import information_criteria
from qvar.arguments import check_fields
from qvar.checks import counting_number, different_names, real_numbers, whole_numbers
from qvar.diagnostics.fit_information import identifiable
from qvar.engines.likelihoods import fit, model_inputs
from qvar.errors import error_words, require
from qvar.objective import Objective
from qvar.optimize.bfgs import bfgs
from qvar.optimize.budget import Budget, Status
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize_batch
from qvar.short_repr import short_repr
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key

SELECTION_COLUMNS = (
    LedgerColumn("model", "string", "Name of the model that was fitted."),
    LedgerColumn("shots", "Int64", "Shots of each measured value."),
    LedgerColumn("n_data", "Int64", "Number of measured values."),
    LedgerColumn("aic", "float64", "Akaike's information criterion."),
    LedgerColumn("aicc", "float64", "Akaike's criterion for few data; infinite if there are too few."),
    LedgerColumn("bic", "float64", "Schwarz's information criterion."),
    LedgerColumn("cv_error", "float64", "Root mean square of the differences from the measured values, each predicted "
        "by a fit to the other folds, over the noise."),
    LedgerColumn("true_error", "float64", "Root mean square difference of the predictions from the exact values.",
        unit="the row's `unit`"),
    LedgerColumn("identifiable", "Int64", "Directions of the parameters that the data distinguish: eigenvalues of the "
        "Fisher information whose standard error is below 1, or above rounding if there is no such limit."),
)  # fmt: skip
"""Columns of a selection beside the common ones."""


@short_repr("name", "n_params")
@dataclass(frozen=True, eq=False)
class Candidate:
    """A model that may be fitted."""

    name: str
    """Name in the ledger."""
    model: Callable[..., Any]
    """JAX function (theta, x) -> (n,) predictions."""
    n_params: int
    """Length of theta."""
    _: KW_ONLY
    start: str | None = None
    """Draws of the starts, as in `qvar.fit`."""

    def __post_init__(self) -> None:
        check_fields(self)
        counting_number("n_params", self.n_params)


@short_repr("candidates", "shots", "seeds")
@dataclass(frozen=True, eq=False)
class Selection:
    """Models of rising size, fitted to the same estimates from finite numbers of shots.

    A seed is a repetition of the measurement: all models see the same noise. Each fit has its information criteria, its
    cross-validated error, its error against the exact values, and the number of directions that the data distinguish.

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = SELECTION_COLUMNS

    candidates: Sequence[Candidate]
    """Models with different names."""
    inputs: Any
    """Inputs x of the models, an array or a dictionary of arrays."""
    truth: Any
    """(n,) exact values."""
    _: KW_ONLY
    one_shot: Any
    """(n,) standard deviation of one shot of each value; N shots have it over the square root of N."""
    shots: Sequence[int]
    """Different numbers of shots."""
    seeds: int = 20
    """Repetitions of the measurement: seeds 0 to seeds - 1."""
    folds: int = 5
    """Parts of the data for the cross-validation, at least 2."""
    n_starts: int = 3
    """Random starts of each fit, of which the lowest counts."""
    error: float | None = None
    """Largest standard error of a direction that counts as distinguished; every one above rounding if None."""
    method: Method = field(default_factory=bfgs)
    """Optimization method of the fits."""
    budget: Budget = field(default_factory=lambda: Budget(gradients=500, hessian_products=0))
    """Limits of each fit."""
    unit: str = ""
    """Unit of the values."""

    name: ClassVar[str] = "selection"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        check_fields(self, "seeds", "folds", "n_starts")
        require(len(self.candidates) > 0, "candidates", "hold at least one qvar.Candidate", self.candidates)
        different_names("candidates", [one.name for one in self.candidates])
        truth = real_numbers("truth", self.truth, ("n",))
        one_shot = real_numbers("one_shot", self.one_shot, truth.shape)
        require(bool(np.all(one_shot > 0)), "one_shot", "be positive", self.one_shot)
        shots = whole_numbers("shots", self.shots)
        good = len(shots) > 0 and min(shots) >= 1 and len(set(shots)) == len(shots)
        require(good, "shots", "hold different positive integers", self.shots)
        counting_number("seeds", self.seeds)
        counting_number("n_starts", self.n_starts)
        require(2 <= self.folds <= len(truth), "folds", f"be from 2 to the {len(truth)} values", self.folds)
        require(self.error is None or self.error > 0, "error", "be positive", self.error)
        model_inputs("inputs", self.inputs)
        for one in self.candidates:
            fit(one.model, (self.inputs, truth), n_params=one.n_params, noise=one_shot)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        return tuple(sorted({"akaike1974", "hurvich1989", "jax2018", "schwarz1978", *self.method.citations}))

    def tasks(self) -> list[Task]:
        """Return one task for each model and number of shots."""
        tables = (model_inputs("inputs", self.inputs), self.truth, self.one_shot)
        arrays = [np.round(np.asarray(part, float), 9).tobytes() for part in jax.tree.leaves(tables)]
        tasks = []
        for one in self.candidates:
            probe = _predicted(one, np.linspace(0.1, 0.9, one.n_params), model_inputs("inputs", self.inputs))
            for shots in self.shots:
                inputs = {
                    "study": "selection",
                    "model": [one.name, one.n_params, one.start, np.round(probe, 9).tolist()],
                    "data": sha256(b"".join(arrays)).hexdigest(),
                    "shots": int(shots),
                    "numbers": [self.seeds, self.folds, self.n_starts, self.error, self.unit],
                    "method": self.method.describe(),
                    "gradients": self.budget.gradients,
                }
                task = partial(_rows, self, one, int(shots))
                tasks.append(Task(task_key(inputs), f"{one.name}, {shots} shots", task))
        return tasks

    def measured(self, repetition: int, shots: int) -> tuple[FloatArray, FloatArray]:
        """Return the estimates of one repetition and their standard deviations, (n,) each."""
        noise = real_numbers("one_shot", self.one_shot, None) / np.sqrt(shots)
        return np.asarray(self.truth) + noise * np.random.default_rng([repetition, shots]).standard_normal(
            noise.shape
        ), noise


def _rows(study: Selection, one: Candidate, shots: int, report: Reporter) -> list[Row]:
    own = {"contender": f"{one.name}, {shots} shots", "model": one.name, "shots": shots, "n_params": one.n_params}
    own |= {"problem": "data", "family": "constrained", "unit": study.unit, "method": study.method.name}
    rows: list[Row] = []
    for seed in range(study.seeds):
        report(Progress(seed, study.seeds, f"{shots} shots"))
        try:
            rows.append({**own, "seed": seed, **_fitted(study, one, seed, shots)})
        except Exception as error:
            rows.append({**own, "seed": seed, "status": Status.FAILED.value, "message": error_words(error)})
    return rows


def _fitted(study: Selection, one: Candidate, seed: int, shots: int) -> Row:
    """Return the numbers of one model on one repetition."""
    began = time.perf_counter()
    y, noise = study.measured(seed, shots)
    n = len(y)
    objective = fit(one.model, (study.inputs, y), n_params=one.n_params, noise=noise, start=one.start)
    starts = np.asarray(objective.initial_batch(jax.random.key(seed), study.n_starts))
    theta, value, evaluations, converged = _lowest(study, objective, starts)
    criteria = information_criteria(-value, one.n_params, n)
    inputs = model_inputs("inputs", study.inputs)
    predictions = _predicted(one, theta, inputs)
    folds = np.random.default_rng([seed, 0]).permutation(n) % study.folds
    outside = np.empty(n)
    for fold in range(study.folds):
        data: Any = objective.data
        held = replace(objective, data={**data, "weights": jnp.asarray((folds != fold).astype(float))})
        again = np.concatenate([theta[None], starts[1:]]) if study.n_starts > 1 else theta[None]
        part = _lowest(study, held, again)[0]
        outside[folds == fold] = _predicted(one, part, inputs)[folds == fold]
    return {
        "status": converged,
        "value": value,
        "n_data": n,
        **criteria._asdict(),
        "cv_error": float(np.sqrt(np.mean(((y - outside) / noise) ** 2))),
        "true_error": float(np.sqrt(np.mean((predictions - np.asarray(study.truth)) ** 2))),
        "identifiable": identifiable(objective, theta, error=study.error),
        "energy_evaluations": evaluations,
        "gradient_evaluations": evaluations,
        "wall_s": time.perf_counter() - began,
        "theta": theta.tolist(),
    }


def _predicted(one: Candidate, theta: FloatArray, inputs: Any) -> FloatArray:
    """Return (n,) predictions."""
    return np.asarray(_evaluated(one.model, jnp.asarray(theta), inputs))


@partial(jax.jit, static_argnums=0)
def _evaluated(model: Callable[..., Any], theta: Any, inputs: Any) -> Any:
    return model(theta, inputs)


def _lowest(study: Selection, objective: Objective, starts: FloatArray) -> tuple[FloatArray, float, int, str]:
    """Return parameters, value, evaluations and status of the lowest end."""
    results = minimize_batch(objective, starts, method=study.method, budget=study.budget)
    best = min(results, key=lambda result: result.value if np.isfinite(result.value) else np.inf)
    spent = sum(result.energy_evaluations for result in results)
    return np.asarray(best.theta), float(best.value), spent, best.status.value
