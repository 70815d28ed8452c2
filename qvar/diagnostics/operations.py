"""Number of multiply-adds of a JAX function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr

from qvar.arguments import checked
from qvar.errors import QvarError


@checked()
def operation_count(function: Callable[..., Any], *arguments: Any) -> int:
    r"""Count the multiply-adds in the matrix products and convolutions of a JAX function, which is traced and not run.

    A product of an (m, k) and a (k, n) matrix has m k n of them. A convolution has one for each entry of its output,
    channel of its group and point of its window: padded zeros are counted, as in papers on networks. A loop counts as
    often as it runs, a condition as its dearest branch. Sums, activations and products entry by entry are not
    counted.

    Args:
        function: JAX function, such as a network.
        arguments: its arguments, arrays or trees of arrays.

    Raises:
        QvarError: if the function is no function of JAX, or the length of one of its loops depends on numbers.
    """
    try:
        traced = jax.make_jaxpr(function)(*arguments)
    except QvarError:
        raise
    except Exception as error:
        raise QvarError(f"`function` must be a JAX function of the arguments, but raised {error!r:.200}.") from error
    return multiply_adds(traced.jaxpr)


def multiply_adds(jaxpr: Jaxpr) -> int:
    """Return the multiply-adds of a traced function."""
    return sum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: Any) -> int:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = params["dimension_numbers"]
        left, out = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
        return math.prod(out) * math.prod(left[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel = equation.invars[1].aval.shape
        channels = kernel[params["dimension_numbers"].rhs_spec[0]]
        return math.prod(equation.outvars[0].aval.shape) * math.prod(kernel) // channels
    inner = [multiply_adds(part) for entry in params.values() for part in _jaxprs(entry)]
    if name == "cond":
        return max(inner)
    if name == "while" and any(inner):
        raise QvarError("`function` must have loops of fixed length, but has one whose length depends on numbers.")
    if name.startswith("custom_"):  # the function itself, then its derivatives
        return inner[0]
    return params.get("length", 1) * sum(inner) if name == "scan" else sum(inner)


def _jaxprs(entry: Any) -> list[Jaxpr]:
    if isinstance(entry, ClosedJaxpr):
        return [entry.jaxpr]
    if isinstance(entry, Jaxpr):
        return [entry]
    return [part for one in entry for part in _jaxprs(one)] if isinstance(entry, list | tuple) else []
