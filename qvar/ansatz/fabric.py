r"""Fabrics: brick walls of blocks on neighbouring orbitals, each of which conserves the numbers of both spins."""

from __future__ import annotations

import math
from typing import Any

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.program import ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasOrbitals
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import QvarError


@checked("layers")
def gate_fabric(problem: HasOrbitals, *, layers: int = 2, include_pi: bool = False, name: str | None = None) -> Ansatz:
    r"""Make a quantum-number-preserving gate fabric: pair exchange and orbital rotation on neighbouring orbitals.

    $$ |\psi(\theta)\rangle = \prod_{l=L-1}^{0} \prod_{(p,q)} Q_{pq}(\theta_{l,pq}) |\text{HF}\rangle, \qquad
       Q_{pq} = e^{\frac{\varphi}{2} (E_{pq} - E_{qp})}\,
       e^{\frac{\vartheta}{2} (P_p^\dagger P_q - P_q^\dagger P_p)}\, \Pi $$

    with \(q = p + 1\), \(E_{pq} = \sum_\sigma a_{p\sigma}^\dagger a_{q\sigma}\), \(P_q = a_{q\beta} a_{q\alpha}\), and
    \(\Pi\) the identity, or the orbital rotation by \(\varphi = \pi\). A layer acts on orbitals (0,1), (2,3), ...
    first, then on (1,2), (3,4), ... This is PennyLane's `GateFabric` with its angles. The numbers of both spins and
    the total spin are conserved. \(\theta = 0\) is the reference determinant, next to which the gradient of most
    blocks vanishes, because their two orbitals are both full or both empty: the start is uniform. With \(\Pi\),
    which exchanges orbitals, it is Gaussian.

    Parameter layout: layer by layer, within a layer block by block as above, within a block
    \((\vartheta, \varphi)\), radians; \(2 L (M - 1)\) parameters for M orbitals.

    Anselmetti, Wierichs, Gogolin, Parrish, New J. Phys. 23, 113010 (2021), https://doi.org/10.1088/1367-2630/ac2cb3.

    Args:
        problem: a molecule or a model of electrons in at least two orbitals.
        layers: number of layers L, at least 1.
        include_pi: whether a fixed orbital rotation by pi, a signed exchange of the two orbitals, opens every block.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if `layers` is below 1, or the problem has fewer than two orbitals or nothing to move.
    """
    layers = counting_number("layers", layers)
    blocks = brick(_movable_orbitals(problem))
    check_operations("layers", layers, len(blocks))
    builder = ProgramBuilder(problem.n_qubits, 2 * layers * len(blocks), problem.reference_bits)
    for index, (p, q) in enumerate(blocks * layers):
        if include_pi:
            _rotate(builder, p, q, None, math.pi)
        _exchange_pairs(builder, p, q, 2 * index, 1.0)
        _rotate(builder, p, q, 2 * index + 1, 1.0)
    return Ansatz(
        name=name or f"gate fabric{' with pi' if include_pi else ''} x{layers}",
        family="constrained",
        program=builder.build(),
        settings={"layers": layers, "include_pi": include_pi},
        start="gaussian" if include_pi else "uniform",
        symmetries=("particle_number", "sz", "s2"),
        citations=("anselmetti2021",),
    )


@checked("layers")
def tups(problem: HasOrbitals, *, layers: int = 2, perfect_pairing: bool = False, name: str | None = None) -> Ansatz:
    r"""Make a tiled unitary product state: single, pair double and single again on neighbouring orbitals.

    $$ |\psi(\theta)\rangle = \prod_{l=L-1}^{0} \prod_{(p,q)} U_{pq}(\theta_{l,pq}) |\text{HF}\rangle, \qquad
       U_{pq} = e^{\theta_1 \kappa^{(1)}_{pq}} e^{\theta_2 \kappa^{(2)}_{pq}} e^{\theta_3 \kappa^{(1)}_{pq}} $$
    $$ \kappa^{(1)}_{pq} = E_{pq} - E_{qp}, \qquad \kappa^{(2)}_{pq} = P_p^\dagger P_q - P_q^\dagger P_p, \qquad
       E_{pq} = \sum_\sigma a_{p\sigma}^\dagger a_{q\sigma}, \quad P_q = a_{q\beta} a_{q\alpha}. $$

    A layer acts on places (1,0), (3,2), ... first, then on (2,1), (4,3), ...; \(p\) is the higher place. Places are
    the orbitals themselves; with `perfect_pairing` they are orbitals so arranged that each doubly occupied one is
    followed by the empty one that correlates it, the highest occupied by the lowest empty, the next by the next: all
    such pairs first, the lowest occupied orbital in front, then what is left, in order. The first column then makes a
    perfect-pairing state of the determinant (pp-tUPS). The numbers of both spins and the total spin are conserved.
    \(\theta = 0\) is the reference determinant; the start is uniform, as in `gate_fabric`.

    Parameter layout: layer by layer, within a layer block by block as above, within a block
    \((\theta_3, \theta_2, \theta_1)\), the order in which they act, radians; \(3 L (M - 1)\) parameters for M orbitals.

    Burton, Phys. Rev. Research 6, 023300 (2024), https://doi.org/10.1103/PhysRevResearch.6.023300, there with
    optimized orbitals.

    Args:
        problem: a molecule or a model of electrons in at least two orbitals.
        layers: number of layers L, at least 1.
        perfect_pairing: whether bonding and antibonding orbitals are neighbours.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if `layers` is below 1, or the problem has fewer than two orbitals or nothing to move.
    """
    layers = counting_number("layers", layers)
    n_orbitals = _movable_orbitals(problem)
    places = _perfect_pairs(problem) if perfect_pairing else list(range(n_orbitals))
    blocks = brick(n_orbitals)
    check_operations("layers", layers, 3 * len(blocks))
    builder = ProgramBuilder(problem.n_qubits, 3 * layers * len(blocks), problem.reference_bits)
    for index, (low, high) in enumerate(blocks * layers):
        p, q = places[high], places[low]
        _rotate(builder, p, q, 3 * index, 2.0)  # the gates halve their angles
        _exchange_pairs(builder, p, q, 3 * index + 1, 2.0)
        _rotate(builder, p, q, 3 * index + 2, 2.0)
    return Ansatz(
        name=name or f"{'pp-' if perfect_pairing else ''}tups x{layers}",
        family="constrained",
        program=builder.build(),
        settings={"layers": layers, "perfect_pairing": perfect_pairing},
        start="uniform",
        symmetries=("particle_number", "sz", "s2"),
        citations=("burton2024",),
    )


@checked("layers")
def givens_fabric(problem: HasOrbitals, *, layers: int = 2, name: str | None = None) -> Ansatz:
    r"""Make a fabric of Givens rotations: one single of each spin and a pair double on neighbouring orbitals.

    $$ |\psi(\theta)\rangle = \prod_{l=L-1}^{0} \prod_{(p,q)} G_{pq}(\theta_{l,pq}) |\text{HF}\rangle, \qquad
       G_{pq} = e^{\frac{\theta_3}{2} (P_q^\dagger P_p - P_p^\dagger P_q)} \prod_{\sigma = \beta, \alpha}
       e^{\frac{\theta_\sigma}{2} (a_{q\sigma}^\dagger a_{p\sigma} - a_{p\sigma}^\dagger a_{q\sigma})} $$

    with \(q = p + 1\) and \(P_q = a_{q\beta} a_{q\alpha}\). A layer acts on orbitals (0,1), (2,3), ... first, then on
    (1,2), (3,4), ... Every gate is a Givens rotation, in the plane of two occupations of two or of four neighbouring
    modes. Singles alone rotate the orbitals of each spin and leave a Slater determinant; the doubles, PennyLane's
    `DoubleExcitation` on wires (2q, 2q+1, 2p, 2p+1), go beyond. The numbers of both spins are conserved, the total
    spin is not. \(\theta = 0\) is the reference determinant; the start is uniform, as in `gate_fabric`.

    Parameter layout: layer by layer, within a layer block by block as above, within a block
    \((\theta_\alpha, \theta_\beta, \theta_3)\), radians; \(3 L (M - 1)\) parameters for M orbitals.

    The gates are those of Arrazola et al., Quantum 6, 742 (2022), https://doi.org/10.22331/q-2022-06-20-742, with the
    Jordan-Wigner sign of the singles; their arrangement in a brick wall is qvar's.

    Args:
        problem: a molecule or a model of electrons in at least two orbitals.
        layers: number of layers L, at least 1.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if `layers` is below 1, or the problem has fewer than two orbitals or nothing to move.
    """
    layers = counting_number("layers", layers)
    blocks = brick(_movable_orbitals(problem))
    check_operations("layers", layers, 3 * len(blocks))
    builder = ProgramBuilder(problem.n_qubits, 3 * layers * len(blocks), problem.reference_bits)
    for index, (p, q) in enumerate(blocks * layers):
        for spin in (0, 1):
            builder.add("FermionicSingleExcitation", (2 * q + spin, 2 * p + spin), {3 * index + spin: 1.0})
        _exchange_pairs(builder, q, p, 3 * index + 2, 1.0)
    return Ansatz(
        name=name or f"givens fabric x{layers}",
        family="constrained",
        program=builder.build(),
        settings={"layers": layers},
        start="uniform",
        symmetries=("particle_number", "sz"),
        citations=("arrazola2022",),
    )


def brick(n: int) -> list[tuple[int, int]]:
    """Pair neighbours among n places as a layer of a brick wall does: (0,1), (2,3), ..., then (1,2), (3,4), ..."""
    return [(place, place + 1) for first in (0, 1) for place in range(first, n - 1, 2)]


def require_movable(problem: Any) -> None:
    """Raise `QvarError` if the reference has no ones or no zeros: circuits that conserve them then do nothing."""
    if len(set(problem.reference_bits)) < 2:
        raise QvarError(
            "`problem` must have both ones and zeros in its reference state, which a circuit that conserves their "
            f"number could move, but has {sum(problem.reference_bits)} ones on {problem.n_qubits} qubits."
        )


def _movable_orbitals(problem: Any) -> int:
    if problem.n_orbitals < 2:
        raise QvarError(
            f"`problem` must have electrons in at least two orbitals, but has {problem.n_orbitals} orbitals."
        )
    require_movable(problem)
    return problem.n_orbitals


def _rotate(builder: ProgramBuilder, p: int, q: int, param: int | None, scale: float) -> None:
    """Add exp(angle/2 (E_pq - E_qp)) with angle = scale * theta[param], or scale itself; both spins turn alike."""
    for spin in (0, 1):
        wires = (2 * p + spin, 2 * q + spin)
        if param is None:
            builder.add("FermionicSingleExcitation", wires, offset=scale)
        else:
            builder.add("FermionicSingleExcitation", wires, {param: scale})


def _exchange_pairs(builder: ProgramBuilder, p: int, q: int, param: int, scale: float) -> None:
    """Add exp(scale theta[param]/2 (P_p^+ P_q - h.c.)); the Jordan-Wigner strings of a pair cancel for any p and q."""
    builder.add("DoubleExcitation", (2 * p, 2 * p + 1, 2 * q, 2 * q + 1), {param: scale})


def _perfect_pairs(problem: HasOrbitals) -> list[int]:
    """Return the orbitals in the order of places; see `tups`."""
    alpha, beta = set(problem.occupied_alpha), set(problem.occupied_beta)
    full = [p for p in range(problem.n_orbitals) if p in alpha and p in beta]
    empty = [p for p in range(problem.n_orbitals) if p not in alpha and p not in beta]
    pairs = list(zip(reversed(full), empty, strict=False))
    paired = [orbital for pair in reversed(pairs) for orbital in pair]
    return paired + [p for p in range(problem.n_orbitals) if p not in paired]
