"""A private Slurm on loopback, as root, without systemd; everything of it lies in one folder.

Nothing of /etc/slurm or /etc/munge is used. Two may run side by side.

    python -m yosegi.testing.slurm_cluster FOLDER     # writes FOLDER/slurm, its slurm.conf's path; ends with its input
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yosegi.core.errors import Unavailable

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue")
ABSENT = (
    "Slurm is not installed (Debian: apt-get install --no-install-recommends slurmctld slurmd slurm-client munge)"
    if not all(shutil.which(program) for program in PROGRAMS)
    else "Slurm's daemons can be started by root alone"
    if os.geteuid() != 0
    else ""
)
"""Why there can be no Slurm here; empty where there can."""

_FIRST_PORT, _LAST_PORT, _PORTS = 20_000, 30_000, 8
CONF = """\
ClusterName=yosegi-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={base}/munge/socket
CredType=cred/munge
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool/%n
SlurmctldPidFile={base}/run/slurmctld.pid
SlurmdPidFile={base}/run/slurmd-%n.pid
SlurmctldLogFile={base}/log/slurmctld.log
SlurmdLogFile={base}/log/slurmd-%n.log
ProctrackType=proctrack/{track}
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_interval=1,bf_window=1440
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
KillWait=3
MinJobAge={age}
InactiveLimit=0
SlurmctldTimeout=5
SlurmdTimeout=30
JobRequeue=1
JobCompType=jobcomp/filetxt
JobCompLoc={base}/log/jobcomp.log
AccountingStorageType=accounting_storage/none
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def _pids(path: Path) -> list[int]:
    with contextlib.suppress(OSError, ValueError):
        return [int(path.read_text())]
    return []


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@dataclass
class Cluster:
    """A Slurm that runs.

    Args:
        base: its folder.
        nodes: names of its nodes; all are this machine.
    """

    base: Path
    nodes: tuple[str, ...]

    @property
    def conf(self) -> str:
        """Its slurm.conf."""
        return str(self.base / "slurm.conf")

    @property
    def variables(self) -> dict[str, str]:
        """What its commands need in their environment."""
        return {"SLURM_CONF": self.conf, "SLURM_TIME_FORMAT": "%s"}

    def ask(self, *argv: str, given: str = "", patience: float = 60.0) -> str:
        """What a command of Slurm says."""
        done = subprocess.run(
            argv, input=given, capture_output=True, text=True, env=os.environ | self.variables, timeout=patience,
            check=False,
        )  # fmt: skip
        return done.stdout.strip()

    def pid(self, daemon: str) -> int:
        """The process number of `slurmctld`, or of `slurmd-NODE`."""
        return int((self.base / "run" / f"{daemon}.pid").read_text())

    def kill(self, daemon: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a daemon; one that is killed is waited for."""
        pid = self.pid(daemon)
        os.kill(pid, number)
        if number == signal.SIGKILL:
            _until(lambda: not _alive(pid), f"{daemon} is gone")

    def start_controller(self, *options: str) -> None:
        """Start slurmctld, again."""
        subprocess.run(["slurmctld", *options, "-f", self.conf], check=True, capture_output=True)

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node, again."""
        subprocess.run(["slurmd", "-N", node, "-f", self.conf], check=True, capture_output=True)

    @property
    def told(self) -> str:
        """What its jobs and nodes are at, for whoever reads why a test failed."""
        jobs = self.ask("squeue", "-h", "-t", "all", "-o", "%i %j %T %r")
        return f"jobs: {jobs or 'none'}; nodes: {self.ask('sinfo', '-h', '-N', '-o', '%N %T %E')}"

    def wait_ready(self) -> None:
        """Until every node waits for work or does some."""
        ready = ("idle", "mixed", "allocated", "completing")
        _until(
            lambda: sum(w in ready for w in self.ask("sinfo", "-h", "-N", "-o", "%T").split()) == len(self.nodes),
            f"the nodes are ready: {self.ask('sinfo', '-h', '-N')}",
        )

    def stop(self) -> None:
        """End its jobs and its daemons."""
        with contextlib.suppress(subprocess.TimeoutExpired, Unavailable):
            for pid in _pids(self.base / "run" / "slurmctld.pid"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            if jobs := self.ask("squeue", "-h", "-o", "%i", patience=20).split():
                self.ask("scancel", "-Q", "-s", "KILL", "--full", *jobs, patience=20)
                self.ask("scancel", "-Q", *jobs, patience=20)
                _until(lambda: not self.ask("squeue", "-h", "-o", "%i", patience=20), "no job is left", 20)
        pids = [pid for path in (self.base / "run").glob("*.pid") for pid in _pids(path)]
        pids += _pids(self.base / "munge" / "pid")
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in filter(_alive, pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            with contextlib.suppress(Unavailable):
                _until(lambda: not any(map(_alive, pids)), "its daemons have ended", 10)
        for node in self.nodes:
            for folder in sorted(Path(f"/sys/fs/cgroup/freezer/slurm_{node}").glob("**/"), reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _until(condition: Callable[[], bool], what: str, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise Unavailable("Slurm", f"in {patience:g} seconds not yet: {what}")
        time.sleep(0.02)


@contextmanager
def _ports(count: int) -> Iterator[int]:
    """The first of some ports in a row that are this process's alone until the end of the block.

    They lie below those that the system gives away. A lock keeps other runs off them, also while a daemon of this one
    is dead and nobody listens at its port; names of nodes, and so of their cgroups, follow from the port.
    """
    locks = Path(tempfile.gettempdir()) / "yosegi-slurm-ports"
    locks.mkdir(exist_ok=True)
    for first in range(_FIRST_PORT, _LAST_PORT, count):
        with (locks / str(first)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for port in range(first, first + count):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            yield first
            return
    raise Unavailable("Slurm", f"no {count} ports in a row are free from {_FIRST_PORT} to {_LAST_PORT}")


def _write(path: Path, text: str) -> None:
    """A file that other users can read, whatever the umask: their sbatch needs it."""
    path.write_text(text)
    path.chmod(0o644)


@contextmanager
def running(*, nodes: int = 1, age: int = 300, cpus: int = 64) -> Iterator[Cluster]:
    """A Slurm until the end of the block.

    Args:
        nodes: daemons that say they are nodes, seven at the most.
        age: seconds after which the controller forgets a job that has ended.
        cpus: that each node says it has.
    """
    base = Path(tempfile.mkdtemp(prefix="yosegi-slurm-"))
    with _ports(_PORTS) as port:
        names = tuple(f"y{port}n{number + 1}" for number in range(nodes))
        cluster = Cluster(base, names)
        try:
            _prepare(cluster, port, age, cpus)
            cluster.start_controller("-c")
            for name in names:
                cluster.start_node(name)
            cluster.wait_ready()
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(base, ignore_errors=True)


def _prepare(cluster: Cluster, port: int, age: int, cpus: int) -> None:
    """Make its folders and its configuration, and start its munged."""
    base = cluster.base
    for name in ("", "state", "spool", "log", "run", "munge"):
        (base / name).mkdir(exist_ok=True)
        (base / name).chmod(0o755)
    key = base / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    munge = [f"--{name}={base}/munge/{name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
    munge[1] = f"--pid-file={base}/munge/pid"
    subprocess.run(["munged", f"--key-file={key}", *munge, "--num-threads=2"], check=True, capture_output=True)
    host, track = socket.gethostname().partition(".")[0], "linuxproc"
    if os.access("/sys/fs/cgroup/freezer", os.W_OK):
        track = "cgroup"
        _write(base / "cgroup.conf", "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n")
    lines = (
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port + number + 1} CPUs={cpus} State=UNKNOWN"
        for number, name in enumerate(cluster.nodes)
    )
    conf = CONF.format(host=host, port=port, base=base, track=track, age=age, nodes="\n".join(lines))
    _write(base / "slurm.conf", conf)


def main() -> int:
    """Run one until the input ends; 3 and a sentence where there can be none."""
    if ABSENT:
        print(ABSENT, file=sys.stderr)
        return 3
    with running() as cluster:
        (Path(sys.argv[1]) / "slurm").write_text(cluster.conf)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
