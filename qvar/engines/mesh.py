"""One state over several devices: meshes, and how arrays lie on them.

A mesh has one axis. Inside compiled programs, engines say along which axis of an array the state is cut (`cut`), and
XLA moves what has to move; tables are copied to every device. Lengths need not be multiples of the number of devices.
On several hosts, `jax.distributed.initialize()` comes first; the mesh then spans the devices of all of them.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from qvar._types import PyTree
from qvar.errors import QvarError

AXIS = "state"
"""Name of the mesh's only axis."""


def device_mesh(devices: int | None) -> Mesh | None:
    """A mesh over the first `devices` devices that JAX sees; None for one device, or where None is asked for.

    Raises:
        QvarError: if there are not as many devices.
    """
    if devices is None:
        return None
    found = jax.devices()
    if isinstance(devices, bool) or not isinstance(devices, int) or not 1 <= devices <= len(found):
        raise QvarError(f"`devices` must be from 1 to {len(found)}, which JAX sees here, but is {devices!r}.")
    return Mesh(np.array(found[:devices]), (AXIS,)) if devices > 1 else None


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
    """Arrays put on the device, or copied to every device of the mesh."""
    if mesh is None:
        return jax.device_put(tree)  # `asarray` compiles a program for every shape
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))
