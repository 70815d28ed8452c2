"""The first page of "What we found": the question and the verdict of each page."""

from __future__ import annotations

import re
from collections.abc import Mapping

from findings.markdown import listed
from findings.plan import CAMPAIGNS
from qvar.analysis.kept_ledgers import NAMES, kept_ledger

QUESTIONS = {
    "families": "Which circuit on which molecule?",
    "trainability": "Can it be trained when it grows?",
    "growing": "Grown, pruned, distilled, or fixed?",
    "basis": "Does the ranking survive a change of basis?",
    "more-parameters": "Do more parameters help?",
}


def page(pages: Mapping[str, str], picture: str) -> str:
    """Return the text of the page from those of the others, {name: text}."""
    ledgers = [kept_ledger(name) for name in NAMES]
    rows = sum(map(len, ledgers))
    dates = sorted({date for ledger in ledgers for date in ledger["date"]})
    versions = sorted({version for ledger in ledgers for version in ledger["qvar"]})
    verdicts = "\n\n".join(
        f"## [{question}]({name}.md)\n\n{_verdict(pages[name])}"
        for name, question in QUESTIONS.items()
        if name in pages
    )
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    done = {campaign for ledger in ledgers for campaign in ledger["campaign"]}
    missing = [campaign.name for campaign in CAMPAIGNS if campaign.name not in done]
    partial = f"**Not in these numbers yet**: {listed(missing)}.\n\n" if missing else ""
    return f"""
# What we found

![The best circuit of each family on every molecule]({picture})

Five questions, {rows:,} rows of ledgers, and a verdict for each with its uncertainty. Errors are distances to the
exact energy in the same basis set and active space; chemical accuracy is 1.6 mHa. Constrained circuits carry physics
(electron number, spin, cluster operators), generic ones do not.

{partial}{verdicts}

## A recommendation for your molecule

`qvar advise --problem lih --two-qubit-gates 500` answers from the same rows, with the command that repeats the run.

## How it was obtained

`make results` runs all of it: the campaigns in `docs/findings/plan.py`, each a case of qvar in the local queue; killed
at any point, the same command continues. The rows of 30 November 2026 took 34 minutes from nothing on two cores of an
AMD EPYC, with two SIGKILLs on the way. The rows are in the package (`qvar/ledgers/*.parquet`, version
{", ".join(versions)}, {when}), each with the command that repeats it; `make results ARGS=--pages` makes these pages and
pictures from them alone, and a test compares. Energies and gradients are exact: there are no shots and no noise.

An earlier run on an Intel Xeon had given the same verdicts. Of 3,564 trainings on molecules 1,432 converged in both
runs, 1,418 of these to the same energy within a microhartree. Starts that ran out of evaluations end elsewhere on
another processor: 98 % of all are within 1.6 mHa of the earlier run.
"""


def _verdict(text: str) -> str:
    """Return the conclusion of a page."""
    match = re.search(r"\*\*Conclusion\.\*\* (.*?)(?:\n\n)", text, flags=re.DOTALL)
    return match[1] if match else ""
