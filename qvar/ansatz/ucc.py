"""Unitary coupled cluster, factorized: one exponential of one excitation after another."""

from __future__ import annotations

from itertools import combinations, product
from typing import Literal, TypeAlias

from qvar._types import Excitation
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.needs import HasOrbitals
from qvar.ansatz.program import ProgramBuilder
from qvar.errors import QvarError

Order: TypeAlias = Literal["singles_first", "doubles_first"]
"""Which excitations act first on the reference determinant."""


def uccsd(problem: HasOrbitals, order: Order = "singles_first", name: str | None = None) -> Ansatz:
    r"""Unitary coupled cluster with singles and doubles, as a product of exponentials.

    $$ |\psi(\theta)\rangle = \prod_\mu e^{\theta_\mu (T_\mu - T_\mu^\dagger)} |\text{HF}\rangle, \qquad
       T = a_a^\dagger a_i \ \text{or}\ a_a^\dagger a_b^\dagger a_j a_i, $$

    one parameter per spin-conserving excitation from occupied i, j to virtual a, b, in a fixed order, because
    the factors do not commute and the order changes the energy. The first factor acts first:
    singles (for i, for a: alpha, then beta); same-spin doubles (for i<j, for a<b: alpha, then beta);
    opposite-spin doubles (for alpha i, a; for beta j, b). `"doubles_first"` puts the same doubles before
    the same singles. Each factor is exact, no Trotter error is meant or made; angles are amplitudes.

    Bartlett, Kucharski, Noga, Chem. Phys. Lett. 155, 133 (1989), https://doi.org/10.1016/S0009-2614(89)87372-5;
    Peruzzo et al., Nat. Commun. 5, 4213 (2014), https://doi.org/10.1038/ncomms5213; on the order of factors:
    Grimsley et al., J. Chem. Theory Comput. 16, 1 (2020), https://doi.org/10.1021/acs.jctc.9b01083.

    Args:
        problem: a molecule.
        order: `"singles_first"` or `"doubles_first"`.
        name: what the ledger calls it; `"uccsd"` where None.

    Raises:
        QvarError: if the problem has no electrons or no empty orbitals, or the order is unknown.
    """
    if order not in ("singles_first", "doubles_first"):
        raise QvarError(f"`order` must be 'singles_first' or 'doubles_first', but is {order!r}.")
    singles, doubles = _singles(problem), _doubles(problem)
    if not singles and not doubles:
        raise QvarError("`problem` must have occupied and empty orbitals to excite between, but has none.")
    sequence = singles + doubles if order == "singles_first" else doubles + singles

    builder = ProgramBuilder(problem.n_qubits, len(sequence), problem.reference_bits)
    for param, (creates, annihilates) in enumerate(sequence):
        kind = "FermionicSingleExcitation" if len(creates) == 1 else "FermionicDoubleExcitation"
        builder.add(kind, (*creates, *annihilates), {param: 2.0})  # the gate halves its angle
    return Ansatz(
        name=name or ("uccsd" if order == "singles_first" else "uccsd doubles first"),
        family="constrained",
        program=builder.build(),
        settings={"order": order},
        start="gaussian",
        symmetries=("particle_number", "sz"),
        references=("bartlett1989", "peruzzo2014", "grimsley2020"),
    )


def _orbitals(problem: HasOrbitals) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]:
    """(occupied, virtual) orbitals of each spin."""
    everything = range(problem.n_qubits // 2)
    occupied = [sorted(problem.occupied_alpha), sorted(problem.occupied_beta)]
    alpha, beta = ((list(occ), [p for p in everything if p not in occ]) for occ in occupied)
    return alpha, beta


def _singles(problem: HasOrbitals) -> list[Excitation]:
    spins = _orbitals(problem)
    pairs = sorted({pair for occupied, virtual in spins for pair in product(occupied, virtual)})
    return [
        ((2 * a + spin,), (2 * i + spin,))
        for i, a in pairs
        for spin, (occupied, virtual) in enumerate(spins)
        if i in occupied and a in virtual
    ]


def _doubles(problem: HasOrbitals) -> list[Excitation]:
    spins = _orbitals(problem)
    quads = sorted(
        {
            (*ij, *ab)
            for occupied, virtual in spins
            for ij, ab in product(combinations(occupied, 2), combinations(virtual, 2))
        }
    )
    same = [
        ((2 * a + spin, 2 * b + spin), (2 * j + spin, 2 * i + spin))
        for i, j, a, b in quads
        for spin, (occupied, virtual) in enumerate(spins)
        if {i, j} <= set(occupied) and {a, b} <= set(virtual)
    ]
    alpha, beta = spins
    opposite = [((2 * a, 2 * b + 1), (2 * j + 1, 2 * i)) for i, a in product(*alpha) for j, b in product(*beta)]
    return same + opposite
