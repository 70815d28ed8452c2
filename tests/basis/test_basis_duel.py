"""Comparisons of basis sets: known energies, PySCF as the oracle of baselines, rows of what fails, resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import qvar
from qvar import basis
from qvar.basis.baselines import (
    HARTREE_FOCK_LIMITS,
    UNCONTRACTED,
    Baseline,
    casscf_baseline,
    n_numbers,
    primitives,
    published_set,
    sets_of_size,
)
from qvar.basis.basis_duel import BasisDuel
from qvar.records.run_tables import ledger_from
from qvar.records.schema import TIME_COLUMNS, column_types
from qvar.task import Row

H = basis.Target("H 0 0 0", spin=1)
H2 = basis.Target("H 0 0 0; H 0 0 0.7414")


def rows_of(study: BasisDuel) -> list[Row]:
    return [row for task in study.tasks() for row in task.run(lambda _: None)]


def pyscf_energy(atom: str, basis_set: Any, spin: int = 0, method: str = "rhf") -> float:
    from pyscf import gto, scf

    mol = gto.M(atom=atom, basis=basis_set, spin=spin, verbose=0)
    field = scf.ROHF(mol) if method == "rohf" else scf.RHF(mol)
    field.conv_tol = 1e-12
    return float(field.kernel())


# ---------------------------------------------------------------------------------------------------------------------
# What is found


def test_hydrogen_in_one_to_four_free_gaussians() -> None:
    forms = [basis.free("H", s=n) for n in (1, 2, 3, 4)]
    ledger = ledger_from(rows_of(BasisDuel(H, forms, seeds=1, reference=-0.5, staged=False)))
    exact = [-4 / (3 * np.pi), -0.4858127166, -0.4969792527, -0.4992784057]
    np.testing.assert_allclose(ledger["value"], exact, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ledger["error"], np.array(exact) + 0.5, rtol=0, atol=1e-9)
    assert set(ledger["status"]) == {"converged"}
    assert list(ledger["contender"]) == ["free 1s", "free 2s", "free 3s", "free 4s"]
    assert list(ledger["n_params"]) == list(ledger["n_primitives"]) == list(ledger["n_functions"]) == [1, 2, 3, 4]
    assert list(ledger["n_numbers"]) == [1, 2, 3, 4]
    assert list(ledger["n_qubits"]) == [2, 4, 6, 8]
    assert np.abs(ledger["virial_ratio"] - 2).max() < 1e-6
    assert ledger["spherical"].all()
    assert ledger["condition_number"].iloc[0] == pytest.approx(1)
    assert ledger["smallest_ratio"].isna().tolist() == [True, False, False, False]
    assert (ledger["final_gradient_norm"] < 1e-6).all()
    assert set(ledger.columns) <= set(column_types(BasisDuel.columns))
    alpha = json.loads(ledger["exponents"].iloc[0])["H s"]
    assert alpha == pytest.approx([8 / (9 * np.pi)], abs=1e-6)  # the best single Gaussian
    for n, text in zip((1, 2, 3, 4), ledger["basis_set"], strict=True):  # without qvar
        assert pyscf_energy("H", {"H": text}, 1, "rohf") == pytest.approx(exact[n - 1], abs=1e-9)


def test_neon_in_8s4p() -> None:
    study = BasisDuel(
        basis.Target("Ne 0 0 0"), [basis.free("Ne", s=8, p=4)], seeds=1, reference=HARTREE_FOCK_LIMITS["Ne"],
        staged=False,
    )  # fmt: skip
    (row,) = rows_of(study)
    assert row["status"] == "converged"
    assert row["value"] == pytest.approx(-128.48170729, abs=1e-7)
    assert row["error"] == pytest.approx(128.5470981 - 128.48170729, abs=1e-7)
    assert (row["n_primitives"], row["n_functions"], row["n_qubits"], row["n_params"]) == (12, 20, 40, 12)
    assert row["condition_number"] < 1e6
    assert row["energy_evaluations"] == row["gradient_evaluations"] == row["trace_evaluations"][-1]
    assert row["trace_value"][-1] == row["value"]
    assert row["initial_gradient_norm"] == row["trace_gradient_norm"][0]


def test_a_singular_extrapolation_does_not_end_a_start() -> None:
    """On the way from this start the line search tries exponents at which PySCF's DIIS equations are singular."""
    target = basis.Target("H 0 0 0; H 0 0 0.7414", theory="fci")
    study = BasisDuel(target, [basis.even_tempered("H", s=3)], seeds=2)
    rows = rows_of(study)
    assert [row["status"] for row in rows] == ["converged", "converged"]
    assert rows[0]["value"] == pytest.approx(rows[1]["value"], abs=1e-9)


def test_the_limits_lie_below_large_sets_and_close() -> None:
    """Uncontracted even-tempered sets, in s alone for atoms without p electrons."""
    for element, spin in (("H", 1), ("He", 0), ("Li", 1), ("Be", 0)):
        shells = [[0, [0.02 * 1.9**k, 1.0]] for k in range(26)]
        energy = pyscf_energy(element, {element: shells}, spin, "rohf" if spin else "rhf")
        assert 0 < energy - HARTREE_FOCK_LIMITS[element] < 1e-6


# ---------------------------------------------------------------------------------------------------------------------
# Baselines


@pytest.mark.parametrize("name", ["STO-3G", "6-31G", "cc-pVDZ"])
def test_published_sets_as_pyscf_has_them(name: str) -> None:
    from pyscf import gto

    study = BasisDuel(H2, [basis.free("H", s=1)], seeds=1, baselines=[name, name + UNCONTRACTED], reference=-1.1336)
    contracted, single = (task.run(lambda _: None)[0] for task in study.tasks()[1:])
    assert (contracted["contender"], contracted["family"], contracted["status"]) == (name, "published", "measured")
    assert contracted["value"] == pytest.approx(pyscf_energy(study.target.geometry.text, name), abs=1e-8)
    assert contracted["error"] == pytest.approx(contracted["value"] + 1.1336)
    mol = gto.M(atom=study.target.geometry.text, basis=name, verbose=0)
    assert (contracted["n_functions"], contracted["n_qubits"], contracted["n_params"]) == (mol.nao, 2 * mol.nao, 0)
    exponents = {"H": gto.uncontract(gto.load(name, "H"))}
    assert single["value"] == pytest.approx(pyscf_energy(study.target.geometry.text, exponents), abs=1e-8)
    if name != "cc-pVDZ":  # whose functions PySCF has in another combination
        overlap = np.linalg.eigvalsh(mol.intor("int1e_ovlp"))
        assert contracted["condition_number"] == pytest.approx(overlap[-1] / overlap[0], rel=1e-6)


def test_sizes_of_published_sets() -> None:
    """6-31G of neon: 6s in one contraction, 3 sp exponents in two, 1 sp exponent alone."""
    found = published_set("6-31G", ["Ne"])
    assert len(primitives(found)) == 6 + 2 * 3 + 2 * 1
    assert n_numbers(found) == (6 + 3 + 1) + (5 + 2 + 2)
    assert found.n_functions("Ne") == 3 + 2 * 3
    alone = published_set("6-31G" + UNCONTRACTED, ["Ne"])
    assert (len(primitives(alone)), n_numbers(alone), alone.n_functions("Ne")) == (14, 10, 10 + 3 * 4)
    # cc-pVDZ of hydrogen: 4s contracted to 2, which share no function, and 1p
    assert len(primitives(published_set("cc-pVDZ", ["H"]))) == 4 + 1


def test_baselines_of_equal_size() -> None:
    three = sets_of_size(basis.free("H", s=3))
    assert three[:2] == ("STO-3G", "STO-3G uncontracted")
    for name in three:
        found = published_set(name, ["H"])
        assert {l for _, l, _ in primitives(found)} == {0}
    neon = sets_of_size(basis.free("Ne", s=8, p=4), names=("STO-3G", "4-31G", "cc-pVQZ", "6-311G*"))
    assert neon == ("4-31G", "4-31G uncontracted", "STO-3G", "STO-3G uncontracted", "6-311G*")
    assert sets_of_size(basis.free("Xe", s=3), names=("4-31G",)) == ()


def test_casscf_at_equal_qubits() -> None:
    from pyscf import gto, mcscf, scf

    target = basis.Target("H 0 0 0; H 0 0 1.2", theory="fci")
    baseline = casscf_baseline(target, 2, basis="cc-pVDZ")
    field = scf.RHF(gto.M(atom="H 0 0 0; H 0 0 1.2", basis="cc-pvdz", verbose=0)).run()
    assert baseline.energy == pytest.approx(mcscf.CASSCF(field, 2, 2).run().e_tot, abs=1e-7)
    assert (baseline.name, baseline.n_qubits) == ("CASSCF(2,2)/cc-pVDZ", 4)
    study = BasisDuel(target, [basis.sto_ng("H")], seeds=1, baselines=[baseline])
    fitted, large = rows_of(study)
    assert (fitted["n_qubits"], large["n_qubits"]) == (4, 4)
    assert large["value"] < fitted["value"]
    assert fitted["error"] is None  # no limit was given
    with pytest.raises(qvar.QvarError, match=r"^`n_orbitals` must be at most the 10 that cc-pVDZ has, but is 11\.$"):
        casscf_baseline(target, 11, basis="cc-pVDZ")
    with pytest.raises(qvar.QvarError, match=r"^`target` must be a single molecule for CASSCF, but is"):
        casscf_baseline(basis.Target([target, H]), 2)


def test_atoms_that_are_not_spherical() -> None:
    found = {}
    for element, spin in (("N", 3), ("O", 2)):
        target = basis.Target(f"{element} 0 0 0", spin=spin)
        study = BasisDuel(target, [basis.legendre(element, terms=1, s=2, p=1)], seeds=1, baselines=["STO-3G"])
        found[element] = study.tasks()[1].run(lambda _: None)[0]["spherical"]
    assert found == {"N": True, "O": False}
    study = BasisDuel(H2, [basis.free("H", s=1)], seeds=1, baselines=["STO-3G"])
    assert study.tasks()[1].run(lambda _: None)[0]["spherical"] is None


def test_differences_and_conditioning_are_summed_as_the_target_does() -> None:
    """Binding energy of H2, with a price on dependence: PySCF's energies, weighted."""
    from pyscf import gto

    atom = basis.Target("H 0 0 0", spin=1, conditioning=0.01)
    target = basis.Target([H2, atom], weights=[1.0, -2.0])
    study = BasisDuel(target, [basis.free("H", s=2)], seeds=1, baselines=["6-31G"])
    row = study.tasks()[1].run(lambda _: None)[0]
    overlap = np.linalg.eigvalsh(gto.M(atom="H 0 0 0", basis="6-31g", spin=1, verbose=0).intor("int1e_ovlp"))
    price = 0.01 * np.log(overlap[-1] / overlap[0])
    single = pyscf_energy("H 0 0 0", "6-31g", 1, "rohf")
    assert row["value"] == pytest.approx(pyscf_energy(H2.geometry.text, "6-31g") - 2 * (single + price), abs=1e-7)
    assert row["n_functions"] == 4  # of the largest molecule


# ---------------------------------------------------------------------------------------------------------------------
# Molecules that were not fitted


def test_transfer() -> None:
    from pyscf import gto

    long = basis.Target("H 0 0 0; H 0 0 1.4")
    study = BasisDuel(
        H, [basis.free("H", s=2)], seeds=1, baselines=["STO-3G"], transfer={"short": H2, "long": long},
        large="cc-pVDZ", staged=False,
    )  # fmt: skip
    fitted, published = rows_of(study)
    for row, own in ((fitted, {"H": gto.parse(fitted["basis_set"], "H")}), (published, "sto-3g")):
        transfer = json.loads(row["transfer"])
        assert list(transfer) == ["short", "long"]
        for name, target in (("short", H2), ("long", long)):
            energy = pyscf_energy(target.geometry.text, own)
            large = pyscf_energy(target.geometry.text, "cc-pvdz")
            assert transfer[name]["energy"] == pytest.approx(energy, abs=1e-8)
            assert transfer[name]["error"] == pytest.approx(energy - large, abs=1e-8)
            assert transfer[name]["set"] == "cc-pVDZ"
    unnamed = BasisDuel(H, [basis.free("H", s=2)], transfer=[H2, long])
    assert [json.loads(row["transfer"]).keys() for row in [unnamed.tasks()[0].run(lambda _: None)[0]]] == [
        {"H2 rhf", "H2 rhf (2)"}
    ]


# ---------------------------------------------------------------------------------------------------------------------
# What fails


def test_what_fails_is_a_row() -> None:
    def unsolved(mol: Any) -> Any:
        raise basis.UnsolvedError("`geometry` must allow it, but nothing does.")

    target = basis.Target("H 0 0 0", theory=basis.Solver("never", unsolved, "never"), spin=1)
    study = BasisDuel(target, [basis.free("H", s=1)], seeds=2, baselines=["STO-3G"], reference=-0.5)
    rows = rows_of(study)
    assert [row["status"] for row in rows] == ["not_finite", "not_finite", "failed"]
    assert all("nothing does" in row["message"] for row in rows)
    assert all(row.get("value") is None for row in rows)
    assert rows[1]["seed"] == 1
    ledger_from(rows)

    def broken(mol: Any) -> Any:
        raise RuntimeError("out of order")

    target = basis.Target("H 0 0 0", theory=basis.Solver("broken", broken, "broken"), spin=1)
    rows = rows_of(BasisDuel(target, [basis.free("H", s=1)], seeds=1, baselines=["STO-3G"]))
    assert [row["status"] for row in rows] == ["failed", "failed"]
    assert "RuntimeError: out of order" in rows[1]["message"]


def test_a_molecule_that_cannot_be_computed_leaves_a_message() -> None:
    def unsolved(mol: Any) -> Any:
        raise basis.UnsolvedError("`geometry` must allow it, but nothing does.")

    other = basis.Target("H 0 0 0", theory=basis.Solver("never", unsolved, "never"), spin=1)
    study = BasisDuel(H, [basis.free("H", s=1)], seeds=1, transfer={"never": other})
    (row,) = rows_of(study)
    assert row["status"] == "converged"
    assert json.loads(row["transfer"]) == {"never": {"energy": None, "error": None, "set": "cc-pVQZ"}}
    assert row["message"] == "never: UnsolvedError: `geometry` must allow it, but nothing does."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seeds": 0}, "`seeds` must be at least 1, but is 0."),
        ({"forms": []}, "`forms` must hold at least one form, but is []."),
        ({"forms": [basis.free("He", s=2)]}, "`basis` must have shells for H, but"),
        ({"forms": [basis.free("H", s=2)] * 2}, "`forms` and `baselines` must have different names, but 'free 2s'"),
        ({"baselines": ["sto-17g"]}, "`basis` must be a set of the Basis Set Exchange that has H, but is 'sto-17g'."),
        ({"transfer": [basis.Target("He 0 0 0")]}, "`forms` must have all of H, He, but is 'free 2s'."),
        ({"transfer": [H2], "large": "sto-17g"}, "`basis` must be a set of the Basis Set Exchange that has H, but"),
        ({"reference": float("nan")}, "`reference` must be finite, but is nan."),
    ],
)
def test_mistakes(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        BasisDuel(**{"target": H, "forms": [basis.free("H", s=2)], **change})
    assert str(caught.value).startswith(sentence)


# ---------------------------------------------------------------------------------------------------------------------
# Tasks


def study(**changes: Any) -> BasisDuel:
    forms = [basis.even_tempered("H", s=3, ratio=1.4), basis.free("H", s=3)]
    return BasisDuel(**{"target": H, "forms": forms, "seeds": 2, "baselines": ["STO-3G"], "reference": -0.5, **changes})


def test_tasks_and_their_keys() -> None:
    tasks = study().tasks()
    assert [task.label for task in tasks] == [
        "even-tempered 3s, start 0", "even-tempered 3s, start 1", "free 3s, start 0", "free 3s, start 1", "STO-3G",
    ]  # fmt: skip
    keys = [task.key for task in tasks]
    assert keys == [task.key for task in study().tasks()]
    assert len(set(keys)) == 5
    fits = {"seed": 1, "staged": False, "budget": qvar.Budget(gradients=7), "method": qvar.adam()}
    for name, value in {**fits, "reference": None, "target": basis.Target("H 0 0 0", theory="uhf", spin=1)}.items():
        other = [task.key for task in study(**{name: value}).tasks()]
        assert not set(keys[:4]) & set(other)
        assert (keys[4] == other[4]) == (name in fits)
    more = [task.key for task in study(seeds=3).tasks()]
    assert set(keys) < set(more)  # another start leaves the others as they are


def test_stages_that_forms_share_are_compiled_once() -> None:
    """The free form comes by way of the even-tempered one of the same smallest ratio."""
    mine = study()
    first, second = mine._staged_fit(0), mine._staged_fit(1)
    assert first.objectives[0] is second.objectives[0]
    assert mine._staged_fit(0) is first
    # another start is another form
    other = basis.even_tempered("H", s=3, ratio=1.4).starting([0.0, 0.0])
    moved = study(forms=[other, basis.free("H", s=3)])
    assert moved._staged_fit(0).objectives[0] is not moved._staged_fit(1).objectives[0]


def test_starts_are_those_of_a_fit() -> None:
    fitted = basis.fit(basis.free("H", s=2), H, n_starts=2, key=jax.random.key(3), staged=False)
    rows = rows_of(BasisDuel(H, [basis.free("H", s=2)], seeds=2, seed=3, staged=False))
    assert [row["value"] for row in rows] == [one.value for one in fitted.starts]
    assert [row["trace_value"][0] for row in rows] == [one.trace.value[0] for one in fitted.starts]


@pytest.mark.usefixtures("without_pages")
def test_killed_between_tasks_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qvar.basis import basis_duel

    def short() -> BasisDuel:
        return study(forms=[basis.free("H", s=2)], seeds=4, staged=False)

    whole = qvar.run(short(), tmp_path / "whole", progress=False)
    real, done = basis_duel._fit, []

    def killed(*arguments: Any) -> list[Row]:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(arguments)
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(basis_duel, "_fit", killed)
        with pytest.raises(KeyboardInterrupt):
            qvar.run(short(), tmp_path / "broken", progress=False)
    assert len(list((tmp_path / "broken" / "tasks").glob("*.parquet"))) == 3
    resumed = qvar.run(short(), tmp_path / "broken", resume=True, progress=False)
    times = [column for column in TIME_COLUMNS if column in whole]
    pd.testing.assert_frame_equal(resumed.drop(columns=times), whole.drop(columns=times), check_exact=True)


def test_references() -> None:
    law = basis.legendre("H", terms=2, s=3)
    assert {"sun2020", "petersson2003", "liu1989"} <= set(BasisDuel(H, [law]).citations)
    assert "pritchard2019" not in BasisDuel(H, [law]).citations
    assert {"schmidt1979", "pritchard2019"} <= set(study().citations)
    assert "bunge1992" in study().citations
    assert "bunge1992" not in study(reference=-0.4999).citations
    solver = basis.Solver("own", lambda mol: None, "own", ("peruzzo2014",))
    target = basis.Target("H 0 0 0", theory=solver, spin=1)
    assert "peruzzo2014" in BasisDuel(target, [law]).citations


def test_baselines_may_be_any_energy() -> None:
    other = Baseline("UHF/6-31G", basis.Target("H 0 0 0", theory="uhf", spin=1), published_set("6-31G", ["H"]))
    row = BasisDuel(H, [basis.free("H", s=1)], baselines=[other], seeds=1).tasks()[1].run(lambda _: None)[0]
    assert (row["contender"], row["value"]) == ("UHF/6-31G", pytest.approx(other.energy))
