"""Amounts that must be refused at a running site: 18 in `tests/assure/refusals.toml`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from web.hostile import deliver, now_at, recorded, signed_in, why_refused
from web.house import House, spec
from yosegi.governance.grants.balances import balance
from yosegi.testing.federation import CHARTER, TEAM
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Report


def left_at_nims(house: House) -> tuple[int, ...]:
    """Samples held, spent and left of the team's grant."""

    async def told() -> tuple[int, ...]:
        nims = house.federation.places["nims"].running
        found = balance(nims.ledger.query, "grant-nims", nims.clock.now())
        return tuple(amounts["samples"] // 1000 for amounts in (found.held, found.spent, found.left))

    return house.do(told())


@pytest.mark.parametrize("effect", ["none", "done"])
def test_an_uncertain_task_is_settled_once_whoever_settles_it_again(spoiled: House, effect: str) -> None:
    spoiled.lost.add("toy")
    spoiled.begin(spec("unsure", trials=1))
    spoiled.until(lambda: bool(spoiled.federation.places["nims"].running.tasks.list("uncertain")))
    spoiled.until_over("unsure")
    held, spent, left = left_at_nims(spoiled)
    with signed_in(spoiled, "nims") as client:
        task = client.get("/api/v1/tasks?state=uncertain").json()[0]
        path = f"/api/v1/tasks/{task['home']}/{task['key']}/settle"
        with ThreadPoolExecutor() as pool:
            at_once = list(pool.map(lambda _: client.post(path, json={"effect": effect, "note": "seen"}), range(4)))
        assert sorted(answer.status_code for answer in at_once) == [200, 409, 409, 409]
        for again in ("none", "done"):
            assert client.post(path, json={"effect": again, "note": "seen again"}).status_code == 409
    used = {"none": 0, "done": 1}[effect]
    assert left_at_nims(spoiled) == (held - 1, spent + used, left + 1 - used)


@pytest.mark.parametrize("charged", [-1000, 2 * 10**15, 1.5, 1e300, "1000", True])
def test_a_report_that_charges_no_amount_is_refused(house: House, charged: Any) -> None:
    now = now_at(house)
    fields = {"charter": CHARTER, "sender": "riken", "to": "argonne", "key": "k", "request": "sha256:" + "0" * 64}
    report = Report(**fields, issued=now, not_after=now + timedelta(hours=1), state="ended")  # type: ignore[arg-type]
    hostile = json.loads(report.to_bytes()) | {"charged": {"samples": charged}}
    envelope = Envelope.sign(Report.payload_type, json.dumps(hostile).encode(), house.federation.signer("riken"))
    heard = deliver(house, recorded(house, envelope, "riken", "argonne"), sender="riken", to="argonne")
    assert "milli-units" in why_refused(heard)


@pytest.mark.parametrize("budget", ["-1", "NaN", "Infinity", "1e400", "1e13", "0.0001", "", "\uff11", "\u0663"])
def test_a_mandate_over_no_amount_is_not_given(house: House, budget: str) -> None:
    terms = {
        "id": "m", "charter": CHARTER, "team": TEAM, "capabilities": ["riken/*"], "purposes": ["research"], "days": 1,
        "budget": {"samples": budget},
    }  # fmt: skip
    with signed_in(house, who="pi") as client:
        answer = client.post("/api/v1/mandates", json=terms)
        assert answer.status_code == 422
        assert "samples" in answer.json()["message"]
        assert client.get("/api/v1/mandates/m").status_code == 404
