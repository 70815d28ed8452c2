from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import basis_set_exchange
import pytest
from pyscf import gto, scf
from pyscf.gto.basis import bse

from qvar.errors import QvarError
from qvar.problems.basis_input import element_basis, parse_basis
from qvar.problems.molecule import hydrogen_chain, molecule
from qvar.problems.scf import one_thread_without_files

H2 = "H 0 0 0; H 0 0 0.7414"
STO_3G_H = "H S\n3.42525091 0.15432897\n0.62391373 0.53532814\n0.16885540 0.44463454\n"
LI_AND_H = "Li S\n 0.5 1.0\n 0.1D0 0.3\nLI P\n 0.2 1.0\nh s\n 1.3d0 0.4 0.0\n .2 0.6 1.0\n"
LI_AND_H_SHELLS = {
    "Li": [[0, [0.5, 1.0], [0.1, 0.3]], [1, [0.2, 1.0]]],
    "H": [[0, [1.3, 0.4, 0.0], [0.2, 0.6, 1.0]]],
}


@dataclass
class Own:
    name: str
    shells: dict[str, list[list[Any]]]

    def pyscf(self) -> dict[str, list[list[Any]]]:
        return self.shells


def hartree_fock(atom, shells, spin=0, ecp=None):
    mol = gto.M(atom=atom, basis=shells, spin=spin, ecp=ecp or {}, verbose=0)
    with one_thread_without_files():
        return scf.ROHF(mol).run(conv_tol=1e-12).e_tot


def test_a_file_is_read_when_the_problem_is_made(tmp_path):
    path = tmp_path / "Mine.NW"
    path.write_text("# a comment\nBASIS SPHERICAL\n" + STO_3G_H + "END\n")
    expected = molecule(H2).exact_energy()
    for given in (path, str(path), f" {path} "):
        problem = molecule(H2, basis=given)
        assert problem.exact_energy() == pytest.approx(expected, abs=1e-7)
        assert problem.name == "H2 Mine"
        assert str(tmp_path) not in str(problem.description)
    chain = hydrogen_chain(2, bond=0.7414, basis=path)
    assert (chain.name, chain.description["basis"]) == ("H2 0.7414 Mine", problem.description["basis"])
    path.write_text(STO_3G_H.replace("0.16885540", "0.17"))
    changed = molecule(H2, basis=path)
    assert changed.description != problem.description
    assert abs(changed.exact_energy() - expected) > 1e-4


def test_an_object_with_shells():
    shells = element_basis(parse_basis(STO_3G_H), "H").shells
    problem = molecule(H2, basis=Own("my set", {"H": shells}))
    assert problem.name == "H2 my set"
    assert problem.exact_energy() == pytest.approx(molecule(H2).exact_energy(), abs=1e-7)
    assert problem.description == {**molecule(H2, basis=STO_3G_H).description, "basis": {"H": shells}}
    atom = "Li 0 0 0; H 0 0 1.6"
    mapped = molecule(atom, basis=Own("general", LI_AND_H_SHELLS))
    assert mapped.reference_energy == pytest.approx(hartree_fock(atom, LI_AND_H_SHELLS), abs=1e-9)


def test_every_element_of_a_text_has_its_own_shells():
    """PySCF alone gives all shells of such a text to both elements."""
    atom = "Li 0 0 0; H 0 0 1.6"
    problem = molecule(atom, basis=LI_AND_H)
    assert problem.n_qubits == 2 * (1 + 3 + 2)
    assert problem.reference_energy == pytest.approx(hartree_fock(atom, LI_AND_H_SHELLS), abs=1e-9)


def test_order_of_elements_and_comments_between_them_do_not_matter():
    text = "# all of it\nBASIS\n#BASIS SET: H\n" + STO_3G_H + "\n# END\n" + LI_AND_H.partition("h s")[0] + "END\n"
    given = parse_basis(text)
    assert len(element_basis(given, "Li").shells) == 2
    assert len(element_basis(given, "H").shells) == 1


@pytest.mark.parametrize("name", ["6-31g", "cc-pvdz"])
def test_texts_of_the_basis_set_exchange(name):
    text: Any = basis_set_exchange.get_basis(name, elements=["Li", "H"], fmt="nwchem")
    shells = bse._orbital_basis(basis_set_exchange.get_basis(name, elements=["Li", "H"]))[0]
    atom = "Li 0 0 0; H 0 0 1.6"
    found = molecule(atom, basis=text, active_space=(2, 2)).reference_energy
    assert found == pytest.approx(hartree_fock(atom, shells), abs=1e-9)


def test_core_potentials_of_a_text():
    atom = "Na 0 0 0; H 0 0 1.9"
    text: Any = basis_set_exchange.get_basis("lanl2dz", elements=["Na", "H"], fmt="nwchem")
    problem = molecule(atom, basis=text)
    assert problem.n_electrons == 2
    assert problem.reference_energy == pytest.approx(hartree_fock(atom, "lanl2dz", ecp={"Na": "lanl2dz"}), abs=1e-7)


def test_ghost_atoms_have_the_functions_of_a_text():
    atom = "H 0 0 0; ghost-H 0 0 1"
    given = molecule(atom, spin=1, basis=STO_3G_H)
    assert given.n_qubits == 4
    assert given.reference_energy == pytest.approx(molecule(atom, spin=1).reference_energy, abs=1e-7)
    mixed = molecule("Li 0 0 0; ghost-H 0 0 1.6", spin=1, basis=LI_AND_H)
    assert mixed.n_qubits == 2 * (1 + 3 + 2)


def test_names_stay_names():
    assert parse_basis(" STO-3G ") == ("sto-3g", "sto-3g")
    assert parse_basis("cc-pvdz").text is None
    assert parse_basis(STO_3G_H).text is not None


@pytest.mark.parametrize(
    ("basis", "sentence"),
    [
        ("none.nw", "`basis` must be an existing file of text, but is 'none.nw'."),
        (
            "/etc/hostname",
            "`basis` must be a basis set's name, or a file that ends with .nw or .gbs, but is '/etc/hostname'.",
        ),
        (
            Own,
            "`basis` must be the name of a basis set, a file that ends with .nw or .gbs, or a fitted basis set, "
            "but is the class Own.",
        ),
        (STO_3G_H, "`basis` must be a basis set that has shells for Li, but is 'custom basis'."),
        (Own("mine", {"H": [[0, [1.0, 1.0]]]}), "`basis` must be a basis set that has shells for Li, but is 'mine'."),
        ("sto-3g-x", "`basis` must be a basis set that has shells for Li, but is 'sto-3g-x'."),
        (
            "Li S\n 1.0\n",
            "`basis` must have an exponent and a coefficient in each line of this shell, "
            "but line 2 of 'custom basis' is '1.0'.",
        ),
        ("Li S\n 1.0 x\n", "`basis` must be in NWChem's format, but line 2 of 'custom basis' is '1.0 x'."),
        (
            "Li S\n -1 1\n",
            "`basis` must have positive exponents, from 1e-08 to 1e+12 and not -1, "
            "but line 1 of 'custom basis' is 'Li S'.",
        ),
        ("Li S\n 1 nan\n", "`basis` must be in NWChem's format, but line 2 of 'custom basis' is '1 nan'."),
        (
            "Li X\n 1 1\n",
            "`basis` must have shells S, P, D, F, G, H, I, K, SP or L, which is SP, "
            "but line 1 of 'custom basis' is 'Li X'.",
        ),
        ("Li\n 1 1\n", "`basis` must be in Gaussian's format, but line 2 of 'custom basis' is '1 1'."),
        ("1.0 1.0\n1 1\n", "`basis` must be in NWChem's format, but line 1 of 'custom basis' is '1.0 1.0'."),
        (
            "Li S\n (exit(), 1)\n",
            "`basis` must be in NWChem's format, but line 2 of 'custom basis' is '(exit(), 1)'.",
        ),
        (
            Own("mine", {"Li": [[0, [-1.0, 1.0]]]}),
            "`basis` must have positive exponents, from 1e-08 to 1e+12 and not -1, but 'mine' does not.",
        ),
        (
            Own("mine", {"Li": [[0, [1.0, 1.0]], [0, [1.0, 2.0]]]}),
            "`basis` must have every function of Li once, but 'mine' does not.",
        ),
        (
            Own("mine", {"Li": [[0, [1.0, float("nan")]]]}),
            "`basis` must have in each function a coefficient from 1e-20 to 1e+20, but 'mine' does not.",
        ),
        (
            "Li S\n 1 1\nEND\nECP\nLi nelec 2\nLi ul\n 2.5 1.0 3.0\nEND\n",
            "`basis` must have a power of r from 0 to 6, an exponent and a coefficient here, "
            "but line 7 of 'custom basis' is '2.5 1.0 3.0'.",
        ),
        (
            "Li S\n 1 1\n",
            "`basis` must have an orbital for each of the 2 spin-up electrons, "
            "but 'custom basis' has 1 on these atoms.",
        ),
    ],
)
def test_mistakes(basis, sentence):
    with pytest.raises(QvarError) as caught:
        inspect.unwrap(molecule)("Li 0 0 0", basis=basis, spin=1)  # as users have it, without hook
    assert str(caught.value) == sentence


def test_general_contractions_keep_their_columns():
    shells = element_basis(parse_basis(LI_AND_H), "H").shells
    assert shells == LI_AND_H_SHELLS["H"]
