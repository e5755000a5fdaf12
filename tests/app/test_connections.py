"""Connections of strangers are bounded in number and time; a caller that says what it wants is answered."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from yosegi.app.connections import ConnectionLimits, SeldomTold, limited
from yosegi.app.serve import listen

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
Story = Callable[[int, ConnectionLimits], Awaitable[None]]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body, and says that all is well."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.asynccontextmanager
async def served(limits: ConnectionLimits) -> AsyncIterator[int]:
    http = limited(limits, AutoHTTPProtocol)
    config = uvicorn.Config(answer, lifespan="off", log_level="critical", http=http)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started:
                await asyncio.sleep(0.005)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await serving


def tell(story: Story, limits: ConnectionLimits) -> None:
    async def whole() -> None:
        async with asyncio.timeout(60), served(limits) as port:
            await story(port, limits)

    asyncio.run(whole())


@contextlib.asynccontextmanager
async def said(port: int, data: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which this was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def is_ended(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionResetError):
        return await reader.read() == b""
    return True


@pytest.mark.parametrize("data", [b"", GET[:9], POST + b"12345"], ids=["nothing", "half a head", "half a body"])
def test_who_does_not_say_what_they_want_in_time_is_let_go(data: bytes) -> None:
    async def story(port: int, limits: ConnectionLimits) -> None:
        async with said(port, data) as (reader, _):
            assert await is_ended(reader)

    tell(story, ConnectionLimits(10, headers_within=0.1, body_within=0.1))


def test_half_a_head_after_an_answer_is_let_go_too() -> None:
    async def story(port: int, limits: ConnectionLimits) -> None:
        async with said(port, GET) as (reader, writer):
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            writer.write(GET[:9])
            assert await is_ended(reader)

    tell(story, ConnectionLimits(10, headers_within=0.1))


def test_a_whole_request_is_answered_however_many_came_before_on_its_connection() -> None:
    async def story(port: int, limits: ConnectionLimits) -> None:
        async with said(port, GET) as (reader, writer):
            for request in (POST + b"1234567890", GET):
                assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
                writer.write(request)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")

    tell(story, ConnectionLimits(10))


def test_one_more_than_there_may_be_is_ended_and_taken_once_another_has() -> None:
    async def story(port: int, limits: ConnectionLimits) -> None:
        async with said(port, b""):
            while not limits.open:
                await asyncio.sleep(0.005)
            async with said(port, GET) as (refused, _):
                assert await is_ended(refused)
        while limits.open:
            await asyncio.sleep(0.005)
        async with said(port, GET) as (reader, _):
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")

    tell(story, ConnectionLimits(1))


def test_an_address_has_its_share_and_a_server_in_front_has_all() -> None:
    limits = ConnectionLimits(4, most_of_address=1)
    assert [limits.take(address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")] == [True, False, True]
    assert [limits.take("127.0.0.1") for _ in range(3)] == [True, True, False]
    limits.give_back("192.0.2.1")
    assert limits.take("192.0.2.1")


def test_that_no_connection_can_be_taken_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    told = SeldomTold(lambda: now)
    context = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(errno.EMFILE, "Too many open files"),
    }
    loop = asyncio.new_event_loop()
    with caplog.at_level(logging.ERROR, "yosegi.server"):
        for _ in range(1000):
            told(loop, context)
        now = 61.0
        told(loop, context)
    loop.close()
    assert [record.message for record in caplog.records if record.name == "yosegi.server"] == [
        "no connection can be taken (1 times): [Errno 24] Too many open files",
        "no connection can be taken (1000 times): [Errno 24] Too many open files",
    ]
