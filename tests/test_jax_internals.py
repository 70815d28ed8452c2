"""Parts of JAX without a public name: qvar uses them in one file, and does without them if they vanish."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from qvar.errors import QvarError
from qvar.jax_internals import coordination_client, write_programs_whole

ROOT = Path(__file__).parents[1]


def test_no_other_file_uses_private_jax() -> None:
    files = [path for path in (ROOT / "qvar").rglob("*.py") if "jax._src" in path.read_text(encoding="utf-8")]
    assert files == [ROOT / "qvar" / "jax_internals.py"]


def test_this_version_of_jax_has_both(monkeypatch: pytest.MonkeyPatch) -> None:
    from jax._src import distributed

    assert write_programs_whole()
    with pytest.raises(QvarError, match="`--distributed` must find the coordination service"):
        coordination_client()  # a single process has none
    methods = dict.fromkeys(("key_value_set", "blocking_key_value_get", "key_value_dir_get"), print)
    client = SimpleNamespace(**methods)
    monkeypatch.setattr(distributed.global_state, "client", client)
    assert coordination_client() is client


def test_a_version_without_them_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax._src.lru_cache", None)
    assert not write_programs_whole()
    monkeypatch.delattr(jax._src, "distributed")  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "jax._src.distributed", None)
    with pytest.raises(QvarError, match=r"this JAX keeps it elsewhere\."):
        coordination_client()
