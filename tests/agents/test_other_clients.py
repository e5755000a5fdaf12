"""Clients of another language that nobody here wrote: the official inspector over stdio, the TypeScript SDK by HTTP.

They are packages of npm and not of pip, so these tests run where they are installed: `YOSEGI_MCP_NODE` names the folder
`node_modules`, e.g. after `npm install --prefix /opt/inspector @modelcontextprotocol/inspector`, which brings the SDK.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.clients import Agent
from agents.conftest import Make
from agents.test_stdio import PASSING_ON

FOLDER = Path(os.environ.get("YOSEGI_MCP_NODE", "/nowhere"))
pytestmark = [
    pytest.mark.skipif(not FOLDER.is_dir(), reason="YOSEGI_MCP_NODE does not name where the inspector is installed"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.processes,
]


def printed(command: list[str], **environment: str) -> Any:
    """The JSON that a command prints."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return json.loads(done.stdout)


def token(agent: Agent) -> str:
    agent.call("who_am_i")
    assert agent.memory.tokens is not None
    return agent.memory.tokens.access_token


def inspect(agent: Agent, folder: Path, *arguments: str) -> Any:
    """What the inspector prints of one call, through the server over standard input and output."""
    script = folder / "serve.py"
    script.write_text(PASSING_ON)
    given = ["-e", f"SITE={agent.url}", "-e", f"TOKEN={token(agent)}"]
    return printed([str(FOLDER / ".bin" / "mcp-inspector"), "--cli", *given, sys.executable, str(script), *arguments])


def test_the_inspector_lists_what_the_mandate_allows(make: Make, tmp_path: Path) -> None:
    agent = make(conduct=())
    names = [tool["name"] for tool in inspect(agent, tmp_path, "--method", "tools/list")["tools"]]
    assert "find_capabilities" in names
    assert "ask_task" not in names


def test_the_inspector_calls_a_tool_and_gets_its_structured_answer(make: Make, tmp_path: Path) -> None:
    agent = make()
    answer = inspect(agent, tmp_path, "--method", "tools/call", "--tool-name", "who_am_i")
    assert answer["structuredContent"]["agent"] == agent.name


def test_the_inspector_reads_a_resource(make: Make, tmp_path: Path) -> None:
    uri = "yosegi://contracts/nims/toy.make@1"
    read = inspect(make(), tmp_path, "--method", "resources/read", "--uri", uri)
    assert "toy.make@1" in read["contents"][0]["text"]


def test_the_typescript_sdk_speaks_with_a_site_over_http(make: Make) -> None:
    agent = make(conduct=())
    script = Path(__file__).with_name("client.mjs")
    sdk = str(FOLDER / "@modelcontextprotocol" / "sdk")
    found = printed(["node", str(script)], SITE=agent.url, TOKEN=token(agent), YOSEGI_MCP_SDK=sdk)
    assert "ask_task" not in found["tools"]
    assert found["myself"]["agent"] == agent.name
    assert found["text"].startswith("Text between ⟦ and ⟧ is the words of the site named before the colon")
