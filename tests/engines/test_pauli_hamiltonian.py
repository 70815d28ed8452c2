"""Sums of Pauli words against PennyLane's sparse matrix, with tables and word by word."""

import jax.numpy as jnp
import numpy as np
import pytest

from qvar.engines.pauli_hamiltonian import pauli_hamiltonian

WORDS = {
    "mixed": (("XYZ", "ZZI", "YIY", "XXI", "IYI", "XYX", "III"), False),  # one Y alone is imaginary
    "diagonal": (("ZII", "ZZI", "IZZ"), True),
    "flips": (("XII", "XXI", "YYX"), True),
}


@pytest.mark.parametrize("kind", list(WORDS))
@pytest.mark.parametrize("table_bytes", [1 << 31, 0])
def test_pauli_words_against_pennylane(kind: str, table_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from qvar.problems.fermion_mapping import observable
    from qvar.problems.hamiltonians import PauliTerms

    monkeypatch.setattr("qvar.engines.pauli_hamiltonian.DIAGONAL_BYTES", table_bytes)
    words, all_real = WORDS[kind]
    coefficients = np.array([0.3, -1.1, 0.7, 0.2, 0.9, -0.4, 0.5])[: len(words)]
    kernel, tables, real = pauli_hamiltonian(words, coefficients, 3)
    assert real == all_real
    rng = np.random.default_rng(1)
    state = rng.normal(size=8) + 1j * rng.normal(size=8)
    expected = observable(PauliTerms(words, coefficients)).sparse_matrix(wire_order=range(3)) @ state
    np.testing.assert_allclose(kernel(jnp.asarray(state), tables), expected, atol=1e-12)
