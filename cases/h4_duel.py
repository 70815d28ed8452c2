"""Hardware-efficient circuits against UCCSD on a chain of four hydrogen atoms."""

import qvar


def case(
    bond: float = 1.0,
    layers: tuple[int, ...] = (1, 2, 4, 8),
    seeds: int = 8,
    gradients: int = 1000,
) -> qvar.Duel:
    """Compares two generic circuits of several depths with UCCSD on H4, STO-3G, all electrons.

    Args:
        bond: Distance between neighbouring atoms, in angstrom.
        layers: Depths of the hardware-efficient circuits, in entangling layers.
        seeds: Number of random starts of each contender.
        gradients: Budget of each start, in evaluations of energy and gradient.
    """
    problem = qvar.hydrogen_chain(4, bond=bond, basis="sto-3g")
    generic = [
        qvar.hardware_efficient(problem, layers=n, rotations=rotations, entangler="cnot_chain", name=f"{name} x{n}")
        for name, rotations in (("ry+rz", ("RY", "RZ")), ("ry", ("RY",)))
        for n in layers
    ]
    return qvar.Duel(
        problem,
        contenders=[*generic, qvar.uccsd(problem)],
        method=qvar.lbfgs(),
        seeds=seeds,
        budget=qvar.Budget(gradients=gradients),
    )


if __name__ == "__main__":
    qvar.launch(case)
