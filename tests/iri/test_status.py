"""What anybody may know: resources, incidents, events; and nobody's team, person or reason among it.

The words are those of the facility API's description: `up`, `degraded`, `down`; planned and unplanned incidents.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from iri.facility import Facility, opened
from web.plain import PLAIN
from yosegi.core.engine import Outcome
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect
from yosegi.execution.breaker import OPENS_AT, Requester


@pytest.fixture
def stopped() -> Iterator[Facility]:
    with opened() as facility:
        yield facility


def switch(facility: Facility, word: str) -> None:
    with facility.caller("operator") as operator:
        there = f"http://127.0.0.1:{facility.port}/api/v1/switch/{word}"
        assert operator.post(there, json={"why": "colour-team broke it"}).status_code == 200


async def found_broken(facility: Facility, person: str) -> None:
    """Another of the facility's own people has found the capability broken."""
    site = facility.federation.places["argonne"].running
    failed = Outcome.failed(Effect.DONE, OutcomeCode.FAILED, "a loose tube")
    for _ in range(OPENS_AT):
        if writes := site.dispatcher.breakers.note("toy.simulate@1", Requester("argonne", person), failed):
            await site.ledger.append(*writes)


def fail(facility: Facility) -> None:
    """As often as it takes until a breaker opens to who asks."""
    attributes = {"account": "colour-team", "custom_attributes": {"inputs": '{"x": 0.5}'}}
    with facility.caller() as client:
        for number in range(OPENS_AT):
            job = {"name": f"pi-{number}", "attributes": attributes}
            assert client.post("/compute/job/toy.simulate@1", json=job).status_code == 200


def told(facility: Facility, path: str, **query: str) -> Any:
    answer = httpx.get(f"{facility.url}/api/v2/status/{path}", params=query, trust_env=False, verify=PLAIN)
    assert answer.status_code == 200
    return answer.json()


def test_a_hold_is_a_planned_incident_that_degrades_everything(stopped: Facility) -> None:
    switch(stopped, "hold")
    (incident,) = told(stopped, "incidents")
    assert (incident["type"], incident["status"], incident["resolution"]) == ("planned", "degraded", "unresolved")
    assert {one["current_status"] for one in told(stopped, "resources") if one["id"] != "objects"} == {"degraded"}


def test_a_stop_is_an_unplanned_incident_and_its_release_ends_it(stopped: Facility) -> None:
    switch(stopped, "hold")
    switch(stopped, "abort")
    assert told(stopped, "resources", name="toy.make@1")[0]["current_status"] == "down"
    switch(stopped, "release")
    (incident,) = told(stopped, "incidents", type="unplanned")
    assert (incident["status"], incident["resolution"]) == ("up", "completed")
    events = told(stopped, "events", incident_id=incident["id"], resource_id="toy.make@1")
    assert [one["status"] for one in events] == ["up", "down", "degraded"]
    assert told(stopped, "resources", name="toy.make@1")[0]["current_status"] == "up"


def test_a_breaker_that_opened_takes_its_capability_down_and_no_other(stopped: Facility) -> None:
    engine = stopped.federation.places["argonne"].engine
    assert engine is not None
    engine.broken = True
    fail(stopped)
    ledger = stopped.federation.places["argonne"].running.ledger
    stopped.until(lambda: bool(ledger.streams("breaker/")))
    stopped.do(found_broken(stopped, "colleague@argonne"))
    down = [one["id"] for one in told(stopped, "resources", current_status="down")]
    assert down == ["toy.simulate@1"]


def test_a_breaker_that_is_open_to_one_person_is_no_incident(stopped: Facility) -> None:
    engine = stopped.federation.places["argonne"].engine
    assert engine is not None
    engine.broken = True
    fail(stopped)
    ledger = stopped.federation.places["argonne"].running.ledger
    stopped.until(lambda: bool(ledger.streams("breaker/")))
    assert told(stopped, "incidents") == []
    assert told(stopped, "resources", current_status="down") == []


def test_the_public_parts_name_no_team_no_person_and_no_reason(stopped: Facility) -> None:
    with stopped.caller() as pi:
        job = {"attributes": {"account": "colour-team", "custom_attributes": {"inputs": '{"x": 0.5}'}}}
        assert pi.post("/compute/job/toy.make@1", json=job).status_code == 200
    switch(stopped, "hold")
    paths = ("status/resources", "status/incidents", "status/events", "facility", "facility/sites")
    paths += ("account/capabilities", "compute/resources")
    for path in paths:
        text = httpx.get(f"{stopped.url}/api/v2/{path}", trust_env=False, verify=PLAIN).text
        assert not [word for word in ("colour-team", "pi@", "operator@", "broke") if word in text], path


def test_a_type_matches_with_all_that_is_below_it(stopped: Facility) -> None:
    stores = told(stopped, "resources", resource_type="urn:doe-iri:resource:storage")
    assert [one["id"] for one in stores] == ["objects"]
    assert told(stopped, "resources", resource_type="urn:doe-iri:resource:stor") == []


def test_a_resource_says_what_its_capability_is_worth(stopped: Facility) -> None:
    found = told(stopped, "resources", capability="urn:doe-iri:allocation:compute:node-hours")
    assert [one["id"] for one in found] == ["toy.slow@1"]
    assert found[0]["attributes"]["cost"] == {"node_h": "2"}
