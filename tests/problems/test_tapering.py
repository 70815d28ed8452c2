from __future__ import annotations

import json
from dataclasses import replace

import jax
import numpy as np
import pennylane as qml
import pytest
from twin import descend

import qvar
from qvar.errors import QvarError
from qvar.problems.exact_energy import pauli_matrix
from qvar.problems.fermion_mapping import observable, pauli_terms, qubit_terms
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.problem import Problem
from qvar.problems.tapering import symmetry_generators, taper

MAPPINGS = ("jordan_wigner", "parity", "bravyi_kitaev")
PROBLEMS = {
    "H2": (lambda: qvar.hydrogen_chain(2, bond=0.7414), 1),
    "H2 doubly excited": (lambda: replace(qvar.hydrogen_chain(2), occupied_alpha=(1,), occupied_beta=(1,)), 1),
    "H3": (lambda: qvar.hydrogen_chain(3, bond=0.9), 3),
    "H4": (lambda: qvar.hydrogen_chain(4, bond=1.0), 5),
    "LiH CAS": (lambda: qvar.molecule("Li 0 0 0; H 0 0 1.595", active_space=(2, 5)), 6),
    "O2": (lambda: qvar.molecule("O 0 0 0; O 0 0 1.2", spin=2, active_space=(6, 4)), 3),
    "no symmetry": (
        lambda: qvar.molecule("O 0 0 0; H 0.9 0.2 0; O -0.3 1.5 0.4; H 0.1 1.9 -0.6", active_space=(4, 3)),
        4,
    ),
    "He": (lambda: qvar.molecule("He 0 0 0"), 1),
}
"""Problem, and its qubits after tapering: 2M less two for spin, less one per two-fold operation that tells orbitals."""


@pytest.fixture(scope="module", params=PROBLEMS)
def case(request):
    make, n_qubits = PROBLEMS[request.param]
    return make(), n_qubits


def all_bits(n):
    return np.array(list(np.ndindex(*(2,) * n)))


def sector_block(terms, bits, coupling=1e-10):
    """The block of the full matrix over all basis states with the generators' signs of `bits`; those states too."""
    z = np.array([[letter == "Z" for letter in word] for word in symmetry_generators(terms)], dtype=int)
    states = all_bits(terms.n_qubits)
    inside = np.all((states @ z.T) % 2 == (z @ np.array(bits)) % 2, axis=1)
    matrix = qml.matrix(observable(terms), wire_order=range(terms.n_qubits))
    assert np.abs(matrix[inside][:, ~inside]).max(initial=0.0) < coupling
    return matrix[np.ix_(inside, inside)], states[inside]


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_reference_and_exact_energy_survive(case, mapping):
    problem, n_qubits = case
    for tapered in (False, True):
        mapped = problem.mapped(mapping, taper=tapered)
        assert mapped.n_qubits == (n_qubits if tapered else problem.n_qubits)
        assert mapped.reference_energy == pytest.approx(problem.reference_energy, abs=1e-10)
        assert mapped.exact_energy() == problem.exact_energy()
        assert mapped.unit == problem.unit
        if mapped.n_qubits <= 8:
            spectrum = np.linalg.eigvalsh(pauli_matrix(mapped.pauli).toarray())
            assert np.abs(spectrum - problem.exact_energy()).min() < 1e-9


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("name", ["H3", "O2", "open-shell singlet"])
def test_tapered_matrix_is_the_block_of_the_sector(name, mapping):
    problem = replace(qvar.hydrogen_chain(2), occupied_alpha=(1,), occupied_beta=(0,))
    problem = problem if name == "open-shell singlet" else PROBLEMS[name][0]()
    mapped = problem.mapped(mapping, taper=True)
    block, _ = sector_block(qubit_terms(problem.integrals, mapping), problem.mapped(mapping).bits)
    assert mapped.reference_energy == pytest.approx(problem.reference_energy, abs=1e-10)
    np.testing.assert_allclose(pauli_matrix(mapped.pauli).toarray(), block, atol=1e-10)


def test_lih_loses_four_qubits(lih):
    """Two parities of spin and two mirror planes."""
    generators = {
        "IIIIIIZZIIII",
        "IIIIIIIIZZII",
        "ZIZIZIZIZIZI",
        "IZIZIZZIZIIZ",
    }
    assert set(symmetry_generators(qubit_terms(lih.integrals))) == generators
    for mapping in MAPPINGS:
        mapped = lih.mapped(mapping, taper=True)
        assert mapped.n_qubits == 8
        assert mapped.reference_energy == pytest.approx(-7.8631336887, abs=1e-9)
        assert mapped.exact_energy() == pytest.approx(-7.8827618487, abs=1e-9)
        assert replace(mapped, known_exact_energy=None).exact_energy() == pytest.approx(-7.8827618487, abs=1e-9)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("name", ["H3", "H4"])
def test_pennylane_tapers_the_same_but_for_a_z_string(name, mapping):
    problem = PROBLEMS[name][0]()
    n = problem.n_qubits
    operator, bits = problem.hamiltonian(mapping), problem.mapped(mapping).bits
    generators = qml.symmetry_generators(operator)
    words = symmetry_generators(qubit_terms(problem.integrals, mapping))
    assert {qml.pauli.pauli_word_to_string(g, wire_map={w: w for w in range(n)}) for g in generators} == set(words)
    signs = [(-1) ** sum(bits[w] for w in g.wires) for g in generators]
    # Not `qml.paulix_ops`: in 0.45 it numbers the wires that generators touch, which under Bravyi-Kitaev are not all.
    flips = [qml.X(max(g.wires)) for g in generators]
    theirs = qml.taper(operator, generators, flips, signs)
    ours = problem.hamiltonian(mapping, taper=True)
    theirs_rep, ours_rep = dict(theirs.pauli_rep.items()), dict(ours.pauli_rep.items())
    theirs_rep = {word: c for word, c in theirs_rep.items() if abs(c) > 1e-12}
    assert set(theirs_rep) == set(ours_rep)
    for word, coefficient in ours_rep.items():
        assert abs(coefficient) == pytest.approx(abs(theirs_rep[word]), abs=1e-12)
    wires = range(len(ours.wires))
    spectra = [np.linalg.eigvalsh(qml.matrix(h, wire_order=wires)) for h in (ours, theirs)]
    np.testing.assert_allclose(spectra[0], spectra[1], atol=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_any_hamiltonian_with_planted_symmetries(seed):
    rng = np.random.default_rng(seed)
    n = 5
    planted = rng.integers(0, 2, (2, n))
    words = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(80)]
    flips = np.array([[letter in "XY" for letter in word] for word in words], dtype=int)
    kept = [word for word, odd in zip(words, (flips @ planted.T % 2).any(axis=1), strict=True) if not odd]
    terms = PauliTerms(tuple(kept), rng.standard_normal(len(kept)))
    bits = tuple(int(b) for b in rng.integers(0, 2, n))
    tapered, short = taper(terms, bits)
    assert n - tapered.n_qubits >= np.linalg.matrix_rank(planted)
    dropped = [word.rindex("Z") for word in symmetry_generators(terms)]
    remaining = [k for k in range(n) if k not in dropped]
    assert short == tuple(bits[k] for k in remaining)
    block, states = sector_block(terms, bits)
    np.testing.assert_array_equal(states[:, remaining], all_bits(len(remaining)))  # each once, in order
    np.testing.assert_allclose(pauli_matrix(tapered).toarray(), block, atol=1e-12)


def test_noise_does_not_hide_a_symmetry(h4):
    rng = np.random.default_rng(0)
    noise = 1e-9 * rng.standard_normal(h4.integrals.one_body.shape)
    noisy = replace(
        h4,
        integrals=Integrals(h4.integrals.core_energy, h4.integrals.one_body + noise + noise.T, h4.integrals.two_body),
    )
    mapped = noisy.mapped("parity", taper=True)
    assert mapped.n_qubits == 5
    matrix = pauli_matrix(mapped.pauli).toarray()
    block, _ = sector_block(qubit_terms(noisy.integrals, "parity"), noisy.mapped("parity").bits, coupling=1e-7)
    np.testing.assert_allclose(matrix, block, atol=1e-12)
    assert np.linalg.eigvalsh(matrix)[0] == pytest.approx(noisy.exact_energy(), abs=1e-10)
    assert mapped.reference_energy == pytest.approx(noisy.reference_energy, abs=1e-10)


def test_symmetries_that_are_no_z_strings_stay():
    terms = PauliTerms(("XX", "YY"), np.array([1.0, 0.5]))  # XX and YY commute with both, and so does ZZ
    assert symmetry_generators(terms) == ("ZZ",)
    tapered, bits = taper(terms, (0, 1))
    assert (tapered.words, bits) == (("X",), (0,))
    np.testing.assert_allclose(tapered.coefficients, [1.5])


def test_one_qubit_stays():
    tapered, bits = taper(PauliTerms(("ZI", "IZ", "ZZ"), np.array([1.0, 2.0, 4.0])), (0, 1))
    np.testing.assert_allclose(pauli_matrix(tapered).toarray(), np.diag([1.0 - 2.0 - 4.0, -1.0 - 2.0 + 4.0]))
    assert bits == (0,)
    single = PauliTerms(("Z",), np.array([1.0]))
    tapered, bits = taper(single, (1,))
    assert (tapered.words, bits) == (("Z",), (1,))


def test_words_that_cancel_leave_zero():
    terms = PauliTerms(("XX", "YY"), np.array([1.0, 1.0]))
    tapered, _ = taper(terms, (0, 0))
    assert (tapered.words, tapered.coefficients.tolist()) == (("I",), [0.0])


@pytest.mark.parametrize("bits", [(0,), (0, 2), ()])
def test_wrong_bits(bits, one_sentence):
    with pytest.raises(QvarError) as info:
        taper(PauliTerms(("XX",), np.ones(1)), bits)
    one_sentence(info, "bits", "2")


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_operator_is_that_of_the_mapped_problem(h4, mapping):
    for tapered in (False, True):
        mapped = h4.mapped(mapping, taper=tapered)
        terms = pauli_terms(h4.hamiltonian(mapping, taper=tapered), mapped.n_qubits)
        assert terms.words == mapped.pauli.words
        np.testing.assert_array_equal(terms.coefficients, mapped.pauli.coefficients)


def test_name_and_description(h4):
    mapped = h4.mapped("bravyi_kitaev", taper=True)
    assert mapped.name == "H4 1.0 sto-3g bravyi kitaev tapered"
    assert mapped.description == {"model": "mapped", "mapping": "bravyi_kitaev", "taper": True, "of": h4.description}
    assert json.loads(json.dumps(mapped.description)) == mapped.description
    assert h4.mapped("parity").name == "H4 1.0 sto-3g parity"


def test_round_trip_through_a_file(tmp_path, h4):
    mapped = h4.mapped("parity", taper=True)
    mapped.save(tmp_path / "h4.npz")
    again = Problem.load(tmp_path / "h4.npz")
    assert again.pauli.words == mapped.pauli.words
    np.testing.assert_array_equal(again.pauli.coefficients, mapped.pauli.coefficients)
    assert (again.bits, again.name, again.description) == (mapped.bits, mapped.name, mapped.description)
    assert again.exact_energy() == h4.exact_energy()
    assert again.reference_energy == mapped.reference_energy


def test_a_mapped_problem_is_not_mapped_again(h4, one_sentence):
    with pytest.raises(QvarError) as info:
        h4.mapped("parity").mapped("parity")
    one_sentence(info, "problem", "H4")


def test_universal_circuit_reaches_fci_in_every_mapping():
    problem = PROBLEMS["H3"][0]()
    keys = jax.random.split(jax.random.key(0), 3)
    for mapping in MAPPINGS:
        mapped = problem.mapped(mapping, taper=True)
        objective = qvar.energy(mapped, qvar.hardware_efficient(mapped, layers=4, rotations=("RY",)))
        best = min(descend(objective, objective.initial(key)) for key in keys)
        assert best == pytest.approx(problem.exact_energy(), abs=1e-8)


def test_circuit_on_tapered_qubits_starts_at_the_reference_and_stays_above_the_ground_state(h4):
    mapped = h4.mapped("parity", taper=True)
    objective = qvar.energy(mapped, qvar.hardware_efficient(mapped, layers=2, entangler="cz_chain"))
    zero = np.zeros(objective.n_params)  # CZ leaves a basis state where it is
    assert float(objective.loss(zero)) == pytest.approx(h4.reference_energy, abs=1e-10)
    near = zero + 0.1 * np.random.default_rng(0).standard_normal(objective.n_params)
    assert h4.exact_energy() - 1e-10 <= descend(objective, near, maxiter=50) < h4.reference_energy


def test_tapered_contender_in_a_duel_of_the_original():
    problem = PROBLEMS["H3"][0]()
    mapped = problem.mapped("parity", taper=True)
    small = qvar.energy(mapped, qvar.hardware_efficient(mapped, layers=1, name="tapered"))
    (task,) = qvar.Duel(problem, [small], seeds=1, budget=qvar.Budget(gradients=20)).tasks()
    (row,) = task.run(lambda progress: None)
    assert (row["problem"], row["contender"], row["n_qubits"], row["unit"]) == (problem.name, "tapered", 3, "Ha")
    assert row["reference"] == problem.exact_energy()
    assert row["error"] > -1e-10
    recovered = (problem.reference_energy - row["value"]) / (problem.reference_energy - problem.exact_energy())
    assert row["correlation_recovered"] == pytest.approx(recovered, rel=1e-6)


@pytest.mark.usefixtures("without_pages")
def test_record_of_a_mapped_problem(tmp_path):
    mapped = PROBLEMS["H3"][0]().mapped("parity", taper=True)
    duel = qvar.Duel(mapped, [qvar.hardware_efficient(mapped, layers=1)], seeds=1, budget=qvar.Budget(gradients=5))
    table = qvar.run(duel, tmp_path / "run", progress=False)
    assert table[["problem", "n_qubits", "engine", "unit"]].to_numpy().tolist() == [[mapped.name, 3, "dense", "Ha"]]
    assert table["reference"].tolist() == [mapped.exact_energy()]
