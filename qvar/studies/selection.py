"""Selection: models of both families and of rising size, fitted to the same noisy data."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import Family, FloatArray
from qvar.analysis.information import information_criteria
from qvar.arguments import check_fields
from qvar.checks import counting_number, different_names
from qvar.diagnostics.fit_information import falls_further, identifiable, is_determined, standard_error
from qvar.diagnostics.minima import distinct_minima
from qvar.engines.likelihoods import fit, model_inputs
from qvar.errors import QvarError, require, shown
from qvar.objective import Objective
from qvar.optimize.bfgs import bfgs
from qvar.optimize.budget import Budget, Status
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize_batch
from qvar.optimize.result import Result
from qvar.short_repr import short_repr
from qvar.studies.columns import TEST_ERROR, repeated
from qvar.studies.fitted_data import FittedData, MeasuredData, Sample, SimulatedData, drawn_against
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, numbers_for_key, task_key

SELECTION_COLUMNS = (
    LedgerColumn("model", "string", "Name of the model that was fitted."),
    LedgerColumn("level", "Int64", "Number of measurements of each value, such as shots; of counts, factor between a "
        "prediction and its mean count."),
    LedgerColumn("level_name", "string", "Word for `level`."),
    LedgerColumn("n_data", "Int64", "Number of measured values."),
    LedgerColumn("aic", "float64", "Akaike's information criterion."),
    LedgerColumn("aicc", "float64", "Akaike's criterion for few data; infinite if there are too few."),
    LedgerColumn("bic", "float64", "Schwarz's information criterion."),
    LedgerColumn("cv_error", "float64", "Root mean square of the differences from the measured values, each predicted "
        "by a fit to the other folds, over the noise; empty if these do not determine it."),
    LedgerColumn("group_error", "float64", "Root mean square of the differences from the measured values, each "
        "predicted by a fit to the other groups, over the noise; only if there are groups, and these determine it."),
    LedgerColumn("true_error", "float64", "Root mean square difference of the predictions from the exact values; empty "
        "of measured data.", unit="the row's `unit`"),
    TEST_ERROR,
    LedgerColumn("identifiable", "Int64", "Directions of the parameters that the data distinguish: eigenvalues of the "
        "Fisher information whose standard error is below 1, or above rounding if there is no such limit."),
    LedgerColumn("estimates", "string", "JSON object of quantities that have an exact value: estimate, its standard "
        "error (null if the data do not determine it), exact value."),
    LedgerColumn("minima", "Int64", "Distinct minima, by the value to 0.001, that the converged starts of the fit "
        "ended in."),
    LedgerColumn("operations", "Int64", "Floating-point operations of one evaluation of all predictions, powers and "
        "exponentials as one each, unless the model states its own number."),
    LedgerColumn("evaluation_s", "float64", "Time of one evaluation of all predictions, of a batch of 200.", unit="s"),
    LedgerColumn("fit", "string", "JSON object of the first repetition: axis, x, y, predictions, groups."),
)  # fmt: skip
"""Columns of a selection beside the common ones."""

_BATCH = 200
"""Parameter vectors in a batch whose time is measured."""

_NOT_DOWN = (
    "The gradient is below the tolerance, but a step in one parameter lowers the value: "
    "choose units in which parameters are of order one."
)


@short_repr("name", "family", "n_params")
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
    family: Family = "constrained"
    """`"generic"` or `"constrained"`."""
    start: str | None = None
    """Draws of the starts, as in `qvar.fit`."""
    n_operations: int | None = None
    """Floating-point operations of one evaluation of all predictions; counted by XLA if None."""
    quantities: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """JAX functions theta -> number, by name; if the data have the exact value, estimates are compared with it."""

    def __post_init__(self) -> None:
        check_fields(self)
        counting_number("n_params", self.n_params)


@short_repr("candidates", "seeds")
@dataclass(frozen=True, eq=False)
class Selection:
    """Models of both families and of rising size, fitted to the same noisy data.

    A seed is a repetition of the data: all models see the same. Each fit has its information criteria, its
    cross-validated error, its error on values that it was not fitted to, and the number of directions that the data
    distinguish. The report compares the best generic model with the best constrained one, repetition by repetition
    (`qvar.analysis.family_table`).

    `columns` are those that it adds to the ledger.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = SELECTION_COLUMNS

    candidates: Sequence[Candidate]
    """Models with different names."""
    data: Any
    """`qvar.SimulatedData` or `qvar.MeasuredData`; or a dictionary of several by name."""
    _: KW_ONLY
    seeds: int = 20
    """Repetitions of the data: seeds 0 to seeds - 1."""
    folds: int = 5
    """Parts of the data for the cross-validation, at least 2; none if 0."""
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
        counting_number("seeds", self.seeds)
        counting_number("n_starts", self.n_starts)
        require(self.error is None or self.error > 0, "error", "be positive", self.error)
        data = self.data if isinstance(self.data, Mapping) else {"data": self.data}
        if not data or not all(isinstance(one, SimulatedData | MeasuredData) for one in data.values()):
            mistake = "`data` must be qvar.SimulatedData or qvar.MeasuredData, or a dictionary of such by name, but is"
            raise QvarError(f"{mistake} {shown(self.data)}.")
        object.__setattr__(self, "data", {str(name): one for name, one in data.items()})
        for one in self._data.values():
            n = len(one.values)
            require(self.folds == 0 or 2 <= self.folds <= n, "folds", f"be 0, or from 2 to the {n} values", self.folds)
            for candidate in self.candidates:
                _objective(candidate, one, one.sample(0, one.levels[0]))
                if one.test is not None:
                    fit(candidate.model, one.test, n_params=candidate.n_params, noise=1.0)

    @property
    def _data(self) -> Mapping[str, FittedData]:
        return cast("Mapping[str, FittedData]", self.data)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the study uses, in `qvar/citations.bib`."""
        keys = {"akaike1974", "clopper1934", "hurvich1989", "jax2018", "schwarz1978", *self.method.citations}
        measured = any(isinstance(one, MeasuredData) for one in self._data.values())
        return tuple(sorted(keys | ({"efron1997"} if measured else set())))

    def tasks(self) -> list[Task]:
        """Return one task for each model, data and level."""
        works = [
            _Fitting(self, one, name, int(level))
            for one in self.candidates
            for name, data in self._data.items()
            for level in data.levels
        ]
        return [Task(task_key(work.inputs), work.label, work.rows) for work in works]


@dataclass(frozen=True)
class _Counted:
    """Mean counts of a model of rates."""

    model: Callable[..., Any]

    def __call__(self, theta: Any, x: Any) -> Any:
        return x["scale"] * self.model(theta, x["x"])


def _objective(one: Candidate, data: FittedData, sample: Sample) -> Objective:
    """Return the fit of a model to one repetition."""
    settings: dict[str, Any] = {"n_params": one.n_params, "weights": sample.weights, "start": one.start}
    settings |= {"name": one.name, "family": one.family}
    if sample.noise is not None:
        return fit(one.model, (data.inputs, sample.y), noise=sample.noise, **settings)
    return fit(_Counted(one.model), ({"x": data.inputs, "scale": sample.scale}, sample.y), noise="poisson", **settings)


@partial(jax.jit, static_argnums=0)
def _predictions(model: Callable[..., Any], theta: Any, x: Any) -> Any:
    return model(theta, x)


@partial(jax.jit, static_argnums=0)
def _batch(model: Callable[..., Any], thetas: Any, x: Any) -> Any:
    return jax.vmap(lambda theta: model(theta, x))(thetas)


@dataclass(frozen=True)
class _Fitting:
    """One model, fitted to all repetitions of one level of some data."""

    study: Selection
    one: Candidate
    name: str
    level: int

    @property
    def data(self) -> FittedData:
        return self.study._data[self.name]

    @property
    def label(self) -> str:
        several = f"{self.name}, " * (len(self.study._data) > 1)
        levels = f", {self.level} {self.data.level_name}" if self.data.level_name else ""
        return f"{several}{self.one.name}{levels}"

    @property
    def inputs(self) -> dict[str, Any]:
        """JSON-able description of everything that the numbers depend on."""
        study, one, data = self.study, self.one, self.data
        x = model_inputs("inputs", data.inputs)
        tables: list[Any] = [x, data.values, data.test, data.groups]
        tables += [data.noise] if not isinstance(data.noise, str) else []
        arrays = [numbers_for_key(part, 9).tobytes() for part in jax.tree.leaves(tables)]
        probe = np.asarray(_predictions(one.model, jnp.linspace(0.1, 0.9, one.n_params), x))
        return {
            "study": "selection",
            "model": [one.name, one.family, one.n_params, one.start, numbers_for_key(probe, 9).tolist()],
            "data": [self.name, type(data).__name__, str(data.noise)[:8], sha256(b"".join(arrays)).hexdigest()],
            "level": self.level,
            "numbers": [study.seeds, study.folds, study.n_starts, study.error, study.unit],
            "method": study.method.describe(),
            "gradients": study.budget.gradients,
            "quantities": [sorted(one.quantities), sorted((name, float(q)) for name, q in data.quantities.items())],
        }

    def rows(self, report: Reporter) -> list[Row]:
        """Return one row for each repetition; an error becomes a row with its message."""
        own = {
            "contender": self.label,
            "model": self.one.name,
            "level": self.level,
            "level_name": self.data.level_name,
            "n_params": self.one.n_params,
            "problem": self.name,
            "family": self.one.family,
            "unit": self.study.unit,
            "method": self.study.method.name,
        }

        def fitted(seed: int) -> Row:
            report(Progress(seed, self.study.seeds, f"repetition {seed + 1}"))
            if seed == 0:
                own.update(self._cost())
            return self._fitted(seed)

        return repeated(own, self.study.seeds, fitted)

    def _cost(self) -> Row:
        """Return operations and time of an evaluation."""
        x, model = model_inputs("inputs", self.data.inputs), self.one.model
        count = self.one.n_operations
        if count is None:
            counted: Any = _predictions.lower(model, jnp.zeros(self.one.n_params), x).cost_analysis() or {}
            count = int(counted.get("flops", 0) + counted.get("transcendentals", 0))
        thetas = jnp.asarray(np.random.default_rng(0).uniform(0.1, 0.9, (_BATCH, self.one.n_params)))
        jax.block_until_ready(_batch(model, thetas, x))
        times = []
        for _ in range(5):
            began = time.perf_counter()
            jax.block_until_ready(_batch(model, thetas, x))
            times.append(time.perf_counter() - began)
        return {"operations": count, "evaluation_s": float(np.median(times)) / _BATCH}

    def _fitted(self, seed: int) -> Row:
        """Return the numbers of one repetition."""
        began, study, one, data = time.perf_counter(), self.study, self.one, self.data
        sample = data.sample(seed, self.level)
        y, n = sample.y, len(sample.y)
        objective = _objective(one, data, sample)
        starts = np.asarray(objective.initial_batch(jax.random.key(seed), study.n_starts))
        best, results = _lowest(study, objective, starts)
        theta, value = np.asarray(best.theta), float(best.value)
        early = best.status is Status.CONVERGED and falls_further(objective, theta)
        ends = [result.value for result in results if result.status is Status.CONVERGED]
        evaluations = sum(result.energy_evaluations for result in results)
        again = np.concatenate([theta[None], starts[1:]])

        def predict(theta: FloatArray, inputs: Any) -> FloatArray:
            return np.asarray(_predictions(one.model, jnp.asarray(theta), model_inputs("inputs", inputs)))

        def outside(parts: Sequence[Any]) -> float | None:
            """Return the error of each part of the data, predicted by a fit to the others, over the noise.

            None if the others do not determine it: the end of that fit would be where it began, next to the fit to all.
            """
            if not parts or not is_determined(objective, theta, [sample.weights * ~part for part in parts]):
                return None
            predictions = np.empty(n)
            for part in parts:
                kept = {**cast("dict[str, Any]", objective.data), "weights": jnp.asarray(sample.weights * ~part)}
                held = np.asarray(_lowest(study, replace(objective, data=kept), again)[0].theta)
                predictions[part] = sample.scale * predict(held, data.inputs)[part]
            noise = np.sqrt(predictions) if sample.noise is None else sample.noise
            return _mean_square(((y - predictions) / noise), sample.weights)

        folds = np.random.default_rng([seed, 0]).permutation(n) % max(1, study.folds)
        predictions = predict(theta, data.inputs)
        true_error = None if isinstance(data, MeasuredData) else _mean_square(predictions - data.values)
        test_error = true_error
        if data.test is not None:
            test_error = _mean_square(predict(theta, data.test[0]) - np.asarray(data.test[1], float))
        elif isinstance(data, MeasuredData):
            test_error = _mean_square(predictions - y, sample.weights == 0)
        groups = [] if data.groups is None else [np.asarray(data.groups) == label for label in set(data.groups)]
        return {
            "status": (Status.STALLED if early else best.status).value,
            **({"message": _NOT_DOWN} if early else {}),
            "value": value,
            "n_data": n,
            **information_criteria(-value, one.n_params, n)._asdict(),
            "cv_error": outside([folds == fold for fold in range(study.folds)]),
            "group_error": outside(groups),
            "true_error": true_error,
            "test_error": test_error,
            "identifiable": identifiable(objective, theta, error=study.error),
            "estimates": self._estimates(objective, theta),
            "minima": distinct_minima(np.array(ends), energy_tolerance=1e-3).number if ends else None,
            "energy_evaluations": evaluations,
            "gradient_evaluations": evaluations,
            "wall_s": time.perf_counter() - began,
            "theta": theta.tolist(),
            "fit": self._drawn(sample, predictions) if seed == 0 else None,
        }

    def _estimates(self, objective: Objective, theta: FloatArray) -> str | None:
        """Return estimate, standard error (None if the data do not determine it) and exact value of each quantity."""
        exact = self.data.quantities
        numbers: dict[str, list[float | None]] = {}
        for name in (name for name in exact if name in self.one.quantities):
            quantity = self.one.quantities[name]
            error = standard_error(objective, theta, quantity)
            value = float(quantity(jnp.asarray(theta)))
            numbers[name] = [value, error if np.isfinite(error) else None, float(exact[name])]
        return json.dumps(numbers) if numbers else None

    def _drawn(self, sample: Sample, predictions: FloatArray) -> str | None:
        """Return what a plot of the fit needs."""
        x, groups = drawn_against(self.data), self.data.groups
        if x is None:
            return None
        columns = {"x": x, "y": sample.y / sample.scale, "predictions": predictions}
        rounded = {name: [float(f"{number:.5g}") for number in column] for name, column in columns.items()}
        labels = None if groups is None else [int(label) for label in groups]
        return json.dumps({"axis": self.data.axis, **rounded, "groups": labels})


def _mean_square(differences: FloatArray, weights: Any = None) -> float | None:
    """Return the root of a weighted mean square; None if all weights are 0."""
    weights = np.ones(len(differences)) if weights is None else np.asarray(weights, float)
    return float(np.sqrt(np.sum(weights * differences**2) / np.sum(weights))) if np.any(weights) else None


def _lowest(study: Selection, objective: Objective, starts: FloatArray) -> tuple[Result, list[Result]]:
    """Return the lowest end, and all."""
    results = minimize_batch(objective, starts, method=study.method, budget=study.budget)
    return min(results, key=lambda result: result.value if np.isfinite(result.value) else np.inf), results
