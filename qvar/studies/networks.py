"""Training of networks: trees of arrays that are functions, on minibatches of examples by an optax transformation."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from qvar._types import PyTree
from qvar.diagnostics.operations import multiply_adds
from qvar.optimize.minibatches import stepped
from qvar.task import numbers_for_key

Loss: TypeAlias = Literal["cross_entropy", "squared"]
"""Mean cross entropy of classes, or mean squared difference."""

Apply: TypeAlias = Callable[[Any, Any, Any], Any]
"""Function (network, one input, JAX key or None outside of training) -> output."""


class Network(NamedTuple):
    """Pure functions that make, train and evaluate one network; compiled once for all seeds and training sizes."""

    make: Callable[[jax.Array], PyTree]
    """JAX key -> parameters: lists of the arrays that are trained, and of the others."""
    begin: Callable[[PyTree], PyTree]
    """Parameters -> memory of the optimizer."""
    steps: Callable[..., tuple[PyTree, PyTree, jax.Array]]
    """(parameters, memory, x, y, (steps, batch) numbers of examples, key) -> parameters, memory, (steps,) losses."""
    evaluate: Callable[..., tuple[jax.Array, jax.Array]]
    """(parameters, x, y, (k, n) weights) -> k weighted means of the loss, and of the error: share of wrong classes, or
    squared difference."""
    outputs: Callable[[PyTree, Any], jax.Array]
    """(parameters, x) -> outputs of all examples."""
    module: Callable[[PyTree], Any]
    """Parameters -> the network itself."""


def compiled(
    make: Callable[[jax.Array], Any], apply: Apply, transform: optax.GradientTransformation, loss: Loss
) -> Network:
    """Return the functions of a network, whose parameters are the arrays of floating-point numbers in it."""
    rest: list[Any] = []

    def arrays(key: jax.Array) -> PyTree:
        leaves, tree = jax.tree.flatten(make(key))
        rest[:] = tree, [_kind(leaf) for leaf in leaves], [None if _kind(leaf) else leaf for leaf in leaves]
        return tuple([leaf for leaf in leaves if _kind(leaf) == kind] for kind in ("trained", "constant"))

    jax.eval_shape(arrays, jax.random.key(0))
    tree, kinds, others = rest

    def module(params: PyTree) -> Any:
        parts = dict(zip(("trained", "constant"), map(iter, params), strict=True))
        leaves = [next(parts[kind]) if kind else leaf for kind, leaf in zip(kinds, others, strict=True)]
        return jax.tree.unflatten(tree, leaves)

    def each(params: PyTree, x: Any, key: Any) -> jax.Array:
        network = module(params)
        if key is None:
            return jax.vmap(lambda one: apply(network, one, None))(x)
        return jax.vmap(partial(apply, network))(x, jax.random.split(key, len(x)))

    def cost(trained: PyTree, constants: PyTree, x: Any, y: Any, key: Any) -> jax.Array:
        return losses(loss, each((trained, constants), x, key), y).mean()

    @jax.jit
    def steps(params: PyTree, memory: PyTree, x: Any, y: Any, batches: Any, key: Any) -> Any:
        constants = params[1]

        def step(state: Any, numbers: Any) -> Any:
            trained, memory, key = state
            key, own = jax.random.split(key)
            *state, value = stepped(cost, transform, trained, memory, constants, x[numbers], y[numbers], own)
            return (*state, key), value

        (trained, memory, _), values = jax.lax.scan(step, (params[0], memory, key), batches)
        return (trained, constants), memory, values

    @jax.jit
    def evaluate(params: PyTree, x: Any, y: Any, weights: Any) -> Any:
        outputs = each(params, x, None)
        return tuple(
            weights @ part / weights.sum(axis=1) for part in (losses(loss, outputs, y), errors(loss, outputs, y))
        )

    def outputs(params: PyTree, x: Any) -> jax.Array:
        return each(params, x, None)

    begin = jax.jit(lambda params: transform.init(params[0]))
    return Network(jax.jit(arrays), begin, steps, evaluate, jax.jit(outputs), module)


def _kind(leaf: Any) -> str:
    if not isinstance(leaf, jax.Array | np.ndarray):
        return ""
    return "trained" if jnp.issubdtype(leaf.dtype, jnp.floating) else "constant"


def losses(loss: Loss, outputs: jax.Array, y: jax.Array) -> jax.Array:
    """Return the loss of each example, (n,).

    Cross entropy takes logits (n, k), and classes (n,) or their probabilities (n, k).
    """
    if loss == "squared":
        return jnp.mean((outputs - y).reshape(len(y), -1) ** 2, axis=1)
    if y.ndim == 1:
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y)
    return optax.softmax_cross_entropy(outputs, y)


def errors(loss: Loss, outputs: jax.Array, y: jax.Array) -> jax.Array:
    """Return the error of each example, (n,): 1 if the most probable class is wrong, or the squared difference."""
    if loss == "squared":
        return losses(loss, outputs, y)
    classes = y if y.ndim == 1 else y.argmax(axis=-1)
    return (outputs.argmax(axis=-1) != classes).astype(outputs.dtype)


class Trace(NamedTuple):
    """Size, cost and digest of a network, its optimizer and its loss, as JAX traces them."""

    n_params: int
    """Number of trained numbers."""
    multiply_adds: int
    """Multiply-adds of one input."""
    digest: str
    """Digest of the traced functions and of the constants in them."""


def traced(
    make: Callable[[jax.Array], Any], apply: Apply, transform: optax.GradientTransformation, loss: Loss, x: Any, y: Any
) -> Trace:
    """Trace a network without running it."""
    network = compiled(make, apply, transform, loss)
    key = jax.random.key(0)
    params = jax.eval_shape(network.make, key)

    def step(params: PyTree, x: Any, y: Any, key: Any) -> Any:
        return network.steps(params, transform.init(params[0]), x, y, jnp.zeros((1, 1), int), key)

    parts = [
        jax.make_jaxpr(network.make)(key),
        jax.make_jaxpr(network.outputs)(params, x[:1]),
        jax.make_jaxpr(step)(params, x[:1], y[:1], key),
    ]
    digest = sha256()
    for part in parts:
        digest.update(re.sub(r" at 0x[0-9a-f]+", "", str(part)).encode())
        for constant in part.consts:
            digest.update(numbers_for_key(constant, 6).tobytes())
    size = sum(int(np.prod(leaf.shape)) for leaf in params[0])
    return Trace(size, multiply_adds(parts[1].jaxpr), digest.hexdigest()[:16])
