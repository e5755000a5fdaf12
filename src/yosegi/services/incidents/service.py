"""Incidents, read from the record of the stop level and of the breakers; what people wrote as a reason is not told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from yosegi.execution.breaker import OPENED
from yosegi.execution.ports import Published
from yosegi.execution.stop_control import STREAM
from yosegi.ledger import Entry, Ledger
from yosegi.services.incidents.schemas import Condition, ConditionChange, IncidentDetail

CONDITIONS: Mapping[str, Condition] = {"": "up", "hold": "degraded", "safe_stop": "down", "abort": "down"}
"""What a stop level means for whoever wants work done."""
TITLES = {True: "Nothing new is started", False: "Work is stopped"}


@dataclass
class IncidentService:
    """The incidents of one site.

    Args:
        published: the capabilities of this site now, by name and version.
    """

    ledger: Ledger
    published: Callable[[], Mapping[str, Published]]

    def listing(self) -> tuple[IncidentDetail, ...]:
        """Every incident, the newest first. What is broken for one requester alone is none: it names a person."""
        found = self._stops()
        for stream in self.ledger.streams("breaker/"):
            capability, _, requester = stream.removeprefix("breaker/").partition("/")
            if not requester:
                found += self._breaks(capability, self.ledger.read(stream))
        return tuple(sorted(found, key=lambda one: one.began, reverse=True))

    def _stops(self) -> list[IncidentDetail]:
        """One for each time from the first stop to the release."""
        found, begun = list[IncidentDetail](), list[Entry]()
        names = tuple(self.published())
        for entry in self.ledger.read(STREAM):
            if not begun and not entry.facts["word"]:
                continue
            begun.append(entry)
            if not entry.facts["word"]:
                found.append(_incident(f"stop-{begun[0].position}", names, begun, TITLES))
                begun = []
        if begun:
            found.append(_incident(f"stop-{begun[0].position}", names, begun, TITLES))
        return found

    def _breaks(self, capability: str, entries: Sequence[Entry]) -> list[IncidentDetail]:
        """One for each time in which a capability's breaker was open."""
        found, titles = list[IncidentDetail](), {True: "", False: f"{capability} failed repeatedly"}
        for number, entry in enumerate(entries):
            if entry.type == OPENED:
                name = f"breaker-{capability}-{entry.position}"
                found.append(_incident(name, (capability,), entries[number : number + 2], titles))
        return found


def condition(incidents: Iterable[IncidentDetail]) -> Condition:
    """What a capability is in now: the worst of the incidents that concern it and last."""
    found = {one.condition for one in incidents if not one.ended}
    return "down" if "down" in found else "degraded" if "degraded" in found else "up"


def _incident(
    name: str, capabilities: tuple[str, ...], entries: Sequence[Entry], titles: Mapping[bool, str]
) -> IncidentDetail:
    conditions = [_condition(entry) for entry in entries]
    changes = [
        ConditionChange(id=f"{name}.{n}.{which}", incident=name, capability=which, condition=condition, at=entry.time)
        for n, (entry, condition) in enumerate(zip(entries, conditions, strict=True), 1)
        for which in capabilities
    ]
    planned = "down" not in conditions
    return IncidentDetail(
        id=name,
        title=titles[planned],
        planned=planned,
        condition=conditions[-1],
        began=entries[0].time,
        ended=entries[-1].time if conditions[-1] == "up" else "",
        changed=entries[-1].time,
        capabilities=capabilities,
        changes=tuple(changes),
    )


def _condition(entry: Entry) -> Condition:
    if "word" in entry.facts:
        return CONDITIONS[entry.facts["word"]]
    return "down" if entry.type == OPENED else "up"
