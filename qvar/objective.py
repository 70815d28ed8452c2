r"""Objective: the one seam between what is trained and whatever trains or measures it.

An objective is a function \(f(\theta) \to \mathbb{R}\) of a flat parameter vector, written in JAX, with
a way to draw a start, a name, a family and its costs. Optimizers, diagnostics and studies see
nothing else: not a circuit, not a molecule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Shaped

from qvar._types import CostModel, Family, FloatArray, IntArray, PyTree
from qvar.arguments import check_fields
from qvar.checks import counting_number, random_key, real_array, real_numbers
from qvar.errors import QvarError, require, shown
from qvar.host_kernels import HostKernels, HostSource, LossFunction
from qvar.jax_internals import on_device
from qvar.memory import chunk_size, require_memory
from qvar.notebook import facts_html
from qvar.short_repr import short_repr


@short_repr("n_qubits", "two_qubit_gates", "depth", "cnot_depth", "t_gates", "cost_model")
@dataclass(frozen=True, kw_only=True)
class Costs:
    """Cost of one evaluation on hardware; `None` if it is not a circuit."""

    n_qubits: int | None = None
    """Number of qubits."""
    two_qubit_gates: int | None = None
    """CNOTs after decomposition to CNOT and single-qubit gates."""
    depth: int | None = None
    """Circuit depth after the same decomposition."""
    cnot_depth: int | None = None
    """Depth of its CNOTs alone."""
    t_gates: int | None = None
    """T gates, if each rotation is approximated by Clifford gates and T gates."""
    cost_model: CostModel | None = None
    """Circuits that were counted: the best published ones, or PennyLane's."""


@short_repr("name", "family", "n_params", "engine", "unit")
@dataclass(frozen=True, eq=False)
class Objective:
    r"""A differentiable function of a flat parameter vector, and all that is known about it.

    `function(theta, data)` is pure, hashable and shared between objectives of the same make, so that a
    compiled program is found again; tables live in `data` and are passed as arguments, never baked
    into compiled code.
    """

    name: str
    """Name of the contender in the ledger."""
    family: Family
    """`"generic"` or `"constrained"`."""
    n_params: int
    """Length of theta."""
    function: LossFunction
    """Pure JAX function of (theta of shape (n_params,), data); differentiable, works under `vmap`."""
    draw: Callable[[jax.Array], Shaped[Array, " n_params"]]
    """Start parameters from a JAX random key."""
    _: KW_ONLY
    data: PyTree = ()
    """Arrays that `function` reads."""
    count_costs: Callable[[], Costs] = Costs
    """Counts qubits and gates; called by `costs`, because it takes a while for large circuits."""
    engine: str = "none"
    """Simulator that evaluates it: `"dense"`, `"sector"`, or `"none"`."""
    space: str = ""
    """Numbers that select the basis states of a sector, such as `"N_alpha, N_beta"` or `"N"`; `"register"` for all."""
    basis_states: IntArray | None = None
    """(D,) numbers of the basis states of a sector whose states have shape (D, 1), ascending; None for others."""
    unit: str = ""
    """Unit of the value, such as `"Ha"`."""
    baseline: float | None = None
    """Value of the reference state (Hartree-Fock), where there is one."""
    target: Callable[[], float] | None = None
    """The exact minimum, computed when first asked, where it is known."""
    state_function: Callable[[Any, PyTree], Array] | None = None
    """Pure function of (theta, data) that gives the state vector, where there is one."""
    forward_state_function: Callable[[Any, PyTree], Array] | None = None
    """The same function as `state_function`, for derivatives in forward mode (`jax.jvp`), which a reversible sweep
    does not have; `state_function` itself serves where None."""
    operator: Callable[[Any, PyTree], Array] | None = None
    """Pure function of (state, data) that applies the Hermitian operator H whose expectation value is the loss."""
    draw_named: Callable[[jax.Array, str], Shaped[Array, " n_params"]] | None = None
    """Start parameters from a JAX random key and the name of a distribution, such as `"gaussian"`; None if there is
    one distribution only."""
    problem: Any = None
    """`qvar.Problem` whose energy it is; None for others."""
    measure: Callable[[Any], dict[str, float]] | None = None
    """Expectation values at theta beside the loss: `particle_number`, `sz`, `s2`."""
    unpenalized: Objective | None = None
    """The energy alone if the value holds penalties; None if it does not."""
    frequencies: FloatArray | None = None
    r"""(n_params,) where the value is a sine of a parameter, all others held, \(a + b\cos(w\theta) + c\sin(w\theta)\):
    its frequency w > 0; NaN where it is not, or not known to be."""
    harmonics: FloatArray | None = None
    r"""(n_params, 2) if the value is a trigonometric polynomial of a parameter, all others held,
    \(\sum_{m=0}^{R} a_m \cos(m w\theta) + b_m \sin(m w\theta)\): its w > 0 and R; NaN where it is not, or not known
    to be. If None, `frequencies` with R = 1."""
    bytes_per_evaluation: int = 0
    """Scratch memory of one value and gradient on one device, in bytes, tables in `data` not counted; batches are cut
    into chunks that keep below `qvar.memory.memory_limit()`. 0 where it is small or not known: no chunks."""

    most_at_once: int | None = None
    """Evaluations that pay to be made at once, where there is a limit: states of a batch may leave a cache."""
    host: HostSource | None = None
    """Origin of `host_kernels`; None if JAX evaluates."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(self.n_params >= 0, "n_params", "not be negative", self.n_params)

    @property
    def host_kernels(self) -> HostKernels | None:
        """Functions that take the place of JAX's programs on a CPU in 64 bit, all of them; None if JAX evaluates."""
        kernels = self.value_kernels
        return kernels if kernels is not None and kernels.has_derivatives else None

    @cached_property
    def value_kernels(self) -> HostKernels | None:
        """The same functions; those with derivatives of states and Hessian products may be missing."""
        source = self.host
        if source is None or source.function is not self.function or source.data is not self.data:
            return None
        if source.state_function is not self.state_function:
            return None
        if jax.default_backend() != "cpu" or jax.dtypes.canonicalize_dtype(float) != np.float64:
            return None
        return source.make()

    @cached_property
    def costs(self) -> Costs:
        """Qubits, gates and depths; counted when first used."""
        return self.count_costs()

    def _repr_html_(self) -> str:
        """Return the facts that cost nothing, for a notebook."""
        facts = {
            "family": self.family,
            "parameters": self.n_params,
            "unit": self.unit,
            "engine": None if self.engine == "none" else self.engine,
            "space": self.space,
        }
        return facts_html(self.name, facts)

    def _host(self, points: Any) -> HostKernels | None:
        """Return the kernels for points that are numbers, and not the tracers of a JAX transformation."""
        return None if isinstance(points, Tracer) else self.value_kernels

    def _on_host(self, theta: Any) -> FloatArray:
        return real_numbers("theta", theta, (self.n_params,))

    def _checked(self, theta: Any) -> Array:
        return real_array("theta", theta, (self.n_params,))

    def loss(self, theta: Any) -> Float[Array, ""]:
        """Return the value at theta, shape (n_params,); in `unit`.

        Raises:
            QvarError: if theta has another shape.
        """
        host = self._host(theta)
        if host is not None:
            return on_device(host.values(self._on_host(theta)[None]).reshape(()))
        return _value(self.function, padded_points(self.function, self._checked(theta), self.data), self.data)

    def value_and_grad(self, theta: Any) -> tuple[Float[Array, ""], Float[Array, " n_params"]]:
        """Return the value at theta and its exact gradient, shape (n_params,).

        Raises:
            QvarError: if theta has another shape.
        """
        host = self._host(theta)
        if host is not None:
            values, gradients = host.values_and_gradients(self._on_host(theta)[None])
            return on_device(values.reshape(())), on_device(gradients[0])
        point = padded_points(self.function, self._checked(theta), self.data)
        value, gradient = _value_and_grad(self.function, point, self.data)
        return value, cut(gradient, self.n_params)

    def value_and_grad_batch(self, thetas: Any) -> tuple[Float[Array, " n"], Float[Array, "n n_params"]]:
        """Return values and exact gradients at many points at once, in chunks that fit into memory.

        Args:
            thetas: (n, n_params) points; n may be 0.

        Returns:
            Values, shape (n,), and gradients, shape (n, n_params).

        Raises:
            QvarError: if thetas has another shape.
        """
        host = self._host(thetas)
        if host is not None:
            values, gradients = host.values_and_gradients(real_numbers("thetas", thetas, ("n", self.n_params)))
            return on_device(values), on_device(gradients)
        points = self._checked_batch(thetas)
        if len(points) == 0:
            return points.sum(axis=1), points
        points = padded_points(self.function, points, self.data)
        values, gradients = _value_and_grad_batch(self.function, self.chunk(len(points)), points, self.data)
        return values, cut(gradients, self.n_params)

    def loss_batch(self, thetas: Any) -> Float[Array, " n"]:
        """Return values at many points at once, shape (n,), in chunks that fit into memory.

        Raises:
            QvarError: if thetas has another shape than (n, n_params).
        """
        points = self._checked_batch(thetas)
        host = self._host(points)
        return self.batch(self.function, points) if host is None else on_device(host.values(np.asarray(points)))

    def state_batch(self, thetas: Any) -> Array:
        """Return state vectors at many points at once, (n, *shape of a state); the caller holds them all.

        Raises:
            QvarError: if thetas has another shape than (n, n_params), or the objective has no state.
        """
        function, points = self.needed("state_function"), self._checked_batch(thetas)
        host = self._host(points)
        if host is not None and host.states is not None:
            return jax.device_put(host.states(np.asarray(points)))
        return self.batch(function, points)

    def batch(self, function: Callable[[Any, PyTree], Any], thetas: Any) -> Any:
        """Evaluate any function of (theta, data) at many points at once, in chunks that fit into memory.

        Args:
            function: pure and hashable; compiled once for each function, chunk and shape. It may take as much memory
                as a value and gradient does.
            thetas: (n, n_params) points.

        Returns:
            What the function gives, every array with a leading axis n.

        Raises:
            QvarError: if thetas has another shape.
        """
        points = padded_points(function, self._checked_batch(thetas), self.data)
        return in_chunks(function, max(1, self.chunk(len(points))), points, self.data)

    def needed(self, field: Literal["state_function", "operator"]) -> Callable[[Any, PyTree], Array]:
        """Return a field that may be None, or raise if it is.

        Raises:
            QvarError: if the objective does not have it.
        """
        function = getattr(self, field)
        if function is None:
            word = {"state_function": "a state", "operator": "an operator"}[field]
            raise QvarError(f"`objective` must have {word}, but {self.name} has none.")
        return function

    def _checked_batch(self, thetas: Any) -> Array:
        return real_array("thetas", thetas, ("n", self.n_params))

    def chunk(self, n_evaluations: int) -> int:
        """Return how many evaluations of a batch are made at once, so that they fit into memory and it pays."""
        return chunk_size(n_evaluations, self.bytes_per_evaluation, self.most_at_once)

    def state(self, theta: Any) -> Array:
        """Return the state vector at theta, in the engine's own layout (see `qvar.energy`).

        Raises:
            QvarError: if theta has another shape, or the objective has no state.
        """
        function, point = self.needed("state_function"), self._checked(theta)
        host = self._host(point)
        if host is not None and host.states is not None:
            return jax.device_put(host.states(np.asarray(point)[None])[0])
        return _value(function, padded_points(function, point, self.data), self.data)

    def initial(self, key: jax.Array, start: str | None = None) -> Float[Array, " n_params"]:
        """Draw start parameters, shape (n_params,), with a JAX random key.

        Args:
            key: JAX random key.
            start: name of a distribution, such as `"uniform"` or `"gaussian"`; the objective's own if None.

        Raises:
            QvarError: if `start` is unknown.
        """
        key = random_key("key", key)
        if start is None:
            return jnp.asarray(self.draw(key), dtype=float)
        if self.draw_named is None:
            raise QvarError(f"`start` must be None for {self.name}, which draws in one way, but is {shown(start)}.")
        return jnp.asarray(self.draw_named(key, start), dtype=float)

    def initial_batch(self, key: jax.Array, n: int, start: str | None = None) -> Float[Array, "n n_params"]:
        """Draw `n` starts, shape (n, n_params), from one JAX random key.

        Raises:
            QvarError: if `start` is unknown.
        """
        n = counting_number("n", n)
        require_memory("n", n, 8 * n * (self.n_params + 2))
        keys, draw = jax.random.split(random_key("key", key), n), partial(self.initial, start=start)
        try:
            return jax.vmap(draw)(keys)
        except jax.errors.JAXTypeError:  # a draw that leaves JAX is made one by one
            return jnp.stack([draw(one) for one in keys])


def with_function(objective: Objective, function: LossFunction, data: PyTree, **changes: Any) -> Objective:
    """Return an objective with another function, which has no state vector, and other changes."""
    no_state: dict[str, Any] = dict.fromkeys(("state_function", "forward_state_function", "operator", "measure"))
    return replace(objective, function=function, data=data, **no_state, **changes)


def padded_points(function: Callable[[Any, PyTree], Any], points: Any, data: PyTree) -> Any:
    """Return points (..., n_params) with zeros up to a size class if the function allows it: it is compiled less often.

    A function that reads its parameters alone, however long theta is, says so by `allows_padding` and `padded_size`.
    """
    if isinstance(points, Tracer) or not getattr(function, "allows_padding", False):
        return points
    size: Any = function.padded_size(data)  # type: ignore[attr-defined]
    more = size - points.shape[-1]
    return np.pad(np.asarray(points), [(0, 0)] * (points.ndim - 1) + [(0, more)]) if more > 0 else points


def cut(rows: Any, n_params: int) -> Any:
    """Return rows (..., n_params) of padded ones; on the host, where nothing is compiled."""
    if rows.shape[-1] == n_params:
        return rows
    return rows[..., :n_params] if isinstance(rows, Tracer) else on_device(np.asarray(rows)[..., :n_params])


@partial(jax.jit, static_argnums=0)
def _value(function: Callable[..., Array], theta: Array, data: PyTree) -> Array:
    return function(theta, data)


@partial(jax.jit, static_argnums=0)
def _value_and_grad(function: Callable[..., Array], theta: Array, data: PyTree) -> tuple[Array, Array]:
    return jax.value_and_grad(function)(theta, data)


@partial(jax.jit, static_argnums=(0, 1))
def _value_and_grad_batch(function: LossFunction, chunk: int, thetas: Array, data: PyTree) -> tuple[Array, Array]:
    return evaluate_in_chunks(jax.value_and_grad(function), chunk, thetas, data, jnp.ones(len(thetas), bool))


@partial(jax.jit, static_argnums=(0, 1))
def in_chunks(function: Callable[[Any, PyTree], Any], chunk: int, thetas: Array, data: PyTree) -> Any:
    """Run `evaluate_in_chunks` as a compiled program, at all points."""
    return evaluate_in_chunks(function, chunk, thetas, data, jnp.ones(len(thetas), bool))


def evaluate_in_chunks(
    function: Callable[[Any, PyTree], Any], chunk: int, thetas: Array, data: PyTree, wanted: Array
) -> Any:
    """Evaluate any function of (theta, data) at many points, so many at a time; part of a compiled program.

    The function may give several arrays; a chunk without a point that is `wanted` is left out.

    Returns:
        What the function gives, every array with a leading axis n; where it is not wanted it may be zero.
    """
    n, n_params = thetas.shape
    together = jax.vmap(function, (0, None))
    if chunk >= n:
        return together(thetas, data)
    n_chunks = -(-n // chunk)
    missing = n_chunks * chunk - n
    points = jnp.concatenate([thetas, jnp.broadcast_to(thetas[-1], (missing, n_params))])
    needed = jnp.concatenate([wanted, jnp.zeros(missing, bool)])

    def evaluate(few: tuple[Array, Array]) -> Any:
        def work() -> Any:
            return together(few[0], data)

        def nothing() -> Any:
            return jax.tree.map(lambda like: jnp.zeros(like.shape, like.dtype), jax.eval_shape(work))

        return jax.lax.cond(few[1].any(), work, nothing)

    cut = points.reshape(n_chunks, chunk, n_params), needed.reshape(n_chunks, chunk)
    return jax.tree.map(lambda part: part.reshape(-1, *part.shape[2:])[:n], jax.lax.map(evaluate, cut))
