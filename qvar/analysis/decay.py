"""Decay of the variances of a scaling study with the number of qubits: one fit per contender and start."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.rows import ended, known, typed, where
from qvar.diagnostics.estimate import heavy_tail
from qvar.optimize.budget import Status

QUANTITIES = {"loss": "loss_variance", "gradient": "gradient_variance"}
"""Fitted quantities and their columns in the ledger: the gradient's variance is the mean over all parameters."""

_COLUMNS = (
    "contender", "family", "start", "quantity", "relative", "size_name", "size_first", "size_last", "n_points",
    "n_params_first", "n_params_last", "samples", "variance_first", "variance_last", "verdict", "decays", "rate",
    "rate_low", "rate_high", "prefactor", "exponent", "exponent_low", "exponent_high", "power_prefactor", "delta_aic",
    "scatter", "p_value", "power_p_value", "misfit", "power_misfit", "sentence",
)  # fmt: skip
_KINDS = {
    **dict.fromkeys(("contender", "family", "start", "quantity", "size_name", "verdict", "sentence"), "string"),
    **dict.fromkeys(("n_points", "n_params_first", "n_params_last", "samples"), "Int64"),
    **dict.fromkeys(("relative", "decays"), "boolean"),
}
"""Types of the columns that are no floating-point numbers."""

_OF_FIT = (
    "n_points", "verdict", "decays", "prefactor", "power_prefactor", "delta_aic", "scatter", "p_value", "power_p_value",
    "misfit", "power_misfit", "sentence",
)  # fmt: skip
"""Columns that are fields of `qvar.diagnostics.decay_fit.DecayFit`."""


class DecayRow(NamedTuple):
    """A row of a labelled `decay_table`; numbers are missing values of pandas if there are none."""

    label: str
    quantity: str
    verdict: str
    sentence: str
    size_first: float
    size_last: float
    n_points: int
    samples: int
    variance_first: float
    variance_last: float
    rate: float
    rate_low: float
    rate_high: float
    prefactor: float
    exponent: float
    exponent_low: float
    exponent_high: float
    power_prefactor: float
    delta_aic: float


class PointRow(NamedTuple):
    """A row of a labelled ledger of a scaling study; numbers are missing values of pandas, or None, if there are none.

    Predictions are columns of the ledgers for which they are known.
    """

    label: str
    contender: str
    size: int
    size_name: str
    n_params: float | None
    status: str
    unit: str | None
    message: str | None
    space_dimension: float | None
    loss_variance: float
    loss_variance_low: float
    loss_variance_high: float
    loss_variance_needed: float | None
    gradient_variance: float
    gradient_variance_low: float
    gradient_variance_high: float
    gradient_variance_needed: float | None
    gradient_variance_first: float
    gradient_variance_first_low: float
    gradient_variance_first_high: float
    gradient_variance_first_needed: float | None
    gradient_variance_largest: float
    gradient_mean_square: float
    law: str | None
    law_loss_variance: float | None
    law_gradient_variance_first: float | None
    haar_loss_variance: float | None
    lie_loss_variance: float | None
    lie_dimension: float | None
    wall_s: float | None


def decay_table(ledger: DataFrame) -> DataFrame:
    r"""Fit \(A e^{-b n}\) and \(A n^{-b}\) to the variances of a scaling study, and choose between them.

    The fits are those of `qvar.diagnostics.fit_decay`, weighted with the intervals of the variances; there are fits
    if sizes count qubits.

    Args:
        ledger: the ledger of a `qvar.studies.scaling.Scaling`.

    Returns:
        One row per contender, start and quantity: `contender`, `family`, `start`, `quantity` ("loss" or "gradient", the
        latter's variance averaged over all parameters), `relative` (whether the variances were divided by the square
        of the spectral width, see `is_relative`), `size_name`, `size_first`, `size_last` (smallest and largest size
        with a variance), `n_points`, `n_params_first`, `n_params_last`, `samples` (least number at a point),
        `variance_first`, `variance_last`; `verdict` ("exponential", "power", "neither" or "undecided"; missing if there
        is no fit), `decays`, `rate` (b of the exponential, per qubit) and `exponent` (b of the power law), each with
        `_low` and `_high`, `prefactor`, `power_prefactor`, `delta_aic` (AICc of the power law minus the exponential's),
        `scatter`, `p_value` and `power_p_value` (how well each law fits), `misfit` and `power_misfit` (largest distance
        from it on the logarithmic axis), and `sentence`, which says it in words.
    """
    import pandas as pd

    relative = is_relative(ledger)
    rows = [
        {
            **{name: group[name].iloc[0] for name in ("contender", "family", "start", "size_name")},
            "quantity": quantity,
            "relative": relative,
            **_fitted(group, quantity, relative),
        }
        for _, group in ledger.groupby(["contender", "start"], dropna=False, sort=False)
        for quantity in QUANTITIES
    ]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    return table.astype({name: _KINDS.get(name, "float64") for name in _COLUMNS})


def is_relative(ledger: DataFrame) -> bool:
    """Return if the variances of a ledger are in units of the squared spectral width.

    They are if the widths differ, because Hamiltonians that grow, or of several units, cannot be compared otherwise.
    Pauli observables, which all have the same width, are left as they are.
    """
    widths = measured(ledger)["spectral_width"].to_numpy(dtype=float)
    usable = len(widths) > 0 and bool(np.all(np.isfinite(widths) & (widths > 0)))
    return usable and not np.allclose(widths, widths[0], rtol=1e-6)


def measured(ledger: DataFrame) -> DataFrame:
    """Return the rows that have variances."""
    if "loss_variance" not in ledger.columns:  # no row has any
        return ledger.iloc[:0].assign(loss_variance=[], spectral_width=[], samples=[])
    return where(ledger, ended(ledger, Status.MEASURED.value) & ledger["loss_variance"].notna())


def variances(ledger: DataFrame, column: str, relative: bool) -> np.ndarray:
    """Return a column of variances, (rows,), divided by the squared spectral width if they are relative."""
    values = ledger[column].to_numpy(dtype=float)
    return values / ledger["spectral_width"].to_numpy(dtype=float) ** 2 if relative else values


def narrow_intervals(points: DataFrame) -> list[str]:
    """Return a sentence for every variance whose interval is too narrow, for lack of samples of a heavy tail."""
    names = {
        "loss_variance": "variance of the loss",
        "gradient_variance": "variance of the gradient",
        "gradient_variance_first": "variance of the first derivative",
    }
    return [
        f"{row.label}, {int(row.size)} {row.size_name}, {words}: {heavy_tail(int(getattr(row, f'{name}_needed')))}."
        for row in typed(measured(points), PointRow)
        for name, words in names.items()
        if known(getattr(row, f"{name}_needed"))
    ]


def _fitted(group: DataFrame, quantity: str, relative: bool) -> dict[str, Any]:
    points = measured(group).sort_values("size")
    if points.empty:
        return {"n_points": 0}
    column = QUANTITIES[quantity]
    values, low, high = (variances(points, column + end, relative) for end in ("", "_low", "_high"))
    sizes = points["size"].to_numpy(dtype=float)
    about = {
        "size_first": sizes[0],
        "size_last": sizes[-1],
        "n_points": len(points),
        "n_params_first": points["n_params"].iloc[0],
        "n_params_last": points["n_params"].iloc[-1],
        "samples": points["samples"].min(),
        "variance_first": values[0],
        "variance_last": values[-1],
    }
    if str(points["size_name"].iloc[0]) != "qubits":
        return about
    from qvar.diagnostics.decay_fit import fit_decay  # imports JAX, which a ledger of another kind need not wait for

    fit = fit_decay(sizes, values, intervals=np.stack([low, high], axis=1), size_name="qubit")
    ends = {
        f"{name}_{end}": slope.interval[side] if math.isfinite(slope.interval[side]) else math.nan
        for name, slope in (("rate", fit.rate), ("exponent", fit.exponent))
        for side, end in enumerate(("low", "high"))
    }
    return {
        **about,
        **ends,
        **{name: getattr(fit, name) for name in _OF_FIT},
        "rate": fit.rate.value,
        "exponent": fit.exponent.value,
    }
