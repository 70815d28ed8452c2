"""Cluster Jastrow circuits against matrix exponentials, coupled cluster and PennyLane's simulator."""

from functools import cache
from typing import Any, cast

import jax
import numpy as np
import pennylane as qml
import pytest
from scipy.sparse.linalg import expm_multiply
from twin import descend

import qvar
from qvar.ansatz.double_factorization import closed_shell_amplitudes, factorized_doubles
from qvar.ansatz.lucj import lucj, ucj
from qvar.engines.pennylane_reference import oracle

KEY = jax.random.key(0)


@cache
def _annihilators(n_wires: int) -> list[Any]:
    words = [cast("Any", qml.jordan_wigner(qml.FermiA(w))) for w in range(n_wires)]
    return [word.sparse_matrix(wire_order=range(n_wires)).tocsr() for word in words]


def _cluster(problem: qvar.Problem, rank: int):
    """T_rank - T_rank^dagger of CCSD, from the amplitudes in wires."""
    a = _annihilators(problem.n_qubits)
    total = 0.0 * a[0]
    for (creates, annihilates), amplitude in problem.amplitudes("ccsd").items():
        if len(creates) == rank:
            term = amplitude * (a[0] @ a[0].getH() + a[0].getH() @ a[0])  # the identity
            for wire in creates:
                term = term @ a[wire].getH()
            for wire in annihilates:
                term = term @ a[wire]
            total = total + term - term.getH()
    return total


def _numbers(orbitals, spin: int) -> list[Any]:
    """n_k of one spin in the orbitals that are the columns of V."""
    m = len(orbitals)
    a = _annihilators(2 * m)[spin::2]
    rotated = [a[0] * orbitals[0, k].conj() for k in range(m)]
    for p in range(1, m):
        rotated = [b + a[p] * orbitals[p, k].conj() for k, b in enumerate(rotated)]
    return [b.getH() @ b for b in rotated]


def _term(orbitals, couplings) -> Any:
    """i sum_kl Z_kl n_k n_l with n_k of both spins."""
    numbers = [up + down for up, down in zip(_numbers(orbitals, 0), _numbers(orbitals, 1), strict=True)]
    m = len(numbers)
    return 1j * sum(couplings[k, n] * numbers[k] @ numbers[n] for k in range(m) for n in range(m))


def _factors(problem: qvar.Problem):
    occupied = list(problem.occupied_alpha)
    virtual = [p for p in range(problem.n_orbitals) if p not in occupied]
    t1, t2 = closed_shell_amplitudes(problem.amplitudes("ccsd"), occupied, virtual)
    return t1, factorized_doubles(t2, occupied, virtual)


def _reference(problem: qvar.Problem) -> np.ndarray:
    state = np.zeros(2**problem.n_qubits, dtype=complex)
    state[int("".join(map(str, problem.reference_bits)), 2)] = 1.0
    return state


def _state(ansatz: qvar.Ansatz, theta) -> np.ndarray:
    @qml.qnode(qml.device("default.qubit", wires=ansatz.n_qubits))
    def node():
        ansatz.circuit(np.asarray(theta))
        return qml.state()

    return np.asarray(node())


def test_factors_add_up_to_the_doubles(h4: qvar.Problem) -> None:
    factors = _factors(h4)[1]
    assert len(factors) == 8  # two for each of the 2 x 2 eigenvalues
    total = sum(_term(f.orbitals, f.couplings) for f in factors)
    assert abs(total - _cluster(h4, 2)).max() < 1e-7  # CCSD itself is symmetric to its tolerance
    weights = [np.abs(f.couplings).max() for f in factors]
    assert weights[0] == max(weights)


@pytest.mark.parametrize("layers", [1, 3])
def test_ccsd_start_is_the_product_of_the_factors(h4: qvar.Problem, layers: int) -> None:
    expected = _reference(h4)
    for factor in _factors(h4)[1][:layers]:
        expected = expm_multiply(_term(factor.orbitals, factor.couplings), expected)
    expected = expm_multiply(_cluster(h4, 1), expected)
    ansatz = ucj(h4, layers=layers, final_rotation=True)
    assert ansatz.start == "ccsd"
    ours = _state(ansatz, ansatz.initial(KEY))
    assert abs(np.vdot(ours, expected)) == pytest.approx(1.0, abs=1e-10)


def test_square_start_keeps_the_pairs_that_it_has(h4: qvar.Problem) -> None:
    mask = np.eye(4) + np.eye(4, k=1) + np.eye(4, k=-1)
    expected = _reference(h4)
    for factor in _factors(h4)[1][:2]:
        z = factor.couplings * mask
        up, down = _numbers(factor.orbitals, 0), _numbers(factor.orbitals, 1)
        exponent = sum(2 * z[p, p + 1] * (n[p] @ n[p + 1]) for n in (up, down) for p in range(3))
        exponent = exponent + sum(2 * z[p, p] * (up[p] @ down[p]) for p in range(4))
        expected = expm_multiply(1j * exponent, expected)
    ansatz = lucj(h4, layers=2)
    assert abs(np.vdot(_state(ansatz, ansatz.initial(KEY)), expected)) == pytest.approx(1.0, abs=1e-10)


def _energy(problem: qvar.Problem, ansatz: qvar.Ansatz, scheme: str | None = None) -> float:
    """The energy at a start; what the engine computes is compared with PennyLane below."""
    return float(qvar.energy(problem, ansatz).loss(ansatz.initial(KEY, scheme)))


def test_starts_lie_below_the_reference(h4: qvar.Problem) -> None:
    for make in (ucj, lucj):
        for layers in (1, 2):
            ansatz = make(h4, layers=layers)
            for scheme in ("ccsd", "mp2"):
                assert _energy(h4, ansatz, scheme) < h4.reference_energy - 5e-3


def test_all_factors_recover_nearly_everything(h2: qvar.Problem, h4: qvar.Problem) -> None:
    """For two electrons CCSD is exact, and the order of the factors does no harm."""
    for problem, layers, error in ((h2, 2, 1e-6), (h4, 8, 1e-3)):
        ansatz = ucj(problem, layers=layers, final_rotation=True)
        energy = _energy(problem, ansatz)
        assert 0.0 <= energy - problem.exact_energy() < error
        more = ucj(problem, layers=layers + 1, final_rotation=True)
        again = _energy(problem, more)
        assert again == pytest.approx(energy, abs=1e-10)  # layers beyond the last factor begin as the identity


COUNTS = {
    "all": lambda m: m * (m + 1),
    "square": lambda m: 2 * m - 1,
    "hex": lambda m: m - 1 + (m + 1) // 2,
    "heavy-hex": lambda m: m - 1 + (m + 3) // 4,
}


@pytest.mark.parametrize("connectivity", list(COUNTS))
def test_parameter_counts_and_pairs(h2: qvar.Problem, lih: qvar.Problem, connectivity: Any) -> None:
    for problem in (h2, lih):
        m = problem.n_orbitals
        layer = COUNTS[connectivity](m) + m * (m - 1)
        assert lucj(problem, layers=3, connectivity=connectivity).n_params == 3 * layer
        assert lucj(problem, layers=1, connectivity=connectivity, final_rotation=True).n_params == layer + m * m
    program = lucj(lih, layers=1, connectivity=connectivity).program
    assert program.conserves_spin_numbers
    phases = [program.op_wires(i) for i in range(program.n_ops) if len(program.op_wires(i)) == 2]
    opposite = {(p // 2, q // 2) for p, q in phases if (p + q) % 2}
    same = {tuple(sorted((p // 2, q // 2))) for p, q in phases if (p + q) % 2 == 0}
    neighbours = {(p, p + 1) for p in range(5)}
    if connectivity == "all":
        assert opposite == {(p, q) for p in range(6) for q in range(6)}
        assert same == {(p, q) for p in range(6) for q in range(p + 1, 6)}
    else:
        step = {"square": 1, "hex": 2, "heavy-hex": 4}[connectivity]
        assert opposite == {(p, p) for p in range(0, 6, step)}
        assert same == neighbours
    assert ucj(lih, layers=2).n_params == 2 * 2 * 6**2


@pytest.mark.parametrize(("connectivity", "final_rotation"), [("all", True), ("heavy-hex", False)])
def test_agrees_with_pennylane(h2: qvar.Problem, connectivity: Any, final_rotation: bool) -> None:
    ansatz = lucj(h2, layers=2, connectivity=connectivity, final_rotation=final_rotation)
    theta = np.random.default_rng(7).uniform(-1.0, 1.0, ansatz.n_params)
    value, gradient = oracle(h2, ansatz)(theta)
    assert np.linalg.norm(gradient) > 1e-2
    for engine in ("dense", "sector"):
        ours, slope = qvar.energy(h2, ansatz, engine=engine).value_and_grad(theta)
        assert float(ours) == pytest.approx(value, abs=1e-10)
        np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)


def test_dense_is_sector(h4: qvar.Problem) -> None:
    ansatz = lucj(h4, layers=1)
    theta = np.random.default_rng(8).uniform(-1.0, 1.0, ansatz.n_params)
    dense, sector = (qvar.energy(h4, ansatz, engine=engine) for engine in ("dense", "sector"))
    (value, gradient), (ours, slope) = dense.value_and_grad(theta), sector.value_and_grad(theta)
    assert float(ours) == pytest.approx(float(value), abs=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-8)
    assert sector.measure is not None
    measured = sector.measure(theta)
    assert measured["particle_number"] == pytest.approx(4.0, abs=1e-10)
    assert measured["sz"] == pytest.approx(0.0, abs=1e-10)


def test_two_layers_do_better_than_one(h4: qvar.Problem) -> None:
    errors = []
    for layers in (1, 2):
        objective = qvar.energy(h4, ucj(h4, layers=layers))
        errors.append(descend(objective, objective.initial(KEY), gtol=1e-5) - h4.exact_energy())
    assert errors[1] < 0.2 * errors[0]
    assert errors[0] == pytest.approx(1.680e-3, abs=2e-6)


def test_open_shells_have_no_amplitude_start() -> None:
    h3 = qvar.hydrogen_chain(3, bond=1.1)
    ansatz = ucj(h3, layers=1)
    assert ansatz.start == "gaussian"
    with pytest.raises(qvar.QvarError, match=r"'zero', 'clifford' for ucj x1, but is 'ccsd'"):
        ansatz.with_start("ccsd")


def test_default_starts_of_open_shells_leave_the_determinant() -> None:
    h3 = qvar.hydrogen_chain(3, bond=1.0)
    assert h3.reference_energy is not None
    correlation = h3.reference_energy - h3.exact_energy()
    (rows,) = (task.run(lambda _: None) for task in qvar.Duel(h3, [lucj(h3, layers=1)], seeds=4).tasks())
    assert min(row["correlation_recovered"] for row in rows) > 0.4
    assert max(row["correlation_recovered"] for row in rows) > 0.75
    assert correlation > 0.04


def test_arguments() -> None:
    h2 = qvar.molecule("H 0 0 0; H 0 0 0.7414")
    with pytest.raises(qvar.QvarError, match=r"^`connectivity` must be 'all', .* but is 'ring'\.$"):
        cast("Any", lucj).__wrapped__(h2, connectivity="ring")
    with pytest.raises(qvar.QvarError, match=r"^`layers` must be at least 1, but is 0\.$"):
        lucj(h2, layers=0)
    with pytest.raises(qvar.QvarError, match=r"^`problem` must have occupied and empty orbitals, but has none\.$"):
        ucj(qvar.tfim(4))
