"""Circuits that grow by the elements of a pool: their values, and those of every element appended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.pool_elements import Pool, PoolElement, program_of
from qvar.engines.energy import Engine, energies
from qvar.engines.infidelity import infidelity
from qvar.errors import QvarError
from qvar.host_kernels import HostKernels
from qvar.objective import Objective
from qvar.optimize.rotosolve import MOST_HARMONICS, lowest_place
from qvar.problems.problem import Problem
from qvar.studies.growth_rules import GrowthRules

_TOGETHER = 256
"""Points of the pool's angles that are evaluated in one call."""


@dataclass(frozen=True, eq=False)
class Point:
    """A circuit and its angles."""

    elements: list[PoolElement]
    ansatz: Ansatz
    objective: Objective
    theta: FloatArray


@dataclass(frozen=True, eq=False)
class GrowingCircuit:
    """Parts that do not change while a circuit grows."""

    problem: Problem
    pool: Pool
    base: Ansatz | None
    engine: Engine
    name: str
    target_state: Any = None
    """State to grow towards, in place of the lowest energy."""
    rules: GrowthRules = field(default_factory=GrowthRules)

    def ansatz(self, elements: Sequence[PoolElement], *, after_base: bool = True) -> Ansatz:
        """Return the circuit of the elements so far."""
        base, conserved = self.base if after_base else None, self.pool.symmetries
        program = program_of(
            elements, self.problem.n_qubits, self.problem.reference_bits, None if base is None else base.program
        )
        return Ansatz(
            name=self.name,
            family="constrained",
            program=program,
            settings={"pool": self.pool.name, "operators": [element.name for element in elements]},
            start="zero",
            symmetries=conserved if base is None else tuple(one for one in conserved if one in base.symmetries),
            citations=self.citations,
        )

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of the papers of ADAPT-VQE, of the pool and of the rules."""
        towards = () if self.target_state is None else ("feniou2023",)
        return tuple(dict.fromkeys(("grimsley2019", *self.pool.citations, *self.rules.citations, *towards)))

    @cached_property
    def objective(self) -> Callable[[Ansatz], Objective]:
        """Energy, or infidelity, of a circuit in the smallest space that all elements conserve."""
        own = energies(self.problem, self.ansatz(self.products), engine=self.engine)
        return own if self.target_state is None else lambda ansatz: infidelity(own(ansatz), self.target_state)

    @cached_property
    def exact(self) -> float:
        """Lowest value there can be; NaN if it is not known."""
        if self.target_state is not None:
            return 0.0
        try:
            return self.problem.exact_energy()
        except QvarError:
            return float("nan")

    @property
    def base_angles(self) -> FloatArray:
        """Angles of the base: its own start if that is given by angles, else zero."""
        base = self.base
        if base is None or base.start not in base.starts:
            return np.zeros(0 if base is None else base.n_params)
        return np.asarray(base.initial(jax.random.key(0)), float)

    @cached_property
    def products(self) -> tuple[PoolElement, ...]:
        """Elements of the pool as products, which have the same derivatives at angle zero."""
        return self.pool.as_products().elements

    @cached_property
    def of_products(self) -> Objective:
        """Value of all elements of the pool, as products, on the reference determinant."""
        return self.objective(self.ansatz(self.products, after_base=False))

    @cached_property
    def of_pool(self) -> Objective:
        """Value of all elements of the pool on the reference determinant."""
        return self.objective(self.ansatz(self.pool.elements, after_base=False))

    def after(self, at: Point, pool: Objective) -> HostKernels | None:
        """Return functions of the pool's angles after a circuit; None if JAX has to evaluate them."""
        kernels, own = pool.value_kernels, at.objective.value_kernels
        if kernels is None or own is None or own.states is None:
            return None
        return kernels.after(own.states(at.theta[None])[0])

    def whole(self, at: Point, pool: Sequence[PoolElement]) -> Objective:
        """Return the value of a circuit and the whole pool."""
        return self.objective(self.ansatz([*at.elements, *pool]))

    def gradients(self, at: Point) -> tuple[float, FloatArray]:
        """Return the value, and its derivatives by the angles of all elements of the pool, appended at zero.

        Shape (n_params,) of the pool, see `Pool.angles`.
        """
        nowhere, kernels = np.zeros(self.pool.n_params), self.after(at, self.of_products)
        if kernels is not None:
            values, gradients = kernels.values_and_gradients(nowhere[None])
            return float(values[0]), gradients[0]
        value, gradient = self.whole(at, self.products).value_and_grad(np.concatenate([at.theta, nowhere]))
        return float(value), np.asarray(gradient)[len(at.theta) :]

    def drops(self, at: Point, value: float) -> tuple[FloatArray, FloatArray, int]:
        r"""Return the drop of the value by each element's angle alone, the angles, and the number of evaluations.

        The value is a trigonometric polynomial with R harmonics in the angle of an element appended, so that 2R further
        values fix it: 4 for an excitation. The state of the circuit is made once.

        Raises `QvarError` if the frequencies of an element are not known, or it has several angles.
        """
        if self.pool.n_params > self.pool.size:
            raise QvarError(
                f"`select` must not be 'energy' if elements have several angles, as in {self.pool.name}; 'optimized' "
                "has the drop after the optimization of all."
            )
        harmonics = self.of_pool.harmonics
        if harmonics is None or not np.all(harmonics[:, 1] <= MOST_HARMONICS):  # NaN if not known
            raise QvarError(
                "`select` must not be 'energy' if the frequencies of an element are not known or too many, as in "
                f"{self.pool.name}."
            )
        wave, number = harmonics[:, 0], harmonics[:, 1].astype(int)
        rows = np.repeat(np.arange(len(wave)), 2 * number)
        places = np.concatenate([np.arange(1, 2 * one + 1) for one in number])
        angles = 2.0 * np.pi * places / ((2.0 * number[rows] + 1.0) * wave[rows])
        table = np.zeros((len(wave), 2 * MOST_HARMONICS + 1))
        table[:, 0] = value
        kernels = self.after(at, self.of_pool)
        whole = None if kernels is not None else self.whole(at, self.pool.elements)
        for first in range(0, len(rows), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            points = np.zeros((len(rows[some]), len(wave)))
            points[np.arange(len(points)), rows[some]] = angles[some]
            if kernels is not None:
                table[rows[some], places[some]] = kernels.values(points)
            elif whole is not None:
                before = np.repeat(at.theta[None], len(points), axis=0)
                table[rows[some], places[some]] = np.asarray(whole.loss_batch(np.concatenate([before, points], axis=1)))
        turns, lowest, _ = _lowest_places(table, number)
        return value - np.asarray(lowest), np.asarray(turns) / wave, len(rows)


_lowest_places = jax.jit(jax.vmap(lowest_place))
