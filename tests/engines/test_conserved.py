"""Sectors that are proved from operations, against all basis states that flips of bits lead to."""

import numpy as np
import pytest

import qvar
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.program import Program, ProgramBuilder
from qvar.engines.conserved import column_sector
from qvar.engines.energy import choose_sector

N = 7


def _program(words: list[str], exchanges: list[tuple[int, int]], one_of_many: bool = False) -> Program:
    builder = ProgramBuilder(N, 1, [1, 0, 1, 1, 0, 0, 0])
    for word in words:
        builder.add("PauliRot", range(N), {0: 1.0}, word=word)
    for pair in exchanges:
        builder.add("SingleExcitation", pair, {0: 1.0})
    return builder.build(one_of_many=one_of_many)


def _reached(program: Program, flips: list[int]) -> np.ndarray:
    """All basis states that flips, and those of the operations, lead to."""
    states, near = set[int](), {program.reference_index}
    while near != states:
        states = near
        near = {k ^ x for k in states for x in [*flips, *map(int, program.lowered.x)]} | states
    return np.array(sorted(states))


@pytest.mark.parametrize(
    ("words", "exchanges", "flips", "counted", "name"),
    [
        (["XXIIIII", "IYXZIII"], [], [0b0110000], True, "5 parities"),
        (["XXIIIII", "IXXIIII", "IIXXIII", "IIIYYII", "IIIIXXI", "IIIIIXY"], [], [], True, "1 parity"),
        ([], [(0, 2), (2, 4), (4, 6), (1, 3), (3, 5)], [], True, "N, 1 parity"),
        ([], [(0, 2), (2, 4), (4, 6), (1, 3), (3, 5)], [0b1100000], True, "N"),
        ([], [(0, 2), (2, 4), (4, 6), (1, 3), (3, 5)], [], False, "2 parities"),
        (["ZIIIIIZ"], [(0, 1), (1, 2), (3, 4), (4, 5), (5, 6)], [], True, "N, 1 parity"),
        (["XIIIIII", "IXXIIII"], [(2, 3), (3, 4), (4, 5), (5, 6)], [], True, "1 parity"),
    ],
)
def test_a_sector_holds_what_flips_lead_to(
    words: list[str], exchanges: list[tuple[int, int]], flips: list[int], counted: bool, name: str
) -> None:
    program = _program(words, exchanges)
    sector = column_sector(program, flips, counted)
    assert sector is not None
    assert sector.name == name
    (states, nothing), reached = sector.strings(), _reached(program, flips)
    if sector.counted:
        reached = reached[np.bitwise_count(reached) == 3]
    np.testing.assert_array_equal(states, reached)
    assert (len(states), nothing.tolist()) == (sector.dimension, [0])


def test_nothing_is_conserved() -> None:
    every = ["I" * wire + "X" + "I" * (N - 1 - wire) for wire in range(N)]
    assert column_sector(_program(every, []), [], counted=True) is None
    assert column_sector(_program([], [(0, 1)]), [1 << bit for bit in range(N)], counted=False) is None


def test_large_tables_of_parities_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, ansatz = qvar.hydrogen_chain(2), Ansatz("a", "generic", _two_rotations())
    assert choose_sector(problem, ansatz) is not None
    monkeypatch.setattr("qvar.engines.energy.MAX_PARITY_TABLES", 2 * 8 * 8 - 1)  # two operations on eight states
    assert choose_sector(problem, ansatz) is None
    with pytest.raises(
        qvar.QvarError, match=r"^`engine` must be 'dense' or 'auto' if the tables of .*, but is 'sector'"
    ):
        qvar.energy(problem, ansatz, engine="sector")


def _two_rotations() -> Program:
    builder = ProgramBuilder(4, 1, [1, 1, 0, 0])
    for first in (0, 1, 0):  # the last has the masks of the first
        builder.add("IsingXX", (first, first + 1), {0: 1.0})
    return builder.build()


def test_circuits_of_an_ensemble_share_a_register() -> None:
    """Else each of them would be compiled in a space of its own."""
    chain = qvar.xxz(N)
    for one_of_many in (False, True):
        program = _program([], [(0, 1), (1, 2)], one_of_many)
        assert (choose_sector(chain, Ansatz("a", "constrained", program)) is None) == one_of_many
