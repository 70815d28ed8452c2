from .accuracy import (
    correlation_per,
    error_against_parameters,
    estimated_shots,
    least_parameters,
    levels,
    pareto_front,
    training_shots,
)
from .basis_sets import basis_table
from .campaigns import campaign_standings, campaign_table
from .contenders import accuracy_table, convergence_table
from .convergence import arrival, final_errors, minima_found, quantiles_to_tolerance, steps_to_tolerance, success
from .decay import decay_table
from .depths import depth_table, series_table
from .estimates import estimate_table
from .families import family_table
from .information import InformationCriteria, information_criteria
from .landscapes import landscape_table
from .learning import learning_table
from .likelihood_profile import LikelihoodProfile, profile_likelihood
from .paired import paired_table
from .rankings import ranking_summary
from .selection import selection_table
from .summaries import curve_summary, summary

__all__ = [
    "InformationCriteria", "LikelihoodProfile", "accuracy_table", "arrival", "basis_table", "campaign_standings",
    "campaign_table", "convergence_table", "correlation_per", "curve_summary", "decay_table", "depth_table",
    "error_against_parameters", "estimate_table", "estimated_shots", "family_table", "final_errors",
    "information_criteria", "landscape_table", "learning_table", "least_parameters", "levels", "minima_found",
    "paired_table", "pareto_front", "profile_likelihood", "quantiles_to_tolerance", "ranking_summary",
    "selection_table", "series_table", "steps_to_tolerance", "success", "summary", "training_shots",
]  # fmt: skip
