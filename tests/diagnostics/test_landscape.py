"""Scans of landscapes whose values are known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qvar
from qvar.diagnostics.landscape import (
    LineScan,
    hessian_directions,
    random_directions,
    scan_between,
    scan_line,
    scan_plane,
)
from qvar.objective import Objective

WEIGHTS = np.array([1.0, 0.5, -2.0])


def cosines(theta: jax.Array, data: object) -> jax.Array:
    """Sum of w_i cos(theta_i)."""
    return jnp.sum(data * jnp.cos(theta))


def quadratic(theta: jax.Array, data: object) -> jax.Array:
    """Half of theta A theta."""
    return 0.5 * theta @ data @ theta


def objective(function: object, data: object, n_params: int) -> Objective:
    return Objective(
        name="known",
        family="generic",
        n_params=n_params,
        function=function,  # type: ignore[arg-type]
        draw=lambda key: jnp.zeros(n_params),
        data=data,
        unit="Ha",
    )


@pytest.fixture(scope="module")
def waves() -> Objective:
    return objective(cosines, jnp.asarray(WEIGHTS), 3)


CENTER = np.array([0.3, -0.8, 1.9])


def test_a_line(waves: Objective) -> None:
    direction = np.array([0.2, 1.0, -0.7])
    scan = scan_line(waves, CENTER, direction, span=2.0, points=41)
    t = np.linspace(-2, 2, 41)
    assert scan.positions == pytest.approx(t)
    assert scan.values == pytest.approx(np.cos(CENTER + t[:, None] * direction) @ WEIGHTS, abs=1e-14)
    assert scan.values[20] == pytest.approx(float(waves.loss(CENTER)), abs=1e-14)
    assert scan.direction == pytest.approx(direction)
    assert scan.center == pytest.approx(CENTER)
    assert scan.unit == "Ha"
    assert scan.range == pytest.approx(scan.values.max() - scan.values.min())


def test_a_line_between_two_points(waves: Objective) -> None:
    end = np.array([1.0, 1.0, 1.0])
    scan = scan_between(waves, CENTER, end, points=7, beyond=0.25)
    t = np.linspace(-0.25, 1.25, 7)
    assert scan.positions == pytest.approx(t)
    assert scan.values == pytest.approx(np.cos(CENTER + t[:, None] * (end - CENTER)) @ WEIGHTS, abs=1e-14)
    exact = scan_between(waves, CENTER, end, points=2, beyond=0.0)
    assert exact.values == pytest.approx([float(waves.loss(CENTER)), float(waves.loss(end))], abs=1e-14)


def test_a_plane(waves: Objective) -> None:
    first, second = np.array([1.0, 0.0, 0.3]), np.array([0.0, 2.0, 0.0])
    scan = scan_plane(waves, CENTER, first=first, second=second, span=(1.0, 2.0), points=(4, 5))
    s, t = np.linspace(-1, 1, 4), np.linspace(-2, 2, 5)
    points = CENTER + s[:, None, None] * first + t[None, :, None] * second
    assert scan.values == pytest.approx(np.cos(points) @ WEIGHTS, abs=1e-14)
    assert scan.first_positions == pytest.approx(s)
    assert scan.second_positions == pytest.approx(t)
    assert scan_plane(waves, CENTER, first=first, second=second, span=1.0, points=3).values.shape == (3, 3)


def test_minima_of_a_plane(waves: Objective) -> None:
    """w cos has its minima at pi for w > 0; over two periods of each angle, 2 x 2 of them."""
    scan = scan_plane(waves, np.full(3, 0.1), first=np.eye(3)[0], second=np.eye(3)[1], span=2 * np.pi, points=61)
    assert scan.local_minima == 4
    assert (
        scan_plane(waves, np.full(3, np.pi), first=np.eye(3)[0], second=np.eye(3)[1], span=1.0, points=9).local_minima
        == 1
    )


def test_variation_and_minima_of_a_wave(waves: Objective) -> None:
    """-2 cos over two periods climbs and falls 4 each time; its minima are at multiples of 2 pi."""
    scan = scan_line(waves, np.array([0.3, -0.8, np.pi]), np.eye(3)[2], span=2 * np.pi, points=401)
    assert scan.total_variation == pytest.approx(16.0, abs=1e-12)
    assert scan.local_minima == 2
    assert scan.range == pytest.approx(4.0)


def test_a_line_without_extrema(waves: Objective) -> None:
    scan = scan_line(waves, np.array([np.pi / 2, 0.0, 0.0]), np.eye(3)[0], span=1.0)
    assert scan.total_variation == pytest.approx(2 * np.sin(1.0), abs=1e-12)
    assert scan.local_minima == 0


def made(values: list[float]) -> LineScan:
    return LineScan(
        positions=np.arange(len(values), dtype=float),
        values=np.array(values),
        center=np.zeros(1),
        direction=np.ones(1),
        unit="",
    )


def test_flat_bottoms_count_once_and_ends_do_not() -> None:
    assert made([3.0, 1.0, 1.0, 2.0, 0.0, 1.0]).local_minima == 2
    assert made([0.0, 1.0, 2.0, 1.0, 0.0]).local_minima == 0
    assert made([1.0, 1.0, 1.0]).local_minima == 0
    assert made([1.0, 1.0 - 1e-15, 1.0, 5.0]).local_minima == 0  # rounding


def test_frequencies_of_a_line(waves: Objective) -> None:
    """Along (1, 2, 0) the loss is cos(t + a) + 0.5 cos(2t + b) + c."""
    scan = scan_line(waves, CENTER, np.array([1.0, 2.0, 0.0]), points=33)
    frequencies, amplitudes = scan.spectrum()
    assert frequencies[:3] == pytest.approx([0.0, 1.0, 2.0])
    assert amplitudes[:3] == pytest.approx([abs(-2 * np.cos(1.9)), 1.0, 0.5], abs=1e-13)
    assert amplitudes[3:] == pytest.approx(np.zeros(len(amplitudes) - 3), abs=1e-13)
    assert scan.largest_frequency() == pytest.approx(2.0)
    even = scan_line(waves, CENTER, np.array([1.0, 2.0, 0.0]), span=2 * np.pi, points=34)  # two periods, 33 points
    assert even.largest_frequency() == pytest.approx(2.0)
    fewest = scan_line(waves, CENTER, np.array([1.0, 2.0, 0.0]), points=6)  # the highest that five points can tell
    assert fewest.spectrum()[1][1:] == pytest.approx([1.0, 0.5], abs=1e-13)
    assert scan_line(waves, CENTER, np.zeros(3)).largest_frequency() == 0.0
    with pytest.raises(qvar.QvarError, match=r"^`scan` must cover whole periods"):
        scan_line(waves, CENTER, np.eye(3)[0], span=1.0).spectrum()


def test_frequency_of_a_circuit() -> None:
    """Each angle of a circuit of rotations swings once in a turn."""
    problem = qvar.tfim(3)
    energy = qvar.energy(problem, qvar.hardware_efficient(problem, layers=1))
    theta = energy.initial(jax.random.key(0), "uniform")
    scan = scan_line(energy, theta, np.eye(energy.n_params)[0], points=17)
    assert scan.largest_frequency() == pytest.approx(1.0)
    assert scan.values[8] == pytest.approx(float(energy.loss(theta)), abs=1e-12)


def test_random_directions() -> None:
    found = random_directions(7, key=jax.random.key(0), count=3)
    assert found @ found.T == pytest.approx(np.eye(3), abs=1e-14)
    keys = jax.random.split(jax.random.key(1), 2000)
    first = np.array([random_directions(3, key=key, count=1)[0] for key in keys])
    assert first.mean(axis=0) == pytest.approx(np.zeros(3), abs=0.06)  # no side is preferred
    assert (first.T @ first) / 2000 == pytest.approx(np.eye(3) / 3, abs=0.04)
    with pytest.raises(qvar.QvarError, match=r"^`count` must be at most the 2 parameters, but is 3\.$"):
        random_directions(2, key=jax.random.key(0), count=3)


def test_directions_of_largest_curvature() -> None:
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    matrix = basis @ np.diag([1.0, -5.0, 0.1, 3.0]) @ basis.T
    directions, curvatures = hessian_directions(objective(quadratic, jnp.asarray(matrix), 4), np.ones(4), count=3)
    assert curvatures == pytest.approx([-5.0, 3.0, 1.0], abs=1e-12)
    assert np.abs(np.sum(directions * basis[:, [1, 3, 0]].T, axis=1)) == pytest.approx(np.ones(3), abs=1e-12)


def test_what_is_refused(waves: Objective) -> None:
    with pytest.raises(qvar.QvarError, match=r"^`direction` must have shape \(3,\), but has shape \(2,\)\.$"):
        scan_line(waves, CENTER, np.zeros(2))
    with pytest.raises(qvar.QvarError, match=r"^`span` must be positive, but is 0\.0\.$"):
        scan_line(waves, CENTER, np.ones(3), span=0.0)
    with pytest.raises(qvar.QvarError, match=r"^`points` must be at least 2, but is 1\.$"):
        scan_between(waves, CENTER, np.ones(3), points=1)
    with pytest.raises(qvar.QvarError, match=r"^`beyond` must not be negative, but is -0\.5\.$"):
        scan_between(waves, CENTER, np.ones(3), beyond=-0.5)
    with pytest.raises(qvar.QvarError, match=r"^`points` must be one number, or one for each of the two axes"):
        scan_plane(waves, CENTER, first=np.ones(3), second=np.ones(3), points=(3, 3, 3))
    with pytest.raises(qvar.QvarError, match=r"^`count` must be at most the 3 parameters, but is 4\.$"):
        hessian_directions(waves, CENTER, count=4)
