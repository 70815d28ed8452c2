r"""Circuits of two-qubit exchange gates that conserve the number of ones."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.fabric import brick, require_movable
from qvar.ansatz.program import ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasReference
from qvar.arguments import checked
from qvar.checks import counting_number

MAX_DEFAULT_GATES = 1024
"""Largest default number of A gates of `symmetry_preserving`."""

Pair: TypeAlias = tuple[int, int]


@checked("gates")
def symmetry_preserving(
    problem: HasReference, *, gates: int | None = None, real: bool = True, name: str | None = None
) -> Ansatz:
    r"""Make a circuit of A gates: exchange gates on neighbouring wires that conserve the number of particles.

    $$ A(\theta, \varphi) = \begin{pmatrix} 1 & 0 & 0 & 0 \\ 0 & \cos\theta & e^{i\varphi} \sin\theta & 0 \\
       0 & e^{-i\varphi} \sin\theta & -\cos\theta & 0 \\ 0 & 0 & 0 & 1 \end{pmatrix} $$

    on the states 00, 01, 10, 11 of two neighbouring wires. The circuit starts from the reference determinant of m
    particles on n wires. A pattern places one A gate on each pair of neighbours: first on all pairs that hold one
    particle and one hole, then outward from wires already reached, first to the right, then to the left, then on the
    pairs still missing. The pattern repeats, the last one cut short, until all gates are placed. A state of m
    particles has \(\binom{n}{m} - 1\) independent directions if it is real and twice as many if not, to which
    \(\binom{n}{m}\) gates bring one parameter more, or two.

    Where wires are spin orbitals, neighbours differ in spin: only the number of particles is conserved.
    \(\theta = 0\) is the reference determinant up to its sign, next to which many gates have no gradient: the start
    is uniform. Each gate is applied as the equal product \(e^{-i \varphi n_0}\, S(2\theta)\, \mathrm{CZ}\, Z_0\,
    e^{i \varphi n_0}\), the rightmost factor first, with S PennyLane's `SingleExcitation`.

    Parameter layout: gate by gate \(\theta\), radians, so that there are as many parameters as gates, with
    \(\varphi = 0\) and real states; unless `real`, \((\theta, \varphi)\) gate by gate, twice as many.

    Gard et al., npj Quantum Inf. 6, 10 (2020), https://doi.org/10.1038/s41534-019-0240-1.

    Args:
        problem: anything with qubits and a reference state that has both ones and zeros.
        gates: number of A gates, at least 1; if None, \(\binom{n}{m}\), but at most `MAX_DEFAULT_GATES`.
        real: whether all \(\varphi\) are zero, which suffices for real Hamiltonians.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if `gates` is below 1, or the reference state has no ones or no zeros.
    """
    require_movable(problem)
    bits = problem.reference_bits
    if gates is None:
        gates = min(math.comb(len(bits), sum(bits)), MAX_DEFAULT_GATES)
    gates = counting_number("gates", gates)
    each = 1 if real else 2
    check_operations("gates", gates, 1)
    builder = ProgramBuilder(problem.n_qubits, each * gates, bits)
    pattern = _pattern(bits)
    for index in range(gates):
        _exchange(builder, pattern[index % len(pattern)], each * index, None if real else each * index + 1, 1.0)
    name = name or f"symmetry preserving{'' if real else ' complex'} x{gates}"
    return _conserving(builder, name, {"gates": gates, "real": real}, "gard2020")


@checked("layers")
def particle_conserving_u1(problem: HasReference, *, layers: int = 2, name: str | None = None) -> Ansatz:
    r"""Make layers of the exchange gate U1 on neighbouring wires, PennyLane's `ParticleConservingU1`.

    $$ |\psi\rangle = \prod_{l=L-1}^{0} \prod_{(a,b)} U_1(\varphi_{l,ab}, \theta_{l,ab}) |\text{ref}\rangle, \qquad
       U_1(\varphi, \theta) = \begin{pmatrix} 1 & 0 & 0 & 0 \\ 0 & \cos\theta & e^{-i\varphi} \sin\theta & 0 \\
       0 & e^{i\varphi} \sin\theta & -\cos\theta & 0 \\ 0 & 0 & 0 & 1 \end{pmatrix} $$

    on the states 00, 01, 10, 11 of wires (a, b). A layer acts on (0,1), (2,3), ... first, then on (1,2), (3,4), ...
    Only the number of particles is conserved. This \(U_1\) is what PennyLane's circuit amounts to, and equals the gate
    \(A(\theta, -\varphi)\) of `symmetry_preserving`; it takes 3 CNOTs here. The start is uniform, as there.

    Parameter layout: layer by layer, within a layer gate by gate as above, \((\varphi, \theta)\) for each, radians;
    \(2 L (n - 1)\) parameters.

    Barkoutsos et al., Phys. Rev. A 98, 022322 (2018), https://doi.org/10.1103/PhysRevA.98.022322.

    Args:
        problem: anything with qubits and a reference state that has both ones and zeros.
        layers: number of layers L, at least 1.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if `layers` is below 1, or the reference state has no ones or no zeros.
    """
    layers = counting_number("layers", layers)
    require_movable(problem)
    pairs = brick(problem.n_qubits)
    check_operations("layers", layers, len(pairs))
    builder = ProgramBuilder(problem.n_qubits, 2 * layers * len(pairs), problem.reference_bits)
    for index, pair in enumerate(pairs * layers):
        _exchange(builder, pair, 2 * index + 1, 2 * index, -1.0)
    return _conserving(builder, name or f"particle conserving u1 x{layers}", {"layers": layers}, "barkoutsos2018")


@checked("layers")
def particle_conserving_u2(problem: HasReference, *, layers: int = 2, name: str | None = None) -> Ansatz:
    r"""Make layers of Z rotations and the exchange gate U2 on neighbours, PennyLane's `ParticleConservingU2`.

    $$ |\psi\rangle = \prod_{l=L-1}^{0} \Big[ \prod_{(a,b)} e^{-\frac{i}{2} \phi_{l,ab} (X_a X_b + Y_a Y_b)}
       \prod_q e^{-\frac{i}{2} \omega_{l,q} Z_q} \Big] |\text{ref}\rangle $$

    A layer turns every wire, then exchanges on (0,1), (2,3), ..., then on (1,2), (3,4), ... Only the number of
    particles is conserved, and \(\theta = 0\) is the reference state. Under the Jordan-Wigner mapping all these gates
    are exponentials of \(a_p^\dagger a_q\) alone: from a determinant the circuit reaches nothing but single Slater
    determinants, whose orbitals mix both spins, however many layers it has. For electrons it cannot pass below the
    generalized Hartree-Fock energy.

    Parameter layout: layer by layer, within a layer \(\omega\) wire by wire, then \(\phi\) pair by pair as above,
    radians; \(L (2 n - 1)\) parameters. Arguments, errors and paper are those of `particle_conserving_u1`.
    """
    layers = counting_number("layers", layers)
    require_movable(problem)
    n = problem.n_qubits
    check_operations("layers", layers, n)
    builder = ProgramBuilder(n, layers * (2 * n - 1), problem.reference_bits)
    for layer in range(layers):
        first = layer * (2 * n - 1)
        for wire in range(n):
            builder.add("RZ", (wire,), {first + wire: 1.0})
        for param, pair in enumerate(brick(n), start=first + n):
            builder.add("IsingXY", pair, {param: -2.0})  # exp(i angle/4 (XX + YY))
    return _conserving(builder, name or f"particle conserving u2 x{layers}", {"layers": layers}, "barkoutsos2018")


def _conserving(builder: ProgramBuilder, name: str, settings: dict[str, Any], paper: str) -> Ansatz:
    return Ansatz(
        name=name,
        family="constrained",
        program=builder.build(),
        settings=settings,
        start="uniform",
        symmetries=("particle_number",),
        citations=(paper,),
    )


def _exchange(builder: ProgramBuilder, pair: Pair, theta: int, phi: int | None, sign: float) -> None:
    """Append the gate A(theta, sign * phi) on two wires, by parameter indices; phi = 0 if None."""
    if phi is not None:
        builder.add("PhaseShift", pair[:1], {phi: sign})
    builder.add("PauliZ", pair[:1])
    builder.add("CZ", pair)
    builder.add("SingleExcitation", pair, {theta: 2.0})
    if phi is not None:
        builder.add("PhaseShift", pair[:1], {phi: -sign})


def _pattern(bits: tuple[int, ...]) -> list[Pair]:
    """List every pair of neighbours once, in the order that `symmetry_preserving` describes."""
    neighbours = [(wire, wire + 1) for wire in range(len(bits) - 1)]
    pattern = [(a, b) for a, b in neighbours if bits[a] != bits[b]]
    rightmost, leftmost = pattern[-1][1], pattern[0][0]
    pattern += [(a, b) for a, b in neighbours if a >= rightmost]
    pattern += [(a, b) for a, b in reversed(neighbours) if b <= leftmost]
    return pattern + [pair for pair in neighbours if pair not in pattern]
