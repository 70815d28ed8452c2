"""What qvar offers, and what a check found, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.ansatz.catalogue import all_ansatze
from qvar.problems.named_problems import PROBLEMS, named
from qvar.problems.problem import Problem
from qvar.report.terminal import empty_table, plain, render, wrapped
from qvar.studies.check_ansatz import Finding

_SHORT: dict[Symmetry, str] = {"particle_number": "N", "sz": "Sz", "s2": "S2", "spin_flip": "flip"}
_VERDICTS = {True: "[green]pass[/green]", False: "[bold red]WRONG[/bold red]", None: "note"}


def ansatze_text(problem: Problem, layers: int = 2) -> str:
    """Every ansatz of the catalogue with what it costs on a problem, and why the others do not apply to it.

    Args:
        problem: a molecule or a lattice model.
        layers: layers of those that have layers.
    """
    built, refused = all_ansatze(problem, layers)
    table = empty_table()
    table.add_column("ansatz", overflow="fold", min_width=8)
    table.add_column("family", no_wrap=True)
    for name in ("params", "CNOT", "depth"):
        table.add_column(name, justify="right", no_wrap=True, essential=name != "depth")
    table.add_column("conserves", min_width=9)
    table.add_column("start", overflow="fold")
    for name, ansatz in built.items():
        cost = ansatz.resources()
        table.add_row(
            plain(name),
            ansatz.family,
            str(ansatz.n_params),
            str(cost.two_qubit_gates),
            str(cost.depth),
            " ".join(_SHORT[symmetry] for symmetry in ansatz.symmetries),
            plain(ansatz.start),
        )
    notes = [
        "",
        f"On {problem.name}, {problem.n_qubits} qubits, with {layers} layer{'s' if layers != 1 else ''} where there "
        "are any. Conserved at every theta: N particle number, Sz and S2 spin, flip the product of all X.",
    ]
    if refused:
        notes += ["", "Not on this problem:"]
        for reason in dict.fromkeys(refused.values()):
            notes.append(f"- {', '.join(name for name, why in refused.items() if why == reason)}: {reason}")
    return render(table, notes)


def problems_text() -> str:
    """Every named problem."""
    table = empty_table()
    table.add_column("problem", no_wrap=True, essential=True)
    table.add_column("what it is", essential=True)
    for name in ("bond\n\\[A]", "qubits", "electrons"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in PROBLEMS:
        problem = named(entry.name)
        bond = "" if entry.bond is None else f"{entry.bond:g}"
        electrons = str(problem.n_electrons or "")
        table.add_row(entry.name, plain(entry.about), bond, str(problem.n_qubits), electrons)
    return render(table, ["", "Molecules are in STO-3G. A file that Problem.save wrote is as good as a name."])


def findings_text(problem: Problem, ansatz: Ansatz, findings: Sequence[Finding]) -> str:
    """What `qvar check` found.

    Args:
        problem: what the ansatz was tried on.
        ansatz: what was checked.
        findings: of `qvar.studies.check_ansatz.conform`.
    """
    table = empty_table()
    table.add_column("check", no_wrap=True, essential=True)
    table.add_column("", no_wrap=True, essential=True)
    table.add_column("what was found", essential=True)
    for finding in findings:
        table.add_row(finding.check.replace("_", " "), _VERDICTS[finding.passed], plain(finding.sentence))
    judged = [finding for finding in findings if finding.passed is not None]
    wrong = sum(not finding.passed for finding in judged)
    outcome = f"{wrong} of {len(judged)} checks fail." if wrong else f"All {len(judged)} checks pass."
    title = f"{ansatz.name} ({ansatz.family}) on {problem.name}, {problem.n_qubits} qubits"
    return f"{wrapped(title)}\n\n{render(table, ['', outcome])}"
