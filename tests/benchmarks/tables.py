"""The tables: for a terminal of 80 columns, and for the documentation."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from measure import Sample
from rows import Row

NOTHING = "-"
NOT_MEASURED = "not measured"
NOT_RUN = "not run"
"""Note of a row for which there was no time."""


@dataclass(frozen=True)
class Table:
    """What a table compares."""

    title: str
    about: str
    """What is compared with what, in a sentence or two."""
    ours: str = "qvar"
    """Head of qvar's column."""
    theirs: str = ""
    """Head of the peer's column."""
    more: tuple[str, ...] = ()
    """Heads of further columns, keys of `Row.more`."""
    planned: tuple[str, ...] = ()
    """Works that the documentation shows as not measured while nothing is."""


PER_FACTOR = "TenCirChem"
_DEVICE = (
    "`moved` is the traffic of one evaluation in float64, operation by operation, and `copy` that traffic over the "
    "time, over the bandwidth of a plain copy; more than 100% if a state stays in the caches or operations share a "
    "sweep. Compilation is not part of the times. Memory is that of float64."
)
_DEVICE_MORE = ("moved 64", "copy 64", "copy 32", "compile 64", "compile 32", "memory")

TABLES: dict[str, Table] = {
    "sector": Table(
        "UCCSD energy and gradient in the sector, per factor",
        "Chains of hydrogen atoms, 1.0 angstrom, STO-3G; `qvar.uccsd` with all its factors. Times are per factor, "
        "because the peer leaves out factors that symmetry forbids.",
        theirs=PER_FACTOR,
    ),
    "sector whole": Table(
        "UCCSD energy and gradient in the sector, whole, and peak memory",
        "The same evaluations as one number each, and the largest memory of the process, which did nothing else.",
        theirs="SlowQuant",
    ),
    "waiting": Table(
        "What a user waits for before the first gradient",
        "A fresh process without a cache: orbitals and integrals by PySCF, the ansatz, the tables of `qvar.energy`, "
        "compilation. One measurement each. The first row compiles the kernels of the host, once for an installation.",
        ours="in all",
        more=("problem", "ansatz", "tables", "compilation"),
    ),
    "startup": Table(
        "A whole calculation in a fresh process",
        "UCCSD from MP2 amplitudes to its minimum, imports and integrals included; kernels of the host are compiled. "
        "TenCirChem-NG 2024.10 runs in an environment of its own, by turns with qvar.",
        theirs="TenCirChem-NG",
    ),
    "startup cases": Table(
        "A case from the command line",
        "`qvar run`, report included, with an empty cache (kernels of the host are compiled, too) and a second time. "
        "One measurement each.",
        more=("compilations",),
    ),
    "adapt": Table(
        "Growing circuits",
        "`qvar.adapt` in a fresh process with an empty cache: orbitals, kernels of the host and XLA are compiled, too. "
        "STO-3G. One measurement each.",
        more=("CPU", "pool", "operators", "evaluations", "error", "end"),
    ),
    "adapt pool": Table(
        "Gradients of a whole pool",
        "At a state of four operators, beside 1.5 H|psi> and 1.5 sweeps over the pool.",
        theirs="1.5 H|psi> + 1.5 sweeps",
        more=("H|psi>", "sweep"),
    ),
    "hpsi": Table(
        "H|psi> in the sector",
        "The same vector through qvar's kernel of the host and through PySCF's `contract_2e`, C with all its "
        "threads, `absorb_h1e` and link tables made beforehand.",
        theirs="PySCF",
    ),
    "dense": Table(
        "Energy and gradient of dense circuits",
        "Layers of RY, RZ on every qubit and a chain of CNOTs, observable Z0 Z1; the peer with its adjoint method.",
        theirs="lightning",
    ),
    "dense qulacs": Table(
        "The same against qulacs",
        "Backpropagation through the same gates.",
        theirs="qulacs",
    ),
    "batch": Table(
        "Gradients of many parameter vectors at once, per vector",
        "One batch of random vectors; the peer takes one after the other, some of them are timed.",
        theirs="lightning",
    ),
    "molecules": Table(
        "Energy and gradient of molecules",
        "The peer has the Hamiltonian as Pauli words. UCCSD compares different work on purpose: what each package does "
        "when asked for this energy; qvar takes the sector, the peer simulates every gate on all amplitudes.",
        theirs="lightning",
    ),
    "spaces": Table(
        "Sectors of circuits that conserve less than both spins' numbers",
        'Energy and gradient at one point and at eight, by `engine="auto"` and `engine="dense"`: XX, YY and Z '
        "rotations conserve a parity, the others the number of electrons. A sector pays if it has less than about a "
        "sixth of the amplitudes: the kernels of registers take less time for an amplitude.",
        ours="sector",
        theirs="register",
        more=("space", "amplitudes"),
    ),
    "ffsim": Table(
        "Energy of a cluster Jastrow circuit, no gradient",
        "UCJ from coupled cluster, two layers, by ffsim's state vector in the same sector.",
        theirs="ffsim",
    ),
    "compile": Table(
        "Compilation of every built-in ansatz at 14 qubits",
        "First call of energy and gradient less a warm one, caches cleared before; median of up to three. Water, all "
        "electrons; for `hva` a chain of 14 spins and one of 7 Hubbard sites. `tables` is the time of `qvar.energy`, "
        "paid once per objective.",
        ours="4 layers",
        theirs="40 layers",
        more=("tables",),
    ),
    "restart": Table(
        "Second start of the same case",
        "First call less a warm one in a fresh process, twice, with `JAX_COMPILATION_CACHE_DIR` set and "
        "`JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0`. What is left is tracing.",
        ours="second",
        theirs="first",
    ),
    "precision": Table(
        "float32 against float64",
        "`QVAR_PRECISION=32` and 64, two processes that take turns; UCCSD energy and gradient at the same parameters.",
        ours="float32",
        theirs="float64",
    ),
    "depth": Table(
        "Time against depth",
        "Dense, 10 qubits, RY, RZ and a chain of CNOTs, observable Z0 Z1.",
        theirs="lightning",
    ),
    "width": Table(
        "Time of one vector against the size of the batch",
        "Energy and gradient under `jax.vmap`: dense, 8 qubits, 20 layers, Z0 Z1; UCCSD of H6 in the sector.",
        ours="one vector",
        theirs="alone",
    ),
    "basis": Table(
        "Energy of a basis set with all its derivatives",
        "RHF of qvar, and its exact gradient by every exponent and contraction coefficient, beside PySCF's RHF alone, "
        "from scratch, converged as tightly, both on one thread. A ratio of 0.2 is five self-consistent fields. Memory "
        "is the peak of a process that did nothing else, of which most is what importing takes.",
        theirs="one RHF",
        more=("parameters", "memory"),
    ),
    "campaign": Table(
        "A campaign of 1,000 tasks",
        "250 points of four tasks that cost nothing; each command a process of its own, starting Python included. Once "
        "the queue is a program that prints a number, once a Slurm on this machine that holds all that it takes.",
    ),
    "device copy": Table(
        "On a GPU: bandwidth of a copy",
        "`x + 1` of 1 GiB (64 MiB on a CPU), reading and writing counted; eight calls follow without waiting.",
        ours="float32",
        theirs="float64",
        planned=("copy of 1 GiB",),
    ),
    "device sector": Table(
        "On a GPU: UCCSD energy and gradient in the sector",
        _DEVICE,
        ours="float32",
        theirs="float64",
        more=("amplitudes", *_DEVICE_MORE),
        planned=("h10", "h12", "h14", "h16"),
    ),
    "device dense": Table(
        "On a GPU: energy and gradient of dense circuits",
        "10 layers of RY, RZ and a chain of CNOTs, observable Z0 Z1. " + _DEVICE,
        ours="float32",
        theirs="float64",
        more=_DEVICE_MORE,
        planned=tuple(f"{n} qubits" for n in range(20, 30, 2)),
    ),
    "device batch": Table(
        "On a GPU: batches",
        "Energy and gradient under `jax.vmap`; time of one vector.",
        ours="float32",
        theirs="float64",
        more=_DEVICE_MORE,
        planned=("8 qubits x 20, batch 1024", "h10, batch 64"),
    ),
    "device training": Table(
        "On a GPU: a whole calculation",
        "UCCSD from MP2 amplitudes to its minimum, with the default method; compilation is not part of the times.",
        ours="float32",
        theirs="float64",
        more=("evaluations 64", "evaluations 32", "compile 64", "compile 32", "tables 64", "memory"),
        planned=("h12",),
    ),
}
"""By key, in the order of printing. Where a work has a target, it is the least that is asked and what is aimed at."""


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def quantity(value: float, unit: str) -> str:
    """A number with a unit that suits its size."""
    if unit == "s":
        scale, name = next(
            ((s, n) for s, n in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")) if abs(value) >= s), (1e-6, "us")
        )
        return f"{_number(value / scale)} {name}"
    if unit == "B":
        scale, name = (1e9, "GB") if value >= 1e9 else (1e6, "MB")
        return f"{_number(value / scale)} {name}"
    if unit == "B/s":
        return f"{_number(value / 1e9)} GB/s"
    return f"{value:.2g} {unit}"


def _measured(sample: Sample | None, unit: str) -> str:
    """A median with half the distance of the quartiles in percent."""
    if sample is None:
        return NOTHING
    if sample.rounds == 1 or sample.median == 0:
        return quantity(sample.median, unit)
    return f"{quantity(sample.median, unit)} ±{50 * (sample.high - sample.low) / sample.median:.0f}%"


def _ratio(row: Row) -> str:
    if row.times is None:
        return NOTHING
    return f"{row.times:.2g}x" if row.times < 1 else f"{_number(row.times)}x"


def _target(row: Row) -> str:
    """What is asked at least and what is aimed at, one number where they are the same."""
    if row.ratio is not None:
        words = [f"{bound:.3g}x" for bound in row.ratio]
    elif row.limit is not None:
        words = [quantity(bound, row.unit) for bound in row.limit]
        unit = words[1].split()[-1]
        words[0] = words[0].removesuffix(f" {unit}") if words[0] != words[1] else words[0]
    else:
        return ""
    return " / ".join(dict.fromkeys(words))


def _columns(table: Table, rows: Sequence[Row]) -> list[tuple[str, Callable[[Row], str]]]:
    """Heads and cells of the columns that are not empty."""
    columns: list[tuple[str, Callable[[Row], str]]] = [("work", lambda row: row.work)]
    columns.append((table.ours, lambda row: _measured(row.ours, row.unit) if row.ours else _missing(row, table.ours)))
    if table.planned:
        columns.append(
            (table.theirs, lambda row: _measured(row.theirs, row.unit) if row.theirs else _missing(row, table.theirs))
        )
        columns.append(("ratio", _ratio))
    elif any(row.theirs for row in rows):
        columns.append((table.theirs, lambda row: _measured(row.theirs, row.unit) + "*" * row.published))
        columns.append(("ratio", _ratio))
    for key in table.more:
        columns.append((key, lambda row, key=key: str(row.more.get(key, NOTHING))))
    if any(row.ratio or row.limit for row in rows):
        columns += [("target", _target), ("met", lambda row: row.verdict)]
    return columns


def _missing(row: Row, head: str) -> str:
    """A few words in place of a number.

    Args:
        row: its note is the reason, or has a part "head: reason" for each column.
        head: head of the column.
    """
    parts = dict(part.split(": ", 1) for part in row.note.split("; ") if part.startswith(("float32: ", "float64: ")))
    note = parts.get(head, NOTHING) if parts else row.note
    if note in (NOT_MEASURED, NOT_RUN, NOTHING):
        return note
    return "out of memory" if "out of memory" in note else "failed"


def _notes(rows: Sequence[Row]) -> list[str]:
    silent = (NOT_MEASURED, f"float64: {NOT_RUN}; float32: {NOT_RUN}", f"float32: {NOT_RUN}")
    notes = [f"{row.work}: {row.note}." for row in rows if row.note and row.note not in silent]
    return notes + [f"* not measured in this run: {source}." for source in sources(rows)]


def sources(rows: Sequence[Row]) -> list[str]:
    """Where the figures are from that were not measured in this run."""
    return list(dict.fromkeys(row.more["source"] for row in rows if row.published))


def text(key: str, rows: Sequence[Row]) -> str:
    """A table for a terminal."""
    table = TABLES[key]
    columns = _columns(table, rows)
    cells = [[head for head, _ in columns], *([cell(row) for _, cell in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = [table.title, ""]
    for index, line in enumerate(cells):
        padded = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        lines.append("  ".join(padded).rstrip())
        if index == 0:
            lines.append("  ".join("-" * width for width in widths))
    notes = [wrapped(note) for note in _notes(rows)]
    return "\n".join([*lines, *notes])


def wrapped(note: str) -> str:
    """A sentence in lines of 80 columns."""
    return "\n".join(textwrap.wrap(note, 80))


def markdown(key: str, rows: Sequence[Row]) -> str:
    """A table for the documentation."""
    table = TABLES[key]
    lines = [f"### {table.title}", "", table.about, ""]
    if not rows:
        rows = [Row(key, work, note=NOT_MEASURED) for work in table.planned]
    columns = _columns(table, rows)
    lines.append("| " + " | ".join(head.replace("|", "\\|") for head, _ in columns) + " |")
    lines.append("|---" + "|---:" * (len(columns) - 1) + "|")
    lines += ["| " + " | ".join(cell(row).replace("|", "\\|") for _, cell in columns) + " |" for row in rows]
    notes = [line for note in _notes(rows) for line in ("", note.replace("* not", "\\* not"))]
    return "\n".join([*lines, *notes, ""])


def between_markers(page: str, new: str) -> str:
    """A page with the text between its markers replaced.

    Raises:
        ValueError: if the markers are not there.
    """
    begin, end = "<!-- tables: begin -->", "<!-- tables: end -->"
    found = re.search(f"{begin}.*?{end}", page, re.S)
    if found is None:
        raise ValueError(f"must be a page that holds {begin} and {end}, but is not")
    return page[: found.start()] + f"{begin}\n\n{new.strip()}\n\n{end}" + page[found.end() :]


def origin_line(origin: dict[str, Any]) -> str:
    """Machine, versions and date of numbers, in a line."""
    packages = ", ".join(f"{name} {version}" for name, version in origin["versions"].items() if version)
    return f"{origin['machine']}; {packages}; {origin['date'][:10]}."
