"""Grants in the Python client: awarded, released, clawed back, moved between sites, and what was spent of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from yosegi.client.connection import Connection
from yosegi.services.grants.schemas import (
    GrantAfterMove,
    GrantDetail,
    MoveAnswered,
    MoveDetail,
    MoveNamed,
    UsageRow,
)


class GrantsClient:
    """The grants of one site. Made by `Client.grants`; amounts are exact decimals of whole units."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<grants of {self._connection.url}>"

    def list(self) -> tuple[GrantDetail, ...]:
        """Every grant, and where it stands."""
        return self._connection.get_all(GrantDetail, "/grants")

    def show(self, grant: str) -> GrantDetail:
        """One grant with its tranches."""
        return self._connection.get(GrantDetail, f"/grants/{quote(grant)}")

    def award(self, grant: Mapping[str, Any]) -> GrantDetail:
        """Give a team a grant; the same again changes nothing."""
        return self._connection.post(GrantDetail, "/grants", {"grant": dict(grant)})

    def release(
        self, grant: str, tranche: str, *, document: Mapping[str, Any] | None = None, award_letter: str = ""
    ) -> GrantDetail:
        """Open a contingent tranche, by the funder's signed document or the digest of the award letter held here."""
        body = {"tranche": tranche, "document": document, "award_letter": award_letter}
        return self._connection.post(GrantDetail, f"/grants/{quote(grant)}/release", body)

    def claw_back(self, grant: str, tranche: str, amounts: Mapping[str, str], reason: str = "") -> GrantDetail:
        """Shrink a tranche, never below what is held and spent."""
        body = {"tranche": tranche, "amounts": dict(amounts), "reason": reason}
        return self._connection.post(GrantDetail, f"/grants/{quote(grant)}/claw-back", body)

    def move(
        self, grant: str, tranche: str, to: str, into: str, amounts: Mapping[str, str], reason: str = ""
    ) -> GrantAfterMove:
        """Set an amount apart for a grant of another site, and offer it there."""
        body = {"tranche": tranche, "to": to, "into": into, "amounts": dict(amounts), "reason": reason}
        return self._connection.post(GrantAfterMove, f"/grants/{quote(grant)}/move", body)

    def moves(self) -> tuple[MoveDetail, ...]:
        """Every amount on its way between sites, and those that have ended."""
        return self._connection.get_all(MoveDetail, "/moves")

    def answer(self, peer: str, key: str, accepted: bool, why: str = "") -> MoveAnswered:
        """Take what a peer offers, or do not."""
        body = {"accepted": accepted, "why": why}
        return self._connection.post(MoveAnswered, f"/moves/{quote(peer)}/{quote(key)}/answer", body)

    def take_back(self, peer: str, key: str) -> MoveNamed:
        """Ask a receiver to give a move back."""
        return self._connection.post(MoveNamed, f"/moves/{quote(peer)}/{quote(key)}/back")

    def usage(self, *by: str, since: str = "", until: str = "") -> tuple[UsageRow, ...]:
        """What tasks held and spent at the site, summed by some columns, e.g. funder and team.

        Args:
            by: the columns.
            since: of tasks accepted on this day (YYYY-MM-DD, UTC) or later, or from this moment on (with its offset,
                e.g. `2026-04-01T00:00:00+09:00`).
            until: of tasks accepted on this day or earlier, or before this moment.
        """
        days = [(name, text) for name, text in (("since", since), ("until", until)) if text]
        return self._connection.get_all(UsageRow, f"/usage?{urlencode([*(('by', one) for one in by), *days])}")
