"""Federations whose charter, agreements and suspensions change while every site runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from federation.toys import make, measure, simulate
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.amendment import successor
from yosegi.governance.charter.charter import Charter, Member, Team, Threshold
from yosegi.governance.charter.statement import Listens, Outbound, Statement
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, _seed, address, both
from yosegi.testing.loop import EPOCH
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

YEAR = timedelta(days=365)


def governance_keys(site: str) -> tuple[Ed25519Signer, MlDsa65Signer]:
    return both("governance", site)


def signed(document: Document, *sites: str) -> Envelope:
    return document.sign(*(key for site in sites for key in governance_keys(site)))


@dataclass
class Governed(Federation):
    """A federation that some sites found and others join later."""

    later: dict[str, Place] = field(default_factory=dict)
    joined: list[Envelope] = field(default_factory=list)

    def documents(self) -> list[Envelope]:
        founders = {name: place for name, place in self.places.items() if name not in self.later}
        found = [*Federation(founders, self.folder, purposes=self.purposes).documents(), *self.joined]
        return found

    def charter(self) -> Charter:
        return Charter.peek(self.documents()[0])

    def statement(self, name: str, **changes: Any) -> Statement:
        fields = {
            "charter": CHARTER,
            "site": name,
            "serial": 1,
            "issued": EPOCH,
            "not_after": EPOCH + timedelta(days=90),
            "keys": tuple(key.public for key in both("site", name)),
            "sealing": Unsealer.from_seed(_seed("sealing", name)).public,
            "reach": (self.places | self.later)[name].reach,
        }
        return Statement(**(fields | changes))


def governed(folder: Path) -> Governed:
    """argonne asks, riken simulates, nims only dials out and has its mail at argonne; harwell may join."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[simulate]),
        "nims": Place(
            "nims", Outbound(mailbox="argonne"), capabilities=[make, measure], remembers=True, grant={"samples": "40"}
        ),
    }
    return Governed(places, folder, later={"harwell": Place("harwell", Listens(url=address("harwell")), "GB")})


def member(name: str, country: str) -> Member:
    keys = tuple(key.public for key in governance_keys(name))
    return Member(id=name, name=name, kind="facility", country=country, keys=keys)


def amended(current: Charter, **changes: Any) -> Charter:
    return successor(current, **({"issued": EPOCH, "expires": EPOCH + YEAR} | changes))


def without(current: Charter, *gone: str) -> Charter:
    members = tuple(m for m in current.members if m.id not in gone)
    teams = tuple(
        replaced(
            team,
            sites=tuple(s for s in team.sites if s not in gone),
            people=tuple(p for p in team.people if p.partition("@")[2] not in gone),
        )
        for team in current.teams
    )
    return amended(current, members=members, teams=teams, threshold=Threshold(members=len(members)))


def replaced(team: Team, **changes: Any) -> Team:
    return team.model_copy(update=changes)


def agreement(name: str, charter: str = CHARTER, **changes: Any) -> Agreement:
    fields = {
        "charter": charter,
        "name": name,
        "title": name,
        "teams": (TEAM,),
        "parties": ("argonne", "riken", "nims"),
        "capabilities": ("riken/*", "nims/*"),
        "purposes": ("teaching",),
        "valid_from": EPOCH - timedelta(days=1),
        "valid_until": EPOCH + YEAR,
    }
    return Agreement(**(fields | changes))


__all__ = [
    "YEAR",
    "Governed",
    "agreement",
    "amended",
    "governance_keys",
    "governed",
    "member",
    "replace",
    "replaced",
    "signed",
    "without",
]
