"""What ends soon at a site, each kind in a line: charters, statements, agreements, mandates, grants, certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from yosegi.core.clock import parse_timestamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from yosegi.app.settings import Settings
    from yosegi.client.client import Client

MONTH = timedelta(days=30)
WEEK = timedelta(days=7)
"""A statement lasts a month and is renewed in its middle: one that has a week left is not being renewed."""
MOST_NAMED = 5
PATIENCE = 2.0
"""Seconds to wait for the server in front of the site to show its certificate."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """When something ends.

    Args:
        name: by which a person finds it.
        ends: when.
        soon: how long before its end it is told.
    """

    name: str
    ends: datetime
    soon: timedelta

    @classmethod
    def of(cls, name: str, starts: str, ends: str) -> Expiry:
        """Of something with a beginning: told a month before its end, or in the last quarter of a shorter life."""
        end = parse_timestamp(ends)
        return cls(name, end, min(MONTH, (end - parse_timestamp(starts)) / 4) if starts else MONTH)

    def told(self, now: datetime) -> str:
        """When it ends, and how many days are left."""
        left = (self.ends - now).days
        if self.ends <= now:
            return f"{self.name} ended {self.ends:%F %H:%M} UTC"
        return f"{self.name} ends {self.ends:%F %H:%M} UTC, in {left} day{'' if left == 1 else 's'}"


def expiring(kind: str, expiries: Iterable[Expiry], now: datetime, todo: str) -> Iterator[str]:
    """One line of a kind, the first to end first; none where nothing ends soon."""
    soon = sorted((one for one in expiries if one.ends - now <= one.soon), key=lambda one: one.ends)
    if soon:
        named = [one.told(now) for one in soon[:MOST_NAMED]]
        more = [f"{len(soon) - MOST_NAMED} more end soon"] if len(soon) > MOST_NAMED else []
        yield f"{kind}: {'; '.join([*named, *more])}: {todo}"


def expiring_at(client: Client, settings: Settings, home: Path, now: datetime) -> list[str]:
    """What ends soon at a running site; its own statement's end is told with its charter.

    Raises:
        YosegiError: the site does not tell.
    """
    charters, mandates = client.charters(), client.mandates.list()
    standing = [(f"{one.id} of {one.agent or one.person}", one) for one in mandates if one.stands]
    grants = [(grant.id, part) for grant in client.grants.list() for part in grant.tranches if part.ends]
    return [
        *expiring(
            "charters",
            (Expiry.of(one.id, one.issued, one.expires) for one in charters),
            now,
            "sign a version with a later `expires`: yosegi charter propose",
        ),
        *expiring(
            "statements of others",
            (
                Expiry(f"that of {site} under {one.id}", parse_timestamp(until), WEEK)
                for one in charters
                for site, until in one.statements.items()
                if until and site != settings.site
            ),
            now,
            "their site is not running, or its officers have to state it anew (yosegi charter state); tell them",
        ),
        *expiring(
            "agreements",
            (Expiry.of(one.name, one.valid_from, one.valid_until) for one in client.agreements() if one.in_force),
            now,
            "sign a version with a later `valid_until`: yosegi agreement propose",
        ),
        *expiring(
            "mandates of campaigns and members",
            (Expiry.of(name, one.issued, one.not_after) for name, one in standing if not one.agent),
            now,
            "what acts under it ends with it; give another: yosegi mandate give",
        ),
        *expiring(
            "mandates of agents",
            (Expiry.of(name, one.issued, one.not_after) for name, one in standing if one.agent),
            now,
            "the agent acts no more then; give another: yosegi agent add",
        ),
        *expiring(
            "grants",
            (
                Expiry.of(f"{name}, {part.tranche or 'all of it'}, {part.unit}", part.starts, part.ends)
                for name, part in grants
                if part.state == "open"
            ),
            now,
            "what is left lapses; award another: yosegi grant award",
        ),
        *expiring("certificates", certificates(settings, home), now, "put the next one in its place"),
    ]


def certificates(settings: Settings, home: Path) -> Iterator[Expiry]:
    """Those of the authority that the settings name, and the one that the site's own address shows."""
    import ssl

    from cryptography import x509

    try:
        if file := settings.network.ca_file:
            for one in x509.load_pem_x509_certificates((home / file).read_bytes()):
                yield _of_certificate(f"{one.subject.rfc4514_string()} in {file}", one)
        if settings.url.startswith("https:"):
            place = urlsplit(settings.url)
            shown = ssl.get_server_certificate((str(place.hostname), place.port or 443), timeout=PATIENCE)
            yield _of_certificate(f"that of {settings.url}", x509.load_pem_x509_certificate(shown.encode()))
    except (OSError, ValueError):
        return  # what is not there, or is no certificate, is found where it is used


def _of_certificate(name: str, one: Certificate) -> Expiry:
    ends = one.not_valid_after_utc
    return Expiry(name, ends, min(MONTH, (ends - one.not_valid_before_utc) / 4))
