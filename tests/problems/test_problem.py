from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from qvar import units
from qvar.errors import QvarError
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.molecule import hydrogen_chain
from qvar.problems.problem import Problem
from qvar.problems.spin_models import tfim


def spin_problem(words=("ZZ", "XI"), coefficients=(0.5, -1.0), **changes):
    arguments = {
        "name": "toy",
        "n_qubits": 2,
        "unit": units.COUPLING,
        "description": {"model": "toy"},
        "integrals": None,
        "pauli": PauliTerms(words, np.array(coefficients)),
        "occupied_alpha": (),
        "occupied_beta": (),
    }
    return Problem(**(arguments | changes))


def test_numbers_of_a_molecule():
    problem = hydrogen_chain(3)
    assert (problem.n_orbitals, problem.n_qubits, problem.unit) == (3, 6, units.HARTREE)
    assert (problem.n_alpha, problem.n_beta, problem.n_electrons) == (2, 1, 3)
    assert problem.reference_bits == (1, 1, 1, 0, 0, 0)


def test_numbers_of_a_spin_model():
    problem = tfim(3)
    assert (problem.n_orbitals, problem.n_qubits, problem.unit) == (0, 3, units.COUPLING)
    assert (problem.n_alpha, problem.n_beta, problem.n_electrons) == (0, 0, 0)
    assert problem.reference_bits == (0, 0, 0)


@pytest.mark.parametrize(("words", "energy"), [(("ZZ", "XI"), 0.5), (("IZ", "II"), -0.5), (("YY", "XX"), 0.0)])
def test_reference_energy_of_a_spin_model_counts_diagonal_words(words, energy):
    assert spin_problem(words).reference_energy == energy


def test_exact_energy_is_computed_once(monkeypatch):
    from qvar.problems import problem as module

    calls = []
    monkeypatch.setattr(module, "pauli_ground_energy", lambda terms: calls.append(terms) or -7.0)
    problem = spin_problem()
    assert [problem.exact_energy(), problem.exact_energy()] == [-7.0, -7.0]
    assert len(calls) == 1


def test_arrays_are_read_only():
    problem = hydrogen_chain(2)
    with pytest.raises(ValueError, match="read-only"):
        problem.integrals.one_body[0, 0] = 1.0


@pytest.mark.parametrize("compute", [False, True])
@pytest.mark.parametrize("make", [lambda: hydrogen_chain(3, bond=1.3), lambda: tfim(3, j=0.1, h=1 / 3)])
def test_round_trip_is_exact(tmp_path, make, compute):
    problem = make()
    if compute:
        problem.exact_energy()
    path = tmp_path / "problem.npz"
    problem.save(path)
    again = Problem.load(path)
    for field in ("name", "n_qubits", "unit", "description", "occupied_alpha", "occupied_beta"):
        assert getattr(again, field) == getattr(problem, field)
    assert again.known_exact_energy == (problem.exact_energy() if compute else None)
    assert again.reference_energy == problem.reference_energy
    if problem.integrals is not None:
        assert again.pauli is None
        assert again.integrals.core_energy == problem.integrals.core_energy
        assert again.integrals.one_body.tobytes() == problem.integrals.one_body.tobytes()
        assert again.integrals.two_body.tobytes() == problem.integrals.two_body.tobytes()
    else:
        assert again.integrals is None
        assert again.pauli.words == problem.pauli.words
        assert again.pauli.coefficients.tobytes() == problem.pauli.coefficients.tobytes()
    again.save(path)  # replaces
    assert Problem.load(path).known_exact_energy == again.known_exact_energy
    assert [file.name for file in tmp_path.iterdir()] == ["problem.npz"]


def test_known_energy_is_believed():
    assert spin_problem(known_exact_energy=-9.0).exact_energy() == -9.0


@pytest.mark.parametrize("make", [lambda: hydrogen_chain(4, active_space=(2, 2)), lambda: tfim(3, periodic=True)])
def test_description_is_json(make):
    description = make().description
    assert json.loads(json.dumps(description)) == description


def write_nothing(path):
    pass


def write_text(path):
    path.write_text("H 0 0 0")


def write_empty(path):
    path.write_bytes(b"")


def write_other_arrays(path):
    with path.open("wb") as file:
        np.savez(file, x=np.zeros(3))


def write_one_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def write_half(path):
    tfim(3).save(path)
    path.write_bytes(path.read_bytes()[:300])


def write_other_format(path):
    with path.open("wb") as file:
        np.savez(file, head=np.array(json.dumps({"format": "other"})))


@pytest.mark.parametrize(
    "write",
    [write_nothing, write_text, write_empty, write_other_arrays, write_one_array, write_half, write_other_format],
)
def test_load_refuses_other_files(tmp_path, write, one_sentence):
    path = tmp_path / "x.npz"
    write(path)
    with pytest.raises(QvarError) as info:
        Problem.load(path)
    one_sentence(info, "path", "x.npz")


@pytest.mark.parametrize("make", [lambda: hydrogen_chain(2), lambda: tfim(3)])
def test_a_flipped_bit_is_never_another_hamiltonian(tmp_path, make):
    path, problem = tmp_path / "x.npz", make()
    problem.exact_energy()
    problem.save(path)
    data, refused = path.read_bytes(), 0
    draw = random.Random(1)
    for bit in draw.sample(range(8 * len(data)), 300):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            back = Problem.load(path)
        except QvarError:
            refused += 1
            continue
        assert (back.name, back.description, back.bits) == (problem.name, problem.description, problem.bits)
        assert back.reference_energy == problem.reference_energy
        if problem.integrals is None:
            assert back.pauli.words == problem.pauli.words
            np.testing.assert_array_equal(back.pauli.coefficients, problem.pauli.coefficients)
        else:
            np.testing.assert_array_equal(back.integrals.two_body, problem.integrals.two_body)
        assert back.known_exact_energy in (None, problem.exact_energy())
    assert 0 < refused < 300  # such as in the time of change


def test_load_does_not_wait_for_a_pipe(tmp_path, one_sentence):
    path = tmp_path / "x.npz"
    os.mkfifo(path)
    with pytest.raises(QvarError) as info:
        Problem.load(path)
    one_sentence(info, "path", "x.npz")


def test_load_refuses_a_folder(tmp_path, one_sentence):
    with pytest.raises(QvarError) as info:
        Problem.load(tmp_path)
    one_sentence(info, "path")


@pytest.mark.parametrize("name", ["none/x.npz", "."])
def test_save_refuses_what_is_no_file(tmp_path, one_sentence, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(QvarError) as info:
        tfim(2).save(name)
    one_sentence(info, "path", repr(name))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: PauliTerms((), np.zeros(0)), "words"),
        (lambda: PauliTerms(("XA",), np.ones(1)), "words"),
        (lambda: PauliTerms(("XX", "X"), np.ones(2)), "words"),
        (lambda: PauliTerms(("XX",), np.ones(2)), "coefficients"),
        (lambda: Integrals(0.0, np.zeros((2, 3)), np.zeros((2,) * 4)), "one_body"),
        (lambda: Integrals(0.0, np.zeros((2, 2)), np.zeros((2,) * 3)), "two_body"),
        (lambda: spin_problem(pauli=None), "pauli"),
        (lambda: spin_problem(n_qubits=3), "n_qubits"),
        (lambda: spin_problem(occupied_alpha=(0,)), "occupied_alpha"),
        (lambda: tfim(2).hamiltonian("parity"), "mapping"),
        (lambda: hydrogen_chain(2).hamiltonian("bravyi"), "mapping"),
    ],
)
def test_mistakes_are_told_in_one_sentence(make, argument, one_sentence):
    with pytest.raises(QvarError) as info:
        make()
    one_sentence(info, argument)


def test_reading_a_problem_needs_numpy_only(tmp_path):
    path = tmp_path / "problem.npz"
    hydrogen_chain(2).save(path)
    code = f"""
import sys
import qvar.problems.problem
problem = qvar.problems.problem.Problem.load({str(path)!r})
problem.reference_energy, problem.reference_bits
heavy = {{"pyscf", "pennylane", "jax", "scipy", "pandas"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
