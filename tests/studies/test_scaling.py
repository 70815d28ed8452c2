"""Scaling: variances against closed forms, theory beside them, starts, ensembles, failures, keys, fits, resuming."""

import json
import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pennylane as qml
import pytest

import qvar
from qvar.analysis.decay import decay_table, is_relative
from qvar.records.run_tables import ledger_from
from qvar.records.schema import LEDGER_COLUMNS, column_types
from qvar.studies.growing import ExactLaw, Growing, Setup
from qvar.studies.scaling import Scaling

SIZES = (1, 2, 3, 4)
HALVES = ExactLaw("2^-n", loss=lambda n: 2.0**-n, gradient_first=lambda n: 2.0**-n)


def product(n: int) -> Setup:
    r"""One RX on every qubit: \(\langle Z \cdots Z \rangle = \prod \cos \theta_q\), all variances are 2^-n."""

    def circuit(theta: Any) -> None:
        for wire in range(n):
            qml.RX(theta[wire], wires=wire)

    return qml.prod(*(qml.Z(wire) for wire in range(n))), qvar.Ansatz.from_circuit(circuit, n, n, name="rx")


def deep_pair(layers: int) -> Setup:
    return qml.Z(0) @ qml.Z(1), qvar.hardware_efficient(2, layers=layers)


def scaling(*contenders: Growing, **changes: Any) -> Scaling:
    who = contenders or (Growing("product", "generic", product, law=HALVES),)
    arguments: dict[str, Any] = {"contenders": who, "sizes": SIZES, "samples": 400, **changes}
    return Scaling(**arguments)


def rows_of(study: Scaling) -> list[dict[str, Any]]:
    return [row for task in study.tasks() for row in task.run(lambda progress: None)]


@pytest.fixture(scope="module")
def product_rows() -> list[dict[str, Any]]:
    return rows_of(scaling())


def inside(row: dict[str, Any], column: str, value: float) -> bool:
    """Within the interval, and a fifth of it to spare: one in twenty misses it."""
    spare = (row[f"{column}_high"] - row[f"{column}_low"]) / 5
    return row[f"{column}_low"] - spare <= value <= row[f"{column}_high"] + spare


def test_variances_of_a_product_of_cosines(product_rows: list[dict[str, Any]]) -> None:
    assert [row["size"] for row in product_rows] == list(SIZES)
    for row in product_rows:
        n = row["size"]
        for column in ("loss_variance", "gradient_variance", "gradient_variance_first"):
            assert inside(row, column, 2.0**-n), (n, column)
            assert row[f"{column}_low"] < row[column] < row[f"{column}_high"]
        components = json.loads(row["component_variances"])
        assert len(components) == n == row["n_params"] == row["n_qubits"]
        assert np.mean(components) == pytest.approx(row["gradient_variance"], rel=1e-5)
        assert max(components) == pytest.approx(row["gradient_variance_largest"], rel=1e-5)
        assert components[0] == pytest.approx(row["gradient_variance_first"], rel=1e-5)
        assert row["gradient_mean_square"] == pytest.approx(row["gradient_variance"], rel=0.05)  # no mean slope
        assert abs(row["value"]) < 4 * math.sqrt(2.0**-n / 400)
        assert (row["law"], row["law_loss_variance"], row["law_gradient_variance_first"]) == ("2^-n", 2.0**-n, 2.0**-n)
        assert row["spectral_width"] == pytest.approx(2.0)  # from -1 to 1
        assert row["normalised_loss_variance"] == pytest.approx(row["loss_variance"] / 4)
        assert row["haar_loss_variance"] == pytest.approx(1 / (2**n + 1))
        assert (row["lie_dimension"], row["lie_loss_variance"]) == (n, pytest.approx(2.0**-n))  # rotations commute
        assert (row["status"], row["method"], row["engine"], row["samples"]) == ("measured", "sampling", "dense", 400)
        assert (row["start"], row["start_noise"], row["seed"], row["space_dimension"]) == ("uniform", 0.0, 0, 2**n)
    assert product_rows[2]["problem"] == "Z0 Z1 Z2 on 3 qubits"
    assert len({row["value"] for row in product_rows}) == 4


def test_the_decay_of_the_product_is_no_power_law(product_rows: list[dict[str, Any]]) -> None:
    table = decay_table(ledger_from(product_rows))
    assert list(table["quantity"]) == ["loss", "gradient"]
    for row in table.itertuples():
        assert row.verdict == "exponential"
        assert row.rate_low <= math.log(2) <= row.rate_high
        assert row.rate == pytest.approx(math.log(2), rel=0.1)
        assert (row.n_points, row.samples, row.size_first, row.size_last) == (4, 400, 1, 4)
        assert not row.relative  # all these observables go from -1 to 1
        assert "4 points from 1 to 4 qubits" in row.sentence


def test_every_column_has_a_meaning(product_rows: list[dict[str, Any]]) -> None:
    assert {*product_rows[0], "lie_dimension", "lie_loss_variance", "message"} <= set(column_types(Scaling.columns))


def test_predictions_of_a_universal_circuit() -> None:
    """On two qubits RY, RZ and CNOT generate su(4): law, Haar and Lie algebra agree on 1/5."""
    study = scaling(
        Growing("deep", "generic", deep_pair, law=ExactLaw("1/(d+1)", loss=lambda layers: 1 / 5)),
        sizes=(6,), size_name="layers", starts=("uniform", "gaussian", "identity_blocks"), samples=300,
    )  # fmt: skip
    deep, near, blocks = rows_of(study)
    assert [row["start"] for row in (deep, near, blocks)] == ["uniform", "gaussian", "identity_blocks"]
    assert deep["lie_dimension"] == 15
    assert deep["lie_loss_variance"] == pytest.approx(0.2)
    assert deep["haar_loss_variance"] == pytest.approx(0.2)
    assert inside(deep, "loss_variance", 0.2)
    assert deep["size_name"] == "layers"
    # the laws are those of deep circuits at random angles, not of starts near |00>
    assert not {"law_loss_variance", "lie_loss_variance", "lie_dimension"} & {*near, *blocks}
    assert 0 < near["loss_variance"] < 1e-4
    # a circuit and its inverse leave |00>, an eigenstate of Z0 Z1, where it is
    assert blocks["n_params"] == 2 * deep["n_params"]
    assert (blocks["loss_variance"], blocks["gradient_variance"], blocks["value"]) == (0.0, 0.0, pytest.approx(1.0))
    table = decay_table(ledger_from([deep, near, blocks]))
    assert table["verdict"].isna().all()  # depths, not qubits
    assert list(table["variance_last"])[::2] == [row["loss_variance"] for row in (deep, near, blocks)]


def test_an_ensemble_is_drawn_for_every_sample() -> None:
    r"""\(c \cos\theta\) with c = 1 or 3 by chance: both variances are (1 + 9) / 2 / 2, those of one c 1/2 or 9/2."""
    ansatz = product(1)[1]

    def draw(size: int, key: jax.Array) -> Setup:
        return (3.0 if jax.random.bernoulli(key) else 1.0) * qml.Z(0), ansatz

    law = ExactLaw("5/2", loss=lambda n: 2.5, gradient_first=lambda n: 2.5, reference="mcclean2018")
    study = scaling(Growing("random", "generic", draw=draw, law=law), sizes=(1,), samples=200)
    (row,) = rows_of(study)
    assert inside(row, "loss_variance", 2.5)
    assert inside(row, "gradient_variance_first", 2.5)
    assert (row["law"], row["law_gradient_variance_first"], row["samples"]) == ("5/2", 2.5, 200)
    assert "lie_dimension" not in row  # of which circuit?
    assert "mcclean2018" in study.citations


def h2(size: int) -> Setup:
    problem = qvar.hydrogen_chain(2, bond=0.5 + size / 2)
    return problem, qvar.uccsd(problem)


def test_electrons_stay_in_their_sector_and_start_as_they_can() -> None:
    """MP2 amplitudes are one point, which noise alone makes vary; a hardware-efficient circuit has no such start."""
    study = scaling(
        Growing("uccsd", "constrained", h2),
        Growing("deep", "generic", lambda n: deep_pair(n)),
        sizes=(1,), starts=("mp2",), samples=50,
    )  # fmt: skip
    (still,) = rows_of(study)
    assert (still["contender"], still["start"], still["engine"], still["unit"]) == ("uccsd", "mp2", "sector", "Ha")
    assert (still["loss_variance"], still["gradient_variance"], still["space_dimension"]) == (0.0, 0.0, 4)
    problem, ansatz = h2(1)
    objective = qvar.energy(problem, ansatz)
    value, slope = objective.value_and_grad(objective.initial(jax.random.key(0), "mp2"))
    assert still["value"] == pytest.approx(float(value))
    assert still["gradient_mean_square"] == pytest.approx(float(np.mean(np.asarray(slope) ** 2)))
    (moving,) = rows_of(
        scaling(Growing("uccsd", "constrained", h2), sizes=(1,), starts=("mp2",), samples=50, noise=0.1)
    )
    assert moving["start_noise"] == 0.1
    assert moving["loss_variance"] > 1e-6
    table = decay_table(ledger_from([still]))
    assert list(table["verdict"]) == ["undecided", "undecided"]
    assert "1 variance that is not a positive number" in table["sentence"][0]


def test_an_own_start_is_taken_once() -> None:
    """The own start of UCCSD is entry by its name; where it is asked for as well, there is one task."""
    own = h2(1)[1].start
    labels = [task.label for task in scaling(Growing("u", "constrained", h2), sizes=(1, 2), starts=(None, own)).tasks()]
    assert labels == ["u 1", "u 2"]


def test_failures_are_rows_and_the_others_go_on() -> None:
    def moody(n: int) -> Setup:
        if n == 2:
            raise RuntimeError("no orbitals\nand more")
        observable, ansatz = product(n)
        return (qml.Z(7) if n == 3 else observable), ansatz

    good, bad, lost = rows_of(scaling(Growing("product", "generic", moody), sizes=(1, 2, 3)))
    assert [row["status"] for row in (good, bad, lost)] == ["measured", "failed", "failed"]
    assert (bad["message"], bad["size"], bad["size_name"]) == ("RuntimeError: no orbitals", 2, "qubits")
    assert lost["message"].startswith("QvarError: `observable` must")
    assert decay_table(ledger_from([good, bad, lost]))["n_points"].tolist() == [1, 1]
    assert decay_table(ledger_from([bad]))["n_points"].tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="no orbitals"):
        scaling(Growing("product", "generic", moody), sizes=(2,)).tasks()


def test_keys_depend_on_inputs_alone() -> None:
    def keys(*contenders: Growing, **changes: Any) -> list[str]:
        return [task.key for task in scaling(*contenders, **{"sizes": (2,), **changes}).tasks()]

    def other(n: int) -> Setup:
        return qml.Z(0), product(n)[1]

    def drawn(n: int, key: jax.Array) -> Setup:
        return product(n)

    assert keys() == keys()
    others = [
        keys(sizes=(3,)),
        keys(samples=401),
        keys(starts=("gaussian",)),
        keys(noise=0.1),
        keys(seed=1),
        keys(size_name="layers"),
        keys(engine="dense"),
        keys(lie_limit=10),
        keys(Growing("other", "generic", product, law=HALVES)),
        keys(Growing("product", "constrained", product, law=HALVES)),
        keys(Growing("product", "generic", product)),
        keys(Growing("product", "generic", other, law=HALVES)),
        keys(Growing("product", "generic", draw=drawn, law=HALVES)),
        keys(Growing("product", "generic", deep_pair, law=HALVES)),
    ]
    assert len({key for each in [keys(), *others] for key in each}) == 15


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contenders": []}, "`contenders` must hold at least one Growing, but is []."),
        ({"sizes": ()}, "`sizes` must hold different positive integers, but is []."),
        ({"sizes": (2, 2)}, "`sizes` must hold different positive integers, but is [2, 2]."),
        ({"sizes": (0,)}, "`sizes` must hold different positive integers, but is [0]."),
        ({"samples": 1}, "`samples` must be at least 2, but is 1."),
        ({"starts": ()}, "`starts` must hold at least one name, but is []."),
        ({"noise": -0.1}, "`noise` must not be negative, but is -0.1."),
        ({"lie_limit": -1}, "`lie_limit` must not be negative, but is -1."),
    ],
)
def test_mistakes(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        scaling(**changes)
    assert str(caught.value) == sentence


def test_mistakes_of_contenders() -> None:
    one = Growing("a", "generic", product)
    with pytest.raises(qvar.QvarError, match=r"^`contenders` must have different names, but 'a' occurs more than once"):
        scaling(one, one)
    with pytest.raises(qvar.QvarError, match=r"^`starts` must be starts that a contender has, but none has 'mp3'"):
        scaling(one, starts=("uniform", "mp3")).tasks()
    with pytest.raises(qvar.QvarError, match=r"^`make` must be given exactly if `draw` is not"):
        Growing("a", "generic")


def test_it_says_what_it_rests_on() -> None:
    law = ExactLaw("x", reference="zhang2022")
    study = scaling(Growing("uccsd", "constrained", h2, law=law), sizes=(1,))
    assert {"mcclean2018", "zhang2022", "sun2020", *h2(1)[1].citations} <= set(study.citations)


def test_variances_are_relative_to_the_width_if_widths_differ(product_rows: list[dict[str, Any]]) -> None:
    wider = [{**row, "spectral_width": 2.0 * row["size"]} for row in product_rows]
    assert not is_relative(ledger_from(product_rows))
    assert is_relative(ledger_from(wider))
    table = decay_table(ledger_from(wider))
    assert table["relative"].all()
    assert table["variance_last"][0] == pytest.approx(product_rows[-1]["loss_variance"] / 64)
    unknown = [{**wider[0], "spectral_width": None}, *wider[1:]]
    assert not is_relative(ledger_from(unknown))


@pytest.mark.usefixtures("without_pages")
def test_resumed_it_gives_the_same_ledger(tmp_path: Path) -> None:
    study = scaling(sizes=(1, 2))
    whole = qvar.run(study, tmp_path / "run", progress=False)
    done, lost = (tmp_path / "run" / "tasks" / f"{task.key}.parquet" for task in study.tasks())
    written = done.stat().st_mtime_ns
    lost.unlink()
    again = qvar.run(study, tmp_path / "run", progress=False, resume=True)
    assert done.stat().st_mtime_ns == written
    times = ["wall_s", "compile_s"]
    pd.testing.assert_frame_equal(again.drop(columns=times), whole.drop(columns=times), check_exact=True)
    assert list(whole.columns[: len(LEDGER_COLUMNS)]) == list(LEDGER_COLUMNS)
