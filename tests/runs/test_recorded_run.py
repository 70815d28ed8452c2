"""`qvar.load`: parameters, problem and ansatz of a run, in the process that made it and in another one."""

import json
from pathlib import Path

import pandas as pd
import pytest
from forks import Forks

import qvar
from qvar.cli.main import main

CASE = '''
import qvar


def case(bond: float = 0.8, layers: tuple[int, ...] = (2,), seeds: int = 2) -> qvar.Duel:
    """A circuit and UCCSD on the hydrogen molecule."""
    problem = qvar.hydrogen_chain(2, bond=bond)
    ry = qvar.Contender("ry", "generic", qvar.hardware_efficient, layers=layers)
    return qvar.Duel(problem, [ry, qvar.uccsd], seeds=seeds, budget=qvar.Budget(gradients=15))
'''

READ = """
import json, sys
import qvar

run = qvar.load(sys.argv[1])
energies = {}
for contender in ("ry x2", "uccsd"):
    objective = qvar.energy(run.problem(), run.ansatz(contender))
    energies[contender] = [float(objective.loss(run.parameters(contender, seed=seed))) for seed in range(2)]
print(json.dumps(energies))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "case.py").write_text(CASE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("qvar.report.page.write_report", lambda loaded: loaded.folder.report.touch())
        words = ("run", str(folder / "case.py"), "--bond", "0.9", "--out", str(folder / "r"), "--no-progress")
        assert main(words) == 0
    return folder / "r"


def test_energies_of_recorded_parameters_in_another_process(run: Path, forks: Forks) -> None:
    done = forks.run(READ, str(run))
    assert done.returncode == 0, done.stderr
    energies = json.loads(done.stdout)
    ledger = pd.read_parquet(run / "ledger.parquet")
    assert len(ledger) == 4
    for row in ledger.itertuples():
        assert energies[row.contender][row.seed] == pytest.approx(row.value, abs=1e-10)  # pyright: ignore
    assert "theta" not in ledger
    assert "theta" not in (run / "ledger.csv").read_text().splitlines()[0]


def test_what_cannot_be_given_back_is_a_sentence(run: Path, tmp_path: Path) -> None:
    record = qvar.load(run)
    assert record.parameters("uccsd", seed=1, method="lbfgs").shape == (3,)
    for call, sentence in (
        (lambda: record.parameters("uccsd", seed=9), "`contender` must fit one row of the ledger with contender uccsd"),
        (lambda: record.parameters("uccsd", colour=1), "`colour` must be a column of the ledger"),
        (lambda: record.ansatz("hva"), "`contender` must fit one training of the study, but contender hva fits 0"),
        (lambda: record.problem(coordinate=1.0), "`columns` must fit one problem, but coordinate 1.0 has 0"),
        (lambda: qvar.load(tmp_path / "none"), "`RUN` must be the folder of a run"),
    ):
        with pytest.raises(qvar.QvarError, match=f"^{sentence}"):
            call()
    path = Path(record.case["case"])
    text = path.read_text()
    path.write_text(text.replace("gradients=15", "gradients=16"))
    with pytest.raises(qvar.QvarError, match=r"must make the tasks of .*, but was changed, or so was qvar"):
        record.problem()
    path.write_text(text)
