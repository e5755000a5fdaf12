"""EPICS devices behind a station: set, wait, read back, verify; and simulated twins over the same wire.

See `docs/how-to/epics-in-ten-lines.md`.
"""

from yosegi_packs.devices.devices import Devices
from yosegi_packs.devices.errors import (
    DeviceError,
    Disconnected,
    HeldByAnother,
    InAlarm,
    MovedByAnother,
    NotATwin,
    NotPutBack,
    NotReached,
    OutOfLimits,
    PutRefused,
    StaleReading,
    Unsettled,
)
from yosegi_packs.devices.network import EpicsNetwork
from yosegi_packs.devices.variable import Reading, Severity, Variable

__all__ = [
    "DeviceError",
    "Devices",
    "Disconnected",
    "HeldByAnother",
    "InAlarm",
    "MovedByAnother",
    "EpicsNetwork",
    "NotATwin",
    "NotReached",
    "NotPutBack",
    "OutOfLimits",
    "PutRefused",
    "Reading",
    "Severity",
    "StaleReading",
    "Unsettled",
    "Variable",
]
