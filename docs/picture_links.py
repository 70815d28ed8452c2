"""Pictures of the pages, which open in full size."""

import re

_PICTURE = re.compile(r'<img [^>]*?src="(?!data:)(?P<source>[^"]*)"[^>]*>')


def on_page_content(content: str, **_: object) -> str:
    """Make each picture of a page a link to its file, as a hook of MkDocs."""
    return _PICTURE.sub(r'<a class="picture" href="\g<source>">\g<0></a>', content)
