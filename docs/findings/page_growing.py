"""The page "Grown, pruned, distilled, or fixed?"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from findings.markdown import FORMULAS, error, listed, percent, table, titled
from findings.page_families import ACCURACY
from qvar.analysis.advice import Candidate, candidates
from qvar.analysis.kept_ledgers import kept_ledger
from qvar.analysis.paired import PairedRow, exact_interval, paired_table
from qvar.analysis.rows import known, records, typed
from qvar.report.formats import count, digits

LEVELS = (ACCURACY, 0.1)
"""Errors in mHa at which costs are compared."""

LOSS = 1e-4
"""Rise of the energy that a pruned circuit may have, in hartree."""

KINDS = {
    "grown": lambda one: one.label.startswith("adapt "),
    "pruned": lambda one: " pruned to " in one.label,
    "fixed": lambda one: not one.label.startswith("adapt ") and " pruned to " not in one.label,
}
"""Kinds of circuits."""


def places() -> list[tuple[str, float]]:
    """Return the molecules and bonds at which circuits grew."""
    rows = kept_ledger("growing")
    return list(dict.fromkeys(zip(rows["molecule"], rows["bond"], strict=True)))


def cheapest(molecule: str, bond: float, level: float) -> dict[str, Candidate | None]:
    """Return the circuit of the fewest CNOTs of each kind whose median error is within a level in mHa."""
    everyone = [one for one in candidates(molecule, bond, "sto-3g") if one.median <= level]
    return {
        kind: min(filter(is_one, everyone), key=lambda one: (one.two_qubit_gates, one.n_params), default=None)
        for kind, is_one in KINDS.items()
    }


def page(picture: str) -> str:
    """Return the text of the page."""
    entries = [(place, level, cheapest(*place, level)) for place in places() for level in LEVELS]
    both = [(here["grown"], here["fixed"]) for _, _, here in entries if here["grown"] and here["fixed"]]
    cnots = sum(grown.two_qubit_gates < fixed.two_qubit_gates for grown, fixed in both)
    fewer = sum(grown.n_params < fixed.n_params for grown, fixed in both)
    longer = sum(grown.evaluations > fixed.evaluations for grown, fixed in both)
    alone = sum(here["grown"] is not None and here["fixed"] is None for _, _, here in entries)
    neither = sum(here["grown"] is None for _, _, here in entries)
    pruned = _pruned_pairs()
    distilled = [row for row in typed(paired_table(_distilled()), PairedRow) if row.against] if _has_distilled() else []
    helped = {word: [row for row in distilled if row.verdict == word] for word in ("helped", "hurt", "undecided")}
    growing, pruning = kept_ledger("growing"), kept_ledger("pruning")
    runs = len(growing) + len(pruning) + len(_distilled())
    return f"""
# Grown, pruned, distilled, or fixed?

**Conclusion.** In {cnots} of {len(both)} comparisons (a molecule, a bond, and an error of {LEVELS[0]} or {LEVELS[1]}
mHa) a circuit that ADAPT-VQE grew needs fewer CNOTs than the cheapest fixed circuit (95 % interval of the share:
{percent(*exact_interval(cnots, len(both)))}), in {fewer} fewer parameters; in {longer} of {len(both)} it takes **more
evaluations**. {_against_generic()} {_more(alone, neither)} Pruning takes {_removed(pruned)} of the parameters of a
trained circuit at a loss of 0.1 mHa. Distillation from the exact state: {_words(helped)}.

Rows: {runs} trainings and growths; the fixed circuits are also those of [the first page](families.md).

## To an error, at which cost

![Error against CNOTs of grown and fixed circuits]({picture})

{_cost_table(entries)}

Each cell is the circuit of the fewest CNOTs whose median error is within the level, of three pools, of three circuits
with four rules, and of all fixed circuits that were run there: CNOTs / parameters / evaluations of energy and
gradient. A growth has one start, the Hartree-Fock determinant; the gradients of the whole pool count as one
evaluation in each step. A dash: none reached it.

## Pruned after training

{_pruning_table(pruned)}

The smallest circuit whose energy is at most 0.1 mHa above that of the trained one, by the best of four rules (exact
rise of the energy, optimal brain surgeon, smallest angle, smallest gradient); each removal is followed by another
optimization. The evaluations of a pruned circuit in the table above include those of its training.

## Distilled from the exact state

{_distilled_table(distilled)}

Each student is trained to have the exact state, then to have the lowest energy, and is compared, start by start, with
its training without a teacher. Lower: starts that end lower, of those that differ, with the exact 95 % interval.

## What this does not cover

- Four growths, of H4 and LiH; larger molecules are in [growing circuits](../explanations/growing-circuits.md).
- The cost of the pool on hardware: one evaluation here is as many measurements as the pool has operators.
- Noise: a growth chooses operators by gradients, which shots make uncertain.

What would change the verdict: a price for evaluations that exceeds that of CNOTs (then the fixed circuits win), or a
molecule on which growths stall, as minimal pools do.
"""


def _against_generic() -> str:
    """Return the comparison with the best generic circuit at its number of CNOTs, in a sentence."""
    lower = 0
    for place in places():
        everyone = candidates(*place, "sto-3g")
        generic = min((one for one in everyone if one.family == "generic"), key=lambda one: one.median)
        few = [one for one in everyone if KINDS["grown"](one) and one.two_qubit_gates <= generic.two_qubit_gates]
        lower += min((one.median for one in few), default=generic.median) < generic.median
    return f"With no more CNOTs than the best generic circuit has, it ends lower at {lower} of {len(places())} places."


def _more(alone: int, neither: int) -> str:
    words = f"In {alone} more, only a grown circuit reaches the error. " if alone else ""
    return words + (f"In {neither} the growths did not reach it. " if neither else "")


def _words(helped: dict[str, list[PairedRow]]) -> str:
    if not any(helped.values()):
        return "not run"
    return "; ".join(f"{word} {listed([_named(row) for row in rows])}" for word, rows in helped.items() if rows)


def _named(row: PairedRow) -> str:
    return f"{row.against} ({row.better} of {row.better + row.worse} starts)"


def _cost_table(entries: Sequence[tuple[tuple[str, float], float, dict[str, Candidate | None]]]) -> str:
    rows = [
        [titled(molecule, bond), f"{level:g}", *(_cost(here[kind]) for kind in KINDS)]
        for (molecule, bond), level, here in entries
    ]
    return table(["molecule, bond", "error (mHa)", *KINDS], rows, 5)


def _cost(one: Candidate | None) -> str:
    return "-" if one is None else f"{one.label}: {one.two_qubit_gates} / {one.n_params} / {one.evaluations:.0f}"


def _pruned_pairs() -> list[tuple[Any, dict[str, Any], dict[str, Any]]]:
    """Return (row, trained circuit, smallest one within the loss) of the best rule for each circuit and molecule."""
    best: dict[tuple[str, str], tuple[Any, dict[str, Any], dict[str, Any]]] = {}
    for row in records(kept_ledger("pruning")):
        steps = json.loads(row.compression) if known(row.compression) else []
        near = [step for step in steps if step["value"] - steps[0]["value"] <= LOSS]
        if near:
            least = min(near, key=lambda step: step["parameters"])
            key = (str(row.molecule), str(row.circuit))
            if key not in best or least["parameters"] < best[key][2]["parameters"]:
                best[key] = (row, steps[0], least)
    return list(best.values())


def _removed(pairs: list[tuple[Any, dict[str, Any], dict[str, Any]]]) -> str:
    shares = [1.0 - least["parameters"] / first["parameters"] for _, first, least in pairs]
    return f"{100 * min(shares):.0f} to {100 * max(shares):.0f} %" if shares else "an unknown share"


def _pruning_table(pairs: list[tuple[Any, dict[str, Any], dict[str, Any]]]) -> str:
    rows = []
    for row, first, least in pairs:
        trained = error(1e3 * abs(first["value"] - row.reference))
        sizes = [f"{step['parameters']} / {count(step['cnots'])}" for step in (first, least)]
        rows.append([FORMULAS[row.molecule], row.circuit, trained, *sizes, str(row.recipe).removeprefix("prune ")])
    heads = ["molecule", "circuit", "trained to (mHa)", "parameters / CNOTs", "of these left", "rule"]
    return table(heads, rows, 2)


def _has_distilled() -> bool:
    return len(_distilled()) > 0


def _distilled() -> Any:
    """Return the rows of distillations, with the bond in the names."""
    rows = kept_ledger("distilling")
    at = rows["bond"].map(lambda bond: f"{titled('h4', bond)}: ")
    against = rows["against"].where(rows["against"].fillna("") == "", at + rows["against"])
    return rows.assign(contender=at + rows["contender"], against=against)


def _distilled_table(rows: Sequence[PairedRow]) -> str:
    cells = [
        [row.against, error(1e3 * float(row.median or 0)), f"{row.successes} of {row.seeds}",
         f"{row.better} of {row.better + row.worse} ({percent(row.share_low or 0, row.share_high or 1)})",
         digits(row.evaluations_ratio, 2), row.verdict]
        for row in rows
    ]  # fmt: skip
    heads = ["student", "median error (mHa)", "within 1.6 mHa", "lower", "evaluations, ratio", "verdict"]
    return table(heads, cells, 1)


def points() -> dict[tuple[str, float], list[Candidate]]:
    """Return the circuits at each place that are drawn: grown ones of every size, and fixed ones."""
    return {place: [one for one in candidates(*place, "sto-3g") if not KINDS["pruned"](one)] for place in places()}
