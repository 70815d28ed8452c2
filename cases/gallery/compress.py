"""A large network made small: pruned, quantized, distilled, and all of it one after the other."""

from functools import cache, partial, reduce
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import qvar

LARGE, WIDTH, TEMPERATURE, SOFT, FULL = "large network", 96, 4.0, 0.9, 32
ADAM = optax.adam(2e-3)
STEPS = {"first": 1200, "again": 400}
SHARES = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02)
BITS = (8, 4, 3, 2)
STUDENTS = (32, 16, 8, 4)


def case(examples: int = 600, seeds: int | None = None, quick: bool = False) -> qvar.Trials:
    """Makes a network that reads handwritten digits smaller, and counts what its error costs in parameters and bits.

    Pruning removes the weights of smallest size (LeCun et al. 1990, Han et al. 2015), or whole hidden units, and trains
    the others again. Quantization puts weights on a grid of few bits, after the training or aware of it, by gradients
    that pass the rounding straight through (Jacob et al. 2018). Distillation trains a small network on the soft outputs
    of the large one (Hinton et al. 2015). Weights that are left of a pruning cost a bit more each: a map of the places.

    Args:
        examples: Training digits; the others test.
        seeds: Repetitions with other data and other starts; 6 if not given, 2 with quick.
        quick: Fewer seeds, unless they are given, and fewer sizes: within 20 seconds.
    """
    qvar.require(50 <= examples <= 1500, "examples", "be from 50 to 1500", examples)
    shares, bits, students = ((0.9, 0.1), (4, 2), (8,)) if quick else (SHARES, BITS, STUDENTS)
    return qvar.Trials(
        list(trials(shares, bits, students, examples)),
        seeds=seeds or (2 if quick else 6),
        papers=("lecun1990", "han2015", "jacob2018", "hinton2015", "bengio2013"),
    )


def trials(shares: tuple[float, ...], bits: tuple[int, ...], students: tuple[int, ...], n: int):
    """The large network, and each way to make it smaller at several sizes."""

    def trial(line: str, size: str, run, against: str = LARGE, family: Any = "constrained") -> qvar.Trial:
        name = f"{line}, {size}" if size else line
        return qvar.Trial(name, family, partial(run, n=n), data="digits: share misread", line=line, against=against)

    yield trial(LARGE, "", partial(changed, again=False), "", "generic")
    for share in shares:
        left = f"{100 * share:g} % left"
        yield trial("prune weights, no training", left, partial(changed, share=share, again=False))
        yield trial("prune weights", left, partial(changed, share=share))
        yield trial("prune units", left, partial(changed, share=share, units=True))
        if share < 0.9:
            every = partial(changed, share=share, bits=4, soft=SOFT)
            yield trial("prune, round, distil", f"{left}, 4 bits", every)
    for b in bits:
        yield trial("round", f"{b} bits", partial(changed, bits=b, again=False))
        yield trial("round, trained on the grid", f"{b} bits", partial(changed, bits=b))
    for width in students:
        small, units = "small from the start", f"{width} units"
        yield trial(small, units, partial(student, width=width), family="generic")
        yield trial("distil", units, partial(student, width=width, soft=SOFT), f"{small}, {units}")


@cache
def data(seed: int, n: int) -> qvar.Examples:
    """Training and test digits of a seed."""
    images, classes = load_digits(return_X_y=True)
    return qvar.Examples.splits(images / 16, classes, n_test=len(images) - n)(seed)


def outputs(network, x):
    """Logits of the classes of each image."""
    *hidden, last = network
    return jax.vmap(lambda one: last(reduce(lambda values, layer: jax.nn.relu(layer(values)), hidden, one)))(x)


def on_grid(weight, steps):
    """Weights rounded to so many steps on each side of zero, 0 for no rounding; the gradient passes straight."""
    size = jnp.max(jnp.abs(weight)) / jnp.maximum(steps, 1)
    rounded = jnp.where(steps > 0, jnp.round(weight / size) * size, weight)
    return weight + jax.lax.stop_gradient(rounded - weight)


def deployed(network, masks, steps):
    """The network as it is stored: without the pruned weights and with the others on the grid."""
    kept = [on_grid(layer.weight * mask, steps) for layer, mask in zip(network, masks, strict=True)]
    return eqx.tree_at(lambda tree: [layer.weight for layer in tree], network, kept)


def loss(network, part, constants, key):
    """Cross entropy of the classes and, by `soft`, of the large network's outputs at a temperature."""
    values = outputs(deployed(network, constants["masks"], constants["steps"]), part["x"])
    hard = optax.softmax_cross_entropy_with_integer_labels(values, part["y"])
    target = jax.nn.softmax(part["teacher"] / TEMPERATURE)
    soft = TEMPERATURE**2 * optax.softmax_cross_entropy(values / TEMPERATURE, target)
    return jnp.mean((1.0 - constants["soft"]) * hard + constants["soft"] * soft)


def fitted(network, seed: int, n: int, masks, steps: int = 0, soft: float = 0.0, stage: str = "first"):
    """Train a network on the digits of a seed."""
    own = data(seed, n)
    teacher = np.asarray(outputs(large(seed, n), own.x)) if soft else np.zeros((n, 10))
    examples = {"x": own.x, "y": own.y, "teacher": teacher}
    constants = {"masks": masks, "steps": np.float32(steps), "soft": np.float32(soft)}
    settings = {"key": jax.random.key(seed), "transform": ADAM, "steps": STEPS[stage], "batch": 64}
    return qvar.train_batches(loss, network, examples, constants=constants, **settings)[0]


@cache
def large(seed: int, n: int):
    """The trained large network of a seed."""
    start = eqx.nn.MLP(64, 10, WIDTH, 2, key=jax.random.key(seed)).layers
    return fitted(start, seed, n, weight_masks(start, 1.0))


def changed(seed: int, *, n: int, share=1.0, units=False, bits=FULL, again=True, soft=0.0) -> dict:
    """Prune and round the large network, and train what is left again."""
    network = large(seed, n)
    masks = (unit_masks if units else weight_masks)(network, share)
    steps = 2 ** (bits - 1) - 1 if bits < FULL else 0
    if again:
        network = fitted(network, seed, n, masks, steps, soft, "again")
    return measured(deployed(network, masks, steps), masks, seed, n, bits, units)


def weight_masks(network, share: float) -> list:
    """Keep the share of the weights of largest size in each layer."""
    sizes = [np.abs(np.asarray(layer.weight)) for layer in network]
    return [(size >= np.quantile(size, 1.0 - share)).astype(float) for size in sizes]


def unit_masks(network, share: float) -> list:
    """Keep the share of the units of each hidden layer whose incoming and outgoing weights are largest."""
    masks = weight_masks(network, 1.0)
    for here, (one, after) in enumerate(pairwise(network)):
        size = np.linalg.norm(one.weight, axis=1) * np.linalg.norm(after.weight, axis=0)
        kept = size >= np.quantile(size, 1.0 - share)
        masks[here] *= kept[:, None]
        masks[here + 1] *= kept[None, :]
    return masks


def student(seed: int, *, n: int, width: int, soft: float = 0.0) -> dict:
    """Train a small network, on the classes alone or on the large one's outputs as well."""
    start = eqx.nn.MLP(64, 10, width, 1, key=jax.random.key(seed + 1000)).layers
    masks = weight_masks(start, 1.0)
    return measured(fitted(start, seed, n, masks, soft=soft), masks, seed, n, FULL, True)


def measured(network, masks, seed: int, n: int, bits: int, dense: bool) -> dict:
    """Count what a network misreads, its parameters, and its bits; biases and scales of the grids have 32."""
    own = data(seed, n)
    weights = int(sum(mask.sum() for mask in masks))
    biases = int(sum(np.any(mask > 0, axis=1).sum() for mask in masks))
    places = 0 if dense or all(mask.all() for mask in masks) else sum(mask.size for mask in masks)
    scales = len(masks) if bits < FULL else 0
    error = float(np.mean(np.argmax(outputs(network, own.test_x), axis=1) != own.test_y))
    stored = weights * bits + FULL * (biases + scales) + places
    return {"test_error": error, "n_params": weights + biases, "bits": stored}


if __name__ == "__main__":
    qvar.launch(case)
