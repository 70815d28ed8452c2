"""Names in tables, which may be broken after "_" and "/" on a narrow screen."""

import re

_CELL = re.compile(r"<td[^>]*>.*?</td>", re.DOTALL)
_CODE = re.compile(r"<code>[^<]*</code>")


def on_page_content(content: str, **_: object) -> str:
    """Let long names in the cells of tables be broken, as a hook of MkDocs."""
    return _CELL.sub(lambda cell: _CODE.sub(_broken, cell[0]), content)


def _broken(code: re.Match[str]) -> str:
    return re.sub(r"(?<!<)[_/](?=[^<])", r"\g<0><wbr>", code[0])
