"""Objects to and from a worker: a file nobody may write for each input, a file in its own folder for each output."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from yosegi.core.capability import OUT
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract, strictest
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.object import NOT_YET, ObjectRef, refs
from yosegi.core.states import Result
from yosegi.data import ObjectStore
from yosegi.data.pulling import Offload
from yosegi.trust.messages import Request

AGAIN_AFTER = 1.0


def hand_in(store: ObjectStore, objects: Mapping[str, ObjectRef], folder: Path) -> dict[str, str]:
    """Copy objects into a new folder, verified and read-only; the path of each by name.

    Raises:
        NotFound, Corrupt, Unavailable: as `ObjectStore.copy`; nothing was handed in.
    """
    if not objects:
        return {}
    folder.mkdir(mode=0o700, parents=True)
    for name, ref in objects.items():
        store.copy(ref.sha256, folder / name)
    return {name: str(folder / name) for name in objects}


async def taken_in(
    store: ObjectStore | None, outcome: Outcome, folder: Path, *, clock: Clock, offload: Offload
) -> Outcome:
    """The outcome with every file that the worker left as an output in the store, and its digest in its reference.

    A full disk is waited for: the worker has ended, and only its folder holds what it made.
    """
    if outcome.result is not Result.VALID or not any(map(_is_provisional, (outcome.outputs or {}).values())):
        return outcome
    while True:
        try:
            outputs = await offload(take_in, store, outcome.outputs, folder)
            return outcome.model_copy(update={"outputs": outputs})
        except Unavailable:
            await clock.sleep(AGAIN_AFTER)
        except Invalid as error:
            return Outcome.failed(outcome.effect, "bad_output", str(error), invalid=True)


def take_in(store: ObjectStore | None, outputs: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The outputs with what lies in the folder in the store.

    Raises:
        Invalid: an output without a file, or one that is no plain file of the worker's own folder.
        Unavailable: the disk is full.
    """
    if store is None:
        raise Invalid("an output", "it is an object, and nothing here keeps any")
    return {
        name: _keep(store, name, value, folder) if _is_provisional(value) else value for name, value in outputs.items()
    }


def _is_provisional(value: Any) -> bool:
    return isinstance(value, dict) and value.get("sha256") == NOT_YET


def _keep(store: ObjectStore, name: str, value: dict[str, Any], folder: Path) -> dict[str, Any]:
    ref = ObjectRef.read(value, what=f"output {name}")
    with _open(folder / OUT, name) as file:
        digest, size = store.put(file)
    return ref.model_copy(update={"sha256": digest, "size": size}).json()


def _open(folder: Path, name: str) -> BinaryIO:
    """A file that a worker left: whatever its name is, it is in that folder, and no link out of it.

    Raises:
        Invalid: there is no such file.
    """
    if not name.isidentifier():
        raise Invalid(f"output {name[:80]!r}", "no name of an output")
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        finally:
            os.close(place)
    except OSError as error:
        raise Invalid(f"output {name}", f"it left no file for it ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Invalid(f"output {name}", "what it left is no plain file")
    return os.fdopen(handle, "rb")


def labelled(
    outputs: Mapping[str, Any], contract: Contract, request: Request, went_in: Iterable[ObjectRef], site: str
) -> dict[str, ObjectRef]:
    """The objects among outputs under their labels: as strict as the contract, the request and every object in it.

    Raises:
        Invalid: what should be a reference is none.
    """
    own = {
        "site": site,
        "sensitivity": strictest(contract.sensitivity, request.sensitivity),
        "export_classes": () if contract.export_class == "none" else (contract.export_class,),
        "sources": (f"{site}/{contract.name}",),
    }
    found = refs(contract.outputs, outputs)
    return {name: ref.model_copy(update=own).with_label_of(*went_in) for name, ref in found.items()}
