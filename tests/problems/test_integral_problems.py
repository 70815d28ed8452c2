"""Problems from bare integrals, against the same molecule and against PySCF's FCI."""

from __future__ import annotations

import numpy as np
import pytest

import qvar
from qvar.errors import QvarError


@pytest.fixture(scope="module")
def lih():
    return qvar.molecule("Li 0 0 0; H 0 0 1.546", frozen=[0])


def again(problem, **changes):
    own = problem.integrals
    arguments = {"core_energy": own.core_energy, "spin": problem.n_alpha - problem.n_beta} | changes
    n_electrons = arguments.pop("n_electrons", problem.n_electrons)
    return qvar.from_integrals(own.one_body, own.two_body, n_electrons, **arguments)


def test_the_same_molecule(lih):
    problem = again(lih)
    assert problem.reference_energy == lih.reference_energy
    assert problem.exact_energy() == pytest.approx(lih.exact_energy(), abs=1e-9)
    assert (problem.name, problem.unit, problem.notes) == ("integrals (2e,5o)", "Ha", ())
    objective = qvar.energy(problem, qvar.uccsd(problem))
    assert objective.engine == "sector"
    point = np.linspace(-0.3, 0.3, objective.n_params)
    assert float(objective.loss(point)) == pytest.approx(
        float(qvar.energy(lih, qvar.uccsd(lih)).loss(point)), abs=1e-12
    )


@pytest.mark.parametrize("electrons", [(2, 1), (1, 2), (3, 0), (0, 0)])
def test_exact_energies_of_any_numbers_of_electrons(lih, electrons):
    from pyscf import fci

    own = lih.integrals
    problem = again(lih, n_electrons=sum(electrons), spin=electrons[0] - electrons[1])
    assert (problem.n_alpha, problem.n_beta) == electrons
    theirs = (
        fci.direct_spin1.kernel(own.one_body, own.two_body, problem.n_orbitals, electrons)[0] if electrons[0] else 0.0
    )
    if not electrons[0] and electrons[1]:
        theirs = np.linalg.eigvalsh(own.one_body)[0]
    assert problem.exact_energy() == pytest.approx(own.core_energy + theirs, abs=1e-8)


def test_problems_differ_in_their_description(lih):
    """Tasks are named by it: other integrals, another determinant or unit are another problem."""
    own = lih.integrals
    shifted = qvar.from_integrals(own.one_body + 1e-9 * np.eye(5), own.two_body, 2, core_energy=own.core_energy)
    others = [again(lih, core_energy=0.0), again(lih, occupied=([1], [0])), again(lih, unit="J"), shifted]
    digests = [str(problem.description) for problem in (again(lih), *others)]
    assert len(set(digests)) == 5
    assert str(again(lih, name="x").description) == digests[0]


def test_a_reference_that_is_not_the_lowest_is_remarked(lih):
    higher = again(lih, occupied=([2], [2]))
    (remark,) = higher.remarks()
    lowest = min(again(lih, occupied=([p], [p])).reference_energy for p in range(5))
    assert "orbitals 0 and 2" in remark
    assert f"{1000 * (higher.reference_energy - lowest):.4g} mHa" in remark
    assert lowest == again(lih).reference_energy


def test_orbitals_of_each_spin(lih):
    problem = again(lih, occupied=([1], [3]))
    assert (problem.occupied_alpha, problem.occupied_beta) == ((1,), (3,))
    assert problem.reference_energy == pytest.approx(lih.integrals.determinant_energy([1], [3]), abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "argument", "mention"),
    [
        ({"n_electrons": 11}, "n_electrons", "from 0 to 10"),
        ({"n_electrons": -1}, "n_electrons", "from 0 to 10"),
        ({"spin": 1}, "spin", "parity"),
        ({"spin": 4}, "spin", "from -2 to 2"),
        ({"occupied": ([0, 1], [0])}, "occupied", "1 and 1 different orbitals"),
        ({"occupied": ([5], [0])}, "occupied", "below 5"),
        ({"occupied": [0, 1]}, "occupied[0]", "list"),
        ({"unit": "eV"}, "unit", "'Ha' or 'J'"),
        ({"core_energy": 1j}, "core_energy", "number"),
    ],
)
def test_wrong_arguments(lih, one_sentence, changes, argument, mention):
    with pytest.raises(QvarError) as info:
        again(lih, **changes)
    one_sentence(info, argument, mention)


def test_wrong_arrays(lih, one_sentence):
    own = lih.integrals
    physicists = own.two_body.transpose(0, 2, 1, 3)
    with pytest.raises(QvarError) as info:
        qvar.from_integrals(own.one_body, physicists, 2)
    one_sentence(info, "two_body", "physicists' order", "transpose(0, 2, 1, 3)")
    tilted = own.one_body + np.triu(np.full((5, 5), 0.01), 1)
    with pytest.raises(QvarError) as info:
        qvar.from_integrals(tilted, own.two_body, 2)
    one_sentence(info, "one_body", "symmetric")
    with pytest.raises(QvarError) as info:
        qvar.from_integrals(np.eye(32), np.zeros(1), 2)
    one_sentence(info, "one_body", "at most 31 orbitals", "32")
