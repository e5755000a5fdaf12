"""The demonstration: found, start, tell, report, end cleanly."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.live import Live

from yosegi.app.bootstrap import found
from yosegi.app.home import Home
from yosegi.cli._comparison import compare
from yosegi.cli.campaigns import OVER, trial_table
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Invalid, Unavailable
from yosegi.demo import hpc as centres
from yosegi.demo.beam import tune
from yosegi.demo.beam_plan import SITES as beam_sites
from yosegi.demo.founding import found_with_station
from yosegi.demo.plan import CHARTER, plan
from yosegi.demo.processes import Processes
from yosegi.demo.report import write_report
from yosegi.demo.story import Story

if TYPE_CHECKING:
    from yosegi.client.client import CampaignHandle

ROBOT = ("yosegi_packs.labs:mix", "yosegi_packs.labs:measure")
SITES = ("argonne", "riken", "nims")


def run(folder: Path, port: int, quick: bool, agent: bool, fresh: bool, stay: bool, hpc: bool, beam: bool) -> None:
    """`yosegi demo`, with its options."""
    console = Console(highlight=False, markup=False)
    if beam:
        _beam(console, folder.with_name(f"{folder.name}-beam"), port)
        return
    _need(NEEDED, "labs")
    if agent and importlib.util.find_spec("mcp") is None:
        raise Invalid("--agent", "needs the library mcp", "install it: pip install 'yosegi[mcp]'")
    if hpc:
        _hpc(console, folder.with_name(f"{folder.name}-hpc"), port, fresh, stay)
        return
    if fresh and (folder / "passphrase").exists():
        shutil.rmtree(folder)
    passphrase = _prepare(folder, port)
    urls = {site: Home(folder / site).settings().local_url for site in SITES}
    processes = Processes(folder)
    story = Story(folder, urls, processes, say=lambda text: console.print(f"• {text}", soft_wrap=True))
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _start(story, console, passphrase)
        report = _tell(story, console, quick, agent, began)
        console.print(f"\nReport: {report}\n{_LOOK_FURTHER.format(folder=folder, yosegi=called())}", soft_wrap=True)
        if stay:
            console.print("The sites go on; Ctrl-C ends them.")
            while True:
                time.sleep(1.0)
    except KeyboardInterrupt:
        console.print("\nEnding everything; the same command goes on where it was.")
    finally:
        processes.stop_all()


_LOOK_FURTHER = """Look further:
  {yosegi} demo --stay --folder {folder}   keep the sites running, and look at their pages
  {yosegi} verify {folder}/colour.bundle.json   check the campaign offline
  {yosegi} replay {folder}/colour.bundle.json   find the planner's decisions again
  {yosegi} site doctor --home {folder}/nims     what a site opens, holds and publishes
  {yosegi} --help                               everything else"""

NEEDED = {"colour": "colour-science", "pylabrobot": "pylabrobot"}
"""What the robot's dyes and its deck are made of: modules, and the packages that bring them."""


BEAM_NEEDED = {"at": "accelerator-toolbox", "softioc": "softioc", "ophyd_async": "ophyd-async"}
"""What the simulated ring, its soft IOC and its station are made of."""


def _need(modules: Mapping[str, str], extra: str) -> None:
    """See that the demonstration can run to its end before it begins anything.

    Raises:
        Unavailable: a library is not installed.
    """
    missing = [package for module, package in modules.items() if importlib.util.find_spec(module) is None]
    if missing:
        todo = f"install them: pip install 'yosegi[{extra}]', or from a clone: pip install '.[{extra}]'"
        raise Unavailable("the demonstration", f"{' and '.join(missing)} not installed", todo)


def called() -> str:
    """How this program was called, so that what is printed can be called again."""
    path = Path(sys.argv[0])
    if path.name != "yosegi":
        return "yosegi"
    return "yosegi" if shutil.which("yosegi") == str(path.absolute()) else os.path.relpath(path)


def _hpc(console: Console, folder: Path, port: int, fresh: bool, stay: bool) -> None:
    """The demonstration of two computing centres."""
    folder = folder.absolute()
    if fresh and (folder / "passphrase").exists():
        shutil.rmtree(folder)
    clusters = centres.Clusters(folder / "clusters")
    processes = Processes(folder)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        clusters.start()
        console.print("A Slurm runs at argonne. At riken a program stands in for Fugaku's PJM: nothing runs on Fugaku.")
        shutil.rmtree(folder / "passphrase", ignore_errors=True)
        for site in centres.SITES:
            shutil.rmtree(folder / site, ignore_errors=True)
        _check_ports(port)
        asyncio.run(found(folder, centres.plan(port, clusters), SystemClock(), secrets.token_hex(8)))
        (folder / "passphrase").touch(mode=0o600)
        urls = {site: f"http://{Home(folder / site).settings().listen}" for site in centres.SITES}
        say = partial(console.print, "•", soft_wrap=True)
        story = Story(folder, urls, processes, say=say, campaign=centres.CAMPAIGN)
        _start_centres(folder, urls, processes)
        handle = centres.begin(folder, urls, story.until)
        _with_view(console, handle, lambda: story.until(lambda: handle.state().state in OVER, "the campaign ends", 600))
        state = handle.state()
        console.print(trial_table(state, last=12))
        story.say(f"{state.state}: {state.why}")
        for site in centres.CENTRES:
            for line in centres.jobs(folder, site):
                story.say(f"{site}: {line}")
        story.evidence(handle)
        pi = story.client(f"pi@{centres.HOME}")
        terms = {"charter": CHARTER, "team": centres.TEAM, "purpose": "research"}
        story.say(
            f"{centres.HOME} drives {centres.CENTRES[0]} through its facility API (IRI); all three are asked the same:"
        )
        owners = (*centres.CENTRES, centres.HOME)
        for one in compare(pi, owners, centres.NAME, centres.KNOWN, terms, 300.0):
            story.say(f"{one.owner} says {one.outputs} in {one.seconds} s for {one.charged}, differs by {one.differs}")
        while stay:
            time.sleep(1.0)
    except KeyboardInterrupt:
        console.print("\nEnding everything.")
    finally:
        processes.stop_all()
        clusters.stop()


def _start_centres(folder: Path, urls: dict[str, str], processes: Processes) -> None:
    """Start the sites, the third one last: it signs in at the first centre, whose machine it drives too."""
    for site in (*centres.CENTRES, centres.HOME):
        if site == centres.HOME:
            processes.await_site(centres.CENTRES[0], urls[centres.CENTRES[0]])
            centres.sign_in_there(folder, urls[centres.CENTRES[0]])
        processes.start(site, "site", "serve", "--home", str(folder / site))
    for site in centres.SITES:
        processes.await_site(site, urls[site])


def _beam(console: Console, folder: Path, port: int) -> None:
    """The demonstration of an accelerator."""
    _need(BEAM_NEEDED, "accelerator")
    _check_ports(port, len(beam_sites))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        tune(folder.absolute(), port, partial(console.print, "•", soft_wrap=True))
    except KeyboardInterrupt:
        console.print("\nEnding everything.")


def campaign_file() -> str:
    """The campaign of the demonstration; the same as examples/colour.toml."""
    return (resources.files("yosegi.demo") / "colour.toml").read_text(encoding="utf-8")


def _prepare(folder: Path, port: int) -> str:
    """Found the federation, once. Its passphrase, for people who look at its pages."""
    kept = folder / "passphrase"
    if kept.exists():
        return kept.read_text(encoding="utf-8")
    _check_ports(port)
    robot, passphrase = found_with_station(folder, plan(port), "nims", ROBOT)
    (robot / "robot.json").write_text('{"name":"robot-one","pace":0.15,"plates":1}', encoding="utf-8")
    kept.write_text(passphrase, encoding="utf-8")
    kept.chmod(0o600)
    return passphrase


def _check_ports(first: int, count: int = len(SITES)) -> None:
    for port in range(first, first + count):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise click.ClickException(f"port {port} is in use; choose another: --port {first + 100}")


def _start(story: Story, console: Console, passphrase: str) -> None:
    console.print(
        f"Dashboard: {story.urls['argonne']}  (sign in as pi@argonne, passphrase {passphrase})", soft_wrap=True
    )
    console.print("The institutions are labels, the robot and its dyes are simulated; everything else is real.\n")
    story.processes.serve(story.urls)
    story.start_robot()


def _tell(story: Story, console: Console, quick: bool, agent: bool, began: float) -> Path:
    spec = campaign_file()
    handle = story.begin(spec)
    if not quick and handle.state().state not in OVER:
        _with_view(console, handle, lambda: _theatre(story, handle, spec))
    _with_view(console, handle, lambda: story.until(lambda: handle.state().state in OVER, "the campaign ends", 600))
    if agent:
        # Imported late: it needs an extra.
        from yosegi.demo.agent_act import AgentAct

        AgentAct(story, spec).play()
    state = handle.state()
    console.print(trial_table(state, last=6))
    story.say(f"{state.state}: {state.why}")
    story.settle()
    story.comparison()
    story.evidence(handle)
    seconds = time.monotonic() - began
    return write_report(story.folder / "report.html", handle.state(), story.found, seconds)


def _theatre(story: Story, handle: CampaignHandle, spec: str) -> None:
    experiments = 2

    def enough() -> bool:
        state = handle.state()
        done = [t for t in state.trial if t.source == "experiment" and t.state == "completed"]
        return len(done) >= experiments or state.state in OVER

    story.until(enough, "the first experiments end")
    story.pull_the_plug(handle)
    story.refusal(spec)
    story.stop_and_resume(handle)


def _with_view(console: Console, handle: CampaignHandle, work: Callable[[], None]) -> None:
    """Do something while the table of trials is shown, where there is a terminal to show it on."""
    if not console.is_terminal:
        work()
        return
    over = threading.Event()
    with Live(console=console, refresh_per_second=4, transient=True) as live:

        def show() -> None:
            while not over.wait(0.5):
                live.update(trial_table(handle.state(), last=12))

        view = threading.Thread(target=show, daemon=True)
        view.start()
        try:
            work()
        finally:
            over.set()
            view.join()
