"""Contenders as users give them: an ansatz, an objective, or a function such as `qvar.uccsd` that makes one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import is_row
from qvar.errors import QvarError, require, shown
from qvar.objective import Objective
from qvar.problems.problem import Problem

Contender: TypeAlias = Ansatz | Objective
"""An ansatz, whose energy on the problem is minimized, or an objective that brings everything itself."""

Maker: TypeAlias = Callable[[Problem], Ansatz]
"""Makes the ansatz of one contender for any point, such as `qvar.uccsd`."""


def contenders_of(problem: Problem, contenders: Any) -> tuple[Contender, ...]:
    """Return the contenders on one problem; one alone is a row of one, and a function is called with the problem.

    Raises:
        QvarError: if one is neither an ansatz nor an objective nor a function that makes an ansatz.
    """
    made: list[Contender] = []
    for contender in _row(contenders, "ansatz or objective"):
        if isinstance(contender, Ansatz | Objective):
            made.append(contender)
        elif callable(contender) and not inspect.isclass(contender):
            made.append(made_by(contender, problem))
        else:
            raise QvarError(
                "`contenders` must hold ansätze, objectives, or functions such as qvar.uccsd, but one is "
                f"{shown(contender)}."
            )
    return tuple(made)


def makers_of(contenders: Any) -> tuple[Maker, ...]:
    """Return the contenders of a study with several problems: functions that make an ansatz for each.

    Raises:
        QvarError: if one is no function.
    """
    makers = _row(contenders, "function")
    for maker in makers:
        if isinstance(maker, Ansatz | Objective) or not callable(maker) or inspect.isclass(maker):
            raise QvarError(
                "`contenders` must hold functions such as qvar.uccsd, which make an ansatz for each problem, but one "
                f"is {shown(maker)}."
            )
    return tuple(makers)


def made_by(maker: Callable[[Problem], Any], problem: Problem) -> Ansatz:
    """Return the ansatz that a function makes for a problem.

    Raises:
        QvarError: if it fails, or makes something else.
    """
    name = getattr(maker, "__name__", "contender")
    try:
        ansatz = maker(problem)
    except TypeError as error:
        raise QvarError(f"`contenders` must hold functions of a problem, but {name} raised {error}.") from error
    if not isinstance(ansatz, Ansatz):
        raise QvarError(f"`contenders` must hold functions that make an ansatz, but {name} made {shown(ansatz)}.")
    return ansatz


def _row(contenders: Any, one: str) -> list[Any]:
    if isinstance(contenders, Ansatz | Objective) or (callable(contenders) and not inspect.isclass(contenders)):
        return [contenders]
    if not is_row(contenders):
        raise QvarError(f"`contenders` must be a list that holds at least one {one}, but is {shown(contenders)}.")
    entries: list[Any] = list(contenders)  # pyright: ignore[reportArgumentType]
    require(len(entries) >= 1, "contenders", f"hold at least one {one}", contenders)
    return entries
