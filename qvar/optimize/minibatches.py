"""Training of trees of parameters on minibatches of examples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from qvar._types import PyTree
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import QvarError, error_words, shown

_PARTS = 50
"""Largest number of parts of a training, after which `validate` is evaluated."""


@checked()
def train_batches(
    loss: Callable[..., Any],
    params: PyTree,
    examples: PyTree,
    *,
    key: jax.Array,
    constants: PyTree = None,
    transform: optax.GradientTransformation,
    steps: int,
    batch: int = 32,
    validate: Callable[..., Any] | None = None,
) -> tuple[PyTree, np.ndarray]:
    """Minimize a loss over minibatches, which are drawn with replacement, in single precision.

    Compiled once for each `loss`, `transform`, `validate`, number of steps and shape of the arrays, so that these
    functions should be those of a module, and what changes between trainings (masks, outputs of a teacher, frozen
    weights) should be in `constants`.

    Args:
        loss: JAX function (params, minibatch, constants, key) -> value.
        params: tree of arrays, the start.
        examples: tree of arrays whose first axis is the examples.
        key: JAX key of the minibatches, and of random numbers in the loss.
        constants: tree of arrays that the functions are passed.
        transform: optimizer, an optax transformation.
        steps: number of steps.
        batch: examples of a step; all, in their order, if there are not more.
        validate: JAX function (params, constants) -> value, for early stopping: evaluated after equal parts of the
            training, at most 50 of them.

    Returns:
        Parameters, those of the lowest `validate` if there is one, else the last ones; and the loss of each minibatch
        before its step, (steps,).

    Raises:
        QvarError: if the examples differ in number, or a number of steps or examples is not positive.
    """
    lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(examples)}
    if len(lengths) != 1 or lengths & {(), (0,)}:
        raise QvarError(f"`examples` must be arrays of one length along their first axes, but have {sorted(lengths)}.")
    counting_number("batch", batch)
    counting_number("steps", steps)
    trees = {"params": params, "examples": examples, "constants": constants}
    with jax.enable_x64(False):
        arrays = [jax.tree.map(partial(_single, name), tree) for name, tree in trees.items()]
        try:
            ends, losses = _train(loss, transform, validate, steps, batch, *arrays, key)
        except Exception as error:
            words = error_words(error).rstrip(".")
            raise QvarError(f"`loss` must be a JAX function that returns a number, but raised {words}.") from error
        return ends, np.asarray(losses)


def _single(name: str, leaf: Any) -> Any:
    try:
        array = np.asarray(leaf)
    except Exception:  # keys of JAX, lists of several lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise QvarError(f"`{name}` must be arrays of numbers, but holds {shown(leaf)}.")
    kinds = {"f": np.float32, "i": np.int32, "u": np.int32}
    return jnp.asarray(array.astype(kinds.get(array.dtype.kind, array.dtype)))


def stepped(
    loss: Callable[..., Any], transform: optax.GradientTransformation, params: PyTree, memory: PyTree, *arguments: Any
) -> tuple[PyTree, PyTree, jax.Array]:
    """Return parameters and the optimizer's memory after one step on a loss, and the loss before it."""
    value, slope = jax.value_and_grad(loss)(params, *arguments)
    updates, memory = transform.update(slope, memory, params)
    return optax.apply_updates(params, updates), memory, value


@partial(jax.jit, static_argnums=range(5))
def _train(loss: Any, transform: Any, validate: Any, steps: int, batch: int, *trees: Any) -> Any:
    params, examples, constants, key = trees
    n = len(jax.tree.leaves(examples)[0])

    def step(state: Any, key: Any) -> Any:
        draw, own = jax.random.split(key)
        rows = jax.random.randint(draw, (batch,), 0, n) if batch < n else slice(None)
        part = jax.tree.map(lambda leaf: leaf[rows], examples)
        *state, value = stepped(loss, transform, *state, part, constants, own)
        return tuple(state), value

    def watched(state: Any, keys: Any) -> Any:
        current, lowest, best = state
        current, values = jax.lax.scan(step, current, keys)
        value = validate(current[0], constants)
        best = jax.tree.map(partial(jnp.where, value < lowest), current[0], best)
        return (current, jnp.minimum(value, lowest), best), values

    keys = jax.random.split(key, steps)
    start = (params, transform.init(params))
    if validate is None:
        (params, _), values = jax.lax.scan(step, start, keys)
        return params, values
    parts = max(part for part in range(1, min(_PARTS, steps) + 1) if steps % part == 0)
    state = (start, jnp.inf, params)
    (_, _, params), values = jax.lax.scan(watched, state, keys.reshape(parts, steps // parts))
    return params, values.ravel()
