"""Barren plateaus: whose landscape becomes flat as the number of qubits grows, and how fast."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pennylane as qml

import qvar
from qvar.diagnostics import haar_pauli_loss, mcclean_first_angle

Name = Literal["hardware_efficient", "givens_fabric", "uccsd", "hva", "random_circuit"]

SIZES, SAMPLES = (4, 6, 8, 10, 12), 1000
QUICK_SIZES, QUICK_SAMPLES = (4, 6, 8, 10), 250


def case(
    sizes: tuple[int, ...] = (),
    samples: int | None = None,
    starts: tuple[str, ...] = ("uniform",),
    noise: float = 0.0,
    contenders: tuple[Name, ...] = ("hardware_efficient", "givens_fabric", "uccsd", "hva"),
    seed: int = 0,
    quick: bool = False,
) -> qvar.Scaling:
    """Measures the variance of the loss and of its gradient over random parameters against the number of qubits.

    Each circuit is as deep as it takes for its variance to have come down to where more layers leave it: 2n layers of
    the hardware-efficient circuit and of the fabric, 2n^2/3 of the Hamiltonian-variational one, 13n of the random
    circuit. UCCSD has the depth that its excitations make.

    - hardware_efficient: RY, RZ and a chain of CNOT; observable Z0 Z1, exact law 1/(d+1).
    - givens_fabric: Givens rotations that conserve the numbers of electrons, energy of half-filled Hubbard chains.
    - uccsd: energy of chains of hydrogen atoms 1 angstrom apart, STO-3G; odd ones have one electron less.
    - hva: Hamiltonian-variational, energy of open transverse-field Ising chains at J = h = 1.
    - random_circuit: rotations about random axes and chains of CZ, drawn for every sample; observable Z0 Z1.

    Args:
        sizes: Numbers of qubits, even and at least 4; 4 to 12 if not given, 4 to 10 with quick.
        samples: Random parameter vectors at every point; 1000 if not given, 250 with quick.
        starts: How they are drawn: uniform, gaussian, identity_blocks, zhang, mp2 ... where a circuit has it.
        noise: Standard deviation of Gaussian noise added to every parameter, in radians.
        contenders: Which circuits.
        seed: Number that all samples are drawn with.
        quick: Fewer sizes, samples and layers, unless they are given.
    """
    for size in sizes:
        qvar.require(size >= 4 and size % 2 == 0, "sizes", "be even and at least 4", size)
    sizes = sizes or (QUICK_SIZES if quick else SIZES)
    if samples is None:
        samples = QUICK_SAMPLES if quick else SAMPLES
    everyone = {contender.name: contender for contender in _contenders(quick)}
    chosen = [everyone[name] for name in dict.fromkeys(contenders)]
    return qvar.Scaling(chosen, sizes, samples=samples, starts=starts, noise=noise, seed=seed)


def _contenders(quick: bool) -> list[qvar.Growing]:
    """Depths are where the variance of the loss has come down to its limit, up to the scatter of 1000 samples or so.

    hardware_efficient: n layers leave 1.2 (6 qubits) to 1.9 times (8) the law, 1.5n and more are within 3 % of it.
    givens_fabric: n layers leave 1.15 times (10 qubits) the Haar value of the sector, 2n are within 4 %.
    hva: 4n layers leave 1.02 (6 qubits) to 1.4 times (12) the value of its Lie algebra, 2n^2/3 leave 1.04 to 1.11: the
    algebra has n^2 dimensions, and layers as many up to a factor explore it.
    random_circuit: McClean et al. 2018 saw the plateau after about 8n to 13n layers.
    """
    ready = _ready_soon if quick else lambda ansatz: ansatz
    pauli = qvar.ExactLaw("1/(d+1)", loss=_deep_pauli)
    random = qvar.ExactLaw("1/(d+1)", loss=_deep_pauli, gradient_first=_first_angle, reference="mcclean2018")
    return [
        qvar.Growing(
            "hardware_efficient",
            "generic",
            lambda n: (_z0z1(), ready(qvar.hardware_efficient(n, layers=2 * n))),
            law=pauli,
        ),
        qvar.Growing(
            "givens_fabric",
            "constrained",
            _on(lambda n: qvar.hubbard(n // 2), lambda p, n: qvar.givens_fabric(p, layers=2 * n)),
        ),
        qvar.Growing("uccsd", "constrained", _on(_hydrogen, lambda p, n: qvar.uccsd(p))),
        qvar.Growing("hva", "constrained", _on(qvar.tfim, lambda p, n: ready(qvar.hva(p, layers=2 * n**2 // 3)))),
        qvar.Growing(
            "random_circuit",
            "generic",
            draw=lambda n, key: (_z0z1(), qvar.random_circuit(n, layers=13 * n, key=key)),
            law=random,
        ),
    ]


def _on(
    problem_of: Callable[[int], qvar.Problem], ansatz_of: Callable[[qvar.Problem, int], qvar.Ansatz]
) -> Callable[[int], tuple[qvar.Problem, qvar.Ansatz]]:
    """A problem of n qubits, and the circuit on it."""

    def make(n: int) -> tuple[qvar.Problem, qvar.Ansatz]:
        problem = problem_of(n)
        return problem, ansatz_of(problem, n)

    return make


def _ready_soon(ansatz: qvar.Ansatz) -> qvar.Ansatz:
    """The same circuit, as one of an ensemble: it compiles in a third of the time, and runs more slowly when large."""
    return replace(ansatz, program=replace(ansatz.program, one_of_many=True))


def _hydrogen(n_qubits: int) -> qvar.Problem:
    atoms = n_qubits // 2
    return qvar.hydrogen_chain(atoms, charge=atoms % 2)


def _z0z1() -> qml.operation.Operator:
    return qml.Z(0) @ qml.Z(1)


def _deep_pauli(n: int) -> float:
    return haar_pauli_loss(2**n)


def _first_angle(n: int) -> float:
    return mcclean_first_angle(2**n)


if __name__ == "__main__":
    qvar.launch(case)
