"""Generic circuits as other packages define them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal, TypeAlias

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.hardware_efficient import Pair, chain, check_rotations, ring, two_local, zhang_start
from qvar.ansatz.program import ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasReference, register
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import require

Entanglement: TypeAlias = Literal["full", "linear", "reverse_linear", "circular", "pairwise"]
"""Pattern of CNOTs in a layer of Qiskit's circuits."""


@checked("reps", "problem")
def real_amplitudes(
    problem: HasReference | int,
    *,
    reps: int = 3,
    entanglement: Entanglement = "reverse_linear",
    final_rotations: bool = True,
    name: str | None = None,
) -> Ansatz:
    r"""Make Qiskit's `real_amplitudes`: RY on every qubit and CNOTs, which keep all amplitudes real.

    $$ |\psi(\theta)\rangle = R(\theta_L) \prod_{l=L-1}^{0} \Big[ E\, R(\theta_l) \Big] |\text{ref}\rangle, \qquad
       R(\theta_l) = \bigotimes_q e^{-i \theta_{l,q} Y_q / 2} $$

    Parameter layout: layer by layer, within a layer qubit by qubit; \(n (L+1)\) parameters with the last rotation
    layer, \(n L\) without. Qiskit's qubit q is wire q; Qiskit writes qubit 0 last in the label of a basis state, qvar
    writes wire 0 first. `"reverse_linear"` makes the unitary of `"full"` with n-1 CNOTs instead of n(n-1)/2.

    Its own start, `"zhang"`, is normal with the variance of `qvar.ansatz.hardware_efficient.zhang_start`.

    Javadi-Abhari et al., arXiv:2405.08810, https://doi.org/10.48550/arXiv.2405.08810;
    https://quantum.cloud.ibm.com/docs/api/qiskit/qiskit.circuit.library.real_amplitudes.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, which start in |0...0>.
        reps: number of entangling layers L, at least 1.
        entanglement: `"full"`, every (i, j) with i < j; `"linear"`, (0,1), (1,2), ...; `"reverse_linear"`, the same
            pairs, the last first; `"circular"`, (n-1, 0), then the linear ones, without the former for two qubits;
            `"pairwise"`, (0,1), (2,3), ..., then (1,2), (3,4), ..., all in one layer.
        final_rotations: whether a rotation layer follows the last CNOTs.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    return _qiskit("real_amplitudes", problem, reps, ("RY",), entanglement, final_rotations, name)


@checked("reps", "problem", own=("su2_gates",))
def efficient_su2(
    problem: HasReference | int,
    *,
    reps: int = 3,
    entanglement: Entanglement = "reverse_linear",
    su2_gates: Sequence[str] = ("RY", "RZ"),
    final_rotations: bool = True,
    name: str | None = None,
) -> Ansatz:
    r"""Make Qiskit's `efficient_su2`: two rotations on every qubit, RY then RZ, and CNOTs.

    $$ |\psi(\theta)\rangle = R(\theta_L) \prod_{l=L-1}^{0} \Big[ E\, R(\theta_l) \Big] |\text{ref}\rangle, \qquad
       R(\theta_l) = \bigotimes_q e^{-i \theta_{l,1,q} Z_q / 2} e^{-i \theta_{l,0,q} Y_q / 2} $$

    Parameter layout: layer by layer, within a layer RY of every qubit, then RZ of every qubit; \(2 n (L+1)\) parameters
    with the last rotation layer, \(2 n L\) without, and as many times 2 as there are `su2_gates`. Wires are as
    `real_amplitudes` says, and so is the start `"zhang"`.

    Javadi-Abhari et al., arXiv:2405.08810, https://doi.org/10.48550/arXiv.2405.08810;
    https://quantum.cloud.ibm.com/docs/api/qiskit/qiskit.circuit.library.efficient_su2.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, which start in |0...0>.
        reps: number of entangling layers L, at least 1.
        entanglement: as for `real_amplitudes`.
        su2_gates: names out of RX, RY, RZ in the order in which they act.
        final_rotations: whether a rotation layer follows the last CNOTs.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    check_rotations("su2_gates", su2_gates)
    return _qiskit("efficient_su2", problem, reps, tuple(su2_gates), entanglement, final_rotations, name)


def _qiskit(
    circuit: str,
    problem: HasReference | int,
    reps: int,
    rotations: tuple[str, ...],
    entanglement: Entanglement,
    final_rotations: bool,
    name: str | None,
) -> Ansatz:
    reps = counting_number("reps", reps)
    n_qubits, reference = register(problem)
    require(n_qubits >= 2, "n_qubits", "be at least 2", n_qubits)
    pairs = _entanglement(entanglement, n_qubits)
    check_operations("reps", reps, len(rotations) * n_qubits)
    program = two_local(n_qubits, reference, reps, rotations, "CNOT", lambda layer: pairs, final_rotations)
    settings = {"reps": reps, "entanglement": entanglement, "final_rotations": final_rotations}
    if circuit == "efficient_su2":
        settings["su2_gates"] = list(rotations)
    return Ansatz(
        name=name or f"{circuit.replace('_', ' ')} {entanglement.replace('_', ' ')} x{reps}",
        family="generic",
        program=program,
        settings=settings,
        starts={"zhang": zhang_start(problem, reps, program.n_params)},
        citations=("kandala2017", "javadiabhari2024"),
    )


def _entanglement(entanglement: Entanglement, n_qubits: int) -> list[Pair]:
    linear = chain(n_qubits)
    patterns = {
        "full": list(combinations(range(n_qubits), 2)),
        "linear": linear,
        "reverse_linear": linear[::-1],
        "circular": ring(n_qubits)[len(linear) :] + linear,
        "pairwise": linear[::2] + linear[1::2],
    }
    return patterns[entanglement]


@checked("layers", "problem")
def strongly_entangling(problem: HasReference | int, *, layers: int = 2, name: str | None = None) -> Ansatz:
    r"""Make PennyLane's `StronglyEntanglingLayers`: any rotation of every qubit and CNOTs whose reach grows.

    $$ |\psi(\theta)\rangle = \prod_{l=L-1}^{0} \Big[ \prod_{q=n-1}^{0} \text{CNOT}_{q,\,(q + r_l) \bmod n}
       \bigotimes_q e^{-i \theta_{l,q,2} Z_q / 2} e^{-i \theta_{l,q,1} Y_q / 2} e^{-i \theta_{l,q,0} Z_q / 2} \Big]
       |\text{ref}\rangle, \qquad r_l = 1 + l \bmod (n - 1), $$

    CNOTs in the order q = 0, 1, ..., and none for one qubit.

    Parameter layout: that of PennyLane's weights of shape (L, n, 3), row by row; \(3 n L\) parameters.

    Its own start, `"zhang"`, is normal with the variance of `qvar.ansatz.hardware_efficient.zhang_start`.

    Schuld, Bocharov, Svore, Wiebe, Phys. Rev. A 101, 032308 (2020), https://doi.org/10.1103/PhysRevA.101.032308;
    Bergholm et al., arXiv:1811.04968, https://doi.org/10.48550/arXiv.1811.04968.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, which start in |0...0>.
        layers: number of layers L, at least 1.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    layers = counting_number("layers", layers)
    n_qubits, reference = register(problem)
    check_operations("layers", layers, 3 * n_qubits)
    builder = ProgramBuilder(n_qubits, 3 * n_qubits * layers, reference)
    param = 0
    for layer in range(layers):
        for wire in range(n_qubits):
            for rotation in ("RZ", "RY", "RZ"):
                builder.add(rotation, (wire,), {param: 1.0})
                param += 1
        if n_qubits > 1:
            reach = 1 + layer % (n_qubits - 1)
            for wire in range(n_qubits):
                builder.add("CNOT", (wire, (wire + reach) % n_qubits))
    return Ansatz(
        name=name or f"strongly entangling x{layers}",
        family="generic",
        program=builder.build(),
        settings={"layers": layers},
        starts={"zhang": zhang_start(problem, layers, param)},
        citations=("schuld2020", "bergholm2018"),
    )


@checked("layers", "problem")
def basic_entangler(
    problem: HasReference | int, *, layers: int = 2, rotation: Literal["RX", "RY", "RZ"] = "RX", name: str | None = None
) -> Ansatz:
    r"""Make PennyLane's `BasicEntanglerLayers`: one rotation of every qubit and a ring of CNOTs.

    $$ |\psi(\theta)\rangle = \prod_{l=L-1}^{0} \Big[ E \bigotimes_q e^{-i \theta_{l,q} P_q / 2} \Big]
       |\text{ref}\rangle, $$

    E the CNOTs (0,1), (1,2), ..., (n-1, 0), in this order; (0,1) alone for two qubits, none for one.

    Parameter layout: that of PennyLane's weights of shape (L, n), row by row; \(n L\) parameters.

    Its own start, `"zhang"`, is normal with the variance of `qvar.ansatz.hardware_efficient.zhang_start`.

    Bergholm et al., arXiv:1811.04968, https://doi.org/10.48550/arXiv.1811.04968.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, which start in |0...0>.
        layers: number of layers L, at least 1.
        rotation: `"RX"`, `"RY"` or `"RZ"`.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    layers = counting_number("layers", layers)
    n_qubits, reference = register(problem)
    pairs = ring(n_qubits)
    program = two_local(n_qubits, reference, layers, (rotation,), "CNOT", lambda layer: pairs, final_rotations=False)
    return Ansatz(
        name=name or f"basic entangler {rotation.lower()} x{layers}",
        family="generic",
        program=program,
        settings={"layers": layers, "rotation": rotation},
        starts={"zhang": zhang_start(problem, layers, program.n_params)},
        citations=("bergholm2018",),
    )
