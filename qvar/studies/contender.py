"""Contenders of a study: an ansatz, an objective, or a rule that makes one for each problem and depth."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from qvar._types import Family
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields, is_row
from qvar.checks import whole_numbers
from qvar.errors import QvarError, require, shown
from qvar.objective import Objective
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr
from qvar.task import Row

Trainable: TypeAlias = Ansatz | Objective
"""An ansatz, whose energy on the problem is minimized, or an objective that needs no problem."""

Maker: TypeAlias = Callable[[Problem], Trainable]
"""Makes the ansatz or objective of one contender for any problem, such as `qvar.uccsd` or a `Contender`."""


_DEPTHS = ("layers", "reps", "gates")
"""Settings of an ansatz that count its layers."""


@short_repr("name", "family", "layers")
@dataclass(frozen=True, eq=False)
class Contender:
    """Rule that makes an ansatz or an objective for any problem and depth; all studies take it.

    In a study a contender with several depths is one contender for each of them, called `name xN` for N layers.
    """

    name: str
    """Name in the ledger."""
    family: Family
    """`"generic"` or `"constrained"`."""
    make: Callable[..., Trainable]
    """Problem -> ansatz or objective, called as `make(problem)`, or as `make(problem, layers=n)` if there are
    depths."""
    _: KW_ONLY
    layers: Sequence[int] = ()
    """Different numbers of layers; empty if the contender has one depth, its own."""

    def __post_init__(self) -> None:
        check_fields(self)
        layers = whole_numbers("layers", self.layers)
        good = len(set(layers)) == len(layers) and min(layers, default=1) >= 1
        require(good, "layers", "hold different positive integers", layers)
        object.__setattr__(self, "layers", tuple(layers))

    @property
    def depths(self) -> tuple[Contender, ...]:
        """One contender for each depth; the contender itself if it has none."""
        if not self.layers:
            return (self,)
        return tuple(
            replace(self, name=f"{self.name} x{n}", make=partial(self.make, layers=n), layers=()) for n in self.layers
        )

    def __call__(self, problem: Problem | None) -> Trainable:
        """Return the ansatz or objective for a problem, with the contender's name and family.

        Raises `QvarError` if `make` returns something else, or the contender has several depths.
        """
        require(not self.layers, "layers", "be empty to make one ansatz", self.layers)
        trainable = self.make(problem)
        if not isinstance(trainable, Ansatz | Objective):
            raise QvarError(f"`make` must return an ansatz or an objective, but returned {shown(trainable)}.")
        trainable = replace(trainable, name=self.name, family=self.family)
        own = self.make.keywords.get("layers") if isinstance(self.make, partial) else None  # see `depths`
        if isinstance(trainable, Ansatz) and own is not None and not set(_DEPTHS) & set(trainable.settings):
            trainable = replace(trainable, settings={**trainable.settings, "layers": own})
        return trainable


def circuit_columns(trainable: Trainable, name: str | None = None) -> Row:
    """Return series and number of layers of an ansatz, from its settings; nothing for an objective."""
    if not isinstance(trainable, Ansatz):
        return {}
    layers = next((trainable.settings[key] for key in _DEPTHS if key in trainable.settings), None)
    return {"series": (name or trainable.name).removesuffix(f" x{layers}"), "layers": layers}


def contenders_of(problem: Problem | None, contenders: Any) -> tuple[Trainable, ...]:
    """Return the contenders on one problem; a single one is a list of one.

    Raises `QvarError` if one is neither an ansatz nor an objective nor a rule that makes one, or an ansatz has no
    problem.
    """
    trainables: list[Trainable] = []
    for place, contender in enumerate(_list_of(contenders, "ansatz or objective")):
        if isinstance(contender, Ansatz | Objective):
            trainables.append(contender)
        elif isinstance(contender, Contender):
            trainables += [made_by(depth, problem) for depth in contender.depths]
        elif callable(contender) and not inspect.isclass(contender):
            trainables.append(made_by(contender, problem))
        else:
            raise QvarError(
                f"`contenders[{place}]` must be an ansatz, an objective, or a function such as qvar.uccsd, but is "
                f"{shown(contender)}."
            )
    for trainable in trainables:
        if problem is None and isinstance(trainable, Ansatz):
            raise QvarError(f"`problem` must be a problem to train the ansatz {trainable.name}, but is None.")
    return tuple(trainables)


def makers_of(contenders: Any) -> tuple[Maker, ...]:
    """Return the contenders of a study with several problems: one rule for each contender and depth.

    Raises `QvarError` if one makes nothing for a problem.
    """
    makers: list[Any] = []
    for place, maker in enumerate(_list_of(contenders, "function")):
        if isinstance(maker, Contender):
            makers += maker.depths
        elif isinstance(maker, Ansatz | Objective) or not callable(maker) or inspect.isclass(maker):
            raise QvarError(
                f"`contenders[{place}]` must be a function such as qvar.uccsd, which makes an ansatz for each problem, "
                f"but is {shown(maker)}."
            )
        else:
            makers.append(maker)
    return tuple(makers)


def label_of(maker: Callable[..., Any], default: str = "contender") -> str:
    """Return the name of a rule before it has made anything."""
    return maker.name if isinstance(maker, Contender) else getattr(maker, "__name__", default)


def made_by(maker: Callable[..., Any], problem: Problem | None) -> Trainable:
    """Return the ansatz or objective that a rule makes for a problem.

    Raises `QvarError` if it fails, or makes something else.
    """
    name = label_of(maker)
    try:
        trainable = maker(problem)
    except TypeError as error:
        raise QvarError(f"`contenders` must hold functions of a problem, but {name} raised {error}.") from error
    if not isinstance(trainable, Ansatz | Objective):
        raise QvarError(f"`contenders` must hold functions that make an ansatz, but {name} made {shown(trainable)}.")
    return trainable


def _list_of(contenders: Any, one: str) -> list[Any]:
    if isinstance(contenders, Ansatz | Objective) or (callable(contenders) and not inspect.isclass(contenders)):
        return [contenders]
    if not is_row(contenders):
        raise QvarError(f"`contenders` must be a list that holds at least one {one}, but is {shown(contenders)}.")
    entries: list[Any] = list(contenders)  # pyright: ignore[reportArgumentType]
    require(len(entries) >= 1, "contenders", f"hold at least one {one}", contenders)
    return entries
