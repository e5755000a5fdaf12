"""A contract follows from a function. It is derived in a worker, so that a site's process never imports a pack."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from yosegi.core import canonical
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, YosegiError
from yosegi.execution.engines.entry_points import split_entry
from yosegi.execution.engines.process import _system

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
        entries: each a `package.module:attribute`.
        time_limit: seconds that importing them may take.
        import_path: folders in which modules are looked for before the usual ones.

    Raises:
        Invalid: an entry is not of that form.
        CannotDerive: there is no such module (names what to install), it is not a capability, or its import fails,
            crashes or takes too long.
    """
    entries = list(dict.fromkeys(entries))
    for entry in entries:
        split_entry(entry)
    if not entries:
        return {}
    named = ", ".join(entries)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yosegi.execution.engines._describe", *entries,
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
    return _contracts(entries, said)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    said = bytearray()
    if process.stdout is not None:
        while (data := await process.stdout.read(65536)) and len(said) <= _MAX:
            said += data
    return bytes(said)


def _contracts(entries: list[str], said: bytes) -> dict[str, Contract]:
    named = ", ".join(entries)
    if not said:
        raise CannotDerive(named, "its import ended the process")
    try:
        answers = canonical.loads(said, what="the worker's answer", max_bytes=_MAX)
        for answer in answers:
            if "error" in answer:
                raise CannotDerive(str(answer["entry"]), str(answer["error"]))
        contracts = [Contract.read(answer["contract"], what="its contract") for answer in answers]
        return dict(zip(entries, contracts, strict=True))
    except (Invalid, KeyError, TypeError, ValueError) as error:
        raise CannotDerive(named, f"the worker answered rubbish ({error})") from None
