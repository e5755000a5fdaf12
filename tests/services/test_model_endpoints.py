"""The adapter for models' endpoints, against a server that speaks the two published forms.

The forms are those of the providers' references: OpenAI, "Create chat completion" (`choices[0].message.content`,
`usage.prompt_tokens`), and Anthropic, "Create a message" (`content[].text`, `usage.input_tokens`, the headers
`x-api-key` and `anthropic-version: 2023-06-01`). No real endpoint can be reached from where this is tested.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from yosegi.core.errors import Invalid, Unavailable
from yosegi.services.agents.endpoint import MOST_ANSWER, EndpointAgent, key_reader, points_in
from yosegi.services.agents.proposer import Advice, ProposerView
from yosegi.services.agents.settings import EndpointSettings

POINT = {"values": {"x": 0.3}, "hypothesis": "near the middle", "expects": "small", "at_most": 0.1}
TEXT = json.dumps({"points": [POINT]})
VIEW = ProposerView("toy", "Which x?", [], [], {}, [], [], [], [], {}, 2, 7)
SAID = {
    "openai": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200},
    },
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-2026",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1000, "output_tokens": 200},
    },
}


@asynccontextmanager
async def served(answer: Any, status: int = 200) -> AsyncIterator[tuple[str, list[Any]]]:
    """A server on this machine that answers so, and what it was asked."""
    asked: list[Any] = []

    async def post(request: web.Request) -> web.Response:
        asked.append((dict(request.headers), await request.json()))
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return web.Response(body=body, status=status, content_type="application/json", headers={"Location": "/other"})

    app = web.Application()
    app.router.add_post("/v1", post)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{port}/v1", asked
    finally:
        await runner.cleanup()


def agent(url: str, style: Any, **more: Any) -> EndpointAgent:
    priced = {"price_in": 2.0, "price_out": 10.0}
    settings = EndpointSettings(style=style, url=url, model="m", endpoint="lab-llm", **(priced | more))
    return EndpointAgent(settings, lambda: "s3cret")


def propose(style: Any, answer: Any, status: int = 200, **more: Any) -> tuple[Advice, list[Any]]:
    async def whole() -> tuple[Advice, list[Any]]:
        async with served(answer, status) as (url, asked):
            return await agent(url, style, **more).propose(VIEW), asked

    return asyncio.run(whole())


@pytest.mark.parametrize("style", ["openai", "anthropic"])
def test_points_version_tokens_and_cost_are_read_of_each_form(style: str) -> None:
    """1000 tokens in at 2 and 200 out at 10 a million cost 0.004."""
    advice, _ = propose(style, SAID[style])
    assert [dict(point.values) for point in advice.points] == [{"x": 0.3}]
    use = advice.use
    assert (use.name, use.version, use.tokens_in, use.tokens_out, use.cost) == ("m", "m-2026", 1000, 200, "0.004000")


def test_openais_form_is_asked_with_a_bearer_and_two_messages() -> None:
    _, [(headers, body)] = propose("openai", SAID["openai"])
    assert headers["Authorization"] == "Bearer s3cret"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_anthropics_form_is_asked_with_its_headers_and_a_system_prompt() -> None:
    _, [(headers, body)] = propose("anthropic", SAID["anthropic"])
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("s3cret", "2023-06-01")
    assert (body["messages"][0]["role"], "system" in body) == ("user", True)


@pytest.mark.parametrize("style", ["openai", "anthropic"])
def test_the_campaign_is_sent_as_data_and_never_among_the_instructions(style: str) -> None:
    _, [(_, body)] = propose(style, SAID[style])
    instruction = body["system"] if style == "anthropic" else body["messages"][0]["content"]
    assert "Which x?" not in instruction
    assert json.loads(body["messages"][-1]["content"])["question"] == "Which x?"


@pytest.mark.parametrize(
    ("answer", "status"), [(SAID["openai"], 500), (SAID["openai"], 302), (b" " * (MOST_ANSWER + 1), 200)]
)
def test_an_error_a_redirect_and_an_endless_answer_are_no_answer(answer: Any, status: int) -> None:
    with pytest.raises(Unavailable):
        propose("openai", answer, status)


@pytest.mark.parametrize("answer", [[], {}, {"choices": []}, {"choices": [{"message": {"content": None}}]}])
def test_an_answer_of_another_form_is_refused(answer: Any) -> None:
    with pytest.raises(Invalid):
        propose("openai", answer)


@pytest.mark.parametrize(
    "text",
    [
        "I will not.",
        "{}",
        '{"points": 3}',
        '{"points": [{"values": {"x": 1}}]}',
        '{"points": [{"values": {"x": 1}, "hypothesis": "yes", "approve": true}]}',
        '{"points": [], "points": []}',
    ],
)
def test_a_models_text_is_read_strictly_or_not_at_all(text: str) -> None:
    with pytest.raises(Invalid):
        points_in(text)


def test_words_around_the_object_are_passed_over() -> None:
    assert len(points_in(f"Here you are:\n```json\n{TEXT}\n```")) == 1


@pytest.mark.parametrize(
    "url", ["http://llm.example/v1", "ftp://llm.example/v1", "https://user:pass@llm.example/v1", "llm.example"]
)
def test_an_endpoint_is_https_or_on_this_machine_and_holds_no_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"https|password"):
        EndpointSettings(style="openai", url=url, model="m", endpoint="e")


def test_a_key_is_read_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    common = {"style": "openai", "url": "https://llm.example/v1", "model": "m", "endpoint": "e"}
    (tmp_path / "llm.key").write_text("of the file\n")
    assert key_reader(EndpointSettings(**common, key_file="llm.key"), tmp_path)() == "of the file"  # type: ignore[arg-type]
    monkeypatch.setenv("LLM_KEY", "of the environment")
    assert key_reader(EndpointSettings(**common, key_env="LLM_KEY"), tmp_path)() == "of the environment"  # type: ignore[arg-type]
