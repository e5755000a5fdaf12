"""A small federation of real processes: founded in a folder, started on free ports, always ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from yosegi.app.bootstrap import Founder, Plan, found
from yosegi.app.stations import make_station, station_table
from yosegi.client.client import CampaignHandle, Client, connect
from yosegi.core.clock import SystemClock
from yosegi.core.errors import YosegiError
from yosegi.governance.charter.charter import Team
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

TESTS = Path(__file__).parent.parent
PASSPHRASE = "correct horse battery staple"
ROBOT = ("processes.toys:make", "processes.toys:measure", "processes.toys:shoot")
PATIENCE = 100.0
"""Seconds that something may take on a busy machine; no test is about how long."""

ROBOT_SOURCE = """
[[source]]
name = "robot"
price = 10.0
step = [
  { name = "make", capability = "nims/toy.make@1" },
  { name = "measure", capability = "nims/toy.measure@1", bind = { sample = "make.sample" } },
]
"""
PROCESS_SOURCE = """
[[source]]
name = "process"
price = 10.0
step = [{ name = "use", capability = "riken/toy.use@1" }]
"""
SHOOT_SOURCE = """
[[source]]
name = "shoot"
price = 10.0
step = [{ name = "shoot", capability = "SITE/toy.shoot@1" }]
"""
PURE_SOURCE = """
[[source]]
name = "simulation"
price = 1.0
step = [{ name = "simulate", capability = "riken/toy.simulate@1" }]
"""
TABLE_SOURCE = """
[[source]]
name = "table"
price = 1.0
step = [{ name = "tabulate", capability = "riken/toy.table@1" }]
"""


def free_ports(count: int) -> list[int]:
    """Ports in a row that nobody listens at now.

    They lie below those that the system gives to outgoing connections, one of which could take the port of a site
    that is down for a moment.
    """
    first = 20000 + os.getpid() * 16 % 12000
    while first + count < 32768:
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            first += count
            continue
        return list(range(first, first + count))
    raise OSError(f"no {count} ports in a row are free")


def descendants(pid: int) -> list[tuple[int, str]]:
    """Every living descendant of a process, the nearest first, with its command line."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX":
                    children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        for child in sorted(children.get(waiting.pop(0), ())):
            waiting.append(child)
            with suppress(OSError):
                found.append((child, (Path("/proc") / str(child) / "cmdline").read_bytes().decode().replace("\0", " ")))
    return found


def alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def parent(pid: int) -> int:
    """Whose child a process is."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait for something that other processes do; what went wrong in between is tried again."""
    end, last = time.monotonic() + patience, ""
    while time.monotonic() < end:
        try:
            if result := condition():
                return result
        except YosegiError as error:
            last = str(error)
        time.sleep(0.05)
    raise AssertionError(f"it never came that {what}; {last}")


class Town:
    """The federation: argonne asks; riken works by processes and keeps the mail of nims; nims has a station."""

    def __init__(
        self,
        folder: Path,
        ledgers: Mapping[str, Mapping[str, str]] | None = None,
        samples: str = "500",
        patience: float = PATIENCE,
        more: Sequence[str] = (),
    ) -> None:
        """Found it.

        Args:
            folder: of the homes.
            ledgers: what `[ledger]` says in some sites' settings.
            samples: what each owner grants.
            patience: seconds in which a site must answer that was started.
            more: further members that state an address and whose sites are not started here, each with one person
                in the team.
        """
        self._patience = patience

        def ledger(site: str) -> dict[str, Any]:
            return {"ledger": dict(ledgers[site])} if ledgers and site in ledgers else {}

        self.folder, self.world = folder, folder / "world"
        self.world.mkdir(parents=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: dict[str, Client] = {}
        argonne, riken, nims, *others = (f"127.0.0.1:{port}" for port in free_ports(3 + len(more)))
        self.urls = {"argonne": f"http://{argonne}", "riken": f"http://{riken}", "nims": f"http://{nims}"}
        self.urls |= {name: f"http://{address}" for name, address in zip(more, others, strict=True)}
        work = [f"processes.toys:{name}" for name in ("simulate", "use", "pay", "shoot", "tabulate")]
        plan = Plan(
            charter="demo",
            title="Test",
            team=Team(
                id="toy-team", title="Toy team", lead="argonne", sites=("argonne", "riken", "nims", *more),
                people=("pi@argonne", "operator@riken", "operator@nims", *(f"pi@{name}" for name in more)),
            ),
            purposes=("research",),
            founders=(
                Founder(
                    settings={"site": "argonne", "title": "A", "listen": argonne, "url": self.urls["argonne"]}
                    | ledger("argonne"),
                    country="US", people={"pi@argonne": "member", "operator@argonne": "operator"},
                ),
                Founder(
                    settings={
                        "site": "riken", "title": "R", "listen": riken, "url": self.urls["riken"],
                        "keeps_mailboxes": True, "process": {"publish": work, "slots": 2},
                    } | ledger("riken"),
                    country="JP",
                    people={"operator@riken": "operator", "officer@riken": "officer"},
                    grant={"samples": samples, "usd": "100"},
                ),
                Founder(
                    settings={"site": "nims", "title": "N", "listen": nims, "reach": "outbound", "mailbox": "riken"},
                    country="JP", people={"operator@nims": "operator"}, grant={"samples": samples},
                ),
                *(
                    Founder(
                        settings={"site": name, "title": name, "listen": address, "url": self.urls[name]},
                        country="JP", people={f"pi@{name}": "member"},
                    )
                    for name, address in zip(more, others, strict=True)
                ),
            ),
        )  # fmt: skip
        self.homes = asyncio.run(found(folder, plan, SystemClock(), PASSPHRASE))
        self.robot = folder / "nims" / "stations" / "robot"
        key = make_station(self.robot, self.homes["nims"].folder, "robot", ROBOT)
        with self.homes["nims"].settings_file.open("a", encoding="utf-8") as settings:
            settings.write(f"\n{station_table('robot', ROBOT, key)}\n")

    # -- processes ------------------------------------------------------------------------------------------------

    def start(self, *names: str, most_files: int = 0) -> None:
        """Start processes, that may have so many files open if said, and wait until the sites among them answer."""
        for name in names:
            self._running[name] = self.spawn(name, most_files)
        for name in names:
            if name != "robot":
                until(lambda name=name: self._answers(name), f"{name} answers", self._patience)

    def spawn(self, name: str, most_files: int = 0) -> subprocess.Popen[bytes]:
        """Start `yosegi site serve` or `yosegi station run`, in a session of its own."""
        what = (
            ["station", "run", str(self.robot)]
            if name == "robot"
            else ["site", "serve", "--home", str(self.folder / name)]
        )
        limited = ("sh", "-c", 'ulimit -n "$0"; exec "$@"', str(most_files))
        env = os.environ | {"PYTHONPATH": str(TESTS)}
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*(limited if most_files else ()), sys.executable, "-m", "yosegi.cli", *what],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True,
            )  # fmt: skip

    def _answers(self, name: str) -> bool:
        assert self._running[name].poll() is None, (self.folder / f"{name}.log").read_text()
        return connect(self.urls[name]).site().site == name

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL to that process alone; who depends on it must notice by itself."""
        process = self._running.pop(name)
        below = [pid for pid, _ in descendants(process.pid)]
        process.kill()
        process.wait()
        self._clients.pop(name, None)
        until(lambda: not any(alive(pid) for pid in below), f"everything that {name} had started ends with it", 20)

    def restart(self, name: str) -> None:
        self.kill(name)
        self.start(name)

    def terminate(self, name: str) -> int:
        """SIGTERM; its exit status."""
        process = self._running.pop(name)
        process.terminate()
        self._clients.pop(name, None)
        return process.wait(PATIENCE)

    def ended_by_itself(self, name: str) -> int:
        """Wait until a process ends; its exit status."""
        process = self._running.pop(name)
        self._clients.pop(name, None)
        return process.wait(PATIENCE)

    def end(self) -> None:
        """End everything, by force what does not end by itself."""
        below = [pid for process in self._running.values() for pid, _ in descendants(process.pid)]
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in filter(alive, below):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._running.clear()

    # -- what people do -------------------------------------------------------------------------------------------

    def client(self, site: str) -> Client:
        """Signed in at a site, anew after its restart."""
        if site not in self._clients:
            person = "pi@argonne" if site == "argonne" else f"operator@{site}"
            key = self.folder / site / "people" / f"{person}.key"
            self._clients[site] = connect(self.urls[site], person=person, key=key)
        return self._clients[site]

    def campaign(self, name: str, *sources: str, trials: int = 2, offers: int = 7) -> None:
        """Start a campaign over these sources, when all their capabilities are offered."""
        text = self.spec(name, *sources, trials=trials)
        until(lambda: len(self.client("argonne").capabilities()) >= offers, "every capability is offered")
        self.client("argonne").start(text)

    def spec(self, name: str, *sources: str, trials: int = 2) -> str:
        return f"""
name = "{name}"
title = "Toy"
question = "Which x?"
charter = "demo"
team = "toy-team"
on_behalf_of = "pi@argonne"
purpose = "research"
planner = "sobol"
parallel = 1
parameter = [{{ name = "x", low = 0.0, high = 1.0, resolution = 0.001 }}]
objective = {{ name = "y" }}
stop = {{ trials = {trials} }}
constants = {{ world = "{self.world}" }}
baseline = {{ description = "by hand" }}
{"".join(sources)}"""

    def handle(self, name: str) -> CampaignHandle:
        return self.client("argonne").campaign(name)

    def ended(self, name: str) -> dict[str, Any]:
        """The campaign's state, when it is over."""

        last: dict[str, Any] = {}

        def over() -> dict[str, Any] | None:
            last.update(self.handle(name).state().model_dump(mode="json"))
            return last if last["state"] in ("ended", "aborted") else None

        try:
            until(over, f"campaign {name} ends")
        except AssertionError as error:
            steps = [(t["state"], t["why"], [s["state"] for s in t["steps"]]) for t in last.get("trial", ())]
            raise AssertionError(
                f"{error} {last.get('state')} {last.get('why')} {last.get('trouble')} {steps}"
            ) from None
        return last

    def tasks(self, name: str, site: str) -> Counter[str]:
        """States of a site's tasks of one campaign, from its ledger."""
        rows = self.ask(site, "SELECT state, COUNT(*) FROM task WHERE campaign = ? GROUP BY state", name)
        return Counter({str(state): int(count) for state, count in rows})

    def ask(self, site: str, query: str, *values: object) -> list[Any]:
        """Read a site's views behind its back."""
        database = sqlite3.connect(f"file:{self.folder / site / 'ledger.db'}?mode=ro", uri=True)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    # -- the world ------------------------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[None]:
        """Whatever has its effect now waits until the end."""
        (self.world / "hold").touch()
        try:
            yield
        finally:
            (self.world / "hold").unlink(missing_ok=True)

    def effects(self) -> list[tuple[str, int]]:
        """Everything physical that happened: the task, and the process that did it."""
        path = self.world / "effects"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(key, int(pid)) for key, pid in (line.split() for line in lines)]

    def next_effect(self, after: int) -> tuple[str, int]:
        """The first thing that happens after so many."""
        until(lambda: len(self.effects()) > after, "something happens")
        return self.effects()[after]

    def twice(self) -> list[str]:
        """Tasks that happened more than once."""
        return [key for key, count in Counter(key for key, _ in self.effects()).items() if count > 1]

    def holds(self, name: str, *, uncertain: int = 0, completed: int = 2) -> dict[str, Any]:
        """What must be true of a campaign in the end, whatever died."""
        state = self.ended(name)
        assert state["state"] == "ended", state["why"]
        assert sum(trial["state"] == "completed" for trial in state["trial"]) >= completed
        assert not self.twice()
        assert self.tasks(name, "riken")["uncertain"] + self.tasks(name, "nims")["uncertain"] == uncertain
        bundle = read_bundle(self.handle(name).export())
        verify_bundle(bundle)
        assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}
        return state
