"""Starts at Clifford points: closed form, never above Hartree-Fock, and bad input."""

from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.ansatz.program import ProgramBuilder
from qvar.engines.clifford_start import Search, clifford_start, reference_angles
from qvar.objective import Objective

KEY = jax.random.key(1)


def one_rotation(problem: qvar.Problem) -> qvar.Ansatz:
    builder = ProgramBuilder(1, 1, problem.reference_bits)
    builder.add("RY", [0], {0: 1.0})
    return qvar.Ansatz("ry", "generic", builder.build())


@pytest.mark.parametrize("bond", [0.5, 0.7414, 1.2, 2.0, 3.0])
def test_one_qubit_of_h2_has_a_closed_form(bond: float) -> None:
    """a - max(|b|, |c|) of H = a + b Z + c X; the exact energy is a - sqrt(b^2 + c^2)."""
    problem = qvar.hydrogen_chain(2, bond).mapped("parity", taper=True)
    assert problem.n_qubits == 1
    assert problem.pauli is not None
    terms = dict(zip(problem.pauli.words, np.real(problem.pauli.coefficients), strict=True))
    a, b, c = (terms.get(word, 0.0) for word in ("I", "Z", "X"))
    objective = qvar.energy(problem, one_rotation(problem).with_start("clifford"))
    value = float(objective.loss(objective.initial(KEY)))
    assert value == pytest.approx(a - max(abs(b), abs(c)), abs=1e-10)
    assert problem.exact_energy() == pytest.approx(a - np.hypot(b, c), abs=1e-9)


@pytest.mark.parametrize("search", get_args(Search))
def test_stretched_h4_recovers_correlation_energy(search: Any) -> None:
    """Superpositions of determinants are among the Clifford points of rotations and CNOTs, not of excitations."""
    problem = qvar.hydrogen_chain(4, 2.0)
    correlation = problem.reference_energy - problem.exact_energy()
    generic = qvar.energy(problem, qvar.hardware_efficient(problem, layers=1, rotations=("RY",)))
    share = problem.reference_energy - generic.loss(clifford_start(generic, key=KEY, search=search, restarts=2))
    assert 0.5 * correlation < float(share) < correlation
    excitations = qvar.energy(problem, qvar.kupccgsd(problem, layers=1))
    value = float(excitations.loss(clifford_start(excitations, key=KEY, search=search, restarts=2)))
    assert value == pytest.approx(problem.reference_energy, abs=1e-9)


def test_the_reference_is_a_clifford_point_in_spite_of_entanglers() -> None:
    problem = qvar.hydrogen_chain(4, 1.0)
    ansatz = qvar.hardware_efficient(problem, layers=2)
    objective = qvar.energy(problem, ansatz)
    theta = reference_angles(ansatz.program, objective)
    assert theta is not None
    assert float(objective.loss(np.zeros(ansatz.n_params))) > problem.reference_energy + 0.1
    assert float(objective.loss(theta)) == pytest.approx(problem.reference_energy, abs=1e-10)
    drawn = objective.initial_batch(KEY, 2, "clifford")
    assert np.all(np.asarray(objective.loss_batch(drawn)) <= problem.reference_energy + 1e-10)
    assert np.allclose(drawn / (np.pi / 2), np.round(drawn / (np.pi / 2)))


def test_a_duel_begins_at_clifford_points(tmp_path: Any) -> None:
    problem = qvar.hydrogen_chain(2, 2.0)
    ansatz = qvar.hardware_efficient(problem, layers=1, rotations=("RY",)).with_start("clifford")
    assert "ravi2022" in ansatz.citations
    training = qvar.Training(ansatz, seeds=2, problem=problem)
    rows = training.rows(lambda progress: None)
    assert all(row["trace_value"][0] <= problem.reference_energy + 1e-10 for row in rows)


def test_mistakes() -> None:
    problem = qvar.hydrogen_chain(2, 1.0)
    ansatz = qvar.uccsd(problem)
    with pytest.raises(qvar.QvarError, match="`start` must not be 'clifford' without an energy"):
        ansatz.initial(KEY, "clifford")
    objective = qvar.energy(problem, ansatz)
    with pytest.raises(qvar.QvarError, match="`restarts` must be at least 1, but is 0"):
        clifford_start(objective, key=KEY, restarts=0)
    with pytest.raises(qvar.QvarError, match="`objective` must have angles of a known period, but f has none"):
        clifford_start(Objective("f", "generic", 2, lambda x, _: jnp.sum(x), lambda key: np.zeros(2)), key=KEY)
