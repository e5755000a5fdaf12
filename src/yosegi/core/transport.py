"""One way to call across a network: bytes out, bytes back. TLS guards the hop; what is sent is signed by itself."""

from __future__ import annotations

import errno
import json
import socket
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

from yosegi.core.errors import Invalid, SenderSuspended, Unavailable
from yosegi.core.proxies import is_ip_number, proxy_for

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER = 16 * 1024 * 1024


class Transport(Protocol):
    """Posts bytes to an address and returns the answer's bytes."""

    async def call(self, address: str, body: bytes, *, timeout: float) -> bytes:
        """Post `body` to `address` (a URL) and return the answer.

        Raises:
            Unavailable: no answer within `timeout` seconds, or the other end is down or failing; what was sent may or
                may not have arrived.
            Invalid: the other end refused the call as wrong, and would again; carries its explanation.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class HttpTransport:
    """HTTP with one pool of connections; redirects are not followed, answers are limited in size.

    Args:
        connections: to one address at a time.
        refuses: why no connection may be made to an IP address, or the empty text. It is asked about each number at
            the moment of connecting, whatever name led there: a name may lead elsewhere than when it was stated.
        ca_file: certificates (PEM) that are trusted beside the system's; empty for none.

    A proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, but for `NO_PROXY`) is used; it then decides which
    numbers names lead to. A number that is stated itself is refused before a proxy is asked. This machine is called
    without one.
    """

    def __init__(
        self, connections: int = 32, refuses: Callable[[str], str] = lambda number: "", ca_file: str = ""
    ) -> None:
        self._connections, self._refuses, self._ca_file = connections, refuses, ca_file
        self._session: aiohttp.ClientSession | None = None
        self._through_proxy: aiohttp.ClientSession | None = None

    async def call(self, address: str, body: bytes, *, timeout: float) -> bytes:
        """See `Transport.call`."""
        import aiohttp  # a tenth of a second: not for commands whose site is put together and calls nobody

        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=min(5.0, timeout))
        try:
            session, proxy = self._session_for(address)
            async with session.post(address, data=body, timeout=limit, allow_redirects=False, proxy=proxy) as answer:
                data = await answer.content.read(MAX_ANSWER + 1)
                while not answer.content.at_eof() and len(data) <= MAX_ANSWER:
                    data += await answer.content.read(MAX_ANSWER + 1 - len(data))
                return _accepted(address, answer.status, data)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(address, str(error) or type(error).__name__) from None

    def _session_for(self, address: str) -> tuple[aiohttp.ClientSession, str | None]:
        """The pool for an address, and the proxy that it is reached through."""
        import aiohttp

        proxy = proxy_for(address)
        if proxy is None:
            if self._session is None:
                connector = aiohttp.TCPConnector(
                    limit_per_host=self._connections, socket_factory=self._socket, ssl=self._tls()
                )
                self._session = aiohttp.ClientSession(connector=connector)
            return self._session, None
        host = urlsplit(address).hostname or ""
        if is_ip_number(host) and (why := self._refuses(host)):
            raise OSError(errno.EACCES, f"{host} is not connected to: {why}")
        if self._through_proxy is None:
            connector = aiohttp.TCPConnector(limit_per_host=self._connections, ssl=self._tls())
            self._through_proxy = aiohttp.ClientSession(connector=connector)
        return self._through_proxy, proxy

    def _tls(self) -> ssl.SSLContext:
        """The system's authorities, and the institution's own.

        Raises:
            Invalid: the file cannot be read as certificates.
        """
        context = ssl.create_default_context()
        if self._ca_file:
            try:
                context.load_verify_locations(self._ca_file)
            except (OSError, ssl.SSLError) as error:
                raise Invalid(f"ca_file {self._ca_file}", f"holds no certificates ({error})", "a PEM file") from None
        return context

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for one number that a connection is about to be made to."""
        family, kind, proto, _, where = address
        if why := self._refuses(str(where[0])):
            raise OSError(errno.EACCES, f"{where[0]} is not connected to: {why}")
        return socket.socket(family, kind, proto)

    async def close(self) -> None:
        """Close the pools."""
        sessions, self._session, self._through_proxy = (self._session, self._through_proxy), None, None
        for session in sessions:
            if session is not None:
                await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _told(data: bytes, what: str) -> str:
    """The `code` or `message` of an error that a site answers with; empty where there is none."""
    try:
        value = json.loads(data[:4096])
    except (ValueError, RecursionError):
        return ""
    found = value.get(what) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _accepted(address: str, status: int, data: bytes) -> bytes:
    if len(data) > MAX_ANSWER:
        raise Invalid(f"answer of {address}", f"larger than {MAX_ANSWER} bytes")
    if status == 200:
        return data
    # What a site answers is a sentence; whatever else answers, a server in front of it for one, is shown as it is.
    text = _told(data, "message")[:500] or data[:500].decode(errors="replace")
    if 400 <= status < 500 and status != 429:
        if _told(data, "code") == SenderSuspended.code:
            raise SenderSuspended("this site", urlsplit(address).netloc)
        raise Invalid(f"call to {address}", f"refused with status {status}: {text}")
    raise Unavailable(address, f"status {status}: {text}")
