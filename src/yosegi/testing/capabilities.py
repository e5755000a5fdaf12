"""Small capabilities by which the suite of engines looks at an engine: honest ones, and some that misbehave.

Each is `sample.NAME@1`, at the entry `yosegi.testing.capabilities:NAME`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

from yosegi.core.capability import Capability, Context, Infeasible, Stopped, capability, quantity

P = ParamSpec("P")
R = TypeVar("R")

WORLD = "YOSEGI_TEST_WORLD"
"""The variable that says where effects are counted, where a task has no durable folder."""


@dataclass(frozen=True)
class Number:
    """A number."""

    value: Annotated[float, quantity("1")]


@dataclass(frozen=True)
class Said:
    """Some words."""

    text: str


def sample_capability(
    name: str, effect: str = "pure", time_limit: float = 20.0
) -> Callable[[Callable[P, R]], Capability[P, R]]:
    """The decorator of a sample."""
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


@sample_capability("nowhere")
def nowhere(x: float) -> Number:
    """Has no answer."""
    raise Infeasible(f"no answer at {x:g}")


@sample_capability("broken")
def broken() -> Number:
    """Raises."""
    raise RuntimeError("the sample is broken\nin the middle")


@sample_capability("wrong_type")
def wrong_type() -> Number:
    """Returns text where a number was promised."""
    return Number("seven")  # type: ignore[arg-type]


class NothingLeft(Exception):
    """Nothing was done."""

    effect = "none"


@sample_capability("dispense", effect="consuming", time_limit=10.0)
def dispense(what: str, context: Context) -> Said:
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
    return Said(what)


@sample_capability("hang")
def hang() -> Number:
    """Never ends, and does not listen."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


@sample_capability("segfault")
def segfault() -> Number:
    """Reads where nothing is."""
    print("about to fall", flush=True)
    ctypes.string_at(0)
    return Number(0)


@sample_capability("park", effect="consuming")
def park(folder: str, deaf: bool, context: Context) -> Number:
    """Goes on until it is told to stop, and then reaches its safe state; or does not listen."""
    (Path(folder) / f"{context.key.replace('/', '-')}.began").touch()
    while deaf or not context.stop_requested:
        time.sleep(0.002)
    (Path(folder) / f"{context.key.replace('/', '-')}.parked").touch()
    raise Stopped("the arm is parked", effect="none")


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
    return wait_for(folder)


def entries() -> dict[str, str]:
    """The entry of every capability here, by name and version."""
    return {c.contract.name: f"{__name__}:{name}" for name, c in _all().items()}


def capabilities() -> dict[str, Capability[Any, Any]]:
    """Every capability here, by name and version."""
    return {found.contract.name: found for found in _all().values()}


def _all() -> dict[str, Capability[Any, Any]]:
    return {name: found for name, found in globals().items() if isinstance(found, Capability)}
