"""The study of circuits that are made smaller: its ledger, recipes of several steps, its report, bad input."""

from typing import Any

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.analysis.paths import listed_steps


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
    first, second = (listed_steps("compression", text) for text in ledger["compression"])
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


def test_a_student_learns_what_pruning_left(h4: qvar.Problem, tmp_path: Any) -> None:
    student = qvar.kupccgsd(h4, layers=1)
    recipes = [[qvar.Pruning("obs", keep=16, per_step=None), qvar.Distilling(student, n_starts=2)]]
    study = qvar.Compression(h4, [qvar.uccsd(h4).with_start("zero")], recipes)
    assert "hinton2015" in study.citations
    ledger = qvar.run(study, tmp_path / "run", progress=False)
    steps = listed_steps("compression", ledger["compression"][0])
    assert [(step["action"], step["parameters"]) for step in steps] == [("start", 26), ("prune", 16), ("distil", 18)]
    assert steps[-1]["cnots"] == student.resources().two_qubit_gates
    assert steps[-1]["rise"] == pytest.approx(steps[-1]["value"] - steps[-2]["value"], abs=1e-12)
    theta = qvar.load(tmp_path / "run").parameters(ledger["contender"][0], seed=0)
    assert float(qvar.energy(h4, student).loss(theta)) == pytest.approx(ledger["value"][0], abs=1e-10)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "error_vs_what_is_left" not in page  # one recipe is no front


def test_pruning_leaves_neighbours_that_fuse() -> None:
    """RZ keeps an angle of zero, for the Hamiltonian is real; without it two RY are one."""

    def quantum_function(theta: Any) -> None:
        qml.RY(theta[0], wires=0)
        qml.RZ(theta[1], wires=0)
        qml.RY(theta[2], wires=0)
        qml.RY(theta[3], wires=1)
        qml.CNOT(wires=[0, 1])

    problem = qvar.tfim(2)
    ansatz = qvar.Ansatz.from_circuit(quantum_function, 2, 4).with_start("gaussian")
    study = qvar.Compression(problem, [ansatz], [[qvar.Pruning("angle", keep=3), qvar.Fusing()]])
    (row,) = study.tasks()[0].run(lambda progress: None)
    before, after = listed_steps("compression", row["compression"])[1:]
    assert [(step["action"], step["parameters"]) for step in (before, after)] == [("prune", 3), ("fuse", 2)]
    assert after["value"] == pytest.approx(before["value"], abs=1e-12)
    assert after["evaluations"] == before["evaluations"] + 1
    assert after["t_gates"] == before["t_gates"] * 2 // 3
    assert (row["n_params"], len(row["theta"])) == (2, 2)
    assert row["contender"] == "quantum_function: prune angle, fuse"


def test_a_front_of_several_recipes(h4: qvar.Problem, tmp_path: Any) -> None:
    recipes = [qvar.Pruning(rule, keep=keep, per_step=None) for rule, keep in (("angle", 14), ("energy", 10))]
    ledger = qvar.run(
        qvar.Compression(h4, [qvar.uccsd(h4).with_start("zero")], [*recipes, qvar.Rounding(8)]),
        tmp_path / "run",
        progress=False,
    )
    assert len(ledger) == 3
    assert (tmp_path / "run" / "plots" / "error_vs_what_is_left.png").exists()
    assert "What is left after each recipe" in (tmp_path / "run" / "report.html").read_text()


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
