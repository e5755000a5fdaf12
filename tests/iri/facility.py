"""One site in simulated surroundings, served on loopback with the facility API beside its pages."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import uvicorn

from federation.toys import Value as Told
from federation.toys import X, make, measure, simulate
from web.house import PASSPHRASE, STORED, FreshLoop
from web.plain import PLAIN
from yosegi.app.faces import Faces
from yosegi.core.capability import capability, quantity
from yosegi.governance.charter.statement import Listens
from yosegi.identity.accounts import Account
from yosegi.iri import make_iri_app
from yosegi.services.runtime import Site
from yosegi.testing.federation import Federation, Place, address
from yosegi.web import make_app

T = TypeVar("T")
NAME = "argonne"
PROJECT = "demo.colour-team"


@capability(
    "toy.beam@1", kind="instrument", effect="consuming", field="toys", simulated=True, approval=True,
    cost={"instrument_h": "1"},
)  # fmt: skip
def beam(x: X) -> Told:
    """Use beam time, once a person has approved it."""
    return Told(x)


@capability("toy.slow@1", kind="simulation", effect="pure", field="toys", simulated=True, cost={"node_h": "2"})
def slow(x: Annotated[float, quantity("1")]) -> Told:
    """Takes as long as every task here."""
    return Told(x)


def place(**how: Any) -> Place:
    fields: dict[str, Any] = {
        "capabilities": [simulate, make, measure, beam, slow],
        "grant": {"samples": "40", "node_h": "100", "instrument_h": "5"},
        "duration": 0.02,
    }
    return Place(NAME, Listens(url=address(NAME)), "US", **(fields | how))


@dataclass(repr=False)
class Facility:
    """The site, its loop in a thread, and its server."""

    federation: Federation
    loop: asyncio.AbstractEventLoop
    port: int = 0

    @property
    def site(self) -> Site:
        return self.federation.places[NAME].running

    @property
    def url(self) -> str:
        """The address that clients of the facility API are given."""
        return f"http://127.0.0.1:{self.port}/iri"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def call(self, work: Callable[[], T]) -> T:
        async def there() -> T:
            return work()

        return self.do(there())

    async def open(self) -> None:
        site = await self.federation.restart(NAME)
        roles = {"pi": "member", "operator": "operator", "stranger": "member"}
        site.authenticator.accounts = {
            f"{who}@{NAME}": Account(person=f"{who}@{NAME}", role=role, passphrase=STORED)  # type: ignore[arg-type]
            for who, role in roles.items()
        }
        listener = socket.socket()
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        app = Faces(make_app(site), {"/iri": make_iri_app(site)})
        config = uvicorn.Config(app, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.serving = asyncio.ensure_future(self.server.serve([listener]))

    async def close(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        await self.serving
        await self.federation.crash(NAME)

    def token(self, who: str = "pi") -> str:
        person = {"person": f"{who}@{NAME}", "passphrase": PASSPHRASE}
        there = f"http://127.0.0.1:{self.port}/api/v1/session"
        return str(httpx.post(there, json=person, trust_env=False, verify=PLAIN, timeout=60).json()["token"])

    @contextmanager
    def caller(self, who: str = "pi") -> Iterator[httpx.Client]:
        """A client below `/iri/api/v2`; of nobody, if nobody is named."""
        headers = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
        there = f"{self.url}/api/v2"
        with httpx.Client(base_url=there, headers=headers, timeout=60, trust_env=False, verify=PLAIN) as client:
            yield client

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until something has come true that a call tells."""
        end = time.monotonic() + 60
        while not done():
            assert time.monotonic() < end, "it has not come true"
            time.sleep(0.01)


@contextmanager
def opened(**how: Any) -> Iterator[Facility]:
    """A facility of one site."""
    loop = FreshLoop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with tempfile.TemporaryDirectory() as folder:
        facility = Facility(Federation({NAME: place(**how)}, Path(folder)), loop)
        facility.do(facility.open())
        try:
            yield facility
        finally:
            facility.do(facility.close())
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


def specification(x: float = 0.5, **how: Any) -> dict[str, Any]:
    """A job as a client of this site writes it."""
    attributes = {"account": PROJECT, "custom_attributes": {"inputs": f'{{"x": {x}}}', "purpose": "research"}}
    return {"executable": "toy.simulate@1", "name": "a job", "attributes": attributes} | how
