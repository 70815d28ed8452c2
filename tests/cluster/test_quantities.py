"""Times and sizes as Slurm's manual page sbatch(1) reads them, and what each queue's script then asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qvar.cluster.quantities import duration, memory_size
from qvar.cluster.scheduler import Job, Resources
from qvar.cluster.schedulers import QUEUES, queue_named
from qvar.errors import QvarError

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", 7200), ("90m", 5400), ("45s", 45), ("1d", 86400), ("1h30m", 5400), ("1.5h", 5400), ("0.3s", 1),
        ("02:00:00", 7200), ("100:00:01", 360001), (" 2h ", 7200),
        # sbatch(1): minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds
        ("30:00", 30 * MINUTE), ("90:30", 90 * MINUTE + 30), ("2:00:00", 2 * HOUR), ("1-12", DAY + 12 * HOUR),
        ("1-12:30", DAY + 12 * HOUR + 30 * MINUTE), ("1-12:30:05", DAY + 12 * HOUR + 30 * MINUTE + 5), ("0-1", HOUR),
    ],
)  # fmt: skip
def test_times(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2 hours", "-1h", 0, -5, "0s", "00:00", "1:60:00", "2h!", "h", "2H30", "1-", "-12", "1-2-3",
     "UNLIMITED", "1:2:3:4", "9" * 400 + "h", "\u0662h", "1e3s", "nan", "inf", None, 1.5],
)  # fmt: skip
def test_what_is_no_time(text: object) -> None:
    with pytest.raises(QvarError, match=r"^`signal` must be a time such as 2h, 90m, 45s, 02:00:00 or 1-12:00:00, but"):
        duration(text, "signal")


@pytest.mark.parametrize("text", ["90", 90, " 90 ", "7200"])
def test_a_number_without_a_unit_is_refused_with_its_readings(text: object) -> None:
    number = str(text).strip()
    with pytest.raises(QvarError, match=f"^`time` must have a unit, such as {number}m or {number}s, but is .*minutes"):
        duration(text, "time", "slurm")
    with pytest.raises(QvarError, match=f"^`memory` must have a unit, such as {number}M or {number}G, but is .*Slurm"):
        memory_size(text)


@pytest.mark.parametrize(
    ("text", "mebibytes"),
    [
        ("16G", 16384), ("16GB", 16384), ("16GiB", 16384), ("16g", 16384), ("16gb", 16384), (" 16 GB ", 16384),
        ("4096M", 4096), ("4096MB", 4096), ("1.5T", 1536 * 1024), ("2048K", 2), ("0.5G", 512),
    ],
)  # fmt: skip
def test_sizes(text: str, mebibytes: int) -> None:
    assert memory_size(text) == mebibytes << 20


@pytest.mark.parametrize(
    "text", ["", "much", "0", "0G", "-1G", "G", "16X", "16GG", "1e3G", "inf", "nan", "9" * 400 + "G", "16 G 4", None]
)
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(QvarError, match=r"^`memory` must be a size such as 16G or 500M, but is"):
        memory_size(text)


# how each queue writes 30 minutes and 16 GiB, one core: sbatch(1), pbs_resources(7B), bsub, sge_submit(1)
WRITTEN = {
    "slurm": ("--time=0-00:30:00", "--mem=16384M"),
    "pbs": ("walltime=00:30:00", "mem=16384mb"),
    "lsf": ("-W 0:30", "-M 16384MB"),
    "grid_engine": ("h_rt=1800", "h_vmem=16384M"),
}


@pytest.mark.parametrize("name", [queue.name for queue in QUEUES])
def test_every_script_asks_for_what_was_meant(name: str) -> None:
    text = "30m" if name == "lsf" else "30:00"
    asked = Resources(time_s=duration(text, "time", name), memory_bytes=memory_size("16GB"))
    script = queue_named(name).render(Job("x", Path("/x"), ("qvar",), 2, resources=asked))
    for written in WRITTEN[name]:
        assert re.search(rf"{re.escape(written)}(\s|$|:)", script), script


def test_lsf_reads_hours_where_slurm_reads_minutes() -> None:
    with pytest.raises(QvarError, match=r"^`time` must have units, such as 30h0m or 30m0s, but is '30:00': LSF reads"):
        duration("30:00", "time", "lsf")
    assert duration("1-12", "time", "lsf") == DAY + 12 * HOUR
