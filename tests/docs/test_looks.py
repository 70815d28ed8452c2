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


def test_a_name_in_a_table_may_be_broken_and_one_in_a_sentence_is_whole() -> None:
    broken = runpy.run_path(str(DOCS / "long_names.py"))["on_page_content"]
    row = '<tr><td style="text-align: left;"><code>wall_s</code> of <code>~/.cache/qvar</code></td></tr>'
    assert broken(row).replace("<wbr>", "|") == row.replace("wall_s", "wall_|s").replace(
        "~/.cache/qvar", "~/|.cache/|qvar"
    )
    assert broken("<p><code>wall_s</code></p>") == "<p><code>wall_s</code></p>"


def test_a_long_formula_in_a_sentence_can_scroll_and_a_short_one_stays_in_its_line() -> None:
    hook = runpy.run_path(str(DOCS / "mathml.py"))
    short, long = (
        hook["on_page_content"](f'<span class="arithmatex">\\({tex}\\)</span>') for tex in ("4^M", "+x" * 20)
    )
    assert short.startswith("<math")
    assert long.startswith('<span class="formula"><math')
    assert ".formula" in (DOCS / "keyboard.js").read_text(encoding="utf-8")


def test_styles_and_scripts_of_the_pages_exist() -> None:
    lines = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(lines)
    files = [*config["extra_css"], *config["extra_javascript"]]
    assert [file for file in files if not (DOCS / file).is_file()] == []
    assert {Path(hook).stem for hook in config["hooks"]} == {"long_names", "mathml", "notebooks", "picture_links"}
