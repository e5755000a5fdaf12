"""Background work of running sites: whatever fails once, everything goes on, and a person is told what does not."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from federation.asking import person
from federation.running import begin, look
from federation.toys import three_sites
from yosegi.campaign import Campaigns
from yosegi.core.clock import Clock
from yosegi.core.errors import Refused, Unavailable
from yosegi.core.supervision import BackgroundState, Supervisor
from yosegi.exchange import Exchange
from yosegi.exchange.peer_channel import PeerChannel
from yosegi.exchange.peer_router import PeerRouter
from yosegi.exchange.sender import PeerSender
from yosegi.ledger import Draft, SqliteStore, Stale, StoreFailed, Write
from yosegi.services.alerts.service import Alert
from yosegi.services.runtime import Site
from yosegi.testing.failing import FailingSupervisor, Moment
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.testing.world import SimulatedEngine


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("yosegi")
    before, logger.level = logger.level, logging.CRITICAL + 1
    yield
    logger.setLevel(before)


def fail_once(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, error: Exception, when: Callable[..., bool]
) -> None:
    """Have a method raise at the first call for which `when` holds."""
    before, failed = getattr(owner, name), []

    def failing(self: Any, *args: Any, **how: Any) -> Any:
        if not failed and when(self, *args, **how):
            failed.append(name)
            raise error
        return before(self, *args, **how)

    monkeypatch.setattr(owner, name, failing)


async def ended(federation: Federation, seconds: float = 600.0) -> bool:
    """Whether the toy campaign comes to its end within that time."""
    for _ in range(int(seconds / 5)):
        await asyncio.sleep(5)
        if federation.places["argonne"].running.campaigns.get("toy").state.final:
            return True
    return False


def disk(why: str = "the disk is away") -> StoreFailed:
    return StoreFailed("ledger.db", why)


# -- every task ---------------------------------------------------------------------------------------------------

OWNERS = {
    "alerts",
    "authorization",
    "campaigns",
    "delegation",
    "exchange",
    "execution",
    "governance",
    "policy disclosure",
    "site",
}


@pytest.mark.parametrize(
    ("moment", "error", "spared"),
    [
        ("before", lambda: KeyError("nobody foresaw this"), frozenset[str]()),
        # An engine that fails in the middle of consuming work leaves it uncertain; the next test has that.
        ("within", disk, frozenset({"execution"})),
    ],
    ids=["before", "within"],
)
def test_every_background_task_fails_once_and_everything_goes_on(
    tmp_path: Path, moment: Moment, error: Callable[[], Exception], spared: frozenset[str]
) -> None:
    supervisors: list[FailingSupervisor] = []
    failed: list[list[tuple[str, str]]] = []

    def supervise(clock: Clock) -> Supervisor:
        failed.append([])
        supervisors.append(FailingSupervisor(clock, error, moment, failed[-1], spared))
        return supervisors[-1]

    async def story() -> None:
        federation = three_sites(tmp_path, supervise=supervise)
        await federation.start()
        await begin(federation, 2)
        assert await ended(federation)
        await asyncio.sleep(150)
        told = await look(federation)
        assert (told.completed, told.twice, told.waiting, told.held, told.uncertain) == (2, (), 0, 0, 0)
        for supervisor in supervisors:
            assert supervisor.failing() == ()
            assert {task.state for task in supervisor.tasks()} == {BackgroundState.RUNNING}
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())
    for supervisor, its in zip(supervisors, failed, strict=True):
        assert supervisor.seen == set(its)
        assert not [which for which, times in Counter(its).items() if times > 1]
    assert {owner for supervisor in supervisors for owner, _ in supervisor.seen} >= OWNERS - spared


def test_an_engine_that_fails_in_the_middle_of_consuming_work_leaves_it_uncertain_and_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        fault = KeyError("nobody foresaw this")
        fail_once(monkeypatch, SimulatedEngine, "_outcome", fault, lambda self, work: not work.effect.repeatable)
        await begin(federation, 2)
        await asyncio.sleep(300)
        told = await look(federation)
        # The sample was used up: nobody knows what came of it, and it was not done again.
        assert (told.uncertain, told.twice) == (1, ())
        assert federation.places["nims"].running.supervisor.failing() == ()

    run_simulated(story())


# -- alerts -------------------------------------------------------------------------------------------------------


def broken_reads(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have every query of a site fail as long as the list says so."""
    broken, query = [True], site.ledger.query

    def failing(sql: str, params: Any = ()) -> Any:
        if broken[0]:
            raise disk()
        return query(sql, params)

    monkeypatch.setattr(site.ledger, "query", failing)
    return broken


def test_alerts_go_on_after_the_ledger_could_not_be_read_while_they_were_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, told = federation.places["argonne"].running, list[str]()

        async def send(alert: Alert) -> None:
            told.append(alert.name)

        home.alerts.senders = (send,)
        broken = broken_reads(home, monkeypatch)
        await asyncio.sleep(300)
        broken[0] = False
        home.channels.witness.forked.add("riken")
        await asyncio.sleep(120)
        assert "fork/riken" in told
        await home.close()

    run_simulated(story())


def test_a_ledger_that_cannot_be_read_is_told_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, told = federation.places["argonne"].running, list[str]()

        async def send(alert: Alert) -> None:
            told.append(alert.text)

        home.alerts.senders = (send,)
        broken_reads(home, monkeypatch)
        await asyncio.sleep(120)
        assert any("the disk is away" in text for text in told)

    run_simulated(story())


def test_a_sender_that_fails_unforeseen_keeps_no_alert_from_the_others(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, told = federation.places["argonne"].running, list[str]()

        async def fails(alert: Alert) -> None:
            raise UnicodeError("odd")

        async def send(alert: Alert) -> None:
            told.append(alert.name)

        home.alerts.senders = (fails, send)
        home.channels.witness.verdicts.forked |= {"riken", "nims"}
        await asyncio.sleep(65)
        assert set(told) == {"fork/riken", "fork/nims"}

    run_simulated(story())


def test_background_work_that_fails_again_and_again_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running

        async def fails() -> None:
            raise KeyError("odd")

        monkeypatch.setattr(home.watch, "once", fails)
        home.watch.look()
        await asyncio.sleep(1)
        assert home.alerts.open() == []
        await asyncio.sleep(30)
        (alert,) = home.alerts.open()
        assert alert.name == "background/authorization/review of open tasks"
        assert "KeyError: 'odd'" in alert.text

    run_simulated(story())


# -- peers --------------------------------------------------------------------------------------------------------


def test_a_peer_is_called_again_after_its_conversation_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running

        def is_riken(router: PeerRouter, channel: PeerChannel) -> bool:
            return (router.site, channel.peer) == ("argonne", "riken")

        fail_once(monkeypatch, PeerRouter, "resend", disk(), is_riken)
        await asyncio.sleep(120)
        failed = home.clock.monotonic()
        await asyncio.sleep(120)
        assert home.channels.channel("demo", "riken").called > failed

    run_simulated(story())


def test_an_answer_that_nobody_foresaw_makes_calls_to_that_peer_rarer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[float] = []

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running

        async def delivered(self: PeerSender, *_: Any) -> None:
            if self.site == "argonne":
                calls.append(home.clock.monotonic())
                if len(calls) > 1000:
                    await asyncio.sleep(1000)
                raise AttributeError("'str' object has no attribute 'get'")
            raise Unavailable("a peer", "it is away")

        monkeypatch.setattr(PeerSender, "_deliver", delivered)
        await begin(federation, 2)
        await asyncio.sleep(600)

    run_simulated(story())
    # Two peers, each called at most once in a while of at most half a minute on average a quarter.
    assert 10 < len(calls) < 200


# -- campaigns ----------------------------------------------------------------------------------------------------


def test_a_campaign_goes_on_after_its_loop_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        fail_once(monkeypatch, Campaigns, "_do", ValueError("odd"), lambda self, campaign, _: bool(campaign.trials))
        await begin(federation, 2)
        assert await ended(federation)

    run_simulated(story())


def test_why_a_campaign_does_not_go_on_is_shown_until_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, decided = federation.places["argonne"].running, Campaigns._do

        async def fails(*_: Any) -> bool:
            raise ValueError("odd")

        monkeypatch.setattr(Campaigns, "_do", fails)
        await begin(federation, 2)
        await asyncio.sleep(5)
        assert home.campaigns.last_error("toy") == "ValueError: odd"
        monkeypatch.setattr(Campaigns, "_do", decided)
        assert await ended(federation)
        assert home.campaigns.last_error("toy") == ""

    run_simulated(story())


# -- what is shown ------------------------------------------------------------------------------------------------


def test_an_operator_sees_all_background_work_and_a_member_none(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        seen = home.operations.background(person("operator@argonne", "operator"))
        assert {task.owner for task in seen} >= {"alerts", "authorization", "delegation", "exchange", "governance"}
        assert {task.state for task in seen} == {BackgroundState.RUNNING}
        with pytest.raises(Refused, match="operators_only"):
            home.operations.background(person())

    run_simulated(story())


# -- starting and closing -----------------------------------------------------------------------------------------


def test_closing_goes_on_where_a_part_cannot_be_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    async def fails(self: Any) -> None:
        raise OSError("disk")

    async def note(self: Any) -> None:
        closed.append("engine")

    monkeypatch.setattr(Campaigns, "close", fails)
    monkeypatch.setattr(Exchange, "close", fails)
    monkeypatch.setattr(SimulatedEngine, "close", note)

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        site = federation.places["nims"].running
        with pytest.raises(OSError, match="disk"):
            await site.close()
        assert closed == ["engine"]
        assert site.supervisor.tasks() == ()
        with pytest.raises(Unavailable, match="closed"):
            await site.ledger.append(_write())
        SqliteStore(tmp_path / "nims.db").claim([])  # its lock is free

    run_simulated(story())


def test_a_site_that_cannot_start_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await federation.crash("nims")
        made: list[Site] = []

        async def fails(self: Any) -> None:
            made.append(self)
            raise ValueError("odd")

        monkeypatch.setattr("yosegi.services.erasure.service.ErasureService.start", fails)
        before = asyncio.all_tasks()
        with pytest.raises(ValueError, match="odd"):
            await federation.restart("nims")
        await asyncio.sleep(0)
        assert {task for task in asyncio.all_tasks() - before if "nims" in repr(task.get_coro())} == set()
        SqliteStore(tmp_path / "nims.db").claim([])

    run_simulated(story())


# -- a ledger that has stopped ------------------------------------------------------------------------------------


def test_a_ledger_that_stopped_is_told_by_every_way_there_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, told = federation.places["argonne"].running, list[str]()

        async def send(alert: Alert) -> None:
            told.append(alert.name)

        home.alerts.senders = (send,)
        # As if the lock had been lost (a network file system) and another process had taken over.
        usurper = SqliteStore(tmp_path / "argonne.db", durable=False)
        usurper._begin_term([])
        with pytest.raises(Stale):
            await home.ledger.append(_write())
        await asyncio.wait_for(home.stopped.wait(), 60)
        assert isinstance(home.ledger.stopped, Stale)
        assert "ledger" in told
        assert "ledger" in [alert.name for alert in home.alerts.open()]
        usurper.close()

    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    run_simulated(story())
    assert "the ledger of argonne has stopped" in caplog.text


def _write() -> Write:
    return Write("notices", None, (Draft("notice.acknowledged", {"notice": "x"}),), charter="", actor="argonne")
