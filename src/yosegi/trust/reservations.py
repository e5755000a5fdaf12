"""What sites sign of reservations: a home site asks an owner for one, or cancels it; the owner says how it stands.

Each is evidence by itself, kept by both sides: who wanted which span for whom, and what the owner decided, held and
charged. `key` is the reservation's, chosen by the home site, and makes it happen once.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from yosegi.core.amounts import Amounts
from yosegi.core.identifiers import CapabilityRef, Clearance, Digest, Key, PersonId, SiteId, TeamId
from yosegi.trust.document import Addressed, Moment
from yosegi.trust.explanation import Explanation, Text


class ReservationAsked(Addressed):
    """A home site asks an owner to book a span of the instrument that a capability uses, for a member of a team.

    Args:
        capability: of the owner; whatever else uses the same instrument may run inside too.
        campaign: of the home site, the only one that is to use it; every campaign of the team may, if absent.
        starts: when it begins, and `ends` when it is over.
        clearances: what the home site attests of the person, by its signature.
    """

    kind: ClassVar[str] = "reservation-asked"

    capability: CapabilityRef
    team: TeamId
    on_behalf_of: PersonId
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    campaign: Key | None = None
    starts: Moment
    ends: Moment
    clearances: tuple[Clearance, ...] | None = Field(default=None, max_length=32)


class ReservationCancel(Addressed):
    """A home site cancels a reservation before it begins, or gives back what is left of it."""

    kind: ClassVar[str] = "reservation-cancel"

    reason: Text = ""


class ReservationReport(Addressed):
    """An owner tells the home site how a reservation stands: what it decided first, and whatever came of it since.

    Args:
        asked: digest of what asked for it.
        state: `refused` is the last word of one that was never booked.
        instrument: what was booked; absent where nothing was.
        ends: when it ended, or will.
        held: instrument hours held from the team's grant, and `spent` what it cost.
        position: of the owner's record of it; a later word has a greater one.
        reasons: why it was refused.
        why: what was said of its end.
    """

    kind: ClassVar[str] = "reservation-report"

    asked: Digest
    state: Literal["refused", "booked", "released", "cancelled", "settled"]
    instrument: SiteId | None = None
    ends: Moment | None = None
    held: Amounts = Amounts()
    spent: Amounts = Amounts()
    position: int = Field(ge=1)
    reasons: tuple[Explanation, ...] = Field(default=(), max_length=16)
    why: Text = ""
