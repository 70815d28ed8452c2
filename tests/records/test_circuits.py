"""Circuits of a study as text: those of one problem, and of contenders that are made at every point."""

from __future__ import annotations

from functools import partial

import qvar
from qvar.records.circuits import circuits_of


def test_a_contender_of_many_points_is_drawn_at_the_first() -> None:
    h2 = partial(qvar.named, "h2")
    curve = qvar.Curve(h2, (0.7, 1.5), [qvar.uccsd, partial(qvar.hardware_efficient, layers=1)], seeds=1)
    circuits = circuits_of(curve)
    assert next(iter(circuits)) == "uccsd (the first point: bond 0.7 angstrom)"
    assert len(circuits) == 2
    single = circuits_of(qvar.Curve(h2, (0.7,), [qvar.uccsd], seeds=1))
    assert list(single) == ["uccsd"]
    assert single["uccsd"] == next(iter(circuits.values()))
    assert circuits_of(qvar.Duel(h2(), [qvar.uccsd(h2())], seeds=1)) == single


def test_sizes_and_settings_are_points() -> None:
    growing = qvar.Growing("ising", "constrained", lambda n: (qvar.tfim(n), qvar.hva(qvar.tfim(n), layers=1)))
    scaling = circuits_of(qvar.Scaling([growing], (2, 3), samples=10))
    assert list(scaling) == ["ising (the first point: qubits 2)"]
    assert "RX" in scaling["ising (the first point: qubits 2)"]
    problems = {name: qvar.tfim(2, h=h) for name, h in {"weak": 0.1, "strong": 2.0}.items()}
    ranking = qvar.Ranking(problems, [partial(qvar.hva, layers=1)], seeds=1)
    assert list(circuits_of(ranking)) == ["hva x1 (the first point: weak)"]


def test_ways_have_their_names_and_other_studies_no_circuits() -> None:
    chain = qvar.tfim(2)
    ways = [qvar.Way(name, qvar.hva(chain, layers=1), against="a" * (name == "b")) for name in ("a", "b")]
    circuits = circuits_of(qvar.Paired(chain, ways, seeds=1))
    assert list(circuits) == ["a", "b"]
    assert circuits["a"] == circuits["b"]
    assert circuits_of(qvar.Trials([qvar.Trial("a", "generic", lambda seed: {"value": 1.0})], seeds=1)) == {}
