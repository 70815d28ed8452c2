"""The report of a comparison of basis sets: the accuracy of each form per parameter, beside published sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from qvar._types import DataFrame
from qvar.analysis.basis_sets import PUBLISHED, BasisRow, basis_table, limit
from qvar.analysis.rows import RESOLUTION, known, typed, where
from qvar.analysis.summaries import summary
from qvar.diagnostics.minima import ENERGY_TOLERANCE
from qvar.records.run_folder import LoadedRun
from qvar.report.formats import (
    attention,
    count,
    counted,
    digits,
    energy,
    family,
    fixed,
    number,
    seconds,
    share,
    values,
)
from qvar.report.plots.basis import basis_front
from qvar.report.plots.training import error_vs_step
from qvar.report.study_report import Drawings, StudyReport, pictures
from qvar.report.table import NOTHING, Bullets, Column, Fold, Part, Span, Table, Text, Verbatim
from qvar.report.terminal import to_terminal
from qvar.report.training import budget_words, messages, rows_text
from qvar.units import CHEMICAL_ACCURACY, MILLIHARTREE_PER_HARTREE, short_exponent

_WORDS = (
    "The electrons of an atom or molecule were described by sets of Gaussian functions, and the sets were fitted: "
    "their exponents were moved until the energy was as low as it would go, for the lower it is, the less the set "
    "leaves out. A form says what may move. In a generic form every exponent is a parameter; constrained forms lay all "
    "exponents on a curve that a few parameters describe, such as a geometric progression (even-tempered). They are "
    "compared with baselines, in which nothing was fitted here, such as sets that others have published."
)

_NOTE = (
    "The lowest energy comes first. Params: free parameters that were fitted. Primitives: different exponents of "
    "each angular momentum. Qubits: two for each contracted spherical function. At best: starts that ended in the "
    "lowest minimum of their form, of all its starts. Cond(S): condition number of the overlap matrix; from "
    "about 1e7 on functions are nearly dependent. Smallest ratio: of neighbouring exponents within a shell. -V/T: "
    "potential over kinetic energy, 2 if scaling all exponents of an atom would gain nothing. Evaluations: "
    "median over the starts; time: sum over them."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    zero = limit(run.ledger)
    fitted = where(run.ledger, run.ledger["family"] != PUBLISHED)
    budget = budget_words(run.case.get("budget") or {})
    return {
        "Limit": "not given" if zero is None else f"{zero:.12g} Ha",
        "Method": ", ".join(values(fitted, "method")),
        "Starts": f"{len(values(fitted, 'seed'))} of each form",
        "Budget": f"{budget}; simpler forms that come first have it once more" if budget else "",
    }


# ---------------------------------------------------------------------------------------------------------------------
# Sentences


def sentences(ledger: DataFrame, table: DataFrame) -> list[str]:
    """Return the results in words: the lowest set, the cost of constraints, the baselines, the success of starts."""
    finite = [row for row in typed(table, BasisRow) if known(row.value)]
    fitted = [row for row in finite if row.family != PUBLISHED]
    if not fitted:
        return _notes(ledger, finite)
    best = fitted[0]
    distance = "" if limit(ledger) is None else f", {_size(best.error)} mHa from the limit"
    lines = [
        f"The lowest energy of a fitted set is that of {best.label}, {best.value:.6f} Ha with "
        f"{_parameters(best)}{distance}."
    ]
    shapes = dict.fromkeys((row.n_primitives, row.n_functions) for row in fitted)
    for shape in shapes:
        lines += _verdict([row for row in fitted if (row.n_primitives, row.n_functions) == shape])
    lines += _beside([row for row in finite if row.family == PUBLISHED], best)
    return [*lines, _success(table), *_notes(ledger, finite)]


def _verdict(rows: list[BasisRow]) -> list[str]:
    """Compare free and constrained forms of one size, the lowest first; nothing if one of the two is missing."""
    free = next((row for row in rows if row.family == "generic"), None)
    constrained = [row for row in rows if row.family == "constrained"]
    if free is None or not constrained:
        return []
    gaps = {row.label: MILLIHARTREE_PER_HARTREE * (row.value - free.value) for row in constrained}
    losses = ", ".join(
        f"{row.label} {_size(max(0.0, gaps[row.label]))} mHa ({_parameters(row)})" for row in constrained
    )
    primitives, qubits = count(free.n_primitives), count(free.n_qubits)
    head = f"Free against constrained, {primitives} primitives on {qubits} qubits: "
    if min(gaps.values()) < -MILLIHARTREE_PER_HARTREE * ENERGY_TOLERANCE:
        lowest = constrained[0]
        return [
            f"{head}{lowest.label} ({_parameters(lowest)}) ended {_size(-gaps[lowest.label])} mHa below {free.label} "
            f"({_parameters(free)}), whose starts did not find a set as low."
        ]
    near = [row for row in constrained if gaps[row.label] <= MILLIHARTREE_PER_HARTREE * CHEMICAL_ACCURACY]
    fewer = sorted((row for row in near if row.n_params < free.n_params), key=lambda row: row.n_params)
    if fewer:
        verdict = (
            f"{fewer[0].label} does with {_parameters(fewer[0])} what takes {free.label} {free.n_params}, to within "
            "chemical accuracy (1.6 mHa)"
        )
    else:
        verdict = f"no form of fewer parameters comes within chemical accuracy (1.6 mHa) of {free.label}"
    return [f"{head}beside {free.label} ({_parameters(free)}) constraints give away: {losses}. Verdict: {verdict}."]


def _beside(baselines: list[BasisRow], best: BasisRow) -> list[str]:
    """Return a sentence on the lowest baseline with no more primitives than the best fitted set, one with qubits."""
    lines = []
    for column, noun in (("n_primitives", "primitives"), ("n_qubits", "qubits")):
        most = getattr(best, column)
        lowest = next((row for row in baselines if getattr(row, column) <= most), None)
        if lowest is not None:
            gap = MILLIHARTREE_PER_HARTREE * (lowest.value - best.value)
            side = "above" if gap >= 0 else "below"
            lines.append(
                f"With no more {noun} ({count(most)}) the lowest baseline is {lowest.label}, {_size(abs(gap))} "
                f"mHa {side} {best.label}."
            )
    return lines


def _success(table: DataFrame) -> str:
    """Return the number of starts that found the lowest minimum of their form."""
    fitted = [row for row in typed(table, BasisRow) if row.family != PUBLISHED]
    reached, starts = sum(row.reached for row in fitted), sum(row.starts for row in fitted)
    rarer = [f"{row.label} {row.reached} of {row.starts}" for row in fitted if row.reached < row.starts]
    few = f": {', '.join(rarer)}" if rarer else ""
    few += ", and all of the others" if rarer and len(rarer) < len(fitted) else ""
    return f"{reached} of {starts} starts ended in the lowest minimum that their form found{few}."


def _notes(ledger: DataFrame, finite: list[BasisRow]) -> list[str]:
    """Return what must be known to read the energies."""
    lines = []
    if any(known(row.spherical) and not row.spherical for row in finite):
        lines.append(
            "The density of the atom is not spherical: one determinant of an open p or d shell cannot be. Where it "
            "lets the orbitals of one shell differ, as those of O and F do, energies may lie below the limit of "
            "spherical orbitals."
        )
    zero = limit(ledger)
    below = [row.label for row in finite if zero is not None and row.value < zero - RESOLUTION]
    return [*lines, f"Below the limit {zero:.12g} Ha ended: {', '.join(below)}."] if below else lines


def _parameters(row: BasisRow) -> str:
    return counted(row.n_params, "parameter")


def _size(millihartree: float) -> str:
    """Format an energy difference in mHa with three digits; rounding is 0."""
    if abs(millihartree) < MILLIHARTREE_PER_HARTREE * RESOLUTION:
        return "0"
    words = f"{float(f'{millihartree:.3g}'):.10f}".rstrip("0").rstrip(".")
    return words if abs(millihartree) >= 1e-3 else short_exponent(f"{millihartree:.1e}")


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def _table(ledger: DataFrame, table: DataFrame) -> Table[BasisRow]:
    error = "above lowest" if limit(ledger) is None else "error"
    return Table(
        [
            Column("#", lambda row: str(row.rank)),
            Column("basis set", lambda row: row.label, "name"),
            Column("family", lambda row: family(row.family), "word", "page"),
            Column("params", lambda row: count(row.n_params), short="par-\nams", stays=True),
            Column("primitives", lambda row: count(row.n_primitives), short="primi-\ntives"),
            Column("qubits", lambda row: count(row.n_qubits)),
            Column("at best", lambda row: attention(_reached(row), row.failed), short="at\nbest"),
            Column("energy (Ha)", lambda row: energy(row.value), show="page"),
            Column(
                f"{error} (mHa)", lambda row: number(row.error), short=f"{error}\n[mHa]".replace(" ", "\n"), stays=True
            ),
            Column("cond(S)", lambda row: digits(row.condition_number, 3)),
            Column("smallest ratio", lambda row: fixed(row.smallest_ratio, 2), short="least\nratio"),
            Column("-V/T", lambda row: fixed(row.virial_ratio, 6), show="page"),
            Column("-V/T", lambda row: fixed(row.virial_ratio, 4), show="terminal"),
            Column("evaluations", lambda row: count(row.evaluations), show="page"),
            Column("time", lambda row: seconds(row.wall_s), show="page"),
        ],
        typed(table, BasisRow),
        [_NOTE],
    )


def _reached(row: BasisRow) -> str:
    """Return the starts that ended in the lowest minimum; a dash for baselines."""
    return NOTHING if row.family == PUBLISHED else share(row.reached, row.starts)


class _Transfer(NamedTuple):
    """Energies of one set in molecules that were not fitted."""

    label: str
    molecules: dict[str, dict[str, Any]]
    """Energy and error in hartree, and the set that the error refers to, of each molecule."""


def _transfers(table: DataFrame) -> list[_Transfer]:
    return [_Transfer(row.label, json.loads(row.transfer)) for row in typed(table, BasisRow) if known(row.transfer)]


def _large(energies: Sequence[_Transfer]) -> str:
    """Return the set that errors in molecules are relative to."""
    return ", ".join(dict.fromkeys(str(one.get("set")) for row in energies for one in row.molecules.values()))


def _transfer_table(energies: Sequence[_Transfer]) -> Table[_Transfer]:
    """Return the table of errors in molecules that were not fitted."""
    molecules = dict.fromkeys(name for row in energies for name in row.molecules)
    note = (
        "Errors in mHa: the energy of each molecule in each set, the lowest start of a form, less that in "
        f"{_large(energies)}. They show if a set serves beyond what it was fitted to."
    )

    def molecule(name: str) -> Column[_Transfer]:
        def cell(row: _Transfer) -> str:
            error = row.molecules.get(name, {}).get("error")
            return NOTHING if error is None else number(MILLIHARTREE_PER_HARTREE * error)

        return Column(name, cell)

    short = "error [mHa] in molecules\nthat were not fitted"
    names: Column[_Transfer] = Column("basis set", lambda row: row.label, "name", short=short)
    return Table([names, *map(molecule, molecules)], energies, [note])


def _sets(table: DataFrame) -> list[Part]:
    """Return the fitted sets, ready to be used elsewhere."""
    sets = [row for row in typed(table, BasisRow) if row.family != PUBLISHED and known(row.basis_set)]
    words: Text = (
        "The lowest start of each form in NWChem's format, exponents in bohr",
        Span("-2", "sup"),
        ": PySCF and ",
        Span("qvar.molecule(..., basis=...)", "code"),
        " take such a text.",
    )
    return [words, *(Fold(row.label, [Verbatim(str(row.basis_set))]) for row in sets)] if sets else []


def _result(ledger: DataFrame, trace: DataFrame) -> list[Part]:
    table = basis_table(ledger)
    return [Bullets(sentences(ledger, table)), _table(ledger, table)]


def _sections(ledger: DataFrame, trace: DataFrame) -> dict[str, Sequence[Part]]:
    table = basis_table(ledger)
    energies = _transfers(table)
    others = {"Molecules that were not fitted": [_transfer_table(energies)]} if energies else {}
    return {**others, "The sets": _sets(table)}


def _text(ledger: DataFrame) -> str:
    rows = basis_table(ledger)
    table = _table(ledger, rows)
    notes = ["", *sentences(ledger, rows), *messages(table.rows)]
    text = to_terminal(table, notes=notes)
    energies = _transfers(rows)
    if not energies:
        return text
    note = f"Errors are counted from the energies in {_large(energies)}."
    return f"{text}\n\n{to_terminal(_transfer_table(energies), notes=['', note])}"


def _drawings(ledger: DataFrame, trace: DataFrame) -> Drawings:
    table, contenders = basis_table(ledger), summary(ledger)
    missing = [row.label for row in typed(table, BasisRow) if not row.finite]
    fitted = where(contenders, (contenders["finite"] > 0) & (contenders["family"] != PUBLISHED))
    return pictures(
        [basis_front(ledger, table), error_vs_step(trace, ledger, fitted) if len(fitted) else None], missing
    )


BASIS = StudyReport(
    study="basis",
    marks=frozenset({"n_primitives", "condition_number", "basis_set"}),
    words=_WORDS,
    facts=_facts,
    result=_result,
    drawings=_drawings,
    pictures=("basis_front", "error_vs_step"),
    text=_text,
    rows=rows_text,
    noun="starts",
    sections=_sections,
)
"""The report of a `qvar.basis.BasisDuel`."""
