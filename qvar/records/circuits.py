"""The circuits of a run as text, for its report."""

from __future__ import annotations

from typing import Any

_LINE = 100
"""Letters of a line."""


def circuits_of(study: Any) -> dict[str, str]:
    """Return {name: operations} of each ansatz among the `contenders` of a study; {} if it has none."""
    from qvar.ansatz.ansatz import Ansatz
    from qvar.ansatz.drawing import operations_table

    contenders = getattr(study, "contenders", ())
    if not isinstance(contenders, list | tuple):
        return {}
    circuits = [one for one in contenders if isinstance(one, Ansatz)]
    return {one.name: operations_table(one.program, None, False, _LINE) for one in circuits}
