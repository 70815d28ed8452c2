r"""Optimization methods as records of two pure functions, with a state for each start.

A method never calls the objective. Its state holds the next point to evaluate (`trial`); the caller
evaluates there what the method `reads`, and updates the state. One evaluation is one turn, line searches included, so
that evaluations are counted as they are made, and a batch of starts needs one evaluation each per turn whatever
the line search of its neighbours does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from qvar._types import FloatArray, PyTree
from qvar.errors import QvarError, shown
from qvar.optimize.budget import Budget
from qvar.optimize.evaluation import Reading, Reads
from qvar.short_repr import short_repr

METHODS = ("adam", "bfgs", "excitation_solve", "gradient_descent", "lbfgs", "natural_gradient", "rotosolve", "spsa")
"""Functions of `qvar` that make a method."""


class Start(NamedTuple):
    """Inputs of one start."""

    theta: Array
    """(n_params,) start parameters."""
    key: Array
    """JAX random key of its own, which may have drawn theta."""
    harmonics: Array | None = None
    """(n_params, 2) as `Objective.harmonics`; shared by all starts."""
    inverse_hessian: Array | None = None
    """(n_params, n_params) first inverse Hessian, for a method that keeps one; shared by all starts."""


class Iterate(NamedTuple):
    """State of one start."""

    trial: Array
    """(n_params,) the point to evaluate next."""
    theta: Array
    """(n_params,) the last accepted point."""
    value: Array
    """() value there; NaN before the first evaluation."""
    gradient: Array
    """(n_params,) gradient there; NaN where the method reads none."""
    iterations: Array
    """() accepted points so far, the start included."""
    accepted: Array
    """() whether the last evaluation made a new accepted point."""
    converged: Array
    """() whether the method itself, and not the norm of the gradient, says that it has arrived."""
    stalled: Array
    """() whether the method has given up."""
    counted: Array
    """() whether the next evaluation is spent by the method; otherwise it serves the record alone."""
    inner: PyTree
    """Memory of the method."""


class HostSteps(NamedTuple):
    """A method on the host in 64 bit, for all starts at once."""

    init: Callable[[FloatArray], Iterate]
    """Start parameters (n, size) -> states of NumPy arrays, whose trials they are."""
    turn: Callable[[], Callable[..., None]]
    """Compiles the function of a turn, whose arguments are those of `lbfgs_kernels.turn`, with the evaluations of a
    start in place of all settings."""
    update: Callable[[Iterate, Reading], Iterate]
    """The function of one start that it serves; a copy of the method with another one has none of the host."""


@short_repr("name", "settings")
class Method(NamedTuple):
    """An optimization method: a name, its settings, what it reads, and two pure functions for one start."""

    name: str
    settings: tuple[tuple[str, Any], ...]
    """Recorded; part of every task's key."""
    init: Callable[[Start], Iterate]
    """Start -> state whose trial its parameters are."""
    update: Callable[[Iterate, Reading], Iterate]
    """(state, what was read at the trial) -> state with the next trial."""
    citations: tuple[str, ...] = ()
    """Keys of its papers and software in `qvar/citations.bib`."""
    reads: Reads = "gradient"
    """Quantities that are evaluated at the trial."""
    most_harmonics: int = 0
    """Largest R of `Objective.harmonics` that it can take, for a method that needs them; 0 for others."""
    allows_padding: bool = False
    """True if further parameters, zero with zero gradient, stay zero and change nothing else."""
    inverse_hessian: Callable[[PyTree], Any] | None = None
    """`Iterate.inner` -> inverse Hessian (n_params, n_params), for a method that keeps one."""
    host: HostSteps | None = None
    """The same on the host, if there is such a function."""

    @classmethod
    def accept(cls, argument: str, value: Any) -> Method:
        """Return an optax transformation as a method; see `from_optax`.

        Raises `QvarError` if the value is neither a method nor a transformation.
        """
        if hasattr(value, "init") and hasattr(value, "update"):  # else optax need not be imported
            import optax

            from qvar.optimize.first_order import from_optax

            if isinstance(value, optax.GradientTransformation) and all(map(callable, value)):
                return from_optax(value)
        words = "a method, such as qvar.lbfgs(), or an optax transformation"
        hint = ""
        if callable(value) and getattr(value, "__name__", "") in METHODS:
            hint = f": call it, {value.__name__}()"
        elif isinstance(value, str) and value in METHODS:
            hint = f": write qvar.{value}()"
        raise QvarError(f"`{argument}` must be {words}, but is {shown(value)}{hint}.")

    @property
    def reads_gradient(self) -> bool:
        """True if every evaluation comes with a gradient."""
        return self.reads in ("gradient", "metric")

    def evaluations(self, budget: Budget) -> int:
        """Return the evaluations that a budget grants one start: `gradients`, or `energies` if no gradient is read."""
        if self.reads_gradient or budget.energies is None:
            return budget.gradients
        return budget.energies

    def describe(self) -> Mapping[str, Any]:
        """Return name and settings, as JSON can hold them."""
        return {"name": self.name, **dict(self.settings)}


def begin(theta: Array, inner: PyTree, *, counted: bool = True) -> Iterate:
    """Return the state before the first evaluation, whose trial is the start itself.

    The evaluation of the start is spent by the method if `counted`; `inner` is what the method keeps for itself.
    """
    false = jnp.asarray(False)
    return Iterate(
        trial=theta,
        theta=theta,
        value=jnp.asarray(jnp.nan, theta.dtype),
        gradient=jnp.full_like(theta, jnp.nan),
        iterations=jnp.asarray(0),
        accepted=false,
        converged=false,
        stalled=false,
        counted=jnp.asarray(counted),
        inner=inner,
    )


def gradient_of(read: Reading) -> Array:
    """Return the gradient, for a method that reads one."""
    assert read.gradient is not None
    return read.gradient
