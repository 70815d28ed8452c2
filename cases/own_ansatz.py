"""An ansatz of one's own, written as a PennyLane quantum function, against UCCSD on the hydrogen molecule."""

import pennylane as qml

import qvar


def my_circuit(theta):
    """A little of everything: rotations, entanglers, excitations, one Pauli rotation."""
    qml.BasisState([1, 1, 0, 0], wires=range(4))
    qml.DoubleExcitation(theta[0], wires=[0, 1, 2, 3])
    qml.SingleExcitation(theta[1], wires=[0, 2])
    qml.SingleExcitation(theta[1], wires=[1, 3])  # one parameter may drive several gates
    for wire in range(4):
        qml.RY(theta[2 + wire], wires=wire)
    for wire in range(3):
        qml.CNOT(wires=[wire, wire + 1])
    for wire in range(4):
        qml.RY(-theta[2 + wire] / 2, wires=wire)
    qml.PauliRot(theta[6], "XYXX", wires=range(4))


def case(bond: float = 0.7414, seeds: int = 4, gradients: int = 300) -> qvar.Duel:
    """Compares a user's own circuit with UCCSD on H2, STO-3G.

    Args:
        bond: Distance between the atoms, in angstrom.
        seeds: Number of random starts of each contender.
        gradients: Budget of each start, in evaluations of energy and gradient.
    """
    problem = qvar.hydrogen_chain(2, bond=bond)
    mine = qvar.Ansatz.from_circuit(my_circuit, n_qubits=4, n_params=7, name="mine", family="generic")
    budget = qvar.Budget(gradients=gradients)
    return qvar.Duel(problem, contenders=[mine, qvar.uccsd(problem)], seeds=seeds, budget=budget)


if __name__ == "__main__":
    qvar.launch(case)
