"""The problems and circuits that are timed, by words that a child process understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from math import comb
from typing import Any

import numpy as np

import qvar
from qvar.problems.hamiltonians import PauliTerms

NAMED: dict[str, Callable[[], qvar.Problem]] = {
    "lih": lambda: qvar.molecule("Li 0 0 0; H 0 0 1.546", basis="sto-3g"),
    "h2o": lambda: qvar.molecule("O; H 1 0.9584; H 1 0.9584 2 104.45", basis="sto-3g"),
    "tfim14": lambda: qvar.tfim(14),
    "hubbard7": lambda: qvar.hubbard(7, n_electrons=(3, 3)),
}
"""LiH has 12 qubits; the others have 14, all electrons active."""


@cache
def problem_of(word: str) -> qvar.Problem:
    """A problem from a word.

    Args:
        word: `h8` for a chain of eight hydrogen atoms, 1.0 angstrom, STO-3G; `zz16` for the observable Z0 Z1 on 16
            qubits; a key of `NAMED`; or the path of a saved problem.
    """
    if word in NAMED:
        return NAMED[word]()
    found = re.fullmatch(r"(h|zz)(\d+)", word)
    if found is None:
        return qvar.Problem.load(word)
    kind, size = found[1], int(found[2])
    return qvar.hydrogen_chain(size, bond=1.0, basis="sto-3g") if kind == "h" else z0_z1(size)


BASES = {
    "h2": "H2, 6-31G",
    "h2o-vdz": "H2O, cc-pVDZ",
    "h2o-vtz": "H2O, cc-pVTZ",
    "ne-even": "Ne, even-tempered 18s13p",
    "ne-vqz": "Ne, cc-pVQZ",
}
"""What `basis_of` knows."""


def basis_of(word: str) -> tuple[Any, Any]:
    """A form with all its exponents and coefficients free, or even-tempered, and what it is optimized for.

    Args:
        word: a key of `BASES`.
    """
    from qvar import basis

    molecule, _, name = word.partition("-")
    geometry = {"h2": "H 0 0 0; H 0 0 0.7414", "h2o": "O; H 1 0.9584; H 1 0.9584 2 104.45", "ne": "Ne 0 0 0"}[molecule]
    target = basis.Target(geometry, theory="rhf")
    if name == "even":
        return basis.even_tempered("Ne", s=18, p=13), target
    known = {"": "6-31g", "vdz": "cc-pvdz", "vtz": "cc-pvtz", "vqz": "cc-pvqz"}[name]
    first, *others = (basis.from_set(element, known) for element in target.elements)
    return sum(others, first), target


def z0_z1(n_qubits: int) -> qvar.Problem:
    """The observable Z0 Z1; made here, so that it needs no PennyLane."""
    terms = PauliTerms(("ZZ" + "I" * (n_qubits - 2),), np.ones(1))
    about = {"model": "observable", "words": list(terms.words)}
    return qvar.Problem(
        "Z0 Z1", n_qubits, "", description=about, integrals=None, pauli=terms, occupied_alpha=(), occupied_beta=()
    )


def ansatz_of(word: str, problem: qvar.Problem, layers: int) -> Any:
    """An ansatz from its name in the catalogue; `uccsd` and `hardware_efficient` without it."""
    if word == "uccsd":
        return qvar.uccsd(problem)
    if word == "hardware_efficient":
        return qvar.hardware_efficient(problem, layers=layers)
    from qvar.ansatz.catalogue import ANSATZE

    return next(entry for entry in ANSATZE if entry.name == word).make(problem, layers)


def parameters(n: int, word: str, copies: int = 0) -> np.ndarray:
    """Parameters away from any special point, the same in every process.

    Args:
        n: how many.
        word: the ansatz; amplitudes of coupled cluster are small, angles of generic circuits are not.
        copies: rows; 0 for one vector.
    """
    random = np.random.default_rng(7)
    shape = (copies, n) if copies else (n,)
    return random.normal(scale=0.1, size=shape) if word.startswith("ucc") else random.uniform(-np.pi, np.pi, shape)


def amplitudes(problem: qvar.Problem) -> int:
    """Size of the sector of (n_alpha, n_beta) electrons, or of the register of qubits."""
    if problem.n_orbitals == 0:
        return 1 << problem.n_qubits
    return comb(problem.n_orbitals, problem.n_alpha) * comb(problem.n_orbitals, problem.n_beta)


def uccsd_traffic(problem: qvar.Problem) -> int:
    r"""Numbers that an energy and gradient of UCCSD reads and writes, one factor after the other.

    A factor mixes amplitudes in pairs and leaves the others alone. With M orbitals and, for one spin, n electrons,
    \(S = \binom{M}{n}\) strings, \(s = 2\binom{M-2}{n-1}\) of them moved by a single and
    \(d = 2\binom{M-4}{n-2}\) by a double of that spin; an alpha-beta double moves \(s_\alpha s_\beta / 2\) amplitudes.
    Each is read and written once going forward, and twice going back (ket and bra); H|psi> reads and writes the
    state once more:

    $$ 2 \cdot 3 \sum_k \text{moved}_k + 2 S_\alpha S_\beta. $$
    """
    m = problem.n_orbitals
    strings, single, double, n_single, n_double = [], [], [], [], []
    for n in (problem.n_alpha, problem.n_beta):
        strings.append(comb(m, n))
        single.append(2 * comb(m - 2, n - 1))
        double.append(2 * comb(m - 4, n - 2) if 2 <= n <= m - 2 else 0)
        n_single.append(n * (m - n))
        n_double.append(comb(n, 2) * comb(m - n, 2))
    moved = n_single[0] * n_single[1] * single[0] * single[1] // 2
    for own, other in ((0, 1), (1, 0)):
        moved += (n_single[own] * single[own] + n_double[own] * double[own]) * strings[other]
    return 6 * moved + 2 * strings[0] * strings[1]


def layers_traffic(n_qubits: int, layers: int) -> int:
    r"""The same for a circuit of L layers on n qubits, whose states are complex: two numbers an amplitude.

    The rotations and entanglers of a layer are one pass over the state: \(2 \cdot 3 \cdot L \cdot 2 \cdot 2^n\), and
    the observable reads and writes once, \(2 \cdot 2 \cdot 2^n\).
    """
    return (6 * layers + 2) * 2 * (1 << n_qubits)
