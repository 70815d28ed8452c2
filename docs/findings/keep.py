"""Kept ledgers: rows of the campaigns, with the commands that repeat them, as small files in the package."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from findings.plan import MOLECULES, Campaign
from qvar.analysis.kept_ledgers import FOLDER
from qvar.atomic_files import write_whole
from qvar.records.run_folder import load

DROPPED = (
    "particle_number", "sz", "s2", "initial_gradient_norm", "lowest_curvature", "compile_s", "t_gates", "depth",
    "cnot_depth", "start_noise", "hessian_products", "iterations", "cost_model", "pauli_one_norm", "limit",
    "parameter_shift_energies", "against_parameters", "remarks", "mean_square", "component_variances",
)  # fmt: skip
"""Columns of ledgers that no page and no answer uses."""

CASE_NAMES = {"uccsd": "uccsd", "1-upccgsd": "kupccgsd", "ry cnot chain x3": "hardware_efficient"}
"""Circuits of the case `prune` -> their names on its command line."""

ARGUMENTS = ("molecule", "bond", "basis")
"""Arguments of a case that become columns."""


def keep(campaigns: tuple[Campaign, ...], runs: Path, folder: Path = FOLDER) -> dict[str, int]:
    """Write the rows of campaigns to the kept ledgers, and return the number of rows of each.

    Rows of a campaign that has none in `runs` stay as they are.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    for campaign in campaigns:
        for rows in _points(campaign, runs / campaign.name):
            parts.setdefault(campaign.ledger, []).append(rows)
    folder.mkdir(parents=True, exist_ok=True)
    for name, tables in parts.items():
        table: Any = pd.concat([*_others(folder / f"{name}.parquet", campaigns, tables), *tables], ignore_index=True)
        table = table.sort_values("campaign", key=lambda column: column.map(_order(campaigns)), kind="stable")
        table = table.drop(columns=[c for c in table if c in DROPPED or table[c].isna().all()])
        with write_whole(folder / f"{name}.parquet") as temporary:
            table.to_parquet(temporary, compression="zstd", index=False)
    return {name: sum(map(len, tables)) for name, tables in parts.items()}


def _order(campaigns: tuple[Campaign, ...]) -> dict[str, int]:
    return {campaign.name: number for number, campaign in enumerate(campaigns)}


def _others(path: Path, campaigns: tuple[Campaign, ...], tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the rows that are there of other campaigns of the plan."""
    if not path.exists():
        return []
    rows: Any = pd.read_parquet(path)
    fresh = {name for table in tables for name in table["campaign"]}
    return [rows[rows["campaign"].isin({one.name for one in campaigns} - fresh)]]


def _points(campaign: Campaign, folder: Path) -> list[pd.DataFrame]:
    """Return the rows of each point that is done."""
    if not (folder / "case.json").exists():
        return []
    record = json.loads((folder / "case.json").read_text())
    parts = []
    for point in record["points"]:
        own = json.loads((folder / "points" / point["name"] / "case.json").read_text())
        run = load(folder / "points" / point["name"])
        if run.n_done == run.n_tasks:  # half of the circuits would be another comparison
            origin = _origin(campaign, record, own["arguments"], point["words"], run.ledger)
            parts.append(_layers(run.ledger.assign(**origin), own["arguments"]))
    return parts


def _layers(rows: pd.DataFrame, arguments: dict[str, Any]) -> pd.DataFrame:
    """Return rows of which only circuits of a duel have layers whose number was chosen."""
    if "families" not in arguments or "layers" not in rows:
        return rows
    return rows.assign(layers=rows["layers"].where(rows["layers"] == arguments["layers"]))


def _origin(campaign: Campaign, record: dict[str, Any], arguments: dict[str, Any], words: list[str], rows: Any) -> Any:
    columns = {name: arguments[name] for name in ARGUMENTS if arguments.get(name) is not None}
    if arguments.get("molecule") in MOLECULES:
        columns.setdefault("bond", MOLECULES[arguments["molecule"]][0][0])
    if "gradients" in arguments and arguments["gradients"] is not None:
        columns["budget"] = arguments["gradients"]
    return {
        "campaign": campaign.name,
        **columns,
        "command": [_command(campaign.case, words, name) for name in rows["contender"]],
        "qvar": record["versions"]["qvar"],
        "date": record["started"][:10],
    }


def _command(case: str, words: list[str], contender: str) -> str:
    """Return the command that repeats one contender of a duel, or the whole run of another study."""
    if case == "family_duel":
        if "--contenders" in words:
            first = words.index("--contenders") + 1
            last = next((k for k in range(first, len(words)) if words[k].startswith("--")), len(words))
            words = [*words[: first - 1], *words[last:]]
        words = [*words, "--contenders", contender]
    if contender.startswith("adapt "):
        words = [*words, "--pools", contender.removeprefix("adapt ")]
    if ": prune " in contender:
        circuit, rule = contender.split(": prune ")
        words = [*words, "--contenders", CASE_NAMES[circuit], "--rules", rule]
    return shlex.join(["qvar", "run", case, *words])
