"""Who may sign in as an agent, with what, and for which site: RFC 6749, 7523, 8693, 8707, 8414 and 9728."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest

from agents.clients import Agent
from agents.conftest import Make
from agents.test_tools import knock
from federation.asking import PI
from web.house import PASSPHRASE, House
from web.plain import PLAIN

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def http(house: House) -> Any:
    with httpx.Client(base_url=house.url(), trust_env=False, verify=PLAIN, timeout=60) as client:
        yield client


def post(http: httpx.Client, agent: Agent, form: dict[str, str] | None = None, **claims: Any) -> httpx.Response:
    """A token request that would be answered, but for what is changed."""
    audience = str(http.base_url).rstrip("/")
    assertion = anyio.run(lambda: agent.assertion(audience, **claims))
    body = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    return http.post("/mcp/token", data=body | (form or {}))


def test_a_call_without_a_token_learns_where_to_sign_in(http: httpx.Client) -> None:
    answer = http.post("/mcp", json={})
    assert answer.status_code == 401
    where = f"{str(http.base_url).rstrip('/')}/.well-known/oauth-protected-resource/mcp"
    assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{where}"'
    assert http.get(where).json()["resource"] == f"{str(http.base_url).rstrip('/')}/mcp"


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"])
def test_the_resources_metadata_is_at_its_own_place_and_at_the_root(http: httpx.Client, path: str) -> None:
    said = http.get(path).json()
    assert said["authorization_servers"] == [str(http.base_url).rstrip("/")]
    server = http.get("/.well-known/oauth-authorization-server").json()
    assert server["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]


def test_a_token_lives_for_minutes_and_names_its_mandate(http: httpx.Client, make: Make) -> None:
    agent = make()
    said = post(http, agent).json()
    assert (said["expires_in"], said["scope"]) == (600, f"mandate:{agent.name}")


def test_a_token_opens_the_tools_and_nothing_else(http: httpx.Client, make: Make) -> None:
    token = post(http, make()).json()["access_token"]
    assert http.get("/api/v1/campaigns", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_sessions_token_opens_no_tools(http: httpx.Client, make: Make) -> None:
    body = {"person": PI, "passphrase": PASSPHRASE}
    token = http.post("/api/v1/session", json=body).json()["token"]
    assert knock(make(), token) == 401


def test_a_person_exchanges_a_sign_in_and_gets_what_only_reads(http: httpx.Client, make: Make) -> None:
    session = http.post("/api/v1/session", json={"person": PI, "passphrase": PASSPHRASE}).json()["token"]
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": session,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    said = http.post("/mcp/token", data=form).json()
    assert said["scope"] == "read"
    assert knock(make(), said["access_token"]) == 200


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "http://evil.example"}, "another site"),
        ({"iss": "planner-1/officer@argonne"}, "not the same"),
        ({"exp": 1}, "out of date"),
        ({"exp": 2**40}, "no clock shows"),
        ({"iat": 2**40}, "no clock shows"),
        ({"exp": 2**32}, "longer than five minutes"),
    ],
)
def test_an_assertion_that_says_otherwise_is_refused(
    http: httpx.Client, make: Make, claims: dict[str, Any], why: str
) -> None:
    answer = post(http, make(), **claims)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert why in answer.json()["error_description"]


def test_an_assertion_for_another_server_is_not_believed_for_its_address_in_a_header(
    http: httpx.Client, make: Make
) -> None:
    """A hostile server gets an assertion for itself, and brings it here with a Host header to match."""
    assertion = anyio.run(lambda: make().assertion("http://evil.example"))
    body = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    answer = http.post("/mcp/token", data=body, headers={"Host": "evil.example"})
    assert answer.json()["error"] == "invalid_client"


def test_an_assertion_counts_once(http: httpx.Client, make: Make) -> None:
    agent, claims = make(), {"jti": "the-same-one-again"}
    assert post(http, agent, **claims).status_code == 200
    assert post(http, agent, **claims).json()["error"] == "invalid_client"


def test_another_agents_key_signs_nobody_in(http: httpx.Client, make: Make) -> None:
    one, other = make(), make()
    name = f"{other.name}/{PI}"
    assert post(http, one, iss=name, sub=name).json()["error"] == "invalid_client"


def test_a_token_for_another_resource_is_not_given(http: httpx.Client, make: Make) -> None:
    answer = post(http, make(), {"resource": "http://evil.example/mcp"})
    assert answer.json()["error"] == "invalid_target"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_assertion_does_not_choose_its_algorithm(http: httpx.Client, make: Make, algorithm: str) -> None:
    """The classical attacks on JWT: RFC 8725, sections 2.1 and 2.2."""
    import jwt

    agent = make()
    said = jwt.decode(
        anyio.run(lambda: agent.assertion(str(http.base_url).rstrip("/"))), options={"verify_signature": False}
    )
    forged = jwt.encode(said, agent.key.public.public if algorithm == "HS256" else "", algorithm=algorithm)
    assert post(http, agent, {"client_assertion": forged}).json()["error"] == "invalid_client"


def test_another_origin_is_refused_whatever_it_brings(http: httpx.Client, make: Make) -> None:
    token = post(http, make()).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"}
    assert http.post("/mcp", json={}, headers=headers).status_code == 403
