"""Style of report.html: no column of a table is ever cut, for what has no room as a table becomes cards."""

from __future__ import annotations

import re


def style(body: str) -> str:
    """Return the style sheet of a page.

    Args:
        body: the page's HTML, with tables of `qvar.report.pieces.table`.
    """
    widths = sorted({int(width) for width in re.findall(r'class="wide w(\d+)"', body)})
    return _STYLE + "".join(_CARDS.replace("WIDTH", str(width)) for width in widths)


_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #f4f5f7; color: #1c2330;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 90rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0.5rem 0 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 0.75rem; }
h3 { font-size: 1rem; margin: 1rem 0 0.5rem; }
section { background: #fff; border: 1px solid #e1e4ea; border-radius: 8px;
  padding: 1.25rem 1.5rem; margin: 0 0 1.25rem; }
p { margin: 0 0 0.75rem; }
p, li, figcaption, dd { max-width: 66rem; }
.note, figcaption { color: #56607a; font-size: 0.875rem; }
.note { margin: 0.75rem 0 0; }
.warning { background: #fff4d6; border: 1px solid #e6c35c; border-radius: 8px; padding: 0.75rem 1rem; }
.wide { container-type: inline-size; overflow-x: auto; margin-top: 0.75rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.84rem; }
th { text-align: left; vertical-align: bottom; font-weight: 600; color: #56607a; border-bottom: 2px solid #d5d9e2; }
th, td { padding: 0.35rem 0.35rem; }
td { border-bottom: 1px solid #edeff3; vertical-align: top; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.name { font-weight: 600; }
td.bad, .attention { color: #a8330a; }
.constrained, .generic { padding: 0.05rem 0.45rem; border-radius: 999px; font-size: 0.8rem; white-space: nowrap; }
.constrained { background: #dcefe8; color: #00593f; }
.generic { background: #e6e9f2; color: #37415a; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.25rem; margin: 0; }
dt { color: #56607a; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; }
figure img { display: block; width: 100%; max-width: 58rem; margin: 0 auto 0.75rem; }
pre { background: #f4f5f7; border-radius: 6px; padding: 0.75rem 1rem; overflow-x: auto; font-size: 0.875rem; }
code { font-size: 0.9em; }
summary { cursor: pointer; margin-bottom: 0.5rem; }
ul { margin: 0.75rem 0 0; padding-left: 1.25rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.4rem; } }
"""

_CARDS = """@container (max-width: WIDTHrem) {
  .wWIDTH :is(table, tbody) { display: block; }
  .wWIDTH thead, .wWIDTH td:empty { display: none; }
  .wWIDTH tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid #d5d9e2; padding: 0.4rem 0; }
  .wWIDTH td { border: 0; padding: 0 1rem 0 0; text-align: left; }
  .wWIDTH td.name { order: -1; flex-basis: 100%; overflow-wrap: anywhere; }
  .wWIDTH td:not(.name)::before { content: attr(data-head) " "; color: #56607a; font-weight: 400; }
}
"""
