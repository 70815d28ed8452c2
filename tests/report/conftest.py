from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _one_page_at_a_time(without_pages: None) -> None:
    """Runs leave their numbers; each test makes the pages and pictures that it looks at."""
