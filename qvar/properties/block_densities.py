r"""One- and two-particle density matrices of blocks of determinants, by PySCF.

Operators that move one or two electrons and keep their spins do not connect blocks: the densities of a state are the
sums of those of its blocks. A complex block \(A + iB\) has
\(\langle A|O|A\rangle + \langle B|O|B\rangle + i (\langle A|O|B\rangle - \langle B|O|A\rangle)\) for each real O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qvar.engines.spin_blocks import SpinBlock


class Densities(NamedTuple):
    """Densities by spin; see `qvar.properties.density_matrices.DensityMatrices`."""

    alpha: np.ndarray
    beta: np.ndarray
    aa: np.ndarray
    ab: np.ndarray
    bb: np.ndarray


def block_densities(blocks: Sequence[SpinBlock], n_orbitals: int) -> Densities:
    """Return the densities of a state over M orbitals, real if all blocks are."""
    one, two = (n_orbitals,) * 2, (n_orbitals,) * 4
    is_complex = any(np.iscomplexobj(block.matrix) for block in blocks)
    totals = Densities(*(np.zeros(shape, complex if is_complex else float) for shape in (one, one, two, two, two)))
    for block in blocks:
        if block.n_alpha + block.n_beta == 0:
            continue
        for total, own in zip(totals, _of_block(block, n_orbitals), strict=True):
            total += own
    return totals


def _of_block(block: SpinBlock, m: int) -> list[np.ndarray]:
    from pyscf.fci.direct_spin1 import make_rdm12s, trans_rdm12s

    def flat(parts: tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]) -> list[np.ndarray]:
        (alpha, beta), two = parts
        return [alpha, beta, two[0], two[1], two[-1]]

    numbers = (block.n_alpha, block.n_beta)
    real, imaginary = (np.ascontiguousarray(part(block.matrix), float) for part in (np.real, np.imag))
    densities = flat(make_rdm12s(real, m, numbers))
    if not imaginary.any():
        return densities
    others = flat(make_rdm12s(imaginary, m, numbers))
    cross = flat(trans_rdm12s(real, imaginary, m, numbers))
    back = flat(trans_rdm12s(imaginary, real, m, numbers))
    return [a + b + 1j * (c - d) for a, b, c, d in zip(densities, others, cross, back, strict=True)]
