"""Exact lowest energies by diagonalization."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any, NamedTuple

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.errors import QvarError, require
from qvar.memory import require_memory
from qvar.pauli import parity, word_masks
from qvar.problems.davidson import davidson
from qvar.problems.hamiltonians import Integrals, PauliTerms

_DENSE_QUBITS = 5
"""Up to here a dense eigensolver is faster than Lanczos, and never fails to converge."""
_DENSE_DETERMINANTS = 60
"""The same for a restricted sector of electrons."""
_PURE = 1e-6
"""S^2 closer than this to S(S + 1) is that of a pure state."""
_LARGEST_DIMENSION = 2**30
"""Amplitudes of a sector vector (8 GiB) beyond which FCI is refused at once."""
_VECTORS = 6
"""Vectors that an iterative eigensolver holds, at least."""
_LARGEST_NONZEROS = 2**28
"""Stored elements of a spin Hamiltonian beyond which its matrix is refused at once."""


class GroundState(NamedTuple):
    """The lowest state of a sector."""

    energy: float
    """In hartree, converged to about 1e-10."""
    s2: float | None
    """Expectation value of S^2, in units of hbar^2; None for Pauli terms. If states of several spins are lowest, that
    of a mixture."""
    alike: float = 1.0
    """Weight of the determinants that have the signs of the reference under the symmetries that were given."""
    vector: FloatArray | None = None
    """(alpha strings, beta strings) amplitudes of electrons in orbitals, in PySCF's order; None for Pauli terms."""


def fci_ground(
    integrals: Integrals,
    n_alpha: int,
    n_beta: int,
    spin: int | None = None,
    parities: tuple[IntArray, IntArray] | None = None,
    restrict: bool = True,
) -> GroundState:
    r"""Compute the lowest state with (n_alpha, n_beta) electrons by full configuration interaction.

    It may have any total spin and spatial symmetry, if `spin` and `parities` do not restrict it.

    Args:
        integrals: the Hamiltonian over M orbitals.
        n_alpha: number of spin-up electrons, 0 ... M.
        n_beta: number of spin-down electrons, 0 ... M.
        spin: 2S of the state, with total spin S; any if None. Found at \(S_z = S\), where all other states have
            more spin and are raised by \(w (S^2 - S(S+1))\), with w as large as it takes.
        parities: signs of orbitals, (n_symmetries, M), and of the state, (n_symmetries,), under symmetries of the
            Hamiltonian (`qvar.problems.orbital_symmetries`); any state if None.
        restrict: whether other signs are excluded; if not, the weight of these determinants is returned.

    Returns:
        Its energy and spin. Time and memory grow as the number of determinants.

    Raises:
        QvarError: if the sector is too large, has no such state, or the Davidson iteration does not converge.
    """
    m = len(integrals.one_body)
    require(0 <= n_alpha <= m, "n_alpha", f"be between 0 and {m}", n_alpha)
    require(0 <= n_beta <= m, "n_beta", f"be between 0 and {m}", n_beta)
    if spin is not None:
        total = n_alpha + n_beta
        least, most = abs(n_alpha - n_beta), min(total, 2 * m - total)
        fits = least <= spin <= most and (spin - total) % 2 == 0
        require(fits, "spin", f"be one of {', '.join(map(str, range(least, most + 1, 2)))}", spin)
        n_alpha, n_beta = (total + spin) // 2, (total - spin) // 2
    dimension = comb(m, n_alpha) * comb(m, n_beta)
    if dimension > _LARGEST_DIMENSION:
        raise QvarError(
            f"`exact_energy` must be asked of at most {_LARGEST_DIMENSION} determinants, but there are {dimension}."
        )
    require_memory("exact_energy", f"{dimension} determinants", 8 * dimension * _VECTORS)
    if n_alpha + n_beta == 0:
        return GroundState(integrals.core_energy, 0.0, vector=np.ones((1, 1)))

    from pyscf.fci import spin_op

    one, two, nelec = np.array(integrals.one_body), np.array(integrals.two_body), (n_alpha, n_beta)
    solver = _solver()
    mask = None if parities is None else _of_parity(parities, m, nelec)
    if spin is not None or (mask is not None and restrict):
        return _restricted(solver, one, two, nelec, integrals.core_energy, spin, mask)
    start = None
    if dimension > solver.pspace_size:  # smaller sectors are diagonalized as they are
        guess = solver.get_init_guess(m, nelec, 1, solver.make_hdiag(one, two, nelec=nelec, norb=m))[0].ravel()
        # A guess of pure symmetry would stay in its symmetry, even where the ground state has another.
        noise = np.random.default_rng(0).standard_normal(dimension)
        start = guess / np.linalg.norm(guess) + 0.03 * noise / np.linalg.norm(noise)
    energy, state = solver.kernel(one, two, m, nelec, ci0=start)
    if not np.all(solver.converged):
        raise QvarError(f"`exact_energy` must converge, but FCI over {dimension} determinants did not.")
    alike = 1.0 if mask is None else float(np.sum(np.asarray(state).reshape(mask.shape)[mask] ** 2))
    s2 = float(spin_op.spin_square0(state, m, nelec)[0])
    return GroundState(float(energy) + integrals.core_energy, s2, alike, np.asarray(state).reshape(-1, comb(m, n_beta)))


def ground_among(integrals: Integrals, n_alpha: int, n_beta: int, mask: Any) -> GroundState:
    """Compute the lowest state among some determinants: configuration interaction in their space.

    `mask` (alpha strings, beta strings) is True for these determinants, in PySCF's order.

    Raises `QvarError` if the Davidson iteration does not converge.
    """
    one, two = np.array(integrals.one_body), np.array(integrals.two_body)
    return _restricted(_solver(), one, two, (n_alpha, n_beta), integrals.core_energy, None, mask)


def _solver() -> Any:
    from pyscf.fci import direct_spin1

    solver: Any = direct_spin1.FCISolver()
    solver.verbose = 0
    solver.conv_tol = 1e-12
    solver.conv_tol_residual = 1e-6  # the error of an eigenvalue goes with the square of the residual
    solver.max_cycle = 300
    solver.max_space = 20
    return solver


def _restricted(
    solver: Any,
    one: FloatArray,
    two: FloatArray,
    nelec: tuple[int, int],
    core_energy: float,
    spin: int | None,
    mask: Any,
) -> GroundState:
    """Compute the lowest state of one spin (2S), or of the determinants where `mask` is 1, or both."""
    from pyscf.fci import direct_spin1, spin_op

    m = len(one)
    shape = (comb(m, nelec[0]), comb(m, nelec[1]))
    where = np.arange(shape[0] * shape[1]) if mask is None else np.flatnonzero(mask)
    require(len(where) > 0, "parities", "be those of some determinant", "of none")
    hamiltonian = solver.absorb_h1e(one, two, m, nelec, 0.5)
    diagonal = np.asarray(solver.make_hdiag(one, two, m, nelec)).ravel()[where]
    lowest = 0.0 if spin is None else 0.25 * spin * (spin + 2)
    raised = 0.0 if spin is None else _spin_diagonal(m, nelec).ravel()[where] - lowest
    noise = np.random.default_rng(0).standard_normal(len(where))  # has every symmetry

    def spread(vector: FloatArray) -> FloatArray:
        full = np.zeros(shape[0] * shape[1])
        full[where] = vector
        return full.reshape(shape)

    for weight in (0.5, 5.0, 50.0, 500.0):  # hartree

        def product(vector: FloatArray, weight: float = weight) -> FloatArray:
            full = spread(vector)
            image = np.asarray(direct_spin1.contract_2e(hamiltonian, full, m, nelec)).reshape(shape)
            if spin is not None:
                excess = np.asarray(spin_op.contract_ss(full, m, nelec)).reshape(shape) - lowest * full
                image = image + weight * excess
            return image.ravel()[where]

        if len(where) <= _DENSE_DETERMINANTS:
            values, vectors = np.linalg.eigh(np.stack([product(unit) for unit in np.eye(len(where))]))
            energy, state = float(values[0]), vectors[:, 0]
        else:
            energy, state = _davidson(product, diagonal + weight * raised, noise)
        s2 = float(spin_op.spin_square0(spread(state), m, nelec)[0])
        if spin is None or abs(s2 - lowest) < _PURE:
            return GroundState(energy + core_energy, s2, vector=spread(state))
    raise QvarError(f"`spin` must be that of a state in reach, but none with {spin} unpaired electrons was found.")


def _davidson(
    product: Callable[[FloatArray], FloatArray], diagonal: FloatArray, noise: FloatArray
) -> tuple[float, FloatArray]:
    """Return the lowest eigenvalue and vector of a symmetric matrix, from its smallest diagonal element and noise."""
    start = 0.03 * noise / np.linalg.norm(noise)
    start[np.argmin(diagonal)] += 1.0
    limits = {"tol": 1e-12, "tol_residual": 1e-6, "max_cycle": 300, "max_space": 20}
    value, vector, converged = davidson(product, diagonal, start, **limits)
    if not converged:
        raise QvarError(f"`exact_energy` must converge, but FCI over {len(diagonal)} determinants did not.")
    return value, vector


def _of_parity(parities: tuple[IntArray, IntArray], m: int, nelec: tuple[int, int]) -> Any:
    """Return True for determinants with the given signs, shape (alpha strings, beta strings) in PySCF's order."""
    orbitals, wanted = parities
    alpha, beta = (1 - 2 * (occupations(m, n) @ (orbitals == -1).T.astype(int) % 2) for n in nelec)
    return np.all(alpha[:, None, :] * beta[None, :, :] == wanted, axis=-1)


def _spin_diagonal(m: int, nelec: tuple[int, int]) -> FloatArray:
    """Return <S^2> of determinants, (alpha strings, beta strings): unpaired spin-down electrons may flip."""
    alpha, beta = (occupations(m, n) for n in nelec)
    sz = 0.5 * (nelec[0] - nelec[1])
    return sz * (sz + 1) + nelec[1] - (alpha @ beta.T).astype(float)


def occupations(m: int, n: int) -> IntArray:
    """Return the (strings, M) occupations of n electrons of one spin, in PySCF's order of strings."""
    from pyscf.fci import cistring

    strings = np.array(cistring.make_strings(range(m), n), dtype=np.int64)
    return strings[:, None] >> np.arange(m) & 1


def pauli_matrix(terms: PauliTerms) -> Any:
    r"""Return the matrix of a sum of Pauli words, a `scipy.sparse.csr_array` of shape (2**n, 2**n), real if it can be.

    A word with bit masks x (letters X, Y) and z (letters Z, Y) acts as
    \(P |b\rangle = i^{|x \wedge z|} (-1)^{|b \wedge z|} |b \oplus x\rangle\), so all words of one x share
    their places in the matrix. Wire 0 is the most significant bit.

    Raises:
        QvarError: if the matrix is too large to store.
    """
    return _matrix(_phases_by_flip(terms))


def pauli_ground_energy(terms: PauliTerms) -> float:
    """Compute the lowest eigenvalue of a sum of Pauli words, over all states of its qubits.

    It is right to about 1e-12 of the operator's norm.

    Raises:
        QvarError: if the matrix is too large, or the Lanczos iteration does not converge.
    """
    by_flip = _phases_by_flip(terms)
    if set(by_flip) == {0}:  # diagonal; Lanczos cannot start on a zero matrix
        return float(by_flip[0].real.min())
    matrix = _matrix(by_flip)
    if terms.n_qubits <= _DENSE_QUBITS:
        return float(np.linalg.eigvalsh(matrix.toarray())[0])
    return float(_lanczos(matrix, vectors=False)[0])


def pauli_ground_state(terms: PauliTerms) -> tuple[float, FloatArray]:
    """Compute the lowest eigenvalue as `pauli_ground_energy`, and the weights of the basis states in its eigenvector.

    Returns:
        The eigenvalue, and squared amplitudes, shape (2^n,), wire 0 the most significant bit. Of several lowest states,
        those of some mixture.
    """
    by_flip = _phases_by_flip(terms)
    if set(by_flip) == {0}:
        diagonal = by_flip[0].real
        lowest = (diagonal <= diagonal.min() + 1e-12 * np.abs(diagonal).max()).astype(float)
        return float(diagonal.min()), lowest / lowest.sum()
    energy, vector = _lowest_vector(by_flip, terms.n_qubits)
    return energy, np.abs(vector) ** 2


def pauli_ground_vector(terms: PauliTerms) -> np.ndarray:
    """Compute the eigenvector of the lowest eigenvalue, (2^n,), wire 0 the most significant bit; one of several."""
    by_flip = _phases_by_flip(terms)
    if set(by_flip) == {0}:
        return (np.arange(1 << terms.n_qubits) == by_flip[0].real.argmin()).astype(float)
    return _lowest_vector(by_flip, terms.n_qubits)[1]


def _lowest_vector(by_flip: dict[int, Any], n_qubits: int) -> tuple[float, np.ndarray]:
    matrix = _matrix(by_flip)
    if n_qubits <= _DENSE_QUBITS:
        values, vectors = np.linalg.eigh(matrix.toarray())
    else:
        values, vectors = _lanczos(matrix, vectors=True)
    return float(values[0]), vectors[:, 0]


def _lanczos(matrix: Any, vectors: bool) -> Any:
    from scipy.sparse.linalg import ArpackError, eigsh

    start = np.random.default_rng(0).standard_normal(matrix.shape[0])
    try:
        return eigsh(matrix, k=1, which="SA", v0=start, tol=0, return_eigenvectors=vectors)
    except ArpackError as error:
        raise QvarError(f"`exact_energy` must converge, but Lanczos over {len(start)} states did not.") from error


def _matrix(by_flip: dict[int, Any]) -> Any:
    from scipy.sparse import csr_array

    states = np.arange(len(next(iter(by_flip.values()))))
    columns = np.stack([states ^ flip for flip in by_flip], axis=1)
    # Row b, column b^x; the phases are those of the state that is acted on.
    values = np.stack([phases[states ^ flip] for flip, phases in by_flip.items()], axis=1)
    offsets = np.arange(len(states) + 1) * len(by_flip)
    return csr_array((values.ravel(), columns.ravel(), offsets), shape=(len(states), len(states)))


def _phases_by_flip(terms: PauliTerms) -> dict[int, Any]:
    """Return, for each mask x of flipped bits, the factor in P|b> = factor |b^x> of every state b, shape (2**n,)."""
    flips, signs = word_masks(terms.words)
    n_flips = len(np.unique(flips))
    if terms.n_qubits > 62 or n_flips * 2**terms.n_qubits > _LARGEST_NONZEROS:
        raise QvarError(
            f"`exact_energy` must be asked of a matrix of at most {_LARGEST_NONZEROS} elements, "
            f"but {terms.n_qubits} qubits and {n_flips} flips need more."
        )
    require_memory("exact_energy", f"{terms.n_qubits} qubits", 8 * 2**terms.n_qubits * (3 * n_flips + _VECTORS))
    states = np.arange(2**terms.n_qubits)
    dtype = np.complex128 if np.any(np.bitwise_count(flips & signs) % 2) else np.float64
    by_flip: dict[int, Any] = {}
    for flip, sign, coefficient in zip(flips.tolist(), signs.tolist(), terms.coefficients, strict=True):
        n_y = (flip & sign).bit_count()
        factor = coefficient * 1j**n_y if n_y % 2 else coefficient * (1.0 - n_y % 4)
        if flip not in by_flip:
            by_flip[flip] = np.zeros(len(states), dtype)
        by_flip[flip] += factor * parity(states, sign)
    # words may cancel; the zero operator is a diagonal of zeros
    return {flip: phases for flip, phases in by_flip.items() if phases.any()} or {0: np.zeros(len(states), dtype)}
