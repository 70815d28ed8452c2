"""Papers that a run should cite, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from qvar.errors import QvarError


@cache
def entries() -> dict[str, str]:
    """Return every paper of `qvar/citations.bib`: key -> BibTeX entry."""
    text = files("qvar").joinpath("citations.bib").read_text(encoding="utf-8")
    records = [f"@{part.strip()}" for part in f"\n{text}".split("\n@")[1:]]
    return {entry.partition("{")[2].partition(",")[0].strip(): entry for entry in records}


def bibtex(keys: Iterable[str]) -> str:
    """Return the BibTeX of some papers, sorted by key, each once; `QvarError` if a key is unknown."""
    known = entries()
    wanted = sorted(set(keys))
    for key in wanted:
        if key not in known:
            raise QvarError(f"`citations` must be keys of qvar/citations.bib, but there is no {key!r}.")
    return "\n\n".join(known[key] for key in wanted)
