"""`[instrument.NAME]` in site.toml: what shares an instrument, and when it may be used."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CapabilityName
from yosegi.core.values import Value
from yosegi.execution.instruments.control import ControlRule
from yosegi.execution.instruments.windows import Shift, TimeSpan, Windows


class ReservationSettings(Value):
    """The owner's terms for reservations of an instrument."""

    ahead_days: float = Field(default=90.0, gt=0, le=366)
    """How long before its end a reservation may be booked."""
    longest_hours: float = Field(default=72.0, gt=0, le=24 * 40)
    """The longest that one may be."""
    unused: Literal["charged", "free"] = "charged"
    """Whether the holder pays for the time in a reservation in which nothing of theirs ran."""
    release_after_minutes: float = Field(default=60.0, gt=0)
    """Minutes after its beginning at which one in which nothing has run yet is given to others."""

    def releases(self, booked: TimeSpan, now: datetime) -> bool:
        """Whether a reservation that nobody has used yet is given to others now."""
        # In numbers: a setting that means never, e.g. 1e12, is no date of the calendar.
        return (now - booked.starts).total_seconds() >= self.release_after_minutes * 60


class ControlSettings(Value):
    """A control sample that the site measures by itself, and what it should give."""

    capability: CapabilityName
    """What measures it; one of those that use the instrument, or one of its own."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    """With which inputs."""
    output: str = Field(min_length=1, max_length=200)
    """Which of its outputs is looked at; a number."""
    target: float
    """What it should be, in the output's unit."""
    sigma: float = Field(gt=0)
    """The standard deviation of one value; beyond three of them the instrument is out of control."""
    rule: ControlRule = "limits"
    """`limits`, or the `western_electric` rules with them."""
    every_tasks: int | None = Field(default=None, ge=1)
    """After how many tasks it is measured again."""
    every_hours: float | None = Field(default=None, gt=0)
    """Or after how many hours."""

    @model_validator(mode="after")
    def _has_an_interval(self) -> ControlSettings:
        if self.every_tasks is None and self.every_hours is None:
            raise ValueError("say every_tasks or every_hours, or both")
        return self


class InstrumentSettings(Value):
    """An instrument that one or several capabilities use, and its owner's terms."""

    capabilities: tuple[CapabilityName, ...] = Field(min_length=1)
    """What uses it, by name and version, e.g. `beam.scan@1`; a capability uses one instrument at most."""
    time_zone: str = "UTC"
    """Of the shifts, as the IANA data base names it, e.g. `Asia/Tokyo`."""
    shifts: tuple[str, ...] = Field(default=(), max_length=64)
    """When it may be used each week, e.g. `mon-fri 09:00-17:00`. Where no window is stated, it may always be used."""
    spans: tuple[str, ...] = Field(default=(), max_length=256)
    """When it may be used besides, e.g. `2026-12-01T09:00+09:00/2026-12-01T17:00+09:00`."""

    at_once: int = Field(default=1, ge=1, le=1024)
    """Tasks that may run on it at once, over all that uses it."""
    turns: Literal["equal", "by_grant"] = "equal"
    """How teams share it: a turn for each, or turns by the instrument hours that each was granted here."""
    needs_calibration: bool = False
    """Whether nothing uses it before a calibration is on record; past the end of one that is, nothing does."""
    control: ControlSettings | None = None
    """A control sample, measured at intervals."""
    reservations: ReservationSettings = ReservationSettings()
    """Who may have it alone, and at which price."""

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        check_zone(value)
        return value

    @field_validator("shifts", "spans")
    @classmethod
    def _are_windows(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            for text in value:
                read_window(text)
        except Invalid as error:
            raise ValueError(str(error)) from None
        return value

    @property
    def lane(self) -> tuple[str, ...]:
        """Everything that uses it, its control with the rest."""
        control = () if self.control is None else (self.control.capability,)
        return tuple(dict.fromkeys((*self.capabilities, *control)))

    @property
    def windows(self) -> Windows:
        """The windows that site.toml states."""
        shifts, spans = map(Shift.parse, self.shifts), map(TimeSpan.parse, self.spans)
        return Windows(self.time_zone, tuple(shifts), tuple(spans), stated=bool(self.shifts or self.spans))


def check_zone(name: str) -> None:
    """See that a time zone is known on this machine.

    Raises:
        ValueError: it is not.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone that is known here, e.g. Asia/Tokyo or America/Chicago") from None


def read_window(text: str) -> Shift | TimeSpan:
    """A window as people write it: a shift, or a span.

    Raises:
        Invalid: neither.
    """
    return TimeSpan.parse(text) if "/" in text else Shift.parse(text)
