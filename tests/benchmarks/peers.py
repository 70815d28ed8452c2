"""The other simulators, asked for the same numbers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

import qvar
from qvar.ansatz.gates import KINDS
from qvar.basis import formats

PUBLISHED: dict[str, tuple[str, dict[str, float]]] = {
    "TenCirChem-NG": (
        "TenCirChem-NG 2024.10, NumPy backend, UCCSD energy and gradient on two cores, float64, taken on another "
        "day: 24 ms for H8 (200 factors), 1.4 s for H10 (467), 55 s for H12 (954); here per factor",
        {"h8": 0.024 / 200, "h10": 1.4 / 467, "h12": 55 / 954},
    ),
    "SlowQuant": (
        "SlowQuant, pull request 88, its authors' machine: one iteration of fUCCSD (875 and 1818 factors), which may "
        "be more than one energy and gradient",
        {"h10": 17.0, "h12": 510.0},
    ),
}
"""Figures from elsewhere, in seconds, with where they are from."""

ValueAndGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]


def installed(module: str) -> bool:
    """Whether an optional peer is there."""
    return importlib.util.find_spec(module) is not None


def lightning(problem: qvar.Problem, ansatz: Any) -> ValueAndGradient:
    """PennyLane's C++ simulator with the adjoint method."""
    from qvar.engines.pennylane_reference import oracle

    return oracle(problem, ansatz, device="lightning.qubit")


def qulacs(problem: qvar.Problem, ansatz: Any) -> ValueAndGradient:
    """Qulacs with its backpropagation, for circuits of RX, RY, RZ, CNOT and observables of Pauli words."""
    import qulacs as peer

    program, n = ansatz.program, problem.n_qubits
    assert problem.pauli is not None
    observable = peer.Observable(n)
    for word, coefficient in zip(problem.pauli.words, problem.pauli.coefficients, strict=True):
        letters = " ".join(f"{letter} {wire}" for wire, letter in enumerate(word) if letter != "I")
        observable.add_operator(float(coefficient), letters)
    circuit = peer.ParametricQuantumCircuit(n)
    order: list[int] = []
    params = dict(zip(program.angle_op.tolist(), program.angle_param.tolist(), strict=True))
    for index in range(program.n_ops):
        name, wires = KINDS[program.kind[index]].name, program.op_wires(index)
        if name == "CNOT":
            circuit.add_CNOT_gate(*wires)
        else:
            getattr(circuit, f"add_parametric_{name}_gate")(wires[0], 0.0)
            order.append(params[index])
    assert np.all(program.angle_scale == 1.0)

    def value_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        for position, param in enumerate(order):
            circuit.set_parameter(position, -theta[param])  # qulacs turns the other way round
        state = peer.QuantumState(n)
        circuit.update_quantum_state(state)
        gradient = np.zeros(len(theta))
        gradient[order] = circuit.backprop(observable)
        return observable.get_expectation_value(state), -gradient

    return value_and_gradient


def pyscf_product(problem: qvar.Problem) -> Callable[[np.ndarray], np.ndarray]:
    """H|psi> by PySCF's C kernel with all its threads, on a matrix of amplitudes, without the core energy."""
    from pyscf import ao2mo
    from pyscf.fci import cistring, direct_spin1

    integrals, m = problem.integrals, problem.n_orbitals
    assert integrals is not None
    electrons = (problem.n_alpha, problem.n_beta)
    absorbed = direct_spin1.absorb_h1e(integrals.one_body, integrals.two_body, m, electrons, 0.5)
    absorbed = ao2mo.restore(4, absorbed, m)
    links = tuple(cistring.gen_linkstr_index_trilidx(range(m), n) for n in electrons)
    return lambda state: direct_spin1.contract_2e(absorbed, state, m, electrons, links)


def ffsim_ucj_energy(problem: qvar.Problem, layers: int) -> Callable[[], float]:
    """The energy of a UCJ circuit that starts from coupled cluster, by ffsim's state vector."""
    import ffsim

    from qvar.ansatz.double_factorization import closed_shell_amplitudes

    m, electrons, integrals = problem.n_orbitals, (problem.n_alpha, problem.n_beta), problem.integrals
    assert integrals is not None
    occupied = sorted(problem.occupied_alpha)
    virtual = [p for p in range(m) if p not in occupied]
    _, t2 = closed_shell_amplitudes(problem.amplitudes("ccsd"), occupied, virtual)
    circuit = ffsim.UCJOpSpinBalanced.from_t_amplitudes(t2.transpose(1, 3, 0, 2), n_reps=layers)
    molecule = ffsim.MolecularHamiltonian(integrals.one_body, integrals.two_body, integrals.core_energy)
    hamiltonian = ffsim.linear_operator(molecule, norb=m, nelec=electrons)
    reference = ffsim.hartree_fock_state(m, electrons)

    def energy() -> float:
        state = ffsim.apply_unitary(reference, circuit, norb=m, nelec=electrons)
        return float(np.vdot(state, hamiltonian @ state).real)

    return energy


def pyscf_field(target: Any, found: Any) -> Callable[[], float]:
    """PySCF's RHF of a single molecule from scratch, integrals included, converged as qvar does.

    Args:
        target: a `qvar.basis.Target` with the method rhf.
        found: a `qvar.basis.BasisSet`.
    """
    from pyscf import gto, scf

    from qvar.problems.scf import converge

    shells = {element: gto.basis.parse(formats.nwchem(found), element) for element in found.elements}
    atoms, unit = list(target.geometry.atoms), target.geometry.unit

    def energy() -> float:
        return float(converge(scf.RHF(gto.M(atom=atoms, unit=unit, basis=shells, verbose=0))).e_tot)

    return energy
