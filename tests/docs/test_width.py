"""Code on the pages fits beside both columns of links in a window of 1300 pixels, without a scroll bar.

The style sheet makes the page 65 rem wide (1300 pixels at 20 pixels per rem). Both columns take 12.1 rem each, margins
of the text 3 rem, padding of the code two times 1.18 em. A character of 0.8 em takes 7.8 pixels, so that 91 fit, and 88
if the window has a scroll bar of its own.
"""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```$", re.M | re.S)
CHARACTERS = 88


def test_lines_of_code_fit() -> None:
    wide = [
        f"{page.relative_to(DOCS)}: {line}"
        for page in sorted(DOCS.rglob("*.md"))
        for block in BLOCK.findall(page.read_text(encoding="utf-8"))
        for line in block.splitlines()
        if len(line) > CHARACTERS
    ]
    assert wide == []


def test_the_style_sheet_has_the_widths_that_the_limit_is_made_for() -> None:
    style = (DOCS / "style.css").read_text(encoding="utf-8")
    width = float(re.findall(r"max-width: ([\d.]+)rem", style)[0])
    size = float(re.findall(r"pre > code {\s*font-size: ([\d.]+)em", style)[0])
    rem = 20.0  # Material for MkDocs: 125 % of 16 pixels
    text = 0.8 * rem  # its size of text
    inside = width * rem - 2 * 12.1 * rem - 3 * rem - 2 * 1.1765 * size * text
    scroll_bar, character = 15.0, 0.61 * size * text
    assert inside - scroll_bar >= CHARACTERS * character


def test_fences_are_known_to_the_renderer() -> None:
    wrong = [
        f"{page.relative_to(DOCS)}: {line}"
        for page in sorted(DOCS.rglob("*.md"))
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*```", line) and not re.fullmatch(r"```(\w*|python title=\"[\w.]+\")", line)
    ]
    assert wrong == []
