"""Kernels of the host: threads, sizes at the edges, and one compiled program for each kind of numbers."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import jax
import numpy as np
import pytest
from numba.core.cpu import CPUContext

import qvar
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import ProgramBuilder
from qvar.engines import (
    angle_kernels,
    derivative_kernels,
    hamiltonian_kernels,
    host_compile,
    host_hamiltonian,
    host_register,
    host_sector,
    host_states,
    mask_kernels,
    phase_kernels,
    sector_kernels,
)
from qvar.engines.energy import Engine
from qvar.engines.host_compile import Kernel, part
from qvar.objective import _value_and_grad

REAL = {"RY", "CNOT", "CZ", "SWAP", "Hadamard", "CRY", "Toffoli", "PauliX", "PauliZ", "SingleExcitation"}
"""Kinds of operations that keep amplitudes real."""

MODULES = (angle_kernels, derivative_kernels, hamiltonian_kernels, mask_kernels, phase_kernels, sector_kernels)


def _circuits(h4: qvar.Problem) -> list[tuple[qvar.Problem, qvar.Ansatz, Engine]]:
    chain = qvar.xxz(4)
    return [
        (h4, qvar.uccsd(h4), "sector"),
        (h4, qvar.lucj(h4), "sector"),
        (h4, qvar.symmetry_preserving(h4), "sector"),
        (h4, qvar.particle_conserving_u1(h4), "sector"),
        (h4, qvar.uccsd(h4), "dense"),
        (h4, qvar.hardware_efficient(h4), "dense"),
        (chain, qvar.hva(chain), "sector"),
        (qvar.tfim(4), qvar.hardware_efficient(4), "dense"),
        (qvar.tfim(4), qvar.hardware_efficient(4, rotations=("RY",)), "dense"),
    ]


def test_a_kind_of_numbers_has_one_program(h4: qvar.Problem) -> None:
    """Else two processes that fill an empty cache could load each other's files."""
    for problem, ansatz, engine in _circuits(h4):
        objective = qvar.energy(problem, ansatz, engine=engine)
        theta = np.linspace(-1.0, 1.0, objective.n_params)
        for point in (theta, jax.numpy.asarray(theta)):  # the second cannot be written to
            objective.value_and_grad(point)
            objective.loss_batch(np.stack([np.asarray(point)] * 3))
            objective.value_and_grad_batch(np.stack([np.asarray(point)] * 3))
            objective.state(point)
            assert objective.host_kernels is not None
            objective.host_kernels.hessian_product(np.asarray(point), np.asarray(point))
            assert objective.host_kernels.gradient_and_hessian is not None
            objective.host_kernels.gradient_and_hessian(np.asarray(point))
    kernels = [(module, name, one) for module in MODULES for name, one in _kernels(module)]
    assert len(kernels) >= 13
    for module, name, one in kernels:
        for kind, program in one.programs.items():
            assert len(program.signatures) == 1, (module.__name__, name, kind, program.signatures)


def _kernels(module: ModuleType) -> list[tuple[str, Kernel]]:
    return [(name, value) for name, value in vars(module).items() if isinstance(value, Kernel)]


@pytest.mark.parametrize("ansatz_name", ["uccsd", "lucj", "hardware_efficient"])
def test_threads_and_chunks_change_nothing(ansatz_name: str, h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    ansatz = getattr(qvar, ansatz_name)(h4)
    thetas = np.random.default_rng(4).normal(size=(5, ansatz.n_params))
    expected = qvar.energy(h4, ansatz).value_and_grad_batch(thetas)
    states = qvar.energy(h4, ansatz).state_batch(thetas)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr("qvar.engines.host_threads.n_threads", lambda: 2)
    monkeypatch.setattr(host_states, "n_threads", lambda: 2)
    monkeypatch.setattr(host_states, "WORK", 1)  # starts in several threads
    monkeypatch.setattr(host_states, "WORK_OF_CALL", 1)
    monkeypatch.setattr(host_sector, "THREADED", 1)  # and every state, too
    for together in (1, 1000):
        monkeypatch.setattr(host_states, "TOGETHER", together)
        objective = qvar.energy(h4, ansatz)
        values, gradients = objective.value_and_grad_batch(thetas)
        np.testing.assert_allclose(values, expected[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(gradients, expected[1], rtol=0, atol=1e-11)
        np.testing.assert_allclose(objective.state_batch(thetas), states, rtol=0, atol=1e-12)


def test_threads_share_a_batch_only_if_each_kernel_has_enough_to_do(
    h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the many kernels of a Jastrow circuit, threads that have little to do wait for each other."""
    monkeypatch.setattr(host_states, "n_threads", lambda: 2)
    monkeypatch.setattr(host_states, "WORK", 1)
    batches = []
    for ansatz in (qvar.uccsd(h4), qvar.lucj(h4, layers=2)):
        kernels = qvar.energy(h4, ansatz).host_kernels
        assert kernels is not None
        own = kernels.values_and_gradients.__self__  # type: ignore[attr-defined]
        angles = own.angles.at(np.zeros((4, ansatz.n_params)))
        batches.append((own, angles, angles.size * own.circuit.size // own.circuit.n_calls))
    one_kernel, many_kernels = (work for *_, work in batches)
    assert one_kernel > 2 * many_kernels
    monkeypatch.setattr(host_states, "WORK_OF_CALL", (one_kernel + many_kernels) // 2)
    for (own, angles, _), n_shares in zip(batches, (2, 1), strict=True):
        shares: list[slice] = []
        own._in_parts(shares.append, angles)
        assert len(shares) == n_shares


@pytest.mark.parametrize("threaded", [1, 10**9])
def test_a_hamiltonian_of_electrons_agrees_with_jax(
    threaded: int, h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(6)
    monkeypatch.setattr(host_hamiltonian, "THREADED", threaded)
    chain = qvar.hubbard(3, n_electrons=(2, 1))  # most pairs of its orbitals have no integrals
    cases: tuple[tuple[qvar.Problem, Engine, type], ...] = (
        (h4, "sector", float),
        (h4, "sector", complex),
        (h4, "dense", complex),
        (chain, "sector", float),
    )
    for problem, engine, dtype in cases:
        ansatz = qvar.uccsd(problem) if dtype is float else qvar.lucj(problem)
        objective = qvar.energy(problem, ansatz, engine=engine)
        on_device = objective.state(rng.normal(size=ansatz.n_params))
        image, state = jax.jit(objective.needed("operator"))(on_device, objective.data), np.asarray(on_device)
        assert state.dtype == dtype
        expected = np.asarray(image) - float(objective.data["constant"]) * state
        kernel = objective.function.hamiltonian  # type: ignore[attr-defined]
        apply = host_hamiltonian.host_hamiltonian(kernel, objective.data["hamiltonian"])
        assert apply is not None
        np.testing.assert_allclose(apply(np.stack([state, 2 * state]))[1], 2 * expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("copied", [0, 10**9])
def test_groups_in_place_and_in_copied_blocks_agree(
    copied: int, h4: qvar.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_sector, "COPIED", copied)
    chain = qvar.xxz(6)
    for problem, ansatz in ((h4, qvar.uccsd(h4)), (h4, qvar.lucj(h4)), (chain, qvar.hva(chain))):
        objective = qvar.energy(problem, ansatz, engine="sector")
        theta = np.linspace(-1.0, 1.0, objective.n_params)
        expected = jax.value_and_grad(objective.function)(jax.numpy.asarray(theta), objective.data)
        value, gradient = objective.value_and_grad(theta)
        np.testing.assert_allclose(value, expected[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("n", [2, 5, 6])
def test_small_registers(n: int) -> None:
    objective = qvar.energy(qvar.tfim(n), qvar.hardware_efficient(n))
    theta = np.linspace(-1.0, 2.0, objective.n_params)
    expected = _value_and_grad(objective.function, jax.numpy.asarray(theta), objective.data)
    value, gradient = objective.value_and_grad(theta)
    np.testing.assert_allclose(value, expected[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", [7, 13, 6])
@pytest.mark.parametrize("real", [False, True])
def test_operations_of_every_kind_on_registers(real: bool, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the whole register with its bits exchanged, and on chunks of it; the window may be exactly full."""
    monkeypatch.setattr(host_register, "WINDOW", window)
    monkeypatch.setattr(host_register, "NEAR", 2)
    n, n_params, rng = 7, 4, np.random.default_rng(11)
    kinds = [kind for kind in KINDS if (kind.name in REAL if real else kind.name != "ExcitationSum")]
    for _ in range(2):
        builder = ProgramBuilder(n, n_params, rng.integers(0, 2, n).tolist())
        for index in range(4 * n):
            kind = kinds[rng.integers(len(kinds))]
            wires = rng.permutation(n)[: kind.n_wires or 3].tolist()
            word = "".join(rng.choice(list("XYZ"), 3)) if kind.name == "PauliRot" else ""
            angle = {index % n_params: 1.5} if kind.parametric else {}
            builder.add(kind.name, [] if kind.name == "GlobalPhase" else wires, angle, word=word)
        program = replace(builder.build(), one_of_many=True)  # JAX's twin is one operation at a time, too
        objective = qvar.energy(qvar.tfim(n), qvar.Ansatz("random", "generic", program))
        theta = rng.uniform(-2.0, 2.0, n_params)
        expected = _value_and_grad(objective.function, jax.numpy.asarray(theta), objective.data)
        value, gradient = objective.value_and_grad(theta)
        assert objective.state(theta).dtype == (float if real else complex)
        np.testing.assert_allclose(value, expected[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=1e-11)
        circuit, _ = host_register.host_register(program, real)
        assert (len(circuit.stages) > 1) == (window < n)
        if window == 13:
            continue
        assert objective.host_kernels is not None
        direction = rng.normal(size=n_params)
        product, step = objective.host_kernels.hessian_product(theta, direction)[2], 1e-4
        ahead, behind = (objective.value_and_grad(theta + sign * step * direction)[1] for sign in (1, -1))
        np.testing.assert_allclose(product, (ahead - behind) / (2 * step), rtol=0, atol=1e-5)


def test_no_points_and_no_parameters(h4: qvar.Problem) -> None:
    objective = qvar.energy(h4, qvar.uccsd(h4))
    values, gradients = objective.value_and_grad_batch(np.zeros((0, objective.n_params)))
    assert (values.shape, gradients.shape) == ((0,), (0, objective.n_params))
    assert objective.state_batch(np.zeros((0, objective.n_params))).shape == (0, 6, 6)
    still = qvar.energy(h4, qvar.uccsd(h4)).loss(np.zeros(objective.n_params))
    assert float(still) == pytest.approx(h4.reference_energy, abs=1e-10)
    not_finite = objective.value_and_grad(np.full(objective.n_params, np.nan))
    assert np.isnan(float(not_finite[0]))
    assert np.isnan(np.asarray(not_finite[1])).all()


def _doubled(state: np.ndarray) -> None:
    for k in range(len(state)):
        state[k] *= 2.0


@pytest.mark.parametrize("damage", ["nothing", "cut index", "cut code", "no folder", "a file is there"])
def test_a_damaged_folder_costs_time_alone(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    monkeypatch.setattr(host_compile, "_FOLDER", folder)
    state = np.ones(3)
    Kernel(_doubled, 0)(state)
    files = [file for file in folder.rglob("*.nb?") if file.is_file()]
    assert {file.suffix for file in files} == {".nbi", ".nbc"}
    if damage.startswith("cut"):
        suffix = ".nbi" if damage == "cut index" else ".nbc"
        for file in files:
            if file.suffix == suffix:
                file.write_bytes(file.read_bytes()[:40])
    elif damage != "nothing":
        shutil.rmtree(folder)
        if damage == "a file is there":
            folder.write_text("")
    again = Kernel(_doubled, 0)
    again(state)
    np.testing.assert_array_equal(state, np.full(3, 4.0))
    hits = sum(again.programs["f"].stats.cache_hits.values())
    assert hits == (damage == "nothing")
    assert not list(Path(__file__).parent.rglob("*_doubled*.nbi"))  # nothing beside the file of the function
    if damage.startswith("cut"):  # the process after that writes whole files
        Kernel(_doubled, 0)(state)
        last = Kernel(_doubled, 0)
        last(state)
        assert sum(last.programs["f"].stats.cache_hits.values()) == 1


def _halved(state: np.ndarray) -> None:
    for k in range(len(state)):
        state[k] = _half(state[k])


@part
def _half(number: float) -> float:
    return 0.5 * number


def test_a_kernel_is_loaded_without_what_compiles_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    monkeypatch.setattr(host_compile, "_FOLDER", folder)
    state = np.ones(2)
    Kernel(_halved, 0)(state)
    (compiled,) = _half.overloads.values()
    assert compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name) == 0  # its code is the kernel's
    assert gc.isenabled()

    def refuse(*_: object) -> None:
        raise AssertionError("Numba makes its library ready")

    monkeypatch.setattr(CPUContext, "refresh", refuse)
    again = Kernel(_halved, 0)
    again(state)
    assert sum(again.programs["f"].stats.cache_hits.values()) == 1
    np.testing.assert_array_equal(state, np.full(2, 0.25))


CHECKED = """
import numpy as np
from numba.core.cpu import CPUContext

import qvar

objective = qvar.energy(qvar.tfim(3), qvar.hardware_efficient(3, rotations=("RY",)))
for lost in (np.nan, np.inf):
    thetas = np.zeros((2, objective.n_params))
    thetas[0] = lost
    values, gradients = objective.host_kernels.values_and_gradients(thetas)
    assert np.isnan(values[0]) and np.isnan(gradients[0]).any()
    assert values[1] == float(objective.loss(thetas[1]))
print("inside")
"""


def test_angles_that_are_no_numbers_stay_inside_the_arrays(tmp_path: Path) -> None:
    """Numba looks at every index here; without that, an index outside of an array damages other memory."""
    environment = {"NUMBA_BOUNDSCHECK": "1", "QVAR_CACHE": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", CHECKED], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "inside\n"), done.stderr


NEWER_NUMBA = """
import numba
import numpy as np

numba.__version__ = "0.69.0"
from qvar.engines import host_compile


@host_compile.part
def half(number):
    return 0.5 * number


def halved(state):
    for k in range(len(state)):
        state[k] = half(state[k])


state = np.ones(2)
for _ in range(2):
    kernel = host_compile.Kernel(halved, 0)
    kernel(state)
(hits,) = kernel.programs["f"].stats.cache_hits.values()
print(state.tolist(), hits, half.targetoptions.get("pipeline_class"), kernel.programs["f"]._compiler.pipeline_class)
"""


def test_another_numba_compiles_in_its_own_way(tmp_path: Path) -> None:
    program = tmp_path / "newer.py"
    program.write_text(NEWER_NUMBA)
    environment = os.environ | {"QVAR_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, check=False)
    words = "[0.25, 0.25] 1 None <class 'numba.core.compiler.Compiler'>\n"
    assert (done.returncode, done.stdout) == (0, words), done.stderr
    assert not host_compile.has_known_internals("0.69.0")
    assert not host_compile.has_known_internals("1.0rc1")
    assert host_compile.has_known_internals("0.68.1")
