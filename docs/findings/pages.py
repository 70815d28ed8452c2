"""All pages of "What we found", and their pictures: made from the kept ledgers alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from findings import (
    page_basis,
    page_families,
    page_growing,
    page_index,
    page_more_parameters,
    page_trainability,
    pictures,
)
from findings.markdown import filled

DOCS = Path(__file__).parents[1]
IMAGES = "images"

PICTURES: dict[str, Callable[[], Figure | None]] = {
    "found_at_a_glance": pictures.at_a_glance,
    "found_errors": pictures.errors,
    "found_fronts": pictures.fronts,
    "found_plateaus": lambda: pictures.plateaus("uniform"),
    "found_starts": lambda: pictures.plateaus("informed"),
    "found_grown": pictures.grown,
    "found_bases": pictures.bases,
    "found_depths": pictures.depths,
}
"""Name of the file -> its picture."""


def _image(name: str) -> str:
    return f"../{IMAGES}/{name}.png"


def texts() -> dict[str, str]:
    """Return {path below docs/: text} of all pages."""
    pages = {
        "families": page_families.page(_image("found_errors"), _image("found_fronts")),
        "trainability": page_trainability.page(_image("found_plateaus"), _image("found_starts")),
        "growing": page_growing.page(_image("found_grown")),
        "basis": page_basis.page(_image("found_bases")),
        "more-parameters": page_more_parameters.page(_image("found_depths")),
    }
    index = page_index.page(pages, _image("found_at_a_glance"))
    return {f"found/{name}.md": filled(text) for name, text in {"index": index, **pages}.items()}


def write_pages(docs: Path = DOCS) -> None:
    """Write all pages and pictures."""
    for name, text in texts().items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name, draw in PICTURES.items():
        figure = draw()
        if figure is not None:
            pictures.save(figure, docs / IMAGES / f"{name}.png")
