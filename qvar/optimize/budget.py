"""Budget and Status: how much a minimization may spend, and how it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from qvar.checks import counting_number
from qvar.errors import require
from qvar.short_repr import short_repr


@short_repr()
@dataclass(frozen=True)
class Budget:
    """What one start may spend. Evaluations are counted as made, those of line searches included."""

    gradients: int = 500
    """Evaluations of energy and gradient together."""
    seconds: float = math.inf
    """Wall-clock seconds for the whole batch, compilation excluded."""
    gradient_tolerance: float = 1e-6
    """A start is converged when the Euclidean norm of its gradient falls below this; not heeded by methods that read
    no gradient, which have their own rule or none."""
    energies: int | None = None
    """Evaluations of the energy alone, for methods that read no gradient (SPSA, Rotosolve); as many as `gradients`
    where None."""

    def __post_init__(self) -> None:
        counting_number("gradients", self.gradients)
        if self.energies is not None:
            counting_number("energies", self.energies)
        require(self.seconds > 0, "seconds", "be positive", self.seconds)
        require(self.gradient_tolerance >= 0, "gradient_tolerance", "not be negative", self.gradient_tolerance)


class Status(Enum):
    """How a computation ended. The value is the ledger's word, `sentence` says what to do next."""

    CONVERGED = "converged"
    MEASURED = "measured"
    OUT_OF_BUDGET = "out_of_budget"
    OUT_OF_TIME = "out_of_time"
    STALLED = "stalled"
    NOT_FINITE = "not_finite"
    FAILED = "failed"

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        return _SENTENCES[self]


FINE = (Status.CONVERGED.value, Status.MEASURED.value)
"""Words of the ledger that ask for nobody's attention."""

_SENTENCES = {
    Status.CONVERGED: "The gradient norm, or what a whole sweep of Rotosolve gained, fell below the tolerance.",
    Status.MEASURED: "All that was asked for was computed, and all of it was finite; nothing was trained.",
    Status.OUT_OF_BUDGET: "All evaluations were spent before the tolerance was met; raise `gradients` (or `energies`).",
    Status.OUT_OF_TIME: "The time was up before the tolerance was met; raise `seconds`.",
    Status.STALLED: "No lower value was found along the search direction; the precision of the value is exhausted.",
    Status.NOT_FINITE: "The value or its gradient is not a number; look at the start parameters and the objective.",
    Status.FAILED: "The computation raised an error, which stands in the column `message`.",
}
