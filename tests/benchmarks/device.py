"""The same measurements on one JAX device, from saved problems: `python tests/benchmarks/device.py h10.npz h12.npz`.

Needs neither PennyLane nor PySCF. Every row is a process of its own, float64 and float32; what does not fit into
memory says so in its row. With `--save`, the numbers go into a file that `python tests/benchmarks --load` reads.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import results as files
import tables
import works
from measure import Sample, by_turns, calibrated
from rows import Row
from worker import Worker, WorkError

import qvar
from qvar.errors import QvarError

DENSE_LAYERS = 10
BATCH_LAYERS = 20
COPY = 1 << 30
"""Bytes of the array that is copied for the bandwidth; a sixteenth of it on a CPU."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="device", description="Times qvar on one JAX device.")
    parser.add_argument("problems", nargs="*", metavar="FILE.npz", help="molecules that `problem.save` wrote")
    parser.add_argument("--dense", type=int, nargs="*", default=[], metavar="QUBITS", help="dense circuits")
    parser.add_argument("--batch", type=int, nargs="*", default=[], metavar="N", help="sizes of batches, 8 qubits")
    parser.add_argument(
        "--batch-problem", metavar="FILE.npz", help="molecule that is timed in these batches too (UCCSD)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="time for the rounds of one row (default: 10)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the numbers (JSON); other tables in it stay")
    return parser.parse_args()


def row(table: str, work: str, seconds: float, traffic: int, **request: Any) -> tuple[Row, str | None]:
    """One work in float64 and in float32.

    Args:
        table: its table.
        work: its name.
        seconds: time for the rounds.
        traffic: numbers that it must at least read and write, see `works`.
        **request: what the process is asked to open.

    Returns:
        The row, and the name of the device where it could be reached.
    """
    found: dict[str, Sample] = {}
    cells: dict[str, Any] = {"traffic": traffic}
    device, notes = None, []
    for bits in ("64", "32"):
        try:
            share = os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.95")
            with Worker(
                QVAR_PRECISION=bits, XLA_PYTHON_CLIENT_PREALLOCATE="false", XLA_PYTHON_CLIENT_MEM_FRACTION=share
            ) as child:
                facts = child.ask("open", **request)
                device = facts["device"] if facts["platform"] != "cpu" else None
                sample = by_turns({bits: calibrated(child.seconds)}, seconds)[bits]
                scale = request.get("batch") or 1
                found[bits] = sample.scaled(1 / scale)
                if bits == "64":
                    cells["memory"] = tables.quantity(facts["device_peak"] or facts["peak"], "B")
            with Worker(QVAR_PRECISION=bits) as child:  # in a process of its own: nothing else is in the memory then
                speed = child.ask("copy", size=COPY if device else COPY // 16)["bytes_per_second"]
            achieved = traffic * int(bits) / 8 / found[bits].median
            cells[f"copy {bits}"] = f"{100 * achieved / speed:.0f}%"
            cells[f"bandwidth {bits}"] = speed
        except WorkError as error:
            notes.append(f"float{bits}: {error}")
    note = "; ".join(notes)
    return Row(table, work, found.get("32"), found.get("64"), note=note, more=cells), device


def main() -> int:
    """The command."""
    given = _arguments()
    if given.save is not None:  # before the minutes that it takes
        try:
            files.check(given.save)
        except (OSError, ValueError) as error:
            print(f"device: `--save` {error}.", file=sys.stderr)
            return 2
    wanted: list[tuple[str, str, int, dict[str, Any]]] = []
    try:
        loaded = {path: qvar.Problem.load(path) for path in [*given.problems, *filter(None, [given.batch_problem])]}
    except QvarError as error:
        print(f"device: {error}", file=sys.stderr)
        return 2
    for path in given.problems:
        name = f"{Path(path).stem}, {works.amplitudes(loaded[path])} amplitudes"
        request = {"problem": str(Path(path).resolve()), "ansatz": "uccsd"}
        wanted.append(("device sector", name, works.uccsd_traffic(loaded[path]), request))
    for n in given.dense:
        request = {"problem": f"zz{n}", "ansatz": "hardware_efficient", "layers": DENSE_LAYERS}
        wanted.append(("device dense", f"{n} qubits", works.layers_traffic(n, DENSE_LAYERS), request))
    for size in given.batch:
        request = {"problem": "zz8", "ansatz": "hardware_efficient", "layers": BATCH_LAYERS, "batch": size}
        name = f"8 qubits x {BATCH_LAYERS}, batch {size}"
        wanted.append(("device batch", name, works.layers_traffic(8, BATCH_LAYERS), request))
        if given.batch_problem:
            path = given.batch_problem
            request = {"problem": str(Path(path).resolve()), "ansatz": "uccsd", "batch": size}
            name = f"{Path(path).stem}, batch {size}"
            wanted.append(("device batch", name, works.uccsd_traffic(loaded[path]), request))
    if not wanted:
        print("device: `problems`, `--dense` or `--batch` must name something to time.", file=sys.stderr)
        return 2
    found: dict[str, list[Row]] = {}
    device = None
    for position, (table, work, traffic, request) in enumerate(wanted, start=1):
        print(f"[{position}/{len(wanted)}] {work} ...", file=sys.stderr, flush=True)
        made, seen = row(table, work, given.seconds, traffic, **request)
        device = seen or device
        found.setdefault(table, []).append(made)
    origin = files.here(device)
    print(tables.wrapped(tables.told(origin)))
    for key, rows in found.items():
        print(f"\n{tables.text(key, rows)}")
    if given.save:
        files.save(given.save, {key: (origin, rows) for key, rows in found.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
