"""Recommendations from the kept ledgers: the best circuit for a molecule within limits of cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qvar._types import DataFrame
from qvar.analysis.accuracy import levels
from qvar.analysis.kept_ledgers import kept_ledger
from qvar.analysis.paths import listed_steps
from qvar.analysis.rows import MILLIHARTREE, first, known, records, resolution, where
from qvar.units import CHEMICAL_ACCURACY, MILLIHARTREE_PER_HARTREE

USUAL_BASIS = "sto-3g"
"""Basis set of most of the runs."""

_MOLECULES = ("families", "growing", "pruning")
"""Kept ledgers of circuits on molecules."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a recommendation; None for none."""

    two_qubit_gates: int | None = None
    """Largest number of CNOTs."""
    parameters: int | None = None
    """Largest number of free parameters."""
    evaluations: int | None = None
    """Largest median number of evaluations of energy and gradient that the training took."""
    error: float | None = None
    """Largest median error, in mHa."""


class Candidate(NamedTuple):
    """A trained circuit: a contender over all of its starts, or one that grew or was pruned to some size."""

    label: str
    family: str
    n_params: int
    two_qubit_gates: int
    best: float
    """Lowest error over the starts, in mHa, as are all errors."""
    median: float
    within: int
    """Starts within 1.6 mHa."""
    seeds: int
    evaluations: float
    """Median over the starts."""
    budget: float
    """Evaluations that each start had at most; NaN if there was another limit."""
    campaign: str
    problem: str
    molecule: str
    bond: float
    basis: str
    command: str
    """Command that repeats it."""
    qvar: str
    """Version of qvar that it was run with."""
    date: str
    path: str
    """Growth or pruning that it is a step of; its own name if it is none."""

    def fits(self, limits: Limits) -> bool:
        """Return if it is within the limits."""
        pairs = (
            (self.two_qubit_gates, limits.two_qubit_gates),
            (self.n_params, limits.parameters),
            (self.evaluations, limits.evaluations),
            (self.median, limits.error),
        )
        return all(most is None or value <= most for value, most in pairs)


@dataclass(frozen=True)
class Advice:
    """An answer."""

    tried: int
    """Number of circuits that were run on the molecule."""
    fitting: tuple[Candidate, ...]
    """Those within the limits, the recommended one first."""

    @property
    def best(self) -> Candidate | None:
        """The recommended circuit."""
        return self.fitting[0] if self.fitting else None

    @property
    def runner_up(self) -> Candidate | None:
        """The next one, which is no other size of the same growth."""
        return next((one for one in self.fitting[1:] if one.path != self.fitting[0].path), None)


def coverage() -> dict[str, dict[str, tuple[float, ...]]]:
    """Return {molecule: {basis: bonds in angstrom, the usual one first}} of the kept ledgers."""
    covered: dict[str, dict[str, tuple[float, ...]]] = {}
    for ledger in map(kept_ledger, _MOLECULES):
        for row in records(_with_basis(ledger).drop_duplicates(["molecule", "basis", "bond"])):
            bonds = covered.setdefault(row.molecule, {}).setdefault(row.basis, ())
            if row.bond not in bonds:
                covered[row.molecule][row.basis] = (*bonds, row.bond)
    return covered


def advise(molecule: str, bond: float, basis: str, limits: Limits) -> Advice:
    """Choose a circuit from the kept ledgers.

    The circuit of the lowest median error is recommended; if an error is given that suffices, the one of the fewest
    CNOTs that reaches it. Errors that differ by rounding alone are equal: then the one of fewer CNOTs, then parameters.

    Args:
        molecule: its name, as `coverage` has it.
        bond: length of its bonds, in angstrom.
        basis: its basis set.
        limits: limits of cost and error.
    """
    everyone = candidates(molecule, bond, basis)
    fitting = [candidate for candidate in everyone if candidate.fits(limits)]
    places = levels([one.median for one in fitting], resolution(MILLIHARTREE))
    order = sorted(zip(places, fitting, strict=True), key=lambda pair: _order(*pair, limits.error is not None))
    return Advice(len(everyone), tuple(one for _, one in order))


def _order(place: int, one: Candidate, cheapest: bool) -> tuple[float, ...]:
    cost = (one.two_qubit_gates, one.n_params, one.evaluations)
    return (one.two_qubit_gates, one.n_params, place, one.evaluations) if cheapest else (place, *cost)


def candidates(molecule: str, bond: float, basis: str) -> list[Candidate]:
    """Return every trained circuit of a molecule in the kept ledgers whose costs are known."""
    answer: list[Candidate] = []
    for ledger in map(kept_ledger, _MOLECULES):
        ledger = _with_basis(ledger)
        here = (ledger["molecule"] == molecule) & (ledger["bond"] == bond) & (ledger["basis"] == basis)
        answer += circuits(where(ledger, here))
    return answer


def circuits(ledger: DataFrame) -> list[Candidate]:
    """Return every trained circuit of a kept ledger of molecules whose costs are known, in its order.

    The error of a start that failed is infinite.
    """
    ledger = _with_basis(ledger)
    rows: Any = where(ledger, ledger["two_qubit_gates"].notna())
    groups = rows.groupby(["campaign", "problem", "contender", "n_params"], sort=False)
    return [circuit for _, group in groups for circuit in _of_group(group)]


def _with_basis(ledger: DataFrame) -> DataFrame:
    return ledger.assign(basis=ledger["basis"].fillna(USUAL_BASIS) if "basis" in ledger else USUAL_BASIS)


def circuit_name(group: DataFrame) -> str:
    """Return the name of a circuit with its number of layers, if it has layers."""
    name, layers = str(first(group["contender"])), first(group["layers"])
    depth = "" if layers is None else f" x{int(layers)}"
    return name if name.endswith(depth) else name + depth


def _of_group(group: Any) -> Iterator[Candidate]:
    """Return the circuit of some starts; of a growth one for each of its steps."""
    errors = MILLIHARTREE_PER_HARTREE * group["error"].abs().to_numpy(float, na_value=math.inf)
    row: dict[str, Any] = group.iloc[0].to_dict()
    names = ("campaign", "problem", "molecule", "bond", "basis", "command", "qvar", "date")
    budget = float(row["budget"]) if "budget" in group and known(row["budget"]) else math.nan
    origin = {"budget": budget, **{name: row[name] for name in names}}
    level = MILLIHARTREE_PER_HARTREE * CHEMICAL_ACCURACY
    for label, step, end in _sizes(row):
        error = abs(step["value"] - row["reference"]) * MILLIHARTREE_PER_HARTREE
        yield Candidate(
            label=label, family=row["family"], n_params=step["parameters"], two_qubit_gates=step["cnots"], best=error,
            median=error, within=int(error <= level), seeds=1, evaluations=step["evaluations"],
            path=str(row["contender"]), **{**origin, "command": f"{row['command']} {end}"},
        )  # fmt: skip
    if ("growth" in group and known(row["growth"])) or ("compression" in group and known(row["compression"])):
        return
    yield Candidate(
        label=circuit_name(group), family=row["family"], n_params=int(row["n_params"]),
        two_qubit_gates=int(row["two_qubit_gates"]), best=float(errors.min()), median=float(np.median(errors)),
        within=int((errors <= level).sum()), seeds=len(group),
        evaluations=float(group["energy_evaluations"].median()), path=circuit_name(group), **origin,
    )  # fmt: skip


def _sizes(row: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Return the sizes that a circuit had while it grew or was pruned: name, step, and flags that end there."""
    if "growth" in row and known(row["growth"]):
        for step in listed_steps("growth", row["growth"]):
            if step["operators"] and step["cnots"] is not None:
                n = step["operators"]
                yield f"{row['contender']}, {n} operators", step, f"--max-operators {n}"
    elif "compression" in row and known(row["compression"]):
        first, *steps = listed_steps("compression", row["compression"])
        for step in steps:
            if step["action"] == "prune" and step["cnots"] is not None:
                rule = str(row["recipe"]).removeprefix("prune ")
                share = step["parameters"] / first["parameters"]
                yield f"{row['circuit']} pruned to {step['parameters']} ({rule})", step, f"--keep {share:.4g}"
