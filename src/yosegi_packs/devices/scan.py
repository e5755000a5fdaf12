"""The example of the how-to: a Bluesky scan of a magnet as a capability. Simulated."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from yosegi.core.capability import Context, Object, capability, quantity
from yosegi_packs.devices.devices import Devices
from yosegi_packs.devices.magnet import CURRENT, FIELD

Current = Annotated[float, quantity("A", ge=-8, le=8)]


@dataclass(frozen=True)
class Scan:
    """What came of the scan: bluesky's documents, and how many events there are."""

    events: Annotated[int, quantity("1", ge=0)]
    documents: Annotated[Path, Object("application/x-ndjson", most="20 MB")]


@capability(
    "magnet.scan@1", kind="instrument", effect="stateful", field="instruments", simulated=True, time_limit=600,
    on_revoked="safe_stop", stop_grace=20, safe_state="the current is back where it was, verified by its readback",
)  # fmt: skip
def scan(start: Current, stop: Current, points: Annotated[int, quantity("1", ge=2, le=200)], context: Context) -> Scan:
    """Field of a magnet at evenly spaced currents, by a Bluesky plan (simulated)."""
    from bluesky.plans import scan as plan

    from yosegi_packs.devices.plans import Movable, Readable, run_plan

    with Devices(
        [CURRENT, FIELD], context, simulated=True, identity="MAG:SIMULATED", holder="MAG:HOLDER", restore=True
    ) as magnet:
        field, current = Readable(magnet, "field"), Movable(magnet, "current")
        run = run_plan(plan([field], current, start, stop, points), context)
        return Scan(run.events, run.documents)
