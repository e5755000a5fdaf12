"""A contract follows from a function. It is derived in a worker, so that a site's process never imports a pack."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from yosegi.core import canonical
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, YosegiError
from yosegi.runner import _system
from yosegi.runner.entries import split_entry

_MAX = 1024 * 1024


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
    """The contract of the capability at `package.module:attribute`.

    Args:
        entry: where it is.
        time_limit: seconds that importing it may take.
        import_path: folders in which modules are looked for before the usual ones.

    Raises:
        Invalid: the entry is not of that form.
        CannotDerive: there is no such module (names what to install), it is not a capability, or its import fails,
            crashes or takes too long.
    """
    split_entry(entry)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yosegi.runner._describe", entry,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True, env=_system.environment(import_path),
    )  # fmt: skip
    try:
        async with asyncio.timeout(time_limit):
            said = await _read(process)
    except TimeoutError:
        raise CannotDerive(entry, f"importing it took longer than {time_limit:g} seconds") from None
    finally:
        _system.kill_group(process.pid, signal.SIGKILL)
        await process.wait()
    return _contract(entry, said)


async def _read(process: asyncio.subprocess.Process) -> bytes:
    said = bytearray()
    if process.stdout is not None:
        while (data := await process.stdout.read(65536)) and len(said) <= _MAX:
            said += data
    return bytes(said)


def _contract(entry: str, said: bytes) -> Contract:
    if not said:
        raise CannotDerive(entry, "its import ended the process")
    try:
        answer = canonical.loads(said, what="the worker's answer", max_bytes=_MAX)
        if "error" in answer:
            raise CannotDerive(entry, str(answer["error"]))
        return Contract.read(answer["contract"], what=f"contract of {entry}")
    except (Invalid, KeyError, TypeError) as error:
        raise CannotDerive(entry, f"the worker answered rubbish ({error})") from None
