"""One state over several devices: meshes, and how arrays lie on them.

A mesh has one axis. Inside compiled programs, engines say along which axis of an array the state is cut (`cut`), and
XLA moves what has to move; tables are copied to every device. Lengths need not be multiples of the number of devices.

After `jax.distributed.initialize()` the mesh spans the devices of several processes. Every process then runs the same
program, and whatever enters it must be the same to the last bit: tables and starts are those of process 0.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from qvar._types import PyTree
from qvar.errors import QvarError

AXIS = "state"
"""Name of the mesh's only axis."""


def device_mesh(devices: int | None) -> Mesh | None:
    """A mesh over the first `devices` devices that JAX sees; None for one device, or where None is asked for.

    Of several processes it is a mesh over all devices of all of them.

    Raises:
        QvarError: if there are not as many devices, or several processes are to use only some of theirs.
    """
    several = jax.process_count() > 1
    if devices is None and not several:
        return None
    found = jax.devices()
    if devices is not None:
        if isinstance(devices, bool) or not isinstance(devices, int) or not 1 <= devices <= len(found):
            raise QvarError(f"`devices` must be from 1 to {len(found)}, which JAX sees here, but is {devices!r}.")
        if several and devices < len(found):
            raise QvarError(
                f"`devices` must be {len(found)}, all devices of the {jax.process_count()} processes, or None, but is "
                f"{devices}."
            )
        found = found[:devices]
    return Mesh(np.array(found), (AXIS,)) if len(found) > 1 else None


def shared(mesh: Mesh | None) -> Mesh | None:
    """The mesh where it spans several processes, so that results must be whole in each of them; else None."""
    return mesh if mesh is not None and mesh.is_multi_process else None


def cut(array: Array, mesh: Mesh | None, axis: int) -> Array:
    """The same array, cut along one axis over the devices of the mesh; inside compiled programs."""
    if mesh is None:
        return array
    spec = PartitionSpec(*[AXIS if at == axis else None for at in range(array.ndim)])
    return jax.lax.with_sharding_constraint(array, NamedSharding(mesh, spec))


def whole(array: Array, mesh: Mesh | None) -> Array:
    """The same array, whole on every device; inside compiled programs."""
    if mesh is None:
        return array
    return jax.lax.with_sharding_constraint(array, NamedSharding(mesh, PartitionSpec()))


def copied(tree: PyTree, mesh: Mesh | None) -> Any:
    """Arrays put on the device, or copied to every device of the mesh; of several processes those of process 0.

    Raises:
        QvarError: if the mesh spans several processes and their arrays differ in shape.
    """
    if mesh is None:
        return jax.device_put(tree)  # `asarray` compiles a program for every shape
    everywhere = NamedSharding(mesh, PartitionSpec())
    if shared(mesh) is None:
        return jax.device_put(tree, everywhere)
    leaves, structure = jax.tree.flatten(tree)
    kinds = {at: jax.random.key_impl(leaf) for at, leaf in enumerate(leaves) if _is_key(leaf)}
    for at in kinds:
        leaves[at] = jax.random.key_data(leaves[at])
    here = [at for at, leaf in enumerate(leaves) if not (isinstance(leaf, jax.Array) and leaf.sharding == everywhere)]
    arrays = [np.asarray(leaf) for leaf in jax.device_get([leaves[at] for at in here])]
    alike(f"{structure}, {here}, {[(array.shape, array.dtype) for array in arrays]}", mesh)
    for at, array in zip(here, _of_first(arrays), strict=True):
        # `device_put` would compare every array with those of the other processes, one by one
        kept = array.astype(jax.dtypes.canonicalize_dtype(array.dtype))
        leaves[at] = jax.make_array_from_callback(kept.shape, everywhere, kept.__getitem__)
    for at, kind in kinds.items():
        leaves[at] = jax.random.wrap_key_data(leaves[at], impl=kind)
    return jax.tree.unflatten(structure, leaves)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def mesh_of(tree: PyTree) -> Mesh | None:
    """The mesh that arrays were copied to; None where they lie on one device."""
    for leaf in jax.tree.leaves(tree):
        if isinstance(leaf, jax.Array) and isinstance(leaf.sharding, NamedSharding):
            return leaf.sharding.mesh if isinstance(leaf.sharding.mesh, Mesh) else None
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Several processes: every one of them calls these, in the same order


def alike(words: str, mesh: Mesh | None) -> None:
    """Makes sure that all processes are about to run the same program.

    Raises:
        QvarError: in every process, if their words differ: they would wait for each other for ever.
    """
    if shared(mesh) is None:
        return
    digest = np.frombuffer(hashlib.sha256(words.encode()).digest(), np.uint32)
    if len(np.unique(multihost_utils.process_allgather(digest), axis=0)) > 1:
        raise QvarError(
            "`problem` and `ansatz` must come out alike in all processes, but they differ; build them once, "
            "`problem.save` it, and let the case load that file."
        )


def least(number: int, mesh: Mesh | None) -> int:
    """The smallest of the processes' numbers, each at least 0; the number itself where there is one process."""
    if shared(mesh) is None:
        return number
    return int(multihost_utils.process_allgather(np.minimum(number, np.iinfo(np.int32).max).astype(np.int32)).min())


def agreed_array(array: Array, mesh: Mesh | None) -> Array:
    """An array of this process as process 0 has it; the array itself where there is one process.

    The processes may differ in its last bits, because each of them made it.
    """
    if shared(mesh) is None:
        return array
    return jax.device_put(_of_first([np.asarray(array)])[0])


def _of_first(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Arrays as process 0 has them, which have the same shapes everywhere; sent as one row of bytes."""
    sent = b"".join(array.tobytes() for array in arrays)
    if not sent:
        return arrays
    row = multihost_utils.broadcast_one_to_all(np.frombuffer(sent, np.uint8)).tobytes()
    ends = np.cumsum([array.nbytes for array in arrays]).tolist()
    return [
        np.frombuffer(row, array.dtype, math.prod(array.shape), end - array.nbytes).reshape(array.shape)
        for array, end in zip(arrays, ends, strict=True)
    ]
