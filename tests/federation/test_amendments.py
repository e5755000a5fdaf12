"""What people do to a campaign that runs or has ended: recorded, by whom it must be, and learned from."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.questions import mixes, replayed, run, two_sites, until_over
from yosegi.campaign import Campaign, parse_spec
from yosegi.campaign.measurements import MeasuredRow, Measurements
from yosegi.core.errors import Conflict, Corrupt, Invalid, NotFound, Refused
from yosegi.core.states import CampaignState, TrialState
from yosegi.identity.accounts import Account, Session
from yosegi.ledger import Draft, Entry, Ledger, Write
from yosegi.planner import Status
from yosegi.services.campaigns.amendments import AmendmentService
from yosegi.services.campaigns.summary import summary_of
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.verification.bundle import read_bundle, verify_bundle

TABLE = """x,y (1),strength (MPa),strength_error,state,who
0.6,0.4,99.5,0.5,,first week
0.1,0.1,,,failed,the die broke
0.9,0.9,,,infeasible,
"""


REFUSED_EXTENSIONS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"question": "Why?"}, "changes question. An extension changes budget, conduct, .*; clone the campaign"),
    ({"trials": 4}, "changes trials. It is part of stop: stop = { trials = … }"),
    ({"parameter": [{"name": "z", "low": 0.4, "high": 0.8}]}, "has no parameter z. Its parameters are x, y"),
)


def session(federation: Federation, person: str = "pi@argonne", agent: str = "") -> Session:
    role = "member" if person.startswith("pi@") else "officer"
    return Session(person, role, float("inf"), "", agent=agent)


def amendments(federation: Federation) -> AmendmentService:
    return federation.places["argonne"].running.amendments


def of(federation: Federation) -> Campaign:
    return federation.places["argonne"].running.campaigns.get("mixes")


async def held(federation: Federation, more: str = "") -> None:
    """Start the campaign over mixes and hold it at once."""
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(mixes(more=more)), federation.member())
    await home.campaigns.move("mixes", CampaignState.HELD, federation.member(), "a look")
    await asyncio.sleep(30)


def test_what_a_person_decides_is_decided_again_when_an_owners_word_comes_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, between = Ledger.append, [Draft("campaign.note", {}, {"text": "in between"})]

    async def overtaken(ledger: Ledger, *writes: Write) -> list[Entry]:
        (write, *_) = writes
        if between and any(draft.facts.get("state") == "stopping" for draft in write.drafts):
            note = Write(write.stream, None, (between.pop(),), charter=write.charter, actor="argonne")
            await append(ledger, note)
        return await append(ledger, *writes)

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await held(federation)
        monkeypatch.setattr(Ledger, "append", overtaken)
        home = federation.places["argonne"].running
        await home.campaigns.move("mixes", CampaignState.STOPPING, federation.member(), "enough")
        assert not between
        assert of(federation).state in (CampaignState.STOPPING, CampaignState.ENDED)

    run_simulated(story())


def test_measurements_that_nobody_proposed_are_marked_learned_from_and_count_as_no_trials(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await held(federation)
        done = sum(t.state is TrialState.COMPLETED for t in of(federation).trials)
        told = await amendments(federation).add_table("mixes", TABLE, "", "week1.csv", session(federation))
        assert (told.count, told.failed, told.signed) == (3, 2, False)
        assert told.notes == ()
        brought = [t for t in of(federation).trials if t.origin == "imported"]
        assert [(str(t.state), t.value, t.by) for t in brought] == [
            ("completed", 99.5, "pi@argonne"),
            ("failed", None, "pi@argonne"),
            ("infeasible", None, "pi@argonne"),
        ]
        assert brought[1].why == "who: the die broke"
        seen = list(of(federation).observed)[-3:]
        assert [(o.status, dict(o.outcomes), dict(o.errors)) for o in seen] == [
            (Status.DONE, {"strength": 99.5}, {"strength": 0.5}),
            (Status.TRANSIENT, {}, {}),
            (Status.INFEASIBLE, {}, {}),
        ]
        best = of(federation).best()
        assert best is not None
        assert best.number == brought[0].number
        home = federation.places["argonne"].running
        await home.campaigns.move("mixes", CampaignState.RUNNING, federation.member(), "on")
        campaign = await until_over(federation)
        # Nobody here made what was brought, so it is nothing that the campaign gained.
        answer = await home.campaigns.answer("mixes", federation.member())
        own = [t for t in map(campaign.trial, campaign.ended_order) if t.origin == "planner" and t.value is not None]
        assert answer.acceleration is not None
        assert answer.acceleration.trials == 1 + own.index(max(own, key=lambda trial: trial.value or 0.0))
        # Six trials of its own were asked for; what was brought is beside them.
        assert campaign.why == "6 trials done"
        assert sum(t.state is TrialState.COMPLETED and t.origin == "planner" for t in campaign.trials) == 6 >= done
        summary = summary_of(campaign)
        assert summary.trials == summary.ended == len(campaign.trials) - 3
        assert await replayed(federation) == {"identical"}

    run_simulated(story())


def test_the_same_rows_do_not_count_twice(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await held(federation)
        await amendments(federation).add_table("mixes", TABLE, "", "week1.csv", session(federation))
        with pytest.raises(Conflict, match="has these measurements already"):
            await amendments(federation).add_table("mixes", TABLE, "", "copy.csv", session(federation))
        grown = TABLE + "0.7,0.3,55,0.5,,second week\n"
        with pytest.raises(Conflict, match=r"3 of these 4 measurements already: row 1 \(trial"):
            await amendments(federation).add_table("mixes", grown, "", "grown.csv", session(federation))
        again = "x,y,strength,who\n0.6,0.4,99.5,third week\n"
        told = await amendments(federation).add_table("mixes", again, "", "again.csv", session(federation))
        assert told.count == 1

    run_simulated(story())


def test_rows_of_an_earlier_table_are_not_imported_as_well(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        earlier = '[[earlier]]\nname = "before"\ntable = "old.csv"\n'
        rows = "x,y,strength\n0.25,0.5,60\n0.3,0.5,61\n"
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(mixes(more=earlier), files={"old.csv": rows}), federation.member())
        with pytest.raises(Conflict, match=r"2 of these 2 .* row 1 \(the earlier old.csv\)"):
            await amendments(federation).add_table("mixes", rows, "", "old.csv", session(federation))

    run_simulated(story())


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("x,strength\n0.1,5\n", "no column y"),
        ("x,y\n0.1,0.2\n", "none of the columns strength"),
        ("x,y,strength (kPa)\n0.1,0.2,5\n", "'kPa'"),
        ("x,y,strength\n0.1,wet,5\n", "line 2: y is 'wet'"),
        ("x,y,strength,state\n0.1,0.2,5,\n0.1,0.2,,odd\n", "line 3: state is 'odd'"),
        ("x,y,strength\n0.1,0.2,\n", "line 2: says neither"),
        ("x,y,strength\n0.1,0.2\n", "line 2 has 2 cells"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_its_line(tmp_path: Path, table: str, says: str) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await held(federation)
        before = of(federation).position
        with pytest.raises(Invalid, match=says):
            await amendments(federation).add_table("mixes", table, "", "week1.csv", session(federation))
        assert of(federation).position == before

    run_simulated(story())


def signed(federation: Federation, by: str, person: str = "pi@argonne", **how: Any) -> Measurements:
    now = federation.places["argonne"].running.clock.now()
    row = MeasuredRow(values={"x": 0.5, "y": 0.5}, outcomes={"strength": 97.0})
    fields: dict[str, Any] = {
        "charter": "demo",
        "campaign": "mixes",
        "person": person,
        "source": "bench",
        "rows": (row,),
        "issued": now,
        "not_after": now + timedelta(minutes=5),
    }
    return Measurements(**(fields | how))


def test_rows_signed_by_their_bringer_are_held_against_the_signature_offline(tmp_path: Path) -> None:
    async def story() -> bytes:
        federation = two_sites(tmp_path)
        key = federation.person("pi@argonne")
        account = Account(person="pi@argonne", role="member", keys=(key.public,))
        federation.places["argonne"].accounts = {"pi@argonne": account}
        await federation.start()
        await held(federation)
        document = signed(federation, "pi@argonne")
        service, who = amendments(federation), session(federation)
        with pytest.raises(Refused, match="unknown_key"):
            await service.add("mixes", document.sign(federation.person("somebody@argonne")), who)
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await service.add("mixes", signed(federation, "", person="other@argonne").sign(key), who)
        assert (await service.add("mixes", document.sign(key), who)).signed
        return await federation.places["argonne"].running.campaigns.export("mixes")

    bundle = read_bundle(run_simulated(story()))
    verify_bundle(bundle)
    assert any("measurements.added" in entry.header for entry in bundle.entries)


def test_an_agent_brings_no_measurements(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await held(federation)
        with pytest.raises(NotFound):  # an agent without a mandate sees no campaign at all
            await amendments(federation).add_table("mixes", TABLE, "", "", session(federation, agent="helper"))
        agent = replace(session(federation, agent="helper"), mandate=of(federation).mandate)
        with pytest.raises(Refused) as refused:
            await amendments(federation).add_table("mixes", TABLE, "", "", agent)
        assert refused.value.reasons == ("people_only",)

    run_simulated(story())


def test_a_point_of_ones_own_is_measured_as_any_other(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await held(federation, more="[[constraint]]\nweights = { x = 1.0, y = 2.0 }\nat_most = 1.8\n")
        with pytest.raises(Invalid, match=r"x \+ 2 y is 1\.9 and must be at most 1\.8"):
            await amendments(federation).want("mixes", {"x": 0.5, "y": 0.7}, session(federation))
        with pytest.raises(Invalid, match="x = 3 lies outside"):
            await amendments(federation).want("mixes", {"x": 3.0, "y": 0.4}, session(federation))
        await amendments(federation).want("mixes", {"x": 0.6, "y": 0.4}, session(federation), why="by experience")
        home = federation.places["argonne"].running
        await home.campaigns.move("mixes", CampaignState.RUNNING, federation.member(), "on")
        campaign = await until_over(federation)
        (mine,) = [t for t in campaign.trials if t.origin == "person"]
        # The toy's strength at its top, by its formula.
        assert (mine.state, mine.value, mine.by) == (TrialState.COMPLETED, 100.0, "pi@argonne")
        assert await replayed(federation) == {"identical"}

    run_simulated(story())


def test_a_skipped_point_is_not_asked_again_and_the_rest_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        federation.network.part("http://riken.example")
        await home.campaigns.start(parse_spec(mixes()), federation.member())
        await asyncio.sleep(5)
        with pytest.raises(Invalid, match="no reason"):
            await amendments(federation).withdraw("mixes", 1, " ", session(federation))
        await amendments(federation).withdraw("mixes", 1, "the powder is wet", session(federation), skip=True)
        federation.network.heal()
        campaign = await until_over(federation)
        first = campaign.trial(1)
        assert (first.state, first.why) == (TrialState.WITHDRAWN, "the powder is wet")
        assert campaign.observed[list(campaign.ended_order).index(1)].status is Status.REFUSED
        assert all(t.values != first.values for t in campaign.trials if t.number != 1)
        assert campaign.why == "6 trials done"

    run_simulated(story())


def test_an_ended_campaign_is_extended_and_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        campaign = await run(federation, mixes().replace("trials = 6", "trials = 2"))
        with pytest.raises(Conflict, match="extend it"):
            await home.campaigns.move("mixes", CampaignState.RUNNING, federation.member(), "again")
        with pytest.raises(Conflict, match="would end at once"):
            await amendments(federation).extend("mixes", {"parallel": 3}, "", session(federation))
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await amendments(federation).extend(
                "mixes", {"stop": {"trials": 4}}, "", session(federation, "officer@argonne")
            )
        for changes, says in REFUSED_EXTENSIONS:
            with pytest.raises(Invalid, match=says):
                await amendments(federation).extend("mixes", changes, "", session(federation))
        narrower = [{"name": "x", "low": 0.4, "high": 0.8}]
        changes = {"stop": {"trials": 5}, "parameter": narrower}
        mandate = campaign.mandate
        await amendments(federation).extend("mixes", changes, "the referee asks", session(federation))
        campaign = await until_over(federation)
        assert campaign.why == "5 trials done"
        assert campaign.mandate != mandate
        assert all(0.4 <= float(t.values["x"]) <= 0.8 for t in list(campaign.trials)[2:])
        assert await replayed(federation) == {"identical"}

    run_simulated(story())


def test_an_extension_is_held_against_the_contract(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await held(federation)
        with pytest.raises(Invalid, match="up to 2"):
            await amendments(federation).extend(
                "mixes", {"parameter": [{"name": "x", "low": 0.0, "high": 2.0}]}, "", session(federation)
            )

    run_simulated(story())


def test_a_signed_row_that_was_changed_is_noticed(tmp_path: Path) -> None:
    async def story() -> bytes:
        federation = two_sites(tmp_path)
        key = federation.person("pi@argonne")
        account = Account(person="pi@argonne", role="member", keys=(key.public,))
        federation.places["argonne"].accounts = {"pi@argonne": account}
        await federation.start()
        await held(federation)
        home = federation.places["argonne"].running
        document = signed(federation, "pi@argonne")
        envelope = document.sign(key)

        def changed(campaign: Campaign) -> Any:
            from yosegi.campaign.amendments import added

            other = MeasuredRow(values={"x": 0.5, "y": 0.5}, outcomes={"strength": 197.0})
            return added(campaign, document.model_copy(update={"rows": (other,)}), envelope, (key.public,))

        # A home site that writes other rows than those that were signed.
        await home.campaign_engine.record("mixes", changed, "pi@argonne")
        return await home.campaigns.export("mixes")

    with pytest.raises(Corrupt, match="not those that were signed"):
        verify_bundle(read_bundle(run_simulated(story())))
