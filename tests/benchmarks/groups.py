"""The groups of benchmarks: each a list of steps, each step gives rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

import campaign
import growths
import jax
import numpy as np
import peers
import spaces
import startup
import works
from chains import hpsi, once, product_row, sector, uccsd
from measure import Sample, agree, block, by_turns, calibrated
from rows import Row, Step
from tables import quantity
from worker import Worker, WorkError

import qvar


def _ready(function: Callable[..., Any], *arguments: Any) -> Any:
    """A call whose result has arrived."""
    return jax.block_until_ready(function(*arguments))


def _energy_and_gradient(problem: qvar.Problem, ansatz: Any, word: str) -> tuple[Callable[[], Any], np.ndarray, Any]:
    """A call of qvar's energy and gradient that has been compiled, the parameters, and what it gives."""
    objective = qvar.energy(problem, ansatz)
    theta = works.parameters(ansatz.n_params, word)
    value = objective.value_and_grad(theta)
    return partial(_ready, objective.value_and_grad, theta), theta, value


def _against(
    table: str, work: str, problem: qvar.Problem, ansatz: Any, word: str, peer: Any, seconds: float, most: int = 15
) -> Row:
    """A row of energy and gradient beside a peer in this process, once both agree."""
    ours, theta, (value, gradient) = _energy_and_gradient(problem, ansatz, word)
    their_value, their_gradient = peer(theta)
    agree("the value", value, their_value)
    agree("the gradient", gradient, their_gradient)
    found = by_turns({"qvar": block(ours), "peer": block(lambda: peer(theta))}, seconds, most)
    return Row(table, work, found["qvar"], found["peer"])


def dense(quick: bool) -> list[Step]:
    """Generic circuits against lightning.qubit and, where it is installed, qulacs."""
    sizes = ((8, 4),) if quick else ((8, 20), (12, 20), (16, 20), (20, 10))
    seconds = 0.3 if quick else 8.0

    def qulacs(n: int, layers: int) -> list[Row]:
        problem, ansatz = works.z0_z1(n), qvar.hardware_efficient(n, layers=layers)
        work = f"{n} qubits x {layers}"
        if peers.installed("qulacs"):
            peer = peers.qulacs(problem, ansatz)
            return [_against("dense qulacs", work, problem, ansatz, "generic", peer, seconds)]
        ours, _, _ = _energy_and_gradient(problem, ansatz, "generic")
        sample = by_turns({"qvar": block(ours)}, seconds / 2)["qvar"]
        return [Row("dense qulacs", work, sample, note="qulacs is not installed")]

    steps = [
        Step("dense", f"{n} qubits x {k}, lightning", lambda n=n, k=k: _lightning(n, k, seconds)) for n, k in sizes
    ]
    return steps + [Step("dense qulacs", f"{n} qubits x {k}, qulacs", lambda n=n, k=k: qulacs(n, k)) for n, k in sizes]


def _lightning(n: int, layers: int, seconds: float) -> list[Row]:
    targets = {8: (40.0, 60.0), 12: (5.0, 12.0), 16: (1.5, 3.0), 20: (3.0, 4.0), 24: (3.0, 4.0)}
    problem, ansatz = works.z0_z1(n), qvar.hardware_efficient(n, layers=layers)
    peer = peers.lightning(problem, ansatz)
    row = _against("dense", f"{n} qubits x {layers}", problem, ansatz, "generic", peer, seconds)
    row.ratio = targets[n]
    return [row]


def large(quick: bool) -> list[Step]:
    """The largest sizes, which need up to 12 GB and half an hour; only if asked for."""
    if quick:
        return []
    return [
        Step("hpsi", "H14 chain", lambda: product_row("h14", 20.0)),
        Step("dense", "24 qubits x 5, lightning", lambda: _lightning(24, 5, 20.0)),
        *(Step("sector", f"H{n} chain, UCCSD", lambda n=n: uccsd(f"h{n}")) for n in (14, 16)),
    ]


def batch(quick: bool) -> list[Step]:
    """Many gradients of one circuit as one batch against one after the other."""
    sizes = ((8, 4, 20, 2),) if quick else ((8, 20, 200, 5), (12, 20, 1000, 5))
    ratio = {8: (40.0, 150.0), 12: (15.0, 30.0)}

    def run(n: int, layers: int, copies: int, timed: int) -> list[Row]:
        problem, ansatz = works.z0_z1(n), qvar.hardware_efficient(n, layers=layers)
        objective, peer = qvar.energy(problem, ansatz), peers.lightning(problem, ansatz)
        thetas = works.parameters(ansatz.n_params, "generic", copies)
        values, gradients = objective.value_and_grad_batch(thetas)
        for theta, value, gradient in zip(thetas[:timed], values, gradients, strict=False):
            their_value, their_gradient = peer(theta)
            agree("the value", value, their_value)
            agree("the gradient", gradient, their_gradient)
        contenders = {
            "qvar": block(partial(_ready, objective.value_and_grad_batch, thetas)),
            "lightning": block(lambda: [peer(theta) for theta in thetas[:timed]]),
        }
        found = by_turns(contenders, 0.3 if quick else 8.0)
        ours, theirs = found["qvar"].scaled(1 / copies), found["lightning"].scaled(1 / timed)
        return [Row("batch", f"{n} qubits x {layers}, batch {copies}", ours, theirs, ratio=ratio[n])]

    return [Step("batch", f"{n} qubits x {k}, batch {m}", lambda a=(n, k, m, t): run(*a)) for n, k, m, t in sizes]


def molecules(quick: bool) -> list[Step]:
    """Energies of molecules against lightning.qubit, and of a cluster Jastrow circuit against ffsim."""

    def run(word: str, name: str, work: str, ratio: tuple[float, float] | None) -> list[Row]:
        problem = works.problem_of(word)
        ansatz = works.ansatz_of(name, problem, 4)
        peer = peers.lightning(problem, ansatz)
        row = _against("molecules", work, problem, ansatz, name, peer, 0.3 if quick else 8.0)
        row.ratio = ratio
        return [row]

    def ucj(word: str) -> list[Row]:
        problem = works.problem_of(word)
        work = f"{word.upper()}, UCJ x 2"
        ansatz = qvar.ucj(problem, layers=2)
        objective = qvar.energy(problem, ansatz)
        theta = ansatz.initial(jax.random.key(0), "ccsd")
        value = objective.loss(theta)
        blocks = {"qvar": block(partial(_ready, objective.loss, theta))}
        if peers.installed("ffsim"):
            energy = peers.ffsim_ucj_energy(problem, 2)
            agree("the energy", value, energy())
            blocks["ffsim"] = block(energy)
        found = by_turns(blocks, 4.0)
        note = "" if "ffsim" in found else "ffsim is not installed"
        return [Row("ffsim", work, found["qvar"], found.get("ffsim"), note=note)]

    listed = [
        ("h4", "hardware_efficient", "H4, RY+RZ+CNOT x 4", None),
        ("lih", "hardware_efficient", "LiH, RY+RZ+CNOT x 4", (40.0, 60.0)),
        ("h4", "uccsd", "H4, UCCSD", None),
        ("lih", "uccsd", "LiH, UCCSD", None),
    ]
    steps = [
        Step("molecules", work, lambda word=word, name=name, work=work, ratio=ratio: run(word, name, work, ratio))
        for word, name, work, ratio in (listed[:1] if quick else listed)
    ]
    return steps if quick else [*steps, *(Step("ffsim", f"H{n}, UCJ", lambda n=n: ucj(f"h{n}")) for n in (8, 10))]


def compilation(quick: bool) -> list[Step]:
    """Compile times of every ansatz of the catalogue, few layers and many."""
    from qvar.ansatz.catalogue import ANSATZE

    children: list[Worker] = []  # one process for all, its caches cleared before each

    def once(word: str, name: str, layers: int, unlike: int = -1) -> tuple[list[float], dict[str, Any]]:
        if not children:
            children.append(Worker())
        try:
            facts = children[0].ask("open", problem=word, ansatz=name, layers=layers, unlike=unlike)
            if facts["n_params"] == unlike:
                return [], facts
            found = [facts["seconds"]["first"] - facts["seconds"]["warm"]]
            if layers == 4 and facts["seconds"]["first"] < 2:
                found += children[0].ask("compile", repeats=2)["seconds"]
        except WorkError:
            children.pop().close()  # whatever it has left, the next one starts afresh
            raise
        return found, facts

    def run(word: str, name: str) -> list[Row]:
        row = Row("compile", name + (f", {word}" if name == "hva" else ""), limit=(5.0, 2.0))
        found, facts = once(word, name, 4)
        row.ours = Sample.of(found)
        row.more = {"tables": f"{facts['seconds']['tables']:.1f} s", "engine": facts["engine"]}
        if not quick:
            deep, _ = once(word, name, 40, facts["n_params"])
            row.theirs = Sample.of(deep) if deep else None  # some have no layers
        if (word, name) == listed[-1]:
            children.pop().close()
        return [row]

    listed = [(word, e.name) for e in ANSATZE for word in (("tfim14", "hubbard7") if e.needs == "model" else ("h2o",))]
    if quick:
        listed = [("h4", "hardware_efficient")]
    return [Step("compile", f"{name}, {word}", lambda w=word, n=name: run(w, n)) for word, name in listed]


def restart(quick: bool) -> list[Step]:
    """The same case twice in fresh processes that share a persistent cache."""

    def run(word: str, name: str, work: str) -> list[Row]:
        with tempfile.TemporaryDirectory() as folder:
            cache = {
                "JAX_ENABLE_COMPILATION_CACHE": "true",
                "JAX_COMPILATION_CACHE_DIR": folder,
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            }
            found = []
            for _ in range(2):
                with Worker(**cache) as child:
                    seconds = child.ask("open", problem=word, ansatz=name, layers=20)["seconds"]
                    found.append(once(seconds["first"] - seconds["warm"]))
            stored = sum(len(files) for _, _, files in os.walk(folder))
        note = "" if stored else "the cache stayed empty"
        return [Row("restart", work, found[1], found[0], note=note)]

    listed = [("h8", "uccsd", "H8, UCCSD"), ("lih", "hardware_efficient", "LiH, RY+RZ+CNOT x 20")]
    listed += [("zz16", "hardware_efficient", "16 qubits x 20")]
    if quick:
        listed = [("h4", "uccsd", "H4, UCCSD")]
    return [Step("restart", work, lambda a=(word, name, work): run(*a)) for word, name, work in listed]


def precision(quick: bool) -> list[Step]:
    """float32 against float64, two processes that take turns."""

    def run(word: str) -> list[Row]:
        with Worker(QVAR_PRECISION="32") as single, Worker(QVAR_PRECISION="64") as double:
            answers = []
            for child in (single, double):
                child.ask("open", problem=word, ansatz="uccsd")
                answers.append(child.ask("value_and_gradient"))
            contenders = {"32": calibrated(single.seconds), "64": calibrated(double.seconds)}
            found = by_turns(contenders, 0.3 if quick else 8.0)
        rows = [Row("precision", f"{word.upper()}, UCCSD", found["32"], found["64"], ratio=(1.6, 1.6))]
        small, large = (np.asarray([a["value"], *a["gradient"]]) for a in answers)
        error = np.abs(small - large)
        for name, size in (("error of the energy", error[0]), ("error of the gradient", error[1:].max())):
            row = Row("precision", f"{word.upper()}, {name}", once(float(size)), unit="Ha")
            row.limit = (1e-5, 1e-5) if word == "h8" and name.endswith("energy") else None
            rows.append(row)
        return rows

    sizes = (4,) if quick else (8, 10, 12)
    return [Step("precision", f"H{n} chain, UCCSD", lambda n=n: run(f"h{n}")) for n in sizes]


def scaling(quick: bool) -> list[Step]:
    """Time against depth and against the size of a batch; time against amplitudes is in `sector`."""

    def depth(layers: int) -> list[Row]:
        problem, ansatz = works.z0_z1(10), qvar.hardware_efficient(10, layers=layers)
        peer = peers.lightning(problem, ansatz)
        row = _against("depth", f"{layers} layers", problem, ansatz, "generic", peer, 0.3 if quick else 1.5, 7)
        row.more = {"layers": layers}
        return [row]

    def width(word: str, name: str, work: str, sizes: tuple[int, ...]) -> list[Row]:
        problem = works.problem_of(word)
        ansatz = works.ansatz_of(name, problem, 20)
        objective = qvar.energy(problem, ansatz)
        rows: list[Row] = []
        for size in sizes:
            thetas = works.parameters(ansatz.n_params, name, size)
            values, gradients = objective.value_and_grad_batch(thetas)
            value, gradient = objective.value_and_grad(thetas[-1])
            agree("the value", values[-1], value)
            agree("the gradient", gradients[-1], gradient)
            contenders = {
                "many": block(partial(_ready, objective.value_and_grad_batch, thetas)),
                "alone": block(partial(_ready, objective.value_and_grad, thetas[0])),
            }
            found = by_turns(contenders, 0.3 if quick else 1.0, most=7)
            more = {"case": work, "batch": size}
            rows.append(Row("width", f"{work}, {size}", found["many"].scaled(1 / size), found["alone"], more=more))
        return rows

    depths = (2,) if quick else (5, 10, 20, 40, 80, 160)
    steps = [Step("depth", f"10 qubits x {layers}", lambda k=layers: depth(k)) for layers in depths]
    listed = [
        ("zz8", "hardware_efficient", "8 qubits x 20", (1, 4) if quick else (1, 2, 8, 32, 128, 512)),
        ("h6", "uccsd", "H6, UCCSD", (1, 4) if quick else (1, 2, 4, 8, 16, 32, 64)),
    ]
    return steps + [
        Step("width", f"{work}, batches", lambda a=(word, name, work, sizes): width(*a))
        for word, name, work, sizes in (listed[:1] if quick else listed)
    ]


def basis_gradients(quick: bool) -> list[Step]:
    """Energies of basis sets with all their derivatives against one self-consistent field from scratch."""
    targets = {"h2o-vtz": (0.2, 0.25)}

    def run(word: str) -> list[Row]:
        form, target = works.basis_of(word)
        theta = form.start
        value, gradient = target.value_and_grad(form, theta)
        field = peers.pyscf_field(target, form.basis(theta))
        agree("the energy", value, field())
        direction = np.cos(np.arange(form.n_params)) * np.where(theta == 0, 1.0, np.abs(theta))
        direction *= 1e-3 / np.linalg.norm(direction)
        ahead, behind = (target.value(form.basis(theta + sign * direction)) for sign in (1, -1))
        agree("the slope", np.dot(gradient, direction) / 1e-3, (ahead - behind) / 2e-3, 1e-4)
        contenders = {"qvar": block(lambda: target.value_and_grad(form, theta)), "PySCF": block(field)}
        found = by_turns(contenders, 0.3 if quick else 8.0)
        with Worker() as child:
            peak = child.ask("open_basis", word=word)["peak"]
        more = {"parameters": form.n_params, "memory": quantity(peak, "B")}
        return [Row("basis", works.BASES[word], found["qvar"], found["PySCF"], ratio=targets.get(word), more=more)]

    return [Step("basis", works.BASES[word], lambda w=word: run(w)) for word in (["h2"] if quick else works.BASES)]


def campaigns(quick: bool) -> list[Step]:
    """Submitting, status and collection of 1,000 tasks."""
    n_points, rounds = (3, 1) if quick else (250, 3)
    return [Step(campaign.TABLE, f"{4 * n_points} tasks", lambda: campaign.rows(n_points, rounds))]


GROUPS: dict[str, Callable[[bool], list[Step]]] = {
    "sector": sector,
    "hpsi": hpsi,
    "dense": dense,
    "batch": batch,
    "large": large,
    "molecules": molecules,
    "spaces": spaces.steps,
    "compile": compilation,
    "restart": restart,
    "precision": precision,
    "scaling": scaling,
    "basis": basis_gradients,
    "campaign": campaigns,
    "startup": startup.steps,
    "adapt": growths.steps,
}
"""By the name that the command line takes."""

ONLY_NAMED = ("large",)
"""Groups that are not run if no group is named."""
