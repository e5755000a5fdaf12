"""Whatever is sent to the API, signed in or not: no server error, and no answer its description does not know.

The cases are made by schemathesis from the API's own description.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from web.house import PASSPHRASE, House, opened, spec

pytestmark = pytest.mark.slow
FEW = settings(
    max_examples=6,
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


@pytest.fixture(scope="module")
def bearer(house: House) -> str:
    answer = httpx.post(
        house.url() + "/api/v1/session",
        json={"person": "operator@argonne", "passphrase": PASSPHRASE},
        trust_env=False,
    )
    return str(answer.json()["token"])


@pytest.fixture(scope="module")
def described(house: House) -> Any:
    schema = schemathesis.openapi.from_url(house.url() + "/openapi.json")
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    # A stream does not end by itself; it is read in a test of its own.
    return schema.exclude(path="/api/v1/changes")


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@FEW
def test_no_call_of_a_stranger_is_a_server_error(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=[not_a_server_error])


@schema.parametrize()
@FEW
def test_no_call_of_an_operator_is_a_server_error(case: schemathesis.Case, bearer: str) -> None:
    case.call_and_validate(checks=[not_a_server_error], headers={"Authorization": f"Bearer {bearer}"})


def test_the_stream_of_changes_answers_or_says_why(house: House, bearer: str) -> None:
    with httpx.Client(base_url=house.url(), trust_env=False, headers={"Authorization": f"Bearer {bearer}"}) as client:
        for after in ("x", "1e9", "", "-1x"):
            assert client.get("/api/v1/changes", params={"after": after}).status_code == 422
        with client.stream("GET", "/api/v1/changes", params={"after": -(10**30)}) as answer:
            assert answer.status_code == 200
            assert next(answer.iter_lines()).startswith("id: ")
