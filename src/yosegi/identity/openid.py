"""Sign-in with an institution's OpenID Provider: Authorization Code Flow with PKCE.

OpenID Connect Core 1.0 (incorporating errata set 2), sections 3.1.2 and 3.1.3.7; RFC 7636 (PKCE, S256 alone); RFC 9207
(`iss` in the answer); RFC 9700 (best current practice). Keys and signatures are joserfc's; what may be believed is
decided here: which algorithms, whose issue, for whom, when, and for which of our own questions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid, Refused, Unavailable, YosegiError
from yosegi.core.values import Value
from yosegi.trust.document import SKEW

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519",
)  # fmt: skip
"""Asymmetric ones alone: `none` and HMAC, which a public key could be abused for, are not among them."""
PATIENCE = 600.0
"""Seconds within which a sign-in must come back."""
KEYS_KEPT = 3600.0
KEYS_AGAIN = 60.0
"""Seconds before a key that is not known makes this site ask for the provider's keys again."""
MOST_BYTES = 1024 * 1024
_ACCESS_TYPES = ("at+jwt", "application/at+jwt")
TIMEOUT = 10.0


class Fetch(Protocol):
    """Calls the provider: a GET, or a POST where a form is given; JSON comes back, redirects are not followed."""

    async def __call__(self, url: str, form: Mapping[str, str] | None = None, basic: str = "") -> Mapping[str, Any]:
        """The answer's object.

        Raises:
            Unavailable: no answer.
            Invalid: an answer that is an error, or no JSON object.
        """
        ...


class PendingSignIn(Value):
    """A sign-in under way, kept by the browser that began it, under this site's seal.

    Args:
        state: comes back with the answer; another browser's answer does not fit.
        nonce: comes back within the token, so that one of another sign-in does not fit.
        verifier: proves to the provider that who fetches the token began the sign-in (PKCE).
        until: seconds of this site's own clock.
        to: the page that was asked for.
    """

    state: str
    nonce: str
    verifier: str
    until: float
    to: str = ""


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What the provider knows this site as.

    Args:
        issuer: the provider, exactly as it names itself.
        client_id: this site at the provider.
        redirect_uri: where it sends people back to, exactly as registered there.
        secret: asked for the client's secret each time it is used; empty for a public client.
        scopes: what is asked for besides `openid`.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    secret: Callable[[], str]
    scopes: tuple[str, ...] = ("profile",)


@dataclass
class OpenId:
    """One provider, as a site uses it."""

    client: OidcClient
    clock: Clock
    fetch: Fetch
    _seal: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _found: Mapping[str, Any] | None = None
    _keys: list[dict[str, Any]] = field(default_factory=list)
    _asked: float = float("-inf")

    async def begin(self, to: str) -> tuple[str, str]:
        """The provider's address to send a person to, and what their browser keeps meanwhile.

        Raises:
            Unavailable, Invalid: the provider does not answer as one should.
        """
        about = await self._about()
        pending = PendingSignIn(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            until=self.clock.monotonic() + PATIENCE,
            to=to[:200],
        )
        challenge = hashlib.sha256(pending.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": " ".join(("openid", *self.client.scopes)),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        there = str(about["authorization_endpoint"])
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}", self._sealed(pending)

    async def finish(self, kept: str, answer: Mapping[str, str]) -> tuple[dict[str, Any], str]:
        """What the provider says of the person, and the page that was asked for.

        Args:
            kept: what the browser kept.
            answer: the query that the browser came back with.

        Raises:
            Refused: `sign_in_stale` if this browser began no such sign-in or too long ago, `provider_refused` if the
                provider said no, `provider_not_believed` if what it sent may not be believed.
            Unavailable: it does not answer.
        """
        pending = self._unsealed(kept)
        if pending is None or not hmac.compare_digest(pending.state.encode(), answer.get("state", "").encode()):
            raise Refused("the sign-in", ("sign_in_stale",))
        if answer.get("iss", self.client.issuer) != self.client.issuer:
            raise _not_believed("it came from another issuer")
        if "error" in answer or not answer.get("code"):
            raise Refused("the sign-in", ("provider_refused",))
        try:
            about = await self._about()
            tokens = await self._redeem(str(about["token_endpoint"]), answer["code"], pending)
            return await self._believed(tokens, pending), pending.to
        except Invalid as error:
            raise _not_believed(error.why) from None

    # -- what the browser keeps -----------------------------------------------------------------------------------

    def _sealed(self, pending: PendingSignIn) -> str:
        data = pending.to_bytes()
        seal = hmac.new(self._seal, data, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(seal + data).decode()

    def _unsealed(self, kept: str) -> PendingSignIn | None:
        try:
            raw = base64.urlsafe_b64decode(kept.encode("ascii"))
            if not hmac.compare_digest(hmac.new(self._seal, raw[32:], hashlib.sha256).digest(), raw[:32]):
                return None
            pending = PendingSignIn.read(raw[32:])
        except (ValueError, YosegiError):
            return None
        return pending if self.clock.monotonic() < pending.until else None

    # -- what the provider says -----------------------------------------------------------------------------------

    async def _about(self) -> Mapping[str, Any]:
        """The provider's own description (OpenID Connect Discovery 1.0, section 4)."""
        if self._found is None:
            issuer = self.client.issuer
            about = await self.fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != issuer:
                raise Invalid(f"the provider {issuer}", "it calls itself by another name", "mend issuer in site.toml")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not is_provider_address(issuer, about.get(name)):
                    raise Invalid(f"the provider {issuer}", f"its {name} is not an https address")
            self._found = about
        return self._found

    async def _redeem(self, endpoint: str, code: str, pending: PendingSignIn) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": pending.verifier,
        }
        secret = self.client.secret()
        if not secret:
            return await self.fetch(endpoint, form | {"client_id": self.client.client_id})
        # RFC 6749, section 2.3.1: both halves are form-encoded before they are joined.
        return await self.fetch(endpoint, form, f"{quote(self.client.client_id, '')}:{quote(secret, '')}")

    async def _believed(self, tokens: Mapping[str, Any], pending: PendingSignIn) -> dict[str, Any]:
        """The claims of an ID token that may be believed (OpenID Connect Core 1.0, section 3.1.3.7)."""
        token = tokens.get("id_token")
        if not isinstance(token, str) or len(token) > 64 * 1024:
            raise Invalid("the provider's answer", "there is no ID token in it")
        claims = await self._verified(token)
        now = self.clock.now().timestamp()
        audience = claims.get("aud")
        ours = audience == self.client.client_id or audience == [self.client.client_id]
        several = isinstance(audience, list) and self.client.client_id in audience and "azp" in claims
        tests = (
            (claims.get("iss") == self.client.issuer, "it is of another issuer"),
            (ours or several, "it is for somebody else"),
            (claims.get("azp", self.client.client_id) == self.client.client_id, "it was made for another client"),
            (_seconds(claims, "exp") > now - SKEW.total_seconds(), "it has expired"),
            (_seconds(claims, "iat") < now + SKEW.total_seconds(), "it comes from the future"),
            (_seconds(claims, "iat") > now - PATIENCE - SKEW.total_seconds(), "it is too old"),
            (claims.get("nonce") == pending.nonce, "it belongs to another sign-in"),
            (isinstance(claims.get("sub"), str) and claims.get("sub") != "", "it names nobody"),
        )
        for holds, why in tests:
            if not holds:
                raise Invalid("the ID token", why)
        return claims

    async def access_claims(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of an access token that may be believed (RFC 9068, section 4).

        An ID token is none: it says who signed in somewhere, and not that its bearer may call this site.

        Raises:
            Refused: `not_signed_in` if it may not be believed.
            Unavailable: the provider does not answer.
        """
        now, skew = self.clock.now().timestamp(), SKEW.total_seconds()
        try:
            if len(token) > 16 * 1024 or str(_header(token).get("typ")).lower() not in _ACCESS_TYPES:
                raise Invalid("the access token", "it is none")
            claims = await self._verified(token)
            given = claims.get("aud")
            tests = (
                (claims.get("iss") == self.client.issuer, "it is of another issuer"),
                (given == audience or (isinstance(given, list) and audience in given), "it is for somebody else"),
                (_seconds(claims, "exp") > now - skew, "it has expired"),
                (_seconds(claims, "iat") < now + skew, "it comes from the future"),
                (_seconds(claims, "nbf", now) < now + skew, "it is not valid yet"),
                (isinstance(claims.get("sub"), str) and claims.get("sub") != "", "it names nobody"),
            )
            for holds, why in tests:
                if not holds:
                    raise Invalid("the access token", why)
        except Invalid as error:
            refused = Refused("this call", ("not_signed_in",))
            refused.add_note(error.why)
            raise refused from None
        return claims

    async def _verified(self, token: str) -> dict[str, Any]:
        from joserfc.errors import JoseError, SecurityWarning

        key_id = _header(token).get("kid")
        try:
            return await self._decoded(token, key_id)
        except (JoseError, SecurityWarning, ValueError) as error:
            raise Invalid("the ID token", f"its signature does not hold ({type(error).__name__})") from None

    async def _decoded(self, token: str, key_id: object) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.jwk import KeySet

        fitting = await self._keys_for(key_id)
        if not fitting:
            raise Invalid("the ID token", "it is signed by a key that the provider does not publish")
        return dict(jwt.decode(token, KeySet.import_key_set({"keys": fitting}), algorithms=ALGORITHMS).claims)

    async def _keys_for(self, key_id: object) -> list[dict[str, Any]]:
        """The published keys that may have signed it; asked for again, but not often, if there is none."""
        age = self.clock.monotonic() - self._asked
        found = [key for key in self._keys if key_id is None or key.get("kid") == key_id]
        if age > KEYS_KEPT or (not found and age > KEYS_AGAIN):
            self._asked = self.clock.monotonic()
            told = (await self.fetch(str((await self._about())["jwks_uri"]))).get("keys")
            self._keys = [key for key in told if _signs(key)] if isinstance(told, list) else []
            found = [key for key in self._keys if key_id is None or key.get("kid") == key_id]
        return found


def is_provider_address(issuer: str, url: object) -> bool:
    """Whether the provider may have that address: https, or plain http where the provider itself is on this machine."""
    parts = urlsplit(str(url))
    local = urlsplit(issuer)
    plain = local.scheme == "http" and local.hostname in ("127.0.0.1", "::1", "localhost")
    good = parts.scheme == "https" or (plain and parts.scheme == "http" and parts.hostname == local.hostname)
    return isinstance(url, str) and good and bool(parts.hostname) and "@" not in parts.netloc


async def over_http(url: str, form: Mapping[str, str] | None = None, basic: str = "") -> Mapping[str, Any]:
    """`Fetch` over HTTP.

    Raises:
        Unavailable, Invalid: see `Fetch`.
    """
    import aiohttp  # only here: every command that reads settings would load it

    headers = {"Accept": "application/json"}
    if basic:
        headers["Authorization"] = f"Basic {base64.b64encode(basic.encode()).decode()}"
    limit = aiohttp.ClientTimeout(total=TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.request(
                "GET" if form is None else "POST", url, data=form, headers=headers, allow_redirects=False
            ) as answer,
        ):
            data, status = await answer.content.read(MOST_BYTES), answer.status
            while not answer.content.at_eof() and len(data) < MOST_BYTES:
                data += await answer.content.read(MOST_BYTES - len(data))
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unavailable(url, type(error).__name__, "try again later") from None
    if status >= 500:
        raise Unavailable(url, f"status {status}", "try again later")
    if status != 200:
        raise Invalid(url, f"it answered with status {status}")
    value = canonical.loads(data, what="the provider's answer")
    if not isinstance(value, dict):
        raise Invalid("the provider's answer", "it is no object")
    return value


def _not_believed(why: str) -> Refused:
    error = Refused("the sign-in", ("provider_not_believed",))
    error.add_note(why)
    return error


def _signs(key: Any) -> bool:
    """Whether a published key is one that signatures are verified with; a symmetric one is none."""
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"


def _seconds(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("the ID token", f"it does not say {name}")
    return float(value)


def _header(token: str) -> Mapping[str, Any]:
    """The header, not verified: only for finding the key."""
    try:
        part = token.split(".")[0]
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Invalid("the ID token", "it is no token")
    return value
