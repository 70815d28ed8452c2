"""Numbers and names as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qvar._types import DataFrame
from qvar.analysis.rows import Cell, as_float, known, resolution, resolution_words
from qvar.report.table import NOTHING, Span, Text
from qvar.units import plain_number, short_exponent


def number(value: Cell) -> str:
    """Format an error or value with four or more digits; a dash if there is none."""
    if (amount := as_float(value)) is None:
        return NOTHING
    size = abs(amount)
    if size != 0 and (size < 1e-3 or size >= 1e6):
        return short_exponent(f"{amount:.1e}")
    return f"{amount:.{3 if size < 10 else 2 if size < 100 else 1 if size < 1e4 else 0}f}"


def error_words(value: Cell, unit: str) -> str:
    """Format an error; one below the accuracy of the exact value is "<1e-5" mHa, or "<1e-8" of another unit."""
    if (amount := as_float(value)) is not None and abs(amount) <= resolution(unit):
        return f"<{resolution_words(unit)}"
    return number(value)


def energy(value: Cell) -> str:
    """Format an energy with six digits after the point."""
    return fixed(value, 6)


def recovered_words(value: Cell, n: int = 3) -> str:
    """Format a share of the correlation energy; a millionth is rounding, for exact energies are known to 1e-8."""
    amount = as_float(value)
    return digits(0.0 if amount is not None and abs(amount) <= 1e-6 else amount, n)


def fixed(value: Cell, places: int) -> str:
    """Format a number with so many digits after the point; a dash if there is none."""
    return NOTHING if (amount := as_float(value)) is None else f"{amount:.{places}f}"


def digits(value: Cell, n: int = 3) -> str:
    """Format a number with so many digits, zeros at the end included; a dash if there is none."""
    if (amount := as_float(value)) is None:
        return NOTHING
    text = f"{amount:#.{n}g}"
    if "e+" in text and abs(amount) < 1e6:  # a count of hundreds has no exponent
        return f"{float(text):.0f}"
    return short_exponent(text.rstrip(".")) if amount else "0"


def interval(low: Cell, high: Cell, n: int = 3) -> str:
    """Format the ends of an interval in brackets, after a space; "" if there is none."""
    return f" [{digits(low, n)}, {digits(high, n)}]" if known(low) and known(high) else ""


def listed(names: Sequence[str]) -> str:
    """Join names with commas, or with semicolons if a name has a comma itself."""
    return ("; " if any(", " in name for name in names) else ", ").join(names)


def count(value: Cell) -> str:
    """Format a count, or the median of counts; a dash if there is none."""
    return NOTHING if (amount := as_float(value)) is None else plain_number(amount, ".0f")


def seconds(value: Cell) -> str:
    """Format a time: <0.1 s, 0.3 s, 12 s, 3.4 min, 1.2 h."""
    if (time := as_float(value)) is None:
        return NOTHING
    if 0.0 < time < 0.05:
        return "<0.1 s"
    if time < 120:
        return f"{time:.{1 if time < 10 else 0}f} s"
    return f"{time / 60:.1f} min" if time < 7200 else f"{time / 3600:.1f} h"


def counted(value: Cell, noun: str) -> str:
    """Format a count with its noun: "1 parameter", "26 parameters"."""
    words = count(value)
    return f"{words} {noun}{'' if words == '1' else 's'}"


def share(part: Cell, whole: Cell) -> str:
    """Format a part of a count, such as "7/8"; a dash if it is not known."""
    return f"{count(part)}/{count(whole)}" if known(part) else NOTHING


def family(word: Cell) -> Text:
    """Return a family as a tag; a dash if there is none."""
    return Span(word, "family") if isinstance(word, str) and word else NOTHING


def bold(text: object) -> Span:
    """Return bold text."""
    return Span(str(text), "bold")


def attention(text: str, bad: object) -> Text:
    """Return a text that is marked if something failed."""
    return Span(text, "bad") if bad else text


def once(rows: Sequence[object], name: str) -> Callable[[object], str]:
    """Return a function row -> its name, or "" if the row above has the same."""
    names = [str(getattr(row, name)) for row in rows]
    texts = {id(row): words for row, words, above in zip(rows, names, [None, *names], strict=False) if words != above}
    return lambda row: texts.get(id(row), "")


def common(table: DataFrame, column: str) -> str:
    """Return the one text that all entries of a column share, or "" if they differ."""
    present = {str(value) for value in table[column].dropna() if value}
    return present.pop() if len(present) == 1 else ""


def values(ledger: DataFrame, column: str) -> list[str]:
    """Return the different entries of a column, in order of appearance."""
    return [str(value) for value in ledger[column].dropna().unique()] if column in ledger.columns else []


def ends(names: list[str]) -> str:
    """Join names, of a long list the first and the last."""
    return listed(names) if len(names) <= 3 else f"{names[0]} ... {names[-1]}"


def first_few(names: list[str], most: int = 8) -> str:
    """Join names with commas, of many the first ones, with the number of the others."""
    return listed(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
