"""What importing the package does and does not do."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import qvar
from qvar.late_import import imported_late

FLOAT32 = """
import json
import sys

import jax
import numpy as np

import qvar

problem = qvar.Problem.load(sys.argv[1])
found = {}
for ansatz in (qvar.uccsd(problem), qvar.hardware_efficient(problem, layers=1)):
    objective = qvar.energy(problem, ansatz)
    theta = ansatz.initial(jax.random.key(0), "mp2") if ansatz.name == "uccsd" else np.linspace(-1, 1, ansatz.n_params)
    value, gradient = objective.value_and_grad(theta)
    kinds = sorted({str(leaf.dtype) for leaf in jax.tree.leaves(objective.data)})
    found[ansatz.name] = [np.asarray(theta).tolist(), float(value), np.asarray(gradient).tolist(), kinds]
print(json.dumps(found))
"""


def _python(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_annotations_are_checked_in_tests() -> None:
    """Types by beartype, shapes by jaxtyping; see `typechecker.py`."""
    from beartype.roar import BeartypeCallHintViolation
    from jaxtyping import TypeCheckError

    from qvar.ansatz.program import affine_angles
    from qvar.report.formats import attention

    with pytest.raises(BeartypeCallHintViolation):
        attention(1, True)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeCheckError):
        affine_angles(np.zeros((2, 2)), (np.zeros(1), np.zeros(1, int), np.zeros(1, int), np.zeros(1)))  # pyright: ignore[reportArgumentType]


def test_import_is_light() -> None:
    done = _python("import sys, qvar; print(sorted({'jax', 'pandas', 'pennylane', 'pyscf'} & set(sys.modules)))")
    assert done.stdout.strip() == "[]"


def test_a_calculation_on_a_cpu_imports_neither_optax_nor_pandas() -> None:
    code = (
        "import sys, qvar; p = qvar.hydrogen_chain(2); o = qvar.energy(p, qvar.uccsd(p)); "
        "print(round(qvar.minimize(o, [0.0] * o.n_params).value, 4)); "
        "print(sorted({'matplotlib', 'optax', 'pandas', 'pennylane'} & set(sys.modules)))"
    )
    assert _python(code).stdout.split("\n")[:2] == ["-1.1012", "[]"]


SETTINGS = (
    "import qvar, jax, jax.numpy as jnp; print(jnp.zeros(1, float).dtype, jax.config.jax_default_matmul_precision)"
)

PRECISIONS = {
    "": "float64 None",
    "64": "float64 None",
    "32": "float32 highest",  # no TF32 on a GPU
}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_precision_of_numbers_and_of_products_of_matrices(precision: str) -> None:
    environment = {"QVAR_PRECISION": precision} if precision else {}
    assert _python(SETTINGS, **environment).stdout.strip() == PRECISIONS[precision]


def test_precision_if_jax_is_imported_first() -> None:
    """In processes that are forked from one that has imported JAX."""
    code = (
        "import os, jax\n"
        f"for precision in {list(PRECISIONS)}:\n"
        "    if not os.fork():\n"
        "        if precision: os.environ['QVAR_PRECISION'] = precision\n"
        f"        {SETTINGS}\n"
        "        raise SystemExit\n"
        "    os.wait()\n"
    )
    done = _python(code, PYTHONWARNINGS="ignore:os.fork")
    assert (done.stdout.splitlines(), done.stderr) == (list(PRECISIONS.values()), "")


@pytest.mark.parametrize("first", ["", "import jax; "])
def test_a_precision_of_products_that_the_user_sets_stays(first: str) -> None:
    environment = {"QVAR_PRECISION": "32", "JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"}
    assert _python(first + SETTINGS, **environment).stdout.strip() == "float32 tensorfloat32"


def test_names_load_on_first_use(tmp_path: Path) -> None:
    package = tmp_path / "lazy"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from qvar.late_import import public_names\n\n"
        "__getattr__, __dir__, __all__ = public_names(__name__, __file__)\n"
    )
    (package / "__init__.pyi").write_text("from . import beside\nfrom .inside import number\n")
    (package / "inside.py").write_text("number = 7\n")
    (package / "beside.py").write_text("")
    code = (
        "import sys, lazy; print(dir(lazy), 'lazy.inside' in sys.modules, lazy.number, vars(lazy)['number'], "
        "lazy.beside.__name__, hasattr(lazy, 'other'))"
    )
    done = _python(code, PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    assert done.stdout.strip() == "['beside', 'number'] False 7 7 lazy.beside False"


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


def test_float32_is_right_to_ten_microhartree(tmp_path: Path) -> None:
    problem = qvar.hydrogen_chain(8)
    path = str(tmp_path / "h8.npz")
    problem.save(path)
    done = _python(FLOAT32, path, QVAR_PRECISION="32")
    assert done.stderr == ""
    found = json.loads(done.stdout)
    for ansatz in (qvar.uccsd(problem), qvar.hardware_efficient(problem, layers=1)):
        theta, value, gradient, kinds = found[ansatz.name]
        assert not {"float64", "int64", "uint64", "complex128"} & set(kinds)
        expected, slope = qvar.energy(problem, ansatz).value_and_grad(theta)
        assert abs(value - float(expected)) < 1e-5
        np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-5)


def test_another_precision_is_a_sentence_on_the_command_line() -> None:
    done = _python("import sys; from qvar.cli.main import main; sys.exit(main(['doctor']))", QVAR_PRECISION="16")
    assert (done.returncode, done.stderr) == (2, "qvar: `QVAR_PRECISION` must be 32 or 64, but is '16'.\n")


def test_every_public_name_is_there() -> None:
    for name in qvar.__all__:
        assert getattr(qvar, name) is not None
        assert name in dir(qvar)
    with pytest.raises(AttributeError, match="nonsense"):
        qvar.nonsense  # noqa: B018


def test_a_command_collects_garbage_rarely_and_leaves_the_collector_as_it_was() -> None:
    import gc

    from qvar.runs.guard import guarded

    before, inside = gc.get_threshold(), []
    usual = (700, 10, 10)

    def command() -> int:
        inside.append(gc.get_threshold())
        raise qvar.QvarError("`a` must be b.") if len(inside) == 2 else KeyboardInterrupt

    try:
        gc.set_threshold(*usual)
        guarded(command)
        guarded(command)
        assert inside[0] == inside[1]
        assert inside[0][0] > 10 * usual[0]
        assert gc.get_threshold() == usual
        gc.set_threshold(0)
        guarded(command)
        assert inside[2][0] == 0, "a collector that is switched off stays so"
    finally:
        gc.set_threshold(*before)


def test_what_an_import_or_a_command_made_is_not_searched_for_garbage_after_it() -> None:
    code = """
import gc
import qvar
from qvar.runs.guard import guarded

searches = []
gc.callbacks.append(lambda phase, info: searches.append(info["generation"]))

def made(make):
    searches.clear()
    make()
    few = [[] for _ in range(100)]
    return len(searches)

kept = []
print(made(lambda: kept.extend([] for _ in range(100_000))) > 0)
print(made(lambda: guarded(lambda: kept.extend([] for _ in range(100_000)) or 0)), made(lambda: qvar.uccsd))
gc.freeze()
n = gc.get_freeze_count()
guarded(lambda: 0)
print(gc.get_freeze_count() > 0.9 * n)
"""
    done = _python(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "True\n0 0\nTrue\n"


def test_a_command_leaves_its_objects_to_the_end_of_the_process() -> None:
    """Python would search all of them for garbage; what exit functions and buffers hold is written all the same."""
    code = """
import atexit, gc
from qvar.runs.guard import guarded
atexit.register(lambda: print("kept", gc.get_freeze_count() > 1000, flush=True))  # the first is called last
guarded(lambda: print("command") or 0)
guarded(lambda: 0)
atexit.register(lambda: print("exit function", gc.get_freeze_count()))
"""
    done = _python(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "command\nexit function 0\nkept True\n"


def test_matplotlib_writes_docstrings_but_in_a_command() -> None:
    code = """
from qvar.runs.guard import guarded

def command():
    from matplotlib.lines import Line2D
    line = Line2D([0], [0])
    line.set(color="red", linewidth=3)
    print(line.get_color(), line.get_linewidth(), Line2D.set.__doc__)
    return 0

guarded(command)
guarded(command)
from matplotlib.lines import Line2D
class Own(Line2D):
    def set_own(self, own):
        "Set it."
        print("set", own)
print("own" in Own.set.__doc__, Own([0], [0]).set(color="blue", own=1))
"""
    done = _python(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "red 3.0 None\nred 3.0 None\nset 1\nTrue [None, None]\n"
    before = _python("from matplotlib.lines import Line2D; print('color' in Line2D.set.__doc__)")
    assert before.stdout == "True\n"


@pytest.mark.parametrize("use", ["scipy.optimize.brentq", "early.brentq", "own(brentq=0).brentq", "submodule.brentq"])
def test_a_module_that_is_imported_late_is_loaded_when_it_is_used(use: str) -> None:
    """By its name, by a name from before, by an import of a function, and by an import of a submodule."""
    code = """
import sys
from qvar.runs.guard import guarded

def own(**names):
    from scipy.optimize import brentq
    return sys.modules["scipy.optimize"]

def command():
    global early
    import scipy.optimize
    import scipy.optimize as early
    print("scipy.optimize._optimize" in sys.modules, end=" ")
    if sys.argv[1].startswith("submodule"):
        import scipy.optimize._zeros_py as submodule
    root = eval(sys.argv[1])
    print(root(lambda x: x - 0.5, 0, 1), scipy.optimize.__file__.endswith("__init__.py"), end=" ")
    return 0

guarded(command)
import scipy.optimize
print(scipy.optimize is sys.modules["scipy.optimize"], scipy.optimize.brentq is early.brentq)
"""
    done = _python(code, use)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "False 0.5 True True True\n"


def test_a_module_that_was_not_used_in_a_command_is_imported_after_it() -> None:
    code = """
import sys
from qvar.runs.guard import guarded

def command():
    global early
    import scipy.optimize as early
    return 0

guarded(command)
print("scipy.optimize" in sys.modules, [finder for finder in sys.meta_path if "Late" in type(finder).__name__])
import scipy
print(type(scipy.optimize).__name__, early.brentq is scipy.optimize.brentq)
import scipy.optimize
guarded(command)
print(early is scipy.optimize)
"""
    done = _python(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "False []\nmodule True\nTrue\n"


def test_a_module_of_a_namespace_is_imported_while_another_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a package without __init__.py, such as jaxlib.mlir.dialects, is no sequence."""
    (tmp_path / "spread").mkdir()
    (tmp_path / "spread" / "inside.py").write_text("number = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with imported_late("spread.late"):
        assert importlib.import_module("spread.inside").number == 3
