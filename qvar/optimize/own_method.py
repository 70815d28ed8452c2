"""Methods made of two functions of a user, and the record of methods whose settings cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar.arguments import checked
from qvar.errors import QvarError, error_words, require
from qvar.optimize.evaluation import Reading, Reads
from qvar.optimize.method import Iterate, Method, Start, begin

Init: TypeAlias = Callable[[Array, Array], Any]
"""(theta, key) -> memory."""

Update: TypeAlias = Callable[[Array, Reading, Any], tuple[Any, Any, Any]]
"""(trial, evaluation there, memory) -> (next trial, memory, whether the trial is accepted)."""


@checked()
@cache
def own_method(init: Init, update: Update, *, name: str, reads: Reads = "gradient") -> Method:
    r"""Make a method of two functions, which JAX traces: `init` makes its memory, `update` chooses the next point.

    `update(theta, read, memory)` gets the point that was evaluated and its evaluation: `read.value` and, if the method
    reads them, `read.gradient` (n,), `read.metric` (n, n; quantum Fisher information) or `read.variance`. It returns
    the point to evaluate next, the memory (any tree of arrays of fixed shapes), and whether the evaluated point is
    accepted. The first one always is. The last accepted point is the result, and converges by the budget's tolerance
    of the gradient. Each call is one evaluation.

    Functions have no settings that can be read. So the method's record, which the task's key holds, is what it does:
    the points that it asks for after three evaluations in a row, from two starts.

    Args:
        init: `init(theta, key)` returns the memory; theta has shape (n,), the JAX random key is the start's own.
        update: as above.
        name: what the ledger calls it.
        reads: `"value"`, `"variance"`, `"gradient"` or `"metric"`, each with the value.

    Raises:
        QvarError: if a function raises an error, or returns points or a memory of another shape.
    """

    def start(beginning: Start) -> Iterate:
        return begin(beginning.theta, init(beginning.theta, beginning.key))

    def step(state: Iterate, read: Reading) -> Iterate:
        answer = update(state.trial, read, state.inner)
        triple = isinstance(answer, tuple) and len(answer) == 3
        require(triple, "update", "return a tuple of next point, memory, and whether it accepts the point", answer)
        trial, memory, accepted = answer
        accepted = jnp.asarray(accepted, bool) | (state.iterations == 0)

        def latest(new: Any, old: Array) -> Array:
            return jnp.where(accepted, new, old)

        return state._replace(
            trial=jnp.asarray(trial, state.trial.dtype).reshape(state.trial.shape),
            theta=latest(state.trial, state.theta),
            value=latest(read.value, state.value),
            gradient=state.gradient if read.gradient is None else latest(read.gradient, state.gradient),
            iterations=state.iterations + accepted,
            accepted=accepted,
            inner=memory,
        )

    try:
        moves = moves_of(start, jax.jit(step))
    except QvarError:
        raise
    except Exception as error:
        raise QvarError(
            "`update` must choose the next point by its shape and with operations that JAX traces, but it raised "
            f"{error_words(error).rstrip('.')}."
        ) from error
    return Method(name, (("moves", moves),), start, step, reads=reads)


def moves_of(init: Callable[[Start], Iterate], update: Callable[[Iterate, Reading], Iterate]) -> tuple[float, ...]:
    """Return the points that a method asks for after each of three evaluations, from two starts of three parameters."""
    moves: list[float] = []
    for theta in (jnp.zeros(3), jnp.asarray([0.4, -1.1, 2.0])):
        state = init(Start(theta, jax.random.key(0)))
        for turn in range(1, 4):
            gradient = jnp.sin(jnp.asarray([0.3, 1.7, 2.9]) * turn)
            read = Reading(jnp.cos(jnp.asarray(1.7 * turn)), gradient, jnp.eye(3), jnp.asarray(1.0))
            state = update(state, read)
            moves += np.round(np.asarray(state.trial, dtype=float).reshape(3), 12).tolist()
    return tuple(moves)
