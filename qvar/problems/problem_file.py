"""Files of problems: arrays and a head in JSON, in one `.npz` file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from qvar.array_files import read_arrays
from qvar.atomic_files import write_whole
from qvar.errors import QvarError, require
from qvar.problems.hamiltonians import Integrals, PauliTerms
from qvar.problems.orbitals import Orbitals
from qvar.problems.stability import Stability

_FORMAT = "qvar-problem-1"
_HEAD = ("name", "n_qubits", "unit", "description", "occupied_alpha", "occupied_beta")
"""Fields that are written as JSON."""

_T = TypeVar("_T")


def write_problem(path: str | os.PathLike[str], fields: Mapping[str, Any]) -> None:
    """Write the fields of a `Problem` to one `.npz` file, whole or not at all.

    Raises `QvarError` if the file cannot be written.
    """
    stability, orbitals = fields["stability"], fields["orbitals"]
    head: dict[str, Any] = {
        "format": _FORMAT,
        **{name: fields[name] for name in _HEAD},
        "notes": fields["notes"],
        "stability": None if stability is None else asdict(stability),
    }
    arrays: dict[str, Any] = {}
    if fields["bits"]:
        head["bits"] = fields["bits"]
    if orbitals is not None:
        head["orbitals"] = {name: getattr(orbitals, name) for name in ("frozen", "active", "molecule")}
        arrays["orbitals"] = orbitals.coefficients
    arrays["head"] = np.array(json.dumps(head))
    if fields["known_exact_energy"] is not None:
        arrays["exact_energy"] = np.float64(fields["known_exact_energy"])
    if fields["integrals"] is not None:
        arrays["core_energy"] = np.float64(fields["integrals"].core_energy)
        arrays["one_body"] = fields["integrals"].one_body
        arrays["two_body"] = fields["integrals"].two_body
    if fields["pauli"] is not None:
        arrays["words"] = np.array(fields["pauli"].words)
        arrays["coefficients"] = fields["pauli"].coefficients
    if fields["decoding"] is not None:
        arrays["decoding"] = fields["decoding"]
    try:
        with write_whole(Path(path)) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        raise QvarError(f"`path` must be a file that can be written, but {str(path)!r} is not.") from error


def read_problem(path: str | os.PathLike[str], make: Callable[..., _T]) -> _T:
    """Call `make` with the fields of a file that `write_problem` wrote.

    Raises `QvarError` if there is no such file, it was not written by `write_problem`, or `make` refuses its fields.
    """
    try:
        return make(**_fields(read_arrays(Path(path))))
    except FileNotFoundError as error:
        raise QvarError(f"`path` must be an existing file, but {str(path)!r} is not.") from error
    except QvarError as error:
        raise QvarError(f"`path` must hold a sound problem, but {str(path)!r} does not: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise QvarError(f"`path` must be a file that `Problem.save` wrote, but {str(path)!r} is not.") from error


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    head = json.loads(str(data["head"]))
    require(head["format"] == _FORMAT, "format", f"be {_FORMAT!r}", head["format"])
    orbitals = head.get("orbitals")
    return {
        **_with_tuples({name: head[name] for name in _HEAD}),
        "integrals": Integrals(data["core_energy"][()], data["one_body"], data["two_body"])
        if "one_body" in data
        else None,
        "pauli": PauliTerms(tuple(map(str, data["words"])), data["coefficients"]) if "words" in data else None,
        "known_exact_energy": float(data["exact_energy"]) if "exact_energy" in data else None,
        "bits": tuple(head.get("bits", ())),
        "stability": Stability(**head["stability"]) if head.get("stability") else None,
        "notes": tuple(head.get("notes", ())),
        "decoding": data.get("decoding"),
        "orbitals": None if orbitals is None else Orbitals(data["orbitals"], **_with_tuples(orbitals)),
    }


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
