from .curvature import (
    HessianSummary,
    hessian,
    hessian_extremes,
    hessian_product,
    hessian_spectrum,
    hessian_summary,
    hessian_trace,
)
from .decay_fit import DecayFit, fit_decay
from .entanglement import (
    EntropyProfile,
    entanglement_entropy,
    entanglement_profile,
    entangling_capability,
    haar_meyer_wallach,
    mean_entanglement_entropy,
    meyer_wallach,
    page_entropy,
)
from .estimate import Estimate
from .exact_variances import (
    cerezo_global,
    cerezo_local,
    haar_pauli_loss,
    hamming_weight_loss,
    matchgate_loss,
    mcclean_first_angle,
    mcclean_middle_angle,
)
from .expressive_power import expressibility, fidelities, haar_divergence, haar_fidelity_cdf, space_dimension
from .fisher_information import (
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
from .fit_information import data_fisher, identifiable, standard_error
from .gradients import GradientVariance, ensemble_variance, gradient_variance
from .haar import haar_gradient_variance, haar_loss_variance, sector_moments
from .intervals import bootstrap_moments, wilson_interval
from .landscape import LineScan, PlaneScan, hessian_directions, random_directions, scan_between, scan_line, scan_plane
from .lie_algebra import LieAlgebra, lie_closure, lie_dimension
from .lie_prediction import lie_gradient_variance, lie_variance
from .minima import Minima, distinct_minima
from .noise import depolarized, maximally_mixed_value
from .operations import operation_count
from .shots import energy_variance, energy_variance_batch, shots_for_variance, shots_to_resolve
from .spectral import spectral_width
from .symmetry import SymmetryLeakage, leakage_along, symmetry_leakage

__all__ = [
    "DecayFit", "EntropyProfile", "Estimate", "GradientVariance", "HessianSummary", "LieAlgebra", "LineScan",
    "Minima", "PlaneScan", "SymmetryLeakage", "bootstrap_moments", "cerezo_global", "cerezo_local",
    "classical_fisher", "data_fisher", "depolarized", "distinct_minima", "effective_dimension", "energy_variance",
    "energy_variance_batch", "ensemble_variance", "entanglement_entropy", "entanglement_profile",
    "entangling_capability", "expressibility", "fidelities", "fisher", "fisher_batch", "fisher_product",
    "fisher_rank", "fisher_rank_bound", "fisher_spectrum", "fit_decay", "gradient_variance", "haar_divergence",
    "haar_fidelity_cdf", "haar_gradient_variance", "haar_loss_variance", "haar_meyer_wallach", "haar_pauli_loss",
    "hamming_weight_loss", "hessian", "hessian_directions", "hessian_extremes", "hessian_product",
    "hessian_spectrum", "hessian_summary", "hessian_trace", "identifiable", "leakage_along", "lie_closure",
    "lie_dimension", "lie_gradient_variance", "lie_variance", "matchgate_loss", "maximally_mixed_value",
    "mcclean_first_angle", "mcclean_middle_angle", "mean_entanglement_entropy", "meyer_wallach", "operation_count",
    "page_entropy", "random_directions", "saturation_layer", "scan_between", "scan_line", "scan_plane",
    "sector_moments", "shots_for_variance", "shots_to_resolve", "space_dimension", "spectral_width",
    "standard_error", "symmetry_leakage", "wilson_interval",
]  # fmt: skip
