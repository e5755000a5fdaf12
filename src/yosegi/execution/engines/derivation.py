"""A contract follows from a function. It is derived in a worker, so that a site's process never imports a pack."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from yosegi.core import canonical
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, YosegiError
from yosegi.execution.engines.entry_points import place_of
from yosegi.execution.engines.process import _system
from yosegi.execution.engines.process._sandbox import PROGRAM, Sandbox

_MAX = 4 * 1024 * 1024


class CannotDerive(YosegiError):
    """No contract can be had from an entry.

    Args:
        entry: `package.module:attribute`.
        why: what the worker said, or how it ended.
    """

    code = "cannot_derive"

    def __init__(self, entry: str, why: str) -> None:
        self.entry, self.why = entry, why
        super().__init__(f"no contract from {entry}: {why}")


async def derive(entry: str, *, time_limit: float = 60.0, import_path: tuple[Path, ...] = ()) -> Contract:
    """The contract of the capability at `package.module:attribute`; see `derive_all`."""
    return (await derive_all([entry], time_limit=time_limit, import_path=import_path))[entry]


async def derive_all(
    entries: Iterable[str], *, time_limit: float = 60.0, import_path: tuple[Path, ...] = ()
) -> dict[str, Contract]:
    """The contracts of capabilities, by their entries, all from one worker.

    Args:
        entries: each a `package.module:attribute`, or a pack, which has several.
        time_limit: seconds that importing them may take.
        import_path: folders in which modules are looked for before the usual ones.

    Raises:
        Invalid: an entry is not of that form.
        CannotDerive: there is no such module (names what to install), it is not a capability, or its import fails,
            crashes or takes too long.
    """
    found = await derive_publications(entries, time_limit=time_limit, import_path=import_path)
    return {entry: contract for of_one in found.values() for entry, contract in of_one.items()}


async def derive_publications(
    publications: Iterable[str],
    *,
    time_limit: float = 60.0,
    import_path: tuple[Path, ...] = (),
    sandbox: Sandbox | None = None,
) -> dict[str, Mapping[str, Contract]]:
    """The contracts of what is published, by publication and then by entry, all from one worker; see `derive_all`.

    A pack has the contracts of all its capabilities. Its entries are `package.module:attribute`. Importing a module
    runs it, so code whose tasks are shut in is shut in here, too.

    Raises:
        Invalid, CannotDerive: as `derive_all`; no pack of that name is installed, or nothing that shuts it in.
    """
    places = {publication: place_of(publication) for publication in publications}
    if not places:
        return {}
    named = ", ".join(places)
    command = [sys.executable, "-m", "yosegi.execution.engines._describe", *places.values()]
    if sandbox is not None and shutil.which(PROGRAM) is None:
        raise CannotDerive(named, f"sandbox: there is no {PROGRAM} here; install bubblewrap")
    process = await asyncio.create_subprocess_exec(
        *(command if sandbox is None else sandbox.command(command)),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True, env=_system.environment(import_path),
    )  # fmt: skip
    try:
        async with asyncio.timeout(time_limit):
            said = await _read(process)
    except TimeoutError:
        raise CannotDerive(named, f"importing it took longer than {time_limit:g} seconds") from None
    finally:
        _system.kill_group(process.pid, signal.SIGKILL)
        await process.wait()
    return _contracts(list(places), said)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    said = bytearray()
    if process.stdout is not None:
        while (data := await process.stdout.read(65536)) and len(said) <= _MAX:
            said += data
    return bytes(said)


def _contracts(publications: list[str], said: bytes) -> dict[str, Mapping[str, Contract]]:
    named = ", ".join(publications)
    if not said:
        raise CannotDerive(named, "its import ended the process")
    try:
        answers = canonical.loads(said, what="the worker's answer", max_bytes=_MAX)
        for each in (each for answer in answers for each in answer):
            if "error" in each:
                raise CannotDerive(str(each["entry"]), str(each["error"]))
        found = [{e["entry"]: Contract.read(e["contract"], what="its contract") for e in answer} for answer in answers]
        return dict(zip(publications, found, strict=True))
    except (Invalid, KeyError, TypeError, ValueError) as error:
        raise CannotDerive(named, f"the worker answered rubbish ({error})") from None
