"""Instruments in the Python client: when they may be used, who has them, taken back and given back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from yosegi.client.connection import Connection
from yosegi.core.clock import timestamp
from yosegi.services.instruments.schemas import BookingDetail, InstrumentDetail, ReservationDetail


class InstrumentsClient:
    """The instruments of one site. Made by `Client.instruments`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<instruments at {self._connection.url}>"

    def list(self) -> tuple[InstrumentDetail, ...]:
        """Every instrument that has a name."""
        return self._connection.get_all(InstrumentDetail, "/instruments")

    def show(self, name: str) -> InstrumentDetail:
        """One instrument: when it may be used, who has it, until when and why."""
        return self._connection.get(InstrumentDetail, f"/instruments/{quote(name)}")

    def add_window(self, name: str, window: str, *, note: str = "") -> InstrumentDetail:
        """Say when it may be used besides: `mon-fri 09:00-17:00`, or a span as an ISO 8601 interval."""
        body = {"window": window, "note": note}
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/windows", body)

    def withdraw_window(self, name: str, window: str, *, note: str = "") -> InstrumentDetail:
        """Take back a window that was added."""
        body = {"window": window, "note": note}
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/windows/withdraw", body)

    def take_back(self, name: str, why: str) -> InstrumentDetail:
        """Bring what runs on it to its safe state, and let nothing use it until it is given back."""
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/take-back", {"why": why})

    def give_back(self, name: str, why: str = "") -> InstrumentDetail:
        """Let it be used again."""
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/give-back", {"why": why})

    def reservations(self, name: str) -> tuple[ReservationDetail, ...]:
        """The latest reservations of it; of another team's, only when."""
        return self._connection.get_all(ReservationDetail, f"/instruments/{quote(name)}/reservations")

    def reserve(
        self, name: str, starts: datetime, ends: datetime, *, charter: str, team: str, purpose: str = "research",
        person: str = "", campaign: str = "",
    ) -> ReservationDetail:  # fmt: skip
        """Book a span of it for a team, or one campaign of it; its hours are held from the team's grant.

        An operator may name the `person` for whom it is; with a `campaign`, that alone uses it.
        """
        span = {"starts": timestamp(starts), "ends": timestamp(ends)}
        terms = {"charter": charter, "team": team, "purpose": purpose, "person": person, "campaign": campaign}
        return self._connection.post(ReservationDetail, f"/instruments/{quote(name)}/reservations", span | terms)

    def cancel(self, name: str, reservation: str, why: str = "") -> ReservationDetail:
        """Cancel a reservation before it begins, for nothing; or give back what is left of one that has begun."""
        path = f"/instruments/{quote(name)}/reservations/{quote(reservation)}/cancel"
        return self._connection.post(ReservationDetail, path, {"why": why})

    def bookings(self) -> tuple[BookingDetail, ...]:
        """The latest reservations of other sites' instruments, as their owners last said."""
        return self._connection.get_all(BookingDetail, "/bookings")

    def book(
        self, capability: str, starts: datetime, ends: datetime, *, charter: str, team: str, purpose: str = "research",
        person: str = "", campaign: str = "", key: str = "",
    ) -> BookingDetail:  # fmt: skip
        """Ask another site to reserve the instrument that its capability uses; its answer comes by itself."""
        span = {"starts": timestamp(starts), "ends": timestamp(ends), "capability": capability, "key": key}
        terms = {"charter": charter, "team": team, "purpose": purpose, "person": person, "campaign": campaign}
        return self._connection.post(BookingDetail, "/bookings", span | terms)

    def booking(self, owner: str, key: str) -> BookingDetail:
        """One reservation of another site's instrument."""
        return self._connection.get(BookingDetail, f"/bookings/{quote(owner)}/{quote(key)}")

    def cancel_booking(self, owner: str, key: str, why: str = "") -> BookingDetail:
        """Ask the owner to cancel a reservation before it begins, or to take back what is left of it."""
        path = f"/bookings/{quote(owner)}/{quote(key)}/cancel"
        return self._connection.post(BookingDetail, path, {"why": why})

    def calibrate(
        self,
        name: str,
        until: datetime,
        *,
        values: Mapping[str, float] | None = None,
        note: str = "",
        object_: str = "",
    ) -> InstrumentDetail:
        """Put on record that it was calibrated, until when that holds, and the digest of the data it rests on."""
        body = {"until": timestamp(until), "values": dict(values or {}), "note": note, "object": object_}
        return self._connection.post(InstrumentDetail, f"/instruments/{quote(name)}/calibration", body)
