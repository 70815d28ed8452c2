"""Tables for a terminal of what qvar has (ansätze, pools, problems, methods, cases), and of the findings of a check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.ansatz.catalogue import all_ansatze
from qvar.ansatz.pool_elements import Pool
from qvar.ansatz.pools import POOL_NAMES, pool
from qvar.errors import QvarError
from qvar.objective import Costs
from qvar.optimize.method import METHODS
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


def ansatze_text(problem: Problem, layers: int = 2) -> str:
    """List every ansatz of the catalogue with its costs on a problem, and why the others do not apply to it."""
    built, refused = all_ansatze(problem, layers=layers)
    columns: list[Column[_Circuit]] = [
        Column("ansatz", lambda row: row.name, "name"),
        Column("family", lambda row: row.ansatz.family, "word"),
        Column("params", lambda row: str(row.ansatz.n_params), stays=True),
        Column("CNOT", lambda row: str(row.costs.two_qubit_gates), stays=True),
        Column("depth", lambda row: str(row.costs.depth)),
        Column("conserves", lambda row: _symmetries(row.ansatz.symmetries), "prose", least=9),
        Column("start", lambda row: str(row.ansatz.start), "name", least=1),
    ]
    notes = [
        "",
        f"On {problem.name}, {problem.n_qubits} qubits, with {layers} layer{'s' if layers != 1 else ''} where there "
        "are any. Conserved at every theta: N particle number, Sz and S2 spin, flip the product of all X.",
    ]
    notes += _refusals(list(refused.items()))
    rows = [_Circuit(name, ansatz, ansatz.resources()) for name, ansatz in built.items()]
    return to_terminal(Table(columns, rows, notes))


def problems_text() -> str:
    """List every named problem."""
    columns: list[Column[tuple[NamedProblem, Problem]]] = [
        Column("problem", lambda row: row[0].name, "word", stays=True),
        Column("what it is", lambda row: row[0].about, "prose", stays=True),
        Column("bond\n[A]", lambda row: "" if row[0].bond is None else f"{row[0].bond:g}"),
        Column("qubits", lambda row: str(row[1].n_qubits)),
        Column("electrons", lambda row: str(row[1].n_electrons or "")),
    ]
    notes = ["", "Molecules are in STO-3G. A file that Problem.save wrote is as good as a name."]
    return to_terminal(Table(columns, [(entry, named(entry.name)) for entry in PROBLEMS], notes))


def pools_text(problem: Problem) -> str:
    """List every pool of operators with its size on a problem, and why the others do not apply to it."""
    pools: dict[str, Pool] = {}
    refused: list[tuple[str, str]] = []
    for name in POOL_NAMES:
        try:
            pools[name] = pool(name, problem)
        except QvarError as error:
            refused.append((name, str(error)))
    columns: list[Column[tuple[str, Pool]]] = [
        Column("pool", lambda row: row[0], "word", stays=True),
        Column("elements", lambda row: str(len(row[1])), stays=True),
        Column("conserves", lambda row: _symmetries(row[1].symmetries), "prose", least=9),
        Column("paper", lambda row: ", ".join(row[1].citations), "prose", least=12),
    ]
    notes = ["", f"On {problem.name}. `qvar.pool(name, problem)` makes one, `qvar.adapt` grows a circuit from it."]
    return to_terminal(Table(columns, list(pools.items()), [*notes, *_refusals(refused)]))


def cases_text(sentences: Mapping[str, str]) -> str:
    """List the cases of qvar, each with a sentence."""
    notes = ["", "`qvar run NAME` runs one, `qvar run NAME --help` explains its flags; `qvar new-case` writes another."]
    return _texts("case", sentences, notes)


def methods_text() -> str:
    """List the optimizers, each with the first sentence of its docstring."""
    import qvar

    sentences = {name: _first_sentence(getattr(qvar, name)) for name in METHODS}
    return _texts("method", sentences, ["", "`qvar.NAME()` makes one; `qvar.from_optax` takes any other of optax."])


def _first_sentence(function: Callable[..., object]) -> str:
    line = (function.__doc__ or "").partition("\n")[0].partition(". ")[0].rstrip(".")
    words = line.removeprefix("Make ")
    return words[:1].upper() + words[1:]


def _texts(head: str, sentences: Mapping[str, str], notes: list[str]) -> str:
    columns: list[Column[tuple[str, str]]] = [
        Column(head, lambda row: row[0], "word", stays=True),
        Column("what it does", lambda row: row[1], "prose", stays=True),
    ]
    return to_terminal(Table(columns, list(sentences.items()), notes))


def _symmetries(names: Sequence[Symmetry]) -> str:
    return " ".join(_SHORT[name] for name in names)


def _refusals(reasons: Sequence[tuple[str, str]]) -> list[str]:
    """Return lines on what does not apply, names with one reason together."""
    lines = ["", "Not on this problem:"] if reasons else []
    for reason in dict.fromkeys(why for _, why in reasons):
        lines.append(f"- {', '.join(name for name, why in reasons if why == reason)}: {reason}")
    return lines


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
