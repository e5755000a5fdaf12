"""What a site believes of an OpenID Provider: only what it signed, for this site, now, and for this very sign-in.

The provider here lies in every way that the checks of OpenID Connect Core 1.0, section 3.1.3.7, RFC 8725 (JWT best
current practice), RFC 9207 and RFC 7636 are about; tests/web/test_institution.py asks a real one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ledger.support import StillClock
from yosegi.core.errors import Invalid, Refused
from yosegi.identity.openid import PATIENCE, OidcClient, OpenId, is_provider_address

ISSUER = "https://login.riken.example"
BACK = "https://yosegi.riken.example/sign-in/institution/back"
RSA = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "third"})
ABOUT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
}


def run(work: Any) -> Any:
    return asyncio.run(work)


def public(*keys: Any) -> list[dict[str, Any]]:
    return [dict(key.as_dict(private=False)) for key in keys]


class Provider:
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self, clock: StillClock) -> None:
        self.clock = clock
        self.about: dict[str, Any] = dict(ABOUT)
        self.keys = public(RSA, EC, ED)
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "first"}
        self.token = ""
        self.forms: list[tuple[Mapping[str, str], str]] = []
        self.asked_for_keys = 0

    async def __call__(self, url: str, form: Mapping[str, str] | None = None, basic: str = "") -> Mapping[str, Any]:
        if url.endswith("/openid-configuration"):
            return self.about
        if url.endswith("/jwks"):
            self.asked_for_keys += 1
            return {"keys": self.keys}
        self.forms.append((form or {}, basic))
        if self.token:
            return {"id_token": self.token}
        now = int(self.clock.now().timestamp())
        claims = {"iss": ISSUER, "aud": "yosegi", "sub": "42", "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        key = {"first": RSA, "second": EC, "third": ED}[self.header.get("kid", "first")]
        return {"id_token": jwt.encode(self.header, claims, key, algorithms=[self.header["alg"]])}

    nonce = ""


class Browser:
    """One person's sign-in."""

    def __init__(self, secret: str = "shared & secret") -> None:
        self.clock = StillClock()
        self.provider = Provider(self.clock)
        self.openid = OpenId(OidcClient(ISSUER, "yosegi", BACK, lambda: secret), self.clock, self.provider)
        self.kept = self.state = ""
        self.asked: dict[str, str] = {}

    def begin(self, to: str = "") -> Browser:
        there, self.kept = run(self.openid.begin(to))
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
        self.state, self.provider.nonce = self.asked["state"], self.asked["nonce"]
        return self

    def finish(self, **answer: str) -> tuple[dict[str, Any], str]:
        return run(self.openid.finish(self.kept, {"code": "c", "state": self.state, "iss": ISSUER} | answer))

    def refused(self, **answer: str) -> str:
        with pytest.raises(Refused) as caught:
            self.finish(**answer)
        return caught.value.reasons[0]


@pytest.fixture
def browser() -> Browser:
    return Browser().begin("/tasks")


def test_an_honest_answer_is_believed(browser):
    claims, to = browser.finish()
    assert (claims["sub"], to) == ("42", "/tasks")


@pytest.mark.parametrize(
    ("kid", "alg"), [("first", "RS256"), ("first", "PS256"), ("second", "ES256"), ("third", "Ed25519")]
)
def test_every_asymmetric_algorithm_in_use_is_understood(browser, kid, alg):
    browser.provider.header = {"alg": alg, "kid": kid}
    assert browser.finish()[0]["sub"] == "42"


def test_pkce_binds_the_code_to_this_sign_in(browser):
    """RFC 7636, section 4.2: the challenge is the base64url of the verifier's SHA-256, without padding."""
    browser.finish()
    form, _ = browser.provider.forms[0]
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert browser.asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert browser.asked["code_challenge_method"] == "S256"
    assert form["redirect_uri"] == browser.asked["redirect_uri"] == BACK


def test_the_secret_goes_in_the_header_and_nowhere_else(browser):
    """RFC 6749, section 2.3.1."""
    browser.finish()
    form, basic = browser.provider.forms[0]
    assert basic == "yosegi:shared%20%26%20secret"
    assert "client_secret" not in form


def test_a_public_client_names_itself_and_proves_itself_by_pkce():
    browser = Browser(secret="").begin()
    browser.finish()
    form, basic = browser.provider.forms[0]
    assert (form["client_id"], basic) == ("yosegi", "")


# -- refusal 8: no algorithm, or a symmetric one made with a public key -----------------------------------------------


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(browser: Browser, header: dict[str, Any], sign: Any) -> str:
    now = int(browser.clock.now().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": "yosegi",
        "sub": "42",
        "iat": now,
        "exp": now + 300,
        "nonce": browser.asked["nonce"],
    }
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{body}.{b64(sign(body.encode()))}"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("kid", ["first", None])
def test_a_token_without_a_signature_is_refused(browser, alg, kid):
    browser.provider.token = forged(browser, {"alg": alg} | ({"kid": kid} if kid else {}), lambda body: b"")
    assert browser.refused() == "provider_not_believed"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["pem", "der", "n", "jwk"])
def test_an_hmac_made_with_the_public_key_is_refused(browser, alg, form):
    secret = {
        "pem": RSA.as_pem(private=False),
        "der": RSA.as_der(private=False),
        "n": RSA.as_dict(private=False)["n"].encode(),
        "jwk": json.dumps(RSA.as_dict(private=False)).encode(),
    }[form]
    hashed = getattr(hashlib, f"sha{alg[2:]}")
    token = forged(browser, {"alg": alg, "kid": "first"}, lambda body: hmac.new(secret, body, hashed).digest())
    browser.provider.token = token
    assert browser.refused() == "provider_not_believed"


def test_an_hmac_is_refused_even_if_the_provider_publishes_its_key(browser):
    browser.provider.keys = [{"kty": "oct", "kid": "first", "k": b64(b"x" * 32)}]
    sign = lambda body: hmac.new(b"x" * 32, body, hashlib.sha256).digest()  # noqa: E731
    browser.provider.token = forged(browser, {"alg": "HS256", "kid": "first"}, sign)
    assert browser.refused() == "provider_not_believed"


@pytest.mark.parametrize(
    "extra", [{"jwk": public(EC)[0]}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example"}]
)
def test_a_key_that_the_token_brings_along_is_not_used(browser, extra):
    other = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": "second"} | extra
    if "jwk" in extra:
        header["jwk"] = dict(other.as_dict(private=False))
    now = int(browser.clock.now().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": "yosegi",
        "sub": "42",
        "iat": now,
        "exp": now + 300,
        "nonce": browser.asked["nonce"],
    }
    browser.provider.token = jwt.encode(header, claims, other, algorithms=["ES256"])
    assert browser.refused() == "provider_not_believed"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "e30.e30.", f"{'a' * 70_000}.b.c", "é.b.c"])
def test_what_is_no_token_is_refused(browser, token):
    browser.provider.token = token or " "
    assert browser.refused() == "provider_not_believed"


def test_one_flipped_bit_of_the_signature_is_refused(browser):
    browser.provider.token = forged(browser, {"alg": "RS256", "kid": "first"}, lambda body: bytes(256))
    assert browser.refused() == "provider_not_believed"


# -- whose, for whom, when, and for which sign-in ---------------------------------------------------------------------

NOW = int(StillClock().now().timestamp())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["yosegi", "another"]},
        {"aud": ["yosegi", "another"], "azp": "another"},
        {"aud": "yosegi", "azp": "another"},
        {"aud": None},
        {"aud": []},
        {"exp": NOW - 31},
        {"exp": None},
        {"exp": "never"},
        {"exp": True},
        {"iat": NOW + 31},
        {"iat": NOW - 631},
        {"iat": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 42},
    ],
    ids=str,
)
def test_a_token_of_another_issuer_audience_time_or_sign_in_is_refused(browser, claims):
    browser.provider.claims = claims
    assert browser.refused() == "provider_not_believed"


@pytest.mark.parametrize(
    "claims",
    [{"exp": NOW - 29}, {"iat": NOW + 29}, {"aud": ["yosegi"]}, {"aud": ["yosegi", "b"], "azp": "yosegi"}],
    ids=str,
)
def test_clocks_may_differ_by_thirty_seconds_and_audiences_be_listed(browser, claims):
    browser.provider.claims = claims
    assert browser.finish()[0]["sub"] == "42"


def test_a_nonce_hidden_in_a_list_is_refused(browser):
    browser.provider.claims = {"nonce": [browser.asked["nonce"]]}
    assert browser.refused() == "provider_not_believed"


# -- the browser that began it ----------------------------------------------------------------------------------------


def test_an_answer_of_another_browser_is_refused(browser):
    """Login forgery: an attacker's own answer, sent to a victim's browser."""
    victim = Browser().begin()
    victim.kept = browser.kept
    with pytest.raises(Refused):
        run(browser.openid.finish(victim.kept, {"code": "c", "state": "another", "iss": ISSUER}))
    assert not browser.provider.forms


@pytest.mark.parametrize("kept", ["", "x", "AAAA", "é"])
def test_without_what_the_browser_kept_an_answer_is_refused(browser, kept):
    browser.kept = kept
    assert browser.refused() == "sign_in_stale"


def test_what_the_browser_kept_cannot_be_written_by_it(browser):
    raw = bytearray(base64.urlsafe_b64decode(browser.kept))
    raw[-3] ^= 1
    browser.kept = base64.urlsafe_b64encode(bytes(raw)).decode()
    assert browser.refused() == "sign_in_stale"


def test_another_process_seals_otherwise(browser):
    other = Browser().begin()
    other.kept, other.state = browser.kept, browser.state
    assert other.refused() == "sign_in_stale"


def test_a_sign_in_that_takes_too_long_is_refused(browser):
    browser.clock.turn(PATIENCE + 1)
    assert browser.refused() == "sign_in_stale"


def test_an_answer_that_names_another_issuer_is_refused(browser):
    """RFC 9207: the mix-up attack."""
    assert browser.refused(iss="https://evil.example") == "provider_not_believed"
    assert not browser.provider.forms


def test_what_the_provider_refuses_is_refused(browser):
    assert browser.refused(error="access_denied") == "provider_refused"
    assert browser.refused(code="") == "provider_refused"


# -- the provider's own description and keys --------------------------------------------------------------------------


def test_a_provider_that_calls_itself_otherwise_is_refused():
    browser = Browser()
    browser.provider.about["issuer"] = "https://evil.example"
    with pytest.raises(Invalid, match="another name"):
        browser.begin()


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "url", ["http://login.riken.example/x", "https://a@evil.example/", "ftp://x", None, 7, "javascript:x"]
)
def test_a_provider_with_an_unsafe_address_is_refused(name, url):
    browser = Browser()
    browser.provider.about[name] = url
    with pytest.raises(Invalid, match="not an https address"):
        browser.begin()


def test_plain_http_is_for_a_provider_on_this_machine_alone():
    assert is_provider_address("http://127.0.0.1:9000", "http://127.0.0.1:9000/auth")
    assert not is_provider_address("http://127.0.0.1:9000", "http://10.0.0.1/auth")
    assert not is_provider_address("http://login.example", "http://login.example/auth")
    assert not is_provider_address("https://login.example", "http://127.0.0.1/auth")


def test_a_key_the_provider_turned_to_is_found_and_one_it_left_is_not_used():
    browser = Browser().begin()
    browser.provider.keys = public(RSA)
    browser.finish()
    browser.provider.keys, browser.provider.header = public(EC), {"alg": "ES256", "kid": "second"}
    browser.clock.turn(61)
    browser.begin()
    assert browser.finish()[0]["sub"] == "42"
    browser.provider.header = {"alg": "RS256", "kid": "first"}
    browser.clock.turn(61)
    browser.begin()
    assert browser.refused() == "provider_not_believed"


def test_unknown_keys_do_not_make_this_site_ask_again_and_again(browser):
    browser.finish()
    for _ in range(20):
        browser.provider.token = forged(browser, {"alg": "RS256", "kid": "unknown"}, lambda body: b"x")
        browser.refused()
    assert browser.provider.asked_for_keys == 1


def test_a_key_for_encryption_verifies_nothing(browser):
    browser.provider.keys = [key | {"use": "enc"} for key in public(RSA)]
    assert browser.refused() == "provider_not_believed"
