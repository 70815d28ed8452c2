"""Columns that a study over sizes adds to the ledger."""

from __future__ import annotations

from qvar.studies.columns import CIRCUIT_COLUMNS, LIE_DIMENSION, START_NOISE, estimated
from qvar.task import LedgerColumn

_SQUARED = "the row's `unit` squared"
_SLOPE = "the row's `unit` squared per radian squared"

SCALING_COLUMNS = (
    *CIRCUIT_COLUMNS,
    LedgerColumn("size", "Int64", "Size that the contender was made for, in `size_name`."),
    LedgerColumn("size_name", "string", "Meaning of `size`: `qubits`, or `layers` at a fixed number of qubits."),
    LedgerColumn("start", "string", "Distribution of the samples' parameters, such as `uniform`, on [-pi, pi), or "
        "`mp2`."),
    START_NOISE,
    LedgerColumn("samples", "Int64", "Number of random parameter vectors that the row's variances rest on."),
    *estimated("loss_variance", "Variance of the loss over the samples; `value` is its mean.", _SQUARED),
    *estimated(
        "gradient_variance",
        "Variance of a component of the gradient over the samples, averaged over all parameters.",
        _SLOPE,
    ),
    *estimated("gradient_variance_first", "Variance of the derivative by the first parameter.", _SLOPE),
    LedgerColumn("gradient_variance_largest", "float64", "Largest variance of any component of the gradient.",
        unit=_SLOPE),
    LedgerColumn("gradient_mean_square", "float64", "Mean of the squared components of the gradient over the samples "
        "and all parameters; above `gradient_variance` if the derivatives of all samples have one sign.", unit=_SLOPE),
    LedgerColumn("component_variances", "string", "JSON list: variances of all components of the gradient, in the "
        "order of the parameters.", unit=_SLOPE),
    LedgerColumn("spectral_width", "float64", "Largest minus smallest value that the loss can take in the space that "
        "was simulated, see `space_dimension`.", unit="the row's `unit`"),
    LedgerColumn("normalised_loss_variance", "float64", "loss_variance / spectral_width squared, which compares "
        "Hamiltonians of different size."),
    LedgerColumn("space_dimension", "Int64", "Number of basis states of the space that was simulated: all 2^n, or "
        "those of the sector."),
    LedgerColumn("haar_loss_variance", "float64", "Variance of the loss over Haar-random states of that space (real "
        "ones for a real circuit).", unit=_SQUARED),
    LedgerColumn("law", "string", "Formula of the exact law that the case gives for a deep circuit, d = 2^n."),
    LedgerColumn("law_loss_variance", "float64", "Variance of the loss by that law.", unit=_SQUARED),
    LedgerColumn("law_gradient_variance_first", "float64", "Variance of the derivative by the first parameter, by "
        "that law.", unit=_SLOPE),
    LIE_DIMENSION,
    LedgerColumn("lie_loss_variance", "float64", "Variance of the loss that this algebra predicts for a deep circuit; "
        "empty if it predicts none.", unit=_SQUARED),
)  # fmt: skip
