"""A Bluesky queue server that a beamline already has: a task is an item of its queue, and the beamline runs it.

The item carries the task's key in its `meta`, and is looked for by it: among what waits, what runs and what is over. An
item that was added and is nowhere has vanished, and nobody knows whether it ran. The queue is never started, stopped or
put in another order from here.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bluesky_queueserver_api import BPlan
from bluesky_queueserver_api.zmq import REManagerAPI

from yosegi.core.capability import Context, Stopped
from yosegi.core.errors import Invalid
from yosegi_packs.devices.call_journal import ITEMS, CallJournal
from yosegi_packs.devices.errors import DeviceError

FILE: Final = "queue.toml"
KEY: Final = "yosegi_key"
LOOK: Final = 0.5
"""Seconds between two looks at the queue."""
PATIENCE: Final = 30.0
"""Seconds for which a queue server may be silent before its item is unknown."""


class ItemRefused(DeviceError):
    """The queue server did not take the item, or it was removed before it ran."""

    code = "queue_refused"
    effect = "none"


class ItemFailed(DeviceError):
    """The plan began, and did not end well."""

    code = "queue_failed"


class ItemVanished(DeviceError):
    """The item was added, or may have been, and is nowhere: nobody knows whether it ran."""

    code = "queue_vanished"


@dataclass(frozen=True, slots=True)
class ItemRun:
    """What came of an item.

    Args:
        uid: of the item, as the queue server names it.
        runs: identifiers of the runs that its plan made, by which the beamline finds their documents.
        exit_status: as the queue server says.
    """

    uid: str
    runs: tuple[str, ...]
    exit_status: str


class QueueServer:
    """The queue of a beamline, as a context manager.

    Where it is stands in `queue.toml` of the station's folder: `control`, the address of its manager, e.g.
    `tcp://10.0.4.17:60615`, and `public_key` where it is encrypted.

    Args:
        context: of the task; it must run in a station.

    Example:
        with QueueServer(context) as queue:
            found = queue.run("align", start=-1.0, stop=1.0)
    """

    def __init__(self, context: Context) -> None:
        if context.state is None:
            raise Invalid("a queue server", "there is no durable folder", "run the capability in a station")
        self._context, self._folder = context, Path(context.state)
        self._journal = CallJournal(self._folder / ITEMS)
        self._manager: Any = None
        self._removed = False

    def __enter__(self) -> Self:
        """Connect; whether it answers is seen by the first question."""
        said = _described(self._folder)
        self._manager = REManagerAPI(
            zmq_control_addr=said["control"], zmq_public_key=said.get("public_key"), request_fail_exceptions=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; the item stays where it is."""
        self._manager.close()

    def run(self, plan: str, **parameters: Any) -> ItemRun:
        """Have a plan of the beamline run, once, when its queue comes to it.

        In a later attempt of the task nothing is added: its item is looked for.

        Raises:
            ItemRefused: it was not taken.
            ItemFailed: it failed, or somebody at the beamline stopped it.
            ItemVanished: nobody knows.
            Stopped: the task was told to stop: an item that waited was removed; one that runs is left to the beamline.
        """
        key = self._context.key
        with self._journal.held() as steps:
            before = [step for step in steps if step["key"] == key]
            if not before:
                self._journal.append({"key": key, "state": "adding", "plan": plan})
        if not before:
            self._add(plan, parameters)
        elif any(step["state"] == "refused" for step in before):
            raise ItemRefused(plan, f"the queue server did not take it: {before[-1]['why']}")
        return self._followed(plan)

    def _add(self, plan: str, parameters: Mapping[str, Any]) -> None:
        item = BPlan(plan, **parameters)
        item.meta = {KEY: self._context.key}
        try:
            self._manager.item_add(item)
        except self._manager.RequestFailedError as error:
            with self._journal.held():
                self._journal.append({"key": self._context.key, "state": "refused", "why": str(error)})
            raise ItemRefused(plan, f"the queue server did not take it: {error}") from None
        except self._manager.RequestTimeoutError:
            return  # it may have been added: it is looked for

    def _followed(self, plan: str) -> ItemRun:
        """Wait until the item is over."""
        heard = time.monotonic()
        missing = 0
        while True:
            found = self._look()
            if found is None:
                if time.monotonic() - heard > PATIENCE:
                    raise ItemVanished(
                        plan, f"the queue server said nothing for {PATIENCE:g} s", "Look at the beamline"
                    )
            else:
                heard = time.monotonic()
                where, item = found
                if where == "history":
                    return self._over(plan, item)
                # An item between two lists may be in neither for a moment.
                missing = missing + 1 if where == "nowhere" else 0
                if missing > 2:
                    raise ItemVanished(plan, "its item is in no list of the queue server", "Look at the beamline")
                if self._context.stop_requested:
                    self._stop(plan, where, item)
            time.sleep(LOOK)

    def _look(self) -> tuple[str, dict[str, Any]] | None:
        """Where the item is: `queue`, `running`, `history` or `nowhere`; None where the server does not answer."""
        try:
            queue = self._manager.queue_get(reload=True)
            history = self._manager.history_get(reload=True)
        except (self._manager.RequestTimeoutError, self._manager.RequestFailedError):
            return None
        lists = {"history": history["items"], "running": [queue["running_item"]], "queue": queue["items"]}
        for where, items in lists.items():
            for item in items:
                if item.get("meta", {}).get(KEY) == self._context.key:
                    return where, item
        return "nowhere", {}

    def _over(self, plan: str, item: Mapping[str, Any]) -> ItemRun:
        result = item["result"]
        status = str(result["exit_status"])
        state = {"completed": "done", "failed": "failed"}.get(status, "ended")
        with self._journal.held() as steps:
            if not any(step["key"] == self._context.key and step["state"] == state for step in steps):
                self._journal.append({"key": self._context.key, "state": state, "plan": plan, "why": status})
        if status != "completed":
            raise ItemFailed(plan, f"it ended as {status}: {str(result.get('msg', ''))[:500]}", "Look at the beamline")
        return ItemRun(str(item["item_uid"]), tuple(map(str, result.get("run_uids", ()))), status)

    def _stop(self, plan: str, where: str, item: Mapping[str, Any]) -> None:
        """An item that waits is taken out; the queue's own answer says whether it still waited."""
        if where != "queue":
            raise Stopped(f"item {item.get('item_uid', '')} of {plan} is the beamline's to stop")
        try:
            self._manager.item_remove(uid=item["item_uid"])
        except (self._manager.RequestFailedError, self._manager.RequestTimeoutError):
            return  # it began meanwhile, or nobody knows: it is looked at again
        raise Stopped(f"item {item['item_uid']} of {plan} was taken out before it ran", effect="none")


def _described(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Invalid(str(path), "is not there", 'write control = "tcp://HOST:60615"') from None
    except tomllib.TOMLDecodeError as error:
        raise Invalid(str(path), str(error)) from None
    if not isinstance(found.get("control"), str):
        raise Invalid(str(path), "names no control address", 'write control = "tcp://HOST:60615"')
    return found
