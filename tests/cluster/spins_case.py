"""A duel whose states lie on all devices: for trials of several processes that hold one state."""

from __future__ import annotations

import qvar


def case(sites: int = 4, gradients: int = 40, layers: int = 1) -> qvar.Duel:
    """Trains a circuit on a transverse-field Ising chain.

    Args:
        sites: Spins of the chain.
        gradients: Budget of each start.
        layers: Depth of the circuit.
    """
    problem = qvar.tfim(sites, j=1.0, h=0.7)
    who = [qvar.hardware_efficient(problem, layers=layers)]
    budget = qvar.Budget(gradients=gradients, gradient_tolerance=1e-12)
    return qvar.Duel(problem, who, method=qvar.adam(learning_rate=0.02), seeds=2, budget=budget)
