"""What a federation does together, on simulated time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from federation.running import run_campaign
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Conflict, Corrupt, Invalid
from yosegi.core.states import CampaignState, Effect, TaskState, TrialState
from yosegi.exchange import Received
from yosegi.execution.breaker import Requester
from yosegi.ledger import Entry, Write
from yosegi.planner.versions import REVISION
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import Report
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def test_the_same_federation_runs_the_same_twice() -> None:
    first, second = run_campaign(trials=3), run_campaign(trials=3)
    assert first.campaign.trials == second.campaign.trials
    assert first.commits == second.commits


def test_a_partition_stops_nothing_that_runs_and_is_made_up_for(tmp_path: Path) -> None:
    async def cut(federation: Federation) -> None:
        await asyncio.sleep(0.2)
        federation.network.part("http://argonne.example")
        await asyncio.sleep(300)
        federation.network.heal()

    told = run_campaign(trials=2, meddle=cut)
    assert told.completed == 2
    assert not told.twice
    assert told.waiting == 0


def test_a_held_campaign_starts_nothing_new_until_it_is_resumed() -> None:
    async def hold(federation: Federation) -> None:
        home, who = federation.places["argonne"].running, federation.member()
        await home.campaigns.move("toy", CampaignState.HELD, who, "a look")
        before = len(home.campaigns.get("toy").trials)
        await asyncio.sleep(200)
        assert len(home.campaigns.get("toy").trials) == before
        await home.campaigns.move("toy", CampaignState.RUNNING, who, "seen")

    assert run_campaign(trials=3, meddle=hold).completed == 3


def test_a_safe_stop_measures_what_was_made_and_leaves_nothing_running() -> None:
    async def stop(federation: Federation) -> None:
        home, who = federation.places["argonne"].running, federation.member()
        await asyncio.sleep(1.0)
        await home.campaigns.move("toy", CampaignState.STOPPING, who, "enough for today")
        await asyncio.sleep(60)
        campaign = home.campaigns.get("toy")
        assert campaign.state is CampaignState.STOPPED
        assert not campaign.under_way()
        assert all(len(trial.steps) == 2 for trial in campaign.trials if trial.state is TrialState.COMPLETED)
        await home.campaigns.move("toy", CampaignState.RUNNING, who, "on")

    assert run_campaign(trials=3, meddle=stop).campaign.state is CampaignState.ENDED


def test_an_aborted_campaign_takes_back_what_has_not_happened_and_ends(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, who = federation.places["argonne"].running, federation.member()
        await home.campaigns.start(parse_spec(spec(20)), who)
        await asyncio.sleep(0.4)
        await home.campaigns.move("toy", CampaignState.ABORTED, who, "wrong question")
        await asyncio.sleep(120)
        campaign = home.campaigns.get("toy")
        assert campaign.state is CampaignState.ABORTED
        assert all(trial.state.final for trial in campaign.trials)
        nims = federation.places["nims"].running
        assert nims.ledger.query("SELECT SUM(held) AS held FROM grant_tranches")[0]["held"] == 0

    run_simulated(story())


def test_an_uncertain_task_is_told_settled_by_a_person_and_learned_by_its_campaign(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, who = federation.places["argonne"].running, federation.member()
        await home.campaigns.start(parse_spec(spec(3)), who)
        while federation.world.effects.total() == 0:
            await asyncio.sleep(0.1)
        federation.kill("nims")
        await asyncio.sleep(90)
        nims = federation.places["nims"].running
        notices = nims.alerts.open()
        assert notices, "nobody was told"
        task = nims.tasks.get(notices[0].task)
        assert task.state is TaskState.UNCERTAIN
        await nims.tasks.acknowledge(notices[0].task, who)
        assert not [n for n in nims.alerts.open() if n.task == notices[0].task]
        settled = await nims.tasks.settle(notices[0].task, Effect.DONE, "the well is half full", who)
        assert settled.state is TaskState.ENDED
        assert settled.charged == {"samples": "1"}
        await asyncio.sleep(90)
        trials = [t for t in home.campaigns.get("toy").trials if any(s.key == task.key for s in t.steps)]
        assert [t.state for t in trials] == [TrialState.FAILED]
        with pytest.raises(Conflict):
            await nims.tasks.settle(notices[0].task, Effect.NONE, "again", who)

    run_simulated(story())


def test_an_owners_forbid_is_heard_at_home_in_both_languages(tmp_path: Path) -> None:
    rule = (
        '@id("not-today") @reason("The robot is being cleaned.") @reason_ja("ロボットは清掃中です。")\n'
        'forbid (principal, action, resource) when { resource.effect == "consuming" };'
    )

    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].rules = {"today.cedar": rule}
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(3)), federation.member())
        await asyncio.sleep(120)
        campaign = home.campaigns.get("toy")
        refused = [trial for trial in campaign.trials if trial.state is TrialState.REFUSED]
        reason = refused[0].steps[0].reasons[0]
        assert "cleaned" in reason["en"]
        assert "清掃中" in reason["ja"]
        # Three refusals in a row open the source's breaker; one more trial was under way by then.
        assert 3 <= len(refused) <= 4
        assert campaign.state is CampaignState.HELD
        assert not federation.world.effects

    run_simulated(story())


def test_two_reports_on_one_task_that_arrive_together_are_both_heard(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        kinds = home.exchange.inbox.kinds
        record, append = kinds[Report.payload_type].handler, home.ledger.append
        ended: dict[str, asyncio.Event] = {}

        async def together(received: Received[Report]) -> None:
            """What says that a task was dispatched waits until its end has arrived, and is recorded just before it."""
            report = received.document
            event = ended.setdefault(report.key, asyncio.Event())
            if report.state is TaskState.DISPATCHED:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), 4.0)
            else:
                event.set()
                await asyncio.sleep(0.0005)
            await record(received)

        async def slowly(*writes: Write) -> list[Entry]:
            await asyncio.sleep(0.001)
            return await append(*writes)

        for payload_type in Report.payload_types:
            kinds[payload_type] = replace(kinds[payload_type], handler=together)
        home.ledger.append = slowly  # type: ignore[method-assign]
        text = spec(2).partition('[[source]]\nname = "simulation"')[0]
        await home.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(120)
        assert home.campaigns.get("toy").state is CampaignState.ENDED
        assert any(event.is_set() for event in ended.values())

    run_simulated(story())


def test_an_exhausted_grant_refuses_and_never_overspends(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].grant = {"samples": "3"}
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(10)), federation.member())
        await asyncio.sleep(300)
        campaign = home.campaigns.get("toy")
        completed = [t for t in campaign.trials if t.state is TrialState.COMPLETED]
        assert len(completed) == 3
        assert campaign.state is CampaignState.HELD
        spent = federation.places["nims"].running.ledger.query("SELECT SUM(spent) AS s FROM grant_tranches")
        assert spent[0]["s"] == 3000

    run_simulated(story())


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (("nims/toy.make@1", "nims/toy.make@2"), Invalid, "nims/toy.make@2"),
        (("high = 1.0", "high = 2.0"), Invalid, "up to 2"),
        (("resolution = 0.001 }", 'resolution = 0.001, unit = "m" }'), Invalid, "'m'"),
        (('name = "y"', 'name = "z"'), Invalid, "objective"),
        (('charter = "demo"', 'charter = "other"'), Invalid, "charter 'other'"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused_before_anything_is_recorded(
    tmp_path: Path, change: tuple[str, str], error: type[Exception], says: str
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        size = home.ledger.size
        with pytest.raises(error, match=says):
            await home.campaigns.start(parse_spec(spec().replace(*change)), federation.member())
        assert home.ledger.size == size

    run_simulated(story())


def bundle_of_one_trial(folder: Path) -> bytes:
    async def story() -> bytes:
        federation = three_sites(folder)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(1)), federation.member())
        await asyncio.sleep(60)
        return await home.campaigns.export("toy")

    return run_simulated(story())


def test_a_decision_that_is_not_found_again_says_whether_an_older_planner_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = read_bundle(bundle_of_one_trial(tmp_path))
    assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}
    monkeypatch.setattr("yosegi.verification.bundle.propose", lambda campaign, count, closed: [])
    assert {one.verdict for one in replay_bundle(bundle)} == {"different"}
    monkeypatch.setattr("yosegi.verification.bundle.REVISION", REVISION + 1)
    assert {(one.verdict, one.revision) for one in replay_bundle(bundle)} == {("older", str(REVISION))}


def test_each_flipped_byte_of_a_bundle_is_noticed(tmp_path: Path) -> None:
    data = bundle_of_one_trial(tmp_path)
    verify_bundle(read_bundle(data))
    for place in range(200, len(data), len(data) // 60):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises((Corrupt, Invalid)):
            verify_bundle(read_bundle(bytes(changed)))


def test_three_failures_in_a_row_take_a_capability_out_of_use_until_a_person_has_looked(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        nims, who = federation.places["nims"].running, federation.member()
        engine = federation.places["nims"].engine
        assert engine is not None
        engine.broken = True
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(2)), who)
        await asyncio.sleep(120)
        assert nims.dispatcher.breakers.why_open_to("toy.make@1", Requester("argonne", "pi@argonne"))
        effects = federation.world.effects.total()
        await home.campaigns.move("toy", CampaignState.RUNNING, who, "try again")
        await asyncio.sleep(60)
        assert federation.world.effects.total() == effects
        refused = [t for t in home.campaigns.get("toy").trials if t.state is TrialState.REFUSED]
        assert {t.steps[0].reasons[0]["code"] for t in refused} == {"breaker_open_to"}
        engine.broken = False
        await nims.operations.close_breaker("toy.make@1", who, "a loose tube")
        await home.campaigns.move("toy", CampaignState.RUNNING, who, "mended")
        await asyncio.sleep(120)
        assert home.campaigns.get("toy").state is CampaignState.ENDED

    run_simulated(story())


def test_a_team_with_too_much_under_way_is_told_so(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].most_open, federation.places["nims"].duration = 1, 60.0
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(4)), federation.member())
        await asyncio.sleep(30)
        reasons = [r["code"] for t in home.campaigns.get("toy").trials for s in t.steps for r in s.reasons]
        assert "too_many_open" in reasons

    run_simulated(story())


@pytest.mark.parametrize("home", ["nims", "argonne"])
def test_a_site_asks_its_own_capabilities_without_a_network(tmp_path: Path, home: str) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path, home=home)
        federation.places["argonne"].capabilities = federation.places["nims"].capabilities
        federation.places["argonne"].grant = {"samples": "5"}
        await federation.start()
        federation.network.part("http://argonne.example", "http://riken.example")
        site = federation.places[home].running
        text = spec(2).replace("pi@argonne", f"pi@{home}").replace("nims/", f"{home}/")
        await site.campaigns.start(parse_spec(text.replace('"gp"', '"sobol"')), federation.member())
        await asyncio.sleep(60)
        assert site.campaigns.get("toy").state is CampaignState.ENDED

    run_simulated(story())
