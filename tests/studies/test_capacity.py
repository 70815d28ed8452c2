"""The study over depths: ranks and success of a small chain, keys, failures."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import pennylane as qml
import pytest

import qvar
from qvar.diagnostics import fisher_rank_bound
from qvar.records.run_tables import ledger_from
from qvar.records.schema import column_types
from qvar.studies import capacity as capacity_module
from qvar.studies import training as training_module
from qvar.studies.capacity import Capacity
from qvar.studies.contender import Contender

CHAIN = qvar.tfim(4, h=1.0, periodic=True)


def hva(problem: qvar.Problem, layers: int) -> qvar.Ansatz:
    return qvar.hva(problem, layers=layers).with_start("uniform")


def chain(problem: qvar.Problem, layers: int) -> qvar.Ansatz:
    return qvar.hardware_efficient(problem, layers=layers, rotations=("RY",), entangler="cnot_chain")


def study(**changes: Any) -> Capacity:
    usual = {
        "problem": CHAIN,
        "contenders": [
            Contender("hva", "constrained", hva, layers=(1, 2)),
            Contender("ry", "generic", chain, layers=[3]),
        ],
        "tolerance": 1e-4,
        "seeds": 4,
        "fisher_samples": 3,
        "dimension_samples": 3,
    }
    return Capacity(**{**usual, **changes})


def rows_of(one: Capacity) -> list[list[dict[str, Any]]]:
    return [task.run(lambda progress: None) for task in one.tasks()]


@pytest.fixture(scope="module")
def trained() -> list[list[dict[str, Any]]]:
    return rows_of(study())


def test_the_ising_chain_is_overparametrized_at_half_as_many_layers_as_spins(
    trained: list[list[dict[str, Any]]],
) -> None:
    """Larocca et al. 2023: rank 2 floor(n/2) with as many parameters, and no more local minima from there on."""
    one, two, generic = trained
    assert [rows[0]["fisher_rank"] for rows in trained] == [2, 4, 2**4 - 1]
    assert [rows[0]["n_params"] for rows in trained] == [2, 4, 4 * (3 + 1)]
    assert all(abs(row["error"]) > 0.1 for row in one)  # one layer cannot reach the ground state
    assert all(abs(row["error"]) < 1e-9 for row in two)
    assert [len(rows) for rows in (one, two, generic)] == [4, 4, 4]
    # 16 amplitudes, complex ones less norm and phase, real ones less norm
    assert [rows[0]["fisher_rank_bound"] for rows in trained] == [2 * 16 - 2, 2 * 16 - 2, 16 - 1]


def test_lie_algebras_are_those_of_pennylane(trained: list[list[dict[str, Any]]]) -> None:
    bonds = qml.sum(*(qml.Z(i) @ qml.Z((i + 1) % 4) for i in range(4)))
    generators: Any = [bonds.pauli_rep, qml.sum(*(qml.X(i) for i in range(4))).pauli_rep]
    _, two, generic = trained
    assert two[0]["lie_dimension"] == len(list(qml.lie_closure(generators, pauli=True)))
    assert generic[0]["lie_dimension"] == 16 * 15 // 2  # so(16): all of the real rotations
    assert two[0]["lie_limit"] == 10_000


def test_rows_have_the_series_and_the_dimension(trained: list[list[dict[str, Any]]]) -> None:
    names = [(rows[0]["contender"], rows[0]["series"], rows[0]["layers"], rows[0]["family"]) for rows in trained]
    assert names == [
        ("hva x1", "hva", 1, "constrained"),
        ("hva x2", "hva", 2, "constrained"),
        ("ry x3", "ry", 3, "generic"),
    ]
    for rows in trained:
        for row in rows:
            low, value, high = (row[f"effective_dimension{end}"] for end in ("_low", "", "_high"))
            assert 0 < low <= value <= high
            assert (row["tolerance"], row["fisher_samples"]) == (1e-4, 3)
    ledger = ledger_from([row for rows in trained for row in rows], Capacity.columns)
    assert set(ledger.columns) <= set(column_types(Capacity.columns))


def test_keys_are_stable_and_depend_on_every_argument() -> None:
    keys = [task.key for task in study().tasks()]
    assert keys == [task.key for task in study().tasks()]
    assert len(set(keys)) == 3
    deeper = [task.key for task in study(contenders=[Contender("hva", "constrained", hva, layers=(1, 2, 3))]).tasks()]
    assert deeper[:2] == keys[:2]  # more depths repeat nothing
    for changes in (
        {"tolerance": 1e-3},
        {"seeds": 5},
        {"fisher_samples": 4},
        {"dimension_samples": 0},
        {"seed": 1},
        {"lie_limit": 5},
        {"engine": "dense"},
        {"budget": qvar.Budget(gradients=7)},
        {"method": qvar.adam()},
        {"problem": qvar.tfim(4, h=0.5, periodic=True)},
        {
            "contenders": [
                Contender("h", "constrained", hva, layers=(1, 2)),
                Contender("r", "generic", chain, layers=(3,)),
            ]
        },
    ):
        assert not set(keys) & {task.key for task in study(**changes).tasks()}, changes


def test_a_lie_algebra_over_the_limit_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity_module, "fisher_rank", lambda *_, **__: 1)
    small = replace(
        study(lie_limit=10, dimension_samples=0), contenders=[Contender("hva", "constrained", hva, layers=(2,))]
    )
    row = capacity_module._capacity(small, small._depths[0])
    assert (row["lie_dimension"], row["lie_limit"]) == (None, 10)
    assert "effective_dimension" not in row
    none = replace(small, lie_limit=0)
    assert "lie_dimension" not in capacity_module._capacity(none, none._depths[0])


def test_a_failure_is_recorded_and_stops_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, words: str, **__: Any) -> Any:
        raise RuntimeError(words)

    small = study(
        contenders=[Contender("hva", "constrained", hva, layers=(2,))], seeds=2, budget=qvar.Budget(gradients=3)
    )
    monkeypatch.setattr(capacity_module, "fisher_rank", partial(broken, words="no rank"))
    (rows,) = rows_of(small)
    assert [row["message"] for row in rows] == ["RuntimeError: no rank"] * 2
    assert all(math.isfinite(row["value"]) and "fisher_rank" not in row for row in rows)

    monkeypatch.setattr(training_module, "energy", partial(broken, words="no energy"))
    (rows,) = rows_of(small)
    assert [(row["seed"], row["status"], row["series"], row["layers"]) for row in rows] == [
        (0, "failed", "hva", 2),
        (1, "failed", "hva", 2),
    ]
    assert {row["message"] for row in rows} == {"RuntimeError: no energy"}
    ledger_from(rows)


def test_papers() -> None:
    assert {"larocca2023", "haug2021", "abbas2021"} <= set(study().citations)
    assert "abbas2021" not in study(dimension_samples=0).citations


def test_rank_bounds_of_a_sector(h2: qvar.Problem) -> None:
    """2 x 2 determinants of one electron of each spin, real amplitudes."""
    assert fisher_rank_bound(qvar.energy(h2, qvar.uccsd(h2))) == 4 - 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contenders": []}, "`contenders` must hold at least one Contender"),
        (
            {
                "contenders": [
                    Contender("a", "generic", chain, layers=(1,)),
                    Contender("a", "generic", chain, layers=(2,)),
                ]
            },
            "`contenders` must have different names, but 'a' occurs more than once.",
        ),
        ({"tolerance": 0.0}, "`tolerance` must be positive, but is 0.0."),
        ({"tolerance": float("nan")}, "`tolerance` must be"),
        ({"seeds": 0}, "`seeds` must be"),
        ({"fisher_samples": 0}, "`fisher_samples` must be"),
        ({"dimension_samples": 1}, "`dimension_samples` must be 0 or at least 2, but is 1."),
        ({"lie_limit": -1}, "`lie_limit` must not be negative, but is -1."),
    ],
)
def test_mistakes_are_errors_before_anything_runs(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        study(**changes)
    assert str(caught.value).startswith(sentence)


def test_a_circuit_without_depths_is_refused() -> None:
    with pytest.raises(qvar.QvarError, match=r"`layers` must hold different positive integers, but is \(\)"):
        study(contenders=[Contender("hva", "constrained", hva)])


@pytest.mark.parametrize("layers", [(0,), (1, 1), (1, -2)])
def test_layers_are_different_positive_numbers(layers: tuple[int, ...]) -> None:
    with pytest.raises(qvar.QvarError, match=r"`layers` must hold different positive integers, but is \["):
        Contender("hva", "constrained", hva, layers=layers)
