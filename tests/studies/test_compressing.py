"""The study of circuits that are made smaller: its ledger, recipes of several steps, its report, bad input."""

from typing import Any

import numpy as np
import pytest

import qvar
from qvar.studies.compressing import compression_steps


def test_pruning_then_rounding_in_one_report(h4: qvar.Problem, tmp_path: Any) -> None:
    ansatz = qvar.uccsd(h4).with_start("zero")
    study = qvar.Compression(
        h4,
        [ansatz],
        [qvar.Pruning("obs", max_rise=1e-6), [qvar.Pruning("obs", keep=10), qvar.Rounding(10, samples=20)]],
    )
    assert [task.label for task in study.tasks()] == [
        "uccsd: prune obs, seed 0",
        "uccsd: prune obs, round to 10 bits, seed 0",
    ]
    assert {"hassibi1993", "jacob2018", "bartlett1989"} <= set(study.citations)
    path = tmp_path / "run"
    ledger = qvar.run(study, path, progress=False)
    assert ledger["n_params"].tolist() == [14, 10]
    assert ledger["circuit"].tolist() == ["uccsd", "uccsd"]
    first, second = (compression_steps(text) for text in ledger["compression"])
    assert [step["parameters"] for step in first] == list(range(26, 13, -1))
    assert abs(first[-1]["value"] - ledger["trained_value"][0]) < 1e-6
    assert [step["action"] for step in second] == ["start", *["prune"] * 16, "round"]
    assert second[-1]["bits"] == 10
    mean, low, high = second[-1]["sampled_rise"]
    assert low < mean < high
    assert np.all(np.diff([step["evaluations"] for step in second]) > 0)
    page = (path / "report.html").read_text()
    assert "Parameters, CNOTs and T gates within a loss" in page
    assert "14 / 186 / 8800" in page
    assert "Rise by rounding" in page
    for picture in ("error_vs_compression", "rise_vs_bits"):
        assert (path / "plots" / f"{picture}.png").exists()
    loaded = qvar.load(path)
    theta = loaded.parameters("uccsd: prune obs, round to 10 bits", seed=0)
    assert np.allclose(theta / (2 * np.pi / 1024), np.round(theta / (2 * np.pi / 1024)), atol=1e-9)


def test_an_error_is_a_row(h4: qvar.Problem) -> None:
    study = qvar.Compression(h4, [qvar.uccsd(h4)], [qvar.Pruning("obs", keep=40)], budget=qvar.Budget(gradients=2))
    (task,) = study.tasks()
    (row,) = task.run(lambda progress: None)
    assert row["status"] == "failed"
    assert row["message"] == "QvarError: `keep` must be below the 26 parameters of uccsd, but is 40."


def test_mistakes(h4: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"`recipes` must hold at least one recipe, such as qvar.Pruning\('obs'\)"):
        qvar.Compression(h4, [qvar.uccsd], [])
    with pytest.raises(qvar.QvarError, match=r"`contenders` must hold ansätze to make smaller"):
        qvar.Compression(h4, [qvar.energy(h4, qvar.uccsd(h4))], [qvar.Pruning("obs", keep=4)])
    with pytest.raises(qvar.QvarError, match="`recipes` must"):
        qvar.Compression(h4, [qvar.uccsd], [qvar.Pruning("obs", keep=4), qvar.Pruning("obs", keep=5)])
    with pytest.raises(qvar.QvarError, match="`bits` must be at least 1, but is -1"):
        qvar.Rounding(-1)
