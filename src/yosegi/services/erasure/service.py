"""A spill: what must not have been shared is erased here, and by signed request at every site that holds it.

Erased are the bytes of an object, or the bodies of a task's entries at its home and at its owner. Headers, digests and
proofs stand, so it can be shown for ever that something was there and who took it away, when and why. Whoever holds it
does the same, passes the request on to those it gave it to, and signs what was done; what has not been answered yet is
shown until it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from yosegi.campaign import Campaigns
from yosegi.campaign.state import ANSWERED, ENDED_TRIAL, campaign_stream
from yosegi.core.clock import Clock
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from yosegi.core.identifiers import derived_key
from yosegi.core.states import TaskState
from yosegi.data import RECEIVED, RELEASED, ObjectStore, known
from yosegi.data.entries import erased as object_erased
from yosegi.data.view import is_erased
from yosegi.exchange import Channels, Received, sending
from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.requests import MADE, Requests, request_stream
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import task_stream
from yosegi.governance.charter.registry import Registry
from yosegi.governance.policy.explanation import explained
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Entry, Ledger, Write
from yosegi.services.authorization.roles import check_operator
from yosegi.services.erasure.entries import (
    ACKNOWLEDGED,
    ANSWERED_PEER,
    ASKED,
    DONE,
    NOT_TAKEN,
    ORDERED,
    TOLD,
    Erasure,
    What,
    parts_of,
)
from yosegi.services.erasure.schemas import ErasureOrdered, ErasureStatus
from yosegi.trust.messages import Erase, Erased
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.erasing")

LIFETIME = timedelta(days=7)
PATIENCE = 10.0
"""Seconds that an officer waits for what a task sent to be acknowledged."""


@dataclass
class ErasureService:
    """Erases here, asks others to, and answers those who ask."""

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    registry: Registry
    channels: Channels
    store: ObjectStore
    requests: Requests
    repository: TaskRepository
    campaigns: Campaigns
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Answers come together, and what is told of all must have heard each."""
    _undecided: set[str] | None = None
    """Streams in which something may wait for a person: each other one is over, however many peers have made."""

    async def start(self) -> None:
        """Finish what was ordered and not done when this site ended."""
        async with self._lock:
            for erasure in self.all():
                if self._decided(erasure):
                    await self._carry_out(erasure)

    def _decided(self, erasure: Erasure) -> bool:
        """Whether it is to be erased here: an officer said so, or a peer whose word is enough."""
        return erasure.done or erasure.ordered or any(self._may_ask(erasure, peer) for _, peer in erasure.asked)

    # -- people -----------------------------------------------------------------------------------------------------

    def all(self) -> list[Erasure]:
        """Every erasure that was asked of this site or by it, the newest first."""
        found = [self._of(stream) for stream in self.ledger.streams("erasure/")]
        return sorted(found, key=lambda erasure: erasure.since, reverse=True)

    def _get(self, what: What, subject: str) -> Erasure:
        name = f"sha256:{subject.removeprefix('sha256:')}" if what == "object" else subject
        erasure = Erasure(what, name)
        for entry in self.ledger.read(erasure.stream):
            erasure.follow(entry)
        return erasure

    def waits_for_a_person(self) -> list[Erasure]:
        """Those that a peer asks for which this site has not got from it: an officer decides."""
        if self._undecided is None:
            self._undecided = set(self.ledger.streams("erasure/"))
        waiting = [found for stream in self._undecided if not self._decided(found := self._of(stream))]
        self._undecided = {erasure.stream for erasure in waiting}
        return sorted(waiting, key=lambda erasure: erasure.since, reverse=True)

    def _of(self, stream: str) -> Erasure:
        _, what, subject = stream.split("/", 2)
        return self._get("object" if what == "object" else "task", subject)

    def listing(self, who: Session) -> tuple[ErasureStatus, ...]:
        """Every erasure, where it is done and who has not answered yet.

        Raises:
            Refused: neither operator nor officer.
        """
        check_operator(who, "looking at erasures")
        return tuple(erasure.status(self.site) for erasure in self.all())

    async def order(self, what: What, subject: str, why: str, who: Session) -> ErasureOrdered:
        """Erase something here, and have every site that holds it do the same; asked again, ask again who is silent.

        Raises:
            Refused: not an officer.
            Invalid: no reason is given, or a task is named otherwise than `home/owner/key`.
            NotFound: no such object or task here.
            Conflict: the task is not over, or what it sent was not all acknowledged yet.
        """
        if who.role != "officer":
            raise Refused(f"erasing {subject}", ("officers_only",))
        if not why.strip():
            raise Invalid("the reason", "it is empty", "say why it is erased; that stays on record")
        if what == "task":
            parts_of(subject)
        erasure = self._get(what, subject)
        self._check(erasure)
        until = self.clock.monotonic() + PATIENCE
        while not self._delivered(erasure):
            if self.clock.monotonic() > until:
                raise Conflict(f"task {subject}", "what it sent was not all acknowledged yet", "try again later")
            await self.clock.sleep(0.25)
        async with self._lock:
            erasure = self._get(what, subject)
            draft = Draft(ORDERED, {}, {"why": why[:2000]})
            await self._append(erasure, (draft,), charter="", actor=who.person)
            await self._carry_out(erasure, again=True)
        return ErasureOrdered(**dict(erasure.status(self.site)), objects=self._named_by(erasure))

    def _named_by(self, erasure: Erasure) -> tuple[str, ...]:
        """Digests of the objects that a task took or made and whose bytes are here: they are erased by themselves."""
        entries = () if erasure.what == "object" else self._entries(erasure.subject)
        named = (ref["sha256"] for entry in entries for ref in entry.facts.get("objects", {}).values())
        return tuple(sorted({str(digest) for digest in named if self.store.has(str(digest))}))

    # -- doing ------------------------------------------------------------------------------------------------------

    def _check(self, erasure: Erasure) -> None:
        """See that it is here and may go now."""
        if erasure.what == "object":
            if not known(self.ledger, "digest = ?", erasure.subject):
                raise NotFound("object", erasure.subject)
            return
        streams = list(self._streams(erasure.subject))
        if not streams:
            raise NotFound("task", erasure.subject)
        if not all(self._over(stream) for stream in streams):
            raise Conflict(f"task {erasure.subject}", "is not over here", "wait for its end, or cancel it first")

    def _delivered(self, erasure: Erasure) -> bool:
        """Whether all that a task sent from here was acknowledged: a document may not go before it was heard."""
        if erasure.what == "object":
            return True
        waiting = {row["sequence"] for row in self.ledger.query("SELECT sequence FROM outbox")}
        entries = (entry for stream in self._streams(erasure.subject) for entry in self.ledger.read(stream))
        return not any(entry.sequence in waiting for entry in entries)

    def _over(self, stream: str) -> bool:
        table = stream.partition("/")[0]
        rows = self.ledger.query(f"SELECT state FROM {table} WHERE stream = ?", (stream,))
        return bool(rows) and TaskState(rows[0]["state"]).final

    def _streams(self, subject: str) -> Iterable[str]:
        """The streams here that are of a task: as its home, and as its owner."""
        home, owner, key = parts_of(subject)
        pairs = ((home, request_stream(owner, key)), (owner, task_stream(home, key)))
        return (stream for site, stream in pairs if site == self.site and self.ledger.read(stream))

    async def _carry_out(self, erasure: Erasure, *, again: bool = False) -> None:
        """Take it away here, tell whoever holds it, and those who asked how far it is.

        Args:
            erasure: which.
            again: tell those again who were told and have not said that it is gone.
        """
        back = erasure.what == "object" and self.store.has(erasure.subject)
        if not erasure.done or back:
            count = await (self._take_object(erasure) if erasure.what == "object" else self._take_task(erasure))
            await self._append(erasure, (Draft(DONE, {"bodies": count}),), charter="", actor=self.site)
        for charter, peer in sorted(self._holders(erasure) - erasure.asked.keys()):
            if (charter, peer) not in erasure.told or back or (again and peer not in erasure.gone):
                await self._tell(erasure, charter, peer)
        await self._answer(erasure)

    async def _take_object(self, erasure: Erasure) -> int:
        if not is_erased(self.ledger, erasure.subject):
            # First the word, then the deed: should this site die in between, nobody is given the bytes.
            await self.ledger.append(object_erased(erasure.subject, erasure.why, by=erasure.by))
        return int(self.store.delete(erasure.subject))

    async def _take_task(self, erasure: Erasure) -> int:
        count = 0
        for entry in self._entries(erasure.subject):
            if entry.body_bytes is not None:
                await self.ledger.erase(entry.sequence, erasure.why or "a spill", erasure.by)
                count += 1
        for stream in self._streams(erasure.subject):
            self.requests.forget(stream)
            self.repository.forget(stream)
        return count

    def _entries(self, subject: str) -> Iterable[Entry]:
        """All entries here whose bodies hold what went into a task or came out of it."""
        for stream in self._streams(subject):
            entries = self.ledger.read(stream)
            yield from entries
            campaign = next((e.facts.get("campaign") for e in entries if e.type == MADE), None)
            if campaign:
                yield from self._of_campaign(str(campaign), parts_of(subject)[2])
                self.campaigns.forget(str(campaign))

    def _of_campaign(self, campaign: str, key: str) -> Iterable[Entry]:
        """What a campaign keeps of a step's answer: the answer, and the value of its trial."""
        entries = self.ledger.read(campaign_stream(campaign))
        answers = [entry for entry in entries if entry.type == ANSWERED and entry.facts["key"] == key]
        trials = {entry.facts["trial"] for entry in answers}
        return [*answers, *(e for e in entries if e.type == ENDED_TRIAL and e.facts["trial"] in trials)]

    def _holders(self, erasure: Erasure) -> set[tuple[str, str]]:
        """Whoever has it from here, or gave it to this site; by charter and peer."""
        if erasure.what == "task":
            home, owner, _ = parts_of(erasure.subject)
            charters = {entry.header.charter for s in self._streams(erasure.subject) for entry in self.ledger.read(s)}
            return {(charter, site) for charter in charters for site in (home, owner) if site != self.site}
        namings = known(self.ledger, "digest = ? AND kind IN (?, ?)", erasure.subject, RECEIVED, RELEASED)
        return {(one.charter, one.peer) for one in namings if one.peer not in ("", self.site)}

    async def _tell(self, erasure: Erasure, charter: str, peer: str) -> None:
        now = self.clock.now()
        key = derived_key("erase", self.site, peer, erasure.subject, now.isoformat())
        facts: dict[str, Any] = {"peer": peer, "key": key}
        if not self.registry.version_for(charter, peer, Erase):
            why = explained("format_not_spoken", site=peer, format=Erase.payload_type)
            drafts: tuple[Draft, ...] = (Draft(TOLD, facts), Draft(NOT_TAKEN, {"peer": peer, "why": why.en}))
        else:
            document = Erase(
                charter=charter, sender=self.site, to=peer, key=key, issued=now, not_after=now + LIFETIME,
                what=erasure.what, subject=erasure.subject, reason=erasure.why,
            )  # fmt: skip
            drafts = (sending(TOLD, peer, erasure.stream, document.sign(self.signer), facts, {}),)
        await self._append(erasure, drafts, charter=charter, actor=self.site)

    async def _answer(self, erasure: Erasure) -> None:
        """Tell each peer that asked how far it is; it is told again when that changes."""
        seen = erasure.status(self.site)
        told: dict[str, Any] = {"gone": list(seen.gone), "waiting": list(seen.waiting)}
        told["not_taken"] = sorted(seen.not_taken)
        for (charter, peer), key in list(erasure.asked.items()):
            if erasure.answered.get((charter, peer)) == told | {"key": key}:
                continue
            now = self.clock.now()
            document = Erased(
                charter=charter, sender=self.site, to=peer, key=key, issued=now, not_after=now + LIFETIME,
                what=erasure.what, subject=erasure.subject,
                gone=tuple(told["gone"]), waiting=tuple(told["waiting"]), not_taken=tuple(told["not_taken"]),
            )  # fmt: skip
            topic = f"erased/{key}"
            facts = {"peer": peer, "told": told | {"key": key}}
            draft = sending(ANSWERED_PEER, peer, topic, document.sign(self.signer), facts, {})
            await self._append(erasure, (draft,), charter=charter, actor=self.site)

    async def _append(self, erasure: Erasure, drafts: tuple[Draft, ...], *, charter: str, actor: str) -> None:
        entries = await self.ledger.append(Write(erasure.stream, None, drafts, charter=charter, actor=actor))
        for entry in entries:
            erasure.follow(entry)
        if self._undecided is not None:
            self._undecided.add(erasure.stream)
        self.channels.posted(entries)

    # -- peers ------------------------------------------------------------------------------------------------------

    def _may_ask(self, erasure: Erasure, peer: str) -> bool:
        """Whether a peer's word is enough: it is the other side of the task, or the object came from it."""
        if erasure.what == "task":
            home, owner, _ = parts_of(erasure.subject)
            return {home, owner} == {peer, self.site}
        namings = known(self.ledger, "digest = ?", erasure.subject)
        return any(one.ref.site == peer or (one.kind == RECEIVED and one.peer == peer) for one in namings)

    async def on_request(self, received: Received[Erase]) -> None:
        """Erase what a peer asks for, if it is that peer's to ask; otherwise an officer here decides.

        Raises:
            Untrusted, Invalid: not of that peer, or not for this site.
            Unavailable: the task is not over here; it is asked again.
        """
        asked = received.document
        async with self._lock:
            await self._requested(asked, received)

    async def _requested(self, asked: Erase, received: Received[Erase]) -> None:
        erasure = self._get(asked.what, asked.subject)
        pair = (received.charter, received.sender)
        is_here = bool(known(self.ledger, "digest = ?", asked.subject)) if asked.what == "object" else bool(
            list(self._streams(asked.subject))
        )  # fmt: skip
        may = self._may_ask(erasure, received.sender)
        if is_here and may:
            try:
                self._check(erasure)
            except Conflict as error:
                raise Unavailable(f"erasing {asked.subject}", str(error), "it is asked again") from None
            if not self._delivered(erasure):
                raise Unavailable(f"erasing {asked.subject}", "its end was not acknowledged yet", "it is asked again")
        if erasure.asked.get(pair) != asked.key:
            draft = Draft(ASKED, {"key": asked.key}, {"why": asked.reason, "document": received.envelope.plain})
            await self._append(erasure, (draft,), charter=received.charter, actor=received.sender)
        if not is_here:
            await self._append(erasure, (Draft(DONE, {"bodies": 0}),), charter="", actor=self.site)
        if may or not is_here or erasure.done:
            await self._carry_out(erasure)
        else:
            await self._answer(erasure)

    async def on_answer(self, received: Received[Erased]) -> None:
        """Keep what a site says that was told, and tell those who asked this one.

        Raises:
            Untrusted, Invalid: not of that site, or it was not asked.
        """
        said = received.document
        async with self._lock:
            await self._answered(said, received)

    async def _answered(self, said: Erased, received: Received[Erased]) -> None:
        erasure = self._get(said.what, said.subject)
        if (received.charter, received.sender) not in erasure.told:
            raise Invalid("an answer", f"{self.site} has not asked {received.sender} to erase {said.subject}")
        facts = {
            "gone": list(said.gone),
            "waiting": [one for one in said.waiting if one != self.site],
            "not_taken": [one for one in said.not_taken if one != self.site],
        }
        body = {"document": received.envelope.plain, "receipt": received.receipt}
        draft = Draft(ACKNOWLEDGED, facts, body)
        await self._append(erasure, (draft,), charter=received.charter, actor=received.sender)
        await self._answer(erasure)

    async def rejected(self, out: Outgoing, because: str) -> None:
        """A site that was told will not take the request."""
        entry = self.ledger.entry(out.sequence)
        if entry.type == TOLD:
            _, what, subject = entry.stream.split("/", 2)
            async with self._lock:
                erasure = self._get("object" if what == "object" else "task", subject)
                draft = Draft(NOT_TAKEN, {"peer": out.to, "why": because[:500]})
                await self._append(erasure, (draft,), charter=out.charter, actor=out.to)
                await self._answer(erasure)
