"""What an agent may read without a tool: contracts, campaigns and their parts, and bundles that verify offline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import mcp_types as types
from mcp import MCPError

from yosegi.core.errors import NotFound, YosegiError
from yosegi.core.sanitize import plain_json
from yosegi.mcp.tool import Call
from yosegi.mcp.words import as_text, marked, words
from yosegi.services.runtime import Site

SCHEME = "yosegi://"
JSON = "application/json"
MOST_LISTED = 500
MOST_TRIALS = 200
"""The latest trials in a history; all are in `get_trials`, a page at a time."""
MOST_BUNDLE = 8 * 1024 * 1024
"""Bytes; a larger bundle is fetched from the API."""
MISSING = -32002
"""The protocol's code for a resource that there is not."""


def listed(call: Call) -> list[types.Resource]:
    """Campaigns that the caller may see, and contracts; named by what they are called, not by their titles."""
    campaigns = sorted(call.site.campaigns.summaries(call.who), key=lambda one: one.started, reverse=True)
    found = [
        types.Resource(uri=f"{SCHEME}campaigns/{one.name}", name=f"campaign {one.name}", mime_type=JSON)
        for one in campaigns
    ]
    refs = dict.fromkeys(line.ref for line in call.site.catalogue.listings())
    found += [types.Resource(uri=f"{SCHEME}contracts/{ref}", name=f"contract {ref}", mime_type=JSON) for ref in refs]
    return found[:MOST_LISTED]


def _template(path: str, name: str, description: str) -> types.ResourceTemplate:
    return types.ResourceTemplate(uri_template=f"{SCHEME}{path}", name=name, description=description, mime_type=JSON)


TEMPLATES = (
    _template("contracts/{site}/{capability}", "contract", "The whole contract of a capability"),
    _template("campaigns/{name}", "campaign", "A campaign without its trials"),
    _template("campaigns/{name}/problem", "problem", "What is varied, between which bounds, and what is wanted"),
    _template("campaigns/{name}/history", "history", "The latest trials and what came of them"),
    _template("campaigns/{name}/hypotheses", "hypotheses", "What agents thought, and what came of it"),
    _template("campaigns/{name}/budget", "budget", "What was spent, what is held and what is left"),
    _template("bundles/{name}", "bundle", "A campaign as one file that verifies offline, exactly as it was signed"),
)


async def read(call: Call, uri: str) -> tuple[str, str]:
    """The text of a resource and its media type.

    Raises:
        NotFound: there is none of that address, or the caller may not know of it.
    """
    path = uri.removeprefix(SCHEME)
    kind, _, name = unquote(path).partition("/")
    reader = _READERS.get(kind)
    if not uri.startswith(SCHEME) or reader is None or not name or len(uri) > 400:
        raise NotFound("resource", uri[:200])
    return await reader(call, name), JSON


async def _contract(call: Call, name: str) -> str:
    return as_text(marked(call.site.catalogue.show(name).plain(), call.site.name))


async def _campaign(call: Call, name: str) -> str:
    name, _, part = name.partition("/")
    overview = call.site.campaigns.overview(name, call.who).plain()
    if part == "hypotheses":
        shown: dict[str, Any] = call.site.campaigns.hypotheses(name, call.who).plain()
    elif part == "history":
        count = overview["trials"]
        trials = call.site.campaigns.trials(name, call.who, max(0, count - MOST_TRIALS), MOST_TRIALS)
        shown = {"name": name, "count": count, "latest": [one.plain() for one in trials]}
    elif part in _PARTS:
        shown = {field: overview[field] for field in ("name", *_PARTS[part])}
    elif part:
        raise NotFound("resource", f"campaigns/{name}/{part[:80]}")
    else:
        shown = overview
    return as_text(marked(shown, call.site.name))


_PARTS = {
    "problem": ("parameters", "objective", "sources", "stop", "question", "baseline"),
    "budget": ("spent", "held", "budget", "price", "stop", "state"),
}


async def _bundle(call: Call, name: str) -> str:
    """Signed bytes are not marked: they would not verify. They are JSON, and say of themselves what they are."""
    data = await call.site.campaigns.export_for(name, call.who)
    if len(data) > MOST_BUNDLE:
        raise NotFound("resource", f"bundles/{name}: larger than {MOST_BUNDLE} bytes; fetch it from the API")
    return plain_json(data.decode())


_READERS: dict[str, Callable[[Call, str], Awaitable[str]]] = {
    "contracts": _contract,
    "campaigns": _campaign,
    "bundles": _bundle,
}


def problem(site: Site, error: YosegiError) -> MCPError:
    """Why a resource is not given, as the protocol tells it."""
    code = MISSING if isinstance(error, NotFound) else types.INVALID_REQUEST
    return MCPError(code, words(str(error), site.name), {"code": error.code})


def campaign_of(uri: str) -> str:
    """The campaign that a resource is of; empty if it is of none."""
    kind, _, rest = uri.removeprefix(SCHEME).partition("/")
    return unquote(rest).partition("/")[0] if uri.startswith(SCHEME) and kind == "campaigns" else ""
