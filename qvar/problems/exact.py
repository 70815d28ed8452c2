"""Exact lowest energies by diagonalization: what every variational energy is measured against."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.errors import QvarError, require
from qvar.problems.problem import Integrals, PauliTerms

_DENSE_QUBITS = 5
"""Up to here a dense eigensolver is faster than Lanczos, and never fails to converge."""
_LARGEST_DIMENSION = 2**30
"""Amplitudes of a sector vector (8 GiB) beyond which FCI is refused at once."""
_LARGEST_NONZEROS = 2**28
"""Stored elements of a spin Hamiltonian beyond which its matrix is refused at once."""


def fci_energy(integrals: Integrals, n_alpha: int, n_beta: int) -> float:
    """Full configuration interaction: the lowest energy with (n_alpha, n_beta) electrons.

    The sector is the one of the numbers of spin-up and spin-down electrons; the ground state in it may
    have any total spin that fits, and any spatial symmetry.

    Args:
        integrals: the Hamiltonian over M orbitals.
        n_alpha: number of spin-up electrons, 0 ... M.
        n_beta: number of spin-down electrons, 0 ... M.

    Returns:
        The energy in hartree, converged to about 1e-10.

    Raises:
        QvarError: if the sector is too large, or the Davidson iteration does not converge.
    """
    m = len(integrals.one_body)
    require(0 <= n_alpha <= m, "n_alpha", f"be between 0 and {m}", n_alpha)
    require(0 <= n_beta <= m, "n_beta", f"be between 0 and {m}", n_beta)
    dimension = comb(m, n_alpha) * comb(m, n_beta)
    if dimension > _LARGEST_DIMENSION:
        raise QvarError(
            f"`exact_energy` must be asked of at most {_LARGEST_DIMENSION} determinants, but there are {dimension}."
        )
    if n_alpha + n_beta == 0:
        return integrals.core_energy

    from pyscf.fci import direct_spin1

    solver: Any = direct_spin1.FCISolver()
    solver.verbose = 0
    solver.conv_tol = 1e-12
    solver.conv_tol_residual = 1e-6  # the error of an eigenvalue goes with the square of the residual
    solver.max_cycle = 300
    solver.max_space = 20
    one, two, nelec = np.array(integrals.one_body), np.array(integrals.two_body), (n_alpha, n_beta)
    start = None
    if dimension > solver.pspace_size:  # smaller sectors are diagonalized as they are
        guess = solver.get_init_guess(m, nelec, 1, solver.make_hdiag(one, two, nelec=nelec, norb=m))[0].ravel()
        # A guess of pure symmetry would stay in its symmetry, even where the ground state has another.
        noise = np.random.default_rng(0).standard_normal(dimension)
        start = guess / np.linalg.norm(guess) + 0.03 * noise / np.linalg.norm(noise)
    energy, _ = solver.kernel(one, two, m, nelec, ci0=start)
    if not np.all(solver.converged):
        raise QvarError(f"`exact_energy` must converge, but FCI over {dimension} determinants did not.")
    return float(energy) + integrals.core_energy


def pauli_matrix(terms: PauliTerms) -> Any:
    r"""The matrix of a sum of Pauli words, as `scipy.sparse.csr_array` of shape (2**n, 2**n).

    A word with bit masks x (letters X, Y) and z (letters Z, Y) acts as
    \(P |b\rangle = i^{|x \wedge z|} (-1)^{|b \wedge z|} |b \oplus x\rangle\), so all words of one x share
    their places in the matrix. Wire 0 is the most significant bit.

    Args:
        terms: the operator on n qubits.

    Returns:
        The matrix, real where every word has an even number of Y, else complex.

    Raises:
        QvarError: if the matrix is too large to store.
    """
    return _matrix(_phases_by_flip(terms))


def pauli_ground_energy(terms: PauliTerms) -> float:
    """Lowest eigenvalue of a sum of Pauli words, over all states of its qubits.

    Args:
        terms: the operator on n qubits.

    Returns:
        The eigenvalue in the unit of the coefficients, right to about 1e-12 of the operator's norm.

    Raises:
        QvarError: if the matrix is too large, or the Lanczos iteration does not converge.
    """
    by_flip = _phases_by_flip(terms)
    if set(by_flip) == {0}:  # diagonal; Lanczos cannot start on a zero matrix
        return float(by_flip[0].real.min())
    matrix = _matrix(by_flip)
    if terms.n_qubits <= _DENSE_QUBITS:
        return float(np.linalg.eigvalsh(matrix.toarray())[0])

    from scipy.sparse.linalg import ArpackError, eigsh

    start = np.random.default_rng(0).standard_normal(matrix.shape[0])
    try:
        values: Any = eigsh(matrix, k=1, which="SA", v0=start, tol=0, return_eigenvectors=False)
    except ArpackError as error:
        raise QvarError(f"`exact_energy` must converge, but Lanczos over {len(start)} states did not.") from error
    return float(values[0])


def _matrix(by_flip: dict[int, Any]) -> Any:
    from scipy.sparse import csr_array

    states = np.arange(len(next(iter(by_flip.values()))))
    columns = np.stack([states ^ flip for flip in by_flip], axis=1)
    # Row b, column b^x; the phases are those of the state that is acted on.
    values = np.stack([phases[states ^ flip] for flip, phases in by_flip.items()], axis=1)
    offsets = np.arange(len(states) + 1) * len(by_flip)
    return csr_array((values.ravel(), columns.ravel(), offsets), shape=(len(states), len(states)))


def _phases_by_flip(terms: PauliTerms) -> dict[int, Any]:
    """For each mask x of flipped bits, the factor in P|b> = factor |b^x> for every state b, shape (2**n,)."""
    masks = [_masks(word) for word in terms.words]
    n_flips = len({flip for flip, _, _ in masks})
    if terms.n_qubits > 62 or n_flips * 2**terms.n_qubits > _LARGEST_NONZEROS:
        raise QvarError(
            f"`exact_energy` must be asked of a matrix of at most {_LARGEST_NONZEROS} elements, "
            f"but {terms.n_qubits} qubits and {n_flips} flips need more."
        )
    states = np.arange(2**terms.n_qubits)
    dtype = np.complex128 if any(n_y % 2 for _, _, n_y in masks) else np.float64
    by_flip: dict[int, Any] = {}
    for (flip, sign, n_y), coefficient in zip(masks, terms.coefficients, strict=True):
        factor = coefficient * 1j**n_y if n_y % 2 else coefficient * (1.0 - n_y % 4)
        if flip not in by_flip:
            by_flip[flip] = np.zeros(len(states), dtype)
        by_flip[flip] += factor * _parity_signs(states & sign)
    # Words that cancel leave no trace; the zero operator is a diagonal of zeros.
    return {flip: phases for flip, phases in by_flip.items() if phases.any()} or {0: np.zeros(len(states), dtype)}


def _masks(word: str) -> tuple[int, int, int]:
    flip = int("".join("1" if letter in "XY" else "0" for letter in word), 2)
    sign = int("".join("1" if letter in "ZY" else "0" for letter in word), 2)
    return flip, sign, word.count("Y")


def _parity_signs(bits: IntArray) -> FloatArray:
    """(-1)**(number of set bits) for each integer."""
    folded = bits.copy()
    for shift in (32, 16, 8, 4, 2, 1):
        folded ^= folded >> shift
    return 1.0 - 2.0 * (folded & 1)
