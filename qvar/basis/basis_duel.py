r"""Comparison of forms of basis sets, with each other and with published sets."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar

import jax
import numpy as np

from qvar.arguments import check_fields
from qvar.basis.baselines import HARTREE_FOCK_LIMITS, Baseline, n_numbers, primitives, published_set
from qvar.basis.basis_columns import BASIS_COLUMNS
from qvar.basis.energy import UnsolvedError
from qvar.basis.fitting import Fitted, StagedFit
from qvar.basis.form import Form
from qvar.basis.formats import nwchem
from qvar.basis.shells import LETTERS, BasisSet
from qvar.basis.target import Measured, Solver, Target
from qvar.checks import counting_number
from qvar.errors import QvarError, error_words, require
from qvar.objective import Objective
from qvar.optimize.budget import Budget, Status
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.minimize import Look
from qvar.short_repr import short_repr
from qvar.task import LedgerColumn, Progress, Reporter, Row, Task, task_key
from qvar.units import HARTREE

_PAPERS = {
    "even_tempered": ("schmidt1979",),
    "well_tempered": ("huzinaga1993",),
    "legendre": ("petersson2003",),
    "sto_ng": ("hehre1969", "pritchard2019"),
    "from_set": ("pritchard2019",),
}
"""Beginning of a law's name -> keys of its papers in `qvar/citations.bib`."""


@short_repr()
@dataclass(frozen=True, eq=False)
class BasisDuel:
    """A fit of every form to one target from the same number of starts, with energies of published sets.

    Each start of each form is a task, and so is each baseline. Start 0 is the form's own, the others are drawn with
    the seed; see `qvar.basis.fit`.

    In the ledger `seed` is the number of the start, `n_qubits` twice the functions of the largest molecule; baselines
    have the family `published`. `columns` are those beside the common ones.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = BASIS_COLUMNS

    target: Target
    """Energy to be minimized."""
    forms: Sequence[Form]
    """Forms with different names."""
    _: KW_ONLY
    seeds: int = 4
    """Number of starts of each form; seed 0 is the form's own."""
    budget: Budget = field(default_factory=Budget)
    """Budget of each stage of each start."""
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seed: int = 0
    """Seed of the JAX key that draws the starts."""
    staged: bool = True
    """True if simpler forms come first, see `qvar.basis.stages`."""
    reference: float | None = None
    """Limit that errors are relative to, in hartree, such as one of `HARTREE_FOCK_LIMITS`."""
    baselines: Sequence[str | Baseline] = ()
    """Published sets by name, with " uncontracted" at its end as `published_set` takes it, or other energies,
    such as that of `casscf_baseline`."""
    transfer: Mapping[str, Target] | Sequence[Target] = ()
    """Molecules that are not fitted, whose energies all sets get; with names of their own or without."""
    large: str = "cc-pVQZ"
    """Published set whose energies are the references of `transfer`."""

    name: ClassVar[str] = "basis"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        if isinstance(self.forms, Form):
            object.__setattr__(self, "forms", (self.forms,))
        check_fields(self, "seeds")
        counting_number("seeds", self.seeds, bytes_each=1 << 10)
        require(len(self.forms) >= 1, "forms", "hold at least one form", self.forms)
        names = [form.name for form in self.forms] + [baseline.name for baseline in self._baselines]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise QvarError(f"`forms` and `baselines` must have different names, but {twice[0]!r} is there twice.")
        for form in self.forms:
            self.target.objective(form)
            lacking = [element for element in self._elements if element not in form.elements]
            require(not lacking, "forms", f"have all of {', '.join(self._elements)}", form.name)
        if self.transfer:
            self._large  # noqa: B018 - raises if an element is missing

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of papers and software in `qvar/citations.bib`."""
        keys = {"jax2018", "sun2020", *self.method.citations}
        if self.baselines or self.transfer:
            keys.add("pritchard2019")
        if self.reference is not None and self.reference in HARTREE_FOCK_LIMITS.values():
            keys.add("bunge1992")
        for form in self.forms:
            laws = [str(part.description.get("law", "")) for part in form.parts]
            keys.update(
                key for law in laws for name, papers in _PAPERS.items() if law.startswith(name) for key in papers
            )
        for _, molecule in self.target.molecules:
            if isinstance(molecule.theory, Solver):
                keys.update(molecule.theory.citations)
        return tuple(sorted(keys))

    def tasks(self) -> list[Task]:
        """Return one task per form and start, then one per baseline."""
        fits = [
            Task(
                task_key({**self._inputs, "form": form.describe(), "start": start}),
                f"{form.name}, start {start}" if self.seeds > 1 else form.name,
                partial(_fit, self, position, start),
            )
            for position, form in enumerate(self.forms)
            for start in range(self.seeds)
        ]
        return fits + [
            Task(
                task_key({"baseline": baseline.describe(), **self._common}),
                baseline.name,
                partial(_measure, self, baseline),
            )
            for baseline in self._baselines
        ]

    @property
    def _common(self) -> dict[str, Any]:
        """Inputs of all rows, ready for JSON."""
        return {
            "study": "basis",
            "target": self.target.describe(),
            "reference": self.reference,
            "transfer": {name: target.describe() for name, target in self._others.items()},
            "large": self.large if self.transfer else None,
        }

    @property
    def _inputs(self) -> dict[str, Any]:
        """Inputs of all fits, ready for JSON."""
        return {
            **self._common,
            "method": self.method.describe(),
            "budget": asdict(self.budget),
            "seed": self.seed,
            "staged": self.staged,
            "precision": str(jax.dtypes.canonicalize_dtype(float)),
        }

    @property
    def _elements(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(e for target in (self.target, *self._others.values()) for e in target.elements))

    @cached_property
    def _baselines(self) -> tuple[Baseline, ...]:
        return tuple(
            Baseline(one, self.target, published_set(one, self._elements)) if isinstance(one, str) else one
            for one in self.baselines
        )

    @cached_property
    def _staged_fits(self) -> dict[int, StagedFit]:
        return {}

    @cached_property
    def _objectives(self) -> dict[str, Objective]:
        return {}

    def _staged_fit(self, position: int) -> StagedFit:
        """Return the stages of a form; stages that several forms share are compiled once."""
        if position not in self._staged_fits:
            self._staged_fits[position] = StagedFit(
                self.forms[position],
                self.target,
                budget=self.budget,
                method=self.method,
                staged=self.staged,
                reference=self.reference,
                known=self._objectives,
            )
        return self._staged_fits[position]

    @cached_property
    def _large(self) -> BasisSet:
        others = self._others.values()
        return published_set(self.large, tuple(dict.fromkeys(e for target in others for e in target.elements)))

    @cached_property
    def _large_energies(self) -> dict[str, float | None]:
        """Energies of the molecules that are not fitted, in the large set, in hartree; None if there is none."""
        return {name: _energy(target, self._large)[0] for name, target in self._others.items()}

    @cached_property
    def _others(self) -> dict[str, Target]:
        """Molecules that are not fitted, by name."""
        if isinstance(self.transfer, Mapping):
            return dict(self.transfer)
        named: dict[str, Target] = {}
        for target in self.transfer:
            name, number = target.name, 2
            while name in named:
                name, number = f"{target.name} ({number})", number + 1
            named[name] = target
        return named


def _fit(study: BasisDuel, position: int, start: int, report: Reporter) -> list[Row]:
    """Make the row of one start of one form."""
    form = study.forms[position]
    row: Row = {
        **_base(study, form.name),
        "family": form.family,
        "n_params": form.n_params,
        "seed": start,
        "method": study.method.name,
    }

    def hook(look: Look) -> None:
        granted = study.method.evaluations(study.budget)
        report(Progress(look.evaluations, granted, f"{look.best:.6f} Ha"))

    try:
        fitted = study._staged_fit(position).run(start, key=jax.random.key(study.seed), callback=hook)
        row |= _fit_columns(study, fitted)
        if np.isfinite(fitted.value):
            row |= _set_columns(study, fitted.basis, fitted.measured) | _transfer(study, fitted.basis)
    except Exception as error:  # the other starts go on
        row |= {"status": Status.FAILED.value, "message": error_words(error)}
    return [row]


def _fit_columns(study: BasisDuel, fitted: Fitted) -> Row:
    """Return the columns of a fit."""
    trace, finite = fitted.trace, bool(np.isfinite(fitted.value))
    return {
        "status": fitted.status.value,
        "value": fitted.value if finite else None,
        "error": fitted.value - study.reference if finite and study.reference is not None else None,
        "initial_gradient_norm": float(trace.gradient_norm[0]) if len(trace.gradient_norm) else None,
        "final_gradient_norm": fitted.gradient_norm,
        "iterations": max(0, len(trace.value) - 1),
        "energy_evaluations": fitted.evaluations,
        "gradient_evaluations": fitted.evaluations if study.method.reads_gradient else 0,
        "wall_s": fitted.wall_s,
        "compile_s": fitted.compile_s,
        "message": fitted.message or None,
        "trace_step": trace.step.tolist(),
        "trace_value": trace.value.tolist(),
        "trace_gradient_norm": trace.gradient_norm.tolist(),
        "trace_evaluations": trace.evaluations.tolist(),
        "theta": np.asarray(fitted.theta).tolist(),
    }


def _measure(study: BasisDuel, baseline: Baseline, report: Reporter) -> list[Row]:
    """Make the row of one baseline."""
    row: Row = {**_base(study, baseline.name), "family": "published", "n_params": 0}
    begin = time.perf_counter()
    try:
        measured = baseline.target.measure(baseline.basis)
        value = sum(
            weight * (one.energy + molecule.conditioning * float(np.log(one.condition_number)))
            for (weight, molecule), one in zip(baseline.target.molecules, measured, strict=True)
        )
        row |= {
            "status": Status.MEASURED.value,
            "value": value,
            "error": None if study.reference is None else value - study.reference,
            "wall_s": time.perf_counter() - begin,
            "compile_s": 0.0,
            **_set_columns(study, baseline.basis, measured),
        }
        if baseline.n_qubits is not None:
            row["n_qubits"] = baseline.n_qubits
        if baseline.target is study.target:
            row |= _transfer(study, baseline.basis)
    except Exception as error:  # the other baselines go on
        row |= {"status": Status.FAILED.value, "message": error_words(error)}
    return [row]


def _base(study: BasisDuel, contender: str) -> Row:
    return {
        "problem": study.target.name,
        "contender": contender,
        "engine": "pyscf",
        "reference": study.reference,
        "unit": HARTREE,
    }


def _set_columns(study: BasisDuel, basis: BasisSet, measured: Sequence[Measured]) -> Row:
    """Make the columns of a set in the molecules of the target."""
    functions = max((one.n_functions for one in measured), default=None)
    shapes = [one.spherical for one in measured if one.spherical is not None]
    ratio = basis.smallest_ratio
    remarks = list(dict.fromkeys(sentence for one in measured for sentence in one.remarks))
    return {
        **({"remarks": json.dumps(remarks)} if remarks else {}),
        "n_qubits": None if functions is None else 2 * functions,
        "n_primitives": len(primitives(basis)),
        "n_functions": functions,
        "n_numbers": n_numbers(basis),
        "condition_number": max((one.condition_number for one in measured), default=None),
        "smallest_ratio": ratio if np.isfinite(ratio) else None,
        "virial_ratio": max((one.virial_ratio for one in measured), key=lambda one: abs(one - 2), default=None),
        "spherical": all(shapes) if shapes else None,
        "exponents": json.dumps(_exponents(basis)),
        "basis_set": nwchem(basis),
    }


def _exponents(basis: BasisSet) -> dict[str, list[float]]:
    """Return ascending exponents in bohr^-2 under "Ne s" and the like."""
    exponents: dict[str, set[float]] = {}
    for element, l, exponent in primitives(basis):
        exponents.setdefault(f"{element} {LETTERS[l]}", set()).add(exponent)
    order = sorted(
        exponents, key=lambda place: (basis.elements.index(place.split()[0]), LETTERS.index(place.split()[1]))
    )
    return {place: sorted(exponents[place]) for place in order}


def _transfer(study: BasisDuel, basis: BasisSet) -> Row:
    """Compute the energies of molecules that are not fitted; one that fails leaves a message."""
    if not study.transfer:
        return {}
    energies: dict[str, dict[str, Any]] = {}
    messages: list[str] = []
    for name, target in study._others.items():
        energy, message = _energy(target, basis)
        large = study._large_energies[name]
        error = None if energy is None or large is None else energy - large
        energies[name] = {"energy": energy, "error": error, "set": study.large}
        messages += [f"{name}: {message}"] if message else []
    return {"transfer": json.dumps(energies)} | ({"message": "; ".join(messages)} if messages else {})


def _energy(target: Target, basis: BasisSet) -> tuple[float | None, str]:
    """Compute a target in a set, in hartree, and a message if that fails."""
    try:
        return target.value(basis), ""
    except (UnsolvedError, np.linalg.LinAlgError) as error:
        return None, error_words(error)
