from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The module of the case without physics."""
    path = Path(__file__).parents[1] / "runs" / "fake_case.py"
    spec = importlib.util.spec_from_file_location("qvar_fake_case_of_reports", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _one_page_at_a_time(without_pages: None) -> None:
    """Runs leave their numbers; each test makes the pages and pictures that it looks at."""
