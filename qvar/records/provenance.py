"""Origin of a run: versions, machine, git state, and the command that repeats it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qvar._version import __version__

PACKAGES: tuple[str, ...] = ("jax", "jaxlib", "pennylane", "pyscf", "numpy", "optax")
"""Distributions whose versions can change the numbers of a run."""


def place() -> dict[str, Any]:
    """Return versions, machine and git state: the origin of a record."""
    return {"versions": versions(), **machine(), "git": git_state()}


def versions() -> dict[str, str | None]:
    """Return the versions of Python, qvar and the packages that compute; None for one that is not installed."""
    installed: dict[str, str | None] = {"python": platform.python_version(), "qvar": __version__}
    for package in PACKAGES:
        installed[package] = version(package)
    return installed


def version(package: str) -> str | None:
    """Return the installed version of a distribution, read without importing it; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """Return host, CPU, JAX's devices and its precision."""
    import jax

    try:
        devices = [f"{device.platform}:{device.id} {device.device_kind}" for device in jax.devices()]
    except Exception as error:  # JAX_PLATFORMS names a platform that is not there: RuntimeError or AssertionError
        devices = [f"none: {type(error).__name__} {error}".strip()]
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "devices": devices,
        "precision": 64 if jax.config.jax_enable_x64 else 32,  # pyright: ignore[reportAttributeAccessIssue]
    }


def cpu_model() -> str:
    """Return the processor's name from the system."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def git_state() -> dict[str, Any] | None:
    """Return the commit of the current folder and if it has uncommitted changes; None outside of a git repository."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git("status", "--porcelain")
    return {"commit": commit, "dirty": bool(changes) if changes is not None else None}


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):  # no git, or a folder that answers too slowly to wait for
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command(case: str | None, arguments: dict[str, Any], out: Path | None = None, resume: bool = False) -> str | None:
    """Return the command line that repeats a run.

    None if there is no case file.
    """
    if case is None:
        return None
    words = ["qvar", "run", case, *_flags(arguments, "")]
    if out is not None:
        words += ["--out", str(out)]
    if resume:
        words.append("--resume")
    return shlex.join(words)


def _flags(arguments: dict[str, Any], above: str) -> list[str]:
    """Return the words of flags; a dict is an argument that is a dataclass, whose fields are flags of their own."""
    words: list[str] = []
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{above}{flag}" if value else f"--{above}no-{flag}")
        elif isinstance(value, dict):
            words += _flags(value, f"{above}{flag}.")
        elif isinstance(value, list | tuple):
            words += [f"--{above}{flag}", *map(str, value)]
        else:
            words += [f"--{above}{flag}", str(value)]
    return words
