"""Handing a sample over to another site: the giver signs that it is given, the addressee that it has it or never came.

While it is in transit nobody acts on it, and only the addressee's word ends that: nothing the giver says takes a
sample back. Both words are sent by the entries that record them, so a site that dies in between has said nothing, or
says it when it is back. Either side may say its word again; it is signed anew under the same key, and changes nothing
at a site that has heard it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from yosegi.core.clock import Clock
from yosegi.core.errors import Conflict, Invalid, NotFound
from yosegi.core.identifiers import derived_key
from yosegi.exchange import Received, sending
from yosegi.exchange.outbox import Outgoing
from yosegi.governance.charter.registry import Registry
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Write
from yosegi.services.samples.arrivals import ArrivedSample, check_arrivals
from yosegi.services.samples.custody import Circumstances, check_given, check_may_be_given, takes_part
from yosegi.services.samples.entries import (
    CONFIRMED,
    GIVEN,
    GIVEN_REFUSED,
    OFFERED,
    RECEIVED,
    RECEIVED_REFUSED,
    Sample,
    sample_stream,
)
from yosegi.services.samples.keys import keys_of
from yosegi.services.samples.repository import SampleRepository, check_person, checked_text, entry_of
from yosegi.services.samples.schemas import SampleSummary
from yosegi.services.samples.states import SampleState
from yosegi.trust.envelope import Envelope
from yosegi.trust.samples import ConditionGiven, ConditionReceived, SampleGiven, SampleReceived
from yosegi.trust.signer import Signer

LIFETIME = timedelta(days=7)
"""A word that was not delivered by then is refused, and said again; what was delivered counts for ever."""


@dataclass
class SampleHandOvers:
    """Gives samples of one site to others, and takes others' here."""

    site: str
    clock: Clock
    signer: Signer
    registry: Registry
    samples: SampleRepository

    # -- people -------------------------------------------------------------------------------------------------------

    async def give(
        self, sample: str, to: str, who: Session, *, condition: ConditionGiven = "good", note: str = ""
    ) -> SampleSummary:
        """Sign that a sample is given to another site; while it is in transit, the first word is said again.

        Raises:
            NotFound: no such sample, or it is another team's; or no such member to give it to.
            Refused: an agent.
            Conflict: this site does not hold it, it is not available, or the other site does not speak of samples.
            Invalid: too long a note.
        """
        checked_text("the note", note)
        async with self.samples.lock:
            found = self.samples.acted_on(sample, who)
            again = found.state is SampleState.IN_TRANSIT and found.holder == self.site and found.to == to
            if not again:
                found.check("give", self.site)
            self._check_addressee(found, to)
            if again:
                condition, note = self._said_before(found)
            write = self._giving(found, to, condition, note, who, again=again)
            await self.samples.write(write)
            return self.samples.now(sample)

    def _said_before(self, sample: Sample) -> tuple[ConditionGiven, str]:
        """Condition and note with which a sample that is in transit was given; good and nothing, once erased."""
        for entry in reversed(self.samples.records.ledger.read(sample.stream)):
            if entry.type == GIVEN and entry.body is not None:
                word = SampleGiven.peek(Envelope.parsed(entry.body["document"]))
                return word.condition, word.note
        return "good", ""

    def _check_addressee(self, sample: Sample, to: str) -> None:
        charter = self.registry.federation(sample.charter).roster.charter
        others = tuple(one for one in self.registry.sites(sample.charter) if takes_part(charter, sample.team, one))
        if to == self.site or to not in others:
            raise NotFound(f"site of {sample.team} to give it to", to, tuple(one for one in others if one != self.site))
        if not self.registry.version_for(sample.charter, to, SampleGiven):
            todo = "its site has to be upgraded, and to state what it speaks then"
            raise Conflict(f"giving {sample.id} to {to}", f"{to} states no format in which it could be told", todo)

    def _giving(
        self, sample: Sample, to: str, condition: ConditionGiven, note: str, who: Session, *, again: bool
    ) -> Write:
        now = self.clock.now()
        key = sample.key if again else derived_key("sample", self.site, sample.id, sample.position)
        if sample.came_by is None and sample.maker != self.site:
            todo = "split it or pool it here: what comes of that is a sample of this site"
            raise Conflict(f"sample {sample.id}", "the word by which it came here was erased", todo)
        word = SampleGiven(
            charter=sample.charter, sender=self.site, to=to, key=key, issued=now, not_after=now + LIFETIME,
            sample=sample.id, team=sample.team, label=sample.label, condition=condition, note=note,
            parents=sample.parents, before=sample.came_by,
        )  # fmt: skip
        check_may_be_given(word)
        envelope = word.sign(self.signer)
        facts = {
            "to": to, "key": key, "given": envelope.payload_digest, "condition": condition, "team": sample.team,
            "state": SampleState.IN_TRANSIT.value, "holder": self.site,
        }  # fmt: skip
        draft = sending(GIVEN, to, f"sample-given/{key}", envelope, facts, {})
        return Write(sample.stream, sample.position, (draft,), charter=sample.charter, actor=who.person)

    async def receive(
        self, sample: str, who: Session, *, condition: ConditionReceived = "good", note: str = "", place: str = ""
    ) -> SampleSummary:
        """Sign that a sample that was given to this site is here, or never came; said again, it is signed anew.

        One that came damaged is quarantined; one that never came is its giver's, and lost.

        Raises:
            NotFound: no such sample, or it is another team's.
            Refused: an agent.
            Conflict: it was not given to this site, or another word on it was signed before.
            Invalid: too long a text.
        """
        arrived = ArrivedSample.read({"sample": sample, "condition": condition, "note": note, "place": place})
        return (await self.receive_all((arrived,), who))[0]

    async def receive_all(self, arrived: Sequence[ArrivedSample], who: Session) -> tuple[SampleSummary, ...]:
        """The same of several samples that came together, each with its condition: all of it is signed, or nothing.

        Raises:
            NotFound, Refused, Conflict, Invalid: as `receive`, for the first that it holds of.
            Invalid: none, more than `MOST_RECEIVED`, or one twice.
        """
        check_arrivals(arrived)
        async with self.samples.lock:
            await self.samples.write(*(self._receiving(one, who) for one in arrived))
            return tuple(self.samples.now(one.sample) for one in arrived)

    def _receiving(self, arrived: ArrivedSample, who: Session) -> Write:
        """The entry by which one sample is received."""
        condition, found = arrived.condition, self.samples.acted_on(arrived.sample, who)
        given = self._given_here(found)
        if found.state is SampleState.IN_TRANSIT:
            state, holder = _after(condition, giver=given.sender, receiver=self.site)
        elif found.condition == condition:
            state, holder = found.state, found.holder
        else:
            why = f"{self.site} has said already that it was {found.condition}"
            raise Conflict(f"sample {arrived.sample}", why, "that word stands")
        word = self._word(found, given, condition, arrived.note)
        facts = {"from": given.sender, "key": given.key, "condition": condition, "team": found.team}
        facts |= {"state": state.value, "holder": holder}
        body = {"place": arrived.place} if arrived.place else {}
        draft = sending(RECEIVED, given.sender, f"sample-received/{given.key}", word, facts, body)
        return Write(found.stream, found.position, (draft,), charter=found.charter, actor=who.person)

    def _given_here(self, sample: Sample) -> SampleGiven:
        """The word by which a sample was given to this site, if that was the latest.

        Raises:
            Conflict: it was not.
        """
        word = None if sample.word is None else SampleGiven.recorded(sample.word.plain)
        if word is None or word.to != self.site:
            raise Conflict(f"sample {sample.id}", f"was not given to {self.site}", "there is nothing to receive")
        return word

    def _word(self, sample: Sample, given: SampleGiven, condition: ConditionReceived, note: str) -> Envelope:
        now = self.clock.now()
        word = SampleReceived(
            charter=sample.charter, sender=self.site, to=given.sender, key=given.key, issued=now,
            not_after=now + LIFETIME, sample=sample.id, given=given.digest, condition=condition, note=note,
        )  # fmt: skip
        return word.sign(self.signer)

    async def ship(self, to: str, who: Session, *, campaign: str = "", note: str = "") -> tuple[SampleSummary, ...]:
        """Sign that every sample is given to a site that campaigns ask to be shipped there and is available.

        Args:
            to: the site.
            who: signs.
            campaign: of that campaign alone.
            note: with each.

        Raises:
            Refused: an agent.
            Conflict, Invalid: as `give`; those given before stay given.
        """
        check_person(who, "shipping samples")
        available = SampleState.AVAILABLE.value
        wanted = self.samples.latest(who, team="", state=available, holder=self.site, destination=to)
        asked = [
            one.id
            for one in reversed(wanted)
            for of in one.asked.values()
            if of.destination == to and campaign in ("", of.campaign)
        ]
        return tuple([await self.give(sample, to, who, note=note) for sample in dict.fromkeys(asked)])

    # -- peers --------------------------------------------------------------------------------------------------------

    async def on_given(self, received: Received[SampleGiven]) -> None:
        """Record that a peer gives a sample to this site; a person receives it. The same again changes nothing.

        Raises:
            Invalid, Untrusted: it may not give it (`yosegi.services.samples.custody`).
            Unavailable: what it rests on is still to come; it is sent again.
        """
        word = received.document
        async with self.samples.lock:
            found = self.samples.find(word.sample)
            if found is not None and word.key in found.keys and not _is_open(found, word.key):
                return
            charter = self.registry.federation(received.charter).roster.charter
            check_given(
                word, Circumstances(self.site, charter, keys_of(self.registry, received.charter).keys_at, found)
            )
            if found is not None and received.envelope.payload_digest in found.given:
                return
            facts = {
                "from": word.sender, "to": self.site, "key": word.key, "given": received.envelope.payload_digest,
                "team": word.team, "parents": list(word.parents), "condition": word.condition,
                "state": SampleState.IN_TRANSIT.value, "holder": word.sender,
            }  # fmt: skip
            body = {"document": received.envelope.plain, "receipt": received.receipt, "label": word.label}
            position = 0 if found is None else found.position
            draft = Draft(OFFERED, facts, body)
            stream = sample_stream(word.sample)
            await self.samples.write(Write(stream, position, (draft,), charter=received.charter, actor=received.sender))

    async def on_received(self, received: Received[SampleReceived]) -> None:
        """End a hand-over by its addressee's word. The same again changes nothing.

        Raises:
            Invalid: it was not given to that site, not by that word, or the hand-over is over.
        """
        word = received.document
        what = f"sample {word.sample}"
        async with self.samples.lock:
            found = self.samples.find(word.sample)
            if found is None or word.key not in found.keys:
                raise Invalid(what, f"{self.site} gave no such sample to {received.sender}")
            if found.key == word.key and found.condition == word.condition and not found.to:
                return
            if found.key != word.key or found.holder != self.site or found.to != received.sender:
                raise Invalid(what, f"is not on its way from {self.site} to {received.sender}")
            if word.given not in found.given:
                raise Invalid(what, "its receipt names another word than it was given by")
            state, holder = _after(word.condition, giver=self.site, receiver=received.sender)
            facts = {"to": received.sender, "key": word.key, "condition": word.condition}
            body = {"document": received.envelope.plain, "receipt": received.receipt}
            await self.samples.write(
                entry_of(found, CONFIRMED, facts, body, received.sender, state=state.value, holder=holder)
            )

    async def rejected(self, out: Outgoing, because: str) -> None:
        """A word that the other side will not take: what was given is set aside here until a person has looked."""
        entry = self.samples.records.ledger.entry(out.sequence)
        if entry.type not in (GIVEN, RECEIVED):
            return
        async with self.samples.lock:
            found = self.samples.find(entry.stream.partition("/")[2])
            if found is None or found.key != entry.facts["key"]:
                return
            facts, body = {"key": found.key, "to": out.to}, {"note": because[:2000]}
            if entry.type == RECEIVED:
                await self.samples.write(entry_of(found, RECEIVED_REFUSED, facts, body, out.to))
            elif found.state is SampleState.IN_TRANSIT and found.holder == self.site:
                new = SampleState.QUARANTINED.value
                await self.samples.write(entry_of(found, GIVEN_REFUSED, facts, body, out.to, state=new))


def _is_open(sample: Sample, key: str) -> bool:
    """Whether a hand-over waits for its addressee's word."""
    return sample.key == key and sample.state is SampleState.IN_TRANSIT


def _after(condition: ConditionReceived, *, giver: str, receiver: str) -> tuple[SampleState, str]:
    """The state and the holder that follow from the addressee's word."""
    if condition == "missing":
        return SampleState.LOST, giver
    return (SampleState.AVAILABLE if condition == "good" else SampleState.QUARANTINED), receiver
