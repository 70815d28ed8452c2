"""Test of spherical densities of atoms."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar._types import FloatArray


def is_spherical(mol: Any, density: FloatArray, tolerance: float = 1e-6) -> bool:
    """Return True if the density of an atom is spherical: isotropic in each angular momentum, and none mixed."""
    momenta = [mol.bas_angular(shell) for shell in range(mol.nbas) for _ in range(mol.bas_nctr(shell))]
    starts = np.concatenate([[0], np.cumsum([2 * l + 1 for l in momenta])])
    for i, a in enumerate(momenta):
        for j, b in enumerate(momenta):
            block = density[starts[i] : starts[i + 1], starts[j] : starts[j + 1]]
            even = np.eye(2 * a + 1) * np.trace(block) / (2 * a + 1) if a == b else np.zeros(block.shape)
            if np.abs(block - even).max() > tolerance:
                return False
    return True
