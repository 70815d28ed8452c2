"""Networks of the gallery: parameters and multiply-adds against closed forms, and a small run of each case."""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
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
    study = load("digits.py")["case"](sizes=(300,), steps=20, seeds=1, quick=True)
    chosen = [one for one in study.learners if one.name in ("dense 32", "depthwise separable")]
    ledger = qvar.run(replace(study, learners=chosen), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) == {"trained"}
    dense = ledger[ledger["model"] == "dense 32"]
    assert set(dense["n_params"]) == {64 * 32 + 32 + 32 * 10 + 10}
    assert set(dense["multiply_adds"]) == {64 * 32 + 32 * 10}
    assert (ledger["test_error"] < 0.9).all()


def test_a_gru_has_three_quarters_of_the_parameters_of_an_lstm() -> None:
    """4 h (d + h + 1) to 3 h (d + h + 1), and the same of the multiply-adds; Equinox trains h further ones."""
    case = load("sequence.py")
    key, d = jax.random.key(0), case["WIDTH"]
    for h in (8, 24):
        with jax.enable_x64(False):
            cells = {name: case[name](h, key).cell for name in ("lstm", "gru")}
            trained = {
                name: sum(leaf.size for leaf in jax.tree.leaves(cell) if jnp.issubdtype(leaf.dtype, jnp.floating))
                for name, cell in cells.items()
            }
            assert trained == {"lstm": 4 * h * (d + h + 1), "gru": 3 * h * (d + h + 1)}
            assert 4 * trained["gru"] == 3 * trained["lstm"]
            own = eqx.nn.GRUCell(d, h, key=key)
            assert sum(leaf.size for leaf in jax.tree.leaves(own)) == trained["gru"] + h
            x, state = jnp.zeros((5, d)), jnp.zeros(h)
            assert operation_count(cells["lstm"], x[0], (state, state)) == 4 * h * (d + h)
            assert operation_count(cells["gru"], x[0], state) == 3 * h * (d + h)
            whole = case["lstm"](h, key)
            assert operation_count(whole, x) == 5 * 4 * h * (d + h) + h * case["CLASSES"]


def test_the_order_of_two_symbols_is_the_class() -> None:
    data = load("sequence.py")["order_of_two"](18, 50, 0)
    symbols = data.x.argmax(axis=-1)
    assert np.all((symbols >= 6).sum(axis=1) == 2)
    pairs = np.array([row[row >= 6] - 6 for row in symbols])
    np.testing.assert_array_equal(2 * pairs[:, 0] + pairs[:, 1], data.y)
    assert np.all(symbols[:, 12:] < 6)


def pieces(network: Any, n: int = 4097) -> int:
    """Straight pieces of a network on [-1, 1], whose kinks are not on the grid's ends of a step of 2^-11."""
    x = np.linspace(-1.0, 1.0, n)
    slopes = np.diff(np.asarray(jax.vmap(network)(x[:, None]))[:, 0])
    return 1 + int(np.sum(np.abs(np.diff(slopes)) > 1e-9))


def test_a_deep_network_is_the_composed_tent_map() -> None:
    """2 units in each of k layers give 2^k pieces; n units in one layer give n + 1 at most."""
    case = load("depth.py")
    x = np.linspace(-1.0, 1.0, 4097)
    for k in (1, 2, 3, 5):
        network = case["exact"](k)
        np.testing.assert_allclose(jax.vmap(network)(x[:, None])[:, 0], case["tent"](x, k), atol=1e-12)
        assert pieces(network) == 2**k
        assert sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_inexact_array))) == 6 * k + 1
    shallow = case["network"](7, 1, jax.random.key(0))
    kinks = -shallow.layers[0].bias / shallow.layers[0].weight[:, 0]
    assert int(np.sum(np.abs(kinks) < 1.0)) < 2**3
    assert sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(shallow, eqx.is_inexact_array))) == 3 * 7 + 1


@pytest.mark.parametrize("name", ["sequence.py", "depth.py"])
def test_small_runs(name: str, tmp_path: Path) -> None:
    more = {"hidden": (4,), "sizes": (60,), "length": 6} if name == "sequence.py" else {"near": 0.01}
    study = load(name)["case"](steps=20, seeds=1, quick=True, **more)
    chosen = (study.learners[0], study.learners[-1])
    ledger = qvar.run(replace(study, learners=chosen), out=tmp_path / "run", progress=False)
    assert set(ledger["status"]) == {"trained"}
    ends = ledger.set_index(["problem", "model"])["test_error"]
    if name == "depth.py":
        assert ends["tent map, 3 times: 8 pieces", "near the exact one"] < 0.3 < ends.max()
