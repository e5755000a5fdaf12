"""Which access tokens of an institution's provider a site believes: RFC 9068, section 4, and RFC 8725."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from ledger.support import StillClock
from yosegi.core.errors import Refused
from yosegi.identity.access_tokens import AccessTokens
from yosegi.identity.accounts import Account
from yosegi.identity.authentication import Authenticator
from yosegi.identity.oidc_claims import ClaimMapping, InstitutionSignIn
from yosegi.identity.openid import OidcClient, OpenId

ISSUER = "https://login.riken.example"
AUDIENCE = "https://yosegi.riken.example/iri"
KEY = ECKey.generate_key("P-256", {"kid": "published", "use": "sig"})
OTHER = ECKey.generate_key("P-256", {"kid": "published", "use": "sig"})


async def provider(url: str, form: Mapping[str, str] | None = None, basic: str = "") -> Mapping[str, Any]:
    if url.endswith("/jwks"):
        return {"keys": [dict(KEY.as_dict(private=False))]}
    ends = {f"{name}_endpoint": f"{ISSUER}/{name}" for name in ("authorization", "token")}
    return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", **ends}


def site() -> AccessTokens:
    clock = StillClock()
    openid = OpenId(OidcClient(ISSUER, "yosegi", f"{AUDIENCE}/back", lambda: ""), clock, provider)
    accounts = {"pi@riken": Account(person="pi@riken", role="member", passphrase="x")}
    hosted = Authenticator("riken", clock, accounts, lambda person, agent: {}, lambda person, agent: "")
    return AccessTokens(InstitutionSignIn("RIKEN", openid, ClaimMapping("riken")), hosted, AUDIENCE)


def token(*, key: Any = KEY, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    now = int(StillClock().now().timestamp())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "42", "iat": now, "exp": now + 300, "preferred_username": "pi"}
    claims |= changes
    said = {"alg": "ES256", "kid": "published", "typ": "at+jwt"} | dict(header or {})
    return jwt.encode(said, {name: value for name, value in claims.items() if value is not None}, key)


def test_an_honest_token_is_its_persons_for_as_long_as_it_says() -> None:
    found = asyncio.run(site().session(token()))
    assert (found.person, found.role, found.issuer) == ("pi@riken", "member", ISSUER)
    assert found.until == StillClock().now().timestamp() + 300


def test_one_audience_of_several_is_enough() -> None:
    assert asyncio.run(site().session(token(aud=["https://elsewhere.example", AUDIENCE]))).person == "pi@riken"


WRONG = {
    "an ID token": {"header": {"typ": "JWT"}},
    "another issuer": {"iss": "https://login.evil.example"},
    "another audience": {"aud": "https://elsewhere.example"},
    "a longer audience": {"aud": AUDIENCE + "/more"},
    "no audience": {"aud": None},
    "the client's own audience": {"aud": "yosegi"},
    "an end long ago": {"exp": 1_000_000_000},
    "no end": {"exp": None},
    "a time to come": {"iat": 9_999_999_999},
    "not valid yet": {"nbf": 9_999_999_999},
    "nobody": {"sub": ""},
    "another key": {"key": OTHER},
}


@pytest.mark.parametrize("how", WRONG)
def test_a_token_that_may_not_be_believed_is_nobodys(how: str) -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(site().session(token(**WRONG[how])))  # type: ignore[arg-type]
    assert caught.value.reasons == ("not_signed_in",)


@pytest.mark.parametrize("rubbish", ["", "..", "a.b.c", "é.é.é", "x" * 100_000])
def test_rubbish_is_nobodys(rubbish: str) -> None:
    with pytest.raises(Refused):
        asyncio.run(site().session(rubbish))


def test_whom_this_site_does_not_know_is_not_let_in_by_a_good_token() -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(site().session(token(preferred_username="somebody")))
    assert caught.value.reasons == ("no_account_for_claim",)
