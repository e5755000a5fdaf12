"""The socket that a site is served from."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from pathlib import Path

import pytest

from processes.sites import free_ports
from yosegi.app.init_home import make_home
from yosegi.app.serve import listen, serve
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


def test_what_a_site_is_made_of_is_not_looked_through_by_each_full_collection(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    home = make_home(tmp_path / "lab", {"site": "lab", "title": "L", "listen": f"127.0.0.1:{port}", "reach": "carried"})
    seen: list[tuple[int, int]] = []

    def ready(_: str) -> None:
        seen.append((gc.get_freeze_count(), len(gc.get_objects())))
        signal.raise_signal(signal.SIGTERM)

    asyncio.run(serve(home, ready))
    ((aside, left),) = seen
    assert aside > 50_000
    assert left < aside / 10
    assert gc.get_freeze_count() == 0
