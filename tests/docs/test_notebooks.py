"""The notebooks of the documentation run, show what they have stored, and become pages of the site."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from matplotlib import pyplot

ROOT = Path(__file__).parents[2]
TOOLS = runpy.run_path(str(ROOT / "docs" / "notebooks.py"))
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def kinds(outputs: list[dict[str, Any]]) -> list[list[str]]:
    return [sorted(output.get("data", {output.get("name"): ""})) for output in outputs]


@pytest.mark.usefixtures("without_pages")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs_and_shows_what_it_has_stored(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pyplot.close("all")  # a notebook shows every open figure, those of other tests too
    cells = TOOLS["read"](path)
    outputs = TOOLS["run"](cells)
    assert list(map(kinds, outputs)) == [kinds(cell.get("outputs", [])) for cell in cells]
    texts = ["".join(output["data"]["text/plain"]) for cell in outputs for output in cell if "data" in output]
    assert any(re.match(r"(\d) of \1 tasks done; best ", text) for text in texts)
    if path.stem == "first_duel":
        energies = next("".join(output["text"]) for cell in outputs for output in cell if "text" in output)
        reached, exact = (float(number) for number in re.findall(r"-\d\.\d{6}", energies))
        assert 0 <= reached - exact < 1.6e-3
    else:
        assert (tmp_path / "error_against_parameters.pdf").read_bytes().startswith(b"%PDF")


def test_a_cell_that_fails_is_named() -> None:
    cells = [{"cell_type": "markdown", "source": ["# a"]}, {"cell_type": "code", "source": ["1 / 0"]}]
    with pytest.raises(RuntimeError, match="cell 1 of the notebook: ZeroDivisionError: division by zero"):
        TOOLS["run"](cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_is_small_and_a_page(path: Path) -> None:
    assert path.stat().st_size < 200_000
    content = json.loads(path.read_text())
    assert content["nbformat"] == 4
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    lines = [line.rstrip() for cell in code for line in cell["source"]]
    assert max(map(len, lines)) <= 80  # as many as the page shows without a scroll bar
    page = TOOLS["page"](path)
    assert page.startswith("# ")
    assert page.count("```python") == len(code)
    pictures = sum("image/png" in output.get("data", {}) for cell in code for output in cell["outputs"])
    assert page.count("data:image/png;base64,") == pictures > 0
