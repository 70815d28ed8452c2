"""Sparse maps between parameters and angles, and the weights of operations, as kernels on the host."""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel


@kernel()
@no_type_check
def spread(points, starts, columns, entries, image):
    """Add a sparse matrix (rows in compressed form) times each of points (n, n_columns) to an image (n, n_rows)."""
    for at in range(len(points)):
        for row in range(len(starts) - 1):
            for e in range(starts[row], starts[row + 1]):
                image[at, row] += entries[e] * points[at, columns[e]]


@kernel()
@no_type_check
def gather(slopes, starts, columns, entries, image):
    """Add the transposed matrix times each of slopes (n, n_rows) to an image (n, n_columns)."""
    for at in range(len(slopes)):
        for row in range(len(starts) - 1):
            for e in range(starts[row], starts[row + 1]):
                image[at, columns[e]] += entries[e] * slopes[at, row]


@kernel(decisive=2)
@no_type_check
def weigh(angles, sign, amplitudes, flips, fixed, weights):
    """Write weights (3, n, n_ops) of own amplitude, of the partner, and of the own at the partner.

    `sign` is -1 for the opposite angles. `amplitudes` are those of the partner, `flips` the sign at the partner
    relative to them; `fixed` operations have no angle.
    """
    for at in range(len(angles)):
        for k in range(angles.shape[1]):
            mix = amplitudes[k] * (1.0 if fixed[k] else np.sin(sign * angles[at, k]))
            weights[0, at, k] = 0.0 if fixed[k] else np.cos(angles[at, k])
            weights[1, at, k] = mix
            weights[2, at, k] = flips[k] * mix
