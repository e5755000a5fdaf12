"""What a call of an agent's tool costs over the service call behind it.

    python -m benchmarks.agent_tools            # a table
    python -m benchmarks.agent_tools --json

One site on loopback HTTP in this process, its ledger durable; the SDK's own client, signed in as an agent, in the same
process too, so that the figures hold its work as well. Each call of an agent is put on record before it is answered;
the durable commit alone is measured beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from mcp import Client
from mcp.client.auth.extensions.client_credentials import PrivateKeyJWTOAuthProvider, SignedJWTParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from benchmarks.step import CHARTER, TEAM, WHO, free_port, plan
from yosegi.app.bootstrap import found
from yosegi.app.compose import compose
from yosegi.app.faces import make_faces
from yosegi.app.serve import listen
from yosegi.core.amounts import Amounts
from yosegi.core.clock import SystemClock
from yosegi.identity.accounts import Session
from yosegi.services.runtime import Site
from yosegi.trust.signer import Ed25519Signer

MODES = ("2026-07-28", "legacy")


class Memory:
    """Tokens of one client."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.info: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.info = client_info


async def timed(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Milliseconds of each call."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await work()
        taken.append(1000 * (time.perf_counter() - start))
    return taken


async def give_mandate(site: Site, key: Ed25519Signer) -> Session:
    """Let the agent `bench` read for the benchmark's person; its session, as its token would give it."""
    person = Session(WHO, "member", float("inf"), "")
    mandate = site.mandates.build_mandate(
        id="bench", charter=CHARTER, team=TEAM, person=WHO, capabilities=("riken/*",), purposes=("research",), days=1.0,
        budget=Amounts(), agent="bench", agent_key=key.public,
    )  # fmt: skip
    await site.mandates.give(mandate, person)
    return Session(WHO, "member", float("inf"), "", agent="bench", mandate="bench")


async def measure(folder: Path, times: int) -> dict[str, list[float]]:
    """Milliseconds of each call, by what was called."""
    port = free_port()
    homes = await found(folder, plan((port, free_port())), SystemClock(), "a benchmark of tools")
    site = await compose(homes["argonne"])
    listener = listen("127.0.0.1", port)
    config = uvicorn.Config(
        make_faces(site, homes["argonne"].settings()), lifespan="off", log_level="error", access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve([listener]))
    try:
        await site.start()
        site.agents.most_a_minute = 10**9
        key = Ed25519Signer.generate()
        key.save(folder / "agent.key")
        who = await give_mandate(site, key)
        return await _measure(site, who, f"http://127.0.0.1:{port}", (folder / "agent.key").read_text(), times)
    finally:
        server.should_exit = True
        await serving
        await site.close()


async def plain(http: httpx2.AsyncClient, base: str) -> None:
    """One call without the SDK's client: what the site alone takes, and the way there."""
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "who_am_i", "arguments": {}}}
    answer = await http.post(f"{base}/mcp", json=body, headers=headers)
    if answer.status_code != 200:
        raise SystemExit(answer.text)


async def _measure(site: Site, who: Session, base: str, pem: str, times: int) -> dict[str, list[float]]:
    async def service() -> None:
        site.mandates.show("bench", who)

    async def record() -> None:
        await site.agents.record(who, CHARTER, "bench", {}, acts=False, outcome="ok")

    found = {"service call": await timed(service, times), "durable record of a call": await timed(record, times)}
    name = f"bench/{WHO}"
    signing = SignedJWTParameters(issuer=name, subject=name, signing_key=pem, signing_algorithm="EdDSA")
    for mode in MODES:
        auth = PrivateKeyJWTOAuthProvider(
            f"{base}/mcp", Memory(), name, signing.create_assertion_provider(), issuer=base
        )
        async with (
            httpx2.AsyncClient(auth=auth, timeout=60, trust_env=False) as http,
            Client(streamable_http_client(f"{base}/mcp", http_client=http), mode=mode) as client,
        ):

            async def call(client: Client = client) -> None:
                answer = await client.call_tool("who_am_i", {})
                if answer.is_error:
                    raise SystemExit(str(answer.structured_content))

            await timed(call, 5)
            found[f"tool call, {mode}"] = await timed(call, times)
            if mode == "legacy":
                found["tool call, plain HTTP"] = await timed(lambda http=http: plain(http, base), times)  # type: ignore[misc]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), options.times))
    rows: dict[str, Any] = {
        name: {"median_ms": round(statistics.median(taken), 2), "fastest_ms": round(min(taken), 2)}
        for name, taken in found.items()
    }
    if options.json:
        print(
            json.dumps({"load": os.getloadavg()[0], "cores": os.cpu_count(), "times": options.times} | rows, indent=2)
        )
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {options.times} calls each")
    for name, row in rows.items():
        print(f"{name:32} median {row['median_ms']:8.2f} ms   fastest {row['fastest_ms']:8.2f} ms")


if __name__ == "__main__":
    main()
