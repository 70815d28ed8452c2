"""The page "Do more parameters help?"."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from findings.markdown import FORMULAS, error, listed, percent, table
from findings.plan import BUDGET, LAYERED, MORE
from qvar.analysis.kept_ledgers import kept_ledger
from qvar.analysis.paired import SAME, PairedRow, exact_interval, paired_table
from qvar.analysis.rows import RESOLUTION, typed
from qvar.report.formats import count

VERDICTS = ("helped", "hurt", "undecided")


class Depth(NamedTuple):
    """A circuit of some depth on a molecule, against the depth before."""

    molecule: str
    circuit: str
    layers: int
    n_params: int
    median: float
    """In mHa."""
    evaluations: float
    better: int
    worse: int
    verdict: str
    """"" for the first depth."""


def depths() -> list[Depth]:
    """Return all depths, those of one circuit on one molecule by rising depth."""
    ledger = kept_ledger("families")
    answer = []
    for molecule in dict.fromkeys(ledger["molecule"]):
        for circuit in LAYERED:
            deep = circuit == LAYERED[0]
            campaigns = [f"deep-{molecule}"] if deep else [f"depths-{molecule}", f"usual-{molecule}"]
            rows = ledger[ledger["campaign"].isin(campaigns) & (ledger["contender"] == circuit)]
            if rows["layers"].nunique() > 1:
                answer += _series(molecule, circuit, rows)
    return answer


def _series(molecule: str, circuit: str, rows: pd.DataFrame) -> list[Depth]:
    by_depth: Any = rows.groupby("layers")
    groups = [(int(layers), group.sort_values("seed")) for layers, group in by_depth]
    errors = [group["error"].abs().to_numpy(float) for _, group in groups]
    counts = [(0, 0), *(_counts(before, after) for before, after in pairwise(errors))]
    return [
        Depth(
            molecule, circuit, layers, int(group["n_params"].iloc[0]),
            float(1e3 * max(np.median(own), RESOLUTION)), float(group["energy_evaluations"].median()),
            *count_of, _verdict(*count_of) if k else "",
        )
        for k, ((layers, group), own, count_of) in enumerate(zip(groups, errors, counts, strict=True))
    ]  # fmt: skip


def _counts(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """Return in how many starts the deeper circuit ends lower, and higher; equal pairs of starts count once."""
    pairs = {(round(float(one), 9), round(float(other), 9)) for one, other in zip(before, after, strict=True)}
    return sum(other < one - SAME for one, other in pairs), sum(other > one + SAME for one, other in pairs)


def _verdict(better: int, worse: int) -> str:
    low, high = exact_interval(better, better + worse)
    return "helped" if low > 0.5 else "hurt" if high < 0.5 else "undecided"


def studied(campaign: str) -> list[PairedRow]:
    """Return the comparisons of the case `more_parameters`, on spins (`more-ising`) or H4 (`more-h4`)."""
    ledger = kept_ledger("more_parameters")
    return typed(paired_table(ledger[ledger["campaign"] == campaign]), PairedRow)


def page(picture: str) -> str:
    """Return the text of the page."""
    compared = [one for one in depths() if one.verdict]
    rose = sum(after.median > 1.001 * before.median for before, after in pairwise(depths()) if after.verdict)
    counts = {word: [one for one in compared if one.verdict == word] for word in VERDICTS}
    ising, h4 = studied("more-ising"), studied("more-h4")
    rows = [row for row in [*ising, *h4] if row.against]
    deeper = [row for row in rows if "Adam" not in row.contender and "starts" not in row.contender]
    regular = [row for row in rows if "Adam" in row.contender]
    spins = {word: sum(row.verdict == word for row in deeper) for word in VERDICTS}
    held = {word: sum(row.verdict == word for row in regular) for word in VERDICTS}
    n_helped, n_hurt = len(counts["helped"]) + spins["helped"], len(counts["hurt"]) + spins["hurt"]
    low, high = exact_interval(n_helped, n_helped + n_hurt)
    alike = [row for row in deeper if row.verdict == "undecided"]
    cheaper = [row for row in alike if (row.evaluations_ratio or 1.0) < 1.0]
    return f"""
# Do more parameters help?

**Conclusion.** A deeper circuit ended lower, significantly, in {n_helped} of {len(compared) + len(deeper)}
comparisons with the depth before, higher in {n_hurt}, and {len(counts["undecided"]) + spins["undecided"]} are
undecided (share of "helped" among the decided: 95 % interval {percent(low, high)}).
{_words(n_helped, n_hurt, low, high)}{_hurt(counts["hurt"])} The median error rose in {rose} of the {len(compared)}
comparisons on molecules. Once a circuit can move its state in every direction, more depth changes no energy; in
{len(cheaper)} of {len(alike)} undecided comparisons on spins and H4 it still saved evaluations. What hurt is what
keeps the angles from the minimum: of {len(regular)} regularized or noisy trainings {held["hurt"]} hurt,
{held["helped"]} helped, {held["undecided"]} are undecided.

## Depth on molecules

![Median error against the number of parameters]({picture})

{_depth_table()}

Median errors in mHa. A depth helped (or hurt) if significantly more than half of its starts end lower (or higher) than
those of the depth before; else the starts do not decide it. {listed(LAYERED[1:])} had {BUDGET} evaluations for each
start, {LAYERED[0]} (generic) {MORE}. A deeper circuit may be further from its minimum after the same number of
evaluations: "hurt" here is a statement about this budget. Starts that are the same point (those of lucj are CCSD
amplitudes) count once, and so cannot decide.

## Depth on spins and H4, and regularization

{_paired(ising, "Ising ring of six spins, critical field")}

{_paired(h4, "H4 at 1 angstrom")}

Rank: that of the quantum Fisher information, the number of directions in which the state can move. Lower: starts that
end lower than the circuit that a row is compared with, of those that differ. In the rows of Adam the training is
changed: decay of the angles, dropout of gates, early stopping, 1000 shots for each energy. [Fewer
parameters](../explanations/fewer-parameters.md) explains the study, and has the generic circuit on H4, which takes
longer.

## What this does not cover

- Data fits, where more parameters can hurt: [the gallery](../explanations/gallery.md) has the comparisons in other
  fields.
- Shots on molecules, and noise that grows with the depth: on hardware each layer costs fidelity.
- Budgets that grow with the number of parameters.

What would change the verdict: a circuit and a molecule on which the deeper circuit ends higher at a budget at which
both have converged.
"""


def _words(n_helped: int, n_hurt: int, low: float, high: float) -> str:
    if n_hurt == 0:
        return "**With exact energies more parameters of the same kind never hurt significantly here.**"
    often = "more often" if low > 0.5 else "less often" if high < 0.5 else "about as often"
    return f"**With exact energies more parameters of the same kind helped {often} than they hurt.**"


def _hurt(rows: list[Depth]) -> str:
    if not rows:
        return ""
    words = [f"{one.circuit} with {one.layers} layers on {FORMULAS[one.molecule]}" for one in rows]
    return f" The exceptions, at this budget: {listed(words)}."


def _depth_table() -> str:
    series: dict[tuple[str, str], list[Depth]] = {}
    for one in depths():
        series.setdefault((one.circuit, one.molecule), []).append(one)
    layers = (1, 2, 4, 8, 16)
    rows = []
    for (circuit, molecule), ones in sorted(series.items(), key=lambda item: LAYERED.index(item[0][0])):
        cells = {one.layers: f"{error(one.median)} {_marked(one.verdict)}".strip() for one in ones}
        name = f"{FORMULAS[molecule]}, {circuit} ({ones[0].n_params} to {ones[-1].n_params} parameters)"
        rows.append([name, *(cells.get(depth, "") for depth in layers)])
    return table(["layers", *map(str, layers)], rows, 1)


def _marked(verdict: str) -> str:
    return verdict if verdict in ("helped", "hurt") else ""


def _paired(rows: list[PairedRow], title: str) -> str:
    if not rows:
        return f"{title}: not run."
    unit, factor = ("mHa", 1e3) if rows[0].unit == "Ha" else (rows[0].unit, 1.0)
    cells = [
        [row.contender, count(row.n_params), count(row.fisher_rank), error(factor * float(row.median or 0), unit, 2),
         f"{row.successes} of {row.seeds}", count(row.evaluations),
         f"{row.verdict}, {row.better} of {row.better + row.worse}" if row.against else ""]
        for row in rows
    ]  # fmt: skip
    error_head = f"median error ({unit})"
    heads = [title, "parameters", "rank", error_head, "succeed", "evaluations", "lower"]
    return table(heads, cells, 1)
