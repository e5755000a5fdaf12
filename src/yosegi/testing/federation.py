"""A whole federation in one process, on simulated time, disk and network: the same each time it runs.

A site's durable state is a file in memory or in a folder; `crash` throws everything else away, `restart` brings the
site back from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from yosegi.app.assembly import Parts, assemble
from yosegi.app.compose import views
from yosegi.app.settings import Settings
from yosegi.campaign import inline, parse_spec
from yosegi.core.capability import Capability
from yosegi.core.clock import Clock
from yosegi.core.errors import Unavailable, YosegiError
from yosegi.core.supervision import Supervisor
from yosegi.data.pulling import inline as offload_inline
from yosegi.exchange import PATH, Mailbox
from yosegi.execution.engines.person.engine import PersonEngine
from yosegi.execution.ports import Published
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter, Member, Team, Threshold
from yosegi.governance.charter.statement import Listens, Outbound, Reach, Statement
from yosegi.identity.accounts import Account, Session
from yosegi.ledger import Checkpoint, Ledger, SqliteStore, StoreFailed
from yosegi.services.agents.proposer import ProposingAgent
from yosegi.services.runtime import Site
from yosegi.testing.faults import MortalStore, When
from yosegi.testing.loop import EPOCH, SimulatedClock
from yosegi.testing.network import Network
from yosegi.testing.objects import MemoryStore
from yosegi.testing.world import SimulatedEngine, World
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer, Signer

CHARTER = "demo"
TEAM = "colour-team"


def _seed(*parts: str) -> bytes:
    return "/".join(parts).encode().ljust(32, b".")[:32]


@functools.cache
def both(*parts: str) -> tuple[Ed25519Signer, MlDsa65Signer]:
    """A site's `governance` or `site` keys: one of each algorithm."""
    return Ed25519Signer.from_seed(_seed(*parts)), MlDsa65Signer.from_seed(_seed(*parts))


_SIGNED: dict[bytes, Envelope] = {}


def _signed(document: Document, signers: Sequence[Signer]) -> Envelope:
    """A document with its signatures. The same one is signed once in a process, for many federations begin alike."""
    key = (
        document.payload_type.encode()
        + document.to_bytes()
        + b"".join(signer.public.key_id.encode() for signer in signers)
    )
    if key not in _SIGNED:
        _SIGNED[key] = document.sign(*signers)
    return _SIGNED[key]


def _public(signers: Sequence[Signer]) -> tuple[PublicKey, ...]:
    return tuple(signer.public for signer in signers)


@dataclass
class Place:
    """One site: what it offers, and what outlives it.

    Args:
        reach: how others reach it.
        capabilities: what it publishes.
        remembers: whether its engine keeps a durable book, as a station does.
        rules: its own forbids.
        formats: payload types it states, and speaks; everything, if none is named.
        shows: whether it shows its policies to those whom its decisions concern.
        most_open: tasks that one team may have waiting and running there at once.
        most_an_hour: tasks of one other site that are admitted there in an hour.
        agents: that it runs to propose points.
        instruments: its tables `[instrument.NAME]`.
    """

    name: str
    reach: Reach
    country: str = "JP"
    capabilities: Sequence[Capability[Any, Any]] = ()
    remembers: bool = False
    duration: float = 1.0
    rules: Mapping[str, str] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    shows: bool = True
    most_open: int = 1000
    most_an_hour: int = 20_000
    grant: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, ProposingAgent] = field(default_factory=dict)
    instruments: Mapping[str, Any] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    skew: float = 0.0
    book: dict[str, Any] = field(default_factory=dict)
    objects: MemoryStore = field(default_factory=MemoryStore)
    restored_from: Checkpoint | None = None
    """Its disk was restored from a backup: the furthest checkpoint that a peer holds of it."""
    site: Site | None = None
    ledger: Ledger | None = None
    engine: SimulatedEngine | None = None
    by_hand: Sequence[Capability[Any, Any]] = ()
    """What people do there: published by an engine of the kind `person` named `bench`."""

    @property
    def running(self) -> Site:
        """The running site.

        Raises:
            RuntimeError: it is down.
        """
        if self.site is None:
            raise RuntimeError(f"{self.name} is down")
        return self.site


def settings_of(place: Place) -> Settings:
    """Settings as a real site of that kind would have them."""
    how = (
        {"reach": "listens", "url": place.reach.url}
        if isinstance(place.reach, Listens)
        else {"reach": "outbound", "mailbox": place.reach.mailbox if isinstance(place.reach, Outbound) else ""}
    )
    shown = "parties" if place.shows else "nobody"
    fixed = {"site": place.name, "title": place.name, "listen": "127.0.0.1:1", "policies_shown_to": shown}
    most = {"most_open_tasks": place.most_open, "most_tasks_an_hour": place.most_an_hour}
    return Settings.read({**fixed, **how, **most, "instrument": {**place.instruments}})


@dataclass(repr=False)
class Federation:
    """Places under one charter, their network and their world."""

    places: dict[str, Place]
    folder: Path
    network: Network = field(default_factory=Network)
    world: World = field(default_factory=World)
    purposes: tuple[str, ...] = ("research",)
    people: tuple[str, ...] = ()
    """Members of the team besides the one who asks."""
    terms: Mapping[str, Any] = field(default_factory=dict)
    """Of the agreement, where they differ."""
    agreed: tuple[tuple[str, ...], ...] = ()
    """The parties of each agreement; one of all, if none is named."""
    mortal: Mapping[str, tuple[int, When]] = field(default_factory=dict)
    """By site: at which commit its process dies, and when; once."""
    stores: dict[str, MortalStore] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """Sites whose moment has come."""
    _reviving: set[asyncio.Task[None]] = field(default_factory=set)
    home: str = "argonne"
    supervise: Callable[[Clock], Supervisor] = Supervisor
    """Makes a site's supervisor, each time it is brought up."""

    def __repr__(self) -> str:
        return f"<federation of {', '.join(self.places)}>"

    def documents(self) -> list[Envelope]:
        """The charter, everyone's statement, and one agreement of all, signed as they must be."""
        keys = {name: self.governors(name) for name in self.places}
        everybody = [signer for pair in keys.values() for signer in pair]
        charter = Charter(
            id=CHARTER,
            version=1,
            title="A demonstration",
            issued=EPOCH,
            expires=EPOCH + timedelta(days=700),
            threshold=Threshold(members=len(self.places)),
            members=tuple(
                Member(id=p.name, name=p.name, kind="laboratory", country=p.country, keys=_public(keys[p.name]))
                for p in self.places.values()
            ),
            teams=(
                Team(
                    id=TEAM,
                    title="Colour",
                    lead=self.home,
                    sites=tuple(self.places),
                    people=(f"pi@{self.home}", *self.people),
                ),
            ),
            post_quantum=True,
            demonstration=True,
        )
        envelopes = [_signed(charter, everybody)]
        for place in self.places.values():
            statement = Statement(
                charter=CHARTER,
                site=place.name,
                serial=1,
                issued=EPOCH,
                not_after=EPOCH + timedelta(days=30),
                renewable_until=EPOCH + timedelta(days=365),
                keys=_public(both("site", place.name)),
                sealing=Unsealer.from_seed(_seed("sealing", place.name)).public,
                reach=place.reach,
                formats=place.formats,
            )
            envelopes.append(_signed(statement, keys[place.name]))
        for parties in self.agreed:
            name = "-".join(("agreement", *parties))
            offers = tuple(f"{party}/*" for party in parties)
            envelopes.append(self.agreement(name=name, parties=parties, capabilities=offers))
        return envelopes if self.agreed else [*envelopes, self.agreement()]

    def agreement(self, version: int = 1, **terms: Any) -> Envelope:
        """The agreement of all sites, or a later version of it with other terms, signed by each."""
        fields: dict[str, Any] = {
            "charter": CHARTER,
            "name": "colour-agreement",
            "version": version,
            "title": "Colour matching together",
            "teams": (TEAM,),
            "parties": tuple(self.places),
            "capabilities": tuple(f"{name}/*" for name in self.places),
            "purposes": self.purposes,
            "valid_from": EPOCH - timedelta(days=1),
            "valid_until": EPOCH + timedelta(days=365),
        }
        agreement = Agreement(**(fields | dict(self.terms) | terms))
        return _signed(agreement, [key for party in agreement.parties for key in self.governors(party)])

    def governors(self, name: str) -> tuple[Ed25519Signer, MlDsa65Signer]:
        """A site's governance keys, one of each algorithm."""
        return both("governance", name)

    def person(self, name: str) -> Ed25519Signer:
        """A person's own key."""
        return Ed25519Signer.from_seed(_seed("person", name))

    def signer(self, name: str) -> Ed25519Signer:
        """A site's online key."""
        return Ed25519Signer.from_seed(_seed("site", name))

    async def start(self) -> None:
        """Found the federation: every site accepts every document, awards its grants, and starts."""
        for name in self.places:
            await self.restart(name)
        await self.settle_down(5.0)

    async def restart(self, name: str) -> Site:
        """Bring a site up from its durable state; again and again if it dies on the way, as a supervisor would."""
        while True:
            try:
                return await self._bring_up(name)
            except StoreFailed:
                await self.crash(name)
                self.stores[name].close()
                await asyncio.sleep(1.0)

    async def _bring_up(self, name: str) -> Site:
        place = self.places[name]
        site = assemble(await self._parts(place))
        for envelope in self.documents():
            await _accept(site, envelope)
        if place.grant:
            await site.grants.award(_grant_of(place), Session(f"operator@{name}", "operator", float("inf"), ""))
        if isinstance(place.reach, Listens):
            self.network.listen(place.reach.url, site.exchange.handle)
        await site.start()
        place.site = site
        return site

    async def _parts(self, place: Place) -> Parts:
        """What a place's site is made of, opened from what outlives it."""
        name, clock = place.name, SimulatedClock(place.skew)
        store = self._store(name)
        place.objects.dead = lambda: store.dead
        signer = self.signer(name)
        place.ledger = ledger = await Ledger.open(
            store, site=name, signer=signer, clock=clock, views=views(), code="test", inline=True
        )
        if ledger.restored:
            await ledger.open_epoch(place.restored_from, by=f"operator@{name}")
            place.restored_from = None
        contracts = {c.contract.name: c for c in place.capabilities}
        place.engine = engine = SimulatedEngine(
            "simulated", contracts, self.world, place.remembers, place.book, place.duration, store=place.objects
        )
        hands = {c.contract.name: c.contract for c in place.by_hand}
        bench = PersonEngine("bench", name, hands, ledger, clock)
        resources = contextlib.AsyncExitStack()
        resources.callback(ledger.close)
        mailbox = Mailbox(self.folder / f"{name}-mail.db", offload_inline) if isinstance(place.reach, Listens) else None
        if mailbox is not None:
            resources.callback(mailbox.close)
        return Parts(
            settings=settings_of(place),
            signer=signer,
            lasting=both("site", name)[1],
            sealing=Unsealer.from_seed(_seed("sealing", name)),
            rules=place.rules,
            accounts=place.accounts,
            clock=clock,
            transport=Wire(self.network, lambda: store.dead),
            ledger=ledger,
            engines=lambda on_late: (
                {n: Published(c, engine) for n, c in engine.contracts.items()}
                | {n: Published(c, bench, 64) for n, c in hands.items()}
            ),
            objects=place.objects,
            supervisor=self.supervise(clock),
            mailbox=mailbox,
            last_resort=self.folder / f"{name}-stop",
            agents=place.agents,
            compute=inline,
            offload=offload_inline,
            resources=resources,
        )

    def _store(self, name: str) -> MortalStore:
        """The disk of a site, which dies at its moment, if it has one to come."""
        die_at, when = self.mortal.get(name, (0, "before")) if name not in self.faults else (0, "before")
        durable = SqliteStore(self.folder / f"{name}.db", durable=False)
        self.stores[name] = store = MortalStore(durable, die_at, when, lambda when: self._fault(name, when))
        return store

    def _fault(self, name: str, when: When) -> None:
        """A process that is gone at this moment is started again a little later, as a supervisor would."""
        self.faults.append(name)
        if when != "full" and self.places[name].site is not None:
            self._spawn(self._revive(name))

    async def _revive(self, name: str) -> None:
        await self.crash(name)
        await asyncio.sleep(2.0)
        await self.restart(name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._reviving.add(task)
        task.add_done_callback(self._reviving.discard)

    def kill(self, name: str) -> None:
        """Kill a site's process at this moment; it is started again a little later."""
        self.stores[name].die()

    async def crash(self, name: str) -> None:
        """Kill a site: nothing it had in memory survives."""
        place = self.places[name]
        if isinstance(place.reach, Listens):
            self.network.listen(place.reach.url, _nobody)
        site, place.site = place.site, None
        with contextlib.suppress(YosegiError):
            if site is not None:
                await site.close()
            elif place.ledger is not None:
                place.ledger.close()

    async def settle_down(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds)

    async def begin(self, text: str) -> None:
        """Begin a campaign at the home site as if what is checked before the start came to be true later."""
        await self.places[self.home].running.campaigns.engine.begin(parse_spec(text), f"pi@{self.home}")

    def member(self) -> Session:
        """The person who asks."""
        return Session(f"pi@{self.home}", "officer", float("inf"), "")


@dataclass
class Wire:
    """A site's own end of the network: a dead process sends nothing."""

    network: Network
    dead: Callable[[], bool]

    async def call(self, address: str, body: bytes, *, timeout: float) -> bytes:
        """See `yosegi.core.transport.Transport`."""
        if self.dead():
            raise Unavailable(address, "this process has died")
        return await self.network.call(address, body, timeout=timeout)

    async def close(self) -> None:
        """Nothing to close."""


def _grant_of(place: Place) -> dict[str, Any]:
    tranche = {"id": "all", "amounts": dict(place.grant)}
    return {"id": f"grant-{place.name}", "charter": CHARTER, "team": TEAM, "title": "A grant", "tranches": [tranche]}


async def _accept(site: Site, envelope: Envelope) -> None:
    """Accept a founding document, unless a restarted site knows a later version of it."""
    try:
        await site.registry.accept(envelope, by=f"operator@{site.name}")
    except Untrusted as error:
        if not error.reason.endswith(("_rolled_back", "_expired")):
            raise


async def _nobody(body: bytes) -> bytes:
    raise Unavailable("a site", "it is down")


def address(name: str) -> str:
    """A site's address in a simulated network."""
    return f"http://{name}.example"


__all__ = ["CHARTER", "PATH", "TEAM", "Federation", "Place", "address", "both", "settings_of"]
