"""Result and Trace: how one start of a minimization ended, and what happened on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qvar._types import FloatArray, IntArray
from qvar.notebook import facts_html
from qvar.optimize.budget import Status
from qvar.short_repr import short_repr


@short_repr()
@dataclass(frozen=True, eq=False)
class Trace:
    """History of a minimization; a step is an accepted point, the start is step 0."""

    step: IntArray
    """(n_steps,) 0, 1, ..."""
    value: FloatArray
    """(n_steps,) value of the objective, in its unit."""
    gradient_norm: FloatArray
    """(n_steps,) Euclidean norm of the gradient; NaN where the method reads none."""
    evaluations: IntArray
    """(n_steps,) evaluations spent until then: of value and gradient, or of the value if no gradient is read; two for
    each Hessian product that led out of a saddle."""
    theta: FloatArray | None = None
    """(n_steps, n_params) the points themselves, where they were kept."""


@short_repr("value", "status", "iterations", "energy_evaluations", "gradient_evaluations")
@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """End of one start."""

    value: float
    """Value at `theta`, in the objective's unit; NaN where nothing finite was found."""
    theta: FloatArray
    """(n_params,) the last accepted point."""
    status: Status
    """Reason of the end; `status.sentence` says it in words."""
    gradient_norm: float
    """Euclidean norm of the gradient at `theta`; NaN where the method reads none."""
    iterations: int
    """Accepted steps."""
    energy_evaluations: int
    """Values that the method spent, those of line searches included; exact values that serve the record alone, of
    SPSA, are not counted."""
    gradient_evaluations: int
    """Gradients that the training took: one with each value, or none; each with a metric for `natural_gradient`; and
    two for each Hessian product that led out of a saddle."""
    trace: Trace
    """One entry per accepted point."""
    wall_s: float
    """Seconds for the whole batch of starts, compilation excluded."""
    compile_s: float
    """Seconds of compilation for the whole batch; next to nothing where a compiled program was at hand."""
    lowest_curvature: float = float("nan")
    """Lowest eigenvalue of the Hessian at `theta`, or an upper bound of it, see `Budget.hessian_products`; NaN if the
    start did not converge, or the objective has no second derivatives."""
    hessian_products: int = 0
    """Hessian products made to distinguish a minimum from a saddle; each takes as long as about two gradients."""
    inverse_hessian: FloatArray | None = None
    """(n_params, n_params) approximate inverse Hessian in the end, of a method that keeps one (`bfgs`)."""

    def _repr_html_(self) -> str:
        """Return the end of the start, for a notebook."""
        curvature = None if math.isnan(self.lowest_curvature) else f"{self.lowest_curvature:.3g}"
        facts = {
            "value": f"{self.value:.8f}",
            "end": self.status.sentence,
            "gradient norm": None if math.isnan(self.gradient_norm) else f"{self.gradient_norm:.2g}",
            "lowest curvature": curvature,
            "iterations": self.iterations,
            "evaluations": self.gradient_evaluations or self.energy_evaluations,
            "parameters": len(self.theta),
        }
        return facts_html("Result", facts)


def summed(results: Iterable[Result], *names: str) -> dict[str, Any]:
    """Return the sums of some numbers of several results, by the names of their fields."""
    every = list(results)
    return {name: sum(getattr(result, name) for result in every) for name in names}
