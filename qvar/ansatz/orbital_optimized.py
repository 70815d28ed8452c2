"""Orbital optimization: a rotation of the orbitals behind any circuit, trained along with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise
from typing import Any

import jax
import jax.numpy as jnp

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.initial_state import InitialState
from qvar.ansatz.program import ProgramBuilder
from qvar.ansatz.protocols import HasOrbitals
from qvar.arguments import checked
from qvar.checks import whole_numbers
from qvar.errors import QvarError, require


@checked()
def orbital_optimized(
    ansatz: Ansatz,
    *,
    problem: HasOrbitals | None = None,
    active: Sequence[int] | None = None,
    name: str | None = None,
) -> Ansatz:
    r"""Append a rotation of all orbitals to any ansatz: orbital-optimized VQE.

    $$ |\psi(\theta, \kappa)\rangle = W(U(\kappa))\, |\psi(\theta)\rangle, \qquad
       \langle \psi(\theta, \kappa)|H|\psi(\theta, \kappa)\rangle
       = \langle \psi(\theta)|\, W(U)^\dagger H\, W(U)\, |\psi(\theta)\rangle, $$

    where U is real, the same for both spins, and covers SO(M): one rotation for each pair of orbitals,

    $$ W(U(\kappa)) = \prod_{p < q} \exp\Big( \kappa_{pq} \sum_\sigma
       (a_{q\sigma}^\dagger a_{p\sigma} - a_{p\sigma}^\dagger a_{q\sigma}) \Big), $$

    (0,1) acting first, (0,2) next. At \(\kappa = 0\) every direction of orbitals has a parameter of its own, which a
    network of neighbouring rotations does not offer. A quantum computer need not run W: it measures
    \(W^\dagger H W\), the Hamiltonian with rotated integrals. So the rotations are the `classical_tail` of the ansatz,
    and `Ansatz.resources` does not count their gates.

    With a larger `problem`, the circuit acts in the orbitals `active` of it while the others stay occupied or empty as
    in its reference, and U mixes all of them. Then a complete inner ansatz has CASSCF's energy as its minimum.

    Parameter layout: those of the inner ansatz, then M(M-1)/2 angles \(\kappa\) in the order of the rotations.
    Starts are those of the inner ansatz, the default one included, with \(\kappa = 0\); only `"gaussian"` draws
    \(\kappa\) too, because at \(\kappa = 0\) the gradient never leaves the symmetry of the reference.

    Mizukami et al., Phys. Rev. Research 2, 033421 (2020), https://doi.org/10.1103/PhysRevResearch.2.033421;
    Sokolov et al., J. Chem. Phys. 152, 124107 (2020), https://doi.org/10.1063/1.5141835.

    Args:
        ansatz: the circuit; its angles are affine in theta, and its wires 2p and 2p+1 are orbital p.
        problem: the problem whose orbitals are rotated; the inner ansatz's own if None.
        active: its orbitals, ascending, that are the inner ansatz's orbitals 0, 1, ...; the first ones if None.
        name: name in the ledger; "oo-" and the inner name if None.

    Raises:
        QvarError: if the ansatz has an odd number of qubits or angles that are not affine, the active orbitals do not
            fit, or the reference of the ansatz is not that of the problem.
    """
    require(ansatz.n_qubits % 2 == 0, "ansatz", "have two wires per orbital", f"one on {ansatz.n_qubits} wires")
    inner = ansatz.program
    if isinstance(inner.reference, InitialState):
        raise QvarError(f"`ansatz` must start from a determinant, but {ansatz.name} starts from another state.")
    if problem is None and active is not None:
        raise QvarError("`active` must be given with the `problem` whose orbitals it counts, but is given alone.")
    reference = inner.reference if problem is None else problem.reference_bits
    m = len(reference) // 2
    orbitals = list(range(ansatz.n_qubits // 2)) if active is None else whole_numbers("active", active)
    _check_active(orbitals, ansatz.n_qubits // 2, m)
    wires = [2 * p + spin for p in orbitals for spin in (0, 1)]
    _check_reference(ansatz, wires, reference)

    pairs = list(combinations(range(m), 2))
    builder = ProgramBuilder(2 * m, inner.n_params + len(pairs), reference)
    builder.extend(inner, wires=wires)
    for param, (p, q) in enumerate(pairs, start=inner.n_params):
        for spin in (0, 1):  # the gate halves its angle
            builder.add("FermionicSingleExcitation", (2 * q + spin, 2 * p + spin), {param: 2.0})
    program = builder.build()

    def padded(scheme: str, key: jax.Array) -> Any:
        return jnp.concatenate([ansatz.initial(key, scheme), jnp.zeros(len(pairs))])

    starts: dict[str, Callable[[jax.Array], Any]] = {
        scheme: partial(padded, scheme) for scheme in ("uniform", *ansatz.starts)
    }
    return replace(
        ansatz,
        name=name or f"oo-{ansatz.name}",
        program=program,
        settings={"ansatz": ansatz.name, **ansatz.settings, "active": orbitals},
        starts=starts,
        symmetries=tuple(s for s in ansatz.symmetries if s != "spin_flip"),
        citations=tuple(dict.fromkeys((*ansatz.citations, "mizukami2020", "sokolov2020"))),
        classical_tail=ansatz.classical_tail + program.n_ops - inner.n_ops,
    )


def _check_active(orbitals: list[int], n_inner: int, m: int) -> None:
    ascending = all(p < q for p, q in pairwise(orbitals))
    inside = all(0 <= p < m for p in orbitals)
    # in another order, gates without a Jordan-Wigner string would mean something else than in the inner problem
    require(
        len(orbitals) == n_inner and ascending and inside,
        "active",
        f"hold {n_inner} ascending orbitals below {m}",
        orbitals,
    )


def _check_reference(ansatz: Ansatz, wires: list[int], reference: Sequence[int]) -> None:
    """Raise `QvarError` unless the inner reference is the problem's, and no inactive orbital is singly occupied."""
    here = tuple(reference[w] for w in wires)
    if ansatz.program.reference != here:
        raise QvarError(
            f"`ansatz` must start from the problem's reference {here} on the active wires, but {ansatz.name} starts "
            f"from {ansatz.program.reference}."
        )
    for p in range(len(reference) // 2):
        if 2 * p not in wires and reference[2 * p] != reference[2 * p + 1]:
            raise QvarError(f"`active` must hold every singly occupied orbital, but leaves out {p}.")
