"""Checkpoints inside trainings: stopped and continued, the same numbers bit for bit."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import jax
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.optimize.agreement import gathered
from qvar.optimize.checkpoint import Arrays, Keeper, Stopped, keeping
from qvar.optimize.first_order import gradient_descent
from qvar.optimize.natural_gradient import natural_gradient
from qvar.optimize.rotosolve import rotosolve
from qvar.optimize.spsa import spsa

METHODS = {
    "lbfgs": qvar.lbfgs(memory=4),
    "adam": qvar.adam(),
    "gradient_descent": gradient_descent(momentum=0.5),
    "natural_gradient": natural_gradient(),
    "rotosolve": rotosolve(),
    "spsa": spsa(),
    "spsa with shots": spsa(shots=100),
}


class Shelf:
    """States in memory, as the bytes that files would have."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {}
        self.read: list[str] = []
        self.written: list[str] = []

    def keeper(self, stop_at: int = -1, due: bool = False) -> Keeper:
        """One that wants to stop from the look of this number on; looks count from 1."""
        looks = iter(range(1, 10**6))

        def read(name: str) -> Arrays | None:
            self.read.append(name)
            return self[name] if name in self.states else None

        def write(name: str, arrays: Arrays) -> None:
            self.written.append(name)
            self[name] = arrays

        return Keeper(read, write, lambda: due, lambda: 0 < stop_at <= next(looks))

    def __getitem__(self, name: str) -> Arrays:
        with np.load(io.BytesIO(self.states[name]), allow_pickle=False) as file:
            return dict(file)

    def __setitem__(self, name: str, arrays: Arrays) -> None:
        file = io.BytesIO()
        np.savez(file, **cast(Any, arrays))
        self.states[name] = file.getvalue()


def until_done(shelf: Shelf, work: Callable[[], Any], looks: int) -> tuple[Any, int]:
    """What comes out of work that is stopped again and again, and how often it was."""
    for stops in range(10**4):
        try:
            with keeping(shelf.keeper(stop_at=looks)):
                return work(), stops
        except Stopped:
            pass
    raise AssertionError("it makes no progress")


def assert_same(ones: list[qvar.Result], others: list[qvar.Result]) -> None:
    for one, other in zip(ones, others, strict=True):
        assert one.status is other.status
        names = ["value", "theta", "gradient_norm", "iterations", "energy_evaluations", "gradient_evaluations"]
        for name in [*names, "lowest_curvature", "hessian_products"]:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name, strict=True)
        for name in ("step", "value", "gradient_norm", "evaluations"):
            np.testing.assert_array_equal(getattr(one.trace, name), getattr(other.trace, name), name, strict=True)
        assert (one.trace.theta is None) == (other.trace.theta is None)
        if one.trace.theta is not None:
            np.testing.assert_array_equal(one.trace.theta, other.trace.theta, strict=True)


@pytest.fixture
def a_look_at_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvar.optimize.minimize._SECONDS_BETWEEN_LOOKS", 0.0)


@cache
def _chain() -> qvar.Objective:
    return qvar.energy(qvar.tfim(3), qvar.hardware_efficient(3, layers=1, rotations=("RY",)))


def _bowl(theta: jax.Array, data: object) -> jax.Array:
    return jnp.sum(jnp.array([1.0, 3.0]) * theta**2)


def _draw(key: jax.Array) -> jax.Array:
    return jax.random.normal(key, (2,))


def _quadratic(name: str = "quadratic") -> qvar.Objective:
    return qvar.Objective(name, "generic", 2, _bowl, _draw)  # of one function, which is compiled once


def _counted(calls: list[int]) -> qvar.Objective:
    """The quadratic, which notes its evaluations."""

    def function(theta: jax.Array, data: object) -> jax.Array:
        jax.debug.callback(lambda: calls.append(1))
        return _bowl(theta, data)

    return qvar.Objective("quadratic", "generic", 2, function, _draw)


ADAM, FEW = qvar.adam(), qvar.Budget(gradients=9)
STARTS = np.array([[1.0, 2.0], [0.3, -0.7]])


@pytest.mark.usefixtures("a_look_at_every_turn")
@pytest.mark.parametrize("name", list(METHODS))
def test_stopped_and_continued_it_is_undisturbed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objective, method, budget = _chain(), METHODS[name], qvar.Budget(gradients=23)
    starts = objective.initial_batch(jax.random.key(4), 2)
    keep_path = name == "lbfgs"

    def train() -> list[qvar.Result]:
        keys = jax.random.split(jax.random.key(7), 2)
        return qvar.minimize_batch(objective, starts, method=method, budget=budget, keys=keys, keep_path=keep_path)

    with monkeypatch.context() as usual:
        usual.setattr("qvar.optimize.minimize._SECONDS_BETWEEN_LOOKS", 0.4)
        whole = train()
    for looks, least in ((2, 15), (6, 3)):
        found, stops = until_done(Shelf(), train, looks)
        assert_same(found, whole)
        assert stops >= least


@pytest.mark.usefixtures("a_look_at_every_turn")
def test_steps_out_of_saddles_are_continued() -> None:
    def function(theta: jax.Array, data: object) -> jax.Array:  # minima -1/4 at y = +-1/sqrt(2), a saddle at 0
        return theta[0] ** 2 - theta[1] ** 2 + theta[1] ** 4

    objective = qvar.Objective("saddle", "generic", 2, function, lambda key: jax.random.normal(key, (2,)))
    starts = np.array([[0.0, 0.0], [1.0, 0.0], [0.3, 0.4]])

    def train() -> list[qvar.Result]:
        return qvar.minimize_batch(objective, starts, budget=qvar.Budget(escape="always"), keep_path=True)

    whole = train()
    np.testing.assert_allclose([result.value for result in whole], -0.25, atol=1e-12)
    for looks, least in ((1, 15), (3, 6)):
        found, stops = until_done(Shelf(), train, looks + 1)
        assert_same(found, whole)
        assert stops >= least


@pytest.mark.usefixtures("a_look_at_every_turn")
def test_nothing_is_evaluated_or_compiled_twice() -> None:
    calls: list[int] = []
    objective = _counted(calls)
    shelf = Shelf()

    def train() -> list[list[qvar.Result]]:
        return [qvar.minimize_batch(objective, scale * STARTS, method=ADAM, budget=FEW) for scale in (1.0, 2.0)]

    whole = train()
    jax.effects_barrier()
    made = len(calls)
    assert made == 2 * 9  # one for both starts together
    compiled = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        compiled.append(kwargs.get("fun_name"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        found, stops = until_done(shelf, train, 4)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    jax.effects_barrier()
    assert stops > 3
    assert not [name for name in compiled if name and ("_evaluate" in str(name) or "_update" in str(name))]
    assert len(calls) == 2 * made
    for one, other in zip(found, whole, strict=True):
        assert_same(one, other)
    assert set(shelf.states) == {"0000", "0001"}

    shelf.written.clear()
    looks = []
    with keeping(shelf.keeper(stop_at=1)):  # it has ended, without a question
        again = qvar.minimize_batch(objective, STARTS, method=ADAM, budget=FEW, callback=looks.append)
    jax.effects_barrier()
    assert len(calls) == 2 * made
    assert shelf.written == []
    assert_same(again, whole[0])
    assert looks == [(9, 0, min(result.value for result in whole[0]))]
    assert [result.compile_s for result in again] == [result.compile_s for result in found[0]]
    assert [result.wall_s for result in again] == [result.wall_s for result in found[0]]


@pytest.mark.usefixtures("a_look_at_every_turn")
def test_when_states_are_written() -> None:
    shelf = Shelf()
    with keeping(shelf.keeper(due=True)):
        qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
    assert shelf.written == ["0000"] * 10  # before the first turn and after each
    shelf = Shelf()
    with keeping(shelf.keeper()):
        for _ in range(2):
            qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
        with keeping(Shelf().keeper()):
            qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
        qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
    assert shelf.written == shelf.read == ["0000", "0001", "0002"]  # at their ends
    qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
    assert len(shelf.written) == 3


def _stopped(looks: int = 4) -> Shelf:
    """A training of the quadratic, stopped on its way."""
    shelf = Shelf()
    with pytest.raises(Stopped), keeping(shelf.keeper(stop_at=looks)):
        qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
    assert len(shelf["0000"]["rows.value"]) == looks - 1
    return shelf


OTHERS: dict[str, dict[str, Any]] = {
    "objective": {"objective": _quadratic(name="other")},
    "method": {"method": gradient_descent()},
    "settings": {"method": qvar.adam(learning_rate=0.04)},
    "budget": {"budget": qvar.Budget(gradients=10)},
    "start": {"theta0": STARTS + 1e-6},
    "keys": {"keys": jax.random.split(jax.random.key(1), 2)},
    "path": {"keep_path": True},
}


@pytest.mark.usefixtures("a_look_at_every_turn")
def test_starts_that_differ_in_their_last_bits_are_the_same_training() -> None:
    # as another kind of CPU draws them; what was kept goes on from the bits that it has
    with keeping(_stopped().keeper()):
        found = qvar.minimize_batch(_quadratic(), np.nextafter(STARTS, 9.0), method=ADAM, budget=FEW)
    assert_same(found, qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW))


@pytest.mark.usefixtures("a_look_at_every_turn")
@pytest.mark.parametrize("what", list(OTHERS))
def test_a_state_of_another_training_is_refused(what: str) -> None:
    shelf = _stopped()
    arguments = {"objective": _quadratic(), "theta0": STARTS, "method": ADAM, "budget": FEW, **OTHERS[what]}
    words = r"^Training 0000 starts afresh, because its saved state does not fit: it is that of another [a-z, ]+\.$"
    with pytest.warns(RuntimeWarning, match=words), keeping(shelf.keeper()):
        found = qvar.minimize_batch(**arguments)
    assert_same(found, qvar.minimize_batch(**arguments))


def _without(name: str) -> Callable[[Arrays], Arrays]:
    return lambda state: {key: array for key, array in state.items() if key != name}


def _changed(name: str, change: Callable[[Any], Any]) -> Callable[[Arrays], Arrays]:
    return lambda state: {**state, name: change(state[name])}


DAMAGES = {
    "everything": lambda state: {},
    "a leaf": _without("batch.iterates.inner.0.mu"),
    "a record": _without("rows.accepted"),
    "a clock": _without("wall_s"),
    "too much": lambda state: {**state, "batch.iterates.more": np.zeros(3)},
    "a shape": _changed("batch.iterates.theta", lambda a: a[:1]),
    "no shape": _changed("batch.status", lambda a: a[0]),
    "a dtype": _changed("batch.iterates.value", lambda a: a.astype(np.float32)),
    "rows": _changed("rows.value", lambda a: a[:-1]),
    "a row": _changed("rows.value", lambda a: a[0, 0]),
    "columns": _changed("rows.evaluations", lambda a: a[:, :1]),
}


@pytest.mark.usefixtures("a_look_at_every_turn")
@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_state_is_refused(damage: str) -> None:
    shelf = _stopped()
    shelf["0000"] = DAMAGES[damage](shelf["0000"])
    with pytest.warns(RuntimeWarning, match="^Training 0000 starts afresh, because"), keeping(shelf.keeper()):
        found = qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
    assert_same(found, qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW))


@pytest.mark.usefixtures("a_look_at_every_turn")
def test_seconds_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that was stopped has no more time than another."""
    shelf, budget = Shelf(), qvar.Budget(gradients=9, seconds=1000.0)
    with pytest.raises(Stopped), keeping(shelf.keeper(stop_at=4)):
        qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=budget)
    state = shelf["0000"]
    assert 0 < state["wall_s"] < 100
    shelf["0000"] = {**state, "wall_s": np.array(1000.5), "compile_s": np.array(50.0)}
    with keeping(shelf.keeper()):
        results = qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=budget)
    for result in results:
        assert result.status is qvar.Status.OUT_OF_TIME
        assert result.gradient_evaluations == 3
        assert 1000.5 < result.wall_s < 1100
        assert 50.0 < result.compile_s < 150


def test_an_unwritable_state_is_reported() -> None:
    def write(name: str, arrays: Arrays) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"), keeping(Keeper(lambda _: None, write, lambda: True, lambda: False)):
        qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)


@pytest.mark.usefixtures("a_look_at_every_turn")
def test_a_study_of_several_trainings_is_stopped_and_continued() -> None:
    """A curve notes errors of a point and goes on; being stopped is none. Its later starts are its earlier ends."""

    def contender(problem: qvar.Problem) -> qvar.Ansatz:
        return qvar.hardware_efficient(problem, layers=1, rotations=("RY",))

    def run() -> list[dict[str, Any]]:
        budget = qvar.Budget(gradients=12)
        curve = qvar.Curve(
            lambda field: qvar.tfim(3, h=field), (0.5, 1.0), [contender], method=ADAM, seeds=2, budget=budget
        )
        rows = curve.tasks()[0].run(lambda _: None)
        return [{name: row[name] for name in row if name not in ("wall_s", "compile_s")} for row in rows]

    shelf = Shelf()
    found, stops = until_done(shelf, run, 9)
    assert stops == 4  # of 3 trainings with 13 looks each
    assert set(shelf.states) == {"0000", "0001", "0002"}
    np.testing.assert_equal(found, run())
    assert {row["status"] for row in found} <= {"converged", "out_of_budget"}


def test_numbers_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [1.5, 2**60, np.pi]
    np.testing.assert_array_equal(gathered(numbers), [numbers])
    assert gathered([]).shape == (1, 0)
    from jax.experimental import multihost_utils

    def gather(mine: Any) -> Any:  # what process 0 says stands first
        assert mine.dtype == np.uint32
        return np.stack([np.array([0.1, 7.0, -1e300]).view(np.uint32), mine])

    monkeypatch.setattr("qvar.optimize.agreement.jax.process_count", lambda: 2)
    monkeypatch.setattr(multihost_utils, "process_allgather", gather)
    np.testing.assert_array_equal(gathered(numbers), [[0.1, 7.0, -1e300], numbers])


@pytest.mark.usefixtures("a_look_at_every_turn")
def test_any_process_may_stop_and_process_0_has_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    other = iter([[64, True, True, looks == 3] for looks in range(9)])
    monkeypatch.setattr("qvar.optimize.minimize.gathered", lambda said: np.array([said, next(other)], dtype=float))
    with pytest.raises(Stopped), keeping(shelf.keeper()):
        qvar.minimize_batch(_quadratic(), STARTS, method=ADAM, budget=FEW)
    assert shelf.written == ["0000"]
    assert len(shelf["0000"]["rows.value"]) == 3


WORKER = """
import os, signal, sys
from pathlib import Path

import jax
import numpy as np

import qvar
from qvar.optimize.checkpoint import Keeper, keeping

folder, dies = Path(sys.argv[1]), sys.argv[2] == "dies"
jax.config.update("jax_numpy_rank_promotion", "raise")


def read(name):
    path = folder / f"{name}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            return dict(file)


def write(name, arrays):
    with open(folder / "next", "wb") as file:
        np.savez(file, **arrays)
    os.replace(folder / "next", folder / f"{name}.npz")
    if dies and len(arrays["rows.value"]) >= 5:
        os.kill(os.getpid(), signal.SIGKILL)


objective = qvar.energy(qvar.tfim(3), qvar.hardware_efficient(3, layers=1, rotations=("RY",)))
with keeping(Keeper(read, write, lambda: True, lambda: False)):
    starts = objective.initial_batch(jax.random.key(4), 2)
    results = qvar.minimize_batch(objective, starts, budget=qvar.Budget(gradients=23))
np.savez(folder / "found.npz", theta=[result.theta for result in results], trace=results[1].trace.value)
"""


def test_killed_in_one_process_and_continued_in_another(tmp_path: Path) -> None:
    def work(word: str) -> int:
        return subprocess.run(
            [sys.executable, "-c", WORKER, str(tmp_path), word], check=False, env=os.environ
        ).returncode

    assert work("dies") == -signal.SIGKILL
    assert {file.name for file in tmp_path.iterdir()} == {"0000.npz"}
    assert work("lives") == 0
    objective = _chain()
    starts = objective.initial_batch(jax.random.key(4), 2)
    whole = qvar.minimize_batch(objective, starts, budget=qvar.Budget(gradients=23))
    with np.load(tmp_path / "found.npz") as found:
        np.testing.assert_array_equal(found["theta"], [result.theta for result in whole])
        np.testing.assert_array_equal(found["trace"], whole[1].trace.value)
