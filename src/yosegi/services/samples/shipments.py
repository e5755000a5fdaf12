"""Shipments that campaigns ask for: the holder of samples is asked, and tells the campaign's home what came of each.

Nothing is handed over by a program: people at the holder see what is asked for, and hand it over or not. The home takes
the holder's word that a sample is in transit, and the addressee's signed word alone that it came, or came damaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yosegi.campaign import Campaign, Campaigns
from yosegi.campaign.shipping import SAMPLE, SHIPMENT, UNDELIVERED
from yosegi.core.errors import Invalid, NotFound, Unavailable
from yosegi.core.samples import samples_named
from yosegi.exchange import Received
from yosegi.exchange.budget import OVERHEAD, RECORDED, PeerBudget
from yosegi.exchange.outbox import Outgoing, ran_out
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import task_stream
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Draft, Write
from yosegi.services.samples.custody import takes_part
from yosegi.services.samples.entries import ASKED_FOR, TOLD, AskedFor, Sample
from yosegi.services.samples.keys import keys_of
from yosegi.services.samples.repository import SampleRepository, entry_of
from yosegi.trust.samples import SampleGiven, SampleMoved, SampleReceived, SampleToShip, ShipmentAsked


@dataclass
class ShipmentService:
    """Takes what other sites ask of samples here, and what they say of samples that this site's campaigns wait for.

    Args:
        budget: what each peer may have recorded here.
    """

    site: str
    registry: Registry
    samples: SampleRepository
    tasks: TaskRepository
    campaigns: Campaigns
    budget: PeerBudget

    # -- at the holder ------------------------------------------------------------------------------------------------

    async def on_asked(self, received: Received[ShipmentAsked]) -> None:
        """Record that samples are to be shipped, and answer how each stands; asked again, answer again.

        Raises:
            Invalid: one is not here, is another team's, or the asker names no task of its own, of the campaign that
                it names, that it comes from; or the destination is no site of the team.
            Unavailable: too much was to be recorded for that peer lately: each of its samples has two entries.
        """
        ask = received.document
        async with self.samples.lock:
            charter = self.registry.federation(received.charter).roster.charter
            if not takes_part(charter, ask.team, ask.destination):
                raise Invalid(f"shipment {ask.key}", f"{ask.destination} is no site of the team {ask.team}")
            found = [self._wanted(one, ask) for one in ask.samples]
            if not self.budget.allows(ask.sender, "bytes", RECORDED, len(found) * OVERHEAD):
                raise Unavailable(f"shipment {ask.key}", f"{ask.sender} asks for much", "it is asked again")
            await self.samples.write(*(self._asked(one, ask, sample) for one, sample in found))

    def _wanted(self, one: SampleToShip, ask: ShipmentAsked) -> tuple[SampleToShip, Sample]:
        sample, what = self.samples.find(one.sample), f"sample {one.sample}"
        if sample is None or (sample.charter, sample.team) != (ask.charter, ask.team):
            raise Invalid(what, f"{self.site} knows no such sample of {ask.team}")
        # Whoever asks is told of each move, once for each campaign: so it must be one that did something here.
        made = (sample.home, sample.task, sample.campaign) == (ask.sender, one.task, ask.campaign)
        if not made and one.sample not in self._given(ask.sender, one.task, ask.campaign):
            raise Invalid(
                what, f"no task {one.task} of {ask.sender} in {ask.campaign} has made it or was given it here"
            )
        return one, sample

    def _given(self, home: str, key: str, campaign: str) -> set[str]:
        """The samples that a task of a home site's campaign was given here."""
        task = self.tasks.find(task_stream(home, key))
        contract = None if task.request is None else self.tasks.contract_of(task)
        if contract is None or task.asked().campaign != campaign:
            return set()
        return set(samples_named(contract.inputs, task.asked().inputs, self.site))

    def _asked(self, one: SampleToShip, ask: ShipmentAsked, sample: Sample) -> Write:
        asked = AskedFor(ask.sender, ask.campaign, one.trial, one.task, ask.key, ask.destination)
        return self.samples.records.told_at_once(
            entry_of(sample, ASKED_FOR, asked.facts, {}, ask.sender), sample, asked
        )

    # -- at the home of the campaign ----------------------------------------------------------------------------------

    async def on_moved(self, received: Received[SampleMoved]) -> None:
        """Record with a campaign how one of its samples stands; what is older than what is known changes nothing.

        Raises:
            Invalid: that site was not asked to ship it for that campaign; or it says that the sample came, and does
                not show the addressee's word.
        """
        news = received.document
        self._check_words(news)
        try:
            await self.campaigns.sample_moved(
                news.campaign, lambda campaign: _told(campaign, received), received.sender
            )
        except NotFound as error:
            raise Invalid(f"sample {news.sample}", str(error)) from None

    def _check_words(self, news: SampleMoved) -> None:
        """See that whoever is said to have it has signed so."""
        what = f"sample {news.sample}"
        if news.holder == news.sender:
            return
        if len(news.words) < 2:
            raise Invalid(what, f"{news.sender} does not show the word by which {news.holder} received it")
        keys, (first, second) = keys_of(self.registry, news.charter), news.words
        then, after = SampleGiven.peek(first).issued, SampleReceived.peek(second).issued
        given = SampleGiven.open(
            first, keys.keys_at(news.sender, then), now=then, to=news.holder, charter=news.charter, sender=news.sender
        )
        came = SampleReceived.open(
            second, keys.keys_at(news.holder, after), now=after, to=news.sender, charter=news.charter,
            sender=news.holder,
        )  # fmt: skip
        if {given.sample, came.sample} != {news.sample} or came.key != given.key:
            raise Invalid(what, "the words of its hand-over are of something else")
        expected = {"good": "available", "damaged": "quarantined", "missing": "lost"}[came.condition]
        if news.state != expected:
            raise Invalid(what, f"{news.holder} says that it was {came.condition}, and {news.sender} {news.state}")

    async def rejected(self, out: Outgoing, because: str) -> None:
        """A request to ship that the holder will not take: its samples will not come. What was late is said again.

        A campaign asks again for what its holder did not get in time; of a sample that moved, its home is told anew how
        it stands now.
        """
        records = self.samples.records
        entry, now = records.ledger.entry(out.sequence), records.clock.now()
        if entry.type == TOLD and ran_out(entry, now):
            async with self.samples.lock:
                again = records.told_again(entry.stream.partition("/")[2], out.topic)
                if again.drafts:
                    await self.samples.write(again)
        if entry.type != SHIPMENT:
            return
        state = UNDELIVERED if ran_out(entry, now) else "refused"
        facts, name = entry.facts, entry.stream.partition("/")[2]

        def drafts(campaign: Campaign) -> list[Draft]:
            return [
                Draft(
                    SAMPLE,
                    {"trial": number, "sample": sample, "site": out.to, "state": state, "holder": out.to, "to": "",
                     "position": standing.position},
                    {"why": because[:2000]},
                )
                for number, sample in zip(facts["trials"], facts["samples"], strict=True)
                for standing in (campaign.trial(number).samples[sample],)
                if standing.shipment == facts["key"] and not campaign.trial(number).state.final
            ]  # fmt: skip

        await self.campaigns.sample_moved(name, drafts, out.to)


def _told(campaign: Campaign, received: Received[SampleMoved]) -> Sequence[Draft]:
    """The entries by which a campaign learns of a sample; none where it is no news.

    Raises:
        Invalid: it did not ask that site for it.
    """
    news = received.document
    asked = [
        (trial.number, standing)
        for trial in campaign.open_trials()
        if (standing := trial.samples.get(news.sample)) is not None and standing.giver == received.sender
    ]
    if not asked and not any(news.sample in trial.samples for trial in campaign.trials):
        raise Invalid(f"sample {news.sample}", f"campaign {news.campaign} has not asked {received.sender} to ship it")
    facts = {
        "sample": news.sample, "site": received.sender, "state": news.state, "holder": news.holder,
        "to": news.given_to, "position": news.position,
    }  # fmt: skip
    body = {"moved": received.envelope.plain, "receipt": received.receipt, "why": news.note}
    return [
        Draft(SAMPLE, facts | {"trial": number}, body)
        for number, standing in asked
        if standing.position < news.position
    ]
