"""Checks of arguments: what users give is looked at here before anything is computed."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Sequence
from numbers import Number
from typing import Any

import numpy as np

from qvar.errors import QvarError, require, shown
from qvar.memory import require_memory

LARGEST = 2**63 - 1
"""Largest integer of 64 bits, which arrays hold."""


def whole_number(argument: str, value: Any, *, unbounded: bool = False) -> int:
    """Return `value` as an `int`, of 64 bits unless `unbounded`; `QvarError` if it is none, such as a `bool`."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise QvarError(f"`{argument}` must be an integer, but is {shown(value)}.") from None
    require(unbounded or abs(number) <= LARGEST, argument, "fit into 64 bits", value)
    return number


def counting_number(argument: str, value: Any, *, least: int = 1, bytes_each: int = 0) -> int:
    """Return `value` as an `int` that counts something.

    Each one counted takes at least `bytes_each` of memory.

    Raises `QvarError` if it is no integer, too small, or more than fits into memory.
    """
    number = whole_number(argument, value, unbounded=True)
    require(number >= least, argument, f"be at least {least}", value)
    require_memory(argument, number, number * bytes_each)
    return number


def real_number(argument: str, value: Any, *, finite: bool = True) -> float:
    """Return `value` as a `float`, finite unless `finite` is False; `QvarError` if it is none, such as a `bool`."""
    try:
        if isinstance(value, bool | str | bytes) or getattr(value, "ndim", 0) != 0:
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise QvarError(f"`{argument}` must be a number, but is {shown(value)}.") from None
    except OverflowError:  # an integer of more than 308 digits
        number = math.inf
    require(math.isfinite(number) or not (finite or math.isnan(number)), argument, "be finite", value)
    return number


def finite_number(argument: str, value: Any) -> float:
    """Return `value` as a `float`; raise `QvarError` about `argument` if it is not a finite real number."""
    return real_number(argument, value)


def whole_numbers(argument: str, values: Any, *, unbounded: bool = False) -> list[int]:
    """Return `values` as a list of `int`; raise `QvarError` about `argument` if they are not integers.

    `unbounded` is that of `whole_number`.
    """
    if not isinstance(values, Iterable) or isinstance(values, str | bytes) or getattr(values, "ndim", 1) == 0:
        raise QvarError(f"`{argument}` must be a list of integers, but is {shown(values)}.")
    return [whole_number(f"{argument}[{place}]", value, unbounded=unbounded) for place, value in enumerate(values)]


def amplitude_array(argument: str, value: Any) -> Any:
    """Return `value` as a JAX array of real or complex numbers of any shape; raise `QvarError` if it is none."""
    import jax
    import jax.numpy as jnp

    array: Any = value
    if not isinstance(value, jax.Array):
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, RuntimeError):  # rows of different lengths
            array = np.asarray(None)
    if not jnp.issubdtype(array.dtype, jnp.number):
        raise QvarError(f"`{argument}` must be an array of amplitudes, but is {shown(value)}.")
    return jax.device_put(np.array(array)) if isinstance(array, np.ndarray) else array


def one_of(argument: str, value: Any, choices: Sequence[Any]) -> Any:
    """Return `value` if it is one of the choices; raise `QvarError` with the nearest of them if not."""
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    word = value if isinstance(value, str) and len(value) < 100 else ""
    near = difflib.get_close_matches(word, [c for c in choices if isinstance(c, str)], n=1)
    words = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}" if len(choices) > 1 else repr(choices[0])
    hint = f" (did you mean {near[0]!r}?)." if near else "."
    raise QvarError(f"`{argument}` must be {words}, but is {shown(value)}{hint}")


def random_key(argument: str, value: Any, ndim: int = 0) -> Any:
    """Return a JAX random key, or for `ndim=1` a row of them; raw key data, as of `jax.random.PRNGKey`, become keys.

    Raises `QvarError` if it is none.
    """
    import jax
    import jax.numpy as jnp

    what = "a JAX random key, such as jax.random.key(0)" if ndim == 0 else "JAX random keys, one for each start"
    key = value
    if isinstance(value, np.ndarray | jax.Array) and value.dtype == jnp.uint32 and value.shape[-1:] == (2,):
        key = jax.random.wrap_key_data(jnp.asarray(value))
    is_key = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if not is_key:
        raise QvarError(f"`{argument}` must be {what}, but is {shown(value)}.")
    if key.ndim != ndim:
        raise QvarError(f"`{argument}` must be {what}, but has shape {key.shape}.")
    return key


def real_array(argument: str, value: Any, shape: tuple[int | str, ...] | None, *, finite: bool = False) -> Any:
    """Return `value` as a JAX array of real numbers.

    The value may be traced. A letter in `shape` is any length; any shape if None.

    Raises `QvarError` if it holds something else than real numbers, or has another shape.
    """
    import jax
    import jax.numpy as jnp
    from jax.core import Tracer

    array = _real_array(argument, value, shape)
    if finite and not isinstance(array, Tracer):
        require_finite(argument, np.asarray(array))
    if isinstance(array, np.ndarray):
        return jax.device_put(array.astype(float))  # `jnp.asarray` compiles a program for each shape
    return jnp.asarray(array, dtype=float)


def real_numbers(argument: str, value: Any, shape: tuple[int | str, ...] | None, *, finite: bool = False) -> np.ndarray:
    """Return a copy of `value` as a NumPy array in 64 bit, without JAX; arguments and errors as in `real_array`."""
    array = np.array(_real_array(argument, value, shape), float)
    if finite:
        require_finite(argument, array)
    return array


def require_finite(argument: str, array: np.ndarray) -> None:
    """Raise `QvarError` about the first entry that is not finite, such as `theta[3]`."""
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        name = f"{argument}[{', '.join(map(str, place))}]" if place else argument
        raise QvarError(f"`{name}` must be finite, but is {array[place]}.")


def _real_array(argument: str, value: Any, shape: tuple[int | str, ...] | None) -> Any:
    """Return an array of NumPy or JAX, or a tracer, of the shape."""
    import jax
    import jax.numpy as jnp

    array: Any = value
    if not isinstance(value, jax.Array):
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, RuntimeError):  # rows of different lengths
            _require_numbers(argument, value)
            raise QvarError(f"`{argument}` must be an array of numbers, but is {shown(value)}.") from None
    # bfloat16 and int4 are of another kind
    is_real = getattr(array.dtype, "kind", "V") in "fiu" or any(
        jnp.issubdtype(array.dtype, kind) for kind in (np.integer, np.floating)
    )
    if not is_real:
        _require_numbers(argument, value)
        what = {"c": "complex numbers", "b": "True and False"}.get(getattr(array.dtype, "kind", ""))
        holds = f"holds {what}" if what and array.ndim else f"is {shown(value)}"
        raise QvarError(f"`{argument}` must be an array of real numbers, but {holds}.")
    lengths = zip(shape or (), array.shape, strict=False)
    if shape is not None and (len(shape) != array.ndim or any(isinstance(n, int) and n != m for n, m in lengths)):
        wanted = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise QvarError(f"`{argument}` must have shape {wanted}, but has shape {array.shape}.")
    return array


def _require_numbers(argument: str, value: Any) -> None:
    """Raise `QvarError` about the first entry of nested lists that is no number, such as `theta[3]`, if any is."""
    for place, entry in enumerate(value if isinstance(value, list | tuple) else ()):
        name = f"{argument}[{place}]"
        _require_numbers(name, entry)
        if not isinstance(entry, list | tuple | Number) or isinstance(entry, bool):
            raise QvarError(f"`{name}` must be a number, but is {shown(entry)}.")


def different_names(argument: str, names: Iterable[str]) -> None:
    """Raise `QvarError` if a name occurs more than once."""
    row = list(names)
    twice = sorted({name for name in row if row.count(name) > 1})
    if twice:
        raise QvarError(f"`{argument}` must have different names, but {twice[0]!r} occurs more than once.")
