"""The factors of a unitary coupled cluster, their amplitudes free or tied, and the ansatz made of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import numpy as np

from qvar._types import AmplitudeMethod, Excitation, FloatArray
from qvar.ansatz import excitations as ex
from qvar.ansatz.ansatz import Ansatz, Symmetry
from qvar.ansatz.gates import fermionic_sign
from qvar.ansatz.program import ProgramBuilder
from qvar.ansatz.protocols import HasOrbitals
from qvar.ansatz.ucc_orders import Prune, check_closed_shell
from qvar.errors import QvarError

ExcitationKind: TypeAlias = Literal["fermionic", "qubit"]
"""With the Jordan-Wigner string or without."""


class Factor(NamedTuple):
    """One exponential."""

    excitation: Excitation
    angle: tuple[tuple[Hashable, float], ...]
    """phi as a sum of coefficients times parameters; a parameter is named by anything hashable."""


def free(sequence: Iterable[Excitation]) -> list[Factor]:
    """Give each excitation a parameter."""
    return [Factor(e, ((e, 1.0),)) for e in sequence]


def spin_flip_tied(sequence: Iterable[Excitation]) -> list[Factor]:
    """Give an excitation and the one with up and down exchanged one parameter."""
    return [Factor(e, ((frozenset((e, ex.spin_flipped(e))), 1.0),)) for e in sequence]


def singlet(problem: HasOrbitals, sequence: Sequence[Excitation]) -> list[Factor]:
    """Tie amplitudes as `uccsd` says; a parameter whose opposite-spin double is missing is zero."""
    check_closed_shell(problem, "spin-adapted amplitudes")
    own = {e: (len(e[0]), frozenset(ex.spatial(e))) for e in sequence if not ex.is_same_spin(e)}
    factors = []
    for e in sequence:
        if e in own:
            factors.append(Factor(e, ((own[e], 1.0),)))
        else:
            direct, exchanged = ex.partners(e)
            factors.append(Factor(e, tuple((own[d], c) for d, c in ((direct, 1.0), (exchanged, -1.0)) if d in own)))
    return factors


def order_words(order: str) -> list[str]:
    """Return the words of an order in a name; none for the default order."""
    usual = {"singles_first": [], "canonical": [], "doubles_first": ["doubles first"]}
    return usual.get(order, [f"{order} order"])


def title(
    family: str, excitations: ExcitationKind, words: Sequence[str], spin_adapted: bool, prune: Prune | None
) -> str:
    """Make the name of a variant from its arguments."""
    before = ["spin-adapted"] * spin_adapted + ["qubit"] * (excitations == "qubit")
    return " ".join([*before, family, *words, *([f"pruned by {prune}"] if prune else [])])


_PAPERS = {"qubit": ("xia2021", "yordanov2020"), "symmetry": ("cao2022",), "mp2": ("cao2022", "romero2018")}


def assemble(
    problem: HasOrbitals,
    factors: Sequence[Factor],
    name: str,
    settings: dict[str, Any],
    citations: tuple[str, ...],
    conserves: tuple[Symmetry, ...] = (),
) -> Ansatz:
    """Make the ansatz of these factors, the first acting first; parameters are numbered as they first appear.

    `conserves` are symmetries besides the particle number and Sz; keys of papers on qubit excitations and pruning are
    added to `citations`.

    Raises `QvarError` if there are no factors, or `excitations` is unknown.
    """
    if not factors:
        occupied = problem.occupied_alpha, problem.occupied_beta
        movable = any(0 < len(own) < problem.n_orbitals for own in occupied)  # but not two electrons, or all are pruned
        what = f"excitations of {name}" if movable else "occupied and empty orbitals to excite between"
        raise QvarError(f"`problem` must have {what}, but has none.")
    labels = dict.fromkeys(label for factor in factors for label, _ in factor.angle)
    params = {label: param for param, label in enumerate(labels)}
    qubit = settings["excitations"] == "qubit"
    builder = ProgramBuilder(problem.n_qubits, len(params), problem.reference_bits)
    for (created, annihilated), angle in factors:
        kind = f"{'' if qubit else 'Fermionic'}{'Single' if len(created) == 1 else 'Double'}Excitation"
        scale = 2.0 * (_sign(problem, created, annihilated) if qubit else 1)  # the gate halves its angle
        builder.add(kind, (*created, *annihilated), {params[label]: scale * c for label, c in angle})
    papers = (*citations, *_PAPERS.get(settings["excitations"], ()), *_PAPERS.get(settings.get("prune") or "", ()))
    return Ansatz(
        name=name,
        family="constrained",
        program=builder.build(),
        settings=settings,
        start="gaussian",
        starts={method: partial(_amplitudes, problem, factors, params, method) for method in ("mp2", "ccsd")},
        symmetries=("particle_number", "sz", *conserves),
        citations=papers,
    )


def _sign(problem: HasOrbitals, created: tuple[int, ...], annihilated: tuple[int, ...]) -> int:
    """Return the sign of T with all other modes as in the reference."""
    z, sign = fermionic_sign(created, annihilated, problem.n_qubits)
    reference = int("".join(map(str, problem.reference_bits)), 2)
    return sign * (-1) ** (reference & z).bit_count()


def _amplitudes(
    problem: HasOrbitals,
    factors: Sequence[Factor],
    params: dict[Hashable, int],
    method: AmplitudeMethod,
    key: jax.Array,  # unused: the start is not random
) -> FloatArray:
    amplitudes = problem.amplitudes(method)
    theta = np.zeros(len(params))
    spent: set[Excitation] = set()  # later copies and the other direction of a pair start at zero
    done: set[Hashable] = set()
    for e, angle in factors:
        if len(angle) == 1 and angle[0][0] not in done:
            ((label, coefficient),) = angle
            done.add(label)
            if e not in spent:
                theta[params[label]] = ex.amplitude(amplitudes, e) / coefficient
        spent |= {e, ex.adjoint(e)}
    return theta
