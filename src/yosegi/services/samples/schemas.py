"""Answers about samples: where each is, and everything that this site's ledger tells of its life."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from yosegi.services.answer import Answer, JsonObject, Timestamp, ToldBy
from yosegi.services.samples.states import SampleState


class SampleSummary(Answer):
    """One sample, as this site knows it.

    Args:
        id: `site/name`, after the site that made it.
        label: what is written on it.
        holder: the site that has it; while it is in transit, the site that gave it.
        told_by: the site that made it, whose words the label is.
        to: the site it was given to and that has not said yet that it came.
        state: what may be done with it; of a sample held elsewhere, as it was when it came there.
        place: where at this site.
        parents: what it was made from.
        children: what was made from it, by splitting or pooling.
        task: key of the task that made it here, and `campaign` whose; empty where a person registered it.
        destination: the site that a campaign asks to ship it to; empty if none does.
    """

    id: str
    label: str
    charter: str
    team: str
    holder: str
    told_by: ToldBy
    to: str
    state: SampleState
    place: str
    parents: tuple[str, ...]
    children: tuple[str, ...]
    since: Timestamp
    changed: Timestamp
    task: str = ""
    campaign: str = ""
    destination: str = ""


class SampleLabel(Answer):
    """A label to print and stick on a sample.

    Args:
        encodes: what its code says to a reader: the page of the sample at this site, or its name.
        svg: the drawing, 62 mm by 29 mm.
    """

    sample: str
    encodes: str
    svg: str


class SampleParts(Answer):
    """What a sample was split into."""

    sample: str
    parts: tuple[SampleSummary, ...]


class SampleEvent(Answer):
    """One entry of a sample's life.

    Args:
        type: what happened, e.g. `sample.given`.
        actor: the person here, or the site that says it.
        peer: the other site, of a hand-over.
        condition: what the signer says of the sample.
        note: what a person wrote.
        signed_by: the site whose signed word this is; empty of what happened here alone.
        document: that word as it was signed, with its signatures.
    """

    sequence: int
    time: Timestamp
    type: str
    actor: str
    state: SampleState
    holder: str
    peer: str
    condition: Literal["", "good", "damaged", "missing"]
    place: str
    note: str
    signed_by: str
    document: JsonObject | None


class SampleDetail(SampleSummary):
    """A sample and its whole life, as this site's ledger has it, the other sides' signed words among it."""

    events: tuple[SampleEvent, ...] = Field(description="the first first")
