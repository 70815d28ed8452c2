"""The one-norm from integrals against the Pauli words of every mapping."""

from __future__ import annotations

import numpy as np
import pytest

from qvar.problems.fermion_mapping import qubit_terms
from qvar.problems.hamiltonians import PauliTerms
from qvar.problems.hubbard import hubbard
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.one_norm import pauli_one_norm
from qvar.problems.problem import Problem
from qvar.problems.spin_models import tfim

PROBLEMS = {
    "H2": lambda: hydrogen_chain(2, bond=0.7414),
    "bent": lambda: molecule("H 0 0 0; H 0 0 1; H 0.3 0.1 2; H 0.1 0.9 2.5"),  # no symmetry: no integral vanishes
    "LiH": lambda: molecule("Li 0 0 0; H 0 0 1.595", active_space=(2, 5)),
    "O2": lambda: molecule("O 0 0 0; O 0 0 1.2", spin=2, active_space=(6, 4)),
    "Hubbard": lambda: hubbard(3),
}


def summed(terms: PauliTerms) -> float:
    return sum(abs(c) for word, c in zip(terms.words, terms.coefficients, strict=True) if set(word) != {"I"})


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("mapping", ["jordan_wigner", "parity", "bravyi_kitaev"])
def test_integrals_give_the_norm_of_every_mapping(name: str, mapping: str) -> None:
    problem = PROBLEMS[name]()
    assert pauli_one_norm(problem) == pytest.approx(summed(qubit_terms(problem.integrals, mapping)), rel=1e-11)


def test_spin_models_and_mapped_problems() -> None:
    assert pauli_one_norm(tfim(5, j=0.7, h=1.3)) == pytest.approx(4 * 0.7 + 5 * 1.3)
    tapered = hydrogen_chain(2, bond=0.7414).mapped(taper=True)
    assert tapered.pauli is not None
    assert pauli_one_norm(tapered) == pytest.approx(summed(tapered.pauli))


def test_equal_words_are_one_and_the_identity_is_none() -> None:
    terms = PauliTerms(("XX", "II", "XX", "ZI"), np.array([1.0, 5.0, -0.4, -2.0]))
    problem = Problem("a", 2, "J", description={}, integrals=None, pauli=terms, occupied_alpha=(), occupied_beta=())
    assert pauli_one_norm(problem) == pytest.approx(0.6 + 2.0)
