"""One instrument, folded from what its operators put on record of it; stream `instrument/NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from yosegi.core.clock import parse_timestamp
from yosegi.execution.instruments.settings import InstrumentSettings, read_window
from yosegi.execution.instruments.windows import Shift, Windows
from yosegi.ledger import Entry
from yosegi.trust.calibration import CalibrationHeld

WINDOW_ADDED = "instrument.window_added"
WINDOW_WITHDRAWN = "instrument.window_withdrawn"
TAKEN_BACK = "instrument.taken_back"
GIVEN_BACK = "instrument.given_back"
CALIBRATED = "instrument.calibrated"


def instrument_stream(name: str) -> str:
    """The stream of an instrument."""
    return f"instrument/{name}"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Who took an instrument back, when (RFC 3339), and why."""

    by: str
    since: str
    why: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is on record of a calibration.

    Args:
        held: who put it there, when, until when it holds, and the data it rests on: what reports name.
        values: what was found, by name.
        note: for people.
    """

    held: CalibrationHeld
    values: Mapping[str, float]
    note: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """Where one instrument stands.

    Args:
        settings: what site.toml says of it.
        added: windows that were added by the site's operators and not withdrawn, as they wrote them.
        ever_added: whether any was: then it is never open without one.
        taken_back: by whom, while nothing may use it.
        calibration: the latest.
    """

    name: str
    settings: InstrumentSettings
    position: int = 0
    added: tuple[str, ...] = ()
    ever_added: bool = False
    taken_back: TakenBack | None = None
    calibration: Calibration | None = None
    windows: Windows = field(default_factory=Windows)

    def __repr__(self) -> str:
        return f"<instrument {self.name}{', taken back' if self.taken_back else ''}>"

    def follow(self, entry: Entry) -> Instrument:
        """The instrument after one more entry."""
        here = replace(self, position=entry.position)
        if entry.type == WINDOW_ADDED:
            added = (*(one for one in self.added if one != entry.facts["window"]), entry.facts["window"])
            return replace(here, added=added, ever_added=True).with_windows()
        if entry.type == WINDOW_WITHDRAWN:
            left = tuple(one for one in self.added if one != entry.facts["window"])
            return replace(here, added=left).with_windows()
        if entry.type == TAKEN_BACK:
            why = str((entry.body or {}).get("why", ""))
            return replace(here, taken_back=TakenBack(entry.header.actor, entry.time, why))
        if entry.type == GIVEN_BACK:
            return replace(here, taken_back=None)
        if entry.type == CALIBRATED:
            return replace(here, calibration=_calibration(self.name, entry))
        return here

    def with_windows(self) -> Instrument:
        """The same, its windows put together from the settings and from what was added."""
        of_settings, added = self.settings.windows, [read_window(text) for text in self.added]
        windows = Windows(
            of_settings.zone,
            (*of_settings.shifts, *(one for one in added if isinstance(one, Shift))),
            (*of_settings.spans, *(one for one in added if not isinstance(one, Shift))),
            stated=of_settings.stated or self.ever_added,
        )
        return replace(self, windows=windows)

    @property
    def stated_windows(self) -> tuple[str, ...]:
        """Its windows as they were written: those of site.toml, then those added."""
        return (*self.settings.shifts, *self.settings.spans, *self.added)


def _calibration(name: str, entry: Entry) -> Calibration:
    facts, body = entry.facts, entry.body or {}
    held = CalibrationHeld(
        instrument=name, by=entry.header.actor, since=parse_timestamp(entry.time),
        until=parse_timestamp(facts["until"]), object=facts.get("object"),
    )  # fmt: skip
    return Calibration(held, dict(body.get("values", {})), str(body.get("note", "")))
