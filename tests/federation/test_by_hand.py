"""A campaign whose source is a person: proposals go out, results come in once, it ends and replays as any other."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

from federation.questions import mixes, replayed, two_sites, until_over
from federation.toys import X
from yosegi.campaign import parse_spec
from yosegi.core.capability import capability, quantity
from yosegi.core.engine import PersonResult
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.core.states import CampaignState, TrialState
from yosegi.identity.accounts import Account, Session
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated


@dataclass(frozen=True)
class Seen:
    strength: Annotated[float, quantity("MPa", ge=0)]


@capability("toy.press@1", kind="instrument", effect="idempotent", field="toys", simulated=True, time_limit=7 * 86400)
def press(x: X, y: X) -> Seen:
    """Press a pellet and read the force at which it breaks."""
    raise NotImplementedError("a person does it")


BY_HAND = (
    mixes().partition("[[source]]")[0]
    + """
[[source]]
name = "hands"
price = 1.0
step = [{ name = "press", capability = "riken/toy.press@1" }]
"""
)


def person(role: str = "member", agent: str = "") -> Session:
    return Session("pi@argonne", role, float("inf"), "", agent=agent)  # type: ignore[arg-type]


async def started(folder: Path) -> Federation:
    federation = two_sites(folder)
    federation.places["riken"].by_hand = (press,)
    await federation.start()
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(BY_HAND), federation.member())
    await asyncio.sleep(30)
    return federation


def force(inputs: dict[str, float]) -> float:
    return 100 - 200 * (inputs["x"] - 0.6) ** 2 - 200 * (inputs["y"] - 0.4) ** 2 + 60


def test_a_person_measures_what_is_proposed_to_the_end_of_the_campaign(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await started(tmp_path)
        bench = federation.places["riken"].running.bench
        done = 0
        while federation.places["argonne"].running.campaigns.get("mixes").state is CampaignState.RUNNING:
            for task in bench.list_for(person()):
                values = {one.name: float(str(one.value)) for one in task.inputs}
                assert task.outputs[0].unit == "MPa"
                if done == 1:
                    await bench.enter(task.task, PersonResult(infeasible="it crumbles"), person())
                else:
                    await bench.enter(task.task, PersonResult({"strength": force(values)}), person())
                done += 1
            await asyncio.sleep(20)
        campaign = await until_over(federation)
        assert campaign.why == "6 trials done"
        states = [trial.state for trial in campaign.trials]
        assert (states.count(TrialState.COMPLETED), states.count(TrialState.INFEASIBLE)) == (6, 1)
        assert all(t.value == pytest.approx(force(dict(t.values))) for t in campaign.trials if t.value is not None)
        assert await replayed(federation) == {"identical"}

    run_simulated(story())


def test_a_table_goes_out_and_comes_back_with_each_row_taken_or_said_why_not(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await started(tmp_path)
        bench = federation.places["riken"].running.bench
        rows = list(csv.DictReader(io.StringIO(bench.csv_for(person()))))
        assert len(rows) == 2
        keys = [row["key"] for row in rows]
        table = f"key,strength\n{keys[0]},95.5\n{keys[1]},-3\n{keys[0]},96\ntask/argonne/never,1\n"
        told = await bench.enter_csv(table, person())
        assert told.taken == 1
        assert [bool(row.why) for row in told.rows] == [False, True, True, True]
        assert "strength" in told.rows[1].why
        assert "entered already" in told.rows[2].why
        with pytest.raises(Invalid, match="no column key"):
            await bench.enter_csv("x,strength\n0.1,5\n", person())
        await asyncio.sleep(30)
        assert 95.5 in [t.value for t in federation.places["argonne"].running.campaigns.get("mixes").trials]

    run_simulated(story())


def test_neither_agents_nor_others_enter_a_result(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await started(tmp_path)
        bench = federation.places["riken"].running.bench
        (task, *_) = bench.list_for(person())
        with pytest.raises(Refused, match="people_only"):
            await bench.enter(task.task, PersonResult({"strength": 1.0}), person(agent="helper"))
        stranger = Session("other@riken", "member", float("inf"), "")
        assert not bench.list_for(stranger)
        with pytest.raises(NotFound):
            await bench.enter(task.task, PersonResult({"strength": 1.0}), stranger)

    run_simulated(story())


def test_a_site_that_restarts_asks_nobody_twice(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await started(tmp_path)
        before = federation.places["riken"].running.bench.list_for(person())
        await federation.crash("riken")
        await federation.restart("riken")
        await asyncio.sleep(60)
        bench = federation.places["riken"].running.bench
        assert [(task.task, task.since) for task in bench.list_for(person())] == [(t.task, t.since) for t in before]
        await bench.enter(before[0].task, PersonResult({"strength": 90.0}), person())
        await asyncio.sleep(60)
        assert 90.0 in [t.value for t in federation.places["argonne"].running.campaigns.get("mixes").trials]

    run_simulated(story())


def test_an_aborted_campaign_asks_nobody_any_more_and_who_answers_late_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await started(tmp_path)
        home, bench = federation.places["argonne"].running, federation.places["riken"].running.bench
        (task, *_) = bench.list_for(person())
        await home.campaigns.move("mixes", CampaignState.ABORTED, federation.member(), "the press is broken")
        await asyncio.sleep(30)
        assert bench.list_for(person()) == ()
        assert len(bench.csv_for(person()).splitlines()) == 1
        with pytest.raises(Conflict, match="taken back by whoever asked"):
            await bench.enter(task.task, PersonResult({"strength": 95.5}), person())

    run_simulated(story())


# -- handed on --------------------------------------------------------------------------------------------------------


def at_riken(name: str, role: str = "member") -> Session:
    return Session(f"{name}@riken", role, float("inf"), "")  # type: ignore[arg-type]


async def staffed(folder: Path) -> Federation:
    """The press is at riken, whose operators and a visiting member of the team have accounts there."""
    federation = two_sites(folder)
    federation.places["riken"].by_hand = (press,)
    federation.places["riken"].accounts = {
        name: Account(person=name, role=role, disabled=disabled)
        for name, role, disabled in (
            ("pi@argonne", "member", None),
            ("operator@riken", "operator", None),
            ("night@riken", "operator", None),
            ("left@riken", "operator", True),
            ("other@riken", "member", None),
        )
    }  # type: ignore[misc]
    await federation.start()
    await federation.places["argonne"].running.campaigns.start(parse_spec(BY_HAND), federation.member())
    await asyncio.sleep(30)
    return federation


def test_a_task_handed_on_is_answered_by_the_receiver_and_reaches_the_campaign_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await staffed(tmp_path)
        bench = federation.places["riken"].running.bench
        (task, other, *_) = bench.list_for(person())
        told = await bench.hand_on(task.task, "operator@riken", "the press is in your room", person())
        assert (told.handed_to, told.held_by_other, told.may_hand_on) == ("operator@riken", True, True)
        await federation.crash("riken")
        await federation.restart("riken")
        await asyncio.sleep(60)
        bench = federation.places["riken"].running.bench
        received = next(one for one in bench.list_for(at_riken("operator", "operator")) if one.task == task.task)
        assert (received.handed_by, received.handed_note) == ("pi@argonne", "the press is in your room")
        assert (received.handed_at, received.held_by_other) == (told.handed_at, False)
        assert task.task.partition("/")[2] not in bench.csv_for(person())
        assert other.task.partition("/")[2] in bench.csv_for(person())
        with pytest.raises(Conflict, match="handed on to operator@riken"):
            await bench.enter(task.task, PersonResult({"strength": 91.0}), person())
        await bench.enter(task.task, PersonResult({"strength": 90.0}), at_riken("operator", "operator"))
        await asyncio.sleep(60)
        values = [t.value for t in federation.places["argonne"].running.campaigns.get("mixes").trials]
        assert 90.0 in values
        assert 91.0 not in values
        with pytest.raises(Conflict, match="entered already"):
            await bench.hand_on(task.task, "night@riken", "late", at_riken("operator", "operator"))

    run_simulated(story())


@pytest.mark.parametrize(
    ("to", "error", "said"),
    [
        ("nobody@riken", Invalid, "nobody of that name may sign in at riken"),
        ("left@riken", Invalid, "nobody of that name may sign in at riken"),
        ("night", Invalid, "nobody of that name may sign in at riken"),
        ("other@riken", Refused, "other@riken is not a member of the team"),
        ("pi@argonne", Conflict, "is with pi@argonne already"),
    ],
)
def test_a_task_is_handed_on_to_nobody_who_could_not_enter_it(
    tmp_path: Path, to: str, error: type[Exception], said: str
) -> None:
    async def story() -> None:
        federation = await staffed(tmp_path)
        bench = federation.places["riken"].running.bench
        (task, *_) = bench.list_for(person())
        with pytest.raises(error, match=said):
            await bench.hand_on(task.task, to, "please", person())
        assert {one.handed_to for one in bench.list_for(person())} == {""}

    run_simulated(story())


def test_a_person_who_was_suspended_is_handed_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await staffed(tmp_path)
        riken = federation.places["riken"].running
        (task, *_) = riken.bench.list_for(person())
        officer = Session("officer@riken", "officer", float("inf"), "")
        await riken.governance.suspend("person", "night@riken", officer, "a lost key")
        with pytest.raises(Invalid, match="nobody of that name may sign in at riken"):
            await riken.bench.hand_on(task.task, "night@riken", "please", person())

    run_simulated(story())


def test_neither_agents_nor_strangers_hand_a_task_on(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await staffed(tmp_path)
        bench = federation.places["riken"].running.bench
        (task, *_) = bench.list_for(person())
        assert [one.may_hand_on for one in bench.list_for(person(agent="helper")) if one.task == task.task] in (
            [],
            [False],
        )
        with pytest.raises(Refused, match="people_only"):
            await bench.hand_on(task.task, "operator@riken", "please", person(agent="helper"))
        with pytest.raises(NotFound):
            await bench.hand_on(task.task, "operator@riken", "please", at_riken("other"))
        await bench.hand_on(task.task, "operator@riken", "please", person())
        # Who runs the site gives it to somebody else, who was not asked by its holder.
        told = await bench.hand_on(task.task, "night@riken", "the night shift", at_riken("night", "operator"))
        assert told.handed_to == "night@riken"

    run_simulated(story())
