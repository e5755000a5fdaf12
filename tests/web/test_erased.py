"""What was erased, as officers ask for it over the API, and what pages show of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from web.house import PASSPHRASE, House, opened, spec
from web.plain import PLAIN
from web.test_objects import bearer


def soon(done: Callable[[], bool]) -> None:
    """Wait for what is asked over HTTP, from outside the sites' own thread."""
    until = time.monotonic() + 30
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)


def ordered(officer: httpx.Client, task: str) -> dict[str, Any]:
    """What an officer is told who has a task erased; what it sent is acknowledged a moment after its end."""
    body = {"task": task, "why": "<b>a name</b>"}
    soon(lambda: officer.post("/erasures", json=body).is_success)
    return dict(officer.post("/erasures", json=body).json())


@pytest.fixture(scope="module")
def erased() -> Iterator[tuple[House, str, dict[str, Any]]]:
    """A house whose campaign lost one task to a spill, with the task and what the officer was told."""
    with opened() as house:
        house.begin(spec(trials=2))
        house.until_over()
        step = house.campaign().trials[0].steps[-1]
        task = f"argonne/{step.owner}/{step.key}"
        with bearer(house, "officer@argonne") as officer:
            told = ordered(officer, task)
            soon(lambda: not officer.get("/erasures").json()[0]["waiting"])
        yield house, task, told


def test_an_officer_is_told_where_it_is_gone_and_who_has_not_answered(erased) -> None:
    _, task, told = erased
    owner = task.split("/")[1]
    assert told["subject"] == task
    assert "argonne" in told["gone"]
    assert owner in told["waiting"] + told["gone"]


def test_who_looks_later_sees_that_all_have(erased) -> None:
    house, task, _ = erased
    with bearer(house, "operator@argonne") as operator:
        (found,) = operator.get("/erasures").json()
    assert found["gone"] == sorted({"argonne", task.split("/")[1]})
    assert found["by"] == "officer@argonne"


@pytest.mark.parametrize(("person", "status"), [("pi@argonne", 403), ("operator@argonne", 403)])
def test_nobody_but_an_officer_erases(erased, person: str, status: int) -> None:
    house, task, _ = erased
    with bearer(house, person) as client:
        answer = client.post("/erasures", json={"task": task, "why": "why"})
    assert (answer.status_code, "officers_only" in answer.text) == (status, True)


@pytest.mark.parametrize("task", ["x", "../../etc/passwd", "argonne/nims", "argonne/nims/unheard", "a/b/c"])
def test_what_is_no_task_here_is_not_found(erased, task: str) -> None:
    house, _, _ = erased
    with bearer(house, "officer@argonne") as officer:
        answer = officer.post("/erasures", json={"task": task, "why": "why"})
        assert 400 <= answer.status_code < 500
        assert len(officer.get("/erasures").json()) == 1


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_pages_are_there_without_it(erased, lang: str) -> None:
    house, task, _ = erased
    owner = task.split("/")[1]
    with house.visitor(who="officer") as home, house.visitor(owner, "officer") as there:
        assert home.get(f"/campaigns/toy?lang={lang}").status_code == 200
        assert there.get(f"/tasks?lang={lang}").status_code == 200


def test_the_task_itself_says_why_there_is_nothing_to_see(erased) -> None:
    house, task, _ = erased
    home, owner, key = task.split("/")
    with signed_in_at(house, owner) as client:
        answer = client.get(f"/tasks/{home}/{key}")
    assert answer.status_code == 403
    assert "body_erased" in answer.text


def signed_in_at(house: House, site: str) -> httpx.Client:
    base = f"{house.url(site)}/api/v1"
    said = {"person": f"officer@{site}", "passphrase": PASSPHRASE}
    token = httpx.post(f"{base}/session", json=said, trust_env=False, verify=PLAIN).json()["token"]
    return httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False, verify=PLAIN)


def test_a_refused_task_that_was_erased_leaves_the_list_of_tasks_whole(erased) -> None:
    house, _, _ = erased
    house.begin(spec("war", trials=1, purpose="teaching"))
    with signed_in_at(house, "nims") as officer, house.visitor("nims", "officer") as there:
        soon(lambda: bool(officer.get("/tasks?state=refused").json()))
        refused = officer.get("/tasks?state=refused").json()[0]
        assert "local_rule" in there.get("/tasks").text
        task = f"{refused['home']}/nims/{refused['key']}"
        ordered(officer, task)
        page = there.get("/tasks")
    assert page.status_code == 200
    assert "body_erased" in page.text
