"""The socket that a site is served from."""

from __future__ import annotations

import asyncio
import socket

import pytest

from yosegi.app.serve import listen
from yosegi.core.errors import Unavailable


def test_what_a_site_answers_is_sent_at_once_and_not_kept_back_for_more() -> None:
    async def accepted() -> int:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            done.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen("127.0.0.1", 0) as listener:
            async with await asyncio.start_server(connected, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                writer.close()
                return await done

    assert asyncio.run(accepted())


def test_an_address_in_use_is_said_with_what_to_change() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(Unavailable, match=r"`listen` in site\.toml"):
        listen(*first.getsockname())
