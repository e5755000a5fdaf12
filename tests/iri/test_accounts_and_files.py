"""Projects, allocations and files. Names and amounts are those of the federation that the test makes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from iri.facility import PROJECT, Facility, opened, specification

DATA = b"first line\nsecond line\nthird line\n"
FILES = "/filesystem"


@pytest.fixture(scope="module")
def used() -> Iterator[Facility]:
    with opened() as facility:
        yield facility


@pytest.fixture
def pi(used: Facility) -> Iterator[httpx.Client]:
    with used.caller() as client:
        yield client


@pytest.fixture
def path(pi: httpx.Client) -> str:
    there = f"{FILES}/upload/objects"
    answer = pi.post(there, params={"path": f"/{PROJECT}/lines.txt"}, files={"file": ("lines.txt", DATA)})
    assert answer.status_code == 200
    return str(result(pi, answer)["output"]["path"])


def result(client: httpx.Client, submitted: httpx.Response) -> Any:
    return client.get(f"/task/{submitted.json()['task_id']}").json()["result"]


def read(client: httpx.Client, verb: str, path: str, **how: Any) -> Any:
    answer = client.post(f"{FILES}/{verb}/objects", json={"path": path} | how)
    assert answer.status_code == 200
    return result(client, answer)["output"]


def test_a_team_is_a_project(pi: httpx.Client) -> None:
    (project,) = pi.get("/account/projects").json()
    assert (project["id"], project["user_ids"]) == (PROJECT, ["pi@argonne"])
    assert pi.get("/account/projects/demo.other").status_code == 404


def test_each_unit_of_a_grant_is_an_allocation_that_jobs_use_up(used: Facility, pi: httpx.Client) -> None:
    job = pi.post("/compute/job/toy.slow@1", json=specification(executable="toy.slow@1")).json()["id"]
    used.until(lambda: pi.get(f"/compute/status/toy.slow@1/{job}").json()["status"]["state"] == "completed")
    there = f"/account/projects/{PROJECT}/project_allocations"
    found = {one["id"]: one for one in pi.get(there).json()}
    hours = found["grant-argonne.node_h"]["entries"][0]
    assert (hours["allocation"], hours["usage"]) == (100, 2)
    assert hours["unit"] == "urn:doe-iri:allocation:compute:node-hours"
    assert found["grant-argonne.samples"]["entries"][0]["attributes"]["unit"] == "samples"
    (mine,) = pi.get(f"{there}/grant-argonne.node_h/user_allocations").json()
    assert (mine["user_id"], mine["entries"][0]["usage"]) == ("pi@argonne", 2)
    assert pi.get(f"{there}/grant-argonne.node_h/user_allocations/pi@argonne").json() == mine


def test_another_teams_allocations_are_not_shown(used: Facility) -> None:
    with used.caller("stranger") as stranger:
        assert stranger.get(f"/account/projects/{PROJECT}/project_allocations").status_code == 404


def test_a_file_that_is_brought_is_an_object_named_by_its_digest(pi: httpx.Client, path: str) -> None:
    assert path == f"/sha256:{hashlib.sha256(DATA).hexdigest()}"
    assert read(pi, "checksum", path) == {"algorithm": "SHA-256", "checksum": hashlib.sha256(DATA).hexdigest()}
    assert [one["name"] for one in read(pi, "ls", "/")] == [path.strip("/")]
    assert read(pi, "stat", path)["size"] == len(DATA)


def test_a_file_comes_back_as_it_was(pi: httpx.Client, path: str) -> None:
    assert base64.b64decode(read(pi, "download", path)) == DATA


@pytest.mark.parametrize(
    ("verb", "how", "expected"),
    [
        ("head", {"lines": 1}, "first line\n"),
        ("head", {"bytes": 5}, "first"),
        ("tail", {"lines": 1}, "third line\n"),
        ("tail", {"bytes": 5}, "line\n"),
        ("tail", {"lines": 1, "skipHeading": True}, "second line\nthird line\n"),
        ("view", {"offset": 6, "size": 4}, "line"),
        ("view", {}, DATA.decode()),
    ],
)
def test_a_part_of_a_file_is_read(pi: httpx.Client, path: str, verb: str, how: Any, expected: str) -> None:
    assert read(pi, verb, path, **how)["content"] == expected


def test_a_stranger_reads_nothing_of_it(used: Facility, path: str) -> None:
    with used.caller("stranger") as stranger:
        for verb in ("view", "stat", "checksum", "download"):
            submitted = stranger.post(f"{FILES}/{verb}/objects", json={"path": path})
            assert stranger.get(f"/task/{submitted.json()['task_id']}").json()["status"] == "failed"
        assert read(stranger, "ls", "/") == []


def test_a_task_is_its_callers_alone_until_it_is_deleted(used: Facility, pi: httpx.Client, path: str) -> None:
    task = pi.post(f"{FILES}/stat/objects", json={"path": path}).json()["task_id"]
    with used.caller("stranger") as stranger:
        assert stranger.get(f"/task/{task}").status_code == 404
        assert stranger.delete(f"/task/{task}").status_code == 404
    assert task in [one["id"] for one in pi.get("/task").json()]
    assert pi.delete(f"/task/{task}").status_code == 200
    assert pi.get(f"/task/{task}").status_code == 404


@pytest.mark.parametrize("verb", ["rm", "mv", "cp", "chmod", "chown", "mkdir", "symlink", "compress", "extract"])
def test_an_object_is_never_changed(pi: httpx.Client, path: str, verb: str) -> None:
    body = {"path": path, "target_path": "/x", "link_path": "/x", "mode": "777"}
    answer = pi.post(f"{FILES}/{verb}/objects", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert pi.post(f"{FILES}/{verb}/toy.make@1", json=body).status_code == 404


def test_a_project_has_a_place_and_no_endpoint_of_another_protocol(pi: httpx.Client) -> None:
    (place,) = pi.get("/storage/locations/objects").json()
    assert (place["logical_name"], place["path"]) == ("project", f"/{PROJECT}")
    assert pi.get("/storage/access-endpoints/objects").json() == []
    assert pi.get("/storage/access-endpoints/toy.make@1").status_code == 404
