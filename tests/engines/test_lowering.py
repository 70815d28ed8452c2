"""Programs of every engine and method, lowered for a GPU: no callback of the host, no table, one text for any depth.

No GPU is needed: `jax.export` lowers for another platform.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from methods import METHODS

import qvar
import qvar.engines
from qvar.engines.density_matrix import noisy_energy
from qvar.engines.infidelity import infidelity, towards_state
from qvar.objective import _value_and_grad, _value_and_grad_batch
from qvar.optimize.batch import Beginning, _begin_anywhere, moving_part
from qvar.optimize.evaluation import reader, reading_of
from qvar.optimize.saddles import _second_order
from qvar.optimize.start_keys import usual_keys
from qvar.optimize.turns import _evaluate, _Evaluation, _Limits, _update_fully, _UpdatePlan
from qvar.random_draws import size_class

TEXT = 300_000
"""Characters of the largest program. The circuits below have 240 operations at least: a text with each of them would
be several times as long."""

LITERAL = 100
"""Characters of the largest constant; tables are arguments."""

DEEP: dict[str, Callable[[], qvar.Objective]] = {
    "electrons": lambda: _energy(qvar.hydrogen_chain(4), lambda p: qvar.kupccgsd(p, layers=30)),
    "orbitals": lambda: _energy(qvar.hydrogen_chain(4), lambda p: qvar.ucj(p, layers=20)),
    "particles": lambda: _energy(qvar.hydrogen_chain(4), lambda p: qvar.particle_conserving_u2(p, layers=30)),
    "spins": lambda: _energy(qvar.xxz(4), lambda p: qvar.hva(p, layers=60)),
    "layers": lambda: _energy(qvar.tfim(4), lambda p: qvar.hardware_efficient(p, layers=60)),
    "register": lambda: _energy(qvar.hydrogen_chain(2), lambda p: qvar.hardware_efficient(p, layers=60)),
    "masks": lambda: _energy(qvar.tfim(4), lambda p: qvar.random_circuit(p, layers=60, key=jax.random.key(0))),
    "overlaps": lambda: infidelity(
        _energy(qvar.hydrogen_chain(4), lambda p: qvar.kupccgsd(p, layers=30)), np.ones((6, 6))
    ),
    "weighted overlaps": lambda: towards_state(
        _energy(qvar.hydrogen_chain(4), lambda p: qvar.kupccgsd(p, layers=30)), np.ones((6, 6)), weight=0.5, scale=1.0
    ),
    "penalties": lambda: qvar.energy(
        qvar.hydrogen_chain(2), qvar.hardware_efficient(qvar.hydrogen_chain(2), layers=60), penalties={"s2": 1.0}
    ),
    "measured values": lambda: qvar.fit(_polynomial, (np.ones(3), np.ones(3)), n_params=240, noise=0.1),
    "counts": lambda: qvar.fit(_polynomial, (np.ones(3), np.ones(3)), n_params=240, noise="poisson"),
    "noise": lambda: noisy_energy(qvar.tfim(3), qvar.hardware_efficient(qvar.tfim(3), layers=40), 0.01),
}
"""An objective of each engine and Hamiltonian, with many operations."""


def _polynomial(theta: Any, x: Any) -> Any:
    return jnp.polyval(theta, x, unroll=1)


@cache
def objective_of(name: str) -> qvar.Objective:
    return DEEP[name]()


def _energy(problem: qvar.Problem, make: Callable[[qvar.Problem], qvar.Ansatz]) -> qvar.Objective:
    return qvar.energy(problem, make(problem))


def lowered(program: Any, *arguments: Any) -> str:
    """Text of a program for a GPU, after a look for what must not be there."""
    text = jax.export.export(program, platforms=["cuda"])(*arguments).mlir_module()
    assert "callback" not in text
    assert max(map(len, re.findall(r"dense<([^>]*)>", text)), default=0) < LITERAL
    assert sum(len(line) for line in text.splitlines() if not line.startswith("#loc")) < TEXT  # no lines of source
    return text


def programs(objective: qvar.Objective) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Programs that evaluate an objective, with their arguments."""
    function, data = objective.function, objective.data
    thetas = np.zeros((5, objective.n_params))
    yield "gradient", _value_and_grad, (function, thetas[0], data)
    yield "batch", _value_and_grad_batch, (function, 2, thetas, data)
    operator, forward = objective.operator, objective.forward_state_function
    if operator is not None and forward is not None:

        def tangent(theta: jax.Array, data: Any) -> Any:
            image = lambda x: operator(forward(x, data), data)  # noqa: E731
            return jax.jvp(image, (theta,), (jnp.ones_like(theta),))

        yield "tangent", jax.jit(tangent), (thetas[0], data)


def parts(record: Any) -> set[type]:
    """Types of a function of an engine, and of the functions that it is made of."""
    if isinstance(record, tuple):
        return set().union(*map(parts, record))
    if not is_dataclass(record) or isinstance(record, type):
        return set()
    return {type(record)}.union(*(parts(getattr(record, field.name)) for field in fields(record)))


def engines() -> set[type]:
    """Every function of JAX that an engine has: a dataclass that is called."""
    found: set[type] = set()
    for info in pkgutil.iter_modules(qvar.engines.__path__, "qvar.engines."):
        own = [one for one in vars(importlib.import_module(info.name)).values() if isinstance(one, type)]
        found |= {one for one in own if is_dataclass(one) and "__call__" in vars(one) and one.__module__ == info.name}
    return found


@pytest.mark.parametrize("name", list(DEEP))
def test_an_engine_is_one_program_without_the_host(name: str) -> None:
    objective = objective_of(name)
    assert objective.n_params >= 240  # operations that `TEXT` has no room for
    for _, program, arguments in programs(objective):
        assert "stablehlo" in lowered(program, *arguments)


def test_every_engine_is_lowered() -> None:
    seen: set[type] = set()
    for objective in map(objective_of, DEEP):
        seen |= parts(objective.function) | parts(objective.forward_state_function) | parts(objective.operator)
    assert engines() - seen == set()


@pytest.mark.parametrize("name", list(METHODS))
def test_a_method_is_one_program_without_the_host(name: str) -> None:
    """The first state, evaluations of all starts, and the update, which has no branches either."""
    objective, method = _energy(qvar.tfim(2), lambda p: qvar.real_amplitudes(p, reps=1)), METHODS[name]()
    keys, thetas = usual_keys(3), np.zeros((3, objective.n_params))
    inverse = None if method.inverse_hessian is None else np.eye(size_class(objective.n_params))
    beginning = Beginning(method, objective.n_params, keys.numbers, keys.kind, objective.harmonics, inverse)
    batch = beginning.batch(thetas)
    plan = _UpdatePlan(method, beginning.layout(batch), True, None)
    arrays = plan.layout.pack(moving_part(batch), np)
    reading = reading_of(method.reads, 3, beginning.size, lambda *shape: np.zeros(shape))
    lowered(_begin_anywhere, method, keys.kind, thetas, keys.numbers, objective.harmonics, beginning.inverse_hessian)
    update = lowered(_update_fully, plan, arrays, reading, _Limits(np.array(5), np.array(0.1)))
    assert "stablehlo.select" in update
    update = re.sub(r"func.func private @diagonal\(.*?\n  }", "", update, flags=re.DOTALL)  # a branch on a constant
    assert not any(word in update for word in ("stablehlo.case", "stablehlo.if"))
    evaluation = _Evaluation(reader(objective, method.reads), 2, objective.n_params, beginning.size, None)
    lowered(_evaluate, evaluation, *arrays[:2], objective.data)


def test_the_search_for_saddles_is_one_program_without_the_host() -> None:
    objective = objective_of("layers")
    nothing = np.zeros(objective.n_params)
    lowered(_second_order, objective.function, None, nothing, nothing, objective.data)


@pytest.mark.parametrize("call", [jax.debug.callback, lambda f, x: jax.pure_callback(f, x, x)])
def test_a_callback_is_found(call: Callable[..., Any]) -> None:
    """It is in the text, or JAX does not lower it for another platform."""

    def program(x: jax.Array) -> jax.Array:
        call(lambda x: x, x)
        return 2 * x

    with pytest.raises((AssertionError, ValueError), match=r"callback|platform for the specified backend"):
        lowered(jax.jit(program), np.zeros(3))


def test_a_table_is_found() -> None:
    with pytest.raises(AssertionError, match="< 100"):
        lowered(jax.jit(lambda x: x + np.arange(100.0)), np.zeros(100))


ON_A_GPU = """
import sys

import jax
import numpy as np

import qvar

problem = qvar.tfim(2)
objective = qvar.energy(problem, qvar.real_amplitudes(problem, reps=1))
jax.default_backend = lambda: "gpu"
assert objective.host_kernels is None
starts = 0.1 * np.arange(2 * objective.n_params, dtype=float).reshape(2, -1)
results = qvar.minimize_batch(objective, starts, budget=qvar.Budget(gradients=20))
assert "numba" not in sys.modules
print([result.value for result in results])
"""


def test_a_gpu_has_no_kernels_of_the_host() -> None:
    done = subprocess.run([sys.executable, "-c", ON_A_GPU], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    problem = qvar.tfim(2)
    objective = qvar.energy(problem, qvar.real_amplitudes(problem, reps=1))
    assert objective.host_kernels is not None
    starts = 0.1 * np.arange(2 * objective.n_params, dtype=float).reshape(2, -1)
    results = qvar.minimize_batch(objective, starts, budget=qvar.Budget(gradients=20))
    np.testing.assert_allclose(eval(done.stdout), [result.value for result in results], rtol=0, atol=1e-10)
