"""What can go wrong at a device, in words for whoever asked and for the operator.

Each says in `effect` what became of the physical world on behalf of the task: `none` where nothing was put or what was
put has been verified to be back where it was, and nothing where that is unknown. `Devices` sets it when it leaves.
"""

from __future__ import annotations

from yosegi.core.errors import YosegiError


class DeviceError(YosegiError):
    """Something is wrong at a device; `variable` names which."""

    code = "device"
    effect: str = ""
    """`none`, or empty for unknown."""

    def __init__(self, variable: str, why: str, then: str = "") -> None:
        self.variable, self.why = variable, why
        super().__init__(f"{variable}: {why}" + (f". {then}" if then else ""))

    def add(self, text: str) -> None:
        """Say more, after what was said."""
        self.args = (f"{self.args[0]}. {text}",)


class Disconnected(DeviceError):
    """A process variable does not answer."""

    code = "device_disconnected"

    def __init__(self, variable: str, pv: str, seconds: float) -> None:
        self.pv = pv
        super().__init__(variable, f"{pv} did not answer within {seconds:g} s", "Look at the IOC and the network to it")


class OutOfLimits(DeviceError):
    """A value that the variable may not have; nothing was put."""

    code = "device_out_of_limits"

    def __init__(self, variable: str, value: float, low: float, high: float, unit: str, whose: str) -> None:
        self.value = value
        super().__init__(variable, f"{value:g} {unit} is outside {low:g} to {high:g} {unit}, the limits of {whose}")


class PutRefused(DeviceError):
    """The IOC took the put without a word and kept another value."""

    code = "device_put_refused"

    def __init__(self, variable: str, wanted: float, kept: float, unit: str) -> None:
        self.wanted, self.kept = wanted, kept
        super().__init__(variable, f"the IOC refused {wanted:g} {unit}: its setpoint is {kept:g} {unit}")


class InAlarm(DeviceError):
    """An alarm worse than the variable may have."""

    code = "device_alarm"

    def __init__(self, variable: str, pv: str, severity: str) -> None:
        self.severity = severity
        super().__init__(variable, f"{pv} is in alarm ({severity})", "Look at the device")


class StaleReading(DeviceError):
    """The readback was not measured anew in time, so it tells nothing of now."""

    code = "device_stale"

    def __init__(self, variable: str, pv: str, value: float, seconds: float) -> None:
        self.pv, self.value = pv, value
        super().__init__(
            variable, f"{pv} still says {value:g}, measured before, and nothing newer came within {seconds:g} s"
        )


class NotReached(DeviceError):
    """The readback did not come, or did not stay, within tolerance in time."""

    code = "device_not_reached"

    def __init__(self, variable: str, wanted: float, found: float, tolerance: float, unit: str, *, was: bool) -> None:
        self.wanted, self.found, self.drifted = wanted, found, was
        how = "left again" if was else "did not reach"
        super().__init__(variable, f"the readback {how} {wanted:g} ± {tolerance:g} {unit}: it is {found:g} {unit}")


class MovedByAnother(DeviceError):
    """Somebody else moved the setpoint. It is told, and not fought: nothing more is put to it."""

    code = "device_moved"

    def __init__(self, variable: str, ours: float, found: float, unit: str) -> None:
        self.ours, self.found = ours, found
        super().__init__(
            variable,
            f"somebody else moved it: it was left at {ours:g} {unit}, and is at {found:g} {unit}; it was left there",
            "Find out who; python -m yosegi_packs.devices accept FOLDER takes it as it is",
        )


class HeldByAnother(DeviceError):
    """Another station holds the device."""

    code = "device_held"

    def __init__(self, pv: str, holder: str) -> None:
        self.holder = holder
        super().__init__(
            pv,
            f"the device is held by {holder}; nothing was put",
            "Wait for its end; if that one is gone for good, look at the device and empty that process variable",
        )


class NotATwin(DeviceError):
    """What is at the other end is simulated where the contract says real, or real where it says simulated."""

    code = "device_not_as_said"

    def __init__(self, pv: str, found: str, said: str) -> None:
        super().__init__(pv, f"the IOC says that it is {found}, and the capability that it is {said}; nothing was put")


class Unsettled(DeviceError):
    """An earlier task was cut off between a put and its verification; a person has to look."""

    code = "device_unsettled"

    def __init__(self, variable: str, key: str, before: float, wanted: float | None = None) -> None:
        self.key = key
        how = (
            f" while it was moved from {before:g} to {wanted:g}"
            if wanted is not None
            else f"; before, it was {before:g}"
        )
        super().__init__(
            variable,
            f"task {key} was cut off{how}; nothing was put",
            "Look at it: python -m yosegi_packs.devices show FOLDER; then restore, or accept",
        )


class NotPutBack(DeviceError):
    """What had been saved could not be put back, or not be verified."""

    code = "device_not_restored"

    def __init__(self, variable: str, why: str) -> None:
        super().__init__(variable, f"could not be restored: {why}", "Look at the machine at once")
