from __future__ import annotations

from math import comb

import pytest

import qvar
from qvar.ansatz.catalogue import ANSATZE, Entry, all_ansatze, obstacle
from qvar.ansatz.protocols import HasModel
from qvar.problems.named_problems import named


def test_names_differ_and_generic_ones_come_first() -> None:
    assert len({entry.name for entry in ANSATZE}) == len(ANSATZE)
    h4 = named("h4")
    built, refused = all_ansatze(h4)
    assert {*built, *refused} == {entry.name for entry in ANSATZE}
    assert not set(built) & set(refused)
    families = [ansatz.family for ansatz in built.values()]
    assert families == sorted(families, key=["generic", "constrained"].index)
    assert all(ansatz.n_qubits == 8 for ansatz in built.values())
    assert len({ansatz.name for ansatz in built.values()}) == len(built)  # a duel wants different names


def test_what_is_available_depends_on_the_problem() -> None:
    molecule, spins, hubbard = named("h2"), named("tfim"), named("hubbard")
    assert isinstance(molecule, HasModel)
    available = lambda problem: [entry for entry in ANSATZE if obstacle(entry, problem) is None]  # noqa: E731
    needs = {name: {entry.needs for entry in available(p)} for name, p in (("m", molecule), ("s", spins))}
    assert "model" not in needs["m"]
    assert "orbitals" not in needs["s"]
    assert {entry.name for entry in available(hubbard)} == {entry.name for entry in ANSATZE}
    mapped = molecule.mapped("parity", taper=True)  # a molecule whose electrons became qubits
    assert {entry.needs for entry in available(mapped)} == {"qubits"}


def test_what_an_ansatz_refuses_is_an_error() -> None:
    full = qvar.molecule("He 0 0 0")  # STO-3G has one orbital, and it is full
    _, refused = all_ansatze(full)
    assert refused["uccsd"] == "`problem` must have occupied and empty orbitals to excite between, but has none."


def test_layers_reach_the_ansatz() -> None:
    h2 = named("h2")
    one, three = (
        all_ansatze(h2, layers=layers)[0]["hardware_efficient"].resources().two_qubit_gates for layers in (1, 3)
    )
    assert (one, three) == (3, 9)


def test_parameter_counts() -> None:
    """Formulas in M orbitals, o occupied and v empty ones, n qubits and L layers, on shapes that tell them apart."""
    layers = 3
    for problem in (named("h4"), qvar.molecule("Li 0 0 0; H 0 0 1.546", frozen=[0]), qvar.hydrogen_chain(3, charge=1)):
        n, m, o = problem.n_qubits, problem.n_orbitals, problem.n_alpha
        v = m - o
        singles, mixed = o * v, (o * v) ** 2
        same = 2 * comb(o, 2) * comb(v, 2)
        expected = {
            "hardware_efficient": 2 * n * (layers + 1),
            "real_amplitudes": n * (layers + 1),
            "efficient_su2": 2 * n * (layers + 1),
            "strongly_entangling": 3 * n * layers,
            "basic_entangler": n * layers,
            "sim_circuit 6": (n * n + 3 * n) * layers,
            "random_circuit": n * layers,
            "identity_blocks": 2 * layers * (2 * n * 2),
            "uccsd": 2 * singles + same + mixed,
            "uccsd spin-adapted": singles + singles * (singles + 1) // 2,
            "uccsd qubit": 2 * singles + same + mixed,
            "uccd": same + mixed,
            "puccd": singles,
            "uccgsd": m * (m - 1) + 6 * comb(m, 4) + m**2 * (m - 1) ** 2 // 2,
            "kupccgsd": layers * 3 * m * (m - 1) // 2,
            "orbital_optimized puccd": singles + m * (m - 1) // 2,
            "gate_fabric": 2 * layers * (m - 1),
            "tups": 3 * layers * (m - 1),
            "givens_fabric": 3 * layers * (m - 1),
            "lucj": layers * (2 * m - 1 + m * (m - 1)),
            "ucj": layers * 2 * m**2,
            "symmetry_preserving": comb(n, 2 * o),
            "particle_conserving_u1": 2 * layers * (n - 1),
            "particle_conserving_u2": layers * (2 * n - 1),
        }
        built, refused = all_ansatze(problem, layers=layers)
        assert {name: ansatz.n_params for name, ansatz in built.items()} == expected
        assert set(refused) == {"hva"}
    groups = {"tfim": 2, "xxz": 4, "heisenberg": 2, "hubbard": 3}  # a chain has bonds of two colours
    for name, per_layer in groups.items():
        assert all_ansatze(named(name), layers=layers)[0]["hva"].n_params == per_layer * layers


PARTICULAR = [e for e in ANSATZE if e.needs != "qubits" and e.name != "ucj"]  # which hands all on to lucj


@pytest.mark.parametrize("entry", PARTICULAR, ids=lambda e: e.name)
def test_a_number_of_qubits_is_no_problem(entry: Entry) -> None:
    function = getattr(qvar, entry.name.split()[-1] if "optimized" in entry.name else entry.name.split()[0])
    with pytest.raises(qvar.QvarError, match="`problem` must be a"):
        function.__wrapped__(4)
