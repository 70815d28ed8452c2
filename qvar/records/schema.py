"""The columns of a run's tables: their order, types and meaning."""

from __future__ import annotations

from qvar.analysis.rows import SWEEP

LEDGER_TYPES: dict[str, str] = {
    "problem": "string",
    "contender": "string",
    "family": "string",
    "engine": "string",
    "n_qubits": "Int64",
    "n_params": "Int64",
    "two_qubit_gates": "Int64",
    "depth": "Int64",
    "seed": "Int64",
    "method": "string",
    "status": "string",
    "value": "float64",
    "reference": "float64",
    "error": "float64",
    "unit": "string",
    "correlation_recovered": "float64",
    "particle_number": "float64",
    "sz": "float64",
    "s2": "float64",
    "initial_gradient_norm": "float64",
    "lowest_curvature": "float64",
    "iterations": "Int64",
    "energy_evaluations": "Int64",
    "gradient_evaluations": "Int64",
    "evaluations_to_tolerance": "Int64",
    "wall_s": "float64",
    "compile_s": "float64",
}
"""Columns that every ledger has, in their order, with their pandas types."""

LEDGER_COLUMNS: tuple[str, ...] = tuple(LEDGER_TYPES)

TIME_COLUMNS: tuple[str, ...] = ("wall_s", "compile_s")
"""The columns that differ when the same run is repeated on the same machine; all others are reproducible."""

TRACE_TYPES: dict[str, str] = {
    "problem": "string",
    "contender": "string",
    "family": "string",
    "method": "string",
    "seed": "Int64",
    "step": "Int64",
    "value": "float64",
    "error": "float64",
    "gradient_norm": "float64",
    "evaluations": "Int64",
}
"""Columns of the trace, in their order, with their pandas types."""

TRACE_LISTS: dict[str, str] = {
    "trace_step": "Int64",
    "trace_value": "float64",
    "trace_gradient_norm": "float64",
    "trace_evaluations": "Int64",
}
"""Lists of a shard\'s rows that make the trace, with the types of their entries."""

LISTS: dict[str, str] = {**TRACE_LISTS, "theta": "float64"}
"""All lists of a shard\'s rows: the trace, and the parameters at the end of a training."""

OWN_TYPES: dict[str, str] = {
    "setting": "string",
    "limit": "float64",
    "limit_error": "float64",
    "message": "string",
    "remarks": "string",
    "minimum": "Int64",
    "hessian_products": "Int64",
    "start_noise": "float64",
    "pauli_one_norm": "float64",
    "parameter_shift_energies": "Int64",
    "size": "Int64",
    "samples": "Int64",
    "component_variances": "string",
    "space_dimension": "Int64",
    "law": "string",
    "lie_dimension": "Int64",
    "fisher_rank": "Int64",
    "sector_weight": "float64",
    "symmetry_price": "float64",
    "leakage_along": "string",
    "line_scan": "string",
    "start_plane": "string",
    "end_plane": "string",
    "n_primitives": "Int64",
    "n_functions": "Int64",
    "n_numbers": "Int64",
    "condition_number": "float64",
    "smallest_ratio": "float64",
    "virial_ratio": "float64",
    "spherical": "boolean",
    "final_gradient_norm": "float64",
    "exponents": "string",
    "basis_set": "string",
    "transfer": "string",
}
"""Types of columns that studies append and that may be empty, so that their type cannot be seen in their values."""

COLUMN_MEANING: dict[str, str] = {
    "problem": "Name of the problem, such as a molecule and its geometry.",
    "contender": "Name of the model that was trained; `x4` at its end means four layers.",
    "family": (
        "`generic`: many free parameters that know nothing of the problem; `constrained`: carries its physics; "
        "`published`: a basis set in which nothing was fitted."
    ),
    "engine": (
        "Simulator that evaluated it: `sector` (fixed particle number and spin) or `dense` (all amplitudes); `pyscf` "
        "for basis sets."
    ),
    "n_qubits": "Number of qubits.",
    "n_params": "Number of free parameters that were trained.",
    "two_qubit_gates": "CNOT gates after decomposition into CNOTs and single-qubit gates.",
    "depth": "Circuit depth after the same decomposition, in layers of gates.",
    "seed": "Number that the start parameters were drawn with; the same seed gives the same start.",
    "method": "Optimization method, such as lbfgs.",
    "status": (
        "How the minimization ended: converged, saddle, out_of_budget, out_of_time, stalled, not_finite or failed."
    ),
    "value": "Value at the end of the training, in the row's `unit`.",
    "reference": "Exact value that a perfect contender would reach, in `unit`; empty where it is not known.",
    "error": "value - reference, in `unit`; negative where a state outside the reference's symmetry lies below it.",
    "unit": "Unit of value, reference and error: Ha (hartree), or J (multiples of the model's own coupling).",
    "correlation_recovered": (
        "(E_reference_state - value) / (E_reference_state - E_exact), without unit: 0 is the reference state "
        "(Hartree-Fock), 1 is exact."
    ),
    "particle_number": "Expectation value of the number of particles in the trained state.",
    "sz": "Expectation value of the spin projection S_z in the trained state, in units of hbar.",
    "s2": "Expectation value of the total spin S^2 in the trained state, in units of hbar^2; 0 for a singlet.",
    "initial_gradient_norm": "Euclidean norm of the gradient at the start parameters, in `unit` per parameter unit.",
    "lowest_curvature": (
        "Lowest eigenvalue of the Hessian at the end, or an upper bound of it, in `unit` per parameter unit squared; "
        "negative at a saddle. Empty if the start did not converge or second derivatives do not exist."
    ),
    "iterations": "Steps that the minimizer took.",
    "energy_evaluations": "Energies computed, those of line searches included; every gradient comes with one.",
    "gradient_evaluations": "Gradients of the training, those of line searches included.",
    "evaluations_to_tolerance": (
        "Evaluations until the error came within 1.6 mHa (chemical accuracy); empty if it did not end there. A "
        "crossing on the way further below the exact energy does not count."
    ),
    "wall_s": "Seconds that the whole batch of seeds took in which this row was trained, compilation excluded.",
    "compile_s": "Seconds of compilation for that same batch of seeds.",
    "setting": "In which setting the circuit was trained, such as a basis set; only in rankings.",
    "limit": "Energy that all settings aim at, in hartree.",
    "limit_error": "`value` minus `limit`, in hartree.",
    "coordinate": "Where on its curve the row lies, in `coordinate_unit`; only in runs along a coordinate.",
    "coordinate_name": "What the coordinate is, such as bond.",
    "coordinate_unit": "Unit of `coordinate`, such as angstrom.",
    "started_from": (
        "The start that was kept: `own`, as in a duel, or `before`, the parameters of the last point before."
    ),
    "npe": (
        "Non-parallelity error: greatest minus smallest error along this seed's curve, in `unit`; empty if a "
        "point failed."
    ),
    "minimum": (
        "Which of the contender's distinct minima the seed ended in, by energy and fidelity: 0 is the lowest; empty "
        "where the value is not finite."
    ),
    "pauli_one_norm": (
        "Sum of the sizes of the Hamiltonian's Pauli coefficients, the identity left out, in `unit`; the shots of one "
        "energy are at most its square over the square of the standard error wanted."
    ),
    "parameter_shift_energies": "Energies that one gradient takes by the parameter-shift rule, gate by gate.",
    "size": (
        "What the contender was made for at this point, in `size_name`; only in runs over sizes, where nothing is "
        "trained."
    ),
    "size_name": "What `size` counts: `qubits`, or `layers` at a fixed number of qubits.",
    "start": "How the parameters of the samples were drawn, such as `uniform`, on [-pi, pi), or `mp2`.",
    "start_noise": "Standard deviation of Gaussian noise added to every parameter of a start, in radians.",
    "hessian_products": (
        "Hessian products made to distinguish a minimum from a saddle, each as long as about two gradients; those "
        "before a step out of a saddle are part of the training, and two evaluations each."
    ),
    "samples": "Number of random parameter vectors that the row's variances rest on.",
    "loss_variance": "Variance of the loss over the samples, in `unit` squared; `value` is its mean.",
    "loss_variance_low": "Lower end of the 95 % interval of `loss_variance`.",
    "loss_variance_high": "Upper end of the 95 % interval of `loss_variance`.",
    "loss_variance_needed": (
        "Samples that it takes, to a factor of about 3, if a heavy tail makes the interval of `loss_variance` "
        "too narrow; empty if these are enough."
    ),
    "gradient_variance": (
        "Variance of a component of the gradient over the samples, averaged over all parameters, in `unit` "
        "squared per radian squared."
    ),
    "gradient_variance_low": "Lower end of the 95 % interval of `gradient_variance`.",
    "gradient_variance_high": "Upper end of the 95 % interval of `gradient_variance`.",
    "gradient_variance_needed": (
        "Samples that it takes, to a factor of about 3, if a heavy tail makes the interval of `gradient_variance` "
        "too narrow; empty if these are enough."
    ),
    "gradient_variance_first": (
        "Variance of the derivative by the first parameter, in `unit` squared per radian squared."
    ),
    "gradient_variance_first_low": "Lower end of the 95 % interval of `gradient_variance_first`.",
    "gradient_variance_first_high": "Upper end of the 95 % interval of `gradient_variance_first`.",
    "gradient_variance_first_needed": (
        "Samples that it takes, to a factor of about 3, if a heavy tail makes the interval of "
        "`gradient_variance_first` too narrow; empty if these are enough."
    ),
    "gradient_variance_largest": (
        "Largest variance of any component of the gradient, in `unit` squared per radian squared."
    ),
    "gradient_mean_square": (
        "Mean of the squared components of the gradient over the samples and all parameters, in `unit` squared per "
        "radian squared; above `gradient_variance` where all samples slope the same way."
    ),
    "component_variances": (
        "Variances of all components of the gradient, a JSON list in the order of the parameters, in `unit` "
        "squared per radian squared."
    ),
    "spectral_width": (
        "Largest minus smallest value that the loss can take, in `unit`: of the space that was simulated, see "
        "`space_dimension`."
    ),
    "normalised_loss_variance": (
        "loss_variance / spectral_width squared, without unit, which compares Hamiltonians of different size."
    ),
    "space_dimension": "Number of basis states of the space that was simulated: all 2^n, or those of the sector.",
    "haar_loss_variance": (
        "Variance that the loss has over Haar-random states of that space (real ones for a real circuit), in "
        "`unit` squared."
    ),
    "law": "Formula of the exact law that the case gives for this circuit when it is deep, d = 2^n.",
    "law_loss_variance": "Variance of the loss by that law, in `unit` squared.",
    "law_gradient_variance_first": (
        "Variance of the derivative by the first parameter by that law, in `unit` squared per radian squared."
    ),
    "lie_dimension": (
        "Dimension of the Lie algebra that the circuit's generators generate; empty where it is larger than the "
        "study's limit."
    ),
    "lie_loss_variance": (
        "Variance of the loss that this algebra predicts for a deep circuit, in `unit` squared; empty where it "
        "says nothing."
    ),
    "lie_limit": "Dimension up to which a Lie algebra was counted; only in runs over depths.",
    "series": "Name of the circuit whose depth grows; `contender` adds the depth.",
    "layers": "Depth of the circuit, in layers of its own kind.",
    "tolerance": "A start succeeds that ends with |error| of at most this, in `unit`.",
    "fisher_rank": (
        "Rank of the quantum Fisher information, the largest over `fisher_samples` random points: in so many "
        "independent directions the state can move."
    ),
    "fisher_rank_bound": "Largest rank that any circuit can have on states of this kind, real or complex.",
    "fisher_samples": "Random points at which the rank was taken.",
    "effective_dimension": (
        "Effective dimension (Abbas et al. 2021) with the quantum Fisher information and 10^6 observations: how many "
        "parameters these can distinguish."
    ),
    "effective_dimension_low": "Lower end of the 95 % interval of `effective_dimension`.",
    "effective_dimension_high": "Upper end of the 95 % interval of `effective_dimension`.",
    "effective_dimension_needed": (
        "Samples that it takes, to a factor of about 3, if a heavy tail makes the interval of `effective_dimension` "
        "too narrow; empty if these are enough."
    ),
    "experiments": "Number of repeated experiments; only in runs of coverage.",
    "covered": "Share of the experiments whose 95 % interval holds the exact value.",
    "below": "Share of the experiments whose interval lies below the exact value.",
    "above": "Share of the experiments whose interval lies above the exact value.",
    "flagged": "Share of the experiments whose estimate says that its interval is too narrow.",
    "right": "Share of the experiments with the right verdict on a decay.",
    "wrong": "Share of the experiments with a wrong verdict on a decay.",
    "undecided": "Share of the experiments without a verdict on a decay.",
    "line_scan": (
        "JSON: `value` on the straight line from start to end of the seed that ended lowest, at the positions `t`, 0 "
        "at the start and 1 at the end; empty for the other seeds."
    ),
    "line_minima": "Dips on that line, the end among them where it is one.",
    "line_variation": "Sum of all climbs and descents along that line, in `unit`.",
    "start_smallest_curvature": "Smallest eigenvalue of the Hessian at the start, in `unit` per radian squared.",
    "start_largest_curvature": "Largest eigenvalue of the Hessian at the start, in `unit` per radian squared.",
    "start_hessian_trace": "Sum of the eigenvalues of the Hessian at the start, in `unit` per radian squared.",
    "start_negative_directions": "Eigenvalues of the Hessian at the start that are negative; there are n_params.",
    "start_flat_directions": "Eigenvalues of the Hessian at the start that are zero: below 1e-6 of the largest.",
    "start_condition_number": (
        "Largest over smallest of the positive eigenvalues of the Hessian at the start that are not flat."
    ),
    "end_smallest_curvature": "Smallest eigenvalue of the Hessian at the end, in `unit` per radian squared.",
    "end_largest_curvature": "Largest eigenvalue of the Hessian at the end, in `unit` per radian squared.",
    "end_hessian_trace": "Sum of the eigenvalues of the Hessian at the end, in `unit` per radian squared.",
    "end_negative_directions": "Eigenvalues of the Hessian at the end that are negative; there are n_params.",
    "end_flat_directions": "Eigenvalues of the Hessian at the end that are zero: below 1e-6 of the largest.",
    "end_condition_number": (
        "Largest over smallest of the positive eigenvalues of the Hessian at the end that are not flat."
    ),
    "start_spectrum": (
        "JSON list: all eigenvalues of the Hessian at the start of the seed that ended lowest, in `unit` per radian "
        "squared."
    ),
    "end_spectrum": "JSON list: all eigenvalues of the Hessian at its end, in the same unit.",
    "start_plane": (
        "JSON: `value` (rows along the first direction) around the start of the seed that ended lowest, on a plane of "
        "two random orthogonal directions, at the positions `first` and `second`, in radians."
    ),
    "end_plane": "JSON: the same around its end, along the two directions of largest curvature.",
    "sector_weight": (
        "Weight of the trained state in the right sector: the reference's numbers of spin-up and spin-down electrons, "
        "or, for a spin model, its number of ones. 1 where nothing has leaked."
    ),
    "symmetry_price": (
        "`value` less the energy of the state's part in that sector, in `unit`; negative where a wrong sector lies "
        "lower. Empty where nothing is in it."
    ),
    "leakage_along": (
        "JSON: `step` and `evaluations` of up to 50 points along the training, and at each `sector_weight`, "
        "`symmetry_price`, and the means of `particle_number` (or ones), `sz` and `s2`."
    ),
    "n_primitives": (
        "Radial primitives of the basis set: different Gaussian exponents of each element and angular momentum."
    ),
    "n_functions": "Contracted spherical functions of the largest molecule; twice as many qubits.",
    "n_numbers": (
        "Numbers that the basis set consists of: different exponents of each element, and contraction coefficients up "
        "to scale; the parameters of those who optimized a published set."
    ),
    "condition_number": (
        "Ratio of the largest and the smallest eigenvalue of the overlap matrix, the largest over the target's "
        "molecules."
    ),
    "smallest_ratio": "Smallest ratio of neighbouring exponents within a shell; empty where all stand alone.",
    "virial_ratio": "-V/T, potential over kinetic energy, of the molecule in which it is farthest from 2.",
    "spherical": (
        "Whether the density of every atom among the target's molecules is spherical; empty where there is no atom."
    ),
    "final_gradient_norm": "Euclidean norm of the gradient at the end, in `unit` per parameter unit.",
    "exponents": "JSON: ascending exponents in bohr^-2 of each element and angular momentum, such as `Ne s`.",
    "basis_set": "The basis set in NWChem's format.",
    "transfer": (
        "JSON: for each molecule that was not fitted its `energy` in this basis set and the `error`, that energy less "
        "the energy in the large published set `set`, both in hartree."
    ),
    "remarks": (
        "JSON list: sentences on the problem that a reader must know, such as a Hartree-Fock reference that is a "
        "saddle or an exact state of another spin; only if there are any."
    ),
    "message": "What went wrong, in words, where something did.",
    "step": "Trace only: number of the minimizer's step, 0 at the start parameters.",
    "gradient_norm": "Trace only: Euclidean norm of the gradient at this step, in `unit` per parameter unit.",
    "evaluations": "Trace only: evaluations made up to this step, of value and gradient or of the value alone.",
}
"""One sentence, with unit, for every column that qvar itself writes."""


def describe(column: str) -> str:
    """Return the meaning of a column of the ledger or the trace, in one sentence with its unit.

    Args:
        column: a column's name.

    Returns:
        The sentence; for a column that qvar does not know, one that says so.
    """
    if column.startswith(SWEEP):
        return f"Value of the case's argument `{column.removeprefix(SWEEP)}`, which the campaign swept."
    return COLUMN_MEANING.get(column, "Column that the study itself appended.")
