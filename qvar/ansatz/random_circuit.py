"""Random circuits, the standard example of barren plateaus."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.hardware_efficient import chain, zhang_start
from qvar.ansatz.program import ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasReference, register
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import require
from qvar.random_draws import key_integers

_AXES = ("RX", "RY", "RZ")


@checked("layers", "problem")
def random_circuit(problem: HasReference | int, *, key: jax.Array, layers: int = 2, name: str | None = None) -> Ansatz:
    r"""Make rotations about axes drawn at random, and chains of CZ, after a fixed rotation that favours no axis.

    $$ |\psi(\theta)\rangle = \prod_{l=L-1}^{0} \Big[ \prod_{q=0}^{n-2} \text{CZ}_{q,q+1}
       \bigotimes_q e^{-i \theta_{l,q} P_{l,q} / 2} \Big] \bigotimes_q e^{-i \pi Y_q / 8} |\text{ref}\rangle, \qquad
       P_{l,q} \in \{X, Y, Z\} $$

    The axes are drawn with `key`, each with probability 1/3, and belong to the ansatz: another key is another circuit.
    Deep ones are barren: over keys and angles, the derivative of \(\langle Z_0 Z_1 \rangle\) by the first angle has the
    variance \(d / (3 (d^2 - 1))\), \(d = 2^n\).

    Parameter layout: layer by layer, within a layer qubit by qubit; \(n L\) parameters.

    Its own start, `"zhang"`, is normal with the variance of `qvar.ansatz.hardware_efficient.zhang_start`.

    McClean, Boixo, Smelyanskiy, Babbush, Neven, Nat. Commun. 9, 4812 (2018),
    https://doi.org/10.1038/s41467-018-07090-4.

    Args:
        problem: a Problem, whose reference determinant is the start, or a number of qubits, which start in |0...0>.
        key: JAX random key that the axes are drawn with, such as `jax.random.key(7)`; its integers are recorded.
        layers: number of layers L, at least 1.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range.
    """
    layers = counting_number("layers", layers)
    integers = key_integers(key)
    n_qubits, reference = register(problem)
    require(n_qubits >= 2, "n_qubits", "be at least 2", n_qubits)
    check_operations("layers", layers, 2 * n_qubits)
    # 32 bits in every precision, so that a key means one circuit
    axes = np.asarray(jax.random.randint(key, (layers, n_qubits), 0, 3, dtype=jnp.int32))
    builder = ProgramBuilder(n_qubits, n_qubits * layers, reference)
    for wire in range(n_qubits):
        builder.add("RY", (wire,), offset=math.pi / 4)
    for layer in range(layers):
        for wire in range(n_qubits):
            builder.add(_AXES[axes[layer, wire]], (wire,), {layer * n_qubits + wire: 1.0})
        for pair in chain(n_qubits):
            builder.add("CZ", pair)
    return Ansatz(
        name=name or f"random x{layers} key {' '.join(map(str, integers))}",
        family="generic",
        program=builder.build(one_of_many=True),
        settings={"layers": layers, "key": integers},
        starts={"zhang": zhang_start(problem, layers, n_qubits * layers)},
        citations=("mcclean2018",),
    )
