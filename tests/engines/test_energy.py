"""Which engine runs what, and what is refused."""

import numpy as np
import pytest

import qvar


def test_auto_takes_the_sector_where_it_can(h4: qvar.Problem) -> None:
    assert qvar.energy(h4, qvar.uccsd(h4)).engine == "sector"
    assert qvar.energy(h4, qvar.hardware_efficient(h4, layers=1)).engine == "dense"
    spins = qvar.tfim(4)
    assert qvar.energy(spins, qvar.hardware_efficient(spins, layers=1)).engine == "dense"


def test_sector_is_refused_where_it_is_not_conserved(h4: qvar.Problem) -> None:
    ansatz = qvar.hardware_efficient(h4, layers=1)
    with pytest.raises(qvar.QvarError, match=r"^`engine` must be 'dense' or 'auto' .* but is 'sector'\.$"):
        qvar.energy(h4, ansatz, engine="sector")


def test_qubits_must_fit(h4: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must have the problem's 8 qubits, but .* has 4\.$"):
        qvar.energy(h4, qvar.hardware_efficient(4))


def test_too_large_a_register_is_refused_before_anything_is_built() -> None:
    spins = qvar.tfim(40)
    with pytest.raises(qvar.QvarError, match=r"^`n_qubits` must be at most 30 in the dense engine, but is 40\.$"):
        qvar.energy(spins, qvar.hardware_efficient(spins, layers=1))


def test_theta_of_the_wrong_length(h4: qvar.Problem) -> None:
    objective = qvar.energy(h4, qvar.uccsd(h4))
    for call in (objective.loss, objective.value_and_grad, objective.state):
        with pytest.raises(qvar.QvarError, match=r"^`theta` must have shape \(26,\), but has shape \(3,\)\.$"):
            call(np.zeros(3))


def test_records_of_the_objective(h4: qvar.Problem) -> None:
    objective = qvar.energy(h4, qvar.uccsd(h4))
    assert objective.unit == "Ha"
    assert objective.costs.n_qubits == 8
    assert objective.target() == pytest.approx(h4.exact_energy())
    assert float(objective.loss(np.zeros(26))) == pytest.approx(h4.reference_energy, abs=1e-10)
    assert objective.state(np.zeros(26)).shape == (6, 6)


def test_real_circuits_are_simulated_in_real_numbers(h4: qvar.Problem) -> None:
    real = qvar.energy(h4, qvar.hardware_efficient(h4, layers=1, rotations=("RY",)))
    complex_ = qvar.energy(h4, qvar.hardware_efficient(h4, layers=1))
    assert real.state(np.zeros(real.n_params)).dtype == np.float64
    assert complex_.state(np.zeros(complex_.n_params)).dtype == np.complex128


def test_compile_time_does_not_grow_with_depth(h4: qvar.Problem) -> None:
    """The compiled program is the same size for 4 and for 40 layers."""
    import jax

    sizes = []
    for layers in (4, 40):
        objective = qvar.energy(h4, qvar.hardware_efficient(h4, layers=layers))
        theta = objective.initial(jax.random.key(0))
        lowered = jax.jit(jax.value_and_grad(objective.function)).lower(theta, objective.data)
        sizes.append(len(lowered.as_text().splitlines()))
    assert sizes[0] == sizes[1]


def test_energies_of_one_shape_share_a_compiled_program() -> None:
    from qvar.objective import _value_and_grad

    first, second = (qvar.hydrogen_chain(4, bond=bond) for bond in (1.07, 1.13))
    objective = qvar.energy(first, qvar.uccsd(first))
    objective.value_and_grad(np.zeros(26))
    compiled = _value_and_grad._cache_size()
    qvar.energy(second, qvar.uccsd(second)).value_and_grad(np.ones(26))
    assert _value_and_grad._cache_size() == compiled
