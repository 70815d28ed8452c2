"""Distinct minima against sets worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qvar
from qvar.diagnostics.minima import distinct_minima


def test_energies_alone() -> None:
    found = distinct_minima([-1.0, 0.5, -1.0 + 5e-7, np.nan, 0.2, -np.inf, -1.0])
    assert found.labels.tolist() == [0, 2, 0, -1, 1, -1, 0]
    assert found.values.tolist() == [-1.0, 0.2, 0.5]
    assert found.counts.tolist() == [3, 1, 1]
    assert found.number == 3


def test_states_part_what_energy_does_not() -> None:
    up, down = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    both = (up + down) / np.sqrt(2)
    found = distinct_minima([0.0, 0.0, 0.0, 1.0], states=np.stack([up, down, 1j * up, both]))
    assert found.labels.tolist() == [0, 1, 0, 2]  # a global phase makes no other state
    assert distinct_minima([0.0, 0.0, 0.0, 1.0]).labels.tolist() == [0, 0, 0, 1]


def test_equal_states_of_different_energy_are_different() -> None:
    assert distinct_minima([0.0, 0.1], states=np.ones((2, 4))).number == 2


@pytest.mark.parametrize(("tolerance", "number"), [(0.2499, 2), (0.2501, 1)])
def test_the_fidelity_that_counts_is_the_square(tolerance: float, number: int) -> None:
    angle = np.pi / 6  # cos^2 = 3/4
    states = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    assert distinct_minima([0.0, 0.0], states=states, fidelity_tolerance=tolerance).number == number
    assert distinct_minima([0.0, 0.0], states=7 * states, fidelity_tolerance=tolerance).number == number  # of any norm


def test_states_of_any_shape() -> None:
    states = np.zeros((3, 2, 3), complex)
    states[0, 0, 0], states[1, 1, 2], states[2, 0, 0] = 1, 1, -1
    assert distinct_minima(np.zeros(3), states=states).labels.tolist() == [0, 1, 0]


def test_links_in_a_row_are_one_minimum() -> None:
    assert distinct_minima([0.0, 0.9e-6, 1.8e-6, 2.9e-6]).labels.tolist() == [0, 0, 0, 1]
    assert distinct_minima([0.0, 0.9, 1.8, 2.9], energy_tolerance=1.0).counts.tolist() == [3, 1]


@given(st.lists(st.integers(0, 5), max_size=12))
def test_whole_energies_are_their_own_minima(levels: list[int]) -> None:
    found = distinct_minima(np.array(levels, float))
    assert found.values.tolist() == sorted(set(levels))
    assert [sorted(set(levels))[label] for label in found.labels] == levels
    assert found.counts.tolist() == [levels.count(level) for level in sorted(set(levels))]


def test_nothing_is_no_minimum() -> None:
    for values in ([], [np.nan]):
        found = distinct_minima(values, states=np.zeros((len(values), 2)))
        assert (found.number, found.labels.tolist(), found.counts.tolist()) == (0, [-1] * len(values), [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"values": [[0.0]]}, "`values` must have shape (n,), but is (1, 1)."),
        ({"values": [0.0], "states": np.zeros((2, 2))}, "`states` must be as many as the 1 values, but are 2."),
        ({"values": [0.0], "energy_tolerance": -1.0}, "`energy_tolerance` must not be negative, but is -1.0."),
        ({"values": [0.0], "fidelity_tolerance": 1.5}, "`fidelity_tolerance` must be from 0 to 1, but is 1.5."),
    ],
)
def test_mistakes(arguments: dict, sentence: str) -> None:
    with pytest.raises(qvar.QvarError) as caught:
        distinct_minima(**arguments)
    assert str(caught.value) == sentence
