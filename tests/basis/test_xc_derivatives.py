"""Potentials on grids against PySCF's own, and functionals that are refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from pyscf import dft

from qvar import basis
from qvar.basis import xc_derivatives
from qvar.basis.derivative_integrals import Bras
from qvar.basis.xc_derivatives import check_functional, exchange_correlation
from qvar.errors import QvarError

LIH = "Li 0 0 0; H 0 0 1.546"


def prepared(spin: int, xc: str) -> tuple[Bras, Any, list[np.ndarray]]:
    """Bras of a molecule, a Kohn-Sham object with a grid, and densities that no iteration has touched."""
    form = basis.from_set("Li", "6-31g") + basis.from_set("H", "6-31g")
    found = form.basis(form.start)
    mol = basis.Target(LIH, charge=spin, spin=spin)._mol(found)
    field: Any = dft.UKS(mol) if spin else dft.RKS(mol)
    field.xc, field.grids.level, field.verbose = xc, 0, 0
    field.grids.build()
    density = np.asarray(field.get_init_guess(key="hcore"))
    return Bras(mol, found), field, list(density) if spin else [density / 2]


@pytest.mark.parametrize("xc", ["lda,vwn", "pbe", "b3lyp", "tpss"])
@pytest.mark.parametrize("spin", [0, 1])
def test_potentials_between_functions_are_those_of_pyscf(spin: int, xc: str) -> None:
    bras, field, spins = prepared(spin, xc)
    found = exchange_correlation(bras, field, spins)
    numbers = field._numint
    if spin:
        expected = numbers.nr_uks(field.mol, field.grids, xc, np.array(spins))[2]
    else:
        expected = [numbers.nr_rks(field.mol, field.grids, xc, 2 * spins[0])[2]]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one[: bras.n_functions], other, atol=1e-9)


def test_points_are_summed_in_any_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    bras, field, spins = prepared(0, "pbe")
    whole = exchange_correlation(bras, field, spins)[0]
    monkeypatch.setattr(xc_derivatives, "_POINTS", 777)
    np.testing.assert_allclose(exchange_correlation(bras, field, spins)[0], whole, atol=1e-12)


def test_exact_exchange_alone_has_no_potential() -> None:
    bras, field, spins = prepared(1, "hf")
    assert not np.any(exchange_correlation(bras, field, spins))


@pytest.mark.parametrize("xc", ["lda,vwn", "PBE", "b3lyp", "pbe0", "m06l", "hf", "0.5*hf+0.5*pbe,pbe"])
def test_functionals_that_are_taken(xc: str) -> None:
    check_functional(xc)


@pytest.mark.parametrize(
    "xc", ["camb3lyp", "hse06", "wb97x-v", "b97m-v", "wb97x-d", "b3lyp-d3bj", "mgga_x_br89", "gga_x_lb"]
)
def test_functionals_of_more_than_is_differentiated_are_errors(xc: str) -> None:
    sentence = f"`xc` must be a local, GGA or meta-GGA functional or a global hybrid of one, but is '{xc}'."
    with pytest.raises(QvarError, match=f"^{re.escape(sentence)}$"):
        basis.Target("He 0 0 0", theory="rks", xc=xc)


@pytest.mark.parametrize("xc", ["foo", "lda,foo", "b2plyp"])
def test_unknown_functionals_are_errors(xc: str) -> None:
    sentence = f"`xc` must be a functional that PySCF knows, such as 'pbe', but is '{xc}'."
    with pytest.raises(QvarError, match=f"^{re.escape(sentence)}$"):
        check_functional(xc)
