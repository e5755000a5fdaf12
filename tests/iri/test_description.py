"""The facility API's own description (`vendor/all_spec_v2.json`) driven against this face by schemathesis.

As in the project's own validator, all checks run but that of media types: problems are `application/problem+json` here
(RFC 9457), where the description says `application/json`; a test of its own looks at that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import content_type_conformance

from iri.facility import Facility, opened, specification
from web.plain import PLAIN

OFFICIAL: dict[str, Any] = json.loads((Path(__file__).parent / "vendor" / "all_spec_v2.json").read_text())
FEW = settings(
    max_examples=int(os.environ.get("YOSEGI_API_EXAMPLES", "4")),  # `make assure` asks for more
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
load_all_checks()
schema = schemathesis.openapi.from_dict(OFFICIAL)


@pytest.fixture(scope="module")
def changed() -> Iterator[Facility]:
    """A facility that random calls may change, with a job and an incident to find."""
    with opened() as facility:
        with facility.caller() as pi:
            assert pi.post("/compute/job/toy.simulate@1", json=specification()).status_code == 200
        with facility.caller("operator") as operator:
            for word in ("hold", "release"):
                there = f"http://127.0.0.1:{facility.port}/api/v1/switch/{word}"
                assert operator.post(there, json={"why": "a look at colour-team"}).status_code == 200
        yield facility


@pytest.fixture(scope="module")
def bearer(changed: Facility) -> str:
    return changed.token()


@pytest.mark.slow
@schema.parametrize()
@FEW
def test_no_call_fails_a_check_of_the_description(case: schemathesis.Case, changed: Facility, bearer: str) -> None:
    headers = {"Authorization": f"Bearer {bearer}"}
    case.call_and_validate(base_url=changed.url, headers=headers, excluded_checks=[content_type_conformance])


RESOURCES = {"resource_id": "toy.simulate@1", "site_id": "argonne", "capability_id": "node_h"}


@pytest.mark.parametrize("who", ["", "pi"])
@pytest.mark.parametrize(
    ("method", "path"), [(m, p) for p, methods in OFFICIAL["paths"].items() for m in methods], ids=str
)
def test_an_answer_is_json_and_a_problem_a_problem(changed: Facility, who: str, method: str, path: str) -> None:
    for name, value in RESOURCES.items():
        path = path.replace(f"{{{name}}}", value)
    with changed.caller(who) as client:
        answer = client.request(method.upper(), f"{changed.url}{path}")
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "status", "instance"} <= problem.keys()
        assert problem["status"] == answer.status_code < 500
    else:
        assert answer.headers["content-type"] == "application/json"


def operations(api: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Path and method by the operation's name."""
    paths = api["paths"].items()
    return {one["operationId"]: (path, method) for path, methods in paths for method, one in methods.items()}


def test_every_operation_of_the_description_is_there_and_no_other(changed: Facility) -> None:
    ours = httpx.get(f"{changed.url}/openapi.json", trust_env=False, verify=PLAIN).json()
    there, here = operations(OFFICIAL), operations(ours)
    assert len(there) == 47
    assert here == there


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS", "QUERY", "HEAD"])
def test_a_method_that_an_address_does_not_know_is_said_with_those_it_knows(changed: Facility, method: str) -> None:
    answer = httpx.request(method, f"{changed.url}/api/v2/task/x", trust_env=False, verify=PLAIN)
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    ["modified_since=", "modified_since=1", "modified_since=2026-02-21", "since=2026", "limit=1001", "limit=1_0"],
)
def test_a_parameter_that_does_not_hold_or_is_not_known_is_refused(changed: Facility, query: str) -> None:
    answer = httpx.get(f"{changed.url}/api/v2/facility/sites?{query}", trust_env=False, verify=PLAIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_what_has_not_changed_is_not_sent_again(changed: Facility) -> None:
    there = f"{changed.url}/api/v2/facility?modified_since=9000-01-01T00:00:00Z"
    assert httpx.get(there, trust_env=False, verify=PLAIN).status_code == 304


def test_who_is_not_signed_in_is_told_how(changed: Facility) -> None:
    for headers in ({}, {"Authorization": "Bearer none"}, {"Authorization": "Basic cGk6cGk="}):
        answer = httpx.get(f"{changed.url}/api/v2/account/projects", headers=headers, trust_env=False, verify=PLAIN)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert [one["code"] for one in answer.json()["reasons"]] == ["not_signed_in"]


def test_a_body_without_end_is_refused(changed: Facility, bearer: str) -> None:
    headers = {"Authorization": f"Bearer {bearer}", "content-type": "application/json"}
    there = f"{changed.url}/api/v2/compute/job/toy.simulate@1"
    answer = httpx.post(
        there, headers=headers, content=b" " * (17 * 1024 * 1024), trust_env=False, verify=PLAIN, timeout=60
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
