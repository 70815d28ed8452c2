"""Diagnostics on the kernels of the host: the numbers of JAX's programs, and nothing is compiled for a circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from compilations import compilations

import qvar
from qvar import diagnostics
from qvar.engines.states import ansatz_states

KEY = jax.random.key(5)

STUDIES: dict[str, Callable[[Any, qvar.Objective, np.ndarray], Any]] = {
    "fisher": lambda _, objective, theta: diagnostics.fisher(objective, theta),
    "classical_fisher": lambda _, objective, theta: diagnostics.classical_fisher(objective, theta),
    "fisher_product": lambda _, objective, theta: diagnostics.fisher_product(objective, theta, theta[::-1].copy()),
    "fisher_spectrum": lambda _, objective, theta: diagnostics.fisher_spectrum(objective, theta),
    "hessian": lambda _, objective, theta: diagnostics.hessian(objective, theta),
    "hessian_trace": lambda _, objective, theta: diagnostics.hessian_trace(objective, theta, key=KEY, samples=4).value,
    "scan_line": lambda _, objective, theta: diagnostics.scan_line(objective, theta, theta + 1, points=5).values,
    "energy_variance": lambda _, objective, theta: diagnostics.energy_variance(objective, theta),
    "shots_by_gate": lambda ansatz, objective, theta: diagnostics.shots_to_resolve(objective, theta, ansatz=ansatz),
    "spectral_width": lambda _, objective, theta: diagnostics.spectral_width(objective),
    "depolarized": lambda _, objective, theta: diagnostics.depolarized(objective, 0.1, 2).value_and_grad(theta)[1],
}


@pytest.mark.parametrize("study", STUDIES)
def test_jax_gives_the_same_numbers(study: str) -> None:
    ansatz = qvar.hardware_efficient(3, layers=1)
    objective = qvar.energy(qvar.tfim(3), ansatz)
    theta = np.random.default_rng(2).normal(size=ansatz.n_params)
    assert objective.host_kernels is not None
    ours = STUDIES[study](ansatz, objective, theta)
    expected = STUDIES[study](ansatz, replace(objective, host=None), theta)
    finite = np.isfinite(np.asarray(expected))
    np.testing.assert_array_equal(np.isfinite(ours), finite)
    np.testing.assert_allclose(np.asarray(ours)[finite], np.asarray(expected)[finite], rtol=1e-9, atol=1e-10)


def test_states_without_a_problem_are_jaxs(h4: qvar.Problem) -> None:
    for ansatz in (qvar.gate_fabric(h4, layers=1), qvar.hardware_efficient(4, layers=1)):
        states = ansatz_states(ansatz)
        assert states.host is not None
        thetas = states.draw(KEY, 3, "uniform")
        expected = replace(states, host=None).states(thetas)
        np.testing.assert_allclose(states.states(thetas), expected, rtol=0, atol=1e-13)


def test_no_circuit_is_compiled(h4: qvar.Problem) -> None:
    """A deeper circuit of the same size class of parameters takes the programs of the first."""

    def everything(layers: int) -> None:
        ansatz = qvar.hardware_efficient(h4, layers=layers, rotations=("RY",))
        objective = qvar.energy(h4, ansatz)
        theta = np.random.default_rng(2).normal(size=ansatz.n_params)
        for name in STUDIES:
            if name != "depolarized":
                STUDIES[name](ansatz, objective, theta)
        diagnostics.depolarized(objective, 0.1, 2, problem=h4).value_and_grad(theta)
        diagnostics.symmetry_leakage(objective, theta, problem=h4)
        diagnostics.gradient_variance(objective, key=KEY, samples=16)
        diagnostics.fisher_rank(objective, key=KEY, samples=4)
        diagnostics.expressibility(ansatz, key=KEY, samples=10)
        diagnostics.entangling_capability(ansatz, key=KEY, samples=10)
        diagnostics.mean_entanglement_entropy(ansatz, key=KEY, samples=10)
        budget = qvar.Budget(gradients=2, energies=2)
        for method in (qvar.spsa(shots=100), qvar.natural_gradient()):
            qvar.minimize(objective, theta, method=method, budget=budget)

    everything(1)
    with compilations() as count:
        everything(2)
    small = {"jit(dynamic_slice)", "jit(squeeze)", "jit(broadcast_in_dim)", "jit(reshape)"}  # of the parameters alone
    of_length = {"jit(_begin)", "jit(_update)"}  # methods that are not padded
    assert set(count) <= small | of_length
    assert count["jit(_update)"] <= 1  # spsa
