"""Columns of a run's tables: those of every ledger and trace, and those that studies add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qvar.analysis.rows import SWEEP
from qvar.task import LedgerColumn

COMMON_COLUMNS: tuple[LedgerColumn, ...] = (
    LedgerColumn("problem", "string", "Name of the problem, such as a molecule and its geometry."),
    LedgerColumn("contender", "string", "Name of the model that was trained; `x4` at its end means four layers."),
    LedgerColumn("family", "string", "`generic`: many free parameters that know nothing of the problem; "
        "`constrained`: carries its physics; `published`: a basis set in which nothing was fitted."),
    LedgerColumn("engine", "string", "Simulator that evaluated it: `sector` (basis states with the conserved numbers "
        "of the reference) or `dense` (all amplitudes); `pyscf` for basis sets."),
    LedgerColumn("space", "string", "Numbers that select the basis states that were simulated: `N_alpha, N_beta`, or "
        "`N` (the number of ones), or parities of ones, such as `N, 1 parity`; `register` for all 2^n."),
    LedgerColumn("n_qubits", "Int64", "Number of qubits."),
    LedgerColumn("n_params", "Int64", "Number of free parameters that were trained."),
    LedgerColumn("two_qubit_gates", "Int64", "CNOT gates after decomposition into CNOTs and single-qubit gates."),
    LedgerColumn("depth", "Int64", "Circuit depth after the same decomposition, in layers of gates."),
    LedgerColumn("cnot_depth", "Int64", "Depth of its CNOT gates alone."),
    LedgerColumn("t_gates", "Int64", "T gates, if each rotation is approximated to 1e-10 by Clifford and T gates."),
    LedgerColumn("cost_model", "string", "Circuits that were counted: `published` (the best of the literature) or "
        "`pennylane`."),
    LedgerColumn("seed", "Int64", "Number of the JAX key that drew the start parameters."),
    LedgerColumn("method", "string", "Optimization method, such as lbfgs."),
    LedgerColumn("status", "string", "End of the minimization: converged, saddle, out_of_budget, out_of_time, "
        "stalled, not_finite or failed."),
    LedgerColumn("value", "float64", "Value at the end of the training.", unit="the row's `unit`"),
    LedgerColumn("reference", "float64", "Exact value that a perfect contender would reach; empty if it is not known.",
        unit="the row's `unit`"),
    LedgerColumn("error", "float64", "value - reference; negative if a state outside the reference's symmetry lies "
        "below it.", unit="the row's `unit`"),
    LedgerColumn("unit", "string", "Unit of value, reference and error: Ha (hartree), or J (multiples of the model's "
        "own coupling)."),
    LedgerColumn("correlation_recovered", "float64", "(E_reference_state - value) / (E_reference_state - E_exact): 0 "
        "is the reference state (Hartree-Fock), 1 is exact."),
    LedgerColumn("particle_number", "float64", "Expectation value of the number of particles in the trained state."),
    LedgerColumn("sz", "float64", "Expectation value of the spin projection S_z in the trained state.", unit="hbar"),
    LedgerColumn("s2", "float64", "Expectation value of the total spin S^2 in the trained state; 0 for a singlet.",
        unit="hbar squared"),
    LedgerColumn("initial_gradient_norm", "float64", "Euclidean norm of the gradient at the start parameters.",
        unit="the row's `unit` per parameter unit"),
    LedgerColumn("lowest_curvature", "float64", "Lowest eigenvalue of the Hessian at the end, or an upper bound of "
        "it; negative at a saddle. Empty if the start did not converge or second derivatives do not exist.",
        unit="the row's `unit` per parameter unit squared"),
    LedgerColumn("iterations", "Int64", "Steps that the minimizer took."),
    LedgerColumn("energy_evaluations", "Int64", "Energies computed, those of line searches included; every gradient "
        "comes with one."),
    LedgerColumn("gradient_evaluations", "Int64", "Gradients of the training, those of line searches included."),
    LedgerColumn("evaluations_to_tolerance", "Int64", "Evaluations until the error came within 1.6 mHa (chemical "
        "accuracy); empty if it did not end there. A crossing on the way further below the exact energy does not "
        "count."),
    LedgerColumn("wall_s", "float64", "Time of the whole batch of seeds in which this row was trained, compilation "
        "excluded.", unit="s"),
    LedgerColumn("compile_s", "float64", "Time of compilation for that same batch of seeds.", unit="s"),
)  # fmt: skip
"""Columns that every ledger has, in their order."""

MESSAGE = LedgerColumn("message", "string", "Description of the error or of what is missing, if there is any.")
"""Column that the ledger of any study may have."""

LEDGER_TYPES: dict[str, str] = {column.name: column.kind for column in COMMON_COLUMNS}
"""Types of the columns of every ledger, in pandas."""

LEDGER_COLUMNS: tuple[str, ...] = tuple(LEDGER_TYPES)

TIME_COLUMNS: tuple[str, ...] = ("wall_s", "compile_s", "evaluation_s")
"""Columns that differ when the same run is repeated on the same machine; all others are reproducible."""

TRACE_COLUMNS: tuple[LedgerColumn, ...] = (
    *(c for c in COMMON_COLUMNS if c.name in ("problem", "contender", "family", "method", "seed")),
    LedgerColumn("step", "Int64", "Number of the minimizer's step, 0 at the start parameters."),
    *(c for c in COMMON_COLUMNS if c.name in ("value", "error")),
    LedgerColumn("gradient_norm", "float64", "Euclidean norm of the gradient at this step.",
        unit="the row's `unit` per parameter unit"),
    LedgerColumn("evaluations", "Int64", "Evaluations made up to this step, of value and gradient or of the value "
        "alone."),
)  # fmt: skip
"""Columns of the trace, in their order."""

TRACE_TYPES: dict[str, str] = {column.name: column.kind for column in TRACE_COLUMNS}
"""Types of the columns of the trace, in pandas."""

LISTS: dict[str, str] = {
    "trace_step": "Int64",
    "trace_value": "float64",
    "trace_gradient_norm": "float64",
    "trace_evaluations": "Int64",
    "theta": "float64",
}
"""Lists of a shard's rows, with the types of their entries: the trace, and the parameters at the end of a training."""


def column_types(columns: Iterable[LedgerColumn]) -> dict[str, str]:
    """Return the types of all columns that are known: the common ones, and those that a study declares."""
    return {**{column.name: column.kind for column in columns}, MESSAGE.name: MESSAGE.kind, **LEDGER_TYPES, **LISTS}


def as_record(columns: Iterable[LedgerColumn]) -> list[dict[str, str]]:
    """Return columns as `case.json` holds them."""
    return [{"name": c.name, "kind": c.kind, "unit": c.unit, "meaning": c.meaning} for c in columns]


def recorded_columns(case: Mapping[str, Any]) -> tuple[LedgerColumn, ...]:
    """Return the columns that the study of a `case.json` declared."""
    return tuple(LedgerColumn(**column) for column in case.get("columns") or ())


def describe(column: str, columns: Sequence[LedgerColumn] = ()) -> str:
    """Return the meaning of a column of a ledger or trace, with its unit.

    One or two sentences; for a column that was not declared, one that says so.
    """
    if column.startswith(SWEEP):
        return f"Value of the case's argument `{column.removeprefix(SWEEP)}`, which the campaign swept."
    known = {c.name: c.sentence for c in (*columns, *TRACE_COLUMNS, *COMMON_COLUMNS, MESSAGE)}
    return known.get(column, "Column that the study itself appended.")


def study_columns() -> dict[str, tuple[LedgerColumn, ...]]:
    """Return the columns that each of qvar's own studies adds, by the name of its class."""
    from qvar.basis.basis_duel import BasisDuel
    from qvar.studies.adaptive import Adaptive
    from qvar.studies.capacity import Capacity
    from qvar.studies.compressing import Compression
    from qvar.studies.coverage import Coverage
    from qvar.studies.curve import Curve
    from qvar.studies.duel import Duel
    from qvar.studies.landscape import Landscape
    from qvar.studies.learning import Learning
    from qvar.studies.published import Published
    from qvar.studies.ranking import Ranking
    from qvar.studies.scaling import Scaling
    from qvar.studies.trials import Trials

    studies = (
        Duel, Adaptive, Compression, Curve, Ranking, Landscape, Capacity, Scaling, Coverage, Learning, Trials,
        Published, BasisDuel,
    )  # fmt: skip
    return {study.__name__: study.columns for study in studies}
