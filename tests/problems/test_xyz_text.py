"""XYZ files, as texts and on the disk: plain, extended, and of QM9; each atom comes back, or there is one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyscf import gto

from qvar.errors import QvarError
from qvar.problems.geometry import parse_geometry
from qvar.problems.molecule import molecule


def atoms(geometry):
    return list(parse_geometry(geometry, "angstrom").atoms)


METHANE_OF_QM9 = (
    "5\n"
    "gdb 1\t157.7118\t157.70997\t157.70699\t0.\t13.21\t-0.3877\t0.1171\t0.5048\t35.3641\t0.044749\t-40.47893\t\n"
    "C\t-0.0126981359\t 1.0858041578\t 0.0080009958\t-0.535689\n"
    "H\t 0.002150416\t-0.0060313176\t 0.0019761204\t 0.133921\n"
    "H\t 1.0117308433\t 1.4637511618\t 2.1997*^-6\t 0.133922\n"
    "H\t-0.540815069\t 1.4475266138\t-0.8766437152\t 0.133923\n"
    "H\t-0.5238136345\t 1.4379326443\t 0.9063972942\t 0.133923\n"
    "1341.307\t1341.3284\t1341.365\n"
    "C\tC\t\n"
    "InChI=1S/CH4/h1H4\tInChI=1S/CH4/h1H4\n"
)


def test_columns_exponents_and_last_lines_of_qm9():
    """Ramakrishnan et al. 2014, https://doi.org/10.1038/sdata.2014.22, molecule 1; its z of 3 is rewritten here."""
    found_atoms = atoms(METHANE_OF_QM9)
    assert [symbol for symbol, _ in found_atoms] == ["C", "H", "H", "H", "H"]
    assert found_atoms[2][1] == (1.0117308433, 1.4637511618, 2.1997e-6)
    assert molecule(METHANE_OF_QM9).name == "CH4 sto-3g"


def test_extended_files_order_their_columns():
    rows = "0.5 H 0 0 0 9 9 9\n0.5 he 0 0 1.5D0 9 9 9\n"
    comment = 'Properties=charge:R:1:species:S:1:pos:R:3:forces:R:3 energy=-1.0 pbc="F F F" Lattice="9 0 0 0 9 0 0 0 9"'
    assert atoms(f"2\n{comment}\n{rows}") == [("H", (0, 0, 0)), ("He", (0, 0, 1.5))]
    assert atoms("1\nproperties=pos:R:3:Z:I:1\n0 0 1 8") == [("O", (0, 0, 1))]
    assert atoms("2\nenergy=1 forces below\nH 0 0 0 1 2 3\nH 0 0 1 1 2 3") == atoms("H 0 0 0; H 0 0 1")


def test_a_file_is_read_by_its_path(tmp_path, monkeypatch):
    text = "2\nin angstrom\nH 0 0 0\nH 0 0 0.7414\n"
    (tmp_path / "h2.xyz").write_text(text, encoding="utf-8")
    (tmp_path / "plain.XYZ").write_text("\ufeffH 0 0 0\r\nH 0 0 0.7414\r\n", encoding="utf-8")
    (tmp_path / "one two.extxyz").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    inline = molecule("H 0 0 0; H 0 0 0.7414")
    for path in (tmp_path / "h2.xyz", str(tmp_path / "h2.xyz"), "h2.xyz", "plain.XYZ", " one two.extxyz "):
        assert molecule(path).description == inline.description  # the content counts, not the path
    for content in ("", "3", "H\nH 1 0.7", "no atoms", "3\ncut\nH 0 0 0\nH 0 0 0.7", "2\n\nH 0 0 0\nH 0 0", "\xff"):
        (tmp_path / "h2.xyz").write_text(content, encoding="latin-1")
        with pytest.raises(QvarError, match=r"^`geometry` must [^\n]*\.$"):
            molecule("h2.xyz")
    for wrong in ("none.xyz", tmp_path, tmp_path / "h2.pdb"):
        with pytest.raises(QvarError, match=r"^`geometry` must be an? [^\n]*\.$"):
            molecule(wrong)


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("3\n\nH 0 0 0\nH 0 0 1", "3 atoms of its first line, but has 2"),
        ("1\n\nH 0 0 0\nH 0 0 1", "1 atoms of its first line, but has 2"),
        ("2\nH 0 0 0\nH 0 0 1", "comment in the second line"),
        ("2\n\nH 0 0 0\nH 0 0", "'H 0 0'"),
        ("2\n\nH 0 0 0\nH 0 0 nan", "'H 0 0 nan'"),
        ("2\n\nH 0 0 0\nQ 0 0 1", "'Q'"),
        ("2\n\nH 0 0 0\nH 0 0 0 5", "atoms 1 (H) and 2 (H)"),
        ("2\nframe 1\nH 0 0 0\nH 0 0 1\n2\nframe 2\nH 0 0 0\nH 0 0 1.1", "2 atoms of its first line, but has 6"),
        ('1\nLattice="9 0 0 0 9 0 0 0 9"\nH 0 0 0', "periodic"),
        ('1\npbc="F F T"\nH 0 0 0', "periodic"),
        ("1\nProperties=pos:R:3\n0 0 0", "'pos:R:3'"),
        ("1\nProperties=species:S:1:pos:R\nH 0 0 0", "'species:S:1:pos:R'"),
        ("1\nProperties=species:S:1:pos:R:3:q:R:1\nH 0 0 0", "5 columns"),
    ],
)
def test_mistakes(text, mention, one_sentence):
    with pytest.raises(QvarError) as info:
        atoms(text)
    one_sentence(info, "geometry", mention)


PLACES = st.lists(
    st.tuples(st.sampled_from(["H", "He", "C", "Cl"]), *[st.integers(-40, 40)] * 3),
    min_size=1,
    max_size=5,
    unique_by=lambda atom: atom[1:],
)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)


@settings(max_examples=100, deadline=None)
@given(places=PLACES, comment=WORDS, data=st.data())
def test_generated_files_come_back(places, comment, data):
    """Written in any style, with any comment and columns; PySCF's writer is one of the styles."""
    expected = [(symbol, tuple(n / 4 for n in place)) for symbol, *place in places]
    if data.draw(st.booleans()):
        text = gto.tostring(gto.M(atom=[[s, p] for s, p in expected], spin=None, verbose=0), "xyz")
        again = parse_geometry(text, "angstrom").atoms
        assert [symbol for symbol, _ in again] == [symbol for symbol, _ in expected]
        for (_, one), (_, other) in zip(again, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-6)
        return
    style = data.draw(st.sampled_from(["{:.2f}", "{:.4E}", "{:+.3f}", "{:9.5f}"]))
    more = data.draw(st.sampled_from(["", " 0.1", "\t1 2 3"]))
    rows = [" ".join([symbol, *(style.format(n / 4) for n in place)]) + more for symbol, *place in places]
    end = data.draw(st.sampled_from(["\n", "\r\n", " \n"]))
    text = end.join([f" {len(rows)}", f"c {comment}", *rows]) + data.draw(st.sampled_from(["", end, 2 * end]))
    assert atoms(text) == expected
    cut = end.join([str(len(rows)), f"c {comment}", *rows[1:]])
    with pytest.raises(QvarError, match=r"^`geometry` must have the \d atoms of its first line|^`geometry` must name"):
        atoms(cut)
