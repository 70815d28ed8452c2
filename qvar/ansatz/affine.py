r"""Proof that values are affine in a vector of parameters, from the computation that JAX traced.

A computation is a list of primitive operations (a jaxpr). Each value in it is followed as one of three forms: a
constant; affine, \(a + C\theta\) with known a and C; or neither. An operation keeps a value affine only if
`linear_operations` has a rule for it. Whatever has none is "neither", so that a function is never taken for affine
because it looks so at some points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal
from scipy.sparse import csr_array, eye_array

from qvar.ansatz.linear_operations import RULES, Affine, kind
from qvar.errors import QvarError

_CALLS = ("jit", "pjit", "closed_call", "core_call")
"""Operations that only contain others."""


@dataclass(frozen=True)
class Other:
    """An array that is not proved to be affine."""

    quarter: int | None
    """0 if it is real, 1 if it is purely imaginary, None if this is not known."""


Form: TypeAlias = Any
"""An array that depends on no parameter, an `Affine`, or an `Other`."""


class _OutsideError(Exception):
    """An index lies outside of its array."""


def affine_forms(closed: ClosedJaxpr) -> list[Form]:
    """Follow a traced function of one vector to the form of each of its outputs.

    Time grows as the number of operations, and as the coefficients that they hold.

    The only input of the trace is theta, (n_params,).

    Returns:
        A form for each output: an array, an `Affine`, or an `Other`.

    Raises `QvarError` if an index that does not depend on theta lies outside of its array, which JAX would move inside.
    """
    n_params = kind(closed.jaxpr.invars[0]).shape[0]
    theta = Affine(np.zeros(n_params), csr_array(eye_array(n_params)))
    try:
        return _follow(closed.jaxpr, closed.consts, [theta])
    except _OutsideError as error:
        raise QvarError(
            f"`quantum_function` must read only {n_params} parameters (`n_params`), but reads {error}."
        ) from None


def _follow(jaxpr: Jaxpr, constants: Sequence[Any], inputs: Sequence[Form]) -> list[Form]:
    forms: dict[Any, Form] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*constants, *inputs), strict=True))

    def read(atom: Any) -> Form:
        return atom.val if isinstance(atom, Literal) else forms[atom]

    for equation in jaxpr.eqns:
        outputs = _apply(equation, [read(atom) for atom in equation.invars])
        forms.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _apply(equation: JaxprEqn, inputs: list[Form]) -> list[Form]:
    name, parameters = equation.primitive.name, equation.params
    if name in _CALLS:
        inner = parameters["jaxpr"] if "jaxpr" in parameters else parameters["call_jaxpr"]
        return _follow(inner.jaxpr, inner.consts, inputs)
    if all(_is_array(form) for form in inputs):
        outputs = equation.primitive.bind(*inputs, **equation.primitive.get_bind_params(parameters))
        return list(outputs) if equation.primitive.multiple_results else [outputs]
    _check_index(equation, inputs)
    if name == "cond" and _is_array(inputs[0]):
        branch = parameters["branches"][int(np.clip(inputs[0], 0, len(parameters["branches"]) - 1))]
        return _follow(branch.jaxpr, branch.consts, inputs[1:])
    outputs = [None] * len(equation.outvars)
    if name in RULES and not any(isinstance(form, Other) for form in inputs):
        outputs = RULES[name](equation, inputs)
    return [
        _other(equation, inputs, atom) if form is None else form
        for atom, form in zip(equation.outvars, outputs, strict=True)
    ]


def _is_array(form: Form) -> bool:
    return not isinstance(form, Affine | Other)


def _other(equation: JaxprEqn, inputs: list[Form], output: Any) -> Other:
    """Return the form of an output that is not proved to be affine."""
    if not _is_complex(output):
        return Other(0)
    name = equation.primitive.name
    every = [_quarter(atom, form) for atom, form in zip(equation.invars, inputs, strict=True)]
    quarters = [quarter for quarter in every if quarter is not None]
    if name not in ("convert_element_type", "neg", "mul", "div", "add", "sub") or len(quarters) < len(every):
        return Other(None)
    if name in ("mul", "div"):
        return Other(sum(quarters) % 2)
    return Other(quarters[0] if len(set(quarters)) == 1 else None)


def _is_complex(atom: Any) -> bool:
    return hasattr(kind(atom), "dtype") and bool(jnp.issubdtype(kind(atom).dtype, np.complexfloating))


def _quarter(atom: Any, form: Form) -> int | None:
    if isinstance(form, Other):
        return form.quarter
    if not _is_complex(atom):
        return 0
    parts = (form.constant, form.slope.data) if isinstance(form, Affine) else (np.asarray(form),)
    if not any(np.any(np.imag(part)) for part in parts):
        return 0
    return None if any(np.any(np.real(part)) for part in parts) else 1


def _check_index(equation: JaxprEqn, inputs: list[Form]) -> None:
    """Refuse an index outside of its array, if it is known."""
    name, shape = equation.primitive.name, kind(equation.invars[0]).shape
    if name == "dynamic_slice":
        indices = [form for form in inputs[1:] if _is_array(form)]
        if len(indices) < len(shape):
            return
        first, sizes = np.array([int(i) for i in indices]), np.array(equation.params["slice_sizes"])
        axes = np.arange(len(shape))
    elif name == "gather" and _is_array(inputs[1]):
        if "CLIP" in str(equation.params["mode"]):
            return
        axes = np.array(equation.params["dimension_numbers"].start_index_map, dtype=int)
        first = np.asarray(inputs[1]).reshape(-1, len(axes))
        sizes = np.array(equation.params["slice_sizes"])[axes]
    else:
        return
    lengths = np.array(shape)[axes]
    if np.any(first < 0) or np.any(first > lengths - sizes):
        beyond = int(np.min(first)) if np.any(first < 0) else int(np.max(first + sizes - 1))
        raise _OutsideError(f"entry {beyond} of an array of shape {shape}")
