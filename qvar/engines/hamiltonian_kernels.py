"""H|psi> as kernels on the host: electrons in orbitals, and sums of Pauli words."""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel


@kernel()
@no_type_check
def electronic(states, images, same_alpha, same_beta, integrals, source, place, sign):
    """Write H|state> of electrons, for states (n, rows, columns).

    Args:
        states: the states.
        images: of the same shape; overwritten.
        same_alpha: (rows, rows) part of H on alpha strings alone.
        same_beta: (columns, columns) part on beta strings alone; symmetric.
        integrals: (rows, pairs, K) Coulomb integrals of the K alpha pairs that act on a string, with their signs.
        source: (rows, K) string that each of these comes from.
        place: (K', columns) beta pair times columns plus the string that it comes from.
        sign: (K', columns) signs.
    """
    n_rows, n_columns, n_pairs = states.shape[1], states.shape[2], integrals.shape[1]
    mixed = np.empty((n_pairs, n_columns), states.dtype)
    flat = mixed.reshape(-1)
    for at in range(len(states)):
        state, image = states[at], images[at]
        for r in range(n_rows):
            for c in range(n_columns):
                image[r, c] = 0.0
            for q in range(n_rows):
                value = same_alpha[r, q]
                if value != 0.0:
                    for c in range(n_columns):
                        image[r, c] += value * state[q, c]
            for q in range(n_columns):
                value = state[r, q]
                if value != 0.0:
                    for c in range(n_columns):
                        image[r, c] += value * same_beta[q, c]
            for pair in range(n_pairs):
                for c in range(n_columns):
                    mixed[pair, c] = 0.0
                for k in range(source.shape[1]):
                    value = integrals[r, pair, k]
                    if value != 0.0:
                        for c in range(n_columns):
                            mixed[pair, c] += value * state[source[r, k], c]
            for k in range(len(place)):
                for c in range(n_columns):
                    image[r, c] += sign[k, c] * flat[place[k, c]]


@kernel()
@no_type_check
def gather_pairs(mixed, place, sign, image):
    """Add the beta pairs of `electronic` for rows (n, pairs times columns) to an image (n, columns)."""
    for r in range(len(image)):
        row, out = mixed[r], image[r]
        for k in range(len(place)):
            for c in range(len(out)):
                out[c] += sign[k, c] * row[place[k, c]]


@kernel()
@no_type_check
def pauli(states, images, flips, diagonals):
    """Write the sum over flips x of d_x(k) state[k ^ x], for states (n, 2^n_qubits) and diagonals (n_flips, 2^n)."""
    for at in range(len(states)):
        state, image = states[at], images[at]
        for k in range(len(image)):
            image[k] = 0.0
        for flip in range(len(flips)):
            x = flips[flip]
            for k in range(len(image)):
                image[k] += diagonals[flip, k] * state[k ^ x]


@kernel()
@no_type_check
def partners(states, images, partner, diagonals):
    """Write the sum over rows of d(k) state[partner(k)], for states (n, n_states, 1)."""
    for at in range(len(states)):
        for k in range(images.shape[1]):
            images[at, k, 0] = 0.0
            for row in range(len(partner)):
                images[at, k, 0] += diagonals[row, k] * states[at, partner[row, k], 0]
