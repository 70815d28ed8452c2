"""Formulas as MathML, which browsers show by themselves: no script is fetched from anywhere."""

import html
import re

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\s*\\[(\[](?P<tex>.*?)\\[)\]]\s*</(?P=tag)>', flags=re.DOTALL
)


def on_page_content(content: str, **_: object) -> str:
    """Turn the formulas of a page into MathML, as a hook of MkDocs; docstrings have formulas too."""

    def mathml(match: re.Match[str]) -> str:
        display = "block" if match["tag"] == "div" else "inline"
        return convert(html.unescape(match["tex"]), display=display)

    return _FORMULA.sub(mathml, content)
