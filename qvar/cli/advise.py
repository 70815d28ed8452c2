"""The command `qvar advise`: a circuit for a molecule, from the ledgers that travel with qvar."""

from __future__ import annotations

import difflib
import json

from qvar.checks import counting_number, finite_number
from qvar.errors import QvarError, require


def advise(
    problem: str,
    bond: float | None,
    basis: str,
    two_qubit_gates: int | None,
    parameters: int | None,
    evaluations: int | None,
    error: float | None,
    as_json: bool,
) -> int:
    """Print a recommendation; the exit status is 1 if no circuit is within the limits."""
    from qvar.analysis import advice
    from qvar.report.advice import advice_record, advice_text

    limits = advice.Limits(
        two_qubit_gates=None if two_qubit_gates is None else counting_number("two_qubit_gates", two_qubit_gates),
        parameters=None if parameters is None else counting_number("parameters", parameters),
        evaluations=None if evaluations is None else counting_number("evaluations", evaluations),
        error=None if error is None else finite_number("error", error),
    )
    require(limits.error is None or limits.error > 0, "error", "be positive", error)
    word, basis = problem.strip().lower(), basis.strip().lower()
    length = _place(word, bond, basis, advice.coverage())
    answer = advice.advise(word, length, basis, limits)
    if as_json:
        print(json.dumps(advice_record(answer, word, length, basis), indent=2))
    else:
        print(advice_text(answer, word, length, basis, limits))
    return 0 if answer.fitting else 1


def _place(molecule: str, bond: float | None, basis: str, covered: dict[str, dict[str, tuple[float, ...]]]) -> float:
    """Return the bond of the runs; `QvarError` if the molecule was not run there."""
    if molecule not in covered:
        near = difflib.get_close_matches(molecule, covered, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f", but is {molecule!r}."
        raise QvarError(f"`problem` must be a molecule that was run ({', '.join(covered)}){hint}")
    bonds = covered[molecule]
    if basis not in bonds:
        raise QvarError(f"`basis` must be one that {molecule} was run in ({', '.join(bonds)}), but is {basis!r}.")
    if bond is None:
        return bonds[basis][0]
    near_bonds = [one for one in bonds[basis] if abs(one - bond) < 1e-3]
    if not near_bonds:
        lengths = ", ".join(f"{one:g}" for one in sorted(bonds[basis]))
        raise QvarError(f"`bond` must be one that {molecule} was run at ({lengths} angstrom), but is {bond:g}.")
    return near_bonds[0]
