"""The faces of a site as one application: what machines call, the API and the pages, and agents' tools if installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from starlette.types import ASGIApp

from yosegi.app.settings import Settings
from yosegi.services.runtime import Site
from yosegi.web import make_app


def faces(site: Site, settings: Settings) -> ASGIApp:
    """Everything that a site answers; without the extra `mcp` no tools for agents."""
    return with_agents(make_app(site), site, settings.addresses)


def with_agents(app: ASGIApp, site: Site, addresses: Sequence[str]) -> ASGIApp:
    """An application that also answers agents, under some addresses of the site."""
    if importlib.util.find_spec("mcp") is None:
        return app
    # Imported late: a site without the extra has no such library.
    from yosegi.mcp import AgentFace

    return AgentFace(app, site, addresses)
