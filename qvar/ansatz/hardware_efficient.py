"""Hardware-efficient circuits: layers of single-qubit rotations and entanglers, no knowledge of the problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.needs import HasReference, register
from qvar.ansatz.program import ProgramBuilder
from qvar.checks import counting_number
from qvar.errors import QvarError, require

Entangler: TypeAlias = Literal["cnot_chain", "cnot_ring", "cz_chain", "cz_ring"]
"""A two-qubit gate, and which pairs of neighbours it acts on in each layer."""


def hardware_efficient(
    problem: HasReference | int,
    layers: int = 4,
    rotations: Sequence[str] = ("RY", "RZ"),
    entangler: Entangler = "cnot_chain",
    final_rotations: bool = True,
    name: str | None = None,
) -> Ansatz:
    r"""Rotations on every qubit and a chain of entanglers, `layers` times over.

    $$ |\psi(\theta)\rangle = R(\theta_L) \prod_{l=L-1}^{0} \Big[ E\, R(\theta_l) \Big] |\text{ref}\rangle, \qquad
       R(\theta_l) = \bigotimes_q \prod_r e^{-i \theta_{l,r,q} P_r / 2} $$

    Parameter layout: layer by layer, within a layer rotation by rotation, within a rotation qubit by
    qubit; \(n\,r\,(L+1)\) parameters with the last rotation layer, \(n\,r\,L\) without.

    Kandala et al., Nature 549, 242 (2017), https://doi.org/10.1038/nature23879, with CNOT or CZ in
    place of the cross-resonance gate.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, which
            start in |0...0>.
        layers: number of entangling layers, at least 1.
        rotations: names out of RX, RY, RZ in the order in which they act.
        entangler: `"cnot_chain"` or `"cz_chain"` on (0,1), (1,2), ...; `"cnot_ring"` or `"cz_ring"` closes
            the chain with (n-1, 0).
        final_rotations: whether a rotation layer follows the last entangler.
        name: what the ledger calls it; made of the arguments where None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    layers = counting_number("layers", layers)
    require(
        len(rotations) > 0 and all(r in ("RX", "RY", "RZ") for r in rotations),
        "rotations",
        "be names out of RX, RY and RZ",
        tuple(rotations),
    )
    n_qubits, reference = register(problem)
    gate, pairs = _entangler(entangler, n_qubits)

    blocks = layers + 1 if final_rotations else layers
    n_params = blocks * len(rotations) * n_qubits
    builder = ProgramBuilder(n_qubits, n_params, reference)
    param = 0
    for block in range(blocks):
        for rotation in rotations:
            for wire in range(n_qubits):
                builder.add(rotation, (wire,), {param: 1.0})
                param += 1
        if block < layers:
            for pair in pairs:
                builder.add(gate, pair)

    title = name or f"{'+'.join(rotations).lower()} {entangler.replace('_', ' ')} x{layers}"
    settings = {
        "layers": layers,
        "rotations": list(rotations),
        "entangler": entangler,
        "final_rotations": final_rotations,
    }
    return Ansatz(name=title, family="generic", program=builder.build(), settings=settings, references=("kandala2017",))


def _entangler(entangler: str, n_qubits: int) -> tuple[str, list[tuple[int, int]]]:
    require(n_qubits >= 2, "n_qubits", "be at least 2", n_qubits)
    gates = {"cnot": "CNOT", "cz": "CZ"}
    gate, _, pattern = entangler.partition("_")
    if gate not in gates or pattern not in ("chain", "ring"):
        raise QvarError(
            f"`entangler` must be 'cnot_chain', 'cnot_ring', 'cz_chain' or 'cz_ring', but is {entangler!r}."
        )
    pairs = [(q, q + 1) for q in range(n_qubits - 1)]
    if pattern == "ring" and n_qubits > 2:  # two qubits have one pair, which a ring would use twice
        pairs.append((n_qubits - 1, 0))
    return gates[gate], pairs
