"""Samples that go from one site to another between two steps of a trial: what is awaited, what is due, what was lost.

A step that is given a sample which an earlier step made at another site is asked for when its owner has signed that the
sample came. Until then the trial takes no place, and its sample waits for others if the campaign's file says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from yosegi.campaign.spec import ShipmentSpec, StepSpec
from yosegi.campaign.state import Campaign
from yosegi.campaign.trial import SampleStanding, Step, Trial
from yosegi.core.clock import parse_timestamp
from yosegi.core.contract import Contract
from yosegi.core.identifiers import derived_key, split_capability
from yosegi.core.samples import is_sample, is_sample_id
from yosegi.core.states import Result, TaskState
from yosegi.exchange.outbox import sending
from yosegi.ledger import Draft, Entry
from yosegi.trust.samples import SampleToShip, ShipmentAsked
from yosegi.trust.signer import Signer

SHIPMENT = "campaign.shipment"
"""A holder is asked to ship samples; facts: key, from, to, samples and their trials; body: the signed request."""
SAMPLE = "trial.sample"
"""How a sample of a trial stands; facts: trial, sample, site, state, holder, to, position; body: what was signed."""
GONE = frozenset({"lost", "used_up", "split", "pooled", "refused"})
"""States at its giver from which a sample comes no more by itself. `refused` is this module's own: the giver, or its
site's program, does not ship it."""
UNDELIVERED = "undelivered"
"""State of a sample whose holder did not get the request in time: it is asked again."""
_HERE = frozenset({"available", "reserved"})


@dataclass(frozen=True, slots=True)
class SampleNeed:
    """A sample that the next step of a trial is given, and that is not where the step is done.

    Args:
        sample: `site/name`.
        holder: the site that has it.
        to: the site that it has to come to.
        task: key of the trial's last step at the holder.
        since: when that step was over, as far as is known here: UTC, as RFC 3339.
    """

    trial: int
    step: str
    sample: str
    holder: str
    to: str
    task: str
    since: str
    standing: SampleStanding | None

    @property
    def lost(self) -> str:
        """Why it will not come, or not whole; empty while it may."""
        if not is_sample_id(self.sample):
            return f"{self.sample} is no name by which a sample can be shipped: letters, digits, dots, dashes"
        known = self.standing
        if known is None:
            return ""
        note = f": {known.why}" if known.why else ""
        if known.holder == self.to and known.state not in _HERE:
            return f"{self.sample} came damaged to {self.to}{note}"
        if known.holder not in (known.giver, self.to):
            return f"{self.sample} was handed over to {known.holder}, and not to {self.to}"
        if known.state == "lost":
            return f"{self.sample} was lost on its way from {known.giver} to {self.to}{note}"
        if known.state == "refused":
            return f"{known.giver} does not ship {self.sample}{note}"
        return f"{self.sample} is {known.state.replace('_', ' ')} at {known.giver}{note}" if known.state in GONE else ""

    @property
    def lost_on_the_way(self) -> bool:
        """Whether it left its giver and did not come, or came damaged."""
        known = self.standing
        if known is None:
            return False
        return known.state == "lost" or (known.holder == self.to and known.state not in _HERE)


@dataclass(frozen=True, slots=True)
class AskShipment:
    """Ask the site that has some samples to hand them over to another."""

    key: str
    giver: str
    to: str
    needs: tuple[SampleNeed, ...]


def needs_of(campaign: Campaign, trial: Trial) -> tuple[SampleNeed, ...]:
    """The samples that a trial waits for before its next step; none where it waits for none."""
    step = _next_step(campaign, trial)
    if step is None or step.any_of:
        return ()
    to, properties = split_capability(step.capability)[0], _inputs(campaign, step)
    found = (
        _need(trial, step, to, maker, output)
        for name, bound in step.bind.items()
        if is_sample(properties.get(name, {}))
        for first, dot, output in (bound.partition("."),)
        for maker in trial.steps
        if dot and maker.name == first and output in maker.outputs
    )
    return tuple(need for need in found if need is not None)


def lost_of(campaign: Campaign, trial: Trial) -> tuple[str, bool]:
    """Why a trial cannot go on for want of its sample, empty if it can; and whether that was lost on its way."""
    return next(((need.lost, need.lost_on_the_way) for need in needs_of(campaign, trial) if need.lost), ("", False))


def shipped_as(trial: Trial, step: StepSpec, inputs: Mapping[str, Any], contract: Contract, to: str) -> dict[str, Any]:
    """Inputs of a step with each sample that was made elsewhere under its name in the federation."""
    makers, properties = {one.name: one.owner for one in trial.steps}, contract.inputs.get("properties", {})
    named = {
        name: f"{makers[first]}/{value}"
        for name, value in inputs.items()
        if isinstance(value, str) and "/" not in value and name in step.bind and is_sample(properties.get(name, {}))
        for first in (step.bind[name].partition(".")[0],)
        if makers.get(first, to) != to
    }
    return dict(inputs) | {name: value for name, value in named.items() if is_sample_id(value)}


def due(
    campaign: Campaign, now: datetime | None, *, more_to_come: bool, begun_only: bool = False
) -> Iterator[AskShipment]:
    """The shipments to ask for now.

    Args:
        campaign: as it is.
        now: None where no time is known, so that nobody has waited long.
        more_to_come: whether trials are to be proposed, or have steps to be asked for.
        begun_only: leave aside trials that have not begun, as nothing will begin.
    """
    open_ones = [trial for trial in campaign.under_way() if trial.steps or not begun_only]
    waiting = {trial.number: found for trial in open_ones if (found := needs_of(campaign, trial))}
    more = more_to_come or any(trial.number not in waiting for trial in open_ones)
    for (giver, to, _), gathered in _gathering(waiting.values()).items():
        terms, needs = _terms(campaign, gathered[0]), gathered
        while needs and (len(needs) >= terms.batch or not more or _waited(needs, terms, now)):
            some, needs = needs[: terms.batch], needs[terms.batch :]
            first = some[0]
            key = derived_key("shipment", campaign.spec.name, first.trial, first.step, first.sample)
            yield AskShipment(key, giver, to, tuple(some))


def due_at(campaign: Campaign) -> datetime | None:
    """When the next sample that gathers has waited long enough; None where none does."""
    needs = (needs_of(campaign, trial) for trial in campaign.under_way())
    moments = [
        parse_timestamp(need.since) + timedelta(days=_terms(campaign, need).at_most_days)
        for some in needs
        for need in some
        if need.standing is None and need.since
    ]
    return min(moments, default=None)


def takes_no_place(campaign: Campaign, trial: Trial) -> bool:
    """Whether a trial waits for a sample that is shipped as the campaign's file says, so that the rest goes on."""
    step = _next_step(campaign, trial)
    return step is not None and step.shipment is not None and bool(needs_of(campaign, trial))


def room_for(campaign: Campaign, source: str) -> int | None:
    """How many more trials of a source may be proposed before its samples arrive; None where none are shipped."""
    steps = campaign.spec.source_named(source).step
    at, terms = next(((n, step.shipment) for n, step in enumerate(steps) if step.shipment is not None), (0, None))
    if terms is None:
        return None
    before = sum(trial.source == source and len(trial.steps) <= at for trial in campaign.under_way())
    return max(0, terms.most_waiting - before)


def may_be_made_again(campaign: Campaign, trial: Trial) -> bool:
    """Whether a point whose sample was lost or came damaged is made once more."""
    step = _next_step(campaign, trial)
    terms = None if step is None else step.shipment
    return terms is not None and trial.again < terms.again


# -- the fold -----------------------------------------------------------------------------------------------------


def follow_shipment(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """A holder was asked to ship; what its site's program does not understand is not shipped."""
    facts, trials = entry.facts, campaign.trials
    state = "refused" if "unspoken" in facts else "available"
    why = "its program does not speak of shipments" if "unspoken" in facts else ""
    for number, sample in zip(facts["trials"], facts["samples"], strict=True):
        trial = trials[number - 1]
        standing = SampleStanding(facts["key"], facts["from"], facts["to"], facts["from"], state, why=why)
        trials = trials.replaced(replace(trial, samples={**trial.samples, sample: standing}))
    return {"trials": trials}


def follow_sample(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """How a sample of a trial stands now."""
    facts, trial = entry.facts, campaign.trial(entry.facts["trial"])
    standing = replace(
        trial.samples[facts["sample"]], state=facts["state"], holder=facts["holder"], given_to=facts["to"],
        position=facts["position"], why=(entry.body or {}).get("why", ""),
    )  # fmt: skip
    return {"trials": campaign.trials.replaced(replace(trial, samples={**trial.samples, facts["sample"]: standing}))}


# -- the entry ----------------------------------------------------------------------------------------------------


def shipment_draft(campaign: Campaign, ask: AskShipment, site: str, now: datetime, signer: Signer | None) -> Draft:
    """The entry by which a holder is asked to ship samples; it sends the request.

    Args:
        campaign: whose samples they are.
        ask: what is asked.
        site: the campaign's home.
        now: the moment.
        signer: None where the holder's program does not speak of shipments, and nothing is sent.
    """
    samples = [need.sample for need in ask.needs]
    facts: dict[str, Any] = {"key": ask.key, "from": ask.giver, "to": ask.to, "samples": samples}
    facts["trials"] = [need.trial for need in ask.needs]
    if signer is None:
        return Draft(SHIPMENT, facts | {"unspoken": True})
    document = ShipmentAsked(
        charter=campaign.spec.charter, sender=site, to=ask.giver, key=ask.key, issued=now,
        not_after=now + ShipmentAsked.longest, team=campaign.spec.team, campaign=campaign.spec.name,
        destination=ask.to,
        samples=tuple(SampleToShip(sample=one.sample, task=one.task, trial=one.trial) for one in ask.needs),
    )  # fmt: skip
    return sending(SHIPMENT, ask.giver, f"shipment/{ask.key}", document.sign(signer), facts, {})


# -- parts --------------------------------------------------------------------------------------------------------


def _next_step(campaign: Campaign, trial: Trial) -> StepSpec | None:
    """The step that follows one which gave its result; None where none does."""
    steps = campaign.spec.source_named(trial.source).step
    last = trial.steps[-1] if trial.steps else None
    gave = last is not None and last.state is TaskState.ENDED and last.result == Result.VALID
    return steps[len(trial.steps)] if gave and len(trial.steps) < len(steps) else None


def _inputs(campaign: Campaign, step: StepSpec) -> Mapping[str, Any]:
    found: Mapping[str, Any] = campaign.contracts[step.capability].inputs.get("properties", {})
    return found


def _need(trial: Trial, step: StepSpec, to: str, maker: Step, output: str) -> SampleNeed | None:
    """What is needed of one sample; None where it is at hand."""
    value = str(maker.outputs[output])
    sample = value if "/" in value else f"{maker.owner}/{value}"
    standing = trial.samples.get(sample)
    holder = maker.owner if standing is None else standing.holder
    if holder == to and (standing is None or standing.to != to or standing.state in _HERE):
        return None
    # The last of several shipments of one sample is what counts; one to another site is over.
    current = standing if standing is not None and standing.to == to and standing.state != UNDELIVERED else None
    at_holder = next((one for one in reversed(trial.steps) if one.owner == holder), maker)
    return SampleNeed(trial.number, step.name, sample, holder, to, at_holder.key, trial.steps[-1].over_at, current)


def _terms(campaign: Campaign, need: SampleNeed) -> ShipmentSpec:
    source = campaign.spec.source_named(campaign.trials[need.trial - 1].source)
    step = next(one for one in source.step if one.name == need.step)
    return step.shipment or ShipmentSpec()


def _gathering(needs: Iterable[tuple[SampleNeed, ...]]) -> dict[tuple[str, str, str], list[SampleNeed]]:
    """Samples that nobody was asked to ship yet, by giver, destination and step, the first first."""
    found: dict[tuple[str, str, str], list[SampleNeed]] = {}
    for need in (one for some in needs for one in some if one.standing is None and not one.lost):
        found.setdefault((need.holder, need.to, need.step), []).append(need)
    return found


def _waited(needs: list[SampleNeed], terms: ShipmentSpec, now: datetime | None) -> bool:
    if now is None or not needs[0].since:
        return False
    return now - min(parse_timestamp(one.since) for one in needs) >= timedelta(days=terms.at_most_days)
