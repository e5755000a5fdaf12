"""The two signed words of a sample's hand-over from one site to another: given, and received.

Both are kept by both sides, so that either can show, later and to anybody, what the other said of the sample.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from yosegi.core.identifiers import Digest, SampleId, TeamId
from yosegi.trust.document import Addressed
from yosegi.trust.envelope import Envelope

ConditionGiven = Literal["good", "damaged"]
ConditionReceived = Literal["good", "damaged", "missing"]
LONGEST_LABEL, LONGEST_NOTE = 200, 2000
"""Characters."""
SampleLabel = Annotated[str, StringConstraints(max_length=LONGEST_LABEL)]
SampleNote = Annotated[str, StringConstraints(max_length=LONGEST_NOTE)]
MOST_PARENTS = 64


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
