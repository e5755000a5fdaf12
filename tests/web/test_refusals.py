"""What must be refused at a running site, through its real HTTP face; numbers as in `tests/assure/refusals.toml`.

Each refusal stands beside the same call done rightly, so that it is the one wrong thing that is refused.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from web.hostile import (
    changed,
    codes,
    deliver,
    ended,
    fields_of,
    now_at,
    parcel,
    post,
    recorded,
    request,
    signed,
    signed_in,
    task_of,
    why_refused,
)
from web.house import MARKUP, PASSPHRASE, STORED, House, spec
from web.plain import PLAIN
from yosegi.core.errors import Invalid
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.statement import Listens, Statement
from yosegi.identity.accounts import Account
from yosegi.testing.federation import CHARTER, _seed, both
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.messages import Request
from yosegi.trust.signer import Ed25519Signer, Signer

MALLORY = Ed25519Signer.from_seed(b"mallory".ljust(32, b"."))


def governance(*sites: str) -> list[Signer]:
    """The governance keys of members, of both algorithms."""
    return [signer for site in sites for signer in both("governance", site)]


def test_the_call_that_the_others_change_is_accepted(house: House) -> None:
    asked = request(house)
    heard = deliver(house, recorded(house, signed(house, asked)))
    assert heard.taken == [asked.digest]
    assert ended(house, asked.key)["outcome"]["result"] == "valid"


# -- 1 to 4: replays, detours, swaps, signatures ----------------------------------------------------------------------


def test_a_parcel_sent_again_is_refused(house: House) -> None:
    envelope = signed(house, parcel(house))
    assert post(house, envelope).status_code == 200
    again = post(house, envelope)
    assert again.status_code == 422
    assert "replay" in again.json()["message"]


def test_a_request_sent_again_in_a_new_parcel_has_no_second_effect(house: House) -> None:
    asked = request(house)
    message = recorded(house, signed(house, asked))
    deliver(house, message)
    first = ended(house, asked.key)
    deliver(house, message)
    assert ended(house, asked.key) == first
    assert first["attempt"] == 1


def test_a_key_used_for_another_request_is_refused(house: House) -> None:
    asked = request(house)
    deliver(house, recorded(house, signed(house, asked)))
    other = request(house, key=asked.key, inputs={"x": 0.75})
    assert "used before" in why_refused(deliver(house, recorded(house, signed(house, other))))


def test_a_parcel_for_another_site_is_refused(house: House) -> None:
    answer = post(house, signed(house, parcel(house, to="riken")), to="nims")
    assert answer.status_code == 403
    assert "riken" in answer.json()["message"]


def test_a_request_to_another_site_is_refused_whoever_carries_it(house: House) -> None:
    asked = request(house, to="nims")
    assert "nims" in why_refused(deliver(house, recorded(house, signed(house, asked))))
    assert not task_of(house, asked.key)


def test_a_parcel_under_another_charter_is_refused(house: House) -> None:
    answer = post(house, signed(house, parcel(house, charter="another")))
    assert answer.status_code == 403
    assert "another" in answer.json()["message"]


def test_a_request_made_under_another_charter_is_refused(house: House) -> None:
    asked = request(house, charter="another")
    assert "another" in why_refused(deliver(house, recorded(house, signed(house, asked))))
    assert not task_of(house, asked.key)


def test_a_swapped_body_is_refused(house: House) -> None:
    envelope = signed(house, parcel(house))
    other = base64.b64encode(parcel(house).to_bytes()).decode()
    assert post(house, changed(envelope, payload=other)).status_code == 403


def test_a_request_whose_body_was_swapped_on_the_way_is_refused(house: House) -> None:
    asked, other = request(house), request(house, inputs={"x": 0.9})
    forged = signed(house, asked).model_copy(update={"payload": other.to_bytes()})
    assert "signature" in why_refused(deliver(house, recorded(house, forged)))


def test_a_swapped_contract_is_refused(house: House) -> None:
    asked = request(house, contract="sha256:" + "0" * 64)
    deliver(house, recorded(house, signed(house, asked)))
    assert codes(ended(house, asked.key)) == ["contract_changed"]


@pytest.mark.parametrize("signers", [[], ["mallory"], ["argonne", "mallory"], ["argonne", "argonne"], ["nims"]])
def test_a_parcel_with_too_few_too_many_or_others_signatures_is_refused(house: House, signers: list[str]) -> None:
    known = {"mallory": MALLORY} | {name: house.federation.signer(name) for name in house.federation.places}
    assert post(house, parcel(house).sign(*(known[name] for name in signers))).status_code == 403


def test_a_request_signed_by_another_member_is_refused(house: House) -> None:
    asked = request(house)
    assert "key" in why_refused(deliver(house, recorded(house, signed(house, asked, by="nims"))))


# -- 5: time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [timedelta(minutes=-10), timedelta(minutes=10)])
def test_a_parcel_out_of_its_time_is_refused(house: House, late: timedelta) -> None:
    now = now_at(house) + late
    envelope = signed(house, parcel(house, issued=now, not_after=now + timedelta(seconds=60)))
    assert post(house, envelope).status_code == 403


# One of the next weeks was made by a clock that ran ahead, and counts from now: tests/federation/test_wrong_hours.py.
@pytest.mark.parametrize("late", [timedelta(hours=-2), timedelta(days=61)])
def test_a_request_out_of_its_time_is_refused(house: House, late: timedelta) -> None:
    now = now_at(house) + late
    asked = request(house, issued=now, not_after=now + timedelta(hours=1))
    deliver(house, recorded(house, signed(house, asked)))
    assert not task_of(house, asked.key)


# -- 8: algorithms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ml-dsa-65"])
def test_a_signature_of_another_algorithm_than_its_keys_is_refused(house: House, algorithm: str) -> None:
    envelope = signed(house, parcel(house))
    one = envelope.model_dump(mode="json")["signatures"][0] | {"algorithm": algorithm}
    assert post(house, changed(envelope, signatures=[one])).status_code in (403, 422)


def test_a_signature_made_with_a_public_key_as_a_secret_is_refused(house: House) -> None:
    import hashlib
    import hmac

    envelope = signed(house, parcel(house))
    public = house.federation.signer("argonne").public
    tag = hmac.new(base64.b64decode(public.public), envelope.payload, hashlib.sha512).digest()
    one = envelope.model_dump(mode="json")["signatures"][0] | {"sig": base64.b64encode(tag).decode()}
    assert post(house, changed(envelope, signatures=[one])).status_code == 403


# -- 13, 20: who and what is not known --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"on_behalf_of": "nobody@argonne"}, "unknown_person"),
        ({"team": "another-team"}, "unknown_team"),
        ({"on_behalf_of": "pi@nims"}, "not_hosted_here"),
        ({"capability": "riken/toy.missing@1"}, "unknown_capability"),
        ({"inputs": {"x": 0.25, "also": 1}}, "bad_inputs"),
    ],
)
def test_a_request_that_names_somebody_or_something_unknown_is_refused(
    house: House, changes: dict[str, Any], code: str
) -> None:
    asked = request(house, **changes)
    deliver(house, recorded(house, signed(house, asked)))
    assert code in codes(ended(house, asked.key))


def test_a_request_with_a_field_nobody_knows_is_refused(house: House) -> None:
    payload = json.dumps(json.loads(request(house).to_bytes()) | {"priority": "high"}).encode()
    envelope = Envelope.sign(Request.payload_type, payload, house.federation.signer("argonne"))
    assert "priority" in why_refused(deliver(house, recorded(house, envelope)))


@pytest.fixture(scope="module")
def guest(house: House) -> Iterator[httpx.Client]:
    """Somebody with an account at argonne, who is in no team."""
    accounts = house.federation.places["argonne"].running.authenticator.accounts
    accounts["guest@argonne"] = Account(person="guest@argonne", role="member", passphrase=STORED)  # type: ignore[index]
    house.begin(spec("private", trials=1))
    house.until_over("private")
    with signed_in(house, who="guest") as client:
        yield client


@pytest.mark.parametrize("path", ["campaigns/private", "campaigns/private/export"])
def test_another_teams_campaign_is_not_there(house: House, guest: httpx.Client, path: str) -> None:
    assert guest.get(f"/api/v1/{path}").status_code == 404
    with signed_in(house, who="pi") as member:
        assert member.get(f"/api/v1/{path}").status_code == 200


def test_another_teams_campaign_is_in_no_list(house: House, guest: httpx.Client) -> None:
    assert guest.get("/api/v1/campaigns").json() == []
    with signed_in(house, who="pi") as member:
        assert "private" in [line["name"] for line in member.get("/api/v1/campaigns").json()]


def test_another_teams_campaign_may_be_stopped_and_not_seen_or_resumed(house: House, guest: httpx.Client) -> None:
    assert guest.post("/api/v1/campaigns/private/resume", json={}).status_code == 404
    stopped = guest.post("/api/v1/campaigns/private/stop", json={})
    assert "parameter" not in stopped.text


def test_nothing_is_written_into_another_teams_campaign(house: House, guest: httpx.Client) -> None:
    body = {"kind": "paper", "title": "Not theirs", "link": "https://doi.org/10.5555/1"}
    assert guest.post("/api/v1/outcomes/private", json=body).status_code == 404
    with signed_in(house, who="officer") as officer:
        assert officer.post("/api/v1/outcomes/private", json=body).status_code == 403
    with signed_in(house, who="pi") as member:
        (told,) = member.get("/api/v1/programme").json()
    (campaign,) = [one for one in told["campaigns"] if one["name"] == "private"]
    assert campaign["outcomes"] == []
    assert campaign["best"] is not None


def test_the_programme_does_not_show_the_best_of_another_team(guest: httpx.Client) -> None:
    (told,) = guest.get("/api/v1/programme").json()
    assert [one["best"] for one in told["campaigns"] if one["name"] == "private"] == [None]


@pytest.mark.parametrize("path", ["campaigns/private", "campaigns/private/bundle", "campaigns/private/live"])
def test_another_teams_page_is_not_there(house: House, guest: httpx.Client, path: str) -> None:
    with house.visitor(who="guest") as visitor:
        assert visitor.get(f"/{path}").status_code == 404


def test_another_teams_task_is_not_there(house: House) -> None:
    asked = request(house)
    deliver(house, recorded(house, signed(house, asked)))
    ended(house, asked.key)
    accounts = house.federation.places["riken"].running.authenticator.accounts
    accounts["guest@riken"] = Account(person="guest@riken", role="member", passphrase=STORED)  # type: ignore[index]
    with signed_in(house, "riken", "guest") as client:
        assert client.get(f"/api/v1/tasks/argonne/{asked.key}").status_code == 404
        assert client.get("/api/v1/tasks").json() == []


# -- 16, 17: charters -------------------------------------------------------------------------------------------------


def next_charter(house: House, **changes: Any) -> Charter:
    registry = house.federation.places["riken"].running.registry
    current = registry.federation(CHARTER).roster.charter
    return Charter(**(fields_of(current) | {"version": 2, "previous": current.digest} | changes))


def accept(house: House, envelope: Envelope, site: str = "riken") -> Any:
    return house.do(house.federation.places[site].running.registry.accept(envelope, by=f"operator@{site}"))


def test_a_charter_signed_by_too_few_is_refused_by_a_running_site(house: House) -> None:
    with pytest.raises(Untrusted) as caught:
        accept(house, next_charter(house, title="Ours alone").sign(*governance("argonne", "nims")))
    assert caught.value.reason == "charter_too_few"


def test_a_removed_members_keys_open_no_door(spoiled: House) -> None:
    assert post(spoiled, signed(spoiled, parcel(spoiled, "nims"), by="nims")).status_code == 200
    kept = [m for m in next_charter(spoiled).members if m.id != "nims"]
    without = next_charter(
        spoiled,
        members=tuple(kept),
        threshold={"members": 2},
        teams=tuple(t.model_copy(update={"sites": ("argonne", "riken")}) for t in next_charter(spoiled).teams),
    )
    accept(spoiled, without.sign(*governance("argonne", "riken", "nims")))
    answer = post(spoiled, signed(spoiled, parcel(spoiled, "nims"), by="nims"))
    assert answer.status_code == 403
    assert "nims" in answer.json()["message"]


def test_an_older_charter_does_not_bring_a_removed_member_back(spoiled: House) -> None:
    first = spoiled.federation.documents()[0]
    everyone = governance("argonne", "riken", "nims")
    accept(spoiled, next_charter(spoiled, title="Second").sign(*everyone))
    with pytest.raises(Untrusted) as caught:
        accept(spoiled, first)
    assert caught.value.reason == "charter_rolled_back"


def test_a_charter_that_asks_for_both_algorithms_is_not_signed_with_one(spoiled: House) -> None:
    proposed, everyone = next_charter(spoiled, title="Second"), governance("argonne", "riken", "nims")
    downgraded = [signer for signer in everyone if signer.public.algorithm == "ed25519"]
    with pytest.raises(Untrusted) as caught:
        accept(spoiled, proposed.sign(*downgraded))
    assert caught.value.reason == "charter_too_few"
    accept(spoiled, proposed.sign(*everyone))


# -- 19: proofs -------------------------------------------------------------------------------------------------------


def test_a_message_without_a_receipt_is_refused(house: House) -> None:
    message = recorded(house, signed(house, request(house))).model_copy(update={"receipt": None})
    assert "no receipt" in why_refused(deliver(house, message))


def test_a_forged_inclusion_proof_is_refused(house: House) -> None:
    message = recorded(house, signed(house, request(house)))
    assert message.receipt is not None
    forged = {**message.receipt, "proof": ["sha256:" + "1" * 64, *message.receipt["proof"][1:]]}
    answer = deliver(house, message.model_copy(update={"receipt": forged}))
    assert "proof" in why_refused(answer)


def test_a_receipt_for_another_message_is_refused(house: House) -> None:
    one, other = (recorded(house, signed(house, request(house))) for _ in range(2))
    answer = deliver(house, one.model_copy(update={"receipt": other.receipt}))
    assert "another message" in why_refused(answer)


# -- 21: paths, sizes, depths, keys -----------------------------------------------------------------------------------

OUTSIDE = ("../app.py", "..%2fapp.py", "%2e%2e/app.py", "....//app.py", "%00app.py", "/etc/passwd", "..\\app.py")


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize(
    "folder", ["static", "api/v1/campaigns", "campaigns", "station/v1", "api/v1/capabilities/riken"]
)
def test_no_path_leads_out_of_what_is_served(house: House, folder: str, path: str) -> None:
    import socket

    # By hand, since a client would tidy the path up before it is sent.
    with socket.create_connection(("127.0.0.1", house.ports["argonne"])) as line:
        line.sendall(f"GET /{folder}/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    status = int(answer.split()[1])
    assert status in (303, 400, 401, 404, 405)
    assert b"make_app" not in answer
    assert b"root:" not in answer


DOUBTFUL = {
    "a key twice": b'{"person": "pi@argonne", "person": "operator@argonne", "passphrase": "x"}',
    "too deep": b'{"person": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "not finite": b'{"person": 1e999}',
    "not text": b"\xff\xfe{}",
}


@pytest.mark.parametrize("how", DOUBTFUL)
@pytest.mark.parametrize("path", ["/api/v1/session", "/exchange/v1", "/exchange/v1/witness"])
def test_json_that_readers_disagree_about_is_refused_at_every_door(house: House, path: str, how: str) -> None:
    headers = {"content-type": "application/json"}
    answer = httpx.post(house.url() + path, content=DOUBTFUL[how], headers=headers, trust_env=False, verify=PLAIN)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert "readable" in answer.text or "deeper" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/session", "/exchange/v1", "/station/v1/none", "/sign-in"])
@pytest.mark.parametrize("honest", [True, False])
def test_what_is_too_large_is_not_read(house: House, path: str, honest: bool) -> None:
    block = b" " * 2**20
    content: Any = block * 17 if honest else iter([block] * 17)
    answer = httpx.post(house.url() + path, content=content, timeout=60, trust_env=False, verify=PLAIN)
    # A form has a limit of its own, and a station that is not there is not read at all.
    assert answer.status_code == {"/station/v1/none": 404}.get(path, 422)
    assert answer.status_code == 404 or "larger than" in answer.text


# -- 22: addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://10.0.0.1:22", "http://metadata", "ftp://x.org"]
)
def test_a_stated_address_that_aims_elsewhere_is_refused_by_a_running_site(house: House, url: str) -> None:
    stated = house.federation.places["riken"].running.registry.federation(CHARTER).roster.statements["argonne"]
    hostile = Statement.model_construct(
        **(fields_of(stated) | {"serial": 2, "reach": Listens.model_construct(url=url)})
    )
    payload = json.dumps(hostile.model_dump(mode="json")).encode()
    with pytest.raises((Untrusted, Invalid)):
        accept(house, Envelope.sign(Statement.payload_type, payload, *governance("argonne")))
    now = house.federation.places["riken"].running.registry.federation(CHARTER).roster.statements["argonne"]
    assert now.serial == stated.serial


# -- 23: results that carry script ------------------------------------------------------------------------------------


def test_a_result_with_markup_is_text_on_every_face(house: House) -> None:
    house.begin(spec("shown", trials=2))
    house.until_over("shown")
    with house.visitor(who="pi") as visitor:
        page = visitor.get("/campaigns/shown")
        stated = visitor.get("/api/v1/site")
    assert MARKUP not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert stated.headers["x-content-type-options"] == "nosniff"
    with signed_in(house, who="pi") as client:
        answer = client.get("/api/v1/campaigns/shown")
    assert answer.headers["content-type"] == "application/json"


# -- 25: secrets ------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_a_log_an_error_or_a_ledger(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "hunter2-is-a-passphrase"
    url = house.url() + "/api/v1"
    answers = []
    with signed_in(house, who="pi") as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
        answers.append(client.get("/api/v1/campaigns/missing"))
        answers.append(client.post("/api/v1/campaigns", json={"spec": f"passphrase = '{secret}"}))
    wrong: list[dict[str, Any]] = [
        {"json": {"person": "pi@argonne", "passphrase": secret}},
        {"json": {"person": "pi@argonne", "passphrase": secret, "unknown": 1}},
        {"json": {"person": "pi@argonne", "passphrase": [secret]}},
        {"content": b'{"person": "pi@argonne", "passphrase": "' + secret.encode()},
        {"json": {"login": {"payload": secret, "signatures": []}}},
    ]
    answers += [httpx.post(f"{url}/session", trust_env=False, verify=PLAIN, **how) for how in wrong]
    answers.append(
        httpx.get(f"{url}/campaigns", headers={"Authorization": f"Bearer {secret}"}, trust_env=False, verify=PLAIN)
    )
    with house.visitor() as visitor:
        answers.append(visitor.post("/sign-in", data={"person": "pi@argonne", "passphrase": secret}))
    for answer in answers:
        assert answer.status_code >= 400
        assert secret not in answer.text
        assert token not in answer.text
    kept = b"".join(path.read_bytes() for path in house.federation.folder.glob("argonne*"))
    for text in (secret, token, PASSPHRASE):
        assert text not in caplog.text
        assert text.encode() not in kept


def test_a_key_does_not_show_itself(house: House) -> None:
    signer = house.federation.signer("argonne")
    seed = _seed("site", "argonne")
    for shown in (repr(signer), str(signer), repr(house.federation.places["argonne"].running.exchange)):
        assert seed.hex() not in shown
        assert repr(seed)[2:-1] not in shown
