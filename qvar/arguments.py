"""Arguments of public functions and fields of studies, checked against their annotations.

The annotation of an argument is all that a check needs: `int` takes integers and no `bool`, `float` finite numbers, a
`Literal` one of its words, `Problem` a problem, and so on. Each public function checks what no annotation can say.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from qvar.checks import one_of, random_key, real_number, whole_number
from qvar.errors import QvarError, did_you_mean, shown

_P = ParamSpec("_P")
_T = TypeVar("_T")
Reader = Callable[[str, Any], Any]
"""(name of the argument, what was given) -> the value, converted; raises `QvarError`."""

WORDS = {
    "GradientTransformation": "an optax transformation",
    "Problem": "a problem, such as qvar.hydrogen_chain(4)",
    "HasReference": "a problem, such as qvar.hydrogen_chain(4)",
    "HasOrbitals": "a problem with orbitals, such as qvar.hydrogen_chain(4)",
    "HasModel": "a lattice model, such as qvar.tfim(4)",
    "Ansatz": "an ansatz, such as qvar.uccsd(problem)",
    "Objective": "an objective, such as qvar.energy(problem, ansatz)",
    "Method": "a method, such as qvar.lbfgs()",
    "Budget": "a budget, such as qvar.Budget(gradients=500)",
    "Contender": "qvar.Contender(name, family, make, layers=...)",
    "Growing": "qvar.Growing(name, family, make)",
    "Runnable": "a study, such as qvar.Duel(...)",
    "Form": "a form, such as qvar.basis.even_tempered('H', s=3)",
    "Target": "a target, such as qvar.basis.Target('H')",
    "BasisSet": "a basis set, such as qvar.basis.published_set('STO-3G', ['H'])",
    "Path": "a path",
    "str": "a text",
    "bool": "True or False",
}
"""{name of a type: what an argument of it must be}."""


def checked(*sizes: str, own: Collection[str] = ()) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Make a decorator that checks the arguments of a function against its annotations before it runs.

    `sizes` are integers that may have more than 64 bits, because the function holds their cost against the memory of
    the machine; `own` are arguments that the function checks by itself, because its sentence says more.
    """

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        signature = inspect.signature(function)

        @functools.cache
        def readers() -> dict[str, Reader]:
            hints = _resolved(function, vars(sys.modules[function.__module__]))
            known = {name: Any if name in own else hints.get(name, Any) for name in signature.parameters}
            return {name: reader(hint, name in sizes) for name, hint in known.items()}

        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(_call_words(function, signature, str(error), kwargs)) from None
            for name, value in bound.arguments.items():
                parameter, read = signature.parameters[name], readers()[name]
                if parameter.kind is parameter.VAR_KEYWORD:
                    bound.arguments[name] = {key: read(key, entry) for key, entry in value.items()}
                elif parameter.kind is not parameter.VAR_POSITIONAL and value is not parameter.default:
                    infinite = isinstance(parameter.default, float) and np.isinf(parameter.default)
                    bound.arguments[name] = real_number(name, value, finite=False) if infinite else read(name, value)
            return function(*bound.args, **bound.kwargs)

        inside = getattr(function, "__wrapped__", None)
        if inside is not None:  # what steps around a type checker or a cache does not step around these checks
            call.__wrapped__ = decorate(inside)  # pyright: ignore[reportAttributeAccessIssue]
        return call

    return decorate


def _call_words(function: Callable[..., Any], signature: inspect.Signature, error: str, keywords: Any) -> str:
    """Return the message of a call whose arguments do not fit, with the nearest name of one that is unknown."""
    names = [name for name, one in signature.parameters.items() if one.kind is not one.VAR_KEYWORD and name != "self"]
    unknown = next((word for word in keywords if word not in names), "")
    hint = did_you_mean(unknown, names, f"its arguments are {', '.join(names) or 'none'}.")
    return f"{function.__qualname__}() {error}; {hint}"


def check_fields(record: Any, *sizes: str) -> None:
    """Check the fields of a frozen dataclass against their annotations, and convert them.

    To be called in its `__post_init__`; `sizes` as of `checked`.

    Raises `QvarError` if a field cannot be what was given.
    """
    for field, read in _field_readers(type(record), sizes):
        value = getattr(record, field.name)
        if value is not field.default:
            infinite = isinstance(field.default, float) and np.isinf(field.default)
            new = real_number(field.name, value, finite=False) if infinite else read(field.name, value)
            if new is not value:
                object.__setattr__(record, field.name, new)


@functools.cache
def _field_readers(kind: Any, sizes: tuple[str, ...]) -> list[tuple[dataclasses.Field[Any], Reader]]:
    hints = _resolved(kind, vars(sys.modules[kind.__module__]))
    return [
        (field, reader(hints.get(field.name, Any), field.name in sizes))
        for field in dataclasses.fields(kind)
        if field.init
    ]


def _resolved(owner: Any, names: dict[str, Any]) -> dict[str, Any]:
    """Return the annotations of a function or of a class's fields; `Any` for names that only type checkers import."""
    hints: dict[str, Any] = {}
    for name, annotation in owner.__annotations__.items():
        if str(annotation).startswith("ClassVar"):
            continue
        try:
            hints |= typing.get_type_hints(types.SimpleNamespace(__annotations__={name: annotation}), names)
        except NameError:
            hints[name] = Any
    return hints


# ---------------------------------------------------------------------------------------------------------------------
# From an annotation to a check


def reader(hint: Any, unbounded: bool = False) -> Reader:
    """Return the check that an annotation asks for; one that takes anything if it says nothing that can be checked."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return _anything
    if origin is typing.Annotated:
        return reader(inner[0], unbounded)
    if hint is int:
        return functools.partial(whole_number, unbounded=unbounded)
    if hint is float:
        return _number
    if origin is typing.Literal:
        return lambda argument, value: one_of(argument, value, inner)
    if origin in (typing.Union, types.UnionType):
        return _any_of(inner, unbounded)
    if origin is tuple and Ellipsis not in inner:
        return _fixed([reader(entry, unbounded) for entry in inner], hint)
    if origin in _ROWS:
        return _row(reader(inner[0], unbounded) if inner else _anything, origin, hint)
    if origin in (dict, Mapping):
        return _table(reader(inner[0]), reader(inner[1], unbounded), hint)
    if origin is Callable or hint is Callable:
        return _callable
    if _is_key(hint):
        return lambda argument, value: random_key(argument, value, 1 if argument.endswith("s") else 0)
    if inspect.isclass(hint) and origin is None and "jaxtyping" not in type(hint).__module__:
        return _instance(hint)
    return _anything


def words_of(hint: Any) -> str:
    """Return what an annotation asks for in words, such as "a number"."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return words_of(inner[0])
    if hint is type(None):
        return "None"
    if hint is int:
        return "an integer"
    if hint is float:
        return "a number"
    if origin is typing.Literal:
        return " or ".join(map(repr, inner))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(words_of(entry) for entry in inner))
    if origin is tuple and Ellipsis not in inner:
        words = [words_of(entry) for entry in inner]
        return f"{len(inner)} values, " + (f"each {words[0]}" if len(set(words)) == 1 else ", ".join(words))
    if origin in _ROWS:
        return f"a list, each entry {words_of(inner[0])}" if inner else "a list"
    if origin in (dict, Mapping):
        return "a dictionary"
    if origin is Callable or hint is Callable:
        return "a function"
    if _is_key(hint):
        return "a JAX random key"
    name = getattr(hint, "__name__", "")
    article = "an" if name[:1] in "AEIOaeio" else "a"
    return WORDS.get(name, f"{article} {name}" if name else "another value")


_ROWS = (tuple, list, Sequence, Iterable, Collection)


def _anything(argument: str, value: Any) -> Any:
    return value


def _number(argument: str, value: Any) -> Any:
    """Check a number; a plain one stays as it was written, so that later sentences show it so."""
    number = real_number(argument, value)
    return value if type(value) in (int, float) else number


def _is_key(hint: Any) -> bool:
    """Return whether an annotation is `jax.Array`, by which public functions mean a random key."""
    return "jax" in sys.modules and hint is sys.modules["jax"].Array


def _wrong(argument: str, hint: Any, value: Any) -> QvarError:
    return QvarError(f"`{argument}` must be {words_of(hint)}, but is {shown(value)}.")


def _callable(argument: str, value: Any) -> Any:
    if not callable(value):
        raise _wrong(argument, Callable, value)
    return value


def _instance(kind: Any) -> Reader:
    """Return the check of a class, which may have a function `accept` that converts other values."""
    accept = getattr(kind, "accept", None)

    def read(argument: str, value: Any) -> Any:
        if kind is bool and isinstance(value, np.bool_):
            return bool(value)
        if isinstance(value, kind) and not (inspect.isclass(value) and kind is not type):
            return value
        if accept is not None:
            return accept(argument, value)
        raise _wrong(argument, kind, value)

    return read


def _any_of(kinds: Sequence[Any], unbounded: bool) -> Reader:
    """Return the check of a union: the first kind that takes the value, or the error of the likely one."""
    real = [kind for kind in kinds if kind is not type(None)]
    readers = [reader(kind, unbounded) for kind in real]
    if len(real) == 1 and len(kinds) == 2 and typing.get_origin(real[0]) is typing.Literal:
        return lambda argument, value: one_of(argument, value, (*typing.get_args(real[0]), None))

    def read(argument: str, value: Any) -> Any:
        if value is None and len(real) < len(kinds):
            return None
        errors = {}
        for kind, one in zip(real, readers, strict=True):
            try:
                return one(argument, value)
            except QvarError as error:
                errors[kind] = error
        is_row = isinstance(value, list | set | np.ndarray) or type(value) is tuple  # and no record of named values
        meant = [error for kind, error in errors.items() if is_row == (typing.get_origin(kind) in _ROWS)]
        if len(meant) == 1:
            raise meant[0]
        raise _wrong(argument, typing.Union[tuple(kinds)], value)  # noqa: UP007 - of a list made at run time

    return read


def is_row(value: Any) -> bool:
    """Return whether a value is a row of entries, as a list, a tuple or an array is; a text or a dictionary is none."""
    is_other = isinstance(value, str | bytes | Mapping) or inspect.isclass(value)
    return not is_other and isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0


def _entries(argument: str, hint: Any, value: Any) -> list[Any]:
    if not is_row(value):
        raise _wrong(argument, hint, value)
    return list(value)


def _row(entry: Reader, origin: Any, hint: Any) -> Reader:
    def read(argument: str, value: Any) -> Any:
        entries = _entries(argument, hint, value)
        new = [entry(f"{argument}[{place}]", one) for place, one in enumerate(entries)]
        if isinstance(value, list | tuple) and all(a is b for a, b in zip(new, value, strict=True)):
            return tuple(value) if origin is tuple and isinstance(value, list) else value
        return tuple(new) if origin is tuple or isinstance(value, tuple) else new

    return read


def _fixed(entries: Sequence[Reader], hint: Any) -> Reader:
    def read(argument: str, value: Any) -> Any:
        values = _entries(argument, hint, value)
        if len(values) != len(entries):
            raise _wrong(argument, hint, value)
        pairs = enumerate(zip(entries, values, strict=True))
        new = tuple(entry(f"{argument}[{place}]", one) for place, (entry, one) in pairs)
        same = isinstance(value, tuple) and all(a is b for a, b in zip(new, value, strict=True))
        return value if same else new

    return read


def _table(key: Reader, entry: Reader, hint: Any) -> Reader:
    def read(argument: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _wrong(argument, hint, value)
        for name, one in value.items():
            key(argument, name)
            entry(f"{argument}[{shown(name)}]", one)
        return value

    return read
