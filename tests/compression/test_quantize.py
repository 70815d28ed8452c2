"""Rounding of angles: the law of four per bit, grids, training on the grid, T gates, bad input."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar import diagnostics
from qvar.ansatz.resources import t_gates_of_rotation
from qvar.compression.angle_grid import Grid
from qvar.compression.grid_training import straight_through
from qvar.objective import Objective
from qvar.optimize.checkpoint import Keeper, Stopped, keeping

KEY = jax.random.key(0)


def trained(make: Any) -> tuple[qvar.Ansatz, Objective, np.ndarray]:
    problem = qvar.hydrogen_chain(4, 1.0)
    ansatz = make(problem)
    objective = qvar.energy(problem, ansatz)
    budget = qvar.Budget(gradients=2000, gradient_tolerance=1e-7, hessian_products=0)
    return ansatz, objective, np.asarray(qvar.minimize(objective, key=KEY, budget=budget).theta)


@pytest.fixture(scope="module")
def pairs() -> tuple[qvar.Ansatz, Objective, np.ndarray]:
    return trained(lambda problem: qvar.kupccgsd(problem, layers=1))


@pytest.mark.parametrize(
    "make",
    [qvar.uccsd, lambda problem: qvar.kupccgsd(problem, layers=1), lambda problem: qvar.tups(problem, layers=2)],
    ids=["uccsd", "kupccgsd", "tups"],
)
def test_the_mean_rise_falls_by_four_for_each_bit(make: Any) -> None:
    r"""\(\pi^2 \mathrm{Tr} K / (6 \cdot 4^b)\) within 10 % from 6 bits on."""
    ansatz, objective, theta = trained(make)
    trace = float(np.trace(np.asarray(diagnostics.hessian(objective, theta))))
    rises = {}
    for bits in (6, 8, 10):
        rises[bits] = qvar.rounding_rise(ansatz, theta, objective, key=KEY, bits=bits, samples=1000).value
        assert rises[bits] == pytest.approx(np.pi**2 * trace / (6.0 * 4.0**bits), rel=0.1)
        law = qvar.quantize(ansatz, theta, objective, bits=bits).predicted_rise
        assert law == pytest.approx(np.pi**2 * trace / (6.0 * 4.0**bits), rel=1e-10)
    assert (rises[6] / rises[10]) ** 0.25 == pytest.approx(4.0, rel=0.05)


def test_angles_lie_on_the_grid(pairs: Any) -> None:
    ansatz, objective, theta = pairs
    common = qvar.quantize(ansatz, theta, objective, bits=5)
    assert np.allclose(common.theta, np.round(common.theta / (2 * np.pi / 32)) * (2 * np.pi / 32), atol=1e-12)
    own = qvar.quantize(ansatz, theta, objective, bits=5, grid="class")
    multiples = own.theta / own.steps
    assert np.allclose(multiples, np.round(multiples), atol=1e-9)
    assert np.abs(multiples).max() <= 16
    assert len(np.unique(own.steps.round(9))) == 3  # pairs, and singles of two spins, which may agree
    law = float(np.diag(np.asarray(diagnostics.hessian(objective, theta))) @ own.steps**2) / 24.0
    assert own.predicted_rise == pytest.approx(law, rel=1e-6)
    assert float(objective.loss(own.theta)) == pytest.approx(own.value, abs=1e-13)
    assert np.array_equal(own.ansatz.initial(KEY), own.theta)


@pytest.mark.parametrize("retrain", ["straight_through", "coordinate"])
def test_training_on_the_grid_is_never_worse(pairs: Any, retrain: Any) -> None:
    ansatz, objective, theta = pairs
    gains = []
    for bits in (6, 7, 8):
        quantized = qvar.quantize(ansatz, theta, objective, bits=bits, retrain=retrain)
        assert [step.action for step in quantized.path] == ["start", "round", "train"]
        gains.append(quantized.path[-1].rise)
        multiples = quantized.theta / quantized.steps
        assert np.allclose(multiples, np.round(multiples), atol=1e-9)
    assert max(gains) <= 0.0 > min(gains)


def test_a_search_that_stops_continues_at_its_move(pairs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ansatz, objective, theta = pairs
    sizes: list[int] = []
    loss_batch = Objective.loss_batch

    def counted(self: Objective, thetas: Any) -> Any:
        sizes.append(len(thetas))
        return loss_batch(self, thetas)

    def run() -> tuple[Any, int]:
        """The result, and the moves of the search: each evaluates both neighbours of every angle."""
        sizes.clear()
        quantized = qvar.quantize(ansatz, theta, objective, bits=6, retrain="coordinate")
        return quantized, sizes.count(2 * len(theta))

    monkeypatch.setattr(Objective, "loss_batch", counted)
    whole, moves = run()
    assert moves > 1
    kept: dict[str, Any] = {}
    with pytest.raises(Stopped), keeping(Keeper(kept.get, kept.__setitem__, lambda: False, lambda: True)):
        run()
    assert sizes.count(2 * len(theta)) == 1
    for left in (moves - 1, 0):  # after its end it is not made again
        with keeping(Keeper(kept.get, kept.__setitem__, lambda: False, lambda: False)):
            resumed, made = run()
        assert made == left
        assert np.array_equal(resumed.theta, whole.theta)
        assert [step.describe() for step in resumed.path] == [step.describe() for step in whole.path]


def test_jax_and_the_host_pass_the_gradient_through(pairs: Any) -> None:
    _, objective, theta = pairs
    grid = Grid(np.full(len(theta), 0.1), np.full(len(theta), -np.inf), np.full(len(theta), np.inf))
    wrapped = straight_through(objective, grid)
    value, gradient = objective.value_and_grad(grid.rounded(theta))
    for one in (wrapped, replace(wrapped, host=None)):
        own, own_gradient = one.value_and_grad(theta)
        assert float(own) == pytest.approx(float(value), abs=1e-13)
        assert np.allclose(own_gradient, gradient, atol=1e-13)


def test_t_gates_are_those_of_rotations_as_exact_as_the_grid() -> None:
    """Two rotations: one by a multiple of pi/4, which is exact, one that is approximated."""
    ansatz = qvar.hardware_efficient(2, layers=1, rotations=("RZ",), final_rotations=False)
    objective = qvar.energy(qvar.tfim(2), ansatz)
    quantized = qvar.quantize(ansatz, [np.pi / 4 + 0.01, 0.5], objective, bits=5)
    assert quantized.costs.t_gates == 1 + t_gates_of_rotation(2.0 * np.pi / 32 / 4)
    mixed = qvar.quantize(ansatz, [np.pi / 4 + 0.01, 0.5], objective, bits=5, synthesis="mixed_fallback")
    assert mixed.costs.t_gates == np.ceil(1 + 0.56 * np.log2(4 * 32 / (2 * np.pi)) + 5.3)
    assert t_gates_of_rotation(1e-10) == 100


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"bits": -1}, "`bits` must be at least 1, but is -1."),
        ({"bits": 64}, "`bits` must be at most 40, but is 64."),
        ({"bits": 2.5}, "`bits` must be an integer, but is 2.5."),
        ({"grid": "fine"}, "`grid` must be 'common' or 'class', but is 'fine'."),
        ({"retrain": "adam"}, "`retrain` must be 'straight_through', 'coordinate' or None, but is 'adam'."),
    ],
)
def test_mistakes(pairs: Any, arguments: Any, sentence: str) -> None:
    ansatz, objective, theta = pairs
    with pytest.raises(qvar.QvarError) as error:
        qvar.quantize(ansatz, theta, objective, **arguments)
    assert str(error.value) == sentence


def test_sizes(pairs: Any) -> None:
    ansatz, objective, theta = pairs
    with pytest.raises(qvar.QvarError, match="`theta` must have"):
        qvar.quantize(ansatz, theta[:2], objective)
    with pytest.raises(qvar.QvarError, match="`objective` must have the 18 parameters of 1-upccgsd, but has 2"):
        qvar.quantize(ansatz, theta, Objective("f", "generic", 2, lambda x, _: jnp.sum(x), lambda key: np.zeros(2)))
