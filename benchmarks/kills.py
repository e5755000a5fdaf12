"""Kills processes of a federation at random while its campaigns use things up, and counts what happened to the world.

    PYTHONPATH=tests python -m benchmarks.kills --kills 120 --seed 7

Three sites and a station, as real processes on this machine. A victim is a site, the station, a worker of either, or
one task's process; most get SIGKILL, some SIGTERM. An operator does what an operator does: looks at what is uncertain
(the world says what happened), settles it, closes breakers, and resumes what is held. Shown in the end: nothing
happened twice, nothing is lost (each effect belongs to a task that ended as done and was paid for, each trial is over),
and ledgers and bundles verify. The seed is said first, so that a run can be repeated as far as time allows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from processes.sites import PROCESS_SOURCE, ROBOT_SOURCE, Town, alive, descendants, until
from yosegi.core.errors import YosegiError
from yosegi.verification.bundle import read_bundle, verify_bundle

RESULTS = Path(__file__).parent / "results"
SITES = ("argonne", "riken", "nims")
AT_ONCE = 2
"""Campaigns that are under way at a time."""
TRIALS = 12
"""Completed trials after which a campaign ends."""
PAUSE = 0.0, 1.5
"""Seconds between two kills, at least and at most."""
SOFT = 0.2
"""Share of SIGTERM."""
SAMPLES = "100000"
"""That each owner grants: more than any run uses up."""
START_PATIENCE = 300.0
"""Seconds in which a site must answer that was started, on a machine that others use too."""
TOLD = 10
"""Kills between two lines that say how far it is."""


class Kills:
    """One run.

    Args:
        town: running.
        chance: decides who dies, how and when.
    """

    def __init__(self, town: Town, chance: random.Random) -> None:
        self.town, self.chance = town, chance
        self.killed: Counter[str] = Counter()
        self.settled: Counter[str] = Counter()
        self.campaigns: list[str] = []

    def run(self, count: int) -> None:
        """Kill so many, with campaigns under way all the time, and let everything come to its end."""
        while self.killed.total() < count:
            self.keep_busy()
            time.sleep(self.chance.uniform(*PAUSE))
            self.kill_one()
            self.look_after()
            if self.killed.total() % TOLD == 0:
                print(self, flush=True)
        until(self.is_over, "every campaign ends", 600)

    def __repr__(self) -> str:
        effects, begun = len(self.town.effects()), len(self.campaigns)
        twice = len(self.town.twice())
        return f"{self.killed.total()} killed, {effects} effects in {begun} campaigns, {twice} of them twice"

    def keep_busy(self) -> None:
        """Begin a campaign where too few are under way."""
        under_way = [name for name in self.campaigns if self.state(name) not in ("ended", "aborted")]
        if len(under_way) < AT_ONCE:
            name = f"kills-{len(self.campaigns) + 1}"
            # The planner asks the first source alone: in turn, so that tasks run at both sites when one is killed.
            first, second = (ROBOT_SOURCE, PROCESS_SOURCE)[:: 1 if len(self.campaigns) % 2 else -1]
            self.town.campaign(name, first, second, trials=TRIALS)
            self.campaigns.append(name)

    def state(self, name: str) -> str:
        return str(until(lambda: self.town.handle(name).state().state, f"argonne tells of {name}"))

    def kill_one(self) -> None:
        """Kill a process, and start again what nobody else does."""
        kind = self.chance.choice((*SITES, "robot", "worker", "task", "station worker"))
        number = signal.SIGTERM if self.chance.random() < SOFT else signal.SIGKILL
        if kind in (*SITES, "robot"):
            if number == signal.SIGTERM:
                self.town.terminate(kind)
                self.town.start(kind)
            else:
                self.town.restart(kind)
        else:
            self.kill_below("robot" if kind == "station worker" else "riken", deepest=kind == "task")
        self.killed[kind] += 1

    def kill_below(self, name: str, *, deepest: bool) -> None:
        """Kill a worker of a site or station, or what runs one task; where there is none now, nobody."""
        below = [pid for pid, line in descendants(self.town.pid(name)) if "engines.process" in line]
        if below:
            with suppress(ProcessLookupError):
                os.kill(below[-1] if deepest else self.chance.choice(below[:2]), signal.SIGKILL)

    def look_after(self) -> None:
        """What an operator and the one who asked do about what the killing left."""
        done = {key.removeprefix("task/") for key, _ in self.town.effects()}
        with suppress(YosegiError):
            for site in ("riken", "nims"):
                client = self.town.client(site)
                for alert in client.operations.alerts():
                    if alert.task:
                        effect = "done" if alert.task in done else "none"
                        client.tasks.settle(alert.task, effect, "the world was looked at")
                        self.settled[effect] += 1
                    elif alert.name.startswith("breaker/"):
                        client.operations.close_breaker(alert.name.split("/")[1], "it was killed on purpose")
            for name in self.campaigns:
                if self.town.handle(name).state().state == "held":
                    self.town.handle(name).move("resume", "it was killed on purpose")

    def is_over(self) -> bool:
        """Whether every campaign has ended and nothing is uncertain; looks after what is not."""
        self.look_after()
        states = [self.town.handle(name).state() for name in self.campaigns]
        return all(one.state == "ended" for one in states) and not any(self.tasks("uncertain"))

    def tasks(self, state: str) -> list[str]:
        rows = [self.town.ask(site, "SELECT home, key FROM task WHERE state = ?", state) for site in ("riken", "nims")]
        return [f"task/{home}/{key}" for of_site in rows for home, key in of_site]

    # -- what is true in the end ----------------------------------------------------------------------------------

    def found(self) -> dict[str, Any]:
        """What was done, what went wrong, and what does not add up."""
        happened = [key for key, _ in self.town.effects()]
        grants = [
            self.town.ask(site, "SELECT SUM(held), SUM(spent) FROM grant_tranches WHERE unit = 'samples'")[0]
            for site in ("riken", "nims")
        ]
        known = {
            f"task/{home}/{key}": effect
            for site in ("riken", "nims")
            for home, key, effect in self.town.ask(site, "SELECT home, key, effect FROM task")
        }
        trials = [trial for name in self.campaigns for trial in self.town.handle(name).state().trial]
        for name in self.campaigns:
            verify_bundle(read_bundle(self.town.handle(name).export()))
        return {
            "killed": dict(self.killed),
            "campaigns": len(self.campaigns),
            "trials": dict(Counter(str(trial.state) for trial in trials)),
            "effects": len(happened),
            "twice": self.town.twice(),
            "lost": [key for key in happened if known.get(key) != "done"],
            "never happened but done": [
                key for key in known if known[key] == "done" and self.uses_up(key) and key not in happened
            ],
            "uncertain, settled": dict(self.settled),
            "held": sum(held or 0 for held, _ in grants),
            "spent": sum(spent or 0 for _, spent in grants) / 1000,
        }

    def uses_up(self, key: str) -> bool:
        """Whether a task is of a capability that uses something up."""
        _, home, short = key.split("/", 2)
        query = "SELECT capability FROM task WHERE home = ? AND key = ?"
        rows = [row for site in ("riken", "nims") for row in self.town.ask(site, query, home, short)]
        return any(name.partition("/")[2] in ("toy.make@1", "toy.use@1") for (name,) in rows)


def checked(town: Town) -> list[str]:
    """The ledgers that do not hold together, with why; read by `yosegi site check` once nothing runs."""
    wrong = []
    for site in SITES:
        command = [sys.executable, "-m", "yosegi.cli", "site", "check", "--home", str(town.folder / site)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            wrong.append(f"{site}: {done.stderr[-500:]}")
    return wrong


def main() -> int:
    """Run, print what was found, and fail if something does not add up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--save", type=Path, default=None, help=f"also write JSON there, e.g. {RESULTS / 'kills.json'}")
    chosen = parser.parse_args()
    seed = random.randrange(1_000_000) if chosen.seed is None else chosen.seed
    print(f"seed {seed}, {chosen.kills} kills", flush=True)
    began = time.monotonic()
    # Whoever is told to end ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was over"))
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder) / "town", samples=SAMPLES, patience=START_PATIENCE)
        kills = Kills(town, random.Random(seed))
        try:
            town.start(*SITES, "robot")
            kills.run(chosen.kills)
            found = kills.found()
            below = [pid for name in (*SITES, "robot") for pid, _ in descendants(town.pid(name))]
        finally:
            town.end()
        found |= {"ledgers that do not hold together": checked(town), "left running": list(filter(alive, below))}
    found["seconds"] = round(time.monotonic() - began)
    told = json.dumps({"seed": seed, "load": os.getloadavg()} | found, indent=2)
    print(told)
    if chosen.save:
        chosen.save.write_text(told + "\n", "utf-8")
    fits = found["spent"] == found["effects"] and not found["held"]
    wrong = ("twice", "lost", "never happened but done", "ledgers that do not hold together", "left running")
    return 0 if fits and not any(found[name] for name in wrong) else 1


if __name__ == "__main__":
    sys.exit(main())
