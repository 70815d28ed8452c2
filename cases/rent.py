"""Does a parameter pay its rent? Models of rising size, fitted to estimates from finite numbers of shots."""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml

import qvar

USUAL = {"seeds": 20, "shots": (100, 1000, 10_000, 100_000, 1_000_000)}
QUICK = {"seeds": 3, "shots": (100, 10_000, 1_000_000)}


def case(
    data: Literal["curve", "circuit"] = "curve",
    shots: tuple[int, ...] = (),
    bonds: int = 14,
    models: tuple[int, ...] = (),
    seeds: int | None = None,
    quick: bool = False,
) -> qvar.Selection:
    """Fits models of rising size to the same noisy estimates, and asks from how many shots on a larger one pays.

    Curve: energies of H2 along its bond, each estimated by a VQE with shots, fitted by polynomials of rising degree in
    exp(-R). Circuit: expectation values of Pauli words in a state of three qubits, prepared by RY rotations and CNOTs
    of two layers with random angles, fitted by such circuits of one, two, ... layers; some of their angles change no
    measured value. Criteria: AIC (Akaike 1974), BIC (Schwarz 1978), cross-validation; and the truth.

    Args:
        data: What is measured: curve or circuit.
        shots: Shots of each estimate; 100 to 1000000 in five steps if not given, three with quick.
        bonds: Number of bond lengths of the curve.
        models: Degrees of the polynomials, 2 to 7 if not given; or layers of the circuits, 1 to 3.
        seeds: Repetitions of the measurement; 20 if not given, 3 with quick.
        quick: Fewer repetitions, shots and models, unless they are given: within a minute.
    """
    usual = QUICK if quick else USUAL
    make = partial(_curve, n=bonds) if data == "curve" else _circuit
    settings = {"seeds": usual["seeds"] if seeds is None else seeds, "folds": 4 if quick else 5}
    return make(numbers=models, quick=quick, shots=shots or usual["shots"], settings=settings)


def _curve(n: int, numbers: tuple[int, ...], quick: bool, shots: tuple[int, ...], settings: dict) -> qvar.Selection:
    """Polynomials in exp(-R), fitted to energies whose noise is that of a measurement of the Hamiltonian's words."""
    qvar.require(n >= 8, "bonds", "be at least 8", n)
    bonds, exact, spread = np.linspace(0.5, 2.5, n), [], []
    for bond in bonds:
        problem = qvar.molecule(f"H 0 0 0; H 0 0 {bond}")
        exact.append(problem.exact_energy())
        words = problem.hamiltonian().pauli_rep
        spread.append(sum(abs(complex(c)) for word, c in words.items() if len(word)))
    x = 2.0 * (np.exp(-bonds) - np.exp(-bonds).min()) / np.ptp(np.exp(-bonds)) - 1.0
    degrees = numbers or ((2, 4, 6) if quick else range(2, 8))
    models = [
        qvar.Candidate(f"degree {degree}", partial(_polynomial, degree), degree + 1, family="generic")
        for degree in degrees
    ]
    estimates = qvar.SimulatedData(x, np.array(exact), noise=np.array(spread), levels=shots)
    return qvar.Selection(models, estimates, unit="Ha", n_starts=1, **settings)


def _polynomial(degree: int, theta, x):
    """Chebyshev polynomials, so that parameters do not stand in for each other."""
    return sum(theta[k] * jnp.cos(k * jnp.arccos(jnp.clip(x, -1.0, 1.0))) for k in range(degree + 1))


def _circuit(numbers: tuple[int, ...], quick: bool, shots: tuple[int, ...], settings: dict) -> qvar.Selection:
    """Circuits, fitted to expectation values that a circuit of two layers gives."""
    n = 3
    words = [{q: p} for q in range(n) for p in "XZ"]
    words += [{q: a, q + 1: b} for q in range(n - 1) for a in "XZ" for b in "XZ"]
    observables = [qml.pauli.PauliWord(word) for word in words]
    matrices = jnp.stack([jnp.real(one.to_mat(range(n))) for one in observables])

    def expectations(layers: int):
        ansatz = qvar.hardware_efficient(n, layers=layers, rotations=("RY",), entangler="cnot_chain")
        circuit = qvar.expectation(observables[0].operation(), ansatz)

        def values(theta, x):
            state = circuit.needed("state_function")(theta, circuit.data)  # one circuit for all words
            return jnp.einsum("i,wij,j->w", state.conj(), matrices, state).real

        return values

    layers = numbers or ((1, 2) if quick else (1, 2, 3))
    models = [
        qvar.Candidate(f"{one} layers", expectations(one), n * (one + 1), family="generic", start="uniform")
        for one in layers
    ]
    theta = 0.8 * np.asarray(jax.random.normal(jax.random.key(1), (3 * n,)))
    truth = np.asarray(expectations(2)(jnp.asarray(theta), None))
    spread = np.sqrt(np.maximum(1.0 - truth**2, 1e-4))
    estimates = qvar.SimulatedData(np.arange(len(words)), truth, noise=spread, levels=shots)
    return qvar.Selection(models, estimates, error=1.0, **settings)


if __name__ == "__main__":
    qvar.launch(case)
