"""Distinct minima among the ends of a training from several starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.arguments import checked
from qvar.checks import amplitude_array, real_array
from qvar.errors import QvarError, require
from qvar.short_repr import short_repr

ENERGY_TOLERANCE = 1e-6
"""Energies that differ by no more than this, in the objective's unit, may belong to one minimum."""

FIDELITY_TOLERANCE = 1e-4
"""States whose fidelity is at least 1 minus this may belong to one minimum."""


@short_repr()
@dataclass(frozen=True, eq=False)
class Minima:
    """End points sorted into distinct minima; minimum 0 is the lowest."""

    labels: IntArray
    """(n,) number of the minimum of each end point; -1 if its value is not finite."""
    values: FloatArray
    """(number,) lowest value in each minimum, ascending."""
    counts: IntArray
    """(number,) number of end points of each."""

    @property
    def number(self) -> int:
        """Number of distinct minima."""
        return len(self.values)


@checked()
def distinct_minima(
    values: Any,
    *,
    states: Any = None,
    energy_tolerance: float = ENERGY_TOLERANCE,
    fidelity_tolerance: float = FIDELITY_TOLERANCE,
) -> Minima:
    r"""Group end points into minima by energy and fidelity.

    Two end points a and b are linked if

    $$ |E_a - E_b| \le \delta_E \quad\text{and}\quad |\langle a | b \rangle|^2 \ge 1 - \delta_F, $$

    and a minimum is a set of end points connected by links (single linkage: its ends may lie further apart than one
    tolerance). Without states the energies alone decide. Different parameters of one state are one minimum, whatever
    its global phase. In a degenerate ground space starts may end in different states of one energy: leave the states
    out to count energy levels. End points that have not converged may count as different minima.

    Args:
        values: (n,) energies, in any unit; those that are not finite belong to no minimum.
        states: (n, ...) state vectors, of any shape and norm; None to compare energies alone.
        energy_tolerance: \(\delta_E\), in the unit of the values.
        fidelity_tolerance: \(\delta_F\), from 0 to 1.

    Returns:
        The minima, the lowest first. Time is n^2 times the length of a state.

    Raises:
        QvarError: if the numbers of states and values differ, or a tolerance is negative or not a number.
    """
    energies = np.asarray(real_array("values", values, None))
    require(energies.ndim == 1, "values", "have shape (n,)", energies.shape)
    require(energy_tolerance >= 0, "energy_tolerance", "not be negative", energy_tolerance)
    require(0 <= fidelity_tolerance <= 1, "fidelity_tolerance", "be from 0 to 1", fidelity_tolerance)
    finite = np.flatnonzero(np.isfinite(energies))
    own = energies[finite]
    linked = np.abs(own[:, None] - own[None, :]) <= energy_tolerance
    if states is not None:
        vectors = np.asarray(amplitude_array("states", states))
        if vectors.shape[:1] != energies.shape:
            number = len(vectors) if vectors.ndim else "one number"
            raise QvarError(f"`states` must be as many as the {len(energies)} values, but are {number}.")
        linked &= (
            _fidelities(vectors[finite].reshape(len(finite), math.prod(vectors.shape[1:]))) >= 1 - fidelity_tolerance
        )
    return _sorted(energies, finite, linked)


def _fidelities(vectors: np.ndarray) -> FloatArray:
    products = np.abs(vectors.conj() @ vectors.T) ** 2
    weights = np.maximum(np.diagonal(products), np.finfo(float).tiny) ** 0.5
    return products / weights[:, None] / weights[None, :]


def _sorted(energies: FloatArray, finite: IntArray, linked: np.ndarray) -> Minima:
    from scipy.sparse.csgraph import connected_components

    number, raw = connected_components(linked, directed=False) if len(finite) else (0, np.zeros(0, dtype=int))
    lowest = np.full(number, np.inf)
    np.minimum.at(lowest, raw, energies[finite])
    order = np.argsort(lowest, kind="stable")
    rank = np.empty(number, dtype=int)
    rank[order] = np.arange(number)
    labels = np.full(len(energies), -1)
    labels[finite] = rank[raw]
    return Minima(labels, lowest[order], np.bincount(labels[finite], minlength=number))
