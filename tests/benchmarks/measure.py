"""Timing: blocks of calls, contenders by turns, medians with quartiles."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import median, quantiles
from typing import Any

import numpy as np

Block = Callable[[], float]
"""Does some calls and returns the seconds of one."""

BLOCK_SECONDS = 0.1
"""Short calls are timed in blocks of at least this, in seconds."""

WARM = 1.0
"""Before a block of calls shorter than this, in seconds, one call goes untimed: the contender before has used the
caches, and its threads may wait busily for more."""

SLOW = 10.0
"""A contender whose call takes longer, in seconds, has one round."""


@dataclass(frozen=True)
class Sample:
    """What was measured several times."""

    median: float
    low: float
    """Lower quartile; the minimum of fewer than four."""
    high: float
    """Upper quartile; the maximum of fewer than four."""
    rounds: int

    @classmethod
    def of(cls, values: list[float]) -> Sample:
        """The sample of some values."""
        if len(values) < 4:
            return cls(median(values), min(values), max(values), len(values))
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high, len(values))

    def scaled(self, factor: float) -> Sample:
        """The same in another unit."""
        return Sample(self.median * factor, self.low * factor, self.high * factor, self.rounds)


def block(call: Callable[[], Any]) -> Block:
    """A block of a function that runs here and was called before, so that it is compiled."""

    def timed(calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - begin) / calls

    return calibrated(timed)


def calibrated(timed: Callable[[int], float]) -> Block:
    """A block of as many calls as `BLOCK_SECONDS` take, after one that goes untimed.

    Args:
        timed: does so many calls and returns the seconds of one.
    """
    calls, warm = 0, False

    def run() -> float:
        nonlocal calls, warm
        if calls == 0:
            first = timed(1)
            calls, warm = 1, first < WARM
            if not warm:
                return first
            calls = ceil(BLOCK_SECONDS / min(first, timed(1), timed(1)))
        elif warm:
            timed(1)
        return timed(calls)

    return run


def by_turns(blocks: Mapping[str, Block], seconds: float, most: int = 15, least: int = 3) -> dict[str, Sample]:
    """Rounds in which every contender has one block, so that noise hits all of them.

    Args:
        blocks: the contenders by name.
        seconds: what one contender may take; it ends with the round in which that is spent, but has `least` rounds.
        most: rounds at most.
        least: rounds at least, but for calls longer than `SLOW`.
    """
    gc.collect()
    gc.freeze()  # what is there by now is looked through no more, which can take longer than what is measured
    try:
        return {name: Sample.of(found) for name, found in _rounds(blocks, seconds, most, least).items()}
    finally:
        gc.unfreeze()


def _rounds(blocks: Mapping[str, Block], seconds: float, most: int, least: int) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {name: [] for name in blocks}
    spent = dict.fromkeys(blocks, 0.0)
    for _ in range(most):
        for name, run in blocks.items():
            done = len(values[name])
            slow = done > 0 and values[name][0] > SLOW
            if done and spent[name] > seconds and (done >= least or slow):
                continue
            gc.collect()
            gc.disable()
            begin = time.perf_counter()
            values[name].append(run())
            spent[name] += time.perf_counter() - begin
            gc.enable()
    return values


TOLERANCE = 1e-8
"""Largest difference of a value or gradient between qvar and a peer."""


class WrongNumberError(Exception):
    """Two simulators do not agree; nothing was timed."""


def agree(what: str, one: Any, other: Any, tolerance: float = TOLERANCE) -> None:
    """Raise if two simulators differ by more than a tolerance."""
    error = float(np.max(np.abs(np.asarray(one) - np.asarray(other))))
    if not error <= tolerance:
        raise WrongNumberError(f"WRONG: {what} differs by {error:.1e}")
