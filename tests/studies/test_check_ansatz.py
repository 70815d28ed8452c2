from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qvar
from qvar.studies import check_ansatz, symmetry_checks
from qvar.studies.check_ansatz import Finding, conform


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    assert len({finding.check for finding in findings}) == len(findings)
    return {finding.check: finding for finding in findings}


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings if finding.passed is False]


def from_circuit(function: Callable[[Any], None], n_params: int, **more: Any) -> qvar.Ansatz:
    return qvar.Ansatz.from_circuit(function, n_qubits=4, n_params=n_params, name="mine", **more)


def rotations(theta: Any) -> None:
    for wire in range(4):
        qml.RY(theta[wire], wires=wire)
    for wire in range(3):
        qml.CNOT([wire, wire + 1])


def test_what_qvar_offers_passes(h2: qvar.Problem) -> None:
    findings = by_check(conform(h2, qvar.uccsd(h2)))
    assert all(finding.passed for finding in findings.values())
    assert findings["cost"].figure == qvar.uccsd(h2).resources().two_qubit_gates
    assert findings["starts"].sentence.startswith("3 parameters in each of the starts uniform, gaussian, zero")
    for check in ("gradient", "PennyLane", "engines", "particle_number", "sz"):
        figure = findings[check].figure
        assert figure is not None
        assert figure < 1e-9
    findings = by_check(conform(qvar.tfim(4), qvar.hardware_efficient(4, layers=1)))
    assert wrong(list(findings.values())) == []
    assert findings["engines"].passed is None
    assert findings["symmetries"].sentence == "None are claimed."


def test_symmetries_that_hold_unclaimed_are_remarks(h2: qvar.Problem) -> None:
    findings = by_check(conform(h2, replace(qvar.uccsd(h2), symmetries=())))
    for check in ("particle_number", "sz"):
        assert findings[check].passed is None
        assert findings[check].sentence == "It holds here and is not claimed."
    assert "s2" not in findings  # singles of either spin turn on their own


def test_claims_that_do_not_hold(h2: qvar.Problem) -> None:
    symmetries = ("particle_number", "sz", "s2", "spin_flip")
    findings = conform(h2, from_circuit(rotations, 4, symmetries=symmetries))
    assert wrong(findings) == list(symmetries)
    assert by_check(findings)["particle_number"].sentence.startswith("It is claimed, but spreads: mean ")
    assert wrong(conform(h2, replace(qvar.uccsd(h2), symmetries=("s2",)))) == ["s2"]


def test_another_number_of_electrons_is_reported(h2: qvar.Problem) -> None:
    def one_electron(theta: Any) -> None:
        qml.PauliX(0)
        qml.SingleExcitation(theta[0], wires=[0, 2])

    findings = by_check(conform(h2, from_circuit(one_electron, 1, symmetries=("particle_number", "sz"))))
    assert findings["particle_number"].sentence == "It is 1 at every theta, but 2 in the problem's reference."
    assert findings["sz"].sentence == "It is 0.5 at every theta, but 0 in the problem's reference."


def test_spin_flip_and_ones_of_a_spin_model() -> None:
    def ising(theta: Any) -> None:
        for wire in range(4):
            qml.Hadamard(wire)
        for wire in range(3):
            qml.IsingZZ(theta[wire], wires=[wire, wire + 1])
        for wire in range(4):
            qml.RX(theta[3], wires=wire)

    tfim = qvar.tfim(4)
    assert by_check(conform(tfim, from_circuit(ising, 4, symmetries=("spin_flip",))))["spin_flip"].passed
    assert by_check(conform(tfim, from_circuit(ising, 4)))["spin_flip"].passed is None

    def exchange(theta: Any) -> None:
        qml.BasisState([1, 0, 0, 0], wires=range(4))
        for wire in range(3):
            qml.IsingXY(theta[wire], wires=[wire, wire + 1])

    findings = by_check(conform(tfim, from_circuit(exchange, 3, symmetries=("particle_number",))))
    assert findings["particle_number"].passed
    assert findings["particle_number"].sentence.startswith("It is 1 at 3 random points")


def test_a_reference_that_is_no_spin_eigenstate_sets_no_spin() -> None:
    neel = qvar.Problem(  # one electron up on site 0, one down on site 1: half singlet, half triplet
        "dimer",
        4,
        "J",
        description={},
        integrals=qvar.hydrogen_chain(2).integrals,
        pauli=None,
        occupied_alpha=(0,),
        occupied_beta=(1,),
    )

    def singlet(theta: Any) -> None:
        qml.BasisState([1, 1, 0, 0], wires=range(4))
        qml.DoubleExcitation(theta[0], wires=[0, 1, 2, 3])

    symmetries = ("particle_number", "sz", "s2")
    findings = by_check(conform(neel, from_circuit(singlet, 1, symmetries=symmetries)))
    assert [findings[name].passed for name in symmetries] == [True, True, True]
    assert findings["s2"].sentence.startswith("It is 0 at 3 random points")


def test_parameters_without_effect(h2: qvar.Problem) -> None:
    def idle(theta: Any) -> None:
        qml.RZ(theta[0], wires=0)  # |0> knows no phase
        qml.RY(theta[1], wires=1)
        qml.PhaseShift(theta[2], wires=3)

    finding = by_check(conform(h2, from_circuit(idle, 3)))["effect"]
    assert (finding.passed, finding.figure) == (None, 2)
    assert finding.sentence == "Parameters 0 and 2 have no effect on the energy."

    (some,) = check_ansatz._effect([np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])])
    assert (some.passed, some.sentence) == (None, "Parameter 1 has no effect on the energy.")
    (many,) = check_ansatz._effect([np.array([1.0, *[0.0] * 6])])
    assert many.sentence == "Parameters 1, 2, 3, 4 and 2 more have no effect on the energy."
    (none,) = check_ansatz._effect([np.zeros(2)])
    assert (none.passed, none.sentence) == (False, "No parameter changes the energy.")


@jax.custom_jvp
def crooked(x: Any) -> Any:
    return x**2


@crooked.defjvp
def _(primals: Any, tangents: Any) -> Any:
    return crooked(primals[0]), primals[0] * tangents[0]  # half of what it is


@pytest.mark.filterwarnings("ignore:The angles are not affine")
def test_a_wrong_gradient_is_reported(h2: qvar.Problem) -> None:
    def circuit(theta: Any) -> None:
        for wire in range(4):
            qml.RY(crooked(theta[wire]) if wire == 2 else theta[wire], wires=wire)

    findings = conform(h2, from_circuit(circuit, 4))
    assert wrong(findings) == ["gradient"]
    assert by_check(findings)["gradient"].sentence.startswith("Along parameter 2 it is ")


@pytest.mark.filterwarnings("ignore:The angles are not affine")
def test_angles_that_are_not_affine_and_not_finite(h2: qvar.Problem) -> None:
    def smooth(theta: Any) -> None:
        for wire in range(4):
            qml.RY(jnp.sin(theta[wire]), wires=wire)

    assert wrong(conform(h2, from_circuit(smooth, 4))) == []

    def root(theta: Any) -> None:
        qml.RY(jnp.sqrt(theta[0] - 10.0), wires=0)

    findings = conform(h2, from_circuit(root, 1))
    assert wrong(findings) == ["values"]
    assert by_check(findings)["values"].sentence == "At random parameters the energy is not a finite number."
    assert "gradient" not in by_check(findings)


class Lying(qvar.Ansatz):
    """Shows PennyLane another circuit than the one that it runs."""

    def circuit(self, theta: Any) -> None:
        super().circuit(theta)
        qml.RX(0.3, wires=0)


@pytest.mark.filterwarnings("ignore:The angles are not affine")
@pytest.mark.parametrize("affine", [True, False])
def test_another_circuit_in_pennylane_is_detected(h2: qvar.Problem, affine: bool) -> None:
    def circuit(theta: Any) -> None:
        qml.RY(theta[0] if affine else theta[0] ** 2, wires=0)

    honest = from_circuit(circuit, 1)
    findings = conform(h2, Lying(name="liar", family="generic", program=honest.program))
    assert wrong(findings) == ["PennyLane"]
    assert by_check(findings)["PennyLane"].sentence.startswith("PennyLane and qvar differ in the ")


@pytest.mark.filterwarnings("ignore:The angles are not affine")
@pytest.mark.parametrize(("other", "what"), [(jnp.abs, "state"), (lambda x: x + 1e-3, "energy")])
def test_the_users_own_function_is_what_pennylane_runs(h2: qvar.Problem, other: Any, what: str) -> None:
    """An angle that agrees at the random point differs at the negative ones."""
    theta = np.random.default_rng(0).uniform(-np.pi, np.pi, 1)
    assert theta[0] > 0

    def function(theta: Any, turned: Any = lambda x: x) -> None:
        for wire in range(4):
            qml.RY(turned(theta[0]), wires=wire)

    honest = from_circuit(function, 1)
    assert wrong(conform(h2, honest)) == []
    finding = by_check(conform(h2, replace(honest, source=lambda t: function(t, other))))["PennyLane"]
    assert finding.passed is False
    assert finding.sentence.startswith(f"PennyLane and qvar differ in the {what} by ")


def test_large_circuits_are_compared_without_gradients(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_ansatz, "_BACKPROPAGATION_BYTES", 1)
    assert by_check(conform(h2, from_circuit(rotations, 4)))["PennyLane"].passed


def test_engines_that_differ_are_detected(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    other = qvar.hydrogen_chain(2, bond=0.8)

    def energy(problem: qvar.Problem, ansatz: qvar.Ansatz, engine: Any = "auto") -> qvar.Objective:
        return qvar.energy(other if engine == "dense" else problem, ansatz, engine=engine)

    monkeypatch.setattr(check_ansatz, "energy", energy)
    findings = conform(h2, qvar.uccsd(h2))
    assert wrong(findings) == ["PennyLane", "engines"]
    assert by_check(findings)["engines"].sentence.startswith("Dense and sector differ in the energy by ")


def test_starts_records_and_citations(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (check_ansatz, symmetry_checks):  # the checks that simulate, and take longest, are left out
        monkeypatch.setattr(module, "MAX_QUBITS", 3)
    ansatz = from_circuit(rotations, 4)
    short = by_check(conform(h2, replace(ansatz, starts={"short": lambda _: jnp.zeros(3)})))["starts"]
    assert (short.passed, short.sentence) == (False, "Start 'short' gives 3 numbers for 4 parameters.")
    infinite = by_check(conform(h2, replace(ansatz, starts={"far": lambda _: jnp.full(4, jnp.inf)})))["starts"]
    assert infinite.sentence == "Start 'far' gives numbers that are not finite."

    def broken(_: Any) -> Any:
        raise RuntimeError("no amplitudes\nat all")

    fails = by_check(conform(h2, replace(ansatz, starts={"broken": broken})))["starts"]
    assert fails.sentence == "It ends in RuntimeError: no amplitudes."
    assert wrong(conform(h2, replace(ansatz, settings={"mask": np.zeros(2)}))) == ["record"]
    counter = iter(range(100))
    drifting = replace(ansatz, starts={"drift": lambda _: jnp.full(4, float(next(counter)))}, start="drift")
    assert wrong(conform(h2, drifting)) == ["record"]
    assert wrong(conform(h2, replace(ansatz, citations=("nobody1900",)))) == ["citations"]


def test_no_parameters_and_many(h2: qvar.Problem) -> None:
    def fixed(_: Any) -> None:
        qml.BasisState([1, 1, 0, 0], wires=range(4))
        qml.PauliZ(0)

    findings = by_check(conform(h2, from_circuit(fixed, 0)))
    assert wrong(list(findings.values())) == []
    assert findings["gradient"].sentence == "There is no parameter to differentiate by."
    assert findings["effect"].sentence == "There is no parameter."
    many = by_check(conform(h2, qvar.hardware_efficient(h2, layers=4)))
    assert many["gradient"].passed
    assert many["starts"].figure == 40


def test_large_registers_leave_checks_out(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (check_ansatz, symmetry_checks):
        monkeypatch.setattr(module, "MAX_QUBITS", 3)
    findings = by_check(conform(h2, qvar.uccsd(h2)))
    for check in ("PennyLane", "engines", "symmetries"):
        assert findings[check].passed is None
        assert findings[check].sentence.startswith("Left out: 4 qubits are too many")
    assert findings["gradient"].passed


def test_lightning_is_used_if_backpropagation_would_not_fit(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = []

    def oracle(problem: Any, ansatz: Any, device: Any) -> Any:
        devices.append(device)
        from qvar.engines.pennylane_reference import oracle as real

        return real(problem, ansatz, device)

    monkeypatch.setattr(check_ansatz, "oracle", oracle)
    monkeypatch.setattr(check_ansatz, "_BACKPROPAGATION_BYTES", 1)
    assert by_check(conform(h2, qvar.uccsd(h2)))["PennyLane"].passed
    assert devices == ["lightning.qubit"]


def test_an_engine_that_raises_is_a_finding(h2: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    def energy(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(check_ansatz, "energy", energy)
    findings = conform(h2, qvar.uccsd(h2))
    assert findings[-1] == Finding("values", False, "The energy cannot be computed: RuntimeError: out of memory.")


def test_mistakes_are_errors_in_a_sentence(h2: qvar.Problem) -> None:
    with pytest.raises(qvar.QvarError, match=r"must have the problem's 4 qubits, but .* has 5"):
        conform(h2, qvar.hardware_efficient(5))


def test_quantities_are_those_of_their_operators() -> None:
    generator = np.random.default_rng(3)
    state = generator.standard_normal(16) + 1j * generator.standard_normal(16)
    state /= np.linalg.norm(state)
    ones = qml.qchem.particle_number(4)
    raising = sum(qml.FermiC(2 * p) * qml.FermiA(2 * p + 1) for p in range(2))
    raised = qml.matrix(qml.jordan_wigner(raising), wire_order=range(4)) @ state
    operators = {
        "particle_number": ones,
        "sz": qml.qchem.spinz(4),
        "spin_flip": qml.prod(*(qml.X(w) for w in range(4))),
    }
    measured = symmetry_checks._measure(state, 4)
    for name, operator in operators.items():
        matrix = qml.matrix(operator, wire_order=range(4))
        mean = np.vdot(state, matrix @ state).real
        assert measured[name][0] == pytest.approx(mean, abs=1e-12), name
        variance = np.vdot(state, matrix @ matrix @ state).real - mean**2
        assert measured[name][1] == pytest.approx(variance, abs=1e-12), name
    sz = qml.matrix(operators["sz"], wire_order=range(4))
    s2 = np.vdot(raised, raised).real + np.vdot(state, (sz @ sz + sz) @ state).real  # S_- S_+ + S_z (S_z + 1)
    assert measured["s2"] == (pytest.approx(s2, abs=1e-12), 0.0)
