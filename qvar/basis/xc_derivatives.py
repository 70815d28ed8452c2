"""Exchange-correlation potentials between derivatives of basis functions and functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.basis.derivative_integrals import Bras
from qvar.errors import QvarError

_POINTS = 2000
"""Points of the grid in one block."""


_WITHOUT_ENERGY = {160, 182}
"""Numbers in libxc of the potentials of van Leeuwen and Baerends, whose energy aborts the process."""


def check_functional(xc: str) -> None:
    """Raise `QvarError` if a functional has no derivatives here.

    Raises `QvarError` if PySCF does not know it, or it has more than a density, its gradient, the kinetic energy
    density and a share of exact exchange: range separation, non-local correlation, a Laplacian, dispersion.
    """
    from pyscf.dft import libxc
    from pyscf.scf.dispersion import parse_dft

    try:
        if not isinstance(xc, str):
            raise TypeError
        kind, parts = libxc.xc_type(xc), libxc.parse_xc(xc)[1]
        more = libxc.rsh_coeff(xc)[0] != 0 or libxc.is_nlc(xc) or libxc.needs_laplacian(xc)
    except Exception:  # PySCF raises KeyError, ValueError and more here, all of which mean the same
        raise QvarError(f"`xc` must be a functional that PySCF knows, such as 'pbe', but is {xc!r}.") from None
    try:
        more = more or parse_dft(xc)[2] is not None
    except NotImplementedError:
        more = True
    if more or kind not in ("LDA", "GGA", "MGGA", "HF") or any(number in _WITHOUT_ENERGY for number, _ in parts):
        raise QvarError(f"`xc` must be a local, GGA or meta-GGA functional or a global hybrid of one, but is {xc!r}.")


def exchange_correlation(bras: Bras, field: Any, spins: Sequence[FloatArray]) -> list[FloatArray]:
    r"""Compute the (n_bras, n_functions) matrices of the potential of each spin, on the grid of the energy.

    $$ V_{\xi\nu} = \sum_g w_g \Big[ v_\rho\, \xi \nu + \mathbf{v}_{\nabla\rho} \cdot \nabla (\xi \nu)
       + \tfrac12 v_\tau \nabla\xi \cdot \nabla\nu \Big] $$

    `field` is a converged Kohn-Sham object of PySCF, `spins` the densities; half of the density alone if both are
    equal.
    """
    numint, xc = field._numint, field.xc
    kind = numint._xc_type(xc)
    results: list[FloatArray] = [np.zeros((len(bras.overlap), bras.n_functions)) for _ in spins]
    if kind == "HF":
        return results
    derivatives = kind != "LDA"
    restricted = len(spins) == 1
    for start in range(0, len(field.grids.weights), _POINTS):
        here = slice(start, start + _POINTS)
        weights = field.grids.weights[here]
        on_bras, on_functions = bras.on_grid(field.grids.coords[here], derivatives)
        values = on_functions if derivatives else on_functions[0]
        densities = [
            numint.eval_rho(bras.mol, values, 2 * spin if restricted else spin, xctype=kind, hermi=1, with_lapl=False)
            for spin in spins
        ]
        rho = densities[0] if restricted else np.stack(densities)
        potentials = numint.eval_xc_eff(xc, rho, deriv=1, xctype=kind)[1]
        for result, potential in zip(results, [potentials] if restricted else potentials, strict=True):
            result += _matrix(on_bras, on_functions, np.atleast_2d(potential) * weights)
    return results


def _matrix(bras: FloatArray, functions: FloatArray, v: FloatArray) -> FloatArray:
    """Sum over the points of one block; components of v are those of rho, its gradient and tau."""
    ket = functions[0] * v[0][:, None]
    if len(v) >= 4:
        ket = ket + np.einsum("xgn,xg->gn", functions[1:4], v[1:4])
    matrix = bras[0].T @ ket
    for axis in range(1, 4) if len(v) >= 4 else ():
        slope = functions[0] * v[axis][:, None]
        if len(v) == 5:
            slope = slope + 0.5 * functions[axis] * v[4][:, None]
        matrix += bras[axis].T @ slope
    return matrix
