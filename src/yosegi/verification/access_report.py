"""Who touched what, under which agreement, within a time: one line for each request, task, sign-in, export and read.

Read from the ledger's file alone, beside the running site: at the owner its tasks, at the home site what its people
asked of others, and at each site who came in, what was taken away, what was stopped and who was suspended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from yosegi.campaign.state import MOVED
from yosegi.core.clock import timestamp
from yosegi.exchange.requests import MADE, REFUSED_AT_HOME
from yosegi.execution.instruments.instrument import GIVEN_BACK, TAKEN_BACK
from yosegi.execution.stop_control import SWITCH
from yosegi.execution.tasks import ACCEPTED, REFUSED
from yosegi.governance.agreements.suspensions import LIFTED, SUSPENDED
from yosegi.identity.access_entries import (
    ACCOUNT_CHANGED,
    EXPORTED,
    OMITTED,
    READ,
    SETTINGS_CHANGED,
    SIGN_IN_FAILED,
)
from yosegi.identity.session_view import CLOSED, OPENED
from yosegi.ledger import Entry
from yosegi.ledger.snapshot import Snapshot

_TASKS = {
    ACCEPTED: "asked of us",
    REFUSED: "refused by us",
    MADE: "asked of others",
    REFUSED_AT_HOME: "refused at home",
}


_STOPS = (SUSPENDED, LIFTED, SWITCH, MOVED, TAKEN_BACK, GIVEN_BACK)


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One line.

    Args:
        sequence: of the entry that tells it.
        time: of the entry, RFC 3339.
        what: in words.
        person: whose doing, or the account; empty where nobody proved who they are.
        agent: the program that acted for them.
        capability: what was used, or the object, campaign or field of settings that was touched.
        team: for which, and `agreement` what permitted it; `purpose` what for.
        why: the reason that was given for a stop or a suspension.
        stream: where more stands.
    """

    sequence: int
    time: str
    what: str
    person: str = ""
    agent: str = ""
    capability: str = ""
    team: str = ""
    agreement: str = ""
    purpose: str = ""
    why: str = ""
    stream: str = ""


def access_events(
    ledger: Snapshot, since: datetime | None = None, until: datetime | None = None
) -> Iterator[AccessEvent]:
    """What is on record of access, in the ledger's order.

    Args:
        ledger: where to look.
        since: entries before it are left out.
        until: and those from this moment on.
    """
    first, last = timestamp(since) if since else "", timestamp(until) if until else "\uffff"
    for entry in ledger.scan():
        if first <= entry.time < last and (event := event_of(entry)) is not None:
            yield event


def event_of(entry: Entry) -> AccessEvent | None:
    """The line that an entry makes; None if it tells of no access."""
    if entry.type in _TASKS:
        return _of_task(entry)
    return _of_stop(entry) if entry.type in _STOPS else _of_access(entry)


def _of_access(entry: Entry) -> AccessEvent | None:
    facts, actor = entry.facts, entry.header.actor
    line = partial(AccessEvent, entry.sequence, entry.time, stream=entry.stream)
    agent = str(facts.get("agent", ""))
    if entry.type == OPENED:
        how = str((entry.body or {}).get("how", ""))
        return line(what=f"signed in{f' by {how}' if how else ''}", person=actor, agent=agent)
    if entry.type == CLOSED:
        return line(what="session ended", person=actor)
    if entry.type == SIGN_IN_FAILED:
        return line(what=f"not let in: {facts['reason']}", person=str(facts["account"]))
    if entry.type == EXPORTED:
        named = f"{facts['what']} {facts['name']}"
        return line(what="took away", person=actor, agent=agent, capability=named)
    if entry.type == READ:
        what = f"read ({facts['sensitivity']})"
        return line(what=what, person=actor, agent=agent, capability=str(facts["object"]))
    if entry.type == ACCOUNT_CHANGED:
        return line(what=f"account: {facts['what']}, {facts['role']}", person=str(facts["person"]))
    if entry.type == SETTINGS_CHANGED:
        return line(what="settings changed", capability=", ".join(facts["changed"]))
    if entry.type == OMITTED:
        return line(what=f"{facts['count']} more of {facts['type']}, not written one by one")
    return None


def _of_stop(entry: Entry) -> AccessEvent:
    """What a person stopped, suspended, or let go on."""
    facts, body = entry.facts, entry.body or {}
    line = partial(AccessEvent, entry.sequence, entry.time, person=entry.header.actor, stream=entry.stream)
    if entry.type in (SUSPENDED, LIFTED):
        what = f"{'suspended' if entry.type == SUSPENDED else 'suspension lifted:'} {facts['kind']}"
        why = body.get("suspension", {}).get("why") or body.get("why")
        return line(what=what, capability=str(facts["name"]), why=str(why or ""))
    if entry.type == SWITCH:
        word = str(facts.get("word", "")).replace("_", " ")
        return line(what=f"stopped: {word}" if word else "stop released", why=str(body.get("reason", "")))
    if entry.type == MOVED:
        state = f"campaign {facts['state']}"
        return line(what=state, capability=entry.stream.partition("/")[2], why=str(body.get("why", "")))
    what = "instrument taken back" if entry.type == TAKEN_BACK else "instrument given back"
    return line(what=what, capability=entry.stream.partition("/")[2], why=str(body.get("why", "")))


def _of_task(entry: Entry) -> AccessEvent:
    """A request; the agreement and the agent stand in its decision, which an erasure takes with the body."""
    facts, decision = entry.facts, (entry.body or {}).get("decision", {})
    question = decision.get("question", {})
    allowed = bool(decision.get("allow", False))
    return AccessEvent(
        sequence=entry.sequence,
        time=entry.time,
        what=_TASKS[entry.type],
        person=str(facts.get("by") or entry.header.on_behalf_of or question.get("person") or ""),
        agent=str(question.get("agent") or ""),
        capability=str(question.get("capability", {}).get("ref") or facts.get("capability") or ""),
        team=str(facts.get("team") or question.get("team") or ""),
        agreement=" ".join(decision.get("reasons", ())) if allowed else "",
        purpose=str(question.get("purpose") or ""),
        stream=entry.stream,
    )
