"""Formulas as MathML, which browsers show without a script."""

import html
import re

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">'
    r"\s*\\[(\[](?P<tex>.*?)\\[)\]]\s*</(?P=tag)>",
    flags=re.DOTALL,
)

MOST_LETTERS = 25
"""Letters of a formula that fit into a line of a narrow screen; longer ones scroll."""


def on_page_content(content: str, **_: object) -> str:
    """Turn the formulas of a page into MathML, as a hook of MkDocs."""

    def mathml(match: re.Match[str]) -> str:
        tex = html.unescape(match["tex"])
        if match["tag"] == "div":
            return f'<div class="formula">{convert(tex, display="block")}</div>'
        formula = convert(tex, display="inline")
        letters = len(html.unescape(re.sub(r"<[^>]*>|\s", "", formula)))
        long = letters > MOST_LETTERS
        return f'<span class="formula">{formula}</span>' if long else formula

    return _FORMULA.sub(mathml, content)
