"""The composition root: settings become a running site. Nothing else knows everyone."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from yosegi.app.keyring import earlier_keys, lasting, read_client_secret, signer
from yosegi.app.settings import Home, NoticeSettings, Settings
from yosegi.campaign import Campaigns, in_thread
from yosegi.campaign.engine import Compute
from yosegi.core.clock import Clock, SystemClock
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid
from yosegi.core.object import ObjectRef
from yosegi.core.transport import HttpTransport, Transport
from yosegi.data import Chunk, FileStore, ObjectStore, ObjectsView, Puller, Want
from yosegi.data.pulling import Offload
from yosegi.exchange import Exchange, Mailbox, OutboxView
from yosegi.exchange.recall import Recalls
from yosegi.exchange.requests import Requests, RequestView
from yosegi.governance.approvals import ApprovalsView
from yosegi.governance.delegation import Delegation
from yosegi.governance.explanation import explained
from yosegi.governance.foresight import Expectation
from yosegi.governance.grants import GrantsView
from yosegi.governance.mandates import MandatesView
from yosegi.governance.registry import Registry
from yosegi.ledger import Ledger, SqliteStore, View
from yosegi.runner.derive import derive_all
from yosegi.runner.law import Published
from yosegi.runner.owner import Owner
from yosegi.runner.process_engine import ProcessEngine
from yosegi.runner.standing import StandingView
from yosegi.runner.station_engine import StationEngine
from yosegi.runner.station_memory import StationMemory
from yosegi.runner.tasks import TaskView
from yosegi.site import (
    Account,
    Catalogue,
    Door,
    Governing,
    Notices,
    Office,
    Site,
    SiteLaw,
    read_accounts,
    to_log,
    to_webhook,
)
from yosegi.site.approving import Approving
from yosegi.site.asking import Asking
from yosegi.site.conditions import Conditions
from yosegi.site.email import Mailer
from yosegi.site.erasing import Erasing
from yosegi.site.evidence import Evidence
from yosegi.site.foresight import Foresight, ForesightView
from yosegi.site.funds import Funds
from yosegi.site.institution import Admission, Institution
from yosegi.site.mandating import Mandating
from yosegi.site.notices import Send
from yosegi.site.objects import Objects
from yosegi.site.openid import Client, OpenId, over_http
from yosegi.site.renewing import Renewing
from yosegi.site.rights import Rights
from yosegi.site.spending import SpendingView
from yosegi.site.transfers import Transfers
from yosegi.site.watch import Watch
from yosegi.trust.keys import PublicKey
from yosegi.trust.messages import Explanation
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Signer

VERSION = f"yosegi {importlib.metadata.version('yosegi')}"


def views() -> list[View]:
    """Every view a site keeps, in the order in which they are applied."""
    return [
        OutboxView(),
        RequestView(),
        TaskView(),
        GrantsView(),
        SpendingView(),
        ForesightView(),
        ObjectsView(),
        ApprovalsView(),
        MandatesView(),
        StandingView(),
    ]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a site is made from, wherever it comes from: a home folder, or a test."""

    settings: Settings
    signer: Signer
    sealing: Unsealer
    rules: Mapping[str, str]
    accounts: Mapping[str, Account]
    clock: Clock
    transport: Transport
    ledger: Ledger
    published: Mapping[str, Published]
    objects: ObjectStore
    mailbox: Mailbox | None = None
    folder: Path | None = None
    lasting: Signer | None = None
    institution: Institution | None = None
    compute: Compute = in_thread
    expectations: tuple[Expectation, ...] = ()
    offload: Offload = asyncio.to_thread


async def open_ledger(home: Home, settings: Settings, clock: Clock, key: Signer | None = None) -> Ledger:
    """The site's ledger, with all its views; takes the lock.

    Raises:
        Locked: the site is running.
        Corrupt: it does not hold together.
        Invalid, LooseKeyFile: its key is not where the settings say.
    """
    return await Ledger.open(
        SqliteStore(home.ledger),
        site=settings.site,
        signer=key or signer(home, "site"),
        clock=clock,
        views=views(),
        code=VERSION,
        keys=earlier_keys(home),
    )


async def compose(home: Home) -> Site:
    """A site made from its home folder, not yet started.

    Raises:
        Invalid: settings, a key or a policy that does not hold.
        Locked, Corrupt: as `open_ledger`.
    """
    settings, clock, key = home.settings(), SystemClock(), signer(home, "site")
    if settings.oidc is not None:
        # Said now, and not to the first person who wants to sign in.
        read_client_secret(home, settings.oidc)
    ledger = await open_ledger(home, settings, clock, key)
    parts = _parts(home, settings, clock, key, ledger)
    published = await publish(home, settings, clock, key, parts.objects)
    mailbox = Mailbox(home.mailbox) if settings.keeps_mailboxes else None
    return assemble(
        replace(parts, published=published, mailbox=mailbox, folder=home.folder, expectations=home.expectations())
    )


def _parts(home: Home, settings: Settings, clock: Clock, key: Signer, ledger: Ledger) -> Parts:
    """What a home folder gives, but for what runs."""
    return Parts(
        settings=settings,
        signer=key,
        lasting=lasting(home, "site"),
        institution=institution_of(home, settings, clock),
        sealing=Unsealer.load(home.keys / "sealing.key"),
        rules=home.rules(),
        accounts=read_accounts(home.accounts),
        clock=clock,
        transport=HttpTransport(refuses=settings.network.refuses),
        ledger=ledger,
        published={},
        objects=FileStore(home.objects),
    )


@contextlib.asynccontextmanager
async def at_rest(home: Home) -> AsyncIterator[Site]:
    """The site of a home that is not running, for governance: its policies are in force, no engine is started.

    Whatever is to be sent waits until the site is served.

    Raises:
        Locked: the site is running.
        Invalid, Corrupt: as `compose`.
    """
    settings, clock, key = home.settings(), SystemClock(), signer(home, "site")
    ledger = await open_ledger(home, settings, clock, key)
    try:
        site = assemble(_parts(home, settings, clock, key, ledger))
        site.catalogue.start(site.catalogue.published_before())
        known = {ref for charter in site.registry.charters() for ref in site.catalogue.facts(charter)}
        site.law.expectations = tuple(row for row in home.expectations() if row.what in known)
        await site.law.start()
        yield site
    finally:
        ledger.close()


def assemble(parts: Parts) -> Site:
    """Join the rooms."""
    settings, ledger, clock, signer = parts.settings, parts.ledger, parts.clock, parts.signer
    registry = Registry(settings.site, ledger, clock)
    delegation = Delegation(settings.site, ledger, signer, clock)
    law = SiteLaw(settings.site, ledger, clock, registry, delegation, parts.rules, settings.groups, parts.expectations)
    law.clearances, law.shows = settings.clearances, settings.policies_shown_to == "parties"
    delegation.hosts = law.hosts
    exchange = Exchange(
        settings.site, ledger, signer, parts.sealing, registry, parts.transport, clock, parts.mailbox, parts.lasting
    )
    requests = Requests(settings.site, ledger, signer, clock, registry, delegation, exchange.posted)
    puller = Puller(parts.objects, clock, wrong_object, offload=parts.offload)
    transfers = Transfers(
        settings.site, ledger, clock, parts.objects, puller, law, exchange, requests, settings.objects.largest_bytes
    )
    evidence = Evidence(settings.site, ledger, parts.objects, puller, law, exchange)

    async def give(charter: str, peer: str, want: Want) -> Chunk:
        return evidence.give(charter, peer, want) or await transfers.give(charter, peer, want)

    exchange.gives, exchange.takes = give, puller.take
    catalogue = Catalogue(settings.site, ledger, clock, signer, registry, exchange)
    foresight = Foresight(settings.site, ledger, signer, clock, registry, law, exchange, lambda: catalogue.own)
    awaiting = (requests, transfers, evidence, foresight)
    exchange.expects = lambda charter, peer: any(one.expects(charter, peer) for one in awaiting)
    rights = Rights(settings.site, ledger, signer, clock, registry, law, exchange)
    owner = Owner(
        settings.site,
        ledger,
        signer,
        clock,
        law,
        rights,
        parts.published,
        registry,
        exchange.posted,
        inputs=transfers,
    )
    owner.most_open, transfers.owner = settings.most_open_tasks, owner
    exchange.clocks.righted = owner.hinder(lambda: exchange.clocks.seconds_off)
    requests.check_clock = exchange.clocks.check_own
    stations = {e.name: e for p in parts.published.values() if isinstance(e := p.engine, StationEngine)}
    for station in stations.values():
        station.on_late = owner.resolve
        station.memory = StationMemory(station.name, ledger)
    law.capabilities = catalogue.facts
    governing = Governing(settings.site, ledger, clock, registry, law, exchange, catalogue)
    requests.contract_of = catalogue.contract_of
    objects = Objects(settings.site, ledger, parts.objects, clock, registry, law, transfers, parts.offload)
    campaigns = Campaigns(
        settings.site, ledger, requests, law, delegation, catalogue.contract_of, objects.named, compute=parts.compute
    )
    erasing = Erasing(
        settings.site, ledger, signer, clock, registry, exchange, parts.objects, requests, owner, campaigns
    )
    door = Door(settings.site, clock, parts.accounts, lets_in=law.lets_in)
    mandating = Mandating(settings.site, ledger, signer, clock, registry, delegation, exchange, door)
    mandating.withdraw = requests.cancel
    return Site(
        name=settings.site,
        title=settings.title,
        clock=clock,
        ledger=ledger,
        registry=registry,
        law=law,
        exchange=exchange,
        requests=requests,
        owner=owner,
        catalogue=catalogue,
        campaigns=campaigns,
        renewing=Renewing(settings.site, clock, registry, governing, [one for one in (signer, parts.lasting) if one]),
        lasting=parts.lasting,
        institution=parts.institution,
        notices=Notices(
            settings.site,
            ledger,
            clock,
            _senders(parts),
            every=settings.notices.repeat_minutes * 60,
            conditions=Conditions(settings.site, clock, owner, exchange, dict(stations), parts.folder, erasing).now,
        ),
        door=door,
        transfers=transfers,
        objects=objects,
        erasing=erasing,
        evidence=evidence,
        foresight=foresight,
        rights=rights,
        watch=Watch(ledger, clock, owner, law, rights),
        approving=Approving(settings.site, ledger, clock, owner, law, door),
        mandating=mandating,
        asking=Asking(requests, law, mandating, catalogue.contract_of),
        recalls=Recalls(settings.site, ledger, signer, clock, registry, exchange, owner.lost),
        governing=governing,
        funds=Funds(settings.site, ledger, clock, signer, registry, exchange),
        office=Office(settings.site, clock, registry, law, catalogue, governing, foresight),
        stations=stations,
    )


def wrong_object(ref: ObjectRef, site: str, why: str) -> Explanation:
    """What is said of a peer that sent other bytes than it named."""
    return explained("object_wrong", digest=ref.sha256, site=site, why=why)


def _senders(parts: Parts) -> tuple[Send, ...]:
    settings: NoticeSettings = parts.settings.notices
    senders: list[Send] = [to_log]
    if settings.webhook:
        # The institution's own address, which no peer chose.
        senders.append(to_webhook(settings.webhook, HttpTransport()))
    if settings.email is not None:
        senders.append(Mailer(clock=parts.clock, **settings.email.model_dump()))
    return tuple(senders)


async def publish(
    home: Home, settings: Settings, clock: Clock, key: Signer, objects: ObjectStore
) -> dict[str, Published]:
    """Derive the contract of everything the settings publish, each in a worker, and start its engine.

    Raises:
        Invalid: an entry that is no capability, or a name published twice.
    """
    shutil.rmtree(home.work, ignore_errors=True)
    wanted = [*settings.process.publish, *(entry for s in settings.station.values() for entry in s.publish)]
    known = await derive_all(wanted)
    contracts = {entry: known[entry] for entry in settings.process.publish}
    published: dict[str, Published] = {}
    if contracts:
        entries = {contract.name: entry for entry, contract in contracts.items()}
        engine = ProcessEngine(entries, home.work, slots=settings.process.slots, clock=clock, store=objects)
        slots = settings.process.slots
        published |= {contract.name: Published(contract, engine, slots) for contract in contracts.values()}
    for name, station in settings.station.items():
        offered: list[Contract] = [known[entry] for entry in station.publish]
        theirs = PublicKey(algorithm="ed25519", public=station.key)
        station_engine = StationEngine(
            name, theirs, {c.name: c for c in offered}, clock, site=settings.site, signer=key, store=objects
        )
        published |= {contract.name: Published(contract, station_engine) for contract in offered}
    for each in {id(p.engine): p.engine for p in published.values()}.values():
        await each.start()
    return published


def institution_of(home: Home, settings: Settings, clock: Clock) -> Institution | None:
    """Sign-in with the institution's provider, if the settings name one.

    Raises:
        Invalid: the library is not there.
    """
    oidc = settings.oidc
    if oidc is None:
        return None
    if importlib.util.find_spec("joserfc") is None:
        raise Invalid(str(home.settings_file), "[oidc] needs joserfc", "install it: pip install 'yosegi[oidc]'")
    client = Client(oidc.issuer, oidc.client_id, oidc.redirect_uri, lambda: read_client_secret(home, oidc), oidc.scopes)
    admission = Admission(settings.site, oidc.claim, oidc.people, oidc.groups_claim, oidc.roles)
    return Institution(oidc.name, OpenId(client, clock, over_http), admission)


def state_folder(home: Home, station: str) -> Path:
    """Where a station of this machine keeps its intent log and its instrument's state."""
    return home.stations / station
