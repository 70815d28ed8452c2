"""Amplitudes of perturbation theory and coupled cluster against PySCF's own, on the same orbitals."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from qvar.errors import QvarError
from qvar.problems.basis_input import parse_basis
from qvar.problems.geometry import parse_geometry
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.problem import Problem
from qvar.problems.scf import build_molecule, run_scf
from qvar.problems.spin_models import tfim

WATER = "O; H 1 0.9584; H 1 0.9584 2 104.45"
LIH = "Li 0 0 0; H 0 0 1.546"
OXYGEN = "O 0 0 0; O 0 0 1.2"


def mean_field(geometry, spin=0):
    """The orbitals of the problem, as PySCF's object."""
    return run_scf(build_molecule(parse_geometry(geometry, "angstrom"), parse_basis("sto-3g"), 0, spin))


def restricted(problem: Problem, t1, t2):
    """The spin orbitals' amplitudes of closed-shell ones: t1[i, a] and t2[i, j, a, b] of spin i = spin a."""
    o = len(problem.occupied_alpha)
    found = {}
    for i, a in product(range(o), range(problem.n_orbitals - o)):
        for s in (0, 1):
            found[(2 * (o + a) + s,), (2 * i + s,)] = t1[i, a]
        for j, b in product(range(o), range(problem.n_orbitals - o)):
            found[(2 * (o + a), 2 * (o + b) + 1), (2 * j + 1, 2 * i)] = t2[i, j, a, b]
            for s in (0, 1) if i < j and a < b else ():
                key = ((2 * (o + a) + s, 2 * (o + b) + s), (2 * j + s, 2 * i + s))
                found[key] = t2[i, j, a, b] - t2[i, j, b, a]
    return found


def unrestricted(problem: Problem, t1, t2):
    """Likewise of t1 = (alpha, beta) and t2 = (aa, ab, bb)."""
    n = (len(problem.occupied_alpha), len(problem.occupied_beta))
    m = problem.n_orbitals
    found = {}
    for s in (0, 1):
        for i, a in product(range(n[s]), range(m - n[s])):
            found[(2 * (n[s] + a) + s,), (2 * i + s,)] = t1[s][i, a]
        for (i, j), (a, b) in product(combinations(range(n[s]), 2), combinations(range(m - n[s]), 2)):
            key = ((2 * (n[s] + a) + s, 2 * (n[s] + b) + s), (2 * j + s, 2 * i + s))
            found[key] = t2[2 * s][i, j, a, b]
    for i, a, j, b in product(range(n[0]), range(m - n[0]), range(n[1]), range(m - n[1])):
        found[(2 * (n[0] + a), 2 * (n[1] + b) + 1), (2 * j + 1, 2 * i)] = t2[1][i, j, a, b]
    return found


def same(ours, theirs, atol=1e-7):
    assert set(ours) == set(theirs)
    for key in theirs:
        assert ours[key] == pytest.approx(theirs[key], abs=atol), key


def energy(problem: Problem, amplitudes):
    r"""Correlation energy: sum of f_ia t_i^a + <ij||ab> (t_ij^ab + t_i^a t_j^b - t_i^b t_j^a) over modes i<j, a<b."""
    one, two = problem.integrals.one_body, problem.integrals.two_body
    occupied = [w for w, bit in enumerate(problem.reference_bits) if bit]

    def coulomb(p, q, r, s):
        """(pq|rs) over modes."""
        return two[p // 2, q // 2, r // 2, s // 2] * (p % 2 == q % 2) * (r % 2 == s % 2)

    def single(a, i):
        return amplitudes.get(((a,), (i,)), 0.0)

    total = 0.0
    for (created, annihilated), t in amplitudes.items():
        if len(created) == 1:
            (a,), (i,) = created, annihilated
            total += t * (one[i // 2, a // 2] + sum(coulomb(i, a, k, k) - coulomb(i, k, k, a) for k in occupied))
        else:
            (a, b), (j, i) = created, annihilated
            full = t + single(a, i) * single(b, j) - single(b, i) * single(a, j)
            total += full * (coulomb(i, a, j, b) - coulomb(i, b, j, a))
    return total


@pytest.mark.parametrize("geometry", [WATER, LIH])
def test_mp2_of_closed_shells(geometry):
    from pyscf import mp

    problem, solver = molecule(geometry), mp.MP2(mean_field(geometry))
    correlation, t2 = solver.kernel()
    ours = problem.amplitudes("mp2")
    o = len(problem.occupied_alpha)
    same(ours, restricted(problem, np.zeros((o, problem.n_orbitals - o)), t2))
    doubles = {key: t for key, t in ours.items() if len(key[0]) == 2}
    assert energy(problem, doubles) == pytest.approx(correlation, abs=1e-8)


@pytest.mark.parametrize("geometry", [WATER, LIH])
def test_ccsd_of_closed_shells(geometry):
    from pyscf import cc

    problem, solver = molecule(geometry), cc.CCSD(mean_field(geometry))
    solver.conv_tol, solver.conv_tol_normt, solver.max_cycle = 1e-12, 1e-9, 200
    correlation, t1, t2 = solver.kernel()
    ours = problem.amplitudes("ccsd")
    same(ours, restricted(problem, t1, t2))
    assert energy(problem, ours) == pytest.approx(correlation, abs=1e-8)
    assert problem.amplitudes("ccsd") is ours  # solved once


def test_ccsd_of_a_frozen_core():
    from pyscf import cc

    problem, solver = molecule(WATER, frozen=[0]), cc.CCSD(mean_field(WATER), frozen=[0])
    solver.conv_tol, solver.conv_tol_normt, solver.max_cycle = 1e-12, 1e-9, 200
    correlation, t1, t2 = solver.kernel()
    ours = problem.amplitudes("ccsd")
    same(ours, restricted(problem, t1, t2))
    assert energy(problem, ours) == pytest.approx(correlation, abs=1e-8)


def test_mp2_and_ccsd_of_an_open_shell():
    """PySCF's are those of the ROHF determinant too: the Fock operators of both spins are not diagonal."""
    from pyscf import cc

    problem = molecule(OXYGEN, spin=2)
    solver = cc.UCCSD(mean_field(OXYGEN, spin=2).to_uhf())
    solver.conv_tol, solver.conv_tol_normt, solver.max_cycle = 1e-12, 1e-9, 200
    integrals = solver.ao2mo()
    _, t1, t2 = solver.init_amps(integrals)
    same(problem.amplitudes("mp2"), unrestricted(problem, t1, t2))
    assert max(abs(t) for (created, _), t in problem.amplitudes("mp2").items() if len(created) == 1) > 1e-3

    correlation, t1, t2 = solver.kernel()
    ours = problem.amplitudes("ccsd")
    same(ours, unrestricted(problem, t1, t2))
    assert energy(problem, ours) == pytest.approx(correlation, abs=1e-8)


def test_coupled_cluster_of_two_electrons_is_exact():
    problem = molecule("He 0 0 0; H 0 0 0.9", charge=1, basis="6-31g")
    correlation = problem.exact_energy() - problem.reference_energy
    assert energy(problem, problem.amplitudes("ccsd")) == pytest.approx(correlation, abs=1e-9)


@pytest.mark.parametrize("distance", [5.0, 6.0, 11.0])
def test_far_atoms_converge_to_the_ground_state(distance):
    """At dissociation it is (|gg> - |uu>) / sqrt(2), so the only amplitude tends to -1; +1 is an excited state."""
    problem = molecule(f"H 0 0 0; H 0 0 {distance}")
    ours = problem.amplitudes("ccsd")
    assert ours[(2, 3), (1, 0)] == pytest.approx(-1.0, abs=0.01)
    assert energy(problem, ours) == pytest.approx(problem.exact_energy() - problem.reference_energy, abs=1e-8)


def test_any_occupation_and_both_signs_of_spin():
    """Orbitals in another order, and up and down exchanged, give the same amplitudes under other names."""
    problem = hydrogen_chain(3, bond=1.1)
    turn = np.array([2, 0, 1])  # new orbital p is the old turn[p]
    integrals = replace(
        problem.integrals,
        one_body=problem.integrals.one_body[np.ix_(turn, turn)],
        two_body=problem.integrals.two_body[np.ix_(turn, turn, turn, turn)],
    )
    turned = replace(problem, integrals=integrals, occupied_alpha=(1,), occupied_beta=(1, 2))
    for method in ("mp2", "ccsd"):
        ours, theirs = turned.amplitudes(method), problem.amplitudes(method)
        assert len(ours) == len(theirs) == 8
        for (created, annihilated), t in ours.items():
            key = tuple(tuple(2 * int(turn[w // 2]) + 1 - w % 2 for w in part) for part in (created, annihilated))
            a, i = (tuple(sorted(part, key=lambda w: (w % 2, w))) for part in key)
            flips = (a != key[0]) + (i[::-1] != key[1])
            assert t == pytest.approx((-1) ** flips * theirs[a, i[::-1]], abs=1e-8)


def test_nothing_to_excite_and_nothing_between_equal_energies():
    assert molecule("He 0 0 0").amplitudes("mp2") == molecule("He 0 0 0").amplitudes("ccsd") == {}
    assert set(molecule("H 0 0 0", spin=1, basis="6-31g").amplitudes("ccsd")) == {((2,), (0,))}
    flat = molecule("H 0 0 0; H 0 0 0.7414")
    integrals = replace(flat.integrals, one_body=np.zeros((2, 2)), two_body=np.zeros((2, 2, 2, 2)))
    assert set(replace(flat, integrals=integrals).amplitudes("mp2").values()) == {0.0}


def test_wrong_questions(one_sentence, monkeypatch):
    with pytest.raises(QvarError) as info:
        tfim(4).amplitudes("mp2")
    one_sentence(info, "problem", "none")
    with pytest.raises(QvarError) as info:
        Problem.amplitudes.__wrapped__(hydrogen_chain(2), "mp3")
    one_sentence(info, "theory", "'mp3'")

    from pyscf import cc

    monkeypatch.setattr(cc.uccsd.UCCSD, "kernel", lambda self: None)
    with pytest.raises(QvarError) as info:
        hydrogen_chain(4, bond=1.3).amplitudes("ccsd")
    one_sentence(info, "theory", "converge")
