"""Every case of the repository runs, small."""

import inspect
import runpy
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import qvar
from qvar.ansatz.catalogue import all_ansatze
from qvar.problems.named_problems import named

FAMILIES = ("all", "generic", "constrained")
CASES = Path(__file__).parents[2] / "cases"

SMALL: dict[str, dict[str, Any]] = {
    "h4_duel.py": {"layers": (1,), "seeds": 2, "gradients": 30},
    "own_ansatz.py": {"seeds": 3},
    "family_duel.py": {
        "molecule": "h2", "contenders": ("hardware_efficient", "uccsd"), "layers": 1, "seeds": 2, "gradients": 60,
    },
    "dissociation.py": {
        "molecule": "h2", "contenders": ("hardware_efficient", "uccsd"), "points": 2, "layers": 1, "seeds": 2,
        "gradients": 60,
    },
    "adapt.py": {"molecule": "h2", "pools": ("sd",), "seeds": 1, "quick": True},
    "prune.py": {"molecule": "h2", "contenders": ("uccsd",), "rules": ("obs",), "keep": 0.4},
    "compress.py": {"molecule": "h2", "seeds": 1, "quick": True},
    "quantize.py": {"molecule": "h2", "bits": (10, 12), "samples": 5},
    "landscape.py": {"molecule": "h2", "contenders": ("uccsd",), "seeds": 2, "gradients": 60, "points": 3},
    "transfer.py": {"atoms": 2, "distances": (0.1,), "seeds": 2, "gradients": 60},
    "starts.py": {"molecule": "h2", "bonds": (2.0,), "circuits": ("uccsd",), "seeds": 2, "gradients": 60},
    "more_parameters.py": {"qubits": 2, "family": "constrained", "layers": (1,), "seeds": 2, "gradients": 45},
    "rent.py": {"shots": (100,), "bonds": 8, "models": (2, 3), "seeds": 2, "quick": True},
    "distil.py": {"molecule": "h2", "seeds": 2, "gradients": 60, "layers": 1},
    "optimizers.py": {"layers": 1, "seeds": 2, "gradients": 60},
    "barren_plateaus.py": {"sizes": (4,), "samples": 20},
    "interval_coverage.py": {"experiments": 3, "samples": 50},
    "basis_duel.py": {"element": "He", "s": 3, "seeds": 2},
    "basis_to_vqe.py": {"layers": 1, "seeds": 2, "gradients": 60, "large": "6-31g"},
    "basis_library.py": {"every": 150, "most": 30},
    "published.py": {"table": ("yordanov2020", "kandala2017", "wiersema2024")},
}  # fmt: skip
"""Arguments that make a case quick; a new case needs an entry."""

EXACT = dict.fromkeys(SMALL, "uccsd") | {
    "optimizers.py": "ry cnot chain x1",
    "distil.py": "1-upccgsd from fci",
    "more_parameters.py": "hva x1",
    "transfer.py": "everything at 0.1",
    "starts.py": "uccsd 2 from zero",
    "prune.py": "uccsd: prune obs",
    "quantize.py": "uccsd: round",
    "compress.py": "uccsd: prune obs",
}
"""The contender that reaches the exact energy."""

ALIKE = ("own_ansatz.py", "family_duel.py", "optimizers.py", "prune.py", "starts.py", "transfer.py")
"""Cases whose pages are made as those of `h4_duel.py`, `compress.py` and `quantize.py`, and `distil.py` are."""

SAMPLED = ("barren_plateaus.py",)
"""Cases that train nothing."""

COUNTED = ("interval_coverage.py",)
"""Cases that count how often other numbers are right."""

FITTED = ("basis_duel.py",)
"""Cases that fit basis sets, which never reach the exact energy."""

RANKED = ("basis_to_vqe.py",)
"""Cases whose settings have exact energies of their own, and baselines none."""

READ = ("basis_library.py",)
"""Cases that compare files."""

SELECTED = ("rent.py",)
"""Cases that fit models to data, which have no exact energy."""

PRINTED = ("published.py",)
"""Cases that compare with numbers of papers."""


def test_every_case_is_tried() -> None:
    assert {path.name for path in CASES.glob("*.py")} == set(SMALL)


def load(name: str) -> Any:
    return runpy.run_path(str(CASES / name))["case"]


@pytest.mark.parametrize(
    "name", [name for name in SMALL if name not in SAMPLED + COUNTED + FITTED + RANKED + READ + PRINTED + SELECTED]
)
def test_runs(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    case = load(name)
    if name in ALIKE:
        request.getfixturevalue("without_pages")
    ledger = qvar.run(case(**SMALL[name]), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) <= {"converged", "out_of_budget"}
    assert (ledger["error"] > -1e-9).all()
    best = ledger.groupby("contender")["error"].min()
    assert best[EXACT[name]] < 1e-4
    if name == "own_ansatz.py":
        assert best["mine"] < 1e-6  # a user's circuit trains to the exact energy


@pytest.mark.usefixtures("without_pages")
def test_reads(tmp_path: Path) -> None:
    (name,) = READ
    study = load(name)(**SMALL[name])
    ledger = qvar.run(study, out=tmp_path / "run", progress=False)
    assert len(ledger) == 3 * len(study.tasks()) == 15
    assert set(ledger["status"]) <= {"agrees", "refused"}
    assert (ledger["error"].dropna() < 1e-8).all()
    assert ledger["message"].str.fullmatch(r"\d+ of \d+ elements agree(; \d+ basis must [^;]*)*").all()


def test_published_numbers_are_reproduced(tmp_path: Path) -> None:
    (name,) = PRINTED
    ledger = qvar.run(load(name)(**SMALL[name]), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) == {"agrees"}
    assert set(ledger["table"]) == set(SMALL[name]["table"])
    page = (tmp_path / "run" / "report.html").read_text()
    assert "BeH2: Pauli terms" in page
    assert "https://doi.org/10.1038/nature23879" in page


def test_published_tables_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case = load("published.py")
    known = {path.stem for path in (CASES / "published").glob("*.toml")}
    text = case(list=True)
    assert all(f"\n{name} " in text for name in known)
    assert {table.name for table in case().tables} <= known
    sentence = r"^`table` must be all or the name of a table, but is 'yordanov-2020'; names nearby are yordanov2020,"
    with pytest.raises(qvar.QvarError, match=sentence):
        case(table=("yordanov-2020",))
    for path in (CASES / "published").glob("*.toml"):
        qvar.Published((qvar.PublishedTable.read(path),), case.__globals__["RECIPES"])  # each recipe exists


@pytest.mark.parametrize("teacher", ["fci", "cisd", "uccsd", "hardware", "adapt"])
def test_every_teacher_teaches(teacher: str) -> None:
    """All of them hold the exact state of H2."""
    study = load("distil.py")("h2", teacher=teacher, layers=1, seeds=1, gradients=60)
    taught = study.tasks()[1]
    assert taught.label == f"1-upccgsd from {teacher}"
    (row,) = taught.run(lambda progress: None)
    assert row["matched_infidelity"] < 1e-6
    assert row["error"] < 1e-6


@pytest.mark.parametrize(("to", "least"), [("basis", 0.1), ("space", 0.001), ("molecule", 0.2), ("layers", 0.9)])
def test_carried_angles_begin_below_the_reference(to: str, least: float) -> None:
    """By a share of the correlation energy; k-UpCCGSD of H2 has all of it with one copy."""
    study = load("transfer.py")(to, atoms=2, bond=0.74, start_noise=0.0, seeds=1, gradients=1, quick=True)
    zero, carried = study.ways
    assert carried.against == zero.name
    (row,) = study.tasks()[1].run(lambda progress: None)
    assert row["start_recovered"] > least


def test_models_are_selected(tmp_path: Path) -> None:
    """Noise of 100 shots hides the third power, but no model predicts worse than that noise."""
    ledger = qvar.run(load("rent.py")(**SMALL["rent.py"]), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) == {"converged"}
    assert ledger["model"].unique().tolist() == ["degree 2", "degree 3"]
    assert (ledger["test_error"] < 0.3).all()  # one-norms of about 1.5 Ha over ten
    circuits = load("rent.py")(data="circuit", shots=(100,), models=(1,), seeds=1, quick=True)
    (task,) = circuits.tasks()
    (row,) = task.run(lambda progress: None)
    assert row["status"] in ("converged", "stalled")
    assert row["n_params"] == row["identifiable"] == 6


@pytest.mark.parametrize("name", SAMPLED)
def test_measures(name: str, tmp_path: Path) -> None:
    ledger = qvar.run(load(name)(**SMALL[name]), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) == {"measured"}
    assert (ledger["gradient_variance"] > 0).all()
    lawful = ledger.dropna(subset=["law_loss_variance"])
    assert len(lawful) == 1
    assert (lawful["loss_variance"] / lawful["law_loss_variance"]).between(0.3, 3.0).all()  # 20 samples: 1 +- 0.3


def test_intervals_and_verdicts_are_counted(tmp_path: Path) -> None:
    ledger = qvar.run(
        load("interval_coverage.py")(**SMALL["interval_coverage.py"]), out=tmp_path / "run", progress=False
    )
    assert set(ledger["status"]) == {"measured"}
    intervals, verdicts = ledger.dropna(subset=["covered"]), ledger.dropna(subset=["right"])
    assert len(intervals) + len(verdicts) == len(ledger)
    assert intervals[["covered", "below", "above"]].sum(axis=1).to_numpy(dtype=float) == pytest.approx(1.0)
    assert verdicts[["right", "wrong", "undecided"]].sum(axis=1).to_numpy(dtype=float) == pytest.approx(1.0)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "variance, global cost, 8 qubits" in page
    assert "verdict on n^-2, 5 %, errors known" in page


def test_basis_sets_are_fitted(tmp_path: Path) -> None:
    """Three free Gaussians for helium: -2.83567988 Ha, by Nelder and Mead's search over energies of PySCF alone."""
    ledger = qvar.run(load("basis_duel.py")(**SMALL["basis_duel.py"]), out=tmp_path / "run", progress=False)
    fitted = ledger[ledger["family"] != "published"]
    assert set(fitted["status"]) == {"converged"}
    assert list(fitted["contender"]) == ["even-tempered 3s"] * 2 + ["free 3s"] * 2
    even, free = fitted.groupby("contender")["value"].min()
    assert free == pytest.approx(-2.83567988, abs=1e-8)
    assert even > free
    published = ledger.set_index("contender").loc["STO-3G"]
    assert published["status"] == "measured"
    assert published["value"] > free
    assert (ledger["error"] > 0).all()  # of the Hartree-Fock limit


def test_the_basis_duel_has_the_forms_that_differ() -> None:
    case = load("basis_duel.py")
    names = {form.name: form.n_params for form in case().forms}
    assert names == {
        "even-tempered 8s4p": 4, "well-tempered 8s4p (basisopt)": 8, "Legendre 3 8s4p": 6, "Legendre 4 8s4p": 8,
        "Legendre 6 8s4p": 10, "free 8s4p": 12,
    }  # fmt: skip
    assert case().target.theory == "rhf"
    assert case("O").target.theory == "rohf"
    assert [form.name for form in case("H", s=1).forms] == ["free 1s"]
    assert [form.n_params for form in case("He", s=3, p=1).forms] == [3, 4]
    assert [form.name for form in case(quick=True).forms] == ["even-tempered 5s3p", "Legendre 3 5s3p", "free 5s3p"]
    names = [task.label for task in case("He", s=2, theory="fci", baselines=("6-31G", "cc-pVDZ")).tasks()]
    assert "CASSCF(2,2)/cc-pVTZ" in names
    assert "6-31G" in names
    assert "cc-pVDZ" not in names  # 5 functions
    assert case("He", theory="fci").reference is None
    assert case("N", theory="uhf").reference is None
    assert case("N").reference == -54.40093421
    for arguments, sentence in (
        ({"element": "Uuo"}, "`element` must be the symbol of an element"),
        ({"s": -1}, "`s` must not be negative, but is -1."),
        ({"theory": "fci"}, "`theory` must be another one for 20 functions of Ne, but is 'fci'."),
        ({"element": "O", "theory": "rhf"}, "`spin` must be 0 for rhf, but is 2."),
        ({"baselines": ("sto-17g",)}, "`basis` must be a set of the Basis Set Exchange"),
    ):
        with pytest.raises(qvar.QvarError) as caught:
            case(**arguments)
        assert str(caught.value).startswith(sentence)


def test_the_family_duel_takes_the_whole_catalogue() -> None:
    case = load("family_duel.py")
    everyone, _ = all_ansatze(named("h2"), layers=2)
    labels = {
        families: [task.label for task in case("h2", families=families, layers=2).tasks()] for families in FAMILIES
    }
    assert labels["all"] == list(everyone)
    assert sorted([*labels["generic"], *labels["constrained"]]) == sorted(everyone)
    assert "uccsd" in labels["constrained"]
    assert [task.label for task in case("h2", contenders=("uccsd",)).tasks()] == ["uccsd"]


def test_the_depths_of_more_parameters_pass_the_threshold() -> None:
    """n/2 layers of the constrained circuit; n (layers + 1) >= 2^n - 1 parameters of the generic one."""
    case = load("more_parameters.py")
    for qubits in range(4, 8):
        depths = {"hva": [], "ry cnot chain": []}
        for way in case(qubits=qubits).ways:
            if way.recipe is None:
                series, layers = way.ansatz.name.rsplit(" x", 1)
                depths[series].append(int(layers))
        hva, generic = depths.values()
        assert sum(layers > qubits // 2 for layers in hva) == 2
        assert sum(qubits * (layers + 1) >= 2**qubits - 1 for layers in generic) == 3
        assert min(hva) == min(generic) == 1
    quick = case(quick=True)
    assert (quick.problem.n_qubits, quick.seeds, quick.budget.gradients) == (4, 10, 300)
    assert len(quick.ways) < len(case(qubits=4).ways)
    assert case(model="h4").tolerance == 1.6e-3
    for arguments, sentence in (
        ({"layers": (0,)}, "`layers` must be at least 1"),
        ({"qubits": 1}, "`qubits` must be at least 2"),
        ({"model": "h4", "qubits": 6}, "`qubits` must be left out for h4, but is 6"),
        ({"restarts": 1}, "`n_starts` must be at least 2, but is 1"),
    ):
        with pytest.raises(qvar.QvarError, match=sentence):
            case(**arguments)


@pytest.mark.parametrize("model", ["ising", "h4"])
def test_a_deeper_circuit_begins_with_the_draws_and_the_gates_of_the_one_before(model: Any) -> None:
    ways = {way.name: way.ansatz for way in load("more_parameters.py")(model=model, quick=True).ways}
    pairs = [(f"{one} x1", name) for one in ("hva", "tups", "ry cnot chain") for name in ways if name.startswith(one)]
    pairs = [(small, large) for small, large in pairs if small in ways and large.count("x") == 1 and small != large]
    assert pairs
    for small, large in pairs:
        one, other = ways[small], ways[large]
        draws = [np.asarray(ansatz.initial(jax.random.key(3))) for ansatz in (one, other)]
        np.testing.assert_array_equal(draws[1][: one.n_params], draws[0])
        program, deeper = one.program, other.program
        np.testing.assert_array_equal(deeper.angle_param[: len(program.angle_param)], program.angle_param)
        np.testing.assert_array_equal(deeper.angle_op[: len(program.angle_op)], program.angle_op)


GIVEN = {
    "samples": 300,
    "experiments": 150,
    "seeds": 7,
    "max_operators": 3,
    "points": 11,
    "sizes": (4, 12),
    "seed": 5,
    "tolerance": 0.03,
    "start_noise": 0.02,
    "shots": (3, 30),
    "n_starts": 3,
    "keep": 0.7,
    "rules": ("obd",),
}
"""Arguments that studies have as fields of the same name."""


def _held(study: Any, name: str) -> Any:
    """Return an argument as the study holds it, or the first step of its recipes that has one of that name."""
    if hasattr(study, name):
        return getattr(study, name)
    if name == "shots" and isinstance(study, qvar.Selection):
        return next(iter(study.data.values())).levels
    if name == "rules":
        return tuple(step.by for recipe in study.recipes for step in recipe)
    return next(getattr(step, name) for recipe in study.recipes for step in recipe if hasattr(step, name))


@pytest.mark.parametrize("name", [name for name in SMALL if "quick" in inspect.signature(load(name)).parameters])
def test_explicit_arguments_override_quick(name: str) -> None:
    """A page that says both what was given and what was done would contradict itself otherwise."""
    case = load(name)
    types = {name: parameter.annotation for name, parameter in inspect.signature(case).parameters.items()}
    given = {key: value for key, value in GIVEN.items() if type(value).__name__ in str(types.get(key))}
    assert len(given) >= 2
    study = case(quick=True, **given)
    assert {name: _held(study, name) for name in given} == given
    whole, quick = case(), case(quick=True)
    changed = {name for name in given if _held(whole, name) != _held(quick, name)}
    assert changed
    for name, parameter in inspect.signature(case).parameters.items():
        assert name not in changed or parameter.default in (None, ())


def test_the_plateaus_are_smaller_in_a_hurry() -> None:
    case = load("barren_plateaus.py")
    whole, quick = case(), case(quick=True, contenders=("hva", "random_circuit", "hva"))
    assert (whole.sizes, whole.samples) == ((4, 6, 8, 10, 12), 1000)
    assert (quick.sizes, quick.samples) == ((4, 6, 8, 10), 250)
    assert [contender.name for contender in quick.contenders] == ["hva", "random_circuit"]
    assert [contender.name for contender in whole.contenders] == ["hardware_efficient", "givens_fabric", "uccsd", "hva"]
    for name, families in (("generic", 2), ("constrained", 3)):
        everyone = case(contenders=("random_circuit", "hardware_efficient", "givens_fabric", "uccsd", "hva")).contenders
        assert sum(contender.family == name for contender in everyone) == families
    for sizes in ((5,), (2,)):
        with pytest.raises(qvar.QvarError, match=r"^`sizes` must be even and at least 4, but is"):
            case(sizes)


def test_the_dissociation_walks_from_start_to_stop() -> None:
    study = load("dissociation.py")("h2", start=2.0, stop=1.0, points=3, contenders=("uccsd",))
    assert study.coordinates == (2.0, 1.5, 1.0)
    energies = [study.problem(bond).exact_energy() for bond in study.coordinates]
    assert energies == pytest.approx([qvar.hydrogen_chain(2, bond=bond).exact_energy() for bond in (2.0, 1.5, 1.0)])


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        (
            "family_duel.py",
            {"contenders": ("uccd ",)},
            "`contenders` must be names that `qvar list ansatze` prints, but",
        ),
        ("family_duel.py", {"bond": -1.0}, "`bond` must be positive, but is -1.0."),
        ("dissociation.py", {"contenders": ("x",)}, "`contenders` must be names that `qvar list ansatze` prints"),
        (
            "dissociation.py",
            {"contenders": ("hva",)},
            "`contenders` must be names that `qvar list ansatze` prints for a molecule",
        ),
        ("dissociation.py", {"start": 0.0}, "`start` must be positive, but is 0.0."),
        ("dissociation.py", {"stop": -0.5}, "`stop` must be positive, but is -0.5."),
        ("dissociation.py", {"points": 0}, "`points` must be at least 1, but is 0."),
        ("landscape.py", {"contenders": ("x",)}, "`contenders` must be names that `qvar list ansatze` prints, but 'x'"),
        ("landscape.py", {"layers": 0}, "`layers` must be at least 1, but is 0."),
        ("landscape.py", {"points": 2}, "`points` must be at least 3, but is 2."),
    ],
)
def test_mistakes_are_errors_before_anything_runs(name: str, arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        load(name)(molecule="h2", **arguments)
    assert str(caught.value).startswith(sentence)


def test_circuits_reach_the_exact_energy_in_every_basis_set(tmp_path: Path, without_pages: None) -> None:
    (name,) = RANKED
    ledger = qvar.run(load(name)(**SMALL[name]), out=tmp_path / "run", progress=False)
    exact = {"STO-3G": -1.1372701747, "STO-3G scaled": -1.13876968}
    trained = ledger[ledger["contender"] == "uccsd"]
    assert list(trained.groupby("setting", sort=False).size().index) == [*exact, "three free Gaussians"]
    for setting, energy in exact.items():
        assert trained[trained["setting"] == setting]["value"].min() == pytest.approx(energy, abs=1e-7)
    assert ledger[ledger["setting"] == "baseline"]["status"].tolist() == ["measured"]
    assert (ledger["limit_error"] > 0).all()


def test_no_case_hides_a_module() -> None:
    """`python cases/NAME.py` puts the folder of the cases before all modules."""
    optional = {"coverage"}  # Numba imports it if it is there
    modules = {*sys.stdlib_module_names, *packages_distributions(), *optional}
    assert modules & {file.stem for file in CASES.glob("*.py")} == set()
