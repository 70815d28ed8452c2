"""Rows of cases swept over their arguments, whose medians are known."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

FAMILIES = {"ladder": "generic", "cluster": "constrained", "fabric": "constrained"}
PARAMS = {"ladder": 10, "cluster": 6, "fabric": 8}
MOLECULES = ("h4", "lih")
LAYERS = (1, 2, 3)


def error_of(contender: str, molecule: str, layers: int) -> float:
    """Errors of the middle seed, in mHa: in lih the ladder overtakes at three layers."""
    start = {"ladder": 100.0, "cluster": 20.0, "fabric": 30.0}[contender]
    fall = 0.05 if contender == "ladder" and molecule == "lih" else 0.5
    return start * fall ** (layers - 1)


def rows_at(
    sweep: dict[str, Any],
    errors: Callable[[str], float] = lambda contender: PARAMS[contender] / 2,
    *,
    reference: bool = True,
    unit: str = "Ha",
    name: str = "{}",
    **more: Any,
) -> list[dict[str, Any]]:
    """Three seeds of each contender, their errors 1, 1/2 and 4 times the middle one."""
    rows = []
    for (contender, family), seed in itertools.product(FAMILIES.items(), range(3)):
        error = (1.0, 0.5, 4.0)[seed] * errors(contender) / (1000 if unit == "Ha" else 1)
        rows.append(
            {
                "problem": "a problem",
                "contender": name.format(contender),
                "series": contender,
                "family": family,
                "engine": "dense",
                "n_qubits": 8,
                "n_params": PARAMS[contender],
                "seed": seed,
                "method": "lbfgs",
                "status": "converged" if seed else "out_of_budget",
                "value": -2 + error,
                "reference": -2.0 if reference else None,
                "error": error if reference else None,
                "unit": unit,
                "gradient_evaluations": 20,
                "wall_s": 1.0,
                "trace_value": [0.0, -2 + error],
                **{f"sweep_{argument}": value for argument, value in sweep.items()},
                **more,
            }
        )
    return rows


def grid(**values: Any) -> list[dict[str, Any]]:
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]


def failed(rows: list[dict[str, Any]], message: str) -> list[dict[str, Any]]:
    kept = ("contender", "family", "seed", "method", "problem", "n_params")
    return [
        {k: v for k, v in row.items() if k in kept or k.startswith("sweep_")} | {"status": "failed", "message": message}
        for row in rows
    ]


SWEEP = [
    row
    for at in grid(molecule=MOLECULES, layers=LAYERS)
    for row in rows_at(at, lambda name, at=at: error_of(name, **at), problem=f"molecule {at['molecule']}")
]
