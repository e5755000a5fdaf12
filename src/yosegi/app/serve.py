"""Serving a site: one process, its web face, its engines; ended cleanly by SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import uvicorn
from fastapi import FastAPI

from yosegi.app.compose import compose
from yosegi.app.settings import Home
from yosegi.web import make_app


async def serve(home: Home, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until told to stop.

    Args:
        home: the site's folder.
        ready: told the address once the site answers.

    Raises:
        Invalid, Locked, Corrupt: the site cannot be started; nothing was changed.
    """
    settings = home.settings()
    host, port = settings.host_and_port
    site = await compose(home)
    app = make_app(site)

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await site.start()
        ready(f"http://{host}:{port}")
        yield
        await site.close()

    app.router.lifespan_context = life
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    await uvicorn.Server(config).serve()
    # A server that could not bind has not run the end of its life.
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
