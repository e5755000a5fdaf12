"""The faces of a site behind one address: pages and our API, the facility API and agents' tools where they are on."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from yosegi.app.settings import Settings
from yosegi.services.runtime import Site
from yosegi.web import make_app


class Faces:
    """Hands a call to the face below whose prefix it is.

    Args:
        rest: what answers all else.
        below: another face by its prefix, `/iri`.
    """

    def __init__(self, rest: ASGIApp, below: dict[str, ASGIApp]) -> None:
        self._rest, self._below = rest, below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        path = scope.get("path", "")
        for prefix, face in self._below.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                await face({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
                return
        await self._rest(scope, receive, send)


def with_agents(app: ASGIApp, site: Site, addresses: Sequence[str]) -> ASGIApp:
    """An application that also answers agents, under some addresses of the site; without the extra `mcp`, as it was."""
    if importlib.util.find_spec("mcp") is None:
        return app
    # Imported late: a site without the extra has no such library.
    from yosegi.mcp import AgentFace

    return AgentFace(app, site, addresses)


def make_faces(site: Site, settings: Settings) -> ASGIApp:
    """Everything that a site serves."""
    web, iri = with_agents(make_app(site), site, settings.addresses), settings.iri
    if iri is None:
        return web
    # Imported late: half a second of a core, which a site without this face need not spend at each start.
    from yosegi.iri import make_iri_app
    from yosegi.iri.about import FacilityProfile

    profile = FacilityProfile(
        url=iri.url or (f"{settings.url.rstrip('/')}{iri.prefix}" if settings.url else ""),
        purpose=iri.purpose,
        organization=iri.organization,
        support_uri=iri.support_uri,
        country=iri.country,
        locality=iri.locality,
    )
    return Faces(web, {iri.prefix: make_iri_app(site, profile)})
