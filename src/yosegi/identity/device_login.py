"""A sign-in handed from a browser to a program: the program shows a code, and the person confirms it on a page.

After the device flow (RFC 8628): the program holds a secret that the page never sees, and the page acts only for
somebody who is signed in and has compared the code. However the person signed in, the program learns no passphrase.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace

from yosegi.core.clock import Clock
from yosegi.core.errors import NotFound, Unavailable
from yosegi.identity.accounts import Session

# RFC 8628, section 6.1: consonants, so that no words arise and no two letters look alike.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
LASTS = 600.0
MOST = 1000


@dataclass(frozen=True, slots=True)
class _Asked:
    secret: str
    until: float
    session: Session | None = None


@dataclass
class DeviceLogin:
    """Programs that wait for a person's word."""

    clock: Clock
    _asked: dict[str, _Asked] = field(default_factory=dict)

    def begin(self) -> tuple[str, str]:
        """A code to show, and a secret to collect with.

        Raises:
            Unavailable: too many wait.
        """
        now = self.clock.monotonic()
        self._asked = {code: asked for code, asked in self._asked.items() if asked.until > now}
        if len(self._asked) >= MOST:
            raise Unavailable("sign-in by browser", "too many programs wait", "try again in ten minutes")
        code = "".join(secrets.choice(_LETTERS) for _ in range(8))
        secret = secrets.token_urlsafe(32)
        self._asked[code] = _Asked(_digest(secret), now + LASTS)
        return f"{code[:4]}-{code[4:]}", secret

    def waits(self, code: str) -> bool:
        """Whether a program waits with that code."""
        asked = self._asked.get(_plain(code))
        return asked is not None and asked.session is None and asked.until > self.clock.monotonic()

    def confirm(self, code: str, session: Session) -> None:
        """Give the program with that code this person's sign-in, once.

        Raises:
            NotFound: none waits with it, or no more.
        """
        if not self.waits(code):
            raise NotFound("code", code)
        self._asked[_plain(code)] = replace(self._asked[_plain(code)], session=session)

    def collect(self, secret: str) -> Session | None:
        """The sign-in that the person gave the program, once; None while the person has not spoken.

        Raises:
            NotFound: nobody waits with that secret, or no more.
        """
        now = self.clock.monotonic()
        found = [(code, a) for code, a in self._asked.items() if a.secret == _digest(secret) and a.until > now]
        if not found:
            raise NotFound("sign-in", "of that secret")
        code, asked = found[0]
        if asked.session is not None:
            del self._asked[code]
        return asked.session


def _plain(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
