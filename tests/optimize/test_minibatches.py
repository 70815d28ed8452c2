"""Training on minibatches, against gradient descent in closed form."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import qvar

KEY = jax.random.key(0)
RATE, STEPS = 0.1, 30
DESCENT = optax.sgd(RATE)


def squares(params, part, constants, key):
    return jnp.mean((part["x"] @ params - part["y"]) ** 2) * constants["scale"]


def distance(params, constants):
    return jnp.sum((params - constants["near"]) ** 2)


def numbers() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"x": rng.standard_normal((12, 3)), "y": rng.standard_normal(12)}


def descended(examples: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Parameters after 0, 1, ... steps of gradient descent on all examples, twice their mean square."""
    thetas = [np.zeros(3)]
    for _ in range(STEPS):
        slope = 2 * 2 / 12 * examples["x"].T @ (examples["x"] @ thetas[-1] - examples["y"])
        thetas.append(thetas[-1] - RATE * slope)
    return thetas


def test_all_examples_are_gradient_descent_and_the_lowest_is_kept() -> None:
    examples, constants = numbers(), {"scale": 2.0, "near": np.zeros(3)}
    settings = {"key": KEY, "transform": DESCENT, "steps": STEPS, "batch": 20}
    theta, losses = qvar.train_batches(squares, np.zeros(3), examples, constants=constants, **settings)
    thetas = descended(examples)
    np.testing.assert_allclose(theta, thetas[-1], rtol=1e-4)
    expected = [2 * np.mean((examples["x"] @ one - examples["y"]) ** 2) for one in thetas[:-1]]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    near = {**constants, "near": thetas[7]}
    theta, _ = qvar.train_batches(squares, np.zeros(3), examples, constants=near, validate=distance, **settings)
    np.testing.assert_allclose(theta, thetas[7], rtol=1e-4)


def test_minibatches_are_drawn_from_all_examples_by_the_key() -> None:
    """One step with rate 1 on (params - y)^2 / 2 ends at the mean of the minibatch."""

    def half(params, part, constants, key):
        return jnp.mean((params - part) ** 2) / 2

    settings = {"transform": optax.sgd(1.0), "steps": 1, "batch": 1}

    def end(seed: int) -> float:
        return float(qvar.train_batches(half, 0.0, np.arange(4), key=jax.random.key(seed), **settings)[0])

    ends = [end(seed) for seed in range(30)]
    assert set(ends) == {0.0, 1.0, 2.0, 3.0}
    assert ends[:5] == [end(seed) for seed in range(5)]


def test_mistakes() -> None:
    settings = {"key": KEY, "transform": DESCENT, "steps": 1}
    with pytest.raises(qvar.QvarError, match="`examples` must be arrays of one length along their first axes, but"):
        qvar.train_batches(squares, np.zeros(3), {"x": np.zeros((2, 3)), "y": np.zeros(3)}, **settings)
    with pytest.raises(qvar.QvarError, match=r"`batch` must be at least 1, but is 0"):
        qvar.train_batches(squares, np.zeros(3), numbers(), batch=0, **settings)
    with pytest.raises(qvar.QvarError, match=r"`transform` must be an optax transformation"):
        qvar.train_batches(squares, np.zeros(3), numbers(), **{**settings, "transform": 1})
