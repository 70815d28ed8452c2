"""One state over several processes: real ones, that find each other through environment variables."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from forks import Forks

import qvar
from qvar.errors import QvarError
from qvar.runs.multiprocess import STARTED_BY_HAND, begin

COMMON = """
import jax.numpy as jnp
import numpy as np
import qvar

def works():
    h4, chain = qvar.hydrogen_chain(4), qvar.tfim(3)
    return {
        "uccsd": (h4, qvar.uccsd(h4), "sector"),  # 6 strings: no multiple of 4
        "spins": (chain, qvar.hardware_efficient(chain, layers=1, rotations=("RX", "RZ")), "dense"),
    }

def point(ansatz):
    return 0.3 * jnp.sin(jnp.arange(ansatz.n_params, dtype=float))
"""

PROGRAM = """
import json, sys
import jax
from qvar.errors import QvarError
from qvar.objective import _value_and_grad, padded_points
from qvar.runs.multiprocess import begin, from_leader, is_leader

begin()
assert (jax.process_count(), len(jax.devices()), len(jax.local_devices())) == (2, 4, 2)
assert is_leader() == (jax.process_index() == 0)
assert from_leader({"process": jax.process_index()}) == {"process": 0}
numbers = {}
for name, (problem, ansatz, engine) in works().items():
    objective = qvar.energy(problem, ansatz, engine=engine)
    value, gradient = objective.value_and_grad(point(ansatz))
    state = objective.state(point(ansatz))
    assert all(leaf.sharding.is_fully_replicated for leaf in jax.tree.leaves(objective.data))
    numbers[name] = {"value": float(value), "gradient": np.asarray(gradient).tolist(),
                  "state": np.abs(np.asarray(state)).tolist(),
                  "measured": objective.measure(point(ansatz)) if objective.measure else {}}
    if name == "spins":
        theta = padded_points(objective.function, point(ansatz), objective.data)
        text = _value_and_grad.lower(objective.function, theta, objective.data).compile().as_text()
        assert any(word in text for word in ("all-to-all", "all-gather", "collective-permute"))
        result = qvar.minimize(objective, key=jax.random.key(1), budget=qvar.Budget(gradients=6))
        numbers[name]["minimum"] = [result.value, result.iterations, result.gradient_evaluations]
        for escape in ("never", "start"):  # zero angles are stationary: curvature, and a step out of there
            budget = qvar.Budget(gradients=60, escape=escape)
            ended = qvar.minimize(objective, theta0=0 * point(ansatz), budget=budget)
            numbers[name][escape] = [ended.status.value, ended.lowest_curvature, ended.hessian_products, ended.value]
try:
    qvar.energy(problem, ansatz, engine=engine, devices=2)
except QvarError as error:
    numbers["some"] = str(error)
# tables that differ in a bit are those of process 0, others than that are refused everywhere
from qvar.engines.sharding import device_mesh, of_first_process, process_minimum, replicate
mesh, here = device_mesh(None), jax.process_index()
tree = {"a": np.array([1.0, here]), "key": jax.random.key(here), "b": np.array(here == 0), "none": np.zeros((0, 2))}
tree = replicate(tree, mesh)
assert np.array_equal(np.asarray(tree["a"]), [1.0, 0.0]) and bool(tree["b"]) and tree["none"].shape == (0, 2)
assert np.array_equal(np.asarray(jax.random.key_data(tree["key"])), jax.random.key_data(jax.random.key(0)))
assert process_minimum(10 - here, mesh) == 9 and float(of_first_process(jnp.asarray(float(here)), mesh)) == 0.0
try:
    replicate(np.zeros(1 + here), mesh)
except QvarError as error:
    numbers["unlike"] = str(error)
with open(sys.argv[1] + str(here), "w") as file:
    json.dump(numbers, file)
"""

CASE = """
import os
import qvar

def case(gradients: int = 5, broken: bool = False) -> qvar.Duel:
    '''Both engines.

    Args:
        gradients: Budget.
        broken: Whether process 1 fails.
    '''
    if broken and os.environ["JAX_PROCESS_ID"] == "1":
        raise RuntimeError("made up")
    problem = qvar.molecule("H 0 0 0; H 0 0 0.7414")
    dense = qvar.hardware_efficient(problem, layers=1, rotations=("RY",))
    contenders = [dense, qvar.puccd(problem), qvar.uccsd(problem)]
    return qvar.Duel(problem, contenders, seeds=2, budget=qvar.Budget(gradients=gradients))
"""

ON_CPU = "import jax; jax.config.update('jax_platforms', 'cpu')\n"

QVAR = """
import sys
import qvar.report.page
from qvar.cli.main import main
qvar.report.page.write_report = lambda loaded: loaded.folder.report.touch()
sys.exit(main())
"""

Together = Callable[..., list[subprocess.CompletedProcess[str]]]


@pytest.fixture
def together(forks: Forks) -> Together:
    """Executes a source with some words in so many processes of so many devices each."""

    def run(number: int, devices: int, source: str, *words: str) -> list[subprocess.CompletedProcess[str]]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
        settings = {"XLA_FLAGS": flags, "JAX_NUM_PROCESSES": str(number)}
        settings |= {"JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}"}
        processes = [
            forks.start(ON_CPU + source, *words, **settings, JAX_PROCESS_ID=str(process)) for process in range(number)
        ]
        ended = [forks.end(process) for process in processes]
        for done in ended:  # Gloo prints its connections
            done.stdout = "".join(line for line in done.stdout.splitlines(True) if "peer ranks" not in line)
        return ended

    return run


@pytest.fixture
def case_file(tmp_path: Path) -> Path:
    path = tmp_path / "both.py"
    path.write_text(CASE)
    return path


def test_two_processes_of_two_devices_give_the_numbers_of_one(tmp_path: Path, together: Together) -> None:
    for done in together(2, 2, COMMON + PROGRAM, str(tmp_path / "numbers")):
        assert done.returncode == 0, done.stderr
    numbers = [json.loads((tmp_path / f"numbers{process}").read_text()) for process in range(2)]
    assert numbers[0] == numbers[1]
    names: dict = {}
    exec(COMMON, names)
    for name, (problem, ansatz, engine) in names["works"]().items():
        alone, found = qvar.energy(problem, ansatz, engine=engine), numbers[0][name]
        value, gradient = alone.value_and_grad(names["point"](ansatz))
        assert abs(found["value"] - float(value)) < 1e-12
        assert np.abs(np.array(found["gradient"]) - np.asarray(gradient)).max() < 1e-12
        assert np.abs(np.array(found["state"]) - np.abs(alone.state(names["point"](ansatz)))).max() < 1e-12
        if alone.measure:
            assert found["measured"] == pytest.approx(alone.measure(names["point"](ansatz)), abs=1e-12)
        if "minimum" in found:
            result = qvar.minimize(alone, key=jax.random.key(1), budget=qvar.Budget(gradients=6))
            assert abs(found["minimum"][0] - result.value) < 1e-12
            assert found["minimum"][1:] == [result.iterations, result.gradient_evaluations]
            for escape in ("never", "start"):
                budget = qvar.Budget(gradients=60, escape=escape)
                ended = qvar.minimize(alone, theta0=0 * names["point"](ansatz), budget=budget)
                status, curvature, products, value = found[escape]
                assert (status, products) == (ended.status.value, ended.hessian_products)
                assert value == pytest.approx(ended.value, abs=1e-6)
                assert curvature == pytest.approx(ended.lowest_curvature, abs=1e-6, nan_ok=True)
            assert found["never"][1] < -0.1
            assert found["start"][3] < found["never"][3] - 0.1
    assert numbers[0]["some"] == "`devices` must be 4, all devices of the 2 processes, or None, but is 2."
    assert numbers[0]["unlike"].startswith("`problem` and `ansatz` must come out alike in all processes")


def test_a_run_of_two_processes_is_that_of_one(
    tmp_path: Path, case_file: Path, without_pages: None, together: Together
) -> None:
    from qvar.cli.main import main

    one, two = tmp_path / "one", tmp_path / "two"
    words = ["run", str(case_file), "--no-progress", "--out"]
    assert main([*words, str(one)]) == 0
    dense, pairs, there = [task["key"] for task in json.loads((one / "case.json").read_text())["tasks"]]
    shutil.copytree(one, two)  # and what is there is left out by all
    for key in (dense, pairs):
        (two / "tasks" / f"{key}.parquet").unlink()
    old = (two / "tasks" / f"{there}.parquet").stat().st_ino
    first, second = together(2, 1, QVAR, *words, str(two), "--resume", "--distributed")
    assert first.returncode == 0, first.stderr
    assert f"ledger: {two / 'ledger.csv'}" in first.stdout
    assert (second.returncode, second.stdout) == (0, ""), second.stderr
    for table in ("ledger", "trace"):
        alone, spread = (pd.read_parquet(run / f"{table}.parquet") for run in (one, two))
        alone, spread = (read.drop(columns=["wall_s", "compile_s"], errors="ignore") for read in (alone, spread))
        pd.testing.assert_frame_equal(alone, spread, rtol=0, atol=1e-12)
    assert len(alone) > 12  # the trace has several steps of each
    assert (two / "tasks" / f"{there}.parquet").stat().st_ino == old
    assert len(list((two / "tasks").iterdir())) == 3


def test_where_one_process_fails_the_others_end(tmp_path: Path, case_file: Path, together: Together) -> None:
    words = ["run", str(case_file), "--distributed", "--out", str(tmp_path / "run"), "--broken"]
    first, second = together(2, 1, QVAR, *words)
    assert first.returncode == second.returncode == 2
    assert first.stderr == ""
    assert second.stderr.startswith("qvar: process 1: `case` in both.py raised RuntimeError: made up (line ")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [([], "`out` must be a new folder, but "), (["--gradients", "-1"], "`gradients` must be ")],
    ids=["of process 0", "of all"],
)
def test_a_mistake_is_reported_once(
    flags: list[str], sentence: str, tmp_path: Path, case_file: Path, together: Together
) -> None:
    if not flags:  # process 0 alone looks at the folder
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "file").touch()
    begin_time = time.monotonic()
    words = ["run", str(case_file), "--distributed", "--out", str(tmp_path / "run"), *flags]
    first, second = together(2, 1, QVAR, *words)
    assert first.returncode == second.returncode == 2
    assert first.stderr.startswith(f"qvar: {sentence}")
    assert second.stderr == ""
    assert time.monotonic() - begin_time < 60.0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "`--distributed` must be started by srun, one process for each GPU, such as `srun "),
        ({"JAX_NUM_PROCESSES": "2"}, "`JAX_COORDINATOR_ADDRESS` must be set where `JAX_NUM_PROCESSES` is, but is not."),
        (dict.fromkeys(STARTED_BY_HAND, "two"), "`JAX_NUM_PROCESSES` must be a number, but is 'two'."),
    ],
)
def test_who_the_processes_are_must_be_said(
    given: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*STARTED_BY_HAND, "SLURM_PROCID", "SLURM_STEP_NODELIST"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(QvarError) as caught:
        begin()
    assert str(caught.value).startswith(sentence)


def test_it_comes_before_any_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    jnp.zeros(1).block_until_ready()
    for name, value in zip(STARTED_BY_HAND, ("127.0.0.1:1", "1", "0"), strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(QvarError, match="must be called before any JAX calls"):
        begin()
