"""Published: tables of numbers from papers, computed here and compared."""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from qvar.arguments import check_fields, checked
from qvar.checks import different_names
from qvar.citations import entries
from qvar.errors import QvarError, error_words, require, shown
from qvar.short_repr import short_repr
from qvar.task import LedgerColumn, Reporter, Row, Task, task_key

Recipe: TypeAlias = Callable[..., Mapping[str, float]]
"""Function of the arguments in a table's file -> {quantity: value}. It knows no published number."""

AGREES, DIFFERS, FAILED = "agrees", "differs", "failed"
"""Status of a number: within its tolerance, outside of it, or not computed."""


@short_repr("quantity", "printed", "unit")
@dataclass(frozen=True)
class PublishedNumber:
    """A number of a paper."""

    quantity: str
    """Name of the quantity among those that the recipe returns."""
    printed: str
    """The number as printed, with all its digits."""
    tolerance: float
    """Largest difference that printing, or what is known about the calculation, explains; 0 for an exact count."""
    _: KW_ONLY
    unit: str = ""
    """Its unit; empty for a count."""
    remark: str = ""
    """Known reason of a difference."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(self.tolerance >= 0, "tolerance", "not be negative", self.tolerance)
        try:
            finite = math.isfinite(self.value)
        except ValueError:
            finite = False
        require(finite, "printed", "be a finite number", self.printed)

    @property
    def value(self) -> float:
        """The number."""
        return float(self.printed)


@short_repr("recipe", "label", "numbers")
@dataclass(frozen=True)
class Calculation:
    """One run of a recipe, and the published numbers that it gives."""

    recipe: str
    """Name of the recipe."""
    arguments: Mapping[str, Any]
    """Arguments of the recipe, as JSON can hold them."""
    numbers: tuple[PublishedNumber, ...]
    """The numbers, at least one."""
    _: KW_ONLY
    label: str = ""
    """Name within the table, such as a molecule; empty if the table has one calculation."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(len(self.numbers) > 0, "numbers", "hold at least one number", self.numbers)
        different_names("numbers", [number.quantity for number in self.numbers])

    def title(self, number: PublishedNumber) -> str:
        """Return the name of a number within the table."""
        return f"{self.label}: {number.quantity}" if self.label else number.quantity


@short_repr("name", "paper", "n_numbers")
@dataclass(frozen=True)
class PublishedTable:
    """A table of a paper, or what its authors published as data.

    Raises:
        QvarError: if a field is of a wrong type, the paper is not in `qvar/citations.bib`, or two numbers have one
            name.
    """

    name: str
    """Short name, such as `yordanov2021-lih`."""
    title: str
    """A line on what was computed."""
    paper: str
    """Key of the paper in `qvar/citations.bib`."""
    source: str
    """Place in the paper or its data, and where the number was read."""
    held: str
    """Geometry, basis set and rules, which are held fixed."""
    calculations: tuple[Calculation, ...]
    """The calculations, at least one."""
    _: KW_ONLY
    doi: str = ""
    """DOI of the paper; empty if it has none."""
    seconds: float = 1.0
    """Time on two cores, about."""
    remark: str = ""
    """Known reason of differences; a remark of a number itself replaces it."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(self.paper in entries(), "paper", "be a key of qvar/citations.bib", self.paper)
        require(self.doi in entries()[self.paper], "doi", f"be that of {self.paper}", self.doi)
        require(len(self.calculations) > 0, "calculations", "hold at least one", self.calculations)
        different_names("calculations", [c.title(number) for c in self.calculations for number in c.numbers])

    @property
    def n_numbers(self) -> int:
        """Number of published numbers."""
        return sum(len(calculation.numbers) for calculation in self.calculations)

    @classmethod
    @checked()
    def read(cls, path: str | Path) -> PublishedTable:
        """Read a table from a TOML file, which has the fields of this class; its name is that of the file.

        A number is `{quantity = "...", value = -1.10, tolerance = 5e-3}`; its digits are kept as they are written.

        Raises:
            QvarError: if the file cannot be read, or a field is missing, unknown or wrong.
        """
        path = Path(path)
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise QvarError(f"`path` must be a TOML file, but {path} is not: {error}.") from None
        try:
            calculations = tuple(map(_calculation, data.pop("calculations", ())))
            return _made(cls, {"name": path.stem, "calculations": calculations, **_floats(data)})
        except (QvarError, TypeError, AttributeError) as error:
            raise QvarError(f"`{path.name}` must be a published table, but: {error}") from None


def _made(kind: Any, fields: Mapping[str, Any]) -> Any:
    """Make a record; `QvarError` if a field is unknown or missing."""
    names = {name for name in kind.__dataclass_fields__ if name != "_"}
    unknown = sorted(set(fields) - names)
    if unknown:
        raise QvarError(f"`{unknown[0]}` must be one of {', '.join(sorted(names))}.")
    try:
        return kind(**fields)
    except TypeError as error:
        raise QvarError(f"a field is missing: {error}.") from None


def _calculation(data: Mapping[str, Any]) -> Calculation:
    fields = dict(data)
    numbers = tuple(_number(dict(entry)) for entry in fields.pop("numbers", ()))
    return _made(Calculation, {"arguments": {}, "numbers": numbers, **_floats(fields)})


def _number(fields: dict[str, Any]) -> PublishedNumber:
    value = fields.pop("value", None)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise QvarError(f"`value` must be a number, but is {shown(value)}.")
    return _made(PublishedNumber, {"printed": str(value), **_floats(fields)})


def _floats(value: Any) -> Any:
    """Return parsed TOML with floats in the place of decimals."""
    if isinstance(value, dict):
        return {key: _floats(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_floats(entry) for entry in value]
    return float(value) if isinstance(value, Decimal) else value


@short_repr("tables")
@dataclass(frozen=True)
class Published:
    """Runs the recipes of published tables, and compares each number with the printed one.

    A calculation is a task; a number is a row: printed, computed, difference, and whether it is within the tolerance. A
    number that differs has the status `differs` and never stops the others.

    Raises:
        QvarError: if two tables have one name, or a recipe does not exist.
    """

    columns: ClassVar[tuple[LedgerColumn, ...]] = (
        LedgerColumn("table", "string", "Name of the published table."),
        LedgerColumn("title", "string", "Title of the table."),
        LedgerColumn("paper", "string", "Key of the paper in `qvar/citations.bib`."),
        LedgerColumn("source", "string", "Place of the table, and DOI of the paper."),
        LedgerColumn("held", "string", "Geometry, basis set and rules, which are held fixed."),
        LedgerColumn("quantity", "string", "Name of the number within its table."),
        LedgerColumn("printed", "string", "The published number as printed."),
        LedgerColumn("tolerance", "float64", "Largest difference that counts as agreement.", unit="the row's `unit`"),
        LedgerColumn("within", "boolean", "True if the difference is within the tolerance."),
        LedgerColumn("remark", "string", "Known reason of a difference."),
    )

    tables: Sequence[PublishedTable]
    """The tables."""
    recipes: Mapping[str, Recipe]
    """Recipes by their names."""

    name: ClassVar[str] = "published"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(len(self.tables) > 0, "tables", "hold at least one table", self.tables)
        different_names("tables", [table.name for table in self.tables])
        for table in self.tables:
            for calculation in table.calculations:
                known = ", ".join(self.recipes)
                require(calculation.recipe in self.recipes, "recipe", f"be one of {known}", calculation.recipe)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers, and of the software that the study uses, in `qvar/citations.bib`."""
        papers = {table.paper for table in self.tables}
        return tuple(sorted({"jax2018", "bergholm2018", "sun2020", *papers}))

    def tasks(self) -> list[Task]:
        """Return one task for each calculation."""
        return [
            Task(task_key({"study": "published", **_inputs(table, calculation)}), work.label, work.rows)
            for table in self.tables
            for calculation in table.calculations
            for work in [_Work(table, calculation, self.recipes[calculation.recipe])]
        ]


def _inputs(table: PublishedTable, calculation: Calculation) -> dict[str, Any]:
    """Return a JSON-able description of a calculation and its numbers."""
    numbers = [[n.quantity, n.printed, n.tolerance, n.unit, n.remark] for n in calculation.numbers]
    texts = [table.name, table.title, table.paper, table.source, table.held, table.remark, calculation.label]
    return {"texts": texts, "recipe": calculation.recipe, "arguments": calculation.arguments, "numbers": numbers}


@dataclass(frozen=True)
class _Work:
    """One calculation."""

    table: PublishedTable
    calculation: Calculation
    recipe: Recipe

    @property
    def label(self) -> str:
        """Name for progress bars."""
        return f"{self.table.name} {self.calculation.label or self.calculation.recipe}"

    def rows(self, report: Reporter) -> list[Row]:
        """Return a row for each number."""
        began = time.perf_counter()
        try:
            values, message = dict(self.recipe(**self.calculation.arguments)), ""
        except Exception as error:
            values, message = {}, error_words(error)
        seconds = time.perf_counter() - began
        return [self._row(number, values, message, seconds) for number in self.calculation.numbers]

    def _row(self, number: PublishedNumber, values: Mapping[str, float], message: str, seconds: float) -> Row:
        table, quantity = self.table, self.calculation.title(number)
        row: Row = {
            "contender": f"{table.name}: {quantity}",
            "method": self.calculation.recipe,
            "table": table.name,
            "title": table.title,
            "paper": table.paper,
            "source": f"{table.source}. https://doi.org/{table.doi}" if table.doi else table.source,
            "held": table.held,
            "quantity": quantity,
            "printed": number.printed,
            "reference": number.value,
            "tolerance": number.tolerance,
            "unit": number.unit or None,
            "remark": number.remark or table.remark or None,
            "wall_s": seconds,
        }
        if number.quantity not in values:
            names = ", ".join(values) or "nothing"
            return {**row, "status": FAILED, "message": message or f"The recipe gives {names}."}
        value = float(values[number.quantity])
        difference = value - number.value
        within = abs(difference) <= number.tolerance + 1e-12 * abs(number.value)  # the last bit of a printed number
        return {**row, "value": value, "error": difference, "within": within, "status": AGREES if within else DIFFERS}
