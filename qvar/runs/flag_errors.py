"""Sentences about mistakes in the flags of a case.

The sentences come from the words of the command line and the types of the case's arguments; where tyro draws a box of
ten lines, this module reads its first paragraph.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from qvar.errors import clipped, did_you_mean, one_line, shown

SWITCHES = ("resume", "distributed", "no_progress", "quiet", "json")
"""Flags of every run that take no value."""

_TYPES = "int, float, str, bool, Path, a Literal, a dataclass of these, or a list or tuple of them"
_ROWS = (tuple, list, set, frozenset, Sequence)


def flag_of(name: str) -> str:
    """Return the flag of an argument, such as `--final-rotations`; a field of a dataclass is `--settings.layers`."""
    return f"--{name.replace('_', '-')}"


def flat(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return {name: type} of all flags: the fields of an argument that is a dataclass are flags of their own."""
    flags: dict[str, Any] = {}
    for name, kind in kinds.items():
        if dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            flags |= flat({f"{name}.{field.name}": hints[field.name] for field in dataclasses.fields(kind)})
        else:
            flags[name] = kind
    return flags


def switch_off(name: str) -> str:
    """Return the flag that sets a `bool` to False, such as `--no-noisy` or `--settings.no-deep`."""
    above, dot, own = name.replace("_", "-").rpartition(".")
    return f"--{above}{dot}no-{own}"


def unusable(name: str, kind: Any) -> str | None:
    """Return why the type of an argument cannot become a flag, or None if it can."""
    for part in _parts(kind):
        home = getattr(part, "__module__", "") or ""
        is_object = home.startswith(("qvar.", "numpy", "jax", "pennylane", "optax")) or part in (Any, object)
        if is_object or typing.get_origin(part) is typing.get_origin(typing.Callable[[], None]):
            word = getattr(part, "__name__", str(part))
            remedy = ""
            if word == "Problem":
                remedy = f'; take its name, such as `{name}: str = "h4"`, and call qvar.named({name}) in the case'
            return f"`{name}` must have a type that a flag can give ({_TYPES}), but has {word}{remedy}."
    return None


def _parts(kind: Any) -> list[Any]:
    """Return the types that a type is made of, down to the fields of dataclasses."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _parts(inner[0])
    if origin in (typing.Union, types.UnionType, dict, *_ROWS):
        return [part for entry in inner if entry is not Ellipsis for part in _parts(entry)]
    if origin is typing.Literal:
        return []
    if dataclasses.is_dataclass(kind) and not getattr(kind, "__module__", "").startswith("qvar."):
        hints = typing.get_type_hints(kind)
        return [part for field in dataclasses.fields(kind) for part in _parts(hints[field.name])]
    return [kind]


def sentence(box: str, kinds: Mapping[str, Any], args: Sequence[str], prog: str) -> str:
    """Return what is wrong with a command line."""
    known = {**flat(kinds), "workers": int}
    flags = {flag_of(name): name for name in known}
    off = {switch_off(name): name for name, kind in known.items() if kind is bool}
    switches = {**off, **{flag: name for flag, name in flags.items() if known[name] is bool}}
    switches |= {flag_of(name): name for name in SWITCHES}
    words = given(args)
    mistake = _unknown(words, {*flags, *switches, "--out", "--help", "-h"}, kinds, prog)
    if mistake is not None:
        return mistake
    for flag, values in words:
        if flag in switches and values:
            name = switches[flag]
            other = f"or {switch_off(name)} " if name in known else ""
            return f"`{name}` must be given as {flag_of(name)} {other}alone, but is {' '.join((flag, *values))!r}."
    text = box_text(box)
    for flag, values in words:
        name = flags.get(flag)
        if name is not None and re.search(rf"{re.escape(flag)}(?![\w-])", text):
            if not values:
                return f"`{name}` must be {type_words(known[name])}, but nothing follows {flag}."
            return f"`{name}` must be {type_words(known[name])}, but is {shown(' '.join(values))}."
        if name is None and flag and not values and flag in text:
            return f"`{flag}` must be followed by its value."
    if "nrecognized" in text:
        stray = text.rpartition(":")[2].strip()
        return f"`{clipped(one_line(stray), 80)}` follows no flag that takes it; `{prog} --help` lists the flags."
    return f"The flags cannot be read: {clipped(one_line(text), 80)} `{prog} --help` lists them."


def repeated(kinds: Mapping[str, Any], args: Sequence[str]) -> str | None:
    """Return a sentence about a flag that occurs more than once, of which only the last would count; or None."""
    names = {flag_of(name): name for name in (*flat(kinds), "out", "workers", *SWITCHES)}
    names |= {switch_off(name): name for name, kind in flat(kinds).items() if kind is bool}
    seen: set[str] = set()
    for flag, _ in given(args):
        name = names.get(flag)
        if name in seen:
            return f"`{name}` must be given once, but occurs more than once."
        seen |= {name} if name is not None else set()
    return None


def given(args: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the flags of a command line with the words after each; words before the first flag follow ""."""
    words: list[tuple[str, list[str]]] = []
    for word in args:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            words.append((flag.replace("_", "-"), [value] if equals else []))
        elif words:
            words[-1][1].append(word)
        else:
            words.append(("", [word]))
    return words


def _unknown(
    words: Sequence[tuple[str, list[str]]], known: set[str], kinds: Mapping[str, Any], prog: str
) -> str | None:
    for flag, _ in words:
        if flag and flag not in known:
            whole = next((name for name, kind in kinds.items() if flag_of(name) == flag), None)
            if whole is not None:  # a dataclass
                fields = ", ".join(flag_of(name) for name in flat({whole: kinds[whole]}))
                return f"`{whole}` must be given field by field ({fields}), but is given as {flag}."
            hint = did_you_mean(flag if len(flag) < 100 else "", known, f"`{prog} --help` lists them.")
            return f"`{clipped(one_line(flag), 80)}` is not a flag of this case; {hint}"
    return None


def box_text(box: str) -> str:
    """Return the first paragraph in the box that tyro drew, on one line."""
    paragraphs: list[list[str]] = [[]]
    for line in box.splitlines():
        content = line.strip().strip("│╰╯").strip()
        if line.strip().startswith("╭"):
            continue
        if content and set(content) <= set("─-"):
            paragraphs.append([])
        else:
            paragraphs[-1].append(content)
    # Without Unicode tyro draws no frame, and the title is a paragraph of its own.
    text = paragraphs if box.lstrip().startswith("╭") else paragraphs[1:]
    return " ".join(filter(None, text[0])) if text else ""


def type_words(kind: Any) -> str:
    """Return a type in words, such as "a float" or "one of 'RY', 'RZ'"."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return type_words(inner[0])
    if origin is typing.Literal:
        return "one of " + ", ".join(map(repr, inner))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_words(entry) for entry in inner)
    if origin in _ROWS:
        entries = [entry for entry in inner if entry is not Ellipsis]
        if origin is tuple and Ellipsis not in inner:
            return f"{len(entries)} values ({', '.join(type_words(entry) for entry in entries)})"
        return f"values, each {type_words(entries[0])}" if entries else "values"
    if kind is type(None):
        return "None"
    name = getattr(kind, "__name__", str(kind))
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"
