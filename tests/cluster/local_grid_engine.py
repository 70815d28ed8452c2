"""A real Grid Engine, private and thrown away after use, in namespaces of its own: for tests, and for trials by hand.

```
python tests/cluster/local_grid_engine.py             # a shell in which qsub, qstat and qdel work; all ends with it
python tests/cluster/local_grid_engine.py qsub -t 1-4 -b y hostname
```

Grid Engine binds to host names and refuses the loopback, so that it gets a host name and a network of its own, for
which one must be root. All that runs in there ends with its first process, hence with the process that began it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

PACKAGES = ("gridengine-master", "gridengine-exec", "gridengine-client")
INSTALLED, SHARED = Path("/var/lib/gridengine"), Path("/usr/share/gridengine")
CLIENTS = ("qsub", "qstat", "qacct", "qdel", "qconf")
LIMITS = ("rt", "cpu", "fsize", "data", "stack", "core", "rss", "vmem")
BOOTSTRAP = """\
admin_user root
default_domain none
ignore_fqdn true
spooling_method berkeleydb
spooling_lib libspoolb
spooling_params {root}/spool/db
binary_path {root}/bin
qmaster_spool_dir {root}/spool/qmaster
security_mode none
listener_threads 2
worker_threads 2
scheduler_threads 1
"""
PARALLEL = """\
pe_name smp
slots 999
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule $pe_slots
control_slaves FALSE
job_is_first_task TRUE
urgency_slots min
accounting_summary FALSE
qsort_args NONE
"""
QUEUE = """\
qname all.q
hostlist ge
seq_no 0
load_thresholds NONE
suspend_thresholds NONE
nsuspend 1
suspend_interval 00:05:00
priority 0
min_cpu_interval 00:05:00
processors UNDEFINED
qtype BATCH INTERACTIVE
ckpt_list NONE
pe_list smp
rerun TRUE
slots {slots}
tmpdir /tmp
shell /bin/sh
prolog NONE
epilog NONE
shell_start_mode posix_compliant
starter_method NONE
suspend_method NONE
resume_method NONE
terminate_method NONE
notify 00:00:{notify:02}
owner_list NONE
user_lists NONE
xuser_lists NONE
subordinate_list NONE
complex_values NONE
projects NONE
xprojects NONE
calendar NONE
initial_state default
"""
INSIDE = r"""
set -e
exec 3>&1 >&2
hostname ge; ip link set lo up; ip address add 10.99.0.1/32 dev lo
mount --bind {root}/hosts /etc/hosts
programs=/usr/lib/gridengine
$programs/spoolinit berkeleydb libspoolb {root}/spool/db init
$programs/spooldefaults configuration {root}/configuration
$programs/spooldefaults complexes {shared}/util/resources/centry
$programs/spooldefaults usersets {shared}/util/resources/usersets
$programs/spooldefaults managers root
$programs/spooldefaults operators root
sge_qmaster
for attempt in $(seq 100); do qconf -as ge && break; sleep 0.1; done
sge_execd
qconf -ssconf | sed -E 's/^(schedule_interval).*/\1 0:0:1/; s/^(flush_.*_sec).*/\1 1/' > {root}/scheduler
qconf -Msconf {root}/scheduler; qconf -Ap {root}/parallel; qconf -Aq {root}/queue
for attempt in $(seq 100); do qstat -f | grep -q 'all.q@ge.*[0-9.]* *lx-amd64 *$' && break; sleep 0.1; done
echo up >&3; exec 3>&-
cat > /dev/null
"""


class Unavailable(Exception):  # noqa: N818 - it says what Grid Engine is, and is no fault
    """Grid Engine cannot be had on this machine; the message says why in one sentence."""


class LocalGridEngine:
    """One private Grid Engine with one host `ge`, a queue `all.q` and a parallel environment `smp`.

    Args:
        folder: where everything is kept; emptied by the start.
        slots: how many tasks run at a time.
        notify: seconds from the warning that `qsub -notify` asks for to SIGKILL.
    """

    def __init__(self, folder: str | Path, slots: int = 4, notify: int = 5) -> None:
        self.root, self.slots, self.notify = Path(folder).absolute(), slots, notify
        self.clients = self.root / "clients"

    @property
    def environment(self) -> dict[str, str]:
        """What a client of this Grid Engine needs, beside being inside its namespaces."""
        ports = {"SGE_QMASTER_PORT": "6444", "SGE_EXECD_PORT": "6445"}
        return {**os.environ, "SGE_ROOT": str(self.root), "SGE_CELL": "default", **ports}

    @property
    def outside(self) -> dict[str, str]:
        """What a client outside of the namespaces needs: commands that go inside come first on the path."""
        return {**self.environment, "PATH": f"{self.clients}{os.pathsep}{os.environ['PATH']}"}

    def command(self, *command: str, directory: str = "") -> list[str]:
        """The command that runs a command inside."""
        inside = ["nsenter", "--target", str(self.first), "--net", "--mount", "--uts", "--pid"]
        return [*inside, f"--wd={directory or os.getcwd()}", *command]

    def run(self, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """One client's command, inside: its texts and its status."""
        ends = {"env": self.environment, "stdin": subprocess.DEVNULL, "capture_output": True}
        return subprocess.run(self.command(*command), **ends, text=True, timeout=timeout)

    def __enter__(self) -> Self:
        """A fresh Grid Engine that takes jobs.

        Raises:
            Unavailable: If it is not there and cannot be installed, or namespaces are not allowed here.
            RuntimeError: If it does not come up.
        """
        _install()
        self._configure()
        script = INSIDE.replace("{root}", shlex.quote(str(self.root))).replace("{shared}", str(SHARED))
        apart = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with (self.root / "log").open("wb") as log:
            ends = {"env": self.environment, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
            self.holder = subprocess.Popen([*apart, "sh", "-c", script], start_new_session=True, **ends)
        if self.holder.stdout is None or self.holder.stdout.readline() != b"up\n":
            self.__exit__()
            raise RuntimeError(f"Grid Engine did not come up: {(self.root / 'log').read_text().strip()[-500:]}")
        self.clients.mkdir()
        self.first = int(Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()[0])
        for name in CLIENTS:
            words = self.command(shutil.which(name) or name, directory='"$PWD"')
            (self.clients / name).write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
            (self.clients / name).chmod(0o755)
        return self

    def __exit__(self, *exception: object) -> None:
        self.holder.communicate()  # its input ends, thereby the first process inside, and with it all others

    def _configure(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("default/common", "spool/qmaster/job_scripts", "spool/db", "spool/execd"):
            (self.root / name).mkdir(parents=True)
        for name in ("bin", "lib", "util", "utilbin"):
            (self.root / name).symlink_to(INSTALLED / name)
        changed = {
            "execd_spool_dir": f"{self.root}/spool/execd",
            "min_uid": "0",
            "min_gid": "0",
            "load_report_time": "00:00:02",
            "reporting_params": "accounting=true reporting=false flush_time=00:00:00 joblog=false sharelog=00:00:00",
        }
        lines = [line.split(maxsplit=1) for line in (SHARED / "default-configuration").read_text().splitlines()]
        kept = [f"{line[0]} {changed.get(line[0], line[1])}" for line in lines if line and not line[0].startswith("#")]
        infinite = "".join(f"{kind}_{limit} INFINITY\n" for limit in LIMITS for kind in "sh")
        texts = {
            "configuration": "\n".join(kept) + "\n",
            "default/common/bootstrap": BOOTSTRAP.format(root=self.root),
            "default/common/act_qmaster": "ge\n",
            "hosts": "127.0.0.1 localhost\n10.99.0.1 ge\n",
            "parallel": PARALLEL,
            "queue": QUEUE.format(slots=self.slots, notify=self.notify) + infinite,
        }
        for name, text in texts.items():
            (self.root / name).write_text(text)


def _install() -> None:
    if os.getuid() != 0 or subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True).returncode:
        raise Unavailable("a private Grid Engine needs root and namespaces of its own")
    if all(shutil.which(program) for program in ("sge_qmaster", "sge_execd", "qsub")):
        return
    if not shutil.which("apt-get"):
        raise Unavailable("Grid Engine is not installed, and there is no apt-get to install it with")
    quiet = Path("/usr/sbin/policy-rc.d")  # Debian's way to say that what is installed is not started
    made = not quiet.exists()
    if made:
        quiet.write_text("#!/bin/sh\nexit 101\n")
        quiet.chmod(0o755)
    answer = "gridengine-master shared/gridengineconfig boolean false"  # no cluster of the machine's own
    subprocess.run(["debconf-set-selections"], input=answer, text=True, capture_output=True)
    install = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", *PACKAGES]
    subprocess.run(install, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if made:
        quiet.unlink()
    if not shutil.which("sge_qmaster"):
        raise Unavailable(f"apt-get could not install {' '.join(PACKAGES)}")


def _main() -> int:
    with tempfile.TemporaryDirectory(prefix="local-grid-engine-") as folder:
        try:
            with LocalGridEngine(Path(folder) / "root") as engine:
                command = engine.command(*(sys.argv[1:] or [os.environ.get("SHELL", "/bin/sh")]))
                return subprocess.run(command, env=engine.environment).returncode
        except (Unavailable, RuntimeError) as reason:
            print(f"local_grid_engine: {reason}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(_main())
