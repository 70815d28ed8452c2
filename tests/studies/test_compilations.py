"""A compiled program serves all seeds, all steps, and all circuits of one shape."""

from __future__ import annotations

import numpy as np
from compilations import compilations

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import ProgramBuilder


def test_a_study_compiles_its_energy_once(h2: qvar.Problem) -> None:
    ansatz = qvar.hardware_efficient(h2, layers=3, name="counted")
    budget = qvar.Budget(gradients=200, gradient_tolerance=0.0)
    duel = qvar.Duel(h2, [ansatz], method=qvar.adam(learning_rate=0.011), seeds=8, budget=budget)  # a method of its own
    with compilations() as count:
        rows = duel.tasks()[0].run(lambda _: None)
    assert [row["gradient_evaluations"] for row in rows] == [200] * 8
    assert count["jit(_update)"] == 1
    assert count["jit(_value_and_grad)"] == 0
    with compilations() as count:  # the same shapes again: other numbers in the same tables
        other = qvar.Duel(qvar.hydrogen_chain(2, bond=1.1), [ansatz], method=duel.method, seeds=8, budget=budget)
        assert other.tasks()[0].run(lambda _: None)[0]["gradient_evaluations"] == 200
    assert sum(count.values()) == 0


def test_circuits_of_any_kind_and_depth_share_their_programs(h4: qvar.Problem) -> None:
    """Two size classes of draws, and nothing for a circuit or the optimizer."""
    budget = qvar.Budget(gradients=12)
    first = [qvar.uccsd(h4), qvar.hardware_efficient(h4, layers=1), qvar.hardware_efficient(h4, layers=2)]
    with compilations() as count:
        for task in qvar.Duel(h4, first, seeds=3, budget=budget).tasks():
            task.run(lambda _: None)
    assert not count["jit(_update)"] + count["jit(_begin)"]
    assert sum(count.values()) <= 8, count
    deeper = [qvar.hardware_efficient(h4, layers=layers, rotations=("RY",)) for layers in range(1, 6)]
    others = [*deeper, qvar.gate_fabric(h4), qvar.kupccgsd(h4)]
    with compilations() as count:
        for task in qvar.Duel(h4, others, seeds=3, budget=budget).tasks():
            rows = task.run(lambda _: None)
            assert all(row["status"] != "failed" for row in rows)
    assert not count


def test_a_growing_circuit_compiles_nothing(h4: qvar.Problem) -> None:
    """Operators of UCCSD one by one, the last ones first: each step is another circuit with another order."""
    whole = qvar.uccsd(h4).program
    budget = qvar.Budget(gradients=3)

    def grown(size: int) -> qvar.Result:
        builder = ProgramBuilder(whole.n_qubits, size, whole.reference)
        for param, index in enumerate(range(whole.n_ops - size, whole.n_ops)):
            builder.add(KINDS[whole.kind[index]].name, whole.op_wires(index), {param: 1.0})
        objective = qvar.energy(h4, qvar.Ansatz("grown", "constrained", builder.build()))
        return qvar.minimize(objective, np.full(size, 0.01), budget=budget)

    first = grown(1)
    with compilations() as count:
        values = [grown(size).value for size in range(2, whole.n_ops + 1)]
    assert sum(count.values()) == 0
    assert min(values) < first.value - 1e-3


def test_an_adaptive_growth_compiles_one_size_class() -> None:
    """A first and an updated state of BFGS."""
    problem = qvar.hydrogen_chain(6, 1.5)
    budget = qvar.Budget(gradients=3, hessian_products=0)
    qvar.adapt(problem, "qubit_gsd", max_operators=1, budget=budget)
    with compilations() as count:
        grown = qvar.adapt(problem, "qubit_gsd", max_operators=60, budget=budget, gradient_norm=0.0)
    assert grown.n_operators == 60
    assert sum(count.values()) <= 2, count


def test_a_hundred_operators_grow_without_a_compilation() -> None:
    """Generalized doubles of H6 in any order, four at a time; parameters come into two more size classes."""
    problem = qvar.hydrogen_chain(6)
    pool = qvar.uccgsd(problem).program
    doubles = [op for op in range(pool.n_ops) if len(pool.op_wires(op)) == 4]
    order = np.random.default_rng(3).permutation(doubles)[:100].tolist()

    def grown(size: int, theta: np.ndarray) -> qvar.Result:
        builder = ProgramBuilder(pool.n_qubits, size, pool.reference)
        for param, index in enumerate(order[:size]):
            builder.add(KINDS[pool.kind[index]].name, pool.op_wires(index), {param: 1.0})
        objective = qvar.energy(problem, qvar.Ansatz("grown", "constrained", builder.build()))
        return qvar.minimize(objective, theta, budget=qvar.Budget(gradients=3))

    last = grown(1, np.zeros(1))
    first = last.value
    with compilations() as count:
        for size in range(4, 101, 4):
            last = grown(size, np.append(last.theta, np.zeros(size - last.theta.size)))
    assert not count
    assert last.value < first - 1e-3
