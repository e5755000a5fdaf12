"""Two clients that nobody of this project wrote, from PyPI, as their users call them: `amsc-iri-v2` and `iri-client`.

Both are generated from the facility API's description by others; that they can read what this face sends is the test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import amsc_iri_v2 as amsc
import pytest

from iri.facility import PROJECT, Facility

KEY = "2cb2a3f1-5a36-4b0e-bb3d-0d8f0f7e0a55"


@pytest.fixture
def client(facility: Facility) -> Iterator[Any]:
    with amsc.ApiClient(amsc.Configuration(host=facility.url, access_token=facility.token(), no_proxy="*")) as client:
        yield client


def job_spec(x: float) -> Any:
    custom = {"inputs": json.dumps({"x": x}), "purpose": "research"}
    attributes = amsc.JobAttributes(account=PROJECT, custom_attributes=custom)
    return amsc.JobSpec(executable="toy.simulate@1", name="from a client", attributes=attributes)


def test_amsc_reads_the_facility_its_place_and_its_resources(client: Any) -> None:
    assert amsc.FacilityApi(client).get_facility().short_name == "argonne"
    (place,) = amsc.FacilityApi(client).get_sites()
    resources = amsc.StatusApi(client).get_resources()
    assert {one.self_uri for one in resources} == set(place.resource_uris)
    assert amsc.StatusApi(client).get_resource("toy.simulate@1").current_status == "up"


def test_amsc_launches_a_job_once_a_key_and_follows_it(facility: Facility, client: Any) -> None:
    compute = amsc.ComputeApi(client)
    first = compute.launch_job("toy.simulate@1", job_spec(0.5), idempotency_key=KEY)
    again = compute.launch_job("toy.simulate@1", job_spec(0.5), idempotency_key=KEY)
    assert first.id == again.id == KEY
    facility.until(lambda: compute.get_job("toy.simulate@1", KEY).status.state == "completed")
    found = compute.get_jobs("toy.simulate@1", historical=True, include_spec=True)
    assert [one.job_spec.name for one in found if one.id == KEY] == ["from a client"]


def test_amsc_raises_what_a_problem_says(client: Any) -> None:
    compute = amsc.ComputeApi(client)
    with pytest.raises(amsc.exceptions.NotFoundException):
        compute.get_job("toy.simulate@1", "absent")
    compute.launch_job("toy.simulate@1", job_spec(0.5), idempotency_key=KEY)
    with pytest.raises(amsc.exceptions.UnprocessableEntityException):
        compute.launch_job("toy.simulate@1", job_spec(0.6), idempotency_key=KEY)
    with pytest.raises(amsc.exceptions.BadRequestException) as caught:
        compute.launch_job("toy.simulate@1", amsc.JobSpec(executable="/bin/sh"))
    assert "body.executable" in caught.value.body


def test_amsc_cancels_a_job(facility: Facility, client: Any) -> None:
    compute = amsc.ComputeApi(client)
    spec = job_spec(0.5)
    spec.executable = "toy.beam@1"
    job = compute.launch_job("toy.beam@1", spec).id
    facility.until(lambda: compute.get_job("toy.beam@1", job).status.state == "held")
    compute.cancel_job("toy.beam@1", job)
    facility.until(lambda: compute.get_job("toy.beam@1", job).status.state == "canceled")


def test_amsc_reads_projects_and_their_allocations(client: Any) -> None:
    account = amsc.AccountApi(client)
    assert [one.id for one in account.get_projects()] == [PROJECT]
    found = account.get_project_allocations_by_project(PROJECT)
    assert "grant-argonne.node_h" in [one.id for one in found]
    assert "node_h" in [one.id for one in account.get_capabilities()]


def test_amsc_reads_incidents_and_events(client: Any) -> None:
    assert amsc.StatusApi(client).get_incidents() == []
    assert amsc.StatusApi(client).get_events_by_incident() == []


CALL = """
import json, os, sys
from iri_client import Client
client = Client(base_url=sys.argv[1], access_token=os.environ["IRI_API_TOKEN"])
print(client.request(sys.argv[2], sys.argv[3], body_json=sys.argv[4] or None))
"""


def by_path(facility: Facility, method: str, path: str, body: Any = None) -> Any:
    """One call of `iri-client`, in a process of its own: it lets no other thread run while it waits."""
    command = [sys.executable, "-c", CALL, facility.url, method, path, json.dumps(body) if body else ""]
    environment = os.environ | {"IRI_API_TOKEN": facility.token(), "NO_PROXY": "*"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.processes
def test_iri_client_reads_and_launches_by_method_and_path(facility: Facility) -> None:
    assert by_path(facility, "GET", "/api/v2/facility")["short_name"] == "argonne"
    attributes = {"account": PROJECT, "custom_attributes": {"inputs": '{"x": 0.5}'}}
    spec = {"name": "by path", "attributes": attributes}
    job = by_path(facility, "POST", "/api/v2/compute/job/toy.simulate@1", spec)["id"]
    path = f"/api/v2/compute/status/toy.simulate@1/{job}"
    facility.until(lambda: by_path(facility, "GET", path)["status"]["state"] == "completed")
