from __future__ import annotations

import numpy as np
import pytest
from pyscf import gto

from qvar.basis.formats import nwchem
from qvar.basis.shells import BasisSet, Shell, angular_momentum, basis_set, blocks, segments
from qvar.errors import QvarError
from qvar.problems.basis_builder import primitive_overlaps

EXPONENTS = np.array([8.0, 1.5, 0.3])
CONTRACTED = np.array([[0.2, 0.0], [0.7, 0.3], [0.4, -0.9]])


def molecule(basis: BasisSet, atom: str):
    return gto.M(atom=atom, basis=basis.pyscf(), spin=None, verbose=0)


@pytest.mark.parametrize("l", range(7))
def test_overlaps_of_primitives_are_those_of_the_integrals(l):
    shell = Shell(l, EXPONENTS, np.eye(3))
    overlap = molecule(BasisSet({"He": (shell,)}), "He").intor("int1e_ovlp")
    # functions of one m: every (2l+1)-th
    np.testing.assert_allclose(
        primitive_overlaps(l, shell.exponents, shell.exponents), overlap[:: 2 * l + 1, :: 2 * l + 1], atol=1e-14
    )


@pytest.mark.parametrize("l", [0, 1, 2])
def test_norms_are_those_of_unnormalised_sums_of_normalised_primitives(l):
    shell = Shell(l, EXPONENTS, CONTRACTED)
    primitives = molecule(BasisSet({"He": (Shell(l, EXPONENTS, np.eye(3)),)}), "He").intor("int1e_ovlp")
    one_m = primitives[:: 2 * l + 1, :: 2 * l + 1]
    np.testing.assert_allclose(shell.norms**2, np.diag(CONTRACTED.T @ one_m @ CONTRACTED), rtol=1e-13)


def test_pyscf_takes_the_set_in_the_convention_of_published_ones():
    """Coefficients multiply normalised primitives, and the sum is normalised."""
    published = gto.M(atom="Ne", basis="sto-3g", verbose=0)
    shells = [
        ("Ne", Shell(l, np.array(rows)[:, 0], np.array(rows)[:, 1:])) for l, *rows in gto.basis.load("sto-3g", "Ne")
    ]
    own = molecule(basis_set(shells), "Ne")
    for integral in ("int1e_ovlp", "int1e_kin", "int1e_nuc"):
        np.testing.assert_array_equal(own.intor(integral), published.intor(integral))
    np.testing.assert_allclose(np.diag(own.intor("int1e_ovlp")), 1.0, atol=1e-14)


def test_counts():
    basis = basis_set(
        [("Ne", Shell(2, np.array([1.0]), np.eye(1))), ("Ne", Shell(0, EXPONENTS, CONTRACTED))], name="mine"
    )
    assert [shell.l for shell in basis.of("Ne")] == [0, 2]
    assert basis.n_primitives("Ne") == 4
    assert basis.n_functions("Ne") == molecule(basis, "Ne").nao == 7
    assert basis.sizes("Ne") == "(3s,1d) -> [2s,1d]"
    assert basis.elements == ("Ne",)
    assert basis.smallest_ratio == pytest.approx(5.0)
    assert BasisSet({"H": (Shell(0, np.array([1.0]), np.eye(1)),)}).smallest_ratio == np.inf
    with pytest.raises(QvarError, match=r"^`basis` must have shells for He, but 'mine' has Ne\.$"):
        basis.of("He")
    with pytest.raises(QvarError, match=r"^`shells` must hold at least one shell for H, but is \(\)\.$"):
        BasisSet({"H": ()})


def test_a_matrix_falls_into_its_blocks():
    matrix = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 3.0], [0.0, 4.0, 0.0]])
    found = [(rows.tolist(), columns.tolist()) for rows, columns in blocks(matrix)]
    assert found == [([0, 3], [1]), ([2], [0, 2])]


def test_segments_make_the_same_functions():
    shell = Shell(1, np.array([9.0, 4.0, 1.0, 0.2]), np.array([[0.5, 0, 0], [0.2, 0.3, 0], [0, 0, 1.0], [0, 0, 0]]))
    parts = segments(shell)
    assert [part.coefficients.shape for part in parts] == [(2, 2), (1, 1)]
    whole, split = (molecule(basis_set([("He", s) for s in shells]), "He") for shells in ([shell], parts))
    np.testing.assert_allclose(whole.intor("int1e_kin"), split.intor("int1e_kin"), atol=1e-14)
    assert [part.coefficients.shape for part in segments(Shell(0, EXPONENTS, np.eye(3)))] == [(1, 1)] * 3


def test_text_gives_every_element_its_own_shells_in_pyscf():
    shells = [("Li", Shell(0, EXPONENTS / 7, CONTRACTED)), ("H", Shell(0, EXPONENTS / 3, np.eye(3)))]
    shells.append(("Li", Shell(1, EXPONENTS[:1] / 3, np.eye(1))))
    basis = basis_set(shells)
    given = {element: gto.basis.load(nwchem(basis), element) for element in ("H", "Li")}
    read, direct = (gto.M(atom="Li 0 0 0; H 0 0 1.5", basis=b, verbose=0) for b in (given, basis.pyscf()))
    assert read.nao == direct.nao == 8
    for name in ("int1e_ovlp", "int1e_kin", "int1e_nuc"):
        np.testing.assert_allclose(
            np.linalg.eigvalsh(read.intor(name)), np.linalg.eigvalsh(direct.intor(name)), rtol=1e-13, atol=1e-14
        )


def test_letters_of_angular_momenta():
    assert [angular_momentum("l", letter) for letter in "spdfghi"] == list(range(7))
    assert angular_momentum("l", "P") == angular_momentum("l", np.int64(1)) == 1


@pytest.mark.parametrize("value", ["k", "j", "sp", "", 7, -1, 1.0, True, None])
def test_what_is_no_angular_momentum(value):
    with pytest.raises(
        QvarError, match=r"^`l` must be an angular momentum, a letter from s to i or 0 to 6, but is .*\.$"
    ):
        angular_momentum("l", value)


def test_a_shell_has_no_negative_angular_momentum():
    with pytest.raises(QvarError, match=r"^`l` must not be negative, but is -1\.$"):
        Shell(-1, np.array([1.0]), np.eye(1))
