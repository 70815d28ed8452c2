"""Table, pictures and page of a comparison of basis sets, from ledgers made up by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qvar.analysis.basis_sets import basis_table, floor
from qvar.analysis.rows import known, records
from qvar.basis.basis_duel import BasisDuel
from qvar.records.run_folder import load
from qvar.records.run_tables import ledger_from, trace_from
from qvar.report.basis import BASIS, sentences
from qvar.report.page import write_report
from qvar.report.plots.write import write_plots
from qvar.report.reports import rows_text, summary_text
from qvar.runs.runner import run
from qvar.task import Row, Task, task_key

LIMIT = -10.0
KINDS = {
    "free 6s": ("generic", 6, 6, 12, [-9.9, -9.9 + 2e-7, -9.85]),
    "even-tempered 6s": ("constrained", 2, 6, 12, [-9.88, -9.88, -9.88]),
    "Legendre 3 6s": ("constrained", 3, 6, 12, [-9.899, -9.899, -9.899]),
    "lost": ("generic", 4, 4, 8, [None, None, None]),
}
"""Name -> family, parameters, primitives, qubits, lowest energies of the starts."""
PUBLISHED = {"small": (6, 4, 9, -9.8), "larger": (8, 12, 15, -9.95)}
"""Name -> primitives, qubits, numbers, energy."""


def _set(n_primitives: int, n_qubits: int, **more: Any) -> Row:
    return {
        "n_primitives": n_primitives,
        "n_functions": n_qubits // 2,
        "n_qubits": n_qubits,
        "n_numbers": n_primitives,
        "condition_number": 1234.5,
        "smallest_ratio": 2.5,
        "virial_ratio": 1.99999,
        "spherical": True,
        "exponents": json.dumps({"X s": [1.0, 2.5]}),
        "basis_set": "X    S\n  1.0  1.0\n",
        **more,
    }


def fitted_rows(name: str, limit: float | None = LIMIT, **changes: Any) -> list[Row]:
    family, n_params, n_primitives, n_qubits, values = KINDS[name]
    rows: list[Row] = []
    for start, value in enumerate(values):
        row: Row = {
            "problem": "X rhf",
            "contender": name,
            "family": family,
            "engine": "pyscf",
            "n_params": n_params,
            "seed": start,
            "method": "lbfgs",
            "reference": limit,
            "unit": "Ha",
        }
        if value is None:
            rows.append({**row, "status": "failed", "message": "RuntimeError: no energy"})
            continue
        rows.append(
            {
                **row,
                "status": "converged",
                "value": value,
                "error": None if limit is None else value - limit,
                "gradient_evaluations": 10 * (start + 1),
                "wall_s": 1.0,
                **_set(n_primitives, n_qubits),
                "trace_step": [0, 1],
                "trace_value": [-9.0, value],
                "trace_gradient_norm": [1.0, 0.1],
                "trace_evaluations": [1, 2],
                **changes,
            }
        )
    return rows


def published_row(name: str, limit: float | None = LIMIT, **changes: Any) -> Row:
    n_primitives, n_qubits, n_numbers, value = PUBLISHED[name]
    return {
        "problem": "X rhf",
        "contender": name,
        "family": "published",
        "engine": "pyscf",
        "n_params": 0,
        "status": "measured",
        "reference": limit,
        "value": value,
        "error": None if limit is None else value - limit,
        "unit": "Ha",
        "wall_s": 0.01,
        **_set(n_primitives, n_qubits, n_numbers=n_numbers),
        **changes,
    }


def all_rows(limit: float | None = LIMIT, **changes: Any) -> list[Row]:
    fitted = [row for name in KINDS for row in fitted_rows(name, limit, **changes)]
    return [*fitted, *(published_row(name, limit) for name in PUBLISHED)]


@dataclass(frozen=True)
class FakeStudy:
    columns = BasisDuel.columns

    rows: list[Row] = field(default_factory=all_rows)
    name: str = "basis"

    def tasks(self) -> list[Task]:
        return [Task(task_key({}), "all", lambda report: self.rows)]


def test_one_row_for_each_form() -> None:
    table = basis_table(ledger_from(all_rows()))
    rows = {row.label: row for row in records(table)}
    assert list(rows) == ["larger", "free 6s", "Legendre 3 6s", "even-tempered 6s", "small", "lost"]
    free = rows["free 6s"]
    assert (free.rank, free.starts, free.finite, free.reached, free.converged) == (2, 3, 3, 2, 3)
    assert (free.value, free.worst, free.error) == pytest.approx((-9.9, -9.85, 100.0))
    assert (free.evaluations, free.wall_s) == (20, 3.0)
    assert (rows["lost"].failed, rows["lost"].reached, rows["lost"].finite) == (3, 0, 0)
    assert not known(rows["lost"].value)
    assert rows["larger"].n_numbers == 15


def test_only_such_runs_are_taken_for_comparisons() -> None:
    assert BASIS.recognises(ledger_from(all_rows()))
    assert not BASIS.recognises(ledger_from([{k: v for k, v in row.items() if k != "basis_set"} for row in all_rows()]))


def test_errors_are_drawn_above_the_limit_or_the_lowest() -> None:
    assert floor(ledger_from(all_rows())) == LIMIT
    assert floor(ledger_from(all_rows(None))) == -9.95
    assert floor(ledger_from(all_rows(-9.93))) == -9.95  # energies lie below
    nothing = ledger_from(fitted_rows("lost", **_set(1, 2)))
    assert floor(nothing) != floor(nothing)
    table = basis_table(ledger_from(all_rows(-9.93)))
    first = next(iter(records(table)))
    assert (first.error, first.above) == pytest.approx((-20.0, 0.0))


def test_the_verdict() -> None:
    ledger = ledger_from(all_rows())
    lines = sentences(ledger, basis_table(ledger))
    assert lines[0] == (
        "The lowest energy of a fitted set is that of free 6s, -9.900000 Ha with 6 parameters, 100 mHa from the limit."
    )
    assert lines[1] == (
        "Free against constrained, 6 primitives on 12 qubits: beside free 6s (6 parameters) constraints give away: "
        "Legendre 3 6s 1 mHa (3 parameters), even-tempered 6s 20 mHa (2 parameters). Verdict: Legendre 3 6s does with "
        "3 parameters what takes free 6s 6, to within chemical accuracy (1.6 mHa)."
    )
    assert lines[2] == "With no more primitives (6) the lowest baseline is small, 100 mHa above free 6s."
    assert lines[3] == "With no more qubits (12) the lowest baseline is larger, 50 mHa below free 6s."
    assert lines[4] == (
        "8 of 12 starts ended in the lowest minimum that their form found: free 6s 2 of 3, lost 0 of 3, and all of the "
        "others."
    )
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("free", "verdict"),
    [
        (-9.95, "Verdict: no form of fewer parameters comes within chemical accuracy (1.6 mHa) of free 6s."),
        (
            -9.89,
            "Legendre 3 6s (3 parameters) ended 9 mHa below free 6s (6 parameters), whose starts did not find a set as "
            "low.",
        ),
    ],
)
def test_other_verdicts(free: float, verdict: str) -> None:
    rows = [row for name in ("even-tempered 6s", "Legendre 3 6s") for row in fitted_rows(name)]
    ledger = ledger_from([*rows, *fitted_rows("free 6s", value=free)])
    assert any(sentence.endswith(verdict) for sentence in sentences(ledger, basis_table(ledger)))
    two = [*rows, *fitted_rows("Legendre 3 6s", contender="Legendre 4 6s", n_params=4, value=-9.8995)]
    ledger = ledger_from([*two, *fitted_rows("free 6s", value=-9.9)])
    lines = " ".join(sentences(ledger, basis_table(ledger)))
    assert "Verdict: Legendre 3 6s does with 3 parameters" in lines  # the fewest of those that come close enough
    alone = ledger_from(rows)
    assert not any("Verdict" in sentence for sentence in sentences(alone, basis_table(alone)))


def test_broken_symmetry_is_reported() -> None:
    ledger = ledger_from(all_rows(-9.93, spherical=False))
    lines = sentences(ledger, basis_table(ledger))
    assert any(sentence.startswith("The density of the atom is not spherical") for sentence in lines)
    assert lines[-1] == "Below the limit -9.93 Ha ended: larger."
    text = summary_text(ledger)
    assert "not spherical" in text
    whole = ledger_from(all_rows())
    assert "spherical" not in summary_text(whole)


def test_terminal_tables_fit_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ledger = ledger_from(all_rows())
    summary, rows = summary_text(ledger), rows_text(ledger)
    assert max(map(len, [*summary.splitlines(), *rows.splitlines()])) <= 80
    lines = [line.split() for line in summary.splitlines()]
    assert ["2", "free", "6s", "6", "6", "12", "2/3", "100.00", "1230", "2.50", "2.0000"] in lines
    assert ["1", "larger", "0", "8", "12", "-", "50.00", "1230", "2.50", "2.0000"] in lines
    assert ["6", "lost", "4", "-", "-", "0/3", "-", "-", "-", "-"] in lines
    assert "lost: RuntimeError: no energy" in summary
    assert "above" not in summary_text(ledger).splitlines()[0]
    assert "above" in summary_text(ledger_from(all_rows(None))).splitlines()[0]


def transferred(error: float | None) -> str:
    entry = {"energy": -1.0, "error": error, "set": "cc-pVQZ"}
    return json.dumps({"X2": entry, "XY": {**entry, "energy": None, "error": None}})


def test_molecules_that_were_not_fitted(tmp_path: Path) -> None:
    rows = [*fitted_rows("free 6s", transfer=transferred(0.0125)), published_row("small", transfer=transferred(0.5))]
    lines = [line.split() for line in summary_text(ledger_from(rows)).splitlines()]
    assert ["free", "6s", "12.50", "-"] in lines
    assert ["small", "500.0", "-"] in lines
    assert "Errors are counted from the energies in cc-pVQZ." in summary_text(ledger_from(rows))
    run(FakeStudy(rows), tmp_path / "run", progress=False)
    page = write_report(load(tmp_path / "run")).read_text()
    assert "less that in cc-pVQZ" in page
    assert '<td class="number" data-head="X2">12.50</td>' in page


def test_the_pictures_and_the_page(tmp_path: Path) -> None:
    run(FakeStudy(), tmp_path / "run", progress=False)
    loaded = load(tmp_path / "run")
    plots = write_plots(loaded.ledger, loaded.trace, loaded.folder.plots)
    assert [plot.path.stem for plot in plots] == ["basis_front", "error_vs_step"]
    assert {path.name for path in loaded.folder.plots.iterdir()} == {plot.path.name for plot in plots}
    front = plots[0]
    assert front.title == "Error against number of parameters, primitives and qubits"
    for words in (
        "On it are, by parameters: even-tempered 6s, Legendre 3 6s, free 6s, larger. ",
        "By primitives: free 6s, larger. ",
        "By qubits: small, larger. ",
        "Errors are counted from the limit, -10 Ha.",
        "Not drawn, because there is no finite value: lost.",
    ):
        assert words in front.caption
    page = write_report(loaded).read_text()
    for words in (
        "basis: X rhf",
        "<li>The lowest energy of a fitted set is that of free 6s",
        '<td class="number" data-head="energy (Ha)">-9.900000</td>',
        '<td class="bad number" data-head="at best">0/3</td>',
        "lost, seed 2",
        "RuntimeError: no energy",
        "Ratio of the largest and the smallest eigenvalue of the overlap matrix",
        '<summary>free 6s</summary><pre tabindex="0">X    S\n  1.0  1.0\n</pre>',
        "3 of each form",
    ):
        assert words in page
    assert "<summary>larger</summary>" not in page
    assert "Molecules that were not fitted" not in page


def test_without_a_limit_the_lowest_is_not_drawn(tmp_path: Path) -> None:
    rows = all_rows(None)
    front = write_plots(ledger_from(rows), trace_from(rows), tmp_path)[0]
    assert (
        "Because the limit is not known, errors are counted from the lowest energy, that of larger, which is not drawn."
    ) in front.caption
    below = all_rows(-9.93)
    assert (
        "Because energies lie below the limit"
        in write_plots(ledger_from(below), trace_from(below), tmp_path)[0].caption
    )


def test_odd_runs(tmp_path: Path) -> None:
    single = fitted_rows("free 6s", None)[:1]
    names = [plot.path.stem for plot in write_plots(ledger_from(single), trace_from(single), tmp_path)]
    assert names == ["error_vs_step"]  # the only energy is the one that errors are counted from
    only = [published_row("small")]
    assert [plot.path.stem for plot in write_plots(ledger_from(only), trace_from(only), tmp_path)] == ["basis_front"]
    assert "small" in summary_text(ledger_from(only))
    lost = [{**row, **dict.fromkeys(_set(1, 2))} for row in fitted_rows("lost")]
    assert write_plots(ledger_from(lost), trace_from([]), tmp_path) == []
    assert "lost: RuntimeError: no energy" in summary_text(ledger_from(lost))
