from __future__ import annotations

import json
from dataclasses import replace

import basis_set_exchange
import jax
import numpy as np
import pytest
from basis_set_exchange import readers, sort, validator, writers
from pyscf import gto, scf

import qvar
from qvar import basis
from qvar.basis.formats import FORMATS, formatted, read, write
from qvar.errors import QvarError
from qvar.problems.scf import one_thread_without_files

LIH = "Li 0 0 0; H 0 0 1.6"
ORIGIN = {"objective": "LiH rhf", "value": "-7.9 Ha", "form": "END\nBASIS SET of # and !"}
ENDINGS = sorted(FORMATS)


def energy(shells, atom=LIH):
    with one_thread_without_files():
        return scf.RHF(gto.M(atom=atom, basis=shells, verbose=0)).run(conv_tol=1e-13).e_tot


@pytest.fixture(scope="module")
def mixed():
    """Uncontracted, contracted and generally contracted shells of two elements, all numbers with all their digits."""
    form = basis.free("Li", s=5, p=2) + basis.from_set("H", "cc-pvtz") + basis.free("Li", d=2, contracted=True)
    return form.basis(form.initial(jax.random.key(1), spread=0.3))


@pytest.fixture(scope="module")
def mixed_energy(mixed):
    return energy(mixed.pyscf())


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_written_has_the_energy_that_it_had(ending, mixed, mixed_energy, tmp_path):
    path = write(mixed, tmp_path / f"set{ending}", origin=ORIGIN)
    found = read(path)
    assert energy(found.pyscf()) == pytest.approx(mixed_energy, abs=1e-10)
    assert found.name == "set"
    assert [path] == list(tmp_path.iterdir())


def test_pyscf_reads_nwchem_files_by_itself(mixed, mixed_energy, tmp_path):
    path = write(mixed, tmp_path / "set.nw", origin=ORIGIN)
    assert energy(str(path)) == pytest.approx(mixed_energy, abs=1e-10)


@pytest.mark.parametrize("ending", [".nw", ".json"])
def test_a_form_starts_from_a_file(ending, tmp_path):
    form = basis.free("Li", s=5, p=2) + basis.from_set("H", "cc-pvtz")
    theta = form.initial(jax.random.key(1), spread=0.3)
    found = form.nearest(read(write(form.basis(theta), tmp_path / f"set{ending}")))
    np.testing.assert_allclose(found, theta, atol=1e-10)


@pytest.mark.parametrize("ending", ENDINGS)
def test_energies_of_a_heavy_minimal_set_come_back(ending, tmp_path):
    """The hardest case: an energy of -525 Ha that hangs on the digits of contraction coefficients."""
    form = basis.from_set("Ar", "sto-3g")
    given = form.basis(form.initial(jax.random.key(2), spread=0.01))
    found = read(write(given, tmp_path / f"ar{ending}"))
    assert energy(found.pyscf(), "Ar") == pytest.approx(energy(given.pyscf(), "Ar"), abs=1e-11)


@pytest.mark.parametrize("ending", ENDINGS)
def test_order_of_shells_and_exponents(ending, tmp_path):
    shells = [
        ("He", basis.Shell(1, np.array([0.5, 2.0]), np.array([[0.4], [0.7]]))),
        ("He", basis.Shell(0, np.array([0.2, 30.0, 1.0]), np.eye(3))),
    ]
    found = read(write(basis.basis_set(shells), tmp_path / f"he{ending}")).of("He")
    assert [shell.l for shell in found] == [0, 0, 0, 1]
    assert [shell.exponents.tolist() for shell in found] == [[30.0], [1.0], [0.2], [2.0, 0.5]]
    np.testing.assert_array_equal(found[3].coefficients[:, 0], [0.7, 0.4])


def test_files_of_the_exchange_itself_are_read(tmp_path):
    for ending, kind in FORMATS.items():
        path = tmp_path / f"set{ending}"
        path.write_text(basis_set_exchange.get_basis("6-31g", elements=[1, 3], fmt=kind))
        assert energy(read(path).pyscf()) == pytest.approx(energy("6-31g"), abs=1e-7)


@pytest.mark.parametrize(
    ("name", "elements"),
    [("cc-pVTZ", ["Ne", "H"]), ("6-31G*", ["Li", "O"]), ("ANO-RCC-MB", ["C"]), ("pcseg-2", ["Na"]), ("STO-3G", ["Ar"])],
)
def test_texts_are_those_that_the_exchange_writes(name, elements):
    """Texts are parts of the keys of tasks."""
    own = basis.published_set(name, elements)
    for digits in (12, 16):
        record = formatted(own, "json", digits)
        data = sort.sort_basis(json.loads(record))
        assert json.dumps(data, indent=2) + "\n" == record
        for kind in ("nwchem", "gaussian94"):
            expected = writers.write_formatted_basis_str(data, kind, " a line\n another").rstrip("\n") + "\n"
            assert formatted(own, kind, digits, ["a line", "another"]) == expected


def test_json_meets_the_schema_of_the_exchange(mixed, tmp_path):
    path = write(mixed, tmp_path / "set.json", origin=ORIGIN)
    data = json.loads(path.read_text())
    with pytest.warns(DeprecationWarning, match="RefResolver"):
        validator.validate_data("minimal", data)
    assert data["name"] == mixed.name
    assert "objective: LiH rhf" in data["description"].splitlines()


@pytest.mark.parametrize(("ending", "mark"), [(".nw", "#"), (".gbs", "!")])
def test_the_comment_states_the_origin_in_whole_lines(ending, mark, mixed, tmp_path):
    lines = write(mixed, tmp_path / f"set{ending}", origin=ORIGIN).read_text().splitlines()
    comment = lines[: lines.index("")]
    assert comment[:4] == [
        f"{mark} basis: {mixed.name}",
        f"{mark} objective: LiH rhf",
        f"{mark} value: -7.9 Ha",
        f"{mark} form: END BASIS SET of # and !",
    ]
    assert comment[4].startswith(f"{mark} made with: qvar {qvar.__version__}, pyscf ")
    assert len(comment) == 5


@pytest.fixture(scope="module")
def fitted():
    target = basis.Target("H 0 0 0; H 0 0 0.7414", theory="fci")
    return basis.fit(basis.sto_ng("H", name="scaled"), target, n_starts=2, key=jax.random.key(7))


def test_a_fitted_set_records_how_it_was_fitted(fitted, tmp_path):
    text = fitted.write(tmp_path / "h.nw").read_text()
    for line in (
        "basis: scaled for H2 fci",
        "objective: H2 fci",
        "form: scaled",
        f"value: {fitted.value:.10f} Ha",
        f"gradient norm: {fitted.gradient_norm:.1e} Ha",
        "method: lbfgs",
        f"start: {fitted.start} of 2, key 0 7",
    ):
        assert f"\n# {line}\n" in f"\n{text}"


def test_a_fitted_set_becomes_a_problem(fitted, tmp_path):
    from_file = qvar.molecule("H 0 0 0; H 0 0 0.7414", basis=fitted.write(tmp_path / "h.nw"))
    direct = qvar.molecule("H 0 0 0; H 0 0 0.7414", basis=fitted)
    assert (from_file.name, direct.name) == ("H2 h", "H2 scaled for H2 fci")
    for problem in (from_file, direct, qvar.hydrogen_chain(2, bond=0.7414, basis=fitted)):
        assert problem.exact_energy() == pytest.approx(fitted.value, abs=1e-10)


def test_a_failed_fit_is_not_written(fitted, tmp_path):
    failed = replace(fitted, value=float("nan"))
    for use in (failed.nwchem, lambda: failed.write(tmp_path / "h.nw")):
        with pytest.raises(QvarError, match=r"^`fitted` must have a finite value to be used, but ended .*\.$"):
            use()
    assert not list(tmp_path.iterdir())


def test_elements_may_be_chosen(mixed, tmp_path):
    path = write(mixed, tmp_path / "set.nw")
    assert read(path).elements == ("H", "Li")
    assert read(path, elements=["li"]).elements == ("Li",)
    with pytest.raises(QvarError, match=r"^`basis` must have shells for He, but 'set' has H, Li\.$"):
        read(path, elements=["He"])


GOOD = "BASIS SPHERICAL\nH S\n 1.0 1.0\nEND\n"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.txt", GOOD, "`path` must end with .nw, .gbs, .json, but is {!r}."),
        ("a", GOOD, "`path` must end with .nw, .gbs, .json, but is {!r}."),
        ("a.nw", "nonsense\n", "`path` must be in NWChem's format, but line 1 of {!r} is 'nonsense'."),
        ("a.nw", "", "`path` must hold shells of a basis set, but {!r} does not."),
        (
            "a.nw",
            GOOD.replace("1.0 1.0", "1.0 x"),
            "`path` must be in NWChem's format, but line 3 of {!r} is '1.0 x'.",
        ),
        (
            "a.nw",
            GOOD.replace("1.0 1.0", "-1.0 1.0"),
            "`path` must have positive exponents, from 1e-08 to 1e+12 and not -1, but line 2 of {!r} is 'H S'.",
        ),
        ("a.nw", GOOD.replace("H S", "H S S"), "`path` must be in NWChem's format, but line 2 of {!r} is 'H S S'."),
        ("a.nw", GOOD.replace("H S", "Qq S"), "`path` must be in NWChem's format, but line 2 of {!r} is 'Qq S'."),
        ("a.gbs", GOOD, "`path` must be in Gaussian's format, but line 1 of {!r} is 'BASIS SPHERICAL'."),
        (
            "a.nw",
            GOOD.replace("SPHERICAL", "CARTESIAN").replace("H S", "H D"),
            "`path` must have spherical functions and no Cartesian d functions, but is {!r}.",
        ),
        (
            "a.gbs",
            "cartesian\nH 0\nD 1 1.0\n1.0 1.0\n",
            "`path` must have spherical functions and no Cartesian d functions, but is {!r}.",
        ),
        (
            "a.json",
            basis_set_exchange.get_basis("6-31g*", elements="C", fmt="json"),
            "`path` must have spherical functions and no Cartesian d functions, but is {!r}.",
        ),
        ("a.json", GOOD, "`path` must hold a basis set in the format json, but {!r} does not."),
        ("a.json", "{}", "`path` must hold a basis set in the format json, but {!r} does not."),
        ("a.json", '{"elements": {"1": {}}}', "`path` must hold a basis set in the format json, but {!r} does not."),
        ("a.json", '{"elements": {}}', "`path` must hold a basis set in the format json, but {!r} does not."),
        (
            "a.json",
            basis_set_exchange.get_basis("6-31g", elements="C", fmt="json").replace("E+00", "E"),
            "`path` must hold a basis set in the format json, but {!r} does not.",
        ),
        (
            "a.json",
            basis_set_exchange.get_basis("6-31g", elements="C", fmt="json").replace('"0.', '"-0.'),
            "`path` must hold a basis set in the format json, but {!r} does not.",
        ),
        ("a.json", "[]", "`path` must hold a basis set in the format json, but {!r} does not."),
        ("a.nw", None, "`path` must be an existing file of text, but is {!r}."),
        ("a.nw", b"\xff\xfe\xff", "`path` must be an existing file of text, but is {!r}."),
    ],
)
def test_files_that_do_not_parse(name, text, sentence, tmp_path):
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(QvarError) as caught:
        read(path)
    assert str(caught.value) == sentence.format(str(path))


def test_core_potentials_and_high_momenta_are_refused(tmp_path):
    path = tmp_path / "na.nw"
    path.write_text(basis_set_exchange.get_basis("lanl2dz", elements="Na", fmt="nwchem"))
    with pytest.raises(QvarError, match=r"^`path` must have all electrons and no core potentials, but is '.*na.nw'\.$"):
        read(path)
    path.write_text(GOOD.replace("H S", "H K"))
    with pytest.raises(QvarError, match=r"^`path` must have functions up to i only, but is '.*na.nw'\.$"):
        read(path)


@pytest.mark.parametrize(
    ("shell", "reason"),
    [
        (basis.Shell(0, np.array([1.0, np.nan]), np.eye(2)), "finite exponents"),
        (basis.Shell(0, np.array([1.0, -2.0]), np.ones((2, 1))), "H has exponents that are not positive"),
        (basis.Shell(0, np.array([1.0, 1.0]), np.ones((2, 1))), "H has duplicate exponents in a shell"),
        (basis.Shell(0, np.array([1.0, 1.0]), np.eye(2)), "H has the same shell twice"),
    ],
)
def test_sets_that_no_file_can_hold(shell, reason, tmp_path):
    with pytest.raises(QvarError, match=rf"^`basis` must .*{reason}.*\.$"):
        write(basis.basis_set([("H", shell)]), tmp_path / "set.nw")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_or_an_ending_that_is_unknown(mixed, tmp_path):
    with pytest.raises(QvarError, match=r"^`path` must be writable, but for '.*set.nw' is not: .*\.$"):
        write(mixed, tmp_path / "none" / "set.nw")
    with pytest.raises(QvarError, match=r"^`path` must end with \.nw, \.gbs, \.json, but is '.*set.dat'\.$"):
        write(mixed, tmp_path / "set.dat")


def test_the_readers_of_the_exchange_know_the_files(mixed, tmp_path):
    for ending in ENDINGS:
        data = readers.read_formatted_basis_file(str(write(mixed, tmp_path / f"set{ending}", origin=ORIGIN)))
        assert sorted(data["elements"]) == ["1", "3"]
