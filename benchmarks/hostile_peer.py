"""A member with valid keys that means ill: it sends one kind of parcel to a site as fast as it is answered.

    PYTHONPATH=tests python -m benchmarks.hostile_peer HOME URL ATTACK SECONDS

Run by `benchmarks.strangers` beside a bystander. HOME is a member's that does not run; URL is the site attacked.
Prints as JSON how many parcels, documents and letters were sent, how many bytes, and the last answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from yosegi.app.compose import offline_site
from yosegi.app.home import Home
from yosegi.app.keyring import signers
from yosegi.core import canonical
from yosegi.core.clock import timestamp
from yosegi.exchange import PATH
from yosegi.exchange.mail_refusals import MailRefusals
from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.parcel import MOST_MAIL, Mail
from yosegi.exchange.peer_channel import Batch
from yosegi.exchange.restore_sync import ReceiptRequest
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.grants.transfers import Transfer, TransferAnswer, TransferBack
from yosegi.ledger import Draft, Write
from yosegi.services.runtime import Site
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import (
    AuthorizationQuery,
    Cancel,
    Erase,
    Erased,
    Offer,
    Renewal,
    Report,
    Request,
    Revocation,
)
from yosegi.trust.samples import SampleGiven, SampleMoved, SampleReceived, ShipmentAsked

CHARTER, TEAM, TARGET, OUTBOUND = "demo", "toy-team", "riken", "nims"
DIGEST = "sha256:" + "0" * 64
AT_ONCE = 60
"""Documents in a parcel."""
MANY_CONTRACTS = 1000


class HostilePeer:
    """Makes what is sent, with the keys of a home; every document has its own receipt, as an honest one has."""

    def __init__(self, site: Site, home: Home) -> None:
        self.site, self.number = site, 0
        self.governance = signers(home, "governance")

    def document(self, kind: type[Document], fields: dict[str, Any]) -> Envelope:
        """A signed document of a kind, whatever stands in it."""
        self.number += 1
        now = self.site.clock.now()
        said = {
            "charter": CHARTER, "sender": self.site.name, "to": TARGET, "key": f"evil-{os.getpid()}-{self.number}",
            "issued": timestamp(now), "not_after": timestamp(now + timedelta(minutes=5)),
        } | fields  # fmt: skip
        return Envelope.sign(kind.payload_types[-1], canonical.dumps(said), self.site.catalogue.signer)

    async def parcel(self, documents: list[Envelope], mail: tuple[Mail, ...] = ()) -> bytes:
        """One parcel with these; the documents stand in this member's own ledger."""
        channel = self.site.channels.channel(CHARTER, TARGET)
        outs: tuple[Outgoing, ...] = ()
        if documents:
            drafts = tuple(
                Draft("evil.sent", {"send": {"to": TARGET, "id": one.payload_digest, "topic": "evil"}},
                      {"document": one.plain})
                for one in documents
            )  # fmt: skip
            entries = await self.site.ledger.append(Write("evil", None, drafts, charter=CHARTER, actor=self.site.name))
            outs = tuple(Outgoing(str(e.facts["send"]["id"]), CHARTER, TARGET, "evil", e.sequence) for e in entries)
        codec = self.site.exchange._codec  # noqa: SLF001 - what an honest program never lets out
        return codec.pack(channel, Batch(messages=outs), mail=mail).to_bytes()

    # -- attacks --------------------------------------------------------------------------------------------------

    def recalls(self) -> Iterator[list[Envelope]]:
        """Receipts of everything, asked for sixty times in a parcel."""
        while True:
            yield [self.document(ReceiptRequest, {"epoch": 1, "size": 0}) for _ in range(AT_ONCE)]

    def refusals(self) -> Iterator[list[Envelope]]:
        """Requests for what nobody has, which must be refused."""
        asked = {
            "team": TEAM, "on_behalf_of": "pi@argonne", "purpose": "research", "capability": f"{TARGET}/none@1",
            "contract": DIGEST, "inputs": {"x": 0.25}, "sensitivity": "team",
        }  # fmt: skip
        while True:
            yield [self.document(Request, asked) for _ in range(4 * AT_ONCE)]

    def agreements(self) -> Iterator[list[Envelope]]:
        """Agreements that nobody else has signed."""
        now = self.site.clock.now()
        while True:
            self.number += 1
            yield [
                Agreement(
                    charter=CHARTER, name=f"mine-{self.number}-{n}", version=1, title="Mine alone", teams=(TEAM,),
                    parties=(self.site.name,), capabilities=(f"{self.site.name}/*",), purposes=("research",),
                    valid_from=now - timedelta(days=1), valid_until=now + timedelta(days=300),
                ).sign(*self.governance)
                for n in range(25)
            ]  # fmt: skip

    def malformed(self) -> Iterator[list[Envelope]]:
        """Fields of other types than their own, and schemas that fetch addresses and double at each level."""
        doubling: dict[str, Any] = {"type": "object", "$defs": {"a0": {"type": "number"}}}
        for level in range(1, 40):
            doubling["$defs"][f"a{level}"] = {"allOf": [{"$ref": f"#/$defs/a{level - 1}"}] * 2}
        doubling["properties"] = {"x": {"$ref": "#/$defs/a39"}}
        fetching = {"type": "object", "properties": {"x": {"$ref": "http://127.0.0.1:9/x"}}}
        contracts = [{"name": "evil.x@1", "inputs": schema, "outputs": schema} for schema in (doubling, fetching)]
        wrong = [None, True, -1, 1.5, "x", [], {"a": [{}]}]
        while True:
            yield [
                *(self.document(Report, {"request": DIGEST, "state": one, "outcome": one}) for one in wrong),
                *(self.document(Request, {"team": one, "inputs": one, "contract": one}) for one in wrong),
                *(self.document(Offer, {"offers": one}) for one in wrong),
                *(self.document(Offer, {"offers": [{"contract": one, "status": {}}]}) for one in contracts),
            ]

    def offers(self) -> Iterator[list[Envelope]]:
        """A thousand contracts in one document."""
        schema = {"type": "object", "properties": {"x": {"type": "number"}}, "additionalProperties": False}
        while True:
            contracts = [
                {
                    "format": "yosegi.contract.v1", "name": f"evil.c{self.number}x{n}@1", "title": "evil", "field": "x",
                    "kind": "simulation", "effect": "pure", "inputs": schema, "outputs": schema, "simulated": True,
                }
                for n in range(MANY_CONTRACTS)
            ]  # fmt: skip
            yield [
                self.document(Offer, {"offers": [{"contract": c, "status": {"available": True}} for c in contracts]})
            ]

    def costly(self) -> Iterator[list[Envelope]]:
        """Documents of as many values as a parcel of the largest size has room for, which take long to read."""
        many = canonical.dumps([{"b": 1}] * 180_000)
        while True:
            yield [Envelope.sign(Offer.payload_type, many, self.site.catalogue.signer)]

    def large(self) -> Iterator[list[Envelope]]:
        """Requests for what nobody has, of the largest size that is taken, which must be refused."""
        asked = {
            "team": TEAM, "on_behalf_of": "pi@argonne", "purpose": "research", "capability": f"{TARGET}/none@1",
            "contract": DIGEST, "inputs": {"x": "y" * 120_000}, "sensitivity": "team",
        }  # fmt: skip
        while True:
            yield [self.document(Request, asked) for _ in range(8)]

    def kinds(self) -> Iterator[list[Envelope]]:
        """Every kind of document that programs and people send unasked, about ever other things, as good as may be."""
        while True:
            self.number += 1
            digest, name = f"sha256:{self.number:064x}", f"thing-{self.number}"
            film = {"sample": f"{self.site.name}/{name}"}
            person = {"team": TEAM, "on_behalf_of": "pi@argonne", "purpose": "research"}
            kinds: tuple[tuple[type[Document], dict[str, Any]], ...] = (
                (Cancel, {"reason": "no more"}),
                (Renewal, {"mandate": name}),
                (Revocation, {"mandate": name, "reason": {"code": "mandate_ended", "en": "x" * 2000}}),
                (AuthorizationQuery, person | {"capabilities": [f"{TARGET}/toy.use@1"]}),
                (Erase, {"what": "object", "subject": digest, "reason": "x" * 2000}),
                (Erased, {"what": "object", "subject": digest}),
                (Transfer, {"grant": "g", "into": "g", "team": TEAM, "amounts": {"samples": "1"}}),
                (TransferBack, {}),
                (TransferAnswer, {"accepted": True}),
                (SampleGiven, film | {"team": TEAM, "condition": "good", "note": "x" * 2000}),
                (SampleReceived, film | {"given": DIGEST, "condition": "good"}),
                (SampleMoved, film | {"campaign": "c", "state": "available", "holder": TARGET, "position": 1}),
                (ShipmentAsked, {"team": TEAM, "campaign": "c", "destination": OUTBOUND,
                                 "samples": [film | {"task": "k", "trial": 1}]}),
                (MailRefusals, {"refused": [{"sender": OUTBOUND, "letters": 1}]}),
            )  # fmt: skip
            yield [self.document(kind, fields) for kind, fields in kinds for _ in range(4)]

    def letters(self) -> Iterator[tuple[Mail, ...]]:
        """Mail for a member that dials out, which opens for nobody."""
        key = self.site.registry.sealing_key_of(CHARTER, TARGET)
        box = key.seal(b"rubbish", context=b"rubbish")
        while True:
            self.number += MOST_MAIL
            yield tuple(
                Mail(sender=self.site.name, to=OUTBOUND, id=f"evil-{self.number - n}", box=box)
                for n in range(MOST_MAIL)
            )

    async def bodies(self, attack: str) -> Any:
        """Parcel after parcel of an attack, with how much is in each."""
        if attack == "letters":
            for mail in self.letters():
                yield {"letters": len(mail)}, await self.parcel([], mail)
        elif attack == "parcels":
            while True:
                yield {}, await self.parcel([])
        else:
            for documents in getattr(self, attack)():
                yield {"documents": len(documents)}, await self.parcel(documents)


ATTACKS = (
    "letters", "parcels", "recalls", "refusals", "agreements", "malformed", "offers", "costly", "large", "kinds",
)  # fmt: skip


async def attacked(folder: Path, url: str, attack: str, seconds: float) -> dict[str, Any]:
    """Send for some seconds; what was sent, and what the last answer was."""
    sent: Counter[str] = Counter()
    last, home = "", Home(folder)
    async with offline_site(home) as site, aiohttp.ClientSession() as http:
        print("begun", flush=True)
        end = time.monotonic() + seconds
        async for said, body in HostilePeer(site, home).bodies(attack):
            if time.monotonic() >= end:
                break
            try:
                async with http.post(url + PATH, data=body) as answer:
                    text = (await answer.read())[:160].decode("utf-8", "replace")
                    last = f"{answer.status} {text if answer.status != 200 else ''}".strip()
                    sent[f"answered {answer.status}"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                sent["not answered"] += 1
                last = str(error)
            sent.update(said | {"parcels": 1, "bytes": len(body)})
    return dict(sent) | {"last answer": last}


def main() -> None:
    """Attack, and say what was sent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("home", type=Path)
    parser.add_argument("url")
    parser.add_argument("attack", choices=ATTACKS)
    parser.add_argument("seconds", type=float)
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(attacked(chosen.home, chosen.url, chosen.attack, chosen.seconds))))


if __name__ == "__main__":
    main()
