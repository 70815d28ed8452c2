"""Check of the installation on this machine, for `qvar doctor`."""

from __future__ import annotations

import importlib
import os
import platform
import warnings
from dataclasses import dataclass

from qvar._version import __version__
from qvar.compile_cache import use_compile_cache
from qvar.memory import memory_limit, size_words, wanted_memory
from qvar.records import provenance

_PACKAGES = (
    "numpy", "scipy", "jax", "jaxlib", "jaxtyping", "numba", "optax", "pennylane", "pyscf", "pandas", "pyarrow",
    "matplotlib", "rich", "tyro", "docstring-parser",
)  # fmt: skip
"""Distributions that qvar needs; each gives a module of its name."""

_EXTRAS = {"basis-library": "basis-set-exchange", "gallery": "equinox", "qiskit": "qiskit"}
"""Extras of qvar, with a distribution that each brings."""


@dataclass(frozen=True)
class Diagnosis:
    """Findings about the installation."""

    lines: list[str]
    """Text for a terminal, one finding a line."""
    broken: list[str]
    """One sentence for each thing that does not work; empty if all is well."""


def diagnose() -> Diagnosis:
    """Import every package that qvar needs and asks JAX for its devices, precision, memory and cache.

    Nothing is raised: faults are part of the findings.
    """
    lines = [
        _line("python", platform.python_version()),
        _line("qvar", __version__),
        _line("system", platform.platform()),
        _line("cpu", f"{provenance.cpu_model()}, {os.cpu_count()} cores"),
    ]
    broken = []
    for distribution in _PACKAGES:
        number = provenance.version(distribution)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a package warns of at import is not this command's business
                importlib.import_module(distribution.replace("-", "_"))
        except Exception as error:  # a broken package can raise anything when it is imported
            broken.append(f"{distribution} cannot be imported: {type(error).__name__}: {error}.")
            lines.append(_line(distribution, f"{number or 'not installed'}, BROKEN"))
        else:
            lines.append(_line(distribution, number or "version unknown"))
    extras = [f"{extra} {'yes' if provenance.version(brings) else 'no'}" for extra, brings in _EXTRAS.items()]
    lines.append(_line("extras", ", ".join(extras)))
    if not any(sentence.startswith("jax ") for sentence in broken):
        found_jax, wrong = _jax()
        lines += found_jax
        broken += wrong
    return Diagnosis(lines, broken)


def _jax() -> tuple[list[str], list[str]]:
    """Report JAX's devices, mesh, precision (one sum that 32 bit cannot hold), memory and cache."""
    import jax.numpy as jnp

    machine = provenance.machine()
    wanted = int(os.environ.get("QVAR_PRECISION", "64"))
    lines = [_line("devices", ", ".join(machine["devices"])), _line("precision", f"{machine['precision']} bit")]
    lines.append(_line("compile cache", use_compile_cache().describe()))
    if machine["devices"][0].startswith("none"):
        return lines, [f"JAX finds no device ({machine['devices'][0]}); look at JAX_PLATFORMS."]
    lines.append(_line("mesh", _mesh()))
    whose = "half of the device's" if wanted_memory() is None else "QVAR_MEMORY"
    lines.append(_line("memory limit", f"{size_words(memory_limit())} for a batch, {whose}"))
    try:
        fine = bool(jnp.asarray(1.0) + 1e-12 > 1.0)
    except Exception as error:
        return lines, [f"JAX cannot add two numbers: {type(error).__name__}: {error}."]
    if fine != (wanted == 64):
        return lines, [
            f"JAX does not compute with {wanted} bit; import qvar before anything that sets JAX's precision."
        ]
    return lines, []


def _mesh() -> str:
    """Return the number of devices that can share one state, see `qvar.energy`."""
    import jax

    devices, hosts = jax.device_count(), jax.process_count()
    if devices == 1:
        return "1 device"
    spread = f"{devices} devices" + (f" on {hosts} hosts" if hosts > 1 else "")
    return f"{spread}; qvar.energy(..., devices={devices}) cuts one state over them"


def _line(name: str, text: str) -> str:
    return f"{name:<18}{text}"
