"""Pictures of a page: names and places of their points, and what a reader can do with them in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from matplotlib.figure import Figure

from qvar.records.run_folder import load
from qvar.report.interactive import interactive
from qvar.report.page import write_report
from qvar.report.plot_style import legend_below
from qvar.runs.runner import run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def drawn() -> Figure:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(
        [1.0, 10.0, 100.0], [2.0, np.nan, 0.5], label="uccsd, a name that a legend must break because it is long " * 2
    )
    axes.fill_between([1.0, 100.0], [0.4, 0.4], [0.6, 0.6], gid="hea")
    axes.plot(np.arange(1, 1001), np.linspace(3.0, 4.0, 1000), gid="hea", label="hea")
    axes.plot([2.0], [3.0], "o")
    axes.axhline(1.6, label="chemical accuracy")
    axes.set_xscale("log")
    axes.set_xlabel("evaluations")
    axes.set_ylabel("|error| (mHa)")
    legend_below(figure, [axes])
    return figure


def test_points_have_the_places_that_the_picture_gives_them(tmp_path: Path) -> None:
    figure = drawn()
    figure.canvas.draw()
    svg, text = interactive(figure, "p3", 'a "title" & <more>', tmp_path / "p.png")
    points = json.loads(text)["points"]
    assert [part["name"][:5] for part in points] == ["uccsd", "hea"]
    assert points[0]["numbers"] == [[1.0, 2.0], [100.0, 0.5]]
    assert points[0]["words"] == ["evaluations", "|error| (mHa)"]
    assert len(points[1]["places"]) == 200
    assert points[1]["numbers"][-1] == [1000.0, 4.0]
    elements = json.loads(text)["elements"]
    for part in points:
        corners = np.concatenate([_corners(svg, element) for element in elements[part["name"]]])
        gaps = np.abs(np.array(part["places"])[:, None] - corners).max(axis=2).min(axis=1)
        assert gaps[[0, -1]].max() < 0.1, "both ends of a line are where the SVG file has them"
    assert 'aria-label="a &quot;title&quot; &amp; &lt;more>"' in svg


def _corners(svg: str, element: str) -> np.ndarray:
    path = re.search(rf'<g id="{element}">.*?<path d="([^"]*)"', svg, re.DOTALL)
    numbers = re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path[1] if path else "")
    return np.array(numbers, float).reshape(-1, 2)


def test_series_and_legend_share_names_and_all_names_of_elements_are_different(tmp_path: Path) -> None:
    png = tmp_path / "p.png"
    svg, text = interactive(drawn(), "p0", "title", png)
    data = json.loads(text)
    assert set(data["legend"].values()) == set(data["elements"])
    assert len(data["elements"]["hea"]) == 2, "line and band"
    used = [*data["legend"], *(e for elements in data["elements"].values() for e in elements)]
    assert len(set(used)) == len(used)
    assert all(svg.count(f'id="{element}"') == 1 for element in used)
    assert all(name.startswith("p0-") for name in re.findall(r'\bid="([^"]*)"', svg))
    assert svg == interactive(drawn(), "p0", "title", png).svg


ACTIONS = """
<script>
addEventListener("load", () => {
  const out = {};
  const live = document.querySelector("figure.live");
  const data = JSON.parse(live.querySelector("script").textContent);
  const part = data.points[0];
  const svg = live.querySelector("svg");
  const place = new DOMPoint(...part.places[0]).matrixTransform(svg.getScreenCTM());
  svg.dispatchEvent(new PointerEvent("pointermove", { clientX: place.x, clientY: place.y, bubbles: true }));
  out.tip = [...live.querySelector(".tip").children].map((line) => line.textContent);
  const same = ([x, y]) => Math.hypot(x - part.places[0][0], y - part.places[0][1]) < 0.5;
  out.names = data.points.filter((other) => other.places.some(same)).map((other) => other.name);
  const button = live.querySelector('[role="button"]');
  const own = data.elements[button.getAttribute("aria-label")].map((id) => document.getElementById(id));
  button.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  out.hidden = own.map((element) => element.style.display);
  out.pressed = button.getAttribute("aria-pressed");
  button.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  out.again = own.map((element) => element.style.display);
  document.querySelectorAll("details").forEach((fold) => (fold.open = true));
  const table = document.querySelector("table.rows");
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const column = heads.indexOf("error");
  const left = () => [...table.tBodies[0].rows].filter((row) => !row.hidden);
  const cells = () => left().map((row) => row.cells[column].textContent);
  const sort = table.tHead.rows[0].cells[column].querySelector("button");
  sort.click();
  out.up = cells();
  sort.click();
  out.down = cells();
  const field = document.querySelector('input[type="search"]');
  field.value = "uccsd";
  field.dispatchEvent(new Event("input"));
  out.found = cells().length;
  out.count = document.querySelector(".search .note").textContent;
  out.width = document.documentElement.scrollWidth <= innerWidth;
  document.body.setAttribute("data-out", JSON.stringify(out));
});
</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1300, 420])
def test_a_browser_names_points_hides_series_and_sorts_rows(fake: ModuleType, tmp_path: Path, width: int) -> None:
    run(fake.Fake(("ry x1", "ry x2", "broken", "uccsd")), tmp_path / "run", progress=False)
    page = write_report(load(tmp_path / "run"))
    page.write_text(page.read_text().replace("</body>", f"{ACTIONS}</body>"))
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}",
        f"--window-size={width},900", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    document = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'data-out="([^"]*)"', document)
    assert found is not None
    out = json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))
    assert out["tip"][0] in out["names"]
    assert out["tip"][1].startswith("evaluations per start")
    assert [set(out["hidden"]), set(out["again"]), out["pressed"]] == [{"none"}, {""}, "false"]
    numbers = [float(cell) for cell in out["up"] if cell != "-"]
    assert len(numbers) > 1
    assert numbers == sorted(numbers)
    assert [float(cell) for cell in out["down"] if cell != "-"] == numbers[::-1]
    assert 0 < out["found"] < len(out["up"])
    assert out["count"].strip() == f"{out['found']} of {len(out['up'])} rows"
    assert out["width"], "nothing is wider than the window"
