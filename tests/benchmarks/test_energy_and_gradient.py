"""Energy and exact gradient: qvar against PennyLane's lightning.qubit with the adjoint method, in one run.

`make bench`; the tables show medians in milliseconds, one group per work.
"""

import time

import jax
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.engines.oracle import oracle


def _layers(n_qubits: int, layers: int):
    ansatz = qvar.hardware_efficient(n_qubits, layers=layers)
    return qml.PauliZ(0) @ qml.PauliZ(1), ansatz


def _h4_uccsd():
    problem = qvar.hydrogen_chain(4)
    return problem, qvar.uccsd(problem)


def _h4_layers():
    problem = qvar.hydrogen_chain(4)
    return problem, qvar.hardware_efficient(problem, layers=4)


WORK = {
    "RY+RZ+CNOT chain, Z0 Z1, 8 qubits x 20": lambda: _layers(8, 20),
    "RY+RZ+CNOT chain, Z0 Z1, 12 qubits x 20": lambda: _layers(12, 20),
    "RY+RZ+CNOT chain, H4 energy, 8 qubits x 4": _h4_layers,
    "UCCSD, H4 energy, 8 qubits": _h4_uccsd,
}


def _objective(problem, ansatz) -> qvar.Objective:
    return qvar.energy(problem, ansatz) if isinstance(problem, qvar.Problem) else qvar.expectation(problem, ansatz)


@pytest.mark.parametrize("work", list(WORK))
@pytest.mark.parametrize("who", ["qvar", "lightning.qubit"])
def test_energy_and_gradient(benchmark, who: str, work: str) -> None:
    problem, ansatz = WORK[work]()
    theta = np.asarray(ansatz.initial(jax.random.key(0), "uniform"))
    if who == "qvar":
        objective = _objective(problem, ansatz)
        call = lambda: jax.block_until_ready(objective.value_and_grad(theta))  # noqa: E731
    else:
        peer = oracle(problem, ansatz, device="lightning.qubit")
        call = lambda: peer(theta)  # noqa: E731
    call()
    benchmark.pedantic(call, rounds=7, iterations=1, warmup_rounds=1)


@pytest.mark.parametrize("work", ["8 qubits"])
@pytest.mark.parametrize("layers", [4, 40])
def test_compile(benchmark, layers: int, work: str) -> None:
    """First call of energy and gradient, compilation included, without a cache."""
    problem = qvar.hydrogen_chain(4)
    objective = qvar.energy(problem, qvar.hardware_efficient(problem, layers=layers))
    theta = objective.initial(jax.random.key(0))

    def compile_anew() -> float:
        jax.clear_caches()
        start = time.perf_counter()
        jax.jit(jax.value_and_grad(objective.function)).lower(theta, objective.data).compile()
        return time.perf_counter() - start

    compile_anew()
    benchmark.pedantic(compile_anew, rounds=5, iterations=1)
