"""Networks of the gallery: parameters and multiply-adds against closed forms, and a small run of each case."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import qvar
from qvar.diagnostics import operation_count
from qvar.runs.python_files import load_module

GALLERY = Path(__file__).parents[3] / "cases" / "gallery"


def load(name: str) -> dict[str, Any]:
    return runpy.run_path(str(GALLERY / name))


def sizes_of(layers: list) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(layers) if hasattr(leaf, "size"))


def counts_of(run: Any, layers: list, channels: int) -> int:
    return operation_count(lambda x: run(layers, x), jnp.zeros((channels, 4, 4)))


def test_a_missing_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "equinox", None)
    with pytest.raises(qvar.QvarError, match=r"^equinox must be installed for .*digits.py: pip install 'qvar-sim\[gal"):
        load_module(GALLERY / "digits.py", "CASE")


def test_blocks_save_what_their_papers_say() -> None:
    """18 C^2 : 25 C^2; 1/N + 1/K^2; 69,632 : 589,824; and what a window saves of a dense layer."""
    case = load("digits.py")
    key, pixels = jax.random.key(0), 16
    parts = {}
    for channels in (16, 256):
        blocks = {name: block(channels, key) for name, block in case["BLOCKS"].items()}
        parts[channels] = {name: sizes_of(block) for name, block in blocks.items()}
        for name, block in blocks.items():
            assert counts_of(case["run"], _flat(block), channels) == pixels * parts[channels][name]
    for channels, sizes in parts.items():
        assert sizes["convolution 3x3"] == 9 * channels**2
        assert sizes["convolution 5x5"] * 18 == sizes["two 3x3 for one 5x5"] * 25 == 18 * 25 * channels**2
        assert sizes["depthwise separable"] == pytest.approx((1 / channels + 1 / 9) * sizes["convolution 3x3"])
    assert (parts[256]["bottleneck"], parts[256]["convolution 3x3"]) == (69_632, 589_824)
    one = case["window"](1, 1, 3, key)
    assert 1 - sizes_of([one]) / (8 * 8) ** 2 == 1 - 9 / 4096  # of a dense map from image to image


def _flat(block: list) -> list:
    return [layer for one in block for layer in (_flat(one) if isinstance(one, list) else [one])]


def test_digits_are_read(tmp_path: Path) -> None:
    study = load("digits.py")["case"](sizes=(300,), steps=60, seeds=2, quick=True)
    ledger = qvar.run(study, out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) == {"trained"}
    dense = ledger[ledger["model"] == "dense 32"]
    assert set(dense["n_params"]) == {64 * 32 + 32 + 32 * 10 + 10}
    assert set(dense["multiply_adds"]) == {64 * 32 + 32 * 10}
    assert (ledger["test_error"] < 0.9).all()
