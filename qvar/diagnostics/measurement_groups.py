r"""Variance of an energy that is measured group by group, as devices do.

Words of a Hamiltonian that agree on each qubit which both act on (qubit-wise commuting words) are measured at once, by
rotations of single qubits. \(H = c + \sum_g H_g\), and with shares \(s_g\) of N shots the variance of the energy is

$$ \frac1N \sum_g \frac{\langle H_g^2 \rangle - \langle H_g \rangle^2}{s_g} . $$

Shares are in proportion to \(\sum_k |c_k|\) of a group (Wecker et al., Phys. Rev. A 92, 042303 (2015),
https://doi.org/10.1103/PhysRevA.92.042303, word by word).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.engines.state_layouts import in_register
from qvar.errors import QvarError
from qvar.memory import require_memory
from qvar.objective import Objective
from qvar.pauli import PauliSum, parity, word_sum
from qvar.problems.fermion_mapping import qubit_terms
from qvar.problems.problem import Problem

_BYTES = 24
"""Memory of an entry of a sparse matrix: its value and its column."""


@dataclass(frozen=True, eq=False)
class MeasurementGroups:
    """Qubit-wise commuting groups of the words of a Hamiltonian, in the order of their largest coefficients."""

    groups: tuple[PauliSum, ...]
    """Words of each group, without the identity."""
    shares: FloatArray
    """(n_groups,) shares of the shots."""
    matrices: Any
    """Sparse (n_groups 2^n, 2^n): the matrices of all groups, one below the other."""

    def variances(self, states: np.ndarray) -> FloatArray:
        """Return N times the variance of an energy from N shots, (n,), in states (n, 2^n) of a register."""
        images = np.asarray(self.matrices @ states.T).reshape(len(self.groups), -1, len(states))
        means = np.einsum("ik,gik->gk", np.ascontiguousarray(states.conj().T), images).real
        squares = np.einsum("gik,gik->gk", images.conj() if np.iscomplexobj(images) else images, images).real
        return (1.0 / self.shares) @ np.maximum(squares - means**2, 0.0)


def measurement_groups(problem: Problem) -> MeasurementGroups:
    """Collect the words of a Hamiltonian in groups: the largest coefficient first, each in the first group that fits.

    Electrons are mapped to qubits by Jordan and Wigner.

    Raises `QvarError` if the matrices do not fit into memory.
    """
    terms = problem.pauli if problem.integrals is None else qubit_terms(problem.integrals)
    assert terms is not None  # a Problem holds the one or the other
    whole = word_sum(terms.words, terms.coefficients).traceless()
    dimension = 1 << problem.n_qubits
    require_memory("shots", "the matrices of all groups", _BYTES * dimension * len(whole.x))
    groups = [
        PauliSum(problem.n_qubits, whole.x[rows], whole.z[rows], whole.coefficients[rows]) for rows in _rows(whole)
    ]
    norms = np.array([np.abs(group.coefficients).sum() for group in groups])
    return MeasurementGroups(tuple(groups), norms / norms.sum(), _stacked(groups, dimension))


def _rows(words: PauliSum) -> list[list[int]]:
    """Return the places of the words of each group."""
    groups: list[list[int]] = []
    letters: list[tuple[int, int]] = []  # bits x and z of each group's letters, on all qubits that a word of it acts on
    for row in np.argsort(-np.abs(words.coefficients), kind="stable").tolist():
        x, z = int(words.x[row]), int(words.z[row])
        for place, (own_x, own_z) in enumerate(letters):
            if not ((own_x ^ x) | (own_z ^ z)) & (own_x | own_z) & (x | z):
                groups[place].append(row)
                letters[place] = (own_x | x, own_z | z)
                break
        else:
            groups.append([row])
            letters.append((x, z))
    return groups


def _stacked(groups: list[PauliSum], dimension: int) -> Any:
    from scipy.sparse import coo_array

    states, values, rows, columns = np.arange(dimension), [], [], []
    for place, group in enumerate(groups):
        for x, z, coefficient in zip(group.x.tolist(), group.z.tolist(), group.coefficients, strict=True):
            values.append(coefficient * 1j ** (x & z).bit_count() * parity(states, z))
            rows.append(place * dimension + (states ^ x))
            columns.append(states)
    entries, places = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    if not np.iscomplex(entries).any():
        entries = np.real(entries)
    return coo_array((entries, places), shape=(len(groups) * dimension, dimension)).tocsr()


def measured_variance_batch(objective: Objective, groups: MeasurementGroups, thetas: Any) -> FloatArray:
    """Return N times the variance of an energy from N shots at many points (n, n_params), shape (n,)."""
    return groups.variances(in_register(objective.state_batch(thetas), objective, objective.problem))


def groups_of(objective: Objective) -> MeasurementGroups:
    """Return the groups of an objective's Hamiltonian; `QvarError` if it is no energy of a problem."""
    if not isinstance(objective.problem, Problem):
        raise QvarError(f"`objective` must be the energy of a problem to be measured, but {objective.name} is not.")
    return measurement_groups(objective.problem)
