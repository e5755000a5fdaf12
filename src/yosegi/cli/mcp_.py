"""`yosegi mcp`: a site's tools for the client of an agent on this machine, over standard input and output."""

from __future__ import annotations

import importlib.util
from functools import partial
from typing import Any

import click

from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import explained
from yosegi.core.errors import Invalid


@click.command()
@click.option(
    "--tools",
    type=click.Choice(["common", "capabilities"]),
    default="common",
    show_default=True,
    help="Also one tool for each capability that the mandate names.",
)
@with_site
@explained
def mcp(tools: str, **site: Any) -> None:
    """Serve a site's tools over standard input and output, as clients of the Model Context Protocol start them.

    Signed in as a person it only reads. What acts needs an agent with a key of its own under a mandate:

    \b
    yosegi agent add planner --agent-key planner.key --capability 'nims/*' \\
      --charter demo --team colour-team
    yosegi mcp --url https://site.example --as pi@argonne \\
      --as-agent planner --key planner.key

    docs/how-to/let-an-agent-in.md says how clients are told of it.

    \b
    Example: yosegi mcp --url https://yosegi.riken.example
    """
    if importlib.util.find_spec("mcp") is None:
        raise Invalid("yosegi mcp", "needs the library mcp", "install it: pip install 'yosegi[mcp]'")
    # Imported late: the library is an extra, and brings much with it.
    import anyio

    from yosegi.client.access_tokens import access_token
    from yosegi.mcp.bridge import serve_stdio

    url = client_of(**site).url
    query = "?tools=capabilities" if tools == "capabilities" else ""
    anyio.run(partial(serve_stdio, f"{url}/mcp{query}", lambda: access_token(client_of(**site))))
