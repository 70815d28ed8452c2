"""Depth: shallow wide networks against deep narrow ones, on a smooth target and on one that is composed of itself."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import qvar

SHALLOW = (8, 32, 128, 512)
"""Units of the networks with one hidden layer: 3 n + 1 parameters."""

DEEP = (2, 4, 6)
"""Hidden layers of the networks with 8 units in each: 72 n - 47 parameters."""


def tent(x, times: int):
    """Compose the tent map 1 - 2 |x| of [-1, 1]: 2^times straight pieces."""
    for _ in range(times):
        x = 1.0 - 2.0 * abs(x)
    return x


def wave(x):
    """One period of a sine."""
    return np.sin(np.pi * x)


def network(width: int, depth: int, key):
    """ReLU network of one input and one output, with `depth` hidden layers."""
    return eqx.nn.MLP(1, 1, width, depth, key=key)


def exact(times: int) -> eqx.nn.MLP:
    """Return the network with 2 units in each of `times` layers, 6 times + 1 parameters, that is the composed tent map.

    |x| = relu(x) + relu(-x), so that each layer folds the interval once more. With one hidden layer 2^times - 1 units
    are needed, one for each kink (Telgarsky 2016).
    """
    net, fold, signs = network(2, times, jax.random.key(0)), jnp.full((1, 2), -2.0), jnp.array([[1.0], [-1.0]])
    weights = [signs, *[signs @ fold] * (times - 1), fold]
    biases = [jnp.zeros(2), *[signs[:, 0]] * (times - 1), jnp.ones(1)]
    return eqx.tree_at(
        lambda tree: [part for layer in tree.layers for part in (layer.weight, layer.bias)],
        net,
        [part for pair in zip(weights, biases, strict=True) for part in pair],
    )


def near_exact(times: int, noise: float, key):
    """Return that network with Gaussian noise on all its parameters."""
    parts, rest = eqx.partition(exact(times), eqx.is_inexact_array)
    flat, tree = jax.tree.flatten(parts)
    keys = jax.random.split(key, len(flat))
    noisy = [part + noise * jax.random.normal(one, part.shape) for part, one in zip(flat, keys, strict=True)]
    return eqx.combine(jax.tree.unflatten(tree, noisy), rest)


def examples(target, seed: int) -> qvar.Examples:
    """Return 512 random places and a test on a grid; both without noise."""
    x = np.random.default_rng([seed, 7]).uniform(-1.0, 1.0, (512, 1))
    grid = np.linspace(-1.0, 1.0, 1001)[:, None]
    return qvar.Examples(x, target(x), test_x=grid, test_y=target(grid))


def case(
    compositions: int = 3,
    near: float = 0.0,
    steps: int | None = None,
    seeds: int | None = None,
    quick: bool = False,
) -> qvar.Learning:
    """Trains shallow and deep networks of equal numbers of parameters by equal numbers of steps.

    A tent map composed k times has 2^k straight pieces. A network with k layers of 2 units is equal to it, one with a
    single layer needs 2^k - 1 units (Telgarsky 2016, https://arxiv.org/abs/1602.04485): this is a statement on what
    networks can be, not on what training finds; with near, a deep network also starts near the exact one. A sine
    needs no depth.

    Args:
        compositions: Compositions k of the tent map.
        near: Standard deviation of noise on the parameters of the exact network, from where one more training starts,
            such as 0.05; none if 0.
        steps: Steps of each training, of 64 places each.
        seeds: Trainings of each network; 10 if not given, 3 with quick.
        quick: Fewer steps, seeds and networks: within twenty seconds.
    """
    qvar.require(1 <= compositions <= 6, "compositions", "be from 1 to 6", compositions)
    shallow, deep = ((32, 128), (2, 6)) if quick else (SHALLOW, DEEP)
    learners = [qvar.Learner(f"shallow {n}", "generic", partial(network, n, 1), series="1 layer") for n in shallow]
    papers = ("telgarsky2016",)
    for n in deep:
        make = partial(network, 8, n)
        learners.append(qvar.Learner(f"deep {n}", "constrained", make, series="8 units", citations=papers))
    if near:
        start = partial(near_exact, compositions, near)
        learners.append(qvar.Learner("near the exact one", "constrained", start))
    pieces = f"tent map, {compositions} times: {2**compositions} pieces"
    return qvar.Learning(
        learners,
        {"sine": partial(examples, wave), pieces: partial(examples, partial(tent, times=compositions))},
        loss="squared",
        steps=steps or (500 if quick else 2000),
        batch=64,
        seeds=seeds or (3 if quick else 10),
        transform=optax.adam(5e-3),
    )


if __name__ == "__main__":
    qvar.launch(case)
