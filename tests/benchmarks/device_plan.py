"""The works that are timed on a device, as data: a folder of saved molecules with a `plan.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import works
from worker import Worker

PLAN = "plan.json"

DENSE_LAYERS = 10
BATCH_LAYERS = 20
BATCH_QUBITS = 8

CHAINS = (10, 12, 14, 16)
DENSE = (20, 22, 24, 26, 28)
BATCH = (1024, 64)
"""Parameter vectors of the dense circuit, and of the smallest chain."""
TRAINED = 12

REFERENCES = 1 << 20
"""Amplitudes of a state up to which reference values are computed."""


@dataclass(frozen=True, eq=False)
class Work:
    """One row of the tables of a device, the same for both precisions."""

    table: str
    name: str
    do: str
    """Request of `worker.Served`: "copy", "open" or "train"."""
    request: dict[str, Any] = field(default_factory=dict)
    traffic: int = 0
    """Numbers that one evaluation must at least read and write, see `works`; 0 if it is not known."""
    amplitudes: int = 0
    reference: tuple[float, float] | None = None
    """Sum of the values, and norm of all gradients, in 64 bit on a CPU."""


def write(folder: Path, chains: list[int], dense: list[int], batch: list[int], trained: int) -> list[Work]:
    """Write the molecules and `plan.json` into a folder, which takes PySCF, and return the works.

    Args:
        folder: made if it is missing.
        chains: atoms of chains of hydrogen; the first one is used for a batch, too.
        dense: qubits of dense circuits.
        batch: parameter vectors of the dense circuit of 8 qubits, and of the first chain.
        trained: atoms of the chain of which the whole calculation is timed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for size in {*chains, trained}:
        works.problem_of(f"h{size}").save(folder / f"h{size}.npz")
    plan = [_with_reference(folder, work) for work in _works(chains, dense, batch, trained)]
    text = json.dumps([asdict(work) for work in plan], indent=1)
    (folder / PLAN).write_text(text + "\n", encoding="utf-8")
    return plan


def read(folder: Path) -> list[Work]:
    """Read `plan.json` of a folder; paths in the requests are made absolute.

    Raises:
        ValueError: if there is no plan.
    """
    try:
        plan = [Work(**entry) for entry in json.loads((folder / PLAN).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        raise ValueError(f"must be a folder that `device.py prepare` wrote, but {str(folder)!r} is none") from None
    return [Work(**{**asdict(work), "request": located(folder, work.request)}) for work in plan]


def located(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Return a request with the absolute path of its problem."""
    if not str(request.get("problem", "")).endswith(".npz"):
        return request
    return {**request, "problem": str((folder / request["problem"]).resolve())}


def _works(chains: list[int], dense: list[int], batch: list[int], trained: int) -> list[Work]:
    plan = [Work("device copy", "copy of 1 GiB", "copy")]
    for size in chains:
        plan.append(_chain(size, "device sector", f"h{size}"))
    for n in dense:
        request = {"problem": f"zz{n}", "ansatz": "hardware_efficient", "layers": DENSE_LAYERS}
        traffic = works.layers_traffic(n, DENSE_LAYERS)
        plan.append(Work("device dense", f"{n} qubits", "open", request, traffic, 1 << n))
    if batch:
        n, layers = BATCH_QUBITS, BATCH_LAYERS
        request = {"problem": f"zz{n}", "ansatz": "hardware_efficient", "layers": layers, "batch": batch[0]}
        name = f"{n} qubits x {layers}, batch {batch[0]}"
        plan.append(Work("device batch", name, "open", request, works.layers_traffic(n, layers), 1 << n))
    if len(batch) > 1 and chains:
        plan.append(_chain(chains[0], "device batch", f"h{chains[0]}, batch {batch[1]}", batch=batch[1]))
    if trained:
        plan.append(Work("device training", f"h{trained}", "train", {"problem": f"h{trained}.npz"}))
    return plan


def _chain(size: int, table: str, name: str, **more: Any) -> Work:
    problem = works.problem_of(f"h{size}")
    request = {"problem": f"h{size}.npz", "ansatz": "uccsd", **more}
    return Work(table, name, "open", request, works.uccsd_traffic(problem), works.amplitudes(problem))


def _with_reference(folder: Path, work: Work) -> Work:
    if work.do != "open" or work.amplitudes > REFERENCES:
        return work
    with Worker(JAX_PLATFORMS="cpu", QVAR_PRECISION="64") as child:
        child.ask("open", **located(folder, work.request))
        return Work(**{**asdict(work), "reference": tuple(child.ask("summary")["summary"])})
