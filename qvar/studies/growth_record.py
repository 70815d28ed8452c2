"""Record of a growing circuit: its steps, and the circuit in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.ansatz import Ansatz
from qvar.short_repr import short_repr


class GrowthEnd(Enum):
    """End of a growth."""

    GRADIENT = "gradient"
    """The norm of the pool's gradients fell below the limit."""
    ERROR = "error"
    """The error fell below the limit."""
    OPERATORS = "operators"
    """The largest number of operators is reached."""
    CNOTS = "cnots"
    """The next elements would exceed the largest number of CNOTs."""
    SECONDS = "seconds"
    """The time is up."""
    STALLED = "stalled"
    """The last step lowered the value by rounding alone, though the pool's gradients are above the limit."""


@short_repr("n_operators", "value", "pool_norm", "cnots")
@dataclass(frozen=True, eq=False, kw_only=True)
class GrowthStep:
    """State of a growth after the optimization of all angles."""

    chosen: tuple[str, ...]
    """Names of the elements added in this step; none in step 0, the start."""
    removed: tuple[str, ...] = ()
    """Names of elements removed in this step."""
    n_operators: int
    """Number of elements so far."""
    n_params: int
    """Number of angles of the whole circuit."""
    value: float
    """Energy, in the problem's unit; the infidelity of a growth towards a state."""
    error: float
    """Value above the exact one; NaN if that is not known."""
    pool_norm: float
    """Euclidean norm of the gradients of all elements of the pool, appended at angle zero."""
    largest_gradient: float
    """Largest of their absolute values."""
    cnots: int | None
    """CNOTs of the whole circuit, in the published circuits of its operations; None if one has none."""
    evaluations: int
    """Evaluations so far: energies with their gradient, those of the whole pool in a step as one; and energies alone
    that a rule needs."""


StepHook: TypeAlias = Callable[[GrowthStep], None]


@short_repr("ansatz", "status", "n_operators", "value")
@dataclass(frozen=True, eq=False, kw_only=True)
class Adapted:
    """A grown circuit and its history."""

    ansatz: Ansatz
    """The circuit: the reference determinant (or the base), then one operation or more for each element. Its
    start `"grown"`, the default, is `theta`."""
    theta: FloatArray
    """(n_params,) its angles."""
    status: GrowthEnd
    """Reason of the end."""
    steps: tuple[GrowthStep, ...]
    """One entry for each step, the start first."""

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the elements, the first acts first."""
        return tuple(self.ansatz.settings["operators"])

    @property
    def n_operators(self) -> int:
        """Number of elements."""
        return self.steps[-1].n_operators

    @property
    def value(self) -> float:
        """Energy of the circuit."""
        return self.steps[-1].value

    @property
    def values(self) -> FloatArray:
        """(n_steps,) energies."""
        return np.array([step.value for step in self.steps])

    @property
    def errors(self) -> FloatArray:
        """(n_steps,) energies above the exact one."""
        return np.array([step.error for step in self.steps])

    @property
    def pool_norms(self) -> FloatArray:
        """(n_steps,) norms of the pool's gradients."""
        return np.array([step.pool_norm for step in self.steps])

    @property
    def cnots(self) -> IntArray | FloatArray:
        """(n_steps,) CNOTs; NaN if they are not known."""
        return np.array([np.nan if step.cnots is None else step.cnots for step in self.steps])

    @property
    def evaluations(self) -> IntArray:
        """(n_steps,) evaluations."""
        return np.array([step.evaluations for step in self.steps])
