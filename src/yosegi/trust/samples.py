"""What sites sign of samples: that one is given and received, that some are to be shipped, and where one is now.

The two words of a hand-over are kept by both sides, so that either can show, later and to anybody, what the other said
of the sample. The home site of a campaign asks the holder to ship, and learns with both words what came of it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from yosegi.core.identifiers import Digest, Key, SampleId, SiteId, TeamId
from yosegi.core.values import Value
from yosegi.trust.document import Addressed
from yosegi.trust.envelope import Envelope

ConditionGiven = Literal["good", "damaged"]
ConditionReceived = Literal["good", "damaged", "missing"]
LONGEST_LABEL, LONGEST_NOTE = 200, 2000
"""Characters."""
SampleLabel = Annotated[str, StringConstraints(max_length=LONGEST_LABEL)]
SampleNote = Annotated[str, StringConstraints(max_length=LONGEST_NOTE)]
MOST_PARENTS = 64
MOST_SHIPPED = 64
"""Samples that one request asks to ship."""


class SampleGiven(Addressed):
    """A holder gives a sample to another site; `key` names the hand-over, which the receiver's word ends.

    Args:
        team: whose sample it is.
        label: what is written on it.
        condition: in which it is sent.
        parents: what it was made from.
        before: the word by which the giver came to have it; none from the site that made it and gives it first.
    """

    kind: ClassVar[str] = "sample-given"

    sample: SampleId
    team: TeamId
    label: SampleLabel = ""
    condition: ConditionGiven
    note: SampleNote = ""
    parents: tuple[SampleId, ...] = Field(default=(), max_length=MOST_PARENTS)
    before: Envelope | None = None


class SampleReceived(Addressed):
    """The addressee's word on a hand-over: it has the sample now, or it never came; `key` is the hand-over's.

    Args:
        given: digest of the word by which it was given.
        condition: in which it came; `missing` if it did not.
    """

    kind: ClassVar[str] = "sample-received"

    sample: SampleId
    given: Digest
    condition: ConditionReceived
    note: SampleNote = ""


class SampleToShip(Value):
    """One sample that is to be shipped.

    Args:
        sample: which one.
        task: key of the asker's task that made it, or was given it, at the site that is asked.
        trial: of its campaign.
    """

    sample: SampleId
    task: Key
    trial: int = Field(ge=1)


class ShipmentAsked(Addressed):
    """The home site of a campaign asks the site that has some samples to hand them over to another.

    People do it, or do not; the asker is told of each of these samples where it is (`SampleMoved`). `key` names the
    shipment.

    Args:
        team: whose samples they are.
        campaign: of the asker, that goes on when they came.
        destination: the site that they are for.
    """

    kind: ClassVar[str] = "shipment-asked"

    team: TeamId
    campaign: Key
    destination: SiteId
    samples: tuple[SampleToShip, ...] = Field(min_length=1, max_length=MOST_SHIPPED)


class SampleMoved(Addressed):
    """Its giver tells whoever asked for a shipment how one of its samples stands; `key` is the shipment's.

    Args:
        campaign: as in the request.
        state: of the sample, as `yosegi.services.samples.states` names it.
        holder: the site that has it; while it is in transit, the giver.
        given_to: the site it was given to and that has not said yet that it came; empty if none.
        position: of the sender's record of the sample; a later word of the same sender has a greater one.
        words: what was signed of its hand-over: that it was given, and that it was received.
        note: why it was set aside.
    """

    kind: ClassVar[str] = "sample-moved"

    campaign: Key
    sample: SampleId
    state: Literal["available", "reserved", "quarantined", "in_transit", "lost", "used_up", "split", "pooled"]
    holder: SiteId
    given_to: SiteId | Literal[""] = ""
    position: int = Field(ge=1)
    words: tuple[Envelope, ...] = Field(default=(), max_length=2)
    note: SampleNote = ""
