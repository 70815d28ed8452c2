"""FCIDUMP files: what qvar writes, PySCF writes, and other programs' conventions; and files that are broken."""

from __future__ import annotations

import contextlib
import gzip
import io

import numpy as np
import pytest

import qvar
from qvar.errors import QvarError

WATER_CATION = {"geometry": "O; H 1 0.9584; H 1 0.9584 2 104.45", "charge": 1, "spin": 1, "frozen": [0]}

TOY = """ &FCI NORB=2,NELEC=2,MS2=0,
  ORBSYM=1,1,
  ISYM=1,
 &END
 0.5 1 1 1 1
 0.25 2 2 1 1
 0.125 2 1 2 1
 0.375 2 2 2 2
 -1.5 1 1 0 0
 -0.75 2 2 0 0
 0.1 2 1 0 0
 0.7 0 0 0 0
"""
"""Two electrons in two orbitals."""

LINES = TOY.splitlines()
HEAD, BODY = "\n".join(LINES[:4]) + "\n", "\n".join(LINES[4:]) + "\n"


def read(tmp_path, text, **changes):
    path = tmp_path / "toy.fcidump"
    path.write_text(text)
    return qvar.from_fcidump(path, **changes)


def same(one, other):
    a, b = one.integrals, other.integrals
    assert a.core_energy == b.core_energy
    assert np.array_equal(a.one_body, b.one_body)
    assert np.array_equal(a.two_body, b.two_body)
    assert (one.n_alpha, one.n_beta) == (other.n_alpha, other.n_beta)


@pytest.mark.parametrize("name", ["a.fcidump", "a.FCIDUMP.gz", "FCIDUMP"])
def test_round_trip_is_exact(tmp_path, name):
    problem = qvar.molecule(**WATER_CATION)
    problem.to_fcidump(tmp_path / name)
    again = qvar.from_fcidump(tmp_path / name)
    same(problem, again)
    assert again.reference_energy == pytest.approx(problem.reference_energy, abs=1e-12)
    assert again.name.endswith("(7e,6o)")
    assert [file.name for file in tmp_path.iterdir()] == [name]  # and no temporary file


def test_a_model_with_other_orbitals_occupied(tmp_path):
    """A checkerboard of electrons, and more of them with spin down."""
    problem, path = qvar.hubbard(3, n_electrons=(1, 2)), tmp_path / "hubbard.fcidump"
    problem.to_fcidump(path)
    again = qvar.from_fcidump(path, occupied=(problem.occupied_alpha, problem.occupied_beta), unit="J")
    same(problem, again)
    assert (again.reference_bits, again.unit) == (problem.reference_bits, "J")
    assert again.exact_energy() == pytest.approx(problem.exact_energy(), abs=1e-8)


def test_pyscf_reads_what_qvar_writes(tmp_path):
    from pyscf import ao2mo
    from pyscf.tools import fcidump

    problem, path = qvar.molecule(**WATER_CATION), tmp_path / "a"
    problem.to_fcidump(path)
    theirs, m = fcidump.read(str(path), verbose=False), problem.n_orbitals
    assert (theirs["NORB"], theirs["NELEC"], theirs["MS2"]) == (m, 7, 1)
    assert theirs["ECORE"] == problem.integrals.core_energy
    assert np.array_equal(theirs["H1"], problem.integrals.one_body)
    assert np.array_equal(ao2mo.restore(1, theirs["H2"], m), problem.integrals.two_body)


@pytest.mark.parametrize("symmetry", [False, True])
def test_qvar_reads_what_pyscf_writes(tmp_path, symmetry):
    """Canonical orbitals of a mean field, with symmetry labels and without; to the 16 digits that PySCF writes."""
    from pyscf import gto, scf
    from pyscf.tools import fcidump

    mol = gto.M(atom="N 0 0 0; N 0 0 1.1", basis="sto-3g", symmetry=symmetry, verbose=0)
    mean_field = scf.RHF(mol).run(conv_tol=1e-12)
    with contextlib.redirect_stdout(io.StringIO()):
        fcidump.from_scf(mean_field, str(tmp_path / "n2"), tol=0.0)
    problem = qvar.from_fcidump(tmp_path / "n2")
    assert problem.reference_energy == pytest.approx(mean_field.e_tot, abs=1e-10)
    theirs = qvar.molecule("N 0 0 0; N 0 0 1.1")
    assert problem.exact_energy() == pytest.approx(theirs.exact_energy(), abs=1e-8)


SPELLINGS = {
    "molpro": TOY.replace("&END", "/").replace("NORB=2,NELEC=2,MS2=0,", "NORB=  2,NELEC= 2,MS2= 0,"),
    "block2": HEAD.replace("ORBSYM=1,1,", "ORBSYM=2*1,").lower() + BODY,
    "neci": HEAD.replace(" &END", "  UHF=.FALSE. SYML=0,0,\n &END").replace("&FCI", "$FCI\n").replace("&END", "$END")
    + BODY.replace("0.5 1 1 1 1", "0.50000000D+00   1   1   1   1").replace("-0.75", "-7.5d-1"),
    "orbital energies": TOY.replace(" 0.7 0", " -0.3 1 0 0 0\n 0.2 2 0 0 0\n 0.7 0"),
    "comments": "\n! written by hand\n"
    + TOY.replace("0.25 2", "\n# an integral\n 0.25 2").replace(" 1 1\n", " 1 1 ! x\n"),
    "complex": HEAD + "".join(f"({line.split()[0]},0.0) {line.split(None, 1)[1]}\n" for line in LINES[4:]),
    "one line": "&FCI NORB=2 NELEC=2 /\n" + BODY,
    "windows": TOY.replace("\n", "\r\n"),
    "fortran exponents": TOY.replace(" 0.7 0", " 0.1-120 2 1 2 2\n 0.7 0").replace(" 0.375", " .375"),
    "permutations": HEAD
    + "0.7 0 0 0 0\n"
    + "".join(
        f"{value} {a} {b} {c} {d}\n"
        for value, *(p, q, r, s) in (line.split() for line in LINES[4:-1])
        for a, b in {(p, q), (q, p)}
        for c, d in {(r, s), (s, r)}
        for (a, b, c, d) in ([(a, b, c, d), (c, d, a, b)] if r != "0" else [(a, b, c, d)])
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_one_file(tmp_path, name):
    problem = read(tmp_path, SPELLINGS[name])
    two = np.zeros((2,) * 4)
    two[0, 0, 0, 0], two[1, 1, 1, 1] = 0.5, 0.375
    two[0, 0, 1, 1] = two[1, 1, 0, 0] = 0.25
    two[0, 1, 0, 1] = two[0, 1, 1, 0] = two[1, 0, 0, 1] = two[1, 0, 1, 0] = 0.125
    integrals = problem.integrals
    assert integrals.core_energy == 0.7
    assert np.array_equal(integrals.one_body, [[-1.5, 0.1], [0.1, -0.75]])
    assert np.allclose(integrals.two_body, two, rtol=0, atol=1e-100)
    assert (problem.name, problem.n_alpha, problem.n_beta) == ("toy (2e,2o)", 1, 1)


def test_a_file_without_core_energy(tmp_path):
    text = TOY.replace(" 0.7 0 0 0 0\n", "")
    assert read(tmp_path, text, core_energy=0.7).integrals.core_energy == 0.7
    with pytest.raises(QvarError, match=r"`core_energy` must be left out .* line 12"):
        read(tmp_path, TOY, core_energy=0.7)


BROKEN = {
    "nothing": ("", "begins with &FCI", "empty"),
    "another file": ("3\nwater\nO 0 0 0\n", "begins with &FCI", "line 1 is '3'"),
    "no end of the header": (TOY.replace(" &END\n", ""), "line 1", "&END"),
    "truncated between lines": (TOY[: TOY.index(" 0.7")], "0 0 0 0", "core_energy"),
    "truncated in a line": (TOY[: TOY.index("0.125") + 9], "line 7", "3 columns"),
    "an orbital too many": (TOY.replace("2 1 2 1", "3 1 2 1"), "line 7", "orbital 3", "NORB=2"),
    "labels too many": (TOY.replace("ORBSYM=1,1,", "ORBSYM=1,1,1,"), "line 1", "ORBSYM", "3"),
    "contradiction": (TOY.replace(" 0.7", " 0.2501 1 1 2 2\n 0.7"), "line 12", "0.25 in line 6"),
    "not symmetric": (TOY.replace(" 0.7", " 0.2 1 2 0 0\n 0.7"), "line 12", "0.1 in line 11"),
    "two core energies": (TOY + " 0.8 0 0 0 0\n", "line 13", "0.7 in line 12"),
    "no number of orbitals": (TOY.replace("NORB=2,", ""), "line 1", "NORB"),
    "no number of electrons": (TOY.replace("NELEC=2,", ""), "line 1", "NELEC"),
    "half an electron": (TOY.replace("NELEC=2,", "NELEC=2.5,"), "line 1", "NELEC=2.5"),
    "too many electrons": (TOY.replace("NELEC=2,", "NELEC=5,"), "line 1", "NELEC=5", "from 0 to 4"),
    "parity": (TOY.replace("MS2=0", "MS2=1"), "line 1", "MS2=1"),
    "more spins than electrons": (TOY.replace("MS2=0", "MS2=4"), "line 1", "MS2=4"),
    "no orbital": (TOY.replace("NORB=2", "NORB=0"), "line 1", "NORB=0"),
    "too many orbitals": (TOY.replace("NORB=2", "NORB=32"), "line 1", "NORB=32", "31"),
    "far too many orbitals": (TOY.replace("NORB=2", "NORB=99999999"), "line 1", "31"),
    "unrestricted": (TOY.replace("ISYM=1", "IUHF=1"), "line 1", "IUHF=1", "each spin"),
    "unrestricted as in NECI": (TOY.replace("ISYM=1", "UHF=.TRUE."), "line 1", "UHF=.TRUE."),
    "relativistic": (TOY.replace("ISYM=1", "TREL=.TRUE."), "line 1", "relativistic"),
    "complex": (TOY.replace("0.25 ", "(0.25,0.1) "), "line 6", "real"),
    "a word": (TOY.replace("0.25 ", "x "), "line 6", "'x'", "number"),
    "not a number": (TOY.replace("0.25 ", "nan "), "line 6", "'nan'"),
    "infinite": (TOY.replace("0.25 ", "1e999 "), "line 6", "'1e999'"),
    "an index that is none": (TOY.replace("2 2 1 1", "2 2 1 x"), "line 6", "indices"),
    "a negative index": (TOY.replace("2 2 1 1", "2 2 1 -1"), "line 6", "indices"),
    "three indices": (TOY.replace("2 2 1 1", "2 2 1 0"), "line 6", "2 2 1 0"),
    "six columns": (TOY.replace("2 2 1 1", "2 2 1 1 1"), "line 6", "6 columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_sentence(tmp_path, name, one_sentence):
    text, *mentions = BROKEN[name]
    with pytest.raises(QvarError) as info:
        read(tmp_path, text)
    sentence = str(info.value).replace(str(tmp_path), "").replace("E 0 0 0 0", "0 0 0 0")
    one_sentence(info, "path", "toy.fcidump")
    assert [mention for mention in mentions if mention not in sentence] == []


def test_every_truncation_is_noticed(tmp_path):
    """At any byte before the last digit of the last line, which is the core energy's."""
    for stop in range(len(TOY.rstrip()) - 1):
        with pytest.raises(QvarError):
            read(tmp_path, TOY[:stop])


def test_files_that_are_none(tmp_path, one_sentence):
    compressed = gzip.compress(TOY.encode())
    for name, content in {"cut.gz": compressed[:-9], "binary": bytes(range(256)), "folder": None}.items():
        path = tmp_path / name
        path.mkdir() if content is None else path.write_bytes(content)
        with pytest.raises(QvarError) as info:
            qvar.from_fcidump(path)
        one_sentence(info, "path", name)
    with pytest.raises(QvarError) as info:
        qvar.from_fcidump(tmp_path / "missing")
    one_sentence(info, "path", "existing file")


def test_nothing_is_written_half(tmp_path, one_sentence):
    problem = qvar.hydrogen_chain(2)
    for path in (tmp_path / "no" / "folder", tmp_path, tmp_path / "x\0y"):
        with pytest.raises(QvarError) as info:
            problem.to_fcidump(path)
        one_sentence(info, "path", "can be written")
    with pytest.raises(QvarError) as info:
        qvar.tfim(2).to_fcidump(tmp_path / "spins")
    one_sentence(info, "problem", "none")
    assert list(tmp_path.iterdir()) == []
