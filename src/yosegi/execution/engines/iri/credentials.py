"""How this site signs in at a facility: a file of its own, read anew at each call, and tokens renewed in time.

The file is JSON of mode 0600 and one of two kinds. `{"token": "…"}`, with `expires` (RFC 3339) where that is known, is
written by whoever gets tokens there. `{"token_endpoint": "https://…", "client_id": "…"}` with `client_secret` or
`refresh_token` lets this engine get them itself (OAuth 2.0, RFC 6749, sections 4.4 and 6); a refresh token that is
replaced is written back. Nothing of it is in a ledger, a log or an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from yosegi.core.clock import Clock, parse_timestamp
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.files import write_file
from yosegi.core.values import Value
from yosegi.execution.engines.iri.transport import FacilityTransport, is_safe_address
from yosegi.trust.errors import LooseKeyFile

RENEW_BEFORE = 60.0
"""Seconds before its end at which a token is renewed; for one of less than ten minutes, a tenth of its life."""
Secret = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]*$", max_length=16 * 1024)]
"""Visible ASCII: nothing that would end a header."""


class Credentials(Value):
    """The file."""

    token: Secret = Field(default="", repr=False)
    expires: str = ""
    token_endpoint: str = ""
    client_id: str = ""
    client_secret: Secret = Field(default="", repr=False)
    refresh_token: Secret = Field(default="", repr=False)
    scope: str = ""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Credentials:
        if bool(self.token) == bool(self.token_endpoint):
            raise ValueError("either token, or token_endpoint")
        if self.token_endpoint and not (self.client_id and (self.client_secret or self.refresh_token)):
            raise ValueError("a token_endpoint needs client_id, and client_secret or refresh_token")
        if self.token_endpoint and not is_safe_address(self.token_endpoint):
            raise ValueError("token_endpoint must be https")
        return self


@dataclass
class TokenSource:
    """Gives the token to call with."""

    path: Path
    clock: Clock
    transport: FacilityTransport
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _stamp: tuple[int, int] = (0, 0)

    async def token(self) -> str:
        """A token that does not end within its margin.

        Raises:
            Invalid, LooseKeyFile: the file is not as it must be.
            Unavailable: its token has ended and no other is there, or the token endpoint does not answer.
        """
        credentials = self.read()
        now = self.clock.now().timestamp()
        if credentials.token:
            if credentials.expires and parse_timestamp(credentials.expires).timestamp() <= now:
                raise Unavailable(
                    "the facility", "the token in the credentials file has ended", "write a new one there"
                )
            return credentials.token
        stamp = self._file_stamp()
        if not self._token or now >= self._until or stamp != self._stamp:
            await self._renew(credentials)
            self._stamp = self._file_stamp()
        return self._token

    def forget(self) -> None:
        """The facility did not take the token: get another before the next call."""
        self._token = ""

    def read(self) -> Credentials:
        """The file as it is now.

        Raises:
            LooseKeyFile: others could read it.
            Invalid: it is not there, or not such a file; its content is not repeated.
        """
        try:
            if (mode := self.path.stat().st_mode) & 0o077:
                raise LooseKeyFile(str(self.path), mode)
            data = self.path.read_bytes()
        except OSError as error:
            why = error.strerror or "cannot be read"
            raise Invalid(f"credentials file {self.path}", why, "see docs/how-to/speak-iri.md") from None
        try:
            return Credentials.read(data, what="credentials")
        except Invalid as error:
            # Its words may quote a line of the file.
            why = "is not of the form that docs/how-to/speak-iri.md gives"
            raise Invalid(f"credentials file {self.path}", why, _field_of(error)) from None

    def _file_stamp(self) -> tuple[int, int]:
        state = self.path.stat()
        return state.st_mtime_ns, state.st_ino

    async def _renew(self, credentials: Credentials) -> None:
        form = {"client_id": credentials.client_id}
        if credentials.client_secret:
            form["client_secret"] = credentials.client_secret
        if credentials.refresh_token:
            form |= {"grant_type": "refresh_token", "refresh_token": credentials.refresh_token}
        else:
            form["grant_type"] = "client_credentials"
        if credentials.scope:
            form["scope"] = credentials.scope
        reply = await self.transport.call("POST", credentials.token_endpoint, {}, form, form=True)
        said: Any = reply.json() if reply.is_good else None
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str) or not token or not token.isascii() or len(token) > 16 * 1024:
            raise Unavailable("the facility's token endpoint", f"it gives no token (status {reply.status})")
        life = said.get("expires_in", 300)
        life = float(life) if isinstance(life, int | float) and not isinstance(life, bool) and life > 0 else 300.0
        self._token, self._until = token, self.clock.now().timestamp() + life - min(RENEW_BEFORE, life / 10)
        if isinstance(new := said.get("refresh_token"), str) and new and new != credentials.refresh_token:
            told = credentials.model_copy(update={"refresh_token": new})
            write_file(self.path, told.to_bytes(), overwrite=True, mode=0o600)


def _field_of(error: Invalid) -> str:
    name = error.why.partition(":")[0].strip()
    return f"look at {name}" if name in Credentials.model_fields else "is it JSON, and is it of one kind?"
