"""Types that every floor shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Family: TypeAlias = Literal["generic", "constrained"]
"""`generic`: many free parameters, no knowledge of the problem. `constrained`: carries its physics."""

CostModel: TypeAlias = Literal["published", "pennylane"]
"""Circuits whose gates are counted: the best published ones (`qvar.ansatz.decompositions`), or PennyLane's."""

Connectivity: TypeAlias = Literal["all", "line"]
"""Pairs of qubits that CNOTs join: all, or neighbors alone."""

IntArray: TypeAlias = np.ndarray[Any, np.dtype[np.integer[Any]]]
FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
PyTree: TypeAlias = Any

DataFrame: TypeAlias = "pd.DataFrame"
Series: TypeAlias = "pd.Series"
"""Tables and columns of pandas, which is imported where it is needed, for it takes long."""

Excitation: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
r"""(created modes, annihilated modes), numbered as wires: ((a, b), (j, i)) is \(a_a^\dagger a_b^\dagger a_j a_i\)."""

AmplitudeMethod: TypeAlias = Literal["mp2", "ccsd"]
"""Source of cluster amplitudes: perturbation theory, or coupled cluster itself."""
