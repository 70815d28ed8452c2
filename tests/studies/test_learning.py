"""Networks trained on examples, against gradient descent in closed form."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import qvar
from qvar.analysis.learning import LearningRow, learning_table
from qvar.analysis.rows import typed
from qvar.records.run_tables import ledger_from
from qvar.report.learning import LEARNING
from qvar.report.reports import report_of, summary_text

RATE, STEPS, N, K = 0.1, 40, 12, 3


def linear(weights, x):
    return weights @ x


def line(key):
    return jax.tree_util.Partial(linear, jax.random.normal(key, (1, K)))


def wide(key):
    first, last = (
        jax.random.normal(each, shape) for each, shape in zip(jax.random.split(key), ((4, K), (2, 4)), strict=True)
    )
    return jax.tree_util.Partial(lambda a, b, x: b @ jnp.tanh(a @ x), first, last)


def regression(seed: int) -> qvar.Examples:
    rng = np.random.default_rng([seed, 9])
    x, true = rng.normal(size=(N + 5, K)), rng.normal(size=(1, K))
    y = x @ true.T + 0.1 * rng.normal(size=(N + 5, 1))
    return qvar.Examples(x[:N], y[:N], test_x=x[N:], test_y=y[N:])


def classes() -> qvar.Examples:
    x = np.random.default_rng(0).normal(size=(60, K))
    return qvar.Examples.splits(x, (x[:, 0] > 0).astype(int), n_test=20)(0)


def study(**more) -> qvar.Learning:
    settings = {"loss": "squared", "steps": STEPS, "batch": N, "seeds": 2, "transform": optax.sgd(RATE)} | more
    return qvar.Learning([qvar.Learner("line", "constrained", line)], regression, **settings)


def rows_of(one: qvar.Learning) -> list:
    return [row for task in one.tasks() for row in task.run(lambda progress: None)]


def test_full_batches_are_gradient_descent() -> None:
    (first, second) = rows_of(study())
    assert (first["status"], first["n_params"], first["multiply_adds"], first["epochs"]) == ("trained", K, K, STEPS)
    assert first["test_error"] != second["test_error"]
    data = regression(0)
    with jax.enable_x64(False):
        theta = np.asarray(jax.random.normal(jax.random.key(0), (1, K)), float)
    for _ in range(STEPS):
        theta = theta - RATE * 2.0 / N * (data.x @ theta.T - data.y).T @ data.x
    error = np.sqrt(np.mean((data.test_x @ theta.T - data.test_y) ** 2))
    assert first["test_error"] == pytest.approx(error, rel=1e-4)
    assert first["test_value"] == pytest.approx(error**2, rel=1e-4)
    assert first["value"] == pytest.approx(np.mean((data.x @ theta.T - data.y) ** 2), rel=1e-4)
    trained = study().train(study().learners[0], training_size=N, seed=0)
    np.testing.assert_allclose(trained.network(data.x[0]), theta @ data.x[0], rtol=1e-4)
    assert first["trace_step"] == list(range(0, STEPS + 1, 2))


def test_training_sets_grow_and_all_networks_see_the_same() -> None:
    learners = [qvar.Learner("wide", "generic", wide), qvar.Learner("tall", "constrained", wide, series="s")]
    one = qvar.Learning(learners, {"a": classes(), "b": classes()}, sizes=(8, 40), steps=60, batch=8, seeds=2,
        transform=optax.adam(0.05))  # fmt: skip
    rows = rows_of(one)
    assert len(rows) == 2 * 2 * 2 * 2
    ends = {(row["problem"], row["model"], row["training_size"], row["seed"]): row["test_error"] for row in rows}
    assert all(ends["a", "wide", size, seed] == ends["b", "tall", size, seed] for size in (8, 40) for seed in (0, 1))
    first, again = (one.examples("a", seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.x, again.x)
    assert sorted(map(tuple, first.x)) == sorted(map(tuple, classes().x))
    ledger = ledger_from(rows)
    table = typed(learning_table(ledger), LearningRow)
    assert [(row.problem, row.training_size, row.model) for row in table] == [
        (problem, size, model) for problem in "ab" for size in (8, 40) for model in ("wide", "tall")
    ]
    errors = [ends["a", "wide", 40, seed] for seed in (0, 1)]
    assert table[2].mean_error == pytest.approx(np.mean(errors))
    assert table[2].low <= table[2].mean_error <= table[2].high
    assert table[2].accuracy == pytest.approx(1.0 - np.mean(errors))
    assert report_of(ledger).study == "learning"
    assert "multiply-" in summary_text(ledger, "learning")
    drawings, missing = LEARNING.drawings(ledger, ledger)
    assert [drawing.name for drawing in drawings] == ["error_vs_parameters", "error_vs_training_size"]
    assert missing == []


def test_a_key_is_of_all_that_a_number_depends_on() -> None:
    """Trees of equal shapes with other start values, functions, optimizers or data have other keys."""
    key = study().tasks()[0].key
    assert key == study().tasks()[0].key
    zeros = qvar.Learner("line", "constrained", lambda key: jax.tree_util.Partial(linear, jnp.zeros((1, K))))
    others = [
        study(transform=optax.sgd(0.2)), study(transform=optax.sgd(RATE, momentum=0.5)), study(steps=2),
        qvar.Learning([zeros], regression, loss="squared", steps=STEPS, batch=N, seeds=2, transform=optax.sgd(RATE)),
        study(seeds=3),
    ]  # fmt: skip
    assert len({key, *(other.tasks()[0].key for other in others)}) == 6


def test_small_outputs_have_keys_of_their_own() -> None:
    def scaled(factor: float) -> qvar.Examples:
        one = regression(0)
        return qvar.Examples(one.x, factor * one.y, test_x=one.test_x, test_y=factor * one.test_y)

    learner = qvar.Learner("line", "constrained", line)
    keys = [qvar.Learning([learner], scaled(factor)).tasks()[0].key for factor in (1e-9, 2e-9, 2e-9 * (1 + 1e-12))]
    assert keys[0] != keys[1]
    assert keys[1] == keys[2]  # rounding


def test_ends_that_are_no_numbers_are_a_status() -> None:
    rows = rows_of(study(transform=optax.sgd(1e30)))
    assert {row["status"] for row in rows} == {"not_finite"}

    def broken(seed: int) -> qvar.Examples:
        if seed == 1 and spoiled:
            raise ValueError("no data")
        return regression(seed)

    spoiled = False
    one = qvar.Learning([qvar.Learner("line", "generic", line)], broken, loss="squared", steps=2, seeds=2)
    (task,) = one.tasks()
    spoiled = True
    assert [(row["status"], row.get("message", "")) for row in task.run(lambda progress: None)] == [
        ("trained", ""), ("failed", "ValueError: no data"),
    ]  # fmt: skip


def test_dropout_gets_keys_in_training_alone() -> None:
    def apply(network, x, key):
        return network(x) if key is None else network(x * jax.random.bernoulli(key, 0.5, x.shape))

    plain = rows_of(study())[0]
    dropped = qvar.Learner("line", "generic", line, apply=apply)
    ends = rows_of(qvar.Learning([dropped], regression, loss="squared", steps=STEPS, batch=N, seeds=1,
        transform=optax.sgd(RATE)))  # fmt: skip
    assert ends[0]["value"] > plain["value"]
    assert ends[0]["trace_value"][0] == plain["trace_value"][0]


def test_mistakes() -> None:
    with pytest.raises(qvar.QvarError, match=r"`sizes` must hold different numbers from 1 to 12, but is \(13,\)"):
        study(sizes=(13,))
    with pytest.raises(qvar.QvarError, match="`learners` must hold at least one"):
        qvar.Learning([], regression)
    with pytest.raises(qvar.QvarError, match="`make` of a must make a network of JAX for one input, but raised"):
        qvar.Learning([qvar.Learner("a", "generic", lambda key: 3.0)], regression).tasks()
    with pytest.raises(qvar.QvarError, match="`test_y` must have one entry for each of the 2 inputs, but is 3"):
        qvar.Examples([0.0], [0.0], test_x=[0.0, 1.0], test_y=[0, 1, 2])
    with pytest.raises(qvar.QvarError, match="`n_test` must be below 2, but is 2"):
        qvar.Examples.splits([0.0, 1.0], [0, 1], n_test=2)
    with pytest.raises(qvar.QvarError, match="`x` must be an array of finite numbers"):
        qvar.Examples([float("nan")], [0], test_x=[0.0], test_y=[0])
