"""Basis sets out of a run: the best of each form as a file, with a record of how it came about beside it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from qvar.analysis.rows import where
from qvar.atomic_files import write_whole
from qvar.basis import formats
from qvar.errors import QvarError, require
from qvar.records.run_folder import LoadedRun, reason

_LONGEST_SLUG = 100


def export_sets(run: LoadedRun, out: str | Path, contender: str | None = None, ending: str = ".nw") -> list[Path]:
    """Write the basis set with the lowest value of every form that a run fitted.

    Each set is a file `problem-contender.nw`, and beside it `problem-contender.json` says what was optimized, by which
    case with which arguments, and what came out.

    All forms that were fitted if `contender` is None. `ending` is ".nw" for NWChem's format, ".gbs" for Gaussian's.

    Raises `QvarError` if the run has no basis sets, the form is not in it or has none, or a file cannot be written.
    """
    ledger = run.ledger
    path = str(run.folder.path)
    if "basis_set" not in ledger.columns:
        raise QvarError(f"`RUN` must have fitted basis sets, such as one of cases/basis_duel.py, but {path} has not.")
    require(ending in (".nw", ".gbs"), "format", "be '.nw' or '.gbs'", ending)
    fitted = where(ledger, (ledger["n_params"] > 0) & ledger["value"].notna() & ledger["basis_set"].notna())
    names = list(dict.fromkeys(fitted["contender"]))
    if contender is not None:
        require(contender in names, "contender", f"be one that has a set: {', '.join(names) or 'none has'}", contender)
        names = [contender]
    elif not names:
        raise QvarError(f"`RUN` must have a form whose fit came to an end, but {path} has none.")
    files = []
    for name in names:
        rows = where(fitted, fitted["contender"] == name).sort_values("value", kind="stable")
        files.append(_write(run, Path(out), rows.to_dict("records")[0], len(rows), ending))
    return files


def _slug(name: str) -> str:
    """Return a name as a part of a file's name; a long one is cut, and has a digest at its end."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if len(slug) <= _LONGEST_SLUG:
        return slug
    return f"{slug[:_LONGEST_SLUG]}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _write(run: LoadedRun, out: Path, row: dict[Any, Any], starts: int, ending: str) -> Path:
    slug = _slug(f"{row['problem']} {row['contender']}")
    summary: dict[str, Any] = {
        "objective": str(row["problem"]),
        "form": str(row["contender"]),
        "value": f"{row['value']:.10f} Ha",
        "gradient norm": f"{row['final_gradient_norm']:.1e} Ha",
        "method": str(row["method"]),
        "status": str(row["status"]),
        "start": f"{int(row['seed'])} of {starts} starts",
    }
    basis = formats.parsed(str(row["basis_set"]), "nwchem", slug, str(run.folder.path))
    record = {
        "objective": str(row["problem"]),
        "form": str(row["contender"]),
        "n_params": int(row["n_params"]),
        "value": float(row["value"]),
        "unit": str(row["unit"]),
        "status": str(row["status"]),
        "final_gradient_norm": float(row["final_gradient_norm"]),
        "condition_number": float(row["condition_number"]),
        "start": int(row["seed"]),
        "starts": starts,
        "case": run.case.get("case"),
        "arguments": run.case.get("arguments", {}),
        "versions": run.case.get("versions", {}),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = formats.write(basis, out / f"{slug}{ending}", origin=summary)
        with write_whole(out / f"{slug}.json") as temporary:
            temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise QvarError(f"`out` must be a folder that can be written, but {out}: {reason(error)}.") from error
    return file
