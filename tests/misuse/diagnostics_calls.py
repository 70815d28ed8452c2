"""One valid, cheap call of every public function of `qvar.diagnostics`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane as qml
from misuse.objects import GENERATORS, KEY, STATE, THETA, circuit, h2, objective, parabola, spins

import qvar


def _fit() -> Any:
    return qvar.fit(lambda theta, x: theta[0] + theta[1] * x, ([0.0, 1.0], [0.0, 1.0]), n_params=2, noise=0.1)


DIAGNOSTICS: dict[str, Callable[[], dict[str, Any]]] = {
    "qvar.diagnostics.bootstrap_moments": lambda: {
        "values": np.arange(8.0).reshape(4, 2), "key": KEY, "level": 0.95, "resamples": 10, "group": 1,
    },
    "qvar.diagnostics.cerezo_global": lambda: {"n": 2},
    "qvar.diagnostics.cerezo_local": lambda: {"n": 2},
    "qvar.diagnostics.classical_fisher": lambda: {"objective": objective(), "theta": THETA},
    "qvar.diagnostics.depolarized": lambda: {
        "objective": objective(), "probability": 0.1, "applications": 1, "problem": spins(), "name": "d",
    },
    "qvar.diagnostics.distinct_minima": lambda: {
        "values": [0.0, 1.0], "states": None, "energy_tolerance": 1e-6, "fidelity_tolerance": 1e-4,
    },
    "qvar.diagnostics.effective_dimension": lambda: {
        "objective": objective(), "key": KEY, "samples": 2, "n_data": 100, "gamma": 1.0, "start": "uniform",
        "information": "quantum",
    },
    "qvar.diagnostics.energy_variance": lambda: {"objective": objective(), "theta": THETA},
    "qvar.diagnostics.energy_variance_batch": lambda: {"objective": objective(), "thetas": [THETA]},
    "qvar.diagnostics.ensemble_variance": lambda: {
        "make": lambda key: objective(), "key": KEY, "samples": 2, "per_circuit": 1, "start": "uniform", "noise": 0.0,
        "level": 0.95, "callback": None,
    },
    "qvar.diagnostics.entanglement_entropy": lambda: {"state": STATE, "wires": [0]},
    "qvar.diagnostics.entanglement_profile": lambda: {"state": STATE},
    "qvar.diagnostics.entangling_capability": lambda: {
        "ansatz": circuit(), "key": KEY, "samples": 2, "start": "uniform",
    },
    "qvar.diagnostics.expressibility": lambda: {
        "ansatz": circuit(), "key": KEY, "samples": 4, "bins": 5, "space": "full", "haar": None, "start": "uniform",
    },
    "qvar.diagnostics.fidelities": lambda: {"ansatz": circuit(), "key": KEY, "samples": 4, "start": "uniform"},
    "qvar.diagnostics.fisher": lambda: {"objective": objective(), "theta": THETA},
    "qvar.diagnostics.fisher_batch": lambda: {"objective": objective(), "thetas": [THETA]},
    "qvar.diagnostics.fisher_product": lambda: {"objective": objective(), "theta": THETA, "v": THETA},
    "qvar.diagnostics.fisher_rank": lambda: {
        "objective": objective(), "key": KEY, "samples": 2, "tolerance": 1e-8, "start": "uniform",
    },
    "qvar.diagnostics.fisher_rank_bound": lambda: {"objective": objective()},
    "qvar.diagnostics.fisher_spectrum": lambda: {"objective": objective(), "theta": THETA},
    "qvar.diagnostics.fit_decay": lambda: {
        "sizes": [2, 4, 6, 8], "variances": [0.5, 0.25, 0.12, 0.06], "intervals": None, "errors": None, "level": 0.95,
        "size_name": "qubit",
    },
    "qvar.diagnostics.gradient_variance": lambda: {
        "objective": objective(), "key": KEY, "samples": 4, "start": "uniform", "noise": 0.0, "level": 0.95,
        "callback": None,
    },
    "qvar.diagnostics.haar_divergence": lambda: {
        "fidelities": [0.1, 0.5, 0.9], "key": KEY, "dimension": 4, "real": False, "bins": 5,
    },
    "qvar.diagnostics.haar_fidelity_cdf": lambda: {"fidelity": 0.5, "dimension": 4, "real": False},
    "qvar.diagnostics.haar_gradient_variance": lambda: {
        "objective": objective(), "fisher": None, "real": True, "moments": None,
    },
    "qvar.diagnostics.haar_loss_variance": lambda: {"objective": objective(), "real": True, "moments": None},
    "qvar.diagnostics.haar_meyer_wallach": lambda: {"n_qubits": 2, "ones": None, "real": False},
    "qvar.diagnostics.haar_pauli_loss": lambda: {"d": 4, "real": False},
    "qvar.diagnostics.hamming_weight_loss": lambda: {"n": 4, "k": 2},
    "qvar.diagnostics.hessian": lambda: {"objective": parabola(), "theta": [0.0, 0.0]},
    "qvar.diagnostics.hessian_directions": lambda: {"objective": parabola(), "theta": [0.0, 0.0], "count": 1},
    "qvar.diagnostics.hessian_extremes": lambda: {"objective": parabola(), "theta": [0.0, 0.0], "count": 1},
    "qvar.diagnostics.hessian_product": lambda: {"objective": parabola(), "theta": [0.0, 0.0], "v": [1.0, 0.0]},
    "qvar.diagnostics.hessian_spectrum": lambda: {"objective": parabola(), "theta": [0.0, 0.0]},
    "qvar.diagnostics.data_fisher": lambda: {"objective": _fit(), "theta": [0.0, 0.0]},
    "qvar.diagnostics.identifiable": lambda: {"objective": _fit(), "theta": [0.0, 0.0], "error": 0.5},
    "qvar.diagnostics.standard_error": lambda: {
        "objective": _fit(), "theta": [0.0, 0.0], "quantity": lambda theta: theta[0],
    },
    "qvar.diagnostics.hessian_summary": lambda: {"objective": parabola(), "theta": [0.0, 0.0], "tolerance": 1e-6},
    "qvar.diagnostics.hessian_trace": lambda: {
        "objective": parabola(), "theta": [0.0, 0.0], "key": KEY, "samples": 2,
    },
    "qvar.diagnostics.leakage_along": lambda: {
        "objective": qvar.energy(h2(), qvar.uccsd(h2()), engine="dense"), "problem": h2(), "thetas": [[0.0] * 3],
    },
    "qvar.diagnostics.lie_closure": lambda: {"generators": GENERATORS, "limit": 100, "sector": None},
    "qvar.diagnostics.lie_dimension": lambda: {"generators": GENERATORS, "limit": 100, "sector": None},
    "qvar.diagnostics.lie_gradient_variance": lambda: {
        "generators": GENERATORS, "observable": qml.Z(0), "state": STATE, "generator": qml.X(0), "position": "middle",
        "limit": 100, "sector": None,
    },
    "qvar.diagnostics.lie_variance": lambda: {
        "generators": GENERATORS, "observable": qml.Z(0), "state": STATE, "limit": 100, "sector": None,
    },
    "qvar.diagnostics.matchgate_loss": lambda: {"n": 2},
    "qvar.diagnostics.maximally_mixed_value": lambda: {"objective": objective(), "problem": spins()},
    "qvar.diagnostics.mcclean_first_angle": lambda: {"d": 4},
    "qvar.diagnostics.mcclean_middle_angle": lambda: {"d": 4},
    "qvar.diagnostics.mean_entanglement_entropy": lambda: {
        "ansatz": circuit(), "key": KEY, "samples": 2, "start": "uniform",
    },
    "qvar.diagnostics.meyer_wallach": lambda: {"state": STATE},
    "qvar.diagnostics.page_entropy": lambda: {"d_inside": 2, "d_outside": 2},
    "qvar.diagnostics.random_directions": lambda: {"key": KEY, "n_params": 3, "count": 2},
    "qvar.diagnostics.saturation_layer": lambda: {"ranks": {1: 2, 2: 2}},
    "qvar.diagnostics.scan_between": lambda: {
        "objective": parabola(), "theta0": [0.0, 0.0], "theta1": [1.0, 0.0], "points": 3, "beyond": 0.25,
    },
    "qvar.diagnostics.scan_line": lambda: {
        "objective": parabola(), "center": [0.0, 0.0], "direction": [1.0, 0.0], "span": 1.0, "points": 3,
    },
    "qvar.diagnostics.scan_plane": lambda: {
        "objective": parabola(), "center": [0.0, 0.0], "first": [1.0, 0.0], "second": [0.0, 1.0], "span": 1.0,
        "points": 3,
    },
    "qvar.diagnostics.sector_moments": lambda: {
        "objective": objective(), "real": True, "exact_up_to": 64, "samples": 2, "key": KEY,
    },
    "qvar.diagnostics.operation_count": lambda: {"function": lambda: np.ones(2)},
    "qvar.diagnostics.shots_for_variance": lambda: {
        "gradient_variance": 0.1, "single_shot_variance": 1.0, "confidence": 0.95, "squares": 0.5,
    },
    "qvar.diagnostics.shots_to_resolve": lambda: {
        "objective": objective(), "theta": THETA, "ansatz": circuit(), "confidence": 0.95, "step": None,
    },
    "qvar.diagnostics.space_dimension": lambda: {"ansatz": circuit(), "space": "full"},
    "qvar.diagnostics.spectral_width": lambda: {"objective": objective()},
    "qvar.diagnostics.symmetry_leakage": lambda: {
        "objective": qvar.energy(h2(), qvar.uccsd(h2()), engine="dense"), "problem": h2(), "theta": [0.0] * 3,
    },
    "qvar.diagnostics.wilson_interval": lambda: {"successes": 1, "trials": 2, "level": 0.95},
}  # fmt: skip
"""{dotted name: the arguments of a call that works}."""
