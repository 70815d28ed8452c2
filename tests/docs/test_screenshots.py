"""Pictures of the documentation are small, and the script that makes them says what it needs."""

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def screenshots() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots", DOCS / "screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pictures_are_small(screenshots: ModuleType) -> None:
    plots = {image for images in screenshots.PLOTS.values() for image in images.values()}
    shots = set(re.findall(r"(?:terminal|report|docs)_?\w*\.png", Path(screenshots.__file__).read_text("utf-8")))
    assert len(shots) == 6
    assert max((DOCS / "images" / image).stat().st_size for image in plots | shots) <= screenshots.MOST_BYTES


def test_pictures_are_on_a_page() -> None:
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert [path.name for path in (DOCS / "images").iterdir() if path.name not in text] == []


def test_without_chromium_it_ends_in_a_sentence(screenshots: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="Screenshots need Chromium"):
        screenshots.main([])


def test_a_screen_keeps_what_was_written_last(screenshots: ModuleType) -> None:
    stream = b"one\r\n\x1b[1mbar  0 %\x1b[0m\r\n\x1b[1A\x1b[2Kbar 50 %\r\n\x1b[?25htwo"
    assert screenshots.screen(stream) == "one\nbar 50 %\ntwo"
