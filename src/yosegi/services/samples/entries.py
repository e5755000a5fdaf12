"""One sample as a site's ledger tells it, folded from its stream.

Every entry's facts say which state and holder follow, so that any fold agrees; what people wrote stands in bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.errors import Conflict
from yosegi.ledger import Entry
from yosegi.services.samples.states import ACTIONS, SampleAction, SampleChange, SampleState
from yosegi.trust.envelope import Envelope

REGISTERED = "sample.registered"
"""It was made here; facts: team, parents, of one that a task made also task, home, campaign; body: label, place."""
SPLIT, POOLED = "sample.split", "sample.pooled"
"""Facts: children."""
GIVEN = "sample.given"
"""Given to another site; facts: to, key, given; body: the signed word. Said again, it is signed anew under its key."""
GIVEN_REFUSED = "sample.given_refused"
"""The other site will not take that word; facts: key; body: why."""
CONFIRMED = "sample.confirmed"
"""The addressee says that it has it, or that it never came; facts: key, condition; body: its signed word."""
OFFERED = "sample.offered"
"""Another site gives a sample to this one; facts: from, to, key, given, team, parents; body: its signed word."""
RECEIVED = "sample.received"
"""It came here, or it did not; facts: from, key, condition; body: the signed word, place."""
RECEIVED_REFUSED = "sample.received_refused"
"""The giver will not take that word; body: why."""
ASKED_FOR = "sample.shipment_asked"
"""Another site, or this one, asks to ship it; facts: home, campaign, trial, task, shipment, destination."""
TOLD = "sample.told"
"""Whoever asked is told how it stands; facts: to; body: the signed word."""
QUARANTINED = "sample.quarantined"
CHANGES: Mapping[SampleChange, str] = {
    "move": "sample.moved",
    "reserve": "sample.reserved",
    "release": "sample.released",
    "use_up": "sample.used_up",
    "lose": "sample.lost",
    "quarantine": QUARANTINED,
}
WORDS_OF_OTHERS = (OFFERED, CONFIRMED)
LOCAL = frozenset({*CHANGES.values(), SPLIT, POOLED})
PREFIX = "sample/"


def sample_stream(sample: str) -> str:
    """The stream of a sample, `site/name`."""
    return f"{PREFIX}{sample}"


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A campaign's home asks that a sample be shipped.

    Args:
        home: the site that asks.
        campaign: of that site, that waits for it.
        trial: of that campaign.
        task: key of the task of that site that made the sample here, or was given it.
        shipment: what is shipped together.
        destination: the site it is for.
    """

    home: str
    campaign: str
    trial: int
    task: str
    shipment: str
    destination: str

    @property
    def facts(self) -> dict[str, Any]:
        """As they stand in the entry."""
        return {name: getattr(self, name) for name in ("home", "campaign", "trial", "task", "shipment", "destination")}


@dataclass
class Sample:
    """Where one sample stands.

    Args:
        id: `site/name`, after the site that made it.
        holder: the site that has it, as far as this one knows; while it is in transit, the giver.
        to: the site it was given to, until that hand-over is over.
        key: the latest hand-over's name.
        given: digests of what was signed for the latest hand-over: once, and again each time it was said again.
        condition: what the addressee said of the latest hand-over; empty until it has.
        keys: every hand-over that this site took part in.
        gave: digests of what this site signed for the last hand-over that came to its end elsewhere.
        word: the giver's word of the latest hand-over.
        came_by: the word by which this site came to have it; None if it made it, or the word was erased.
        task: key of the task that made it here, and `home` and `campaign` whose; empty where a person registered it.
        asked: who asks to ship it, the latest of each campaign.
    """

    id: str
    charter: str = ""
    team: str = ""
    holder: str = ""
    state: SampleState = SampleState.AVAILABLE
    place: str = ""
    label: str = ""
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    to: str = ""
    key: str = ""
    given: frozenset[str] = frozenset()
    condition: str = ""
    keys: set[str] = field(default_factory=set)
    gave: frozenset[str] = frozenset()
    word: Envelope | None = None
    came_by: Envelope | None = None
    task: str = ""
    home: str = ""
    campaign: str = ""
    asked: dict[tuple[str, str], AskedFor] = field(default_factory=dict)
    since: str = ""
    changed: str = ""
    position: int = 0

    def __repr__(self) -> str:
        return f"<sample {self.id}: {self.state} at {self.holder}>"

    @property
    def stream(self) -> str:
        """Its stream."""
        return sample_stream(self.id)

    @property
    def maker(self) -> str:
        """The site that made it."""
        return self.id.partition("/")[0]

    @property
    def destination(self) -> str:
        """The site it is asked to be shipped to; empty if to none, or it is not at hand any more."""
        wanted = [one.destination for one in self.asked.values()]
        return wanted[-1] if wanted and wanted[-1] != self.holder and not self.state.final else ""

    def check(self, action: SampleAction, site: str) -> SampleState:
        """The state that follows from an action of a site.

        Raises:
            Conflict: the site does not hold it, or it is in no state for that.
        """
        if self.holder != site:
            raise Conflict(f"sample {self.id}", f"is held by {self.holder}", "only its holder acts on it")
        begins, follows = ACTIONS[action]
        if self.state not in begins:
            raise Conflict(f"sample {self.id}", f"is {self.state.value}", f"{action} needs it {' or '.join(begins)}")
        return follows or self.state

    def follow(self, entry: Entry) -> None:
        """Take one more entry in."""
        facts, body, kind = entry.facts, entry.body or {}, entry.type
        self.position, self.changed = entry.position, entry.time
        self.holder, self.state = str(facts["holder"]), SampleState(facts["state"])
        if not self.since:
            self.since, self.charter, self.team = entry.time, entry.header.charter, str(facts["team"])
        if kind == REGISTERED:
            self.task, self.home, self.campaign = (str(facts.get(name, "")) for name in ("task", "home", "campaign"))
        if kind == ASKED_FOR:
            names = ("home", "campaign", "trial", "task", "shipment", "destination")
            asked = AskedFor(**{name: facts[name] for name in names})
            self.asked[asked.home, asked.campaign] = asked
        self.parents = tuple(facts.get("parents", self.parents))
        self.children = tuple(facts.get("children", self.children))
        self.label, self.place = str(body.get("label", self.label)), str(body.get("place", self.place))
        if kind in (GIVEN, OFFERED):
            self._begin(facts, body)
        elif kind in (CONFIRMED, RECEIVED):
            self._end(kind, facts)
        elif kind in LOCAL:
            self.to = ""

    def _begin(self, facts: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """A hand-over begins, or its giver says it again."""
        again = self.key == facts["key"]
        self.to, self.key, self.condition = str(facts["to"]), str(facts["key"]), ""
        self.given = (self.given if again else frozenset()) | {str(facts["given"])}
        self.keys.add(self.key)
        self.word = Envelope.parsed(body["document"]) if "document" in body else None

    def _end(self, kind: str, facts: Mapping[str, Any]) -> None:
        """The addressee has spoken."""
        self.to, self.condition = "", str(facts["condition"])
        if self.condition == "missing":
            return
        if kind == CONFIRMED:
            self.gave = self.given
        else:
            self.came_by = self.word
