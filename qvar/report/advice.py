"""The answer of `qvar advise`: a table of the recommended circuit and the next one, and where they are from."""

from __future__ import annotations

import textwrap
from typing import Any

from qvar.analysis.advice import Advice, Candidate, Limits
from qvar.analysis.paired import exact_interval
from qvar.problems.named_problems import title_of
from qvar.report.formats import count, error_words, share
from qvar.report.table import Column, Table
from qvar.report.terminal import to_terminal

_WIDTH = 80


def advice_text(advice: Advice, molecule: str, bond: float, basis: str, limits: Limits) -> str:
    """Return a table of the two best circuits, or a sentence if none is within the limits."""
    place = title_of(molecule, bond, basis)
    within = limit_words(limits)
    best = advice.best
    if best is None:
        return _filled(f"Of {advice.tried} circuits that were run on {place} none has {within}.")
    head = f"{place}: {advice.tried} circuits were run"
    head += f", {len(advice.fitting)} of them have {within}." if within else "."
    table = to_terminal(Table(_columns(), [best] if advice.runner_up is None else [best, advice.runner_up]))
    origin = f"{best.problem}, run on {best.date} with qvar {best.qvar}. This command repeats it:"
    return "\n\n".join([_filled(head), table, _filled(_choice(best, limits)), _filled(origin), f"    {best.command}"])


def advice_record(advice: Advice, molecule: str, bond: float, basis: str) -> dict[str, Any]:
    """Return what `qvar advise --json` prints: the place, the numbers of circuits, and the two best ones."""
    return {
        "molecule": molecule, "bond": bond, "basis": basis, "tried": advice.tried, "fitting": len(advice.fitting),
        "recommended": None if advice.best is None else advice.best._asdict(),
        "next": None if advice.runner_up is None else advice.runner_up._asdict(),
    }  # fmt: skip


def limit_words(limits: Limits) -> str:
    """Return the limits in words, such as "at most 500 CNOTs"; "" without any."""
    words = {
        "CNOTs": limits.two_qubit_gates, "parameters": limits.parameters, "evaluations": limits.evaluations,
        "mHa of median error": limits.error,
    }  # fmt: skip
    parts = [f"{most:g} {name}" for name, most in words.items() if most is not None]
    return f"at most {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}" if parts else ""


def _columns() -> list[Column[Candidate]]:
    return [
        Column("contender", lambda one: one.label, "name"),
        Column("params", lambda one: count(one.n_params)),
        Column("CNOT", lambda one: count(one.two_qubit_gates), stays=True),
        Column("best error", lambda one: error_words(one.best, "mHa"), short="best\nerror\n[mHa]"),
        Column("median error", lambda one: error_words(one.median, "mHa"), short="median\nerror\n[mHa]", stays=True),
        Column("within", lambda one: share(one.within, one.seeds), short="within\n1.6\nmHa"),
        Column("evaluations", lambda one: count(one.evaluations), short="median\nevals"),
    ]


def _choice(best: Candidate, limits: Limits) -> str:
    if limits.error is not None:
        words = f"{best.label} is recommended: of these it has the fewest CNOTs, {best.two_qubit_gates}"
    else:
        words = f"{best.label} is recommended: of these it has the lowest median error"
    low, high = exact_interval(best.within, best.seeds)
    interval = f"{best.within} of {best.seeds} starts end within 1.6 mHa"
    if best.seeds > 1:
        return f"{words}. {interval} (95 % interval of the share: {100 * low:.0f}-{100 * high:.0f} %)."
    return f"{words}. It grew from the Hartree-Fock determinant, once: a growth has no random starts."


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
