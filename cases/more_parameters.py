"""Do more parameters help? Circuits of growing depth, and what regularization changes."""

from typing import Literal

import qvar

USUAL = {"qubits": 6, "seeds": 30, "gradients": 1000}
QUICK = {"qubits": 4, "seeds": 10, "gradients": 300}


def case(
    qubits: int | None = None,
    family: Literal["both", "constrained", "generic"] = "both",
    field: float = 1.0,
    tolerance: float = 1e-2,
    shots: int = 1000,
    seeds: int | None = None,
    gradients: int | None = None,
    quick: bool = False,
) -> qvar.Paired:
    """Trains circuits of growing depth on the periodic transverse-field Ising chain, and a deep one in several ways.

    Each depth is compared with the one before: did more parameters help, hurt, or do the starts not decide it? The rank
    of the Fisher information marks the depth from which on a circuit can move its state in no further direction. The
    deepest circuit of each family is then trained by Adam alone, and with decay of the angles, dropout of gates, shot
    noise in the gradients, and early stopping, each compared with Adam alone. Evaluations per success count restarts.
    In neural networks more parameters make training easier and, beyond the threshold of fitting all data, errors fall
    again (Belkin et al. 2019); dropout is that of Srivastava et al. (2014).

    Args:
        qubits: Number of spins; 6 if not given, 4 with quick.
        family: Circuits: Hamiltonian-variational ones (constrained), RY rotations with CNOTs (generic), or both.
        field: Transverse field in units of the coupling J; 1 is the critical point.
        tolerance: A start succeeds if it ends no farther from the exact energy, in J.
        shots: Shots of each energy in the training with noise.
        seeds: Number of random starts of each; 30 if not given, 10 with quick.
        gradients: Budget of each start, in evaluations; 1000 if not given, 300 with quick.
        quick: Fewer spins, starts and evaluations, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    qubits = usual["qubits"] if qubits is None else qubits
    qvar.require(qubits >= 2, "qubits", "be at least 2", qubits)
    problem = qvar.tfim(qubits, h=field, periodic=True)
    full = -(-(2**qubits) // qubits) - 1  # layers with as many parameters as the 2^n - 1 directions of a real state
    depths = {"constrained": range(1, qubits // 2 + 3), "generic": sorted({1, full // 2, full, 2 * full} - {0})}
    ways = []
    for kind, layers in depths.items():
        if family in ("both", kind):
            ways += _depths(problem, kind, list(layers))
            ways += _regularized(problem, kind, max(layers), shots)
    return qvar.Paired(
        problem,
        ways,
        seeds=usual["seeds"] if seeds is None else seeds,
        budget=qvar.Budget(gradients=usual["gradients"] if gradients is None else gradients),
        tolerance=tolerance,
        fisher_samples=2,
    )


def _circuit(problem: qvar.Problem, kind: str, layers: int) -> qvar.Ansatz:
    if kind == "constrained":
        return qvar.hva(problem, layers=layers).with_start("uniform", name=f"hva x{layers}")
    circuit = qvar.hardware_efficient(problem, layers=layers, rotations=("RY",), entangler="cnot_chain")
    return circuit.with_start("uniform", name=f"ry cnot chain x{layers}")


def _depths(problem: qvar.Problem, kind: str, depths: list[int]) -> list[qvar.Way]:
    """Each depth against the one before."""
    circuits = [_circuit(problem, kind, layers) for layers in depths]
    before = ["", *(circuit.name for circuit in circuits)]
    return [qvar.Way(one.name, one, against=other) for one, other in zip(circuits, before, strict=False)]


def _regularized(problem: qvar.Problem, kind: str, layers: int, shots: int) -> list[qvar.Way]:
    """One circuit by Adam alone, and with one change each."""
    circuit = _circuit(problem, kind, layers)
    plain = f"{circuit.name} Adam"
    changes = {
        "decay": qvar.Regularized(decay=0.05),
        "dropout": qvar.Regularized(dropout=0.05),
        "shots": qvar.Regularized(shots=shots),
        "shots, early stop": qvar.Regularized(shots=shots, patience=50),
    }
    ways = [qvar.Way(plain, circuit, recipe=qvar.Regularized())]
    return ways + [qvar.Way(f"{plain}, {name}", circuit, recipe=one, against=plain) for name, one in changes.items()]


if __name__ == "__main__":
    qvar.launch(case)
