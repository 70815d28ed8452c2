"""Path of a compression: its steps, each with the costs and the value after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from qvar.diagnostics.estimate import Estimate
from qvar.objective import Costs
from qvar.short_repr import short_repr


@short_repr("action", "n_params", "value", "rise", "predicted_rise", "bits")
@dataclass(frozen=True, eq=False, kw_only=True)
class PathStep:
    """State of a compression after one step."""

    action: str
    """Word for the step: `"start"`, `"prune"`, `"round"`, ..."""
    n_params: int
    """Free parameters after the step."""
    value: float
    """Value of the objective after the step, in its unit."""
    rise: float = 0.0
    """Rise of the value by the step."""
    predicted_rise: float = float("nan")
    """The same as a law predicts it from derivatives before the step; NaN if no law does."""
    resources: Costs = field(default_factory=Costs)
    """Costs of the circuit."""
    evaluations: int = 0
    """Evaluations so far, from the start of the path: of the value alone or with its gradient; a product with the
    Hessian or the Fisher information counts as two."""
    removed: tuple[int, ...] = ()
    """Parameters removed in the step, by their numbers in the first circuit."""
    bits: int | None = None
    """Bits of an angle; None if angles are not rounded."""
    sampled_rise: Estimate | None = None
    """Mean rise by rounding over grids of random offset; None if it was not estimated."""

    def describe(self) -> dict[str, Any]:
        """Describe the step, ready for JSON."""
        costs, one = self.resources, self.sampled_rise
        numbers = {"value": self.value, "rise": self.rise, "predicted_rise": self.predicted_rise}
        return {
            "action": self.action,
            "parameters": self.n_params,
            **{key: None if np.isnan(value) else value for key, value in numbers.items()},
            "cnots": costs.two_qubit_gates,
            "depth": costs.depth,
            "t_gates": costs.t_gates,
            "evaluations": self.evaluations,
            "removed": list(self.removed),
            "bits": self.bits,
            "sampled_rise": None if one is None else [one.value, one.low, one.high],
        }


Hook: TypeAlias = Callable[[PathStep], None]
"""Called with each step of a path."""
