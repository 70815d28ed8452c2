r"""Problem: what is asked of an ansatz, as plain arrays.

A `Problem` is a molecule in an orbital basis, a lattice model, or either one as Pauli terms. It carries everything
that an engine needs to build the energy, the inputs that identify it, and a determinant to start from. This file needs
NumPy only, so that a problem saved on one machine can be read on a node without PySCF.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from qvar._types import AmplitudeMethod, Excitation, IntArray
from qvar.arguments import checked
from qvar.array_files import read_arrays
from qvar.atomic_files import write_whole
from qvar.checks import finite_number, whole_number, whole_numbers
from qvar.errors import QvarError, require
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.stability import Stability
from qvar.short_repr import short_repr

if TYPE_CHECKING:
    from qvar.problems.exact_energy import GroundState
    from qvar.problems.sectors import LowestState

_FORMAT = "qvar-problem-1"


@short_repr("name", "n_electrons", "n_qubits", "unit")
@dataclass(frozen=True, eq=False)
class Problem:
    """A Hamiltonian, where it comes from, and a reference determinant.

    Exactly one of `integrals` and `pauli` is set. Spin orbitals are ordered as PennyLane orders them:
    wire 2p is orbital p spin up, wire 2p+1 the same orbital spin down.
    """

    name: str
    """Short name for tables, e.g. "H4 1.0 sto-3g"."""
    n_qubits: int
    """Number of qubits: 2M for M active orbitals, n for n spins."""
    unit: str
    """Unit of its energies: `qvar.units.HARTREE` or `qvar.units.COUPLING`."""
    description: dict[str, Any]
    """The inputs that identify the problem, ready for JSON: geometry, basis ..., or model and couplings."""
    integrals: Integrals | None
    """The Hamiltonian of a molecule or of electrons on a lattice; `None` for Pauli terms."""
    pauli: PauliTerms | None
    """The Hamiltonian of a spin model or of a mapped problem; `None` for integrals."""
    occupied_alpha: tuple[int, ...]
    """Active orbitals that hold a spin-up electron in the reference determinant; () for Pauli terms."""
    occupied_beta: tuple[int, ...]
    """Active orbitals that hold a spin-down electron in the reference determinant; () for Pauli terms."""
    known_exact_energy: float | None = None
    """Lowest energy where it is known beforehand, e.g. from a file; otherwise it is computed when asked."""
    bits: tuple[int, ...] = ()
    """(n_qubits,) reference basis state of a Hamiltonian of Pauli terms; () is |0...0>, and for molecules."""
    stability: Stability | None = None
    """Whether the self-consistent determinant is a minimum; None if that was not analysed."""
    notes: tuple[str, ...] = ()
    """Sentences on what a reader of its numbers must know, found when it was made; see `remarks`."""
    decoding: IntArray | None = None
    """(n_modes, n_qubits + 1) of a mapped problem: occupations are sums of these bits and the last column, modulo 2."""

    def __post_init__(self) -> None:
        for field, kind in (("integrals", Integrals), ("pauli", PauliTerms)):
            value = getattr(self, field)
            require(value is None or isinstance(value, kind), field, f"be {kind.__name__}(...) or None", type(value))
        require(
            (self.integrals is None) != (self.pauli is None),
            "pauli",
            "be given exactly where `integrals` is not",
            self.pauli,
        )
        for field in ("occupied_alpha", "occupied_beta"):
            occupied = tuple(whole_numbers(field, getattr(self, field)))
            object.__setattr__(self, field, occupied)
            inside = all(0 <= p < self.n_orbitals for p in occupied) and len(set(occupied)) == len(occupied)
            require(inside, field, f"hold distinct orbitals below {self.n_orbitals}", occupied)
        width = 2 * self.n_orbitals if self.pauli is None else self.pauli.n_qubits
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
        r"""Energy of the reference state, in `unit`.

        For a molecule, the determinant's energy by the Slater-Condon rules,
        \(E_{core} + \sum_{i\sigma} h_{ii} + \tfrac12 \sum_{i\sigma, j\tau} [(ii|jj) - \delta_{\sigma\tau} (ij|ji)]\);
        for Pauli terms, the energy of the reference basis state.
        """
        if self.pauli is not None:
            energy = 0.0
            for word, coefficient in zip(self.pauli.words, self.pauli.coefficients, strict=True):
                if not set(word) - set("IZ"):
                    ones = sum(bit for bit, letter in zip(self.reference_bits, word, strict=True) if letter == "Z")
                    energy += float(coefficient) * (-1.0) ** ones
            return energy
        assert self.integrals is not None
        one, two = self.integrals.one_body, self.integrals.two_body
        coulomb, exchange = np.einsum("iijj->ij", two), np.einsum("ijji->ij", two)
        up, down = list(self.occupied_alpha), list(self.occupied_beta)
        energy = self.integrals.core_energy + np.trace(one[np.ix_(up, up)]) + np.trace(one[np.ix_(down, down)])
        for same in (up, down):
            energy += 0.5 * (coulomb - exchange)[np.ix_(same, same)].sum()
        return float(energy + coulomb[np.ix_(up, down)].sum())

    def exact_energy(self, spin: int | None = None) -> float:
        """Lowest eigenvalue of the Hamiltonian, in `unit`; computed when first asked, then kept.

        For a molecule it is full configuration interaction (FCI) in the sector of (n_alpha, n_beta)
        electrons, right to 1e-8 hartree; for a spin model, the lowest eigenvalue over all states; for a mapped
        problem, the lowest energy on its qubits with the electrons of what was mapped. `remarks` says if that state's
        spin is not the reference's.

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
            from qvar.problems.exact_energy import fci_ground

            self._energies_of_spin[spin] = fci_ground(self.integrals, self.n_alpha, self.n_beta, spin).energy
        return self._energies_of_spin[spin]

    @cached_property
    def _energies_of_spin(self) -> dict[int, float]:
        return {}

    @cached_property
    def _exact_state(self) -> GroundState:
        from qvar.problems.sectors import exact_state

        return exact_state(self)

    def lowest_state(self) -> LowestState:
        r"""Return the lowest state of all on the qubits, whatever its numbers of electrons; kept once found.

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
        from qvar.problems.sectors import lowest_state

        return lowest_state(self)

    def remarks(self) -> tuple[str, ...]:
        """Return sentences on what a reader of this problem's energies must know; reports show them.

        A self-consistent determinant that is a saddle; an active space that cuts a degenerate set; an exact state, once
        `exact_energy()` was asked, of another spin than the reference; lower states on a mapped problem's qubits.
        """
        from qvar.problems.remarks import remarks

        return remarks(self, "_exact_state" in self.__dict__)

    @cached_property
    def _orbital_parities(self) -> IntArray:
        from qvar.problems.orbital_symmetries import orbital_parities

        if self.integrals is None:
            return np.zeros((0, 0), dtype=int)
        return orbital_parities(self.integrals)

    def orbital_parities(self) -> IntArray:
        r"""Sign of each orbital under each \(Z_2\) symmetry of the Hamiltonian, shape (n_symmetries, M) of +1 and -1.

        The abelian part of the point group as the integrals show it: a product of orbitals whose sign is -1 under
        one of the symmetries has no matrix element with one whose sign is +1. The trivial symmetry is left out.
        """
        return self._orbital_parities

    @checked()
    def amplitudes(self, method: AmplitudeMethod) -> Mapping[Excitation, float]:
        r"""Cluster amplitudes \(t\) of \(T = \sum t\, a_a^\dagger a_i + \sum t\, a_a^\dagger a_b^\dagger a_j a_i\).

        Args:
            method: `"mp2"`, first-order perturbation theory with the Fock operator's diagonal (singles too, which
                vanish for canonical orbitals); or `"ccsd"`, by PySCF.

        Returns:
            Amplitude of every spin-conserving excitation from the reference determinant, each once: i < j and a < b for
            equal spins, alpha before beta for opposite ones; keys ((a, b), (j, i)) in wires.

        Raises:
            QvarError: if there are no electrons, the method is unknown, or CCSD does not converge.
        """
        require(method in ("mp2", "ccsd"), "method", "be 'mp2' or 'ccsd'", method)
        if self.integrals is None:
            raise QvarError(f"`problem` must have electrons in orbitals, but {self.name} has none.")
        if method not in self._amplitudes:
            from qvar.problems.cluster_amplitudes import ccsd, mp2

            solve = mp2 if method == "mp2" else ccsd
            found = solve(self.integrals, self.occupied_alpha, self.occupied_beta)
            self._amplitudes[method] = MappingProxyType(found)
        return self._amplitudes[method]

    @cached_property
    def _amplitudes(self) -> dict[str, Mapping[Excitation, float]]:
        return {}

    @checked()
    def hamiltonian(self, mapping: str = "jordan_wigner", taper: bool = False) -> Any:
        """The Hamiltonian as a PennyLane operator on wires 0, 1, ...: n_qubits of them, or fewer once tapered.

        Args:
            mapping: how fermions become qubits: "jordan_wigner", "parity" or "bravyi_kitaev". A spin model needs none.
            taper: whether to leave out the qubits that the two-fold symmetries of the Hamiltonian fix, in the symmetry
                sector of the reference determinant; see `mapped`.

        Raises:
            QvarError: if `mapping` is not known, or mapping or tapering is asked of a spin model.
        """
        from qvar.problems.fermion_mapping import mapped_terms, observable

        return observable(mapped_terms(self, mapping, taper)[0])

    @checked()
    def mapped(self, mapping: str = "jordan_wigner", taper: bool = False) -> Problem:
        r"""The same problem in Pauli terms, with the reference determinant as a basis state of its qubits.

        So that a circuit which knows nothing of electrons can play on fewer qubits. `reference_energy` is that of this
        problem, and so is `exact_energy()`, which is found at once: the lowest with (n_alpha, n_beta) electrons, though
        the qubits hold other numbers of electrons too, whose energies may lie below (`lowest_state`, `remarks`).
        Tapering keeps the symmetry sector of the reference determinant: the parities of n_alpha and n_beta, and the
        determinant's spatial symmetry. If the exact ground state has another spatial symmetry, it is not on the tapered
        qubits: `exact_energy()` is then the lowest that is, and `remarks` says so.

        Args:
            mapping: "jordan_wigner", "parity" or "bravyi_kitaev"; see `qvar.problems.fermion_mapping.qubit_terms`.
            taper: whether to leave out the qubits that symmetries fix; see `qvar.problems.tapering.taper`. At least
                one stays.

        Returns:
            The problem, in the same unit; its description holds this one's, `mapping` and `taper`.

        Raises:
            QvarError: if `mapping` is not known, the problem has no fermions, or FCI is out of reach.
        """
        from qvar.problems.fermion_mapping import decoding, mapped_terms
        from qvar.problems.sectors import energy_on_qubits

        if self.integrals is None:
            raise QvarError(f"`problem` must have electrons in orbitals, but {self.name} has none.")
        terms, bits = mapped_terms(self, mapping, taper)
        exact, notes = energy_on_qubits(self, taper)
        return Problem(
            name=f"{self.name} {mapping.replace('_', ' ')}{' tapered' if taper else ''}",
            n_qubits=terms.n_qubits,
            unit=self.unit,
            description={"model": "mapped", "mapping": mapping, "taper": bool(taper), "of": self.description},
            integrals=None,
            pauli=terms,
            occupied_alpha=(),
            occupied_beta=(),
            known_exact_energy=exact,
            bits=bits,
            stability=self.stability,
            notes=notes,
            decoding=decoding(self, mapping, taper),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the problem to one `.npz` file, whole or not at all; an exact energy already computed goes along.

        Args:
            path: name of the file, taken as it is; an existing file is replaced.

        Raises:
            QvarError: if the file cannot be written.
        """
        exact = self.exact_energy() if "_exact_state" in self.__dict__ else self.known_exact_energy
        head = {
            "format": _FORMAT,
            "name": self.name,
            "n_qubits": self.n_qubits,
            "unit": self.unit,
            "description": self.description,
            "occupied_alpha": self.occupied_alpha,
            "occupied_beta": self.occupied_beta,
            "notes": self.remarks() if self.decoding is None else self.notes,
            "stability": None if self.stability is None else asdict(self.stability),
        }
        arrays: dict[str, Any] = {}
        if self.bits:
            head["bits"] = self.bits
        arrays["head"] = np.array(json.dumps(head))
        if exact is not None:
            arrays["exact_energy"] = np.float64(exact)
        if self.integrals is not None:
            arrays["core_energy"] = np.float64(self.integrals.core_energy)
            arrays["one_body"] = self.integrals.one_body
            arrays["two_body"] = self.integrals.two_body
        if self.pauli is not None:
            arrays["words"] = np.array(self.pauli.words)
            arrays["coefficients"] = self.pauli.coefficients
        if self.decoding is not None:
            arrays["decoding"] = self.decoding
        try:
            with write_whole(Path(path)) as temporary, temporary.open("wb") as file:
                np.savez(file, **arrays)
        except (OSError, ValueError) as error:  # a name with a null character is a ValueError
            raise QvarError(f"`path` must be a file that can be written, but {str(path)!r} is not.") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Problem:
        """Reads a problem that `save` wrote; every number comes back bit for bit.

        Args:
            path: name of the file.

        Raises:
            QvarError: if there is no such file, it was not written by `save`, or it holds no Hamiltonian of real,
                finite numbers with the symmetries of `Integrals`.
        """
        try:
            data = read_arrays(Path(path))
            head = json.loads(str(data["head"]))
            require(head["format"] == _FORMAT, "format", f"be {_FORMAT!r}", head["format"])
            return cls(
                name=head["name"],
                n_qubits=head["n_qubits"],
                unit=head["unit"],
                description=head["description"],
                integrals=Integrals(data["core_energy"][()], data["one_body"], data["two_body"])
                if "one_body" in data
                else None,
                pauli=PauliTerms(tuple(map(str, data["words"])), data["coefficients"]) if "words" in data else None,
                occupied_alpha=tuple(head["occupied_alpha"]),
                occupied_beta=tuple(head["occupied_beta"]),
                known_exact_energy=float(data["exact_energy"]) if "exact_energy" in data else None,
                bits=tuple(head.get("bits", ())),
                stability=Stability(**head["stability"]) if head.get("stability") else None,
                notes=tuple(head.get("notes", ())),
                decoding=data.get("decoding"),
            )
        except FileNotFoundError as error:
            raise QvarError(f"`path` must be an existing file, but {str(path)!r} is not.") from error
        except QvarError as error:
            raise QvarError(f"`path` must hold a sound problem, but {str(path)!r} does not: {error}") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise QvarError(f"`path` must be a file that `Problem.save` wrote, but {str(path)!r} is not.") from error
