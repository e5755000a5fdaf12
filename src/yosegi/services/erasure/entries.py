"""One erasure as a site's ledger tells it: what, why, who was asked, and where it is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from yosegi.core.errors import Invalid
from yosegi.ledger import Entry
from yosegi.services.erasure.schemas import ErasureStatus

ORDERED = "erasure.ordered"
"""An officer here has it erased; body: why."""
TOLD = "erasure.told"
"""A site that holds it is asked to erase it."""
ASKED = "erasure.asked"
"""A peer asks this site to; body: its signed request."""
DONE = "erasure.done"
"""It is gone here; facts: how many bodies."""
ANSWERED_PEER = "erasure.answered"
"""The peer that asked is told how far it is."""
ACKNOWLEDGED = "erasure.acknowledged"
"""A site that was told says how far it is; body: its signed answer."""
NOT_TAKEN = "erasure.not_taken"
"""A site that was told will not hear of it; facts: why."""
What = Literal["object", "task"]


@dataclass
class Erasure:
    """Where one erasure stands, folded from its stream.

    Args:
        what: an object or a task.
        subject: its digest, or `home/owner/key`.
        why: for the record.
        by: who had it erased first: an officer here, or a peer.
        since: when (RFC 3339).
        ordered: whether an officer here had it erased.
        done: whether it is gone here.
        asked: the key of each peer's request, by charter and peer.
        answered: what each of these was told last.
        told: sites that were asked by this one, by charter and peer.
        gone: sites that say that it is gone there.
        waiting: sites that have not answered, or wait for a person.
        refused: why a site will not hear of it.
    """

    what: What
    subject: str
    why: str = ""
    by: str = ""
    since: str = ""
    ordered: bool = False
    done: bool = False
    asked: dict[tuple[str, str], str] = field(default_factory=dict)
    answered: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    told: dict[tuple[str, str], str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    position: int = 0

    @property
    def stream(self) -> str:
        """Its stream."""
        return f"erasure/{self.what}/{self.subject.removeprefix('sha256:')}"

    def follow(self, entry: Entry) -> None:
        """Take one more entry in."""
        facts, body, charter = entry.facts, entry.body or {}, entry.header.charter
        self.position = entry.position
        if not self.since:
            self.since, self.by = entry.time, entry.header.actor
        if entry.type == ORDERED:
            self.ordered, self.why = True, str(body.get("why", ""))
        elif entry.type == ASKED:
            self.asked[charter, entry.header.actor] = str(facts["key"])
            self.why = self.why or str(body.get("why", ""))
        elif entry.type == TOLD:
            peer = str(facts["peer"])
            self.told[charter, peer] = str(facts["key"])
            self.waiting.add(peer)
            self.gone.discard(peer)
            self.refused.pop(peer, None)
        elif entry.type == DONE:
            self.done = True
        elif entry.type == ANSWERED_PEER:
            self.answered[charter, str(facts["peer"])] = dict(facts["told"])
        elif entry.type == ACKNOWLEDGED:
            self._hear(entry.header.actor, set(facts["gone"]), set(facts["waiting"]), set(facts["not_taken"]))
        elif entry.type == NOT_TAKEN:
            self.refused[str(facts["peer"])] = str(facts["why"])
            self.waiting.discard(str(facts["peer"]))
            self.gone.discard(str(facts["peer"]))

    def _hear(self, teller: str, gone: set[str], waiting: set[str], not_taken: set[str]) -> None:
        """What a site says of itself and of those it asked: gone is gone, whoever says otherwise of it later."""
        self.gone |= gone
        self.refused |= dict.fromkeys(not_taken, f"as {teller} says")
        self.refused = {site: why for site, why in self.refused.items() if site not in self.gone}
        self.waiting = ((self.waiting - {teller}) | waiting) - self.gone - self.refused.keys()

    def status(self, site: str) -> ErasureStatus:
        """What, why, by whom, where it is gone and who has not answered yet, as a site sees it."""
        return ErasureStatus(
            what=self.what,
            subject=self.subject,
            why=self.why,
            by=self.by,
            since=self.since,
            done_here=self.done,
            gone=tuple(sorted(self.gone | ({site} if self.done else set()))),
            waiting=tuple(sorted(self.waiting | (set() if self.done else {site}))),
            not_taken=dict(sorted(self.refused.items())),
        )


def parts_of(task: str) -> tuple[str, str, str]:
    """Home, owner and key of a task.

    Raises:
        Invalid: not of that form.
    """
    home, _, rest = task.partition("/")
    owner, _, key = rest.partition("/")
    if not (home and owner and key) or "/" in key or len(task) > 200:
        raise Invalid(f"task {task[:80]}", "is not home/owner/key", "a campaign's page names its tasks")
    return home, owner, key
