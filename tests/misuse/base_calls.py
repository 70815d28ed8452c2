"""One valid, cheap call of every public function and class: what misuse is made from."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pennylane as qml
from misuse.diagnostics_calls import DIAGNOSTICS
from misuse.objects import (
    BUDGET,
    KEY,
    STATE,
    THETA,
    Nothing,
    circuit,
    curve,
    draw,
    dump,
    electrons,
    form,
    h2,
    mean_field,
    objective,
    parabola,
    published,
    quantum,
    spins,
    target,
)  # fmt: skip

import qvar
from qvar import basis

TABLE = Path(__file__).parents[2] / "cases" / "published" / "yordanov2020.toml"


def _line(theta: Any, x: Any) -> Any:
    return theta[0] + theta[1] * x


def _slope(theta: Any) -> Any:
    return theta[1]


def _memory(theta: Any, key: Any) -> Any:
    return ()


def _step(theta: Any, read: Any, memory: Any) -> Any:
    return theta - 0.1 * read.gradient, memory, True


def _network(key: Any) -> Any:
    return jax.tree_util.Partial(lambda weights, x: weights * x, jnp.ones(1))


def _examples() -> qvar.Examples:
    return qvar.Examples([[0.0]], [[1.0]], test_x=[[0.0]], test_y=[[1.0]])


def _learning() -> qvar.Learning:
    return qvar.Learning([qvar.Learner("a", "generic", _network)], _examples(), loss="squared", steps=1, seeds=1)


def _outcome(seed: int) -> dict[str, float]:
    return {"test_error": 1.0}


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "qvar.Ansatz": lambda: {
        "name": "a", "family": "generic", "program": circuit().program, "settings": {}, "start": "uniform",
        "starts": {}, "symmetries": ("sz",), "citations": ("kandala2017",), "classical_tail": 0,
    },
    "qvar.Ansatz.from_circuit": lambda: {
        "quantum_function": quantum, "n_qubits": 1, "n_params": 1, "name": "a", "family": "generic",
        "start": "uniform", "symmetries": (), "citations": (),
    },
    "qvar.Ansatz.initial": lambda: {"self": circuit(), "key": KEY, "start": "uniform"},
    "qvar.Ansatz.with_start": lambda: {"self": circuit(), "start": "zero", "name": "a"},
    "qvar.Ansatz.with_state": lambda: {
        "self": circuit(), "state": STATE, "basis_states": None, "name": "a",
    },
    "qvar.Ansatz.draw": lambda: {"self": circuit(), "theta": THETA, "all": False, "max_length": 78},
    "qvar.Ansatz.to_openqasm": lambda: {"self": circuit(), "theta": THETA, "version": 3, "connectivity": "line"},
    "qvar.Ansatz.to_qiskit": lambda: {"self": circuit(), "theta": THETA, "connectivity": "line"},
    "qvar.Ansatz.start_at": lambda: {"self": circuit(), "theta": THETA, "start": "trained", "name": "a"},
    "qvar.Ansatz.freeze": lambda: {"self": circuit(), "theta": THETA, "parameters": [0], "name": "a"},
    "qvar.Ansatz.then": lambda: {"self": circuit(), "other": circuit(), "name": "a"},
    "qvar.Budget": lambda: {"gradients": 5, "seconds": 1.0, "gradient_tolerance": 1e-3, "energies": 5},
    "qvar.Capacity": lambda: {
        "problem": spins(), "contenders": [qvar.Contender("a", "generic", qvar.hardware_efficient, layers=[1])],
        "tolerance": 0.1, "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET, "fisher_samples": 1,
        "dimension_samples": 0, "seed": 0, "engine": "auto", "lie_limit": 0,
    },
    "qvar.Contender": lambda: {
        "name": "a", "family": "generic", "make": qvar.hardware_efficient, "layers": [1],
    },
    "qvar.Costs": lambda: {"n_qubits": 1, "two_qubit_gates": 1, "depth": 1},
    "qvar.Curve": lambda: {
        "problem": lambda x: qvar.tfim(2, j=x), "coordinates": [1.0], "contenders": [lambda p: circuit()],
        "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET, "engine": "auto", "warm_start": True,
        "coordinate": "j", "unit": "J",
    },
    "qvar.Duel": lambda: {
        "problem": spins(), "contenders": [circuit()], "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET,
        "engine": "auto", "start_noise": 0.0, "tolerance": 0.1,
    },
    "qvar.ExactLaw": lambda: {"name": "law", "loss": lambda n: 1.0, "gradient_first": None, "reference": None},
    "qvar.Growing": lambda: {
        "name": "a", "family": "generic", "make": lambda n: (spins(), circuit()), "draw": None, "law": None,
    },
    "qvar.LedgerColumn": lambda: {"name": "hops", "kind": "Int64", "meaning": "Hops.", "unit": ""},
    "qvar.Landscape": lambda: {
        "problem": spins(), "contenders": [circuit()], "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET,
        "span": 1.0, "line_points": 3, "points": 3, "seed": 0, "engine": "auto",
    },
    "qvar.Objective": lambda: {
        "name": "o", "family": "generic", "n_params": 2, "function": curve, "draw": draw, "data": (),
        "count_costs": qvar.Costs, "engine": "none", "unit": "", "baseline": 0.0, "target": lambda: 0.0,
        "state_function": None, "forward_state_function": None, "operator": None, "draw_named": None,
        "measure": None, "frequencies": None, "harmonics": None, "bytes_per_evaluation": 0, "most_at_once": None,
    },
    "qvar.Objective.loss": lambda: {"self": parabola(), "theta": [0.0, 0.0]},
    "qvar.Objective.value_and_grad": lambda: {"self": parabola(), "theta": [0.0, 0.0]},
    "qvar.Objective.loss_batch": lambda: {"self": parabola(), "thetas": [[0.0, 0.0]]},
    "qvar.Objective.state": lambda: {"self": objective(), "theta": THETA},
    "qvar.Objective.initial": lambda: {"self": parabola(), "key": KEY, "start": None},
    "qvar.Objective.initial_batch": lambda: {"self": parabola(), "key": KEY, "n": 2, "start": None},
    "qvar.Problem.mapped": lambda: {"self": h2(), "mapping": "parity", "taper": False},
    "qvar.Problem.hamiltonian": lambda: {"self": spins(), "mapping": "jordan_wigner", "taper": False},
    "qvar.Problem.amplitudes": lambda: {"self": h2(), "theory": "mp2"},
    "qvar.Ranking": lambda: {
        "problems": {"a": spins()}, "contenders": [lambda p: circuit()], "limit": 0.0, "baselines": {"b": 0.0},
        "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET, "engine": "auto",
    },
    "qvar.Scaling": lambda: {
        "contenders": [qvar.Growing("a", "generic", lambda n: (qvar.tfim(n), qvar.hardware_efficient(n, layers=1)))],
        "sizes": [2], "samples": 2, "starts": ("uniform",), "noise": 0.0, "seed": 0, "size_name": "qubits",
        "engine": "auto", "lie_limit": 0, "problem": None,
    },
    "qvar.Training": lambda: {
        "contender": circuit(), "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET, "problem": spins(),
        "engine": "auto", "start_noise": 0.0, "tolerance": 0.1,
    },
    "qvar.adam": lambda: {"learning_rate": 0.1, "b1": 0.9, "b2": 0.99},
    "qvar.basic_entangler": lambda: {"problem": 2, "layers": 1, "rotation": "RX", "name": "a"},
    "qvar.efficient_su2": lambda: {
        "problem": 2, "reps": 1, "entanglement": "linear", "su2_gates": ("RY",), "final_rotations": True, "name": "a",
    },
    "qvar.energy": lambda: {
        "problem": h2(), "ansatz": qvar.uccsd(h2()), "engine": "dense", "devices": None, "penalties": {"sz": 1.0},
    },
    "qvar.expectation": lambda: {"observable": qml.Z(0), "ansatz": circuit()},
    "qvar.as_fcisolver": lambda: {
        "ansatz_function": qvar.uccsd, "method": qvar.lbfgs(), "budget": BUDGET, "key": KEY,
    },
    "qvar.density_matrices": lambda: {"objective": electrons(), "theta": np.zeros(3)},
    "qvar.DensityMatrices.charges": lambda: {
        "self": qvar.density_matrices(electrons(), np.zeros(3)), "population": "mulliken",
    },
    "qvar.DensityMatrices.cube": lambda: {
        "self": qvar.density_matrices(electrons(), np.zeros(3)), "path": Path("out.cube"), "field": "natural",
        "orbital": 0, "resolution": 1.0,
    },
    "qvar.leading_determinants": lambda: {"objective": electrons(), "theta": np.zeros(3), "n": 2},
    "qvar.gate_fabric": lambda: {"problem": h2(), "layers": 1, "include_pi": False, "name": "a"},
    "qvar.givens_fabric": lambda: {"problem": h2(), "layers": 1, "name": "a"},
    "qvar.gradient_descent": lambda: {"learning_rate": 0.1, "momentum": 0.0},
    "qvar.hardware_efficient": lambda: {
        "problem": 2, "layers": 1, "rotations": ("RY",), "entangler": "cz_chain", "final_rotations": True, "name": "a",
    },
    "qvar.heisenberg": lambda: {"n": 2, "j": 1.0, "periodic": False},
    "qvar.hubbard": lambda: {
        "shape": 2, "t": 1.0, "u": 4.0, "n_electrons": (1, 1), "periodic": False, "orbitals": "site", "name": "a",
    },
    "qvar.hva": lambda: {"problem": spins(), "layers": 1, "name": "a"},
    "qvar.hydrogen_chain": lambda: {
        "n_atoms": 2, "bond": 1.0, "basis": "sto-3g", "charge": 0, "spin": 0, "active_space": None,
        "active_orbitals": None, "frozen": None, "name": "a",
    },
    "qvar.identity_blocks": lambda: {"ansatz": circuit(), "blocks": 1, "name": "a"},
    "qvar.kupccgsd": lambda: {
        "problem": h2(), "layers": 1, "redundant": False, "excitations": "fermionic", "spin_adapted": False,
        "prune": None, "name": "a",
    },
    "qvar.launch": lambda: {"case_function": lambda: None},
    "qvar.bfgs": lambda: {"max_trials": 5},
    "qvar.lbfgs": lambda: {"memory": 3, "max_trials": 5},
    "qvar.load": lambda: {"run": "none"},
    "qvar.lucj": lambda: {"problem": h2(), "layers": 1, "connectivity": "square", "final_rotation": False, "name": "a"},
    "qvar.minimize": lambda: {
        "objective": parabola(), "method": qvar.lbfgs(), "key": KEY, "budget": BUDGET, "theta0": [0.0, 0.0],
        "callback": None, "keep_path": False, "inverse_hessian": None,
    },
    "qvar.minimize_batch": lambda: {
        "objective": parabola(), "theta0": [[0.0, 0.0]], "method": qvar.lbfgs(), "budget": BUDGET,
        "callback": None, "keys": jax.random.split(KEY, 1), "keep_path": False,
    },
    "qvar.molecule": lambda: {
        "geometry": "H 0 0 0; H 0 0 0.7", "basis": "sto-3g", "charge": 0, "spin": 0, "unit": "angstrom",
        "active_space": (2, 2), "active_orbitals": None, "frozen": None, "name": "a", "cart": False,
        "linear_dependence": 1e-6,
    },
    "qvar.Avas": lambda: {"labels": "N 2p", "threshold": 0.2, "minimal_basis": "minao"},
    "qvar.NaturalOrbitals": lambda: {"theory": "mp2", "threshold": 0.1, "active_space": None},
    "qvar.OrbitalsByIrrep": lambda: {"active": {"A1g": 1}, "frozen": {"A1u": 1}, "group": "D2h"},
    "qvar.from_pyscf": lambda: {
        "mean_field": mean_field(), "active_space": (2, 2), "active_orbitals": None, "frozen": None, "orbitals": None,
        "name": "a",
    },
    "qvar.from_qcschema": lambda: {
        "source": {"molecule": {"symbols": ["H", "H"], "geometry": [0, 0, 0, 0, 0, 1.4]}, "model": {"basis": "sto-3g"}},
        "active_space": (2, 2), "active_orbitals": None, "frozen": None, "name": "a",
    },
    "qvar.Published": lambda: {"tables": (published(),), "recipes": {"one": dict}},
    "qvar.PublishedTable": lambda: {
        "name": "a", "title": "A.", "paper": "jax2018", "source": "here", "held": "all", "calculations": (
            published().calculations
        ), "doi": "", "seconds": 1.0, "remark": "",
    },
    "qvar.PublishedTable.read": lambda: {"path": TABLE},
    "qvar.Coverage": lambda: {"experiments": 2, "samples": 10, "seed": 0},
    "qvar.all_ansatze": lambda: {"problem": h2(), "layers": 1},
    "qvar.from_fcidump": lambda: {
        "path": dump(), "occupied": ([0], [0]), "core_energy": None, "unit": "Ha", "name": "a",
    },
    "qvar.from_hamiltonian": lambda: {
        "hamiltonian": qml.Z(0) @ qml.Z(1), "n_electrons": None, "spin": 0, "occupied": None, "bits": [0, 1],
        "unit": "J", "name": "a",
    },
    "qvar.from_integrals": lambda: {
        "one_body": h2().integrals.one_body, "two_body": h2().integrals.two_body, "n_electrons": 2,
        "core_energy": 0.7, "spin": 0, "occupied": ([0], [0]), "unit": "Ha", "name": "a",
    },
    "qvar.own_method": lambda: {"init": _memory, "update": _step, "name": "own", "reads": "gradient"},
    "qvar.from_optax": lambda: {"transform": optax.sgd(0.1), "name": "sgd"},
    "qvar.named_ansatz": lambda: {"name": "puccd", "problem": h2(), "layers": 1},
    "qvar.task_key": lambda: {"inputs": {"x": [1, 2.0, None, "a"]}},
    "qvar.named": lambda: {"name": "h2", "bond": 1.0, "basis": "sto-3g", "active_space": (2, 2)},
    "qvar.natural_gradient": lambda: {"learning_rate": 0.1, "regularisation": 1e-3},
    "qvar.noisy_energy": lambda: {
        "problem": spins(), "ansatz": circuit(), "probability": 0.1, "channel": "bit_flip", "gates": "written",
        "name": "a",
    },
    "qvar.orbital_optimized": lambda: {"ansatz": qvar.uccsd(h2()), "problem": h2(), "active": None, "name": "a"},
    "qvar.particle_conserving_u1": lambda: {"problem": h2(), "layers": 1, "name": "a"},
    "qvar.particle_conserving_u2": lambda: {"problem": h2(), "layers": 1, "name": "a"},
    "qvar.puccd": lambda: {"problem": h2(), "excitations": "qubit", "name": "a"},
    "qvar.random_circuit": lambda: {"problem": 2, "layers": 1, "key": KEY, "name": "a"},
    "qvar.real_amplitudes": lambda: {
        "problem": 2, "reps": 1, "entanglement": "linear", "final_rotations": True, "name": "a",
    },
    "qvar.rotosolve": lambda: {"tolerance": 1e-6},
    "qvar.excitation_solve": lambda: {"tolerance": 1e-6},
    "qvar.run": lambda: {
        "study": Nothing(), "out": Path("there"), "resume": False,
        "progress": False, "arguments": None, "case": None, "workers": 1, "remake": None,
    },
    "qvar.sim_circuit": lambda: {"problem": 2, "number": 1, "layers": 1, "name": "a"},
    "qvar.spsa": lambda: {"shots": None, "a": 0.5, "c": 0.1, "stability": 20.0, "alpha": 0.6, "gamma": 0.1},
    "qvar.strongly_entangling": lambda: {"problem": 2, "layers": 1, "name": "a"},
    "qvar.symmetry_preserving": lambda: {"problem": h2(), "gates": 2, "real": True, "name": "a"},
    "qvar.tfim": lambda: {"n": 2, "j": 1.0, "h": 1.0, "periodic": False},
    "qvar.tups": lambda: {"problem": h2(), "layers": 1, "perfect_pairing": False, "name": "a"},
    "qvar.Adaptive": lambda: {
        "problem": h2(), "pools": ["sd"], "contenders": [circuit()], "select": "gradient", "grow": "one",
        "rules": qvar.GrowthRules(),
        "max_operators": 1, "gradient_norm": 1e-3, "error": 1e-3, "max_cnots": 9, "method": qvar.lbfgs(),
        "step_budget": BUDGET, "seeds": 1, "budget": BUDGET, "engine": "auto",
    },
    "qvar.GrowthRules": lambda: {
        "select": "energy", "grow": "batch", "candidates": 2, "share": 0.5, "prune": False, "repeat": 2,
        "last": 2,
    },
    "qvar.adapt": lambda: {
        "problem": h2(), "pool": "qubit_gsd", "select": "gradient", "grow": "one", "rules": qvar.GrowthRules(),
        "target_state": None, "base": None, "max_operators": 1,
        "gradient_norm": 1e-3, "error": None, "max_cnots": None, "seconds": 1.0, "method": qvar.lbfgs(),
        "budget": BUDGET, "engine": "auto", "name": "a", "callback": None,
    },
    "qvar.distil": lambda: {
        "student": circuit(), "teacher_state": np.ones(4), "problem": spins(), "weight": 0.5, "scale": 1.0,
        "project": False, "n_starts": 1, "key": KEY, "method": qvar.lbfgs(), "budget": BUDGET, "engine": "auto",
    },
    "qvar.transfer": lambda: {"source": circuit(), "theta": THETA, "target": circuit(), "orbitals": [0, 1]},
    "qvar.match_orbitals": lambda: {"source": h2(), "target": h2()},
    "qvar.Regularized": lambda: {"rate": 0.1, "decay": 0.1, "dropout": 0.1, "shots": 10, "patience": 5},
    "qvar.Candidate": lambda: {
        "name": "a", "model": _line, "n_params": 2, "family": "generic", "start": "uniform", "n_operations": 4,
        "quantities": {"slope": _slope},
    },
    "qvar.SimulatedData": lambda: {
        "inputs": [0.0, 1.0], "truth": [0.0, 1.0], "noise": [1.0, 1.0], "levels": [1], "level_name": "shots",
        "quantities": {"slope": 1.0}, "groups": [0, 1], "test": ([2.0], [2.0]), "coordinate": [0.0, 1.0], "axis": "x",
    },
    "qvar.MeasuredData": lambda: {
        "inputs": [0.0, 1.0], "y": [0.0, 1.0], "noise": 1.0, "groups": [0, 1], "test": ([2.0], [2.0]),
        "coordinate": [0.0, 1.0], "axis": "x",
    },
    "qvar.Selection": lambda: {
        "candidates": [qvar.Candidate("a", _line, 2)],
        "data": qvar.SimulatedData([0.0, 1.0], [0.0, 1.0], noise=1.0, levels=[1]), "seeds": 1, "folds": 2,
        "n_starts": 1, "error": None, "method": qvar.lbfgs(), "budget": BUDGET, "unit": "",
    },
    "qvar.Learner": lambda: {
        "name": "a", "family": "generic", "make": _network, "apply": lambda network, x, key: network(x),
        "transform": optax.adam(0.1), "series": "", "citations": (),
    },
    "qvar.Examples": lambda: {"x": [[0.0]], "y": [[1.0]], "test_x": [[0.0]], "test_y": [[1.0]]},
    "qvar.Examples.splits": lambda: {"x": [[0.0], [1.0]], "y": [[1.0], [1.0]], "n_test": 1},
    "qvar.Learning": lambda: {
        "learners": [qvar.Learner("a", "generic", _network)], "data": _examples(), "loss": "squared", "sizes": [1],
        "steps": 1, "batch": 1, "seeds": 1, "transform": optax.adam(0.1), "unit": "",
    },
    "qvar.Learning.examples": lambda: {"self": _learning(), "problem": "data", "seed": 0},
    "qvar.Learning.train": lambda: {
        "self": _learning(), "learner": _learning().learners[0], "problem": "data", "training_size": 1, "seed": 0,
    },
    "qvar.Learning.tasks": lambda: {"self": _learning()},
    "qvar.Trial": lambda: {
        "name": "a", "family": "generic", "run": _outcome, "data": "", "line": "", "against": "", "distance": 1.0,
        "training_size": 1,
    },
    "qvar.Trials": lambda: {
        "trials": [qvar.Trial("a", "generic", _outcome)], "seeds": 1, "axis": "a", "mark": 1.0, "unit": "",
        "papers": ("belkin2019",),
    },
    "qvar.Trials.tasks": lambda: {"self": qvar.Trials([qvar.Trial("a", "generic", _outcome)])},
    "qvar.train_batches": lambda: {
        "loss": lambda params, part, constants, key: (params * part).sum(), "params": 1.0, "examples": np.ones(2),
        "key": KEY, "constants": None, "transform": optax.sgd(0.1), "steps": 1, "batch": 1, "validate": None,
    },
    "qvar.GalleryEntry": lambda: {
        "title": "a", "question": "b", "study": Nothing(), "limit": "c", "column": "test_error",
    },
    "qvar.Gallery": lambda: {"entries": [qvar.GalleryEntry("a", "b", Nothing())]},
    "qvar.fit": lambda: {
        "model": _line, "data": ([0.0, 1.0], [0.0, 1.0]), "n_params": 2, "noise": 0.1, "weights": None,
        "start": "uniform", "name": "a", "family": "generic",
    },
    "qvar.Restarts": lambda: {"n_starts": 3},
    "qvar.Distillation": lambda: {"teacher_state": np.ones(4), "weight": 0.5, "scale": 1.0, "project": False},
    "qvar.Way": lambda: {
        "name": "a", "ansatz": circuit(), "recipe": None, "against": "", "problem": None, "distance": 1.0,
    },
    "qvar.Paired": lambda: {
        "problem": spins(), "ways": [qvar.Way("a", circuit())], "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET,
        "engine": "auto", "start_noise": 0.0, "tolerance": None, "fisher_samples": 0,
    },
    "qvar.ground_state": lambda: {"problem": h2(), "theory": "fci"},
    "qvar.Compression": lambda: {
        "problem": spins(), "contenders": [circuit()], "recipes": [qvar.Pruning("angle", keep=2)],
        "method": qvar.lbfgs(), "seeds": 1, "budget": BUDGET, "engine": "auto",
    },
    "qvar.Pruning": lambda: {
        "by": "angle", "keep": 0.5, "max_rise": None, "groups": "parameter", "per_step": 1, "retrain": True,
    },
    "qvar.Rounding": lambda: {
        "bits": 4, "grid": "common", "retrain": None, "synthesis": "deterministic", "samples": 0,
    },
    "qvar.Fusing": dict,
    "qvar.Distilling": lambda: {"student": circuit(), "weight": 1.0, "n_starts": 1},
    "qvar.prune": lambda: {
        "ansatz": circuit(), "theta": np.ones(circuit().n_params), "objective": objective(), "by": "angle", "keep": 1,
        "max_rise": None, "groups": "parameter", "per_step": 1, "retrain": False, "history": None,
        "method": qvar.lbfgs(), "budget": BUDGET, "name": "a", "callback": None,
    },
    "qvar.fuse": lambda: {"ansatz": circuit(), "theta": np.ones(circuit().n_params), "name": "a"},
    "qvar.quantize": lambda: {
        "ansatz": circuit(), "theta": np.ones(circuit().n_params), "objective": objective(), "bits": 4,
        "grid": "common", "retrain": None, "synthesis": "deterministic", "method": qvar.lbfgs(), "budget": BUDGET,
        "name": "a", "callback": None,
    },
    "qvar.rounding_rise": lambda: {
        "ansatz": circuit(), "theta": np.ones(circuit().n_params), "objective": objective(), "key": KEY, "bits": 4,
        "grid": "common", "samples": 2,
    },
    "qvar.clifford_start": lambda: {
        "objective": objective(), "key": KEY, "search": "coordinate", "restarts": 1, "first": None,
    },
    "qvar.pool": lambda: {"source": "qubit_gsd", "problem": h2(), "normalize": False, "product": False},
    "qvar.uccd": lambda: {
        "problem": h2(), "order": "canonical", "excitations": "fermionic", "spin_adapted": False,
        "prune": None, "name": "a",
    },
    "qvar.uccgsd": lambda: {
        "problem": h2(), "order": "singles_first", "excitations": "fermionic", "prune": None, "name": "a",
    },
    "qvar.uccsd": lambda: {
        "problem": h2(), "order": "singles_first", "excitations": "fermionic", "spin_adapted": False,
        "prune": None, "name": "a",
    },
    "qvar.ucj": lambda: {"problem": h2(), "layers": 1, "final_rotation": False, "name": "a"},
    "qvar.xxz": lambda: {"n": 2, "j": 1.0, "delta": 1.0, "periodic": False},
    # ---------------------------------------------------------------------------------------------------- basis sets
    "qvar.basis.BasisDuel": lambda: {
        "target": target(), "forms": [form()], "seeds": 1, "budget": BUDGET, "method": qvar.lbfgs(), "seed": 0,
        "staged": False, "reference": None, "baselines": (), "transfer": (), "large": "cc-pVQZ",
    },
    "qvar.basis.BasisSet": lambda: {"shells": {"H": (basis.Shell(0, [1.0], [[1.0]]),)}, "name": "b"},
    "qvar.basis.Form": lambda: {"name": "f", "parts": form().parts},
    "qvar.basis.Shell": lambda: {"l": 0, "exponents": [1.0], "coefficients": [[1.0]]},
    "qvar.basis.Target": lambda: {
        "atoms": "H", "theory": "rohf", "spin": 1, "charge": 0, "unit": "angstrom", "xc": "", "active_space": None,
        "conditioning": 0.0, "weights": None,
    },
    "qvar.basis.basis_set": lambda: {"shells": [("H", basis.Shell(0, [1.0], [[1.0]]))], "name": "b"},
    "qvar.basis.casscf_baseline": lambda: {"target": target(), "n_orbitals": 1, "basis": "sto-3g", "electrons": 1},
    "qvar.basis.even_tempered": lambda: {"element": "H", "ratio": 1.0, "name": "e", "s": 2},
    "qvar.basis.fit": lambda: {
        "form": form(), "target": target(), "n_starts": 1, "key": KEY, "budget": BUDGET, "method": qvar.lbfgs(),
        "staged": False, "callback": None,
    },
    "qvar.basis.free": lambda: {"element": "H", "ratio": 1.4, "contracted": False, "name": "f", "s": 2},
    "qvar.basis.from_set": lambda: {"element": "H", "basis": "STO-3G", "vary": "all", "name": "f"},
    "qvar.basis.legendre": lambda: {"element": "H", "terms": 1, "name": "l", "s": 2},
    "qvar.basis.mole": lambda: {
        "geometry": "H 0 0 0; H 0 0 0.74", "basis": "sto-3g", "charge": 0, "spin": 0, "unit": "angstrom",
    },
    "qvar.basis.nuclear_charge": lambda: {"symbol": "H"},
    "qvar.basis.symbol_of": lambda: {"element": "H"},
    "qvar.basis.unpaired_electrons": lambda: {"symbol": "O"},
    "qvar.basis.published_set": lambda: {"name": "STO-3G", "elements": ["H"]},
    "qvar.basis.published_shells": lambda: {"name": "STO-3G", "element": "H"},
    "qvar.basis.read": lambda: {"path": Path("sets.nw"), "elements": ["H"]},
    "qvar.basis.sets_of_size": lambda: {"form": form(), "names": ("STO-3G",), "most": 1},
    "qvar.basis.stages": lambda: {"form": form()},
    "qvar.basis.sto_ng": lambda: {"element": "H", "n": 3, "name": "s"},
    "qvar.basis.tied": lambda: {
        "form": basis.even_tempered("H", s=2, p=2), "element": "H", "letters": "sp", "name": "t",
    },
    "qvar.basis.vqe": lambda: {"make": lambda p: qvar.uccsd(p), "name": "v", "budget": BUDGET, "key": KEY},
    "qvar.basis.well_tempered": lambda: {
        "element": "H", "definition": "basisopt", "ratio": 1.0, "name": "w", "s": 2,
    },
    "qvar.basis.write": lambda: {
        "basis": basis.published_set("STO-3G", ["H"]), "path": Path("out.nw"), "origin": None,
    },
    **DIAGNOSTICS,
}  # fmt: skip
"""{dotted name: the arguments of a call that works}."""

RECORDS = {
    "require", "Adapted", "Pool", "DensityMatrices", "LeadingDeterminants",
    "Distilled", "Transferred",
    "Fused", "OrbitalMatch", "PathStep", "Pruned", "Quantized",
    "Problem", "Progress", "Result", "Run", "Runnable", "Status", "Task", "QvarError", "Baseline", "Fitted", "Measured",
    "Part", "Solution", "Solver", "UnsolvedError", "DecayFit", "EntropyProfile", "Estimate", "GradientVariance",
    "HessianSummary", "LieAlgebra", "LineScan", "Minima", "PlaneScan", "SymmetryLeakage",
}  # fmt: skip
"""Public classes that functions return, and that users do not make by hand."""

WRONG: tuple[Any, ...] = (
    None, "x", "", b"x", -1, 0, 1, 1.5, math.nan, math.inf, -math.inf, 1e308, True, [], {}, (), ("x",), [None],
    object(), jnp.zeros(3), np.zeros((2, 0)), np.array(["a"]), 10**20, 10**400, -(10**20), 1j, qvar.Problem, len, "8",
    [[1, 2], [3]], "\N{SNOWMAN}" * 300, np.float64(2.5), np.int64(1), KEY, math, {"x": 1},
)  # fmt: skip
"""Values of every kind, each of which is given for every argument."""
