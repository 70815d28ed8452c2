"""Pauli strings as masks, against their definitions letter by letter."""

import numpy as np
import pytest

from qvar.engines.pauli_hamiltonian import conserves_ones
from qvar.pauli import PauliSum, commutator, find_strings, parity, product, word_masks, word_sum


@pytest.mark.parametrize("n", [1, 4, 40, 70])
def test_words_are_masks_and_back(n: int) -> None:
    rng = np.random.default_rng(n)
    words = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(6)]
    x, z = word_masks(words)
    assert [int(mask) for mask in x] == [int("".join("01"[letter in "XY"] for letter in word), 2) for word in words]
    assert [int(mask) for mask in z] == [int("".join("01"[letter in "YZ"] for letter in word), 2) for word in words]
    assert PauliSum(n, x, z, np.ones(6, dtype=complex)).words == tuple(words)
    joined = word_sum([*words, words[2]], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0])
    assert dict(zip(joined.words, joined.coefficients, strict=True))[words[2]] == pytest.approx(
        7.0 + sum(c for word, c in zip(words, [1.0, 2.0, 0.0, 4.0, 5.0, 6.0], strict=True) if word == words[2])
    )


@pytest.mark.parametrize("n", [6, 40])
def test_strings_are_found_by_both_masks(n: int) -> None:
    rng = np.random.default_rng(1)
    x, z = (rng.integers(0, 1 << n, 50, dtype=np.uint64) for _ in range(2))
    order = rng.permutation(50)
    assert find_strings(x, z, x[order], z[order]).tolist() == order.tolist()
    assert find_strings(x, z, x[:1], z[:1] ^ np.uint64(1 << n)).tolist() == [-1]


def test_parity_counts_ones() -> None:
    assert parity(np.arange(8), 0b101).tolist() == [(-1) ** (k & 0b101).bit_count() for k in range(8)]


def test_commutator_is_the_difference_of_products() -> None:
    a, b = word_sum(["XYZ", "ZZI", "IXX"], [0.3, -1.0, 0.5]), word_sum(["YYI", "XIZ"], [0.7, 0.2])
    expected = dict.fromkeys(product(a, b).words + product(b, a).words, 0.0j)
    for sign, one in ((1j, product(a, b)), (-1j, product(b, a))):
        for word, coefficient in zip(one.words, one.coefficients, strict=True):
            expected[word] += sign * coefficient
    bracket = commutator(a, b)
    assert dict(zip(bracket.words, bracket.coefficients, strict=True)) == pytest.approx(
        {word: value for word, value in expected.items() if abs(value) > 1e-12}
    )


@pytest.mark.parametrize("n", [3, 70])
def test_number_of_ones_is_conserved_by_hopping_alone(n: int) -> None:
    rest = "I" * (n - 2)
    words = ("XX" + rest, "YY" + rest, "ZZ" + rest)
    assert conserves_ones(words, np.array([0.5, 0.5, 1.0]))
    assert not conserves_ones(words, np.array([0.5, 0.5 + 1e-9, 1.0]))
    assert conserves_ones(words, np.array([0.5, 0.5 + 1e-13, 1.0]))
