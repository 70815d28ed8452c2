r"""Problem: a molecule in an orbital basis, a lattice model, or either one as Pauli terms, as plain arrays.

It carries the Hamiltonian, the inputs that identify it, and a determinant to start from. Importing this file needs
NumPy only, so that a problem saved on one machine can be read on a node without PySCF.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from qvar._types import AmplitudeMethod, Excitation, IntArray
from qvar.arguments import checked
from qvar.checks import finite_number, whole_number, whole_numbers
from qvar.errors import QvarError, require
from qvar.notebook import facts_html
from qvar.problems import remarks
from qvar.problems.cluster_amplitudes import ccsd, mp2
from qvar.problems.exact_energy import GroundState, fci_ground, pauli_ground_energy
from qvar.problems.fcidump import Dump, write_fcidump
from qvar.problems.fermion_mapping import mapped, observable
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.orbital_symmetries import orbital_parities
from qvar.problems.orbitals import Orbitals
from qvar.problems.problem_file import read_problem, write_problem
from qvar.problems.sectors import SAME, LowestState, lowest_state
from qvar.problems.stability import Stability
from qvar.short_repr import short_repr


@short_repr("name", "n_electrons", "n_qubits", "unit")
@dataclass(frozen=True, eq=False)
class Problem:
    """A Hamiltonian, the inputs that identify it, and a reference determinant.

    Exactly one of `integrals` and `pauli` is set. Spin orbitals are ordered as PennyLane orders them:
    wire 2p is orbital p spin up, wire 2p+1 the same orbital spin down.
    """

    name: str
    """Short name for tables, e.g. "H4 1.0 sto-3g"."""
    n_qubits: int
    """Number of qubits: 2M for M active orbitals, n for n spins."""
    unit: str
    """Unit of its energies: `qvar.units.HARTREE` or `qvar.units.COUPLING`."""
    _: KW_ONLY
    description: dict[str, Any]
    """Inputs that identify the problem, ready for JSON: geometry, basis ..., or model and couplings."""
    integrals: Integrals | None = None
    """The Hamiltonian of a molecule or of electrons on a lattice; `None` for Pauli terms."""
    pauli: PauliTerms | None = None
    """The Hamiltonian of a spin model or of a mapped problem; `None` for integrals."""
    occupied_alpha: tuple[int, ...] = ()
    """Active orbitals that hold a spin-up electron in the reference determinant; () for Pauli terms."""
    occupied_beta: tuple[int, ...] = ()
    """Active orbitals that hold a spin-down electron in the reference determinant; () for Pauli terms."""
    known_exact_energy: float | None = None
    """Lowest energy if it is known beforehand, e.g. from a file; `exact_energy` computes it if None."""
    bits: tuple[int, ...] = ()
    """(n_qubits,) reference basis state of a Hamiltonian of Pauli terms; () is |0...0>, and for molecules."""
    stability: Stability | None = None
    """Lowest second derivatives of the self-consistent determinant's energy; None if they were not computed."""
    notes: tuple[str, ...] = ()
    """Sentences for readers of its numbers; see `remarks`."""
    decoding: IntArray | None = None
    """(n_modes, n_qubits + 1) of a mapped problem: occupations are sums of these bits and the last column, modulo 2."""
    orbitals: Orbitals | None = None
    """Its orbitals over atomic orbitals; None for lattices, bare integrals and Pauli terms."""

    def __post_init__(self) -> None:
        for field, kind in (("integrals", Integrals), ("pauli", PauliTerms), ("orbitals", Orbitals)):
            value = getattr(self, field)
            require(value is None or isinstance(value, kind), field, f"be {kind.__name__}(...) or None", type(value))
        require(
            (self.integrals is None) != (self.pauli is None),
            "pauli",
            "be given if `integrals` is not, and only then",
            self.pauli,
        )
        for field in ("occupied_alpha", "occupied_beta"):
            occupied = tuple(whole_numbers(field, getattr(self, field)))
            object.__setattr__(self, field, occupied)
            inside = all(0 <= p < self.n_orbitals for p in occupied) and len(set(occupied)) == len(occupied)
            require(inside, field, f"hold distinct orbitals below {self.n_orbitals}", occupied)
        width = 2 * self.n_orbitals if self.pauli is None else self.pauli.n_qubits
        if self.orbitals is not None:
            active = self.orbitals.active
            require(len(active) == self.n_orbitals, "orbitals", f"have {self.n_orbitals} active columns", active)
        n_qubits = whole_number("n_qubits", self.n_qubits)
        require(n_qubits == width, "n_qubits", f"be {width} to fit the Hamiltonian", self.n_qubits)
        object.__setattr__(self, "bits", tuple(whole_numbers("bits", self.bits)))
        fits = len(self.bits) in (0, 0 if self.pauli is None else self.n_qubits) and not set(self.bits) - {0, 1}
        require(fits, "bits", f"be {self.n_qubits} zeros and ones of a Hamiltonian of Pauli terms", self.bits)
        if self.known_exact_energy is not None:
            object.__setattr__(self, "known_exact_energy", finite_number("known_exact_energy", self.known_exact_energy))

    @property
    def n_orbitals(self) -> int:
        """Number M of active spatial orbitals; 0 for Pauli terms."""
        return 0 if self.integrals is None else len(self.integrals.one_body)

    @property
    def n_alpha(self) -> int:
        """Number of active spin-up electrons; 0 for Pauli terms."""
        return len(self.occupied_alpha)

    @property
    def n_beta(self) -> int:
        """Number of active spin-down electrons; 0 for Pauli terms."""
        return len(self.occupied_beta)

    @property
    def n_electrons(self) -> int:
        """Number of active electrons; 0 for Pauli terms."""
        return self.n_alpha + self.n_beta

    @property
    def reference_bits(self) -> tuple[int, ...]:
        """The reference determinant as a computational basis state: one 0 or 1 per wire, wire 0 first."""
        bits = list(self.bits or [0] * self.n_qubits)
        for p in self.occupied_alpha:
            bits[2 * p] = 1
        for p in self.occupied_beta:
            bits[2 * p + 1] = 1
        return tuple(bits)

    @property
    def reference_energy(self) -> float:
        """Energy of the reference determinant or basis state, in `unit`."""
        if self.pauli is not None:
            return self.pauli.basis_state_energy(self.reference_bits)
        return self._electrons().determinant_energy(self.occupied_alpha, self.occupied_beta)

    def _electrons(self) -> Integrals:
        if self.integrals is None:
            raise QvarError(f"`problem` must have electrons in orbitals, but {self.name} has none.")
        return self.integrals

    def exact_energy(self, spin: int | None = None) -> float:
        """Compute the lowest eigenvalue of the Hamiltonian, in `unit`; kept for the next call.

        For a molecule it is full configuration interaction (FCI) in the sector of (n_alpha, n_beta)
        electrons, right to 1e-8 hartree; for a spin model, the lowest eigenvalue over all states; for a mapped
        problem, the lowest energy on its qubits with the electrons of the problem that was mapped. `remarks` says if
        that state's spin is not the reference's.

        Args:
            spin: number of unpaired electrons 2S of the state, such as 0 for the lowest singlet; any if None.

        Raises:
            QvarError: if the problem is too large to diagonalize, the eigensolver does not converge, or `spin` is not
                that of a state with these numbers of electrons.
        """
        if spin is None:
            return self._exact_state.energy if self.known_exact_energy is None else self.known_exact_energy
        if self.integrals is None:
            raise QvarError(f"`spin` must be left out for {self.name}, which has no orbitals, but is {spin!r}.")
        spin = whole_number("spin", spin)
        if spin not in self._energies_of_spin:
            self._energies_of_spin[spin] = fci_ground(self.integrals, self.n_alpha, self.n_beta, spin).energy
        return self._energies_of_spin[spin]

    @cached_property
    def _energies_of_spin(self) -> dict[int, float]:
        return {}

    @cached_property
    def _exact_state(self) -> GroundState:
        if self.pauli is not None:
            return GroundState(pauli_ground_energy(self.pauli), None)
        parities = self._reference_parities()
        ground = fci_ground(self._electrons(), self.n_alpha, self.n_beta, parities=parities, restrict=False)
        return ground._replace(vector=None)  # large

    def _reference_parities(self) -> tuple[IntArray, IntArray] | None:
        """Return signs of orbitals under the Hamiltonian's symmetries, and of the reference; None without any."""
        signs = self.orbital_parities()
        occupied = [*self.occupied_alpha, *self.occupied_beta]
        return (signs, signs[:, occupied].prod(axis=1)) if len(signs) else None

    def lowest_state(self) -> LowestState:
        r"""Compute the lowest state on the qubits over all numbers of electrons; kept for the next call.

        A circuit that does not conserve electrons may end there, below `exact_energy()`.

        Returns:
            Its energy, in `unit`, and its numbers of electrons. Time and memory grow as \(4^M\) for M orbitals, or
            \(2^n\) for n qubits.

        Raises:
            QvarError: if that is out of reach.
        """
        return self._lowest_state

    @cached_property
    def _lowest_state(self) -> LowestState:
        return lowest_state(self._electrons() if self.pauli is None else self.pauli, self.decoding)

    def _repr_html_(self) -> str:
        """Return the facts of the problem that cost nothing, for a notebook."""
        electrons = f"{self.n_electrons} ({self.n_alpha} alpha, {self.n_beta} beta)" if self.integrals else None
        exact = self.known_exact_energy
        facts = {
            "qubits": self.n_qubits,
            "electrons": electrons,
            "orbitals": self.n_orbitals if self.integrals else None,
            "basis set": self.description.get("basis"),
            "reference state": "|" + "".join(map(str, self.reference_bits)) + ">",
            "exact energy": None if exact is None else f"{exact:.8f} {self.unit}",
        }
        return facts_html(self.name, facts)

    def remarks(self) -> tuple[str, ...]:
        """Return sentences on this problem's energies, for readers; reports show them.

        Saddles, active spaces that cut a degenerate set, lower states on a mapped problem's qubits, and, once
        `exact_energy()` was computed, an exact state of another spin or symmetry than the reference.
        """
        state = self.__dict__.get("_exact_state")
        sentences = list(self.notes)
        if self.stability is not None:
            sentences += remarks.of_stability(self.stability, self.unit)
        if state is not None and self.integrals is not None:
            sentences += remarks.of_spin(state, self.occupied_alpha, self.occupied_beta, self.exact_energy, self.unit)
            sentences += remarks.of_symmetry(state)
        if state is not None and self.pauli is not None and self.description.get("model") in remarks.CONSERVE_ONES:
            sentences += remarks.of_ones(self.pauli, self.reference_bits)
        if self.decoding is not None:
            energies = self.exact_energy, self.lowest_state
            sentences += remarks.of_register(self.reference_bits, self.decoding, *energies, self.unit)
        return tuple(dict.fromkeys(sentences))

    @cached_property
    def _orbital_parities(self) -> IntArray:
        return np.zeros((0, 0), dtype=int) if self.integrals is None else orbital_parities(self.integrals)

    def orbital_parities(self) -> IntArray:
        r"""Compute the sign of each orbital under each \(Z_2\) symmetry of the Hamiltonian.

        They are the abelian part of the point group as the integrals show it: a product of orbitals whose sign is -1
        under one of the symmetries has no matrix element with one whose sign is +1.

        Returns:
            Signs +1 and -1, shape (n_symmetries, M), without the trivial symmetry.
        """
        return self._orbital_parities

    @checked()
    def amplitudes(self, theory: AmplitudeMethod) -> Mapping[Excitation, float]:
        r"""Compute the cluster amplitudes t of the reference determinant; kept for the next call.

        \(T = \sum t\, a_a^\dagger a_i + \sum t\, a_a^\dagger a_b^\dagger a_j a_i\).

        Args:
            theory: `"mp2"`, first-order perturbation theory with the Fock operator's diagonal (singles too, which
                vanish for canonical orbitals); or `"ccsd"`, by PySCF.

        Returns:
            Amplitude of every spin-conserving excitation from the reference determinant, each once: i < j and a < b for
            equal spins, alpha before beta for opposite ones; keys ((a, b), (j, i)) in wires.

        Raises:
            QvarError: if there are no electrons, the theory is unknown, or CCSD does not converge.
        """
        integrals = self._electrons()
        if theory not in self._amplitudes:
            solve = mp2 if theory == "mp2" else ccsd
            amplitudes = solve(integrals, self.occupied_alpha, self.occupied_beta)
            self._amplitudes[theory] = MappingProxyType(amplitudes)
        return self._amplitudes[theory]

    @cached_property
    def _amplitudes(self) -> dict[str, Mapping[Excitation, float]]:
        return {}

    @checked()
    def hamiltonian(self, mapping: str = "jordan_wigner", *, taper: bool = False) -> Any:
        """Return the Hamiltonian as a PennyLane operator on wires 0, 1, ...: n_qubits of them, or fewer once tapered.

        Args:
            mapping: "jordan_wigner", "parity" or "bravyi_kitaev", as in `mapped`; a spin model needs none.
            taper: whether to leave out the qubits that the two-fold symmetries of the Hamiltonian fix, in the symmetry
                sector of the reference determinant; see `mapped`.

        Raises:
            QvarError: if `mapping` is not known, or mapping or tapering is asked of a spin model.
        """
        if self.pauli is None:
            return observable(mapped(self._electrons(), self.reference_bits, mapping, taper).terms)
        no_fermions = f"for {self.name}, which has no fermions, but is"
        if mapping != "jordan_wigner":
            raise QvarError(f"`mapping` must be left out {no_fermions} {mapping!r}.")
        if taper:
            raise QvarError(f"`taper` must be False {no_fermions} True.")
        return observable(self.pauli)

    @checked()
    def mapped(self, mapping: str = "jordan_wigner", *, taper: bool = False) -> Problem:
        r"""Return the same problem in Pauli terms, with the reference determinant as a basis state of its qubits.

        `reference_energy` and `exact_energy()`, which is computed at once, are this problem's: the lowest with
        (n_alpha, n_beta) electrons. The qubits hold other numbers of electrons too, whose energies may be lower
        (`lowest_state`, `remarks`). Tapering keeps the symmetry sector of the reference determinant: the parities of
        n_alpha and n_beta, and the determinant's spatial symmetry. If the exact ground state has another spatial
        symmetry, it is not on the tapered qubits: `exact_energy()` is then the lowest energy on them, and `remarks`
        says so.

        Args:
            mapping: "jordan_wigner", "parity" or "bravyi_kitaev"; see `qvar.problems.fermion_mapping.qubit_terms`.
            taper: whether to leave out the qubits that symmetries fix; see `qvar.problems.tapering.taper`. At least
                one stays.

        Returns:
            The problem, in the same unit; its description holds this one's, `mapping` and `taper`.

        Raises:
            QvarError: if `mapping` is not known, the problem has no fermions, or FCI is out of reach.
        """
        integrals = self._electrons()
        terms, bits, decoding = mapped(integrals, self.reference_bits, mapping, taper)
        exact, notes, parities = self.exact_energy(), self.remarks(), self._reference_parities()
        if taper and parities is not None:
            within = fci_ground(integrals, self.n_alpha, self.n_beta, parities=parities).energy
            if within > exact + SAME:
                exact, notes = within, (*notes, remarks.of_tapering(within - exact, self.unit))
        return Problem(
            name=f"{self.name} {mapping.replace('_', ' ')}{' tapered' if taper else ''}",
            n_qubits=terms.n_qubits,
            unit=self.unit,
            description={"model": "mapped", "mapping": mapping, "taper": bool(taper), "of": self.description},
            pauli=terms,
            known_exact_energy=exact,
            bits=bits,
            stability=self.stability,
            notes=notes,
            decoding=decoding,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the problem to one `.npz` file, whole or not at all, with an exact energy that was computed.

        Args:
            path: name of the file, taken as it is; an existing file is replaced.

        Raises:
            QvarError: if the file cannot be written.
        """
        exact = self.exact_energy() if "_exact_state" in self.__dict__ else self.known_exact_energy
        notes = self.remarks() if self.decoding is None else self.notes
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        write_problem(path, {**own, "known_exact_energy": exact, "notes": notes})

    def to_fcidump(self, path: str | os.PathLike[str]) -> None:
        """Write the integrals to an FCIDUMP file, whole or not at all; `qvar.from_fcidump` reads them bit for bit.

        The format keeps numbers of electrons and no determinant: give `occupied` to `qvar.from_fcidump` unless the
        first orbitals are occupied.

        Args:
            path: name of the file, taken as it is; compressed by gzip if it ends with ".gz". An existing file is
                replaced.

        Raises:
            QvarError: if there are no electrons in orbitals, or the file cannot be written.
        """
        write_fcidump(path, Dump(self._electrons(), self.n_electrons, self.n_alpha - self.n_beta))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Problem:
        """Read a problem that `save` wrote; every number is the same bit for bit.

        Args:
            path: name of the file.

        Raises:
            QvarError: if there is no such file, it was not written by `save`, or it holds no Hamiltonian of real,
                finite numbers with the symmetries of `Integrals`.
        """
        return read_problem(path, cls)
