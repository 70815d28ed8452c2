r"""Fits: the basis set of a form that makes a target lowest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.basis import formats
from qvar.basis.continuation import stages
from qvar.basis.energy import UnsolvedError
from qvar.basis.form import Form
from qvar.basis.shells import BasisSet
from qvar.basis.target import Measured, Target
from qvar.checks import counting_number
from qvar.errors import QvarError
from qvar.objective import Objective
from qvar.optimize.budget import Budget, Status
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.minimize import Hook, minimize
from qvar.optimize.result import Result, Trace
from qvar.random_draws import key_integers
from qvar.short_repr import short_repr

LOOSE = 1e-4
"""Gradient norm, in hartree, at which a stage hands over to the next."""


@short_repr("form", "target", "value", "status", "evaluations")
@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """A basis set that was optimized, or how the attempt ended. `qvar.molecule(..., basis=fitted)` takes it."""

    form: Form
    """Form that was fitted."""
    target: Target
    """Energy that was minimized."""
    theta: FloatArray
    """(n_params,) the last accepted point."""
    value: float
    """The target there, in hartree; NaN if it is not finite."""
    status: Status
    """Reason for the end; `status.sentence` explains it."""
    message: str
    """Error message; empty without an error."""
    gradient_norm: float
    """Euclidean norm of the gradient, in hartree."""
    evaluations: int
    """Values computed, with or without their gradients, over all stages."""
    trace: Trace
    """Accepted points of all stages in a row."""
    start: int
    """Number of the start."""
    method: str
    """The optimization method."""
    key: str
    """Numbers of the JAX random key of the whole fit."""
    wall_s: float
    """Seconds, compilation excluded."""
    compile_s: float
    """Seconds of compilation."""
    starts: tuple[Fitted, ...] = ()
    """All starts, this one included, if there were several."""

    @cached_property
    def basis(self) -> BasisSet:
        """The basis set."""
        return self.form.basis(self.theta)

    @property
    def exponents(self) -> dict[tuple[str, str], FloatArray]:
        """Exponents in bohr^-2, ascending, by element and letter of the angular momentum."""
        return self.form.exponents(self.theta)

    @cached_property
    def measured(self) -> list[Measured]:
        """Properties of each molecule of the target; empty if its energy cannot be computed."""
        try:
            return self.target.measure(self.basis)
        except UnsolvedError:
            return []

    @property
    def condition_number(self) -> float:
        """Largest condition number of the overlap matrices of the target's molecules; NaN if there is none."""
        return max((one.condition_number for one in self.measured), default=float("nan"))

    @property
    def name(self) -> str:
        """Name for tables: form and target."""
        return f"{self.form.name} for {self.target.name}"

    def nwchem(self) -> str:
        """Return the set as text in NWChem's format, with all digits.

        Raises:
            QvarError: if the fit has no finite value.
        """
        return formats.nwchem(self._good_basis())

    def pyscf(self) -> dict[str, list[list[Any]]]:
        """Return the set as PySCF takes it: `gto.M(basis=...)`.

        Raises:
            QvarError: if the fit has no finite value.
        """
        return self._good_basis().pyscf()

    def write(self, path: str | Path) -> Path:
        """Write the set with a comment on its origin; see `qvar.basis.formats.write`.

        Args:
            path: the file; ".nw" NWChem's format, ".gbs" Gaussian's, ".json" that of the Basis Set Exchange.

        Raises:
            QvarError: if the fit has no finite value, or as `qvar.basis.formats.write`.
        """
        return formats.write(self._good_basis(), path, origin=self.origin())

    def origin(self) -> dict[str, Any]:
        """Describe the fit, for the comment of its file."""
        return {
            "objective": self.target.name,
            "form": self.form.name,
            "value": f"{self.value:.10f} Ha",
            "gradient norm": f"{self.gradient_norm:.1e} Ha",
            "method": self.method,
            "status": self.status.value,
            "start": f"{self.start} of {max(1, len(self.starts))}, key {self.key}",
        }

    def _good_basis(self) -> BasisSet:
        if not np.isfinite(self.value):
            raise QvarError(f"`fitted` must have a finite value to be used, but ended {self.status.value}.")
        return replace(self.basis, name=self.name)


@checked("n_starts")
def fit(
    form: Form,
    target: Target,
    *,
    n_starts: int = 1,
    key: jax.Array | None = None,
    budget: Budget | None = None,
    method: Method | None = None,
    staged: bool = True,
    callback: Hook | None = None,
) -> Fitted:
    """Optimize the parameters of a form from several starts, and return the best fit.

    Start 0 is the form's own; the others are drawn with `jax.random.fold_in(key, start)`. With `staged` each passes
    through simpler forms, see `qvar.basis.stages`. A start that fails has a status and no value, and does not stop the
    others.

    Args:
        form: form to be fitted.
        target: energy to be minimized.
        n_starts: number of starts.
        key: JAX random key; `jax.random.key(0)` if None.
        budget: budget of each stage; 500 evaluations down to a gradient norm of 1e-6 Ha if None.
        method: `qvar.lbfgs()` if None.
        staged: whether simpler forms come first.
        callback: called during each start with a `qvar.optimize.Look`.

    Returns:
        The start with the lowest value; all of them in `starts`.

    Raises:
        QvarError: if an argument is out of its range, or the form lacks an element of the target.
    """
    n_starts = counting_number("n_starts", n_starts, bytes_each=1 << 10)
    staged_fit = StagedFit(form, target, budget=budget or Budget(), method=method or lbfgs(), staged=staged)
    key = jax.random.key(0) if key is None else key
    fits = [staged_fit.run(start, key=key, callback=callback) for start in range(n_starts)]
    best = min(fits, key=lambda one: (not np.isfinite(one.value), one.value))
    return replace(best, starts=tuple(fits))


class StagedFit:
    """The stages of a fit; their compiled programs serve all starts.

    Args:
        form: form to be fitted.
        target: energy to be minimized.
        budget: budget of each stage.
        method: the optimization method.
        staged: whether simpler forms come first.
        reference: reference of errors, in hartree.
        known: objectives of other fits with the same target and reference; this one adds its own, so that
            shared stages are compiled once.

    Raises:
        QvarError: if the form lacks an element of the target, or has too few functions.
    """

    @checked()
    def __init__(
        self,
        form: Form,
        target: Target,
        *,
        budget: Budget,
        method: Method,
        staged: bool = True,
        reference: float | None = None,
        known: dict[str, Objective] | None = None,
    ) -> None:
        self.form, self.target, self.budget, self.method = form, target, budget, method
        self.forms = stages(form) if staged else (form,)
        known = {} if known is None else known
        self.objectives: list[Objective] = []
        for stage in self.forms:
            key = json.dumps(stage.describe()["parts"], sort_keys=True)
            if key not in known:
                known[key] = target.objective(stage, reference=reference)
            self.objectives.append(known[key])

    def run(self, start: int, *, key: jax.Array, callback: Hook | None = None) -> Fitted:
        """Run one start through all stages."""
        theta: Any = self.forms[0].initial(jax.random.fold_in(key, start), spread=0.0 if start == 0 else 1.0)
        results: list[Result] = []
        for number, (form, objective) in enumerate(zip(self.forms, self.objectives, strict=True)):
            last = number == len(self.forms) - 1
            loose = max(LOOSE, self.budget.gradient_tolerance)
            budget = self.budget if last else replace(self.budget, gradient_tolerance=loose)
            results.append(minimize(objective, theta, method=self.method, key=key, budget=budget, callback=callback))
            if last:
                break
            following = self.forms[number + 1]
            # a simple form may fail where the next one would not
            failed = results[-1].status is Status.NOT_FINITE
            theta = following.start if failed else following.nearest(form.basis(results[-1].theta))
        return self._fitted(results, start, key)

    def _fitted(self, results: list[Result], start: int, key: jax.Array) -> Fitted:
        final, message = results[-1], ""
        if final.status is Status.NOT_FINITE:
            message = _reason(self.target, self.form, final.theta)
        return Fitted(
            form=self.form,
            target=self.target,
            theta=np.asarray(final.theta),
            value=final.value,
            status=final.status,
            message=message,
            gradient_norm=final.gradient_norm,
            evaluations=sum(result.energy_evaluations for result in results),
            trace=_joined([result.trace for result in results], [r.energy_evaluations for r in results]),
            start=start,
            method=self.method.name,
            key=" ".join(map(str, key_integers(key))),
            wall_s=sum(result.wall_s for result in results),
            compile_s=sum(result.compile_s for result in results),
        )


def _reason(target: Target, form: Form, theta: Any) -> str:
    """Return the reason why there is no value at theta."""
    try:
        target.value_and_grad(form, theta)
    except (UnsolvedError, np.linalg.LinAlgError) as error:
        return str(error)
    return Status.NOT_FINITE.sentence


def _joined(traces: list[Trace], evaluations: list[int]) -> Trace:
    """Join traces; points without a value are left out."""
    before = np.concatenate([[0], np.cumsum(evaluations)[:-1]]).astype(int)
    column: Callable[[str], Any] = lambda name: np.concatenate([getattr(trace, name) for trace in traces])  # noqa: E731
    counted = np.concatenate([trace.evaluations + offset for trace, offset in zip(traces, before, strict=True)])
    values, norms = column("value"), column("gradient_norm")
    good = np.isfinite(values)
    return Trace(np.arange(int(good.sum())), values[good], norms[good], counted[good])
