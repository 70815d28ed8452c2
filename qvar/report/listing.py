"""Tables for a terminal of the ansatze and problems in qvar, and of the findings of a check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.ansatz.catalogue import all_ansatze
from qvar.objective import Costs
from qvar.problems.named_problems import PROBLEMS, NamedProblem, named
from qvar.problems.problem import Problem
from qvar.report.table import Column, Span, Table
from qvar.report.terminal import to_terminal, wrapped
from qvar.studies.check_ansatz import Finding

_SHORT: dict[Symmetry, str] = {"particle_number": "N", "sz": "Sz", "s2": "S2", "spin_flip": "flip"}
_VERDICTS: dict[bool | None, str | Span] = {True: Span("pass", "good"), False: Span("WRONG", "wrong"), None: "note"}


class _Circuit(NamedTuple):
    """An ansatz on a problem."""

    name: str
    ansatz: Ansatz
    costs: Costs


class _Listed(NamedTuple):
    """A problem and its name."""

    entry: NamedProblem
    problem: Problem


def ansatze_text(problem: Problem, layers: int = 2) -> str:
    """List every ansatz of the catalogue with its costs on a problem, and why the others do not apply to it."""
    built, refused = all_ansatze(problem, layers=layers)
    columns: list[Column[_Circuit]] = [
        Column("ansatz", lambda row: row.name, "name"),
        Column("family", lambda row: row.ansatz.family, "word"),
        Column("params", lambda row: str(row.ansatz.n_params), stays=True),
        Column("CNOT", lambda row: str(row.costs.two_qubit_gates), stays=True),
        Column("depth", lambda row: str(row.costs.depth)),
        Column("conserves", lambda row: " ".join(_SHORT[s] for s in row.ansatz.symmetries), "prose", least=9),
        Column("start", lambda row: str(row.ansatz.start), "name", least=1),
    ]
    notes = [
        "",
        f"On {problem.name}, {problem.n_qubits} qubits, with {layers} layer{'s' if layers != 1 else ''} where there "
        "are any. Conserved at every theta: N particle number, Sz and S2 spin, flip the product of all X.",
    ]
    if refused:
        notes += ["", "Not on this problem:"]
        for reason in dict.fromkeys(refused.values()):
            notes.append(f"- {', '.join(name for name, why in refused.items() if why == reason)}: {reason}")
    rows = [_Circuit(name, ansatz, ansatz.resources()) for name, ansatz in built.items()]
    return to_terminal(Table(columns, rows, notes))


def problems_text() -> str:
    """List every named problem."""
    columns: list[Column[_Listed]] = [
        Column("problem", lambda row: row.entry.name, "word", stays=True),
        Column("what it is", lambda row: row.entry.about, "prose", stays=True),
        Column("bond\n[A]", lambda row: "" if row.entry.bond is None else f"{row.entry.bond:g}"),
        Column("qubits", lambda row: str(row.problem.n_qubits)),
        Column("electrons", lambda row: str(row.problem.n_electrons or "")),
    ]
    notes = ["", "Molecules are in STO-3G. A file that Problem.save wrote is as good as a name."]
    return to_terminal(Table(columns, [_Listed(entry, named(entry.name)) for entry in PROBLEMS], notes))


def findings_text(problem: Problem, ansatz: Ansatz, findings: Sequence[Finding]) -> str:
    """List the findings of `qvar check`."""
    columns: list[Column[Finding]] = [
        Column("check", lambda finding: finding.check.replace("_", " "), "word", stays=True),
        Column("", lambda finding: _VERDICTS[finding.passed], "word", stays=True),
        Column("what was found", lambda finding: finding.sentence, "prose", stays=True),
    ]
    judged = [finding for finding in findings if finding.passed is not None]
    wrong = sum(not finding.passed for finding in judged)
    outcome = f"{wrong} of {len(judged)} checks fail." if wrong else f"All {len(judged)} checks pass."
    title = f"{ansatz.name} ({ansatz.family}) on {problem.name}, {problem.n_qubits} qubits"
    return f"{wrapped(title)}\n\n{to_terminal(Table(columns, findings, ['', outcome]))}"
