"""Ansatz: a named circuit with free parameters, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cache, cached_property, partial
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import Connectivity, CostModel, Family
from qvar.ansatz.composition import joined_fields, program_with_held
from qvar.ansatz.initial_state import initial_state
from qvar.ansatz.program import Program
from qvar.ansatz.resources import ROTATION_PRECISION, Synthesis
from qvar.ansatz.routing import count_on, require_published
from qvar.ansatz.starts import COMMON_STARTS, ENERGY_STARTS, SMALL, START_PAPERS, common_draw
from qvar.arguments import check_fields, checked
from qvar.checks import random_key, real_array, real_numbers, whole_numbers
from qvar.errors import QvarError, require, shown
from qvar.notebook import facts_html
from qvar.objective import Costs
from qvar.short_repr import short_repr

Draw: TypeAlias = Callable[[jax.Array], Any]
"""JAX random key -> start parameters, shape (n_params,), radians."""

Symmetry: TypeAlias = Literal["particle_number", "sz", "s2", "spin_flip"]
r"""Quantity that a circuit conserves for every \(\theta\).

`particle_number`: number of ones in the register; `sz`: ones on even minus ones on odd wires; `s2`: total electronic
spin; `spin_flip`: \(\prod_q X_q\).
"""


@short_repr("name", "family", "n_qubits", "n_params", "start")
@dataclass(frozen=True, eq=False)
class Ansatz:
    """A parametrized circuit.

    Built by functions such as `qvar.uccsd`, or from a PennyLane quantum function by `Ansatz.from_circuit`.
    """

    name: str
    """Name in the ledger, such as `"uccsd"`."""
    family: Family
    """`"generic"` or `"constrained"`."""
    program: Program
    """The circuit as data."""
    _: KW_ONLY
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that it was made with, ready for JSON."""
    start: str = "uniform"
    """Name of the distribution that `initial` draws from by default."""
    starts: Mapping[str, Draw] = field(default_factory=dict)
    """Starts of its own in addition to `uniform`, `gaussian` and `zero`, such as `mp2`."""
    spread: float = SMALL
    """Standard deviation of its `gaussian` start, radians."""
    symmetries: tuple[Symmetry, ...] = ()
    """Quantities that it conserves at every theta; `qvar check` measures them."""
    citations: tuple[str, ...] = ()
    """Keys of the papers it comes from, in `qvar/citations.bib`."""
    classical_tail: int = 0
    """Number of last operations that are rotations of orbitals, which a quantum computer need not run, because the
    integrals can be rotated instead; `resources` leaves them out."""
    source: Callable[..., Any] | None = field(default=None, repr=False)
    """Quantum function of theta that it was made from, if any; `qvar check` compares with it."""

    def __post_init__(self) -> None:
        check_fields(self)
        self._known(self.start)

    @property
    def n_params(self) -> int:
        """Number of free parameters."""
        return self.program.n_params

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return self.program.n_qubits

    @classmethod
    @checked()
    def from_circuit(
        cls,
        quantum_function: Any,
        n_qubits: int,
        n_params: int,
        *,
        name: str | None = None,
        family: Family = "generic",
        start: str = "uniform",
        symmetries: tuple[Symmetry, ...] = (),
        citations: tuple[str, ...] = (),
    ) -> Ansatz:
        """Return the ansatz of a PennyLane quantum function of one parameter vector.

        The function is run as JAX traces it. Angles that this proves to be affine in theta become a table; all others
        are computed as the function does, at every theta, which compiles slower and gives a `UserWarning`. Gates that
        qvar has no kind for are decomposed by PennyLane.

        Args:
            quantum_function: applies PennyLane operations, given theta of shape (n_params,), and computes their angles
                with Python's arithmetic or `jax.numpy`; no measurements, no branches on theta, the same gates in every
                call. Wires are 0 to n_qubits - 1; wire 2p is orbital p spin up, 2p+1 spin down. Of a QNode its function
                is taken, without its measurements.
            n_qubits: number of qubits.
            n_params: length of theta.
            name: name in the ledger; the function's name if None.
            family: `"generic"` or `"constrained"`.
            start: name of the distribution that `Ansatz.initial` draws from by default.
            symmetries: quantities that the circuit conserves at every theta, out of `"particle_number"`, `"sz"`,
                `"s2"` and `"spin_flip"`; `qvar check` measures them.
            citations: keys of papers in `qvar/citations.bib`.

        Raises:
            QvarError: if the function measures, uses other wires, reads more parameters than `n_params`, cannot be
                traced by JAX, differs between two calls, applies no gate, or holds a gate that cannot be decomposed or
                an angle that is not a finite real number.
        """
        from qvar.ansatz.capture import quantum_function as checked
        from qvar.ansatz.pennylane_io import trace_circuit

        return cls(
            name=name or getattr(quantum_function, "__name__", "circuit"),
            family=family,
            program=trace_circuit(quantum_function, n_qubits, n_params),
            start=start,
            symmetries=symmetries,
            citations=citations,
            source=checked(quantum_function),
        )

    @checked()
    def with_start(self, start: str, *, name: str | None = None) -> Ansatz:
        """Return the same ansatz with another default start.

        Args:
            start: name of a distribution, as `initial` takes it.
            name: name in the ledger; unchanged if None.

        Raises:
            QvarError: if the ansatz has no such start.
        """
        papers = dict.fromkeys((*self.citations, *START_PAPERS.get(self._known(start), ())))
        return replace(self, start=start, name=name or self.name, citations=tuple(papers))

    @checked()
    def start_at(self, theta: Any, *, start: str | None = None, name: str | None = None) -> Ansatz:
        """Return the same ansatz with angles theta, (n_params,) in radians, as a start of its own and its default.

        The start is called `"trained"` if `start` is None, the ansatz keeps its name if `name` is.

        Raises:
            QvarError: if theta has another length or is not finite, or the name of the start is that of a distribution.
        """
        start = start or "trained"
        require(start not in COMMON_STARTS, "start", f"not be one of {', '.join(map(repr, COMMON_STARTS))}", start)
        point = real_numbers("theta", theta, (self.n_params,), finite=True)
        return replace(self, start=start, starts={**self.starts, start: lambda key: point}, name=name or self.name)

    @checked()
    def freeze(self, theta: Any, *, parameters: Sequence[int] | None = None, name: str | None = None) -> Ansatz:
        """Return the circuit with some parameters held, so that the others alone are free, in their order.

        It has the starts `uniform`, `gaussian` and `zero` alone.

        Args:
            theta: (n_params,) angles, radians, of which those of `parameters` are used.
            parameters: numbers of the parameters that are held; all if None.
            name: name in the ledger; unchanged if None.

        Raises:
            QvarError: if theta has another length, an angle that is held is not finite, or a parameter does not exist.
        """
        point = real_numbers("theta", theta, (self.n_params,))
        held = range(self.n_params) if parameters is None else whole_numbers("parameters", parameters)
        known = all(0 <= one < self.n_params for one in held)
        require(known, "parameters", f"be numbers from 0 to {self.n_params - 1}", parameters)
        real_numbers("theta", point[list(held)], ("held",), finite=True)
        program, start = program_with_held(self.program, point, held), self.start
        start = start if start in COMMON_STARTS else "zero"
        return replace(self, program=program, name=name or self.name, start=start, starts={}, source=None)

    @checked()
    def then(self, other: Ansatz, *, name: str | None = None) -> Ansatz:
        """Return the circuit of this ansatz followed by another one, whose parameters come after its own.

        The reference is this one's, draws are those of both, and the name is both names if `name` is None.

        Raises:
            QvarError: if the numbers of qubits differ, or angles are not affine in theta.
        """
        if other.n_qubits != self.n_qubits:
            raise QvarError(f"`other` must have {self.n_qubits} qubits, but {other.name} has {other.n_qubits}.")

        parts = joined_fields(self, other)
        return replace(self, name=name or f"{self.name} + {other.name}", source=None, **parts)

    @checked(own=("state", "basis_states"))
    def with_state(self, state: Any, *, basis_states: Any = None, name: str | None = None) -> Ansatz:
        """Return the same circuit with another initial state, such as a CI vector or that of a trained circuit.

        A sector is used if all of the state is in it. Preparing it has no known cost: `resources` counts qubits alone.

        Args:
            state: amplitudes of any norm but zero: (2^n_qubits,), wire 0 the most significant bit; or a matrix (alpha
                strings, beta strings) with the reference's numbers of electrons, as PySCF's CI vectors are; or with
                `basis_states`. Those below 1e-14 of the largest are left out.
            basis_states: numbers of the basis states of the amplitudes, such as `Objective.basis_states`.
            name: name in the ledger; unchanged if None.

        Raises:
            QvarError: if the shape does not fit, an amplitude is not finite, or all are zero.
        """
        bits = self.program.bits
        first = initial_state(state, self.n_qubits, (sum(bits[::2]), sum(bits[1::2])), basis_states)
        return replace(self, program=replace(self.program, reference=first), name=name or self.name, source=None)

    def _known(self, start: str) -> str:
        known = (*COMMON_STARTS, *ENERGY_STARTS, *self.starts)
        if not isinstance(start, str) or start not in known:
            words = ", ".join(map(repr, known))
            raise QvarError(f"`start` must be one of {words} for {self.name}, but is {shown(start)}.")
        return start

    @checked()
    def circuit(
        self, theta: Any, *, costs: CostModel | None = None, connectivity: Connectivity = "all", wires: Any = None
    ) -> None:
        """Apply the whole circuit as PennyLane operations, reference determinant first.

        Call it inside a quantum function or QNode; `ansatz(theta)` is the same.

        Args:
            theta: (n_params,) of any interface that PennyLane knows.
            costs: `"published"` or `"pennylane"` for the CNOTs and gates of one qubit that `resources` counts; the
                operations as the ansatz has them if None.
            connectivity: as in `resources`; `"line"` needs the published costs.
            wires: labels of the wires 0, 1, ...; these numbers if None.

        Raises:
            QvarError: if theta has another length, `costs` has no circuit on a line, or there are not `n_qubits` wires.
        """
        from qvar.ansatz.pennylane_io import emit, emit_elementary, on_wires

        require_published(costs, connectivity)
        apply, more = (emit, ()) if costs is None else (emit_elementary, (costs, connectivity))
        on_wires(apply, self.program, theta, *more, wires=wires)

    def __call__(self, theta: Any, *, wires: Any = None) -> None:
        """Apply the whole circuit inside a quantum function or QNode; see `circuit`."""
        words = f"be {self.n_params} angles, for an ansatz makes no other one"
        require(hasattr(theta, "__len__"), "theta", words, theta)  # a problem or a size
        self.circuit(theta, wires=wires)

    @checked()
    def to_openqasm(self, theta: Any = None, *, version: Literal[2, 3] = 3, connectivity: Connectivity = "all") -> str:
        """Write the whole circuit as OpenQASM, in the CNOTs and gates of one qubit that `resources` counts.

        It is equal to the ansatz at every theta, the global phase included. Qubit `q[k]` is wire k.

        Args:
            theta: (n_params,) radians, read back to the last bit; inputs `theta0`, `theta1`, ... if None.
            version: 3, or 2 for the gates of its paper, without parameters and global phase.
            connectivity: as in `resources`.

        Raises:
            QvarError: if theta has another length, or is None for version 2 or for angles that are not affine in it;
                or if the circuit has a sum of excitations that do not commute.
        """
        from qvar.ansatz.openqasm import openqasm

        return openqasm(self.program, self.name, self._point(theta), version, connectivity)

    @checked()
    def to_qiskit(self, theta: Any = None, *, connectivity: Connectivity = "all") -> Any:
        """Return the whole circuit as Qiskit's `QuantumCircuit`, in the gates that `resources` counts.

        It is equal to the ansatz, the global phase included. Qubit k is wire k, but Qiskit's least significant bit is
        qubit 0: `Statevector(circuit.reverse_bits())` has the amplitudes in the order of qvar.

        Args:
            theta: (n_params,) radians; a `ParameterVector` named `theta` if None.
            connectivity: as in `resources`.

        Raises:
            QvarError: if Qiskit (the extra `qiskit`) is not installed; or as in `to_openqasm`.
        """
        from qvar.ansatz.qiskit_io import qiskit_circuit

        return qiskit_circuit(self.program, self.name, self._point(theta), connectivity)

    def _point(self, theta: Any) -> Any:
        return None if theta is None else np.asarray(real_array("theta", theta, (self.n_params,), finite=True))

    def initial(self, key: jax.Array, start: str | None = None) -> Float[Array, " n_params"]:
        """Draw start parameters, shape (n_params,), radians.

        Args:
            key: JAX random key.
            start: `"uniform"` on [-pi, pi), `"gaussian"` of standard deviation `spread`, 0.01 as a rule,
                around the reference, `"zero"`, or one of the ansatz's own `starts`; its `start` if None.
                `"clifford"` needs the energy: `Objective.initial` draws it.

        Raises:
            QvarError: if the start is unknown, or needs the energy.
        """
        key, start = random_key("key", key), self._known(self.start if start is None else start)
        if start in self.starts:
            return jnp.asarray(self.starts[start](key), dtype=float).reshape(self.n_params)
        return common_draw(start, key, self.n_params, self.spread)

    @checked()
    def draw(self, theta: Any = None, *, all: bool = False, max_length: int = 78) -> str:
        """Draw the circuit as text: the wires if they fit into `max_length` columns, else a table of operations.

        The table writes an excitation as the modes that it empties and fills, such as `0 1 -> 4 5`, and at most 24
        operations, or all of them. Angles are expressions of the parameters if theta, (n_params,) radians, is None.
        """
        from qvar.ansatz.drawing import draw

        return draw(self.program, self._point(theta), all, max_length)

    def _repr_html_(self) -> str:
        """Return the facts of the circuit and its operations, for a notebook."""
        from qvar.ansatz.drawing import operations_table

        facts = {
            "family": self.family,
            "qubits": self.n_qubits,
            "parameters": self.n_params,
            "operations": self.program.n_ops,
            "start": self.start,
            "conserves": ", ".join(self.symmetries).replace("_", " "),
        }
        return facts_html(self.name, facts, operations_table(self.program, None, False, 100))

    @checked()
    def resources(
        self,
        *,
        costs: CostModel = "published",
        precision: float = ROTATION_PRECISION,
        synthesis: Synthesis = "deterministic",
        connectivity: Connectivity = "all",
    ) -> Costs:
        r"""Count qubits, CNOTs, depths and T gates.

        Adjacent gates are not merged or cancelled; `circuit` applies the circuit that is counted. Costs grow with the
        number of gates.

        Args:
            costs: `"published"` for the best published circuit of each operation, see `qvar.ansatz.decompositions`
                (Yordanov et al. 2020; Arrazola et al. 2022; Ramoa et al. 2024); `"pennylane"` for PennyLane's.
            precision: error \(\epsilon\) of each rotation that T gates approximate, in the operator norm, between 0
                and 1: \(\lceil 3 \log_2(1/\epsilon) \rceil\) of them (Ross and Selinger 2016).
            synthesis: `"deterministic"` for that number, or `"mixed_fallback"`, see
                `qvar.ansatz.resources.t_gates_of_rotation`.
            connectivity: `"all"` if CNOTs join any two qubits; `"line"` if they join neighbors alone: SWAPs of three
                CNOTs bring qubits together, and all back in the end, see `qvar.ansatz.routing`.

        Raises:
            QvarError: if `costs` or `connectivity` is unknown, `precision` is not between 0 and 1, or `costs` has no
                circuit on a line.
        """
        require(0.0 < precision < 1.0, "precision", "be between 0 and 1", precision)
        require_published(costs, connectivity)
        return self._counted(connectivity, costs, precision, synthesis)

    @cached_property
    def _counted(self) -> Callable[[Connectivity, CostModel, float, Synthesis], Costs]:
        n_ops = self.program.n_ops - self.classical_tail
        return cache(partial(count_on, self.program, n_ops))

    def describe(self) -> dict[str, Any]:
        """Describe the ansatz for task keys, ready for JSON."""
        own = {}
        if self.start in self.starts:  # identifies the function by its draws
            own = {"draws": np.round(np.asarray(self.initial(jax.random.key(0))), 9).tolist()}
        own |= {"spread": self.spread} if self.spread != SMALL else {}
        return {
            **own,
            "name": self.name,
            "family": self.family,
            "settings": dict(self.settings),
            "start": self.start,
            "program": self.program.digest,
        }
