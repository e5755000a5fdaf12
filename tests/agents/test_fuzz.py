"""Every operation of the agents' face with inputs of its schema and with anything else: answered, never a fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.clients import Agent
from web.house import opened
from web.plain import PLAIN
from yosegi.core.errors import YosegiError
from yosegi.mcp.tools import TOOLS

CODES = {kind.code for kind in YosegiError.__subclasses__()} | {"error", "mandate_refused", "untrusted"}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


def from_schema(schema: Any, defs: Any = None) -> st.SearchStrategy[Any]:
    """Values that fit a JSON Schema, as far as pydantic writes them for the tools' inputs."""
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        return from_schema(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return st.one_of([from_schema(one, defs) for one in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    low, high = schema.get("minimum"), schema.get("maximum")
    kind = schema.get("type")
    if kind == "string" and "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda t: len(t) <= schema.get("maxLength", 500))
    if kind == "string":
        most = min(schema.get("maxLength", 200), 200)
        return st.text(min_size=schema.get("minLength", 0), max_size=most)
    if kind in ("integer", "number"):
        if schema.get("exclusiveMinimum") is not None:
            low = schema["exclusiveMinimum"] + 1
        return st.integers(low, high) if kind == "integer" else st.floats(low, high, allow_nan=False, width=32)
    if kind == "array":
        return st.lists(from_schema(schema["items"], defs), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "object" and "properties" in schema:
        needed = {n: from_schema(f, defs) for n, f in schema["properties"].items() if n in schema.get("required", ())}
        others = {n: from_schema(f, defs) for n, f in schema["properties"].items() if n not in needed}
        return st.fixed_dictionaries(needed, optional=others)
    return {"boolean": st.booleans(), "null": st.none()}.get(kind, JSON if kind is None else st.just({}))


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with opened() as house:
        home = house.federation.places["argonne"].running
        home.agents.most_a_minute = 10**9
        agent = Agent(house, "fuzzer")
        agent.call("who_am_i")
        yield agent


@pytest.fixture(scope="module")
def http(agent: Agent) -> Iterator[httpx.Client]:
    assert agent.memory.tokens is not None
    headers = HEADERS | {"Authorization": f"Bearer {agent.memory.tokens.access_token}"}
    with httpx.Client(headers=headers, trust_env=False, verify=PLAIN, timeout=60) as client:
        yield client


def said(answer: httpx.Response) -> Any:
    """The JSON-RPC answer, in JSON or in the one event of a stream."""
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    return json.loads(lines[-1]) if lines else answer.json()


def post(http: httpx.Client, agent: Agent, method: Any, params: Any) -> httpx.Response:
    return http.post(agent.url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def check(answer: Any) -> None:
    """See that a call of a tool was answered, or refused for a reason that has a code."""
    result = answer["result"]
    if result.get("isError"):
        assert result["structuredContent"]["code"] in CODES, result


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_answers_what_fits_its_schema(agent: Agent, http: httpx.Client, tool: Any) -> None:
    schema = json.loads(json.dumps(tool.takes.model_json_schema()))
    if "wait_seconds" in schema["properties"]:
        schema["properties"]["wait_seconds"]["maximum"] = 0

    @FEW
    @given(from_schema(schema))
    def holds(arguments: Any) -> None:
        check(said(post(http, agent, "tools/call", {"name": tool.name, "arguments": arguments})))

    holds()


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_answers_anything_else(agent: Agent, http: httpx.Client, tool: Any) -> None:
    @FEW
    @given(st.dictionaries(st.sampled_from([*tool.takes.model_fields, "other"]), JSON, max_size=4))
    def holds(arguments: Any) -> None:
        check(said(post(http, agent, "tools/call", {"name": tool.name, "arguments": arguments})))

    holds()


METHODS = (
    "initialize", "ping", "tools/list", "tools/call", "resources/list", "resources/read", "resources/templates/list",
    "prompts/list", "prompts/get", "server/discover", "nothing/such",
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_any_parameters(agent: Agent, http: httpx.Client, method: str) -> None:
    @FEW
    @given(JSON)
    def holds(params: Any) -> None:
        assert post(http, agent, method, params).status_code < 500

    holds()


def test_any_body_is_answered(agent: Agent, http: httpx.Client) -> None:
    @settings(FEW, max_examples=60)
    @given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
    def holds(body: bytes) -> None:
        answer = http.post(agent.url, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500

    holds()


def test_any_token_request_is_answered(agent: Agent, http: httpx.Client) -> None:
    fields = st.sampled_from(["grant_type", "client_assertion", "client_assertion_type", "resource", "subject_token"])
    forged = ["client_credentials", "a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.e30."]
    values = st.text(max_size=60) | st.sampled_from(forged)

    @settings(FEW, max_examples=80)
    @given(st.dictionaries(fields, values))
    def holds(form: dict[str, str]) -> None:
        with_surrogates = {k: v.encode("utf-8", "ignore").decode() for k, v in form.items()}
        assert http.post(f"{agent.house.url()}/mcp/token", data=with_surrogates).status_code in (400, 401)

    holds()
