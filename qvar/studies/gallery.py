"""Gallery: several studies on one page, each with its question and the comparison of the two families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import ClassVar

from qvar.arguments import check_fields
from qvar.checks import different_names
from qvar.errors import require
from qvar.short_repr import short_repr
from qvar.task import LedgerColumn, Reporter, Row, Runnable, Task, columns_of, task_key, tasks_of

GALLERY_COLUMNS = (
    LedgerColumn("entry", "string", "Title of the entry of the gallery."),
    LedgerColumn("question", "string", "Question of the entry."),
    LedgerColumn("limit", "string", "Sentence on where the claim of the entry fails."),
    LedgerColumn("compared", "string", "Name of the column by which the families are compared."),
)
"""Columns of a gallery beside the common ones and those of its studies."""


@short_repr("title", "study")
@dataclass(frozen=True, eq=False)
class GalleryEntry:
    """A study in a gallery."""

    title: str
    """Name in the ledger."""
    question: str
    """The question, in one sentence for a reader outside the field."""
    study: Runnable
    """The study, whose ledger has `family`, `n_params`, `seed` and an error."""
    _: KW_ONLY
    limit: str = ""
    """Sentence on where a smaller or constrained model fails."""
    column: str = "test_error"
    """Column of the error by which the families are compared; lower is better."""

    def __post_init__(self) -> None:
        check_fields(self)


@short_repr("entries")
@dataclass(frozen=True, eq=False)
class Gallery:
    """Studies on one page: each entry's tasks, and for each the best generic model against the best constrained one.

    The ledger has the columns of all studies; if two declare a column of one name, the first one's meaning is recorded.
    """

    entries: Sequence[GalleryEntry]
    """Entries with different titles."""

    name: ClassVar[str] = "gallery"
    """Name of the study in records."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(len(self.entries) > 0, "entries", "hold at least one qvar.GalleryEntry", self.entries)
        different_names("entries", [entry.title for entry in self.entries])

    @property
    def columns(self) -> tuple[LedgerColumn, ...]:
        """Columns that it adds to the ledger."""
        columns = {column.name: column for column in GALLERY_COLUMNS}
        for entry in self.entries:
            for column in columns_of(entry.study):
                columns.setdefault(column.name, column)
        return tuple(columns.values())

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers and software that the studies use, in `qvar/citations.bib`."""
        return tuple(sorted({key for entry in self.entries for key in getattr(entry.study, "citations", ())}))

    def tasks(self) -> list[Task]:
        """Return the tasks of all entries."""
        return [
            replace(
                task,
                key=task_key({"study": "gallery", "entry": entry.title, "task": task.key}),
                label=f"{entry.title}: {task.label}",
                run=partial(_rows, entry, task.run),
            )
            for entry in self.entries
            for task in tasks_of(entry.study)
        ]


def _rows(entry: GalleryEntry, run: Callable[[Reporter], list[Row]], report: Reporter) -> list[Row]:
    """Return the rows of a task, with what a page needs of its entry."""
    own = {"entry": entry.title, "question": entry.question, "limit": entry.limit, "compared": entry.column}
    return [{**row, **own} for row in run(report)]
