"""Sharding of states over several devices.

A mesh has one axis. Inside compiled programs, engines shard the state along one axis of an array (`shard`), and XLA
moves the data; tables are replicated on every device. Lengths need not be multiples of the number of devices.

After `jax.distributed.initialize()` the mesh spans the devices of several processes. Every process then runs the same
program, whose inputs must be the same to the last bit: tables and starts are those of process 0.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from qvar._types import PyTree
from qvar.errors import QvarError
from qvar.random_draws import is_key

AXIS = "state"
"""Name of the mesh's only axis."""


def device_mesh(devices: int | None) -> Mesh | None:
    """Return a mesh over the first `devices` devices of JAX; None for one device, or if `devices` is None.

    Of several processes it is a mesh over all devices of all of them.

    Raises `QvarError` if there are not as many devices, or several processes are to use only some of theirs.
    """
    several = jax.process_count() > 1
    if devices is None and not several:
        return None
    available = jax.devices()
    if devices is not None:
        n = len(available)
        if isinstance(devices, bool) or not isinstance(devices, int) or not 1 <= devices <= n:
            raise QvarError(f"`devices` must be from 1 to {n}, which JAX sees here, but is {devices!r}.")
        if several and devices < n:
            raise QvarError(
                f"`devices` must be {n}, all devices of the {jax.process_count()} processes, or None, but is {devices}."
            )
        available = available[:devices]
    return Mesh(np.array(available), (AXIS,)) if len(available) > 1 else None


def spanning(mesh: Mesh | None) -> Mesh | None:
    """Return the mesh if it spans several processes, so that results must be whole in each of them; else None."""
    return mesh if mesh is not None and mesh.is_multi_process else None


def shard(array: Array, mesh: Mesh | None, axis: int) -> Array:
    """Shard an array along one axis over the devices of the mesh; inside compiled programs."""
    if mesh is None:
        return array
    spec = PartitionSpec(*[AXIS if at == axis else None for at in range(array.ndim)])
    return jax.lax.with_sharding_constraint(array, NamedSharding(mesh, spec))


def gather(array: Array, mesh: Mesh | None) -> Array:
    """Gather an array, so that it is whole on every device; inside compiled programs."""
    if mesh is None:
        return array
    return jax.lax.with_sharding_constraint(array, NamedSharding(mesh, PartitionSpec()))


def replicate(tree: PyTree, mesh: Mesh | None) -> Any:
    """Put arrays on the device, or replicate them on every device of the mesh, from process 0 if there are several.

    Raises `QvarError` if the mesh spans several processes and their arrays differ in shape.
    """
    if mesh is None:
        return jax.device_put(tree)  # `asarray` compiles a program for every shape
    everywhere = NamedSharding(mesh, PartitionSpec())
    if spanning(mesh) is None:
        return jax.device_put(tree, everywhere)
    leaves, structure = jax.tree.flatten(tree)
    kinds = {at: jax.random.key_impl(leaf) for at, leaf in enumerate(leaves) if is_key(leaf)}
    for at in kinds:
        leaves[at] = jax.random.key_data(leaves[at])
    here = [at for at, leaf in enumerate(leaves) if not (isinstance(leaf, jax.Array) and leaf.sharding == everywhere)]
    arrays = [np.asarray(leaf) for leaf in jax.device_get([leaves[at] for at in here])]
    check_same_program(f"{structure}, {here}, {[(array.shape, array.dtype) for array in arrays]}", mesh)
    for at, array in zip(here, _of_first(arrays), strict=True):
        # `device_put` would compare every array with those of the other processes, one by one
        kept = array.astype(jax.dtypes.canonicalize_dtype(array.dtype))
        leaves[at] = jax.make_array_from_callback(kept.shape, everywhere, kept.__getitem__)
    for at, kind in kinds.items():
        leaves[at] = jax.random.wrap_key_data(leaves[at], impl=kind)
    return jax.tree.unflatten(structure, leaves)


def mesh_of(tree: PyTree) -> Mesh | None:
    """Return the mesh that arrays are replicated on; None if they lie on one device."""
    for leaf in jax.tree.leaves(tree):
        if isinstance(leaf, jax.Array) and isinstance(leaf.sharding, NamedSharding):
            return leaf.sharding.mesh if isinstance(leaf.sharding.mesh, Mesh) else None
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Several processes: all of them call these, in the same order


def check_same_program(words: str, mesh: Mesh | None) -> None:
    """Check that all processes are about to run the same program.

    Raises `QvarError` in every process, if their words differ: they would wait for each other forever.
    """
    if spanning(mesh) is None:
        return
    digest = np.frombuffer(hashlib.sha256(words.encode()).digest(), np.uint32)
    if len(np.unique(multihost_utils.process_allgather(digest), axis=0)) > 1:
        raise QvarError(
            "`problem` and `ansatz` must come out alike in all processes, but they differ; build them once, "
            "`problem.save` it, and let the case load that file."
        )


def process_minimum(number: int, mesh: Mesh | None) -> int:
    """Return the smallest of the processes' numbers, each at least 0; the number itself if there is one process."""
    if spanning(mesh) is None:
        return number
    return int(multihost_utils.process_allgather(np.minimum(number, np.iinfo(np.int32).max).astype(np.int32)).min())


def of_first_process(array: Array, mesh: Mesh | None) -> Array:
    """Return an array as process 0 has it; the array itself if there is one process.

    The processes may differ in its last bits, because each of them computed it.
    """
    if spanning(mesh) is None:
        return array
    return jax.device_put(_of_first([np.asarray(array)])[0])


def _of_first(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Return arrays as process 0 has them, which have the same shapes everywhere; sent as one row of bytes."""
    sent = b"".join(array.tobytes() for array in arrays)
    if not sent:
        return arrays
    row = multihost_utils.broadcast_one_to_all(np.frombuffer(sent, np.uint8)).tobytes()
    ends = np.cumsum([array.nbytes for array in arrays]).tolist()
    return [
        np.frombuffer(row, array.dtype, math.prod(array.shape), end - array.nbytes).reshape(array.shape)
        for array, end in zip(arrays, ends, strict=True)
    ]
