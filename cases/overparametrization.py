"""From which depth on training stops failing: rank of the Fisher information and success, layer by layer."""

import qvar

USUAL = {"qubits": 6, "seeds": 20, "dimension_samples": 50}
QUICK = {"qubits": 4, "seeds": 10, "dimension_samples": 0}


def case(
    qubits: int | None = None,
    layers: tuple[int, ...] = (),
    field: float = 1.0,
    seeds: int | None = None,
    gradients: int = 2000,
    tolerance: float = 1e-4,
    dimension_samples: int | None = None,
    quick: bool = False,
) -> qvar.Capacity:
    """Trains circuits of growing depth on the periodic transverse-field Ising chain, from random starts.

    A Hamiltonian-variational circuit (constrained) needs half as many layers as there are qubits until the rank of its
    Fisher information stops growing; RY rotations with a chain of CNOTs (generic) need exponentially many parameters.

    Args:
        qubits: Number of spins; 6 if not given, 4 with quick.
        layers: Depths of both circuits; if not given, of each from 1 to beyond where its rank stops growing.
        field: Transverse field in units of the coupling J; 1 is the critical point.
        seeds: Number of random starts of each depth, uniform on a full turn; 20 if not given, 10 with quick.
        gradients: Budget of each start, in evaluations of energy and gradient.
        tolerance: A start succeeds if it ends no farther from the exact energy, in J.
        dimension_samples: Random points of the effective dimension; 0 leaves it out. 50 if not given, 0 with quick.
        quick: Fewer spins, starts and depths, no effective dimension, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    qubits = usual["qubits"] if qubits is None else qubits
    seeds = usual["seeds"] if seeds is None else seeds
    dimension_samples = usual["dimension_samples"] if dimension_samples is None else dimension_samples
    qvar.require(qubits >= 2, "qubits", "be at least 2", qubits)
    beyond = 1 if quick else 2
    problem = qvar.tfim(qubits, h=field, periodic=True)
    return qvar.Capacity(
        problem,
        contenders=[
            qvar.Contender("hva", "constrained", _hva, layers=layers or range(1, qubits // 2 + 1 + beyond)),
            qvar.Contender("ry cnot chain", "generic", _ry, layers=layers or _depths(qubits, beyond)),
        ],
        tolerance=tolerance,
        seeds=seeds,
        budget=qvar.Budget(gradients=gradients),
        dimension_samples=dimension_samples,
    )


def _hva(problem: qvar.Problem, layers: int) -> qvar.Ansatz:
    return qvar.hva(problem, layers=layers).with_start("uniform")


def _ry(problem: qvar.Problem, layers: int) -> qvar.Ansatz:
    circuit = qvar.hardware_efficient(problem, layers=layers, rotations=("RY",), entangler="cnot_chain")
    return circuit.with_start("uniform")


def _depths(qubits: int, beyond: int) -> list[int]:
    """About ten depths up to where parameters are as many as the 2^n - 1 directions of a real state, and some more."""
    full = -(-(2**qubits) // qubits) - 1  # n (layers + 1) parameters
    step = max(1, full // 10)
    return [*range(1, full, step), full, *range(full + 1, full + 1 + beyond * step, step)]


if __name__ == "__main__":
    qvar.launch(case)
