"""The duel: rows, keys, failures."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.optimize.minimize import minimize_batch
from qvar.records.run_tables import ledger_from
from qvar.studies import training as training_module
from qvar.studies.training import minima_of


def _rows(duel: qvar.Duel) -> list[list[dict]]:
    return [task.run(lambda progress: None) for task in duel.tasks()]


def _nan_after(limit: float) -> qvar.Objective:
    """Not a number for starts beyond a limit."""
    return qvar.Objective(
        name="fragile",
        family="generic",
        n_params=1,
        function=lambda theta, data: jnp.sum(jnp.where(theta > limit, jnp.nan, theta**2)),
        draw=lambda key: jnp.full(1, 2.0 * limit),
    )


def test_rows_of_a_contender(h2: qvar.Problem) -> None:
    duel = qvar.Duel(h2, [qvar.uccsd(h2)], seeds=3, budget=qvar.Budget(gradients=100))
    (rows,) = _rows(duel)
    assert [row["seed"] for row in rows] == [0, 1, 2]
    for row in rows:
        assert row["status"] == "converged"
        assert row["value"] == pytest.approx(-1.1372701747, abs=1e-8)  # UCCSD is exact for two electrons
        assert row["error"] == pytest.approx(row["value"] - row["reference"], abs=1e-14)
        assert row["correlation_recovered"] == pytest.approx(1.0, abs=1e-6)
        assert (row["particle_number"], row["sz"], row["s2"]) == pytest.approx((2.0, 0.0, 0.0), abs=1e-6)
        assert (row["engine"], row["family"], row["unit"]) == ("sector", "constrained", "Ha")
        assert row["trace_value"][-1] == row["value"]
        assert row["initial_gradient_norm"] == row["trace_gradient_norm"][0]
        first = next(
            n
            for n, v in zip(row["trace_evaluations"], row["trace_value"], strict=True)
            if v - row["reference"] < 1.6e-3
        )
        assert row["evaluations_to_tolerance"] == first
    assert len({row["initial_gradient_norm"] for row in rows}) == 3  # seeds start in different places


def test_what_measurements_would_cost(h2: qvar.Problem) -> None:
    duel = qvar.Duel(h2, [qvar.uccsd(h2), _nan_after(0.5)], seeds=3, budget=qvar.Budget(gradients=100))
    (circuit, objective) = _rows(duel)
    one_norm = sum(abs(coefficient) for word, coefficient in h2.hamiltonian().pauli_rep.items() if word)
    for row in circuit:
        assert row["pauli_one_norm"] == pytest.approx(one_norm, abs=1e-12)
        assert row["parameter_shift_energies"] == 4 * 3  # excitations have eigenvalues -1, 0, 1
        assert row["minimum"] == 0
    for row in objective:  # brings no Hamiltonian, and ended nowhere
        assert "pauli_one_norm" not in row
        assert row["minimum"] is None
    kinds = ledger_from([*circuit, *objective]).dtypes.astype(str)
    assert kinds[["minimum", "pauli_one_norm", "parameter_shift_energies"]].tolist() == ["Int64", "float64", "Int64"]


def test_minima_of_one_energy_differ_by_their_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """H = -ZZ on a product of RY: both |00> and |11> have energy -1."""

    def circuit(theta):
        qml.RY(theta[0], 0)
        qml.RY(theta[1], 1)

    objective = qvar.energy(qvar.tfim(2, h=0.0), qvar.Ansatz.from_circuit(circuit, n_qubits=2, n_params=2))
    starts = jnp.array([[0.3, -0.2], [3.0, 3.4], [-0.1, 0.5], [2.5, -3.0], [0.0, jnp.nan], [jnp.pi / 2, -jnp.pi / 2]])
    results = minimize_batch(objective, starts, budget=qvar.Budget(escape="never"))
    assert minima_of(objective, results) == [0, 1, 0, 1, None, 2]  # the last one starts on a ridge of energy 0
    monkeypatch.setattr(training_module, "MAX_STATE_BYTES", 4 * 4 * 8 - 1)  # four states of four amplitudes
    assert minima_of(objective, results) == [0, 0, 0, 0, None, 1]


def test_minima_without_a_state() -> None:
    """A double well whose wells differ in depth, by their energies alone."""

    def wells(theta, data):
        return jnp.sum((theta**2 - 1) ** 2 + 0.1 * theta)

    objective = qvar.Objective("wells", "generic", 1, wells, lambda key: jnp.zeros(1))
    assert minima_of(objective, minimize_batch(objective, jnp.array([[0.9], [-1.1], [1.3]]))) == [1, 0, 1]


def test_a_nan_start_is_a_status_and_the_others_finish(h2: qvar.Problem) -> None:
    duel = qvar.Duel(h2, [_nan_after(0.5), qvar.uccsd(h2)], seeds=2, budget=qvar.Budget(gradients=50))
    broken, fine = _rows(duel)
    assert [row["status"] for row in broken] == ["not_finite"] * 2
    assert all(np.isnan(row["value"]) for row in broken)
    assert [row["status"] for row in fine] == ["converged"] * 2


def test_an_exception_is_a_status(h2: qvar.Problem) -> None:
    def explode(theta, data):
        raise RuntimeError("no such luck\nand more")

    objective = qvar.Objective("boom", "generic", 1, explode, lambda key: jnp.zeros(1))
    (rows,) = _rows(qvar.Duel(h2, [objective], seeds=2))
    assert [(row["status"], row["message"]) for row in rows] == [("failed", "RuntimeError: no such luck")] * 2


def test_starts_from_amplitudes_differ_with_noise(h2: qvar.Problem) -> None:
    ansatz, budget = qvar.uccsd(h2).with_start("mp2"), qvar.Budget(gradients=1)
    for noise, distinct in ((0.0, 1), (0.05, 3)):
        (rows,) = _rows(qvar.Duel(h2, [ansatz], seeds=3, budget=budget, start_noise=noise))
        assert len({row["value"] for row in rows}) == distinct
        assert {row["start_noise"] for row in rows} == {noise}
        again = _rows(qvar.Duel(h2, [ansatz], seeds=3, budget=budget, start_noise=noise))[0]
        assert [row["value"] for row in again] == [row["value"] for row in rows]
    objective = qvar.energy(h2, ansatz)
    key, start = jax.random.key(5), ansatz.initial(jax.random.key(5))
    draws = np.stack([training_module.noisy_start(objective, jax.random.key(k), 0.05) - start for k in range(40)])
    assert np.std(draws) == pytest.approx(0.05, rel=0.25)  # 120 numbers: 6.5 %
    np.testing.assert_array_equal(training_module.noisy_start(objective, key, 0.0), start)
    for noise in (-0.1, np.inf):
        with pytest.raises(qvar.QvarError, match=r"^`start_noise` must "):
            qvar.Duel(h2, [ansatz], start_noise=noise)


def test_keys_depend_on_inputs_alone(h2: qvar.Problem) -> None:
    def keys(**changes):
        arguments = {"problem": h2, "contenders": [qvar.uccsd(h2)], "seeds": 2, **changes}
        return [task.key for task in qvar.Duel(**arguments).tasks()]

    again = qvar.molecule("H 0 0 0; H 0 0 0.7414", basis="sto-3g")
    assert keys() == keys(problem=again, contenders=[qvar.uccsd(again)])
    others = [
        keys(seeds=3),
        keys(start_noise=0.1),
        keys(method=qvar.adam()),
        keys(method=qvar.lbfgs(memory=5)),
        keys(budget=qvar.Budget(gradients=7)),
        keys(engine="dense"),
        keys(contenders=[qvar.uccsd(h2, order="doubles_first")]),
        keys(problem=qvar.molecule("H 0 0 0; H 0 0 0.75", basis="sto-3g")),
    ]
    assert len({key for other in [keys(), *others] for key in other}) == 9


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seeds": 0}, "`seeds` must be at least 1, but is 0."),
        ({"contenders": []}, "`contenders` must hold at least one ansatz or objective, but is []."),
    ],
)
def test_mistakes(h2: qvar.Problem, changes: dict, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        qvar.Duel(**{"problem": h2, "contenders": [qvar.uccsd(h2)], **changes})
    assert str(caught.value) == sentence


def test_contenders_have_different_names(h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`contenders` must have different names, but 'uccsd' occurs more than"):
        qvar.Duel(h2, [qvar.uccsd(h2), qvar.uccsd(h2)])


def test_a_forced_sector_is_refused_before_anything_runs(h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`engine` must be 'dense' or 'auto'"):
        qvar.Duel(h2, [qvar.hardware_efficient(h2, layers=1)], engine="sector")


def test_an_observable_as_a_contender() -> None:
    spins = qvar.tfim(3)
    ansatz = qvar.hardware_efficient(3, layers=2, rotations=("RY",))
    objective = qvar.expectation(qml.PauliZ(0) @ qml.PauliZ(1), ansatz)
    (rows,) = _rows(qvar.Duel(spins, [objective], seeds=2))
    assert all(row["value"] == pytest.approx(-1.0, abs=1e-6) for row in rows)


def test_an_energy_with_a_penalty_has_an_error(h2: qvar.Problem) -> None:
    ansatz = qvar.hardware_efficient(h2, layers=1, rotations=("RY",))
    number = sum(0.5 * (qml.Identity(wire) - qml.PauliZ(wire)) for wire in range(4))
    off = number - 2 * qml.Identity(0)
    objective = qvar.expectation(qml.simplify(h2.hamiltonian() + 0.5 * off @ off), ansatz, problem=h2)
    own = qvar.Objective(
        "own", "generic", ansatz.n_params, objective.function, objective.draw, data=objective.data, unit="Ha"
    )
    other = replace(own, name="other", unit="")
    duel = qvar.Duel(h2, [replace(objective, name="penalized"), own, other], seeds=1, budget=qvar.Budget(gradients=40))
    (penalized,), (mine,), (unknown,) = _rows(duel)
    for row in (penalized, mine):
        assert row["reference"] == pytest.approx(h2.exact_energy(), abs=1e-10)
        assert row["error"] == pytest.approx(row["value"] - h2.exact_energy(), abs=1e-10)
        assert np.isfinite(row["correlation_recovered"])
    assert penalized["particle_number"] == pytest.approx(2.0, abs=0.2)
    assert np.isnan(unknown["error"])
    with pytest.raises(qvar.QvarError, match=r"^`ansatz` must have the problem's 8 qubits"):
        qvar.expectation(number, ansatz, problem=qvar.hydrogen_chain(4))


def test_spin_models_are_trained(h2: qvar.Problem) -> None:
    spins = qvar.tfim(4, j=1.0, h=1.0)
    (rows,) = _rows(qvar.Duel(spins, [qvar.hardware_efficient(spins, layers=3)], seeds=4))
    exact = 1 - 1 / np.sin(np.pi / 18)
    assert rows[0]["reference"] == pytest.approx(exact, abs=1e-10)
    assert min(row["error"] for row in rows) < 0.05
    assert all(row["error"] > -1e-9 for row in rows)
    assert rows[0]["unit"] == "J"
    assert rows[0]["evaluations_to_tolerance"] is None  # 1.6 mHa means nothing here
