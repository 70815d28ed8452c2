from . import analysis, basis, diagnostics
from ._version import __version__
from .ansatz.ansatz import Ansatz
from .ansatz.catalogue import all_ansatze, named_ansatz
from .ansatz.fabric import gate_fabric, givens_fabric, tups
from .ansatz.hardware_efficient import hardware_efficient
from .ansatz.hva import hva
from .ansatz.identity_blocks import identity_blocks
from .ansatz.lucj import lucj, ucj
from .ansatz.orbital_optimized import orbital_optimized
from .ansatz.pool_elements import Pool
from .ansatz.pools import pool
from .ansatz.random_circuit import random_circuit
from .ansatz.sim_circuits import sim_circuit
from .ansatz.symmetry_preserving import particle_conserving_u1, particle_conserving_u2, symmetry_preserving
from .ansatz.templates import basic_entangler, efficient_su2, real_amplitudes, strongly_entangling
from .ansatz.ucc import kupccgsd, puccd, uccd, uccgsd, uccsd
from .compression.distil import Distilled, distil
from .compression.fuse import Fused, fuse
from .compression.path import PathStep
from .compression.prune import Pruned, prune
from .compression.quantize import Quantized, quantize, rounding_rise
from .compression.steps import Distilling, Fusing, Pruning, Rounding
from .compression.transfer import Transferred, transfer
from .engines.clifford_start import clifford_start
from .engines.density_matrix import noisy_energy
from .engines.energy import energy, expectation
from .engines.likelihoods import fit
from .errors import QvarError, require
from .objective import Costs, Objective
from .optimize.bfgs import bfgs
from .optimize.budget import Budget, Status
from .optimize.first_order import adam, from_optax, gradient_descent
from .optimize.lbfgs import lbfgs
from .optimize.minibatches import train_batches
from .optimize.minimize import minimize, minimize_batch
from .optimize.natural_gradient import natural_gradient
from .optimize.own_method import own_method
from .optimize.result import Result
from .optimize.rotosolve import excitation_solve, rotosolve
from .optimize.spsa import spsa
from .problems.ground_states import ground_state
from .problems.hubbard import hubbard
from .problems.integral_problems import from_fcidump, from_integrals
from .problems.molecule import hydrogen_chain, molecule
from .problems.named_problems import named
from .problems.operator_input import from_hamiltonian
from .problems.orbital_choices import Avas, NaturalOrbitals, OrbitalsByIrrep
from .problems.orbital_matching import OrbitalMatch, match_orbitals
from .problems.problem import Problem
from .problems.pyscf_input import from_pyscf
from .problems.qcschema_input import from_qcschema
from .problems.spin_models import heisenberg, tfim, xxz
from .properties.density_matrices import DensityMatrices, density_matrices
from .properties.fci_solver import as_fcisolver
from .properties.leading_determinants import LeadingDeterminants, leading_determinants
from .runs.launch import launch
from .runs.recorded_run import Run, load
from .runs.runner import run
from .studies.adapt import adapt
from .studies.adaptive import Adaptive
from .studies.capacity import Capacity
from .studies.compressing import Compression
from .studies.contender import Contender
from .studies.coverage import Coverage
from .studies.curve import Curve
from .studies.duel import Duel
from .studies.fitted_data import MeasuredData, SimulatedData
from .studies.gallery import Gallery, GalleryEntry
from .studies.growing import ExactLaw, Growing
from .studies.growth_record import Adapted
from .studies.growth_rules import GrowthRules
from .studies.landscape import Landscape
from .studies.learning import Examples, Learner, Learning
from .studies.paired import Paired, Way
from .studies.published import Published, PublishedTable
from .studies.ranking import Ranking
from .studies.recipes import Distillation, Restarts
from .studies.regularized import Regularized
from .studies.scaling import Scaling
from .studies.selection import Candidate, Selection
from .studies.training import Training
from .studies.trials import Trial, Trials
from .task import LedgerColumn, Progress, Runnable, Task, task_key

__all__ = [
    "Adapted", "Adaptive", "Ansatz", "Avas", "Budget", "Candidate", "Capacity", "Compression", "Contender", "Costs",
    "Coverage", "Curve", "DensityMatrices", "Distillation", "Distilled", "Distilling", "Duel", "ExactLaw",
    "Examples", "Fused", "Fusing", "Gallery", "GalleryEntry", "Growing", "GrowthRules", "Landscape",
    "LeadingDeterminants", "Learner", "Learning", "LedgerColumn", "MeasuredData", "NaturalOrbitals", "Objective",
    "OrbitalMatch", "OrbitalsByIrrep", "Paired", "PathStep", "Pool", "Problem", "Progress", "Pruned", "Pruning",
    "Published", "PublishedTable", "Quantized", "QvarError", "Ranking", "Regularized", "Restarts", "Result",
    "Rounding", "Run", "Runnable", "Scaling", "Selection", "SimulatedData", "Status", "Task", "Training",
    "Transferred", "Trial", "Trials", "Way", "__version__", "adam", "adapt", "all_ansatze", "analysis",
    "as_fcisolver", "basic_entangler", "basis", "bfgs", "clifford_start", "density_matrices", "diagnostics",
    "distil", "efficient_su2", "energy", "excitation_solve", "expectation", "fit", "from_fcidump",
    "from_hamiltonian", "from_integrals", "from_optax", "from_pyscf", "from_qcschema", "fuse", "gate_fabric",
    "givens_fabric", "gradient_descent", "ground_state", "hardware_efficient", "heisenberg", "hubbard", "hva",
    "hydrogen_chain", "identity_blocks", "kupccgsd", "launch", "lbfgs", "leading_determinants", "load", "lucj",
    "match_orbitals", "minimize", "minimize_batch", "molecule", "named", "named_ansatz", "natural_gradient",
    "noisy_energy", "orbital_optimized", "own_method", "particle_conserving_u1", "particle_conserving_u2", "pool",
    "prune", "puccd", "quantize", "random_circuit", "real_amplitudes", "require", "rotosolve", "rounding_rise",
    "run", "sim_circuit", "spsa", "strongly_entangling", "symmetry_preserving", "task_key", "tfim", "train_batches",
    "transfer", "tups", "uccd", "uccgsd", "uccsd", "ucj", "xxz",
]  # fmt: skip
