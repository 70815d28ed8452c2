r"""Unitary coupled cluster, factorized: one exponential of one excitation after another.

Every function here returns

$$ |\psi(\theta)\rangle = \prod_\mu e^{\phi_\mu(\theta)\,(T_\mu - T_\mu^\dagger)} |\text{HF}\rangle, \qquad
   T = a_a^\dagger a_i \ \text{or}\ a_a^\dagger a_b^\dagger a_j a_i, $$

with its own list of \(T_\mu\) in a fixed order, the first one acting first: the factors do not commute, and the order
changes the energy. Each factor is exact. \(\phi_\mu\) is one parameter, an
amplitude, unless amplitudes are tied to each other; parameters are numbered as they first act.

Two things are common to all. `excitations="qubit"` drops the Jordan-Wigner string: \(T\) then exchanges the bits
and leaves their signs alone, which saves CNOTs; \(\phi\) keeps the sign that \(T\) has if all other modes are as in
the reference, so that it is the amplitude there (Xia and Kais, Quantum Sci. Technol. 6, 015001 (2021),
https://doi.org/10.1088/2058-9565/abbc74; Yordanov et al., Phys. Rev. A 102, 062612 (2020),
https://doi.org/10.1103/PhysRevA.102.062612). Beside the starts of every ansatz there are `"mp2"` and `"ccsd"`, the
amplitudes of perturbation theory and of coupled cluster, 0 for an excitation that has none (Romero et al., Quantum Sci.
Technol. 4, 014008 (2018), https://doi.org/10.1088/2058-9565/aad3e4).
"""

from __future__ import annotations

from itertools import combinations, permutations, product
from typing import Literal

from qvar.ansatz import excitations as ex
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.program import check_operations
from qvar.ansatz.protocols import HasOrbitals
from qvar.ansatz.ucc_factors import ExcitationKind, Factor, assemble, free, order_words, singlet, spin_flip_tied, title
from qvar.ansatz.ucc_orders import (
    DoublesOrder,
    GeneralOrder,
    Order,
    Prune,
    arranged,
    by_mp2,
    check_closed_shell,
    pruned,
)
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import QvarError


@checked()
def uccsd(
    problem: HasOrbitals,
    *,
    order: Order = "singles_first",
    excitations: ExcitationKind = "fermionic",
    spin_adapted: bool = False,
    prune: Prune | None = None,
    name: str | None = None,
) -> Ansatz:
    r"""Make unitary coupled cluster with singles and doubles, factorized.

    One parameter per spin-conserving excitation from occupied i, j to empty a, b. The canonical order,
    `"singles_first"`: singles (for i, for a: alpha, then beta); same-spin doubles (for i<j, for a<b: alpha, then beta);
    opposite-spin doubles (for alpha i, a; for beta j, b). With o occupied and v empty orbitals in a closed shell,
    \(2ov + 2\binom{o}{2}\binom{v}{2} + (ov)^2\) parameters. Other orders:

    - `"doubles_first"`: the same doubles before the same singles.
    - `"mp2"`: all by falling size of the MP2 amplitude, equal ones in canonical order; those without an amplitude,
      as all singles in canonical orbitals, come last.
    - `"qiskit"`: singles (alpha for i, for a, then beta), then doubles as pairs of those singles, in the order of the
      first and then of the second. Qiskit Nature's own parameter of a single is \(-\theta\).
    - `"pennylane"`: doubles, then singles, each in ascending order of the occupied and then of the empty modes, spins
      interleaved, as `qml.qchem.excitations` lists them for `qml.UCCSD`. Its weights hold the singles first and are
      \(\pm 2\theta\).
    - `"tencirchem"`, closed shells only: canonical singles, then doubles by falling size of the MP2 amplitude, those
      below 1e-8 left out; alpha and beta are tied: an excitation and the one with all spins flipped share their
      parameter (H4: 11, H6: 39). The paper does not say how the doubles are sorted: this order gives its printed errors
      of H4, H6 and H10, but 0.74 mHa for H8, where it prints 0.72.

    `spin_adapted=True`, closed shells only, ties the amplitudes to a singlet. With \(T = \sum \theta_{ia} E_{ai} +
    \tfrac12 \sum \theta_{ia,jb} E_{ai} E_{bj}\), where \(E_{ai} = a_{a\alpha}^\dagger a_{i\alpha} + a_{a\beta}^\dagger
    a_{i\beta}\) and \(\theta_{ia,jb} = \theta_{jb,ia}\), singles of both spins have \(\phi = \theta_{ia}\),
    opposite-spin doubles \(\phi = \theta_{ia,jb}\), and same-spin ones \(\phi = \theta_{ia,jb} - \theta_{ib,ja}\): \(ov
    + ov(ov+1)/2\) parameters. The factors of one parameter do not commute and are not adjacent, so that the total spin
    is conserved to first order in \(\theta\) only.

    Bartlett, Kucharski, Noga, Chem. Phys. Lett. 155, 133 (1989), https://doi.org/10.1016/S0009-2614(89)87372-5;
    Peruzzo et al., Nat. Commun. 5, 4213 (2014), https://doi.org/10.1038/ncomms5213; on the order of factors:
    Grimsley et al., J. Chem. Theory Comput. 16, 1 (2020), https://doi.org/10.1021/acs.jctc.9b01083; on pruning by
    symmetry: Cao et al., Phys. Rev. A 105, 062452 (2022), https://doi.org/10.1103/PhysRevA.105.062452; TenCirChem:
    Li et al., J. Chem. Theory Comput. 19, 3966 (2023), https://doi.org/10.1021/acs.jctc.3c00319.

    Args:
        problem: a molecule, or electrons on a lattice.
        order: `"singles_first"`, `"doubles_first"`, `"mp2"`, `"tencirchem"`, `"qiskit"` or `"pennylane"`.
        excitations: `"fermionic"`, or `"qubit"` without Jordan-Wigner strings.
        spin_adapted: whether amplitudes are tied to a singlet.
        prune: `"symmetry"` leaves out the excitations that the point group forbids; `"mp2"` also the doubles whose MP2
            amplitude is below 1e-8 (singles, which have none in canonical orbitals, stay unless symmetry forbids them).
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if the problem has no electrons or no empty orbitals, an argument is unknown, or the shell is open
            where it must be closed.
    """
    if order == "tencirchem":
        check_closed_shell(problem, "the order 'tencirchem'")
        if spin_adapted:
            raise QvarError(
                "`spin_adapted` must be False for the order 'tencirchem', which ties amplitudes its own way."
            )
    chosen = pruned(problem, prune, [*ex.singles(problem), *ex.doubles(problem)], spin_adapted)
    sequence = arranged(problem, order, [e for e in chosen if len(e[0]) == 1], [e for e in chosen if len(e[0]) == 2])
    tied = spin_flip_tied if order == "tencirchem" else free
    factors = singlet(problem, sequence) if spin_adapted else tied(sequence)
    return assemble(
        problem,
        factors,
        name or title("uccsd", excitations, order_words(order), spin_adapted, prune),
        {"order": order, "excitations": excitations, "spin_adapted": spin_adapted, "prune": prune},
        ("bartlett1989", "peruzzo2014", "grimsley2020", *(("li2023",) if order == "tencirchem" else ())),
    )


@checked()
def uccd(
    problem: HasOrbitals,
    *,
    order: DoublesOrder = "canonical",
    excitations: ExcitationKind = "fermionic",
    spin_adapted: bool = False,
    prune: Prune | None = None,
    name: str | None = None,
) -> Ansatz:
    r"""Make unitary coupled cluster with doubles only, factorized.

    The doubles of `uccsd` in their canonical order, or by falling size of the MP2 amplitude:
    \(2\binom{o}{2}\binom{v}{2} + (ov)^2\) parameters with o occupied and v empty orbitals in a closed shell,
    \(ov(ov+1)/2\) if spin-adapted. Orbitals do not relax; see `uccsd` for tying, pruning and papers.

    Args:
        problem: a molecule, or electrons on a lattice.
        order: `"canonical"` or `"mp2"`.
        excitations: `"fermionic"`, or `"qubit"` without Jordan-Wigner strings.
        spin_adapted: whether amplitudes are tied to a singlet.
        prune: `"symmetry"` or `"mp2"`, see `uccsd`.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if there is nothing to excite, an argument is unknown, or a spin-adapted shell is open.
    """
    sequence = pruned(problem, prune, ex.doubles(problem), spin_adapted)
    if order == "mp2":
        sequence = by_mp2(problem, sequence)
    return assemble(
        problem,
        singlet(problem, sequence) if spin_adapted else free(sequence),
        name or title("uccd", excitations, order_words(order), spin_adapted, prune),
        {"order": order, "excitations": excitations, "spin_adapted": spin_adapted, "prune": prune},
        ("bartlett1989", "peruzzo2014"),
    )


@checked()
def uccgsd(
    problem: HasOrbitals,
    *,
    order: GeneralOrder = "singles_first",
    excitations: ExcitationKind = "fermionic",
    prune: Literal["symmetry"] | None = None,
    name: str | None = None,
) -> Ansatz:
    r"""Make unitary coupled cluster with generalized singles and doubles, factorized.

    Excitations between any orbitals, occupied or not, that conserve both spins, each together with its adjoint
    once. The canonical order: singles (for p<q, p to q: alpha, then beta); same-spin doubles (for p<q<r<s, the ways
    pq to rs, pr to qs, qr to ps: alpha, then beta); opposite-spin doubles (for alpha p<q, p to q; for beta r, s in
    either direction). Of M orbitals, \(M(M-1) + 6\binom{M}{4} + M^2(M-1)^2/2\) parameters. Doubles that leave
    one mode as it is, which would be singles under a condition, are not among them.

    Lee et al., J. Chem. Theory Comput. 15, 311 (2019), https://doi.org/10.1021/acs.jctc.8b01004.

    Args:
        problem: a molecule, or electrons on a lattice.
        order: `"singles_first"`, `"doubles_first"`, or `"mp2"` as for `uccsd`.
        excitations: `"fermionic"`, or `"qubit"` without Jordan-Wigner strings.
        prune: `"symmetry"` leaves out the excitations that the point group forbids.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if there are fewer than two orbitals, or an argument is unknown.
    """
    singles = pruned(problem, prune, ex.generalized_singles(problem.n_orbitals))
    doubles = pruned(problem, prune, ex.generalized_doubles(problem.n_orbitals))
    return assemble(
        problem,
        free(arranged(problem, order, singles, doubles)),
        name or title("uccgsd", excitations, order_words(order), False, prune),
        {"order": order, "excitations": excitations, "prune": prune},
        ("lee2019",),
    )


@checked("layers")
def kupccgsd(
    problem: HasOrbitals,
    *,
    layers: int = 2,
    redundant: bool = False,
    excitations: ExcitationKind = "fermionic",
    spin_adapted: bool = False,
    prune: Literal["symmetry"] | None = None,
    name: str | None = None,
) -> Ansatz:
    r"""Make k-UpCCGSD: k copies of generalized pair doubles and singles.

    A copy holds pair doubles \(a_{q\alpha}^\dagger a_{q\beta}^\dagger a_{p\beta} a_{p\alpha}\) for p<q, then singles
    (for p<q, p to q: alpha, then beta), over all M orbitals: \(3M(M-1)/2\) parameters each, copy after copy. A further
    copy at zero leaves the state as it is; the starts `"mp2"` and `"ccsd"` put the amplitudes in the first copy.

    `redundant=True` counts p to q and q to p separately, as `qml.kUpCCGSD` does: \(3M(M-1)\) parameters per copy, pair
    doubles for p, for q, then singles for each mode, to each other of its spin; PennyLane's weights hold the
    singles of a copy first and are \(\pm 2\theta\). The two of a pair are not adjacent: the family is larger.

    `spin_adapted=True`, closed shells only, ties singles of both spins: \(M(M-1)\) parameters per copy. The pair of
    them is the exponential of \(E_{qp} - E_{pq}\), and pair doubles are singlet operators, so the fermionic form
    conserves the total spin exactly.

    Lee et al., J. Chem. Theory Comput. 15, 311 (2019), https://doi.org/10.1021/acs.jctc.8b01004.

    Args:
        problem: a molecule, or electrons on a lattice.
        layers: number k of copies, at least 1.
        redundant: whether both directions are counted.
        excitations: `"fermionic"`, or `"qubit"` without Jordan-Wigner strings.
        spin_adapted: whether singles of both spins share their amplitude.
        prune: `"symmetry"` leaves out the singles that the point group forbids; pair doubles it always allows.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if there are fewer than two orbitals, an argument is out of its range, or a spin-adapted shell is
            open.
    """
    layers = counting_number("layers", layers)
    orbitals = range(problem.n_orbitals)
    if redundant:
        pairs = list(permutations(orbitals, 2))
        singles = [ex.single(p, q, spin) for p, spin in product(orbitals, (0, 1)) for q in orbitals if q != p]
    else:
        pairs = list(combinations(orbitals, 2))
        singles = ex.generalized_singles(problem.n_orbitals)
    one = pruned(problem, prune, [*ex.pair_doubles(pairs), *singles])
    once = singlet(problem, one) if spin_adapted else free(one)
    check_operations("layers", layers, len(once))
    return assemble(
        problem,
        [Factor(e, tuple(((copy, label), c) for label, c in angle)) for copy in range(layers) for e, angle in once],
        name or title(f"{layers}-upccgsd", excitations, ["redundant"] if redundant else [], spin_adapted, prune),
        {
            "layers": layers,
            "redundant": redundant,
            "excitations": excitations,
            "spin_adapted": spin_adapted,
            "prune": prune,
        },
        ("lee2019",),
        ("s2",) if spin_adapted and excitations == "fermionic" else (),
    )


@checked()
def puccd(problem: HasOrbitals, *, excitations: ExcitationKind = "fermionic", name: str | None = None) -> Ansatz:
    r"""Make pair unitary coupled cluster doubles: electrons move two by two, from one orbital to another.

    \(a_{a\alpha}^\dagger a_{a\beta}^\dagger a_{i\beta} a_{i\alpha}\) for occupied i, for empty a: \(ov\) parameters.
    The state stays in the space without unpaired electrons (seniority zero), a singlet at every \(\theta\); fermionic
    and qubit excitations do the same there, at different numbers of gates. The full register is kept, two qubits per
    orbital.

    Elfving et al., Phys. Rev. A 103, 032605 (2021), https://doi.org/10.1103/PhysRevA.103.032605.

    Args:
        problem: a closed-shell molecule, or electrons on a lattice.
        excitations: `"fermionic"`, or `"qubit"` without Jordan-Wigner strings.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if the shell is open, there is nothing to excite, or an argument is unknown.
    """
    check_closed_shell(problem, "pair excitations")
    occupied, empty = ex.spaces(problem)[0]
    return assemble(
        problem,
        free(ex.pair_doubles(product(occupied, empty))),
        name or title("puccd", excitations, [], False, None),
        {"excitations": excitations},
        ("elfving2021",),
        ("s2",),
    )
