"""What a hostile peer could post: parcels and documents, signed and carried as a real one's, with one thing wrong."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from web.house import PASSPHRASE, House
from web.plain import PLAIN
from yosegi.core.values import Value
from yosegi.exchange.outbox import sending
from yosegi.exchange.parcel import Message, Parcel, Refusal
from yosegi.ledger import Write
from yosegi.testing.federation import CHARTER, TEAM
from yosegi.testing.loop import EPOCH
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Request

SIMULATE = "riken/toy.simulate@1"


def now_at(house: House) -> datetime:
    """The moment the house's sites have; their clock is the loop's, which is in another thread."""
    return EPOCH + timedelta(seconds=house.loop.time())


def fields_of(value: Value) -> dict[str, Any]:
    """A value's fields, to make another from them."""
    return {name: getattr(value, name) for name in type(value).model_fields}


def parcel(house: House, sender: str = "argonne", to: str = "riken", **changes: Any) -> Parcel:
    """A parcel that would be accepted, but for what is changed."""
    now = now_at(house)
    fields: dict[str, Any] = {
        "charter": CHARTER,
        "sender": sender,
        "to": to,
        "key": secrets.token_hex(16),
        "issued": now,
        "not_after": now + timedelta(seconds=60),
    }
    return Parcel(**(fields | changes))


def request(house: House, **changes: Any) -> Request:
    """A request of argonne's pi for a simulation at riken, that would be accepted but for what is changed."""
    now = now_at(house)
    fields: dict[str, Any] = {
        "charter": CHARTER,
        "sender": "argonne",
        "to": "riken",
        "key": secrets.token_hex(16),
        "issued": now,
        "not_after": now + timedelta(hours=1),
        "team": TEAM,
        "on_behalf_of": "pi@argonne",
        "purpose": "research",
        "capability": SIMULATE,
        "contract": house.federation.places["riken"].running.repository.published["toy.simulate@1"].contract.digest,
        "inputs": {"x": 0.25},
    }
    return Request(**(fields | changes))


def signed(house: House, document: Document, by: str = "argonne") -> Envelope:
    return document.sign(house.federation.signer(by))


def recorded(house: House, envelope: Envelope, sender: str = "argonne", to: str = "riken") -> Message:
    """The document with its sender's receipt, as the sender's own ledger gives it; nothing is sent by the sender."""
    ledger = house.federation.places[sender].running.ledger

    async def record() -> Message:
        draft = sending("test.posted", to, f"test/{secrets.token_hex(4)}", envelope, {}, {})
        entries = await ledger.append(Write("test", None, (draft,), charter=CHARTER, actor=sender))
        receipt = ledger.receipt(entries[0].sequence).model_dump(mode="json")
        return Message(document=envelope, receipt=receipt)

    return house.do(record())


def post(house: House, body: bytes | Envelope, to: str = "riken") -> httpx.Response:
    """Post to a site's door for other sites, as anybody on the network can."""
    data = body if isinstance(body, bytes) else body.to_bytes()
    headers = {"content-type": "application/json"}
    return httpx.post(
        house.url(to) + "/exchange/v1", content=data, headers=headers, timeout=60, trust_env=False, verify=PLAIN
    )


@dataclass
class Heard:
    """What a site made of messages: their ids as it took them, and why it would not."""

    taken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def deliver(house: House, *messages: Message, sender: str = "argonne", to: str = "riken") -> Heard:
    """Post a parcel with messages in it, and see what the receiver decides to tell their sender of each.

    It tells so in whichever parcel leaves next, so this listens where the decision is made.
    """
    link, heard = house.federation.places[to].running.channels.channel(CHARTER, sender), Heard()
    acknowledge, refuse = link.acknowledge, link.refuse

    def taken(message_id: str, now: float) -> None:
        heard.taken.append(message_id)
        acknowledge(message_id, now)

    def refused(refusal: Refusal) -> None:
        heard.refused.append(refusal.why)
        refuse(refusal)

    link.acknowledge, link.refuse = taken, refused  # type: ignore[method-assign]
    try:
        answer = post(house, signed(house, parcel(house, sender, to, messages=messages), by=sender), to)
        assert answer.status_code == 200, answer.text
    finally:
        link.acknowledge, link.refuse = acknowledge, refuse  # type: ignore[method-assign]
    return heard


def why_refused(heard: Heard) -> str:
    """Why a message was refused, in the receiver's own words."""
    assert heard.refused, f"nothing was refused, and {heard.taken} taken"
    return heard.refused[0]


def task_of(house: House, key: str, site: str = "riken", sender: str = "argonne") -> dict[str, Any]:
    """What the owner's API shows an operator of a task."""
    with signed_in(house, site, "operator") as client:
        answer = client.get(f"/api/v1/tasks/{sender}/{key}")
        return answer.json() if answer.status_code == 200 else {}


def ended(house: House, key: str) -> dict[str, Any]:
    """A task once nothing more happens to it."""
    found: dict[str, Any] = {}

    def over() -> bool:
        rows = house.federation.places["riken"].running.ledger.query("SELECT state FROM task WHERE key = ?", (key,))
        return bool(rows) and rows[0]["state"] in ("ended", "refused", "cancelled")

    house.until(over)
    found |= task_of(house, key)
    return found


def codes(task: dict[str, Any]) -> list[str]:
    """The reason codes a task shows."""
    return [reason["code"] for reason in task["reasons"]]


@contextmanager
def signed_in(house: House, site: str = "argonne", who: str = "operator") -> Iterator[httpx.Client]:
    """A client of a site's API."""
    with httpx.Client(base_url=house.url(site), timeout=60, trust_env=False, verify=PLAIN) as client:
        person = {"person": f"{who}@{site}", "passphrase": PASSPHRASE}
        token = client.post("/api/v1/session", json=person).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def changed(envelope: Envelope, **fields: Any) -> bytes:
    """An envelope's JSON with some fields replaced."""
    return json.dumps(envelope.model_dump(mode="json") | fields).encode()
