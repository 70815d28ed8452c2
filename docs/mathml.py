"""Formulas as MathML, which browsers show by themselves: no script is fetched from anywhere."""

import html
import re

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\s*\\[(\[](?P<tex>.*?)\\[)\]]\s*</(?P=tag)>', flags=re.DOTALL
)


def on_page_content(content: str, **_: object) -> str:
    """A MkDocs hook: turns the formulas of a page, those of docstrings among them."""

    def mathml(match: re.Match[str]) -> str:
        display = "block" if match["tag"] == "div" else "inline"
        return convert(html.unescape(match["tex"]), display=display)

    return _FORMULA.sub(mathml, content)
