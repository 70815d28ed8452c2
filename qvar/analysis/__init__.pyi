from .accuracy import (
    correlation_per,
    error_against_parameters,
    estimated_shots,
    least_parameters,
    levels,
    pareto_front,
    training_shots,
)
from .convergence import arrival, final_errors, minima_found, quantiles_to_tolerance, steps_to_tolerance, success
from .decay import decay_table

__all__ = [
    "arrival",
    "correlation_per",
    "decay_table",
    "error_against_parameters",
    "estimated_shots",
    "final_errors",
    "least_parameters",
    "levels",
    "minima_found",
    "pareto_front",
    "quantiles_to_tolerance",
    "steps_to_tolerance",
    "success",
    "training_shots",
]
