"""The state of all starts as a few arrays.

A compiled program takes some five microseconds for each array that it returns, and the state of a method has thirty of
them. So the programs of a training pass it on as one array of real numbers and one of integers, a row for each start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import PyTree


def padded(points: np.ndarray, size: int) -> np.ndarray:
    """Return points, (n, n_params), with zeros after their parameters, (n, size)."""
    return np.pad(points, ((0, 0), (0, size - points.shape[1])))


@dataclass(frozen=True)
class _Leaf:
    """Place of one part of the state: columns of one of the arrays."""

    shape: tuple[int, ...]
    """Of one start."""
    dtype: Any
    is_key: bool
    array: int
    columns: tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Places of all parts of a state; hashable, so that equal ones share compiled programs."""

    structure: Any
    leaves: tuple[_Leaf, ...]
    dtypes: tuple[Any, ...]
    """Of the arrays: real numbers, integers, and any other that neither of them can hold."""
    key_kind: Any
    """Kind of the random keys."""

    @classmethod
    def of(cls, shapes: PyTree, key_kind: Any) -> Layout:
        """Return the layout of a state, each of whose leaves has the starts as its first axis.

        `key_kind` is the kind of its random keys, as `jax.random.wrap_key_data` takes it.
        """
        dtypes: list[Any] = [jax.dtypes.canonicalize_dtype(kind) for kind in (float, int)]
        widths, leaves = [0, 0], []
        parts, structure = jax.tree.flatten(shapes)
        for part in parts:
            is_key = jnp.issubdtype(part.dtype, jax.dtypes.prng_key)
            # a typed key is a few numbers
            numbers = jax.eval_shape(jax.random.key_data, part) if is_key else part
            array = _array_for(numbers.dtype, dtypes)
            if array == len(widths):
                dtypes, widths = [*dtypes, numbers.dtype], [*widths, 0]
            first, shape = widths[array], numbers.shape[1:]
            widths[array] += math.prod(shape)
            leaves.append(_Leaf(shape, numbers.dtype, is_key, array, (first, widths[array])))
        return cls(structure, tuple(leaves), tuple(dtypes), key_kind)

    def pack(self, state: PyTree, numpy: ModuleType) -> tuple[Any, ...]:
        """Return a state as arrays, a row for each start.

        Takes typed random keys or their numbers; `numpy` is NumPy itself on the host, `jax.numpy` in a compiled
        program.
        """
        columns: list[list[Any]] = [[] for _ in self.dtypes]
        for part, leaf in zip(jax.tree.leaves(state), self.leaves, strict=True):
            numbers = jax.random.key_data(part) if leaf.is_key and numpy is jnp else part
            flat = numpy.reshape(numbers, (len(numbers), math.prod(leaf.shape)))
            columns[leaf.array].append(flat.astype(self.dtypes[leaf.array]))
        return tuple(numpy.concatenate(column, axis=1) for column in columns)

    def unpack(self, arrays: tuple[Any, ...], numpy: ModuleType) -> Any:
        """Return the state that `pack` made arrays of; on the host its random keys are numbers."""
        parts = []
        for leaf in self.leaves:
            flat = arrays[leaf.array][:, slice(*leaf.columns)]
            numbers = numpy.reshape(flat, (len(flat), *leaf.shape)).astype(leaf.dtype)
            in_program = leaf.is_key and numpy is jnp
            parts.append(jax.random.wrap_key_data(numbers, impl=self.key_kind) if in_program else numbers)
        return jax.tree.unflatten(self.structure, parts)


def _array_for(dtype: Any, dtypes: list[Any]) -> int:
    """Return the array that holds numbers of a dtype exactly: real numbers, integers, or one of their own."""
    kind = "biu".find(np.dtype(dtype).kind) >= 0
    home = 1 if kind else 0
    if np.dtype(dtype).kind in "biuf" and np.can_cast(dtype, dtypes[home]):
        return home
    return dtypes.index(dtype, 2) if dtype in dtypes[2:] else len(dtypes)


def numbers_of(tree: PyTree) -> Any:
    """Return arrays in the host's memory; typed random keys as their numbers."""

    def plain(leaf: Array) -> Array:
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jax.random.key_data(leaf) if is_key else leaf

    return jax.tree.map(np.asarray, jax.device_get(jax.tree.map(plain, tree)))
