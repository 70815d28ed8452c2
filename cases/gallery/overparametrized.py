"""More parameters than data: where the error of a model peaks, and what removes the peak."""

from collections.abc import Iterator
from functools import cache, partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge

import qvar

RATIOS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 2.0, 4.0, 8.0)
SIGNAL, NOISE, ROWS, DRAWS = 1.0, 0.5, 100, 10
WIDTHS = (2, 4, 8, 16, 24, 48, 96)
BELOW, PEAK, ABOVE = 4, 16, 96
WAYS: dict[str, dict] = {
    "plain": {},
    "plain, cross entropy": {"cross_entropy": True},
    "weight decay": {"decay": 0.3},
    "dropout": {"dropped": 0.2},
    "early stopping": {"held_out": 0.25},
}
ERRORS = {"squared": "digits: squared error", "misread": "digits: share misread"}


def case(
    examples: int = 120, wrong: float = 0.2, steps: int | None = None, seeds: int | None = None, quick: bool = False
) -> qvar.Trials:
    """Fits models of rising size through the point at which there are as many parameters as numbers to be fitted.

    Least squares of minimum norm with Gaussian features follow an exact law that is infinite there (Hastie et al.
    2022); ridge regression with the best penalty has no such peak. Networks of one hidden layer are fitted to the
    classes of a few handwritten digits, some of which are wrong: is there a second fall of the error beyond that point
    (double descent, Belkin et al. 2019, Nakkiran et al. 2020), and what do weight decay, dropout and early stopping do?

    Args:
        examples: Training digits.
        wrong: Share of them whose class is a wrong one.
        steps: Steps of a training of a network; 2000 if not given, 400 with quick.
        seeds: Repetitions with other data and other starts; 6 if not given, 2 with quick.
        quick: Fewer steps, seeds, sizes and ways of training, unless they are given: within 20 seconds.
    """
    qvar.require(0.0 <= wrong < 1.0, "wrong", "be from 0 to below 1", wrong)
    qvar.require(20 <= examples <= 700, "examples", "be from 20 to 700", examples)
    numbers = {"n": examples, "wrong": wrong, "steps": steps or (400 if quick else 2000)}
    ways = ["plain", "weight decay"] if quick else list(WAYS)
    return qvar.Trials(
        [
            *linear((0.5, 0.9, 1.0, 1.1, 4.0) if quick else RATIOS),
            *networks(ways, (BELOW, PEAK, ABOVE) if quick else WIDTHS, numbers),
        ],
        seeds=seeds or (2 if quick else 6),
        axis="parameters over numbers to be fitted (dotted: equal)",
        mark=1.0,
        papers=("belkin2019", "hastie2022", "nakkiran2020", "srivastava2014", "loshchilov2019"),
    )


def linear(ratios: tuple[float, ...]) -> Iterator[qvar.Trial]:
    """Least squares with Gaussian features, without a penalty and with the best one."""
    steps = {1.0: 0.5, 4.0: 1.0}
    for ratio in ratios:
        name = f"minimum norm, p/n = {ratio:g}"
        place = {"data": "least squares: squared error", "distance": ratio}
        run = partial(least_squares, p=round(ratio * ROWS))
        against = f"minimum norm, p/n = {steps[ratio]:g}" if ratio in steps else ""
        yield qvar.Trial(name, "generic", partial(run, ridge=False), line="minimum norm", against=against, **place)
        best, run = f"best penalty, p/n = {ratio:g}", partial(run, ridge=True)
        yield qvar.Trial(best, "constrained", run, line="best ridge penalty", against=name, **place)


def least_squares(seed: int, *, p: int, ridge: bool) -> dict:
    """Mean over draws of data of the squared error of predictions, and its exact mean."""
    rng, penalty, errors = np.random.default_rng([seed, p]), p / ROWS * (NOISE / SIGNAL) ** 2, []
    for _ in range(DRAWS):
        x, truth = rng.standard_normal((ROWS, p)), rng.standard_normal(p)
        truth *= SIGNAL / np.linalg.norm(truth)
        y = x @ truth + NOISE * rng.standard_normal(ROWS)
        model = Ridge(alpha=ROWS * penalty, fit_intercept=False)
        theta = model.fit(x, y).coef_ if ridge else np.linalg.lstsq(x, y, rcond=None)[0]
        errors.append(np.sum((theta - truth) ** 2))
    law = ridge_risk(p / ROWS, penalty) if ridge else minimum_norm_risk(p, ROWS)
    return {"test_error": np.mean(errors), "n_params": p, "expected": law}


def minimum_norm_risk(p: int, n: int) -> float:
    """Mean for n data and p features; for many s^2 g/(1-g) below g = p/n = 1, r^2 (1-1/g) + s^2/(g-1) above it."""
    if abs(p - n) <= 1:
        return np.inf
    return NOISE**2 * p / (n - p - 1) if p < n else SIGNAL**2 * (1 - n / p) + NOISE**2 * n / (p - n - 1)


def ridge_risk(ratio: float, penalty: float) -> float:
    """Limit for many data with the best penalty, s^2 g / r^2: s^2 g m(-penalty), m the Stieltjes transform."""
    b = 1.0 - ratio + penalty
    return NOISE**2 * (np.sqrt(b**2 + 4 * ratio * penalty) - b) / (2 * penalty)


def networks(ways: list[str], widths: tuple[int, ...], numbers: dict) -> Iterator[qvar.Trial]:
    """Networks of one hidden layer, trained in each way, and two errors of each."""
    steps = {PEAK: BELOW, ABOVE: PEAK}
    for kind, way in ((kind, way) for kind in ERRORS for way in ways if kind == "misread" or "cross" not in way):
        plain = way.startswith("plain")
        for width in widths if way == "plain" else (BELOW, PEAK, ABOVE):
            other = f"{way}, width {steps.get(width)}" if plain else f"plain, width {width}"
            yield qvar.Trial(
                f"{way}, width {width}: {kind}", "generic" if plain else "constrained",
                partial(error, kind=kind, width=width, **numbers, **WAYS[way]), data=ERRORS[kind], line=way,
                distance=(75 * width + 10) / (10 * numbers["n"]),
                against=f"{other}: {kind}" if width in steps or not plain else "",
            )  # fmt: skip


def error(seed: int, *, kind: str, **settings) -> dict:
    """One error of a network; both are of the same training."""
    errors = trained(seed, **settings)
    return {"test_error": errors[kind], "train_error": errors[f"train {kind}"], "n_params": errors["n_params"]}


@cache
def trained(
    seed: int, *, width: int, n: int, wrong: float, steps: int,
    decay: float = 0.0, dropped: float = 0.0, held_out: float = 0.0, cross_entropy: bool = False,
) -> dict:  # fmt: skip
    """Train a network on the digits of a seed; its errors on others and on them."""
    rng, (images, classes) = np.random.default_rng(seed), load_digits(return_X_y=True)
    order, mixed, kept = rng.permutation(len(images)), rng.permutation(n), n - round(held_out * n)
    x, y = images[order] / 16 - 0.5, classes[order]
    labels = (y[:n] + np.where(np.arange(n) < round(wrong * n), rng.integers(1, 10, n), 0)) % 10
    keys = jax.random.split(jax.random.key(seed))
    start = [eqx.nn.Linear(64, width, key=keys[0]), eqx.nn.Linear(width, 10, key=keys[1])]
    examples, rest = ({"x": x[rows], "y": labels[rows]} for rows in (mixed[:kept], mixed[kept:]))
    network, _ = qvar.train_batches(
        cross_entropy_loss if cross_entropy else squared_loss, start, examples, key=jax.random.key(seed),
        constants={"rest": rest, "dropped": np.float32(dropped)}, transform=optimizer(steps, decay), steps=steps,
        batch=n, validate=rest_loss if held_out else None,
    )  # fmt: skip
    errors: dict[str, float] = {"n_params": sum(part.size for part in jax.tree.leaves(start))}
    for name, inputs, right in (("", x[n:], y[n:]), ("train ", examples["x"], examples["y"])):
        values = outputs(network, inputs, np.ones((len(inputs), width)))
        errors[f"{name}misread"] = float(np.mean(np.argmax(values, axis=1) != right))
        errors[f"{name}squared"] = float(np.mean(np.sum((values - np.eye(10)[right]) ** 2, axis=1)))
    return errors


@cache
def optimizer(steps: int, decay: float) -> optax.GradientTransformation:
    """Adam whose rate falls to zero along a cosine, with decay of the weights."""
    return optax.adamw(optax.cosine_decay_schedule(0.01, steps), weight_decay=decay)


def outputs(network, x, keep):
    """Numbers for each image, one for each class; `keep` multiplies the hidden units."""
    first, last = network
    return jax.vmap(lambda x, keep: last(jnp.tanh(first(x)) * keep))(x, keep)


def squared_loss(network, part, constants, key):
    """Squared difference from the one-hot class, with hidden units left out at random."""
    share, shape = 1.0 - constants["dropped"], (len(part["y"]), network[0].out_features)
    values = outputs(network, part["x"], jax.random.bernoulli(key, share, shape) / share)
    return jnp.mean(jnp.sum((values - jax.nn.one_hot(part["y"], 10)) ** 2, axis=1))


def cross_entropy_loss(network, part, constants, key):
    """Cross entropy of the classes."""
    values = outputs(network, part["x"], jnp.ones((len(part["y"]), network[0].out_features)))
    return optax.softmax_cross_entropy_with_integer_labels(values, part["y"]).mean()


def rest_loss(network, constants):
    """Squared difference of the examples that were held out."""
    return squared_loss(network, constants["rest"], {"dropped": 0.0}, jax.random.key(0))


if __name__ == "__main__":
    qvar.launch(case)
