"""What a person is told besides uncertain tasks: until they acknowledge it, and again when it comes again."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path

import pytest

from execution.stations import make_engine
from federation.toys import three_sites
from yosegi.core.engine import Engines, Outcome
from yosegi.core.errors import NotFound, Unavailable
from yosegi.core.states import Effect
from yosegi.exchange.mailbox_host import RefusedMailRegister
from yosegi.execution.breaker import Requester
from yosegi.services.alerts.health import PEER_SILENT, HealthChecks
from yosegi.services.alerts.service import MOST_OF_ONE, Alert, summarised
from yosegi.services.runtime import Site
from yosegi.testing.federation import Federation
from yosegi.testing.loop import SimulatedClock, run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def _names(site: Site) -> list[str]:
    return [notice.name for notice in site.alerts.open()]


async def _away(federation: Federation, seconds: float) -> None:
    await federation.crash("riken")
    await asyncio.sleep(seconds)


def test_a_peer_away_for_an_hour_is_told_until_it_is_acknowledged_and_again_when_it_is_away_again(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, told = federation.places["argonne"].running, Counter[str]()

        async def send(notice: Alert) -> None:
            told[notice.name] += 1

        home.alerts.senders = (send,)
        name = "peer/demo/riken"
        await _away(federation, PEER_SILENT - 120)
        assert not _names(home)
        await asyncio.sleep(120 + 3 * home.alerts.every)
        assert _names(home) == [name]
        assert "riken" in home.alerts.open()[0].text
        assert "到達" in home.alerts.open()[0].ja
        assert told[name] >= 3
        await home.alerts.acknowledge_for(name, federation.member())
        before = told[name]
        await asyncio.sleep(3 * home.alerts.every)
        assert told[name] == before
        await federation.restart("riken")
        await asyncio.sleep(120)
        await _away(federation, PEER_SILENT + home.alerts.every)
        assert told[name] > before
        with pytest.raises(NotFound):
            await home.alerts.acknowledge_for("peer/demo/nobody", federation.member())

    run_simulated(story())


def test_what_was_acknowledged_stays_so_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        nims = federation.places["nims"].running
        for _ in range(3):
            broken = Outcome.failed(Effect.UNKNOWN, "crashed")
            if opening := nims.dispatcher.breakers.note("toy.make@1", Requester("argonne", "pi@argonne"), broken):
                await nims.ledger.append(*opening)
        assert _names(nims) == ["breaker/toy.make@1/argonne/pi@argonne"]
        await nims.alerts.acknowledge_for(_names(nims)[0], federation.member())
        await federation.crash("nims")
        assert not _names(await federation.restart("nims"))

    run_simulated(story())


def test_a_notice_that_could_not_be_sent_is_tried_again_soon(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, tries = federation.places["argonne"].running, []

        async def send(notice: Alert) -> None:
            tries.append(notice.name)
            if len(tries) < 3:
                raise Unavailable("the mail server", "it is away")

        home.alerts.senders = (send,)
        home.channels.witness.forked.add("riken")
        await asyncio.sleep(400)
        assert tries == ["fork/riken"] * 3

    run_simulated(story())


def test_a_clock_that_is_off_a_full_disk_and_a_silent_station_are_told(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        robot = make_engine(SimulatedClock())
        await asyncio.sleep(1200)
        home = federation.places["argonne"].running
        assert isinstance(home.clock, SimulatedClock)
        home.clock.skew = 100.0
        await asyncio.sleep(60)
        assert _names(home) == ["clock"]
        assert "100 seconds" in home.alerts.open()[0].text
        conditions = HealthChecks(
            "argonne",
            home.clock,
            home.dispatcher.breakers,
            home.restore_guard,
            home.channels,
            home.supervisor,
            home.ledger,
            RefusedMailRegister("argonne", home.ledger, home.clock),
            Engines((robot,)),
            tmp_path,
        )
        assert [one.name for one in conditions.now()][:1] == ["station/robot"]

    run_simulated(story())


@pytest.mark.parametrize(("free", "told"), [(3 * 1024**3, []), (1024**3, ["disk"])])
def test_a_disk_is_nearly_full_at_five_percent_or_two_gigabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, told: list[str]
) -> None:
    usage = type("Usage", (), {"total": 1000 * 1024**3, "free": free})
    monkeypatch.setattr("yosegi.services.alerts.health.shutil.disk_usage", lambda folder: usage)

    async def story() -> list[str]:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        conditions = HealthChecks(
            "argonne",
            home.clock,
            home.dispatcher.breakers,
            home.restore_guard,
            home.channels,
            home.supervisor,
            home.ledger,
            RefusedMailRegister("argonne", home.ledger, home.clock),
            Engines(()),
            tmp_path,
        )
        return [one.name for one in conditions.now()]

    assert run_simulated(story()) == told


@pytest.mark.parametrize("kind", ["approval", "condition"])
def test_what_one_peer_asks_people_to_look_at_is_told_one_by_one_up_to_a_few_and_then_counted(kind: str) -> None:
    """A member may have a thousand tasks wait for approval: that is no thousand e-mails every ten minutes."""
    asked = [
        Alert("riken", f"evil/{n}", "toy.use@1", "", f"task {n}", "approval")
        if kind == "approval"
        else Alert("riken", "", "object", "", f"erase {n}", "condition", f"erase/{n}", told_by="evil")
        for n in range(1000)
    ]
    others = [Alert("riken", "argonne/1", "toy.use@1", "", "task", "approval"), Alert("riken", "", "disk", "", "full")]
    told = summarised([*asked, *others])
    assert told[:MOST_OF_ONE] == asked[:MOST_OF_ONE]
    assert told[MOST_OF_ONE:-1] == others
    assert told[-1].name == f"more/{kind}/evil"
    assert str(1000 - MOST_OF_ONE) in told[-1].text
    assert str(1000 - MOST_OF_ONE) in told[-1].ja


def test_every_uncertain_task_is_told_whoever_asked_for_it() -> None:
    uncertain = [Alert("riken", f"argonne/{n}", "toy.use@1", "", f"task {n}") for n in range(50)]
    assert summarised(uncertain) == uncertain
