"""Columns and rows that several studies have in their ledgers."""

from __future__ import annotations

from collections.abc import Callable

from qvar.errors import error_words
from qvar.optimize.budget import Status
from qvar.task import LedgerColumn, Row

CIRCUIT_COLUMNS = (
    LedgerColumn("series", "string", "Name of the circuit without its number of layers; `contender` adds it."),
    LedgerColumn("layers", "Int64", "Number of layers of the circuit, of its own kind; empty if it has none."),
)  # fmt: skip
"""Columns of all studies of circuits."""

START_NOISE = LedgerColumn(
    "start_noise", "float64", "Standard deviation of Gaussian noise added to every parameter of a start.", unit="radian"
)

START_VALUE = LedgerColumn("start_value", "float64", "Value at the start of the training.", unit="the row's `unit`")

LIE_DIMENSION = LedgerColumn(
    "lie_dimension",
    "Int64",
    "Dimension of the Lie algebra that the circuit's generators generate; empty if it exceeds the study's limit.",
)

TEST_ERROR = LedgerColumn(
    "test_error",
    "float64",
    "Error of the predictions of data that the model was not fitted to; lower is better. Families are compared by it.",
    unit="the row's `unit`",
)

TRAINING_COLUMNS = (
    *CIRCUIT_COLUMNS,
    LedgerColumn("hessian_products", "Int64", "Hessian products made to distinguish a minimum from a saddle, each as "
        "long as about two gradients; those before a step out of a saddle are part of the training, and two "
        "evaluations each."),
    LedgerColumn("remarks", "string", "JSON list: sentences on the problem that a reader must know, such as a "
        "Hartree-Fock reference that is a saddle or an exact state of another spin; only if there are any."),
    LedgerColumn("tolerance", "float64", "Largest |error| of a start that succeeds; only if the study has a "
        "tolerance.", unit="the row's `unit`"),
    LedgerColumn("penalty", "float64", "Penalties at the end; the energy `value` plus these is what is minimized; only "
        "if the objective has penalties.", unit="the row's `unit`"),
    LedgerColumn("minimum", "Int64", "Number of the contender's distinct minimum, by energy and fidelity, that the "
        "seed ended in: 0 is the lowest; empty if the value is not finite."),
    START_NOISE,
    LedgerColumn("pauli_one_norm", "float64", "Sum of the sizes of the Hamiltonian's Pauli coefficients, the identity "
        "left out; the shots of one energy are at most its square over the square of the standard error wanted.",
        unit="the row's `unit`"),
    LedgerColumn("parameter_shift_energies", "Int64", "Energies that one gradient takes by the parameter-shift rule, "
        "gate by gate."),
)  # fmt: skip
"""Columns of all studies that train contenders."""


def estimated(name: str, meaning: str, unit: str = "") -> tuple[LedgerColumn, ...]:
    """Return the columns of an estimate: its value, the ends of its 95 % interval, and the samples that it needs."""
    return (
        LedgerColumn(name, "float64", meaning, unit=unit),
        LedgerColumn(f"{name}_low", "float64", f"Lower end of the 95 % interval of `{name}`.", unit=unit),
        LedgerColumn(f"{name}_high", "float64", f"Upper end of the 95 % interval of `{name}`.", unit=unit),
        LedgerColumn(
            f"{name}_needed",
            "Int64",
            f"Samples that it takes, to a factor of about 3, if a heavy tail makes the interval of `{name}` too "
            "narrow; empty if these are enough.",
        ),
    )


def repeated(own: Row, seeds: int, run: Callable[[int], Row]) -> list[Row]:
    """Return a row for each seed, with what all share; one whose run raises an error has the status `failed`."""
    rows: list[Row] = []
    for seed in range(seeds):
        try:
            row = run(seed)
        except Exception as error:  # the other seeds go on
            row = {"status": Status.FAILED.value, "message": error_words(error)}
        rows.append({**own, "seed": seed, **row})
    return rows
