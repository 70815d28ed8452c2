"""Pictures of the documentation: terminal, report, start page, and plots of its pages.

`make screenshots` calls it. It takes two minutes on two idle cores.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000
"""Size of a picture in the repository, at most."""

PLOTS = {
    "tutorial/first-duel.md": {
        "convergence.png": "tutorial_convergence.png",
        "front.png": "tutorial_front.png",
    },
    "how-to/figure-for-a-paper.md": {"errors.png": "paper_figure.png"},
}
"""Page -> the plots that its code saves, and their names among the images."""

COMMAND = ["qvar", "run", "h4_duel", "--layers", "1", "2", "4", "--seeds", "8"]
"""Run whose terminal and report are shown."""

STILL = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)
"""Flags of Chromium: no window, nothing from a network."""


def chromium() -> str:
    """Return the program that makes the pictures, or end with a sentence."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    sys.exit("Screenshots need Chromium: install `chromium` or `google-chrome`.")


def shoot(
    page: Path, image: str, width: int, height: int, *, dark: bool = False
) -> None:
    """Store a picture of a page in a window of some size."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shot.png"
        options = [
            f"--user-data-dir={folder}/profile",
            f"--window-size={width},{height}",
        ]
        if dark:
            options += ["--blink-settings=preferredColorScheme=0"]
        command = [chromium(), *STILL, *options, f"--screenshot={file}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        store(file, image)


def store(file: Path, image: str) -> None:
    """Store a picture with as many colors as its size in bytes allows."""
    for colors in (256, 128, 64, 32):
        picture = (
            Image.open(file).convert("RGB").quantize(colors, dither=Image.Dither.NONE)
        )
        picture.save(IMAGES / image, optimize=True)
        if (size := (IMAGES / image).stat().st_size) <= MOST_BYTES:
            print(f"{image}: {size // 1000} kB")
            return
    sys.exit(f"{image} is larger than {MOST_BYTES // 1000} kB.")


def typed(command: list[str], folder: Path, columns: int) -> Iterator[bytes]:
    """Run a command in a terminal of its own and yield its output piece by piece."""
    ours, theirs = pty.openpty()
    env = os.environ | {
        "COLUMNS": str(columns),
        "LINES": "40",
        "TERM": "xterm-256color",
    }
    run = subprocess.Popen(command, cwd=folder, env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        yield piece
    if run.wait():
        sys.exit(f"{' '.join(command)} ended with status {run.returncode}.")


def screen(stream: bytes) -> str:
    """Return the lines that a stream leaves on a screen, with their colors.

    Cursor movements: back to the start of a line, up some lines, erase a line.
    """
    lines, place = [""], 0
    text = re.sub(
        r"\x1b\[\?[\d;]*[hl]|\x1b\[[\d;]*[JG]", "", stream.decode(errors="ignore")
    )
    for piece in re.findall(
        r"\x1b\[\d*A|\x1b\[\d*K|\r|\n|(?:(?!\x1b\[\d*[AK])[^\r\n])+", text
    ):
        if piece == "\n":
            place += 1
            if place == len(lines):
                lines.append("")
        elif piece == "\r":
            continue
        elif piece.endswith("A") and piece.startswith("\x1b["):
            place = max(0, place - int(piece[2:-1] or 1))
        elif piece.endswith("K") and piece.startswith("\x1b["):
            lines[place] = ""
        else:
            lines[place] = piece
    return "\n".join(lines).rstrip()


def terminal(text: str, image: str, title: str) -> None:
    """Store a picture of a terminal with some text."""
    columns = max(map(len, Text.from_ansi(text).plain.splitlines()))
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=columns + 1, file=nowhere)
        console.print(Text.from_ansi(text))
        console.print()  # the picture cuts the lower edge of its last line
        svg = console.export_svg(title=title, theme=MONOKAI)
    svg = re.sub(r"@font-face\s*{[^}]*}", "", svg)  # no fonts from a network
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    width, height = (round(float(number)) + 1 for number in size.groups())
    page = f'<body style="margin:0">{svg.replace("<svg ", f"<svg width={width} ", 1)}'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "terminal.html"
        file.write_text(page, encoding="utf-8")
        shoot(file, image, width, height)


def run_page(name: str, folder: Path) -> None:
    """Run the blocks of Python of a page in a folder."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S))
    subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )


def plots(folder: Path) -> None:
    """Store the plots that pages make."""
    for page, files in PLOTS.items():
        run_page(page, folder)
        for file, image in files.items():
            store(folder / file, image)


def run(folder: Path) -> None:
    """Store the terminal of a run, half way and in the end, and its report."""
    words = f"$ {' '.join(COMMAND)}\n"
    pieces = list(typed([*COMMAND, "--out", "runs/h4_duel"], folder, 80))
    half = screen(b"".join(pieces[: len(pieces) // 2]))
    terminal(words + half, "terminal_progress.png", "half way")
    terminal(words + screen(b"".join(pieces)), "terminal_table.png", "in the end")
    report = folder / "runs" / "h4_duel" / "report.html"
    text = report.read_text(encoding="utf-8")
    result = "<style>section:nth-of-type(1) { display: none }</style></head>"
    report.write_text(text.replace("</head>", result, 1), encoding="utf-8")
    shoot(report, "report.png", 1300, 1500)
    shoot(report, "report_dark.png", 1300, 1500, dark=True)
    shoot(report, "report_narrow.png", 420, 1100)


def start(folder: Path) -> None:
    """Store the start page of the documentation."""
    build = ["mkdocs", "build", "--quiet", "--site-dir", str(folder / "site")]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(build, cwd=ROOT, check=True, env=quiet)
    shoot(folder / "site" / "index.html", "docs_start.png", 1300, 900)


PARTS = {"plots": plots, "run": run, "start": start}


def main(parts: list[str]) -> None:
    """Make the pictures of some parts again, or of all."""
    chromium()
    if wrong := set(parts) - set(PARTS):
        sys.exit(f"Parts are {', '.join(PARTS)}, not {', '.join(wrong)}.")
    for part in parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[part](Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
