"""Wrong arguments and command lines, as users give them: without the type checker that the tests are run with."""

from __future__ import annotations

from pathlib import Path

import pytest
from forks import Forks


def test_misuse_is_answered_by_sentences(forks: Forks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of two files beside this one, in one process of their own, which imports qvar as users import it."""
    here = Path(__file__).parent
    words = ("-q", "-x", "--noconftest", "-p", "no:cacheprovider", "--tb=short", "-W", "ignore:Module already imported")
    # as conftest.py sets it: tracing makes many objects, of which few are garbage
    program = (
        "import gc, signal, sys, pytest; signal.alarm(1800); gc.set_threshold(20_000, 20, 20); "
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    files = [str(here / f"{name}.py") for name in ("endings", "python_calls")]
    monkeypatch.chdir(here.parents[1])
    done = forks.run(program, *words, *files)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
