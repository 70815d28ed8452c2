"""The page on the run folder names all columns and statuses, and the reference all public names."""

from pathlib import Path
from types import ModuleType

import pytest

import qvar
from qvar.records.schema import COMMON_COLUMNS, MESSAGE, TRACE_COLUMNS, study_columns
from qvar.studies.columns import TRAINING_COLUMNS
from qvar.task import LedgerColumn

DOCS = Path(__file__).parents[2] / "docs"

TYPES = {"string": "text", "Int64": "whole number", "float64": "number", "boolean": "true or false"}


def line(column: LedgerColumn) -> str:
    """The row of a column in a table of the page."""
    meaning = column.meaning.replace("|", r"\|")
    return f"| `{column.name}` | {TYPES[column.kind]} | {column.unit} | {meaning} |"


def tables() -> dict[str, list[LedgerColumn]]:
    """The columns of each table of the page, by the title above it."""
    shared = {"All studies that train": list(TRAINING_COLUMNS)}
    own = {name: [c for c in columns if c not in TRAINING_COLUMNS] for name, columns in study_columns().items()}
    every = {"Every ledger": [*COMMON_COLUMNS, MESSAGE], "Trace": list(TRACE_COLUMNS)}
    return {**every, **shared, **{f"`{name}`": columns for name, columns in own.items() if columns}}


def test_every_column_and_status_is_explained() -> None:
    page = (DOCS / "reference" / "records.md").read_text()
    for title, columns in tables().items():
        _, _, section = page.partition(f"### {title}\n")
        lines = section.partition("\n#")[0].splitlines()
        assert [row for row in lines if row.startswith("| `")] == [line(column) for column in columns], title
    for status in qvar.Status:
        assert f"| `{status.value}` | {status.sentence} |" in page


PACKAGES = (qvar, qvar.analysis, qvar.basis, qvar.diagnostics)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_has_a_reference(package: ModuleType) -> None:
    page = (DOCS / "reference" / "api.md").read_text()
    packages = {each.__name__ for each in PACKAGES}
    for name in sorted({*package.__all__} - {"__version__"}):
        value = getattr(package, name)
        if f"{package.__name__}.{name}" in packages:
            assert f"::: {package.__name__}.{name}\n" in page, name
            continue
        assert f".{name}\n" in page, name
        assert value.__doc__, name
