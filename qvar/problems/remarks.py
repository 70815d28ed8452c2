"""Remarks: what a reader of a problem's energies must know, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qvar.errors import QvarError
from qvar.problems.sectors import SAME, ones_in_lowest
from qvar.problems.stability import UNSTABLE, Stability
from qvar.units import shown_energy

if TYPE_CHECKING:
    from qvar.problems.problem import Problem

_SMALL_REGISTER = 12
"""Qubits up to which the lowest state of a mapped problem is found without being asked for."""

_CONSERVE_ONES = ("xxz", "heisenberg")
"""Spin models that conserve the number of ones."""

_MULTIPLETS = ("singlet", "doublet", "triplet", "quartet", "quintet", "sextet", "septet")


def remarks(problem: Problem, exact_is_known: bool) -> tuple[str, ...]:
    """Return sentences on a problem; see `Problem.remarks`.

    Args:
        problem: which one.
        exact_is_known: whether its exact state was found, so that its spin is at hand.
    """
    found = list(problem.notes)
    if problem.stability is not None:
        found += _of_stability(problem.stability, problem.unit)
    if exact_is_known and problem.integrals is not None:
        found += [*_of_spin(problem), *_of_symmetry(problem)]
    if exact_is_known and problem.description.get("model") in _CONSERVE_ONES:
        found += _of_ones(problem)
    if problem.decoding is not None:
        found += _of_register(problem)
    return tuple(dict.fromkeys(found))


def multiplet(spin: int) -> str:
    """Return the name of states with `spin` unpaired electrons: singlet, doublet, ..."""
    return _MULTIPLETS[spin] if spin < len(_MULTIPLETS) else f"multiplet of {spin + 1} states"


def _of_stability(stability: Stability, unit: str) -> list[str]:
    found = []
    if stability.lowered > 0:
        found.append(
            f"The Hartree-Fock reference was followed from a saddle {shown_energy(stability.lowered, unit)} above it; "
            "its orbitals may have less symmetry than the molecule."
        )
    if stability.is_saddle:
        found.append(
            f"The Hartree-Fock reference is a saddle, not a minimum: a rotation of its orbitals has the second "
            f"derivative {stability.internal:.4f} Ha. `stable=True` follows it down."
        )
    elif stability.internal is not None and abs(stability.internal) < -UNSTABLE:
        found.append(
            "The Hartree-Fock reference is one of many: a rotation of its orbitals does not change its energy."
        )
    if stability.breaks_spin:
        found.append(
            "An unrestricted determinant lies below the closed-shell reference (second derivative "
            f"{stability.external:.4f} Ha)."
        )
    return found


def _of_spin(problem: Problem) -> list[str]:
    """Whether the exact state has the reference's spin, if the reference has one."""
    up, down = set(problem.occupied_alpha), set(problem.occupied_beta)
    if not (up <= down or down <= up):
        return []
    spin, s2 = abs(len(up) - len(down)), problem._exact_state.s2
    if s2 is None or abs(s2 - 0.25 * spin * (spin + 2)) < 1e-4:
        return []
    lowest = problem.exact_energy(spin)
    gap = lowest - problem.exact_energy()
    if gap <= SAME:  # states of several spins are lowest, that of the reference among them
        return []
    length = (1 + 4 * s2) ** 0.5 - 1
    name = f"a {multiplet(round(length))}" if abs(length - round(length)) < 1e-3 else "a mixture of several spins"
    return [
        f"The exact state is {name} (S^2 = {s2:.2f}), but the reference is a {multiplet(spin)}: the lowest "
        f"{multiplet(spin)}, `exact_energy(spin={spin})`, lies {shown_energy(gap, problem.unit)} above it."
    ]


def _of_symmetry(problem: Problem) -> list[str]:
    """Whether the exact state has the reference's spatial symmetry."""
    if problem._exact_state.alike > 1e-6:
        return []
    return [
        "The exact state has another spatial symmetry than the reference determinant: an ansatz that keeps the "
        "reference's symmetry cannot reach it."
    ]


def _of_ones(problem: Problem) -> list[str]:
    """Whether the exact state of spins has the reference's magnetization."""
    if problem.n_qubits > _SMALL_REGISTER:
        return []
    own, numbers = sum(problem.reference_bits), ones_in_lowest(problem)
    if own in numbers:
        return []
    listed = " or ".join(map(str, sorted(numbers)))
    return [
        f"The exact state has {listed} ones of {problem.n_qubits}, but the reference has {own}: a circuit that "
        "conserves their number cannot reach it."
    ]


def _of_register(problem: Problem) -> list[str]:
    """Whether the qubits of a mapped problem hold lower states of other numbers of electrons."""
    if problem.n_qubits > _SMALL_REGISTER:
        return [
            "The qubits hold other numbers of electrons too, whose states may lie below the exact energy: "
            "`lowest_state()` finds them."
        ]
    try:
        lowest = problem.lowest_state()
    except QvarError:
        return []
    gap = problem.exact_energy() - lowest.energy
    if gap <= SAME:
        return []
    electrons = " or ".join(f"{up} spin-up and {down} spin-down" for up, down in lowest.electrons)
    own = _own_electrons(problem)
    return [
        f"The lowest state on the qubits has {electrons} electrons and lies {shown_energy(gap, problem.unit)} below "
        f"the exact energy, that of {own[0]} and {own[1]}: a circuit that does not conserve them may end there."
    ]


def _own_electrons(problem: Problem) -> tuple[int, int]:
    """(spin up, spin down) electrons of the reference basis state of a mapped problem."""
    assert problem.decoding is not None
    occupations = (problem.decoding[:, :-1] @ list(problem.reference_bits) + problem.decoding[:, -1]) % 2
    return int(occupations[0::2].sum()), int(occupations[1::2].sum())
