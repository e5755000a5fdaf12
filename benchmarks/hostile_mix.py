"""What a hostile member sends in a long run: a seeded random mix of every kind of document, parcel, letter and call.

Used by `benchmarks.hostile_half_hour`, in a process of its own:

    PYTHONPATH=tests python -m benchmarks.hostile_mix HOME CONTACTS SECONDS SEED [--old-key FILE]

HOME is a member's that does not run; CONTACTS is a JSON file: the addresses of the sites attacked, and of itself, at
which it answers whoever calls it. Prints as JSON what was sent, and how it was answered.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.hostile_peer import CHARTER, HostilePeer
from federation.test_fuzzed_documents import VALUES, _fields, _places, _with
from processes.toys import simulate, use
from yosegi.app.compose import offline_site
from yosegi.app.home import Home
from yosegi.core import canonical
from yosegi.core.clock import timestamp
from yosegi.exchange import PATH
from yosegi.exchange.outbox import Outgoing, waiting
from yosegi.exchange.parcel import Mail, Parcel
from yosegi.exchange.peer_channel import Batch
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.statement import Statement
from yosegi.ledger import Draft, Write
from yosegi.services.document_kinds import TABLE
from yosegi.services.runtime import Site
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Request
from yosegi.trust.signer import Ed25519Signer, Signer
from yosegi.trust.token import Token

TARGET, OUTBOUND = "riken", "nims"
MEAN_PAUSE = 0.1
"""Seconds between two things that one of the senders sends, on average."""
SENDERS = 3
KEPT = 64
"""Things sent before of which one is sent again."""
FAR = (
    timedelta(minutes=10), timedelta(hours=3), timedelta(days=1), timedelta(days=20), timedelta(days=400),
)  # fmt: skip


class HostileMix(HostilePeer):
    """Makes what is sent, at random.

    Args:
        chance: decides what comes next.
        old: a key of this member's that was withdrawn; None before.
    """

    def __init__(self, site: Site, home: Home, chance: random.Random, old: Signer | None) -> None:
        super().__init__(site, home)
        self.chance, self.old, self.stranger = chance, old, Ed25519Signer.generate()
        self.founding = list(site.governance.documents(CHARTER))
        self.documents_before = deque[Envelope](maxlen=KEPT)
        self.parcels_before = deque[bytes](maxlen=KEPT)
        self.sent: Counter[str] = Counter()
        self.number = 1_000_000 * os.getpid()
        self._sent = {(out.to, out.id): out for out in waiting(site.ledger)}
        self._one_at_a_time = asyncio.Lock()

    # -- documents ------------------------------------------------------------------------------------------------

    def good(self, kind: type[Document], to: str) -> dict[str, Any]:
        """The fields of one of a kind that this member could honestly make."""
        self.number += 1
        if kind in (Charter, Statement, Agreement):
            ours = [one for one in self.founding if one.payload_type in kind.payload_types]
            found: dict[str, Any] = canonical.as_doubles(canonical.loads(self.chance.choice(ours).payload))
            return found
        now, name = self.site.clock.now(), self.site.name
        dates = {"issued": timestamp(now), "not_after": timestamp(now + timedelta(minutes=5))}
        if kind is Token:
            return {
                "charter": CHARTER, "issuer": name, "audience": to, "person": f"pi@{name}", "team": "toy-team",
                "mandate": f"m{self.number}", "holder": self.site.catalogue.signer.public.model_dump(mode="json"),
            } | dates  # fmt: skip
        text = json.dumps(_fields(kind.kind))
        for theirs, ours in (("argonne", name), ("riken", to), ("colour-team", "toy-team")):
            text = text.replace(theirs, ours)
        fields = {"charter": CHARTER, "sender": name, "to": to, "key": f"mix-{os.getpid()}-{self.number}"} | dates
        fields |= json.loads(text)
        if kind is Request:
            asked = self.chance.choice((simulate, use))
            fields |= {
                "capability": f"{TARGET}/{asked.contract.name}", "contract": asked.contract.digest,
                "inputs": {"x": round(self.chance.random(), 3)},
                "conduct": self.chance.choice(("run", "suggest", "approve")),
            }  # fmt: skip
        for name_of in ("mandate", "subject", "sample"):
            if self.chance.random() < 0.5 and isinstance(fields.get(name_of), str):
                fields[name_of] = self._another(name_of, fields[name_of])
        return fields

    def _another(self, field: str, value: str) -> str:
        """About something else than the last of the kind."""
        if field == "subject":
            return f"sha256:{self.number:064x}"
        return f"{value}-{self.number}"

    def bent(self, fields: Any) -> Any:
        """The same with something wrong in it, more often than not."""
        how = self.chance.random()
        if how < 0.3 or not isinstance(fields, dict):
            return fields
        if how < 0.7:
            place = self.chance.choice(list(_places(fields)))
            return _with(fields, place, self.chance.choice((*VALUES, "x" * 5000, 10**15, "\u202eabc", "../../etc")))
        if how < 0.85:
            return fields | self._dated()
        if how < 0.95:
            return fields | {self.chance.choice(("sender", "to", "charter", "issuer", "site")): "argonne"}
        return fields | {"unknown": self.chance.choice(VALUES)}

    def _dated(self) -> dict[str, str]:
        """Dates far ahead, far behind, of the first and the last year, or that end before they begin."""
        now: datetime = self.site.clock.now()
        far = self.chance.choice(FAR) * self.chance.choice((1, -1))
        begins, lasts = now + far, self.chance.choice((timedelta(minutes=5), timedelta(days=300), -timedelta(hours=1)))
        moments = (timestamp(begins), timestamp(begins + lasts), "0001-01-01T00:00:00.000000Z",
                   "9999-12-31T23:59:59.999999Z", timestamp(now))  # fmt: skip
        if self.chance.random() < 0.3:
            return {"issued": self.chance.choice(moments), "not_after": self.chance.choice(moments)}
        return {"issued": moments[0], "not_after": moments[1]}

    def signers(self, kind: type[Document]) -> tuple[Signer, ...]:
        """Whose keys sign: mostly the right ones."""
        own = self.governance if kind in (Charter, Statement, Agreement) else (self.site.catalogue.signer,)
        how = self.chance.random()
        if how < 0.1 and self.old is not None:
            return (self.old,)
        if how < 0.15:
            return (self.stranger,)
        return (*own, self.stranger) if how < 0.18 else tuple(own)

    def one(self, to: str) -> Envelope:
        """One document of any kind."""
        if self.documents_before and self.chance.random() < 0.05:
            self.sent["documents sent before"] += 1
            return self.chance.choice(self.documents_before)
        kind = self.chance.choice(TABLE).document
        self.sent[f"of the kind {kind.kind}"] += 1
        fields = self.bent(self.good(kind, to))
        if self.chance.random() < 0.02:
            fields = self.chance.choice(VALUES)
        made = Envelope.sign(self.chance.choice(kind.payload_types), canonical.dumps(fields), *self.signers(kind))
        self.documents_before.append(made)
        return made

    # -- parcels --------------------------------------------------------------------------------------------------

    async def load(self, to: str, *, letter: bool = False) -> bytes:
        """A parcel with some documents for a site; mostly a good one."""
        channel = self.site.channels.channel(CHARTER, to)
        outs = await self._recorded(to, [self.one(to) for _ in range(self.chance.choice((0, 1, 1, 3, 10, 40)))])
        self.sent["documents"] += len(outs)
        lifetime = timedelta(days=7) if letter else timedelta(minutes=2)
        codec = self.site.exchange._codec  # noqa: SLF001 - what an honest program never lets out
        packed = codec.pack(channel, Batch(messages=tuple(outs)), lifetime=lifetime)
        if self.chance.random() < 0.8:
            return bytes(packed.to_bytes())
        fields = canonical.as_doubles(canonical.loads(packed.payload))
        signer = self.chance.choice(self.signers(Parcel))
        return bytes(Envelope.sign(packed.payload_type, canonical.dumps(self.bent(fields)), signer).to_bytes())

    async def parcel(self, documents: list[Envelope], mail: tuple[Mail, ...] = ()) -> bytes:
        """One parcel with these for the site that listens; each stands in this member's ledger once."""
        outs = await self._recorded(TARGET, documents)
        codec = self.site.exchange._codec  # noqa: SLF001 - what an honest program never lets out
        channel = self.site.channels.channel(CHARTER, TARGET)
        return bytes(codec.pack(channel, Batch(messages=tuple(outs)), mail=mail).to_bytes())

    async def _recorded(self, to: str, documents: list[Envelope]) -> list[Outgoing]:
        """Documents as they stand in this member's own ledger, each once."""
        async with self._one_at_a_time:
            new = {one.payload_digest: one for one in documents if (to, one.payload_digest) not in self._sent}
            if new:
                drafts = tuple(
                    Draft("evil.sent", {"send": self._send(to, one)}, {"document": one.plain}) for one in new.values()
                )
                entries = await self.site.ledger.append(
                    Write("evil", None, drafts, charter=CHARTER, actor=self.site.name)
                )
                for digest, entry in zip(new, entries, strict=True):
                    self._sent[to, digest] = Outgoing(digest, CHARTER, to, "evil", entry.sequence)
        return [self._sent[to, one.payload_digest] for one in documents]

    def _send(self, to: str, document: Envelope) -> Any:
        """What a receipt says of a document; now and then something else than is sent."""
        good = {"to": to, "id": document.payload_digest, "topic": f"evil-{self.number}"}
        self.number += 1
        other = self.chance.choice(({"to": "argonne"}, {"to": self.number}, {"id": f"x{self.number}"}))
        return good | other if self.chance.random() < 0.02 else good

    async def letters(self) -> bytes:
        """A parcel with mail for the member that dials out: good, old, garbage, or in another's name."""
        mail = []
        for _ in range(self.chance.choice((1, 1, 4, 64))):
            self.number += 1
            how = self.chance.random()
            sender, to = self.site.name, OUTBOUND
            inner = b"rubbish" if how < 0.3 else await self.load(OUTBOUND, letter=how < 0.8)
            key = self.site.registry.sealing_key_of(CHARTER, TARGET if how > 0.95 else OUTBOUND)
            context = f"{sender}/{to}".encode() if how > 0.9 else _context(sender, to)
            box = key.seal(inner, context=context)
            if self.chance.random() < 0.02:
                sender = "argonne"
            mail.append(Mail(sender=sender, to=to, id=f"mix-{os.getpid()}-{self.number}", box=box))
            if len(mail) >= 8 and how >= 0.3:
                break
        self.sent["letters"] += len(mail)
        codec = self.site.exchange._codec  # noqa: SLF001 - what an honest program never lets out
        channel = self.site.channels.channel(CHARTER, TARGET)
        return bytes(codec.pack(channel, Batch(), mail=tuple(mail)).to_bytes())

    def garbage(self) -> bytes:
        """A body that is no parcel."""
        deep, before = self.chance.choice((10, 5000)), self.parcels_before
        choices = [
            b"", b"{", b"null", b"[" * deep, b"\xff\xfe" * 100, b'{"payload":1}', b'{"a":1,"a":2}', b'{"x":1e400}',
            b'{"x":"\\ud800"}', os.urandom(200), b'{"b":1},' * 60_000, b" " * 1_000_000,
        ]  # fmt: skip
        if before:
            old = self.chance.choice(before)
            place = self.chance.randrange(len(old))
            choices += [old, old, old[:place], old[:place] + b"x" + old[place + 1 :]]
        return self.chance.choice(choices)

    async def attack(self) -> bytes:
        """One of the ten attacks of `benchmarks.hostile_peer`, one parcel of it."""
        name = self.chance.choice(("recalls", "refusals", "agreements", "malformed", "offers", "large", "kinds"))
        self.sent[f"parcels of {name}"] += 1
        documents = next(getattr(self, name)())
        self.sent["documents"] += len(documents)
        return await self.parcel(documents)

    async def body(self) -> bytes:
        """What is posted next at the site that listens."""
        how = self.chance.random()
        if how < 0.6:
            made = await self.load(TARGET)
        elif how < 0.8:
            made = await self.letters()
        elif how < 0.85:
            made = await self.attack()
        else:
            self.sent["garbage and parcels sent before"] += 1
            return self.garbage()
        self.parcels_before.append(made)
        return made


def _context(sender: str, to: str) -> bytes:
    from yosegi.exchange.sender import _mail_context

    return _mail_context(sender, to)


class AnswersBadly:
    """Answers whoever calls this member: with a parcel of the mix, garbage, an error, much, or not at all."""

    def __init__(self, mix: HostileMix) -> None:
        self.mix = mix

    async def __call__(self, request: web.Request) -> web.Response:
        """One answer."""
        await request.read()
        chance, self.mix.sent["calls answered"] = self.mix.chance, self.mix.sent["calls answered"] + 1
        how = chance.random()
        if how < 0.5:
            return web.Response(body=await self.mix.load(TARGET), content_type="application/json")
        if how < 0.7:
            return web.Response(body=self.mix.garbage())
        if how < 0.8:
            return web.Response(status=chance.choice((204, 301, 400, 404, 500, 503)), headers={"Location": "/"})
        if how < 0.85:
            return web.Response(body=bytes(8_000_000))
        if how < 0.9:
            await asyncio.sleep(20)
        return web.Response(text=chance.choice(('{"reason":"x"}', "[]", '{"code":{}}', "null")), status=409)


async def called(mix: HostileMix, http: aiohttp.ClientSession, url: str) -> None:
    """One call of the API and pages as a stranger, with something of any JSON type."""
    chance = mix.chance
    path = chance.choice(
        ("/api/v1/session", "/api/v1/campaigns", "/api/v1/requests", "/sign-in", "/api/v1/site", "/live", "/metrics",
         "/api/v1/session/key", "/api/v1/objects", "/api/v1/mandates", "/device")
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {chance.choice(('x', 'a.b.c', 'é', ''))}"}
    body = chance.choice((*(json.dumps(one).encode() for one in VALUES), b'{"a":1,"a":2}', b"[" * 9000))
    method = chance.choice(("GET", "POST", "PUT", "DELETE"))
    async with http.request(method, url + path, data=body, headers=headers, allow_redirects=False) as answer:
        await answer.content.read(100_000)
        mix.sent[f"API answered {answer.status}"] += 1


async def sends(mix: HostileMix, url: str, end: float) -> None:
    """One sender, until the end."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        while time.monotonic() < end:
            try:
                if mix.chance.random() < 0.1:
                    await called(mix, http, url)
                else:
                    async with http.post(url + PATH, data=await mix.body()) as answer:
                        await answer.read()
                        mix.sent[f"answered {answer.status}"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                mix.sent[f"not answered: {type(error).__name__}"] += 1
            await asyncio.sleep(mix.chance.expovariate(1 / MEAN_PAUSE))


async def attacked(
    folder: Path, urls: Mapping[str, str], seconds: float, seed: int, old: Path | None
) -> dict[str, Any]:
    """Send for some seconds, and answer who calls; what was sent."""
    home = Home(folder)
    async with offline_site(home) as site, contextlib.AsyncExitStack() as stack:
        mix = HostileMix(site, home, random.Random(seed), Ed25519Signer.load(old) if old else None)
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", AnswersBadly(mix))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        host, _, port = urls[site.name].removeprefix("http://").rpartition(":")
        await web.TCPSite(runner, host, int(port), shutdown_timeout=1).start()
        print("begun", flush=True)
        end = time.monotonic() + seconds
        if old is not None:
            # Who states new keys brings the statement along, and nothing is believed without it.
            stated = [one for one in mix.founding if one.payload_type in Statement.payload_types]
            await _post(urls[TARGET], await mix.parcel(stated))
        await asyncio.gather(*(sends(mix, urls[TARGET], end) for _ in range(SENDERS)))
        return dict(sorted(mix.sent.items()))


async def _post(url: str, body: bytes) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with aiohttp.ClientSession() as http, http.post(url + PATH, data=body) as answer:
            await answer.read()


def main() -> None:
    """Attack, and say what was sent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("home", type=Path)
    parser.add_argument("contacts", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("--old-key", type=Path)
    chosen = parser.parse_args()
    urls = json.loads(chosen.contacts.read_text("utf-8"))
    print(json.dumps(asyncio.run(attacked(chosen.home, urls, chosen.seconds, chosen.seed, chosen.old_key))))


if __name__ == "__main__":
    main()
