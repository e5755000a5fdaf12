"""What the demonstration shows, act by act. Everything is done through the same API that people use."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yosegi.client.client import CampaignHandle, Client, connect
from yosegi.core.errors import Corrupt, Unavailable
from yosegi.demo.processes import Processes
from yosegi.trust.explanation import Explanation
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

PATIENCE = 150.0


@dataclass
class Story:
    """The state of the telling, and what each act found, for the report.

    Args:
        say: tells the terminal.
        campaign: the campaign's name.
    """

    folder: Path
    urls: dict[str, str]
    processes: Processes
    say: Callable[[str], None]
    campaign: str = "colour"
    found: dict[str, Any] = field(default_factory=dict)

    def client(self, person: str) -> Client:
        """Signed in as a person of the demonstration, with the key in the site's home."""
        site = person.rpartition("@")[2]
        return connect(self.urls[site], person=person, key=self.folder / site / "people" / f"{person}.key")

    # -- acts -----------------------------------------------------------------------------------------------------

    def begin(self, spec: str) -> CampaignHandle:
        """Start the campaign, or take up the one that is there."""
        pi = self.client("pi@argonne")
        self.until(lambda: len(pi.capabilities()) >= 3, "the others' offers arrive")
        if self.campaign in {campaign.name for campaign in pi.campaigns()}:
            return pi.campaign(self.campaign)
        return pi.start(spec)

    def pull_the_plug(self, handle: CampaignHandle) -> None:
        """Kill the robot's station in the middle of dispensing, and start it again."""
        operator = self.client("operator@nims")

        def dispensing() -> bool:
            over = handle.state().state in ("ended", "aborted")
            running = [t for t in operator.tasks.list("dispatched") if "mix" in t.capability]
            return over or bool(running)

        self.until(dispensing, "the robot begins to dispense")
        time.sleep(0.3)
        self.processes.kill("robot")
        self.say("the robot's station was killed (SIGKILL) in the middle of dispensing")
        time.sleep(1.0)
        self.start_robot()
        self.until(lambda: bool(operator.operations.alerts()), "the operator is told")
        notice = operator.operations.alerts()[0]
        self.found["uncertain"] = {"task": notice.task, "since": notice.since, "text": notice.text}
        self.say(f"notice to operator@nims: {notice.text}")

    def start_robot(self) -> None:
        """Start the robot's station."""
        self.processes.start("robot", "station", "run", str(self.folder / "nims" / "stations" / "robot"))

    def refusal(self, spec: str) -> None:
        """Ask for something its owner forbids, and hear why."""
        pi = self.client("pi@argonne")
        text = spec.replace('name = "colour"', 'name = "colour-class"', 1).replace('"research"', '"teaching"', 1)
        names = {campaign.name for campaign in pi.campaigns()}
        handle = pi.campaign("colour-class") if "colour-class" in names else pi.start(text)

        def refused() -> bool:
            return any(self._refusals(handle))

        self.until(refused, "the owner refuses")
        reason = next(self._refusals(handle))
        self.found["refusal"] = reason.model_dump(mode="json")
        self.say(f"nims refused a well for teaching:\n    {reason.en}\n    {reason.ja}")
        if handle.state().state in ("running", "held", "stopping", "stopped"):
            handle.move("abort", "it was only asked to be refused")

    @staticmethod
    def _refusals(handle: CampaignHandle) -> Iterator[Explanation]:
        for trial in handle.state().trial:
            for step in trial.steps:
                if step.state == "refused":
                    yield from step.reasons

    def stop_and_resume(self, handle: CampaignHandle) -> None:
        """A safe stop in the middle, and on."""
        if handle.state().state != "running":
            return
        handle.move("stop", "to show that it can be stopped")
        self.until(lambda: handle.state().state in ("stopped", "ended"), "what had begun ends")
        state = handle.state()
        self.say(f"safe stop: {state.ended} trials had ended, nothing runs")
        self.found["stopped_at"] = state.ended
        if state.state == "stopped":
            handle.move("resume", "shown")
            self.say("resumed")

    def settle(self) -> None:
        """The operator has looked at the plate, and says what became of the well."""
        operator = self.client("operator@nims")
        for task in operator.tasks.list("uncertain"):
            operator.tasks.settle(task.name, "done", "the well is half filled and was set aside")
            self.say(f"operator@nims settled {task.home}/{task.key[:8]}…: done, the well is charged")

    def evidence(self, handle: CampaignHandle) -> Path:
        """Export, verify, replay; then flip one byte of a copy and verify again."""
        bundle = self.folder / f"{self.campaign}.bundle.json"
        bundle.write_bytes(handle.export())
        read = read_bundle(bundle.read_bytes())
        verified = verify_bundle(read)
        self.say(f"{bundle.name}: {verified.entries} entries and {verified.receipts} receipts verified offline")
        replayed = replay_bundle(read)
        same = sum(one.verdict == "identical" for one in replayed)
        self.say(f"replay: {same} of {len(replayed)} decisions of the planner found again, identical")
        refused = self._flip(bundle)
        self.say(f"one byte flipped, and verify says: {refused}")
        self.found["evidence"] = {
            "entries": verified.entries,
            "receipts": verified.receipts,
            "charter": verified.charter,
            "decisions": len(replayed),
            "identical": same,
            "flipped": refused,
        }
        return bundle

    def _flip(self, bundle: Path) -> str:
        data = bytearray(bundle.read_bytes())
        # Within a long body in the middle, so that the file stays readable JSON.
        starts = [found.start() for found in re.finditer(rb'"body":"[A-Za-z0-9+/]{200}', data)]
        middle = starts[len(starts) // 2] + 100
        data[middle] = ord("A") if data[middle] != ord("A") else ord("B")
        changed = bundle.with_name(f"{self.campaign}.changed.json")
        changed.write_bytes(data)
        try:
            verify_bundle(read_bundle(bytes(data)))
        except Corrupt as error:
            return f"{error.where}: {error.why}"
        raise Corrupt(str(changed), "a changed byte was not noticed", "report this as a fault of Yosegi")

    def comparison(self) -> None:
        """Twenty random searches of the same wells, computed from the truth that only the robot's folder holds."""
        folder = self.folder / "nims" / "stations" / "robot"
        answer = subprocess.run(
            [sys.executable, "-m", "yosegi_packs.labs", "compare", str(folder), "--json"],
            capture_output=True,
            check=False,
            timeout=120,
        )
        if answer.returncode != 0:
            raise Unavailable("the comparison", answer.stderr.decode()[-300:], "run it by hand")
        self.found["random"] = json.loads(answer.stdout)

    # -- parts ----------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Wait for something the story needs.

        Raises:
            Unavailable: it did not happen.
        """
        until = time.monotonic() + patience
        while not condition():
            if time.monotonic() > until:
                raise Unavailable("the demonstration", f"it waited {patience:g} s: {what}", "look into logs/")
            time.sleep(0.2)
