"""The samples that a site's ledger knows, and what is told of them to whoever asked for their shipment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from yosegi.core.clock import Clock
from yosegi.exchange.outbox import sending
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.samples.entries import CONFIRMED, GIVEN, TOLD, AskedFor, Sample, sample_stream
from yosegi.trust.envelope import Envelope
from yosegi.trust.samples import SampleMoved
from yosegi.trust.signer import Signer


@dataclass(frozen=True, slots=True)
class SampleRecords:
    """Reads samples, and adds to what is written of one what its asker is told."""

    site: str
    ledger: Ledger
    clock: Clock
    signer: Signer

    def find(self, sample: str) -> Sample | None:
        """A sample; None if this site knows nothing of it."""
        found = Sample(sample)
        for entry in self.ledger.read(sample_stream(sample)):
            found.follow(entry)
        return found if found.position else None

    def told(self, write: Write, sample: Sample) -> Write:
        """The same entries, and with them what each site is told that asked for the sample to be shipped.

        Args:
            write: about the sample.
            sample: as it was when that was decided.
        """
        last = write.drafts[-1]
        asked = dict(sample.asked)
        if last.type == TOLD or not asked:
            return write
        news = tuple(self._news(sample, last, one, sample.position + len(write.drafts)) for one in asked.values())
        return replace(write, drafts=(*write.drafts, *news))

    def told_at_once(self, write: Write, sample: Sample, asked: AskedFor) -> Write:
        """The entry by which a shipment is asked for, with the answer how the sample stands."""
        return replace(write, drafts=(*write.drafts, self._news(sample, write.drafts[-1], asked, sample.position + 1)))

    def told_again(self, sample: str, topic: str) -> Write:
        """What is told on a topic of a sample, anew, as the sample stands now."""
        entries = self.ledger.read(sample_stream(sample))
        last = max(place for place, entry in enumerate(entries) if entry.type != TOLD)
        before, found = Sample(sample), Sample(sample)
        for place, entry in enumerate(entries):
            found.follow(entry)
            if place < last:
                before.follow(entry)
        entry = entries[last]
        as_told = Draft(entry.type, dict(entry.facts), entry.body)
        news = (
            self._news(replace(before, charter=found.charter, team=found.team), as_told, one, entry.position)
            for one in found.asked.values()
        )
        drafts = tuple(one for one in news if one.facts["send"]["topic"] == topic)
        return Write(found.stream, found.position, drafts, charter=found.charter, actor=self.site)

    def _news(self, sample: Sample, last: Draft, asked: AskedFor, position: int) -> Draft:
        facts, body, now = last.facts, _plain(last), self.clock.now()
        towards = {GIVEN: str(facts.get("to", "")), CONFIRMED: ""}.get(last.type, sample.to)
        document = SampleMoved(
            charter=sample.charter, sender=self.site, to=asked.home, key=asked.shipment, issued=now,
            not_after=now + SampleMoved.longest, campaign=asked.campaign, sample=sample.id, state=facts["state"],
            holder=facts["holder"], given_to=towards if facts["state"] == "in_transit" else "", position=position,
            words=_words(sample, last), note="" if "document" in body else str(body.get("note", "")),
        )  # fmt: skip
        told = {"to": asked.home, "team": sample.team, "state": facts["state"], "holder": facts["holder"]}
        topic = f"sample-moved/{asked.shipment}/{sample.id}"
        return sending(TOLD, asked.home, topic, document.sign(self.signer), told, {})


def _words(sample: Sample, last: Draft) -> tuple[Envelope, ...]:
    """What was signed of the hand-over that an entry is about: its giver's word, and its addressee's."""
    body = _plain(last)
    if last.type not in (GIVEN, CONFIRMED) or "document" not in body:
        return ()
    before = (sample.word,) if last.type == CONFIRMED and sample.word is not None else ()
    return (*before, Envelope.parsed(body["document"]))


def _plain(draft: Draft) -> Mapping[str, Any]:
    """What stands in the body of an entry of a sample, which is never bytes of another kind."""
    return draft.body if isinstance(draft.body, Mapping) else {}
