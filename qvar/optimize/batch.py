"""Batch: the state of all starts of a training in the host's memory; how it begins, and what can be read from it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.sharding import replicate, spanning
from qvar.optimize.budget import Status
from qvar.optimize.method import HostSteps, Iterate, Method, Start
from qvar.optimize.packing import Layout, numbers_of, padded
from qvar.random_draws import size_class

RUNNING = -1
STATUSES = tuple(Status)
"""Statuses are numbers in arrays, by their place here."""


OLDER_EMITTERS: dict[str, Any] = {"xla_cpu_use_fusion_emitters": False} if jax.__version_info__ < (0, 11) else {}
"""Option of XLA for code that takes less time to compile; JAX 0.11 does not know it any more."""

RARELY: dict[str, Any] = {
    **OLDER_EMITTERS,
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""Options of XLA for a program that runs a few times on a CPU: a fifth of the time to compile, up to twice to run."""


class Home(NamedTuple):
    """The stationary point that a start has left last, so that it can go back where nothing lower was found."""

    theta: FloatArray
    """(n_starts, n_params)"""
    value: FloatArray
    """(n_starts,) NaN if no point was left."""
    gradient: FloatArray
    """(n_starts, n_params)"""
    curvature: FloatArray
    """(n_starts,)"""
    falls: np.ndarray
    """(n_starts,) whether the curvature is negative: a saddle, and not a valley without slope."""
    steps: IntArray
    """(n_starts,) accepted points until then."""


class Batch(NamedTuple):
    """The state of all starts; every leaf has the leading axis n_starts."""

    iterates: Iterate
    """State of the method, its parameters padded with zeros; random keys as their numbers."""
    status: IntArray
    evaluations: IntArray
    """Evaluations that the method has spent."""
    checked: np.ndarray
    """True if its end was checked for negative curvature."""
    curvature: FloatArray
    """Lowest curvature there; NaN if not known."""
    products: IntArray
    """Hessian products made so far."""
    charged: IntArray
    """Evaluations that the products before a step out of a saddle stand for."""
    steps: IntArray
    """Accepted points before the method was started again."""
    tries: IntArray
    """Steps out of the stationary point `home`."""
    home: Home


class Moving(NamedTuple):
    """Part of a batch that a turn reads and changes; the status is the first integer, the trial the first numbers."""

    status: Any
    evaluations: Any
    charged: Any
    iterates: Iterate


class Beginning(NamedTuple):
    """Makes the first state of a method at points."""

    method: Method
    n_params: int
    keys: IntArray
    """(n_starts, ...) numbers of the random keys of all starts."""
    key_kind: Any
    """Kind of the keys, as `jax.random.wrap_key_data` takes it."""
    harmonics: FloatArray | None
    """As `Start.harmonics`."""
    inverse_hessian: FloatArray | None = None
    """As `Start.inverse_hessian`, padded."""

    @property
    def size(self) -> int:
        """Length of padded parameters."""
        return size_class(self.n_params) if self.method.allows_padding else self.n_params

    def layout(self, batch: Batch) -> Layout:
        """Return the layout of a batch's moving part."""
        arguments = (batch.iterates.theta, self.keys, self.harmonics, self.inverse_hessian)
        shapes: Any = batch.iterates
        if host_steps(self.method) is None:  # else there are no random keys
            shapes = _program().eval_shape(self.method, self.key_kind, *arguments)
        return Layout.of(moving_part(batch)._replace(iterates=shapes), self.key_kind)

    def iterates_at(self, points: FloatArray) -> Iterate:
        """Return the first state of the method at points, (n_starts, n_params), of all starts."""
        thetas, host = padded(points, self.size), host_steps(self.method)
        if host is not None:
            return host.init(thetas)
        return numbers_of(
            _program()(self.method, self.key_kind, thetas, self.keys, self.harmonics, self.inverse_hessian)
        )

    def batch(self, points: FloatArray) -> Batch:
        """Return all starts before their first evaluation."""
        n, real, integer = len(points), points.dtype, jax.dtypes.canonicalize_dtype(int)
        nothing, nowhere = np.full(n, np.nan, real), np.full_like(points, np.nan)
        counts, no = np.zeros(n, integer), np.zeros(n, bool)
        return Batch(
            iterates=self.iterates_at(points),
            status=np.full(n, RUNNING, integer),
            evaluations=counts,
            checked=no,
            curvature=nothing,
            products=counts,
            charged=counts,
            steps=counts,
            tries=counts,
            home=Home(nowhere, nothing, nowhere, nothing, no, counts),
        )


def _begin(
    method: Method, key_kind: Any, thetas: Array, keys: Array, harmonics: Array | None, inverse: Array | None
) -> Iterate:
    starts = Start(thetas, jax.random.wrap_key_data(keys, impl=key_kind), harmonics, inverse)
    return jax.vmap(method.init, (Start(0, 0, None, None),))(starts)  # pyright: ignore[reportArgumentType]


_begin_anywhere = jax.jit(_begin, static_argnums=(0, 1))
_begin_on_host = jax.jit(_begin, static_argnums=(0, 1), compiler_options=RARELY)


def _program() -> Any:
    return _begin_on_host if jax.default_backend() == "cpu" else _begin_anywhere


def host_steps(method: Method) -> HostSteps | None:
    """Return the functions of a method on the host; None if it has none, or numbers are those of a device."""
    host = method.host
    if host is None or host.update is not method.update or jax.default_backend() != "cpu":
        return None
    return host if jax.dtypes.canonicalize_dtype(float) == np.float64 else None


def moving_part(batch: Batch) -> Moving:
    """Return the part of a batch that turns change."""
    return Moving(batch.status, batch.evaluations, batch.charged, batch.iterates)


def chosen(which: IntArray, fresh: Iterate, old: Iterate) -> Iterate:
    """Return iterates of which some are taken from others."""

    def pick(new: np.ndarray, old: np.ndarray) -> np.ndarray:
        picked = np.array(old)
        picked[which] = new[which]
        return picked

    return jax.tree.map(pick, fresh, old)


def running(batch: Batch) -> int:
    """Return the number of starts that still run."""
    return int(np.sum(batch.status == RUNNING))


def unchecked(batch: Batch) -> np.ndarray:
    """Return which starts converged and have not been looked at for negative curvature, (n_starts,)."""
    return (batch.status == STATUSES.index(Status.CONVERGED)) & ~batch.checked


def of_process_0(tree: PyTree, mesh: Mesh | None) -> Any:
    """Return arrays of the host as process 0 has them, which may differ in last bits; themselves in a run of one."""
    return tree if spanning(mesh) is None else jax.device_get(replicate(tree, mesh))
