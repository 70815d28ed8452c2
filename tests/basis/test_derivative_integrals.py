"""Cross integrals against closed forms and grids; whole gradients against integrals of displaced basis sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from differences import derivative
from pyscf import ao2mo, fci, gto, scf

from qvar import basis
from qvar.basis import derivative_integrals as module
from qvar.basis.derivative_integrals import Bras
from qvar.basis.shells import BasisSet, Shell

LIH = "Li 0 0 0; H 0 0 1.546"
WATER = "O; H 1 0.9584; H 1 0.9584 2 104.45"


def built(target: basis.Target, found: BasisSet) -> Any:
    return target.molecules[0][1]._mol(found)


def general(seed: int = 0) -> BasisSet:
    """Shells of all kinds: contracted generally, partly, not at all, with signs, zeros and without order."""
    random = np.random.default_rng(seed)
    exponents = np.array([31.0, 0.4, 7.0, 1.7])
    sparse = np.array([[0.3, 0.0, 0.0], [0.5, 0.0, 0.0], [-0.4, 0.0, 1.0], [0.0, -1.0, 0.0]])
    s = Shell(0, exponents, random.normal(size=(4, 2)))
    return BasisSet(
        {
            "Li": (s, Shell(0, 1.3 * exponents, sparse), Shell(1, exponents[:3], sparse[:3, :1])),
            "H": (
                Shell(0, exponents[1:2], -np.eye(1)),
                Shell(1, exponents[:2], np.eye(2)),
                Shell(2, exponents[1:2], np.eye(1)),
            ),
        }
    )


# the slow twin: integrals of displaced basis sets, held density matrices


def displaced_integrals(target: basis.Target, found: BasisSet) -> tuple[Any, Any, Any]:
    mol = built(target, found)
    molecule = gto.M(atom=mol.atom, unit=mol.unit, basis=found.pyscf(), charge=mol.charge, spin=mol.spin)
    core = molecule.intor("int1e_kin") + molecule.intor("int1e_nuc")
    return molecule.intor("int1e_ovlp"), core, molecule.intor("int2e")


def mean_field_densities(field: Any) -> tuple[Any, Any, Any]:
    """D, Gamma and W of functions, from PySCF."""
    spins = np.asarray(field.make_rdm1())
    spins = spins if spins.ndim == 3 else np.array([spins, spins]) / 2
    total = spins.sum(axis=0)
    pairs = np.einsum("pq,rs->pqrs", total, total) - np.einsum("aps,arq->pqrs", spins, spins)
    potential = field.get_veff(dm=spins) if field.mol.spin else np.array([field.get_veff()] * 2)
    focks = field.get_hcore() + np.asarray(potential)
    weighted = np.einsum("apq,aqr,ars->ps", spins, focks, spins)  # D F D, as no occupation is fractional
    return total, pairs, weighted


def correlated_densities(field: Any) -> tuple[Any, Any, Any]:
    c, n = field.mo_coeff, field.mo_coeff.shape[1]
    one = c.T @ field.get_hcore() @ c
    two = ao2mo.restore(1, ao2mo.full(field.mol, c), n)
    solver = fci.direct_spin1.FCI()
    solver.conv_tol, solver.conv_tol_residual, solver.lindep = 1e-13, 1e-9, 1e-20
    vector = solver.kernel(one, two, n, field.mol.nelec)[1]
    gamma, pairs = solver.make_rdm12(vector, n, field.mol.nelec)
    weighted = one @ gamma + np.einsum("puvw,quvw->pq", two, pairs)
    turn = lambda matrix: c @ matrix @ c.T  # noqa: E731
    return turn(gamma), np.einsum("pqrs,ip,jq,kr,ls->ijkl", pairs, c, c, c, c), turn(0.5 * (weighted + weighted.T))


TWINS: dict[str, tuple[basis.Target, Callable[[], basis.Form], Any]] = {
    "rhf": (basis.Target(WATER), lambda: basis.from_set("O", "6-31g") + basis.from_set("H", "6-31g"), scf.RHF),
    "rohf": (basis.Target("N 0 0 0", spin=3), lambda: basis.from_set("N", "cc-pvdz"), scf.ROHF),
    "uhf": (basis.Target("O 0 0 0", theory="uhf", spin=2), lambda: basis.free("O", s=4, p=2, d=1), scf.UHF),
    "fci": (
        basis.Target(LIH, theory="fci"),
        lambda: basis.from_set("Li", "6-31g") + basis.from_set("H", "6-31g"),
        scf.RHF,
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_gradients_are_those_of_displaced_integrals(name: str) -> None:
    target, make, field_of = TWINS[name]
    form = make()
    found = form.basis(form.start)
    mol = built(target, found)
    field = field_of(mol)
    field.verbose, field.conv_tol, field.conv_tol_grad = 0, 1e-13, 1e-9
    field.kernel()
    one, pairs, weighted = (correlated_densities if name == "fci" else mean_field_densities)(field)

    def held(point: Any) -> float:
        overlap, core, repulsion = displaced_integrals(target, form.basis(point))
        return np.sum(one * core) + 0.5 * np.sum(pairs * repulsion) - np.sum(weighted * overlap)

    gradient = target.value_and_grad(form, form.start)[1]
    start = np.asarray(form.start)
    size = np.where(["coefficient" in label for label in form.labels], np.abs(start), 1.0)
    chosen = np.random.default_rng(1).choice(form.n_params, 4, replace=False)
    directions = [size * np.random.default_rng(2).normal(size=form.n_params), *(size * np.eye(form.n_params))[chosen]]
    for direction in directions:
        unit = direction / np.linalg.norm(direction)
        assert gradient @ unit == pytest.approx(derivative(held, start, unit, 0.01), abs=1e-8)


# the parts


@pytest.mark.parametrize("l", range(7))
def test_closed_forms_of_single_primitives(l: int) -> None:
    """<r^2 g|g> = (2l+3)/(4 alpha), <g|g> = 1, and both for each of 2l + 1 functions alone."""
    found = basis.free("He", **{"spdfghi"[l]: 1}).basis(np.array([0.3]))
    mol = gto.M(atom="He", basis=found.pyscf())
    bras, d = Bras(mol, found), 2 * l + 1
    np.testing.assert_allclose(bras.overlap[:d], np.eye(d), atol=1e-12)
    np.testing.assert_allclose(bras.overlap[d : 2 * d], np.eye(d), atol=1e-12)
    np.testing.assert_allclose(bras.overlap[2 * d :], (2 * l + 3) / (4 * np.exp(0.3)) * np.eye(d), atol=1e-12)


def test_bras_on_points_are_primitives_and_their_products_with_the_distance() -> None:
    found = general()
    mol = built(basis.Target(LIH), found)
    bras = Bras(mol, found)
    points = np.random.default_rng(3).normal(size=(7, 3))
    on_bras, on_functions = bras.on_grid(points, derivatives=True)
    np.testing.assert_allclose(on_functions, mol.eval_gto("GTOval_sph_deriv1", points), atol=1e-12)
    np.testing.assert_allclose(on_bras[:, :, : mol.nao], on_functions, atol=1e-12)
    np.testing.assert_allclose(bras.on_grid(points, derivatives=False)[0][0], on_bras[0], atol=1e-13)
    for place in bras.places:
        d = 2 * place.shell.l + 1
        away = points - mol.atom_coord(place.atom)
        for k, exponent in enumerate(place.shell.exponents):
            atom = [(mol.atom_symbol(place.atom), mol.atom_coord(place.atom))]
            alone = gto.M(atom=atom, unit="bohr", basis=[[place.shell.l, [exponent, 1.0]]], spin=None)
            expected = alone.eval_gto("GTOval_sph_deriv1", points)
            begin = place.bras + 2 * d * k
            np.testing.assert_allclose(on_bras[:, :, begin : begin + d], expected, atol=1e-11)
            square = np.sum(away**2, axis=1)[:, None]
            squared = square * expected
            squared[1:] += 2 * away.T[:, :, None] * expected[0]
            np.testing.assert_allclose(on_bras[:, :, begin + d : begin + 2 * d], squared, atol=1e-11)


def test_fields_are_sums_over_all_integrals() -> None:
    """Coulomb and exchange matrices against integrals of a molecule that has the bras' primitives as functions."""
    found = general()
    mol = built(basis.Target(LIH), found)
    bras = Bras(mol, found)
    random = np.random.default_rng(5)
    densities = [density + density.T for density in random.normal(size=(3, mol.nao, mol.nao))]
    coulomb, exchange = bras.fields(densities[:2], densities[1:])
    loose = {
        element: tuple(Shell(shell.l, shell.exponents, np.eye(len(shell.exponents))) for shell in shells)
        for element, shells in found.shells.items()
    }
    large = built(basis.Target(LIH), BasisSet(loose))
    turn = np.linalg.lstsq(large.intor("int1e_ovlp"), gto.intor_cross("int1e_ovlp", large, mol), rcond=None)[0]
    whole = np.einsum("xjkl,jn,ka,lb->xnab", large.intor("int2e"), turn, turn, turn, optimize=True)
    places, at = [], 0
    for place in bras.places:  # bras of g as functions of the large molecule
        d, n = 2 * place.shell.l + 1, len(place.shell.exponents)
        places += [(place.bras + 2 * d * k + m, at + d * k + m) for k in range(n) for m in range(d)]
        at += d * n
    rows, columns = map(list, zip(*places, strict=True))
    for density, field in zip(densities[:2], coulomb, strict=True):
        np.testing.assert_allclose(field[rows], np.einsum("xnab,ab->xn", whole, density)[columns], atol=1e-9)
    for density, field in zip(densities[1:], exchange, strict=True):
        np.testing.assert_allclose(field[rows], np.einsum("xabn,ab->xn", whole, density)[columns], atol=1e-9)


def test_integrals_at_hand_change_nothing() -> None:
    found = general()
    mol = built(basis.Target(LIH), found)
    density = np.eye(mol.nao)
    direct = Bras(mol, found).fields([density], [density])
    given = Bras(mol, found, mol.intor("int2e", aosym="s8")).fields([density], [density])
    np.testing.assert_allclose(direct, given, atol=1e-10)
    assert Bras(mol, found).fields([], []) == ([], [])


@pytest.mark.parametrize("mixing", [0.0, 0.3])
def test_atoms_whose_momenta_do_not_mix_need_fewer_integrals(mixing: float, monkeypatch: pytest.MonkeyPatch) -> None:
    form = basis.free("Ne", s=3, p=2, d=2)
    found = form.basis(form.start)
    mol = built(basis.Target("Ne 0 0 0"), found)
    momenta = np.repeat([0, 1, 2], [3, 6, 10])
    density = np.random.default_rng(6).normal(size=(mol.nao, mol.nao))
    density = density + density.T
    density[momenta[:, None] != momenta] *= mixing
    fast = Bras(mol, found).fields([density], [density])
    monkeypatch.setattr(module, "UNMIXED", -1.0)
    slow = Bras(mol, found).fields([density], [density])
    places = Bras(mol, found).places
    own = [np.repeat(p.shell.l, 2 * (2 * p.shell.l + 1) * len(p.shell.exponents)) for p in places]
    same = np.concatenate([momenta, *own])[:, None] == momenta
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one[0][same], other[0][same], atol=1e-10)
        left_out = np.abs(one[0] - other[0])[~same].max()  # elements that stand beside zeros of the density
        assert left_out > 1e-2 if not mixing else left_out < 1e-10


def test_functions_need_few_primitives_beside_them() -> None:
    water = basis.from_set("O", "cc-pvtz").basis(basis.from_set("O", "cc-pvtz").start)
    mol = built(basis.Target("O 0 0 0"), water)
    beside = {place.shell.l: len(place.beside) for place in Bras(mol, water).places}
    assert beside == {0: 6, 1: 2, 2: 0, 3: 0}  # 10 primitives in 4 functions, 5 in 3, 2 in 2, 1 in 1
