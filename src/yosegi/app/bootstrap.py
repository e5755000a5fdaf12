"""Founding a federation on one machine: homes, a charter signed by all, statements, an agreement, grants.

The demonstration uses it; the same documents made by hand, each institution signing with its own offline key, found a
real one (`docs/how-to/found-a-federation.md`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from yosegi.app.compose import open_ledger
from yosegi.app.home import Home
from yosegi.app.init_home import make_home, state
from yosegi.app.keyring import signers
from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.files import write_file
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter, Member, Named, Team, Threshold
from yosegi.governance.charter.registry import Registry
from yosegi.governance.grants.grant import Grant, awarded
from yosegi.identity.accounts import Role, add_account
from yosegi.ledger import Ledger, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Ed25519Signer


@dataclass(frozen=True)
class Founder:
    """One site to be.

    Args:
        settings: what stands in its `site.toml`.
        country: ISO 3166 code of its country.
        people: role of each account.
        rules: the site's own forbids, Cedar text by file name.
        grant: what it gives the team, exact decimals of whole units.
    """

    settings: dict[str, object]
    country: str
    people: dict[str, Role] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    grant: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> str:
        """Its name."""
        return str(self.settings["site"])


@dataclass(frozen=True)
class Plan:
    """A federation to be: its charter's content, and its sites."""

    charter: str
    title: str
    team: Team
    purposes: tuple[str, ...]
    founders: tuple[Founder, ...]
    focus_areas: tuple[Named, ...] = ()
    challenges: tuple[Named, ...] = ()
    approvers: tuple[str, ...] = ()
    """People whom the agreement lets approve."""


async def found(folder: Path, plan: Plan, clock: Clock, passphrase: str) -> dict[str, Home]:
    """Make every home, have every member sign, and let every site accept what was signed.

    Raises:
        Conflict: one of the homes is there already.
    """
    demonstration = {"policies_shown_to": "parties", "network": {"loopback": True}}
    homes = {f.site: make_home(folder / f.site, demonstration | f.settings) for f in plan.founders}
    charter = _charter(plan, homes, clock)
    keys = [one for home in homes.values() for one in signers(home, "governance")]
    documents = [charter.sign(*keys)]
    documents += [state(home, charter, clock, serial=1) for home in homes.values()]
    documents.append(_agreement(plan, clock).sign(*keys))
    for founder in plan.founders:
        await _furnish(homes[founder.site], founder, plan, documents, clock, passphrase)
    return homes


def _charter(plan: Plan, homes: dict[str, Home], clock: Clock) -> Charter:
    now = clock.now()
    members = tuple(
        Member(
            id=f.site,
            name=str(f.settings["title"]),
            kind="laboratory",
            country=f.country,
            keys=tuple(one.public for one in signers(homes[f.site], "governance")),
        )
        for f in plan.founders
    )
    return Charter(
        id=plan.charter,
        version=1,
        title=plan.title,
        issued=now,
        expires=now + timedelta(days=365),
        threshold=Threshold(members=2, per_country=1),
        members=members,
        teams=(plan.team,),
        focus_areas=plan.focus_areas,
        challenges=plan.challenges,
        post_quantum=True,
        demonstration=True,
    )


def _agreement(plan: Plan, clock: Clock) -> Agreement:
    now = clock.now()
    sites = tuple(f.site for f in plan.founders)
    return Agreement(
        charter=plan.charter,
        name=f"{plan.team.id}-agreement",
        title=f"What {plan.team.title} may use",
        teams=(plan.team.id,),
        parties=sites,
        capabilities=tuple(f"{site}/*" for site in sites),
        purposes=plan.purposes,
        approvers=plan.approvers,
        valid_from=now,
        valid_until=now + timedelta(days=365),
    )


async def _furnish(
    home: Home, founder: Founder, plan: Plan, documents: list[Envelope], clock: Clock, passphrase: str
) -> None:
    """Policies, accounts, and everything that is recorded before the site is first served."""
    for name, text in founder.rules.items():
        write_file(home.policy / name, text.encode(), mode=0o600)
    people = home.folder / "people"
    people.mkdir(mode=0o700, exist_ok=True)
    for person, role in founder.people.items():
        signer = Ed25519Signer.generate()
        signer.save(people / f"{person}.key")
        add_account(home.accounts, person, role, passphrase=passphrase, key=signer.public)
    ledger = await open_ledger(home, home.settings(), clock)
    try:
        registry = Registry(founder.site, ledger, clock)
        for envelope in documents:
            await registry.accept(envelope, by=f"operator@{founder.site}")
        await _award(ledger, founder, plan)
    finally:
        ledger.close()


async def _award(ledger: Ledger, founder: Founder, plan: Plan) -> None:
    if not founder.grant:
        return
    grant = Grant.simple(
        f"{plan.team.id}-{founder.site}",
        charter=plan.charter,
        team=plan.team.id,
        funder=founder.site,
        title=f"{founder.site} for {plan.team.title}",
        amounts=Amounts.parse(dict(founder.grant)),
    )
    stream = f"grant/{grant.id}"
    await ledger.append(Write(stream, 0, (awarded(grant),), charter=plan.charter, actor=f"operator@{founder.site}"))
