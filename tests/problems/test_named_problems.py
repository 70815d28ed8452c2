from __future__ import annotations

import pytest

import qvar
from qvar.errors import QvarError
from qvar.problems.molecule import molecule
from qvar.problems.named_problems import PROBLEMS, named, title_of

FCI = {"h2": -1.1372701747, "h4": -2.1663874486, "h6": -3.2360662799, "lih": -7.8827618487, "beh2": -15.5951768689}
QUBITS = {"h2": 4, "h4": 8, "h6": 12, "lih": 12, "beh2": 14, "h2o": 12, "n2": 20}
ELECTRONS = {"h2": 2, "h4": 4, "h6": 6, "lih": 4, "beh2": 6, "h2o": 8, "n2": 14}


@pytest.mark.parametrize("name", list(FCI))
def test_molecules_have_their_published_energies(name: str) -> None:
    assert named(name).exact_energy() == pytest.approx(FCI[name], abs=1e-8)


def test_water_is_the_usual_one_with_its_core_frozen() -> None:
    water = named("h2o")
    assert water.reference_energy == pytest.approx(-74.9631198616, abs=1e-7)  # freezing does not change Hartree-Fock
    assert water.exact_energy() > -75.0127593131  # all electrons correlated
    assert water.description["frozen"] == [0]


@pytest.mark.parametrize("name", list(QUBITS))
def test_size_and_default_bond(name: str) -> None:
    problem, entry = named(name), next(entry for entry in PROBLEMS if entry.name == name)
    assert (problem.n_qubits, problem.n_electrons) == (QUBITS[name], ELECTRONS[name])
    assert entry.bond is not None
    assert named(name, bond=entry.bond).reference_energy == problem.reference_energy
    assert repr(entry.bond) in problem.name


def test_bond_stretches_all_bonds() -> None:
    assert named("h4", bond=1.5).exact_energy() == pytest.approx(-1.9961503255, abs=1e-8)
    assert named("LiH", bond=1.595).exact_energy() == pytest.approx(-7.8824019323, abs=1e-8)
    stretched = qvar.molecule("O; H 1 1.2; H 1 1.2 2 104.45", frozen=[0])
    assert named("h2o", bond=1.2).reference_energy == pytest.approx(stretched.reference_energy, abs=1e-10)
    beryllium = qvar.molecule("H 0 0 0; Be 0 0 1.5; H 0 0 3.0")
    assert named("beh2", bond=1.5).reference_energy == pytest.approx(beryllium.reference_energy, abs=1e-8)


def test_a_basis_set_and_an_active_space_are_chosen() -> None:
    nitrogen = named("n2", active_space=(6, 6))
    assert (nitrogen.n_qubits, nitrogen.n_electrons, nitrogen.name) == (12, 6, "N2 1.0977 sto-3g (6e,6o)")
    hydrogen = named("h2", basis="6-31g")
    assert hydrogen.exact_energy() == pytest.approx(molecule("H 0 0 0; H 0 0 0.7414", basis="6-31g").exact_energy())
    assert (hydrogen.name, named("h4", active_space=(4, 4)).name) == ("H2 0.7414 6-31g", "H4 1.0 sto-3g")
    assert named("h2o").name == "H2O 0.9584 sto-3g (8e,6o)"
    assert named("h2o", active_space=(4, 4)).n_electrons == 4
    for choice in ({"basis": "6-31g"}, {"active_space": (2, 2)}):
        with pytest.raises(QvarError, match=r"^`(basis|active_space)` must be left out for the lattice tfim, but is"):
            named("tfim", **choice)
    assert title_of("beh2", 1.3264, "sto-3g") == "BeH2, 1.3264 angstrom, sto-3g"


def test_lattices() -> None:
    assert named("tfim").exact_energy() == pytest.approx(-7.7274066103, abs=1e-9)  # -2 / sin(pi / 12)
    assert named("heisenberg").exact_energy() == pytest.approx(-11.211102551, abs=1e-8)
    assert (named("xxz").n_qubits, named("xxz").description["delta"]) == (6, 0.5)
    assert (named("hubbard").n_qubits, named("hubbard").n_electrons) == (8, 4)


@pytest.mark.parametrize(
    ("name", "bond", "sentence"),
    [
        ("lhi", None, "`lhi` is not a problem that qvar knows; did you mean `lih`?"),
        (
            "water",
            None,
            "`water` is not a problem that qvar knows; it knows h2, h4, h6, lih, beh2, h2o, n2, tfim, xxz, heisenberg, "
            "hubbard.",
        ),
        ("tfim", 1.0, "`bond` must be left out for the lattice tfim, but is 1.0."),
        ("h2", -1.0, "`bond` must be positive, but is -1.0."),
        ("n2", float("nan"), "`bond` must be finite, but is nan."),
    ],
)
def test_mistakes_are_told_in_a_sentence(name: str, bond: float | None, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        named(name, bond=bond)
    assert str(caught.value) == sentence


def test_a_saddle_is_followed_on_request():
    found, stable = named("n2", bond=2.0), named("n2", bond=2.0, stable=True)
    assert found.stability.is_saddle
    assert not stable.stability.is_saddle
    assert stable.reference_energy == molecule("N 0 0 0; N 0 0 2.0", stable=True).reference_energy
    with pytest.raises(QvarError, match=r"^`stable` must be left out for the lattice tfim, but is True\.$"):
        named("tfim", stable=True)
