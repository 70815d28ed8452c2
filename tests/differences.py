"""Derivatives by finite differences, for tests of exact ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_WEIGHTS = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
"""Of the central difference of six points, whose error is that of the sixth power of the step."""


def derivative(function: Callable[[Any], Any], at: Any, direction: Any, step: float) -> Any:
    """Along a direction, from six points.

    Args:
        function: of a vector.
        at: the vector.
        direction: what is added to it, times the step, once to three times to both sides.
        step: in units of the direction.
    """
    at, direction = np.asarray(at, dtype=float), np.asarray(direction, dtype=float)
    pairs = {n: (function(at + n * step * direction), function(at - n * step * direction)) for n in _WEIGHTS}
    return sum(weight * (pairs[n][0] - pairs[n][1]) for n, weight in _WEIGHTS.items()) / step
