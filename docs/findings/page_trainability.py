"""The page "Can it be trained when it grows?"."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from findings.markdown import listed, table
from qvar.analysis.decay import DecayRow, decay_table
from qvar.analysis.kept_ledgers import kept_ledger
from qvar.analysis.rows import known, labelled, records
from qvar.report.formats import digits, interval

CIRCUITS = {
    "hardware_efficient": "RY, RZ and a chain of CNOTs, 2n layers; observable Z0 Z1",
    "givens_fabric": "Givens rotations, 2n layers; energy of half-filled Hubbard chains",
    "uccsd": "coupled cluster; energy of chains of hydrogen atoms, 1 angstrom apart, STO-3G",
    "hva": "Hamiltonian-variational, 2n^2/3 layers; energy of open transverse-field Ising chains",
}

STARTS = {
    "uniform": "all angles from -pi to pi",
    "zero": "all angles 0 (Hartree-Fock for circuits of electrons)",
    "mp2": "amplitudes of MP2",
    "ccsd": "amplitudes of CCSD",
    "identity_blocks": "the circuit and its inverse, which make the identity (Grant et al. 2019): twice the depth",
}


def ledger(which: str) -> pd.DataFrame:
    """Return the rows of uniform starts (`uniform`), or of the others (`informed`)."""
    rows = kept_ledger("trainability")
    uniform = rows["campaign"].str.startswith("plateaus")
    return rows[uniform if which == "uniform" else ~uniform].reset_index(drop=True)


def page(uniform_picture: str, informed_picture: str) -> str:
    """Return the text of the page."""
    uniform, informed = ledger("uniform"), ledger("informed")
    rows = _fits(uniform)
    gradient = {row.contender: row for row in rows if row.quantity == "gradient"}
    verdicts = [f"{name}: {_verdict(row)}" for name, row in gradient.items()]
    laws = _laws(uniform)
    samples = int(kept_ledger("trainability")["samples"].sum())
    gains = _gains(uniform, informed)
    fewest_qubits, most_qubits = (pick(size for _, _, size, _ in gains) for pick in (min, max))
    few, many = ([one for one in gains if one[2] == size] for size in (fewest_qubits, most_qubits))
    least, largest = (pick(many, key=lambda one: one[3]) for pick in (min, max))
    fewest = int(uniform.groupby("size")["samples"].min().min())
    return f"""
# Can it be trained when it grows?

**Conclusion.** From uniformly random angles the variance of the gradient, between {int(uniform["size"].min())} and
{int(uniform["size"].max())} qubits, follows: {"; ".join(verdicts)} (intervals: 95 %). The generic circuit has a
barren plateau by its exact law, too. {_structure(gradient)} **Starts matter more as circuits grow**: the mean square
of the gradient is larger from an informed start than from uniform angles for {_larger(few)} combinations of a circuit
and a start at {fewest_qubits} qubits, and for {_larger(many)} at {most_qubits}, there by factors from
{digits(least[3], 2)} ({least[0]} from {least[1]}) to {digits(largest[3], 2)} ({largest[0]} from {largest[1]}).

Rows: {len(uniform) + len(informed)} (circuit, size and start), from {samples:,} random parameter vectors, each with
the energy and its whole gradient.

| circuit | what it is |
| --- | --- |
{_names(CIRCUITS)}

## From uniform angles

![Variance of the gradient against the number of qubits, uniform angles]({uniform_picture})

{_fit_table(rows)}

Variances are divided by the square of the spectral width of the observable; that of the gradient is the mean over all
parameters. The rate is b in exp(-b n); ln 2 = 0.69 halves a variance with each qubit. An exponential and a power law
are compared by AICc; "undecided" is an answer.

## Against exact laws

{laws}

The ratio is the measured variance of the loss over the value in theory: that of a deep circuit of its kind, 1/(d+1);
of random states in the space that the circuit can reach (Haar); and of the circuit's Lie algebra, if that is small
enough to be computed. A ratio of 1 is agreement; the samples leave an uncertainty of some percent at
{int(uniform["samples"].max())} samples, and of more at {fewest}.

## From informed starts

![Variance of the gradient against the number of qubits, informed starts]({informed_picture})

{_gain_table(uniform, informed)}

Normal noise of 0.05 radians was added to each of these starts, so that there is a variance. Ratios: mean square of
the derivatives from this start over that from uniform angles, which is the variance plus the square of the mean; the
picture has the variance alone. A large derivative at a start is not success: it says that it can be measured there,
and not that the minimum behind it is the ground state.

| start | angles |
| --- | --- |
{_names(STARTS)}

## What this does not cover

- More than {int(uniform["size"].max())} qubits; four to six sizes leave the verdict between laws open for some
  circuits.
- Other depths: these circuits are as deep as it takes for the variance to reach its limit. Shallow circuits with
  local observables have no plateau (Cerezo et al. 2021, one of the [published
  tables](../explanations/published-tables.md)).
- The landscape after the first steps: variances are those at the start.
- Noise of the hardware, which flattens every landscape.

What would change the verdict: variances of coupled cluster at 16 and more qubits that leave the exponential, or an
informed start whose advantage fades between 8 and 12 qubits; the table above has the trend.
"""


def _structure(gradient: dict[str, Any]) -> str:
    """Return the effect of physical structure alone, from uniform angles, in a sentence."""
    generic = gradient["hardware_efficient"]
    fast = [name for name, row in gradient.items() if row.family == "constrained" and row.rate_high >= generic.rate]
    slow = [name for name, row in gradient.items() if row.family == "constrained" and row.rate_high < generic.rate]
    if not fast:
        return f"The constrained circuits ({listed(slow)}) fall more slowly."
    words = f"**Physical structure alone does not prevent one**: the gradients of {listed(fast)} fall as fast or faster"
    return f"{words}; only those of {listed(slow)} fall more slowly." if slow else f"{words}."


def _names(words: dict[str, str]) -> str:
    return "\n".join(f"| {name} | {about} |" for name, about in words.items())


def _fits(rows: pd.DataFrame) -> list[Any]:
    fits = labelled(decay_table(rows))
    return [row for row in records(fits) if known(row.rate)]


def _verdict(row: Any) -> str:
    if row.verdict == "exponential":
        return f"exponential, rate {_rate(row)} per qubit"
    if row.verdict == "power":
        ends = interval(row.exponent_low, row.exponent_high, 2)
        return f"a power law, exponent {digits(row.exponent, 2)}{ends}"
    return f"{row.verdict} (as an exponential: rate {_rate(row)})"


def _rate(row: DecayRow) -> str:
    return digits(row.rate, 2) + interval(row.rate_low, row.rate_high, 2)


def _fit_table(rows: list[Any]) -> str:
    cells = [
        [row.contender, row.quantity, f"{row.size_first:.0f} to {row.size_last:.0f}", digits(row.variance_first, 2),
         digits(row.variance_last, 2), _rate(row), row.verdict]
        for row in rows
    ]  # fmt: skip
    heads = ["circuit", "variance of", "qubits", "at the first size", "at the last size", "rate per qubit", "decay"]
    return table(heads, cells, 2)


def _laws(rows: pd.DataFrame) -> str:
    sizes = sorted(rows["size"].unique())
    cells = []
    for name in CIRCUITS:
        for column, words in (("law_loss_variance", "exact law"), ("lie_loss_variance", "Lie algebra"),
                              ("haar_loss_variance", "Haar")):  # fmt: skip
            own = rows[(rows["contender"] == name) & rows[column].notna()].set_index("size")
            if len(own):
                ratios = own["loss_variance"] / own[column]
                cells.append([name, words, *(digits(ratios.get(size), 3) for size in sizes)])
    return table(["circuit", "theory", *(f"{size} qubits" for size in sizes)], cells, 2)


def _gains(uniform: pd.DataFrame, informed: pd.DataFrame) -> list[tuple[str, str, int, float]]:
    """Return (circuit, start, qubits, ratio of the mean squares of the gradient) at all sizes of both."""
    base = {(row.contender, row.size): row.gradient_mean_square for row in records(uniform)}
    return [
        (row.contender, row.start, int(row.size), row.gradient_mean_square / base[row.contender, row.size])
        for row in records(informed)
        if (row.contender, row.size) in base and known(row.gradient_mean_square)
    ]


def _larger(gains: list[tuple[str, str, int, float]]) -> str:
    return f"{sum(ratio > 1 for *_, ratio in gains)} of {len(gains)}"


def _gain_table(uniform: pd.DataFrame, informed: pd.DataFrame) -> str:
    gains = {(name, start, size): ratio for name, start, size, ratio in _gains(uniform, informed)}
    sizes = sorted({size for _, _, size in gains})
    rows = [
        [name, start, *(digits(gains.get((name, start, size), math.nan), 2) for size in sizes)]
        for name, start in dict.fromkeys((name, start) for name, start, _ in gains)
    ]
    return table(["circuit", "start", *(f"{size} qubits" for size in sizes)], rows, 2)
