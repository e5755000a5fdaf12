"""A site with the capabilities of the engine suite, served with its facility API by a process of its own.

Prints one line of JSON, `{"url": …, "token": …}`, and serves until its standard input is closed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from execution.conftest import process_engine
from iri import facility as served
from iri.facility import opened
from yosegi.app.assembly import Parts
from yosegi.execution.ports import Published
from yosegi.testing.capabilities import capabilities
from yosegi.testing.federation import Federation, Place


class WithProcesses(Federation):
    """Its sites do their work in real processes."""

    async def _parts(self, place: Place) -> Parts:
        parts = await super()._parts(place)
        engine = process_engine(self.folder)
        done: dict[str, Any] = {c.contract.name: Published(c.contract, engine, 8) for c in place.capabilities}
        return replace(parts, engines=lambda on_late: done)


def main() -> None:
    served.Federation = WithProcesses  # type: ignore[misc]
    with opened(capabilities=list(capabilities().values()), grant={"node_h": "10000"}) as facility:
        print(json.dumps({"url": facility.url, "token": facility.token()}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
