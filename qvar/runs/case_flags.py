"""Case files: loading them, and turning the signature of `case` into command-line flags.

A case is a Python file with a function `case(...)` that returns a `Runnable`. The names, types and defaults of its
arguments are the flags, the `Args` section of its Google-style docstring is their help.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import io
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from qvar.arguments import reader
from qvar.checks import counting_number
from qvar.errors import HelpShown, QvarError, first_line
from qvar.records.code_versions import code_versions
from qvar.records.json_files import jsonable
from qvar.records.run_folder import check_out, next_free
from qvar.runs import flag_errors
from qvar.runs.bundled_cases import find_case
from qvar.runs.multiprocess import begin, from_leader, is_leader
from qvar.runs.python_files import call_of_user, load_module
from qvar.task import Runnable

CaseFunction: TypeAlias = Callable[..., Any]

RESERVED: tuple[str, ...] = (
    "out", "resume", "progress", "workers", "distributed", "no_progress", "quiet", "json", "help", "h"
)  # fmt: skip
"""Names that a case's arguments cannot have, because they are flags of every run."""


@dataclass(frozen=True)
class RunOptions:
    """Options of every run, next to the case's own arguments."""

    out: Path
    """Folder to write."""
    resume: bool
    """Finish what is missing in `out`."""
    progress: bool
    """Show progress on standard error."""
    result: Literal["table", "json", "nothing"]
    """Output at the end of the run."""
    workers: int
    """Processes that do tasks at the same time."""
    remake: Callable[[], Runnable]
    """Makes the study once more, in another process."""


# ---------------------------------------------------------------------------------------------------------------------
# Loading


def load_case(path: str | Path) -> CaseFunction:
    """Load a case, by the path of its file or by its name in qvar, and return its function `case`.

    Raises `QvarError` if there is no such file, it cannot be imported, or its `case` is not usable.
    """
    path = find_case(path)
    module = load_module(path, "CASE")
    function = getattr(module, "case", None)
    if function is None:
        raise QvarError(f"`CASE` {path} must define a function `case`, but has none.")
    if not callable(function):
        raise QvarError(f"`case` in {path} must be a function, but is {type(function).__name__}.")
    _arguments(function)
    return function


@dataclass(frozen=True)
class _Argument:
    name: str
    kind: Any
    default: Any
    help: str


def _arguments(function: CaseFunction) -> list[_Argument]:
    """Return the arguments of `case`, each with its type, default and words.

    Raises `QvarError` if one lacks a type or a default, or has a name that every run uses.
    """
    from docstring_parser import DocstringStyle, parse

    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:
        raise QvarError(f"`case` must have types that exist, but: {type(error).__name__}: {error}.") from error
    words = {p.arg_name: p.description or "" for p in parse(function.__doc__ or "", DocstringStyle.GOOGLE).params}
    arguments = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise QvarError(f"`case` must name each of its arguments, but has {parameter}.")
        if name in RESERVED:
            raise QvarError(f"`{name}` must not be an argument of `case`: it is a flag of every run.")
        if name not in hints:
            raise QvarError(f"`{name}` must have a type in `case`, such as `{name}: float = 1.0`.")
        if parameter.default is parameter.empty:
            raise QvarError(f"`{name}` must have a default in `case`, such as `{name}: float = 1.0`.")
        mistake = flag_errors.unusable(name, hints[name])
        if mistake is not None:
            raise QvarError(mistake)
        _check_default(name, hints[name], parameter.default)
        arguments.append(
            _Argument(name, hints[name], parameter.default, " ".join(words.get(name, "").split()).rstrip("."))
        )
    return arguments


def _check_default(name: str, kind: Any, default: Any) -> None:
    """Refuse a default that its own flag could not give."""
    plain = {int, float, str, bool, type(None)}
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    is_plain = kind in plain or (origin in (typing.Union, types.UnionType) and set(inner) <= plain)
    if not is_plain and origin is not typing.Literal:
        return
    try:
        reader(kind)(name, default)
    except QvarError as error:
        remedy = f"; write `{name}: {kind.__name__} | None = None`" if default is None and kind in plain else ""
        words = str(error).removesuffix(".").replace("must be", "must have a default in `case` that is", 1)
        raise QvarError(f"{words}{remedy}.") from None


# ---------------------------------------------------------------------------------------------------------------------
# Flags


def build(case_function: CaseFunction, args: Sequence[str], prog: str) -> tuple[Runnable, dict[str, Any], RunOptions]:
    """Read the flags, check where the run may go, and call `case`, whose compiled programs are kept.

    Returns:
        What the case returned, its arguments as JSON can hold them, and the run's options.

    Raises:
        QvarError: if a flag or its value is wrong, the folder cannot be used, or `case` fails.
        HelpShown: after printing the flags for `--help`.
    """
    path = Path(inspect.getfile(inspect.unwrap(case_function)))
    values, options = _parse(case_function, args, prog, Path("runs") / path.stem)
    out = options.out
    if out is None:
        out = Path("runs") / path.stem
        out = out if options.resume else next_free(out)
    counting_number("workers", options.workers)
    if options.distributed:
        begin()
    if is_leader():
        check_out(out, options.resume)  # before the case spends minutes on building its problem
    out = Path(from_leader(str(out)))  # all work on one folder; the others learn here that it cannot be
    study = make_study(case_function, values)
    remake = partial(_remade, str(path.resolve()), values)
    if options.quiet and options.json:
        raise QvarError("`--quiet` must be given without `--json`, which prints the result.")
    result: Literal["table", "json", "nothing"] = "json" if options.json else "nothing" if options.quiet else "table"
    progress = not (options.no_progress or options.quiet)
    return study, jsonable(values), RunOptions(out, options.resume, progress, result, options.workers, remake)


def case_values(case_function: CaseFunction, args: Sequence[str], prog: str) -> dict[str, Any]:
    """Read the flags of a case alone: the values that `case` is called with.

    Raises `QvarError` if a flag or its value is wrong. HelpShown: after printing the flags for `--help`.
    """
    return _parse(case_function, args, prog, None)[0]


def argument_kinds(case_function: CaseFunction) -> dict[str, Any]:
    """Return the names and types of a case's arguments, in their order."""
    return {argument.name: argument.kind for argument in _arguments(case_function)}


def make_study(case_function: CaseFunction, values: dict[str, Any]) -> Runnable:
    """Call `case`; `QvarError` if `case` fails, or returns no `Runnable`.

    A text is printed, and nothing is run (`HelpShown`): a case can list what it has.
    """
    code_versions()  # of files as they were imported, before `case` takes minutes
    path = Path(inspect.getfile(inspect.unwrap(case_function)))
    study = call_of_user(partial(case_function, **values), "case", path)
    if isinstance(study, str):
        print(study)
        raise HelpShown(0)
    if not isinstance(study, Runnable):
        raise QvarError(f"`case` must return a Runnable, such as qvar.Duel(...), but returned {type(study).__name__}.")
    return study


def _remade(path: str, values: dict[str, Any]) -> Runnable:
    """Make the study of a case in a process that has not loaded it."""
    return make_study(load_case(path), values)


def _parse(
    function: CaseFunction, args: Sequence[str], prog: str, default_out: Path | None
) -> tuple[dict[str, Any], Any]:
    """Return the case's arguments, and the options of every run as attributes, such as `out` and `workers`.

    These options are left out without a folder to write to by default.
    """
    import tyro
    from docstring_parser import DocstringStyle, parse

    def field(name: str, kind: Any, default: Any, help: str, **more: Any) -> tuple[str, Any, Any]:
        # Rich markup in a docstring, such as [1, 2], must reach the reader unchanged: tyro escapes help itself.
        annotated = typing.Annotated[kind, tyro.conf.arg(help=help, **more)]
        return name, annotated, dataclasses.field(default_factory=lambda: copy.deepcopy(default))

    arguments = _arguments(function)
    kinds = {argument.name: argument.kind for argument in arguments}
    single_switch = typing.Annotated[bool, tyro.conf.FlagCreatePairsOff]
    fields = [field(argument.name, argument.kind, argument.default, argument.help) for argument in arguments]
    options = [
        field(
            "out",
            Path | None,
            None,
            "folder to write the record, plots and report to",
            metavar="FOLDER",
            help_behavior_hint=f"(default: {default_out}, or {default_out}-2 ... where that exists)",
        ),
        field("resume", single_switch, False, "finish what an interrupted run in --out lacks", help_behavior_hint=""),
        field("workers", int, 1, "processes that do tasks at the same time", metavar="N"),
        field(
            "distributed",
            single_switch,
            False,
            "one of several processes, such as of srun, whose GPUs hold one state",
            help_behavior_hint="",
        ),
        field("no_progress", single_switch, False, "show no progress", help_behavior_hint=""),
        field("quiet", single_switch, False, "print mistakes alone", help_behavior_hint=""),
        field("json", single_switch, False, "print the ledger as JSON instead of a table", help_behavior_hint=""),
    ]
    docstring = parse(function.__doc__ or "", DocstringStyle.GOOGLE)
    description = "\n\n".join(filter(None, [docstring.short_description, docstring.long_description]))
    errors = io.StringIO()
    try:
        flags = dataclasses.make_dataclass("Flags", fields if default_out is None else [*fields, *options])
        with contextlib.redirect_stderr(errors):
            parsed: Any = tyro.cli(flags, prog=prog, description=description, args=list(args))
    except SystemExit as error:
        if error.code in (0, None):
            raise HelpShown(0) from None
        raise QvarError(flag_errors.sentence(errors.getvalue(), kinds, args, prog)) from None
    except Exception as error:
        reason = first_line(error) or type(error).__name__
        raise QvarError(f"`case` must have arguments that can be flags, but: {reason}") from error
    if (twice := flag_errors.repeated(kinds, args)) is not None:
        raise QvarError(twice)
    values = {argument.name: getattr(parsed, argument.name) for argument in arguments}
    return values, parsed
