"""Whatever is sent to the API, signed in or not: no server error, and no answer its description does not know.

The cases are made by schemathesis from the API's own description.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from web.house import PASSPHRASE, House, opened, spec
from web.plain import PLAIN
from web.test_openapi import current

pytestmark = pytest.mark.slow
FEW = settings(
    max_examples=int(os.environ.get("YOSEGI_API_EXAMPLES", "6")),  # `make assure` asks for more
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with opened() as house:
        house.begin(spec(trials=1))
        house.until_over()
        yield house


@pytest.fixture
def bearer(house: House) -> str:
    """A session for each test: one of the calls ends it."""
    answer = httpx.post(
        house.url() + "/api/v1/session",
        json={"person": "operator@argonne", "passphrase": PASSPHRASE},
        trust_env=False,
        verify=PLAIN,
    )
    return str(answer.json()["token"])


schema = schemathesis.openapi.from_dict(current()).exclude(path="/api/v1/changes")
"""A stream does not end by itself; it is read in a test of its own."""
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@schema.parametrize()
@FEW
def test_no_call_of_a_stranger_is_a_server_error(case: schemathesis.Case, house: House) -> None:
    case.call_and_validate(base_url=house.url(), checks=[not_a_server_error])


@schema.parametrize()
@FEW
def test_no_call_of_an_operator_is_a_server_error(case: schemathesis.Case, house: House, bearer: str) -> None:
    case.call_and_validate(
        base_url=house.url(), checks=[not_a_server_error], headers={"Authorization": f"Bearer {bearer}"}
    )


def test_the_stream_of_changes_answers_or_says_why(house: House, bearer: str) -> None:
    with httpx.Client(
        base_url=house.url(), trust_env=False, verify=PLAIN, headers={"Authorization": f"Bearer {bearer}"}
    ) as client:
        for after in ("x", "1e9", "", "-1x"):
            assert client.get("/api/v1/changes", params={"after": after}).status_code == 422
        with client.stream("GET", "/api/v1/changes", params={"after": -(10**30)}) as answer:
            assert answer.status_code == 200
            assert next(answer.iter_lines()).startswith("id: ")


SPACE = "low = 0.0, high = 0.9, resolution = 0.001"
WRONG = {
    "nested": "a=" + "[" * 5000,
    "upside down": spec("odd").replace(SPACE, "low = 0.9, high = 0.0"),
    "no range": spec("odd").replace(SPACE, ""),
    "no number": spec("odd").replace(SPACE, "low = nan, high = 1.0"),
    "a level twice": spec("odd").replace(SPACE, 'kind = "categorical", levels = [1, true]'),
    "logarithm of nought": spec("odd").replace(SPACE, "low = 0.0, high = 0.9, log = true"),
    "endless": spec("odd", trials=10**23),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_campaign_that_cannot_be_is_named_and_not_recorded(house: House, how: str) -> None:
    with httpx.Client(base_url=house.url(), trust_env=False, verify=PLAIN) as client:
        person = {"person": "officer@argonne", "passphrase": PASSPHRASE}
        token = client.post("/api/v1/session", json=person).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.post("/api/v1/campaigns", json={"spec": WRONG[how]}, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["code"] == "invalid"
        assert client.get("/api/v1/campaigns/odd", headers=headers).status_code == 404


def test_half_a_character_is_no_text(house: House) -> None:
    body = b'{"person": "\\ud800", "passphrase": "x"}'
    headers = {"content-type": "application/json"}
    answer = httpx.post(house.url() + "/api/v1/session", content=body, headers=headers, trust_env=False, verify=PLAIN)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("the body: not readable JSON")
