"""Optimizers against each other: one circuit, one set of starts, one budget."""

from typing import Literal

import qvar


def case(
    molecule: Literal["h2", "h4", "lih"] = "h2",
    bond: float | None = None,
    layers: int = 2,
    seeds: int = 10,
    gradients: int = 400,
    energies: int | None = None,
    shots: int = 10_000,
) -> qvar.Duel:
    """Trains one hardware-efficient circuit (RY and a chain of CNOTs) by six methods from the same starts, STO-3G.

    L-BFGS, Adam, gradient descent and quantum natural gradient read gradients; SPSA reads noisy energies, Rotosolve
    energies alone.

    Args:
        molecule: The molecule.
        bond: Length of its bonds, in angstrom; the usual one if None.
        layers: Entangling layers of the circuit.
        seeds: Number of random starts of each method.
        gradients: Budget of each start, in evaluations of energy and gradient together.
        energies: Budget of methods that need energies alone; as many as gradients if None.
        shots: Shots of each energy that SPSA reads.
    """
    qvar.require(shots >= 1, "shots", "be at least 1", shots)
    problem = qvar.named(molecule, bond=bond)
    circuit = qvar.hardware_efficient(problem, layers=layers, rotations=("RY",), entangler="cnot_chain")
    methods = [
        qvar.lbfgs(),
        qvar.adam(),
        qvar.gradient_descent(),
        qvar.natural_gradient(),
        qvar.spsa(shots=shots),
        qvar.rotosolve(),
    ]
    budget = qvar.Budget(gradients=gradients, energies=energies)
    return qvar.Duel(problem, [circuit], method=methods, seeds=seeds, budget=budget)


if __name__ == "__main__":
    qvar.launch(case)
