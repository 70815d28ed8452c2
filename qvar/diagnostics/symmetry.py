r"""Symmetry leakage: weight of a state outside of its problem's sector, and the effect on the energy.

A circuit that does not conserve the problem's symmetries mixes numbers of electrons and spins. Its energy is then an
average over sectors, some of which may lie below the right one: an error that a low energy hides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, IntArray, PyTree
from qvar.arguments import checked
from qvar.checks import real_array
from qvar.engines.pauli_hamiltonian import conserves_ones
from qvar.engines.symmetry_expectations import column_symmetries, register_symmetries
from qvar.errors import QvarError
from qvar.memory import chunk_size
from qvar.objective import Objective
from qvar.problems.problem import Problem
from qvar.quantum_geometry import state_shape
from qvar.short_repr import short_repr
from qvar.units import MILLIHARTREE_PER_HARTREE

PRESENT = 1e-10
"""Weight of a sector above which it is present in a state; energies of less are rounding."""


@short_repr()
@dataclass(frozen=True, kw_only=True)
class SymmetryLeakage:
    r"""Weights and energies of a state by sector; floats at one point, arrays (n,) along a path of points.

    \(P\) projects on the right sector: (N_alpha, N_beta) electrons as in the problem's reference determinant, or, for a
    spin model, its number of ones. \(H\) conserves the sector, so that
    \(E = w E_P + (1 - w) E_Q\) with the energies inside and outside.
    """

    energy: Any
    """E, in the objective's unit."""
    weight: Any
    r"""\(w = \langle\psi|P|\psi\rangle\), from 0 to 1."""
    projected_energy: Any
    r"""\(E_P = \langle\psi|P H P|\psi\rangle / w\); NaN if nothing of the state is in the sector."""
    leaked_energy: Any
    r"""\(E_Q\), the energy of the leaked part; NaN if there is none."""
    lowest_energy: Any
    """Lowest energy of the state's parts in single sectors: below `projected_energy` if a wrong sector lies lower."""
    particle_number: Any
    """Mean number of electrons; for a spin model, of ones."""
    particle_number_variance: Any
    """Its variance in the state."""
    sz: Any
    """Mean S_z, in units of hbar; NaN for a spin model."""
    sz_variance: Any
    """Its variance in the state; NaN for a spin model."""
    s2: Any
    """Mean S^2, in units of hbar squared; NaN for a spin model. The weight is independent of it."""

    @property
    def leakage(self) -> Any:
        """1 - w: the weight outside of the sector."""
        return 1.0 - self.weight

    @property
    def price(self) -> Any:
        r"""\(E - E_P = (1 - w)(E_Q - E_P)\), in the objective's unit: the effect of leakage on the energy.

        Positive if projection lowers the energy; negative if the leaked part lies below, so that the circuit's energy
        is too low.
        """
        return self.energy - self.projected_energy

    @property
    def price_millihartree(self) -> Any:
        """`price` times 1000: in mHa if the energy is in hartree."""
        return self.price * MILLIHARTREE_PER_HARTREE


@checked()
def symmetry_leakage(objective: Objective, theta: Any, *, problem: Problem) -> SymmetryLeakage:
    """Measure how much of a circuit's state lies outside of its sector, and the effect on the energy.

    Args:
        objective: the energy of a circuit on the problem, in either engine; nothing leaks in the sector engine if it
            conserves N_alpha and N_beta, or, for a spin model, the number of ones.
        theta: (n_params,) parameters.
        problem: the problem whose energy it is.

    Returns:
        Record of floats. One state and one H|state>; no matrix of the size of the state.

    Raises:
        QvarError: if theta has another shape, the objective is not of the problem or has no state, or the Hamiltonian
            is of Pauli terms that do not conserve the number of ones, so that there is no sector to leave.
    """
    point = real_array("theta", theta, (objective.n_params,))
    path = leakage_along(objective, point[None], problem=problem)
    return SymmetryLeakage(**{one.name: float(getattr(path, one.name)[0]) for one in fields(SymmetryLeakage)})


@checked()
def leakage_along(objective: Objective, thetas: Any, *, problem: Problem) -> SymmetryLeakage:
    """Measure `symmetry_leakage` at many points, such as those along a training or a line.

    Args:
        objective: the energy of a circuit on the problem.
        thetas: (n, n_params) points.
        problem: the problem whose energy it is.

    Returns:
        Record of arrays (n,). Points are worked on in blocks whose states fit into memory.

    Raises:
        QvarError: as `symmetry_leakage` does.
    """
    points = np.asarray(real_array("thetas", thetas, ("n", objective.n_params)))
    if problem.pauli is not None and not conserves_ones(problem.pauli.words, problem.pauli.coefficients):
        raise QvarError(f"`problem` must conserve the number of ones, but {problem.name} does not.")
    sealed = ("N_alpha, N_beta",) if problem.pauli is None else ("N",)
    rows = _in_sector if objective.space.startswith(sealed) else _in_register
    return SymmetryLeakage(**dict(zip(_NAMES, rows(objective, problem, points).T, strict=True)))


_NAMES = tuple(one.name for one in fields(SymmetryLeakage))


@dataclass(frozen=True)
class StateAndImage:
    """theta -> (psi, H psi)."""

    state: Callable[[Any, PyTree], Array]
    operator: Callable[[Any, PyTree], Array]

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> tuple[Array, Array]:
        """Return the state and H on it."""
        state = self.state(theta, data)
        return state, self.operator(state, data)


class _Sectors(NamedTuple):
    """All sectors of some basis states."""

    of: IntArray
    """(n_states,) sector of each basis state."""
    number: FloatArray
    """(n_sectors,) electrons, or ones."""
    sz: FloatArray
    """(n_sectors,) S_z; NaN for a spin model."""
    right: int
    """The reference's sector."""


def _sectors(problem: Problem, states: IntArray) -> _Sectors:
    n = problem.n_qubits
    if problem.pauli is not None:
        numbers = np.arange(n + 1.0)
        return _Sectors(np.bitwise_count(states), numbers, np.full(n + 1, np.nan), sum(problem.reference_bits))
    up_wires, m = int("10" * problem.n_orbitals, 2), problem.n_orbitals
    up, down = np.bitwise_count(states & up_wires), np.bitwise_count(states & (up_wires >> 1))
    alpha, beta = (axis.ravel().astype(float) for axis in np.mgrid[0 : m + 1, 0 : m + 1])
    right = problem.n_alpha * (m + 1) + problem.n_beta
    return _Sectors(up.astype(np.int64) * (m + 1) + down, alpha + beta, 0.5 * (alpha - beta), right)


def _in_register(objective: Objective, problem: Problem, points: FloatArray) -> FloatArray:
    """Return rows (n, fields) for states that hold several sectors."""
    function = StateAndImage(objective.needed("state_function"), objective.needed("operator"))
    like, held, n = state_shape(objective), objective.basis_states, problem.n_qubits
    states = np.arange(1 << n) if held is None else held
    if like.size != len(states) or int(states[-1]).bit_length() != n:
        raise QvarError(f"`problem` must have the qubits of the objective, but {problem.name} has {problem.n_qubits}.")
    sectors = _sectors(problem, states)
    block = max(1, chunk_size(len(points), 4 * like.size * like.dtype.itemsize))
    rows = []
    for start in range(0, len(points), block):
        here, host = points[start : start + block], objective.value_kernels
        if host is not None and host.states is not None:
            states = host.states(here)
            images = host.images(states)
        else:
            states, images = objective.batch(function, here)
        for state, image in zip(np.asarray(states), np.asarray(images), strict=True):
            row = _row(state.ravel(), image.ravel(), sectors)
            rows.append([*row, np.nan if problem.pauli is not None else _total_spin(state, held, n)])
    return np.array(rows).reshape(len(points), len(_NAMES))


def _total_spin(state: np.ndarray, held: IntArray | None, n_qubits: int) -> float:
    measured = register_symmetries(state, n_qubits) if held is None else column_symmetries(state, held, n_qubits)
    return measured["s2"]


def _row(state: np.ndarray, image: np.ndarray, sectors: _Sectors) -> list[float]:
    n_sectors, right = len(sectors.number), sectors.right
    weights = np.bincount(sectors.of, np.abs(state) ** 2, n_sectors)
    sums = np.bincount(sectors.of, np.real(np.conj(state) * image), n_sectors)
    present = weights > PRESENT
    energies = np.where(present, sums / np.where(present, weights, 1.0), np.nan)
    outside = weights.sum() - weights[right]
    leaked = (sums.sum() - sums[right]) / outside if outside > PRESENT else np.nan
    number, number_variance = _moments(sectors.number, weights)
    sz, sz_variance = _moments(sectors.sz, weights)
    inside = [sums.sum(), weights[right], energies[right], leaked, np.nanmin(energies)]
    return [*inside, number, number_variance, sz, sz_variance]


def _moments(values: FloatArray, weights: np.ndarray) -> tuple[float, float]:
    mean = float(values @ weights)
    return mean, float((values - mean) ** 2 @ weights)


def _in_sector(objective: Objective, problem: Problem, points: FloatArray) -> FloatArray:
    """Return rows (n, fields) for states that hold one sector: nothing leaks."""
    energy = np.asarray(objective.loss_batch(points))
    none, one = np.zeros(len(points)), np.ones(len(points))
    nothing = np.full(len(points), np.nan)
    if objective.measure is None:
        number = float(sum(problem.reference_bits))
        columns = [energy, one, energy, nothing, energy, number * one, none, nothing, nothing, nothing]
        return np.stack(columns, axis=1)
    measured = [objective.measure(theta) for theta in points]
    number, sz, s2 = (np.array([each[name] for each in measured]) for name in ("particle_number", "sz", "s2"))
    electrons = [problem.n_electrons, problem.n_alpha - problem.n_beta]
    if len(points) and not np.allclose([number[0], 2.0 * sz[0]], electrons):
        raise QvarError(
            f"`problem` must have the electrons of the objective, but {problem.name} has "
            f"{problem.n_alpha} up and {problem.n_beta} down."
        )
    return np.stack([energy, one, energy, nothing, energy, number, none, sz, none, s2], axis=1)
