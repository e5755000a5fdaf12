"""What a bystander notices while strangers and one careless member use up what a site has.

    PYTHONPATH=tests python -m benchmarks.strangers

One site in a process of its own. Every quarter of a second a member asks for the list of campaigns, as a bystander;
its calls are timed while nothing else happens, and while, one after another:

- one member opens 500 event streams;
- 3,000 connections send half a head and nothing more;
- 64 strangers sign in wrongly as that member, as fast as they are answered;
- the process has no file descriptor left (it is allowed 300, and 400 connections are opened).

Then a member with valid keys attacks the site that keeps mail and owns capabilities, and the one that dials out
(`benchmarks/hostile_peer.py`, one process for each attack, as fast as it is answered): mail that opens for nobody,
empty parcels, questions for receipts, requests that must be refused, agreements that it alone has signed, malformed
documents and schemas, a thousand contracts in one document, documents of very many values, large requests, and every
other kind of document. The bystander calls the site that reads or keeps them.

Shown: the median and the slowest call of the bystander, in milliseconds; how many of its calls were answered; how many
streams and connections were taken; whether the member signs in rightly meanwhile; bytes of log a second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.hostile_peer import ATTACKS
from processes.sites import PASSPHRASE, Town

PERSON = "pi@argonne"
EVERY = 0.25
"""Seconds between two calls of the bystander."""
Attack = Callable[["Strangers"], contextlib.AbstractAsyncContextManager[dict[str, Any]]]


class Strangers:
    """The site, and who calls it.

    Args:
        town: of which the site runs.
        seconds: that each attack lasts.
        site: which is attacked.
    """

    def __init__(self, town: Town, http: aiohttp.ClientSession, seconds: float, site: str = "argonne") -> None:
        self.town, self.http, self.seconds, self.site = town, http, seconds, site
        self.person = PERSON if site == "argonne" else f"operator@{site}"
        self.url = town.urls[site]
        self.host, _, port = self.url.removeprefix("http://").rpartition(":")
        self.port = int(port)

    async def token(self) -> str:
        """A sign-in that is right; empty where it is refused."""
        body = {"person": self.person, "passphrase": PASSPHRASE}
        async with self.http.post(f"{self.url}/api/v1/session", json=body) as answer:
            return str((await answer.json()).get("token", "")) if answer.status == 200 else ""

    async def measured(self, attack: Attack | None, token: str) -> dict[str, Any]:
        """The bystander's calls during an attack."""
        log = self.town.folder / f"{self.site}.log"
        before, kept, resident = log.stat().st_size, self._ledger_bytes(), self._resident()
        async with contextlib.AsyncExitStack() as stack:
            told = await stack.enter_async_context(attack(self)) if attack is not None else {}
            began, took, failed = time.monotonic(), list[float](), 0
            while time.monotonic() - began < self.seconds:
                at = time.monotonic()
                try:
                    headers = {"Authorization": f"Bearer {token}"}
                    async with self.http.get(f"{self.url}/api/v1/campaigns", headers=headers) as answer:
                        await answer.read()
                        failed += answer.status != 200
                    took.append(1000 * (time.monotonic() - at))
                except (aiohttp.ClientError, TimeoutError):
                    failed += 1
                await asyncio.sleep(EVERY)
            told["signs in meanwhile"] = bool(await self._may_sign_in())
        return {
            "calls": len(took) + failed,
            "not answered": failed,
            "median ms": round(statistics.median(took), 1) if took else None,
            "95 of 100 ms": round(sorted(took)[int(0.95 * len(took))], 1) if took else None,
            "above 100 ms": sum(one > 100 for one in took),
            "load": round(os.getloadavg()[0], 1),
            "slowest ms": round(max(took), 1) if took else None,
            "log bytes a second": round((log.stat().st_size - before) / self.seconds),
            "ledger grew by bytes": self._ledger_bytes() - kept,
            "memory grew by MB": round((self._resident() - resident) / 1024**2, 1),
        } | told

    def _ledger_bytes(self) -> int:
        """Of the ledger's file and what is not in it yet."""
        folder = self.town.folder / self.site
        return sum(file.stat().st_size for file in folder.glob("ledger.db*"))

    def _resident(self) -> int:
        """Bytes of memory that the site's own process holds."""
        pages = Path(f"/proc/{self.town.pid(self.site)}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def _may_sign_in(self) -> str:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            return await self.token()
        return ""


@contextlib.asynccontextmanager
async def streams(here: Strangers) -> AsyncIterator[dict[str, Any]]:
    """One member opens 500 pages that are kept up to date."""
    jar = aiohttp.CookieJar(unsafe=True)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as member:
        form = {"person": PERSON, "passphrase": PASSPHRASE}
        async with member.post(f"{here.url}/sign-in", data=form) as answer:
            await answer.read()
        answers = await asyncio.gather(*(member.get(f"{here.url}/live") for _ in range(500)), return_exceptions=True)
        open_ = [one for one in answers if isinstance(one, aiohttp.ClientResponse) and one.status == 200]
        try:
            yield {"asked": 500, "taken": len(open_)}
        finally:
            for one in answers:
                if isinstance(one, aiohttp.ClientResponse):
                    one.close()


@contextlib.asynccontextmanager
async def connected(here: Strangers, count: int) -> AsyncIterator[dict[str, Any]]:
    """So many connections that send half a head."""
    writers = list[asyncio.StreamWriter]()

    async def one() -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(here.host, here.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
            writers.append(writer)

    for _ in range(0, count, 100):
        await asyncio.gather(*(one() for _ in range(100)))
    try:
        yield {"asked": count, "connected": len(writers)}
    finally:
        for writer in writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def guesses(here: Strangers) -> AsyncIterator[dict[str, Any]]:
    """64 strangers sign in wrongly as the member, from other addresses of this machine."""
    told: dict[str, Any] = {"asked": 0, "told to wait": 0}

    async def stranger(number: int) -> None:
        connector = aiohttp.TCPConnector(local_addr=(f"127.0.1.{number + 1}", 0))
        async with aiohttp.ClientSession(connector=connector) as http:
            while True:
                body = {"person": PERSON, "passphrase": f"guess {told['asked']}"}
                told["asked"] += 1
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with http.post(f"{here.url}/api/v1/session", json=body) as answer:
                        told["told to wait"] += answer.status == 503
                await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(stranger(number)) for number in range(64)]
    try:
        yield told
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def hostile(what: str) -> Attack:
    """A member that does not mean well, in a process of its own that leaves processor time to others."""

    @contextlib.asynccontextmanager
    async def attack(here: Strangers) -> AsyncIterator[dict[str, Any]]:
        told: dict[str, Any] = {}
        home, url = here.town.homes["argonne"].folder, here.town.urls["riken"]
        process = await asyncio.create_subprocess_exec(
            "nice", "-n", "10", sys.executable, "-m", "benchmarks.hostile_peer", str(home), url, what,
            str(here.seconds), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        await process.stdout.readline()  # it has read its home, and sends from now on
        try:
            yield told
        finally:
            out, _ = await process.communicate()
            told["sent"] = json.loads(out) if out else f"it ended with {process.returncode}"

    return attack


async def told_of(
    town: Town, seconds: float, attacks: dict[str, Attack | None], site: str = "argonne"
) -> dict[str, Any]:
    """Each attack, with what was measured."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        here = Strangers(town, http, seconds, site)
        token = await here.token()
        found = {}
        for name, attack in attacks.items():
            found[name] = await here.measured(attack, token)
            print(f"{name}: {json.dumps(found[name])}", file=sys.stderr, flush=True)
        return found


def _chosen(attacks: dict[str, Attack | None], only: str) -> dict[str, Attack | None]:
    """Those that were asked for, and the same calls without any."""
    return {name: attack for name, attack in attacks.items() if attack is None or only in name}


def main() -> None:
    """Measure, and print a table as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each attack lasts")
    parser.add_argument("--only", default="", help="attacks whose names hold this, e.g. member; all if nothing is said")
    chosen = parser.parse_args()
    found: dict[str, Any] = {"load": os.getloadavg()}
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder) / "town")
        try:
            town.start("argonne")
            attacks: dict[str, Attack | None] = {
                "nothing": None,
                "500 streams of one member": streams,
                "3000 half heads": lambda here: connected(here, 3000),
                "64 strangers who guess": guesses,
            }
            attacks = _chosen(attacks, chosen.only)
            found |= asyncio.run(told_of(town, chosen.seconds, attacks))
            town.terminate("argonne")
            town.start("riken", "nims")
            members = {"no member attacks": None} | {f"member: {what}": hostile(what) for what in ATTACKS}
            members = _chosen(members | {"no member attacks, once more": None}, chosen.only)
            found |= asyncio.run(told_of(town, chosen.seconds, members, "riken"))
            mail: dict[str, Attack | None] = {"mail, seen by whom it is for": hostile("letters")}
            found |= asyncio.run(told_of(town, chosen.seconds, mail, "nims"))
            town.start("argonne", most_files=300)
            few: dict[str, Attack | None] = {"300 files, 400 connections": lambda here: connected(here, 400)}
            found |= asyncio.run(told_of(town, chosen.seconds, few))
        finally:
            town.end()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
