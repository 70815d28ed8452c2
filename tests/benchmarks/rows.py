"""What a benchmark gives: rows with a ratio and a target, in tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from measure import Sample


@dataclass
class Row:
    """One work, what qvar takes for it, and where there is one, what its peer takes."""

    table: str
    """Key of `tables.TABLES`."""
    work: str
    """What is done, in a few words."""
    ours: Sample | None = None
    """What qvar takes; None where that failed or was not measured."""
    theirs: Sample | None = None
    """What the peer takes."""
    published: bool = False
    """Whether the peer's figure is from elsewhere and not from this run."""
    unit: str = "s"
    """Of both: "s", "B", "B/s" or "Ha"."""
    ratio: tuple[float, float] | None = None
    """Least ratio theirs / ours, and the one aimed at."""
    limit: tuple[float, float] | None = None
    """Most that ours may be, and what is aimed at."""
    note: str = ""
    """Why a number is missing or wrong."""
    more: dict[str, Any] = field(default_factory=dict)
    """Other facts: sizes for the pictures, further cells."""

    @property
    def times(self) -> float | None:
        """How many times what qvar takes the peer takes."""
        return self.theirs.median / self.ours.median if self.ours and self.theirs else None

    @property
    def verdict(self) -> str:
        """Whether the target is met: "aim", "yes", "NO", or "" where there is none."""
        if self.ours is None or (self.ratio is None and self.limit is None):
            return ""
        least = aim = True
        if self.ratio is not None:
            if self.times is None:
                return ""
            least, aim = (self.times >= bound for bound in self.ratio)
        if self.limit is not None:
            least, aim = least and self.ours.median <= self.limit[0], aim and self.ours.median <= self.limit[1]
        return "aim" if aim and least else "yes" if least else "NO"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """What `to_json` gave."""
        samples = {key: Sample(**data[key]) if data[key] else None for key in ("ours", "theirs")}
        pairs = {key: tuple(data[key]) if data[key] else None for key in ("ratio", "limit")}
        return cls(**{**data, **samples, **pairs})


@dataclass(frozen=True)
class Step:
    """One piece of work, said while it runs."""

    table: str
    work: str
    run: Callable[[], list[Row]]
