"""The one-norm of a Hamiltonian's Pauli coefficients, which bounds the number of shots of its energy."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.problem import Problem


def pauli_one_norm(problem: Problem) -> float:
    r"""Compute the one-norm \(\lambda = \sum_{P_j \ne 1} |c_j|\) of \(H = \sum_j c_j P_j\), without the identity.

    For integrals over M real orbitals no Pauli term is written out: products of Majorana operators become different
    Pauli words under every mapping of modes to qubits, so \(\lambda\) is that of Jordan-Wigner, parity and
    Bravyi-Kitaev alike, and

    $$ \lambda = \sum_{pq} \Big| h_{pq} + \sum_r (pq|rr) - \tfrac12 \sum_r (pr|rq) \Big|
       + \tfrac12 \sum_{p > r,\, q < s} |(pq|rs) - (ps|rq)| + \tfrac14 \sum_{pqrs} |(pq|rs)|. $$

    Koridon et al., Phys. Rev. Research 3, 033127 (2021), https://doi.org/10.1103/PhysRevResearch.3.033127.

    Returns:
        \(\lambda\) in the problem's unit. Time grows as M^4, memory beside the integrals as M^2.
    """
    if problem.pauli is not None:
        return _of_terms(problem.pauli)
    assert problem.integrals is not None  # a Problem holds the one or the other
    return _of_integrals(problem.integrals)


def _of_terms(terms: PauliTerms) -> float:
    joined: defaultdict[str, float] = defaultdict(float)
    for word, coefficient in zip(terms.words, terms.coefficients, strict=True):
        joined[word] += float(coefficient)
    return sum(abs(coefficient) for word, coefficient in joined.items() if set(word) != {"I"})


def _of_integrals(integrals: Integrals) -> float:
    one, two = integrals.one_body, integrals.two_body
    norm = float(np.abs(one + np.einsum("pqrr->pq", two) - 0.5 * np.einsum("prrq->pq", two)).sum())
    for p in range(len(one)):
        norm += 0.25 * float(sum(np.abs(block).sum() for block in two[p]))
        for r in range(p):
            block = two[p, :, r, :]
            norm += 0.5 * float(np.abs(np.triu(block - block.T, 1)).sum())
    return norm
