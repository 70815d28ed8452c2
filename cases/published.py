"""Tables of papers, computed again: published, here, difference, within the tolerance or not."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pennylane as qml

import qvar
from qvar import diagnostics

FILES = Path(__file__).resolve().parent / "published"
"""Folder of the tables: one TOML file for each, which holds all published numbers."""

QUICK = 45.0
"""Time, in seconds, up to which a table belongs to `all`."""

CHEMICAL_ACCURACY = 1.5936e-3
"""1 kcal/mol, in hartree."""


def case(table: tuple[str, ...] = ("all",), list: bool = False) -> qvar.Published | str:
    """Computes tables of papers again, and prints the published number, the one here and the difference.

    Args:
        table: Names of tables; "all" for every quick one.
        list: Whether to print the names of all tables, and to run nothing.
    """
    if list:
        return listing(tables())
    chosen = {one.name: one for name in table for one in named(name)}
    return qvar.Published(tuple(chosen.values()), RECIPES)


def tables() -> dict[str, qvar.PublishedTable]:
    """Return all tables by their names."""
    return {path.stem: qvar.PublishedTable.read(path) for path in sorted(FILES.glob("*.toml"))}


def named(name: str) -> list[qvar.PublishedTable]:
    """Return the table of a name, or all quick ones."""
    known = tables()
    if name == "all":
        return [one for one in known.values() if one.seconds <= QUICK]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"names nearby are {', '.join(near)}" if near else "--list prints them"
        raise qvar.QvarError(f"`table` must be all or the name of a table, but is {name!r}; {hint}.")
    return [known[name]]


def listing(known: Mapping[str, qvar.PublishedTable]) -> str:
    """Return the names of tables, with their sizes, times and titles."""
    lines = [f"{'table':<24} numbers  time  title"]
    for one in known.values():
        slow = " (by name alone)" if one.seconds > QUICK else ""
        lines.append(f"{one.name:<24} {one.n_numbers:>7} {one.seconds:>4.0f}s  {one.title}{slow}")
    papers = len({one.paper for one in known.values()})
    return "\n".join([*lines, f"{sum(one.n_numbers for one in known.values())} numbers from {papers} papers"])


# ---------------------------------------------------------------------------------------------------------------------
# Recipes: arguments from a table's file -> {quantity: value}


def energies(problem: dict[str, Any]) -> dict[str, float]:
    """Return the Hartree-Fock and exact energies of a molecule."""
    return energies_of(problem_of(problem))


def energies_of(problem: qvar.Problem) -> dict[str, float]:
    """Return the Hartree-Fock and exact energies of a problem."""
    return {"Hartree-Fock": problem.reference_energy, "exact": problem.exact_energy()}


def integrals(problem: dict[str, Any]) -> dict[str, float]:
    """Return integrals over spatial orbitals, in chemists' order."""
    made = problem_of(problem).integrals
    assert made is not None
    one = {f"h({p}{p})": made.one_body[p, p] for p in range(len(made.one_body))}
    size = range(len(made.one_body))
    two = {f"({p}{q}|{r}{s})": made.two_body[p, q, r, s] for p in size for q in size for r in size for s in size}
    return {"nuclear repulsion": made.core_energy, **one, **two}


def hamiltonian(
    problem: dict[str, Any], mapping: str = "jordan_wigner", known: tuple[int, ...] = (), repulsion: bool = True
) -> dict[str, float]:
    """Return the coefficients of the Pauli words on qubits, and the CNOTs of one exponential of each.

    Args:
        problem: Molecule.
        mapping: Mapping of modes to qubits.
        known: Qubits on which the Hamiltonian has nothing but I and Z, which are replaced by their values in the
            reference determinant.
        repulsion: Whether the identity holds the nuclear repulsion.
    """
    made = problem_of(problem)
    mapped = made.mapped(mapping)
    assert mapped.pauli is not None
    assert mapped.bits is not None
    assert made.integrals is not None
    sums: dict[str, float] = {}
    for word, coefficient in zip(mapped.pauli.words, mapped.pauli.coefficients, strict=True):
        qvar.require(not {word[wire] for wire in known} & set("XY"), "known", "name qubits without X and Y", known)
        sign = np.prod([1 - 2 * mapped.bits[wire] for wire in known if word[wire] == "Z"])
        rest = "".join(letter for wire, letter in enumerate(word) if wire not in known)
        sums[rest] = sums.get(rest, 0.0) + float(sign * coefficient)
    identity = "I" * (mapped.n_qubits - len(known))
    sums[identity] = sums.get(identity, 0.0) - (0.0 if repulsion else made.integrals.core_energy)
    words = [word for word, value in sums.items() if abs(value) > 1e-9 and word != identity]
    diagonal = [word for word in words if not set(word) & set("XY")]
    others = [word for word in words if word not in diagonal]
    return {
        **{f"term {word}": value for word, value in sums.items()},
        "qubits": len(identity),
        "Pauli terms": len(words),
        "CNOTs of the terms of Z": exponentials(diagonal),
        "CNOTs of the other terms": exponentials(others),
    }


def exponentials(words: list[str]) -> int:
    """Return the CNOTs of one exponential of each Pauli word."""

    def circuit(theta: Any) -> None:
        for index, word in enumerate(words):
            qml.PauliRot(theta[index], word, wires=range(len(word)))

    ansatz = qvar.Ansatz.from_circuit(circuit, len(words[0]), len(words))
    return ansatz.resources().two_qubit_gates or 0


def spin_tapered(problem: dict[str, Any]) -> dict[str, float]:
    """Return qubits and Pauli terms, identity excluded, once the parities of both spins are replaced by numbers."""
    mapped = problem_of(problem).mapped()
    assert mapped.pauli is not None
    assert mapped.bits is not None
    sums: dict[str, float] = {}
    for word, coefficient in zip(mapped.pauli.words, mapped.pauli.coefficients, strict=True):
        letters = word
        for spin in (0, 1):  # a word and its product with Z on all modes of a spin are one, up to a sign
            if letters[spin] in "ZY":
                swapped = "".join(
                    {"I": "Z", "Z": "I", "X": "Y", "Y": "X"}[letter] if wire % 2 == spin else letter
                    for wire, letter in enumerate(letters)
                )
                coefficient *= parity_sign(letters, spin, mapped.bits)
                letters = swapped
        sums[letters] = sums.get(letters, 0.0) + float(coefficient)
    terms = [word for word, value in sums.items() if abs(value) > 1e-9 and set(word) != {"I"}]
    return {"qubits": mapped.n_qubits - 2, "Pauli terms": len(terms)}


def parity_sign(word: str, spin: int, bits: tuple[int, ...]) -> float:
    """Return the factor between a Pauli word and its product with Z on all modes of a spin, of a known parity."""
    phase = 1 + 0j
    for wire in range(spin, len(word), 2):
        if word[wire] == "X":  # X Z = -i Y
            phase *= -1j
        elif word[wire] == "Y":  # Y Z = i X
            phase *= 1j
    return float((phase * (-1) ** sum(bits[spin::2])).real)


def growth(problem: dict[str, Any], pool: str, operators: int, **rules: Any) -> dict[str, float]:
    """Return energies and CNOTs of a growing circuit after each step, and what the last circuit costs."""
    made = problem_of(problem)
    elements = qvar.pool(pool, made, normalize=rules.pop("normalize", False))
    grown = qvar.adapt(made, elements, max_operators=operators, **rules)
    costs = grown.ansatz.resources()
    values: dict[str, float | None] = {
        **energies_of(made),
        "size of the pool": len(elements),
        "first gradients, norm": grown.steps[0].pool_norm,
        "first gradients, largest": grown.steps[0].largest_gradient,
        "operators": grown.n_operators,
        "parameters": grown.ansatz.n_params,
        "energy at the end": grown.value,
        "CNOTs at the end": costs.two_qubit_gates,
        "CNOT depth at the end": costs.cnot_depth,
    }
    for level in (CHEMICAL_ACCURACY, 1e-3):
        step = next((step for step in grown.steps if step.error < level), None)
        if step is not None:
            values[f"operators to {1e3 * level:.2g} mHa"] = step.n_operators
            values[f"CNOTs to {1e3 * level:.2g} mHa"] = step.cnots
    for step in grown.steps[1:]:
        values |= {f"energy after {step.n_operators}": step.value}
        values |= {f"CNOTs after {step.n_operators}": step.cnots}
    return {quantity: value for quantity, value in values.items() if value is not None}  # no CNOTs without circuits


def vqe(problem: dict[str, Any], ansatz: str, settings: dict[str, Any] | None = None) -> dict[str, float]:
    """Return the energy of a circuit trained from zero, and its size."""
    made = problem_of(problem)
    circuit = qvar.named_ansatz(made, ansatz, **(settings or {})).with_start("zero")
    budget = qvar.Budget(gradients=3000, gradient_tolerance=1e-7)
    trained = qvar.minimize(qvar.energy(made, circuit), key=jax.random.key(0), budget=budget)
    return {"energy": trained.value, "parameters": circuit.n_params}


def excitation(kind: str, wires: list[int], costs: str = "published") -> dict[str, float]:
    """Return the CNOTs and the CNOT depth of one excitation gate of PennyLane."""

    def circuit(theta: Any) -> None:
        if kind == "FermionicDoubleExcitation":
            half = len(wires) // 2
            qml.FermionicDoubleExcitation(theta[0], wires1=wires[:half], wires2=wires[half:])
        else:
            getattr(qml, kind)(theta[0], wires=wires)

    ansatz = qvar.Ansatz.from_circuit(circuit, max(wires) + 1, 1)
    counted = ansatz.resources(costs=costs)  # pyright: ignore[reportArgumentType]
    return {"CNOTs": counted.two_qubit_gates or 0, "CNOT depth": counted.cnot_depth or 0}


def pool_costs(problem: dict[str, Any], pool: str) -> dict[str, float]:
    """Return size and CNOTs of a pool's cheapest and dearest element."""
    elements = qvar.pool(pool, problem_of(problem))
    counts = [element.cnots for element in elements.elements if element.cnots is not None]
    return {"size of the pool": len(elements), "least CNOTs": min(counts), "most CNOTs": max(counts)}


def complete_pool(pool: str, qubits: int) -> dict[str, float]:
    """Return the size of a pool of Pauli words, and the directions in which circuits of them move a state."""
    elements = qvar.pool(pool, qvar.tfim(qubits)).elements
    operations = [operation for element in elements for _, operation in element.terms] * 2**qubits

    def circuit(theta: Any) -> None:
        for index, one in enumerate(operations):
            qml.PauliRot(theta[index], one.word, wires=one.wires)

    ansatz = qvar.Ansatz.from_circuit(circuit, qubits, len(operations))
    rank = diagnostics.fisher_rank(qvar.expectation(qml.Z(0), ansatz), key=jax.random.key(0), samples=2)
    return {"size of the pool": len(elements), "directions": rank}


def expressibility(gates: list[str]) -> dict[str, float]:
    """Return the divergence from Haar states of gates on one qubit, each with an angle of its own if it has one."""
    angles = [gate for gate in gates if gate != "Hadamard"]

    def circuit(theta: Any) -> None:
        free = iter(range(len(angles)))
        for gate in gates:
            arguments = [] if gate == "Hadamard" else [theta[next(free)]]
            getattr(qml, gate)(*arguments, wires=0)

    ansatz = qvar.Ansatz.from_circuit(circuit, 1, len(angles))
    power = diagnostics.expressibility(ansatz, key=jax.random.key(0), samples=5000, bins=75)
    return {"divergence": power.value}


def layers_to_exact(spins: int, most: int = 8) -> dict[str, float]:
    """Return the layers from which the Hamiltonian-variational circuit of a closed critical chain is exact."""
    problem = qvar.tfim(spins, periodic=True)
    for layers in range(1, most + 1):
        objective = qvar.energy(problem, qvar.hva(problem, layers=layers))
        starts = objective.initial_batch(jax.random.key(layers), 8, "uniform")
        budget = qvar.Budget(gradients=2000, gradient_tolerance=1e-9)
        ends = qvar.minimize_batch(objective, starts, budget=budget)
        if min(end.value for end in ends) - problem.exact_energy() < 1e-8:
            return {"layers": layers, "parameters": objective.n_params}
    return {}


def rotation_variance(qubits: int, cost: str, samples: int) -> dict[str, float]:
    """Return the variance of a derivative of a global or local cost, after one RX on each qubit."""
    zeros = [0.5 * (qml.I(wire) + qml.Z(wire)) for wire in range(qubits)]
    overlap = qml.prod(*zeros) if cost == "global" else qml.dot([1 / qubits] * qubits, zeros)

    def circuit(theta: Any) -> None:
        for wire in range(qubits):
            qml.RX(theta[wire], wires=wire)

    loss: Any = qml.simplify(qml.sum(qml.I(0), qml.s_prod(-1.0, overlap)))
    objective = qvar.expectation(loss, qvar.Ansatz.from_circuit(circuit, qubits, qubits))
    variance = diagnostics.gradient_variance(objective, key=jax.random.key(0), samples=samples)
    return {"variance": float(np.mean(variance.variance))}


def random_variance(qubits: int, layers: int, samples: int) -> dict[str, float]:
    """Return the variance of the derivative by the first angle of random circuits, for the observable Z0 Z1."""

    def make(key: jax.Array) -> qvar.Objective:
        return qvar.expectation(qml.Z(0) @ qml.Z(1), qvar.random_circuit(qubits, layers=layers, key=key))

    variance = diagnostics.ensemble_variance(make, key=jax.random.key(0), samples=samples)
    return {"variance": float(variance.variance[0])}


def atom(element: str, shells: dict[str, list[float]], spin: int = 0) -> dict[str, float]:
    """Return the Hartree-Fock energy of an atom in even-tempered shells: letter -> (least exponent, ratio, number)."""
    lines = ["BASIS spherical"]
    for letter, (least, ratio, number) in shells.items():
        lines += [f"{element} {letter}\n {least * ratio**k:.12g} 1.0" for k in range(int(number))]
    problem = qvar.molecule(f"{element} 0 0 0", basis="\n".join([*lines, "END"]), spin=spin)
    return {"Hartree-Fock": problem.reference_energy}


def lie_dimension(spins: int, periodic: bool, together: bool = False) -> dict[str, float]:
    """Return the dimension of the Lie algebra of the transverse-field Ising chain, with one angle for each term or two.

    Args:
        spins: Number of spins.
        periodic: Whether the chain is closed.
        together: Whether all couplings share an angle, and all fields.
    """
    pairs = [(i, (i + 1) % spins) for i in range(spins if periodic else spins - 1)]
    couplings, fields = [qml.Z(i) @ qml.Z(j) for i, j in pairs], [qml.X(i) for i in range(spins)]
    generators = [qml.sum(*couplings), qml.sum(*fields)] if together else [*couplings, *fields]
    return {"dimension": diagnostics.lie_dimension(generators)}


def problem_of(settings: dict[str, Any]) -> qvar.Problem:
    """Make a problem: a chain of hydrogen atoms, or the arguments of `qvar.molecule`."""
    arguments = dict(settings)
    chain = arguments.pop("chain", None)
    return qvar.molecule(**arguments) if chain is None else qvar.hydrogen_chain(chain, **arguments)


RECIPES: dict[str, Callable[..., Mapping[str, float]]] = {
    "atom": atom,
    "complete_pool": complete_pool,
    "energies": energies,
    "excitation": excitation,
    "expressibility": expressibility,
    "growth": growth,
    "hamiltonian": hamiltonian,
    "integrals": integrals,
    "layers_to_exact": layers_to_exact,
    "lie_dimension": lie_dimension,
    "pool_costs": pool_costs,
    "random_variance": random_variance,
    "rotation_variance": rotation_variance,
    "spin_tapered": spin_tapered,
    "vqe": vqe,
}
"""Recipes by the names that tables use."""


if __name__ == "__main__":
    qvar.launch(case)
