"""The same tools over standard input and output, started as a client starts them, in both kinds of the protocol."""

from __future__ import annotations

import sys
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from agents.clients import MODES, Agent
from agents.conftest import Make
from federation.asking import PI
from web.house import PASSPHRASE, House, spec
from yosegi.mcp.tools import TOOLS

pytestmark = pytest.mark.processes
PASSING_ON = """
import os, anyio
from yosegi.mcp.bridge import serve_stdio
anyio.run(serve_stdio, os.environ["SITE"], lambda: os.environ["TOKEN"])
"""


def talk(server: StdioServerParameters, work: Any, mode: str) -> Any:
    async def whole() -> Any:
        with anyio.fail_after(100):
            async with Client(server, mode=mode) as client:
                return await work(client)

    return anyio.run(whole)


async def names(client: Client) -> list[str]:
    return sorted(tool.name for tool in (await client.list_tools()).tools)


@pytest.mark.parametrize("mode", MODES)
def test_the_command_signs_a_person_in_and_serves_what_only_reads(house: House, mode: str) -> None:
    args = ["-m", "yosegi.cli", "mcp", "--url", house.url(), "--as", PI]
    server = StdioServerParameters(command=sys.executable, args=args, env={"YOSEGI_PASSPHRASE": PASSPHRASE})

    async def work(client: Client) -> Any:
        answer = await client.call_tool("who_am_i", {})
        return await names(client), answer.structured_content

    listed, myself = talk(server, work, mode)
    assert listed == sorted(tool.name for tool in TOOLS if not tool.acts)
    assert (myself["person"], myself["agent"], myself["mandate"]) == (PI, "", None)


def passing_on(agent: Agent) -> StdioServerParameters:
    """The command's server for an agent. Its login would be dated by this machine, and the house has its own time."""
    agent.call("who_am_i")
    assert agent.memory.tokens is not None
    env = {"SITE": agent.url, "TOKEN": agent.memory.tokens.access_token}
    return StdioServerParameters(command=sys.executable, args=["-c", PASSING_ON], env=env)


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_acts_is_refused_and_hears_of_progress_through_it(make: Make, mode: str) -> None:
    agent = make()
    key = f"stdio-{agent.name}"
    asked = {"charter": "demo", "team": "colour-team", "capability": "nims/toy.make@1", "inputs": {"x": 0.5}}
    told: list[float] = []

    async def work(client: Client) -> Any:
        async def hear(progress: float, total: float | None, message: str | None) -> None:
            told.append(progress)

        first = await client.call_tool("ask_task", asked | {"key": key, "conduct": "approve"})
        followed = {"owner": "nims", "key": key, "wait_seconds": 1}
        await client.call_tool("get_task", followed, progress_callback=hear)
        refused = await client.call_tool("get_task", {"owner": "nims", "key": "none"})
        return first.structured_content["agent"], refused.is_error, refused.structured_content["code"]

    assert talk(passing_on(agent), work, mode) == (agent.name, True, "not_found")
    assert told


def test_events_pass_through_it(make: Make, house: House) -> None:
    agent = make()
    name = f"heard-{agent.name}"

    async def work(client: Client) -> bool:
        async with client.listen(resource_subscriptions=[f"yosegi://campaigns/{name}"]) as events:
            await client.call_tool("start_campaign", {"spec": spec(name, 1)})
            async for _ in events:
                return True
        return False

    assert talk(passing_on(agent), work, MODES[-1])
