"""Is a chemical bond a spring? Polynomials against the laws of a bond, near its minimum and far from it."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from pyscf import gto, mcscf, scf
from scipy.interpolate import CubicSpline

import qvar

RANGES = {"near the minimum": (0.95, 1.05), "vibrations": (0.8, 1.4), "to dissociation": (0.7, 3.5)}
"""Shortest and longest bond of each fit, in bond lengths of the minimum."""


def case(
    molecules: tuple[str, ...] = ("H2", "N2"),
    noise: float = 0.3,
    values: int = 16,
    seeds: int | None = None,
    quick: bool = False,
) -> qvar.Selection:
    """Fits energies of diatomic molecules along their bond, each with Gaussian noise.

    Constrained: the spring (harmonic, 2 parameters: stiffness and length) and Morse's curve (3: depth, width and
    length; Morse 1929), which know that the energy is counted from the minimum. Generic: polynomials of rising degree.
    Exact energies: full configuration interaction of H2, complete active space (6 electrons in 6 orbitals) of
    N2, both in cc-pVDZ, joined by a cubic spline. Errors are those at other bond lengths of the same range.

    Args:
        molecules: H2, N2, or both.
        noise: Standard deviation of each energy, millihartree.
        values: Number of energies that are fitted in each range.
        seeds: Repetitions of the noise; 20 if not given, 6 with quick.
        quick: Fewer repetitions, H2 alone unless molecules are given otherwise, within 20 seconds.
    """
    wrong = set(molecules) - {"H2", "N2"}
    qvar.require(not wrong and len(molecules) > 0, "molecules", "hold H2 or N2", molecules)
    qvar.require(values >= 10, "values", "be at least 10", values)
    names = ("H2",) if quick and molecules == ("H2", "N2") else molecules
    data = {}
    for name in names:
        curve, length = energies(name)
        for words, (short, long) in RANGES.items():
            bonds, others = (length * np.linspace(short, long, n) for n in (values, 3 * values + 1))
            data[f"{name}, {words}"] = qvar.SimulatedData(
                bonds, curve(bonds), noise=noise, levels=(1,), level_name="", test=(others, curve(others)),
                axis="bond length (angstrom)",
            )  # fmt: skip
    return qvar.Selection(
        models(), data, seeds=(6 if quick else 20) if seeds is None else seeds, folds=0,
        n_starts=4, unit="mHa",
    )  # fmt: skip


def energies(name: str):
    """Return the energy above the minimum (mHa) as a function of the bond (angstrom), and the bond of the minimum."""
    symbol, basis, bond = {"H2": ("H", "cc-pvdz", 0.74), "N2": ("N", "cc-pvdz", 1.12)}[name]
    bonds, exact = bond * np.concatenate([np.linspace(0.6, 1.5, 13), np.linspace(1.65, 3.75, 11)]), []
    last: Any = None
    for length in bonds:
        molecule = gto.M(atom=f"{symbol} 0 0 0; {symbol} 0 0 {length}", basis=basis, verbose=0)
        mean_field = scf.RHF(molecule).run()
        if name == "H2":
            solver: Any = mcscf.CASCI(mean_field, molecule.nao, 2)  # all orbitals are active
            exact.append(solver.kernel()[0])
        else:
            solver = mcscf.CASSCF(mean_field, 6, 6)
            start = None if last is None else mcscf.project_init_guess(solver, last.mo_coeff, last.mol)
            exact.append(solver.kernel(start)[0])
            last = solver
    curve = CubicSpline(bonds, 1000.0 * np.array(exact))
    minima = curve.derivative().roots(extrapolate=False)
    length = float(minima[np.argmin(curve(minima))])
    lowest = float(curve(length))
    return (lambda bonds: curve(bonds) - lowest), length


def harmonic(theta, bond):
    """Spring: stiffness in mHa per square angstrom, length in angstrom."""
    return 0.5 * 2000.0 * jnp.exp(theta[0]) * (bond - jnp.exp(0.3 * theta[1])) ** 2


def morse(theta, bond):
    """Depth in mHa, width in 1/angstrom, length in angstrom."""
    depth, width, length = 200.0 * jnp.exp(theta[0]), 2.0 * jnp.exp(0.5 * theta[1]), jnp.exp(0.3 * theta[2])
    return depth * (1.0 - jnp.exp(-width * (bond - length))) ** 2


def polynomial(degree: int, theta, bond):
    """Chebyshev polynomials of the bond between 0 and 4 angstrom, coefficients in 100 mHa."""
    angle = jnp.arccos(jnp.clip(0.5 * bond - 1.0, -1.0, 1.0))
    return sum(100.0 * theta[k] * jnp.cos(k * angle) for k in range(degree + 1))


def models() -> list[qvar.Candidate]:
    """Return all models, polynomials from the parabola on."""
    degrees = (2, 3, 4, 5, 6, 8)
    polynomials = [qvar.Candidate(f"degree {n}", partial(polynomial, n), n + 1, family="generic") for n in degrees]
    return [qvar.Candidate("harmonic", harmonic, 2), qvar.Candidate("Morse", morse, 3), *polynomials]


if __name__ == "__main__":
    qvar.launch(case)
