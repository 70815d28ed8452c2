"""Problems from results in the QCSchema of MolSSI: a molecule, a basis set, and orbitals of a mean field.

https://molssi.github.io/QCSchema; Smith et al., WIREs Comput. Mol. Sci. 11, e1491 (2021),
https://doi.org/10.1002/wcms.1491.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.arguments import checked
from qvar.atomic_files import read_regular
from qvar.errors import QvarError, error_words, shown
from qvar.problems.molecule import molecule
from qvar.problems.orbital_choices import ActiveSpaceChoice
from qvar.problems.problem import Problem
from qvar.problems.pyscf_input import from_pyscf

_MOST_BYTES = 1 << 28

_ORTHONORMAL = 1e-6
"""Largest deviation from orthonormality of orbitals from a file of some ten digits."""


@checked()
def from_qcschema(
    source: str | Path | Mapping[str, Any],
    *,
    active_space: ActiveSpaceChoice | None = None,
    active_orbitals: Sequence[int] | None = None,
    frozen: Sequence[int] | None = None,
    name: str | None = None,
) -> Problem:
    """Make the problem of a result in QCSchema, such as Psi4, Q-Chem, PySCF through QCEngine and others write it.

    Molecule and basis set are read; integrals are PySCF's. If the result has a wavefunction, its orbitals are taken.
    Programs write the functions of a shell in different orders: that one is used in which the orbitals are
    orthonormal, and their Hartree-Fock energy must be the result's. Without a wavefunction, orbitals are those of
    `qvar.molecule`.

    Args:
        source: path of a JSON file, or its content as a dictionary.
        active_space: see `qvar.from_pyscf`.
        active_orbitals: see `qvar.from_pyscf`.
        frozen: see `qvar.from_pyscf`.
        name: name for tables. Default: formula, basis and active space.

    Returns:
        The problem, in hartree.

    Raises:
        QvarError: if the file cannot be read, the result is one of a failed calculation, lacks a molecule or a basis
            set or has core potentials in it, the orbitals are in no known order, or their energy is another one.
    """
    from pyscf import scf

    record = source if isinstance(source, Mapping) else _read(source)
    if record.get("success") is False:
        raise _mistake("be the result of a calculation that succeeded, but its `success` is false")
    mol = _molecule(record)
    space = {"active_space": active_space, "active_orbitals": active_orbitals, "frozen": frozen, "name": name}
    wavefunction = record.get("wavefunction")
    if not isinstance(wavefunction, Mapping) or "scf_orbitals_a" not in wavefunction:
        return molecule(mol, **space)
    spins = ("a",) if wavefunction.get("restricted", True) else ("a", "b")
    tables = np.stack([_orbitals(wavefunction, spin, mol) for spin in spins])
    fields = (scf.rohf.ROHF if mol.spin else scf.hf.RHF) if len(spins) == 1 else scf.uhf.UHF
    field: Any = fields(mol)
    n_alpha, n_beta = map(int, mol.nelec)
    filled = [(np.arange(tables.shape[2]) < count).astype(float) for count in (n_alpha, n_beta)]
    field.mo_coeff, field.mo_occ = tables, np.stack(filled)
    if len(spins) == 1:
        field.mo_coeff, field.mo_occ = tables[0], filled[0] + filled[1]
    field.mo_energy = np.zeros(field.mo_occ.shape)
    field.e_tot, field.converged, field.verbose = _energy(record), True, 0
    try:
        return from_pyscf(field, **space)
    except QvarError as error:
        if "`mean_field`" not in str(error):
            raise
        raise _mistake(
            "have a Hartree-Fock energy that is that of its orbitals in the order of their energies, but for them "
            f"{str(error).removesuffix('.')}"
        ) from error


def _mistake(words: str) -> QvarError:
    return QvarError(f"`source` must {words}.")


def _read(source: str | Path) -> Mapping[str, Any]:
    try:
        record = json.loads(read_regular(Path(source), _MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        missing = isinstance(error, OSError)
        words = "be a file that can be read" if missing else "be a file of JSON"
        raise _mistake(f"{words}, but {str(source)!r} is not") from error
    if not isinstance(record, Mapping):
        raise _mistake(f"hold a dictionary, but {str(source)!r} holds a {type(record).__name__}")
    return record


def _entry(record: Any, *path: str) -> Any:
    """Return an entry of nested dictionaries; `QvarError` if there is none."""
    for at, key in enumerate(path, start=1):
        if not isinstance(record, Mapping) or record.get(key) is None:
            raise _mistake(f"hold {'.'.join(path)}, but has no {'.'.join(path[:at])}")
        record = record[key]
    return record


def _numbers(values: Any, name: str) -> FloatArray:
    try:
        array = np.array(values, float).reshape(-1)
    except (TypeError, ValueError):
        raise _mistake(f"have numbers in {name}, but they are {shown(values)}") from None
    if not np.isfinite(array).all():
        raise _mistake(f"have finite numbers in {name}, but one is {array[~np.isfinite(array)][0]}")
    return array


def _whole(record: Mapping[str, Any], key: str, default: int) -> int:
    value = record.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != round(value):
        raise _mistake(f"have a whole number as molecule.{key}, but it is {shown(value)}")
    return int(value)


def _molecule(record: Mapping[str, Any]) -> Any:
    """Build PySCF's `Mole`."""
    from pyscf import gto

    inner = _entry(record, "molecule")
    symbols = [str(symbol) for symbol in _entry(record, "molecule", "symbols")]
    places = _numbers(_entry(record, "molecule", "geometry"), "molecule.geometry")
    if len(places) != 3 * len(symbols) or not symbols:
        count = f"{len(symbols)} symbols and {len(places)} numbers"
        raise _mistake(f"have three coordinates for each atom in molecule.geometry, but has {count}")
    real = inner.get("real") or [True] * len(symbols)
    labels = [symbol if is_real else f"ghost-{symbol}" for symbol, is_real in zip(symbols, real, strict=False)]
    shells, cartesian = _basis(record, labels)
    mol: Any = gto.Mole(verbose=0)
    mol.atom = list(zip(labels, places.reshape(-1, 3).tolist(), strict=True))
    mol.unit, mol.basis, mol.cart = "Bohr", shells, cartesian
    mol.charge, mol.spin = _whole(inner, "molecular_charge", 0), _whole(inner, "molecular_multiplicity", 1) - 1
    try:
        mol.build(dump_input=False, parse_arg=False)
    except Exception as error:  # PySCF raises RuntimeError, KeyError and others on what it does not know
        raise _mistake(f"describe a molecule that PySCF can build, but: {error_words(error)}".rstrip(".")) from error
    return mol


def _basis(record: Mapping[str, Any], labels: Sequence[str]) -> tuple[Any, bool]:
    """Return a basis set as PySCF takes it, by label of the atoms, and whether it is Cartesian."""
    wavefunction = record.get("wavefunction")
    written = wavefunction.get("basis") if isinstance(wavefunction, Mapping) else None
    if written is None:
        written = _entry(record, "model", "basis")
    if isinstance(written, str):
        return written, False
    centers, kinds = _entry(written, "center_data"), _entry(written, "atom_map")
    if len(kinds) != len(labels):
        raise _mistake(f"have a basis for each of {len(labels)} atoms in atom_map, but has {len(kinds)}")
    shells: dict[str, list[Any]] = {}
    cartesian: set[bool] = set()
    for label, kind in zip(labels, kinds, strict=True):
        center = _entry(centers, kind)
        if center.get("ecp_electrons"):
            raise _mistake(f"have no core potentials in its basis, but {kind} has one")
        own = list(_shells(_entry(center, "electron_shells"), cartesian))
        if shells.setdefault(label, own) != own:
            raise _mistake(f"have one basis for all atoms of an element, but {label} has several")
    if len(cartesian) > 1:
        raise _mistake("have spherical or Cartesian functions alone, but has both")
    return shells, cartesian == {True}


def _shells(shells: Sequence[Mapping[str, Any]], cartesian: set[bool]) -> Iterator[list[Any]]:
    for shell in shells:
        momenta = [int(momentum) for momentum in _entry(shell, "angular_momentum")]
        exponents = _numbers(_entry(shell, "exponents"), "exponents")
        rows = [_numbers(row, "coefficients") for row in _entry(shell, "coefficients")]
        if any(len(row) != len(exponents) for row in rows) or (len(momenta) > 1 and len(rows) != len(momenta)):
            raise _mistake("have as many coefficients as exponents in each contraction, but has other numbers")
        if max(momenta) > 1:
            cartesian.add(shell.get("harmonic_type") == "cartesian")
        groups = (
            [(momenta[0], rows)] if len(momenta) == 1 else [(l, [row]) for l, row in zip(momenta, rows, strict=True)]
        )
        for momentum, columns in groups:
            yield [momentum, *np.stack([exponents, *columns], axis=1).tolist()]


def _energy(record: Mapping[str, Any]) -> float:
    properties = record.get("properties")
    for key in ("scf_total_energy", "return_energy"):
        if isinstance(properties, Mapping) and properties.get(key) is not None:
            return float(_numbers(properties[key], f"properties.{key}")[0])
    raise _mistake("hold properties.scf_total_energy, with which its orbitals are checked, but has none")


# ---------------------------------------------------------------------------------------------------------------------
# Orders of the functions in a shell


def _orbitals(wavefunction: Mapping[str, Any], spin: str, mol: Any) -> FloatArray:
    """Return the orbitals (n_ao, n_mo) of a spin in PySCF's order of functions."""
    key = f"scf_orbitals_{spin}"
    name = _entry(wavefunction, key)
    values = _numbers(wavefunction[name] if isinstance(name, str) else name, f"wavefunction.{key}")
    n_ao = int(mol.nao)
    if len(values) == 0 or len(values) % n_ao or len(values) > n_ao**2:
        raise _mistake(f"have {n_ao} rows in wavefunction.{key}, but has {len(values)} numbers")
    table, overlap = values.reshape(n_ao, -1), mol.intor("int1e_ovlp")
    deviations = []
    for order, scale in _orders(mol, overlap):
        ours = np.empty_like(table)
        ours[order] = table
        ours *= scale[:, None]
        deviations.append(float(np.abs(ours.T @ overlap @ ours - np.eye(table.shape[1])).max()))
        if deviations[-1] < _ORTHONORMAL:
            return ours
    raise _mistake(
        f"have orthonormal orbitals in wavefunction.{key}, in one of the known orders of functions, but they deviate "
        f"by {min(deviations):.2g}"
    )


def _orders(mol: Any, overlap: FloatArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield PySCF's places of a program's functions, and factors, for each order that is in use.

    PySCF's order (x, y, z; m = -l ... l) is first, then m = -l ... l for p functions, too (the standard of QCSchema),
    then m = 0, 1, -1, 2, -2 ... (Psi4, Gaussian). Cartesian functions are in alphabetical order, each normalized
    or as in PySCF.
    """
    ones, normalized = np.ones(len(overlap)), 1.0 / np.sqrt(np.diag(overlap))
    plain = np.arange(len(overlap))
    yield plain, ones
    if mol.cart:
        yield plain, normalized
        return
    for alternating in (False, True):
        places, first = [], 0
        for shell in range(int(mol.nbas)):
            l = int(mol.bas_angular(shell))
            own = {1: 0, -1: 1, 0: 2} if l == 1 else {m: m + l for m in range(-l, l + 1)}
            for _ in range(int(mol.bas_nctr(shell))):
                order = sorted(own, key=lambda m: (abs(m), -m)) if alternating else range(-l, l + 1)
                places += [first + own[m] for m in order]
                first += 2 * l + 1
        yield np.array(places), ones
