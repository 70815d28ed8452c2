"""Checks of annotations in the tests: by beartype, and by jaxtyping in functions that name the shapes of arrays.

Jaxtyping binds the arguments of every call once more and compiles two checks for each function, which is most of the
time of small functions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial, wraps
from types import CodeType
from typing import Any, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Integers are welcome where floats are wanted."""

_SHAPES = re.compile(r"\b(Float|Shaped)\[")


_closures: set[CodeType] = set()
"""Functions inside of functions that are checked."""


def check_imports() -> Any:
    """Return a context in which the annotations of everything in qvar that is imported are checked from then on."""
    jaxtyping.jaxtyped = partial(_checked, jaxtyping.jaxtyped)  # functions inside of functions are made later
    return install_import_hook("qvar", "typechecker.check")


def _checked(with_shapes: Callable[..., Any], function: Any = None, *, typechecker: Callable[..., Any]) -> Any:
    """Return a function with its annotations checked; the decorator if there is none.

    Of a function inside of another one, which is made again in every call, the first one is checked.
    """
    if function is None:
        return partial(_checked, with_shapes, typechecker=typechecker)
    if not inspect.isfunction(function):
        return with_shapes(function, typechecker=typechecker)
    if "<locals>" in function.__qualname__:
        if function.__code__ in _closures:
            return function
        _closures.add(function.__code__)
    words = function.__annotations__
    if any(_SHAPES.search(str(word)) for word in words.values()):
        return with_shapes(function, typechecker=typechecker)
    resolved = {name: _resolved(word, function.__globals__) for name, word in words.items()}
    checked = None

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal checked
        if checked is None:  # most functions are not called in a process, and making a check takes a millisecond
            function.__annotations__ = resolved
            checked = typechecker(function)
            function.__annotations__ = words
        return checked(*args, **kwargs)

    return call


def _resolved(word: Any, names: dict[str, Any]) -> Any:
    """Return the type that an annotation names; `Any` if the name is not known before the program runs."""

    def holder() -> None: ...

    holder.__annotations__ = {"value": word}
    try:
        return get_type_hints(holder, names, include_extras=True)["value"]
    except Exception:  # a name that only type checkers import, or a class that is being made
        return Any
