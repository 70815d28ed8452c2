"""A real Slurm on this machine's loopback, private and thrown away after use: for tests, and for trials by hand.

```
python tests/cluster/local_slurm.py start            # installs what is missing
eval "$(python tests/cluster/local_slurm.py env)"    # now sbatch, squeue and the others talk to it
sbatch -p preempt --gres=gpu:1 --wrap 'echo $CUDA_VISIBLE_DEVICES'
python tests/cluster/local_slurm.py kill-node n2     # a crash: the daemon, its steps and the jobs' processes
python tests/cluster/local_slurm.py stop
```

All files are in one folder, without systemd and control groups, and without root once Debian's packages are there.
Every node is a slurmd of its own. Jobs in the partition `preempt` make place for those in `main` and are requeued. GPUs
are simulated by CUDA_VISIBLE_DEVICES. Slurm checks time limits, `--signal` and the end of a grace time every 30 s.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pwd
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

PACKAGES = {"slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "munged": "munge"}
ACCOUNTING = {"slurmdbd": "slurmdbd slurm-wlm-mysql-plugin", "mariadbd": "mariadb-server-core mariadb-client-core"}
DAEMONS = ("slurmctld", "slurmd", "slurmstepd", "slurmdbd", "mariadbd", "munged")
"""In the order in which they are ended: the controller first, so that it requeues nothing."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
"""What passes for GPUs: without a device slurmd sets no CUDA_VISIBLE_DEVICES, and these every machine has."""
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))

# what is left to its default is left out; cred_expire is how long a requeued job waits: 120 s by default, 5 s the least
CONFIGURATION = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/run/munge,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
DefMemPerCPU=100
SchedulerParameters=sched_interval=2,sched_min_interval=0,batch_sched_delay=0,bf_interval=2
SlurmctldParameters=preempt_send_user_signal
SlurmdTimeout={timeout}
MessageTimeout={timeout}
KillWait={kill_wait}
MinJobAge=3600
ReturnToService=2
MaxArraySize=2001
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
"""
PARTITIONS = """\
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 PriorityTier=10 PreemptMode=OFF
PartitionName=preempt Nodes=ALL MaxTime=INFINITE DefaultTime=10 PriorityTier=1 PreemptMode=REQUEUE GraceTime={grace}
"""
NODE = """\
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} Gres=gpu:{gpus} RealMemory=4000 \
CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1 State=UNKNOWN
"""
STORED = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStoragePort={database}
AccountingStoragePass={folder}/run/munge
"""
DATABASE = """\
AuthInfo=socket={folder}/run/munge
DbdHost=localhost
DbdPort={database}
SlurmUser={user}
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageUser=slurm
StorageLoc=slurm
CommunicationParameters=NoInAddrAny
"""


class Unavailable(Exception):  # noqa: N818 - it says what Slurm is, and is no fault
    """Slurm cannot be had on this machine; the message says why in one sentence."""


@dataclass
class LocalSlurm:
    """One private Slurm in a folder; the content of the folder is enough to find it again from another process.

    Args:
        folder: folder of all files; the logs stay after `stop`.
        nodes: number of nodes n1, n2, ..., each with so many `cpus` and `gpus` (6 at most).
        grace: GraceTime in seconds of the partition `preempt`; 0 means SIGTERM at once.
        kill_wait: seconds from SIGTERM to SIGKILL.
        timeout: seconds that nodes and messages are waited for; a lost node is noticed after three times that.
        accounting: whether slurmdbd and MariaDB run too, so that sacct answers.
    """

    folder: Path
    nodes: int = 2
    cpus: int = 4
    gpus: int = 2
    grace: int = 0
    kill_wait: int = 5
    timeout: int = 4
    accounting: bool = False

    def __post_init__(self) -> None:
        self.folder = Path(self.folder).absolute()
        self.names = [f"n{number}" for number in range(1, self.nodes + 1)]
        self.cluster = f"local{zlib.crc32(str(self.folder).encode())}"

    @classmethod
    def found(cls, folder: str | Path) -> LocalSlurm:
        """The Slurm that was started in this folder, running or not; without one: Unavailable."""
        try:
            return cls(Path(folder), **json.loads((Path(folder) / "settings.json").read_text()))
        except FileNotFoundError:
            raise Unavailable(f"no Slurm was started in {folder}") from None

    @property
    def environment(self) -> dict[str, str]:
        """What a client of this Slurm needs: this process's variables without another Slurm's, and SLURM_CONF."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH", "SALLOC"))}
        return {**own, "PATH": PATH, "SLURM_CONF": f"{self.folder}/slurm.conf"}

    def run(self, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """One client's command: its texts and its status."""
        ends = {"env": self.environment, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        return subprocess.run(command, **ends, timeout=timeout)

    def start(self) -> Self:
        """A fresh Slurm, with an empty queue and idle nodes; what an earlier one left in this folder is ended first.

        Raises Unavailable if Slurm cannot be installed, RuntimeError if it does not start.
        """
        if len(str(self.folder)) > 85 or any(character in str(self.folder) for character in " #=,"):
            raise ValueError(f"`folder` must have at most 85 plain characters, for sockets, but is {self.folder}")
        if self.gpus > len(DEVICES):
            raise ValueError(f"`gpus` must be at most {len(DEVICES)}, but is {self.gpus}")
        _install(PACKAGES | (ACCOUNTING if self.accounting else {}))
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._end()
            for name in ("state", "spool", "maria", "run", "log"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
                (self.folder / name).mkdir(mode=0o700)
            self._configure()
            with ExitStack() as failed:
                failed.callback(self._end)
                self._begin()
                failed.pop_all()
        return self

    def stop(self) -> None:
        """Ends the jobs and the daemons of this folder, and no other process; it may be stopped already."""
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._end()

    def __enter__(self) -> Self:
        self.start()
        guard = [sys.executable, __file__, "guard", "--folder", str(self.folder)]
        self.guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, *exception: object) -> None:
        self.guard.communicate()  # it stops everything once its input ends, here or by the death of this process

    def _begin(self) -> None:
        run, log = self.folder / "run", self.folder / "log/munged.log"
        files = {"key": self.folder / "munge.key", "pid": run / "munged.pid", "seed": run / "seed", "log": log}
        self._daemon("munged", "--force", f"--socket={run}/munge", *(f"--{n}-file={path}" for n, path in files.items()))
        if self.accounting:
            self._begin_accounting()
        self._daemon("slurmctld", "-c")
        for node in self.names:
            self._daemon("slurmd", "-N", node)
        self._await("the nodes are idle", lambda: list(self.states().values()) == ["idle"] * self.nodes)

    def _begin_accounting(self) -> None:
        maria = self.folder / "maria"
        base = ["--no-defaults", f"--datadir={maria}", f"--user={os.getuid()}"]
        made = ["--auth-root-authentication-method=normal", "--skip-test-db", "--force"]
        quick = ["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--skip-networking"]
        self._daemon("mariadb-install-db", *base, *made)
        server = shlex.join(["mariadbd", *base, *quick, "--innodb-lock-wait-timeout=900", f"--socket={maria}/socket"])
        self._daemon("sh", "-c", f"exec setsid {server} > {self.folder}/log/mariadbd.log 2>&1 &")
        make = "create database slurm; create user slurm@localhost; grant all on slurm.* to slurm@localhost"
        ask = ["mariadb", "--no-defaults", f"--socket={maria}/socket", "-u", "root", "-e", make]
        self._await("MariaDB answers", lambda: self.run(*ask).returncode == 0)
        self._daemon("slurmdbd", MYSQL_UNIX_PORT=f"{maria}/socket")
        add = ["sacctmgr", "-i", "add", "cluster", self.cluster]
        self._await("slurmdbd answers", lambda: self.run(*add).returncode == 0)

    def _daemon(self, program: str, *arguments: str, **variables: str) -> None:
        """Runs a program that goes into the background by itself once it knows that it can work."""
        with (text := self.folder / f"log/{program}.out").open("wb") as out:
            ends = {"env": {**self.environment, **variables}, "stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
            done = subprocess.run([program, *arguments], **ends)
        if done.returncode:
            raise RuntimeError(f"{program} did not start, status {done.returncode}: {text.read_text().strip()[-300:]}")

    def _await(self, what: str, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 180
        while not true():
            if time.monotonic() > end:
                raise RuntimeError(f"within 180 s it did not become true that {what}: see {self.folder}/log")
            time.sleep(0.05)

    def _end(self) -> None:
        for name in DAEMONS:
            _gone(lambda name=name: self._pids(name))
        _gone(self._job_processes)

    def kill_node(self, node: str) -> None:
        """A crash of a node: its daemon, its steps and all processes of its jobs are gone without a word."""
        _gone(lambda: self._pids("slurmd", node) + self._pids("slurmstepd", node) + self._job_processes(node))

    def mark_down(self, node: str) -> None:
        """The controller takes the node for lost, without waiting for `timeout`; `start_node` ends that."""
        self.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def start_node(self, node: str) -> None:
        """The node comes back, empty; returns when it takes jobs again."""
        if not self._pids("slurmd", node):
            self._daemon("slurmd", "-N", node)
        self.run("scontrol", "update", f"NodeName={node}", "State=RESUME")  # where it was marked as down already
        self._await(f"{node} takes jobs", lambda: self.states().get(node) in ("idle", "mixed", "allocated"))

    def kill_controller(self) -> None:
        """A crash of the controller alone; jobs run on, clients get no answer."""
        _gone(lambda: self._pids("slurmctld"))

    def start_controller(self) -> None:
        """The controller comes back with the queue that it had; returns when it answers."""
        if not self._pids("slurmctld"):
            self._daemon("slurmctld")
        self._await("the controller answers", lambda: bool(self.states()))

    def states(self) -> dict[str, str]:
        """The state of each node in Slurm's words; empty where the controller does not answer."""
        lines = self.run("sinfo", "-h", "-N", "-p", "main", "-o", "%N %T").stdout.splitlines()
        return dict(line.split(maxsplit=1) for line in lines)

    def processes(self) -> dict[str, list[int]]:
        """Each daemon that should run, and its process: none where it has crashed or was stopped."""
        single = ["munged", "slurmctld", *(["mariadbd", "slurmdbd"] if self.accounting else [])]
        return {name: self._pids(name) for name in single} | {
            f"slurmd {node}": self._pids("slurmd", node) for node in self.names
        }

    def _pids(self, program: str, node: str = "") -> list[int]:
        """The processes of a program that hold a log in this folder open: a pid in a file may be another's by now."""
        begin = f"{self.folder}/log/{'slurmd' if program == 'slurmstepd' else program}.{node and node + '.'}"

        def ours(process: Path) -> bool:
            named = (process / "comm").read_text().strip() == program
            return named and any(os.readlink(file).startswith(begin) for file in (process / "fd").iterdir())

        return _processes(ours)

    def _job_processes(self, node: str = "") -> list[int]:
        """The processes of jobs by what Slurm puts into their environment, even where they left the step's tree."""
        wanted = {f"SLURM_CLUSTER_NAME={self.cluster}", *([f"SLURMD_NODENAME={node}"] if node else [])}
        return _processes(lambda process: wanted <= set((process / "environ").read_text("latin-1").split("\0")))

    def _configure(self) -> None:
        write = lambda name, text: (self.folder / name).write_text(text)  # noqa: E731
        settings = asdict(self)
        folder, user = settings.pop("folder"), pwd.getpwuid(os.getuid()).pw_name
        host, (main, database, *ports) = socket.gethostname().partition(".")[0], _free_ports(2 + self.nodes)
        place = {"folder": folder, "cluster": self.cluster, "host": host, "user": user, "database": database}
        values = settings | place
        text = (CONFIGURATION + (STORED if self.accounting else "")).format(**values, port=main)
        nodes = [NODE.format(**values, node=name, port=port) for name, port in zip(self.names, ports, strict=True)]
        write("slurm.conf", text + "".join(nodes) + PARTITIONS.format(**values))
        devices = DEVICES[: self.gpus]
        write("gres.conf", "".join(f"NodeName={n} Name=gpu File={device}\n" for n in self.names for device in devices))
        for name in ("munge.key", "slurmdbd.conf"):  # the daemons refuse what others may read
            (folder / name).touch(mode=0o600)
        write("munge.key", os.urandom(512).hex())
        write("slurmdbd.conf", DATABASE.format(**values))
        write("settings.json", json.dumps(settings))


def _processes(ours: Callable[[Path], bool]) -> list[int]:
    numbers = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if ours(process) and (process / "stat").read_text().rpartition(") ")[2][0] not in "ZX":
                numbers.append(int(process.name))
    return numbers


def _gone(pids: Callable[[], list[int]]) -> None:
    """Ends processes, those that they start meanwhile too, and returns when there are none any more."""
    while left := pids():
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _free_ports(count: int) -> list[int]:
    """Ports below those that Linux hands out to clients, so that none of these takes one before its daemon does."""
    free = set[int]()
    while len(free) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            free |= {port} if probe.connect_ex(("127.0.0.1", port)) else set()
    return list(free)


def _install(packages: dict[str, str]) -> None:
    """Debian's packages of the programs that are missing."""
    sudo = [] if os.getuid() == 0 else ["sudo", "-n"]

    def run(*command: str, text: str = "") -> bool:
        return subprocess.run([*sudo, *command], input=text.encode(), capture_output=True).returncode == 0

    with (Path(tempfile.gettempdir()) / f"local-slurm-{os.getuid()}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = " ".join(names for program, names in packages.items() if not shutil.which(program, path=PATH))
        if not missing:
            return
        if not shutil.which("apt-get") or (sudo and not (shutil.which("sudo") and run("true"))):
            raise Unavailable(f"Slurm is not installed, and this user cannot install {missing} with apt-get")
        quiet = "/usr/sbin/policy-rc.d"  # Debian's way to say that what is installed is not started
        made = not Path(quiet).exists() and run("install", "-m755", "/dev/stdin", quiet, text="#!/bin/sh\nexit 101\n")
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
        install = [*apt, "install", "-y", "--no-install-recommends", *missing.split()]
        done = run(*install) or (run(*apt, "update") and run(*install))
        if made:
            run("rm", "-f", quiet)
        if not done:
            raise Unavailable(f"Slurm is not installed, and apt-get could not install {missing}")


def _main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    acts = ("start", "stop", "status", "env", "kill-node", "start-node", "kill-controller", "start-controller", "guard")
    parser.add_argument("act", choices=acts)
    parser.add_argument("node", nargs="?", help="for kill-node and start-node")
    parser.add_argument("--folder", default=f"{tempfile.gettempdir()}/local-slurm-{os.getuid()}")
    for field in fields(LocalSlurm)[1:-1]:
        option, text = f"--{field.name.replace('_', '-')}", f"for start; {field.default} by default"
        parser.add_argument(option, type=int, default=field.default, help=text)
    parser.add_argument("--accounting", action="store_true", help="for start: sacct answers too")
    given = vars(parser.parse_args())
    act, node, folder = given.pop("act"), given.pop("node"), given.pop("folder")
    try:
        slurm = LocalSlurm(folder, **given).start() if act == "start" else LocalSlurm.found(folder)
        if act == "guard":
            sys.stdin.read()
        if act in ("stop", "guard"):
            slurm.stop()
        elif "-" in act:
            nodes = [node] if act.endswith("node") else []
            if not set(nodes) <= set(slurm.names):
                raise ValueError(f"`node` must be one of {', '.join(slurm.names)}, but is {node}")
            getattr(slurm, act.replace("-", "_"))(*nodes)
        elif act == "status":
            running = slurm.processes()
            for name, pids in running.items():
                print(f"{name}: {f'up, process {pids[0]}' if pids else 'down'}")
            print(slurm.run("sinfo", "-N").stdout, end="")
            return 0 if all(running.values()) else 3
        elif act == "env":
            print(f"export SLURM_CONF={shlex.quote(slurm.environment['SLURM_CONF'])}")
    except (Unavailable, ValueError, RuntimeError) as reason:
        print(f"local_slurm: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
