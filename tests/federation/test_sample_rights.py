"""A task uses only samples that its owner has, for its team, in a state to be used; whatever road it came by."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from federation.asking import ask, person, why_refused
from federation.test_samples import FILM, at, given, made, operator, received
from federation.toys import SPEC, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Refused
from yosegi.core.states import TaskState
from yosegi.execution.tasks import Task
from yosegi.ledger import Draft, Write
from yosegi.services.runtime import Site
from yosegi.services.samples.entries import REGISTERED, sample_stream
from yosegi.services.samples.states import SampleChange
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated

Story = Callable[[Federation], Awaitable[None]]
OPERATOR = operator("nims")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def tell(folder: Path, story: Story) -> None:
    async def main() -> None:
        federation = three_sites(folder)
        await federation.start()
        try:
            await story(federation)
        finally:
            for name in federation.places:
                await federation.crash(name)

    run_simulated(main())


async def measuring(federation: Federation, sample: str, key: str = "k") -> Task:
    """argonne asks nims to measure a sample, by a document of its own making."""
    contract = at(federation, "nims").repository.published["toy.measure@1"].contract
    asked = {"capability": "nims/toy.measure@1", "contract": contract.digest, "inputs": {"sample": sample}}
    return await ask(federation, key, **asked)


async def registered(nims: Site, name: str) -> str:
    return (await nims.samples.register(name, OPERATOR, charter=CHARTER, team=TEAM)).id


def started(federation: Federation) -> int:
    """How often anything was done at nims."""
    return sum(federation.world.effects.values())


def test_a_sample_that_nobody_registered_is_refused_and_nothing_is_done(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        task = await measuring(federation, "s-0.5")
        assert why_refused(task) == "sample_unknown"
        assert task.reasons[0].en.startswith("No sample nims/s-0.5 of the team colour-team is known at nims.")
        assert started(federation) == 0

    tell(tmp_path, story)


def test_what_is_no_name_of_a_sample_is_refused(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        assert why_refused(await measuring(federation, "the red one; second from left")) == "sample_misnamed"

    tell(tmp_path, story)


def test_a_sample_of_the_team_that_is_here_may_be_used_whether_set_apart_or_not(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        nims = at(federation, "nims")
        await registered(nims, "s-0.25")
        await measuring(federation, "s-0.25")
        await nims.samples.change("nims/s-0.25", "reserve", OPERATOR)
        await measuring(federation, "s-0.25", "again")
        await asyncio.sleep(60)
        assert {nims.repository.task(f"task/argonne/{key}").state for key in ("k", "again")} == {TaskState.ENDED}

    tell(tmp_path, story)


def test_another_teams_sample_is_as_unknown_as_one_that_is_not_there(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        nims = at(federation, "nims")
        facts = {"team": "other-team", "parents": [], "holder": "nims", "state": "available"}
        stream = sample_stream("nims/s-0.25")
        draft = Draft(REGISTERED, facts)
        await nims.ledger.append(Write(stream, 0, (draft,), charter=CHARTER, actor="operator@nims"))
        others, nobodys = await measuring(federation, "s-0.25"), await measuring(federation, "s-0.75", "nobodys")
        assert why_refused(others) == why_refused(nobodys) == "sample_unknown"
        assert others.reasons[0].en.replace("0.25", "0.75") == nobodys.reasons[0].en

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "code"),
    [("quarantine", "sample_quarantined"), ("lose", "sample_lost"), ("use_up", "sample_gone")],
)
def test_a_sample_that_is_set_aside_lost_or_used_up_is_refused(tmp_path: Path, change: SampleChange, code: str) -> None:
    async def story(federation: Federation) -> None:
        nims = at(federation, "nims")
        await nims.samples.change(await registered(nims, "s-0.25"), change, OPERATOR)
        assert why_refused(await measuring(federation, "s-0.25")) == code
        assert started(federation) == 0

    tell(tmp_path, story)


def test_a_sample_that_was_split_is_refused_and_its_parts_are_not(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        nims = at(federation, "nims")
        await nims.samples.split(await registered(nims, "s-1"), ["s-0.25", "s-0.75"], OPERATOR)
        assert why_refused(await measuring(federation, "s-1")) == "sample_gone"
        assert (await measuring(federation, "s-0.75", "part")).state is TaskState.DISPATCHED

    tell(tmp_path, story)


def test_a_sample_is_used_by_the_site_that_received_it_and_by_no_other(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        assert why_refused(await measuring(federation, FILM, "before")) == "sample_unknown"
        await given(federation)
        assert why_refused(await measuring(federation, FILM, "on-its-way")) == "sample_elsewhere"
        await received(federation)
        assert (await measuring(federation, FILM, "here")).state is TaskState.DISPATCHED
        await asyncio.sleep(60)
        await given(federation, "nims", "argonne")
        assert why_refused(await measuring(federation, FILM, "given-on")) == "sample_given_away"
        await received(federation, "argonne")
        gone = await measuring(federation, FILM, "gone")
        assert why_refused(gone) == "sample_elsewhere"
        assert gone.reasons[0].en.startswith("The sample riken/film-17 is not at nims: argonne has it.")

    tell(tmp_path, story)


def test_a_sample_that_came_damaged_is_used_once_a_person_has_released_it(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        await received(federation, condition="damaged")
        assert why_refused(await measuring(federation, FILM, "damaged")) == "sample_quarantined"
        await at(federation, "nims").samples.change(FILM, "release", OPERATOR)
        assert (await measuring(federation, FILM, "released")).state is TaskState.DISPATCHED

    tell(tmp_path, story)


def test_a_sample_that_is_set_aside_while_its_task_waits_is_not_touched(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        nims = at(federation, "nims")
        sample = await registered(nims, "s-0.25")
        await nims.operations.set_stop_level("hold", OPERATOR, "maintenance")
        assert (await measuring(federation, sample)).state is TaskState.ACCEPTED
        await nims.samples.change(sample, "quarantine", OPERATOR, why="somebody dropped it")
        await nims.operations.set_stop_level("release", OPERATOR, "done")
        await asyncio.sleep(60)
        assert why_refused(nims.repository.task("task/argonne/k")) == "sample_quarantined"
        assert started(federation) == 0

    tell(tmp_path, story)


def test_a_task_that_a_person_asks_for_by_the_command_line_is_held_to_it(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        argonne = at(federation, "argonne")
        asked = {"charter": CHARTER, "team": TEAM, "capability": "nims/toy.measure@1", "purpose": "research"}
        await argonne.task_requests.ask(person(), key="mine", inputs={"sample": "s-0.5"}, **asked)  # type: ignore[arg-type]
        await asyncio.sleep(120)
        answer = argonne.task_requests.show("nims", "mine", person())
        assert (answer.state, answer.reasons[0].code) == (TaskState.REFUSED, "sample_unknown")

    tell(tmp_path, story)


def test_a_step_of_a_campaign_is_held_to_it(tmp_path: Path) -> None:
    step = (
        '[[source]]\nname = "look"\nprice = 1.0\n\n[[source.step]]\nname = "measure"\n'
        'capability = "nims/toy.measure@1"\n'
        'set = { sample = "s-0.5" }\n\n[[source.step]]\nname = "simulate"\ncapability = "riken/toy.simulate@1"\n'
    )

    async def story(federation: Federation) -> None:
        argonne = at(federation, "argonne")
        text = SPEC.split("[[source]]", maxsplit=1)[0].replace("TRIALS", "1") + step
        await argonne.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(300)
        first = argonne.campaigns.get("toy").trials[0]
        assert [one.state for one in first.steps] == [TaskState.REFUSED]
        assert "No sample nims/s-0.5 of the team colour-team is known at nims." in str(first)
        assert started(federation) == 0

    tell(tmp_path, story)


def test_only_a_person_puts_a_sample_into_a_state_in_which_it_may_be_used(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        nims = at(federation, "nims")
        await nims.samples.change(await registered(nims, "s-0.25"), "quarantine", OPERATOR)
        with pytest.raises(Refused, match="people_only"):
            await nims.samples.change("nims/s-0.25", "release", person("operator@nims", "operator", agent="planner"))
        assert why_refused(await measuring(federation, "s-0.25")) == "sample_quarantined"

    tell(tmp_path, story)
