"""The table of a comparison of basis sets, and what it says in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qvar.analysis.accuracy import levels
from qvar.diagnostics.minima import ENERGY_TOLERANCE, distinct_minima
from qvar.optimize.budget import Status
from qvar.report import tables
from qvar.report.tables import RESOLUTION, Frame
from qvar.units import CHEMICAL_ACCURACY, MILLIHARTREE_PER_HARTREE

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = "published"
"""Family of sets in which nothing was fitted."""

_OF_BEST = (
    "n_qubits", "n_primitives", "n_functions", "n_numbers", "condition_number", "smallest_ratio", "virial_ratio",
    "spherical", "final_gradient_norm", "basis_set", "transfer",
)  # fmt: skip
"""Columns told of the start that ended lowest."""


def is_basis(ledger: Frame) -> bool:
    """Whether a ledger is that of a `qvar.basis.BasisDuel`."""
    return {"n_primitives", "condition_number", "basis_set"} <= set(ledger.columns)


def basis_table(ledger: Frame) -> pd.DataFrame:
    """One row per form or baseline, the lowest energy first.

    Args:
        ledger: the ledger of a `qvar.basis.BasisDuel`.

    Returns:
        Columns: `rank`, `label`, `family`, `n_params`; `starts`, `finite`, `converged`, `failed` and `reached` (starts
        that ended in the lowest minimum of their form); `value` (the lowest, in hartree), `worst` (the highest),
        `error` (of the lowest, in mHa, from the limit, or from `floor` where none is known), `above` (of the lowest, in
        mHa, from `floor`, see there); of the lowest start what its own columns say; `evaluations` (median), `wall_s`
        (sum over the starts), `message`.
    """
    import pandas as pd

    rows = [_entry(group) for _, group in ledger.groupby("contender", sort=False)] if len(ledger) else []
    places = levels([float(row["value"]) if tables.known(row["value"]) else np.nan for row in rows], RESOLUTION)
    keys = [(place, _less(row["n_params"])) for place, row in zip(places, rows, strict=True)]
    rows = [rows[k] for k in sorted(range(len(rows)), key=lambda k: keys[k])]
    table = pd.DataFrame(rows, columns=list(_entry(ledger.iloc[:0])))
    table.insert(0, "rank", range(1, len(table) + 1))
    level = floor(ledger)
    table["above"] = MILLIHARTREE_PER_HARTREE * (table["value"].astype(float) - level)
    zero = reference(ledger)
    table["error"] = MILLIHARTREE_PER_HARTREE * (table["value"].astype(float) - (level if zero is None else zero))
    return table


def reference(ledger: Frame) -> float | None:
    """The limit that errors are counted from, in hartree, where it is known."""
    known = ledger["reference"].dropna()
    return float(known.iloc[0]) if len(known) else None


def floor(ledger: Frame) -> float:
    """What energies are drawn above, in hartree: the limit, or the lowest energy where it is not known or lies lower.

    NaN where there is no energy.
    """
    values = ledger["value"].to_numpy(dtype=float, na_value=np.nan)
    lowest = float(values[np.isfinite(values)].min(initial=np.inf))
    limit = reference(ledger)
    if not np.isfinite(lowest):
        return float("nan")
    return lowest if limit is None or lowest < limit - RESOLUTION else limit


def _entry(group: Frame) -> dict[str, Any]:
    values = group["value"].to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(values)
    best = group.iloc[int(np.nanargmin(values))] if finite.any() else None
    first = group.iloc[0] if len(group) else {}
    messages = group["message"].dropna() if "message" in group.columns else []
    return {
        "label": first.get("contender"),
        "family": first.get("family"),
        "n_params": first.get("n_params"),
        "starts": len(group),
        "finite": int(finite.sum()),
        "converged": int((group["status"] == Status.CONVERGED.value).fillna(False).sum()),
        "failed": int(len(group) - finite.sum()),
        "reached": int((distinct_minima(values).labels == 0).sum()),
        "value": values[finite].min() if finite.any() else None,
        "worst": values[finite].max() if finite.any() else None,
        **{column: None if best is None else best.get(column) for column in _OF_BEST},
        "evaluations": group["gradient_evaluations"].median() if group["gradient_evaluations"].notna().any() else None,
        "wall_s": group["wall_s"].sum() if group["wall_s"].notna().any() else None,
        "message": "; ".join(dict.fromkeys(str(message) for message in messages)) or None,
    }


def _less(count: Any) -> float:
    return float(count) if tables.known(count) else np.inf


# ---------------------------------------------------------------------------------------------------------------------
# Words


def sentences(ledger: Frame, table: Frame) -> list[str]:
    """What was found: who is lowest, how surely, what constraints cost, and where published sets stand.

    Args:
        ledger: the ledger of a `qvar.basis.BasisDuel`.
        table: its `basis_table`.
    """
    finite = [row for row in tables.records(table) if tables.known(row.value)]
    fitted = [row for row in finite if row.family != PUBLISHED]
    if not fitted:
        return _notes(ledger, finite)
    best = fitted[0]
    limit = "" if reference(ledger) is None else f", {_size(best.error)} mHa from the limit"
    said = [
        f"The lowest energy of a fitted set is that of {best.label}, {best.value:.6f} Ha with "
        f"{_parameters(best)}{limit}."
    ]
    sizes = dict.fromkeys((row.n_primitives, row.n_functions) for row in fitted)
    said += [word for size in sizes if (word := _verdict([r for r in fitted if _shape(r) == size]))]
    said += _beside([row for row in finite if row.family == PUBLISHED], best)
    return [*said, _sureness(table), *_notes(ledger, finite)]


def _shape(row: Any) -> tuple[Any, Any]:
    return row.n_primitives, row.n_functions


def _verdict(rows: list[Any]) -> str:
    """Free against constrained among forms of one size, the lowest first; empty where one of the two is missing."""
    free = next((row for row in rows if row.family == "generic"), None)
    constrained = [row for row in rows if row.family == "constrained"]
    if free is None or not constrained:
        return ""
    gaps = {row.label: MILLIHARTREE_PER_HARTREE * (row.value - free.value) for row in constrained}
    told = ", ".join(f"{row.label} {_size(max(0.0, gaps[row.label]))} mHa ({_parameters(row)})" for row in constrained)
    primitives, qubits = tables.count(free.n_primitives), tables.count(free.n_qubits)
    head = f"Free against constrained, {primitives} primitives on {qubits} qubits: "
    if min(gaps.values()) < -MILLIHARTREE_PER_HARTREE * ENERGY_TOLERANCE:
        lowest = constrained[0]
        return (
            f"{head}{lowest.label} ({_parameters(lowest)}) ended {_size(-gaps[lowest.label])} mHa below {free.label} "
            f"({_parameters(free)}), whose starts did not find a set as low."
        )
    near = [row for row in constrained if gaps[row.label] <= MILLIHARTREE_PER_HARTREE * CHEMICAL_ACCURACY]
    fewer = sorted((row for row in near if row.n_params < free.n_params), key=lambda row: row.n_params)
    if fewer:
        verdict = (
            f"{fewer[0].label} does with {_parameters(fewer[0])} what takes {free.label} {free.n_params}, to within "
            "chemical accuracy (1.6 mHa)"
        )
    else:
        verdict = f"no form of fewer parameters comes within chemical accuracy (1.6 mHa) of {free.label}"
    return f"{head}beside {free.label} ({_parameters(free)}) constraints give away: {told}. Verdict: {verdict}."


def _beside(baselines: list[Any], best: Any) -> list[str]:
    """The lowest baselines that cost no more than the best fitted set."""
    said = []
    for column, noun in (("n_primitives", "primitives"), ("n_qubits", "qubits")):
        most = getattr(best, column)
        lowest = next((row for row in baselines if getattr(row, column) <= most), None)
        if lowest is not None:
            gap = MILLIHARTREE_PER_HARTREE * (lowest.value - best.value)
            side = "above" if gap >= 0 else "below"
            said.append(
                f"With no more {noun} ({tables.count(most)}) the lowest baseline is {lowest.label}, {_size(abs(gap))} "
                f"mHa {side} {best.label}."
            )
    return said


def _sureness(table: Frame) -> str:
    """How many starts found the lowest minimum of their form."""
    fitted = [row for row in tables.records(table) if row.family != PUBLISHED]
    reached, starts = sum(row.reached for row in fitted), sum(row.starts for row in fitted)
    rarer = [f"{row.label} {row.reached} of {row.starts}" for row in fitted if row.reached < row.starts]
    few = f": {', '.join(rarer)}, and all of the others" if rarer and len(rarer) < len(fitted) else ""
    few = few or (f": {', '.join(rarer)}" if rarer else "")
    return f"{reached} of {starts} starts ended in the lowest minimum that their form found{few}."


def _notes(ledger: Frame, finite: list[Any]) -> list[str]:
    """What must be known to read the energies."""
    said = []
    if any(tables.known(row.spherical) and not row.spherical for row in finite):
        said.append(
            "The density of the atom is not spherical: one determinant of an open p or d shell cannot be. Where it "
            "lets the orbitals of one shell differ, as those of O and F do, energies may lie below the limit of "
            "spherical orbitals."
        )
    zero = reference(ledger)
    below = [row for row in finite if zero is not None and row.value < zero - RESOLUTION]
    if below:
        said.append(f"Below the limit {zero:.12g} Ha ended: {', '.join(row.label for row in below)}.")
    return said


def _parameters(row: Any) -> str:
    return "1 parameter" if row.n_params == 1 else f"{row.n_params} parameters"


def _size(millihartree: float) -> str:
    """An energy difference in mHa with three digits; what is rounding is 0."""
    if abs(millihartree) < MILLIHARTREE_PER_HARTREE * RESOLUTION:
        return "0"
    digits = f"{float(f'{millihartree:.3g}'):.10f}".rstrip("0").rstrip(".")
    return digits if abs(millihartree) >= 1e-3 else f"{millihartree:.1e}"
