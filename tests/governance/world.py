"""A small federation for the tests of this room: three sites, two countries, keys from seeds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from yosegi.core.contract import EffectClass
from yosegi.governance.agreements.agreement import Agreement, Determination
from yosegi.governance.charter.charter import Charter, Member, Team, Threshold
from yosegi.governance.charter.statement import Listens, Outbound, Statement
from yosegi.governance.policy.question import CapabilityFacts, Question
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
COUNTRY = {"argonne": "US", "ornl": "US", "riken": "JP", "nims": "JP"}


def governance_key(site: str, number: int = 0) -> Ed25519Signer:
    return Ed25519Signer.from_seed(f"{site} governance {number}".encode().ljust(32, b"."))


def lasting_key(site: str, number: int = 0) -> MlDsa65Signer:
    return MlDsa65Signer.from_seed(f"{site} lasting {number}".encode().ljust(32, b"."))


def online_key(site: str) -> Ed25519Signer:
    return Ed25519Signer.from_seed(f"{site} online".encode().ljust(32, b"."))


def unsealer(site: str) -> Unsealer:
    return Unsealer.from_seed(f"{site} sealing".encode().ljust(32, b"."))


def member(site: str, count: int = 1, needed: int = 1, **changes: object) -> Member:
    fields = {
        "id": site,
        "name": site.upper(),
        "kind": "laboratory",
        "country": COUNTRY.get(site, "GB"),
        "keys": tuple(governance_key(site, n).public for n in range(count)),
        "needed": needed,
    }
    return Member(**(fields | changes))


TEAM = Team(
    id="colour",
    title="Colour matching",
    lead="argonne",
    sites=("argonne", "riken", "nims"),
    people=("pi@argonne", "student@argonne", "operator@nims"),
)
OTHER_TEAM = Team(id="fusion", title="Fusion", lead="riken", sites=("riken",), people=("pi@riken", "pi@argonne"))


def charter(sites=("argonne", "riken", "nims"), **changes: object) -> Charter:
    fields = {
        "id": "demo",
        "version": 1,
        "title": "A demonstration",
        "issued": NOW - DAY,
        "expires": NOW + 365 * DAY,
        "threshold": Threshold(members=2, per_country=1),
        "members": tuple(member(site) for site in sites),
        "teams": (TEAM, OTHER_TEAM),
        "demonstration": True,
    }
    return Charter(**(fields | changes))


def statement(site: str = "riken", **changes: object) -> Statement:
    fields = {
        "charter": "demo",
        "site": site,
        "serial": 1,
        "issued": NOW - DAY,
        "not_after": NOW + 30 * DAY,
        "keys": (online_key(site).public,),
        "sealing": unsealer(site).public,
        "reach": Outbound(mailbox="argonne") if site == "nims" else Listens(url=f"https://{site}.example.org"),
    }
    return Statement(**(fields | changes))


def agreement(**changes: object) -> Agreement:
    fields = {
        "charter": "demo",
        "name": "colour-2026",
        "title": "Colour matching at NIMS and RIKEN",
        "teams": ("colour",),
        "parties": ("argonne", "riken", "nims"),
        "capabilities": ("nims/colour.*", "riken/colour.simulate@1"),
        "purposes": ("research",),
        "valid_from": NOW - DAY,
        "valid_until": NOW + 100 * DAY,
    }
    return Agreement(**(fields | changes))


def determined(*classes: str) -> tuple[Determination, ...]:
    return tuple(
        Determination(export_class=name, regime="EAR", list_version="2026-10", by="officer@nims", on=NOW - DAY)
        for name in classes
        if name != "none"
    )


def facts(**changes: object) -> CapabilityFacts:
    fields = {
        "ref": "nims/colour.mix@1",
        "contract": "sha256:" + "0" * 64,
        "kind": "robot",
        "effect": EffectClass.CONSUMING,
        "sensitivity": "team",
        "export_class": "none",
        "simulated": True,
        "approval": False,
        "conduct": ("suggest", "approve", "run"),
    }
    return CapabilityFacts(**(fields | changes))


def question(**changes: object) -> Question:
    fields = {
        "action": "accept",
        "person": "pi@argonne",
        "home": "argonne",
        "team": "colour",
        "charter": "demo",
        "capability": facts(),
        "purpose": "research",
        "now": NOW,
    }
    return Question(**(fields | changes))
