"""What importing the package does and does not do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import qvar

ENGINE_SCRIPT = """
import sys
import numpy as np
import qvar
problem = qvar.Problem.load({path!r})
for ansatz in (qvar.uccsd(problem), qvar.hardware_efficient(problem, layers=1)):
    objective = qvar.energy(problem, ansatz)
    result = qvar.minimize(objective, theta0=np.full(ansatz.n_params, 0.01), budget=qvar.Budget(gradients=20))
print(sorted({{"pyscf", "pennylane", "pandas"}} & set(sys.modules)))
"""


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_engines_run_from_a_saved_problem_without_pyscf_and_pennylane(h2: qvar.Problem, tmp_path: Path) -> None:
    path = tmp_path / "h2.npz"
    h2.save(path)
    done = _python(ENGINE_SCRIPT.format(path=str(path)))
    assert done.stdout.strip() == "[]", done.stderr


def test_import_is_light() -> None:
    done = _python("import sys, qvar; print(sorted({'jax', 'pandas', 'pennylane', 'pyscf'} & set(sys.modules)))")
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("first", ["", "import jax; "])
@pytest.mark.parametrize(("precision", "dtype"), [(None, "float64"), ("64", "float64"), ("32", "float32")])
def test_precision(first: str, precision: str | None, dtype: str) -> None:
    environment = {} if precision is None else {"QVAR_PRECISION": precision}
    done = _python(f"{first}import qvar, jax.numpy as jnp; print(jnp.zeros(1, float).dtype)", **environment)
    assert done.stdout.strip().splitlines()[-1] == dtype


def test_float32_trains() -> None:
    code = (
        "import qvar, numpy as np; p = qvar.hydrogen_chain(4); "
        "r = qvar.minimize(qvar.energy(p, qvar.uccsd(p)), theta0=np.zeros(26), "
        "budget=qvar.Budget(gradient_tolerance=1e-4)); print(r.theta.dtype, 1000 * (r.value - p.exact_energy()))"
    )
    done = _python(code, QVAR_PRECISION="32")
    dtype, error = done.stdout.split()
    assert dtype == "float32"
    assert float(error) == pytest.approx(0.0796, abs=0.01)


def test_another_precision_is_a_sentence_on_the_command_line() -> None:
    done = _python("import sys; from qvar.cli import main; sys.exit(main(['doctor']))", QVAR_PRECISION="16")
    assert (done.returncode, done.stderr) == (2, "qvar: `QVAR_PRECISION` must be 32 or 64, but is '16'.\n")


def test_every_public_name_is_there() -> None:
    for name in qvar.__all__:
        assert getattr(qvar, name) is not None
        assert name in dir(qvar)
    with pytest.raises(AttributeError, match="nonsense"):
        qvar.nonsense  # noqa: B018
