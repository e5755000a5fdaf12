"""Time on this site's instruments: when one may be used, who has it, taken back and given back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from yosegi.core.identifiers import CapabilityRef, CharterId, Digest, Key, PersonId, SiteId, TeamId
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Text, Why
from yosegi.services.instruments.reservations import Booking
from yosegi.services.instruments.schemas import BookingDetail, InstrumentDetail, ReservationDetail
from yosegi.trust.document import Moment
from yosegi.web.api.router import router as router_of

router = router_of("instruments")


class WindowStated(Body):
    """A weekly shift, `mon-fri 09:00-17:00`, or a span, `2026-12-01T09:00+09:00/2026-12-01T17:00+09:00`."""

    window: Annotated[str, Field(min_length=1, max_length=120)]
    note: Text = ""


class NewReservation(Body):
    """A span of an instrument, and for whom.

    Args:
        person: for whom, where an operator enters it; who asks, if empty.
        campaign: the only one that is to use it; every campaign of the team may, if empty.
    """

    starts: Moment
    ends: Moment
    charter: CharterId
    team: TeamId
    purpose: Annotated[str, Field(min_length=1, max_length=200)] = "research"
    person: PersonId | Literal[""] = ""
    campaign: Annotated[str, Field(max_length=128)] = ""


class NewBooking(NewReservation):
    """A span of another site's instrument, named by what uses it; and under which key, if the caller has one."""

    capability: CapabilityRef
    key: Key | Literal[""] = ""


class NewCalibration(Body):
    """Until when a calibration holds, what was found, and the data it rests on."""

    until: Moment
    values: Annotated[dict[str, float], Field(max_length=64)] = Field(default_factory=dict)
    note: Text = ""
    object: Digest | Literal[""] = ""


@router.get("/instruments")
async def instruments(site: Here, who: Who) -> tuple[InstrumentDetail, ...]:
    """Every instrument of this site that has a name: when it may be used, and who has it."""
    return site.instruments.listing(who)


@router.get("/instruments/{name}")
async def show_instrument(name: SiteId, site: Here, who: Who) -> InstrumentDetail:
    """One instrument: when it may be used, who has it, until when and why."""
    return site.instruments.show(name, who)


@router.post("/instruments/{name}/windows")
async def add_window(name: SiteId, body: WindowStated, site: Here, who: Who) -> InstrumentDetail:
    """Say when an instrument may be used besides; for operators."""
    return await site.instruments.add_window(name, body.window, who, body.note)


@router.post("/instruments/{name}/windows/withdraw")
async def withdraw_window(name: SiteId, body: WindowStated, site: Here, who: Who) -> InstrumentDetail:
    """Take back a window that was added; for operators."""
    return await site.instruments.withdraw_window(name, body.window, who, body.note)


@router.post("/instruments/{name}/take-back")
async def take_back_instrument(name: SiteId, body: Why, site: Here, who: Who) -> InstrumentDetail:
    """Bring what runs on an instrument to its safe state, and let nothing use it until it is given back."""
    return await site.instruments.take_back(name, who, body.why)


@router.post("/instruments/{name}/give-back")
async def give_back_instrument(name: SiteId, body: Why, site: Here, who: Who) -> InstrumentDetail:
    """Let an instrument that was taken back be used again; for operators."""
    return await site.instruments.give_back(name, who, body.why)


@router.get("/instruments/{name}/reservations")
async def reservations(name: SiteId, site: Here, who: Who) -> tuple[ReservationDetail, ...]:
    """The latest reservations of an instrument; of another team's, only when."""
    return site.instruments.reservations.listing(name, who)


@router.post("/instruments/{name}/reservations", status_code=201)
async def reserve_instrument(name: SiteId, body: NewReservation, site: Here, who: Who) -> ReservationDetail:
    """Book a span of an instrument for a team or one campaign of it, within the team's grant of instrument hours."""
    span = TimeSpan.of(body.starts, body.ends)
    booking = Booking(name, span, body.charter, body.team, body.purpose, body.person, body.campaign)
    return await site.instruments.reservations.book(booking, who)


@router.post("/instruments/{name}/reservations/{reservation}/cancel")
async def cancel_reservation(
    name: SiteId, reservation: Annotated[str, Path(max_length=128)], body: Why, site: Here, who: Who
) -> ReservationDetail:
    """Cancel a reservation before it begins, for nothing; or give back what is left of one that has begun."""
    return await site.instruments.reservations.cancel(name, reservation, who, body.why)


@router.post("/instruments/{name}/calibration", status_code=201)
async def calibrate_instrument(name: SiteId, body: NewCalibration, site: Here, who: Who) -> InstrumentDetail:
    """Put on record that an instrument was calibrated, and until when that holds; for operators."""
    return await site.instruments.calibrate(name, body.until, who, body.values, body.note, body.object)


@router.get("/bookings")
async def bookings(site: Here, who: Who) -> tuple[BookingDetail, ...]:
    """The latest reservations of other sites' instruments that this site asked for, as their owners last said."""
    return site.instruments.bookings.listing(who)


@router.post("/bookings", status_code=202)
async def book_instrument(body: NewBooking, site: Here, who: Who) -> BookingDetail:
    """Ask another site to reserve its instrument for a team, or one campaign of it; its answer comes by itself."""
    span = TimeSpan.of(body.starts, body.ends)
    wanted = Booking("", span, body.charter, body.team, body.purpose, body.person, body.campaign)
    return await site.instruments.bookings.ask(body.capability, wanted, who, key=body.key)


@router.get("/bookings/{owner}/{key}")
async def show_booking(owner: SiteId, key: Annotated[str, Path(max_length=128)], site: Here, who: Who) -> BookingDetail:
    """One reservation of another site's instrument, as its owner last said."""
    return site.instruments.bookings.show(owner, key, who)


@router.post("/bookings/{owner}/{key}/cancel", status_code=202)
async def cancel_booking(
    owner: SiteId, key: Annotated[str, Path(max_length=128)], body: Why, site: Here, who: Who
) -> BookingDetail:
    """Ask the owner to cancel a reservation before it begins, or to take back what is left of it."""
    return await site.instruments.bookings.cancel(owner, key, who, body.why)
