r"""Penalties for numbers of electrons and spin that a circuit does not conserve.

$$ f(\theta) = E(\theta) + \sum_k w_k \langle (O_k - o_k)^2 \rangle, \qquad O_k \in \{N, S_z, S^2\} $$

A penalty is never negative, and zero in eigenstates with the value o alone. In the order of Jordan and Wigner,
N and S_z are diagonal, and \(S^2 = S_z^2 + \tfrac12 n_1 + \sum_{p \ne q} a^\dagger_{p\uparrow} a_{p\downarrow}
a^\dagger_{q\downarrow} a_{q\uparrow}\) with \(n_1\) singly occupied orbitals: it exchanges opposite spins of two
orbitals, without a sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.checks import finite_number
from qvar.engines.energy_function import with_operator
from qvar.engines.hamiltonian import HamiltonianKernel
from qvar.engines.occupation_strings import occupation_strings, register_layout
from qvar.engines.pauli_hamiltonian import PauliSectorKernel
from qvar.errors import QvarError, require, shown
from qvar.host_kernels import HostKernels
from qvar.memory import require_memory
from qvar.objective import Objective
from qvar.problems.problem import Problem
from qvar.problems.sectors import occupations_of

Penalty: TypeAlias = float | tuple[float, float]
"""A weight, in the problem's unit, or (weight, value that is not penalized)."""

QUANTITIES = ("particle_number", "sz", "s2")


@dataclass(frozen=True)
class PenalizedKernel:
    """H and penalties on a state of any layout."""

    hamiltonian: HamiltonianKernel

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return the image of the state."""
        column, own = state.reshape(-1, 1), tables["penalty"]
        image = own["diagonal"][:, None] * column
        if "spin" in own:
            kernel = PauliSectorKernel()
            image = image + own["weight"] * kernel(kernel(column, own["spin"]), own["spin"])
        return self.hamiltonian(state, tables["energy"]) + image.reshape(state.shape)


def penalized(objective: Objective, problem: Problem, penalties: Mapping[str, Penalty]) -> Objective:
    """Return an energy with penalties; see `qvar.energy`.

    Raises `QvarError` if there are no electrons, a quantity is unknown, a weight is negative, an entry is no number, no
    state has the value of an entry, or S^2 leaves the qubits of a tapered problem.
    """
    terms = _terms(problem, penalties)
    states, signs = _determinants(objective, problem)
    size = len(states) * (8 + ("s2" in terms) * 12 * (1 + problem.n_qubits * (problem.n_qubits - 2) // 8))
    require_memory("penalties", f"those of {len(states)} amplitudes", size)
    occupations = _occupations(problem, states)
    up, down = occupations[:, 0::2], occupations[:, 1::2]
    n, sz = occupations.sum(axis=1).astype(float), 0.5 * (up.sum(axis=1) - down.sum(axis=1))
    diagonal = np.zeros(len(states))
    for name, values in (("particle_number", n), ("sz", sz)):
        if name in terms:
            diagonal += terms[name][0] * (values - terms[name][1]) ** 2
    tables: dict[str, Any] = {"diagonal": diagonal}
    if "s2" in terms:
        weight, target = terms["s2"]
        partner, elements = _total_spin(occupations, signs)
        elements[0] -= target
        tables |= {"spin": {"partner": partner, "diagonal": elements}, "weight": np.asarray(weight)}
    function: Any = objective.function
    data: Any = objective.data

    def on_host(kernels: HostKernels) -> HostKernels:
        add = _on_host(tables)
        return kernels.of_operator(lambda kets: kernels.images(kets) + add(kets), 0.0)

    both = {"energy": data["hamiltonian"], "penalty": jax.tree.map(jnp.asarray, tables)}
    return with_operator(objective, PenalizedKernel(function.hamiltonian), both, on_host, unpenalized=objective)


def _on_host(tables: Mapping[str, Any]) -> Any:
    """Return the function of states (n, *shape) that gives the images of the penalties."""
    from qvar.engines.host_hamiltonian import host_hamiltonian

    diagonal, weight = tables["diagonal"][:, None], tables.get("weight", 0.0)
    spin = host_hamiltonian(PauliSectorKernel(), tables["spin"]) if "spin" in tables else None

    def apply(states: np.ndarray) -> np.ndarray:
        columns = np.ascontiguousarray(states).reshape(len(states), -1, 1)
        images = diagonal * columns
        if spin is not None:
            images = images + weight * spin(spin(columns))
        return images.reshape(states.shape)

    return apply


def _terms(problem: Problem, penalties: Mapping[str, Penalty]) -> dict[str, tuple[float, float]]:
    """Return weight and value of each quantity."""
    if problem.integrals is None and problem.decoding is None:
        raise QvarError(f"`penalties` must be left out for {problem.name}, which has no electrons.")
    require(isinstance(penalties, Mapping), "penalties", "be a dictionary of weights", penalties)
    bits = np.array([problem.reference_bits])
    occupied = bits[0] if problem.decoding is None else occupations_of(bits, problem.decoding)[0]
    sz = 0.5 * (int(occupied[0::2].sum()) - int(occupied[1::2].sum()))
    values = {"particle_number": float(occupied.sum()), "sz": sz, "s2": abs(sz) * (abs(sz) + 1.0)}
    terms = {}
    for name, entry in penalties.items():
        if name not in values:
            names = ", ".join(map(repr, QUANTITIES))
            raise QvarError(f"`penalties` must have keys out of {names}, but has {shown(name)}.")
        pair = entry if isinstance(entry, tuple | list) else (entry, values[name])
        require(len(pair) == 2, "penalties", "hold weights, or weights and values", entry)
        weight, value = (finite_number(f"penalties[{name!r}]", number) for number in pair)
        require(weight >= 0, "penalties", "hold no negative weight", weight)
        _require_possible(name, value, len(occupied))
        terms[name] = (weight, value)
    return terms


def _require_possible(name: str, value: float, n_modes: int) -> None:
    """Raise `QvarError` if no state of some electrons in the modes has this value: its penalty would never be zero."""
    if name == "s2":
        spin = -0.5 + np.sqrt(max(0.25 + value, 0.0))
        possible, rule = value >= 0.0 and spin <= n_modes / 4 and _is_whole(2.0 * spin), "s(s + 1) with a spin s"
    elif name == "sz":
        possible, rule = abs(value) <= n_modes / 4 and _is_whole(2.0 * value), "a multiple of 1/2"
    else:
        possible, rule = 0.0 <= value <= n_modes and _is_whole(value), "an integer"
    require(bool(possible), "penalties", f"name a value of {name!r} that a state has, {rule}", value)


def _is_whole(number: float) -> bool:
    return bool(abs(number - round(number)) < 1e-9)


def _determinants(objective: Objective, problem: Problem) -> tuple[IntArray, FloatArray]:
    """Return the basis state and the sign of each amplitude of a flat state."""
    n = problem.n_qubits
    if objective.engine == "dense":
        return np.arange(1 << n), np.ones(1 << n)
    if objective.basis_states is not None:
        return np.asarray(objective.basis_states), np.ones(len(objective.basis_states))
    alpha, beta = (occupation_strings(n // 2, number) for number in (problem.n_alpha, problem.n_beta))
    index, sign = register_layout(alpha, beta, n // 2)
    return index.ravel(), sign.ravel().astype(float)


def _occupations(problem: Problem, states: IntArray) -> IntArray:
    """Return the occupations of modes (n_states, n_modes)."""
    n = problem.n_qubits
    bits = states[:, None] >> np.arange(n)[::-1] & 1
    return bits if problem.decoding is None else occupations_of(bits, problem.decoding)


def _total_spin(occupations: IntArray, signs: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return S^2 as `PauliSectorKernel` takes it: partners and elements, (rows, n_states), the diagonal first."""
    n_states, n_modes = occupations.shape
    places = 1 << np.arange(n_modes, dtype=np.int64)[::-1]
    numbers = occupations.astype(np.int64) @ places
    order = np.argsort(numbers)
    spins = occupations[:, 0::2] - occupations[:, 1::2]  # 1, -1, or 0 for empty and doubly occupied orbitals
    itself = np.arange(n_states)
    partners, elements = [itself], [0.25 * spins.sum(axis=1) ** 2 + 0.5 * np.abs(spins).sum(axis=1)]
    for p, q in combinations(range(n_modes // 2), 2):
        opposite = np.flatnonzero(spins[:, p] * spins[:, q] == -1)
        if len(opposite) == 0:
            continue
        flipped = numbers[opposite] ^ int(places[[2 * p, 2 * p + 1, 2 * q, 2 * q + 1]].sum())
        images = order[np.searchsorted(numbers[order], flipped).clip(max=n_states - 1)]
        if not np.array_equal(numbers[images], flipped):
            raise QvarError("`penalties` must be without 's2' for these qubits, whose symmetries S^2 does not keep.")
        partner, element = itself.copy(), np.zeros(n_states)
        partner[opposite], element[opposite] = images, signs[opposite] * signs[images]
        partners.append(partner)
        elements.append(element)
    return np.array(partners, dtype=np.int32), np.array(elements)
