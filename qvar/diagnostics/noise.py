r"""Global depolarizing noise, exactly: it scales a landscape towards the energy of the maximally mixed state."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree
from qvar.arguments import checked
from qvar.diagnostics.spectral import apply_operator
from qvar.engines.energy import OperatorFunction
from qvar.engines.pauli_hamiltonian import PauliKernel
from qvar.errors import QvarError, require
from qvar.host_kernels import HostKernels, HostSource, LossFunction
from qvar.objective import Objective, with_function
from qvar.problems.problem import Problem
from qvar.quantum_geometry import state_shape

MAX_TRACED_QUBITS = 10
"""Number of qubits up to which the trace of any operator is summed over basis states; Pauli words need no limit."""


@dataclass(frozen=True)
class DepolarizedFunction:
    r"""theta -> \(q E(\theta) + (1 - q) \mathrm{Tr}(H)/d\)."""

    function: LossFunction

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, ""]:
        """Return the noisy loss at theta."""
        return data["kept"] * self.function(theta, data["noiseless"]) + data["offset"]


@checked()
def depolarized(
    objective: Objective,
    probability: float,
    applications: int,
    *,
    problem: Problem | None = None,
    name: str | None = None,
) -> Objective:
    r"""Return the same objective under global depolarizing noise, exactly.

    The channel \(\rho \to (1 - p)\rho + p\, 1/d\) on the whole register commutes with every gate; m of them give

    $$ E_{\text{noisy}}(\theta) = q E(\theta) + (1 - q) \frac{\mathrm{Tr} H}{d}, \qquad q = (1 - p)^m,\; d = 2^n: $$

    gradients shrink by q, their variances by q^2, and minima stay where they are. With m growing as the number of
    layers, gradients fall exponentially with depth. Wang et al., Nat. Commun. 12, 6961 (2021),
    https://doi.org/10.1038/s41467-021-27045-6.

    Args:
        objective: the energy or expectation value without noise.
        probability: p, from 0 to 1.
        applications: m, number of times that the channel acts, such as the number of layers or gates; 0 is no noise.
        problem: the problem whose energy it is. The noise leaves every symmetry sector, so the trace goes over the
            whole register, which the sector engine does not hold; in the dense engine it may be left out, up to
            `MAX_TRACED_QUBITS` qubits, or for Pauli words on any number.
        name: name in the ledger; made of the objective's name, p and m if None.

    Returns:
        Objective without a state vector, as a mixed state has none; `baseline` and `target` are those without noise.

    Raises:
        QvarError: if a number is out of range, or the trace needs a problem, or another one.
    """
    p, m = float(probability), applications
    require(0.0 <= p <= 1.0, "probability", "be from 0 to 1", probability)
    require(m >= 0, "applications", "not be negative", applications)
    mixed = maximally_mixed_value(objective, problem=problem)
    kept, offset = (1.0 - p) ** m, (1.0 - (1.0 - p) ** m) * mixed
    function = DepolarizedFunction(objective.function)
    data = {"noiseless": objective.data, "kept": np.asarray(kept), "offset": np.asarray(offset)}
    host = HostSource(lambda: _depolarized_kernels(objective, kept, offset), function, None, data)
    name = name or f"{objective.name} depolarized {p:g} x {m}"
    return with_function(objective, function, data, name=name, host=host)


def _depolarized_kernels(objective: Objective, kept: float, offset: float) -> HostKernels | None:
    """Return the functions of the noisy objective on the host; None if the noiseless one has none."""
    host = objective.value_kernels
    if host is None:
        return None

    def values_and_gradients(thetas: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, gradients = host.values_and_gradients(thetas)
        return kept * values + offset, kept * gradients

    def hessian_product(theta: FloatArray, v: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, gradient, product = host.hessian_product(theta, v)
        return kept * value + offset, kept * gradient, kept * product

    return HostKernels(
        values=lambda thetas: kept * host.values(thetas) + offset,
        values_and_gradients=values_and_gradients,
        hessian_product=hessian_product,
        prepare=host.prepare,
        has_derivatives=host.has_derivatives,
    )


@checked()
def maximally_mixed_value(objective: Objective, *, problem: Problem | None = None) -> float:
    r"""Return \(\mathrm{Tr}(H)/2^n\) over the whole register: the value of the maximally mixed state.

    In the objective's unit. For electrons every spin orbital is half filled, and with Wick's theorem

    $$ \frac{\mathrm{Tr} H}{2^n} = E_{core} + \sum_p h_{pp} + \tfrac12 \sum_{pq} [(pp|qq) - \tfrac12 (pq|qp)]; $$

    for Pauli terms it is the coefficient of the identity. Without a problem it is taken from the objective's operator.

    Args:
        objective: an energy or expectation value.
        problem: the problem whose energy it is; see `depolarized`.

    Raises:
        QvarError: as `depolarized` does.
    """
    if problem is not None:
        baseline = objective.baseline
        if baseline is not None and not np.isclose(baseline, problem.reference_energy, rtol=1e-9, atol=1e-9):
            raise QvarError(f"`problem` must be the one whose energy {objective.name} is, but is {problem.name}.")
        return _problem_mean(problem)
    operator = objective.needed("operator")
    if objective.engine != "dense":
        raise QvarError(
            "`problem` must be given if the engine is not 'dense', because the noise leaves the sector, but is None."
        )
    like = state_shape(objective)
    if isinstance(operator, OperatorFunction) and isinstance(operator.hamiltonian, PauliKernel):
        return _pauli_mean(operator.hamiltonian, objective.data, like)
    if like.size > 1 << MAX_TRACED_QUBITS:
        raise QvarError(f"`problem` must be given above {MAX_TRACED_QUBITS} qubits, but is None.")
    return float(jnp.mean(jnp.real(jnp.diagonal(apply_operator(objective, jnp.eye(like.size, dtype=like.dtype))))))


def _problem_mean(problem: Problem) -> float:
    if problem.integrals is not None:
        one, two = problem.integrals.one_body, problem.integrals.two_body
        coulomb, exchange = np.einsum("ppqq->", two), np.einsum("pqqp->", two)
        return float(problem.integrals.core_energy + np.trace(one) + 0.5 * coulomb - 0.25 * exchange)
    assert problem.pauli is not None  # a Problem holds the one or the other
    words = zip(problem.pauli.words, problem.pauli.coefficients, strict=True)
    return float(sum(coefficient for word, coefficient in words if set(word) == {"I"}))


def _pauli_mean(kernel: PauliKernel, data: PyTree, like: jax.ShapeDtypeStruct) -> float:
    """Return the mean of the diagonal, from the words without flips."""
    tables = data["hamiltonian"]
    still = {**tables, "flips": jax.tree.map(lambda table: table[:0], tables["flips"])}
    diagonal = kernel(jnp.ones(like.shape, like.dtype), still)
    return float(jnp.mean(jnp.real(diagonal)) + data["constant"])
