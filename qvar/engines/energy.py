r"""The energy of an ansatz on a problem as an Objective, in the engine that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import jax
import numpy as np
from jax.sharding import Mesh

from qvar._types import IntArray, PyTree
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.frequencies import harmonics, single_frequencies
from qvar.ansatz.program import Program
from qvar.arguments import checked
from qvar.engines.adjoint import Circuit
from qvar.engines.clifford_start import clifford_start, reference_angles
from qvar.engines.conserved import ConservedSector, column_sector
from qvar.engines.dense import dense_circuit
from qvar.engines.electron_blocks import electron_blocks
from qvar.engines.electronic_hamiltonian import electronic_hamiltonian
from qvar.engines.energy_function import EnergyFunction, OperatorFunction
from qvar.engines.hamiltonian import HamiltonianParts
from qvar.engines.mask_operations import mask_circuit
from qvar.engines.occupation_strings import electron_layout
from qvar.engines.pauli_hamiltonian import conserves_ones, pauli_hamiltonian, pauli_sector_hamiltonian
from qvar.engines.penalties import Penalty, penalized
from qvar.engines.sector import sector_circuit
from qvar.engines.sharding import (
    check_same_program,
    device_mesh,
    of_first_process,
    process_minimum,
    replicate,
    spanning,
)
from qvar.engines.state_function import (
    ForwardStateFunction,
    StateFunction,
    bytes_per_evaluation,
    bytes_per_state,
    most_in_cache,
    state_data,
)
from qvar.engines.symmetry_expectations import (
    column_symmetries,
    mapped_symmetries,
    register_symmetries,
    spin_symmetries,
)
from qvar.errors import QvarError
from qvar.host_kernels import HostKernels, HostSource
from qvar.memory import memory_limit, require_memory
from qvar.objective import Objective
from qvar.pauli import word_masks
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.problem import Problem

Engine: TypeAlias = Literal["auto", "sector", "dense"]
"""`auto` takes the smallest sector that every operation and the Hamiltonian conserve, else the register: electrons with
the reference's N_alpha and N_beta; or basis states with its number of ones, its parities of ones, or both."""

MAX_DENSE_QUBITS = 30
"""2^30 complex amplitudes are 16 GiB, and a gradient needs about eight such states."""

MAX_DECODED_MODES = 20
"""Modes of a mapped problem up to which symmetries are measured: the state is spread over all their determinants."""

MAX_COLUMN_STATES = 1 << 24
"""Basis states in a sector that is a single column; each different operation keeps a table as long as the state."""

BYTES_PER_PAIR = 8
"""Memory of a state in the table of an operation of a sector of parities: half of the states, with partner and sign."""

MAX_PARITY_TABLES = 1 << 29
"""Bytes of the tables of operations that pair all states of a sector of parities; above it, the register is faster to
set up and takes less memory."""


@checked(own=("devices",))
def energy(
    problem: Problem,
    ansatz: Ansatz,
    *,
    engine: Engine = "auto",
    devices: int | None = None,
    penalties: Mapping[str, Penalty] | None = None,
) -> Objective:
    r"""Return the variational energy \(E(\theta) = \langle\psi(\theta)|H|\psi(\theta)\rangle\) as an Objective.

    Args:
        problem: the Hamiltonian.
        ansatz: the circuit.
        engine: `"dense"` holds 2^n amplitudes, and its `state(theta)` has shape (2^n,), wire 0 the most
            significant bit; `"sector"` holds the determinants of the reference's (N_alpha, N_beta), and its state is a
            matrix (alpha strings, beta strings) in PySCF's order; or, if the circuit conserves less, the basis states
            with its number of ones or its parities in ascending order, and its state has shape (D, 1); `"auto"` takes
            the sector if possible.
        devices: number of JAX's devices that share the state; None for JAX's default device alone, or, after
            `jax.distributed.initialize()`, for all devices of all processes, which must then all call this.
        penalties: weights w of terms \(w \langle (O - o)^2 \rangle\) that are added to the energy, for O in
            `"particle_number"`, `"sz"` and `"s2"`; o is that of the reference determinant, for `"s2"` s (s + 1) with
            s = |S_z|, unless the entry is (weight, o). The energy alone is `Objective.unpenalized`.

    Returns:
        Objective in the problem's unit. Time of an evaluation grows as (operations x amplitudes they touch); memory is
        about eight states, whatever the depth; gradients are exact, by a reversible sweep.

    Raises:
        QvarError: if the numbers of qubits differ, `engine` is "sector" but the ansatz or problem does not conserve
            it, the state does not fit into memory, there are fewer devices, a weight is negative, no state has the
            value of a penalty, or the problems or ansätze of several processes differ by more than rounding.
    """
    objective = energies(problem, ansatz, engine=engine, devices=devices)(ansatz)
    if penalties is None:
        return objective
    if devices is not None:
        raise QvarError(f"`devices` must be None with penalties, but is {devices!r}.")
    return penalized(objective, problem, penalties)


@checked(own=("devices",))
def energies(
    problem: Problem, ansatz: Ansatz, *, engine: Engine = "auto", devices: int | None = None
) -> Callable[[Ansatz], Objective]:
    """Return `energy` of all circuits that conserve what one circuit does, and whose states are real if its are.

    The Hamiltonian's tables are made once, and all states have the layout of that circuit's.
    """
    mesh, sector = device_mesh(devices), choose_sector(problem, ansatz, engine=engine, devices=devices)
    real = ansatz.program.real
    if sector is not None:
        return _sector(problem, real, sector, mesh)
    if problem.integrals is not None:
        hamiltonian = _electronic(problem, problem.integrals, (None, None), mesh)
    else:
        assert problem.pauli is not None  # a Problem holds the one or the other
        hamiltonian = _pauli(problem.pauli, problem.n_qubits, mesh)
    return _dense(real, hamiltonian, problem, mesh)


@checked()
def choose_sector(
    problem: Problem, ansatz: Ansatz, *, engine: Engine = "auto", devices: int | None = None
) -> ConservedSector | None:
    """Return the sector that `energy` would take, None for the register, after a check of the memory of its states."""
    if ansatz.n_qubits != problem.n_qubits:
        raise QvarError(
            f"`ansatz` must have the problem's {problem.n_qubits} qubits, but {ansatz.name} has {ansatz.n_qubits}."
        )
    sector = None if engine == "dense" else _sector_or_obstacle(problem, ansatz, devices)
    if isinstance(sector, ConservedSector):
        _check_states(ansatz, sector.dimension, devices)
        return sector
    if engine == "sector":
        raise QvarError(f"`engine` must be 'dense' or 'auto' if {sector}, but is 'sector'.")
    _check_register(problem.n_qubits)
    _check_states(ansatz, 1 << problem.n_qubits, devices)
    return None


def _check_states(ansatz: Ansatz, n_amplitudes: int, devices: int | None) -> None:
    """Raise `QvarError` if the states of a value and gradient do not fit into memory."""
    mesh = device_mesh(devices)
    size = bytes_per_evaluation(bytes_per_state(ansatz.program, n_amplitudes))
    words = f"{ansatz.name} with {n_amplitudes} amplitudes"
    require_memory("ansatz", words, size, device=True, devices=1 if mesh is None else mesh.size)


def _sector_or_obstacle(problem: Problem, ansatz: Ansatz, devices: int | None) -> ConservedSector | str:
    """Return the smallest sector that an ansatz on a problem is proved to conserve, or the reason why there is none."""
    program, n = ansatz.program, problem.n_qubits
    if problem.pauli is None:
        if program.conserves_spin_numbers:
            return ConservedSector(electron_layout(n), program.reference_index)
        flips, counted = [0b101 << at for at in range(n - 2)], True  # electrons hop from orbital to orbital
    else:
        flips = [int(x) for x in word_masks(problem.pauli.words)[0]]
        counted = conserves_ones(problem.pauli.words, problem.pauli.coefficients)
    if program.one_of_many:
        return f"circuits of one ensemble share a register as {ansatz.name} does"
    sector = column_sector(program, flips, counted)
    if sector is None:
        if not counted:
            return f"the Hamiltonian conserves neither the number of ones nor a parity as that of {problem.name}"
        return f"neither the number of ones nor a parity is conserved as in {ansatz.name}"
    if sector.dimension > MAX_COLUMN_STATES:
        return f"the sector holds more than {MAX_COLUMN_STATES} states as the {sector.dimension} of {problem.name}"
    if not sector.counted and program.lowered.n_distinct * sector.dimension * BYTES_PER_PAIR > MAX_PARITY_TABLES:
        return f"the tables of a sector of parities are larger than {MAX_PARITY_TABLES} bytes as for {ansatz.name}"
    if problem.pauli is None and device_mesh(devices) is not None:
        return f"several devices cannot share a sector without N_alpha and N_beta as that of {ansatz.name}"
    return sector


@checked()
def expectation(observable: Any, ansatz: Ansatz, *, problem: Problem | None = None) -> Objective:
    r"""Return the expectation value \(\langle\psi(\theta)|O|\psi(\theta)\rangle\) of any PennyLane observable.

    Args:
        observable: Hermitian operator, `PauliWord` or `PauliSentence`; wires are 0 to n_qubits - 1.
        ansatz: the circuit.
        problem: the problem whose Hamiltonian the observable is, with a penalty for instance: errors are counted from
            its exact value, in its unit, and particle number and spin are measured. None for any other observable.

    Raises:
        QvarError: if the observable is not Hermitian or uses other wires, 2^n is out of reach, or the problem has
            another number of qubits.
    """
    from qvar.problems.fermion_mapping import pauli_terms

    if problem is not None:
        choose_sector(problem, ansatz, engine="dense")
    _check_register(ansatz.n_qubits)
    _check_states(ansatz, 1 << ansatz.n_qubits, None)
    terms = pauli_terms(observable, ansatz.n_qubits)
    return _dense(ansatz.program.real, _pauli(terms, ansatz.n_qubits), problem)(ansatz)


def _check_register(n_qubits: int) -> None:
    if n_qubits > MAX_DENSE_QUBITS:
        raise QvarError(f"`n_qubits` must be at most {MAX_DENSE_QUBITS} in the dense engine, but is {n_qubits}.")


def _pauli(terms: PauliTerms, n_qubits: int, mesh: Mesh | None = None) -> HamiltonianParts:
    return HamiltonianParts.of(pauli_hamiltonian(terms.words, terms.coefficients, n_qubits), 0.0, mesh)


def _electronic(
    problem: Problem, integrals: Integrals, electrons: tuple[int | None, int | None], mesh: Mesh | None
) -> HamiltonianParts:
    zero = problem.reference_energy - integrals.core_energy
    parts = electronic_hamiltonian(integrals.one_body, integrals.two_body, *electrons, zero=zero, mesh=mesh)
    return HamiltonianParts.of((*parts, True), problem.reference_energy, mesh)


def _electronic_blocks(
    problem: Problem, integrals: Integrals, sector: ConservedSector, states: IntArray
) -> HamiltonianParts:
    zero = problem.reference_energy - integrals.core_energy
    parts = electron_blocks(integrals.one_body, integrals.two_body, states, by_number=sector.counted, zero=zero)
    return HamiltonianParts.of((*parts, True), problem.reference_energy, None)


def _dense(
    real: bool, hamiltonian: HamiltonianParts, problem: Problem | None, mesh: Mesh | None = None
) -> Callable[[Ansatz], Objective]:
    n_qubits = 0 if problem is None else problem.n_qubits
    symmetries: Callable[[np.ndarray], dict[str, float]] | None = None
    if problem is not None and problem.integrals is not None:
        symmetries = lambda state: register_symmetries(state, n_qubits)  # noqa: E731
    elif problem is not None and problem.decoding is not None and len(problem.decoding) <= MAX_DECODED_MODES:
        decoding = problem.decoding
        symmetries = lambda state: mapped_symmetries(state, decoding)  # noqa: E731

    def of(ansatz: Ansatz) -> Objective:
        circuit: tuple[Circuit, PyTree, PyTree]
        if ansatz.program.one_of_many:
            circuit = mask_circuit(ansatz.program, real=hamiltonian.real and real)
        else:
            is_complex = not hamiltonian.real or (ansatz.program.real and not real)
            circuit = dense_circuit(ansatz.program, complex_state=is_complex, mesh=mesh)
        return _objective("dense", ansatz, circuit, hamiltonian, problem, symmetries, mesh, None)

    return of


def _sector(problem: Problem, real: bool, sector: ConservedSector, mesh: Mesh | None) -> Callable[[Ansatz], Objective]:
    n_qubits = problem.n_qubits
    hamiltonian: HamiltonianParts
    symmetries: Callable[[np.ndarray], dict[str, float]] | None = None
    strings = sector.strings()
    if problem.pauli is not None:
        words, coefficients = problem.pauli.words, problem.pauli.coefficients
        hamiltonian = HamiltonianParts.of(pauli_sector_hamiltonian(words, coefficients, strings[0]), 0.0, mesh)
    else:
        assert problem.integrals is not None  # a Problem holds the one or the other
        if sector.layout.beta:
            hamiltonian = _electronic(problem, problem.integrals, sector.ones, mesh)
            symmetries = lambda state: spin_symmetries(state, *strings, n_qubits // 2)  # noqa: E731
        else:
            hamiltonian = _electronic_blocks(problem, problem.integrals, sector, strings[0])
            symmetries = lambda state: column_symmetries(state, strings[0], n_qubits)  # noqa: E731

    def of(ansatz: Ansatz) -> Objective:
        circuit, _ = sector_circuit(ansatz.program, hamiltonian.real and real, sector, mesh)
        return _objective("sector", ansatz, circuit, hamiltonian, problem, symmetries, mesh, sector)

    return of


def _objective(
    engine: str,
    ansatz: Ansatz,
    circuit: tuple[Circuit, PyTree, PyTree],
    hamiltonian: HamiltonianParts,
    problem: Problem | None,
    symmetries: Callable[[np.ndarray], dict[str, float]] | None,
    mesh: Mesh | None,
    sector: ConservedSector | None,
) -> Objective:
    program = ansatz.program
    n_amplitudes = 1 << ansatz.n_qubits if sector is None else sector.dimension
    multiples = harmonics(program)
    kernel, reference, circuit_tables = circuit
    h_kernel = hamiltonian.kernel
    data = state_data(program, reference, circuit_tables) | {
        "hamiltonian": hamiltonian.tables,
        "constant": np.asarray(hamiltonian.constant, dtype=float),
    }
    check_same_program(repr((engine, kernel, h_kernel)), mesh)
    data = replicate(data, mesh)
    readers = spanning(mesh)
    state_function = StateFunction(kernel, program.angle_function, readers)
    state_bytes = bytes_per_state(program, n_amplitudes)
    scratch = bytes_per_evaluation(state_bytes, 1 if mesh is None else mesh.size)
    most_at_once = most_in_cache(state_bytes)
    if readers is not None:  # chunks are part of the program, which must be the same on all machines
        fitting = max(1, process_minimum(memory_limit() // scratch, mesh))
        scratch, most_at_once = 0, fitting if most_at_once is None else min(fitting, most_at_once)

    def draw(key: jax.Array, start: str | None = None) -> Any:
        if (start or ansatz.start) == "clifford":
            corrected = reference_angles(program, objective)
            first = None if corrected is None else corrected[None]
            return of_first_process(jax.device_put(clifford_start(objective, key=key, first=first)), mesh)
        theta = ansatz.initial(key, start)
        # draws of JAX are the same in all processes, results of PySCF are not
        return of_first_process(theta, mesh) if (start or ansatz.start) in ansatz.starts else theta

    def measure(theta: Any) -> dict[str, float]:
        assert symmetries is not None  # else `Objective.measure` is None
        return symmetries(np.asarray(objective.state(theta)))

    function = EnergyFunction(state_function, h_kernel)
    # the arrays of `data`, so that no table is kept twice
    make = partial(_host_kernels, program, (kernel, data["reference"], data["circuit"]), hamiltonian)
    objective = Objective(
        name=ansatz.name,
        family=ansatz.family,
        n_params=ansatz.n_params,
        function=function,
        draw=draw,
        data=data,
        count_costs=ansatz.resources,
        engine=engine,
        space="register" if sector is None else sector.name,
        basis_states=None if sector is None or sector.layout.beta else sector.strings()[0],
        unit="" if problem is None else problem.unit,
        baseline=None if problem is None else problem.reference_energy,
        target=None if problem is None else problem.exact_energy,
        draw_named=draw,
        state_function=state_function,
        forward_state_function=ForwardStateFunction(state_function),
        operator=OperatorFunction(h_kernel, readers),
        problem=problem,
        measure=None if symmetries is None else measure,
        frequencies=single_frequencies(multiples),
        harmonics=multiples,
        bytes_per_evaluation=scratch,
        most_at_once=most_at_once,
        host=None if mesh is not None else HostSource(make, function, state_function, data),
    )
    return objective


def _host_kernels(
    program: Program, circuit: tuple[Circuit, PyTree, PyTree], hamiltonian: HamiltonianParts
) -> HostKernels | None:
    try:
        from qvar.engines.host_energy import host_kernels
    except ImportError:  # no Numba here, which a node with a GPU does not need
        return None
    return host_kernels(program, circuit, lambda: hamiltonian.on_host, hamiltonian.constant)
