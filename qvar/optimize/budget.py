"""Budget and Status: how much a minimization may spend, and how it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from qvar.arguments import check_fields
from qvar.errors import require
from qvar.short_repr import short_repr

Escape: TypeAlias = Literal["start", "always", "never"]
"""Saddles that are left: those at a start, all, or none."""


@short_repr()
@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits of the work of one start. Evaluations are counted as made, those of line searches included."""

    gradients: int = 500
    """Evaluations of energy and gradient together."""
    seconds: float = math.inf
    """Wall-clock seconds for the whole batch, compilation excluded."""
    gradient_tolerance: float = 1e-6
    """A start is converged when the Euclidean norm of its gradient falls below this; not used by methods that read
    no gradient, which have their own rule or none."""
    energies: int | None = None
    """Evaluations of the energy alone, for methods that read no gradient (SPSA, Rotosolve); as many as `gradients`
    where None."""
    escape: Escape = "start"
    r"""Saddles that are left by a step along the direction of lowest curvature, after which the method begins again:
    `"start"`, only if the start parameters themselves are stationary, `"always"`, wherever a start comes to rest, or
    `"never"`. A stationary start whose lowest curvature is zero is left by a random step, for the value may fall in
    higher order; if nothing lower is found, it is the result. The Hessian products before a step are part of the
    training: each counts as two evaluations."""
    hessian_products: int = 20
    """Largest number of Hessian products for each start that converged, to distinguish a minimum from a saddle; 0 for
    no such check. They serve the record, and are not counted as evaluations unless a step out of a saddle follows; a
    product takes as long as about two gradients. The curvature is exact for so many parameters, an upper bound for
    more."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(self.gradients >= 1, "gradients", "be at least 1", self.gradients)
        if self.energies is not None:
            require(self.energies >= 1, "energies", "be at least 1", self.energies)
        require(self.seconds > 0, "seconds", "be positive", self.seconds)
        require(self.gradient_tolerance >= 0, "gradient_tolerance", "not be negative", self.gradient_tolerance)
        require(self.hessian_products >= 0, "hessian_products", "not be negative", self.hessian_products)


class Status(Enum):
    """End of a computation. The value is the ledger's word, `sentence` says what to do next."""

    CONVERGED = "converged"
    SADDLE = "saddle"
    MEASURED = "measured"
    OUT_OF_BUDGET = "out_of_budget"
    OUT_OF_TIME = "out_of_time"
    STALLED = "stalled"
    NOT_FINITE = "not_finite"
    FAILED = "failed"
    TRAINED = "trained"

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        return _SENTENCES[self]


FINE = (Status.CONVERGED.value, Status.MEASURED.value, Status.TRAINED.value)
"""Words of the ledger that need no attention."""

_SENTENCES = {
    Status.CONVERGED: (
        "The gradient norm, or what a whole sweep of Rotosolve gained, fell below the tolerance, and no direction of "
        "negative curvature was found."
    ),
    Status.SADDLE: (
        "The gradient norm fell below the tolerance at a saddle: the value falls along the direction of "
        "`lowest_curvature`; start elsewhere, or let all saddles be left with `Budget(escape='always')`."
    ),
    Status.MEASURED: "All that was asked for was computed, and all of it was finite; nothing was trained.",
    Status.OUT_OF_BUDGET: "All evaluations were spent before the tolerance was met; raise `gradients` (or `energies`).",
    Status.OUT_OF_TIME: "The time was up before the tolerance was met; raise `seconds`.",
    Status.STALLED: "No lower value was found along the search direction; the precision of the value is exhausted.",
    Status.NOT_FINITE: "The value or its gradient is not a number; look at the start parameters and the objective.",
    Status.FAILED: "The computation raised an error, see the column `message`.",
    Status.TRAINED: "All steps of the training were made, and its losses are finite.",
}
