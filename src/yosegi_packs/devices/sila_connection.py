"""The connection to a SiLA 2 server: each call ends within a time, and the server is locked for one station.

The library states no time for a call, so a server that is cut off would be waited for without end. The lock is SiLA's
core feature LockController (SiLA 2 Part C): while a client has it, calls without its identifier are refused.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc
from sila2.client import SilaClient
from sila2.framework import DefinedExecutionError, SilaConnectionError, SilaError

from yosegi.core.errors import Invalid
from yosegi_packs.devices.errors import DeviceError

CONTACT: Final = 30.0
"""Seconds within which a server answers a call; an execution takes as long as it takes."""
LOCK: Final = 86_400
"""Seconds after which a server forgets a lock whose holder does not come back."""


class SilaRefused(DeviceError):
    """The server did not begin the command."""

    code = "sila_refused"
    effect = "none"


class SilaLocked(SilaRefused):
    """Another client has locked the server."""

    code = "sila_locked"

    def __init__(self, device: str) -> None:
        super().__init__(
            device,
            "another client has locked the server; nothing was called",
            f"Wait for its end; a lock of a station that is gone ends after {LOCK // 3600} hours",
        )


class _Details(
    collections.namedtuple(
        "_Details", ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")
    ),
    grpc.ClientCallDetails,  # type: ignore[misc]
):
    """What an interceptor hands on of a call."""


class _Deadline(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """Ends each call that has no answer within `CONTACT`."""

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        """See gRPC."""
        fields = (details.metadata, details.credentials, details.wait_for_ready, details.compression)
        return continuation(_Details(details.method, CONTACT, *fields), request)


class _BoundedClient(SilaClient):
    """A client whose calls end, whatever the server does."""

    _bounded: Any

    @property
    def _channel(self) -> Any:
        """Set by the library, and read by it for each feature."""
        return self._bounded

    @_channel.setter
    def _channel(self, channel: Any) -> None:
        self._bounded = grpc.intercept_channel(channel, _Deadline())


def connect(folder: Path, host: str, port: int, certificate: str) -> SilaClient:
    """Connect to a server.

    Args:
        folder: of the station.
        host: of the server.
        port: of the server.
        certificate: file in the folder, of the authority that signs the server's certificate; empty for none.

    Raises:
        Invalid: it is on another computer, and there is no certificate.
        SilaConnectionError, SilaError: it does not answer.
    """
    if certificate:
        return _BoundedClient(host, port, root_certs=(folder / certificate).read_bytes())
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise Invalid(f"{host}:{port}", "is another computer, and no certificate is named", "SiLA 2 wants TLS there")
    return _BoundedClient(host, port, insecure=True)


class ServerLock:
    """The lock of a server; nothing, where the server has no LockController.

    Args:
        client: that is connected.
        device: as the station calls it.
        identifier: of this station, the same after a restart.
    """

    def __init__(self, client: SilaClient, device: str, identifier: str) -> None:
        self._device, self._identifier = device, identifier
        self._controller: Any = getattr(client, "LockController", None)

    def take(self) -> None:
        """Lock the server; a lock that this station left when it was cut off is its own still.

        Raises:
            SilaLocked: another client has it.
        """
        if self._controller is None:
            return
        try:
            self._lock()
        except SilaLocked:
            try:
                self._controller.UnlockServer(LockIdentifier=self._identifier)
            except DefinedExecutionError:
                raise SilaLocked(self._device) from None
            self._lock()

    def _lock(self) -> None:
        try:
            self._controller.LockServer(LockIdentifier=self._identifier, Timeout=LOCK)
        except DefinedExecutionError:
            raise SilaLocked(self._device) from None

    def release(self) -> None:
        """Unlock the server; one that does not answer forgets the lock by itself."""
        if self._controller is not None:
            try:
                self._controller.UnlockServer(LockIdentifier=self._identifier)
            except (SilaConnectionError, SilaError):
                return

    @property
    def metadata(self) -> list[Any]:
        """What goes with each call of another feature."""
        return [] if self._controller is None else [self._controller.LockIdentifier(self._identifier)]


def was_lost(error: Exception) -> bool:
    """Whether a call was refused because the lock is not this client's any more."""
    return isinstance(error, DefinedExecutionError) and error.identifier == "InvalidLockIdentifier"
