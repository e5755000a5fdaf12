"""Putting back what was saved: at the end of a task by itself, and after a crash when a person says so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from yosegi_packs.devices.channels import Wired, wait_for
from yosegi_packs.devices.errors import DeviceError, MovedByAnother, NotPutBack
from yosegi_packs.devices.journal import Journal
from yosegi_packs.devices.moves import check_untouched, put_verified
from yosegi_packs.devices.network import EpicsNetwork


async def put_back(journal: Journal, wired: Mapping[str, Wired], put: MutableMapping[str, float], key: str) -> None:
    """Bring every saved variable back, in its steps, each verified; then nothing is open any more.

    Args:
        journal: where what was saved stands.
        wired: the variables, connected.
        put: what was put to each last; changed as they move.
        key: of the task on whose behalf.

    Raises:
        NotPutBack: something is not back, or somebody else moved it; the others are.
    """
    failures: list[NotPutBack] = []
    for name, value in journal.saved().items():
        try:
            start = await _where(wired[name], put.get(name), journal)
            for step in wired[name].variable.steps(start, value):
                await put_verified(wired[name], step, start, journal, key, lambda: False)
                start = put[name] = step
        except DeviceError as error:
            failures.append(NotPutBack(name, str(error)))
    if failures:
        raise failures[0]
    journal.settle("restored and verified")


async def _where(wired: Wired, put: float | None, journal: Journal) -> float:
    """The setpoint now, which must be what was put last, or lie on the way of a put of which nothing more is known.

    Raises:
        MovedByAnother: it is neither.
    """
    variable = wired.variable
    if wired.setpoint is None:
        raise DeviceError(variable.name, "can be read and not set")
    found = (await wired.setpoint.read()).value
    ends = [end for act in journal.unsettled() if act.variable == variable.name for end in (act.start, act.wanted)]
    if any(abs(found - end) <= variable.deadband for end in ([] if put is None else [put]) + ends):
        return found
    if journal.left_at(variable.name) is None and (put is not None or ends):
        raise MovedByAnother(variable.name, put if put is not None else ends[-1], found, variable.unit)
    return await check_untouched(wired, journal)


def restore_saved(folder: Path) -> dict[str, float]:
    """A person wants back what was saved before the task that was cut off: where each variable is now.

    Args:
        folder: of the station, which must be stopped.

    Raises:
        NotPutBack: something is not back; look at the machine at once.
        DeviceError: something does not answer; nothing was put.
        Conflict: the station runs.
    """
    EpicsNetwork.load(folder).apply()
    journal = Journal(folder)
    try:
        wired = {variable.name: Wired(variable) for variable in journal.saved_variables()}
        back = journal.saved()

        async def work() -> None:
            await asyncio.gather(*(one.connect() for one in wired.values()))
            await put_back(journal, wired, {}, "restored by a person")

        wait_for(work())
        return back
    finally:
        journal.close()
