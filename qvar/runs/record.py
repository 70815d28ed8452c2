"""The tables of a run: which columns they have, what each means, and how they are written and read.

A task leaves a shard, one parquet file of ledger rows whose `trace_*` entries are lists. The ledger (one row per
contender and seed) and the trace (one row per contender, seed and step) are made from the shards, always in the
same order and with the same types, so that a run finished in two sittings gives the same tables as one.
"""

from __future__ import annotations

import json
import numbers
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvar.errors import QvarError
from qvar.runs.files import write_whole
from qvar.task import Row

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LEDGER_TYPES: dict[str, str] = {
    "problem": "string",
    "contender": "string",
    "family": "string",
    "engine": "string",
    "n_qubits": "Int64",
    "n_params": "Int64",
    "two_qubit_gates": "Int64",
    "depth": "Int64",
    "seed": "Int64",
    "method": "string",
    "status": "string",
    "value": "float64",
    "reference": "float64",
    "error": "float64",
    "unit": "string",
    "correlation_recovered": "float64",
    "particle_number": "float64",
    "sz": "float64",
    "s2": "float64",
    "initial_gradient_norm": "float64",
    "iterations": "Int64",
    "energy_evaluations": "Int64",
    "gradient_evaluations": "Int64",
    "evaluations_to_tolerance": "Int64",
    "wall_s": "float64",
    "compile_s": "float64",
}
"""Columns that every ledger has, in their order, with their pandas types."""

LEDGER_COLUMNS: tuple[str, ...] = tuple(LEDGER_TYPES)

TIME_COLUMNS: tuple[str, ...] = ("wall_s", "compile_s")
"""The columns that differ when the same run is repeated on the same machine; all others are reproducible."""

TRACE_TYPES: dict[str, str] = {
    "problem": "string",
    "contender": "string",
    "family": "string",
    "method": "string",
    "seed": "Int64",
    "step": "Int64",
    "value": "float64",
    "error": "float64",
    "gradient_norm": "float64",
    "evaluations": "Int64",
}
"""Columns of the trace, in their order, with their pandas types."""

_TRACE_LISTS: dict[str, str] = {
    "trace_step": "Int64",
    "trace_value": "float64",
    "trace_gradient_norm": "float64",
    "trace_evaluations": "Int64",
}

_OWN_TYPES: dict[str, str] = {
    "message": "string",
    "minimum": "Int64",
    "pauli_one_norm": "float64",
    "parameter_shift_energies": "Int64",
    "size": "Int64",
    "samples": "Int64",
    "component_variances": "string",
    "space_dimension": "Int64",
    "law": "string",
    "lie_dimension": "Int64",
    "fisher_rank": "Int64",
    "sector_weight": "float64",
    "symmetry_price": "float64",
    "leakage_along": "string",
    "line_scan": "string",
    "start_plane": "string",
    "end_plane": "string",
}
"""Types of columns that studies append and that may be empty, so that their type cannot be seen in their values."""

COLUMN_MEANING: dict[str, str] = {
    "problem": "Name of the problem, such as a molecule and its geometry.",
    "contender": "Name of the model that was trained; `x4` at its end means four layers.",
    "family": "`generic`: many free parameters that know nothing of the problem; `constrained`: carries its physics.",
    "engine": "Simulator that evaluated it: `sector` (fixed particle number and spin) or `dense` (all amplitudes).",
    "n_qubits": "Number of qubits.",
    "n_params": "Number of free parameters that were trained.",
    "two_qubit_gates": "CNOT gates after decomposition into CNOTs and single-qubit gates.",
    "depth": "Circuit depth after the same decomposition, in layers of gates.",
    "seed": "Number that the start parameters were drawn with; the same seed gives the same start.",
    "method": "Optimization method, such as lbfgs.",
    "status": "How the minimization ended: converged, out_of_budget, out_of_time, stalled, not_finite or failed.",
    "value": "Value at the end of the training, in the row's `unit`.",
    "reference": "Exact value that a perfect contender would reach, in `unit`; empty where it is not known.",
    "error": "value - reference, in `unit`; negative where a state outside the reference's symmetry lies below it.",
    "unit": "Unit of value, reference and error: Ha (hartree), or J (multiples of the model's own coupling).",
    "correlation_recovered": (
        "(E_reference_state - value) / (E_reference_state - E_exact), without unit: 0 is the reference state "
        "(Hartree-Fock), 1 is exact."
    ),
    "particle_number": "Expectation value of the number of particles in the trained state.",
    "sz": "Expectation value of the spin projection S_z in the trained state, in units of hbar.",
    "s2": "Expectation value of the total spin S^2 in the trained state, in units of hbar^2; 0 for a singlet.",
    "initial_gradient_norm": "Euclidean norm of the gradient at the start parameters, in `unit` per parameter unit.",
    "iterations": "Steps that the minimizer took.",
    "energy_evaluations": "Energies computed, those of line searches included; every gradient comes with one.",
    "gradient_evaluations": "Gradients computed, those of line searches included.",
    "evaluations_to_tolerance": (
        "Gradient evaluations until the error first fell below 1.6 mHa (chemical accuracy); empty if it never did."
    ),
    "wall_s": "Seconds that the whole batch of seeds took in which this row was trained, compilation excluded.",
    "compile_s": "Seconds of compilation for that same batch of seeds.",
    "coordinate": "Where on its curve the row lies, in `coordinate_unit`; only in runs along a coordinate.",
    "coordinate_name": "What the coordinate is, such as bond.",
    "coordinate_unit": "Unit of `coordinate`, such as angstrom.",
    "started_from": (
        "The start that was kept: `own`, as in a duel, or `before`, the parameters of the last point before."
    ),
    "npe": (
        "Non-parallelity error: greatest minus smallest error along this seed's curve, in `unit`; empty if a "
        "point failed."
    ),
    "minimum": (
        "Which of the contender's distinct minima the seed ended in, by energy and fidelity: 0 is the lowest; empty "
        "where the value is not finite."
    ),
    "pauli_one_norm": (
        "Sum of the sizes of the Hamiltonian's Pauli coefficients, the identity left out, in `unit`; the shots of one "
        "energy are at most its square over the square of the standard error wanted."
    ),
    "parameter_shift_energies": "Energies that one gradient takes by the parameter-shift rule, gate by gate.",
    "size": (
        "What the contender was made for at this point, in `size_name`; only in runs over sizes, where nothing is "
        "trained."
    ),
    "size_name": "What `size` counts: `qubits`, or `layers` at a fixed number of qubits.",
    "start": "How the parameters of the samples were drawn, such as `uniform`, on [-pi, pi), or `mp2`.",
    "start_noise": "Standard deviation of Gaussian noise added to every parameter of a sample, in radians.",
    "samples": "Number of random parameter vectors that the row's variances rest on.",
    "loss_variance": "Variance of the loss over the samples, in `unit` squared; `value` is its mean.",
    "loss_variance_low": "Lower end of the 95 % bootstrap interval of `loss_variance`.",
    "loss_variance_high": "Upper end of the 95 % bootstrap interval of `loss_variance`.",
    "gradient_variance": (
        "Variance of a component of the gradient over the samples, averaged over all parameters, in `unit` "
        "squared per radian squared."
    ),
    "gradient_variance_low": "Lower end of the 95 % bootstrap interval of `gradient_variance`.",
    "gradient_variance_high": "Upper end of the 95 % bootstrap interval of `gradient_variance`.",
    "gradient_variance_first": (
        "Variance of the derivative by the first parameter, in `unit` squared per radian squared."
    ),
    "gradient_variance_first_low": "Lower end of the 95 % bootstrap interval of `gradient_variance_first`.",
    "gradient_variance_first_high": "Upper end of the 95 % bootstrap interval of `gradient_variance_first`.",
    "gradient_variance_largest": (
        "Largest variance of any component of the gradient, in `unit` squared per radian squared."
    ),
    "component_variances": (
        "Variances of all components of the gradient, a JSON list in the order of the parameters, in `unit` "
        "squared per radian squared."
    ),
    "spectral_width": (
        "Largest minus smallest value that the loss can take, in `unit`: of the space that was simulated, see "
        "`space_dimension`."
    ),
    "normalised_loss_variance": (
        "loss_variance / spectral_width squared, without unit, which compares Hamiltonians of different size."
    ),
    "space_dimension": "Number of basis states of the space that was simulated: all 2^n, or those of the sector.",
    "haar_loss_variance": (
        "Variance that the loss has over Haar-random states of that space (real ones for a real circuit), in "
        "`unit` squared."
    ),
    "law": "Formula of the exact law that the case gives for this circuit when it is deep, d = 2^n.",
    "law_loss_variance": "Variance of the loss by that law, in `unit` squared.",
    "law_gradient_variance_first": (
        "Variance of the derivative by the first parameter by that law, in `unit` squared per radian squared."
    ),
    "lie_dimension": (
        "Dimension of the Lie algebra that the circuit's generators generate; empty where it is larger than the "
        "study's limit."
    ),
    "lie_loss_variance": (
        "Variance of the loss that this algebra predicts for a deep circuit, in `unit` squared; empty where it "
        "says nothing."
    ),
    "lie_limit": "Dimension up to which a Lie algebra was counted; only in runs over depths.",
    "series": "Name of the circuit whose depth grows; `contender` adds the depth.",
    "layers": "Depth of the circuit, in layers of its own kind.",
    "tolerance": "A start succeeds that ends with |error| of at most this, in `unit`.",
    "fisher_rank": (
        "Rank of the quantum Fisher information, the largest over `fisher_samples` random points: in so many "
        "independent directions the state can move."
    ),
    "fisher_rank_bound": "Largest rank that any circuit can have on states of this kind, real or complex.",
    "fisher_samples": "Random points at which the rank was taken.",
    "effective_dimension": (
        "Effective dimension (Abbas et al. 2021) with the quantum Fisher information and 10^6 observations: how many "
        "parameters these tell apart."
    ),
    "effective_dimension_low": "Lower end of the 95 % bootstrap interval of `effective_dimension`.",
    "effective_dimension_high": "Upper end of the 95 % bootstrap interval of `effective_dimension`.",
    "line_scan": (
        "JSON: `value` on the straight line from start to end of the seed that ended lowest, at the positions `t`, 0 "
        "at the start and 1 at the end; empty for the other seeds."
    ),
    "line_minima": "Dips on that line, the end among them where it is one.",
    "line_variation": "Sum of all climbs and descents along that line, in `unit`.",
    "start_smallest_curvature": "Smallest eigenvalue of the Hessian at the start, in `unit` per radian squared.",
    "start_largest_curvature": "Largest eigenvalue of the Hessian at the start, in `unit` per radian squared.",
    "start_hessian_trace": "Sum of the eigenvalues of the Hessian at the start, in `unit` per radian squared.",
    "start_negative_directions": "Eigenvalues of the Hessian at the start that are negative; there are n_params.",
    "start_flat_directions": "Eigenvalues of the Hessian at the start that are zero: below 1e-6 of the largest.",
    "start_condition_number": (
        "Largest over smallest of the positive eigenvalues of the Hessian at the start that are not flat."
    ),
    "end_smallest_curvature": "Smallest eigenvalue of the Hessian at the end, in `unit` per radian squared.",
    "end_largest_curvature": "Largest eigenvalue of the Hessian at the end, in `unit` per radian squared.",
    "end_hessian_trace": "Sum of the eigenvalues of the Hessian at the end, in `unit` per radian squared.",
    "end_negative_directions": "Eigenvalues of the Hessian at the end that are negative; there are n_params.",
    "end_flat_directions": "Eigenvalues of the Hessian at the end that are zero: below 1e-6 of the largest.",
    "end_condition_number": (
        "Largest over smallest of the positive eigenvalues of the Hessian at the end that are not flat."
    ),
    "start_spectrum": (
        "JSON list: all eigenvalues of the Hessian at the start of the seed that ended lowest, in `unit` per radian "
        "squared."
    ),
    "end_spectrum": "JSON list: all eigenvalues of the Hessian at its end, likewise.",
    "start_plane": (
        "JSON: `value` (rows along the first direction) around the start of the seed that ended lowest, on a plane of "
        "two random orthogonal directions, at the positions `first` and `second`, in radians."
    ),
    "end_plane": "JSON: the same around its end, along the two directions of largest curvature.",
    "sector_weight": (
        "Weight of the trained state in the right sector: the reference's numbers of spin-up and spin-down electrons, "
        "or, for a spin model, its number of ones. 1 where nothing has leaked."
    ),
    "symmetry_price": (
        "`value` less the energy of the state's part in that sector, in `unit`; negative where a wrong sector lies "
        "lower. Empty where nothing is in it."
    ),
    "leakage_along": (
        "JSON: `step` and `evaluations` of up to 50 points along the training, and at each `sector_weight`, "
        "`symmetry_price`, and the means of `particle_number` (or ones), `sz` and `s2`."
    ),
    "message": "What went wrong, in words, where something did.",
    "step": "Trace only: number of the minimizer's step, 0 at the start parameters.",
    "gradient_norm": "Trace only: Euclidean norm of the gradient at this step, in `unit` per parameter unit.",
    "evaluations": "Trace only: evaluations made up to this step, of value and gradient or of the value alone.",
}
"""One sentence, with unit, for every column that qvar itself writes."""


def describe(column: str) -> str:
    """What a column of the ledger or the trace means, in one sentence with its unit.

    Args:
        column: a column's name.

    Returns:
        The sentence; for a column that qvar does not know, one that says so.
    """
    return COLUMN_MEANING.get(column, "Column that the study itself appended.")


# ---------------------------------------------------------------------------------------------------------------------
# Rows


def plain_rows(rows: Any) -> list[Row]:
    """Rows as a task returned them, with plain Python values of their columns' types, checked against what a task owes.

    Args:
        rows: a list of dicts whose values are strings, numbers, booleans, None, or, for `trace_*` entries, lists.

    Returns:
        The same rows; NumPy and JAX scalars have become Python's, arrays lists.

    Raises:
        QvarError: if a row is no dict, its traces differ in length, or a value is not of its column's type.
    """
    if not isinstance(rows, Sequence) or not all(isinstance(row, dict) for row in rows):
        raise QvarError(f"`Task.run` must return a list of rows (dicts), but returned {type(rows).__name__}.")
    plain = [{str(column): _plain(value) for column, value in row.items()} for row in rows]
    for row in plain:
        traces = {column: value for column, value in row.items() if column.startswith("trace_") and value is not None}
        if wrong := [column for column, value in traces.items() if not isinstance(value, list)]:
            raise QvarError(f"`{wrong[0]}` must be a list with one entry per step.")
        lengths = {column: len(value) for column, value in traces.items()}
        if len(set(lengths.values())) > 1:
            raise QvarError(f"`trace_*` lists must all have one length, but have {lengths}.")
    for column, kind in _kinds(plain).items():
        for row in plain:
            if column in row:
                row[column] = _checked_cell(column, row[column], kind)
    return plain


def _checked_cell(column: str, value: Any, kind: str) -> Any:
    try:
        if column.startswith("trace_") and value is not None:
            return [_cell(entry, kind) for entry in value]
        return _cell(value, kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise QvarError(f"`{column}` must hold values of type {kind}, but holds {value!r}.") from error


def _kinds(rows: Sequence[Row]) -> dict[str, str]:
    """Columns that occur in the rows, in order of first appearance, with their types."""
    present = dict.fromkeys(column for row in rows for column in row)
    return {column: _column_type(column, (row.get(column) for row in rows)) for column in present}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if hasattr(value, "tolist"):  # NumPy and JAX arrays and scalars, without importing either
        return value.tolist()
    return value


def _column_type(column: str, values: Iterable[Any]) -> str:
    """The pandas type of a column: fixed where qvar owns it, else seen in its values."""
    known = LEDGER_TYPES.get(column) or _TRACE_LISTS.get(column) or _OWN_TYPES.get(column)
    if known:
        return known
    present = [value for value in values if value is not None]
    if any(isinstance(value, list) for value in present):
        present = [entry for value in present for entry in (value if isinstance(value, list) else [value])]
    if any(not isinstance(value, numbers.Real) for value in present):
        return "string"
    if present and all(isinstance(value, bool) for value in present):
        return "boolean"
    if present and all(isinstance(value, int) for value in present):
        return "Int64"
    return "float64"


def _cell(value: Any, kind: str) -> Any:
    """One value in its column's type; None stays None."""
    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "Int64":
        if isinstance(value, float):
            if value != value:  # not a number: a count that does not exist
                return None
            if not value.is_integer():
                raise QvarError(f"`{value}` must be a whole number in a column of counts.")
        return int(value)
    return bool(value) if kind == "boolean" else float(value)


def _own_columns(rows: Sequence[Row]) -> list[str]:
    """Columns that the study appended, in order of first appearance."""
    seen = dict.fromkeys(column for row in rows for column in row)
    return [column for column in seen if column not in LEDGER_TYPES and not column.startswith("trace_")]


# ---------------------------------------------------------------------------------------------------------------------
# Shards


def write_shard(path: Path, rows: Sequence[Row]) -> None:
    """Writes one task's rows, traces included, whole or not at all.

    Args:
        path: the parquet file to write.
        rows: what the task returned; see `plain_rows`.

    Raises:
        QvarError: if the rows are not what a task owes.
        OSError: if the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = plain_rows(rows)
    arrays, fields = [], []
    for column, kind in ({**LEDGER_TYPES, **_TRACE_LISTS, **_kinds(plain)}).items():
        arrow = pa.list_(_arrow_type(kind)) if column.startswith("trace_") else _arrow_type(kind)
        arrays.append(pa.array([row.get(column) for row in plain], type=arrow, from_pandas=False))
        fields.append(pa.field(column, arrow))
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    with write_whole(path) as temporary:
        # The checksums let a shard that a full disk or a broken copy damaged be told from a good one.
        pq.write_table(table, temporary, write_page_checksum=True)


def _arrow_type(kind: str) -> pa.DataType:
    import pyarrow as pa

    return {"string": pa.string(), "Int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_()}[kind]


def read_shard(path: Path) -> list[Row] | None:
    """The rows of a shard.

    Args:
        path: the parquet file.

    Returns:
        The rows, or None where the file is missing, cut short or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except (OSError, pa.ArrowException):  # a missing file is an OSError too
        return None
    if not {*LEDGER_COLUMNS, *_TRACE_LISTS} <= set(table.column_names):
        return None
    return table.to_pylist()


# ---------------------------------------------------------------------------------------------------------------------
# Ledger and trace


def ledger_from(rows: Sequence[Row]) -> pd.DataFrame:
    """The ledger: the fixed columns, then the study's own in order of first appearance.

    Args:
        rows: all tasks' rows, in the order of the tasks.

    Returns:
        One row per contender and seed; the types do not depend on what is missing.
    """
    import pandas as pd

    kinds = dict(LEDGER_TYPES)
    for column in _own_columns(rows):
        kinds[column] = _column_type(column, (row.get(column) for row in rows))
    return pd.DataFrame({c: _series([row.get(c) for row in rows], kind) for c, kind in kinds.items()})


def trace_from(rows: Sequence[Row]) -> pd.DataFrame:
    """The trace: how value, error and gradient norm went, step by step.

    Args:
        rows: all tasks' rows, in the order of the tasks.

    Returns:
        One row per contender, seed and step.
    """
    import pandas as pd

    columns: dict[str, list[Any]] = {column: [] for column in TRACE_TYPES}
    for row in rows:
        values = row.get("trace_value") or []
        nothing = [None] * len(values)
        reference = row.get("reference")
        for name in ("problem", "contender", "family", "method", "seed"):
            columns[name] += [row.get(name)] * len(values)
        columns["step"] += row.get("trace_step") or list(range(len(values)))
        columns["value"] += values
        columns["error"] += [None if v is None or reference is None else v - reference for v in values]
        columns["gradient_norm"] += row.get("trace_gradient_norm") or nothing
        columns["evaluations"] += row.get("trace_evaluations") or nothing
    return pd.DataFrame({column: _series(columns[column], kind) for column, kind in TRACE_TYPES.items()})


def _series(values: list[Any], kind: str) -> pd.Series:
    import pandas as pd

    cells = [_cell(value, kind) for value in values]
    if kind == "float64":
        return pd.Series([float("nan") if cell is None else cell for cell in cells], dtype="float64")
    return pd.Series(pd.array(cells, dtype=kind))  # pyright: ignore[reportCallIssue, reportArgumentType]


def write_ledger(table: pd.DataFrame, folder: Path) -> None:
    """Writes `ledger.parquet` and `ledger.csv`, each whole or not at all.

    Args:
        table: the ledger.
        folder: the run's folder.

    Raises:
        OSError: if a file cannot be written.
    """
    with write_whole(folder / "ledger.csv") as temporary:
        # Python's shortest text that reads back as the same 64 bits: no digit of an energy is lost.
        table.to_csv(temporary, index=False, lineterminator="\n")
    write_table(table, folder / "ledger.parquet")  # last: where it exists, the ledger is complete


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Writes a table as parquet, whole or not at all.

    Args:
        table: the ledger or the trace.
        path: the file to write.

    Raises:
        OSError: if the file cannot be written.
    """
    with write_whole(path) as temporary:
        table.to_parquet(temporary, index=False, engine="pyarrow")


def read_table(path: Path) -> pd.DataFrame | None:
    """A ledger or trace that `write_ledger` or `write_table` wrote.

    Args:
        path: the parquet file.

    Returns:
        The table, or None where the file is missing or damaged.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, pa.ArrowException):
        return None
