r"""Rules of growing circuits: elements of a pool that come next, those that go, and angles that are optimized."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.pool_elements import IDLE, Pool, PoolElement
from qvar.arguments import check_fields
from qvar.checks import counting_number
from qvar.errors import require
from qvar.short_repr import short_repr

Select: TypeAlias = Literal["gradient", "gradient_per_cnot", "energy", "optimized"]
"""Score of an element, see `GrowthRules.select`."""

Grow: TypeAlias = Literal["one", "ties", "batch", "tetris"]
"""Elements added in a step, see `GrowthRules.grow`."""

_TIED = 1e-8
"""Scores this close, relative to the largest, are equal."""

_FADES, _RECENT, _FADED = 11.0, 4, 0.1
"""Decay of the weight of a position, latest angles that set the limit, and its share of their mean size."""


@short_repr("select", "grow")
@dataclass(frozen=True)
class GrowthRules:
    """Rules by which a circuit grows."""

    _: KW_ONLY
    select: Select = "gradient"
    """Score by which elements are chosen: `"gradient"`, the size of the derivative of the energy at angle zero;
    `"gradient_per_cnot"`, that over the CNOTs of the element's circuit; `"energy"`, the exact drop of the energy by the
    element's angle alone, which then begins at its minimum; `"optimized"`, the drop after the optimization of all
    angles, for the `candidates` elements of the largest gradient."""
    grow: Grow = "one"
    """Elements added in a step: `"one"`; `"ties"`, all of the largest score; `"batch"`, all above `share` of it;
    `"tetris"`, further ones in the order of the score as long as they share no qubit."""
    candidates: int = 5
    """Elements that `"optimized"` tries."""
    share: float = 0.5
    """Share of the largest score from which `"batch"` takes an element, 0 to 1."""
    prune: bool = False
    """True if a faded element is removed in each step, see `faded`."""
    repeat: int | None = None
    """Number of elements from which on nothing is chosen: they are a layer, and each later step appends it again, with
    angles of its own that begin at zero; never if None."""
    last: int | None = None
    """Number of latest angles that are optimized in each step, the others held; all if None."""

    def __post_init__(self) -> None:
        check_fields(self)
        counting_number("candidates", self.candidates)
        require(0 < self.share <= 1, "share", "be above 0 and at most 1", self.share)
        for name in ("repeat", "last"):
            if (number := getattr(self, name)) is not None:
                counting_number(name, number)
        require(not self.prune or self.repeat is None, "prune", "be False if `repeat` is not None", self.prune)

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers of the rules."""
        papers = ["anastasiou2024"] if self.grow == "tetris" else []
        papers += ["vaquerosabater2025"] if self.prune else []
        papers += [] if self.repeat is None else ["liu2022"]
        return (*papers, *(["jager2024"] if self.select == "energy" else []))

    @property
    def needs_cnots(self) -> bool:
        """True if the rules read the CNOTs of elements."""
        return self.select == "gradient_per_cnot"

    def chosen(self, pool: Pool, scores: FloatArray, most: int) -> list[int]:
        """Return the places in the pool of the elements of the next step, the first acts first.

        Of equal scores the element of the fewest CNOTs comes first, then the first in the pool.

        Args:
            pool: the elements.
            scores: (n_elements,) not negative.
            most: largest number of elements.
        """
        choice: list[int] = []
        largest = float(scores.max())
        least = {"tetris": min(IDLE, largest), "batch": self.share * largest * (1.0 - _TIED)}
        least = least.get(self.grow, largest * (1.0 - _TIED))
        while len(choice) < (1 if self.grow == "one" else most) and scores.max() >= least and scores.max() > 0:
            tied = np.flatnonzero(scores >= (1.0 - _TIED) * scores.max())
            choice.append(int(min(tied, key=lambda index: _cost(pool.elements[index]))))
            if self.grow == "tetris":
                free = [not pool.elements[choice[-1]].wires & element.wires for element in pool.elements]
                scores = np.where(free, scores, 0.0)
            else:
                scores = np.where(np.arange(len(scores)) == choice[-1], 0.0, scores)
        return choice


def _cost(element: PoolElement) -> float:
    return np.inf if element.cnots is None else element.cnots


def per_cnot(pool: Pool, scores: FloatArray) -> FloatArray:
    """Return scores over the CNOTs of the elements' circuits."""
    return scores / np.maximum([_cost(element) for element in pool.elements], 1.0)


def best(scores: FloatArray, number: int) -> IntArray:
    """Return the places of the largest scores, the largest first, the first in the pool of equal ones."""
    return np.argsort(-scores, kind="stable")[:number]


def faded(angles: FloatArray, n_added: int) -> int | None:
    r"""Return the element to remove, None if there is none.

    It is the one with the largest \(e^{-11 k / n} / \theta_k^2\), for k = 0 to n - 1 from the first element on, if its
    angle is smaller than a tenth of the mean size of the last four angles. The elements of the last step stay.

    Vaquero-Sabater, Carreras, Casanova, J. Chem. Theory Comput. 21, 8720 (2025),
    https://doi.org/10.1021/acs.jctc.5c00535; the numbers are those of the authors' code,
    https://github.com/abelcarreras/VQEmulti (`prune_adapt.py`).

    Angles are in the order in which the elements act, the norm of an element's angles if it has several.
    """
    sizes = np.abs(angles)
    older = len(sizes) - n_added
    if older < 1:
        return None
    weights = np.exp(-_FADES * np.arange(older) / len(sizes)) / np.maximum(sizes[:older], 1e-300) ** 2
    weakest = int(np.argmax(weights))
    return weakest if sizes[weakest] < _FADED * float(np.mean(sizes[-_RECENT:])) else None
