"""A simulated dispenser that speaks SiLA 2: the same program as at a real one runs against it, over the same wire.

It has the core feature LockController, in the library's own implementation.

Run as a program it serves until its standard input ends: `python -m yosegi_packs.devices.sila_twin PORT`.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sila2.features.lockcontroller import LockControllerFeature
from sila2.framework import Feature
from sila2.server import FeatureImplementationBase, SilaServer
from sila2.server.default_feature_implementations.lockcontroller_impl import LockControllerImpl

SERVER: Final = "5f0c9d1e-2a44-4c1b-9d53-3c1f6f0b7a11"
LARGEST: Final = 200.0
"""Microlitres that one command may dispense."""
BLOCKED: Final = 0.125
"""A volume too small to come out: microlitres."""
RATE: Final = 20.0
"""Microlitres a second."""

DISPENSER: Final = f"""<?xml version="1.0" encoding="utf-8"?>
<Feature SiLA2Version="1.0" FeatureVersion="1.0" MaturityLevel="Draft" Originator="org.yosegi" Category="examples"
  xmlns="http://www.sila-standard.org">
  <Identifier>Dispenser</Identifier><DisplayName>Dispenser</DisplayName>
  <Description>Dispenses a liquid.</Description>
  <Command>
    <Identifier>Dispense</Identifier><DisplayName>Dispense</DisplayName>
    <Description>Dispense a volume, once for each time it is called.</Description><Observable>Yes</Observable>
    <Parameter><Identifier>Volume</Identifier><DisplayName>Volume</DisplayName>
      <Description>In microlitres.</Description>
      <DataType><Constrained><DataType><Basic>Real</Basic></DataType>
        <Constraints><MaximalInclusive>{LARGEST}</MaximalInclusive><MinimalInclusive>0</MinimalInclusive></Constraints>
      </Constrained></DataType></Parameter>
    <Response><Identifier>Dispensed</Identifier><DisplayName>Dispensed</DisplayName>
      <Description>In microlitres.</Description><DataType><Basic>Real</Basic></DataType></Response>
  </Command>
  <Property><Identifier>Total</Identifier><DisplayName>Total</DisplayName>
    <Description>What was dispensed since the start, in microlitres.</Description><Observable>No</Observable>
    <DataType><Basic>Real</Basic></DataType></Property>
</Feature>"""


class _Dispenser(FeatureImplementationBase):
    Dispense_default_lifetime_of_execution = timedelta(hours=1)

    def __init__(self, server: SilaServer) -> None:
        super().__init__(server)
        self._total = 0.0

    def get_Total(self, *, metadata: Any) -> float:
        """What was dispensed."""
        return self._total

    def Dispense(self, Volume: float, *, metadata: Any, instance: Any) -> float:
        """Dispense, in the time that it takes."""
        instance.begin_execution()
        if Volume == BLOCKED:
            raise RuntimeError("the nozzle is blocked")
        time.sleep(Volume / RATE)
        self._total += Volume
        return Volume


def serve(port: int) -> SilaServer:
    """Serve on this computer alone."""
    server = SilaServer(
        server_name="Dispenser", server_description="A simulated dispenser", server_type="SimulatedDispenser",
        server_version="1.0", server_vendor_url="https://www.sila-standard.com", server_uuid=UUID(SERVER),
    )  # fmt: skip
    server.set_feature_implementation(Feature(DISPENSER), _Dispenser(server))
    server.set_feature_implementation(LockControllerFeature, LockControllerImpl(server))
    server.start_insecure("127.0.0.1", port, enable_discovery=False)
    return server


if __name__ == "__main__":
    running = serve(int(sys.argv[1]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    running.stop(0)
