"""Transfer of angles: energies that must not change, by exact embeddings."""

import jax
import numpy as np
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
    with pytest.raises(qvar.QvarError, match="`orbitals` must be different numbers below 2, one for each"):
        qvar.transfer(source, theta, qvar.uccsd(h2))
    with pytest.raises(qvar.QvarError, match="`target` must share operations with uccsd"):
        qvar.transfer(source, theta, qvar.hardware_efficient(h4, layers=1))
