"""A federation in one process whose sites are served on loopback, so that a real browser can look at them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import uvicorn

from federation.toys import make, simulate
from web.plain import PLAIN
from yosegi.app.faces import with_agents
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.capability import capability, quantity
from yosegi.core.capability import sample as physical
from yosegi.core.engine import Outcome, Progress, Work
from yosegi.core.errors import YosegiError
from yosegi.core.states import Effect
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.identity.accounts import Account
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import EPOCH, SimulatedClock
from yosegi.web import make_app

T = TypeVar("T")
PASSPHRASE = "correct horse battery"
_KEY = hashlib.scrypt(PASSPHRASE.encode(), salt=bytes(16), n=16, r=8, p=1, dklen=32)
STORED = f"scrypt$ln=4,r=8,p=1${base64.b64encode(bytes(16)).decode()}${base64.b64encode(_KEY).decode()}"
"""Cheap to check: tests sign in often."""
MARKUP = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'

RULE = """\
@id("no-teaching")
@reason("The robot is kept for research.")
@reason_ja("ロボットは研究専用です。")
@contact("operator@nims")
forbid (principal, action, resource)
when { context.purpose == "teaching" && resource.effect == "consuming" };
"""

SPEC = """
name = "NAME"
title = "Toy <b>bold</b>"
question = "Which x?"
charter = "demo"
team = "colour-team"
on_behalf_of = "pi@argonne"
purpose = "PURPOSE"
planner = "sobol"
parallel = 2
parameter = [{ name = "x", low = 0.0, high = 0.9, resolution = 0.001 }]
objective = { name = "y" }
stop = { trials = TRIALS }
baseline = { description = "by hand", trials = 100 }
budget = { samples = "1000" }

[[source]]
name = "experiment"
price = 10.0
step = [
  { name = "make", capability = "nims/toy.make@1" },
  { name = "measure", capability = "nims/toy.measure@1", bind = { sample = "make.sample" } },
]

[[source]]
name = "simulation"
price = 1.0
step = [{ name = "simulate", capability = "riken/toy.simulate@1" }]
"""


@dataclass(frozen=True)
class Shouted:
    y: Annotated[float, quantity("1")]
    note: str


@capability("toy.measure@1", kind="instrument", effect="idempotent", field="toys", simulated=True)
def measure(sample: Annotated[str, physical()]) -> Shouted:
    """Look at a sample, and answer with markup where text is expected."""
    return Shouted((float(sample[2:]) - 0.35) ** 2, MARKUP)


class FreshLoop(asyncio.SelectorEventLoop):
    """A loop whose time begins at nought, so that the federation's documents are in force however old the machine."""

    _zero = 0.0

    def __init__(self) -> None:
        super().__init__()
        self._zero = super().time()

    def time(self) -> float:
        return super().time() - self._zero


class ThreadClock(SimulatedClock):
    """The loop's clock, for threads beside it: passphrases are checked in one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()


def spec(name: str = "toy", trials: int = 3, purpose: str = "research") -> str:
    return SPEC.replace("NAME", name).replace("TRIALS", str(trials)).replace("PURPOSE", purpose)


def places() -> dict[str, Place]:
    return {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[simulate], duration=0.02),
        "nims": Place(
            "nims",
            Outbound(mailbox="argonne"),
            capabilities=[make, measure],
            grant={"samples": "900"},
            rules={"teaching.cedar": RULE},
            duration=0.02,
        ),
    }


@dataclass(repr=False)
class House:
    """The federation, its loop in a thread, and a server for every site."""

    federation: Federation
    loop: asyncio.AbstractEventLoop
    ports: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Keys of tasks whose effect nobody will know."""
    _servers: dict[str, tuple[uvicorn.Server, asyncio.Task[None]]] = field(default_factory=dict)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def url(self, site: str = "argonne") -> str:
        return f"http://127.0.0.1:{self.ports[site]}"

    async def open(self) -> None:
        for name in self.federation.places:
            await self.up(name)
        home = self.federation.places["argonne"].running
        offered = sum(len(place.capabilities) for place in self.federation.places.values() if place.name != "argonne")
        while len([one for one in home.catalogue.listings() if not one.ref.startswith("argonne/")]) < offered:
            await asyncio.sleep(0.02)

    async def up(self, name: str) -> None:
        """Start a site and serve it where it was served before."""
        site = await self.federation.restart(name)
        roles = {"pi": "member", "operator": "operator", "officer": "officer"}
        site.authenticator.accounts = {
            f"{who}@{name}": Account(person=f"{who}@{name}", role=role, passphrase=STORED)  # type: ignore[arg-type]
            for who, role in roles.items()
        }
        self._lose(name)
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.ports.get(name, 0)))
        self.ports[name] = listener.getsockname()[1]
        app = with_agents(make_app(site), site, [self.url(name)])
        config = uvicorn.Config(app, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        self._servers[name] = (server, asyncio.ensure_future(server.serve([listener])))

    def _lose(self, name: str) -> None:
        engine = self.federation.places[name].engine
        assert engine is not None
        run = engine.run

        async def run_or_lose(work: Work, progress: Callable[[Progress], None]) -> Outcome:
            if "make" in work.capability and self.lost:
                self.lost.clear()
                return Outcome.failed(Effect.UNKNOWN, "station_restarted", "in the middle of <i>dispensing</i>")
            return await run(work, progress)

        engine.run = run_or_lose  # type: ignore[method-assign]

    async def down(self, name: str) -> None:
        """Kill a site: no server answers, and nothing in memory survives."""
        server, serving = self._servers.pop(name)
        server.should_exit = server.force_exit = True
        await serving
        await self.federation.crash(name)

    async def close(self) -> None:
        for name in list(self._servers):
            await self.down(name)

    # -- what tests do ------------------------------------------------------------------------------------------------

    def begin(self, text: str) -> None:
        home = self.federation.places["argonne"].running
        self.do(home.campaigns.start(parse_spec(text), self.federation.member()))

    def campaign(self, name: str = "toy") -> Campaign:
        async def get() -> Campaign:
            return self.federation.places["argonne"].running.campaigns.get(name)

        return self.do(get())

    def notices(self, site: str) -> list[Any]:
        """What only a person can mend there now."""

        async def get() -> list[Any]:
            return list(self.federation.places[site].running.alerts.open())

        return self.do(get())

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until something the sites do has come true."""

        async def wait() -> None:
            async with asyncio.timeout(30):
                while not self._true(done):
                    await asyncio.sleep(0.02)

        self.do(wait())

    def _true(self, done: Callable[[], bool]) -> bool:
        try:
            return done()
        except (YosegiError, RuntimeError):
            return False

    def until_over(self, name: str = "toy") -> None:
        self.until(lambda: self.federation.places["argonne"].running.campaigns.get(name).state.final)

    @contextmanager
    def visitor(self, site: str = "argonne", who: str = "") -> Iterator[httpx.Client]:
        """A browser without scripts; signed in if it is somebody."""
        with httpx.Client(
            base_url=self.url(site), follow_redirects=True, timeout=60, trust_env=False, verify=PLAIN
        ) as client:
            if who:
                answer = client.post("/sign-in", data={"person": f"{who}@{site}", "passphrase": PASSPHRASE})
                assert answer.status_code == 200, answer.text
            yield client


@contextmanager
def opened(sites: dict[str, Place] | None = None, **how: Any) -> Iterator[House]:
    """A house of these sites, three that mean well if none are given, and of a federation like this."""
    loop = FreshLoop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(sites or places(), Path(folder), purposes=("research", "teaching"), **how)
        house = House(federation, loop)
        house.do(house.open())
        try:
            yield house
        finally:
            house.do(house.close())
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


__all__ = ["MARKUP", "PASSPHRASE", "House", "opened", "spec"]
