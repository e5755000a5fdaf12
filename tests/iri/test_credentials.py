"""How a site signs in at a facility: tokens renewed before they end, and nothing of them shown.

The grants are those of RFC 6749 (sections 4.4 and 6), whose field names the test's token endpoint expects.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iri.engines import credentials
from ledger.support import StillClock
from yosegi.core.errors import Invalid, Unavailable
from yosegi.execution.engines.iri.credentials import Credentials, TokenSource
from yosegi.execution.engines.iri.transport import Reply

ENDPOINT = "https://login.facility.example/token"


class Endpoint:
    """A token endpoint that gives tokens of ten minutes, and a new refresh token with each."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.status = 200

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, form: bool = False
    ) -> Reply:
        assert (method, url, form) == ("POST", ENDPOINT, True)
        self.forms.append(dict(body))
        number = len(self.forms)
        said = {"access_token": f"token-{number}", "expires_in": 600, "refresh_token": f"refresh-{number}"}
        return Reply(self.status, json.dumps(said).encode())

    async def close(self) -> None:
        """Nothing is open."""


def source(tmp_path: Path, **said: str) -> tuple[TokenSource, Endpoint, StillClock]:
    endpoint, clock = Endpoint(), StillClock()
    return TokenSource(credentials(tmp_path, **said), clock, endpoint), endpoint, clock


def get(tokens: TokenSource) -> str:
    return asyncio.run(tokens.token())


def test_a_token_is_renewed_before_it_ends_and_not_sooner(tmp_path: Path) -> None:
    tokens, endpoint, clock = source(
        tmp_path, token_endpoint=ENDPOINT, client_id="yosegi", client_secret="shared", scope="compute"
    )
    assert get(tokens) == "token-1"
    clock.seconds += 530
    assert get(tokens) == "token-1"
    clock.seconds += 20
    assert get(tokens) == "token-2"
    assert endpoint.forms[0] == {
        "grant_type": "client_credentials", "client_id": "yosegi", "client_secret": "shared", "scope": "compute",
    }  # fmt: skip


def test_a_refresh_token_that_is_replaced_is_kept_for_the_next_start(tmp_path: Path) -> None:
    tokens, endpoint, clock = source(tmp_path, token_endpoint=ENDPOINT, client_id="yosegi", refresh_token="refresh-0")
    get(tokens)
    clock.seconds += 600
    get(tokens)
    assert [form["refresh_token"] for form in endpoint.forms] == ["refresh-0", "refresh-1"]
    assert json.loads(tokens.path.read_text())["refresh_token"] == "refresh-2"
    assert tokens.path.stat().st_mode & 0o777 == 0o600


def test_a_token_that_was_not_taken_is_replaced_at_the_next_call(tmp_path: Path) -> None:
    tokens, _, _ = source(tmp_path, token_endpoint=ENDPOINT, client_id="yosegi", client_secret="shared")
    get(tokens)
    tokens.forget()
    assert get(tokens) == "token-2"


def test_a_file_that_is_written_anew_counts_at_once(tmp_path: Path) -> None:
    tokens, _, _ = source(tmp_path, token="first")
    assert get(tokens) == "first"
    credentials(tmp_path, token="second")
    assert get(tokens) == "second"


def test_a_token_that_has_ended_is_not_sent(tmp_path: Path) -> None:
    tokens, _, _ = source(tmp_path, token="old", expires="2026-11-21T03:59:59Z")
    with pytest.raises(Unavailable):
        get(tokens)


def test_an_endpoint_that_gives_no_token_is_said_without_what_was_sent(tmp_path: Path) -> None:
    tokens, endpoint, _ = source(tmp_path, token_endpoint=ENDPOINT, client_id="yosegi", client_secret="shared-secret")
    endpoint.status = 400
    with pytest.raises(Unavailable) as caught:
        get(tokens)
    assert "shared-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        {"token": "a secret\nX-Other: header"},
        {"token": "secret", "token_endpoint": ENDPOINT},
        {"token_endpoint": "http://login.facility.example/token", "client_id": "y", "client_secret": "secret"},
        {"token_endpoint": ENDPOINT, "client_id": "y"},
        {"secret": "secret"},
    ],
)
def test_a_file_that_does_not_hold_is_refused_and_not_repeated(tmp_path: Path, said: dict[str, str]) -> None:
    tokens, _, _ = source(tmp_path, **said)
    with pytest.raises(Invalid) as caught:
        tokens.read()
    assert "secret" not in str(caught.value).replace("client_secret", "")


def test_nothing_of_it_is_shown_where_values_are_printed() -> None:
    shown = repr(Credentials(token="hidden")) + repr(Credentials.model_construct(client_secret="hidden"))
    assert "hidden" not in shown
