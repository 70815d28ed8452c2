"""An ansatz in a user's file, named FILE:NAME on the command line, and the problem to try it on."""

from __future__ import annotations

import inspect
from functools import partial
from pathlib import Path
from typing import Any

from qvar.ansatz.ansatz import Ansatz
from qvar.errors import QvarError, did_you_mean
from qvar.problems.named_problems import named
from qvar.problems.problem import Problem
from qvar.problems.spin_models import tfim
from qvar.runs.python_files import call_of_user, load_module

_BY_QUBITS = {4: "h2", 8: "h4", 12: "h6"}
_HINT = "a quantum function becomes an ansatz by qvar.Ansatz.from_circuit"


def load_problem(word: str) -> Problem:
    """Return a problem by its name, or from a file that `Problem.save` wrote.

    Raises `QvarError` if there is no such name, or the file cannot be read.
    """
    return Problem.load(word) if word.endswith(".npz") else named(word)


def load_ansatz(place: str, problem_word: str | None = None) -> tuple[Problem, Ansatz]:
    """Find an ansatz and a problem that fits it.

    Args:
        place: `FILE.py:NAME`, where NAME is an `Ansatz`, a function of a problem that returns one, or a function
            without arguments that does.
        problem_word: a problem's name or file. Where None: H4 for a function of a problem; else the hydrogen chain
            that has the ansatz's qubits, or an Ising chain where none has.

    Raises:
        QvarError: if something is missing, is not what it must be, or the numbers of qubits differ.
    """
    file, colon, name = place.rpartition(":")
    if not (colon and file and name):
        raise QvarError(f"`FILE:NAME` must be a file and a name in it, such as my_ansatz.py:mine, but is {place!r}.")
    path = Path(file)
    module = load_module(path, "FILE")
    if not hasattr(module, name):
        own = [word for word in vars(module) if not word.startswith("_")]
        hint = did_you_mean(name, own, "look at its spelling.")
        raise QvarError(f"`{name}` is not in {path}; {hint}")
    value = getattr(module, name)
    if isinstance(value, Ansatz):
        ansatz = value
    elif not callable(value):
        raise QvarError(f"`{name}` must be an ansatz or a function that returns one, but is {type(value).__name__}.")
    elif _takes_problem(value):
        problem = load_problem(problem_word or "h4")
        return problem, _fitting(problem, _made(value, (problem,), name, path))
    else:
        ansatz = _made(value, (), name, path)
    problem = _usual(ansatz) if problem_word is None else load_problem(problem_word)
    return problem, _fitting(problem, ansatz)


def _takes_problem(function: Any) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # some callables written in C have no signature
        return True
    first = parameters[:1]
    return any(p.name == "problem" or (p.default is p.empty and p.kind is not p.KEYWORD_ONLY) for p in first)


def _made(function: Any, arguments: tuple[Any, ...], name: str, path: Path) -> Ansatz:
    ansatz = call_of_user(partial(function, *arguments), name, path, f"; {_HINT}")
    if not isinstance(ansatz, Ansatz):
        raise QvarError(f"`{name}` must return an ansatz, but returned {type(ansatz).__name__}; {_HINT}.")
    return ansatz


def _usual(ansatz: Ansatz) -> Problem:
    word = _BY_QUBITS.get(ansatz.n_qubits)
    return tfim(ansatz.n_qubits) if word is None else named(word)


def _fitting(problem: Problem, ansatz: Ansatz) -> Ansatz:
    if problem.n_qubits == ansatz.n_qubits:
        return ansatz
    raise QvarError(
        f"`--problem` must have the {ansatz.n_qubits} qubits of {ansatz.name}, but {problem.name} has "
        f"{problem.n_qubits}; `qvar list problems` shows others, and a file of `Problem.save` will do."
    )
