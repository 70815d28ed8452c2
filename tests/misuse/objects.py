"""Objects that valid calls are made with, cheap ones, each made once."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml

import qvar
from qvar import basis
from qvar.studies.published import Calculation, PublishedNumber

KEY = jax.random.key(0)


def curve(theta: Any, data: Any) -> Any:
    return jnp.sum((theta - 0.5) ** 2)


def draw(key: Any) -> Any:
    return jax.random.normal(key, (2,))


@cache
def mean_field() -> Any:
    """Return a converged mean field of PySCF."""
    from pyscf import gto, scf

    field = scf.RHF(gto.M(atom="H 0 0 0; H 0 0 0.7414", verbose=0))
    field.chkfile = None
    return field.run()


@cache
def h2() -> qvar.Problem:
    return qvar.molecule("H 0 0 0; H 0 0 0.7414")


def dump() -> str:
    h2().to_fcidump("h2.fcidump")
    return "h2.fcidump"


@cache
def spins() -> qvar.Problem:
    return qvar.tfim(2)


@cache
def circuit() -> qvar.Ansatz:
    return qvar.hardware_efficient(2, layers=1, rotations=("RY",))


@cache
def objective() -> qvar.Objective:
    return qvar.energy(spins(), circuit())


@cache
def electrons() -> qvar.Objective:
    return qvar.energy(h2(), qvar.uccsd(h2()))


@cache
def parabola() -> qvar.Objective:
    return qvar.Objective("parabola", "generic", 2, curve, draw)


@cache
def form() -> basis.Form:
    return basis.even_tempered("H", s=2)


@cache
def target() -> basis.Target:
    return basis.Target("H", theory="rohf", spin=1)


def quantum(theta: Any) -> None:
    qml.RY(theta[0], wires=0)


class Nothing:
    """A study whose only task is done at once."""

    name = "nothing"

    def tasks(self) -> list[qvar.Task]:
        return [qvar.Task("nothing", "nothing", lambda report: [{"contender": "a", "status": "measured", "seed": 0}])]


BUDGET = qvar.Budget(gradients=1)
GENERATORS = [qml.X(0), qml.Z(0) @ qml.Z(1)]
STATE = np.array([1.0, 0.0, 0.0, 0.0])
THETA = np.zeros(4)


def published() -> qvar.PublishedTable:
    """Return a table of one number."""
    number = PublishedNumber("a", "1.0", 0.1)
    calculation = Calculation("one", {}, (number,))
    return qvar.PublishedTable("a", "A.", "jax2018", "here", "all", (calculation,))
