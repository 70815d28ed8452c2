"""Density matrices against single operators of PennyLane, PySCF's FCI, and the energy of the same state."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import numpy as np
import pennylane as qml
import pytest
from pyscf import fci

import qvar
from qvar.engines.spin_blocks import SpinBlock
from qvar.properties.block_densities import block_densities
from qvar.properties.density_matrices import of_blocks

ANY = np.array([0.3, -0.8, 0.5, 1.1])


def keeps_spins(theta: Any) -> None:
    qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
    qml.FermionicSingleExcitation(theta[0], wires=[0, 1, 2])
    qml.FermionicSingleExcitation(theta[1], wires=[1, 2, 3])
    qml.FermionicDoubleExcitation(theta[2], wires1=[0, 1], wires2=[2, 3])
    qml.CZ(wires=[0, 3])
    qml.RZ(theta[3], wires=2)


def keeps_number(theta: Any) -> None:
    keeps_spins(theta)
    qml.SingleExcitation(theta[0], wires=[0, 1])
    qml.SingleExcitation(theta[3], wires=[2, 1])


def keeps_parity(theta: Any) -> None:
    keeps_number(theta)
    qml.IsingXX(theta[1], wires=[0, 1])
    qml.IsingXX(theta[2], wires=[1, 2])


def keeps_nothing(theta: Any) -> None:
    keeps_parity(theta)
    qml.RX(theta[3], wires=0)
    qml.RY(theta[0], wires=3)


CIRCUITS = {
    "N_alpha, N_beta": keeps_spins,
    "N": keeps_number,
    "1 parity": keeps_parity,
    "register": keeps_nothing,
}


def matrices_of(space: str, h2: qvar.Problem, engine: Any = "auto") -> tuple[qvar.Objective, qvar.DensityMatrices]:
    ansatz = qvar.Ansatz.from_circuit(CIRCUITS[space], 4, 4)
    objective = qvar.energy(h2, ansatz, engine=engine)
    return objective, qvar.density_matrices(objective, ANY)


@pytest.mark.parametrize("space", CIRCUITS)
def test_operators_of_pennylane(h2: qvar.Problem, space: str) -> None:
    r"""<a+_q a_p> and <a+_p a+_r a_s a_q> of a complex state, element by element, in every kind of space."""
    objective, densities = matrices_of(space, h2)
    assert objective.space == space
    dense, in_register = matrices_of(space, h2, "dense")
    state = np.asarray(dense.state(ANY))
    assert np.abs(state.imag).max() > 0.1
    a = [np.asarray(qml.fermi.jordan_wigner(qml.FermiA(wire)).matrix(wire_order=range(4))) for wire in range(4)]

    def mean(operator: np.ndarray) -> complex:
        return complex(np.vdot(state, operator @ state))

    for spin, one in enumerate((densities.one_body_alpha, densities.one_body_beta)):
        for p, q in itertools.product(range(2), repeat=2):
            expected = mean(a[2 * q + spin].conj().T @ a[2 * p + spin])
            assert one[p, q] == pytest.approx(expected, abs=1e-12)
    two_body = {(0, 0): densities.two_body_aa, (0, 1): densities.two_body_ab, (1, 1): densities.two_body_bb}
    for (up, down), two in two_body.items():
        for p, q, r, s in itertools.product(range(2), repeat=4):
            create = a[2 * p + up].conj().T @ a[2 * r + down].conj().T
            assert two[p, q, r, s] == pytest.approx(mean(create @ a[2 * s + down] @ a[2 * q + up]), abs=1e-12)
    assert np.allclose(densities.two_body, in_register.two_body, rtol=0, atol=1e-12)


@pytest.mark.parametrize("space", CIRCUITS)
def test_energy_and_traces(h2: qvar.Problem, space: str) -> None:
    objective, densities = matrices_of(space, h2)
    assert densities.energy() == pytest.approx(float(objective.loss(ANY)), abs=1e-10)
    assert densities.n_electrons == pytest.approx(objective.measure(ANY)["particle_number"], abs=1e-12)
    assert np.trace(densities.one_body_alpha - densities.one_body_beta).real / 2 == pytest.approx(
        objective.measure(ANY)["sz"], abs=1e-12
    )
    for own in (densities.one_body_alpha, densities.one_body_beta):
        assert np.allclose(own, own.conj().T, rtol=0, atol=1e-12)
    two = densities.two_body
    assert np.allclose(two, two.transpose(2, 3, 0, 1), rtol=0, atol=1e-12)  # the two electrons are alike
    assert np.allclose(two, two.transpose(1, 0, 3, 2).conj(), rtol=0, atol=1e-12)
    assert densities.one_body.dtype == complex


@pytest.mark.parametrize("engine", ["sector", "dense"])
def test_laws_of_a_state_of_four_electrons(h4: qvar.Problem, engine: Any) -> None:
    ansatz = qvar.uccsd(h4)
    objective = qvar.energy(h4, ansatz, engine=engine)
    theta = 0.3 * np.random.default_rng(5).standard_normal(ansatz.n_params)
    densities = qvar.density_matrices(objective, theta)
    one, two = densities.one_body, densities.two_body
    assert densities.energy() == pytest.approx(float(objective.loss(theta)), abs=1e-10)
    assert np.trace(one) == pytest.approx(4, abs=1e-12)
    assert np.einsum("pprr", two) == pytest.approx(12, abs=1e-12)
    assert np.allclose(np.einsum("pqrr->pq", two), 3 * one.T, rtol=0, atol=1e-12)  # the partial trace, times N - 1
    assert one.dtype == float
    # S^2 from the densities
    exchange = np.einsum("pqqp", densities.two_body_ab)
    assert 2 - exchange == pytest.approx(objective.measure(theta)["s2"], abs=1e-12)


def test_densities_of_pyscf(h4: qvar.Problem) -> None:
    """The FCI vector of an open shell, three up and one down, as PySCF's FCI object gives it."""
    assert h4.integrals is not None
    one, two = np.array(h4.integrals.one_body), np.array(h4.integrals.two_body)
    solver = fci.direct_spin1.FCI()
    energy, vector = solver.kernel(one, two, 4, (3, 1))
    densities = of_blocks(h4, [SpinBlock(3, 1, np.asarray(vector))])
    expected_one, expected_two = solver.make_rdm12(vector, 4, (3, 1))
    assert np.allclose(densities.one_body, expected_one, rtol=0, atol=1e-12)
    assert np.allclose(densities.two_body, expected_two, rtol=0, atol=1e-12)
    assert densities.energy() == pytest.approx(energy + h4.integrals.core_energy, abs=1e-10)
    natural = densities.natural_orbitals()
    back = natural.coefficients @ np.diag(natural.occupations) @ natural.coefficients.T
    assert np.allclose(back, expected_one, rtol=0, atol=1e-12)
    assert np.all(np.diff(natural.occupations) <= 0)


@pytest.mark.parametrize(("n_alpha", "n_beta"), [(0, 0), (1, 0), (0, 2), (3, 0), (3, 3)])
def test_blocks_of_few_electrons_and_full_shells(n_alpha: int, n_beta: int) -> None:
    alpha, beta = SpinBlock(n_alpha, n_beta, np.zeros(0)).strings(3)
    matrix = np.random.default_rng(1).standard_normal((len(alpha), len(beta))) + 0j
    matrix /= np.linalg.norm(matrix)
    densities = block_densities([SpinBlock(n_alpha, n_beta, matrix)], 3)
    numbers = [np.trace(densities.alpha).real, np.trace(densities.beta).real]
    assert numbers == pytest.approx([n_alpha, n_beta], abs=1e-12)
    assert np.einsum("pprr", densities.ab).real == pytest.approx(n_alpha * n_beta, abs=1e-12)
    assert np.einsum("pprr", densities.aa).real == pytest.approx(n_alpha * (n_alpha - 1), abs=1e-12)
    assert np.einsum("pprr", densities.bb).real == pytest.approx(n_beta * (n_beta - 1), abs=1e-12)


def test_electrons_on_a_lattice() -> None:
    """Sites are orbitals, without atoms: occupations, and a sentence for what needs atomic orbitals."""
    hubbard = qvar.hubbard(2)
    objective = qvar.energy(hubbard, qvar.uccsd(hubbard))
    theta = np.asarray(objective.initial(jax.random.key(0), "uniform"))
    densities = qvar.density_matrices(objective, theta)
    assert densities.energy() == pytest.approx(float(objective.loss(theta)), abs=1e-10)
    assert densities.natural_orbitals().ao_coefficients is None
    with pytest.raises(qvar.QvarError, match=r"`problem` must know its atomic orbitals, but .* has none"):
        densities.dipole()


def test_problems_without_orbitals(h2: qvar.Problem) -> None:
    spins, mapped = qvar.tfim(3), h2.mapped("parity")
    for problem in (spins, mapped):
        objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=1))
        for function in (qvar.density_matrices, qvar.leading_determinants):
            with pytest.raises(qvar.QvarError, match="`objective` must be an energy of electrons in orbitals"):
                function(objective, np.zeros(objective.n_params))
