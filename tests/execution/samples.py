"""Small capabilities for tests of the runner: honest ones, and every kind of misbehaviour."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from yosegi.core.capability import Capability, Context, Infeasible, Stopped, capability, quantity

WORLD = "YOSEGI_TEST_WORLD"


@dataclass(frozen=True)
class Number:
    value: Annotated[float, quantity("1")]


@dataclass(frozen=True)
class Words:
    text: str


def sample_capability(name: str, effect: str = "pure", time_limit: float = 20.0) -> Any:
    return capability(
        f"sample.{name}@1",
        kind="simulation",
        effect=effect,
        field="testing",
        simulated=True,
        time_limit=time_limit,
        cost={"node_h": "1"},
    )


@sample_capability("noop")
def noop(x: float) -> Number:
    """The same number again."""
    return Number(x)


@sample_capability("twice")
def twice(x: Annotated[float, quantity("1", ge=0)], context: Context) -> Number:
    """Twice a number, with progress and cost."""
    context.progress(0.5, "half")
    context.spend("node_h", "0.25")
    return Number(2 * x)


@sample_capability("draw")
def draw(context: Context) -> Number:
    """A number that follows from the task's key."""
    import random

    return Number(random.random())


@sample_capability("nowhere")
def nowhere(x: float) -> Number:
    """Has no answer."""
    raise Infeasible(f"no answer at {x:g}")


@sample_capability("broken")
def broken() -> Number:
    """Raises."""
    raise RuntimeError("the sample is broken\nin the middle")


@sample_capability("segfault")
def segfault() -> Number:
    """Reads where nothing is."""
    print("about to fall", flush=True)
    ctypes.string_at(0)
    return Number(0)


@sample_capability("hang")
def hang() -> Number:
    """Never ends, and does not listen."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


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
def huge() -> Words:
    """Returns 100 MB."""
    return Words("x" * 100_000_000)


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


@sample_capability("wrong_type")
def wrong_type() -> Number:
    """Returns text where a number was promised."""
    return Number("seven")  # type: ignore[arg-type]


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


@sample_capability("litter")
def litter(context: Context) -> Words:
    """Leaves files in a folder without rights."""
    folder = context.folder / "deep" / "deeper"
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")
    folder.chmod(0)
    return Words(str(context.folder))


@sample_capability("surroundings")
def surroundings() -> Words:
    """What it can see of its site."""
    names = ",".join(sorted(os.environ))
    return Words(f"{names} {sys.stdin.read()!r} {os.getpid() == os.getsid(0)}")


@sample_capability("memory")
def memory() -> Number:
    """Takes more memory than there is for it."""
    return Number(float(len(bytearray(1 << 45))))


@sample_capability("late_import")
def late_import() -> Words:
    """Imports when called."""
    had = "colorsys" in sys.modules
    import colorsys

    return Words(f"{had} {colorsys.__name__}")


@sample_capability("pid")
def pid() -> Number:
    """Its process, while it waits for nothing."""
    return Number(float(os.getpid()))


@sample_capability("wait_for", time_limit=30.0)
def wait_for(folder: str) -> Number:
    """Says who it is and who its parent is, and waits until the folder has a file called go."""
    (Path(folder) / f"{os.getpid()}.{os.getppid()}").touch()
    while not (Path(folder) / "go").exists():
        time.sleep(0.002)
    return Number(1)


@sample_capability("wait_consuming", effect="consuming", time_limit=30.0)
def wait_consuming(folder: str) -> Number:
    """As `wait_for`, and uses something up."""
    return wait_for(folder)  # type: ignore[no-any-return]


class NothingLeft(Exception):
    effect = "none"


@sample_capability("dispense", effect="consuming", time_limit=10.0)
def dispense(what: str, context: Context) -> Words:
    """Counts an effect in the world: a line in an append-only file."""
    folder = context.state or Path(os.environ.get(WORLD, "."))
    if what == "empty":
        raise NothingLeft("no well is left")
    if what == "hang_before":
        time.sleep(600)
    with (folder / "world").open("a") as world:
        world.write(f"{context.key}\n")
    if what == "die_after":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang_after":
        time.sleep(600)
    if what == "raise_after":
        raise RuntimeError("the arm is stuck")
    return Words(what)


@sample_capability("read_out", effect="idempotent", time_limit=10.0)
def read_out(what: str, context: Context) -> Words:
    """Counts too, but may be done again."""
    folder = context.state or Path()
    with (folder / "world").open("a") as world:
        world.write(f"{context.key}\n")
    return Words(what)


@sample_capability("park", effect="consuming")
def park(folder: str, deaf: bool, context: Context) -> Number:
    """Goes on until it is told to stop, and then reaches its safe state; or does not listen."""
    (Path(folder) / f"{context.key.replace('/', '-')}.began").touch()
    while deaf or not context.stop_requested:
        time.sleep(0.002)
    (Path(folder) / f"{context.key.replace('/', '-')}.parked").touch()
    raise Stopped("the arm is parked", effect="none")


def names() -> dict[str, str]:
    """Every capability here by its name, with its entry."""
    return {
        found.contract.name: f"execution.samples:{name}"
        for name, found in globals().items()
        if isinstance(found, Capability)
    }


not_a_capability = 7
