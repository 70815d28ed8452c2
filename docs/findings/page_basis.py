"""The page "Does the ranking survive a change of basis?"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from findings.markdown import FORMULAS, error, listed, percent, table
from findings.plan import BUDGET, SEEDS
from qvar.analysis.advice import circuit_name
from qvar.analysis.kept_ledgers import kept_ledger
from qvar.analysis.paired import exact_interval
from qvar.analysis.rows import RESOLUTION

RESAMPLES = 400


@dataclass(frozen=True)
class Change:
    """The same circuits on one molecule in two basis sets."""

    molecule: str
    names: list[str]
    families: list[str]
    errors: tuple[np.ndarray, np.ndarray]
    """(circuits, starts) errors in mHa in STO-3G and in 6-31G."""

    @property
    def medians(self) -> tuple[np.ndarray, np.ndarray]:
        """(circuits,) median errors in both."""
        return np.median(self.errors[0], axis=1), np.median(self.errors[1], axis=1)

    def best(self, side: int) -> int:
        """Return the circuit of the lowest median error."""
        return int(np.argmin(self.medians[side]))

    def constrained_wins(self, side: int) -> bool:
        """Return if the best constrained circuit has a lower median error than the best generic one."""
        return self.families[self.best(side)] == "constrained"

    def agreement(self) -> tuple[float, float, float]:
        """Return Kendall's tau of the two orders with its 95 % interval, from resampled starts."""
        generator = np.random.default_rng(0)
        n_starts = self.errors[0].shape[1]
        draws = []
        for _ in range(RESAMPLES):
            sides = [
                np.median(np.take_along_axis(one, generator.integers(n_starts, size=one.shape), axis=1), axis=1)
                for one in self.errors
            ]
            draws.append(_tau(*sides))
        low, high = np.quantile(draws, [0.025, 0.975])
        return _tau(*self.medians), float(low), float(high)


def _tau(one: np.ndarray, other: np.ndarray) -> float:
    """Return Kendall's tau-b of two orders; 1 is the same order, -1 the opposite one."""
    first, second = (np.sign(np.subtract.outer(side, side)) for side in (one, other))
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm else float("nan")


def changes() -> list[Change]:
    """Return the molecules that were run in both basis sets."""
    ledger = kept_ledger("families")
    answer = []
    for molecule in dict.fromkeys(ledger["molecule"]):
        sides = [_errors(ledger, f"{kind}-{molecule}") for kind in ("usual", "basis")]
        names = [name for name in sides[0] if name in sides[1]]
        if names:
            families = [sides[0][name][0] for name in names]
            pair = tuple(np.array([side[name][1] for name in names]) for side in sides)
            answer.append(Change(molecule, names, families, (pair[0], pair[1])))
    return answer


def _errors(ledger: pd.DataFrame, campaign: str) -> dict[str, tuple[str, np.ndarray]]:
    """Return {circuit: (family, errors of the starts in mHa)}."""
    rows: Any = ledger[ledger["campaign"] == campaign]
    return {
        circuit_name(group): (
            str(group["family"].iloc[0]),
            1e3 * np.maximum(group.sort_values("seed")["error"].abs().to_numpy(float), RESOLUTION),
        )
        for _, group in rows.groupby("contender", sort=False)
    }


def page(picture: str) -> str:
    """Return the text of the page."""
    pairs = changes()
    if not pairs:
        return "# Does the ranking survive a change of basis?\n\n**Conclusion.** Not run yet.\n\n"
    taus = [change.agreement() for change in pairs]
    same = [change for change in pairs if change.constrained_wins(0) == change.constrained_wins(1)]
    kept = [change for change in pairs if change.best(0) == change.best(1)]
    low, high = exact_interval(len(same), len(pairs))
    smaller = sum(int(np.sum(change.medians[1] < change.medians[0])) for change in pairs)
    n_pairs = sum(len(change.names) for change in pairs)
    rows = sum(one.size for change in pairs for one in change.errors)
    lowest = min(range(len(pairs)), key=lambda k: taus[k][0])
    highest = max(range(len(pairs)), key=lambda k: taus[k][0])
    return f"""
# Does the ranking survive a change of basis?

**Conclusion.** Between STO-3G and 6-31G in the same active space the family with the lowest error stays the same on
{len(same)} of {len(pairs)} molecules (95 % interval: {percent(low, high)}), and the best circuit itself on
{len(kept)} {_examples(kept)}. The order of all {max(len(change.names) for change in pairs)} circuits agrees with
Kendall's tau {_interval(taus[lowest])} ({FORMULAS[pairs[lowest].molecule]}) to {_interval(taus[highest])}
({FORMULAS[pairs[highest].molecule]}), where 1 is the same order and 0 is chance. So a ranking in a minimal basis set
shows which family to take, and not which of two similar circuits.

Rows: {rows} trainings, {SEEDS} starts of each circuit, at most {BUDGET} evaluations each, at the usual bonds.

## Order in both basis sets

![Median errors in STO-3G and in 6-31G]({picture})

{_table(pairs, taus)}

Tau's interval is that over resampled starts. The active electrons and orbitals are the same in both; the orbitals are
those of Hartree-Fock in each basis set, so that less of the correlation is left in the active space of 6-31G:
{smaller} of {n_pairs} median errors are smaller there, and 1.6 mHa is easier to reach.

## What this does not cover

- Larger basis sets, all orbitals of 6-31G, and natural or localized orbitals instead of canonical ones.
- Stretched bonds in 6-31G.
- The error of the basis set itself, which is larger than the differences between good circuits: [basis
  sets](../explanations/basis-sets.md).

What would change the verdict: a molecule whose best family changes with the basis set. More starts narrow the
intervals of tau, but not the number of molecules.
"""


def _examples(kept: list[Change]) -> str:
    if not kept:
        return "(none keeps it)"
    return f"({listed([f'{FORMULAS[change.molecule]}: {change.names[change.best(0)]}' for change in kept])})"


def _interval(tau: tuple[float, float, float]) -> str:
    return f"{tau[0]:.2f} [{tau[1]:.2f}, {tau[2]:.2f}]"


def _table(pairs: list[Change], taus: list[tuple[float, float, float]]) -> str:
    rows = []
    for change, tau in zip(pairs, taus, strict=True):
        cells = [f"{change.names[change.best(side)]}: {error(change.medians[side].min())}" for side in (0, 1)]
        generic = [
            min((median, name) for median, name, family in
                zip(change.medians[side], change.names, change.families, strict=True) if family == "generic")
            for side in (0, 1)
        ]  # fmt: skip
        rows.append(
            [FORMULAS[change.molecule], str(len(change.names)), *cells,
             *(f"{name}: {error(median)}" for median, name in generic), _interval(tau)]
        )  # fmt: skip
    heads = [
        "molecule",
        "circuits",
        "best, STO-3G",
        "best, 6-31G",
        "best generic, STO-3G",
        "best generic, 6-31G",
        "tau",
    ]
    return table(heads, rows, 1)
