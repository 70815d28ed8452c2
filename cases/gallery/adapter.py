"""A trained network meets classes that it has not seen: train all of it again, or a small adapter."""

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
from sklearn.datasets import load_digits

import qvar

WIDTH, OLD, NEW = 96, 6, 4
ADAM = optax.adam(3e-3)
EXAMPLES = (1, 2, 5, 10, 30)
WAYS: dict[str, tuple] = {
    "train all from scratch": ("all", False, 0),
    "fine-tune all": ("all", True, 0),
    "last layer alone": ("head", True, 0),
    "adapter of 4 units": ("adapter", True, 4),
    "low-rank update, rank 2": ("low_rank", True, 2),
}


def case(
    examples: tuple[int, ...] = (), steps: int | None = None, seeds: int | None = None, quick: bool = False
) -> qvar.Trials:
    """Trains a network to read the digits 0 to 5, and adapts it to the digits 6 to 9 with few examples of each.

    A last layer for the digits 6 to 9 is trained in every case. Beside it all of the network is trained again, or it is
    frozen and nothing else is trained, or small layers between its own ones (adapters, Houlsby et al. 2019), or a
    product of two thin matrices that is added to each matrix (LoRA, Hu et al. 2022). Error against examples, and
    against the number of trained parameters; each way is compared with the training of all.

    Args:
        examples: Examples of each of the four digits; 1, 2, 5, 10 and 30 if not given, 2 and 10 with quick.
        steps: Steps of each adaptation; 300 if not given, 150 with quick.
        seeds: Repetitions with other data and other starts; 6 if not given, 2 with quick.
        quick: Fewer examples, steps and seeds, unless they are given: within 20 seconds.
    """
    sizes = examples or ((2, 10) if quick else EXAMPLES)
    qvar.require(min(sizes) >= 1 and max(sizes) <= 80, "examples", "be from 1 to 80", examples)
    return qvar.Trials(
        list(trials(sizes, steps or (150 if quick else 300))),
        seeds=seeds or (2 if quick else 6),
        axis="examples of each new digit",
        papers=("houlsby2019", "hu2022"),
    )


def trials(sizes: tuple[int, ...], steps: int) -> Iterator[qvar.Trial]:
    """Each way to adapt, with each number of examples."""
    for size in sizes:
        for way, (kind, pretrained, rank) in WAYS.items():
            run = partial(adapted, kind=kind, pretrained=pretrained, rank=rank, size=size, steps=steps)
            against = "" if way == "fine-tune all" else f"fine-tune all, {size} of each"
            yield qvar.Trial(
                f"{way}, {size} of each", "generic" if kind == "all" else "constrained", run, data="digits 6 to 9",
                line=way, distance=size, training_size=NEW * size, against=against,
            )  # fmt: skip


@cache
def digits(seed: int) -> tuple:
    """Images and classes of the old digits, and of the new ones, whose classes are counted from 0."""
    images, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(images))
    x, y = (images[order] / 16).astype(np.float32), classes[order]
    old = y < OLD
    return x[old], y[old], x[~old], y[~old] - OLD


def outputs(params, body, x):
    """Logits of the classes of each image; what is not among the trained parameters is that of the frozen body."""

    def one(x):
        for number, layer in enumerate(params.get("all", body)):
            values = layer(x)
            if "low_rank" in params:
                thin, wide = params["low_rank"][number]
                values = values + wide @ (thin @ x)
            x = jax.nn.relu(values)
            if "adapter" in params:
                down, up = params["adapter"][number]
                x = x + up @ jax.nn.relu(down @ x)
        return params["head"](x)

    return jax.vmap(one)(x)


def loss(params, part, constants, key):
    """Cross entropy of the classes."""
    values = outputs(params, constants, part["x"])
    return optax.softmax_cross_entropy_with_integer_labels(values, part["y"]).mean()


@cache
def pretrained_body(seed: int) -> list[eqx.nn.Linear]:
    """The two hidden layers of a network that reads the old digits."""
    x, y, _, _ = digits(seed)
    first, second, head = eqx.nn.MLP(64, OLD, WIDTH, 2, key=jax.random.key(seed)).layers
    start = {"all": [first, second], "head": head}
    settings = {"key": jax.random.key(seed), "transform": ADAM, "steps": 800, "batch": 64}
    return qvar.train_batches(loss, start, {"x": x, "y": y}, constants=[first, second], **settings)[0]["all"]


def adapted(seed: int, *, kind: str, pretrained: bool, rank: int, size: int, steps: int) -> dict:
    """Train on a few examples of the new digits, and count what is misread of the others."""
    _, _, x, y = digits(seed)
    rows = np.concatenate([np.flatnonzero(y == digit)[:size] for digit in range(NEW)])
    rest = np.concatenate([np.flatnonzero(y == digit)[80:] for digit in range(NEW)])
    *fresh, head = eqx.nn.MLP(64, NEW, WIDTH, 2, key=jax.random.key(seed + 1000)).layers
    body = pretrained_body(seed) if pretrained else fresh
    rng = np.random.default_rng([seed, 1])
    params: dict[str, Any] = {"head": head}
    if kind == "all":
        params["all"] = body
    elif kind != "head":
        inputs = (64, WIDTH) if kind == "low_rank" else (WIDTH, WIDTH)
        params[kind] = [(rng.standard_normal((rank, n)) / np.sqrt(n), np.zeros((WIDTH, rank))) for n in inputs]
    examples, key = {"x": x[rows], "y": y[rows]}, jax.random.key(seed)
    params, _ = qvar.train_batches(
        loss, params, examples, key=key, constants=body, transform=ADAM, steps=steps, batch=32
    )
    misread = np.argmax(outputs(params, body, x[rest]), axis=1) != y[rest]
    n_params = sum(leaf.size for leaf in jax.tree.leaves(params))
    return {"test_error": np.mean(misread), "n_params": n_params}


if __name__ == "__main__":
    qvar.launch(case)
