"""Hydrogen chains in their sector: UCCSD by their length, and H|psi> against PySCF."""

from __future__ import annotations

import numpy as np
import peers
import works
from measure import TOLERANCE, Sample, agree, block, by_turns, calibrated
from rows import Row, Step
from tables import quantity
from worker import Worker

WHOLE = {
    "h4": (50e-6, 20e-6),
    "h8": (2e-3, 1e-3),
    "h10": (25e-3, 15e-3),
    "h12": (0.4, 0.25),
    "h14": (12.0, 7.0),
    "h16": (600.0, 240.0),
}
"""Least and aim of one evaluation, in seconds."""

PEAK = {"h12": (3e9, 1.5e9), "h14": (1.3e9, 0.8e9), "h16": (12e9, 8e9)}
"""The same of the memory of the process, in bytes."""


def sector(quick: bool) -> list[Step]:
    """UCCSD on hydrogen chains, each in a fresh process."""
    sizes = (4,) if quick else (4, 6, 8, 10, 12)
    steps = [Step("sector", f"H{n} chain, UCCSD", lambda n=n: uccsd(f"h{n}", quick)) for n in sizes]
    if quick:
        return steps
    limit = (200e-6, 100e-6)
    batches = (
        Step(
            "sector", "H4 chain, UCCSD, 8 starts", lambda: _starts("h4", "uccsd", "H4, 8 starts as a batch", 8, limit)
        ),
        Step("sector", "LiH, LUCJ, 4 starts", lambda: _starts("lih", "lucj", "LiH, LUCJ x 4, 4 starts as a batch", 4)),
    )
    return [*steps, *batches]


def uccsd(word: str, quick: bool = False) -> list[Row]:
    per_factor = {"h10": (15.0, 40.0), "h12": (25.0, 60.0)}
    with Worker() as child:
        facts = child.ask("open", problem=word, ansatz="uccsd")
        peak = facts["peak"]  # before the check, whose peer has memory of its own
        if word != "h16":  # minutes of the peer
            errors = child.ask("check")
            for name, tolerance in (("norm", 1e-9), ("energy", TOLERANCE), ("slope", 1e-6)):
                agree(f"the {name}", errors[name], 0.0, tolerance)
        sample = by_turns({"qvar": calibrated(child.seconds)}, 0.3 if quick else 12.0)["qvar"]
    n, seconds = facts["n_params"], facts["seconds"]
    more = {"amplitudes": facts["amplitudes"], "factors": n}
    source, known = peers.PUBLISHED["TenCirChem-NG"]
    rows = [_fact(Row("sector", f"{word.upper()}, {n} factors", sample.scaled(1 / n), more=more), known, word, source)]
    rows[0].ratio = per_factor.get(word)
    source, known = peers.PUBLISHED["SlowQuant"]
    whole = Row("sector whole", f"{word.upper()}, {n} factors", sample, limit=WHOLE.get(word))
    memory = Row("sector whole", f"{word.upper()}, peak memory", once(peak), unit="B", limit=PEAK.get(word))
    rows += [_fact(whole, known, word, source), memory]
    parts = {part: seconds[part] for part in ("problem", "ansatz", "tables")}
    parts["compilation"] = max(seconds["first"] - seconds["warm"], 0.0)
    more = {part: quantity(spent, "s") for part, spent in parts.items()}
    rows.append(Row("waiting", word.upper(), once(sum(parts.values())), more=more))
    return rows


def _starts(problem: str, ansatz: str, name: str, n: int, limit: tuple[float, float] | None = None) -> list[Row]:
    """Several starts of a small circuit, as a batch."""
    with Worker() as child:
        child.ask("open", problem=problem, ansatz=ansatz, batch=n)
        sample = by_turns({"qvar": calibrated(child.seconds)}, 12.0)["qvar"]
    return [Row("sector whole", name, sample, limit=limit)]


def _fact(row: Row, known: dict[str, float], word: str, source: str) -> Row:
    """The row with a figure from elsewhere, where there is one."""
    if word in known:
        row.theirs, row.published, row.more["source"] = once(known[word]), True, source
    return row


def once(value: float) -> Sample:
    return Sample(value, value, value, 1)


def hpsi(quick: bool) -> list[Step]:
    """H|psi> in the sector against PySCF."""
    sizes = (4,) if quick else (8, 10, 12)
    return [Step("hpsi", f"H{n} chain", lambda n=n: product_row(f"h{n}", 0.3 if quick else 6.0)) for n in sizes]


def product_row(word: str, seconds: float) -> list[Row]:
    from qvar.engines.electronic_hamiltonian import electronic_hamiltonian
    from qvar.engines.host_hamiltonian import host_hamiltonian

    ratio = {"h10": (1.0, 1.5), "h12": (1.0, 1.5), "h14": (2.0, 3.0)}
    problem = works.problem_of(word)
    integrals = problem.integrals
    assert integrals is not None
    kernel, tables = electronic_hamiltonian(integrals.one_body, integrals.two_body, problem.n_alpha, problem.n_beta)
    apply = host_hamiltonian(kernel, tables)
    assert apply is not None
    strings = int(np.sqrt(works.amplitudes(problem)))
    state = np.random.default_rng(7).normal(size=(strings, strings))
    state /= np.linalg.norm(state)
    product = peers.pyscf_product(problem)
    agree("H|psi>", apply(state[None])[0], product(state), 1e-9)
    contenders = {"qvar": block(lambda: apply(state[None])), "PySCF": block(lambda: product(state))}
    found = by_turns(contenders, seconds)
    name = f"{word.upper()}, {works.amplitudes(problem)} amplitudes"
    return [Row("hpsi", name, found["qvar"], found["PySCF"], ratio=ratio.get(word))]
