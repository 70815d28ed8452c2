"""Models of rising size and of two families: what is preferred at few and at many measurements."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.analysis.rows import typed
from qvar.analysis.selection import SelectionRow, crossings, selection_table
from qvar.records.run_tables import ledger_from
from qvar.report.reports import report_of, summary_text

X = np.linspace(-1.0, 1.0, 10)
DESIGN = np.stack([np.ones(10), X], axis=1)


def constant(theta, x):
    return theta[0] + 0.0 * x


def line(theta, x):
    return theta[0] + theta[1] * x


def product(theta, x):
    return theta[0] * theta[1] * x


def rate(theta, x):
    return jnp.exp(theta[0]) + 0.0 * x


MODELS = [qvar.Candidate("constant", constant, 1), qvar.Candidate("line", line, 2, family="generic")]


def selection(models=MODELS, data=None, **more) -> qvar.Selection:
    settings = {"seeds": 3, "folds": 2, "n_starts": 1} | more
    return qvar.Selection(models, data or simulated(), **settings)


def simulated(**more) -> qvar.SimulatedData:
    return qvar.SimulatedData(X, 1.0 + 0.2 * X, **({"noise": np.ones(10), "levels": (4, 10_000)} | more))


def rows_of(study: qvar.Selection) -> list[dict]:
    return [row for task in study.tasks() for row in task.run(lambda progress: None)]


def least_squares(y: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The line's predictions by weighted least squares in closed form."""
    root = np.sqrt(kept.astype(float))
    best, *_ = np.linalg.lstsq(DESIGN * root[:, None], y * root, rcond=None)
    return DESIGN @ best


def test_a_slope_pays_if_there_are_enough_shots() -> None:
    """Least squares in closed form gives the criteria, and the crossing is where the slope exceeds its error."""
    study = selection(data=simulated(groups=[0] * 4 + [1] * 6, test=(2.0 * X, 1.0 + 0.4 * X)))
    rows = rows_of(study)
    ledger = ledger_from(rows, study.columns)
    sample = study.data["data"].sample(1, 4)
    y, noise = sample.y, sample.noise
    assert noise == pytest.approx(np.full(10, 0.5))
    row = next(one for one in rows if one["model"] == "line" and one["level"] == 4 and one["seed"] == 1)
    best = least_squares(y, np.ones(10))
    cost = np.sum(((y - best) / noise) ** 2) + np.sum(np.log(2 * np.pi * noise**2))
    assert row["aic"] == pytest.approx(cost + 4, abs=1e-6)
    assert row["bic"] == pytest.approx(cost + 2 * np.log(10), abs=1e-6)
    assert row["true_error"] == pytest.approx(np.sqrt(np.mean((best - 1.0 - 0.2 * X) ** 2)), abs=1e-6)
    slope = (best[-1] - best[0]) / 2.0
    further = best.mean() + 2.0 * slope * X
    assert row["test_error"] == pytest.approx(np.sqrt(np.mean((further - 1.0 - 0.4 * X) ** 2)), abs=1e-6)
    folds = np.random.default_rng([1, 0]).permutation(10) % 2
    groups = np.array([0] * 4 + [1] * 6)
    for parts, name in ((folds, "cv_error"), (groups, "group_error")):
        outside = np.where(parts == 0, least_squares(y, parts == 1), least_squares(y, parts == 0))
        assert row[name] == pytest.approx(np.sqrt(np.mean(((y - outside) / noise) ** 2)), abs=1e-5)
    table = {(one.model, one.level): one for one in typed(selection_table(ledger), SelectionRow)}
    assert table["line", 10_000].bic == table["line", 10_000].test_error == table["line", 10_000].seeds == 3
    assert {one.family for one in table.values()} == {"constrained", "generic"}
    crossed = {one.criterion: one for one in crossings(selection_table(ledger))}
    assert (crossed["bic"].model, crossed["bic"].preferred) == ("line", 3)
    assert report_of(ledger).study == "selection"
    text = " ".join(summary_text(ledger, "selection").split())
    assert "By BIC, line (2 parameters) or a larger model is preferred from 10000 shots on: in 3 of 3" in text
    assert "10,000 shots: constant (constrained, 1 parameter) has a lower test error than line (generic, 2)" in text


def test_leaving_one_out_has_a_closed_form() -> None:
    """Of linear models, a value that is left out differs from its prediction by e / (1 - h): residual, leverage."""
    study = selection(data=simulated(levels=(4,)), seeds=1, folds=10)
    sample = study.data["data"].sample(0, 4)
    for row, design in zip(rows_of(study), (DESIGN[:, :1], DESIGN), strict=True):
        hat = design @ np.linalg.pinv(design)
        left_out = (sample.y - hat @ sample.y) / (1.0 - np.diag(hat))
        assert row["cv_error"] == pytest.approx(np.sqrt(np.mean((left_out / sample.noise) ** 2)), abs=1e-6)


def test_a_value_that_the_others_do_not_determine_has_no_cross_validation() -> None:
    """A line through two values fits both, and one value has no line: nothing is predicted by the fit to the others.

    Nor if a bootstrap sample has fewer values than parameters. Redundant parameters alone do no harm.
    """
    two = qvar.MeasuredData(X[:2], [1.0, 2.0], noise=0.1)
    models = [qvar.Candidate("line", line, 2), qvar.Candidate("product", product, 2)]
    exact, through = rows_of(selection(models, two, seeds=1))
    assert exact["cv_error"] is None
    slopes = np.array([2.0 / X[1], 1.0 / X[0]])  # of lines through the origin and one value
    left_out = (np.array([1.0, 2.0]) - slopes * X[:2]) / 0.1
    assert through["cv_error"] == pytest.approx(np.sqrt(np.mean(left_out**2)), abs=1e-5)
    three = qvar.MeasuredData(X[:3], [1.0, 2.0, 4.0], noise=0.1)
    rows = rows_of(selection(models[:1], three, seeds=6, folds=3))
    for seed, row in enumerate(rows):
        weights = three.sample(seed, 1).weights
        assert (row["cv_error"] is None) == (np.sum(weights > 0) < 3), weights
    assert {row["cv_error"] is None for row in rows} == {True, False}


def test_a_fit_that_stays_where_it_began_is_not_converged() -> None:
    """In units that make a slope 1e9, its derivative is below the tolerance at every start."""
    model = [qvar.Candidate("line", line, 2)]
    status = []
    for unit in (1.0, 1e-9):
        data = qvar.MeasuredData(unit * (2.0 + X), 1.0 + 0.2 * X, noise=0.1)
        (row,) = rows_of(selection(model, data, seeds=1, folds=0))
        status.append((row["status"], "choose units" in row.get("message", "")))
    assert status == [("converged", False), ("stalled", True)]


def test_bootstrap_samples_are_tested_on_what_they_lack() -> None:
    """Weighted least squares in closed form; repetition 0 is the data themselves, and has no such test."""
    y = 1.0 + 0.2 * X + 0.1 * np.sin(9.0 * X)
    study = selection(data=qvar.MeasuredData(X, y, noise=0.1, groups=[0] * 5 + [1] * 5), folds=0, seeds=2)
    sample = study.data["data"].sample(1, 1)
    assert sample.weights.reshape(2, 5).sum(axis=1).tolist() == [5, 5]
    first, second = rows_of(study)[2:]
    assert first["test_error"] is None
    assert first["true_error"] is second["cv_error"] is None
    out = sample.weights == 0
    best = least_squares(y, sample.weights)
    assert second["test_error"] == pytest.approx(np.sqrt(np.mean((best - y)[out] ** 2)), abs=1e-6)
    terms = ((y - best) / 0.1) ** 2 + np.log(2 * np.pi * 0.01)
    assert second["aic"] == pytest.approx(np.sum(sample.weights * terms) + 4, abs=1e-5)
    drawn = json.loads(first["fit"])
    assert drawn["predictions"] == pytest.approx(least_squares(y, np.ones(10)), abs=1e-3)
    assert second["fit"] is None


def test_counts_are_fitted_by_their_mean() -> None:
    """The most likely rate is the mean count over the scale."""
    data = qvar.SimulatedData(X, np.full(10, 3.0), noise="poisson", levels=(7,), level_name="counts")
    study = selection([qvar.Candidate("rate", rate, 1, n_operations=20)], data, seeds=1, folds=0)
    (row,) = rows_of(study)
    counts = study.data["data"].sample(0, 7).y
    assert row["theta"] == pytest.approx([np.log(counts.mean() / 7)], abs=1e-6)
    assert row["true_error"] == row["test_error"] == pytest.approx(abs(counts.mean() / 7 - 3.0), abs=1e-5)
    assert row["operations"] == 20


def test_several_data_have_tasks_of_their_own() -> None:
    study = selection(data={"few": simulated(levels=(4,)), "many": simulated(levels=(4,), test=(X, X))})
    tasks = study.tasks()
    assert [task.label for task in tasks] == [
        f"{data}, {model}, 4 shots" for model in ("constant", "line") for data in ("few", "many")
    ]
    assert len({task.key for task in tasks}) == 4


def test_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match=r"`levels` must hold different positive integers, but is \(0,\)"):
        simulated(levels=(0,))
    with pytest.raises(qvar.QvarError, match="`noise` must be positive"):
        simulated(noise=np.zeros(10))
    with pytest.raises(qvar.QvarError, match="`noise` must be numbers or 'poisson', but is 'gauss'"):
        simulated(noise="gauss")
    with pytest.raises(qvar.QvarError, match=r"`groups` must be 10 labels of at least two groups, but is \[1, 2\]"):
        simulated(groups=[1, 2])
    with pytest.raises(qvar.QvarError, match="`folds` must be 0, or from 2 to the 10 values, but is 11"):
        selection(folds=11)
    with pytest.raises(qvar.QvarError, match="`candidates` must hold at least one"):
        selection([])
    with pytest.raises(qvar.QvarError, match=r"`data` must be qvar\.SimulatedData or"):
        selection(data={"a": X})
