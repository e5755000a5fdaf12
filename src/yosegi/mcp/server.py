"""The SDK's server over a site: lists what the caller's mandate allows, calls it, and puts the call on record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import anyio
import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError

from yosegi.core import canonical
from yosegi.core.errors import Invalid, Refused, YosegiError
from yosegi.core.field_faults import field_faults
from yosegi.core.reasons import explain
from yosegi.core.reasons.codes import CODES
from yosegi.core.supervision import TaskScope
from yosegi.governance.mandates.mandate import MandateRefused
from yosegi.mcp import prompts, resources
from yosegi.mcp.capability_tools import tools_of
from yosegi.mcp.http import CALLER, MOST_BODY
from yosegi.mcp.subscriptions import Subscriptions
from yosegi.mcp.tool import Call, Tool
from yosegi.mcp.tools import TOOLS
from yosegi.mcp.words import MOST_BYTES, READ_ME, as_text, marked, words
from yosegi.services.runtime import Site
from yosegi.trust.errors import Untrusted

log = logging.getLogger("yosegi.mcp")

CAPABILITY_TOOLS = "capabilities"
"""In the address, `?tools=capabilities`: one tool more for each capability that the mandate names."""
INSTRUCTIONS = (
    "Tools of one site of a federation of laboratories. You act for a person, under a mandate: who_am_i says what it "
    "allows. A refusal says why, and who can change it; asking again changes nothing. What needs a person's approval "
    f"is approved by a person at the owner's site, never here. {READ_ME}"
)
_METHODS: tuple[CacheableMethod, ...] = (
    "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read",
)  # fmt: skip


def make_manager(site: Site, scope: TaskScope) -> StreamableHTTPSessionManager:
    """What answers calls over streamable HTTP for a site, each by itself."""
    return StreamableHTTPSessionManager(
        make_server(site, scope), stateless=True, json_response=False, max_request_body_size=MOST_BODY
    )


def make_server(site: Site, scope: TaskScope) -> Server[Any]:
    """The SDK's server for a site; every handler looks who calls."""
    face = _Face(site, scope)
    return Server(
        f"yosegi-{site.name}",
        version="1",
        title=f"Yosegi at {site.name}",
        instructions=INSTRUCTIONS,
        cache_hints={method: CacheHint(ttl_ms=0, scope="private") for method in _METHODS},
        get_tool_input_schema=lambda name: DESCRIBED[name].input_schema if name in DESCRIBED else None,
        on_list_tools=face.list_tools,
        on_call_tool=face.call_tool,
        on_list_resources=face.list_resources,
        on_list_resource_templates=face.list_templates,
        on_read_resource=face.read_resource,
        on_subscriptions_listen=face.listen,
        on_list_prompts=face.list_prompts,
        on_get_prompt=face.get_prompt,
    )


class _Face:
    """The handlers."""

    def __init__(self, site: Site, scope: TaskScope) -> None:
        self._site = site
        self._subscriptions = Subscriptions(site, scope)

    # -- tools ----------------------------------------------------------------------------------------------------

    def _looks(self, ctx: ServerRequestContext[Any, Any]) -> Call:
        """Who lists what there is.

        Raises:
            MCPError: under a mandate that is over, or too often.
        """
        try:
            call = self._call(ctx)
            self._site.agents.check_listing(call.who)
        except YosegiError as error:
            raise resources.problem(self._site, error) from None
        return call

    def _call(self, ctx: ServerRequestContext[Any, Any]) -> Call:
        session, base = ctx.request.scope[CALLER]  # type: ignore[union-attr]

        async def progress(done: float, said: str) -> None:
            await ctx.session.report_progress(done, None, said)

        return Call(self._site, session, self._site.mandates.acting_under(session), base, progress)

    def _tools(self, call: Call, ctx: ServerRequestContext[Any, Any]) -> dict[str, Tool[Any]]:
        """Every tool that the caller may call, by name."""
        found = {tool.name: tool for tool in TOOLS if tool.allowed_to(call.mandate)}
        wanted = ctx.request.query_params.get("tools", "")  # type: ignore[union-attr]
        if wanted == CAPABILITY_TOOLS and call.mandate is not None:
            found |= tools_of(self._site, call.mandate)
        return found

    async def list_tools(
        self, ctx: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """What the caller's mandate allows, and nothing else."""
        tools = self._tools(self._looks(ctx), ctx)
        return types.ListToolsResult(tools=[DESCRIBED.get(name) or _described(tool) for name, tool in tools.items()])

    async def call_tool(
        self, ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Call one tool; what it was answered is on record before the answer is given."""
        arguments = params.arguments or {}
        try:
            canonical.dumps(arguments)
            call = self._call(ctx)
        except YosegiError as error:
            return _failed(self._site, error)
        tool = self._tools(call, ctx).get(params.name)
        ends, acts = (tool.ends, tool.acts) if tool is not None else (False, False)
        outcome, codes = "interrupted", tuple[str, ...]()
        unrecorded: YosegiError | None = None
        with ExitStack() as under_way:
            try:
                under_way.enter_context(self._site.agents.one_call(call.who, call.mandate, ends=ends))
                if tool is None:
                    raise Refused(f"the tool {words(params.name, 'caller', 80)}", ("tool_not_allowed",))
                result = _answered(self._site, (await tool.run(call, _read(tool, arguments))).plain())
                outcome = "ok"
            except YosegiError as error:
                outcome, codes = error.code, _codes(error)
                result = _failed(self._site, error)
            finally:
                name = tool.name if tool is not None else "unknown"
                unrecorded = await self._record(call, name, arguments, acts, outcome, codes)
        # What is not on record is not answered as if it were; what was done stands, and its key tells.
        return result if unrecorded is None else _failed(self._site, unrecorded)

    async def _record(
        self, call: Call, tool: str, arguments: Mapping[str, Any], acts: bool, outcome: str, codes: tuple[str, ...]
    ) -> YosegiError | None:
        """Put a call on record, also where its client did not wait; why it could not be, or None."""
        if call.mandate is None or codes == ("called_too_often",):
            return None
        with anyio.CancelScope(shield=True):
            try:
                await self._site.agents.record(
                    call.who, call.mandate.charter, tool, dict(arguments), acts=acts, outcome=outcome, codes=codes
                )
            except YosegiError as error:
                log.warning("a call of %s under %s is not on record: %s", tool, call.mandate.id, error)
                return error
        return None

    # -- resources and prompts --------------------------------------------------------------------------------------

    async def list_resources(
        self, ctx: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """Contracts, campaigns and bundles that the caller may read."""
        return types.ListResourcesResult(resources=resources.listed(self._looks(ctx)))

    async def list_templates(
        self, ctx: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """The forms of resources' addresses."""
        return types.ListResourceTemplatesResult(resource_templates=list(resources.TEMPLATES))

    async def read_resource(
        self, ctx: ServerRequestContext[Any, Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """One of them."""
        outcome, codes = "interrupted", tuple[str, ...]()
        try:
            call = self._call(ctx)
        except YosegiError as error:
            raise resources.problem(self._site, error) from None
        with ExitStack() as under_way:
            try:
                under_way.enter_context(self._site.agents.one_call(call.who, call.mandate))
                text, kind = await resources.read(call, params.uri)
                outcome = "ok"
            except YosegiError as error:
                outcome, codes = error.code, _codes(error)
                raise resources.problem(self._site, error) from None
            finally:
                unrecorded = await self._record(call, "read_resource", {"uri": params.uri[:400]}, False, outcome, codes)
        if unrecorded is not None:
            raise resources.problem(self._site, unrecorded)
        content = types.TextResourceContents(uri=params.uri, mime_type=kind, text=text)
        return types.ReadResourceResult(contents=[content])

    async def listen(
        self, ctx: ServerRequestContext[Any, Any], params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """Tell of campaigns that move on, while the caller may look at them."""
        return await self._subscriptions.listen(self._looks(ctx), ctx, params)

    async def list_prompts(
        self, ctx: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        """Prompts for the common jobs."""
        return types.ListPromptsResult(prompts=list(prompts.PROMPTS))

    async def get_prompt(
        self, ctx: ServerRequestContext[Any, Any], params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """One of them."""
        return prompts.get(params.name, params.arguments or {})


def _described(tool: Tool[Any]) -> types.Tool:
    schema = tool.schema or tool.takes.model_json_schema()
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema,
        output_schema=tool.gives.model_json_schema(mode="serialization"),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.acts,
            destructive_hint=tool.acts and not tool.ends,
            idempotent_hint=not tool.acts,
            open_world_hint=False,
        ),
    )


DESCRIBED = {tool.name: _described(tool) for tool in TOOLS}
"""Tools that do not depend on what is offered: their schemas are made once, not at each call."""


def _read(tool: Tool[Any], arguments: Mapping[str, Any]) -> Any:
    try:
        return tool.takes.model_validate(arguments)
    except ValidationError as error:
        found = "; ".join(map(str, field_faults(error)[:8]))
        raise Invalid(f"the input of {tool.name}", found) from None


def _answered(site: Site, plain: Mapping[str, Any]) -> types.CallToolResult:
    shown = marked(plain, site.name)
    text = as_text(shown)
    if len(text.encode()) > MOST_BYTES:
        raise Invalid("the answer", f"larger than {MOST_BYTES} bytes", "ask for less at once, or read the resource")
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=shown)


def _failed(site: Site, error: YosegiError) -> types.CallToolResult:
    shown = problem_of(site, error)
    return types.CallToolResult(
        content=[types.TextContent(text=as_text(shown))], structured_content=shown, is_error=True
    )


def problem_of(site: Site, error: YosegiError) -> dict[str, Any]:
    """An error as its code, the codes of its reasons with their texts, and its message as data.

    A reason's text is this program's own; what fills it in is not known here and left out.
    """
    codes = _codes(error)
    return {
        "code": error.code,
        "codes": list(codes),
        "reasons": [{"code": code, "en": explain(code), "ja": explain(code, "ja")} for code in codes if code in CODES],
        "message": words(str(error), site.name),
    }


def _codes(error: YosegiError) -> tuple[str, ...]:
    if isinstance(error, Refused):
        return tuple(error.reasons)
    return (error.reason,) if isinstance(error, MandateRefused | Untrusted) else ()
