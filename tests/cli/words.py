"""Words of command lines."""

from __future__ import annotations

import sys
from pathlib import Path

CASE = Path(__file__).parents[1] / "runs" / "fake_case.py"
QUICK = ("--seeds", "2", "--contenders", "ry x1", "broken", "uccsd")


def command(*words: str) -> list[str]:
    """Words that run the console script, wherever it is installed."""
    return [sys.executable, "-c", "import sys; from qvar.cli.main import main; sys.exit(main())", *words]
