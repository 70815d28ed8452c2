"""The same measurements on one JAX device, from saved problems and within a limited time.

On a machine that has PySCF, write the problems once, a folder of less than 2 MB:

    python tests/benchmarks/device.py prepare device_problems

On the machine with the device, which needs Python, JAX, NumPy, SciPy, optax and jaxtyping, in the checkout:

    python3 tests/benchmarks/device.py run device_problems --minutes 9 --save gpu.json

All works run in float64 first and in float32 then, each in a process of its own. The file holds every row from the
start, as "not run", and is written again after each, so that it can be read after a kill:
`python tests/benchmarks --load gpu.json`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[1], os.environ.get("PYTHONPATH", "")])  # of the processes

import device_plan
import results as files
import tables
from device_plan import Work
from measure import Sample, by_turns, calibrated
from rows import Row
from worker import LATE, Worker, WorkError

from qvar.errors import QvarError

PRECISIONS = ("64", "32")
COPY = 1 << 30
"""Bytes of the array that is copied for the bandwidth."""
ROUNDS = 2.0
"""Seconds for the rounds of one row, compilation not counted."""
LONGEST = 4
"""A row takes at most this fraction of the time, so that none costs all others theirs: a fourth."""
TOLERANCE = {"64": 1e-8, "32": 2e-4}
"""Largest difference of values, and relative one of gradients, from those of `device_plan.Work.reference`."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def error(self, message: str) -> Any:
        print(f"device: {message.rstrip('.')}.", file=sys.stderr)
        sys.exit(2)


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="device", description="Times qvar on one JAX device.")
    commands = parser.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare", help="write the problems, which takes PySCF")
    prepare.add_argument("folder", type=Path)
    prepare.add_argument("--chains", type=int, nargs="*", default=device_plan.CHAINS, metavar="ATOMS", help="UCCSD")
    prepare.add_argument("--dense", type=int, nargs="*", default=device_plan.DENSE, metavar="QUBITS")
    prepare.add_argument(
        "--batch", type=int, nargs="*", default=device_plan.BATCH, metavar="N", help="of 8 qubits; of the first chain"
    )
    prepare.add_argument(
        "--trained", type=int, default=device_plan.TRAINED, metavar="ATOMS", help="chain of the whole calculation; or 0"
    )
    run = commands.add_parser("run", help="measure")
    run.add_argument("folder", type=Path)
    run.add_argument("--minutes", type=float, default=9.0, help="time for everything (default: 9)")
    run.add_argument("--save", type=Path, metavar="FILE", help="keep the numbers (JSON); other tables in it stay")
    return parser.parse_args()


class Rows:
    """All rows, from the start "not run"; a row is complete once both precisions have run."""

    def __init__(self, plan: list[Work], save: Path | None) -> None:
        self.device: str | None = None
        self._save = save
        self._rows = {work: Row(work.table, work.name, more={"amplitudes": work.amplitudes or "-"}) for work in plan}
        self._notes = {work: dict.fromkeys(PRECISIONS, tables.NOT_RUN) for work in plan}
        self._speeds: dict[str, float] = {}
        for work in plan:
            self._update(work)

    def put(self, work: Work, bits: str, sample: Sample | None, facts: dict[str, Any], note: str = "") -> None:
        """Enter what one precision gave, and save all rows."""
        row = self._rows[work]
        if bits == "64":
            row.theirs = sample
        else:
            row.ours = sample
        if facts.get("platform", "cpu") != "cpu":
            self.device = facts["device"]
        if work.do == "copy" and sample is not None:
            row.unit, self._speeds[bits] = "B/s", sample.median
        if work.traffic and sample is not None:
            bytes_moved = work.traffic * int(bits) / 8
            row.more[f"moved {bits}"] = tables.quantity(bytes_moved, "B")
            if bits in self._speeds:
                row.more[f"copy {bits}"] = f"{100 * bytes_moved / sample.median / self._speeds[bits]:.0f}%"
        for key in ("compile", "tables"):
            if key in facts:
                row.more[f"{key} {bits}"] = tables.quantity(facts[key], "s")
        if "peak" in facts and bits == "64":
            row.more["memory"] = tables.quantity(facts["device_peak"] or facts["peak"], "B")
        row.more |= {f"{key} {bits}": facts[key] for key in ("value", "evaluations", "status") if key in facts}
        self._notes[work][bits] = note
        self._update(work)
        self.save()

    def _update(self, work: Work) -> None:
        notes = [f"float{bits}: {note}" for bits, note in self._notes[work].items() if note]
        self._rows[work].note = "; ".join(notes)

    def words(self, work: Work, bits: str) -> str:
        """Return what one precision gave, in a line."""
        row, note = self._rows[work], self._notes[work][bits]
        sample = row.theirs if bits == "64" else row.ours
        words = [work.name] if sample is None else [f"{work.name}: {tables.quantity(sample.median, row.unit)}"]
        for key, phrase in (("copy", "{} of the copy"), ("compile", "compilation {}")):
            if f"{key} {bits}" in row.more:
                words.append(phrase.format(row.more[f"{key} {bits}"]))
        return ", ".join([*words, *filter(None, [note])])

    def results(self) -> files.Results:
        """Return the tables."""
        origin = files.here(self.device)
        found: files.Results = {}
        for row in self._rows.values():
            found.setdefault(row.table, (origin, []))[1].append(row)
        return found

    def save(self) -> None:
        """Write all rows to the file, if there is one."""
        if self._save:
            files.save(self._save, self.results())


def measure(child: Worker, work: Work, bits: str) -> tuple[Sample, dict[str, Any], str]:
    """Do one work in a process.

    Returns:
        Seconds of an evaluation, or bytes a second of a copy; facts for `Rows.put`; and a note if it is wrong.

    Raises:
        WorkError: if it failed.
    """
    if work.do == "copy":
        facts = child.ask("copy", size=COPY)
        return Sample.of(facts["bytes_per_second"]), facts, ""
    if work.do == "train":
        facts = child.ask("train", **work.request)
        return Sample.of([facts["seconds"]]), facts, ""
    facts = child.ask("open", **work.request)
    seconds = facts["seconds"]
    facts |= {"compile": max(0.0, seconds["first"] - seconds["warm"]), "tables": seconds["tables"]}
    summary = child.ask("summary")["summary"]
    sample = by_turns({bits: calibrated(child.seconds)}, ROUNDS)[bits].scaled(1 / (work.request.get("batch") or 1))
    return sample, facts, _difference(summary, work, bits)


def _difference(summary: list[float], work: Work, bits: str) -> str:
    """Return a note if values or gradients differ from the reference, else nothing."""
    if work.reference is None:
        return ""
    values, gradients = (abs(one - other) for one, other in zip(summary, work.reference, strict=True))
    batch = work.request.get("batch") or 1
    if values <= batch * TOLERANCE[bits] and gradients <= TOLERANCE[bits] * max(1.0, work.reference[1]):
        return ""
    return f"WRONG: values differ by {values:.1e}, gradients by {gradients:.1e}"


def _worker(bits: str) -> Worker:
    """Start a process for one work, which imports while the work before still runs."""
    share = os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.95")
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "XLA_PYTHON_CLIENT_MEM_FRACTION": share}
    worker = Worker(QVAR_PRECISION=bits, **environment)
    worker.import_early()
    return worker


def run(plan: list[Work], minutes: float, save: Path | None) -> files.Results:
    """Do all works, float64 first, until the time is over."""
    begin = time.monotonic()
    rows = Rows(plan, save)
    rows.save()
    steps = [(bits, work) for bits in PRECISIONS for work in plan]
    spare: Worker | None = _worker(steps[0][0])
    for position, (bits, work) in enumerate(steps):
        passed = time.monotonic() - begin
        left = 60 * minutes - passed
        if left <= 0:
            break
        child, spare = spare or _worker(bits), None
        if position + 1 < len(steps):
            spare = _worker(steps[position + 1][0])
        with child:
            child.kill_after(min(left, 60 * minutes / LONGEST))
            try:
                sample, facts, note = measure(child, work, bits)
                rows.put(work, bits, sample, facts, note)
            except WorkError as error:
                is_over = str(error) == LATE and time.monotonic() - begin >= 60 * minutes
                rows.put(work, bits, None, {}, tables.NOT_RUN if is_over else str(error))
        took = time.monotonic() - begin - passed
        words = f"[{position + 1}/{len(steps)}] float{bits}, {rows.words(work, bits)}; row took {took:.1f} s"
        print(words, file=sys.stderr, flush=True)
    if spare is not None:
        spare.close()
    return rows.results()


def main() -> int:
    """The command."""
    args = _arguments()
    try:
        if args.command == "prepare":
            plan = device_plan.write(args.folder, list(args.chains), list(args.dense), list(args.batch), args.trained)
            print(f"{len(plan)} works in {args.folder}")
            return 0
        if args.save is not None:  # before the minutes that it takes
            files.check(args.save)
        plan = device_plan.read(args.folder)
    except (QvarError, OSError, ValueError) as error:
        print(f"device: {str(error).rstrip('.')}.", file=sys.stderr)
        return 2
    results = run(plan, args.minutes, args.save)
    for number, (key, (origin, rows)) in enumerate(results.items()):
        if number == 0:
            print(tables.wrapped(tables.origin_line(origin)))
        print(f"\n{tables.text(key, rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
