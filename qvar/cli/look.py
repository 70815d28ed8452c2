"""The commands that run nothing: `qvar list`, `check` and `doctor`."""

from __future__ import annotations

import sys


def list_known(what: str, problem: str, layers: int) -> int:
    """Print the ansätze or pools with their costs on a problem, or the cases, methods or problems of qvar."""
    from qvar.checks import counting_number
    from qvar.report import listing
    from qvar.runs.ansatz_files import load_problem
    from qvar.runs.bundled_cases import bundled_cases, sentence_of

    texts = {
        "ansatze": lambda: listing.ansatze_text(load_problem(problem), counting_number("layers", layers)),
        "cases": lambda: listing.cases_text({name: sentence_of(file) for name, file in bundled_cases().items()}),
        "methods": listing.methods_text,
        "pools": lambda: listing.pools_text(load_problem(problem)),
        "problems": listing.problems_text,
    }
    print(texts[what]())
    return 0


def check(place: str, problem_word: str | None) -> int:
    """Check an ansatz of a user's file; the exit status is 1 if a check fails."""
    from qvar.report.listing import findings_text
    from qvar.runs.ansatz_files import load_ansatz
    from qvar.studies.check_ansatz import conform

    problem, ansatz = load_ansatz(place, problem_word)
    findings = conform(problem, ansatz)
    print(findings_text(problem, ansatz, findings))
    return 1 if any(finding.passed is False for finding in findings) else 0


def doctor() -> int:
    """Check the installation; the exit status is 1 if something is broken."""
    from qvar.runs.doctor import diagnose

    diagnosis = diagnose()
    print("\n".join(diagnosis.lines))
    for sentence in diagnosis.broken:
        print(f"qvar: {sentence}", file=sys.stderr)
    print("Something is broken." if diagnosis.broken else "All is well.")
    return 1 if diagnosis.broken else 0
