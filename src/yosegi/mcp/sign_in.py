"""How a client gets an access token: OAuth 2 with a key and no passwords, as the protocol's clients speak it.

- **An agent** signs a JWT assertion with its own key (`private_key_jwt`, RFC 7523) for the grant `client_credentials`;
  its client identifier is `agent/person`, e.g. `planner/pi@argonne`. The scope `mandate:NAME` chooses among mandates.
- **A person's own client** exchanges the token of a sign-in at this site (RFC 8693); it reads, and changes nothing.

What a token is for (RFC 8707) must be this site's tools, and an assertion's audience this site: a token or an assertion
got by somebody else's server is worth nothing here. There is no registration, no consent and no refresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field, StringConstraints

from yosegi.core.errors import Invalid, Refused
from yosegi.core.identifiers import Key, PersonId
from yosegi.core.values import Value
from yosegi.identity.authentication import Authenticated
from yosegi.identity.sessions import authenticated
from yosegi.services.runtime import Site
from yosegi.trust.document import SKEW
from yosegi.trust.keys import PublicKey, unbase64

PATH = "/mcp"
AUDIENCE = "mcp"
"""What an access token of this face opens."""
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
LONGEST = timedelta(minutes=5)
"""Of an assertion."""
MOST_BYTES = 8192


class ClientName(Value):
    """Who a client says it is: `agent/person`."""

    agent: Key
    person: PersonId


class AssertionClaims(Value):
    """The claims of an agent's assertion (RFC 7523, section 3); all are needed."""

    iss: Annotated[str, StringConstraints(max_length=220)]
    sub: Annotated[str, StringConstraints(max_length=220)]
    aud: Annotated[str, StringConstraints(max_length=500)]
    exp: Annotated[int, Field(ge=0, le=2**40)]
    iat: Annotated[int, Field(ge=0, le=2**40)]
    jti: Annotated[str, StringConstraints(min_length=8, max_length=128)]


class OAuthError(Exception):
    """An error of RFC 6749, section 5.2.

    Args:
        code: one of its codes.
        description: for people.
    """

    def __init__(self, code: str, description: str) -> None:
        self.code, self.description = code, description
        super().__init__(f"{code}: {description}")


async def token_for(site: Site, form: Mapping[str, str], bases: frozenset[str]) -> dict[str, Any]:
    """Answer a token request.

    Args:
        site: whose tools are to be opened.
        form: the request's fields.
        bases: addresses under which this site is reached, without a slash at the end.

    Raises:
        OAuthError: not of a form that is taken here, not believed, or for another site.
    """
    resource = form.get("resource", "").rstrip("/")
    if resource and resource not in {f"{base}{PATH}" for base in bases}:
        raise OAuthError("invalid_target", f"{resource[:200]} is not this site's address for agents")
    grant = form.get("grant_type", "")
    try:
        if grant == "client_credentials":
            who = by_assertion(site, form, bases)
        elif grant == EXCHANGE:
            who = _by_session(site, form)
        else:
            raise OAuthError("unsupported_grant_type", f"client_credentials or {EXCHANGE}")
    except (Refused, Invalid):
        raise OAuthError("invalid_client", "nobody of that name and key, or used before") from None
    token = site.agent_tokens.issue(who, AUDIENCE)
    life = int(site.agent_tokens.life.total_seconds())
    scope = f"mandate:{who.mandate}" if who.agent else "read"
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": life, "scope": scope}
    return answer | ({"issued_token_type": ACCESS_TOKEN} if grant == EXCHANGE else {})


def by_assertion(site: Site, form: Mapping[str, str], bases: frozenset[str]) -> Authenticated:
    """Which agent signed an assertion, for this site, now.

    Raises:
        OAuthError: not of the form of one, for another site, or out of date.
        Refused: not signed by the key of a living mandate, or used before.
        Invalid: names or claims of another form.
    """
    assertion = form.get("client_assertion", "")
    if form.get("client_assertion_type") != ASSERTION or not 0 < len(assertion) <= MOST_BYTES:
        raise OAuthError("invalid_client", "a signed assertion (private_key_jwt) is needed")
    try:
        said = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise OAuthError("invalid_client", "the assertion is no JWT") from None
    claims = AssertionClaims.read(said, what="the assertion")
    now, issued, ends = site.clock.now(), _moment(claims.iat), _moment(claims.exp)
    if claims.aud.rstrip("/") not in bases:
        raise OAuthError("invalid_client", "the assertion is for another site")
    if claims.iss != claims.sub or form.get("client_id", claims.iss) != claims.iss:
        raise OAuthError("invalid_client", "issuer, subject and client are not the same")
    if not issued - SKEW <= now < ends or ends - issued > LONGEST:
        raise OAuthError("invalid_client", "the assertion is out of date, or lives longer than five minutes")
    agent, _, person = claims.iss.partition("/")
    name = ClientName.read({"agent": agent, "person": person}, what="the client's name")
    return site.authenticator.by_agent_key(
        name.person,
        name.agent,
        lambda key: _signed_by(key, assertion),
        nonce=claims.jti,
        issued=issued,
        mandate=_wanted(form.get("scope", "")),
    )


def _signed_by(key: PublicKey, assertion: str) -> bool:
    """Whether an agent's key signed a JWT. Its key decides the algorithm, and not what the JWT says."""
    if key.algorithm != "ed25519":
        return False
    public = Ed25519PublicKey.from_public_bytes(unbase64(key.public))
    # Times and audience are judged by this site's clock and addresses.
    try:
        jwt.decode(
            assertion,
            public,
            algorithms=["EdDSA"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
        )
    except jwt.PyJWTError:
        return False
    return True


def _by_session(site: Site, form: Mapping[str, str]) -> Authenticated:
    session = site.sessions.get(form.get("subject_token", ""), program=True)
    if form.get("subject_token_type") != ACCESS_TOKEN or session is None:
        raise OAuthError("invalid_grant", "the token is of no sign-in at this site")
    return site.authenticator.still(authenticated(session))


def _wanted(scope: str) -> str:
    """The mandate that a scope names; empty if it names none."""
    return next((one.partition(":")[2] for one in scope.split() if one.startswith("mandate:")), "")


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise OAuthError("invalid_client", "a moment that no clock shows") from None
