"""A member with valid keys that attacks for half an hour, beside an honest member whose campaigns go on.

    PYTHONPATH=tests nice -n 5 python -m benchmarks.hostile_half_hour --minutes 30 --seed 7

Real processes on this machine: argonne asks; riken owns capabilities and keeps mail; nims dials out and has a station;
evil is a member of the charter and of the team, and what it sends is made by `benchmarks/hostile_mix.py`: a seeded
random mix of every kind of signed document, whole or with fields of any JSON type, dated far ahead and behind, signed
by its own keys, by a withdrawn one and by a stranger's, under receipts that are none, sent again, in parcels, in
letters, and as answers to whoever calls it; of garbage; and of calls of pages and API. Three tenths through, riken
suspends it for a tenth of the time; half way it changes its keys, and the old one is withdrawn.

Meanwhile campaigns of argonne run one after the other, and an operator asks riken for the list of campaigns four times
a second. Shown in the end: every campaign ended and nothing happened twice; no log holds a traceback; every ledger and
audit verifies; what evil made riken and nims record, and what memory they hold, is below the budget that
`docs/security/threat-model.md` states; how long the bystander's calls took. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.kills import checked
from federation.peer_budget import MEMORY, entries_within, recorded_within
from processes.sites import PASSPHRASE, PROCESS_SOURCE, PURE_SOURCE, ROBOT_SOURCE, Town
from yosegi.app.compose import offline_site
from yosegi.app.home import Home
from yosegi.core.errors import YosegiError

RESULTS = Path(__file__).parent / "results"
SITES = ("argonne", "riken", "nims")
ATTACKED = ("riken", "nims")
EVIL = "evil"
EVERY = 0.25
"""Seconds between two calls of the bystander."""
TRIALS = 6
"""Completed trials after which a campaign ends."""
LAST = 600.0
"""Seconds that the last campaign may take to end, on a machine that others use too."""
WARM = 30.0
"""Seconds without an attack, in which memory is taken that lasts: its growth is counted from then on."""
SUSPENDED, CHANGED = (0.3, 0.4), 0.5
"""When evil is suspended, and when it has new keys, as parts of the whole time."""


class Watch:
    """Calls of a bystander, and the memory of each site, in a thread of its own.

    Args:
        town: running.
        site: which the bystander calls.
    """

    def __init__(self, town: Town, site: str) -> None:
        self.town, self.site = town, site
        self.took: list[float] = []
        self.failed = 0
        self.memory: dict[str, list[int]] = {name: [] for name in SITES}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._calls()), daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(60)

    async def _calls(self) -> None:
        url = self.town.urls[self.site]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
            body = {"person": f"operator@{self.site}", "passphrase": PASSPHRASE}
            async with http.post(f"{url}/api/v1/session", json=body) as answer:
                headers = {"Authorization": f"Bearer {(await answer.json())['token']}"}
            while not self._ends.is_set():
                at = time.monotonic()
                try:
                    async with http.get(f"{url}/api/v1/campaigns", headers=headers) as answer:
                        await answer.read()
                        self.failed += answer.status != 200
                    self.took.append(1000 * (time.monotonic() - at))
                except (aiohttp.ClientError, TimeoutError):
                    self.failed += 1
                if len(self.took) % 20 == 1:
                    for name in SITES:
                        self.memory[name].append(resident(self.town.pid(name)))
                await asyncio.sleep(EVERY)

    def told(self) -> dict[str, Any]:
        """What the bystander noticed."""
        took = sorted(self.took)
        return {
            "calls": len(took) + self.failed,
            "not answered": self.failed,
            "median ms": round(took[len(took) // 2], 1),
            "99 of 100 ms": round(took[int(0.99 * len(took))], 1),
            "slowest ms": round(took[-1], 1),
            "above 100 ms": sum(one > 100 for one in took),
        }


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def command(*words: object) -> str:
    """Run `yosegi`; what it says."""
    line = [sys.executable, "-m", "yosegi.cli", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise YosegiError(f"{' '.join(line[3:])}: {done.stderr[-500:]}")
    return done.stdout


class HalfHour:
    """One run.

    Args:
        town: running, of which evil is a member.
        seconds: how long evil sends.
        seed: of what it sends.
    """

    def __init__(self, town: Town, seconds: float, seed: int) -> None:
        self.town, self.seconds, self.seed = town, seconds, seed
        self.contacts = town.folder / "contacts.json"
        self.contacts.write_text(json.dumps(town.urls), "utf-8")
        self.sent: Counter[str] = Counter()
        self.campaigns: list[str] = []
        self.moves: list[tuple[float, str]] = []
        self._hostile: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Attack from the first moment to the last, with a campaign under way all the time."""
        self.attack(CHANGED * self.seconds, None)
        began = time.monotonic()
        suspends, lifts = (began + part * self.seconds for part in SUSPENDED)
        changes, end = began + CHANGED * self.seconds, began + self.seconds
        riken = self.town.folder / "riken"
        due = [
            (suspends, lambda: command("incident", "suspend", "site", EVIL, "--home", riken, "--why", "it attacks")),
            (lifts, lambda: command("incident", "lift", "site", EVIL, "--home", riken, "--why", "we try again")),
            (changes, lambda: self.change_keys(end)),
        ]
        while time.monotonic() < end or due:
            self.keep_busy()
            if due and time.monotonic() >= due[0][0]:
                due.pop(0)[1]()
            time.sleep(0.5)
        self.end_attack()

    def attack(self, seconds: float, old: Path | None) -> None:
        """Begin to send, for so long."""
        words = [sys.executable, "-m", "benchmarks.hostile_mix", str(self.town.folder / EVIL), str(self.contacts),
                 str(seconds), str(self.seed + (old is not None))]  # fmt: skip
        words += [] if old is None else ["--old-key", str(old)]
        with (self.town.folder / "hostile.log").open("ab") as log:
            self._hostile = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log)
        assert self._hostile.stdout is not None
        self._hostile.stdout.readline()

    def end_attack(self) -> None:
        """Wait until what was begun to be sent is sent."""
        assert self._hostile is not None
        out, _ = self._hostile.communicate(timeout=LAST)
        self.sent.update(json.loads(out))

    def change_keys(self, end: float) -> None:
        """Give evil new keys, withdraw the old one, and go on sending."""
        self.end_attack()
        home = self.town.folder / EVIL
        old = home.parent / "old.key"
        old.write_bytes((home / "keys" / "site.key").read_bytes())
        old.chmod(0o600)
        command("site", "key", "rotate", "--home", home)
        command("site", "key", "retire", "--home", home)
        self.attack(max(5.0, end - time.monotonic()), old)

    def state(self, name: str, patience: float) -> str:
        """How a campaign stands, once it is over or so many seconds have passed."""
        end = time.monotonic() + patience
        while (state := str(self.town.handle(name).state().state)) not in ("ended", "aborted"):
            if time.monotonic() > end:
                break
            time.sleep(1.0)
        return state

    def keep_busy(self) -> None:
        """Begin a campaign where none is under way."""
        if not self.campaigns or self.state(self.campaigns[-1], 0) in ("ended", "aborted"):
            name = f"honest-{len(self.campaigns) + 1}"
            sources = ROBOT_SOURCE, PROCESS_SOURCE, PURE_SOURCE
            turn = len(self.campaigns) % 3
            self.town.campaign(name, *sources[turn:], *sources[:turn], trials=TRIALS)
            self.campaigns.append(name)

    def tracebacks(self) -> dict[str, list[str]]:
        """By log, what was not foreseen: the line before each traceback, and the error."""
        found: dict[str, list[str]] = {}
        for log in sorted(self.town.folder.glob("*.log")):
            lines = log.read_text("utf-8", "replace").splitlines()
            at = [number for number, line in enumerate(lines) if line.startswith("Traceback")]
            ends = [next((line for line in lines[n + 1 :] if line and not line.startswith(" ")), "") for n in at]
            if at:
                found[log.name] = [f"{lines[n - 1][:200]} … {end[:200]}" for n, end in zip(at, ends, strict=True)]
        return found


async def recorded_of(folder: Path, peer: str) -> dict[str, Any]:
    """What stands in a ledger because of a peer: entries and their bytes, by type; the site does not run."""
    entries: Counter[str] = Counter()
    size: Counter[str] = Counter()
    async with offline_site(Home(folder)) as site:
        for entry in site.ledger.scan():
            if because_of(entry, peer):
                entries[entry.type] += 1
                size[entry.type] += len(entry.header_bytes) + len(entry.body_bytes or b"")
    return {
        "entries": entries.total(), "bytes": size.total(),
        "by type": {name: [entries[name], size[name]] for name in sorted(entries)},
    }  # fmt: skip


def because_of(entry: Any, peer: str) -> bool:
    """Whether an entry names a peer: as its actor, or anywhere in its facts or stream."""
    return peer in (entry.header.actor or "") or peer in json.dumps(dict(entry.facts)) or peer in entry.stream


def ledger_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("ledger.db*"))


def audited(town: Town) -> list[str]:
    """What an audit says that is wrong, of all ledgers held against each other."""
    try:
        command("audit", "verify", *(town.folder / site for site in SITES))
    except YosegiError as error:
        return [str(error)]
    return []


def measured(seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Run it, and everything that was found."""
    town = Town(folder / "town", samples="100000", patience=300.0, more=(EVIL,))
    half_hour = HalfHour(town, seconds, seed)
    try:
        town.start(*SITES, "robot")
        half_hour.keep_busy()
        time.sleep(WARM)
        before = {site: ledger_bytes(town.folder / site) for site in ATTACKED}
        warm = {site: resident(town.pid(site)) for site in ATTACKED}
        with Watch(town, "riken") as watch:
            half_hour.run()
        states = [half_hour.state(name, LAST) for name in half_hour.campaigns]
    finally:
        town.end()
    memory = {
        site: {"at first MB": round(warm[site] / 1e6), "most MB": round(max(watch.memory[site]) / 1e6),
               "grew by MB": round((max(watch.memory[site]) - warm[site]) / 1e6)}
        for site in ATTACKED
    }  # fmt: skip
    return {
        "seed": seed, "seconds": seconds, "load": os.getloadavg(),
        "sent": dict(sorted(half_hour.sent.items())),
        "campaigns": {"begun": len(states), "ended": states.count("ended")},
        "effects": len(town.effects()), "twice": town.twice(),
        "tracebacks": half_hour.tracebacks(),
        "ledgers that do not hold together": checked(town), "audit": audited(town),
        "ledger": {
            site: asyncio.run(recorded_of(town.folder / site, EVIL))
            | {"file grew by": ledger_bytes(town.folder / site) - before[site]}
            for site in ATTACKED
        },
        "stated for this time": {
            "entries": entries_within(seconds / 3600), "bytes": recorded_within(seconds / 3600),
            "memory MB": round(MEMORY / 1e6),
        },
        "memory": memory,
        "log bytes": {log.name: log.stat().st_size for log in sorted(town.folder.glob("*.log"))},
        "bystander": watch.told(),
    }  # fmt: skip


def wrong(found: dict[str, Any]) -> list[str]:
    """What does not hold."""
    stated = found["stated for this time"]
    over = [
        f"{site}: {what}"
        for site in ATTACKED
        for what, is_over in (
            ("entries", found["ledger"][site]["entries"] > stated["entries"]),
            ("bytes", found["ledger"][site]["bytes"] > stated["bytes"]),
            ("memory", found["memory"][site]["grew by MB"] > stated["memory MB"]),
        )
        if is_over
    ]
    names = ("twice", "tracebacks", "ledgers that do not hold together", "audit")
    unended = found["campaigns"]["ended"] < found["campaigns"]["begun"]
    return over + [name for name in names if found[name]] + (["campaigns"] if unended else [])


def main() -> int:
    """Run, print what was found, and fail if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--save", type=Path, default=None, help=f"also write JSON there, e.g. in {RESULTS}")
    parser.add_argument("--keep", type=Path, default=None, help="an empty folder, for homes and logs to look at later")
    chosen = parser.parse_args()
    seed = random.randrange(1_000_000) if chosen.seed is None else chosen.seed
    print(f"seed {seed}, {chosen.minutes} minutes", flush=True)
    # Whoever is told to end ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was over"))
    with tempfile.TemporaryDirectory() as folder:
        found = measured(60 * chosen.minutes, seed, chosen.keep or Path(folder))
    found["wrong"] = wrong(found)
    told = json.dumps(found, indent=2)
    print(told)
    if chosen.save:
        chosen.save.write_text(told + "\n", "utf-8")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
