"""Hamiltonian-variational circuits: the groups of commuting terms of a lattice model, one after another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.ansatz.givens import add_orbital_rotation
from qvar.ansatz.program import Program, ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasModel
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import QvarError, shown
from qvar.lattice_graphs import standing_waves

Gate: TypeAlias = tuple[str, tuple[int, ...], float, float]
"""(kind, wires, coefficient of the group's parameter, constant angle)."""


@dataclass(frozen=True)
class _Parts:
    """Parts of the circuit of a model."""

    start: Program
    """Prepares the start from the reference bits; no parameters."""
    groups: list[list[Gate]]
    """Gates of each group of commuting terms, in the order in which they act in a layer; one parameter each."""
    symmetries: tuple[Symmetry, ...]
    citations: tuple[str, ...]


@checked("layers", own=("problem",))
def hva(problem: HasModel, *, layers: int = 2, name: str | None = None) -> Ansatz:
    r"""Make a Hamiltonian-variational ansatz: in each layer one angle for every group of commuting terms.

    $$ |\psi(\theta)\rangle = \prod_{l=L-1}^{0} \Big[ \prod_{g=G-1}^{0} e^{-i \theta_{l,g} H_g} \Big] |\psi_0\rangle $$

    The start \(|\psi_0\rangle\) is the ground state of a part of the Hamiltonian, the groups are (bonds of one colour
    share no site; angles carry the sign of the coupling, not its size, so that each has its natural period):

    - TFIM: \(|+\rangle^{\otimes n}\) (\(|-\rangle\) if h < 0); \(H_0 = -\mathrm{sgn}(J) \sum Z Z\),
      \(H_1 = -\mathrm{sgn}(h) \sum X\). Conserves the spin flip \(\prod X\).
    - XXZ: singlets \((|01\rangle - |10\rangle)/\sqrt2\) on the bonds of the largest colour (the first among equals),
      triplets \((|01\rangle + |10\rangle)/\sqrt2\) if J < 0; spins that it leaves over are paired along other bonds;
      of an odd number of spins, one keeps its reference bit. For each colour first
      \(\mathrm{sgn}(J) \sum (X X + Y Y)\), then \(\mathrm{sgn}(J \Delta) \sum Z Z\); the colour of the start comes last
      in the layer, because it would do nothing to the start. Conserves the number of ones, and the spin flip if the
      number of spins is even.
    - Heisenberg: the same with one group \(\mathrm{sgn}(J) \sum (X X + Y Y + Z Z)\) per colour, so that the total spin
      is conserved, too: 0 or 1/2 for J > 0. For J < 0 and n > 2 the start is no eigenstate of it, and the ground
      state, all spins parallel, is out of reach.
    - Hubbard: the ground determinant of the hopping matrix in the reference's numbers of electrons, by Givens
      rotations (orbitals of one energy as in `qvar.lattice_graphs.standing_waves`);
      \(H_0 = \mathrm{sgn}(U) \sum n_\uparrow n_\downarrow\), then for each colour
      \(-\mathrm{sgn}(t) \sum_\sigma (a_p^\dagger a_q + a_q^\dagger a_p)\). Conserves the numbers of electrons of both
      spins and the total spin.

    Chains have two colours (fewer if they are short), rectangles four (along rows, then along columns; even bonds, then
    odd), and each direction that closes into rings of odd length one more, for the bonds that close them.

    Parameter layout: layer by layer, group by group in the order in which they act. With c colours 2L parameters for
    TFIM, 2cL for XXZ, cL for Heisenberg, (1 + c)L for Hubbard.

    Wecker, Hastings, Troyer, Phys. Rev. A 92, 042303 (2015), https://doi.org/10.1103/PhysRevA.92.042303; for spins Ho,
    Hsieh, SciPost Phys. 6, 029 (2019), https://doi.org/10.21468/SciPostPhys.6.3.029, and Wiersema et al., PRX
    Quantum 1, 020319 (2020), https://doi.org/10.1103/PRXQuantum.1.020319; for Hubbard Cade et al., Phys. Rev. B 102,
    235122 (2020), https://doi.org/10.1103/PhysRevB.102.235122.

    Args:
        problem: made by `qvar.tfim`, `qvar.xxz`, `qvar.heisenberg` or `qvar.hubbard` (in site orbitals).
        layers: number L of layers, at least 1.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if the problem is none of these models, or `layers` is no integer of at least 1.
    """
    layers = counting_number("layers", layers)
    description = problem.description if isinstance(problem, HasModel) else {}
    model = description.get("model") if "bonds" in description else None
    if model == "tfim":
        parts = _tfim(problem)
    elif model in ("xxz", "heisenberg"):
        parts = _exchange(problem)
    elif model == "hubbard":
        parts = _hubbard(problem)
    else:
        raise QvarError(
            "`problem` must be a lattice model out of tfim, xxz, heisenberg and hubbard, "
            f"but is {shown(getattr(problem, 'name', problem))}."
        )
    check_operations("layers", layers, sum(map(len, parts.groups)))
    builder = ProgramBuilder(problem.n_qubits, layers * len(parts.groups), problem.reference_bits)
    builder.extend(parts.start)
    for param in range(builder.n_params):
        for kind, wires, scale, constant in parts.groups[param % len(parts.groups)]:
            builder.add(kind, wires, {param: scale} if scale else {}, offset=constant)
    return Ansatz(
        name=name or f"hva x{layers}",
        family="constrained",
        program=builder.build(),
        settings={"layers": layers},
        symmetries=parts.symmetries,
        citations=parts.citations,
    )


def _sign(coupling: float) -> float:
    return -1.0 if coupling < 0 else 1.0


def _tfim(problem: HasModel) -> _Parts:
    model, wires = problem.description, range(problem.n_qubits)
    start = ProgramBuilder(problem.n_qubits, 0)
    for wire in wires:
        start.add("Hadamard", (wire,))
        if model["h"] < 0:
            start.add("PauliZ", (wire,))
    coupling: list[Gate] = [
        ("IsingZZ", (p, q), -2.0 * _sign(model["j"]), 0.0) for colour in model["bonds"] for p, q in colour
    ]
    field: list[Gate] = [("RX", (wire,), -2.0 * _sign(model["h"]), 0.0) for wire in wires]
    return _Parts(start.build(), [coupling, field], ("spin_flip",), ("wecker2015", "ho2019", "wiersema2020"))


def _exchange(problem: HasModel) -> _Parts:
    model, bits = problem.description, problem.reference_bits
    sign = _sign(model["j"])
    largest = max(model["bonds"], key=len)
    colours = [*(colour for colour in model["bonds"] if colour is not largest), largest]
    start = ProgramBuilder(problem.n_qubits, 0)
    alone = set(range(problem.n_qubits))
    for p, q in (bond for colour in reversed(colours) for bond in colour):
        if {p, q} <= alone and bits[p] != bits[q]:
            alone -= {p, q}
            # the gate takes |01> towards |10>, but |10> towards -|01>
            start.add("SingleExcitation", (p, q), offset=sign * math.pi / 2 * (1 if bits[p] else -1))
    groups: list[list[Gate]] = []
    for colour in colours:
        flips: list[Gate] = [("IsingXY", (p, q), -4.0 * sign, 0.0) for p, q in colour]
        along = _sign(model["j"] * model.get("delta", 1.0))
        phases: list[Gate] = [("IsingZZ", (p, q), 2.0 * along, 0.0) for p, q in colour]
        groups += [flips + phases] if model["model"] == "heisenberg" else [flips, phases]
    symmetries: tuple[Symmetry, ...] = ("particle_number",) if alone else ("particle_number", "spin_flip")
    return _Parts(start.build(), groups, symmetries, ("wecker2015", "ho2019", "wiersema2020"))


def _hubbard(problem: HasModel) -> _Parts:
    model, bits = problem.description, problem.reference_bits
    if model["orbitals"] != "site":
        raise QvarError(f"`problem` must be a Hubbard model in 'site' orbitals, but is in {model['orbitals']!r}.")
    sites = range(problem.n_qubits // 2)
    repulsion: list[Gate] = [("ControlledPhaseShift", (2 * p, 2 * p + 1), -_sign(model["u"]), 0.0) for p in sites]
    groups = [repulsion]
    for colour in model["bonds"]:
        wires = [(2 * p + spin, 2 * q + spin) for p, q in colour for spin in (0, 1)]
        groups.append([gate for p, q in wires for gate in _hop(p, q, -_sign(model["t"]))])
    start = _ground_determinant(model, bits)
    return _Parts(start, groups, ("particle_number", "sz", "s2"), ("wecker2015", "cade2020"))


def _hop(p: int, q: int, scale: float) -> list[Gate]:
    """Add exp(-i scale theta (a+_p a_q + a+_q a_p)): phases of pi/2 make the real rotation an imaginary one."""
    return [
        ("PhaseShift", (q,), 0.0, -math.pi / 2),
        ("FermionicSingleExcitation", (p, q), 2.0 * scale, 0.0),
        ("PhaseShift", (q,), 0.0, math.pi / 2),
    ]


def _ground_determinant(model: dict[str, Any], bits: tuple[int, ...]) -> Program:
    """Rotate the sites occupied in the reference into the lowest orbitals of the hopping matrix."""
    rows, columns = model["shape"]
    _, waves = standing_waves((rows, columns), model["periodic"], model["t"])
    builder = ProgramBuilder(len(bits), 0)
    for spin in (0, 1):
        filled = np.array(bits[spin::2], dtype=bool)
        rotation = np.empty_like(waves)
        rotation[:, filled], rotation[:, ~filled] = np.split(waves, [filled.sum()], axis=1)
        add_orbital_rotation(builder, rotation, spins=(spin,))
    return builder.build()
