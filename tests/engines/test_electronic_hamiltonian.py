"""H|psi> against PennyLane's sparse matrix and PySCF, in whole and in chunks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pyscf import fci

import qvar
from qvar.engines.electronic_hamiltonian import electronic_hamiltonian
from qvar.engines.hamiltonian import quadratic_form


def _random(shape: tuple[int, ...], complex_: bool = False) -> np.ndarray:
    rng = np.random.default_rng(1)
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape) if complex_ else real


@pytest.mark.parametrize("complex_", [False, True])
def test_register_against_pennylane(h4: qvar.Problem, complex_: bool) -> None:
    integrals = h4.integrals
    kernel, tables = electronic_hamiltonian(integrals.one_body, integrals.two_body, None, None)
    state = _random((256,), complex_)
    matrix = h4.hamiltonian().sparse_matrix(wire_order=range(8))
    expected = matrix @ state - integrals.core_energy * state
    np.testing.assert_allclose(jax.jit(kernel)(jnp.asarray(state), tables), expected, atol=1e-12)


@pytest.mark.parametrize("sector", [(2, 2), (3, 1), (1, 0), (4, 4), (0, 0)])
@pytest.mark.parametrize("chunk_bytes", [1 << 26, 2000])
@pytest.mark.parametrize("table_bytes", [1 << 26, 0])
def test_sector_against_pyscf(
    h4: qvar.Problem, sector: tuple[int, int], chunk_bytes: int, table_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvar.engines.electronic_hamiltonian.CHUNK_BYTES", {"cpu": chunk_bytes, "gpu": chunk_bytes})
    monkeypatch.setattr("qvar.engines.electronic_hamiltonian.TABLE_BYTES", table_bytes)
    integrals = h4.integrals
    kernel, tables = electronic_hamiltonian(integrals.one_body, integrals.two_body, *sector)
    state = _random(kernel.shape)
    absorbed = fci.direct_spin1.absorb_h1e(integrals.one_body, integrals.two_body, 4, sector, 0.5)
    expected = fci.direct_spin1.contract_2e(absorbed, state, 4, sector) if sum(sector) else 0 * state
    np.testing.assert_allclose(jax.jit(kernel)(jnp.asarray(state), tables), expected, atol=1e-12)


def test_quadratic_form_has_the_gradient_of_its_definition(h2: qvar.Problem) -> None:
    integrals = h2.integrals
    kernel, tables = electronic_hamiltonian(integrals.one_body, integrals.two_body, 1, 1)
    state, step = jnp.asarray(_random((2, 2))), jnp.asarray(_random((2, 2))[::-1])
    gradient = jax.jit(jax.grad(lambda s: quadratic_form(kernel, s, tables)))(state)
    plain = jax.jit(jax.grad(lambda s: jnp.sum(s * kernel(s, tables))))(state)
    np.testing.assert_allclose(gradient, plain, atol=1e-12)
    assert float(jnp.sum(gradient * step)) != 0.0
