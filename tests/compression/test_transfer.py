"""Transfer of angles: energies that must not change, by exact embeddings."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar

RNG = np.random.default_rng(0)


def test_a_further_copy_begins_as_the_identity(h4: qvar.Problem) -> None:
    source, target = qvar.kupccgsd(h4, layers=1), qvar.kupccgsd(h4, layers=2)
    theta = RNG.standard_normal(source.n_params)
    own = qvar.transfer(source, theta, target)
    assert (own.carried, own.fresh) == (source.n_params, source.n_params)
    energies = [qvar.energy(h4, one).loss(at) for one, at in ((source, theta), (target, own.theta))]
    assert float(energies[0]) == pytest.approx(float(energies[1]), abs=1e-12)
    assert np.array_equal(own.ansatz.initial(jax.random.key(0)), own.theta)


def test_into_a_larger_active_space() -> None:
    """Orbitals that are added are full or empty, so that the energy is that of the smaller space."""
    geometry = "Li 0 0 0; H 0 0 1.6"
    small = qvar.molecule(geometry, active_space=(2, 2))
    large = qvar.molecule(geometry, active_space=(4, 5))
    source, target = qvar.uccsd(small), qvar.uccsd(large)
    theta = RNG.standard_normal(source.n_params)
    own = qvar.transfer(source, theta, target)
    assert own.carried == source.n_params
    assert float(qvar.energy(large, target).loss(own.theta)) == pytest.approx(
        float(qvar.energy(small, source).loss(theta)), abs=1e-9
    )
    same = qvar.transfer(source, theta, target, orbitals=[1, 2])
    assert np.array_equal(same.theta, own.theta)


def test_along_a_bond_and_spins() -> None:
    near, far = qvar.hydrogen_chain(4, 1.0), qvar.hydrogen_chain(4, 1.1)
    theta = RNG.standard_normal(qvar.uccsd(near).n_params)
    assert np.array_equal(qvar.transfer(qvar.uccsd(near), theta, qvar.uccsd(far)).theta, theta)
    chain = qvar.hva(qvar.tfim(3), layers=1)
    longer = qvar.transfer(chain, np.ones(chain.n_params), qvar.hva(qvar.tfim(3), layers=2))
    assert longer.carried == longer.fresh == chain.n_params


def test_mistakes(h2: qvar.Problem, h4: qvar.Problem) -> None:
    source = qvar.uccsd(h4)
    theta = np.zeros(source.n_params)
    with pytest.raises(qvar.QvarError, match="`theta` must have shape"):
        qvar.transfer(source, theta[:3], source)
    with pytest.raises(qvar.QvarError, match="`orbitals` must be different numbers below 4, one for each"):
        qvar.transfer(source, theta, source, orbitals=[0, 0, 1, 2])
    with pytest.raises(qvar.QvarError, match="`target` must have each orbital of uccsd, counted from the highest occ"):
        qvar.transfer(source, theta, qvar.uccsd(h2))
    with pytest.raises(qvar.QvarError, match="`orbitals` must be different numbers below 2, one for each"):
        qvar.transfer(source, theta, qvar.uccsd(h2), orbitals=[0, 1, 2, 3])
    words = "lead occupied orbitals to occupied ones, but qubit 2 of uccsd starts with 1 and qubit 4 of uccsd with 0"
    with pytest.raises(qvar.QvarError, match=f"`orbitals` must {words}"):
        qvar.transfer(source, theta, source, orbitals=[0, 2, 1, 3])
    with pytest.raises(qvar.QvarError, match="`target` must share operations with uccsd"):
        qvar.transfer(source, theta, qvar.hardware_efficient(h4, layers=1))
    words = r"`target` must have the gates without angles of ry\+rz cnot chain x1 if its further angles are zero, but"
    small, large = (qvar.hardware_efficient(h2, layers=layers) for layers in (1, 2))
    with pytest.raises(qvar.QvarError, match=f"{words} those of .* differ in 3"):
        qvar.transfer(small, np.ones(small.n_params), large)
    with pytest.raises(qvar.QvarError, match="`source` must consist of excitations to follow signs of orbitals, but"):
        qvar.transfer(small, np.ones(small.n_params), small, orbitals=match_of([0, 1], [1, -1]))
    with pytest.raises(qvar.QvarError, match=r"`target` must have 2 orbitals with [02] electrons as H4"):
        qvar.match_orbitals(h4, h2)
    with pytest.raises(qvar.QvarError, match="`source` must be a molecule with orbitals, but is Hubbard"):
        qvar.match_orbitals(qvar.hubbard(2), h2)
    far = qvar.molecule("H 0 0 9; H 0 0 9.74")
    with pytest.raises(qvar.QvarError, match=r"`target` must have an orbital like orbital \d of .* overlap is 0\.00"):
        qvar.match_orbitals(h2, far)


def match_of(orbitals: list[int], signs: list[int]) -> qvar.OrbitalMatch:
    return qvar.OrbitalMatch(orbitals=tuple(orbitals), signs=tuple(signs), overlaps=np.array(signs, float))


def test_gates_that_cancel_do_not_count() -> None:
    """A copy between CNOTs is the identity at an angle of zero; one behind a single CNOT is not."""

    def circuit(copies: int) -> Any:
        def quantum_function(theta: Any) -> None:
            for copy in range(copies):
                qml.CNOT([0, 1])
                qml.RZ(theta[copy], wires=1)
                qml.CNOT([0, 1])

        return qvar.Ansatz.from_circuit(quantum_function, 2, copies, name=f"{copies} copies")

    own = qvar.transfer(circuit(1), [0.3], circuit(3))
    assert own.theta.tolist() == [0.3, 0.0, 0.0]


def test_signs_of_orbitals() -> None:
    """Orbitals of other signs are the same molecule: energies agree exactly."""
    first = qvar.molecule("Li 0 0 0; H 0 0 1.6", active_space=(2, 5))
    signs = np.array([1, -1, 1, -1, -1])
    assert first.orbitals is not None
    integrals: Any = first.integrals
    turn = np.diag(signs).astype(float)
    one = np.einsum("pq,pi,qj->ij", integrals.one_body, turn, turn)
    two = np.einsum("pqrs,pi,qj,rk,sl->ijkl", integrals.two_body, turn, turn, turn, turn, optimize=True)
    columns = first.orbitals.coefficients.copy()
    active = list(first.orbitals.active)
    columns[:, active] = columns[:, active] @ turn
    second = replace(
        first,
        integrals=replace(integrals, one_body=one, two_body=two),
        orbitals=replace(first.orbitals, coefficients=columns),
    )
    match = qvar.match_orbitals(first, second)
    assert match.orbitals == (0, 1, 2, 3, 4)
    assert match.signs == tuple(signs)
    assert np.abs(match.overlaps) == pytest.approx(np.ones(5), abs=1e-8)
    for make in (qvar.uccsd, qvar.tups):
        source = make(first)
        theta = RNG.standard_normal(source.n_params)
        own = qvar.transfer(source, theta, make(second), orbitals=match)
        energies = [qvar.energy(problem, source).loss(at) for problem, at in ((first, theta), (second, own.theta))]
        assert float(energies[0]) == pytest.approx(float(energies[1]), abs=1e-10)
    larger = qvar.molecule("Li 0 0 0; H 0 0 1.6", basis="6-31g", active_space=(2, 10))
    assert qvar.match_orbitals(first, larger).orbitals == (0, 1, 2, 3, 8)  # diffuse orbitals lie in between


def test_to_a_neighbouring_molecule() -> None:
    """Without the signs of the orbitals the carried angles are worse than none."""
    first = qvar.molecule("Li 0 0 0; H 0 0 1.6", active_space=(2, 5))
    second = qvar.molecule("Na 0 0 0; H 0 0 1.89", active_space=(2, 5))
    source, target = qvar.uccsd(first), qvar.uccsd(second)
    theta = qvar.minimize(qvar.energy(first, source), np.zeros(source.n_params)).theta
    energy, match = qvar.energy(second, target), qvar.match_orbitals(first, second)
    assert -1 in match.signs
    values = [
        float(energy.loss(qvar.transfer(source, theta, target, orbitals=orbitals).theta)) for orbitals in (match, None)
    ]
    assert values[0] < second.reference_energy < values[1]
