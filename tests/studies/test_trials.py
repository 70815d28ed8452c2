"""Experiments that are functions of a seed, compared with each other seed by seed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import qvar
from qvar.analysis.paired import PairedRow
from qvar.analysis.rows import typed
from qvar.report.reports import report_of, summary_text
from qvar.report.trials import TRIALS


def noisy(seed: int, *, mean: float, fails: bool = False) -> dict:
    if fails and seed == 1:
        raise ValueError("no data")
    error = mean + 0.01 * np.random.default_rng(seed).standard_normal()
    return {"test_error": error, "train_error": mean, "n_params": 10, "expected": mean, "bits": 320}


def study(**more) -> qvar.Trials:
    one = qvar.Trial("a", "generic", partial(noisy, mean=1.0), data="d", line="l", distance=0.1)
    trials = [
        one,
        qvar.Trial("b", "constrained", partial(noisy, mean=0.5), data="d", line="l", distance=1.0, against="a"),
        qvar.Trial("c", "constrained", partial(noisy, mean=1.5, fails=True), data="d", distance=2.0, against="a"),
    ]
    return qvar.Trials(trials, **{"seeds": 7, "axis": "size", "mark": 1.0, "papers": ("belkin2019",)} | more)


def test_trials_are_compared_seed_by_seed(tmp_path: Path) -> None:
    ledger = qvar.run(study(), out=tmp_path / "run", progress=False)
    assert ledger["status"].value_counts().to_dict() == {"trained": 20, "failed": 1}
    assert ledger["message"].dropna().tolist() == ["ValueError: no data"]
    rows = {row.contender: row for row in typed(qvar.analysis.paired_table(ledger, column="test_error"), PairedRow)}
    assert [rows[name].verdict for name in "abc"] == ["", "helped", "hurt"]
    assert (rows["b"].better, rows["c"].worse, rows["c"].pairs) == (7, 6, 6)
    assert rows["b"].change == pytest.approx(-0.5)
    assert rows["b"].share_low == pytest.approx(0.025 ** (1 / 7))  # Clopper and Pearson, 7 of 7
    assert report_of(ledger).study == "trials"
    text = " ".join(summary_text(ledger, "trials").split())
    assert "b ended lower than a in 7 of 7 seeds that differ: it helped" in text
    assert "1/7" in text  # failed
    drawings, _ = TRIALS.drawings(ledger, ledger)
    assert [drawing.name for drawing in drawings] == ["error_along"]
    panels = drawings[0].figure.axes
    assert [panel.get_xlabel() for panel in panels] == ["size", "number of parameters", "bits of all parameters"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "dotted vertical line" in page


def test_many_comparisons_have_sentences_along_a_line_alone(tmp_path: Path) -> None:
    run = partial(noisy, mean=1.0)
    trials = [qvar.Trial(f"a{k}", "generic", run, line="a", against=f"a{k - 1}" if k else "") for k in range(6)]
    trials += [qvar.Trial(f"b{k}", "constrained", run, line="b", against=f"a{k}") for k in range(6)]
    text = summary_text(qvar.run(qvar.Trials(trials, seeds=2), out=tmp_path / "run", progress=False), "trials")
    words = " ".join(text.split())
    assert "a1 ended as a0 did in all 2 seeds" in words
    assert "b1 ended as" not in words


def test_a_key_is_of_the_settings_and_of_the_file() -> None:
    keys = [task.key for task in study().tasks()]
    assert keys == [task.key for task in study().tasks()]
    assert len({*keys, *(task.key for task in study(seeds=2).tasks()), *(t.key for t in study(mark=2.0).tasks())}) == 9
    trial = qvar.Trial("a", "generic", partial(noisy, mean=2.0), data="d", line="l", distance=0.1)
    other = qvar.Trials([trial], seeds=7, axis="size", mark=1.0)
    assert other.tasks()[0].key != keys[0]


def test_outcomes_must_be_numbers() -> None:
    def row(outcome) -> dict:
        (task,) = qvar.Trials([qvar.Trial("a", "generic", lambda seed: outcome)], seeds=1).tasks()
        return task.run(lambda progress: None)[0]

    assert row({"test_error": float("nan")})["status"] == "not_finite"
    assert "`run` must return test_error and any of bits, expected, n_params" in row({"error": 1.0})["message"]
    assert row(3.0)["status"] == row({"test_error": None})["status"] == "failed"


def test_mistakes() -> None:
    trial = qvar.Trial("a", "generic", partial(noisy, mean=1.0))
    with pytest.raises(qvar.QvarError, match="`trials` must hold at least one"):
        qvar.Trials([])
    with pytest.raises(qvar.QvarError, match="`trials` must have different names"):
        qvar.Trials([trial, trial])
    with pytest.raises(qvar.QvarError, match="`against` must be the name of another trial, but is 'x' for b"):
        qvar.Trials([trial, qvar.Trial("b", "generic", trial.run, against="x")])
    with pytest.raises(qvar.QvarError, match="`seeds` must be at least 1"):
        qvar.Trials([trial], seeds=0)
    with pytest.raises(qvar.QvarError, match="`papers` must be keys of"):
        qvar.Trials([trial], papers=("nobody1900",))
