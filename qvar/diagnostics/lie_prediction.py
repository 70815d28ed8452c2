r"""Variances that the Lie algebra of a deep circuit predicts, of the loss and of its derivatives.

The loss is \(\ell(U) = \mathrm{Tr}(\rho U^\dagger O U)\) with U drawn from the Haar measure of the group
\(e^{\mathfrak g}\), which circuits approach with depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import checked
from qvar.checks import counting_number, whole_number
from qvar.diagnostics.lie_algebra import LIMIT, LieAlgebra, check_complete, close
from qvar.diagnostics.lie_generators import (
    CircuitGenerators,
    circuit_generators,
    distinct,
    listed_generators,
    n_wires,
    operator_sum,
)
from qvar.diagnostics.lie_modules import RowModule, StringModule, row_module, string_module
from qvar.diagnostics.lie_spaces import SectorSpace, StringSpace, sector_states
from qvar.diagnostics.lie_states import Amplitudes, is_bits, prepared, read_amplitudes, state_qubits, string_means
from qvar.errors import QvarError
from qvar.pauli import PauliSum

Position: TypeAlias = Literal["middle", "first", "last"]
"""Position of a gate in the circuit: random gates on both sides, after it alone, or before it alone."""

_MEMBER = 1e-7
"""Parts of an operator outside of an algebra up to this, relative to its norm, are rounding."""


@checked()
def lie_variance(
    generators: Any, observable: Any, *, state: Any = None, limit: int = LIMIT, sector: Any = None
) -> float:
    r"""Predict the variance of the loss of a deep circuit from its Lie algebra.

    For O in \(i \mathfrak g\), with \(\mathfrak g_j\) the simple ideals of \(\mathfrak g\), and the purity
    \(P_j(A) = \sum_i |\mathrm{Tr}(b_i A)|^2\) over an orthonormal Hermitian basis of \(i \mathfrak g_j\),

    $$ \mathrm{Var}[\ell] = \sum_j \frac{P_j(\rho) \, P_j(O)}{\dim \mathfrak g_j}; $$

    the centre, and what commutes with all of \(\mathfrak g\), contributes to the mean alone. The same argument covers
    an O outside of the algebra, with the irreducible parts of the space that O and its nested commutators span in place
    of the ideals: \(2 / (d + 2)\) for a real Pauli string under real circuits, so(d); see
    `qvar.diagnostics.lie_modules`. The law is exact if the circuit is a 2-design of its group, as deep ones become.

    Ragone et al., Nat. Commun. 15, 7172 (2024), https://doi.org/10.1038/s41467-024-49909-3; Fontana et al., Nat.
    Commun. 15, 7171 (2024), https://doi.org/10.1038/s41467-024-49910-w; outside of the algebra Diaz et al.,
    https://arxiv.org/abs/2310.11505.

    Args:
        generators: an Ansatz, or a list of Hermitian PennyLane operators; see `lie_closure`.
        observable: O, a Hermitian PennyLane operator; or a Problem, for its Hamiltonian.
        state: \(\rho\), the initial state: n bits (integers), or 2^n amplitudes (floats or complex numbers), wire 0 the
            most significant bit; in a sector the amplitudes of its basis states, in the order and with the signs of the
            sector engine, as in `objective.state(theta)`. For an Ansatz it is the state before all of its gates; its
            reference if None.
        limit: largest dimension of the algebra, and of the module of O.
        sector: see `lie_closure`. O may leave the sector; its block inside counts.

    Returns:
        The variance, in the square of the observable's unit.

    Raises:
        QvarError: if the algebra, or the module of O, is too large, or an argument is wrong.
    """
    setting = _setting(generators, observable, state, limit, sector)
    return setting.module.moment(setting.observable, setting.state)


@checked()
def lie_gradient_variance(
    generators: Any,
    observable: Any,
    *,
    state: Any,
    generator: Any,
    position: Position = "middle",
    limit: int = LIMIT,
    sector: Any = None,
) -> float:
    r"""Predict the variance of a derivative of the loss of a deep circuit from its Lie algebra.

    For the angle of a gate \(e^{-i\theta G}\) with G in \(i \mathfrak g\) (a rotation of PennyLane has G = P/2), in a
    circuit \(U = U_B e^{-i\theta G} U_A\), the derivative

    $$ \partial_\theta \ell = \mathrm{Tr}(U_A \rho U_A^\dagger \; e^{i\theta G} \, i [G, U_B^\dagger O U_B] \,
       e^{-i\theta G}) $$

    has mean zero if \(U_A\) or \(U_B\) is drawn from \(e^{\mathfrak g}\), and a variance by the second moment of
    `lie_variance`. In its notation, for O in \(i \mathfrak g\), the variance is

    - \(\sum_j P_j(\rho) P_j(O) \, K_j(G) / (\dim \mathfrak g_j)^2\) in the middle, where \(U_A\) and \(U_B\) are
      independent and random; \(K_j(G) = \sum_i \lVert [G, b_i] \rVert^2\) is the Killing form of G's part in
      \(\mathfrak g_j\), \(2d \, \mathrm{Tr}\, G^2\) for su(d);
    - \(\sum_j P_j(i[\rho, G]) P_j(O) / \dim \mathfrak g_j\) for the first gate, where only \(U_B\) is random;
    - \(\sum_j P_j(\rho) P_j(i[G, O]) / \dim \mathfrak g_j\) for the last gate, where only \(U_A\) is.

    Fontana et al., Nat. Commun. 15, 7171 (2024), https://doi.org/10.1038/s41467-024-49910-w.

    Args:
        generators: see `lie_variance`, as for all arguments but the next two.
        observable: O.
        state: the initial state.
        generator: G, a Hermitian PennyLane operator; for an Ansatz the number of a parameter, whose gates must make
            one generator.
        position: `"middle"`, `"first"` or `"last"`, independent of the gate's position in an Ansatz.
        limit: largest dimension.
        sector: sector of the algebra.

    Returns:
        The variance, in the square of the observable's unit (per radian).

    Raises:
        QvarError: if G does not lie in the algebra, or as in `lie_variance`.
    """
    if generator is None:
        raise QvarError("`generator` must be an operator or the number of a parameter, but is None.")
    setting = _setting(generators, observable, state, limit, sector, generator)
    module, o, r, g = setting.module, setting.observable, setting.state, setting.generator
    assert g is not None
    if position == "middle":
        return module.moment_around(o, r, g)
    if position == "first":  # Tr(i[rho, G] b) = Tr(rho i[G, b]) = -Tr(i[G, rho] b)
        return module.moment(o, module.turned(g, r))
    return module.moment(module.turned(g, o), r)


@dataclass(frozen=True, eq=False)
class _Setting:
    """Module of an observable, with the observable and the state in its coordinates."""

    module: StringModule | RowModule
    observable: FloatArray
    state: FloatArray
    generator: PauliSum | None


def _setting(generators: Any, observable: Any, state: Any, limit: int, sector: Any, generator: Any = None) -> _Setting:
    limit = counting_number("limit", limit)
    circuit: CircuitGenerators | None = None
    if isinstance(generators, Ansatz):
        circuit = circuit_generators(generators)
        n_qubits, sums = generators.n_qubits, circuit.generators
        first = generators.program.initial
        reference = generators.program.reference if first is None else first.register()
        state = reference if state is None else state
    else:
        listed = list(generators) if isinstance(generators, list | tuple) else []
        n_qubits = n_wires([*listed, observable])
        if sector is None:
            n_qubits = max(n_qubits, state_qubits(state))
        elif is_bits(state):
            n_qubits = max(n_qubits, len(np.ravel(state)))
        sums = listed_generators(generators, n_qubits)
    if state is None:
        raise QvarError("`state` must be given with a list of generators, but is None.")
    amplitudes = read_amplitudes(state, n_qubits, None if circuit and is_bits(state) else sector)
    operator = operator_sum(observable, n_qubits, "observable")
    if circuit is not None:
        amplitudes = prepared(amplitudes, circuit.preparation)
        operator = circuit.frame(operator)
    if sector is not None and not np.all(np.isin(amplitudes.index, sector_states(sector, n_qubits)[0])):
        raise QvarError(f"`state` must stay in the sector {sector!r}, but leaves it.")
    operator = operator.traceless()
    chosen = None if generator is None else _chosen(generator, circuit, n_qubits)
    algebra = close(distinct(sums), n_qubits, limit, sector)
    check_complete(algebra, limit)
    if chosen is not None:
        _check_member(algebra, chosen)
    if algebra.rows is None:
        module = string_module(algebra, operator, limit)
        return _Setting(module, module.coordinates(operator), string_means(amplitudes, module.x, module.z), chosen)
    module = row_module(algebra, operator, limit)
    return _Setting(module, module.coordinates(operator), _state_row(module, amplitudes), chosen)


def _state_row(module: RowModule, state: Amplitudes) -> FloatArray:
    """Return the row v with Tr(rho H) = v . row(H) for all H of the module."""
    space = module.space
    if isinstance(space, StringSpace):
        return string_means(state, space.x[: module.width], space.z[: module.width])
    assert isinstance(space, SectorSpace)
    vector = np.zeros(space.n_states, dtype=np.complex128)
    place, _ = space.find(state.index)
    vector[place] = state.values * space.signs[place]
    return space.flat(np.outer(vector, vector.conj()))


def _check_member(algebra: LieAlgebra, operator: PauliSum) -> None:
    """Raise `QvarError` unless the generator of a gate lies in the algebra."""
    space = algebra.space.copy()
    width = space.width
    row = space.row(operator)
    rest = row.copy()
    if algebra.rows is None:
        rest[:width] = 0.0
    else:
        inside = row[: algebra.rows.shape[1]]
        rest[: inside.size] -= (algebra.rows @ inside) @ algebra.rows
    if float(np.linalg.norm(rest)) > _MEMBER * float(np.linalg.norm(row)):
        raise QvarError("`generator` must lie in the Lie algebra of the generators, but has a part outside of it.")


def _chosen(generator: Any, circuit: CircuitGenerators | None, n_qubits: int) -> PauliSum:
    if circuit is None:
        return operator_sum(generator, n_qubits, "generator").traceless()
    number = whole_number("generator", generator)
    mine = [one for one, param in zip(circuit.generators, circuit.params, strict=True) if param == number]
    if len(mine) != 1:
        raise QvarError(
            "`generator` must be the number of a parameter whose gates make one generator, "
            f"but parameter {number} has {len(mine)}."
        )
    return mine[0]
