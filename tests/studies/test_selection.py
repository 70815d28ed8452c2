"""Models of rising size: what is preferred at few and at many shots."""

from __future__ import annotations

import numpy as np
import pytest

import qvar
from qvar.analysis.rows import typed
from qvar.analysis.selection import SelectionRow, crossings, selection_table
from qvar.records.run_tables import ledger_from
from qvar.report.reports import report_of, summary_text

X = np.linspace(-1.0, 1.0, 10)


def constant(theta, x):
    return theta[0] + 0.0 * x


def line(theta, x):
    return theta[0] + theta[1] * x


def selection(**more) -> qvar.Selection:
    models = [qvar.Candidate("constant", constant, 1), qvar.Candidate("line", line, 2)]
    settings = {"one_shot": np.ones(10), "shots": (4, 10_000), "seeds": 3, "folds": 2, "n_starts": 1} | more
    return qvar.Selection(models, X, 1.0 + 0.2 * X, **settings)


def test_a_slope_pays_if_there_are_enough_shots() -> None:
    """Least squares in closed form gives the criteria, and the crossing is where the slope exceeds its error."""
    study = selection()
    rows = [row for task in study.tasks() for row in task.run(lambda progress: None)]
    ledger = ledger_from(rows)
    y, noise = study.measured(1, 4)
    row = next(one for one in rows if one["model"] == "line" and one["shots"] == 4 and one["seed"] == 1)
    design = np.stack([np.ones(10), X], axis=1)
    best, *_ = np.linalg.lstsq(design, y, rcond=None)
    cost = np.sum(((y - design @ best) / noise) ** 2) + np.sum(np.log(2 * np.pi * noise**2))
    assert row["aic"] == pytest.approx(cost + 4, abs=1e-6)
    assert row["bic"] == pytest.approx(cost + 2 * np.log(10), abs=1e-6)
    assert row["true_error"] == pytest.approx(np.sqrt(np.mean((design @ best - 1.0 - 0.2 * X) ** 2)), abs=1e-6)
    folds = np.random.default_rng([1, 0]).permutation(10) % 2
    outside = np.empty(10)
    for fold in (0, 1):
        part, *_ = np.linalg.lstsq(design[folds != fold], y[folds != fold], rcond=None)
        outside[folds == fold] = design[folds == fold] @ part
    assert row["cv_error"] == pytest.approx(np.sqrt(np.mean(((y - outside) / noise) ** 2)), abs=1e-5)
    table = {(one.model, one.shots): one for one in typed(selection_table(ledger), SelectionRow)}
    assert table["line", 10_000].bic == table["line", 10_000].true_error == table["line", 10_000].seeds == 3
    crossed = {one.criterion: one for one in crossings(selection_table(ledger))}
    assert (crossed["bic"].model, crossed["bic"].preferred) == ("line", 3)
    assert report_of(ledger).study == "selection"
    text = " ".join(summary_text(ledger, "selection").split())
    assert "By BIC, line (2 parameters) or a larger model is preferred from 10000 shots on: in 3 of 3" in text


def test_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match=r"`shots` must hold different positive integers, but is \(0,\)"):
        selection(shots=(0,))
    with pytest.raises(qvar.QvarError, match="`folds` must be from 2 to the 10 values, but is 11"):
        selection(folds=11)
    with pytest.raises(qvar.QvarError, match="`one_shot` must be positive"):
        selection(one_shot=np.zeros(10))
    with pytest.raises(qvar.QvarError, match="`candidates` must hold at least one"):
        qvar.Selection([], X, X, one_shot=np.ones(10), shots=(1,))
