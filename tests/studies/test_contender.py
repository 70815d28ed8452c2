"""One `Contender` in all studies, and duels without a problem."""

import re
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.studies.contender import circuit_columns

BUDGET = qvar.Budget(gradients=5)


def ry(problem: qvar.Problem, layers: int) -> qvar.Ansatz:
    return qvar.hardware_efficient(problem, layers=layers, rotations=("RY",), entangler="cnot_chain")


CONTENDER = qvar.Contender("ry", "generic", ry, layers=(1, 2))
ALL = [CONTENDER]


def rows_of(study: qvar.Runnable) -> list[dict[str, Any]]:
    return [row for task in study.tasks() for row in task.run(lambda progress: None)]


def test_one_contender_goes_through_all_studies() -> None:
    """At each depth all of them train or measure the same circuit."""
    chain = qvar.tfim(2)
    shared: dict[str, Any] = {"seeds": 1, "budget": BUDGET}
    studies = [
        qvar.Duel(chain, ALL, **shared),
        qvar.Curve(lambda field: qvar.tfim(2, h=field), [1.0], ALL, coordinate="h", unit="J", **shared),
        qvar.Capacity(chain, ALL, tolerance=0.1, fisher_samples=1, lie_limit=0, **shared),
        qvar.Ranking({"a": chain}, ALL, **shared),
        qvar.Landscape(chain, ALL, line_points=3, points=3, **shared),
        qvar.Scaling(ALL, [2], samples=2, lie_limit=0, problem=qvar.tfim),
    ]
    tables = [rows_of(study) for study in studies]
    for rows in tables:
        assert [row["contender"] for row in rows] == ["ry x1", "ry x2"]
        assert [row["n_params"] for row in rows] == [4, 6]
        assert {row["family"] for row in rows} == {"generic"}
        assert [(row["series"], row["layers"]) for row in rows] == [("ry", 1), ("ry", 2)]
    values = [[row["value"] for row in rows] for rows in tables[:5]]
    for others in values[1:]:
        np.testing.assert_allclose(others, values[0], rtol=0, atol=1e-12)
    for rows in tables[:5]:
        for row, ansatz in zip(rows, studies[0].contenders, strict=True):
            energy = qvar.energy(chain, ansatz).loss(jnp.asarray(row["theta"]))
            assert float(energy) == pytest.approx(row["value"], abs=1e-10)
    assert "theta" not in tables[5][0]


def test_what_a_contender_makes_is_checked() -> None:
    with pytest.raises(qvar.QvarError, match=r"`make` must return an ansatz or an objective, but returned 1\."):
        qvar.Contender("one", "generic", lambda problem: 1)(qvar.tfim(2))  # pyright: ignore[reportArgumentType]
    with pytest.raises(qvar.QvarError, match="`layers` must be empty to make one ansatz"):
        CONTENDER(qvar.tfim(2))
    with pytest.raises(qvar.QvarError, match="`problem` must make the problem of a size for ry, but is None"):
        qvar.Scaling(ALL, [2])


def fit(name: str, powers: tuple[int, ...]) -> qvar.Objective:
    """A polynomial through data of x^2, by least squares."""
    x = np.linspace(-1.0, 1.0, 9)

    def squares(theta: jax.Array, data: tuple[jax.Array, jax.Array]) -> jax.Array:
        points, values = data
        return jnp.mean((sum(c * points**k for c, k in zip(theta, powers, strict=True)) - values) ** 2)

    draw = lambda key: jax.random.normal(key, (len(powers),))  # noqa: E731
    return qvar.Objective(name, "generic", len(powers), squares, draw, data=(jnp.asarray(x), jnp.asarray(x**2)))


def test_a_duel_of_two_data_fits(tmp_path: Any) -> None:
    duel = qvar.Duel(contenders=[fit("line", (0, 1)), fit("parabola", (0, 1, 2))], seeds=2)
    ledger = qvar.run(duel, tmp_path / "r", progress=False)
    best = ledger.groupby("contender")["value"].min()
    x = np.linspace(-1.0, 1.0, 9)
    assert best["line"] == pytest.approx(np.var(x**2), abs=1e-10)
    assert best["parabola"] == pytest.approx(0.0, abs=1e-10)
    page = (tmp_path / "r" / "report.html").read_text()
    words = re.sub(r'src="data:[^"]*"', "", page.partition("Where this comes from")[0])
    assert "parabola" in words
    assert not re.findall(r"(?i)[^.<>]*(?:gate|cnot|hartree|mha|circuit|qubit|chemical|shots)[^.<>]*", words)


def test_series_come_from_the_settings() -> None:
    """A name that happens to end like a number of layers is no series."""
    problem = qvar.hydrogen_chain(2)
    own = {"hardware_efficient": qvar.hardware_efficient(2, layers=3), "reps": qvar.real_amplitudes(2, reps=2)}
    assert [circuit_columns(ansatz)["layers"] for ansatz in own.values()] == [3, 2]
    assert not any(" x" in circuit_columns(ansatz)["series"] for ansatz in own.values())
    assert circuit_columns(qvar.uccsd(problem, name="ucc x2")) == {"series": "ucc x2", "layers": None}
    assert circuit_columns(fit("fit x2", (0, 1))) == {}
    bare = qvar.Contender(
        "own", "generic", lambda problem, layers: replace(ry(problem, layers), settings={}), layers=(2,)
    )
    assert circuit_columns(bare.depths[0](qvar.tfim(2))) == {"series": "own", "layers": 2}


def test_an_ansatz_needs_a_problem() -> None:
    ansatz = qvar.hardware_efficient(2)
    with pytest.raises(qvar.QvarError, match=r"`problem` must be a problem to train the ansatz .*, but is None"):
        qvar.Duel(contenders=[ansatz])
    with pytest.raises(
        qvar.QvarError, match=r"`contenders` must be a list that holds at least one|`contenders` must hold"
    ):
        qvar.Duel()
