"""Do more parameters help? Circuits of growing depth, and what regularization and restarts change."""

from typing import Literal

import qvar

USUAL = {"qubits": 6, "seeds": 30, "gradients": 1000}
QUICK = {"qubits": 4, "seeds": 10, "gradients": 300}


def case(
    model: Literal["ising", "h4"] = "ising",
    qubits: int | None = None,
    family: Literal["both", "constrained", "generic"] = "both",
    layers: tuple[int, ...] = (),
    field: float = 1.0,
    bond: float = 1.0,
    tolerance: float | None = None,
    shots: int = 1000,
    restarts: int = 5,
    seeds: int | None = None,
    gradients: int | None = None,
    quick: bool = False,
) -> qvar.Paired:
    """Trains circuits of growing depth on a spin chain or on H4, and two of the depths in several ways.

    Each depth is compared with the one before, whose draws its own begin with: did more parameters help, hurt, or do
    the starts not decide it? The rank of the Fisher information marks the depth from which on a circuit can move its
    state in no further direction (Larocca et al. 2023). A depth below that and the deepest one are then trained by Adam
    alone, and with decay of the angles, dropout of gates, early stopping, and shot noise in the gradients, each
    compared with Adam alone, and as several starts that share the evaluations of one. In neural networks more
    parameters make training easier, and beyond the threshold of fitting all data errors fall again (Belkin et al.
    2019); dropout is that of Srivastava et al. (2014).

    Args:
        model: Periodic transverse-field Ising chain, or a chain of four hydrogen atoms in STO-3G.
        qubits: Number of spins; 6 if not given, 4 with quick.
        family: Circuits: constrained (Hamiltonian-variational for spins, tUPS for H4), generic (RY rotations with a
            chain of CNOTs), or both.
        layers: Depths of the circuits; if not given, from 1 to beyond the one where the rank stops growing.
        field: Transverse field of the spins in units of the coupling J; 1 is the critical point.
        bond: Distance of the atoms in angstrom.
        tolerance: A start succeeds if it ends no farther from the exact energy; 0.01 J, for H4 1.6 mHa if not given.
        shots: Shots of each energy in the training with noise.
        restarts: Number of starts that share the evaluations of one.
        seeds: Number of random starts of each; 30 if not given, 10 with quick.
        gradients: Budget of each start, in evaluations; 1000 if not given, 300 with quick.
        quick: Fewer spins, starts, depths and evaluations, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    qvar.require(model == "ising" or qubits is None, "qubits", "be left out for h4", qubits)
    spins = usual["qubits"] if qubits is None else qubits
    qvar.require(spins >= 2, "qubits", "be at least 2", spins)
    chain = model == "ising"
    problem = qvar.tfim(spins, h=field, periodic=True) if chain else qvar.hydrogen_chain(4, bond=bond)
    ways = []
    for kind in ("constrained", "generic"):
        if family in ("both", kind):
            depths, below = _depths(problem, kind, quick)
            circuits = [_circuit(problem, kind, depth) for depth in layers or depths]
            ways += _deeper(circuits)
            chosen = [circuits[0 if layers else depths.index(below)], circuits[-1]]
            for circuit in dict.fromkeys(chosen):
                ways += _regularized(circuit, shots, restarts)
    return qvar.Paired(
        problem,
        ways,
        seeds=usual["seeds"] if seeds is None else seeds,
        budget=qvar.Budget(gradients=usual["gradients"] if gradients is None else gradients),
        tolerance=(1e-2 if chain else 1.6e-3) if tolerance is None else tolerance,
        fisher_samples=2,
    )


def _circuit(problem: qvar.Problem, kind: str, layers: int) -> qvar.Ansatz:
    if kind == "generic":
        circuit = qvar.hardware_efficient(problem, layers=layers, rotations=("RY",), entangler="cnot_chain")
    else:
        circuit = qvar.hva(problem, layers=layers) if problem.n_electrons == 0 else qvar.tups(problem, layers=layers)
    return circuit.with_start("uniform")


def _depths(problem: qvar.Problem, kind: str, quick: bool) -> tuple[list[int], int]:
    """Depths to and beyond where the rank stops growing, and one below it."""
    n = problem.n_qubits
    if kind == "constrained":
        full = n // 2 if problem.n_electrons == 0 else 3
        return list(range(1, full + 3)), max(1, full - 1)
    full = -(-(2**n) // n) - 1  # n (layers + 1) parameters, as many as the 2^n - 1 directions of a real state
    shares = (2,) if quick else (4, 2)
    below = [max(1, full // share) for share in shares]
    return sorted({1, *below, full, *(() if quick else (full + 2,)), 2 * full}), below[-1]


def _deeper(circuits: list[qvar.Ansatz]) -> list[qvar.Way]:
    """Each depth against the one before."""
    before = ["", *(circuit.name for circuit in circuits)]
    return [qvar.Way(one.name, one, against=other) for one, other in zip(circuits, before, strict=False)]


def _regularized(circuit: qvar.Ansatz, shots: int, restarts: int) -> list[qvar.Way]:
    """One circuit by Adam alone, with one change each, and with restarts."""
    plain, noisy = f"{circuit.name} Adam", f"{circuit.name} Adam, shots"
    changes = {
        "decay": qvar.Regularized(decay=0.05),
        "dropout": qvar.Regularized(dropout=0.05),
        "early stop": qvar.Regularized(patience=50),
        "shots": qvar.Regularized(shots=shots),
    }
    ways = [qvar.Way(plain, circuit, recipe=qvar.Regularized())]
    ways += [qvar.Way(f"{plain}, {name}", circuit, recipe=one, against=plain) for name, one in changes.items()]
    stopped = qvar.Regularized(shots=shots, patience=50)
    ways += [qvar.Way(f"{noisy}, early stop", circuit, recipe=stopped, against=noisy)]
    more = qvar.Restarts(n_starts=restarts)
    return [*ways, qvar.Way(f"{circuit.name}, {restarts} starts", circuit, recipe=more, against=circuit.name)]


if __name__ == "__main__":
    qvar.launch(case)
