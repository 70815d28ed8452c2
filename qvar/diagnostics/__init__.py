"""What can be measured of an objective or a circuit: how trainable it is, what it can express, how well it converges.

Public names load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qvar.diagnostics.curvature import (
        HessianSummary,
        hessian,
        hessian_extremes,
        hessian_product,
        hessian_spectrum,
        hessian_summary,
        hessian_trace,
    )
    from qvar.diagnostics.decay import DecayFit, fit_decay
    from qvar.diagnostics.entanglement import (
        EntropyProfile,
        entanglement_entropy,
        entanglement_profile,
        entangling_capability,
        haar_meyer_wallach,
        mean_entanglement_entropy,
        meyer_wallach,
        page_entropy,
    )
    from qvar.diagnostics.estimate import Estimate
    from qvar.diagnostics.expressive_power import (
        expressibility,
        fidelities,
        haar_divergence,
        haar_fidelity_cdf,
        space_dimension,
    )
    from qvar.diagnostics.fisher_information import (
        classical_fisher,
        effective_dimension,
        fisher,
        fisher_batch,
        fisher_product,
        fisher_rank,
        fisher_rank_bound,
        fisher_spectrum,
        saturation_layer,
    )
    from qvar.diagnostics.gradients import GradientVariance, ensemble_variance, gradient_variance
    from qvar.diagnostics.haar import haar_gradient_variance, haar_loss_variance, sector_moments
    from qvar.diagnostics.intervals import bootstrap_moments, wilson_interval
    from qvar.diagnostics.landscape import (
        LineScan,
        PlaneScan,
        hessian_directions,
        random_directions,
        scan_between,
        scan_line,
        scan_plane,
    )
    from qvar.diagnostics.laws import (
        cerezo_global,
        cerezo_local,
        haar_pauli_loss,
        hamming_weight_loss,
        matchgate_loss,
        mcclean_first_angle,
        mcclean_middle_angle,
    )
    from qvar.diagnostics.lie_algebra import LieAlgebra, lie_closure, lie_dimension
    from qvar.diagnostics.lie_prediction import lie_gradient_variance, lie_variance
    from qvar.diagnostics.minima import Minima, distinct_minima
    from qvar.diagnostics.noise import depolarized, maximally_mixed_value
    from qvar.diagnostics.shots import energy_variance, energy_variance_batch, shots_for_variance, shots_to_resolve
    from qvar.diagnostics.spectral import spectral_width
    from qvar.diagnostics.symmetry import SymmetryLeakage, leakage_along, symmetry_leakage

_HOME = {
    "DecayFit": "decay",
    "EntropyProfile": "entanglement",
    "Estimate": "estimate",
    "GradientVariance": "gradients",
    "HessianSummary": "curvature",
    "LieAlgebra": "lie_algebra",
    "LineScan": "landscape",
    "Minima": "minima",
    "PlaneScan": "landscape",
    "SymmetryLeakage": "symmetry",
    "bootstrap_moments": "intervals",
    "cerezo_global": "laws",
    "cerezo_local": "laws",
    "classical_fisher": "fisher_information",
    "depolarized": "noise",
    "distinct_minima": "minima",
    "effective_dimension": "fisher_information",
    "energy_variance": "shots",
    "energy_variance_batch": "shots",
    "ensemble_variance": "gradients",
    "entanglement_entropy": "entanglement",
    "entanglement_profile": "entanglement",
    "entangling_capability": "entanglement",
    "expressibility": "expressive_power",
    "fidelities": "expressive_power",
    "fisher": "fisher_information",
    "fisher_batch": "fisher_information",
    "fisher_product": "fisher_information",
    "fisher_rank": "fisher_information",
    "fisher_rank_bound": "fisher_information",
    "fisher_spectrum": "fisher_information",
    "fit_decay": "decay",
    "gradient_variance": "gradients",
    "haar_divergence": "expressive_power",
    "haar_fidelity_cdf": "expressive_power",
    "haar_gradient_variance": "haar",
    "haar_loss_variance": "haar",
    "haar_meyer_wallach": "entanglement",
    "haar_pauli_loss": "laws",
    "hamming_weight_loss": "laws",
    "hessian": "curvature",
    "hessian_directions": "landscape",
    "hessian_extremes": "curvature",
    "hessian_product": "curvature",
    "hessian_spectrum": "curvature",
    "hessian_summary": "curvature",
    "hessian_trace": "curvature",
    "leakage_along": "symmetry",
    "lie_closure": "lie_algebra",
    "lie_dimension": "lie_algebra",
    "lie_gradient_variance": "lie_prediction",
    "lie_variance": "lie_prediction",
    "matchgate_loss": "laws",
    "maximally_mixed_value": "noise",
    "mcclean_first_angle": "laws",
    "mcclean_middle_angle": "laws",
    "mean_entanglement_entropy": "entanglement",
    "meyer_wallach": "entanglement",
    "page_entropy": "entanglement",
    "random_directions": "landscape",
    "saturation_layer": "fisher_information",
    "scan_between": "landscape",
    "scan_line": "landscape",
    "scan_plane": "landscape",
    "sector_moments": "haar",
    "shots_for_variance": "shots",
    "shots_to_resolve": "shots",
    "space_dimension": "expressive_power",
    "spectral_width": "spectral",
    "symmetry_leakage": "symmetry",
    "wilson_interval": "intervals",
}
"""Where each public name lives; the `TYPE_CHECKING` block above says the same to type checkers."""

__all__ = [
    "DecayFit",
    "EntropyProfile",
    "Estimate",
    "GradientVariance",
    "HessianSummary",
    "LieAlgebra",
    "LineScan",
    "Minima",
    "PlaneScan",
    "SymmetryLeakage",
    "bootstrap_moments",
    "cerezo_global",
    "cerezo_local",
    "classical_fisher",
    "depolarized",
    "distinct_minima",
    "effective_dimension",
    "energy_variance",
    "energy_variance_batch",
    "ensemble_variance",
    "entanglement_entropy",
    "entanglement_profile",
    "entangling_capability",
    "expressibility",
    "fidelities",
    "fisher",
    "fisher_batch",
    "fisher_product",
    "fisher_rank",
    "fisher_rank_bound",
    "fisher_spectrum",
    "fit_decay",
    "gradient_variance",
    "haar_divergence",
    "haar_fidelity_cdf",
    "haar_gradient_variance",
    "haar_loss_variance",
    "haar_meyer_wallach",
    "haar_pauli_loss",
    "hamming_weight_loss",
    "hessian",
    "hessian_directions",
    "hessian_extremes",
    "hessian_product",
    "hessian_spectrum",
    "hessian_summary",
    "hessian_trace",
    "leakage_along",
    "lie_closure",
    "lie_dimension",
    "lie_gradient_variance",
    "lie_variance",
    "matchgate_loss",
    "maximally_mixed_value",
    "mcclean_first_angle",
    "mcclean_middle_angle",
    "mean_entanglement_entropy",
    "meyer_wallach",
    "page_entropy",
    "random_directions",
    "saturation_layer",
    "scan_between",
    "scan_line",
    "scan_plane",
    "sector_moments",
    "shots_for_variance",
    "shots_to_resolve",
    "space_dimension",
    "spectral_width",
    "symmetry_leakage",
    "wilson_interval",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'qvar.diagnostics' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"qvar.diagnostics.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
