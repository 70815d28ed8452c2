"""The sector engine against its slow twin: every operation by its definition, on all 2^n amplitudes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from twin import slopes, twin_state

import qvar
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.engines.conserved import ConservedSector
from qvar.engines.occupation_strings import electron_layout, occupation_strings, register_layout
from qvar.engines.sector import sector_circuit
from qvar.engines.sector_plan import sector_plan
from qvar.engines.state_function import StateFunction

REAL = (
    "SingleExcitation",
    "DoubleExcitation",
    "FermionicSingleExcitation",
    "FermionicDoubleExcitation",
    "CZ",
    "PauliZ",
)
COMPLEX = ("RZ", "PhaseShift", "ControlledPhaseShift", "IsingZZ", "IsingXY", "MultiRZ", "SWAP", "ISWAP", "CSWAP", "T")
N_PARAMS = 3


def _in_sector(state: np.ndarray, n_orbitals: int, n_alpha: int, n_beta: int) -> np.ndarray:
    strings = occupation_strings(n_orbitals, n_alpha), occupation_strings(n_orbitals, n_beta)
    index, sign = register_layout(*strings, n_orbitals)
    return sign * state[index]


def _random_program(
    n_orbitals: int, electrons: tuple[int, int], kinds: tuple[str, ...], n_ops: int, seed: int
) -> Program:
    """Operations that conserve both spins, in runs of one kind now and then."""
    rng = np.random.default_rng(seed)
    reference = np.zeros(2 * n_orbitals, int)
    for spin, number in enumerate(electrons):
        reference[2 * rng.permutation(n_orbitals)[:number] + spin] = 1
    builder = ProgramBuilder(2 * n_orbitals, N_PARAMS, reference.tolist())
    spins = [np.arange(0, 2 * n_orbitals, 2), np.arange(1, 2 * n_orbitals, 2)]
    index = 0
    while index < n_ops:
        kind = str(rng.choice(kinds))
        for _ in range(int(rng.integers(1, 4))):
            wires = _wires(kind, spins, rng)
            if wires is None:
                break
            parametric = kind not in ("CZ", "PauliZ", "SWAP", "ISWAP", "CSWAP", "T")
            angle = {index % N_PARAMS: float(rng.choice([1.0, -0.5, 2.0]))} if parametric else {}
            builder.add(kind, wires, angle, offset=0.3 if parametric else 0.0)
            index += 1
        index += 1
    return builder.build()


def _wires(kind: str, spins: list[np.ndarray], rng: np.random.Generator) -> list[int] | None:
    """Wires that let a kind conserve both spins; None where the register is too small for it."""
    everything, own = rng.permutation(np.concatenate(spins)).tolist(), rng.permutation(spins[rng.integers(2)]).tolist()
    if "Double" in kind:
        if rng.integers(2) and len(own) >= 4:
            return own[:4]
        if len(own) < 2:
            return None
        alpha, beta = (rng.permutation(spin).tolist() for spin in spins)
        return [alpha[0], beta[0], alpha[1], beta[1]]
    if kind in ("PauliZ", "RZ", "PhaseShift", "T"):
        return everything[:1]
    if kind in ("CZ", "ControlledPhaseShift", "IsingZZ", "MultiRZ"):
        return everything[:2]
    if kind == "CSWAP":
        control = [wire for wire in everything if wire not in own[:2]]
        return [control[0], *own[:2]] if len(own) >= 2 and control else None
    return own[:2] if len(own) >= 2 else None


SECTORS = [(4, 2, 2), (4, 3, 1), (3, 1, 2), (3, 3, 0), (2, 1, 0), (2, 2, 2), (2, 0, 0), (1, 1, 0), (3, 0, 1), (5, 2, 3)]
"""(orbitals, alpha, beta) electrons; most have 1 to 3 strings of a spin."""


@pytest.mark.parametrize(
    ("sector", "kinds"),
    [pytest.param(sector, REAL, id=f"{sector} real") for sector in SECTORS[::3]]
    + [pytest.param(sector, REAL + COMPLEX, id=f"{sector} complex") for sector in SECTORS],
)
def test_state_and_its_derivatives_are_those_of_the_slowtwin_state(
    sector: tuple[int, int, int], kinds: tuple[str, ...]
) -> None:
    n_orbitals, n_alpha, n_beta = sector
    layout = electron_layout(2 * n_orbitals)
    program = _random_program(n_orbitals, (n_alpha, n_beta), kinds, 24, seed=n_orbitals)
    real = program.lowered.real
    assert real or kinds is not REAL
    (circuit, reference, tables), (alpha, beta) = sector_circuit(
        program, real, ConservedSector(layout, program.reference_index)
    )
    assert (len(alpha), len(beta)) == circuit.shape
    data = {
        "angles": {
            "affine": program.affine_map,
            **{name: getattr(program.lowered, name) for name in ("slot", "factor", "constant")},
        },
        "reference": reference,
        "circuit": tables,
    }
    function = StateFunction(circuit, None)
    rng = np.random.default_rng(0)
    theta = rng.uniform(-2, 2, N_PARAMS)

    # Re <probe|psi> has every derivative of the state in it
    probe = rng.normal(size=(2, *circuit.shape))
    weight = probe[0] if real else probe[0] + 1j * probe[1]

    def overlap(theta, data):
        state = function(theta, data)
        return jnp.sum(jnp.real(jnp.conj(weight) * state)), state

    found, state = jax.jit(jax.grad(overlap, has_aux=True))(jnp.asarray(theta), jax.tree.map(jnp.asarray, data))
    twin = twin_state(program, theta)
    assert np.linalg.norm(twin) == pytest.approx(1.0)
    np.testing.assert_allclose(state, _in_sector(twin, n_orbitals, n_alpha, n_beta), atol=1e-13)

    def twins_overlap(theta):
        there = _in_sector(twin_state(program, theta), n_orbitals, n_alpha, n_beta)
        return np.sum(np.real(np.conj(weight) * there))

    np.testing.assert_allclose(found, slopes(twins_overlap, theta), rtol=0, atol=2e-9)


def test_factors_that_share_their_alpha_part_stand_in_one_group(h4: qvar.Problem) -> None:
    layout, strings = electron_layout(8), occupation_strings(4, 2)
    plan = sector_plan(qvar.uccsd(h4).program.lowered, layout, strings, strings)
    sides = [plan.classes[which].side for which in plan.groups["which"]]
    # 4 singles and 1 same-spin double each, then 16 opposite-spin doubles in 4 groups, one for each alpha single
    assert sides == ["alpha", "beta", "alpha", "beta", "cross", "cross", "cross", "cross"]
    np.testing.assert_array_equal(plan.groups["stop"] - plan.groups["start"], [4, 4, 1, 1, 4, 4, 4, 4])
    assert len(plan.lanes["rows"]) == 4 * 2  # two strings each
    assert (
        len(plan.rows["rows"]) == 4 * 2 + 1 + 4 * 2 + 1
    )  # singles and doubles of alpha, of beta; cross has those of beta


def test_phases_that_nothing_parts_are_one_group() -> None:
    builder = ProgramBuilder(8, 1, [1, 1, 1, 1, 0, 0, 0, 0])
    builder.add("ControlledPhaseShift", [0, 2], {0: 1.0})
    builder.add("FermionicSingleExcitation", [6, 4], {0: 1.0})  # looks at other bits than the first two phases
    builder.add("ControlledPhaseShift", [1, 3], {0: 1.0})
    builder.add("RZ", [0], {0: 1.0})
    builder.add("FermionicSingleExcitation", [2, 0], {0: 1.0})
    builder.add("ControlledPhaseShift", [0, 7], {0: 1.0})
    strings = occupation_strings(4, 2)
    plan = sector_plan(builder.build().lowered, electron_layout(8), strings, strings)
    sides = [plan.classes[which].side for which in plan.groups["which"]]
    assert sides == ["phase", "alpha", "phase"]
    np.testing.assert_array_equal(plan.order, [0, 2, 3, 1, 4, 5])
    assert [kind.crossed for kind in plan.classes if kind.side == "phase"] == [False, True]


def test_operations_that_select_nothing_are_left_out_and_have_no_slope(h2: qvar.Problem) -> None:
    builder = ProgramBuilder(4, 2, [1, 0, 0, 0])
    builder.add("FermionicSingleExcitation", [3, 1], {0: 1.0})  # there is no beta electron
    builder.add("FermionicSingleExcitation", [2, 0], {1: 1.0})
    ansatz = qvar.Ansatz("half empty", "constrained", builder.build())
    value, gradient = qvar.energy(h2, ansatz, engine="sector").value_and_grad([0.3, 0.2])
    dense, slope = qvar.energy(h2, ansatz, engine="dense").value_and_grad([0.3, 0.2])
    assert float(value) == pytest.approx(float(dense), abs=1e-12)
    np.testing.assert_allclose(gradient, slope, atol=1e-12)
    assert float(gradient[0]) == 0.0


def test_batches_are_what_single_evaluations_are(h4: qvar.Problem) -> None:
    for ansatz in (qvar.uccsd(h4), qvar.ucj(h4, layers=1)):
        objective = qvar.energy(h4, ansatz)
        thetas = np.random.default_rng(0).uniform(-1, 1, (3, ansatz.n_params))
        values, gradients = jax.jit(jax.vmap(jax.value_and_grad(objective.function), (0, None)))(thetas, objective.data)
        for theta, value, gradient in zip(thetas, values, gradients, strict=True):
            single, slope = objective.value_and_grad(theta)
            assert float(value) == pytest.approx(float(single), abs=1e-12)
            np.testing.assert_allclose(gradient, slope, atol=1e-12)
