"""Hooks and files of the documentation that change how its pages look."""

import runpy
from pathlib import Path

import yaml

DOCS = Path(__file__).parents[2] / "docs"


def test_a_picture_leads_to_its_file_and_a_picture_inside_the_page_stays() -> None:
    linked = runpy.run_path(str(DOCS / "picture_links.py"))["on_page_content"]
    image = '<img alt="a" src="../images/a.png" />'
    assert linked(f"<p>{image}</p>") == f'<p><a class="picture" href="../images/a.png">{image}</a></p>'
    inside = '<img src="data:image/png;base64,AAAA" alt="a">'
    assert linked(inside) == inside


def test_styles_and_scripts_of_the_pages_exist() -> None:
    lines = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(lines)
    files = [*config["extra_css"], *config["extra_javascript"]]
    assert [file for file in files if not (DOCS / file).is_file()] == []
    assert {Path(hook).stem for hook in config["hooks"]} == {"mathml", "notebooks", "picture_links"}
