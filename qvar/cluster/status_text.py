"""State of a campaign as text for a terminal and as a record for scripts."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from qvar.cluster.campaign import Campaign
from qvar.cluster.schedulers import adapter
from qvar.cluster.status import SETTLED, UNDER_WAY, Condition, Survey, TaskState
from qvar.report.terminal import terminal_width

_MOST_WIDTH = 80
"""Letters of a line on a wide terminal."""

_LONGEST_NAME = 60
"""Letters of a task's name; a point's alone may have 120."""

_MOST_LINES = 8

_WORDS = {
    Condition.DONE: "",
    Condition.FAILED: "by their own fault; --resume --failed tries again",
    Condition.RUNNING: "",
    Condition.WAITING: "in the queue",
    Condition.STOPPED: "asked to stop, no longer in the queue",
    Condition.DIED: "without a result, no longer in the queue",
    Condition.ERROR: "could not start, or not write their result",
    Condition.CANCELLED: "not started",
    Condition.ENDED: "not started, their job has ended",
    Condition.MISSING: "not started, not in the queue",
}


def status_text(campaign: Campaign, found: Survey, shown: str) -> str:
    """Return the state of a campaign, and what to do about it."""
    record = campaign.record
    jobs = [entry["job"] for entry in campaign.submissions()]
    where = record["queue"] + (f" {_few(jobs)}" if jobs else "")
    size = ", ".join(
        f"{number} {noun}{'' if number == 1 else 's'}"
        for number, noun in ((len(record["points"]), "point"), (len(found.task_states), "task"))
    )
    lines = [f"{shown}: {record['case']}, {size}; {where}"]
    if campaign.cancelled.exists():
        lines.append("cancelled")
    for condition in Condition:
        having = found.having(condition)
        if having:
            lines.append(f"  {condition.value:<10}{len(having):>6}  {_remark(condition, having)}".rstrip())
    for condition in (Condition.RUNNING, Condition.FAILED, Condition.ERROR, Condition.DIED, Condition.ENDED):
        lines += _details(campaign, condition, found.having(condition))
    if held := [one for one in found.having(Condition.WAITING) if one.release]:
        lines.append("held by the queue, until someone releases them:")
        lines += [f"  {_name(one)}: {_reason(one)}; `{one.release}`" for one in held[:_MOST_LINES]]
        lines += _more(held)
    if found.unanswered:
        lines.append(f"The queue does not answer: {found.unanswered}.")
    left = [one for one in found.task_states if one.condition not in (*SETTLED, *UNDER_WAY)]
    if left:
        lines.append(f"`qvar submit --resume {shown}` sends the {len(left)} that are missing.")
    elif len(found.having(*SETTLED)) == len(found.task_states):
        collected = campaign.run.ledger.exists() and campaign.run.report.exists()
        makes = f"`qvar collect {shown}` makes the tables and the report."
        lines.append(f"Collected: {shown}/report.html" if collected else makes)
    return "\n".join(part for line in lines for part in _wrapped(line))


def status_record(campaign: Campaign, found: Survey) -> dict[str, Any]:
    """Return the same for a script: counts, and one entry for each task."""
    return {
        "folder": str(campaign.path),
        "queue": campaign.record["queue"],
        "cancelled": campaign.cancelled.exists(),
        "queue_silent": found.unanswered,
        "counts": {condition.value: len(found.having(condition)) for condition in Condition},
        "tasks": [
            {
                "key": one.line.key,
                "label": one.line.label,
                "points": list(one.line.points),
                "condition": one.condition.value,
                "attempts": one.n_attempts,
                "host": None if one.attempt is None else one.attempt.content.get("host"),
                "done": None if one.attempt is None else one.attempt.content.get("done"),
                "total": None if one.attempt is None else one.attempt.content.get("total"),
                "message": None if one.attempt is None else one.attempt.content.get("message"),
                "queue": None if one.answer is None else one.answer.state.value,
                "reason": None if one.answer is None else one.answer.reason,
                "release": one.release or None,
                "log": _log(campaign, one),
            }
            for one in found.task_states
        ],
    }


def _remark(condition: Condition, having: list[TaskState]) -> str:
    words = _WORDS[condition]
    if condition is Condition.RUNNING:
        hosts = sorted({str(one.attempt.content.get("host")) for one in having if one.attempt is not None})
        return f"on {_few(hosts)}"
    if condition is Condition.WAITING:
        again = sum(one.n_attempts > 0 for one in having)
        return words + (f", {again} of them with progress already" if again else "")
    return words


def _details(campaign: Campaign, condition: Condition, having: list[TaskState]) -> list[str]:
    """Return a line for each of the first few tasks in a condition."""
    if not having:
        return []
    lines = [f"{condition.value}:"]
    for one in having[:_MOST_LINES]:
        content = {} if one.attempt is None else one.attempt.content
        words = str(content.get("message") or "")
        if condition is Condition.RUNNING:
            count = f"{content.get('done')}/{content['total']}" if "total" in content else "starting"
            words = f"{count} {content.get('words', '')}".strip()
        elif condition in (Condition.DIED, Condition.ENDED):
            log = _log(campaign, one)
            words = "; ".join(filter(None, (_reason(one), f"see {log}" if log else "no log")))
        name = _name(one)
        attempt = f" attempt {one.n_attempts}:" if one.n_attempts > 1 else ""
        lines.append(f"  {name}:{attempt} {words}".rstrip(": "))
    return lines + _more(having)


def _more(having: list[TaskState]) -> list[str]:
    return [f"  ... and {len(having) - _MOST_LINES} more"] if len(having) > _MOST_LINES else []


def _name(one: TaskState) -> str:
    return _short(f"{one.line.label} ({one.line.points[0]})")


def _reason(one: TaskState) -> str:
    """Return the queue's answer in its own words."""
    return "" if one.answer is None else f"{one.answer.state.value} {one.answer.reason}".strip()


def _log(campaign: Campaign, one: TaskState) -> str:
    """Return the log of a task's last attempt, from the campaign's folder; empty if there is none."""
    content = {} if one.attempt is None else one.attempt.content
    name, job, number = one.place or ("", "", 0)
    if {"queue", "job", "number"} <= content.keys():
        name, job, number = content["queue"], content["job"], content["number"]
    queue = adapter(name) if name else None
    path = campaign.logs / queue.log(job, number) if queue is not None else None
    return str(path.relative_to(campaign.path)) if path is not None and path.exists() else ""


def _wrapped(line: str) -> list[str]:
    """Return a line as several that fit; a path that does not fit stays whole, and a command in one line if it fits."""
    width = min(_MOST_WIDTH, terminal_width())
    if len(line) <= width:
        return [line]
    tied = re.sub(r"`[^`]*`", lambda match: match[0].replace(" ", "\0"), line)
    parts = textwrap.wrap(
        tied, width, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
    return [part.replace("\0", " ") for part in parts]


def _short(name: str) -> str:
    """Return a name that lacks its middle if it is long: names of a sweep differ at their ends."""
    half = (_LONGEST_NAME - 3) // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[:half]}...{name[-half:]}"


def _few(words: list[str]) -> str:
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")
