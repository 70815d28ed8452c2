from __future__ import annotations

import qvar
from qvar.ansatz.catalogue import ANSATZE, available, build
from qvar.ansatz.needs import HasModel
from qvar.problems.named import named


def test_names_differ_and_generic_ones_stand_first() -> None:
    assert len({entry.name for entry in ANSATZE}) == len(ANSATZE)
    h4 = named("h4")
    built, refused = build(h4)
    assert {*built, *refused} == {entry.name for entry in ANSATZE}
    assert not set(built) & set(refused)
    families = [ansatz.family for ansatz in built.values()]
    assert families == sorted(families, key=["generic", "constrained"].index)
    assert all(ansatz.n_qubits == 8 for ansatz in built.values())
    assert len({ansatz.name for ansatz in built.values()}) == len(built)  # a duel wants different names


def test_what_is_available_depends_on_the_problem() -> None:
    molecule, spins, hubbard = named("h2"), named("tfim"), named("hubbard")
    assert isinstance(molecule, HasModel)
    needs = {name: {entry.needs for entry in available(p)} for name, p in (("m", molecule), ("s", spins))}
    assert "model" not in needs["m"]
    assert "orbitals" not in needs["s"]
    assert {entry.name for entry in available(hubbard)} == {entry.name for entry in ANSATZE}
    mapped = molecule.mapped("parity", taper=True)  # a molecule whose electrons became qubits
    assert {entry.needs for entry in available(mapped)} == {"qubits"}


def test_what_an_ansatz_refuses_is_told() -> None:
    full = qvar.molecule("He 0 0 0")  # STO-3G has one orbital, and it is full
    _, refused = build(full)
    assert refused["uccsd"] == "`problem` must have occupied and empty orbitals to excite between, but has none."


def test_layers_reach_the_ansatz() -> None:
    h2 = named("h2")
    one, three = (build(h2, layers)[0]["hardware_efficient"].resources().two_qubit_gates for layers in (1, 3))
    assert (one, three) == (3, 9)
