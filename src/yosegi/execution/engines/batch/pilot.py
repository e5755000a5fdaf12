"""What runs in a pilot's job: Parsl's HighThroughputExecutor inside the allocation, fed from a folder while it lives.

    python -m yosegi.execution.engines.batch.pilot FOLDER

FOLDER holds pilot.json (workers, idle seconds, import path), `queue`, in which the site puts a file for each task,
named as the task's folder is, and `alive`, which the pilot writes. A pilot that is idle for long renames `queue` to
`closed`, so that nothing more can be put there, does what still came, and ends: its nodes are given back.
Parsl owns no job of the scheduler: it starts its workers by the allocation's own launcher, and all end with the job.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from yosegi.execution.engines.batch import job_files, pilot_task
from yosegi.execution.engines.batch.wrapper import end_descendants
from yosegi.execution.engines.process import _system

QUEUE, CLOSED, ALIVE, SETTINGS = "queue", "closed", "alive", "pilot.json"
_LOOK = 0.05
_BEAT = 2.0


class Pilot:
    """Feeds tasks to an executor until it is idle for long, or told to end."""

    def __init__(self, folder: Path, settings: dict[str, Any], executor: Any) -> None:
        self._folder, self._settings, self._executor = folder, settings, executor
        self._spool = folder.parent.parent
        self._doing: dict[str, Future[str]] = {}
        self._beat, self._told = 0, 0.0
        self.ending = False

    def serve(self) -> None:
        """Until the queue is closed and everything that came has ended."""
        busy_at, closed = time.monotonic(), False
        while not (closed and not self._doing):
            came = [] if self.ending else self._take(CLOSED if closed else QUEUE)
            self._reap()
            now = time.monotonic()
            if came or self._doing:
                busy_at = now
            if not closed and (self.ending or now - busy_at >= self._settings["idle_seconds"]):
                closed = self._close()
            self._tell(now)
            time.sleep(_LOOK)

    def _take(self, where: str) -> list[str]:
        """Hand new tasks to the executor."""
        try:
            names = sorted(path.name for path in (self._folder / where).iterdir())
        except FileNotFoundError:
            return []
        new = [name for name in names if name not in self._doing]
        for name in new:
            self._doing[name] = self._executor.submit(pilot_task.do_task, {}, str(self._spool / name))
        return new

    def _reap(self) -> None:
        for name, future in list(self._doing.items()):
            if not future.done():
                continue
            del self._doing[name]
            if (error := future.exception()) is not None:
                pilot_task.lost(self._spool / name, f"the worker that did it ended ({type(error).__name__})")
            elif future.result() == "stopped":
                continue  # it stays in the queue, and is tried again once the site goes on
            for where in (QUEUE, CLOSED):
                with contextlib.suppress(FileNotFoundError):
                    (self._folder / where / name).unlink()

    def _close(self) -> bool:
        with contextlib.suppress(OSError):
            (self._folder / QUEUE).rename(self._folder / CLOSED)
        return True

    def _tell(self, now: float) -> None:
        if now - self._told >= _BEAT:
            self._beat, self._told = self._beat + 1, now
            with contextlib.suppress(OSError):
                told = {"beat": self._beat, "doing": len(self._doing)}
                job_files.write(self._folder / ALIVE, told, durable=False)


@contextlib.contextmanager
def executor(folder: Path, settings: dict[str, Any]) -> Iterator[Any]:
    """An executor on the nodes of this allocation."""
    import parsl
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.launchers import MpiExecLauncher, SingleNodeLauncher, SrunLauncher
    from parsl.providers import LocalProvider

    launchers = {"single": SingleNodeLauncher, "srun": SrunLauncher, "mpiexec": MpiExecLauncher}
    nodes = settings["nodes"]
    make: Any = LocalProvider  # it has no types
    provider = make(nodes_per_block=nodes, launcher=launchers[settings["launcher"]]())
    htex = HighThroughputExecutor(
        label="pilot",
        address="127.0.0.1" if nodes == 1 else None,
        max_workers_per_node=settings["workers_per_node"],
        cores_per_worker=1e-6,  # as many as were asked for, whatever this node has
        prefetch_capacity=settings["workers_per_node"],
        heartbeat_period=5,  # its nodes look as often whether a worker has died, and a crash is told as late
        provider=provider,
    )
    config = Config(executors=[htex], run_dir=str(folder / "parsl"), strategy="none", usage_tracking=0)
    with parsl.load(config):
        yield htex


def main() -> int:
    """Serve a folder; what `sys.exit` takes."""
    folder = Path(sys.argv[1]).absolute()
    os.umask(0o007)
    _system.adopt_orphans()
    settings = job_files.read(folder / SETTINGS)
    if settings is None or not job_files.claim(folder, {"by": "job", "pid": os.getpid()}):
        print("there is no such pilot, or it was begun before", file=sys.stderr)
        return 99
    paths = os.pathsep.join([*settings["import_path"], *filter(None, [os.environ.get("PYTHONPATH")])])
    # Parsl finds its own programs by PATH, and its workers begin with this environment.
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "/usr/bin:/bin")])
    os.environ |= {"PYTHONPATH": paths, "PATH": programs, "YOSEGI_JOB_THREADS": "1"}
    try:
        with executor(folder, settings) as htex:
            pilot = Pilot(folder, settings, htex)
            for number in (signal.SIGTERM, signal.SIGXCPU):
                signal.signal(number, lambda number, frame: setattr(pilot, "ending", True))
            pilot.serve()
    finally:
        end_descendants()
    return 0


if __name__ == "__main__":
    sys.exit(main())
