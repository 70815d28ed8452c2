"""The page "Which circuit on which molecule?"."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from findings.markdown import FORMULAS, error, listed, percent, table, titled
from findings.plan import BUDGET, MOLECULES, MORE, SEEDS
from qvar.analysis.accuracy import pareto_front
from qvar.analysis.advice import Candidate, circuits
from qvar.analysis.families import FamilyRow, family_table
from qvar.analysis.kept_ledgers import kept_ledger
from qvar.analysis.paired import PairedRow, exact_interval, paired_table
from qvar.analysis.rows import resolution, typed

COSTS: dict[str, Callable[[Candidate], float]] = {
    "parameters": lambda one: one.n_params,
    "CNOTs": lambda one: one.two_qubit_gates,
    "evaluations": lambda one: one.evaluations,
}
"""Kinds of cost, each with a front of its own."""

ACCURACY = 1.6
"""Chemical accuracy, mHa."""


@dataclass(frozen=True)
class Setting:
    """One molecule at one bond, with all circuits that were trained on it under the same budget."""

    molecule: str
    bond: float
    circuits: tuple[Candidate, ...]
    n_rows: int
    """Trainings, of one start each."""

    @property
    def name(self) -> str:
        """Formula and bond length."""
        return titled(self.molecule, self.bond)

    @property
    def is_usual(self) -> bool:
        """True at the usual bond, where all ansätze take part."""
        return self.bond == MOLECULES[self.molecule][0][0]

    def front(self, cost: str) -> list[Candidate]:
        """Return the Pareto front of median errors against a cost, by rising cost."""
        costs, errors = [COSTS[cost](one) for one in self.circuits], [one.median for one in self.circuits]
        return [self.circuits[k] for k in pareto_front(costs, errors, resolution=resolution("mHa"))]

    def best(self, family: str) -> Candidate | None:
        """Return the circuit of the lowest median error of a family."""
        return min((one for one in self.circuits if one.family == family), key=lambda one: one.median, default=None)


def settings() -> list[Setting]:
    """Return all molecules and bonds in STO-3G, in the order of the plan."""
    ledger = kept_ledger("families")
    ledger = ledger[ledger["campaign"].str.startswith(("usual-", "bonds-"))]
    places = list(dict.fromkeys(zip(ledger["molecule"], ledger["bond"], strict=True)))
    order = list(dict.fromkeys(molecule for molecule, _ in places))
    answer = []
    for molecule, bond in sorted(places, key=lambda place: (order.index(place[0]), place[1])):
        rows = ledger[(ledger["molecule"] == molecule) & (ledger["bond"] == bond)]
        answer.append(Setting(molecule, bond, tuple(circuits(rows)), len(rows)))
    return answer


def comparisons() -> list[FamilyRow]:
    """Return the best generic circuit against the best constrained one at each molecule and bond."""
    ledger = kept_ledger("families")
    ledger = ledger[ledger["campaign"].str.startswith(("usual-", "bonds-"))]
    errors = np.maximum(1e3 * ledger["error"].abs(), resolution("mHa"))
    return typed(family_table(ledger.assign(shown=errors), column="shown", settings=("problem",)), FamilyRow)


def deep() -> list[tuple[str, list[Candidate]]]:
    """Return the generic circuits of rising depth with the larger budget: (molecule, circuits by depth)."""
    ledger = kept_ledger("families")
    answer = []
    for campaign in dict.fromkeys(ledger["campaign"]):
        if campaign.startswith("deep-"):
            own = circuits(ledger[ledger["campaign"] == campaign])
            answer.append((campaign.removeprefix("deep-"), sorted(own, key=lambda one: one.n_params)))
    return answer


def page(picture: str, fronts: str) -> str:
    """Return the text of the page."""
    places, rows = settings(), comparisons()
    wins = sum(row.constrained_error < row.generic_error for row in rows)
    low, high = exact_interval(wins, len(rows))
    decided = {word: sum(row.verdict == word for row in rows) for word in ("constrained", "generic", "undecided")}
    everyone = sum(place.n_rows for place in places)
    n_circuits = sum(len(place.circuits) for place in places)
    names = listed(list(dict.fromkeys(FORMULAS[place.molecule] for place in places)))
    reach = {
        family: sum(any(one.median <= ACCURACY for one in place.circuits if one.family == family) for place in places)
        for family in ("constrained", "generic")
    }
    shallow = [place for place in places if place.front("CNOTs") and place.front("CNOTs")[0].family == "generic"]
    on_front = sum(any(one.family == "generic" for one in place.front("CNOTs")) for place in places)
    by_parameters = sum(any(one.family == "generic" for one in place.front("parameters")) for place in places)
    return f"""
# Which circuit on which molecule?

**Conclusion.** At {wins} of {len(rows)} molecules and bonds the best constrained circuit ends closer to the exact
energy than the best generic one (95 % interval of the share, as if they were drawn independently:
{percent(low, high)}). Start by start the constrained circuit is significantly better at {decided["constrained"]}, the
generic one at {decided["generic"]}, and {decided["undecided"]} are undecided. A constrained circuit has a median
error within chemical accuracy (1.6 mHa) at {reach["constrained"]} of {len(places)}, a generic one at
{reach["generic"]}. {_deeper()} {_cheap(len(shallow), len(places))} and at {on_front} a generic circuit is on the
Pareto front of error against CNOTs; against parameters at {by_parameters}. {_equal(places)}

These are {everyone} trainings of {n_circuits} circuits: {names}, each at its usual bond, a shorter and a longer one,
in STO-3G; {SEEDS} starts of each circuit, drawn as it prescribes, and at most {BUDGET} evaluations of energy and
gradient by L-BFGS for each start. `qvar advise --problem lih --two-qubit-gates 500` answers from the same numbers.

## Errors

![Median errors of all circuits on all molecules]({picture})

Circuits with layers have four of them here. A white cell was not run: four generic circuits that end above
Hartree-Fock take part at the usual bonds alone.

{_contender_table(places)}

The median error is that over the starts. "On the front" counts the molecules and bonds at which no other circuit has
as little error at the same cost or less, for parameters / CNOTs / evaluations.

## Who is on the front where

![Error against CNOTs and parameters at the usual bonds]({fronts})

{_front_table([place for place in places if place.is_usual])}

Numbers are those of the picture. At the other bonds, by CNOTs, in the same order:

{_other_fronts([place for place in places if not place.is_usual])}

## Generic against constrained, start by start

{_family_table(rows)}

Wins are the starts in which the constrained circuit ends lower, of those that differ, with the exact 95 % interval of
their share (Clopper and Pearson 1934); {SEEDS} of {SEEDS} is the least that decides. The two circuits are chosen by
the errors that are compared, so that a close call may be an accident of the choice.

## Deeper generic circuits with more evaluations

Four layers and {BUDGET} evaluations may be too few for circuits that know nothing of the problem. RY rotations and
chains of CNOTs with more layers, {MORE} evaluations for each start:

{_deep_table(places)}

## Generic circuits from small angles

In the comparisons above generic circuits and fabrics start from uniformly random angles, coupled cluster from small
ones (Hartree-Fock and 0.01 radians of noise), LUCJ and UCJ from CCSD amplitudes, identity blocks from the identity. A
generic circuit can start from small angles, too (at Hartree-Fock only if its CNOTs leave that determinant): eight
layers of RY rotations and chains of CNOTs, {MORE} evaluations, 10 starts:

{_start_table()}

Lower: starts that end lower than the uniform one of the same seed, of those that differ, with the exact 95 %
interval. Zero has noise of 0.01 radians as well.

## What this does not cover

- Larger molecules, other basis sets than those of [the next page](basis.md), and other active spaces: N2 has six
  active orbitals, BeH2 no core, water no core.
- Other depths of most circuits; [more parameters](more-parameters.md) has some.
- Noise and shots: energies and gradients are exact. With shots the numbers of measurements decide, and circuits with
  fewer CNOTs gain.
- Other optimizers, other starts than each circuit's own, and the connectivity of a device: CNOTs are those of
  published circuits between any two qubits.

What would change the verdict: a generic circuit whose error falls below that of the constrained ones within {MORE}
evaluations at more than half of the molecules (the table above is the place to look), or a price for CNOTs that
counts more than the error, for which the front by CNOTs is the answer.
"""


def _cheap(generic: int, n_places: int) -> str:
    words = f"the circuit of the fewest CNOTs is generic at {generic} of {n_places},"
    return f"**Gates favor generic circuits**: {words}" if 2 * generic > n_places else f"By contrast {words}"


def _equal(places: Sequence[Setting]) -> str:
    """Return the comparison at the CNOTs of the best generic circuit, in a sentence."""
    pairs = []
    for place in places:
        generic = place.best("generic")
        if generic is not None:
            limit = generic.two_qubit_gates
            own = [one for one in place.circuits if one.family == "constrained" and one.two_qubit_gates <= limit]
            pairs.append((generic.median, min((one.median for one in own), default=math.inf)))
    lower = sum(generic < constrained for generic, constrained in pairs)
    return (
        f"Among fixed circuits of no more CNOTs than the best generic one has, the generic one ends lower at {lower} "
        f"of {len(pairs)} (95 % interval {percent(*exact_interval(lower, len(pairs)))}); circuits that "
        "[grow](growing.md) are not among them."
    )


def _deeper() -> str:
    """Return the molecules on which the deepest generic circuit is within chemical accuracy, in a sentence."""
    ends = [(molecule, ones[-1]) for molecule, ones in deep() if ones]
    names = [FORMULAS[molecule] for molecule, one in ends if one.median <= ACCURACY]
    if not ends:
        return ""
    return f"With 16 layers and {MORE} evaluations one does on {listed(names)} of {len(ends)} molecules."


def _contender_table(places: Sequence[Setting]) -> str:
    names: dict[str, list[tuple[Setting, Candidate]]] = {}
    for place in places:
        for one in place.circuits:
            names.setdefault(one.label, []).append((place, one))
    fronts = {cost: [{one.label for one in place.front(cost)} for place in places] for cost in COSTS}
    rows = []
    for label, entries in sorted(names.items(), key=lambda pair: _standing(pair[1])):
        ones = [one for _, one in entries]
        on = " / ".join(str(sum(label in members for members in fronts[cost])) for cost in COSTS)
        medians = [one.median for one in ones]
        reached = sum(median <= ACCURACY for median in medians)
        rows.append(
            [label, ones[0].family, _span([one.n_params for one in ones]), _span([one.two_qubit_gates for one in ones]),
             f"{error(min(medians))} to {error(max(medians))}", f"{reached} of {len(ones)}", on]
        )  # fmt: skip
    heads = ["circuit", "family", "parameters", "CNOTs", "median error (mHa)", "within 1.6 mHa", "on the front"]
    return table(heads, rows, 2)


def _standing(entries: list[tuple[Setting, Candidate]]) -> tuple[float, float]:
    medians = [one.median for _, one in entries]
    return -sum(median <= ACCURACY for median in medians) / len(medians), float(
        np.mean(np.log(np.maximum(medians, 1e-5)))
    )


def _span(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _front_table(places: Sequence[Setting]) -> str:
    rows = []
    for place in places:
        cells = [
            ", ".join(
                f"{number} {one.label} ({COSTS[cost](one):.0f}: {error(one.median)})"
                for number, one in enumerate(place.front(cost), start=1)
            )
            for cost in ("CNOTs", "parameters")
        ]
        rows.append([place.name, *cells])
    heads = ["molecule, bond (angstrom)", "by CNOTs (CNOTs: median error in mHa)", "by parameters (parameters: error)"]
    return table(heads, rows, 3)


def _start_table() -> str:
    rows = []
    ledger = kept_ledger("starts")
    for campaign in dict.fromkeys(ledger["campaign"]):
        for row in typed(paired_table(ledger[ledger["campaign"] == campaign]), PairedRow):
            share = f"{row.better} of {row.better + row.worse} ({percent(row.share_low or 0, row.share_high or 1)})"
            rows.append([
                FORMULAS[campaign.removeprefix("small-")], row.contender.rpartition(" ")[2],
                error(1e3 * float(row.median or 0)), error(1e3 * float(row.best or 0)),
                f"{row.successes} of {row.seeds}", f"{share}: {row.verdict}" if row.against else "",
            ])  # fmt: skip
    heads = ["molecule", "start", "median error (mHa)", "lowest", "within 1.6 mHa", "lower than from uniform"]
    return table(heads, rows, 2)


def _other_fronts(places: Sequence[Setting]) -> str:
    rows = [[place.name, ", ".join(one.label for one in place.front("CNOTs"))] for place in places]
    return table(["molecule, bond", "on the front by CNOTs"], rows, 2)


def _family_table(rows: Sequence[FamilyRow]) -> str:
    cells = []
    for row in rows:
        differ = row.better + row.worse
        cells.append([
            row.setting, f"{row.constrained} ({row.constrained_params})", error(row.constrained_error),
            f"{row.generic} ({row.generic_params})", error(row.generic_error),
            f"{row.better} of {differ} ({percent(row.share_low, row.share_high)})", row.verdict,
        ])  # fmt: skip
    heads = ["molecule", "constrained (parameters)", "error", "generic (parameters)", "error", "wins", "lower error"]
    return table(heads, cells, 1)


def _deep_table(places: Sequence[Setting]) -> str:
    rows = []
    for molecule, ones in deep():
        (place, *_) = [place for place in places if place.molecule == molecule and place.bond == ones[0].bond]
        best = place.best("constrained")
        cells = [f"{error(one.median)} ({error(one.best)}, {one.within} of {one.seeds})" for one in ones]
        cells += [""] * (3 - len(cells))
        rows.append([place.name, *cells, "" if best is None else f"{best.label}: {error(best.median)}"])
    layers = ["4 layers", "8 layers", "16 layers"]
    note = "Cells: median error in mHa (lowest error, starts within 1.6 mHa)."
    return f"{table(['molecule', *layers, f'best constrained, {BUDGET} evaluations'], rows)}\n\n{note}"


def matrix() -> tuple[list[str], list[str], np.ndarray, list[str]]:
    """Return circuits, settings, log10 of the median errors (NaN if not run), and the family of each circuit."""
    places = settings()
    names: dict[str, list[tuple[Setting, Candidate]]] = {}
    for place in places:
        for one in place.circuits:
            names.setdefault(one.label, []).append((place, one))
    order = sorted(names, key=lambda label: (names[label][0][1].family == "generic", _standing(names[label])))
    values = np.full((len(order), len(places)), math.nan)
    for row, label in enumerate(order):
        for place, one in names[label]:
            values[row, places.index(place)] = math.log10(max(one.median, 1e-4))
    return order, [place.name for place in places], values, [names[label][0][1].family for label in order]
