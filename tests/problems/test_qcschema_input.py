"""Results in QCSchema, written here from PySCF's numbers as the standard says."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from pyscf import gto, mcscf, scf

import qvar
from qvar.errors import QvarError

LETTERS = "spdf"


def center(mol, symbol):
    shells = [
        {
            "harmonic_type": "cartesian" if mol.cart else "spherical",
            "angular_momentum": [shell[0]],
            "exponents": [str(row[0]) for row in shell[1:]],  # the standard allows texts
            "coefficients": np.array(shell[1:])[:, 1:].T.tolist(),
        }
        for shell in mol._basis[symbol]
    ]
    return {"electron_shells": shells, "ecp_electrons": 0}


def places(mol, order):
    """Return PySCF's place of each function in an order of m, by its labels."""
    names = {"x": 1, "y": -1, "z": 0}
    found, groups = [], {}
    for at, (atom, _, shell, part) in enumerate(mol.ao_labels(fmt=None)):
        groups.setdefault((atom, shell), []).append((at, part))
    for (_, shell), members in groups.items():
        l = LETTERS.index(shell[-1])
        by_m = {names[part] if l == 1 else k - l: at for k, (at, part) in enumerate(members)}
        found += [by_m[m] for m in order(l)]
    return found


ORDERS = {
    "PySCF": None,
    "standard": lambda l: range(-l, l + 1),
    "Psi4": lambda l: [0, *(s * m for m in range(1, l + 1) for s in (1, -1))],
}


def schema(field, order="PySCF"):
    mol = field.mol
    tables = np.asarray(field.mo_coeff)
    tables = tables if tables.ndim == 3 else tables[None]
    if ORDERS[order] is not None:
        tables = tables[:, places(mol, ORDERS[order])]
    symbols = [mol.atom_pure_symbol(k) for k in range(mol.natm)]
    wavefunction = {
        "restricted": len(tables) == 1,
        "basis": {
            "name": "custom",
            "center_data": {f"b_{symbol}": center(mol, symbol) for symbol in set(symbols)},
            "atom_map": [f"b_{symbol}" for symbol in symbols],
        },
    }
    for spin, table in zip("ab", tables, strict=False):
        wavefunction |= {f"orbitals_{spin}": f"scf_orbitals_{spin}", f"scf_orbitals_{spin}": table.ravel().tolist()}
    return {
        "schema_name": "qcschema_output",
        "success": True,
        "molecule": {
            "symbols": symbols,
            "geometry": mol.atom_coords().ravel().tolist(),
            "molecular_charge": float(mol.charge),
            "molecular_multiplicity": mol.spin + 1,
        },
        "model": {"method": "hf", "basis": "custom"},
        "properties": {"scf_total_energy": float(field.e_tot)},
        "wavefunction": wavefunction,
    }


def run(kind, atoms, basis, **more):
    field = kind(gto.M(atom=atoms, basis=basis, verbose=0, **more))
    field.conv_tol = 1e-12
    return field.run()


@pytest.fixture(scope="module")
def water():
    return run(scf.RHF, "O 0 0 0; H 0 0.8 0.6; H 0 -0.7 0.6", "6-31g*")


@pytest.mark.parametrize("order", ORDERS)
def test_orders_of_functions(water, order, tmp_path):
    path = tmp_path / "water.json"
    path.write_text(json.dumps(schema(water, order)))
    problem = qvar.from_qcschema(path, active_space=(4, 4))
    casci = mcscf.CASCI(water, 4, 4)
    casci.verbose = 0
    assert problem.exact_energy() == pytest.approx(casci.kernel()[0], abs=1e-8)
    assert problem.reference_energy == pytest.approx(water.e_tot, abs=1e-8)


def test_cartesian_functions_may_be_normalized():
    field = run(scf.RHF, "C 0 0 0; O 0 0 1.1", "6-31g*", cart=True)
    record = schema(field)
    expected = qvar.from_qcschema(record, active_space=(2, 2))
    norms = np.sqrt(np.diag(field.get_ovlp()))
    assert np.ptp(norms) > 0.1  # PySCF's d functions have several
    record["wavefunction"]["scf_orbitals_a"] = (norms[:, None] * field.mo_coeff).ravel().tolist()
    problem = qvar.from_qcschema(record, active_space=(2, 2))
    assert problem.exact_energy() == pytest.approx(expected.exact_energy(), abs=1e-9)
    assert problem.reference_energy == pytest.approx(field.e_tot, abs=1e-8)


def test_open_shells():
    for kind in (scf.ROHF, scf.UHF):
        field = run(kind, "O 0 0 0; O 0 0 1.2", "sto-3g", spin=2)
        problem = qvar.from_qcschema(schema(field, "Psi4"), active_space=(8, 6))
        expected = qvar.from_pyscf(field, active_space=(8, 6))
        assert (problem.n_alpha, problem.n_beta) == (5, 3)
        assert problem.exact_energy() == pytest.approx(expected.exact_energy(), abs=1e-8)


def test_a_result_without_a_wavefunction_is_a_molecule():
    record = schema(run(scf.RHF, "H 0 0 0; F 0 0 0.9", "sto-3g"))
    del record["wavefunction"]
    record["model"]["basis"] = "sto-3g"
    expected = qvar.molecule("H 0 0 0; F 0 0 0.9")
    assert qvar.from_qcschema(record).reference_energy == pytest.approx(expected.reference_energy, abs=1e-8)
    ghost = copy.deepcopy(record)
    ghost["molecule"] |= {"symbols": ["H", "F", "H"], "geometry": [*record["molecule"]["geometry"], 0, 0, 4.0]}
    ghost["molecule"]["real"] = [True, True, False]
    assert qvar.from_qcschema(ghost).n_qubits == 14


def edited(record, path, value):
    record = copy.deepcopy(record)
    *above, last = path.split(".")
    inner = record
    for key in above:
        inner = inner[key]
    inner[last] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("success", False, "succeeded"),
        ("molecule", None, "hold molecule, but has no molecule"),
        ("molecule.symbols", None, "has no molecule.symbols"),
        ("molecule.symbols", ["O", "H"], "2 symbols and 9 numbers"),
        ("molecule.symbols", ["O", "H", "Hx"], "atom symbol HX"),
        ("molecule.geometry", [0.0, "x"], "numbers in molecule.geometry"),
        ("molecule.geometry", [float("nan")] * 9, "finite numbers in molecule.geometry"),
        ("molecule.molecular_charge", 0.5, "molecule.molecular_charge, but it is 0.5"),
        ("molecule.molecular_multiplicity", 2, "spin 1"),
        ("wavefunction.scf_orbitals_a", [1.0, 2.0], "18 rows in wavefunction.scf_orbitals_a, but has 2 numbers"),
        ("wavefunction.scf_orbitals_a", [1.0] * 324, "orthonormal orbitals"),
        ("wavefunction.restricted", False, "has no scf_orbitals_b"),
        ("wavefunction.basis.atom_map", ["b_O"], "each of 3 atoms in atom_map, but has 1"),
        ("wavefunction.basis.atom_map", ["b_O", "b_H", "b_X"], "hold b_X"),
        ("properties", {}, "scf_total_energy"),
        ("properties.scf_total_energy", -70.0, "energy that is that of its orbitals"),
    ],
)
def test_a_mistake_is_one_sentence(water, path, value, words):
    with pytest.raises(QvarError, match=r"^`source` must") as caught:
        qvar.from_qcschema(edited(schema(water), path, value), active_space=(4, 4))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "words"), [("{", "a file of JSON"), ("[1]", "hold a dictionary"), (None, "be read")])
def test_a_broken_file(tmp_path, text, words):
    path = tmp_path / "result.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(QvarError, match=r"^`source` must .*" + words):
        qvar.from_qcschema(path)
