"""What can be used in the federation: this site's own capabilities, and what others offer to it.

Contracts are recorded when they are published or first offered, and windows when they change, so that a site which is
started again knows them; whether something is available just now is kept in memory only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.errors import Conflict, Invalid, NotFound
from yosegi.core.identifiers import split_capability
from yosegi.exchange import Channels, Received, sending
from yosegi.exchange.outbox import Outgoing, ran_out
from yosegi.execution.instruments.register import Instruments
from yosegi.governance.charter.registry import Registry
from yosegi.governance.policy.question import CapabilityFacts
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.capabilities.schemas import CapabilitySummary, ContractDetail
from yosegi.trust.messages import CapabilityStatus, Offer, Offered
from yosegi.trust.signer import Signer

PUBLISHED = "capability.published"
OFFERED = "capability.offered"
OFFERING = "capability.offering"
"""A member is told what this site offers; facts: contracts, windows; body: the signed offer."""
WINDOWS_TOLD = "capability.windows_told"
"""A peer says when its capabilities may be used; body: windows, as text by name, of those that state any."""
LIFETIME = timedelta(days=7)
LONGEST_WINDOWS = 1000
"""Characters of the windows of one capability that are told."""
MOST_OF_A_PEER = 1024
"""Capabilities of one peer that are kept under a charter, all it ever offered."""
MOST_BYTES_OF_A_PEER = 16 * 1024 * 1024
"""Bytes of contracts and signed offers that are kept of one peer under a charter."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of the catalogue."""

    ref: str
    contract: Contract
    status: CapabilityStatus
    charter: str = ""


@dataclass
class CapabilityCatalogue:
    """Contracts by site and name; another contract under a known name is refused."""

    site: str
    ledger: Ledger
    clock: Clock
    signer: Signer
    directory: Registry
    channels: Channels
    instruments: Instruments
    own: dict[str, Contract] = field(default_factory=dict)
    _offered: dict[tuple[str, str], Listing] = field(default_factory=dict)
    _kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Bytes recorded of each peer's offers, by charter and site."""
    _windows: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """What each peer last said of its windows, by charter and site."""

    def start(self, own: Mapping[str, Contract]) -> None:
        """Read back what was offered, beside what this site will publish."""
        self.own = dict(own)
        for stream in self.ledger.streams("offer/"):
            for entry in self.ledger.read(stream):
                if entry.type == WINDOWS_TOLD:
                    body = entry.body or {}
                    self._tell_windows(entry.header.charter, stream.split("/")[2], body.get("windows", {}))
                    self._kept[entry.header.charter, stream.split("/")[2]] += _size(body)
                    continue
                body = entry.body or {}
                contract = Contract.read(body["contract"])
                ref = f"{stream.split('/')[2]}/{contract.name}"
                unknown = CapabilityStatus(available=True, why="not heard since the start")
                self._offered[entry.header.charter, ref] = Listing(ref, contract, unknown, entry.header.charter)
                self._kept[entry.header.charter, stream.split("/")[2]] += _size(body)

    def published_before(self) -> dict[str, Contract]:
        """Every contract this site ever published, by name, from its ledger."""
        entries = [self.ledger.read(stream)[-1] for stream in self.ledger.streams("capability/")]
        bodies = [entry.body for entry in entries if entry.type == PUBLISHED and entry.body is not None]
        contracts = [Contract.read(body["contract"]) for body in bodies]
        return {contract.name: contract for contract in contracts}

    async def publish(self, contracts: Mapping[str, Contract]) -> None:
        """Record this site's contracts and offer them to every member.

        Raises:
            Conflict: a name and version was published before with another contract.
        """
        for name, contract in contracts.items():
            stream = f"capability/{name}"
            before = self.ledger.read(stream)
            if before and before[-1].facts["contract"] != contract.digest:
                raise Conflict(
                    f"capability {name}",
                    "was published before with another contract",
                    "a changed contract needs a new version: raise the number after @",
                )
            if not before:
                body = {"contract": contract.model_dump(mode="json", exclude_none=True)}
                draft = Draft(PUBLISHED, {"contract": contract.digest}, body)
                await self.ledger.append(Write(stream, 0, (draft,), charter="", actor=self.site))
        self.own = dict(contracts)
        await self.offer()

    async def offer(self) -> None:
        """Offer what is published to every member that does not know of it yet."""
        if not self.own:
            return
        for charter in self.directory.charters():
            for peer in self.directory.sites(charter):
                if peer != self.site:
                    await self._offer(charter, peer)

    async def rejected(self, out: Outgoing, because: str) -> None:
        """An offer that its receiver will not take: one that came too late is made again."""
        entry = self.ledger.entry(out.sequence)
        if entry.type == OFFERING and ran_out(entry, self.clock.now()):
            await self._offer(out.charter, out.to, again=True)

    async def _offer(self, charter: str, peer: str, *, again: bool = False) -> None:
        stream = f"offering/{charter}/{peer}"
        windows = {name: told for name in self.own if (told := self.windows_of(name))}
        facts: dict[str, Any] = {"contracts": [contract.digest for contract in self.own.values()]}
        facts |= {"windows": windows} if windows else {}
        before = self.ledger.read(stream)
        last = before[-1].facts if before else {"contracts": []}
        if not again and all(last.get(name) == facts.get(name) for name in ("contracts", "windows")):
            return
        now = self.clock.now()
        offers = tuple(
            Offered(contract=c, status=CapabilityStatus(available=True, why=windows.get(name, "")))
            for name, c in self.own.items()
        )
        document = Offer(
            charter=charter,
            sender=self.site,
            to=peer,
            key=f"offer-{len(before) + 1}",
            issued=now,
            not_after=now + LIFETIME,
            offers=offers,
        )
        draft = sending(OFFERING, peer, "offer", document.sign(self.signer), facts, {})
        self.channels.posted(await self.ledger.append(Write(stream, None, (draft,), charter=charter, actor=self.site)))

    async def on_offer(self, received: Received[Offer]) -> None:
        """Learn what a peer offers.

        Raises:
            Conflict: a contract that was offered before under the same name has changed.
            Invalid: a capability twice, or more capabilities or bytes than are kept of one site.
        """
        charter, sender, offers = received.charter, received.sender, received.document.offers
        refs = [f"{sender}/{offered.contract.name}" for offered in offers]
        if len(set(refs)) != len(refs):
            raise Invalid(f"an offer of {sender}", "a capability stands in it twice")
        for ref, offered in zip(refs, offers, strict=True):
            known = self._offered.get((charter, ref))
            if known is not None and known.contract != offered.contract:
                todo = "its owner publishes it as a new version"
                raise Conflict(ref, "was offered before with another contract", todo)
        new = {ref: o.contract for ref, o in zip(refs, offers, strict=True) if (charter, ref) not in self._offered}
        held = sum(1 for under, ref in self._offered if under == charter and ref.startswith(f"{sender}/"))
        if held + len(new) > MOST_OF_A_PEER:
            raise Invalid(f"an offer of {sender}", f"{held + len(new)} capabilities, and {MOST_OF_A_PEER} are kept")
        if new:
            await self._record(received, list(new.values()))
        await self._record_windows(charter, sender, offers)
        for ref, offered in zip(refs, offers, strict=True):
            self._offered[charter, ref] = Listing(ref, offered.contract, offered.status, charter)

    async def _record_windows(self, charter: str, sender: str, offers: Sequence[Offered]) -> None:
        """An entry where a peer states other windows than the last time; none where too much is kept of it already."""
        told = {one.contract.name: one.status.why for one in offers if one.status.why}
        size = _size(body := {"windows": told})
        kept = self._kept[charter, sender] + size
        if told == self._windows.get((charter, sender), {}) or kept > MOST_BYTES_OF_A_PEER:
            return
        write = Write(
            f"offer/{charter}/{sender}", None, (Draft(WINDOWS_TOLD, {}, body),), charter=charter, actor=sender
        )
        await self.ledger.append(write)
        self._kept[charter, sender], self._windows[charter, sender] = kept, told

    def _tell_windows(self, charter: str, sender: str, windows: Mapping[str, str]) -> None:
        """What a peer said of its windows before this site was started."""
        self._windows[charter, sender] = dict(windows)
        for (under, ref), line in self._offered.items():
            site, name = split_capability(ref)
            if (under, site) == (charter, sender):
                why = windows.get(name, "")
                self._offered[under, ref] = replace(line, status=CapabilityStatus(available=True, why=why))

    async def _record(self, received: Received[Offer], contracts: Sequence[Contract]) -> None:
        """An entry for each contract; what was signed stands in the first alone, and is as large as all of them."""
        bodies = [{"contract": contract.model_dump(mode="json", exclude_none=True)} for contract in contracts]
        bodies[0]["document"] = received.envelope.model_dump(mode="json")
        charter, sender, size = received.charter, received.sender, sum(map(_size, bodies))
        if self._kept[charter, sender] + size > MOST_BYTES_OF_A_PEER:
            why = f"{size} bytes more to record, and {MOST_BYTES_OF_A_PEER} are kept of one site"
            raise Invalid(f"an offer of {sender}", why)
        drafts = tuple(
            Draft(OFFERED, {"contract": contract.digest}, body)
            for contract, body in zip(contracts, bodies, strict=True)
        )
        await self.ledger.append(Write(f"offer/{charter}/{sender}", None, drafts, charter=charter, actor=sender))
        self._kept[charter, sender] += size

    def contract_of(self, charter: str, ref: str) -> Contract:
        """The contract of a capability, `site/name@version`.

        Raises:
            NotFound: nobody offers it here under that charter.
        """
        site, name = split_capability(ref)
        if site == self.site and name in self.own:
            return self.own[name]
        listing = self._offered.get((charter, ref))
        if listing is None:
            raise NotFound("capability", ref, tuple(line.ref for line in self.listings(charter)))
        return listing.contract

    def windows_of(self, name: str) -> str:
        """When one of this site's capabilities may be used, as its owner wrote it; empty if it always may be."""
        instrument = self.instruments.of(name)
        if instrument is None or not instrument.windows.stated:
            return ""
        return f"{'; '.join(instrument.stated_windows) or 'never'} ({instrument.windows.zone})"[:LONGEST_WINDOWS]

    def _own_status(self, name: str) -> CapabilityStatus:
        """Whether a capability of this site may be used now, and when it may be."""
        instrument = self.instruments.of(name)
        if instrument is None:
            return CapabilityStatus(available=True)
        is_open = instrument.taken_back is None and instrument.windows.may_hold(self.clock.now(), 0.0)
        return CapabilityStatus(available=is_open, why=self.windows_of(name))

    def listings(self, charter: str = "") -> list[Listing]:
        """Everything known, own first."""
        own = [Listing(f"{self.site}/{name}", c, self._own_status(name)) for name, c in self.own.items()]
        offered = [line for (under, _), line in sorted(self._offered.items()) if charter in ("", under)]
        return own + offered

    def summaries(self) -> tuple[CapabilitySummary, ...]:
        """One line for everything that can be used here, own first."""
        return tuple(_summary(line) for line in self.listings())

    def show(self, ref: str) -> ContractDetail:
        """The contract of a capability, under whichever charter it is known.

        Raises:
            NotFound: nobody offers it here.
        """
        listings = self.listings()
        for line in listings:
            if line.ref == ref:
                return ContractDetail.of(ref, line.contract, windows=line.status.why)
        raise NotFound("capability", ref, tuple(line.ref for line in listings))

    def facts(self, charter: str) -> dict[str, CapabilityFacts]:
        """What policy may know of every capability known under a charter, by reference."""
        return {
            line.ref: CapabilityFacts.of(line.ref.partition("/")[0], line.contract) for line in self.listings(charter)
        }


def _size(body: Mapping[str, Any]) -> int:
    """Bytes of an entry's body."""
    return len(canonical.dumps(body))


def _summary(listing: Listing) -> CapabilitySummary:
    contract = listing.contract
    return CapabilitySummary(
        ref=listing.ref,
        told_by=listing.ref.partition("/")[0],
        title=contract.title,
        kind=contract.kind,
        effect=contract.effect,
        simulated=contract.simulated,
        cost=contract.cost.decimals(),
        available=listing.status.available,
        why=listing.status.why,
        charter=listing.charter,
    )
