"""Small capabilities for tests of the runner: honest ones, and every kind of misbehaviour."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from yosegi.core.capability import Capability, Context
from yosegi.testing.capabilities import (
    WORLD,
    Number,
    Said,
    broken,
    dispense,
    hang,
    noop,
    nowhere,
    park,
    sample_capability,
    segfault,
    twice,
    wait_consuming,
    wait_for,
    wrong_type,
)

__all__ = [
    "WORLD",
    "broken",
    "dispense",
    "hang",
    "noop",
    "nowhere",
    "park",
    "segfault",
    "twice",
    "wait_consuming",
    "wait_for",
    "wrong_type",
]


@sample_capability("draw")
def draw(context: Context) -> Number:
    """A number that follows from the task's key."""
    import random

    return Number(random.random())


@sample_capability("polite")
def polite() -> Number:
    """Never ends by itself."""
    while True:
        time.sleep(60)


@sample_capability("last_moment")
def last_moment() -> Number:
    """Answers when asked to end."""

    def stop(number: int, frame: Any) -> None:
        raise InterruptedError

    signal.signal(signal.SIGTERM, stop)
    try:
        time.sleep(60)
    except InterruptedError:
        return Number(1)
    return Number(0)


@sample_capability("talkative")
def talkative() -> Number:
    """Prints for ever."""
    while True:
        sys.stdout.write("x" * 65536)


@sample_capability("huge")
def huge() -> Said:
    """Returns 100 MB."""
    return Said("x" * 100_000_000)


@sample_capability("flood")
def flood() -> Number:
    """Writes 100 MB of rubbish to every file that is open."""
    for _ in range(1600):
        for handle in range(3, 64):
            try:
                os.write(handle, b"x" * 65536)
            except OSError:
                continue
    return Number(0)


@sample_capability("rubbish")
def rubbish() -> Number:
    """Writes an answer that is none."""
    for handle in range(3, 64):
        try:
            os.write(handle, b'R{"how": "valid", "outputs": {"value": NaN}}\n')
        except OSError:
            continue
    os._exit(0)


@sample_capability("nan")
def nan() -> Number:
    """Returns what is no number."""
    return Number(float("nan"))


@sample_capability("unserialisable")
def unserialisable() -> Number:
    """Returns something else altogether."""
    return object()  # type: ignore[return-value]


@sample_capability("close_everything")
def close_everything() -> Number:
    """Closes every file it has."""
    os.closerange(0, 256)
    return Number(0)


@sample_capability("leave")
def leave() -> Number:
    """Exits."""
    os._exit(3)


@sample_capability("forks")
def forks(folder: str) -> Number:
    """Leaves descendants behind: one in its group, one that left group and session, one twice removed."""
    for deep in (0, 1, 2):
        if os.fork() == 0:
            if deep:
                os.setsid()
            if deep == 2 and os.fork():
                os._exit(0)
            (Path(folder) / str(os.getpid())).touch()
            time.sleep(600)
            os._exit(0)
    while len(list(Path(folder).iterdir())) < 3:
        time.sleep(0.001)
    return Number(1)


def flee(folder: Path, count: int) -> None:
    """Start processes as daemons do, each in a session of its own and an orphan; wait until all are there."""
    for _ in range(count):
        if (first := os.fork()) == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                (folder / str(os.getpid())).touch()
                time.sleep(600)
            os._exit(0)
        os.waitpid(first, 0)
    while len(list(folder.iterdir())) < count:
        time.sleep(0.001)


@sample_capability("daemons")
def daemons(folder: str, then: str) -> Number:
    """Leaves many daemons behind, and then answers, dies, or ends what runs it first."""
    flee(Path(folder), 40)
    if then == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if then == "end parent":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
    return Number(1)


@sample_capability("stop_parent")
def stop_parent() -> Number:
    """Stops what runs it, and answers."""
    os.kill(os.getppid(), signal.SIGSTOP)
    return Number(1)


@sample_capability("look_around")
def look_around(path: str, address: str, context: Context) -> Said:
    """What it can do from where it is: read a file, see a process, connect, write in its folder."""
    import socket

    host, _, port = address.rpartition(":")
    with socket.socket() as line:
        reached = line.connect_ex((host, int(port))) == 0
    pids = sum(path.name.isdigit() for path in Path("/proc").iterdir())
    (context.folder / "own").write_text("x")
    return Said(f"file={Path(path).exists()} network={reached} processes={pids}")


@sample_capability("open_files")
def open_files() -> Number:
    """How many files it can open."""
    found = []
    try:
        while True:
            found.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        return Number(float(len(found)))


@sample_capability("litter")
def litter(context: Context) -> Said:
    """Leaves files in a folder without rights."""
    folder = context.folder / "deep" / "deeper"
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")
    folder.chmod(0)
    return Said(str(context.folder))


@sample_capability("surroundings")
def surroundings() -> Said:
    """What it can see of its site."""
    names = ",".join(sorted(os.environ))
    return Said(f"{names} {sys.stdin.read()!r} {os.getpid() == os.getsid(0)}")


@sample_capability("memory")
def memory() -> Number:
    """Takes more memory than there is for it."""
    return Number(float(len(bytearray(1 << 45))))


@sample_capability("late_import")
def late_import() -> Said:
    """Imports when called."""
    had = "colorsys" in sys.modules
    import colorsys

    return Said(f"{had} {colorsys.__name__}")


@sample_capability("pid")
def pid() -> Number:
    """Its process, while it waits for nothing."""
    return Number(float(os.getpid()))


@sample_capability("read_out", effect="idempotent", time_limit=10.0)
def read_out(what: str, context: Context) -> Said:
    """Counts too, but may be done again."""
    folder = context.state or Path()
    with (folder / "world").open("a") as world:
        world.write(f"{context.key}\n")
    return Said(what)


def names() -> dict[str, str]:
    """Every capability here by its name, with its entry."""
    return {
        found.contract.name: f"execution.samples:{name}"
        for name, found in globals().items()
        if isinstance(found, Capability)
    }


not_a_capability = 7
