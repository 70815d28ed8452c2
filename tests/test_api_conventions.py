"""Conventions of the public functions and studies, as the page of public names lists them."""

import inspect
from typing import Any

import pytest

import qvar
from qvar import basis, diagnostics

FUNCTIONS = {
    f"{home.__name__}.{name}": getattr(home, name)
    for home in (qvar, basis, diagnostics)
    for name in home.__all__
    if inspect.isfunction(getattr(home, name))
}
ESSENTIALS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "Duel": (qvar.Duel, ("problem", "contenders")),
    "Curve": (qvar.Curve, ("problem", "coordinates", "contenders")),
    "Capacity": (qvar.Capacity, ("problem", "contenders", "tolerance")),
    "Landscape": (qvar.Landscape, ("problem", "contenders")),
    "Ranking": (qvar.Ranking, ("problems", "contenders")),
    "Scaling": (qvar.Scaling, ("contenders", "sizes")),
    "minimize": (qvar.minimize, ("objective", "theta0")),
    "minimize_batch": (qvar.minimize_batch, ("objective", "theta0")),
    "run": (qvar.run, ("study", "out")),
}
REPS = {"qvar.real_amplitudes", "qvar.efficient_su2"}
"""Look-alikes of Qiskit's circuits."""


@pytest.mark.parametrize("name", ESSENTIALS)
def test_all_but_the_essentials_are_keywords(name: str) -> None:
    function, essentials = ESSENTIALS[name]
    parameters = inspect.signature(function).parameters.values()
    assert tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD) == essentials


def test_arguments_of_one_meaning_have_one_name() -> None:
    for name, function in FUNCTIONS.items():
        parameters = inspect.signature(function).parameters
        assert not {"seed_key", "rng", "n_layers", "depth", "n_samples", "on_step"} & set(parameters), name
        assert ("reps" in parameters) == (name in REPS), name
        assert "seeds" not in parameters, name  # functions take keys, studies take seeds
