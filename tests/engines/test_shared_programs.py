"""Circuits of one kind and size class share JAX's compiled programs; without the kernels of the host, as on a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import jax
import numpy as np
import pytest
from compilations import compilations

import qvar
from qvar.ansatz.gates import KIND_INDEX, KINDS
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.engines.energy import Engine


def _part(program: Program, operations: Iterable[int]) -> Program:
    """Return a circuit of some operations of another, in the given order, each with a parameter of its own."""
    chosen = list(operations)
    builder = ProgramBuilder(program.n_qubits, len(chosen), program.reference)
    for param, index in enumerate(chosen):
        kind = KINDS[program.kind[index]]
        angle = {param: 1.0} if kind.parametric else {}
        builder.add(kind.name, program.op_wires(index), angle, word=program.words[index])
    return builder.build()


def _compiled(problem: qvar.Problem, programs: Iterable[Program], engine: Engine = "auto") -> int:
    """Return how many programs circuits compile for values and gradients, which must be those of the host's kernels."""
    whole = Counter[str]()
    for program in programs:
        objective = qvar.energy(problem, qvar.Ansatz("part", "constrained", program), engine=engine)
        theta = np.random.default_rng(program.n_params).uniform(-1.0, 1.0, program.n_params)
        with compilations() as count:
            value, gradient = replace(objective, host=None).value_and_grad(theta)
        whole += count
        expected, slopes = objective.value_and_grad(theta)
        assert float(value) == pytest.approx(float(expected), abs=1e-11)
        np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-10)
    assert set(whole) <= {"jit(_value_and_grad)"}
    return whole.total()


def _built(n: int, operations: Iterable[tuple[str, tuple[int, ...]]], one_of_many: bool = False) -> Program:
    """Return a circuit from a basis state with ones on even wires, each rotation with a parameter of its own."""
    listed = list(operations)
    builder = ProgramBuilder(n, len(listed), [(wire + 1) % 2 for wire in range(n)])
    for param, (name, wires) in enumerate(listed):
        builder.add(name, wires, {param: 1.0} if KINDS[KIND_INDEX[name]].parametric else {})
    return builder.build(one_of_many=one_of_many)


def _repeated(program: Program) -> Callable[[int], Program]:
    """Return circuits of any number of operations of another, in another order."""
    return lambda size: _part(program, [7 * k % program.n_ops for k in range(size)])


def _exchanges(size: int) -> Program:
    listed = [("CRZ", (k % 3 + 1, 0)) if k % 2 else ("IsingXY", (k % 3, k % 3 + 1)) for k in range(size)]
    return _built(4, listed)


def _singles(size: int) -> Program:
    return _built(4, [("CRY", (k % 3, 3)) if k % 2 else ("SingleExcitation", (k % 3, 3)) for k in range(size)])


def _masks(size: int) -> Program:
    return _built(4, [("CZ", (k % 3, 3)) if k % 2 else ("RX", (k % 4,)) for k in range(size)], one_of_many=True)


OPERATIONS: dict[str, tuple[Engine, Callable[[int], Program]]] = {
    "spins": ("sector", _exchanges),
    "singles": ("dense", _singles),
    "masks": ("dense", _masks),
}
"""Circuits of any number of operations on four spins, and their engine."""

FULL = 128
"""Operations that the smallest size class has room for."""


def _at_the_edge(problem: qvar.Problem, make: Callable[[int], Program], engine: Engine) -> None:
    assert _compiled(problem, map(make, (FULL, 2)), engine) <= 1
    assert _compiled(problem, map(make, (FULL + 1, FULL + 2)), engine) == 1
    assert _compiled(problem, map(make, (1, 0)), engine) <= 2  # fewer classes of operations, or none


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_room_that_is_full_and_one_operation_more(name: str) -> None:
    engine, make = OPERATIONS[name]
    _at_the_edge(qvar.xxz(4), make, engine)


def test_room_for_excitations(h4: qvar.Problem) -> None:
    make = _repeated(qvar.uccgsd(h4).program)
    _at_the_edge(h4, make, "sector")
    assert _compiled(h4, map(make, (0, 1, FULL, 3 * FULL // 2))) == 0  # what one circuit lacks, others have


def test_a_circuit_that_grows_and_is_pruned_and_reordered(h4: qvar.Problem) -> None:
    whole = qvar.uccgsd(h4).program
    order = np.random.default_rng(3).permutation(whole.n_ops)
    grown = [order[:size] for size in range(60, 90)]
    pruned = [np.delete(order[:60], place) for place in (0, 20)]
    programs = (_part(whole, chosen.tolist()) for chosen in [*grown, *pruned, order[:60][::-1]])
    assert _compiled(h4, programs) <= 1


@pytest.mark.parametrize("name", ["kupccgsd", "hardware_efficient", "random_circuit"])
def test_a_sweep_of_depths(name: str, h4: qvar.Problem) -> None:
    """Depths one to eight, and layers of which tables are full and have one more: eight steps, and nine."""
    spins = qvar.tfim(6)
    key = jax.random.key(1)
    ansatze: dict[str, Callable[[int], qvar.Ansatz]] = {
        "kupccgsd": lambda depth: qvar.kupccgsd(h4, layers=depth),
        "hardware_efficient": lambda depth: qvar.hardware_efficient(spins, layers=depth),
        "random_circuit": lambda depth: qvar.random_circuit(spins, layers=depth, key=key),
    }
    programs = [ansatze[name](depth).program for depth in range(1, 9)]
    assert _compiled(h4 if name == "kupccgsd" else spins, programs) <= 3


def test_a_sweep_of_depths_trains_with_few_programs(h4: qvar.Problem) -> None:
    budget = qvar.Budget(gradients=3)
    with compilations() as count:
        for depth in range(1, 9):
            objective = replace(qvar.energy(h4, qvar.kupccgsd(h4, layers=depth)), host=None)
            assert qvar.minimize(objective, np.zeros(objective.n_params), budget=budget).status != "failed"
    assert count["jit(_evaluate)"] <= 4, count


def test_parameters_that_are_not_read_have_no_slope(h4: qvar.Problem) -> None:
    """Nothing that is padded becomes a number that is not finite, or a slope."""
    objective = qvar.energy(h4, qvar.uccsd(h4))
    theta = np.full(60, np.nan)
    theta[: objective.n_params] = np.linspace(-1.0, 1.0, objective.n_params)
    value, gradient = jax.jit(jax.value_and_grad(objective.function))(theta, objective.data)
    expected, slopes = objective.value_and_grad(theta[: objective.n_params])
    assert float(value) == pytest.approx(float(expected), abs=1e-12)
    np.testing.assert_allclose(gradient[: objective.n_params], slopes, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(gradient[objective.n_params :], 0.0)


def test_diagnostics_and_searches_for_saddles_share_programs(h4: qvar.Problem) -> None:
    """Of circuits with other numbers of parameters; what is cut out of padded arrays is what the host computes."""
    whole = qvar.uccgsd(h4).program
    counts = []
    for size in (3, 8, 5):
        ansatz = qvar.Ansatz("part", "constrained", _part(whole, range(size)))
        objective = qvar.energy(h4, ansatz)
        on_jax, theta = replace(objective, host=None), np.linspace(-1.0, 1.0, size)
        with compilations() as count:
            found = [
                qvar.diagnostics.hessian_product(on_jax, theta, theta[::-1]),
                qvar.diagnostics.energy_variance(on_jax, theta),
                on_jax.value_and_grad_batch(np.stack([theta, 0.5 * theta]))[1],
                on_jax.loss(theta),
            ]
        counts.append(count.total())
        expected = [
            qvar.diagnostics.hessian_product(objective, theta, theta[::-1]),
            qvar.diagnostics.energy_variance(objective, theta),
            objective.value_and_grad_batch(np.stack([theta, 0.5 * theta]))[1],
            objective.loss(theta),
        ]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)
    assert counts[1:] == [0, 0], counts
