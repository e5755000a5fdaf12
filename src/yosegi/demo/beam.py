"""The accelerator demonstration: a campaign over a real soft IOC, with a kill in the middle of a shot and a trip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from yosegi.app.home import Home
from yosegi.client.client import CampaignHandle
from yosegi.core.errors import Unavailable
from yosegi.demo.beam_plan import SITES, beam_plan
from yosegi.demo.founding import found_with_station
from yosegi.demo.processes import Processes
from yosegi.demo.story import PATIENCE, Story
from yosegi.services.campaigns.schemas import TrialDetail

RING = ("yosegi_packs.accelerator:shot", "yosegi_packs.accelerator:apply")
MACHINE = 20
"""Which simulated ring it is, as in beam.toml; the campaign is not told its errors."""
OVER = ("ended", "aborted")


class Ring:
    """The soft IOC of the simulated ring, a process that ends with this one."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "yosegi_packs.accelerator", "twin", "--machine", str(MACHINE)]
        with (folder / "logs" / "ioc.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise Unavailable("the soft IOC", "it did not start", "pip install 'yosegi[accelerator]'; see logs/ioc.log")
        self.said = json.loads(line)

    def tell(self, station: Path) -> None:
        """Write into a station's folder where the IOC is."""
        text = "".join(f'{name} = ["127.0.0.1:{self.said[name]}"]\n' for name in ("ca", "pva"))
        (station / "epics.toml").write_text(text, encoding="utf-8")

    def close(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(20)


def campaign_file(name: str) -> str:
    """A campaign of the demonstration: `beam`, within its limits, or `beam_hasty`, which would lose the beam."""
    return (resources.files("yosegi.demo") / f"{name}.toml").read_text(encoding="utf-8")


def tune(folder: Path, port: int, say: Callable[[str], None]) -> None:
    """Found two sites, start the ring's IOC and its station, run the campaign to its end and tell what happened.

    Args:
        folder: of the federation; removed first.
        port: the first of two.
        say: tells the terminal.
    """
    station, passphrase = found_with_station(folder, beam_plan(port), "jparc", RING)
    urls = {site: f"http://{Home(folder / site).settings().listen}" for site in SITES}
    processes = Processes(folder)
    story = Story(folder, urls, processes, say=say, campaign="beam")
    ring = Ring(folder)
    began = time.monotonic()
    try:
        ring.tell(station)
        say(f"soft IOC of a simulated ring: Channel Access on port {ring.said['ca']}, PV Access on {ring.said['pva']}")
        say(f"dashboard: {urls['kek']}  (sign in as pi@kek, passphrase {passphrase})")
        processes.serve(urls)
        _tell(story, station, began)
    finally:
        processes.stop_all()
        ring.close()


def _tell(story: Story, station: Path, began: float) -> None:
    start_station(story, station)
    pi = story.client("pi@kek")
    story.until(lambda: len(pi.capabilities()) >= 3, "the ring is offered")
    handle = pi.start(campaign_file("beam"))
    story.until(lambda: shots(handle) >= 3, "the first shots end", 300)
    kill_in_a_shot(story, station)
    trip(story)
    story.until(lambda: handle.state().state in OVER, "the campaign ends", 900)
    report(story, handle, began)


def start_station(story: Story, station: Path) -> None:
    """Start the ring's station."""
    story.processes.start("robot", "station", "run", str(station))


def shots(handle: CampaignHandle) -> int:
    """Shots that have ended with a measurement."""
    return sum(trial.source == "ring" and trial.state == "completed" for trial in handle.state().trial)


def kill_in_a_shot(story: Story, station: Path) -> None:
    """Kill the station in the middle of a shot; an operator puts the ring back, and settles what is uncertain."""
    operator = story.client("operator@jparc")
    put = next_put(station)
    story.processes.kill("robot")
    story.say(f"the ring's station was killed (SIGKILL) in the middle of a shot, after: {put}")
    story.say("the operator looks: " + devices("show", station).strip().replace("\n", "; "))
    story.say("and puts the ring back: " + devices("restore", station).strip().replace("\n", "; "))
    start_station(story, station)
    story.until(lambda: bool(operator.tasks.list("uncertain")), "the task is uncertain", 120)
    for task in operator.tasks.list("uncertain"):
        operator.tasks.settle(task.name, "done", "the ring was put back, verified")
        story.say(f"operator@jparc settled task {task.key[:8]}…: the shot is charged, and never repeated")


def trip(story: Story) -> None:
    """A campaign without caution asks for settings that would lose the beam: the capability itself gives up.

    Raises:
        Unavailable: it did not give up.
    """
    handle = story.client("pi@kek").start(campaign_file("beam_hasty"))

    def tripped() -> list[TrialDetail]:
        return [trial for trial in handle.state().trial if trial.state == "infeasible"]

    story.until(lambda: bool(tripped()) or handle.state().state in OVER, "the hasty campaign trips", 300)
    if not tripped():
        raise Unavailable("the loss limit", "settings beyond it were reached", "report this as a fault of Yosegi")
    first = tripped()[0]
    story.say(f"a hasty campaign's shot gave up on its way: {first.why or first.steps[0].reason}")
    if handle.state().state not in OVER:
        handle.move("abort", "it was only to trip")


def next_put(station: Path) -> str:
    """Wait for the next put that the station makes, and say which.

    Raises:
        Unavailable: it made none.
    """
    command = [sys.executable, "-m", "yosegi_packs.devices", "watch", str(station)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        guard = threading.Timer(PATIENCE, watching.kill)
        guard.start()
        try:
            lines = [watching.stdout.readline() for _ in range(2)] if watching.stdout else []
        finally:
            guard.cancel()
            watching.kill()
    if len(lines) < 2 or not lines[1]:
        raise Unavailable("the ring", f"nothing was put to it within {PATIENCE:g} s", "look into logs/")
    return lines[1].strip()


def devices(verb: str, station: Path) -> str:
    """What an operator sees or does at the station's computer."""
    done = subprocess.run(
        [sys.executable, "-m", "yosegi_packs.devices", verb, str(station)],
        capture_output=True, text=True, check=False, timeout=120, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    return done.stdout + done.stderr


def report(story: Story, handle: CampaignHandle, began: float) -> None:
    """What came of it, the truth included, and the evidence."""
    state = handle.state()
    story.say(f"{state.state}: {state.why}")
    ended = [trial for trial in state.trial if trial.source == "ring" and trial.state == "completed"]
    best = min(ended, key=lambda trial: trial.value if trial.value is not None else float("inf"))
    kicks = [str(best.values[name]) for name in ("H1", "H2", "H3", "H4")]
    truth = subprocess.run(
        [sys.executable, "-m", "yosegi_packs.accelerator", "truth", str(MACHINE), "--", *kicks],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    asked, rest, least = (json.loads(truth.stdout)[name] for name in ("asked", "rest", "best"))
    story.say(
        f"true orbit {asked['orbit']:.3f} mm after {len(ended)} shots, {rest['orbit']:.3f} mm before, "
        f"{least['orbit']:.3f} mm at the best there is; true loss there {asked['loss']:.2f} %/h"
    )
    story.evidence(handle)
    story.say(f"done in {time.monotonic() - began:.0f} s")
