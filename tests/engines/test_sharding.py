"""One state over eight pretend devices of the CPU: the numbers of one device."""

import os

from forks import Forks

SCRIPT = """
import jax.numpy as jnp, jax, numpy as np, qvar
from qvar.errors import QvarError
from qvar.objective import _value_and_grad, padded_points
import jax.export

assert len(jax.devices()) == 8
h4, chain = qvar.hydrogen_chain(4), qvar.tfim(5)
works = {
    "uccsd": (h4, qvar.uccsd(h4), "sector", (8, 3)),  # 6 strings: no multiple of 8
    "ucj": (h4, qvar.ucj(h4, layers=1), "sector", (8,)),
    "register": (h4, qvar.hardware_efficient(h4, layers=1), "dense", (8,)),
    "spins": (chain, qvar.hardware_efficient(chain, layers=1, rotations=("RX", "RZ")), "dense", (8, 3)),
}
for name, (problem, ansatz, engine, numbers) in works.items():
    theta = 0.3 * jnp.sin(jnp.arange(ansatz.n_params, dtype=float))
    value, gradient = qvar.energy(problem, ansatz, engine=engine).value_and_grad(theta)
    for devices in numbers:
        spread = qvar.energy(problem, ansatz, engine=engine, devices=devices)
        point = padded_points(spread.function, theta, spread.data)
        text = _value_and_grad.lower(spread.function, point, spread.data).compile().as_text()  # the one that runs below
        assert "all-to-all" in text or "all-gather" in text or "collective-permute" in text, name
        if devices == 8:
            on_gpus = jax.export.export(_value_and_grad, platforms=["cuda"])(spread.function, point, spread.data)
            assert "callback" not in on_gpus.mlir_module() and on_gpus.nr_devices == devices, name
        there, slopes = spread.value_and_grad(theta)
        assert abs(float(there) - float(value)) < 1e-12, name
        assert np.abs(np.asarray(slopes) - np.asarray(gradient)).max() < 1e-12, name
column = qvar.particle_conserving_u1(h4)  # a sector that is not sharded
assert qvar.energy(h4, column).engine == "sector"
assert qvar.energy(h4, column, devices=8).engine == "dense"
try:
    qvar.energy(h4, column, engine="sector", devices=8)
except QvarError as error:
    assert "several devices cannot share a sector without N_alpha and N_beta" in str(error), error
else:
    raise AssertionError(column)
for wrong in (0, 9, True):
    try:
        qvar.energy(h4, qvar.uccsd(h4), devices=wrong)
    except QvarError as error:
        assert str(error) == f"`devices` must be from 1 to 8, which JAX sees here, but is {wrong!r}.", error
    else:
        raise AssertionError(wrong)
from qvar.runs import doctor
doctor._PACKAGES = ("jax",)  # the others take seconds to import
[line] = [line for line in doctor.diagnose().lines if line.startswith("mesh")]
assert line.split(None, 1)[1] == "8 devices; qvar.energy(..., devices=8) cuts one state over them", line
print("equal")
"""


ON_CPU = "import jax, signal; jax.config.update('jax_platforms', 'cpu'); signal.alarm(1800)\n"


def test_eight_devices_give_the_numbers_of_one(forks: Forks) -> None:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    done = forks.run(ON_CPU + SCRIPT, XLA_FLAGS=flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "equal"
