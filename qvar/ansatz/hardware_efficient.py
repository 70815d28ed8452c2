"""Hardware-efficient circuits: layers of single-qubit rotations and entanglers, no knowledge of the problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Literal, TypeAlias

import jax

from qvar.ansatz.ansatz import Ansatz, Draw
from qvar.ansatz.program import Program, ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasReference, register
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import require
from qvar.random_draws import normal

Entangler: TypeAlias = Literal[
    "cnot_chain",
    "cnot_ring",
    "cnot_all",
    "cnot_brick",
    "cz_chain",
    "cz_ring",
    "cz_all",
    "cz_brick",
    "iswap_chain",
    "iswap_ring",
    "iswap_all",
    "iswap_brick",
]
"""A two-qubit gate, and which pairs it acts on in each layer."""

Pair: TypeAlias = tuple[int, int]
"""Two wires: control, then target, where the gate has them."""

_GATES = {"cnot": "CNOT", "cz": "CZ", "iswap": "ISWAP"}


@checked("layers", "problem", own=("rotations",))
def hardware_efficient(
    problem: HasReference | int,
    *,
    layers: int = 2,
    rotations: Sequence[str] = ("RY", "RZ"),
    entangler: Entangler = "cnot_chain",
    final_rotations: bool = True,
    name: str | None = None,
) -> Ansatz:
    r"""Make a circuit of rotations on every qubit and a layer of entanglers, `layers` times over.

    $$ |\psi(\theta)\rangle = R(\theta_L) \prod_{l=L-1}^{0} \Big[ E_l\, R(\theta_l) \Big] |\text{ref}\rangle, \qquad
       R(\theta_l) = \bigotimes_q \prod_r e^{-i \theta_{l,r,q} P_r / 2} $$

    Parameter layout: layer by layer, within a layer rotation by rotation, within a rotation qubit by
    qubit; \(n\,r\,(L+1)\) parameters with the last rotation layer, \(n\,r\,L\) without.

    Its own start, `"zhang"`, is normal with the variance of `zhang_start`.

    Kandala et al., Nature 549, 242 (2017), https://doi.org/10.1038/nature23879, with CNOT, CZ or iSWAP in
    place of the cross-resonance gate. A brick layer is one row of bricks, as in the alternating layered ansatz of
    Cerezo et al., Nat. Commun. 12, 1791 (2021), https://doi.org/10.1038/s41467-021-21728-w, so that two layers
    entangle every pair of neighbours once.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, which start in |0...0>.
        layers: number of entangling layers L, at least 1.
        rotations: names out of RX, RY, RZ in the order in which they act.
        entangler: gate and pattern, `"cnot"`, `"cz"` or `"iswap"` with `"_chain"`, (0,1), (1,2), ...; `"_ring"`, the
            chain closed with (n-1, 0), for more than two qubits; `"_all"`, every pair (i, j) with i < j, in the order
            (0,1), (0,2), ..., (1,2), ...; or `"_brick"`, (0,1), (2,3), ... in the first, third ... layer and (1,2),
            (3,4), ... in the second, fourth ..., which leaves those of two qubits without an entangler.
        final_rotations: whether a rotation layer follows the last entangler.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    layers = counting_number("layers", layers)
    check_rotations("rotations", rotations)
    n_qubits, reference = register(problem)
    require(n_qubits >= 2, "n_qubits", "be at least 2", n_qubits)
    gate, pairs = _entangler(entangler, n_qubits)
    program = two_local(n_qubits, reference, layers, rotations, gate, pairs, final_rotations)
    return Ansatz(
        name=name or f"{'+'.join(rotations).lower()} {entangler.replace('_', ' ')} x{layers}",
        family="generic",
        program=program,
        settings={
            "layers": layers,
            "rotations": list(rotations),
            "entangler": entangler,
            "final_rotations": final_rotations,
        },
        starts={"zhang": zhang_start(problem, layers, program.n_params)},
        citations=("kandala2017",),
    )


def two_local(
    n_qubits: int,
    reference: Sequence[int] | None,
    layers: int,
    rotations: Sequence[str],
    gate: str,
    pairs: Callable[[int], Iterable[Pair]],
    final_rotations: bool,
) -> Program:
    """Build layers of rotations on every qubit, each followed by fixed two-qubit gates, as in `hardware_efficient`.

    The circuit starts from |0...0> if `reference` is None. `rotations` have one wire and one angle, `gate` two wires
    and no angle; `pairs` maps the number of a layer, from 0, to the wires of its gates, both in order.
    """
    blocks = layers + 1 if final_rotations else layers
    check_operations("layers", layers, len(rotations) * n_qubits)
    builder = ProgramBuilder(n_qubits, blocks * len(rotations) * n_qubits, reference)
    param = 0
    for block in range(blocks):
        for rotation in rotations:
            for wire in range(n_qubits):
                builder.add(rotation, (wire,), {param: 1.0})
                param += 1
        if block < layers:
            for pair in pairs(block):
                builder.add(gate, pair)
    return builder.build()


def zhang_start(problem: HasReference | int, layers: int, n_params: int) -> Draw:
    r"""Make a normal start whose width keeps the gradient of deep circuits from vanishing exponentially.

    $$ \theta \sim \mathcal{N}(0, \gamma^2), \qquad \gamma^2 = \frac{1}{4 S (L + 2)}, $$

    S the number of qubits that a term of the observable acts on, L the number of layers. For a Hamiltonian of Pauli
    terms S is the weight of its longest word; for a molecule, whose Jordan-Wigner strings are as long as the register,
    and for a number of qubits alone, it is the number of qubits.

    Zhang, Liu, Hsieh, Tao, NeurIPS 35 (2022), https://arxiv.org/abs/2203.09376, theorem 4.1. The paper proves its bound
    for L layers of one rotation and CZ gates, and two rotation layers at the end; other circuits borrow the variance.
    """
    n_qubits, _ = register(problem)
    terms = getattr(problem, "pauli", None)
    weights = [n_qubits] if terms is None else [len(word) - word.count("I") for word in terms.words]
    width = 1.0 / math.sqrt(4 * max(1, *weights) * (layers + 2))

    def draw(key: jax.Array) -> jax.Array:
        return normal(key, n_params, width)

    return draw


def check_rotations(argument: str, rotations: Sequence[str]) -> None:
    """Raise `QvarError` about `argument` unless it is a list of rotations."""
    listed = isinstance(rotations, Sequence) and not isinstance(rotations, str) and len(rotations) > 0
    known = listed and all(rotation in ("RX", "RY", "RZ") for rotation in rotations)
    require(known, argument, "be names out of RX, RY and RZ", rotations)


def chain(n_qubits: int) -> list[Pair]:
    """Return (0,1), (1,2), ..., (n-2, n-1)."""
    return [(q, q + 1) for q in range(n_qubits - 1)]


def ring(n_qubits: int) -> list[Pair]:
    """Return the chain, closed with (n-1, 0) for more than two qubits."""
    return chain(n_qubits) + ([(n_qubits - 1, 0)] if n_qubits > 2 else [])


def _entangler(entangler: Entangler, n_qubits: int) -> tuple[str, Callable[[int], list[Pair]]]:
    gate, _, pattern = entangler.partition("_")
    if pattern == "brick":
        return _GATES[gate], lambda layer: chain(n_qubits)[layer % 2 :: 2]
    fixed = {"chain": chain, "ring": ring, "all": lambda n: list(combinations(range(n), 2))}[pattern](n_qubits)
    return _GATES[gate], lambda layer: fixed
