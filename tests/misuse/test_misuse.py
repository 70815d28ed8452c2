"""Wrong arguments and command lines, as users give them: without the type checker that the tests are run with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["python_calls", "endings"])
def test_misuse_is_answered_by_sentences(name: str) -> None:
    """The tests of a file beside this one, in a process of their own, for there qvar is imported as users import it."""
    here = Path(__file__).parent
    words = ("-q", "-x", "--noconftest", "-p", "no:cacheprovider", "--tb=short", str(here / f"{name}.py"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], capture_output=True, text=True, check=False, cwd=here.parents[1]
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
