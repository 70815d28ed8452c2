"""What engines are compared with, in NumPy: nothing is compiled.

States by definition, every mask operation of a circuit on all 2^n amplitudes, one after the other; slopes by
differences; minima by SciPy.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.optimize

from qvar.ansatz.program import Program
from qvar.objective import Objective


def twin_state(program: Program, theta: np.ndarray) -> np.ndarray:
    """Amplitudes (2^n,)."""
    return state_of_angles(program, twin_angles(program, np.asarray(theta)))


def state_of_angles(program: Program, angles: np.ndarray) -> np.ndarray:
    """Amplitudes (2^n,) of a circuit whose operations have the angles (n_ops,)."""
    lowered, n = program.lowered, program.n_qubits
    index = np.arange(1 << n)
    state = np.zeros(1 << n, complex)
    state[int("".join(map(str, program.reference)), 2)] = 1.0
    phi = lowered.factor * angles[lowered.slot] + lowered.constant
    for k in range(len(phi)):
        x, z, m, f, w = (getattr(lowered, name)[k] for name in "xzmfw")
        acts = ((index & m) == f) | ((index & m) == f ^ (x & m))
        image = w * (-1.0) ** np.bitwise_count(index & z) * state[index ^ x]
        turned = image if lowered.fixed[k] else np.cos(phi[k]) * state - 1j * np.sin(phi[k]) * image
        state = np.where(acts, turned, state)
    return state


def twin_angles(program: Program, theta: np.ndarray) -> np.ndarray:
    """Angles (n_ops,), radians."""
    if program.angle_function is not None:
        return np.asarray(program.angles(jnp.asarray(theta)))
    angles = program.offset.copy()
    np.add.at(angles, program.angle_op, program.angle_scale * theta[program.angle_param])
    return angles


def slopes(function: Callable[[np.ndarray], float], theta: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Derivatives by differences of fourth order, (n_params,): of sines right to about 1e-11."""
    found = []
    for direction in step * np.eye(len(theta)):
        near, back, far, far_back = (function(theta + k * direction) for k in (1, -1, 2, -2))
        found.append((8 * (near - back) - (far - far_back)) / (12 * step))
    return np.array(found)


def descend(objective: Objective, theta: Any, gtol: float = 1e-7, maxiter: int = 1000) -> float:
    """The lowest value that SciPy comes to; one program, where a method of `qvar.optimize` is a second."""

    def value_and_grad(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective.value_and_grad(point)
        return float(value), np.asarray(gradient)

    options = {"gtol": gtol, "ftol": 0.0, "maxiter": maxiter, "maxfun": 2 * maxiter, "maxcor": 20}
    return float(
        scipy.optimize.minimize(value_and_grad, np.asarray(theta), jac=True, method="L-BFGS-B", options=options).fun
    )
