r"""Tangent states of an objective, and their Fisher information.

Both informations are \(F_{ij} = 4\, \mathrm{Re} \langle\partial_i\psi|\Pi|\partial_j\psi\rangle\) with a real-linear
projection \(\Pi\): away from the state itself (quantum), or onto changes of the moduli of amplitudes (classical).
Tangents are taken in forward mode, exactly. Where all of them fit into memory they are held as one matrix, else columns
\(F v\) come one after the other from a forward product, which gives \(\Pi \sum_j v_j \partial_j \psi\), and a reverse
product with it: a handful of states in memory, whatever the number of parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from qvar._types import FloatArray, PyTree
from qvar.checks import real_array
from qvar.errors import QvarError
from qvar.host_kernels import HostKernels
from qvar.memory import chunk_size, memory_limit
from qvar.objective import Objective

Information: TypeAlias = Literal["quantum", "classical"]
"""`quantum`: of the state itself; `classical`: of measuring it in the computational basis."""

StateOf: TypeAlias = Callable[[Any, PyTree], Array]
"""Pure and hashable function of (theta, data) that gives a state."""

MATRICES_HELD = 4
"""Copies of all tangents that exist at the same time: as they come, projected, as real numbers, as what reads them."""

_BLOCK_BYTES = 1 << 26
"""Bytes of states that are held at once."""


def quantum_part(state: Array, tangent: Array) -> Array:
    r"""Return \((1 - |\psi\rangle\langle\psi|)\, t\): what is left without norm and global phase; all (d,)."""
    return tangent - jnp.vdot(state, tangent) / jnp.vdot(state, state) * state  # its norm is 1 but for rounding


def classical_part(state: Array, tangent: Array) -> Array:
    r"""Return \(u_x \mathrm{Re}(\bar u_x t_x)\) with \(u_x = \psi_x / |\psi_x|\): changes of the moduli; all (d,).

    Outcomes that cannot occur, \(|\psi_x| \leq \epsilon^{3/4}\) with the precision \(\epsilon\), have no modulus that
    could be distinguished from rounding, and are left out.
    """
    modulus = jnp.abs(state)
    possible = modulus > jnp.finfo(modulus.dtype).eps ** 0.75
    unit = jnp.where(possible, state / jnp.where(possible, modulus, 1.0), 0.0)
    return unit * jnp.real(jnp.conj(unit) * tangent)


_PARTS = {"quantum": quantum_part, "classical": classical_part}


def along_every_parameter(
    function: Callable[[Array], tuple[Array, Array]], theta: Float[Array, " n_params"], chunk: int
) -> tuple[Array, Array]:
    """Apply a linear function to every unit vector of parameter space, so many at a time.

    The function maps a direction (n_params,) to what does not depend on it and what does; of the latter the result has
    a leading axis n_params.
    """
    n = len(theta)
    together = jax.vmap(function, out_axes=(None, 0))
    if chunk >= n:
        return together(jnp.eye(n, dtype=theta.dtype))
    n_chunks = -(-n // chunk)
    directions = jnp.eye(n_chunks * chunk, n, dtype=theta.dtype).reshape(n_chunks, chunk, n)

    def step(_: Array, few: Array) -> tuple[Array, Array]:
        return together(few)

    like = jax.eval_shape(together, directions[0])[0]
    shared, columns = jax.lax.scan(step, jnp.zeros(like.shape, like.dtype), directions)
    return shared, columns.reshape(-1, *columns.shape[2:])[:n]


@dataclass(frozen=True)
class TangentFunction:
    r"""theta -> (state, all tangents \(\partial_i \psi\)); pure and hashable, so that compiled programs are shared."""

    state: StateOf
    """A state function that has derivatives in forward mode."""
    chunk: int
    """Number of directions that are followed at once."""

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> tuple[Array, Array]:
        """Return the state (d,) and its derivatives by every parameter (n_params, d), flat."""

        def at(point: Array) -> Array:
            return self.state(point, data).ravel()

        return along_every_parameter(lambda direction: jax.jvp(at, (theta,), (direction,)), theta, self.chunk)


@dataclass(frozen=True)
class FisherFunction:
    r"""theta -> Fisher information matrix, from all tangents at once."""

    tangents: TangentFunction
    information: Information = "quantum"

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, "n_params n_params"]:
        """Compute F(theta)."""
        factor = self.factor(theta, data)
        return factor @ factor.T

    def factor(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, "n_params k"]:
        r"""Return A with \(F = A A^T\), real; k is the number of amplitudes, twice that if they are complex.

        Its singular values are the square roots of F's eigenvalues, so that they resolve zeros twice as deep.
        """
        state, tangents = self.tangents(theta, data)
        parts = jax.vmap(_PARTS[self.information], (None, 0))(state, tangents)
        if jnp.iscomplexobj(parts):
            parts = jnp.concatenate([parts.real, parts.imag], axis=1)
        return 2.0 * parts


@dataclass(frozen=True)
class FisherProduct:
    r"""(theta, v) -> F v, with no more states in memory than a value and gradient has."""

    forward: StateOf
    """A state function that has derivatives in forward mode."""
    reverse: StateOf
    """The same function, with derivatives in reverse mode."""
    information: Information = "quantum"

    def __call__(
        self, theta: Float[Array, " n_params"], direction: Float[Array, " n_params"], data: PyTree
    ) -> Float[Array, " n_params"]:
        r"""Compute \((F v)_i = 4\, \mathrm{Re} \langle \partial_i \psi | \Pi \sum_j v_j \partial_j \psi \rangle\)."""
        state, tangent = jax.jvp(lambda point: self.forward(point, data).ravel(), (theta,), (direction,))
        part = _PARTS[self.information](state, tangent)
        _, pull = jax.vjp(lambda point: self.reverse(point, data).ravel(), theta)
        return 4.0 * pull(jnp.conj(part))[0]  # JAX pairs cotangents without conjugation


@dataclass(frozen=True)
class FisherColumns:
    """theta -> Fisher information matrix, column by column: no more than `chunk` tangents are ever held."""

    product: FisherProduct
    chunk: int
    """Number of columns that are made at once."""

    def __call__(self, theta: Float[Array, " n_params"], data: PyTree) -> Float[Array, "n_params n_params"]:
        """Compute F(theta)."""
        nothing = jnp.zeros(0, theta.dtype)
        product = self.product
        _, matrix = along_every_parameter(lambda v: (nothing, product(theta, v, data)), theta, self.chunk)
        return 0.5 * (matrix + matrix.T)


@dataclass(frozen=True, eq=False)
class HostFisher:
    """Fisher information from an objective's functions on the host; nothing is compiled for a circuit."""

    kernels: HostKernels
    n_params: int
    information: Information
    columns: int
    """Number of columns that are made at once; n_params if all tangents are held."""

    def __call__(self, theta: FloatArray) -> FloatArray:
        """Return F(theta), (n_params, n_params)."""
        if self.columns >= self.n_params:
            factor = self._factor(theta)
            return factor @ factor.T
        directions = np.eye(self.n_params)
        cuts = range(0, self.n_params, self.columns)
        matrix = np.concatenate([self.products(theta, directions[at : at + self.columns]) for at in cuts])
        return 0.5 * (matrix + matrix.T)

    def products(self, theta: FloatArray, directions: FloatArray) -> FloatArray:
        """Return F v for each of the directions v, (k, n_params)."""
        state, tangents = self.kernels.derivatives(theta, directions)
        return 4.0 * self.kernels.pulled_back(theta, self._parts(state, tangents))

    def spectrum(self, theta: FloatArray) -> FloatArray:
        """Return the eigenvalues of F(theta), ascending, none of them negative; as `SpectrumFunction`."""
        if self.columns < self.n_params:
            return np.maximum(np.linalg.eigvalsh(self(theta)), 0.0)
        factor = self._factor(theta)
        if not np.isfinite(factor).all():
            return np.full(self.n_params, np.nan)
        roots = np.linalg.svd(factor, compute_uv=False)
        return np.concatenate([np.zeros(self.n_params - len(roots)), roots[::-1] ** 2])

    def _factor(self, theta: FloatArray) -> FloatArray:
        """Return A with F = A A^T, as `FisherFunction.factor`."""
        parts: Any = self._parts(*self.kernels.derivatives(theta, np.eye(self.n_params)))
        flat = parts.reshape(self.n_params, int(np.prod(parts.shape[1:])))
        return 2.0 * (np.concatenate([flat.real, flat.imag], axis=1) if np.iscomplexobj(flat) else flat)

    def _parts(self, state: np.ndarray, tangents: np.ndarray) -> np.ndarray:
        """Return the parts of tangents (k, *shape) that count; see `quantum_part` and `classical_part`."""
        if self.information == "quantum":
            along = np.tensordot(tangents, state.conj(), state.ndim) / np.vdot(state, state).real
            return tangents - along.reshape(-1, *(1,) * state.ndim) * state
        modulus = np.abs(state)
        possible = modulus > np.finfo(modulus.dtype).eps ** 0.75
        unit = np.where(possible, state / np.where(possible, modulus, 1.0), 0.0)
        return unit * np.real(unit.conj() * tangents)


def host_fisher(objective: Objective, information: Information = "quantum") -> HostFisher | None:
    """Return the Fisher information on the host; None if JAX evaluates the states.

    Raises `QvarError` if `information` is neither `"quantum"` nor `"classical"`.
    """
    _check_information(information)
    kernels = objective.host_kernels
    if kernels is None or kernels.states is None:
        return None
    n = objective.n_params
    columns = n if tangents_are_held(objective) else chunk_size(n, objective.bytes_per_evaluation)
    return HostFisher(kernels, n, information, columns)


def tangents_are_held(objective: Objective) -> bool:
    """Return whether all tangents of one point fit into memory."""
    return tangent_bytes(objective) <= memory_limit()


def _check_information(information: Information) -> None:
    if information not in _PARTS:
        raise QvarError(f"`information` must be 'quantum' or 'classical', but is {information!r}.")


def tangent_function(objective: Objective) -> TangentFunction:
    """Return the state and its tangents as a function of (theta, data).

    Raises `QvarError` if the objective has no state.
    """
    state = objective.needed("state_function")
    return TangentFunction(objective.forward_state_function or state, objective.chunk(objective.n_params))


def state_shape(objective: Objective) -> jax.ShapeDtypeStruct:
    """Return shape and type of the objective's state; nothing is computed.

    Raises `QvarError` if the objective has no state.
    """
    kernels = objective.value_kernels
    if kernels is not None and kernels.states is not None:  # nothing has to be traced
        none = kernels.states(np.zeros((0, objective.n_params)))
        return jax.ShapeDtypeStruct(none.shape[1:], none.dtype)
    theta = jax.ShapeDtypeStruct((objective.n_params,), jax.dtypes.canonicalize_dtype(float))
    like = jax.eval_shape(objective.needed("state_function"), theta, objective.data)
    return jax.ShapeDtypeStruct(like.shape, like.dtype)  # hashable, so without what it may know of devices


def tangent_bytes(objective: Objective) -> int:
    """Return the memory that making something of all tangents of one point takes, in bytes."""
    state = state_shape(objective)
    return MATRICES_HELD * objective.n_params * state.size * state.dtype.itemsize


def fisher_function(objective: Objective, information: Information = "quantum") -> FisherFunction | FisherColumns:
    r"""Return the Fisher information as a function of (theta, data); the quantum one by default.

    $$ F_{ij} = 4\, \mathrm{Re}\left[ \langle\partial_i\psi|\partial_j\psi\rangle
       - \langle\partial_i\psi|\psi\rangle\langle\psi|\partial_j\psi\rangle \right] $$

    It holds all n_params tangent states at once where `qvar.memory.memory_limit()` allows it, else it works by columns.

    Raises `QvarError` if the objective has no state, or `information` is neither `"quantum"` nor `"classical"`.
    """
    tangents, product = tangent_function(objective), fisher_product_function(objective, information)
    if tangents_are_held(objective):
        return FisherFunction(tangents, information)
    return FisherColumns(product, tangents.chunk)


def fisher_product_function(objective: Objective, information: Information = "quantum") -> FisherProduct:
    """Return F v as a function of (theta, v, data), without F."""
    _check_information(information)
    state = objective.needed("state_function")
    return FisherProduct(objective.forward_state_function or state, state, information)


def means_and_variances(
    host: HostKernels, n: int, points: Callable[[slice], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return means and variances of H at n points, (n,) each, some states at a time.

    `host` belongs to an objective that has states; `points` gives the parameters of a slice of the points.
    """
    means, variances = np.zeros((2, n))
    if n == 0:
        return means, variances
    assert host.states is not None  # or the objective would have none
    size = 4 * host.states(points(slice(1)))[0].nbytes
    block = chunk_size(n, size, max(1, _BLOCK_BYTES // size))
    for at in range(0, n, block):
        rows = slice(at, min(n, at + block))
        states = host.states(points(rows))
        images = host.images(states)
        axes = tuple(range(1, states.ndim))
        means[rows] = np.sum(np.real(states.conj() * images), axis=axes)
        rest = images - means[rows].reshape(-1, *(1,) * len(axes)) * states
        variances[rows] = np.sum(np.abs(rest) ** 2, axis=axes)
    return means, variances


def checked_vector(objective: Objective, argument: str, vector: Any) -> Float[Array, " n_params"]:
    """Return `vector` as an array of shape (n_params,); `QvarError` about `argument` if it is not a finite one."""
    return real_array(argument, vector, (objective.n_params,), finite=True)
