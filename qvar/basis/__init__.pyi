from .baselines import HARTREE_FOCK_LIMITS, Baseline, casscf_baseline, published_set, sets_of_size
from .basis_duel import BasisDuel
from .continuation import stages
from .energy import THEORIES, Solution, UnsolvedError
from .exponent_forms import even_tempered, free, legendre, well_tempered
from .exponent_starts import nuclear_charge, symbol_of, unpaired_electrons
from .fitting import Fitted, fit
from .form import Form, Part, tied
from .formats import read, write
from .post_vqe import vqe
from .published_forms import from_set, published_shells, sto_ng
from .pyscf_molecule import mole
from .shells import BasisSet, Shell, basis_set
from .target import Measured, Solver, Target

__all__ = [
    "HARTREE_FOCK_LIMITS", "THEORIES", "Baseline", "BasisDuel", "BasisSet", "Fitted", "Form", "Measured", "Part",
    "Shell", "Solution", "Solver", "Target", "UnsolvedError", "basis_set", "casscf_baseline", "even_tempered",
    "fit", "free", "from_set", "legendre", "mole", "nuclear_charge", "published_set", "published_shells", "read",
    "sets_of_size", "stages", "sto_ng", "symbol_of", "tied", "unpaired_electrons", "vqe", "well_tempered", "write",
]  # fmt: skip
