"""Any PyLabRobot protocol as a task: the deck's state is loaded, saved before and after, and known after a crash.

`deck.json` in the station's folder says what stands where and how full it is, and whether a protocol was under way. One
that was cut off leaves the deck in a state that no file knows; then nothing is done until a person has looked.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field
from pylabrobot.resources import set_tip_tracking, set_volume_tracking

from yosegi.core.capability import Context, Stopped
from yosegi.core.errors import Conflict, Invalid, YosegiError
from yosegi.core.values import Value
from yosegi_packs.labs.files import write_durably

FILE: Final = "deck.json"
_LOCK: Final = "deck.lock"

Protocol = Callable[[Any], Awaitable[Any]]
"""Takes PyLabRobot's front end (a `LiquidHandler`, a `PlateReader`, …), set up, and does its work."""


class DeckState(Value):
    """What is on record of a deck.

    Args:
        text: state of each resource by name, in PyLabRobot's JSON (which has infinities); empty for a fresh deck.
        phase: `known`, or `under_way` from before a protocol begins until its end is on record.
        key: of the task that changed it last.
        note: of the person who looked last.
    """

    text: str = Field(default="", max_length=20_000_000)
    phase: Literal["known", "under_way"] = "known"
    key: str = ""
    note: str = ""

    @property
    def state(self) -> dict[str, Any]:
        """The state of each resource, by name."""
        found: dict[str, Any] = json.loads(self.text or "{}")
        return found

    @classmethod
    def load(cls, folder: Path) -> DeckState:
        """What a station's folder holds; a fresh deck where there is no file.

        Raises:
            Invalid: the file is not what it should be.
        """
        path = folder / FILE
        return cls.read(path.read_bytes(), what=str(path)) if path.exists() else cls()

    def save(self, folder: Path) -> None:
        """Write it durably."""
        write_durably(folder / FILE, self.to_bytes())


class DeckUnknown(YosegiError):
    """An earlier protocol was cut off; what is on the deck is not known."""

    code = "deck_unknown"
    effect = "none"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"task {key} was cut off, and what is on the deck is not known; nothing was done. Look at the deck, put on "
            "what it needs, then: python -m yosegi_packs.labs deck FOLDER --note TEXT (--fresh for a fresh deck)"
        )


class RobotUnreachable(YosegiError):
    """The robot does not answer, or somebody else is connected to it; no protocol was begun."""

    code = "robot_unreachable"
    effect = "none"

    def __init__(self, why: str) -> None:
        super().__init__(f"the robot cannot be reached ({why}); nothing was done. Look whether another has it")


@dataclass(frozen=True, slots=True)
class ProtocolRun:
    """What came of a protocol.

    Args:
        result: what it returned.
        before: a file of the deck's state before, JSON.
        after: a file of the deck's state after, JSON.
    """

    result: Any
    before: Path
    after: Path


def run_protocol(protocol: Protocol, make: Callable[[], Any], context: Context) -> ProtocolRun:
    """Run a protocol on a front end, from the deck's state on record to its next.

    Args:
        protocol: a coroutine function of the front end. It may look at `context.stop_requested` between two steps.
        make: makes the front end with its backend and deck; a simulated backend runs the same protocol.
        context: of the task; it must run in a station.

    Raises:
        DeckUnknown: an earlier protocol was cut off.
        RobotUnreachable: setting the front end up met a broken connection, or one that somebody else has.
        Conflict: another task of this station's folder uses the deck.
        Invalid: the task does not run in a station, or the deck on record is another.
        Stopped: the protocol heard that it is to stop; the deck is known.
        Exception: what the protocol raised. PyLabRobot's trackers follow each operation that succeeded; what the one
            that failed did to the world nobody knows, and a person has to look.
    """
    if context.state is None:
        raise Invalid("a protocol", "there is no durable folder", "run the capability in a station")
    with _held(context.state):
        known = DeckState.load(context.state)
        if known.phase == "under_way":
            raise DeckUnknown(known.key)
        return asyncio.run(_run(protocol, make, context, context.state, known))


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the deck of a folder against other processes, however they end."""
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy = Conflict(str(folder), "its deck is used by another process", "wait for its end")
            busy.effect = "none"  # type: ignore[attr-defined]
            raise busy from None
        yield


async def _run(
    protocol: Protocol, make: Callable[[], Any], context: Context, folder: Path, known: DeckState
) -> ProtocolRun:
    set_tip_tracking(True)
    set_volume_tracking(True)
    front = make()
    deck = front.deck
    if missing := sorted(set(known.state) - set(deck.serialize_all_state())):
        why = f"on record are {', '.join(missing)}, which this layout lacks"
        raise Invalid("the deck", why, "lay it out as it was")
    deck.load_all_state(known.state)
    before = _keep(context, "before.json", deck)
    try:
        await front.setup()
    except OSError as error:
        raise RobotUnreachable(str(error)) from None
    try:
        DeckState(text=_text(deck), phase="under_way", key=context.key).save(folder)
        try:
            result = await protocol(front)
        except Stopped:
            DeckState(text=_text(deck), key=context.key).save(folder)
            raise
        except Exception:
            DeckState(text=_text(deck), phase="under_way", key=context.key).save(folder)
            raise
        DeckState(text=_text(deck), key=context.key).save(folder)
        return ProtocolRun(result, before, _keep(context, "after.json", deck))
    finally:
        await front.stop()


def _text(deck: Any) -> str:
    return json.dumps(deck.serialize_all_state())


def _keep(context: Context, name: str, deck: Any) -> Path:
    path = context.folder / name
    path.write_text(_text(deck), encoding="utf-8")
    return path
