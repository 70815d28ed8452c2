"""From basis sets to circuits: as many qubits, another basis, another energy; and does the order of circuits stay?"""

from pathlib import Path
from typing import Literal

import qvar
from qvar import basis

SETS = Path(__file__).parents[1] / "basis" / "sets"
"""The sets that `basis/recipes/h2_minimal.py` and `lih_minimal.py` gave."""


def case(
    molecule: Literal["h2", "lih"] = "h2",
    layers: int = 4,
    seeds: int = 4,
    gradients: int = 500,
    large: str = "cc-pvtz",
) -> qvar.Ranking:
    """Trains UCCSD and a hardware-efficient circuit (RY and a chain of CNOTs) in sets of one size.

    The sets have as many functions as STO-3G, hence as many qubits: STO-3G itself, its shape scaled, and its exponents
    and coefficients set free, the latter two fitted to the molecule's exact energy in them. Energies are counted from
    the exact one without any basis set: H2 at 0.7414 angstrom -1.174475 Ha (Kolos, Wolniewicz, J. Chem. Phys. 49, 404
    (1968)), LiH at 1.5957 angstrom -8.070547 Ha (Tung, Pavanello, Adamowicz, J. Chem. Phys. 134, 064117 (2011)).

    The baseline is what orbitals can do on as many qubits: CASSCF with all electrons in as many orbitals, which are
    chosen within a large set.

    Args:
        molecule: The molecule.
        layers: Entangling layers of the hardware-efficient circuit.
        seeds: Number of random starts of each circuit.
        gradients: Budget of each start, in evaluations of energy and gradient together.
        large: Basis set of the baseline, a name that the Basis Set Exchange knows.
    """
    qvar.require(layers >= 1, "layers", "be at least 1", layers)
    geometry, active, limit, files = {
        "h2": (
            "H 0 0 0; H 0 0 0.7414",
            (2, 2),
            -1.174475,
            {"STO-3G scaled": "h2-fci-sto-3g-scaled", "three free Gaussians": "h2-fci-free-3s-contracted"},
        ),
        "lih": (
            "Li 0 0 0; H 0 0 1.5957",
            (4, 6),
            -8.070547,
            {"STO-3G scaled": "lih-fci-sto-3g-scaled", "STO-3G all free": "lih-fci-sto-3g-all-free"},
        ),
    }[molecule]
    problems = {"STO-3G": qvar.molecule(geometry)}
    for name, file in files.items():
        problems[name] = qvar.molecule(geometry, basis=str(SETS / f"{file}.nw"))
    target = basis.Target(geometry, theory="casscf", active_space=active)
    baseline = target.value(basis.published_set(large, target.elements))
    return qvar.Ranking(
        problems,
        [
            qvar.uccsd,
            lambda problem: qvar.hardware_efficient(
                problem, layers=layers, rotations=("RY",), entangler="cnot_chain", name="ry"
            ),
        ],
        limit=limit,
        baselines={f"CASSCF({active[0]},{active[1]}) {large}": baseline},
        seeds=seeds,
        budget=qvar.Budget(gradients=gradients),
    )


if __name__ == "__main__":
    qvar.launch(case)
