from __future__ import annotations

import pytest


@pytest.fixture
def one_sentence():
    """Checks that an error is one sentence about an argument."""

    def check(info, argument, *mentions):
        text = str(info.value)
        assert f"`{argument}`" in text
        assert text.endswith(".")
        assert "\n" not in text
        assert ". " not in text
        for mention in mentions:
            assert mention in text

    return check
