"""The protocol's official inspector, a client in another language that nobody here wrote, against a served site.

It is a package of npm and not of pip, so these tests run where it is installed: `YOSEGI_MCP_INSPECTOR` names its
command `mcp-inspector-cli`, e.g. after `npm install --prefix /opt/inspector @modelcontextprotocol/inspector`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import anyio
import httpx
import pytest

from agents.clients import Agent
from agents.conftest import Make

COMMAND = os.environ.get("YOSEGI_MCP_INSPECTOR", "")
pytestmark = [
    pytest.mark.skipif(not COMMAND, reason="YOSEGI_MCP_INSPECTOR does not name the official inspector's command"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.processes,
]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def inspect(agent: Agent, *arguments: str) -> Any:
    """What the inspector prints of one call."""
    base = agent.house.url()
    signed = anyio.run(lambda: agent.assertion(base))
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": signed}
    token = httpx.post(f"{base}/mcp/token", data=form, trust_env=False, timeout=60).json()["access_token"]
    command = [COMMAND, agent.url, "--transport", "http", "--header", f"Authorization: Bearer {token}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_inspector_lists_what_the_mandate_allows(make: Make) -> None:
    agent = make(conduct=())
    names = [tool["name"] for tool in inspect(agent, "--method", "tools/list")["tools"]]
    assert "find_capabilities" in names
    assert "ask_task" not in names


def test_the_inspector_calls_a_tool_and_gets_its_structured_answer(make: Make) -> None:
    agent = make()
    answer = inspect(agent, "--method", "tools/call", "--tool-name", "who_am_i")
    assert answer["structuredContent"]["agent"] == agent.name


def test_the_inspector_reads_a_resource(make: Make) -> None:
    read = inspect(make(), "--method", "resources/read", "--uri", "yosegi://contracts/nims/toy.make@1")
    assert "toy.make@1" in read["contents"][0]["text"]
