"""Checkpoints inside trainings: all that one needs to go on at the exact step, and who keeps it.

A program whose trainings may have to stop makes a `Keeper` ambient with `keeping`. Every call of
`qvar.minimize_batch` inside asks it, by the number of the call, for a state to go on from, and gives it one when it is
due, when it has to stop and when it has ended. On the same kind of device the numbers come out as if nothing had
happened, bit for bit.

A state holds, in numbers of 8 bytes for each start and parameter, 2 memory + 6 for L-BFGS (26 with its usual memory of
10), 5 for Adam and 3 to 4 for the other methods, the zeros included with which some methods pad their parameters; and
25 bytes for each start and evaluation made so far, with `keep_path` 8 more for each parameter. Each checkpoint writes
all of it: 1000 parameters, 16 starts and 500 evaluations take 3.5 MB with L-BFGS, and 64 MB more with their paths.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from qvar._types import PyTree
from qvar.optimize.agreement import gathered
from qvar.random_draws import is_key

Arrays: TypeAlias = dict[str, np.ndarray[Any, np.dtype[Any]]]
"""A saved state: NumPy arrays under plain names such as `batch.iterates.theta`, fit for `numpy.savez`."""

_FINGERPRINT, _ROWS = "fingerprint", "rows."


class Stopped(BaseException):
    """The run was asked to stop; its state is kept.

    Not an `Exception`: studies note what goes wrong in one task and go on, which this must not be taken for.
    """


@dataclass(frozen=True)
class Keeper:
    """Keeps the states of trainings; in a run of several processes each has one of its own."""

    read: Callable[[str], Arrays | None]
    """The state saved under a training's name; None where there is none that can be read."""
    write: Callable[[str, Arrays], None]
    """Saves a training's state in place of an older one; asked of process 0 alone. An OSError goes up."""
    due: Callable[[], bool]
    """Return True if a checkpoint is due; called in process 0 alone."""
    stop: Callable[[], bool]
    """Return True to stop at the next step; in a run of several processes one of them is enough."""


_ambient: ContextVar[tuple[Keeper, Iterator[int]] | None] = ContextVar("_ambient", default=None)


@contextmanager
def keeping(keeper: Keeper) -> Iterator[None]:
    """Make a keeper ambient; trainings inside are called "0000", "0001", ... in the order of their calls."""
    token = _ambient.set((keeper, itertools.count()))
    try:
        yield
    finally:
        _ambient.reset(token)


class Wishes(NamedTuple):
    """Requests of a keeper to a training."""

    due: bool
    stop: bool


@dataclass(frozen=True)
class Training:
    """One training as the ambient keeper knows it, if there is one."""

    keeper: Keeper | None
    name: str
    fingerprint: str
    """Of what the training is about; a state with another one is not its own."""

    @classmethod
    def next(cls, fingerprint: Callable[[], str]) -> Training:
        """Return the next training of the ambient keeper's block; without a keeper none of this costs anything.

        Args:
            fingerprint: made only if there is a keeper.
        """
        ambient = _ambient.get()
        if ambient is None:
            return cls(None, "", "")
        keeper, numbers = ambient
        return cls(keeper, f"{next(numbers):04d}", fingerprint())

    @property
    def wishes(self) -> Wishes:
        """Requests of the keeper of this process."""
        if self.keeper is None:
            return Wishes(False, False)
        return Wishes(jax.process_index() == 0 and self.keeper.due(), self.keeper.stop())

    def read(self, fixed: PyTree, rows: PyTree) -> tuple[PyTree, PyTree] | None:
        """Return the saved state, if every process can read one that belongs to this training; see `unpack`.

        There is a `RuntimeWarning` about one that does not.
        """
        if self.keeper is None:
            return None
        state, saved = None, self.keeper.read(self.name)
        if saved is not None:
            try:
                state = unpack(saved, self.fingerprint, fixed, rows)
            except ValueError as error:
                sentence = f"Training {self.name} starts afresh, because its saved state does not fit: {error}."
                warnings.warn(sentence, RuntimeWarning, stacklevel=4)
        return state if gathered([state is not None]).all() else None

    def write(self, fixed: PyTree, rows: PyTree) -> None:
        """Save a state, see `pack`; every process calls it, and goes on when it is written.

        Raises:
            OSError: if it cannot be written; in every process.
        """
        if self.keeper is None:
            return
        arrays = pack(self.fingerprint, fixed, rows)  # in every process: keys are unwrapped on the devices
        failure = None
        if jax.process_index() == 0:
            try:
                self.keeper.write(self.name, arrays)
            except OSError as error:
                failure = error
        if gathered([failure is not None]).any():  # else the others would wait for process 0 for ever
            raise failure or OSError(f"process 0 could not save the state of training {self.name}")


def fingerprint_of(inputs: Any, *arrays: Any) -> str:
    """Return the SHA-256 of what a training is about."""
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode())
    for array in arrays:
        digest.update(np.asarray(_plain(array)).tobytes())
    return digest.hexdigest()


def pack(fingerprint: str, fixed: PyTree, rows: PyTree) -> Arrays:
    """Return a state as arrays in the host's memory.

    The leading axes of `rows` are as long as the training has gone on. The leaves are under their paths, those of
    `rows` after "rows."; typed random keys become their numbers.
    """
    leaves = _leaves(fixed) | _leaves(rows, _ROWS)
    numbers = jax.device_get({name: _plain(leaf) for name, leaf in leaves.items()})
    return {_FINGERPRINT: np.array(fingerprint)} | {name: np.asarray(leaf) for name, leaf in numbers.items()}


def unpack(saved: Arrays, fingerprint: str, fixed: PyTree, rows: PyTree) -> tuple[PyTree, PyTree]:
    """Return a state from the arrays that `pack` made.

    `fixed` and `rows` are states of the same structure, whose leading axes in `rows` may be of any length. Arrays are
    NumPy's; typed random keys are keys again.

    Raises `ValueError` with a clause that says why, if the saved arrays do not fit.
    """
    if _FINGERPRINT not in saved or str(saved[_FINGERPRINT]) != fingerprint:
        raise ValueError("it is that of another objective, method, budget or start")
    growing = _leaves(rows, _ROWS)
    likes = _leaves(fixed) | growing
    for name in sorted(likes.keys() ^ (saved.keys() - {_FINGERPRINT})):
        raise ValueError(f"it lacks `{name}`" if name in likes else f"it has `{name}` beside")
    lengths = {saved[name].shape[:1] for name in growing}
    for name, like in likes.items():
        array, ours = saved[name], np.asarray(_plain(like))
        shape, dtype = (*min(lengths), *ours.shape[1:]) if name in growing else ours.shape, ours.dtype
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(f"`{name}` is {array.dtype}{list(array.shape)}, not {dtype}{list(shape)}")

    def filled(tree: PyTree, prefix: str) -> PyTree:
        leaves = [_as_keys(saved[name], like) for name, like in _leaves(tree, prefix).items()]
        return jax.tree.unflatten(jax.tree.structure(tree), leaves)

    return filled(fixed, ""), filled(rows, _ROWS)


def length(saved: Arrays) -> int:
    """Return the turns of a saved training so far, each an evaluation of every start that still ran."""
    return max((len(array) for name, array in saved.items() if name.startswith(_ROWS)), default=0)


def _leaves(tree: PyTree, prefix: str = "") -> dict[str, Any]:
    """Return the leaves under their paths, in the tree's order."""
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {prefix + jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in paths}


def _plain(leaf: Any) -> Any:
    """Return the leaf itself, or the numbers of typed random keys."""
    return jax.random.key_data(leaf) if is_key(leaf) else leaf


def _as_keys(numbers: Any, like: Any) -> Any:
    """Return the numbers themselves, or typed random keys of them if `like` holds such."""
    return jax.random.wrap_key_data(numbers, impl=jax.random.key_impl(like)) if is_key(like) else numbers
