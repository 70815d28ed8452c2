"""Defaults of `qvar submit` for a site, in a small TOML file.

The file is `$QVAR_SITE`, or else `~/.config/qvar/site.toml` (`$XDG_CONFIG_HOME/qvar/site.toml` if that is set). All
of its keys may be left out:

```toml
queue = "slurm"                        # slurm, grid_engine, pbs, lsf or local
partition = "gpu"
account = "chem"
qos = "normal"
time = "2h"                            # 2h, 90m, 45s, 1d, 1h30m, 02:00:00, 30:00, 1-12, 1-12:00:00
memory = "16G"                         # on each node; 1024 MiB to the G, and to the GB
cpus = 4
gpus = 1
at_once = 20                           # array tasks that run at the same time
max_array = 1000                       # array tasks of one array
pack = 4                               # tasks of one array task
setup = ["module load cuda"]           # shell lines before qvar
extra = ["#SBATCH --constraint=a100"]  # raw lines for the head of the script
```
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from qvar.atomic_files import read_regular
from qvar.checks import whole_number
from qvar.cluster.quantities import duration, memory_size
from qvar.errors import QvarError, did_you_mean, require

Site: TypeAlias = dict[str, Any]
"""Values of the keys that a site file has: times in seconds, sizes in bytes, lists as tuples."""


def read_site(path: Path | str | None = None) -> Site:
    """Read the defaults of a site.

    By default `$QVAR_SITE`, or the user's own file, which may be missing.

    Raises `QvarError` if the file cannot be read, is no TOML, or has an unknown key or a wrong value.
    """
    named = path if path is not None else os.environ.get("QVAR_SITE") or None
    file = Path(named) if named is not None else _own_file()
    try:
        text = read_regular(file).decode("utf-8")
    except FileNotFoundError:
        if named is None:
            return {}
        raise QvarError(f"The site file must exist, but {file} does not.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise QvarError(f"The site file must be readable, but {file}: {reason}.") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise QvarError(f"The site file must be TOML, but {file}: {error}.") from None
    except RecursionError:
        raise QvarError(f"The site file must be TOML, but {file} is nested too deep.") from None
    return _checked(table, file)


def _own_file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "qvar" / "site.toml"


def _checked(table: Mapping[str, Any], file: Path) -> Site:
    values: Site = {}
    for key, value in table.items():
        if key not in _READERS:
            hint = did_you_mean(key, _READERS, f"there are {', '.join(_READERS)}.")
            raise QvarError(f"`{key}` in {file} is not a key of a site file; {hint}")
        try:
            values[key] = _time(value, table.get("queue")) if key == "time" else _READERS[key](key, value)
        except QvarError as error:
            raise QvarError(f"{file}: {error}") from None
    return values


def _word(key: str, value: Any) -> str:
    require(isinstance(value, str) and value.strip() != "", key, "be a word in quotes", value)
    return value


def _from(least: int) -> Callable[[str, Any], int]:
    def read(key: str, value: Any) -> int:
        number = whole_number(key, value)
        require(number >= least, key, f"be at least {least}", value)
        return number

    return read


def _lines(key: str, value: Any) -> tuple[str, ...]:
    good = isinstance(value, list) and all(isinstance(line, str) for line in value)
    require(good, key, "be a list of lines in quotes", value)
    return tuple(value)


def _time(value: Any, queue: Any) -> int:
    """Return the time limit; a number without quotes is refused as one without a unit."""
    return duration(value if _is_number(value) else _word("time", value), "time", queue)


def _memory(key: str, value: Any) -> int:
    return memory_size(value if _is_number(value) else _word(key, value), key)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "queue": _word, "partition": _word, "account": _word, "qos": _word, "time": _word,
    "memory": _memory, "cpus": _from(1), "gpus": _from(0),
    "at_once": _from(1), "max_array": _from(1), "pack": _from(1), "setup": _lines, "extra": _lines,
}  # fmt: skip
