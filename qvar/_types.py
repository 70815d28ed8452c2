"""Types that every floor shares."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

Family: TypeAlias = Literal["generic", "constrained"]
"""`generic`: many free parameters, no knowledge of the problem. `constrained`: carries its physics."""

IntArray: TypeAlias = np.ndarray[Any, np.dtype[np.integer[Any]]]
FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
PyTree: TypeAlias = Any
