"""The page on the run folder says what the package says."""

from pathlib import Path

import qvar
from qvar.records.schema import COLUMN_MEANING, LEDGER_COLUMNS

DOCS = Path(__file__).parents[2] / "docs"


def test_every_column_and_status_is_explained() -> None:
    page = (DOCS / "reference" / "records.md").read_text()
    assert set(LEDGER_COLUMNS) <= set(COLUMN_MEANING)
    for column, meaning in COLUMN_MEANING.items():
        assert f"| `{column}` | {meaning} |" in page
    for status in qvar.Status:
        assert f"| `{status.value}` | {status.sentence} |" in page


def test_every_public_name_has_a_reference() -> None:
    page = (DOCS / "reference" / "api.md").read_text()
    for name in set(qvar.__all__) - {"__version__", "analysis"}:
        value = getattr(qvar, name)
        assert value.__doc__, name
        assert f".{name}\n" in page, name
