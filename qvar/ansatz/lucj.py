"""Unitary cluster Jastrow circuits: orbital rotations around number-number phases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeAlias

import jax
import numpy as np
import scipy.linalg

from qvar._types import AmplitudeMethod, FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.double_factorization import closed_shell_amplitudes, factorized_doubles
from qvar.ansatz.givens import add_givens_network, givens_angles, givens_pairs
from qvar.ansatz.program import ProgramBuilder, check_operations
from qvar.ansatz.protocols import HasOrbitals
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.errors import QvarError

Connectivity: TypeAlias = Literal["all", "square", "hex", "heavy-hex"]
"""Pairs of spin orbitals with a phase; see `lucj`."""

_EVERY: dict[str, int] = {"square": 1, "hex": 2, "heavy-hex": 4}
"""Distance of orbitals at which spin up and spin down are connected."""

SPREAD = 0.3
"""Standard deviation of the `gaussian` start, radians: the determinant is stationary and flat to second order, and most
starts that are closer fall back to it."""


@checked("layers")
def lucj(
    problem: HasOrbitals,
    *,
    layers: int = 2,
    connectivity: Connectivity = "square",
    final_rotation: bool = False,
    name: str | None = None,
) -> Ansatz:
    r"""Make a local unitary cluster Jastrow circuit: phases only between neighbouring qubits of a device.

    $$ |\psi(\theta)\rangle = F \prod_{\mu=L}^{1} e^{K_\mu} e^{i J_\mu} e^{-K_\mu} |\text{HF}\rangle, \qquad
       J = \sum_p d_p\, n_p + \sum_{p<q} s_{pq} \sum_\sigma n_{p\sigma} n_{q\sigma}
         + \sum_{p \le q} o_{pq} \frac{n_{p\uparrow} n_{q\downarrow} + n_{q\uparrow} n_{p\downarrow}}{1 + \delta_{pq}},
    $$

    layer 1 acting first; \(n_p = n_{p\uparrow} + n_{p\downarrow}\). Orbital rotations \(e^K = W(V)\) are complex and
    the same for both spins; V is the network of `qvar.ansatz.givens` with phases and D = 1, because phases of V's
    columns commute with J. Pairs by connectivity, with M orbitals:

    - `"all"`: every \(d_p\), \(s_{pq}\), \(o_{pq}\): M(M+1) parameters in J, this is `ucj`;
    - `"square"`: \(s_{p,p+1}\) and \(o_{pp}\), 2M - 1 parameters; `"hex"`: \(o_{pp}\) for even p only,
      M - 1 + ceil(M/2); `"heavy-hex"`: \(o_{pp}\) for p = 0, 4, 8, ... only, M - 1 + ceil(M/4).

    Parameter layout: layer by layer; in a layer d (if it exists), s (p before q), o, then the M(M-1)/2 angles
    and M(M-1)/2 phases of V. Then, for F, M phases that act first, and angles and phases of a network again.
    Count: L (|J| + M(M-1)), and M^2 for F. Gates are counted as written: a compiler may merge the rotations between
    two layers, and drop what acts on the determinant alone.

    Starts beside the common ones, for closed shells: `"ccsd"` (the default) and `"mp2"` factorize the
    opposite-spin amplitudes into such layers (`qvar.ansatz.double_factorization`), keep the L terms of largest weight
    and of each what the connectivity has; layers beyond the last term take rotations again, with J = 0; F takes the
    singles. Every seed starts at the same point. Open shells have neither, and start at `"gaussian"`, here with
    a standard deviation of 0.3: the determinant is stationary, flat to second order, and closer starts fall back to it.

    Motta et al., Chem. Sci. 14, 11213 (2023), https://doi.org/10.1039/D3SC02516K, spin-balanced; on cluster Jastrow
    circuits: Matsuzawa, Kurashige, J. Chem. Theory Comput. 16, 944 (2020), https://doi.org/10.1021/acs.jctc.9b00963.

    Args:
        problem: a molecule.
        layers: L, at least 1.
        connectivity: `"all"`, `"square"`, `"hex"` or `"heavy-hex"`.
        final_rotation: whether F follows, a rotation of orbitals; F = 1 without.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: if an argument is out of its range, or the problem has no electrons in orbitals.
    """
    layers = counting_number("layers", layers)
    m = problem.n_orbitals
    if not any(0 < len(occupied) < m for occupied in (problem.occupied_alpha, problem.occupied_beta)):
        raise QvarError("`problem` must have occupied and empty orbitals, but has none.")
    terms = _jastrow(m, connectivity)
    n_network = 2 * len(givens_pairs(m))
    n_layer = len(terms) + n_network
    n_params = layers * n_layer + (m + n_network if final_rotation else 0)

    check_operations("layers", layers, n_layer)
    builder = ProgramBuilder(problem.n_qubits, n_params, problem.reference_bits)
    for layer in range(layers):
        at = layer * n_layer
        add_givens_network(builder, m, at + len(terms), phases=True, inverse=True)
        for param, (kind, gates, _) in enumerate(terms):
            for wires in gates:
                builder.add(kind, wires, {at + param: 1.0})
        add_givens_network(builder, m, at + len(terms), phases=True)
    if final_rotation:
        at = layers * n_layer
        for p in range(m):
            for spin in (0, 1):
                builder.add("PhaseShift", (2 * p + spin,), {at + p: 1.0})
        add_givens_network(builder, m, at + m, phases=True)

    starts: dict[str, Callable[[jax.Array], Any]] = {}
    if sorted(problem.occupied_alpha) == sorted(problem.occupied_beta):

        def from_amplitudes(method: AmplitudeMethod, key: jax.Array) -> FloatArray:
            return _start(problem, method, layers, terms, final_rotation)

        starts = {method: partial(from_amplitudes, method) for method in ("ccsd", "mp2")}
    title = f"ucj x{layers}" if connectivity == "all" else f"lucj {connectivity} x{layers}"
    return Ansatz(
        name=name or title + (" +rotation" if final_rotation else ""),
        family="constrained",
        program=builder.build(),
        settings={"layers": layers, "connectivity": connectivity, "final_rotation": final_rotation},
        start="ccsd" if starts else "gaussian",
        starts=starts,
        spread=SPREAD,
        symmetries=("particle_number", "sz"),
        citations=("motta2023", "matsuzawa2020"),
    )


@checked("layers")
def ucj(problem: HasOrbitals, *, layers: int = 2, final_rotation: bool = False, name: str | None = None) -> Ansatz:
    r"""Make a unitary cluster Jastrow circuit: `lucj` with phases between all pairs, `connectivity="all"`.

    2 M^2 parameters per layer, and M^2 for a final rotation of the orbitals. With as many layers as the doubles
    have terms, the `"ccsd"` start is \(e^{T_2 - T_2^\dagger}\) but for the order of its factors.

    Matsuzawa, Kurashige, J. Chem. Theory Comput. 16, 944 (2020), https://doi.org/10.1021/acs.jctc.9b00963.

    Args:
        problem: a molecule.
        layers: number of layers, at least 1.
        final_rotation: whether a rotation of the orbitals follows.
        name: name in the ledger; made from the arguments if None.

    Raises:
        QvarError: as `lucj`.
    """
    return lucj(problem, layers=layers, connectivity="all", final_rotation=final_rotation, name=name)


_Term: TypeAlias = tuple[str, list[tuple[int, ...]], tuple[int, int]]
"""(kind of operation, the wires of each gate that shares the parameter, (p, q) of the couplings Z it comes from)."""


def _jastrow(m: int, connectivity: str) -> list[_Term]:
    """Return the terms of J, one per parameter."""
    phase, pair = "PhaseShift", "ControlledPhaseShift"
    single: list[_Term] = []
    if connectivity == "all":
        single = [(phase, [(2 * p,), (2 * p + 1,)], (p, p)) for p in range(m)]
        above = [(p, q) for p in range(m) for q in range(p + 1, m)]
        opposite = [(p, q) for p in range(m) for q in range(p, m)]
    else:
        above = [(p, p + 1) for p in range(m - 1)]
        opposite = [(p, p) for p in range(0, m, _EVERY[connectivity])]
    same: list[_Term] = [(pair, [(2 * p, 2 * q), (2 * p + 1, 2 * q + 1)], (p, q)) for p, q in above]
    both: list[_Term] = [(pair, [(2 * p, 2 * q + 1), (2 * q, 2 * p + 1)][: 1 + (p != q)], (p, q)) for p, q in opposite]
    return [*single, *same, *both]


def _start(
    problem: HasOrbitals, method: AmplitudeMethod, layers: int, terms: list[_Term], final_rotation: bool
) -> FloatArray:
    """Return the parameters of the circuit closest to perturbation theory or coupled cluster."""
    m = problem.n_orbitals
    occupied = sorted(problem.occupied_alpha)
    virtual = [p for p in range(m) if p not in occupied]
    t1, t2 = closed_shell_amplitudes(problem.amplitudes(method), occupied, virtual)
    factors = factorized_doubles(t2, occupied, virtual)
    parts: list[FloatArray] = []
    for layer in range(layers):
        if not factors:
            parts.append(np.zeros(len(terms) + 2 * len(givens_pairs(m))))
            continue
        factor = factors[layer % len(factors)]
        weight = 1.0 if layer < len(factors) else 0.0
        # n_p n_p of one spin is n_p; every other pair is twice in the sum over k and l
        scales = [1.0 if kind == "PhaseShift" else 2.0 for kind, *_ in terms]
        phases = [weight * s * factor.couplings[pq] for s, (*_, pq) in zip(scales, terms, strict=True)]
        network = givens_angles(factor.orbitals)
        parts += [np.array(phases), network.rotations, network.phases]
    if final_rotation:
        generator = np.zeros((m, m))
        generator[np.ix_(virtual, occupied)] = t1
        network = givens_angles(scipy.linalg.expm(generator - generator.T))
        parts += [network.diagonal, network.rotations, network.phases]
    return np.concatenate(parts)
