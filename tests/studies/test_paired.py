"""Ways to train, compared seed by seed: rows against trainings by hand, verdicts against counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

import qvar
from qvar.analysis.paired import PairedRow
from qvar.analysis.rows import typed
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.reports import report_of, summary_text


def test_distilled_and_plain_start_at_the_same_points(h2: qvar.Problem) -> None:
    """The row of a seed is that of both trainings by hand."""
    student = qvar.hardware_efficient(h2, layers=1).with_start("uniform")
    teacher, budget = qvar.ground_state(h2), qvar.Budget(gradients=60)
    ways = [
        qvar.Way("plain", student),
        qvar.Way("taught", student, recipe=qvar.Distillation(teacher, weight=0.5), against="plain"),
    ]
    study = qvar.Paired(h2, ways, seeds=2, budget=budget, fisher_samples=1)
    assert {"hinton2015", "haug2021"} <= set(study.citations)
    rows = [row for task in study.tasks() for row in task.run(lambda progress: None)]
    assert [row["contender"] for row in rows] == ["plain", "plain", "taught", "taught"]
    import jax

    own = qvar.distil(student, teacher, h2, weight=0.5, key=jax.random.key(7), budget=budget)  # another start
    assert own.infidelity < 1e-6
    from qvar.studies.recipes import Distillation

    training = study.trainings()[1][1]
    lesson = Distillation(teacher, weight=0.5).lesson(training)
    keys = jax.numpy.stack([jax.random.key(seed) for seed in range(2)])  # they draw the search for saddles, too
    starts = np.stack([np.asarray(lesson.energy.initial(key)) for key in keys])
    firsts = qvar.minimize_batch(lesson.matching, starts, keys=keys, budget=budget)
    middle = np.stack([np.asarray(one.theta) for one in firsts])
    first, second = firsts[0], qvar.minimize_batch(lesson.energy, middle, keys=keys, budget=budget)[0]
    assert rows[2]["value"] == pytest.approx(second.value, abs=1e-9)
    assert rows[2]["energy_evaluations"] == first.energy_evaluations + second.energy_evaluations
    assert rows[2]["matched_evaluations"] == first.energy_evaluations
    assert rows[0]["start_value"] == rows[0]["trace_value"][0]
    assert rows[2]["start_value"] == pytest.approx(rows[0]["start_value"], abs=1e-12)
    correlation = h2.reference_energy - h2.exact_energy()
    share = (h2.reference_energy - rows[2]["start_value"]) / correlation
    assert rows[2]["start_recovered"] == pytest.approx(share, abs=1e-9)
    table = typed(qvar.analysis.paired_table(ledger_from(rows)), PairedRow)
    shares = [row["start_recovered"] for row in rows[:2]]
    assert table[0].start_recovered == table[1].start_recovered == pytest.approx(np.median(shares))
    arrivals = [row["evaluations_to_tolerance"] or np.inf for row in rows[:2]]
    middle = float(np.median(arrivals))
    assert table[0].arrival == (middle if np.isfinite(middle) else None)
    assert rows[2]["trace_evaluations"][0] > first.energy_evaluations
    assert rows[2]["infidelity"] == pytest.approx(float(lesson.infidelity.loss(second.theta)), abs=1e-12)
    assert rows[0]["fisher_rank"] == rows[2]["fisher_rank"] > 0
    assert [row["against"] for row in rows] == ["", "", "plain", "plain"]


def test_restarts_keep_the_lowest_of_starts_that_share_a_budget() -> None:
    import jax

    problem = qvar.tfim(4, periodic=True)
    circuit = qvar.hardware_efficient(problem, layers=1, rotations=("RY",)).with_start("uniform")
    ways = [qvar.Way("plain", circuit), qvar.Way("more", circuit, recipe=qvar.Restarts(n_starts=3), against="plain")]
    study = qvar.Paired(problem, ways, seeds=2, budget=qvar.Budget(gradients=60))
    plain, rows = (task.run(lambda progress: None) for task in study.tasks())
    assert [row["recipe"] for row in rows] == ["restarts"] * 2
    assert "recipe" not in plain[0]
    objective = study.trainings()[1][1].objective()
    for seed, row in enumerate(rows):
        keys = [jax.random.key(seed), *(jax.random.fold_in(jax.random.key(seed), at) for at in (4, 5))]
        budget = qvar.Budget(gradients=20)
        alone = [qvar.minimize(objective, objective.initial(key), key=key, budget=budget) for key in keys]
        lowest = min(alone, key=lambda result: result.value)
        assert row["value"] == pytest.approx(lowest.value, abs=1e-9)
        assert row["energy_evaluations"] == sum(result.energy_evaluations for result in alone) <= 66
        np.testing.assert_allclose(row["trace_value"], np.minimum.accumulate(row["trace_value"]))
        assert row["trace_value"][-1] == pytest.approx(row["value"], abs=1e-9)
        assert row["trace_value"][0] == plain[seed]["trace_value"][0]  # the first one is the start of the seed
    with pytest.raises(qvar.QvarError, match="`n_starts` must be at least 2, but is 1"):
        qvar.Restarts(n_starts=1)


def rows_of(name: str, errors: list[float], against: str = "", evaluations: int = 10) -> list[dict[str, Any]]:
    return [
        {
            "problem": "H4", "contender": name, "family": "generic", "n_params": 8, "seed": seed, "unit": "Ha",
            "status": "converged", "value": -2.0 + error, "reference": -2.0, "error": error, "against": against,
            "gradient_evaluations": evaluations, "energy_evaluations": evaluations, "minimum": seed % 2,
        }
        for seed, error in enumerate(errors)
    ]  # fmt: skip


def test_verdicts_and_intervals() -> None:
    base = [0.01] * 12
    rows = [
        *rows_of("base", base),
        *rows_of("better", [0.001] * 12, "base", evaluations=20),
        *rows_of("worse", [0.02] * 12, "base"),
        *rows_of("mixed", [0.001, 0.02] * 6, "base"),
        *rows_of("same", base, "base"),
    ]
    ledger = ledger_from(rows)
    table = {row.contender: row for row in typed(qvar.analysis.paired_table(ledger), PairedRow)}
    assert [table[name].verdict for name in ("base", "better", "worse", "mixed", "same")] == [
        "", "helped", "hurt", "undecided", "undecided",
    ]  # fmt: skip
    better = table["better"]
    interval = binomtest(12, 12).proportion_ci(method="exact")
    few = ledger_from([*rows_of("base", base[:4]), *rows_of("better", [0.001] * 4, "base")])
    assert qvar.analysis.paired_table(few)["verdict"].tolist() == ["", "undecided"]  # 4 of 4: p = 1/8
    assert (better.share_low, better.share_high) == pytest.approx((interval.low, interval.high))
    assert (better.better, better.worse, better.equal, better.successes) == (12, 0, 0, 12)
    assert better.change == pytest.approx(-0.009)
    assert better.evaluations_ratio == pytest.approx(2.0)
    assert (table["same"].equal, table["mixed"].better, table["mixed"].worse) == (12, 6, 6)
    mixed = table["mixed"]
    changes = np.array([-0.009, 0.01] * 6)
    half = 1.96 * changes.std() / np.sqrt(12)
    assert mixed.change_low == pytest.approx(changes.mean() - half, abs=0.002)
    assert mixed.change_high == pytest.approx(changes.mean() + half, abs=0.002)
    text = " ".join(summary_text(ledger, "paired").split())
    assert "better ended lower than base in 12 of 12 seeds that differ: it helped (95 % interval" in text
    assert "same ended as base did in all 12 seeds: undecided." in text
    assert report_of(ledger).study == "paired"


def test_depths_of_plain_trainings_have_thresholds_and_pictures() -> None:
    """Rank 4 from two layers on; the trainings with a recipe are none of the depths."""
    rows = []
    for layers, rank, error in ((1, 2, 0.4), (2, 4, 1e-5), (3, 4, 1e-5)):
        more = {"series": "hva", "layers": layers, "fisher_rank": rank, "fisher_rank_bound": 15, "tolerance": 1e-2}
        rows += [
            row | more for row in rows_of(f"hva x{layers}", [error] * 12, "" if layers == 1 else f"hva x{layers - 1}")
        ]
        rows += [row | more | {"recipe": "regularized"} for row in rows_of(f"hva x{layers} Adam", [0.3] * 12)]
    ledger = ledger_from(rows, qvar.Paired.columns)
    text = " ".join(summary_text(ledger, "paired").split())
    assert (
        "hva: overparametrized from 2 layers (8 parameters) on, where the rank stays at 4. Training is reliable" in text
    )
    drawings, missing = report_of(ledger, "paired").drawings(ledger, trace_from(rows))
    assert {"verdicts", "capacity", "error_vs_layers"} <= {drawing.name for drawing in drawings}
    assert not missing
    axes = drawings[0].figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["hva x2 against hva x1", "hva x3 against hva x2"]
    assert {words.get_text() for words in axes.texts} == {"12 of 12", "all equal"}


def test_many_verdicts_are_lists() -> None:
    base = [0.01] * 12
    rows = rows_of("base", base)
    for name, errors in (
        ("better", [0.001] * 12),
        ("worse", [0.02] * 12),
        ("mixed", [0.001, 0.02] * 6),
        ("same", base),
    ):
        for copy in range(4):
            rows += rows_of(f"{name} {copy}", errors, "base")
    text = " ".join(summary_text(ledger_from(rows), "paired").split())
    assert "Helped: better 0 (12 of 12), better 1 (12 of 12)" in text
    assert "Hurt: worse 0 (0 of 12), " in text
    assert "Undecided: mixed 0 (6 of 12), " in text
    assert "Undecided, for all seeds end alike: same 0, same 1, same 2, same 3." in text


def test_mistakes(h2: qvar.Problem, h4: qvar.Problem) -> None:
    student = qvar.uccsd(h2)
    with pytest.raises(qvar.QvarError, match="`against` must be the name of another way, but is 'x' for a"):
        qvar.Paired(h2, [qvar.Way("a", student, against="x")])
    with pytest.raises(qvar.QvarError, match=r"`ways` must hold at least one qvar\.Way"):
        qvar.Paired(h2, [])
    recipe = qvar.Distillation(qvar.ground_state(h4))
    with pytest.raises(qvar.QvarError, match="`teacher_state` must have one of the shapes"):
        qvar.Paired(h2, [qvar.Way("a", student, recipe=recipe)])
