"""The same circuits in several basis sets."""

from pathlib import Path
from typing import Any

import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.analysis.rankings import ranking_summary
from qvar.records.run_folder import load
from qvar.report.ranking import verdict
from qvar.report.reports import report_of, summary_text

H2 = "H 0 0 0; H 0 0 0.7414"
LIMIT = -1.174475


def _ry(problem: qvar.Problem) -> qvar.Ansatz:
    def turn(theta: Any) -> None:
        for wire in range(problem.n_qubits):
            qml.RY(theta[wire], wire)

    return qvar.Ansatz.from_circuit(
        turn, n_qubits=problem.n_qubits, n_params=problem.n_qubits, name="ry", family="generic"
    )


@pytest.fixture(scope="module")
def study() -> qvar.Ranking:
    problems = {"STO-3G": qvar.molecule(H2), "STO-6G": qvar.molecule(H2, basis="sto-6g")}
    baselines = {"CASSCF(2,2)": -1.15}
    return qvar.Ranking(
        problems, [qvar.uccsd, _ry], limit=LIMIT, baselines=baselines, seeds=2, budget=qvar.Budget(gradients=60)
    )


@pytest.fixture(scope="module")
def folder(study: qvar.Ranking, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "ranking"
    qvar.run(study, out)
    return out


def test_rows_are_those_of_duels_counted_from_one_limit(study: qvar.Ranking, folder: Path) -> None:
    ledger = load(folder).ledger
    assert len(study.tasks()) == 5
    assert len(ledger) == 2 * 2 * 2 + 1
    for setting, problem in study.problems.items():
        rows = ledger[(ledger["setting"] == setting) & (ledger["contender"] == "uccsd")]
        np.testing.assert_allclose(rows["value"], problem.exact_energy(), atol=1e-8)
        np.testing.assert_allclose(rows["reference"], problem.exact_energy(), atol=1e-10)
        np.testing.assert_allclose(rows["limit_error"], problem.exact_energy() - LIMIT, atol=1e-8)
    (baseline,) = ledger[ledger["setting"] == "baseline"].to_dict("records")
    assert baseline["limit_error"] == pytest.approx(-1.15 - LIMIT)
    assert (baseline["status"], baseline["n_params"]) == ("measured", 0)


def test_keys_depend_on_inputs_alone(study: qvar.Ranking) -> None:
    keys = [task.key for task in study.tasks()]
    assert len(set(keys)) == len(keys)
    again = qvar.Ranking(
        study.problems,
        study.contenders,
        limit=LIMIT,
        baselines=study.baselines,
        seeds=2,
        budget=qvar.Budget(gradients=60),
    )
    assert [task.key for task in again.tasks()] == keys
    moved = qvar.Ranking(
        study.problems, study.contenders, limit=0.0, baselines={}, seeds=2, budget=qvar.Budget(gradients=60)
    )
    assert not set(keys) & {task.key for task in moved.tasks()}


def test_the_table_ranks_within_each_setting(folder: Path) -> None:
    ledger = load(folder).ledger
    summary = ranking_summary(ledger)
    assert list(summary["setting"]) == ["STO-3G", "STO-3G", "STO-6G", "STO-6G", "baseline"]
    assert list(summary["contender"][:2]) == ["uccsd", "ry"]  # products of single qubits have Hartree-Fock at best
    assert list(summary["rank"][:4]) == [1, 2, 1, 2]
    text = summary_text(ledger)
    assert "The order of the circuits is the same in all 2 settings." in text.replace("\n", " ")
    assert max(map(len, text.splitlines())) <= 80
    assert report_of(ledger).words.startswith("Generic")
    assert "CASSCF(2,2)" in (folder / "report.html").read_text()
    assert (folder / "plots" / "energy_by_setting.png").stat().st_size > 5000


def test_a_changed_order_is_reported(folder: Path) -> None:
    summary = ranking_summary(load(folder).ledger)
    summary.loc[2:3, "rank"] = [2, 1]
    assert verdict(summary) == ("The order of the circuits changes from that in STO-3G: in STO-6G ry before uccsd.")
    assert verdict(summary[summary["setting"] == "STO-3G"]) == ""


def test_a_circuit_that_cannot_be_made_somewhere_is_a_row(tmp_path: Path) -> None:
    def picky(problem: qvar.Problem) -> qvar.Ansatz:
        if "sto-6g" in problem.name:
            raise qvar.QvarError("`problem` must be another one.")
        return qvar.uccsd(problem)

    problems = {"STO-3G": qvar.molecule(H2), "STO-6G": qvar.molecule(H2, basis="sto-6g")}
    table = qvar.run(qvar.Ranking(problems, [picky], seeds=1, budget=qvar.Budget(gradients=20)), tmp_path / "run")
    assert list(table["status"]) == ["converged", "failed"]
    assert table["message"].iloc[1] == "QvarError: `problem` must be another one."
    assert table["limit_error"].isna().all()


def test_mistakes_are_one_sentence() -> None:
    with pytest.raises(qvar.QvarError, match=r"^`problems` must hold at least one setting"):
        qvar.Ranking({}, [qvar.uccsd])
    with pytest.raises(qvar.QvarError, match=r"^`contenders` must hold at least one function"):
        qvar.Ranking({"a": qvar.tfim(2)}, [])
    with pytest.raises(qvar.QvarError, match=r"^`limit` must be finite"):
        qvar.Ranking({"a": qvar.tfim(2)}, [qvar.uccsd], limit=float("nan"))
