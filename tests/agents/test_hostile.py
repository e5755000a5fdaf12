"""An agent that means harm: many calls at once, streams held open, files made to be slow, waiting on a dead mandate."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, MCPError

from agents.clients import MODES
from agents.conftest import Make
from agents.test_tools import MAKE
from federation.asking import person
from web.house import House, spec
from yosegi.core.errors import Refused


@pytest.mark.parametrize("mode", MODES)
def test_many_calls_at_once_are_no_more_than_the_budget_of_calls(make: Make, mode: str) -> None:
    agent = make(calls=3)

    async def at_once(client: Client) -> list[Any]:
        answers: list[Any] = []

        async def one() -> None:
            answers.append((await client.call_tool("who_am_i", {})).structured_content)

        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(one)
        return answers

    answers = agent.use(at_once, mode)
    assert sum("person" in answer for answer in answers) == 3
    assert {tuple(answer["codes"]) for answer in answers if "codes" in answer} == {("calls_used_up",)}


def test_calls_that_are_under_way_count_before_they_are_on_record(make: Make, house: House) -> None:
    agent = make(calls=3)

    async def four() -> tuple[str, ...]:
        agents = house.federation.places["argonne"].running.agents
        who = replace(person(), agent=agent.name, mandate=agent.name)
        mandate = agents.delegation.get(agent.name)
        with ExitStack() as under_way:
            for _ in range(3):
                under_way.enter_context(agents.one_call(who, mandate))
            with pytest.raises(Refused) as refused:
                under_way.enter_context(agents.one_call(who, mandate))
        return tuple(refused.value.reasons)

    assert asyncio.run_coroutine_threadsafe(four(), house.loop).result(60) == ("calls_used_up",)


def test_a_call_that_waits_ends_with_its_mandate(make: Make, house: House) -> None:
    agent = make()
    key = f"waits-{agent.name}"

    async def wait(client: Client) -> Any:
        async def cancel(progress: float, total: float | None, message: str | None) -> None:
            mandates = house.federation.places["argonne"].running.mandates
            asyncio.run_coroutine_threadsafe(mandates.cancel(agent.name, "enough", person()), house.loop)

        await client.call_tool("ask_task", MAKE | {"key": key, "conduct": "approve"})
        wanted = {"owner": "nims", "key": key, "wait_seconds": 50}
        return await client.call_tool("get_task", wanted, progress_callback=cancel)

    answer = agent.use(wait)
    assert (answer.is_error, answer.structured_content["codes"]) == (True, ["mandate_cancelled"])


def test_listing_is_bounded_by_its_rate(make: Make, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.federation.places["argonne"].running.agents, "most_a_minute", 2)

    async def many(client: Client) -> Any:
        for _ in range(2):
            await client.list_resources()
        with pytest.raises(MCPError) as refused:
            await client.list_resources()
        return refused.value.error.data

    assert make().use(many, cache=None) == {"code": "refused"}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_nothing_but_a_call_is_answered_so_no_stream_is_held_open(make: Make, method: str) -> None:
    agent = make()
    agent.call("who_am_i")
    assert agent.memory.tokens is not None
    headers = {"Authorization": f"Bearer {agent.memory.tokens.access_token}", "Accept": "text/event-stream"}
    answer = httpx.request(method, agent.url, headers=headers, trust_env=False, timeout=60)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("line", "why"),
    [("a." * 30_000 + "b = 1", "more than 16 parts"), ("x = " + "9" * 5000, "not TOML")],
    ids=["deep", "long"],
)
def test_a_campaign_file_made_to_be_slow_is_refused(make: Make, line: str, why: str) -> None:
    answer = make().call("start_campaign", {"spec": f"{line}\n{spec('slow', 1)}"})
    assert answer["code"] == "invalid"
    assert why in answer["message"]


def test_what_is_too_large_is_refused_before_it_is_read(make: Make) -> None:
    answer = make().call("start_campaign", {"spec": "#" * 70_000})
    assert answer["code"] == "invalid"
    assert "has more than 65536 characters" in answer["message"]
