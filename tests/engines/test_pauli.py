"""Sums of Pauli words against PennyLane's sparse matrix, with tables and word by word."""

import jax.numpy as jnp
import numpy as np
import pytest

from qvar.engines import pauli
from qvar.engines.pauli import pauli_hamiltonian


@pytest.mark.parametrize("table_bytes", [1 << 31, 0])
def test_pauli_words_against_pennylane(table_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from qvar.problems.mapping import observable
    from qvar.problems.problem import PauliTerms

    monkeypatch.setattr(pauli, "DIAGONAL_BYTES", table_bytes)
    words = ("XYZ", "ZZI", "YIY", "XXI", "IYI", "XYX", "III")
    coefficients = np.array([0.3, -1.1, 0.7, 0.2, 0.9, -0.4, 0.5])
    kernel, tables, real = pauli_hamiltonian(words, coefficients, 3)
    assert kernel.tabulated == (table_bytes > 0)
    assert not real  # one Y alone is imaginary
    rng = np.random.default_rng(1)
    state = rng.normal(size=8) + 1j * rng.normal(size=8)
    expected = observable(PauliTerms(words, coefficients)).sparse_matrix(wire_order=range(3)) @ state
    np.testing.assert_allclose(kernel(jnp.asarray(state), tables), expected, atol=1e-12)
