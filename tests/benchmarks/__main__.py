"""`make bench`, or `python tests/benchmarks`: times qvar beside its peers and prints tables."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")  # compile times are measured

import pictures
import results as files
import tables
from groups import GROUPS, ONLY_NAMED
from measure import WrongNumberError
from rows import Row, Step

USER_ERROR = 2


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        _end(message)


def _end(message: str) -> NoReturn:
    print(f"benchmarks: {message.rstrip('.')}.", file=sys.stderr)
    sys.exit(USER_ERROR)


def _arguments() -> argparse.Namespace:
    about = "Times qvar beside its peers and prints tables; medians, ± half the distance of the quartiles."
    parser = _Parser(prog="benchmarks", description=about)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"{', '.join(GROUPS)} (default: all but {', '.join(ONLY_NAMED)})"
    )
    parser.add_argument("--quick", action="store_true", help="the smallest case of each group, few rounds")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the numbers (JSON); other groups in it stay")
    parser.add_argument("--load", type=Path, metavar="FILE", nargs="+", help="measure nothing, take saved numbers")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables between a page's markers")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw bench_*.png")
    given = parser.parse_args()
    for group in given.groups:
        if group not in GROUPS:
            _end(f"`group` must be one of {', '.join(GROUPS)}, but is {group!r}")
    return given


def measure(steps: list[Step], quick: bool, keep: Path | None) -> tuple[files.Results, bool]:
    """Runs steps one after the other and says so on standard error.

    Args:
        steps: what to run.
        quick: whether they are of the smallest sizes, for which there are no targets.
        keep: file that the rows of every step are saved to; None for none.

    Returns:
        Tables, and whether every step gave numbers.
    """
    found: files.Results = {}
    origin, well = files.here(), True
    for position, step in enumerate(steps, start=1):
        print(f"[{position}/{len(steps)}] {step.table}: {step.work} ...", end=" ", file=sys.stderr, flush=True)
        begin = time.perf_counter()
        try:
            rows = step.run()
        except Exception as error:  # one work that fails must not cost the others
            message = str(error) if isinstance(error, WrongNumberError) else f"{type(error).__name__}: {error}"
            rows, well = [Row(step.table, step.work, note=message)], False
        print(f"{time.perf_counter() - begin:.1f} s", file=sys.stderr, flush=True)
        for row in rows:
            if quick:  # targets and figures from elsewhere are for the full sizes
                row.ratio = row.limit = None
                row.theirs, row.published = (None, False) if row.published else (row.theirs, False)
            found.setdefault(row.table, (origin, []))[1].append(row)
        if keep is not None:
            files.save(keep, found)
    return found, well


def document(found: files.Results) -> str:
    """All tables as Markdown; the origin is above the first one of each origin."""
    parts, last = [], None
    for key, table in tables.TABLES.items():
        if key not in found and not table.planned:
            continue
        origin, rows = found.get(key, (None, []))
        line = tables.origin_line(origin) if origin else None
        if line is not None and line != last:
            parts.append(f"Measured on: {line}\n")
            last = line
        parts.append(tables.markdown(key, rows))
    return "\n".join(parts)


def main() -> int:
    """The command; exit status 0, 1 where a step failed, 2 for a mistake of the user."""
    given = _arguments()
    begin = time.perf_counter()
    found: files.Results = {}
    well = True
    if given.load:
        for path in given.load:
            found |= _guarded("load", lambda path=path: files.load(path))
    else:
        # before the minutes that it takes
        if given.save:
            _guarded("save", lambda: files.check(given.save))
        if given.markdown:
            _guarded("markdown", lambda: tables.between_markers(given.markdown.read_text(encoding="utf-8"), ""))
        chosen = given.groups or [group for group in GROUPS if group not in ONLY_NAMED]
        steps = [step for group in GROUPS if group in chosen for step in GROUPS[group](given.quick)]
        found, well = measure(steps, given.quick, given.save)
    for line in dict.fromkeys(tables.origin_line(origin) for origin, _ in found.values()):
        print(f"\n{tables.wrapped(line)}")
    for key in tables.TABLES:
        if key in found:
            print(f"\n{tables.text(key, found[key][1])}")
    if not given.load:
        print(f"\n{time.perf_counter() - begin:.0f} s in all.")
    if given.save:
        _guarded("save", lambda: files.save(given.save, found))
    if given.plots:
        for path in pictures.draw(found, given.plots):
            print(path)
    if given.markdown:
        old = given.markdown.read_text(encoding="utf-8")
        new = _guarded("markdown", lambda: tables.between_markers(old, document(found)))
        given.markdown.write_text(new, encoding="utf-8")
    return 0 if well else 1


def _guarded(name: str, action: Callable[[], Any]) -> Any:
    """What an action on a file gives; a file that cannot be used ends the program with a sentence."""
    try:
        return action()
    except OSError as error:
        _end(f"`--{name}` must be a file that can be used, but {error.filename!r} is not: {error.strerror}")
    except ValueError as error:
        _end(f"`--{name}` {error}")


if __name__ == "__main__":
    sys.exit(main())
