"""Remarks: sentences on a problem's energies for its readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qvar._types import IntArray
from qvar.errors import QvarError
from qvar.problems.exact_energy import GroundState
from qvar.problems.hamiltonians import PauliTerms
from qvar.problems.sectors import SAME, LowestState, occupations_of, ones_in_lowest
from qvar.problems.stability import UNSTABLE, Stability
from qvar.units import shown_energy

_SMALL_REGISTER = 12
"""Largest number of qubits of a mapped problem whose lowest state is computed for a remark."""

CONSERVE_ONES = ("xxz", "heisenberg")
"""Spin models that conserve the number of ones."""

_MULTIPLETS = ("singlet", "doublet", "triplet", "quartet", "quintet", "sextet", "septet")


def multiplet(spin: int) -> str:
    """Return the name of states with `spin` unpaired electrons: singlet, doublet, ..."""
    return _MULTIPLETS[spin] if spin < len(_MULTIPLETS) else f"multiplet of {spin + 1} states"


def of_stability(stability: Stability, unit: str) -> list[str]:
    """Say if the Hartree-Fock reference is a saddle, was followed from one, is degenerate or breaks spin symmetry."""
    sentences = []
    if stability.lowered > 0:
        sentences.append(
            f"The Hartree-Fock reference was followed from a saddle {shown_energy(stability.lowered, unit)} above it; "
            "its orbitals may have less symmetry than the molecule."
        )
    if stability.is_saddle:
        sentences.append(
            f"The Hartree-Fock reference is a saddle, not a minimum: a rotation of its orbitals has the second "
            f"derivative {stability.internal:.4f} Ha. `stable=True` of `qvar.molecule` follows one down."
        )
    elif stability.internal is not None and abs(stability.internal) < -UNSTABLE:
        sentences.append(
            "The Hartree-Fock reference is one of many: a rotation of its orbitals does not change its energy."
        )
    if stability.breaks_spin:
        sentences.append(
            "An unrestricted determinant lies below the closed-shell reference (second derivative "
            f"{stability.external:.4f} Ha)."
        )
    return sentences


def of_spin(
    state: GroundState, alpha: Sequence[int], beta: Sequence[int], energy_of_spin: Callable[[int], float], unit: str
) -> list[str]:
    """Say if the exact state has another spin than the reference, if that has one."""
    up, down = set(alpha), set(beta)
    if not (up <= down or down <= up):
        return []
    spin, s2 = abs(len(up) - len(down)), state.s2
    if s2 is None or abs(s2 - 0.25 * spin * (spin + 2)) < 1e-4:
        return []
    gap = energy_of_spin(spin) - state.energy
    if gap <= SAME:  # states of several spins are lowest, that of the reference among them
        return []
    length = (1 + 4 * s2) ** 0.5 - 1
    name = f"a {multiplet(round(length))}" if abs(length - round(length)) < 1e-3 else "a mixture of several spins"
    return [
        f"The exact state is {name} (S^2 = {s2:.2f}), but the reference is a {multiplet(spin)}: the lowest "
        f"{multiplet(spin)}, `exact_energy(spin={spin})`, lies {shown_energy(gap, unit)} above it."
    ]


def of_symmetry(state: GroundState) -> list[str]:
    """Say if the exact state has another spatial symmetry than the reference."""
    if state.alike > 1e-6:
        return []
    return [
        "The exact state has another spatial symmetry than the reference determinant: an ansatz that keeps the "
        "reference's symmetry cannot reach it."
    ]


def of_tapering(gap: float, unit: str) -> str:
    """Say that the exact state lies `gap` below the lowest state on tapered qubits."""
    return (
        "The exact state has another spatial symmetry than the reference determinant, and is not on the tapered "
        f"qubits: it lies {shown_energy(gap, unit)} below the lowest that is."
    )


def of_ones(terms: PauliTerms, bits: Sequence[int]) -> list[str]:
    """Say if the exact state of spins has another magnetization than the reference."""
    if len(bits) > _SMALL_REGISTER:
        return []
    own, numbers = sum(bits), ones_in_lowest(terms)
    if own in numbers:
        return []
    listed = " or ".join(map(str, sorted(numbers)))
    return [
        f"The exact state has {listed} ones of {len(bits)}, but the reference has {own}: a circuit that "
        "conserves their number cannot reach it."
    ]


def of_register(
    bits: Sequence[int],
    decoding: IntArray,
    exact_energy: Callable[[], float],
    lowest_state: Callable[[], LowestState],
    unit: str,
) -> list[str]:
    """Say if the qubits of a mapped problem hold lower states of other numbers of electrons."""
    if len(bits) > _SMALL_REGISTER:
        return [
            "The qubits hold other numbers of electrons too, whose states may lie below the exact energy: "
            "`lowest_state()` finds them."
        ]
    try:
        lowest = lowest_state()
    except QvarError:
        return []
    gap = exact_energy() - lowest.energy
    if gap <= SAME:
        return []
    electrons = " or ".join(f"{up} spin-up and {down} spin-down" for up, down in lowest.electrons)
    occupations = occupations_of(np.array(bits), decoding)
    return [
        f"The lowest state on the qubits has {electrons} electrons and lies "
        f"{shown_energy(gap, unit)} below the exact energy, that of {occupations[0::2].sum()} and "
        f"{occupations[1::2].sum()}: a circuit that does not conserve them may end there."
    ]
