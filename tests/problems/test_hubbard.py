from __future__ import annotations

import json

import numpy as np
import pennylane as qml
import pytest

from qvar import units
from qvar.errors import QvarError
from qvar.lattice_graphs import coloured_bonds, standing_waves
from qvar.problems.hubbard import hubbard
from qvar.problems.problem import Problem


@pytest.mark.parametrize(("t", "u"), [(1.0, 4.0), (0.7, -2.0), (-1.2, 8.0), (1.0, 0.0)])
@pytest.mark.parametrize("orbitals", ["site", "hopping"])
def test_dimer(t, u, orbitals):
    expected = (u - np.sqrt(u**2 + 16 * t**2)) / 2
    assert hubbard(2, t=t, u=u, orbitals=orbitals).exact_energy() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("lattice", "cells", "shape", "periodic"),
    [("chain", [3], 3, False), ("chain", [4], 4, True), ("square", [2, 2], (2, 2), False), ("chain", [3], 3, True)],
)
def test_against_pennylane(lattice, cells, shape, periodic):
    theirs = qml.spin.fermi_hubbard(lattice, cells, hopping=0.9, coulomb=3.0, boundary_condition=periodic)
    problem = hubbard(shape, t=0.9, u=3.0, periodic=periodic)
    wires = range(problem.n_qubits)
    difference = problem.hamiltonian().sparse_matrix(wires) - theirs.sparse_matrix(wires)
    assert abs(difference).max() < 1e-12


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("shape", "electrons"), [(5, (2, 3)), ((2, 3), (2, 2)), ((3, 1), (1, 1))])
def test_without_repulsion_the_lowest_levels_are_filled(shape, electrons, periodic):
    problem = hubbard(shape, t=-0.7, u=0.0, n_electrons=electrons, periodic=periodic)
    levels = np.linalg.eigvalsh(problem.integrals.one_body)
    expected = sum(levels[:number].sum() for number in electrons)
    assert problem.exact_energy() == pytest.approx(expected, abs=1e-9)
    filled = hubbard(shape, t=-0.7, u=0.0, n_electrons=electrons, periodic=periodic, orbitals="hopping")
    assert filled.reference_energy == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("electrons", [(3, 3), (2, 1), (4, 2), (0, 2)])
def test_without_hopping_electrons_avoid_each_other(electrons):
    problem = hubbard((2, 2), t=0.0, u=3.0, n_electrons=electrons)
    expected = 3.0 * max(0, sum(electrons) - 4)
    assert problem.exact_energy() == pytest.approx(expected, abs=1e-10)
    assert problem.reference_energy == expected


@pytest.mark.parametrize("electrons", [(1, 2), (1, 1)])
def test_holes_are_electrons(electrons):
    """On a lattice without odd rings E(M - a, M - b) = E(a, b) + U (M - a - b)."""
    holes = (4 - electrons[0], 4 - electrons[1])
    energy = hubbard(4, n_electrons=electrons).exact_energy()
    assert hubbard(4, n_electrons=holes).exact_energy() == pytest.approx(energy + 4.0 * (4 - sum(electrons)), abs=1e-9)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [4, 5, (2, 2), (2, 3)])
def test_both_orbitals_have_one_energy(shape, periodic):
    site, hopping = (hubbard(shape, periodic=periodic, orbitals=orbitals) for orbitals in ("site", "hopping"))
    assert hopping.exact_energy() == pytest.approx(site.exact_energy(), abs=1e-9)
    assert hopping.occupied_alpha == tuple(range(site.n_alpha))


def test_reference_determinants():
    chain = hubbard(5)
    assert (chain.n_alpha, chain.n_beta) == (3, 2)
    assert (chain.occupied_alpha, chain.occupied_beta) == ((0, 2, 4), (1, 3))
    assert chain.reference_energy == 0.0
    plaquette = hubbard((2, 2), n_electrons=(3, 1))
    assert (plaquette.occupied_alpha, plaquette.occupied_beta) == ((0, 1, 3), (1,))


def test_description_and_names():
    problem = hubbard((2, 2), u=8.0, n_electrons=(2, 1), periodic=True)
    assert problem.description == {
        "model": "hubbard",
        "shape": [2, 2],
        "t": 1.0,
        "u": 8.0,
        "n_electrons": [2, 1],
        "periodic": True,
        "orbitals": "site",
        "bonds": [[[0, 1], [2, 3]], [[0, 2], [1, 3]]],
    }
    assert json.loads(json.dumps(problem.description)) == problem.description
    assert problem.name == "Hubbard 2x2 (2,1) t=1 U=8 periodic"
    assert hubbard(4, orbitals="hopping").name == "Hubbard 4 t=1 U=4 open hopping orbitals"
    assert hubbard(2, name="dimer").name == "dimer"
    assert problem.unit == units.COUPLING


def test_round_trip(tmp_path):
    problem = hubbard((2, 2), orbitals="hopping")
    problem.save(tmp_path / "hubbard.npz")
    again = Problem.load(tmp_path / "hubbard.npz")
    assert again.description == problem.description
    np.testing.assert_array_equal(again.integrals.two_body, problem.integrals.two_body)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(1, 2), (1, 5), (1, 6), (4, 1), (2, 2), (3, 3), (3, 4)])
def test_colours_hold_every_bond_once(shape, periodic):
    bonds = coloured_bonds(shape, periodic)
    for colour in bonds:
        sites = [site for bond in colour for site in bond]
        assert len(set(sites)) == len(sites) > 0
    expected = set()
    for row, column in np.ndindex(*shape):
        for along, (r, c) in ((0, (row + 1, column)), (1, (row, column + 1))):
            if (r < shape[0] and c < shape[1]) or (periodic and shape[along] > 2):
                neighbour = (r % shape[0]) * shape[1] + c % shape[1]
                expected.add(frozenset((row * shape[1] + column, neighbour)))
    found = [frozenset(bond) for colour in bonds for bond in colour]
    assert len(found) == len(set(found))
    assert set(found) == expected
    odd = sum(periodic and length > 2 and length % 2 == 1 for length in shape)
    assert len(bonds) <= 4 + odd


@pytest.mark.parametrize("t", [1.0, -0.6])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(1, 2), (1, 6), (1, 7), (2, 2), (3, 3), (2, 5)])
def test_standing_waves_diagonalize_the_hopping(shape, periodic, t):
    m = shape[0] * shape[1]
    hopping = np.zeros((m, m))
    for p, q in (bond for colour in coloured_bonds(shape, periodic) for bond in colour):
        hopping[p, q] = hopping[q, p] = -t
    energies, waves = standing_waves(shape, periodic, t)
    np.testing.assert_allclose(waves.T @ waves, np.eye(m), atol=1e-13)
    np.testing.assert_allclose(hopping @ waves, waves * energies, atol=1e-13)
    assert np.all(np.diff(energies) > -1e-12)


def test_waves_of_one_energy_are_fixed():
    """The two at the Fermi level of a plaquette and of a ring of four have a sign on every bond."""
    _, plaquette = standing_waves((2, 2), False, 1.0)
    np.testing.assert_allclose(plaquette[:, 1:3].T, [[0.5, -0.5, 0.5, -0.5], [0.5, 0.5, -0.5, -0.5]], atol=1e-14)
    _, ring = standing_waves((1, 4), True, 1.0)
    np.testing.assert_allclose(ring[:, 1:3].T, [[0.5, -0.5, -0.5, 0.5], [0.5, 0.5, -0.5, -0.5]], atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "argument", "mention"),
    [
        ({"shape": 1}, "shape", "1"),
        ({"shape": (2, 2, 2)}, "shape", "(2, 2, 2)"),
        ({"shape": 2.0}, "shape", "2.0"),
        ({"shape": 2, "t": float("inf")}, "t", "inf"),
        ({"shape": 2, "u": "4"}, "u", "'4'"),
        ({"shape": 2, "n_electrons": (3, 0)}, "n_electrons", "(3, 0)"),
        ({"shape": 2, "n_electrons": (1,)}, "n_electrons", "(1,)"),
        ({"shape": 2, "n_electrons": 2}, "n_electrons", "2"),
        ({"shape": 2, "orbitals": "momentum"}, "orbitals", "'momentum'"),
    ],
)
def test_mistakes(arguments, argument, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        hubbard.__wrapped__(**arguments)  # as users have it, without type checks
    one_sentence(info, argument, mention)
