"""Identity blocks: any circuit, doubled so that it can start as the identity."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.program import ProgramBuilder, check_operations
from qvar.arguments import checked
from qvar.checks import counting_number


@checked("blocks")
def identity_blocks(ansatz: Ansatz, *, blocks: int = 1, name: str | None = None) -> Ansatz:
    r"""Make blocks of a circuit and its inverse, with parameters of their own, that start as the identity.

    $$ |\psi(\theta)\rangle = \prod_{m=M}^{1} \Big[ U(\theta_{2m})^\dagger U(\theta_{2m-1}) \Big] |\text{ref}\rangle $$

    U is all of the inner circuit, fixed gates that prepare a state included, which its inverse undoes. Its own start,
    `"identity_blocks"`, which is the default, draws every \(\theta_{2m-1}\) uniformly on [-pi, pi) and sets
    \(\theta_{2m} = \theta_{2m-1}\): the state is the reference determinant, the gradient that of a circuit as shallow
    as one block, and both halves move apart from there.

    Parameter layout: \(\theta_1, \theta_2, \ldots, \theta_{2M}\), each laid out as the inner circuit's;
    \(2 M P\) parameters, P those of the inner circuit. What U conserves, its inverse conserves too.

    Grant, Wossnig, Ostaszewski, Benedetti, Quantum 3, 214 (2019), https://doi.org/10.22331/q-2019-12-09-214.

    Args:
        ansatz: the inner circuit; its angles are affine in theta.
        blocks: number of blocks M, at least 1.
        name: name in the ledger; made from the inner name if None.

    Raises:
        QvarError: if `blocks` is out of its range, or the angles are not affine in theta.
    """
    blocks = counting_number("blocks", blocks)
    inner = ansatz.n_params
    check_operations("blocks", blocks, 2 * ansatz.program.n_ops)
    builder = ProgramBuilder(ansatz.n_qubits, 2 * blocks * inner, ansatz.program.reference)
    for half in range(2 * blocks):
        builder.extend(ansatz.program, shift=half * inner, inverse=half % 2 == 1)

    def draw(key: jax.Array) -> jax.Array:
        first = jax.random.uniform(key, (blocks, 1, inner), float, -math.pi, math.pi)
        return jnp.tile(first, (1, 2, 1)).reshape(-1)

    return Ansatz(
        name=name or f"identity blocks x{blocks} of {ansatz.name}",
        family=ansatz.family,
        program=builder.build(),
        settings={"blocks": blocks, "ansatz": ansatz.name, "ansatz_settings": dict(ansatz.settings)},
        start="identity_blocks",
        starts={"identity_blocks": draw},
        symmetries=ansatz.symmetries,
        citations=(*ansatz.citations, *(key for key in ("grant2019",) if key not in ansatz.citations)),
    )
