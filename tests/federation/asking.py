"""Requests made by hand, for an owner that must not believe everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from federation.toys import make
from yosegi.core.amounts import Amounts
from yosegi.core.states import TaskState
from yosegi.exchange import Received
from yosegi.execution.tasks import Task, task_stream
from yosegi.governance.mandates.mandate import Mandate, Right
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.policy import redecide
from yosegi.identity.accounts import Session
from yosegi.ledger import Ledger
from yosegi.services.delegation.service import MandateDraft
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Request
from yosegi.trust.signer import Ed25519Signer
from yosegi.trust.token import Token

PI = "pi@argonne"


def person(name: str = PI, role: str = "member", **how: str) -> Session:
    return Session(name, role, float("inf"), "", **how)  # type: ignore[arg-type]


def token(now: datetime, signer: Ed25519Signer, **changes: Any) -> Envelope:
    """A token of argonne for nims, under the mandate m, held by the signer's own key; or otherwise."""
    fields: dict[str, Any] = {
        "charter": CHARTER,
        "issuer": "argonne",
        "audience": "nims",
        "person": PI,
        "team": TEAM,
        "mandate": "m",
        "holder": signer.public,
        "issued": now,
        "not_after": now + timedelta(minutes=9),
    }
    return Token(**(fields | changes)).sign(signer)


def request(nims: Site, key: str, signer: Ed25519Signer, **changes: Any) -> Envelope:
    """A request of argonne to make a sample at nims, signed."""
    now = nims.clock.now()
    fields: dict[str, Any] = {
        "charter": CHARTER,
        "sender": "argonne",
        "to": "nims",
        "key": key,
        "team": TEAM,
        "on_behalf_of": PI,
        "purpose": "research",
        "capability": "nims/toy.make@1",
        "contract": nims.repository.published["toy.make@1"].contract.digest,
        "inputs": {"x": 0.5},
        "issued": now,
        "not_after": now + timedelta(hours=2),
    }
    return Request(**(fields | changes)).sign(signer)


async def ask(federation: Federation, key: str, *, signed_by: Ed25519Signer | None = None, **changes: Any) -> Task:
    """Hand nims a request and see where it stands."""
    nims = federation.places["nims"].running
    signer = signed_by or federation.signer(changes.get("sender", "argonne"))
    envelope = request(nims, key, signer, **changes)
    sender = changes.get("sender", "argonne")
    keys = nims.registry.keys_of(CHARTER, sender)
    document = Request.open(envelope, keys, now=nims.clock.now(), to="nims", charter=CHARTER, sender=sender)
    on_request = nims.exchange.inbox.kinds[Request.payload_type].handler
    await on_request(Received(document, envelope, None, sender, CHARTER))
    return nims.repository.task(task_stream(sender, key))


def why_refused(task: Task) -> str:
    assert task.state is TaskState.REFUSED, task.state
    return task.reasons[0].code


def dispatched(ledger: Ledger) -> list[str]:
    """When each task that may not be repeated was started, in order."""
    return [entry.time for entry in ledger.scan() if entry.type == "task.dispatched" and _makes(ledger, entry.stream)]


def _makes(ledger: Ledger, stream: str) -> bool:
    return bool(ledger.read(stream)[0].facts["capability"].endswith(make.contract.name))


def decisions(ledger: Ledger) -> Iterator[tuple[str, Decision, Decision]]:
    """Each decision on record: the type of its entry, the decision, and the same made again from the record alone."""
    bundles = {e.facts["digest"]: e.body_bytes for e in ledger.scan() if e.type == "policy.published"}
    for entry in ledger.scan():
        found = entry.body.get("decision") if isinstance(entry.body, dict) else None
        if found:
            decision = Decision.read(found)
            yield entry.type, decision, redecide(decision, bundles[decision.policies_digest] or b"")


def build_mandate(home: Site, name: str, *, days: float, budget: dict[str, int], **changes: Any) -> Mandate:
    """A mandate of the person who asks in these tests, with some of its terms or rights changed."""
    said: dict[str, Any] = {"charter": CHARTER, "team": TEAM, "person": PI, "lifetime": timedelta(days=days)}
    allowed: dict[str, Any] = {
        "capabilities": ("nims/*", "riken/*"),
        "purposes": ("research",),
        "budget": Amounts(budget),
    }
    right = Right(**(allowed | {key: value for key, value in changes.items() if key in Right.model_fields}))
    rest = {key: value for key, value in changes.items() if key not in Right.model_fields}
    return home.mandates.build_mandate(MandateDraft(id=name, right=right, **(said | rest)))
