"""Circuits made of circuits: one after another, and with some of their angles held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.program import Program, ProgramBuilder


def program_after(first: Program, second: Program) -> Program:
    """Return the circuit of all operations of the first program, then those of the second, whose parameters come last.

    It starts in the reference of the first program.

    Raises `QvarError` if the angles of one are not affine in theta.
    """
    builder = ProgramBuilder(first.n_qubits, first.n_params + second.n_params, first.reference)
    builder.extend(first)
    builder.extend(second, shift=first.n_params)
    return builder.build()


def program_with_held(program: Program, theta: FloatArray, held: Sequence[int]) -> Program:
    """Return the program of the other parameters, in their order, with some parameters held at theta, (n_params,)."""
    free = np.setdiff1d(np.arange(program.n_params), np.asarray(held, dtype=int))
    place = np.full(program.n_params, -1)
    place[free] = np.arange(len(free))
    kept = place[program.angle_param] >= 0
    offset = np.array(program.offset)
    gone = ~kept
    np.add.at(offset, program.angle_op[gone], program.angle_scale[gone] * theta[program.angle_param[gone]])
    function = program.angle_function
    if function is not None:
        offset = np.asarray(program.angles(jnp.asarray(theta))) if len(free) == 0 else offset
        function = None if len(free) == 0 else _Held(function, theta, free)
    return replace(
        program,
        n_params=len(free),
        offset=offset,
        angle_op=program.angle_op[kept],
        angle_param=place[program.angle_param[kept]].astype(program.angle_param.dtype),
        angle_scale=program.angle_scale[kept],
        angle_function=function,
    )


def joined_fields(first: Any, second: Any) -> dict[str, Any]:
    """Return the fields of an ansatz of two ansätze, the first of which acts first."""

    def joined(key: jax.Array) -> Any:
        keys = jax.random.split(key)
        return jnp.concatenate([first.initial(keys[0]), second.initial(keys[1])])

    return {
        "family": "constrained" if first.family == second.family == "constrained" else "generic",
        "program": program_after(first.program, second.program),
        "settings": {"first": dict(first.settings), "then": dict(second.settings)},
        "start": "joined",
        "starts": {"joined": joined},
        "spread": min(first.spread, second.spread),
        "symmetries": tuple(one for one in first.symmetries if one in second.symmetries),
        "citations": tuple(dict.fromkeys((*first.citations, *second.citations))),
        "classical_tail": second.classical_tail,
    }


class _Held:
    """Angles as a function of the free parameters."""

    def __init__(self, function: Any, theta: FloatArray, free: np.ndarray) -> None:
        self.function, self.theta, self.free = function, theta, free

    def __call__(self, theta: Any) -> Any:
        """Return the (n_ops,) angles."""
        return self.function(jnp.asarray(self.theta, theta.dtype).at[self.free].set(theta))
