"""Angles of mask operations at theta, and the weights with which a kernel on the host mixes amplitudes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from qvar._types import FloatArray, IntArray
from qvar.ansatz.program import Program
from qvar.engines import angle_kernels


@dataclass(frozen=True, eq=False)
class HostAngles:
    r"""Affine angles \(\varphi = b + A\theta\) of the operations of a kernel, radians."""

    base: FloatArray
    """(n_ops,) b."""
    matrix: tuple[IntArray, IntArray, FloatArray]
    """A (n_ops, n_params) in compressed rows: starts, columns, entries."""
    n_params: int

    @classmethod
    def of(cls, base: FloatArray, matrix: sp.csr_array, n_params: int) -> HostAngles:
        """Return the angles for b and A."""
        rows = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(float))
        return cls(base, rows, n_params)

    def at(self, thetas: FloatArray) -> FloatArray:
        """Return the angles (n, n_ops) at points (n, n_params)."""
        angles = np.repeat(self.base[None], len(thetas), axis=0)
        angle_kernels.spread(thetas, *self.matrix, angles)
        return angles

    def rates(self, directions: FloatArray) -> FloatArray:
        """Return the derivatives (k, n_ops) of the angles along directions (k, n_params)."""
        rates = np.zeros((len(directions), len(self.base)))
        if rates.size:
            angle_kernels.spread(directions, *self.matrix, rates)
        return rates

    def pulled_back(self, slopes: FloatArray) -> FloatArray:
        """Return derivatives by theta (n, n_params) from derivatives by the angles (n, n_ops)."""
        gradients = np.zeros((len(slopes), self.n_params))
        if slopes.size:
            angle_kernels.gather(slopes, *self.matrix, gradients)
        return gradients


def host_angles(program: Program, order: IntArray | None = None, *, by_operation: bool = False) -> HostAngles:
    """Return the angles of a program with affine angles.

    `order` (n_ops,) are the mask operations of the program at the places of the kernel's, all in a row if None. With
    `by_operation`, theta are the angles of the program's operations.
    """
    lowered = program.lowered
    n_params = program.n_ops if by_operation else program.n_params
    offset, op, param, scale = program.affine_map
    if by_operation:
        op = param = np.arange(n_params)
        offset, scale = np.zeros(n_params), np.ones(n_params)
    affine = sp.csr_array((scale, (op, param)), shape=(program.n_ops, n_params))
    slot = lowered.slot if order is None else lowered.slot[order]
    factor = lowered.factor if order is None else lowered.factor[order]
    constant = lowered.constant if order is None else lowered.constant[order]
    matrix = sp.csr_array(sp.diags_array(factor) @ affine[slot]) if len(slot) else affine[:0]
    return HostAngles.of(factor * offset[slot] + constant, matrix, n_params)


@dataclass(frozen=True, eq=False)
class Mixing:
    """Amplitudes with which operations mix an amplitude with its partner; arrays (n_ops,), real or complex."""

    generator: np.ndarray
    """Amplitude of -iG from the partner, or that of a fixed operation."""
    inverse: np.ndarray
    """The same of the inverse operation, at the opposite angle."""
    flip: FloatArray
    """Sign of the amplitude at the partner, relative to that."""
    fixed: np.ndarray
    """(n_ops,) whether the operation has no angle."""

    def weights(self, angles: FloatArray, *, inverse: bool = False) -> np.ndarray:
        """Return the weights (3, n, n_ops) of own amplitude, of the partner, and of the own at the partner."""
        amplitudes, sign = (self.inverse, -1.0) if inverse else (self.generator, 1.0)
        weights = np.empty((3, *angles.shape), amplitudes.dtype)
        angle_kernels.weigh(angles, sign, amplitudes, self.flip, self.fixed, weights)
        return weights

    @cached_property
    def factors(self) -> np.ndarray:
        """Amplitudes (2, n_ops) of -iG from the partner, and at the partner."""
        return np.stack([self.generator, self.flip * self.generator])
