"""Clients of agents' tools, nobody's own: the SDK's, over HTTP, signed in as the protocol says."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mcp import Client
from mcp.client.auth import TokenStorage
from mcp.client.auth.extensions.client_credentials import PrivateKeyJWTOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from federation.asking import PI, build_mandate, person
from web.hostile import now_at
from web.house import House
from web.plain import PLAIN
from yosegi.trust.signer import Ed25519Signer

T = TypeVar("T")
MODES = ("legacy", "2026-07-28")
"""The handshake of before, and the protocol's current version, which has none."""


class Memory(TokenStorage):
    """Tokens of one client, nowhere else."""

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


class Agent:
    """A program with a key of its own, under a mandate of the same name, which pi@argonne gives it.

    Args:
        terms: of the mandate, where they differ.
    """

    def __init__(self, house: House, name: str, **terms: Any) -> None:
        self.house, self.name = house, name
        self.private = Ed25519PrivateKey.generate()
        self.key = Ed25519Signer(self.private)
        self.memory = Memory()
        house.do(self._mandate(terms))

    async def _mandate(self, terms: dict[str, Any]) -> None:
        home = self.house.federation.places["argonne"].running
        drawn: dict[str, Any] = {
            "days": 1, "budget": {"samples": 9000}, "agent": self.name, "agent_key": self.key.public,
        }  # fmt: skip
        await home.mandates.give(build_mandate(home, self.name, **(drawn | terms)), person())

    @property
    def url(self) -> str:
        return f"{self.house.url()}/mcp"

    async def assertion(self, audience: str, **claims: Any) -> str:
        """A signed assertion for a site, or one with other claims."""
        now = int(now_at(self.house).timestamp())
        name = f"{self.name}/{PI}"
        said = {"iss": name, "sub": name, "aud": audience, "iat": now, "exp": now + 60, "jti": secrets.token_hex(16)}
        return jwt.encode(said | claims, self.private, algorithm="EdDSA")

    def signing_in(self) -> httpx2.Auth:
        return PrivateKeyJWTOAuthProvider(
            self.url, self.memory, f"{self.name}/{PI}", self.assertion, issuer=self.house.url()
        )

    @asynccontextmanager
    async def client(self, mode: str = MODES[-1], query: str = "", **how: Any) -> AsyncIterator[Client]:
        async with httpx2.AsyncClient(auth=self.signing_in(), timeout=60, trust_env=False, verify=PLAIN) as http:
            transport = streamable_http_client(f"{self.url}{query}", http_client=http)
            async with Client(transport, mode=mode, **how) as client:
                yield client

    def use(self, work: Callable[[Client], Awaitable[T]], mode: str = MODES[-1], query: str = "", **how: Any) -> T:
        """What some work with a client gives."""

        async def whole() -> T:
            with anyio.fail_after(60):
                async with self.client(mode, query, **how) as client:
                    return await work(client)

        return anyio.run(whole)

    def call(self, tool: str, arguments: dict[str, Any] | None = None, **how: Any) -> Any:
        """The structured answer of one call."""

        async def work(client: Client) -> Any:
            answer = await client.call_tool(tool, arguments or {})
            return {"is_error": answer.is_error} | answer.structured_content

        return self.use(work, **how)
