"""`qvar check`: an ansatz in a file of the user."""

from __future__ import annotations

from pathlib import Path

import pytest

import qvar
from qvar.cli.main import main

OWN = """
import pennylane as qml
import qvar


def circuit(theta):
    qml.BasisState([1, 1, 0, 0], wires=range(4))
    qml.DoubleExcitation(theta[0], wires=[0, 1, 2, 3])


mine = qvar.Ansatz.from_circuit(circuit, n_qubits=4, n_params=1, name="mine", symmetries=("particle_number", "sz"))
wrong = qvar.Ansatz.from_circuit(circuit, n_qubits=4, n_params=1, name="wrong", symmetries=("spin_flip",))
number = 3


def of_problem(problem, layers=1):
    return qvar.hardware_efficient(problem, layers=layers)


def alone(layers=1):
    return qvar.hardware_efficient(3, layers=layers)


def broken(problem):
    raise RuntimeError("no idea")


def refusing(problem):
    return qvar.hardware_efficient(problem, layers=0)


def nothing():
    pass
"""


@pytest.fixture
def own() -> str:
    Path("own.py").write_text(OWN)
    return "own.py"


def test_check_passes_or_shows_what_is_wrong(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{own}:mine"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("mine (generic) on H2 0.7414 sto-3g, 4 qubits\n\ncheck ")
    assert out.endswith("\nAll 12 checks pass.\n")
    assert "WRONG" not in out
    assert main(["check", f"{own}:wrong"]) == 1
    out = capsys.readouterr().out
    assert "spin flip WRONG It is claimed, but spreads" in " ".join(out.split())
    assert out.endswith("1 of 11 checks fail.\n")
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["own.py:of_problem"], "ry+rz cnot chain x1 (generic) on H4 1.0 sto-3g, 8 qubits"),
        (["own.py:of_problem", "--problem", "h2"], "ry+rz cnot chain x1 (generic) on H2 0.7414 sto-3g, 4 qubits"),
        (["own.py:of_problem", "--problem", "ising.npz"], "ry+rz cnot chain x1 (generic) on TFIM 2 J=1 h=1 open"),
        (["own.py:alone"], "ry+rz cnot chain x1 (generic) on TFIM 3 J=1 h=1 open, 3 qubits"),
    ],
)
def test_check_chooses_a_problem(
    words: list[str], title: str, own: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qvar.studies.check_ansatz.conform", lambda *_: [])
    qvar.tfim(2).save("ising.npz")
    assert main(["check", *words]) == 0
    assert capsys.readouterr().out.startswith(title)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["own.py:mnie"], "`mnie` is not in own.py; did you mean `mine`?"),
        (["own.py:zzzzzz"], "`zzzzzz` is not in own.py; look at its spelling."),
        (["own.py:number"], "`number` must be an ansatz or a function that returns one, but is int."),
        (
            ["own.py:circuit"],
            "`circuit` in own.py raised TypeError: 'Problem' object is not subscriptable (line 8); a quantum function "
            "becomes an ansatz by qvar.Ansatz.from_circuit.",
        ),
        (
            ["own.py:broken"],
            "`broken` in own.py raised RuntimeError: no idea (line 25); a quantum function becomes an ansatz by "
            "qvar.Ansatz.from_circuit.",
        ),
        (
            ["own.py:nothing"],
            "`nothing` must return an ansatz, but returned NoneType; a quantum function becomes an ansatz by "
            "qvar.Ansatz.from_circuit.",
        ),
        (["own.py:refusing"], "`layers` must be at least 1, but is 0."),
        (
            ["own.py:mine", "--problem", "h4"],
            "`--problem` must have the 4 qubits of mine, but H4 1.0 sto-3g has 8; `qvar list problems` shows others, "
            "and a file of `Problem.save` will do.",
        ),
        (["bad.py:mine"], "`FILE` bad.py could not be loaded: ValueError: math domain error (line 2)."),
    ],
)  # fmt: skip
def test_mistakes_in_a_file_of_ones_own(
    words: list[str], sentence: str, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.py").write_text("import math\nmath.sqrt(-1)\n")
    assert main(["check", *words]) == 2
    assert capsys.readouterr() == ("", f"qvar: {sentence}\n")
