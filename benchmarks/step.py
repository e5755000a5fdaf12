"""What one no-op step between two sites costs, beside its floor and the alternatives.

    python -m benchmarks.step                                  # a table
    python -m benchmarks.step --json
    python -m benchmarks.step --peers peers/bin/python         # with Parsl and DBOS, see step_peers.py

Two site processes on loopback HTTP, as `yosegi site serve` runs them; all is durable and signed on both sides; the
owner runs each task in a process of its own. The floor does less: one bare HTTP POST of the size of a parcel, and one
write with fsync on each side.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.timings import Timings, tree_cpu
from yosegi.app.bootstrap import Founder, Plan, found
from yosegi.app.compose import compose
from yosegi.app.home import Home
from yosegi.app.serve import serve
from yosegi.core.clock import SystemClock
from yosegi.core.errors import YosegiError
from yosegi.core.states import Result
from yosegi.core.transport import HttpTransport
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.requests import Asked, RequestChanged
from yosegi.governance.charter.charter import Named, Team
from yosegi.services.runtime import Site
from yosegi.web import make_app

ROOT = Path(__file__).parent.parent
KINDS = Path(__file__).parent / "kinds"
"""An installed package, as far as entry points go, with a kind of engine to hold ours against."""
RESULTS = Path(__file__).parent / "results"
CHARTER, TEAM, WHO, REF = "bench", "bench-team", "pi@argonne", "riken/bench.noop@1"
FLIGHT = 64
PARCEL = 6000
"""Bytes of a parcel with one request."""


def plan(ports: tuple[int, int], kind: str = "process") -> Plan:
    """Two sites, one team, one agreement; the owner's engine is of a kind."""

    def settings(site: str, port: int, **more: object) -> dict[str, object]:
        address = f"127.0.0.1:{port}"
        return {"site": site, "title": site, "listen": address, "reach": "listens", "url": f"http://{address}", **more}

    work = {"engine": {"bench": {"kind": kind, "publish": ["benchmarks.noop:noop"], "slots": FLIGHT}}}
    return Plan(
        charter=CHARTER,
        title="A benchmark",
        team=Team(
            id=TEAM, title="Bench", lead="argonne", sites=("argonne", "riken"), people=(WHO,), focus_area="benchmarks"
        ),
        purposes=("research",),
        focus_areas=(Named(id="benchmarks", title="Benchmarks"),),
        founders=(
            Founder(settings("argonne", ports[0]), "US", {WHO: "member"}),
            Founder(settings("riken", ports[1], **work), "JP"),
        ),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- the owner, and the server of the floor: processes of their own ---------------------------------------------------


async def be_owner(home: Home, timings: Path | None) -> None:
    """Serve; with `timings`, SIGUSR1 begins a measurement and SIGUSR2 writes it."""
    if timings is not None:
        book = Timings()
        book.install()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, book.clear)
        loop.add_signal_handler(signal.SIGUSR2, lambda: timings.write_text(json.dumps(book.by_part()), "utf-8"))
    await serve(home)


async def be_floor(port: int, log: Path) -> None:
    """Answer each POST after one write and fsync."""
    with log.open("ab", buffering=0) as file:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            file.write(body)
            os.fsync(file.fileno())
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6000")]})
            await send({"type": "http.response.body", "body": bytes(PARCEL)})

        config = uvicorn.Config(
            app, port=port, log_level="warning", access_log=False, lifespan="off", interface="asgi3"
        )
        await uvicorn.Server(config).serve()


@contextlib.contextmanager
def process(*arguments: str) -> Any:
    """This program in another role."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(KINDS)))}
    # Not -m: each child of multiprocessing's fork server would run the main module again.
    program = "from benchmarks.step import main; main()"
    child = subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, cwd=ROOT)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


# -- measuring --------------------------------------------------------------------------------------------------------


async def one_at_a_time(action: Callable[[], Awaitable[object]], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await action()
        taken.append(time.perf_counter() - start)
    return taken


async def in_flight(action: Callable[[], Awaitable[object]], times: int) -> float:
    """Seconds for so many, 64 at any moment."""
    left = iter(range(times))

    async def work() -> None:
        for _ in left:
            await action()

    start = time.perf_counter()
    await asyncio.gather(*[work() for _ in range(FLIGHT)])
    return time.perf_counter() - start


class Asker:
    """Asks for steps in the home site's own process, and waits for their reports."""

    def __init__(self, site: Site) -> None:
        self._site, self._count = site, 0
        self._waiting: dict[str, asyncio.Future[Asked]] = {}

        def changed(event: RequestChanged) -> None:
            asked = event.asked
            future = self._waiting.get(asked.stream)
            if future is not None and asked.state.final and not future.done():
                future.set_result(asked)

        site.channels.events.subscribe(RequestChanged, changed)
        self._contract = site.catalogue.contract_of(CHARTER, REF)

    async def step(self) -> None:
        self._count += 1
        request = RequestDraft(
            charter=CHARTER,
            key=f"step-{self._count}",
            team=TEAM,
            on_behalf_of=WHO,
            purpose="research",
            capability=REF,
            contract=self._contract,
            inputs={"x": 0.5},
        )
        future = asyncio.get_running_loop().create_future()
        stream = f"request/riken/{request.key}"
        self._waiting[stream] = future
        await self._site.requests.ask(self._site.authorizer.authorize(request))
        asked = await future
        del self._waiting[stream]
        if asked.outcome is None or asked.outcome.result is not Result.VALID:
            raise RuntimeError(f"{stream} ended {asked.state}: {asked.outcome} {asked.reasons}")


@contextlib.asynccontextmanager
async def home_site(home: Home) -> AsyncIterator[Site]:
    """The home site, served from this process."""
    host, port = home.settings().host_and_port
    site = await compose(home)
    await site.start()
    config = uvicorn.Config(
        make_app(site), host=host, port=port, log_level="critical", access_log=False, lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield site
    finally:
        server.should_exit = True
        await serving
        await site.close()


async def until_offered(site: Site) -> Asker:
    for _ in range(600):
        with contextlib.suppress(YosegiError):
            return Asker(site)
        await asyncio.sleep(0.1)
    raise RuntimeError("the owner's offer never came")


async def measure_steps(folder: Path, steps: int, timed: bool, kind: str = "process") -> dict[str, Any]:
    os.environ["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(KINDS)))
    homes = await found(folder, plan((free_port(), free_port()), kind), SystemClock(), "a passphrase for nobody")
    book, written = Timings(), folder / "timings.json"
    arguments = ["--owner", str(homes["riken"].folder), *(["--timings", str(written)] if timed else [])]
    with process(*arguments) as owner:
        async with home_site(homes["argonne"]) as site:
            asker = await until_offered(site)
            await one_at_a_time(asker.step, 20)
            await in_flight(asker.step, FLIGHT * 2)
            if timed:
                book.install()
                owner.send_signal(signal.SIGUSR1)
                await asyncio.sleep(0.2)
            commits = site.ledger.statistics()
            used = tree_cpu(os.getpid()) - tree_cpu(owner.pid), tree_cpu(owner.pid)
            taken = await one_at_a_time(asker.step, steps)
            if timed:
                owner.send_signal(signal.SIGUSR2)
                while not written.exists():
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.1)
                return {"steps": steps, "home": book.by_part(), "owner": json.loads(written.read_text("utf-8"))} | {
                    "cpu": {
                        "home": tree_cpu(os.getpid()) - tree_cpu(owner.pid) - used[0],
                        "owner": tree_cpu(owner.pid) - used[1],
                    },
                    "wall": sum(taken),
                }
            after = tree_cpu(os.getpid()) - tree_cpu(owner.pid), tree_cpu(owner.pid)
            seconds = await in_flight(asker.step, steps * 2)
            end = tree_cpu(os.getpid()) - tree_cpu(owner.pid), tree_cpu(owner.pid)
            return {
                "median_ms": statistics.median(taken) * 1e3,
                "p95_ms": statistics.quantiles(taken, n=20)[-1] * 1e3,
                "fastest_ms": min(taken) * 1e3,
                "per_second": steps * 2 / seconds,
                "cpu_ms_alone": {
                    "home": (after[0] - used[0]) / steps * 1e3,
                    "owner": (after[1] - used[1]) / steps * 1e3,
                },
                "cpu_ms": {
                    "home": (end[0] - after[0]) / steps / 2 * 1e3,
                    "owner": (end[1] - after[1]) / steps / 2 * 1e3,
                },
                "ledger": {"before": dict(commits), "after": dict(site.ledger.statistics())},
            }


async def measure_floor(folder: Path, times: int) -> dict[str, Any]:
    port = free_port()
    with (
        process("--floor", str(port), str(folder / "floor.log")) as server,
        (folder / "mine.log").open("ab", 0) as file,
    ):
        async with HttpTransport() as transport:

            async def post() -> None:
                file.write(bytes(PARCEL))
                os.fsync(file.fileno())
                await transport.call(f"http://127.0.0.1:{port}/", bytes(PARCEL), timeout=30)

            for _ in range(600):
                with contextlib.suppress(YosegiError):
                    await post()
                    break
                await asyncio.sleep(0.1)
            await one_at_a_time(post, 20)
            taken = await one_at_a_time(post, times)
            used = tree_cpu(os.getpid())
            seconds = await in_flight(post, times * 2)
            used = tree_cpu(os.getpid()) - used
            _ = server
    return {
        "median_ms": statistics.median(taken) * 1e3,
        "p95_ms": statistics.quantiles(taken, n=20)[-1] * 1e3,
        "fastest_ms": min(taken) * 1e3,
        "per_second": times * 2 / seconds,
        "cpu_ms": used / times / 2 * 1e3,
    }


def measure_peer(python: Path, name: str, tasks: int) -> dict[str, Any]:
    """An alternative in its own environment; what went wrong, if it did."""
    script = str(Path(__file__).parent / "step_peers.py")
    path = f"{python.parent.absolute()}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PATH": path}
    try:
        done = subprocess.run(
            [str(python), script, name, str(tasks)], capture_output=True, text=True, timeout=300, env=environment,
            check=True,
        )  # fmt: skip
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return {"failed": str(error)[:200]}
    return result


# -- telling ----------------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    return {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "load_at_the_start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def measure(folder: Path, steps: int, peers: Path | None) -> dict[str, Any]:
    result: dict[str, Any] = {"machine": machine()}
    for number, name in enumerate(("floor", "step", "floor_again", "parts")):
        own = folder / str(number)
        own.mkdir()
        if name.startswith("floor"):
            result[name] = asyncio.run(measure_floor(own, steps))
        else:
            result[name] = asyncio.run(measure_steps(own, steps, timed=name == "parts"))
    result["machine"]["load_at_the_end"] = round(os.getloadavg()[0], 1)
    result["times_the_floor"] = result["step"]["median_ms"] / statistics.mean(
        [result["floor"]["median_ms"], result["floor_again"]["median_ms"]]
    )
    if peers is not None:
        result["peers"] = {
            name: measure_peer(peers, name, min(steps, 200)) for name in ("parsl-threads", "parsl-processes", "dbos")
        }
    return result


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    step, machine = result["step"], result["machine"]
    lines = [
        f"{machine['cpus']} cores, {machine['system']}, Python {machine['python']}; load average "
        f"{machine['load_at_the_start']} at the start and {machine['load_at_the_end']} at the end; {machine['when']}.",
        "",
        "| | median, one at a time | fastest | a second, 64 in flight | CPU each, 64 in flight |",
        "|---|--:|--:|--:|--:|",
    ]
    cpu = {"floor": result["floor"]["cpu_ms"], "floor_again": result["floor_again"]["cpu_ms"]}
    cpu["step"] = sum(step["cpu_ms"].values())
    rows = [("floor: bare POST, one fsync a side", result["floor"], cpu["floor"])]
    rows += [("**one step**", step, cpu["step"]), ("floor, once more", result["floor_again"], cpu["floor_again"])]
    rows += [(name, one, one.get("cpu_ms", 0.0)) for name, one in result.get("peers", {}).items()]
    for name, one, used in rows:
        if "failed" in one:
            lines.append(f"| {name} | did not run: {one['failed']} | | | |")
            continue
        fastest = f"{one['fastest_ms']:.1f} ms" if "fastest_ms" in one else ""
        lines.append(f"| {name} | {one['median_ms']:.1f} ms | {fastest} | {one['per_second']:.0f} | {used:.1f} ms |")
    lines += ["", f"A step takes {result['times_the_floor']:.1f} times the floor.", "", *_parts(result["parts"])]
    return "\n".join(lines) + "\n"


def _parts(parts: dict[str, Any]) -> list[str]:
    """Where the CPU time of a step goes, one at a time, at both sites."""
    steps = parts["steps"]
    names = sorted({*parts["home"], *parts["owner"]})
    lines = ["| one step, one at a time | calls home | calls owner | CPU home | CPU owner | wall home | wall owner |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|"]
    left = {side: parts["cpu"][side] for side in ("home", "owner")}
    for name in names:
        home, owner = parts["home"].get(name, (0, 0.0, 0.0)), parts["owner"].get(name, (0, 0.0, 0.0))
        left["home"] -= home[2]
        left["owner"] -= owner[2]
        cells = [f"{one[0] / steps:.1f}" for one in (home, owner)]
        cells += [f"{one[2] / steps * 1e3:.2f}" for one in (home, owner)]
        cells += [f"{one[1] / steps * 1e3:.2f}" for one in (home, owner)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    rest = [f"{left[side] / steps * 1e3:.2f}" for side in ("home", "owner")]
    lines.append(f"| the rest: HTTP, event loop, folds; at the owner also the children | | | {' | '.join(rest)} | | |")
    whole = [f"{parts['cpu'][side] / steps * 1e3:.2f}" for side in ("home", "owner")]
    lines.append(f"| all, ms (the timers themselves included) | | | {' | '.join(whole)} | | |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--steps", type=int, default=300, help="one at a time; twice as many in flight")
    parser.add_argument("--peers", type=Path, default=None, help="a Python that has parsl and dbos")
    parser.add_argument("--folder", type=Path, default=None, help="where to write (default: a temporary folder)")
    parser.add_argument("--save", type=Path, default=None, help=f"also write JSON there, e.g. {RESULTS / 'step.json'}")
    parser.add_argument("--owner", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--timings", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--floor", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.owner:
        asyncio.run(be_owner(Home(options.owner), options.timings))
    elif options.floor:
        asyncio.run(be_floor(int(options.floor[0]), Path(options.floor[1])))
    else:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            result = measure(Path(folder), options.steps, options.peers)
        if options.save:
            options.save.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
