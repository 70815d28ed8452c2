"""How a comparison of basis sets is told: what each parameter of a form bought, and where published sets stand."""

from __future__ import annotations

import json
from typing import Any

from qvar.records.run_folder import LoadedRun
from qvar.report import pieces, tables
from qvar.report.basis_tables import PUBLISHED, basis_table, is_basis, reference, sentences
from qvar.report.plot_style import Drawing
from qvar.report.plots.basis import basis_front
from qvar.report.plots.training import error_vs_step
from qvar.report.tables import Frame
from qvar.report.terminal import empty_table, plain, render
from qvar.report.training_tables import budget_facts, rows_text
from qvar.report.view import View
from qvar.units import MILLIHARTREE_PER_HARTREE

_WORDS = (
    "The electrons of an atom or molecule were described by sets of Gaussian functions, and the sets were fitted: "
    "their exponents were moved until the energy was as low as it would go, for the lower it is, the less the set "
    "leaves out. A form says what may move. In a generic form every exponent is a parameter; constrained forms lay all "
    "exponents on a curve that a few parameters describe, such as a geometric progression (even-tempered). They are "
    "compared with baselines, in which nothing was fitted here, such as sets that others have published."
)


def _facts(run: LoadedRun) -> dict[str, str]:
    limit = reference(run.ledger)
    fitted = run.ledger[run.ledger["family"] != PUBLISHED]
    budget = budget_facts(run.case.get("budget") or {})
    return {
        "Limit": "not given" if limit is None else f"{limit:.12g} Ha",
        "Method": ", ".join(pieces.values(fitted, "method")),
        "Starts": f"{len(pieces.values(fitted, 'seed'))} of each form",
        "Budget": f"{budget}; simpler forms that come first have it once more" if budget else "",
    }


def _result(ledger: Frame, trace: Frame) -> str:
    table = basis_table(ledger)
    said = "".join(f"<li>{pieces.text(sentence)}</li>" for sentence in sentences(ledger, table))
    return f"<ul>{said}</ul>{_table_html(ledger, table)}"


def _error_head(ledger: Frame) -> str:
    return "above lowest" if reference(ledger) is None else "error"


def _table_html(ledger: Frame, table: Frame) -> str:
    heads = [
        "#", "basis set", "family", "params", "primitives", "qubits", "at best", "energy (Ha)",
        f"{_error_head(ledger)} (mHa)", "cond(S)", "smallest ratio", "-V/T", "evaluations", "time",
    ]  # fmt: skip
    rows = []
    for row in tables.records(table):
        cells = [
            (str(row.rank), "number"),
            pieces.name(row.label),
            pieces.family(row.family),
            *((tables.count(value), "number") for value in (row.n_params, row.n_primitives, row.n_qubits)),
            (_reached(row), "bad number" if row.failed else "number"),
            (f"{row.value:.6f}" if tables.known(row.value) else tables.NOTHING, "number"),
            (tables.number(row.error), "number"),
            (_digits(row.condition_number), "number"),
            (
                f"{row.smallest_ratio:.2f}" if tables.known(row.smallest_ratio) else tables.NOTHING,
                "number",
            ),
            (f"{row.virial_ratio:.6f}" if tables.known(row.virial_ratio) else tables.NOTHING, "number"),
            (tables.count(row.evaluations), "number"),
            (tables.seconds(row.wall_s), "number"),
        ]
        rows.append(cells)
    note = (
        "The lowest energy comes first. Params: free parameters that were fitted. Primitives: different exponents of "
        "each angular momentum. Qubits: two for each contracted spherical function. At best: starts that ended in the "
        "lowest minimum of their form, of all its starts. Cond(S): condition number of the overlap matrix; from "
        "about 1e7 on functions are nearly dependent. Smallest ratio: of neighbouring exponents within a shell. -V/T: "
        "potential over kinetic energy, 2 where scaling all exponents of an atom would gain nothing. Evaluations: "
        "median over the starts; time: sum over them."
    )
    return f'{pieces.table(heads, rows)}<p class="note">{pieces.text(note)}</p>'


def _reached(row: Any) -> str:
    """Starts that ended in the lowest minimum; a dash for baselines."""
    return tables.NOTHING if row.family == PUBLISHED else f"{row.reached}/{row.starts}"


def _digits(number: Any) -> str:
    return f"{float(f'{number:.3g}'):g}" if tables.known(number) else tables.NOTHING


# ---------------------------------------------------------------------------------------------------------------------
# A terminal


def _text(ledger: Frame) -> str:
    """One row per form and baseline, and what it means below."""
    table = basis_table(ledger)
    shown = empty_table()
    shown.add_column("#", justify="right", no_wrap=True)
    shown.add_column("basis set", overflow="fold", min_width=8)
    heads = [
        "par-\nams",
        "primi-\ntives",
        "qubits",
        "at\nbest",
        f"{_error_head(ledger)} [mHa]".replace(" ", "\n").replace("[", "\\["),
        "cond(S)",
    ]
    for name in [*heads, "least\nratio", "-V/T"]:
        shown.add_column(name, justify="right", no_wrap=True, essential=name in (heads[0], heads[4]))
    for row in tables.records(table):
        shown.add_row(
            str(row.rank),
            plain(row.label),
            tables.count(row.n_params),
            tables.count(row.n_primitives),
            tables.count(row.n_qubits),
            _reached(row),
            tables.number(row.error),
            _digits(row.condition_number),
            f"{row.smallest_ratio:.2f}" if tables.known(row.smallest_ratio) else tables.NOTHING,
            f"{row.virial_ratio:.4f}" if tables.known(row.virial_ratio) else tables.NOTHING,
        )
    messages = [f"{row.label}: {row.message}" for row in tables.records(table) if tables.known(row.message)]
    text = render(shown, ["", *sentences(ledger, table), *messages])
    others = _transfer(table)
    return f"{text}\n\n{_transfer_text(others)}" if others else text


def _transfer_text(others: dict[str, dict[str, Any]]) -> str:
    shown = empty_table()
    shown.add_column("error \\[mHa] in molecules\nthat were not fitted", overflow="fold", min_width=8)
    for molecule in _molecules(others):
        shown.add_column(plain(molecule), justify="right", no_wrap=True)
    for label, told in others.items():
        shown.add_row(plain(label), *(_transferred(told, molecule) for molecule in _molecules(others)))
    return render(shown, ["", f"Errors are counted from the energies in {_large(others)}."])


# ---------------------------------------------------------------------------------------------------------------------
# Sections


def _transfer(table: Frame) -> dict[str, dict[str, Any]]:
    """Label -> molecule -> energy and error, of all rows that tell them."""
    return {str(row.label): json.loads(row.transfer) for row in tables.records(table) if tables.known(row.transfer)}


def _molecules(others: dict[str, dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for told in others.values() for name in told))


def _transferred(told: dict[str, Any], molecule: str) -> str:
    """The error in a molecule, in mHa."""
    error = told.get(molecule, {}).get("error")
    return tables.NOTHING if error is None else tables.number(MILLIHARTREE_PER_HARTREE * error)


def _sections(ledger: Frame, trace: Frame) -> dict[str, str]:
    table = basis_table(ledger)
    return {"Molecules that were not fitted": _transfer_html(_transfer(table)), "The sets": _sets_html(table)}


def _transfer_html(others: dict[str, dict[str, Any]]) -> str:
    if not others:
        return ""
    heads = ["basis set", *map(pieces.text, _molecules(others))]
    rows = [
        [pieces.name(label), *pieces.numbers(_transferred(told, molecule) for molecule in _molecules(others))]
        for label, told in others.items()
    ]
    note = (
        "Errors in mHa: the energy of each molecule in each set, the lowest start of a form, less that in "
        f"{_large(others)}. They tell whether a set serves beyond what it was fitted to."
    )
    return f'{pieces.table(heads, rows)}<p class="note">{pieces.text(note)}</p>'


def _large(others: dict[str, dict[str, Any]]) -> str:
    """The set that errors are counted from."""
    return ", ".join(dict.fromkeys(str(one.get("set")) for told in others.values() for one in told.values()))


def _sets_html(table: Frame) -> str:
    """The fitted sets, ready to be used elsewhere."""
    told = [
        f"<details><summary>{pieces.text(row.label)}</summary><pre>{pieces.text(row.basis_set)}</pre></details>"
        for row in tables.records(table)
        if row.family != PUBLISHED and tables.known(row.basis_set)
    ]
    if not told:
        return ""
    words = (
        "<p>The lowest start of each form in NWChem's format, exponents in bohr<sup>-2</sup>: PySCF and "
        "<code>qvar.molecule(..., basis=...)</code> take such a text.</p>"
    )
    return words + "".join(told)


def _drawings(ledger: Frame, trace: Frame) -> tuple[list[Drawing], list[str]]:
    table, summary = basis_table(ledger), tables.summary(ledger)
    missing = [str(label) for label in table.loc[table["finite"] == 0, "label"]]
    fitted = summary[(summary["finite"] > 0) & (summary["family"] != PUBLISHED)]
    found = [basis_front(ledger, table), error_vs_step(trace, ledger, fitted) if len(fitted) else None]
    return [drawing for drawing in found if drawing is not None], missing


BASIS = View(
    recognises=is_basis,
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
"""The view of a `qvar.basis.BasisDuel`."""
