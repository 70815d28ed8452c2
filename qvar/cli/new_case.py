"""The command `qvar new-case`: a case file to start from."""

from __future__ import annotations

import os
from pathlib import Path

from qvar.atomic_files import write_whole
from qvar.errors import QvarError, require

_TEMPLATE = '''\
"""A circuit of one's own, written for PennyLane, against UCCSD on a chain of hydrogen atoms."""

import pennylane as qml

import qvar


def case(n_atoms: int = 4, bond: float = 1.0, layers: int = 2, seeds: int = 4, gradients: int = 500) -> qvar.Duel:
    """Compares a circuit of one's own with a hardware-efficient one and UCCSD.

    Args:
        n_atoms: Number of atoms in the chain.
        bond: Distance between neighbouring atoms, in angstrom.
        layers: Layers of the two circuits that have layers.
        seeds: Number of random starts of each contender.
        gradients: Budget of each start, in evaluations of energy and gradient.
    """
    problem = qvar.hydrogen_chain(n_atoms, bond=bond)
    n_qubits = problem.n_qubits

    def circuit(theta):  # a PennyLane quantum function; theta has shape (n_params,)
        qml.BasisState(list(problem.reference_bits), wires=range(n_qubits))
        for layer in range(layers):
            for wire in range(n_qubits):
                qml.RY(theta[layer * n_qubits + wire], wires=wire)
            for wire in range(n_qubits - 1):
                qml.CNOT(wires=[wire, wire + 1])

    mine = qvar.Ansatz.from_circuit(
        circuit, n_qubits=n_qubits, n_params=layers * n_qubits, name="mine", family="generic"
    )
    return qvar.Duel(
        problem,
        contenders=[mine, qvar.hardware_efficient(problem, layers=layers), qvar.uccsd(problem)],
        method=qvar.lbfgs(),
        seeds=seeds,
        budget=qvar.Budget(gradients=gradients),
    )


if __name__ == "__main__":
    qvar.launch(case)
'''


def new_case(name: str) -> int:
    """Write a case file with a circuit of one's own, and print what to do with it."""
    path = Path(name if name.endswith(".py") else f"{name}.py")
    require(path.stem.isidentifier(), "NAME", "be letters, digits and _, such as my_case", name)
    if os.path.lexists(path):
        raise QvarError(f"`NAME` must be the name of a new file, but {path} exists already.")
    try:
        with write_whole(path) as temporary:
            temporary.write_text(_TEMPLATE, encoding="utf-8")
    except OSError as error:
        raise QvarError(f"`NAME` must be a file that can be written, but {path}: {error.strerror}.") from error
    print(f"{path} is a case: edit its circuit, then")
    print(f"  qvar run {path} --help")
    print(f"  qvar run {path}")
    return 0
