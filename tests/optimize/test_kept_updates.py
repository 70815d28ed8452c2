"""The compiled update of L-BFGS outlives a process, and no other update does."""

from __future__ import annotations

import uuid
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compilations import compilations

import qvar
from qvar.optimize import kept_updates, turns
from qvar.optimize.method import Method


def trained(method: Method) -> tuple[qvar.Result, int]:
    """A training as in a new process, and its compilations of updates."""
    bowl = qvar.Objective("bowl", "generic", 3, lambda x, _: jnp.sum((x - 1.0) ** 4), lambda key: jnp.zeros(3))
    turns._compiled_update.cache_clear()
    with compilations() as count:
        result = qvar.minimize(bowl, np.array([0.0, 0.3, 2.0]), method=method, budget=qvar.Budget(gradients=30))
    return result, count["jit(_update)"]


def test_an_update_is_compiled_once_and_then_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_updates, "program_folder", lambda: tmp_path)
    code = uuid.uuid4().hex  # JAX does not know it from earlier tests
    monkeypatch.setattr(kept_updates, "_code", lambda: code)
    method = qvar.lbfgs(memory=4)
    assert qvar.lbfgs(max_trials=20, memory=4) is method
    first, count = trained(method)
    assert count == 1
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for content, compiled in ((whole, 0), (whole[:-20], 1), (b"", 1), (whole, 0)):  # JAX finds it after a damage
        file.write_bytes(content)
        again, count = trained(method)
        assert count == compiled
        assert again.theta.tobytes() == first.theta.tobytes()
        assert again.trace.value.tobytes() == first.trace.value.tobytes()
    assert list(tmp_path.iterdir()) == [file]


def test_another_method_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_updates, "program_folder", lambda: tmp_path)
    for method in (qvar.adam(), qvar.lbfgs()._replace(citations=()), qvar.lbfgs()._replace(settings=(("depth", 1),))):
        trained(method)
        assert list(tmp_path.iterdir()) == []


def test_a_name_says_all_that_an_update_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_updates, "program_folder", lambda: tmp_path)
    monkeypatch.setattr(kept_updates, "serialize", lambda program: (program, None, None))
    monkeypatch.setattr(kept_updates, "deserialize_and_load", lambda program, *_: program)
    names: list[str] = []

    def compiled(name: str) -> str:
        names.append(name)
        return name

    def kept(inputs: str) -> str:
        return kept_updates.kept_update(inputs, compiled)

    first = kept("one")
    assert kept("one") == first
    others = [kept("two")]
    with jax.debug_nans(not jax.config.jax_debug_nans):  # pyright: ignore[reportAttributeAccessIssue]
        others.append(kept("one"))
    with monkeypatch.context() as patch:
        patch.setenv("XLA_FLAGS", "--another")
        others.append(kept("one"))
    with monkeypatch.context() as patch:
        patch.setattr(kept_updates, "_code", lambda: ("other",))
        others.append(kept("one"))
    assert kept("one") == first
    assert len({first, *others}) == len(names) == 5
