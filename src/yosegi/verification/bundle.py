"""A campaign as one file that anybody can check offline: read, verify, replay.

It holds the home site's entries (governance, campaign, requests) under one signed checkpoint, with the owners' signed
reports and receipts in their bodies. `verify` checks all of it and names the first thing that is wrong; `replay` gives
the recorded results back to the planner and compares what it proposes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from yosegi.campaign import Campaign, campaign_stream, propose
from yosegi.campaign import fold as fold_campaign
from yosegi.campaign.amendments import ADDED
from yosegi.campaign.folding import follow
from yosegi.campaign.measurements import Measurements
from yosegi.campaign.state import PROPOSED
from yosegi.core import canonical
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Corrupt, Invalid, YosegiError
from yosegi.core.identifiers import Digest
from yosegi.core.values import Value
from yosegi.exchange.received import moment_for
from yosegi.exchange.requests import MADE, REPORTED, request_stream
from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.registry import CharterRecord, begin
from yosegi.governance.charter.statement import Statement
from yosegi.governance.policy.disclosure import RECEIVED
from yosegi.governance.policy.policy import POLICY
from yosegi.ledger import ERASED, LEDGER, Checkpoint, Entry, Receipt, verify_leaves
from yosegi.planner import Proposal
from yosegi.planner.versions import REVISION
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey, by_id
from yosegi.trust.messages import Report, Request
from yosegi.verification.bundle_objects import ExportedObject, check_objects
from yosegi.verification.decision_replay import DecisionReplay
from yosegi.verification.error_context import naming
from yosegi.verification.exported import Exported as Exported
from yosegi.verification.moments import corrected
from yosegi.verification.remote_decisions import RemoteDecisions, RemoteDecisionsVerified

MOST_BYTES = 512 * 1024 * 1024
Progress = Callable[[int, int], None]
_TODO = "get the bundle again from its home site, and compare it with the owners' receipts"
_naming = partial(naming, todo=_TODO)


class Bundle(Value):
    """One campaign, whole."""

    format: Literal["yosegi.bundle.v1"] = "yosegi.bundle.v1"
    campaign: str
    charter: str
    site: str
    code: str
    entries: tuple[Exported, ...]
    proof: tuple[Digest, ...]
    checkpoint: Envelope
    objects: tuple[ExportedObject, ...] | None = None
    """Large data that its entries name; absent where there is none."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found to hold.

    Args:
        campaign: the campaign as its entries fold.
        entries: how many entries of the home site were checked.
        receipts: how many receipts of owners.
        erased: how many entries have no body any more, as another entry says.
        decisions: how many decisions of the home site were made again, with the same answer for the same reasons.
        charter: digest of the charter document everything rests on; compare it with one you trust.
        owners: what became of the owners' decisions.
        objects: how many objects its entries name, and how many of them had their bytes in the bundle.
    """

    campaign: Campaign
    entries: int
    receipts: int
    decisions: int
    charter: str
    owners: RemoteDecisionsVerified
    erased: int = 0
    objects: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One recorded decision of the planner, made again.

    Args:
        position: of the entry in the campaign's stream.
        verdict: `identical`, `equivalent` (every value within its parameter's resolution), `older` (another decision,
            and it was made by another revision of the planner) or `different`.
        versions: with which the decision was made.
    """

    position: int
    verdict: Literal["identical", "equivalent", "older", "different"]
    recorded: tuple[dict[str, Any], ...]
    again: tuple[dict[str, Any], ...]
    versions: dict[str, str]

    @property
    def revision(self) -> str:
        """The planner's revision that made it; the first did not record itself."""
        return self.versions.get("planner", "1")


def read_bundle(data: bytes) -> Bundle:
    """A bundle from a file's bytes.

    Raises:
        Invalid: not a bundle; says where it ceases to be one.
    """
    with uncollected():
        return Bundle.parsed(canonical.loads(data, what="the bundle", max_bytes=MOST_BYTES), what="the bundle")


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles of references meanwhile: a hundred megabytes of values are walked again and again for none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def verify_bundle(bundle: Bundle, progress: Progress = lambda done, total: None) -> Verified:
    """Check everything, offline. The only things believed are the charter in it and mathematics.

    In order: each header against its hash and each body against its header, and that none is missing which was not
    erased on record; the charter's signatures and whose keys
    are whose; the tree and the signed checkpoint; every stream without a gap; every request and report with its
    signature and receipt; every decision of the home site, made again by the policies it names; those of the owners,
    made again where they show theirs; the campaign's fold; that each observation is what its owner reported; and each
    object against its digest and what was signed.

    Raises:
        Corrupt: names the first entry that is wrong, and why.
    """
    with uncollected():
        return _verified(bundle, progress)


def _verified(bundle: Bundle, progress: Progress) -> Verified:
    entries = list(_read_entries(bundle))
    federation, history = _governance(bundle, entries)
    keys = _keys(federation, bundle.site)
    try:
        verify_leaves(
            [(entry.header, entry.leaf) for entry in entries],
            bundle.checkpoint,
            keys,
            proof=bundle.proof,
            site=bundle.site,
            needs={*federation.roster.charter.algorithms, *(key.algorithm for key in keys.values())},
        )
    except YosegiError as error:
        raise Corrupt("the bundle's tree", str(error), _TODO) from None
    _streams(entries)
    erased = _erased(entries)
    moments = corrected(((e.sequence, e.time) for e in entries), Checkpoint.read(bundle.checkpoint.payload))
    reports: list[Report] = []
    redeciding, owners, decisions = DecisionReplay(entries), RemoteDecisions(entries), 0
    for number, entry in enumerate(entries):
        progress(number, len(entries))
        with _naming(entry):
            opened = _opened(bundle, history, entry, moments[entry.sequence])
            decision = redeciding.check(entry, opened if isinstance(opened, Request) else None)
            decisions += decision is not None
            if isinstance(opened, Report):
                reports.append(opened)
                owners.told(entry, opened)
            elif opened is not None and decision is not None:
                owners.asked(entry, opened, decision.question)
    decided = owners.check(_naming)
    try:
        campaign = fold_campaign(e for e in entries if e.stream == campaign_stream(bundle.campaign))
    except YosegiError as error:
        raise Corrupt(f"campaign {bundle.campaign}", str(error), _TODO) from None
    if campaign is None:
        raise Corrupt("the bundle", f"it holds no entry of campaign {bundle.campaign}", _TODO)
    _observations(campaign, reports)
    for entry in entries:
        if entry.type == ADDED and entry.body is not None:
            with _naming(entry):
                _brought(bundle, entry)
    objects = bundle.objects or ()
    try:
        whole = check_objects(objects, entries, _TODO)
    except Invalid as error:
        raise Corrupt("the bundle's objects", str(error), _TODO) from None
    trusted = federation.roster.charter.digest
    return Verified(campaign, len(entries), len(reports), decisions, trusted, decided, erased, (len(objects), whole))


def _read_entries(bundle: Bundle) -> Iterator[Entry]:
    for number, exported in enumerate(bundle.entries):
        try:
            entry = exported.entry()
            header = entry.header
        except Corrupt:
            raise
        except (YosegiError, ValueError, KeyError, TypeError) as error:
            raise Corrupt(f"header {number} of the bundle", str(error), _TODO) from None
        if entry.hash != exported.hash:
            raise Corrupt(f"entry {entry.sequence} ({header.type})", "its header was changed", _TODO)
        if entry.body_bytes is not None and (entry.salt is None or not header.covers(entry.salt, entry.body_bytes)):
            raise Corrupt(f"entry {entry.sequence} ({header.type} in {header.stream})", "its body was changed", _TODO)
        yield entry


def _governance(bundle: Bundle, entries: list[Entry]) -> tuple[CharterRecord, KeyHistory]:
    federation: CharterRecord | None = None
    statements: list[Statement] = []
    for entry in entries:
        if entry.stream == f"governance/{bundle.charter}":
            with _naming(entry):
                envelope = Envelope.parsed((entry.body or {})["document"])
                then = parse_timestamp(entry.time)
                federation = begin(envelope, then) if federation is None else federation.follow(envelope, then)
                if envelope.payload_type == Statement.payload_type:
                    statements.append(Statement.read(envelope.payload))
    if federation is None:
        raise Corrupt("the bundle", f"it holds no charter {bundle.charter}", _TODO)
    return federation, KeyHistory(statements)


def _keys(federation: CharterRecord, site: str) -> dict[str, PublicKey]:
    stated = federation.roster.statements.get(site)
    if stated is None:
        raise Corrupt("the bundle", f"it holds no statement of {site}'s keys", _TODO)
    return by_id(stated.keys)


def _erased(entries: list[Entry]) -> int:
    """How many bodies are gone, each as an entry of the ledger says; policies and evidence may be left out."""
    said = {int(entry.facts["sequence"]) for entry in entries if entry.type == ERASED and entry.stream == LEDGER}
    for entry in entries:
        bare = entry.header.body is not None and entry.body_bytes is None
        if bare and entry.sequence not in said and entry.type not in (POLICY, RECEIVED):
            where = f"entry {entry.sequence} ({entry.type} in {entry.stream})"
            raise Corrupt(where, "its body is missing, and no entry says that it was erased", _TODO)
    return sum(entry.sequence in said for entry in entries)


def _streams(entries: list[Entry]) -> None:
    positions: dict[str, int] = {}
    for entry in entries:
        if entry.stream == LEDGER:
            continue  # of what the ledger says of itself, only what concerns the others is here
        expected = positions.get(entry.stream, 0) + 1
        if entry.position != expected:
            raise Corrupt(
                f"entry {entry.sequence} ({entry.type})",
                f"{entry.stream} jumps to position {entry.position} where {expected} follows",
                _TODO,
            )
        positions[entry.stream] = expected


def _opened(bundle: Bundle, history: KeyHistory, entry: Entry, then: datetime) -> Request | Report | None:
    """Check what an entry carries to or from others: a request, or a report whose receipt is good.

    A signature counts if its key was believed when the entry was written: what a key signed before it was laid down or
    revoked stands, and what it signed afterwards does not. `then` is when that was at the latest: the entry's own time
    may be of a clock that was ahead.
    """
    if entry.type not in (MADE, REPORTED) or (body := entry.body) is None:
        return None
    if entry.type == MADE:
        envelope = Envelope.parsed(body["document"])
        now = moment_for(Request, envelope, then)
        request = Request.open(envelope, history.keys_at(bundle.site, then), now=now, sender=bundle.site)
        if request_stream(request.to, request.key) != entry.stream:
            raise Invalid("the request", f"it is {request.key} for {request.to}")
        return request
    owner = entry.stream.split("/")[1]
    keys = history.keys_at(owner, then)
    envelope = Envelope.parsed(body["report"])
    now = moment_for(Report, envelope, then)
    report = Report.open(envelope, keys, now=now, to=bundle.site, charter=bundle.charter, sender=owner)
    if str(report.state) != entry.facts["state"] or dict(report.charged) != entry.facts["charged"]:
        raise Invalid("the report", f"its owner reported {report.state}, the entry says {entry.facts['state']}")
    header = Receipt.parsed(body["receipt"]).verify(keys, site=owner)
    if header.facts.get("send", {}).get("id") != envelope.payload_digest:
        raise Invalid("the receipt", "it is for another document")
    return report


def _brought(bundle: Bundle, entry: Entry) -> None:
    """Measurements that somebody signed are those that the entry holds, and the person's own key signed them."""
    body = entry.body or {}
    if "document" not in body:
        return
    keys = by_id([PublicKey.parsed(key) for key in body["keys"]])
    then = parse_timestamp(entry.time)
    signed = Measurements.open(Envelope.parsed(body["document"]), keys, now=then, charter=bundle.charter)
    rows = [row.model_dump(mode="json") for row in signed.rows]
    if (signed.campaign, signed.person, rows) != (bundle.campaign, entry.facts["by"], body["rows"]):
        raise Invalid("the measurements", "they are not those that were signed")


def _observations(campaign: Campaign, reports: list[Report]) -> None:
    """Each step's outputs must be what its owner signed."""
    reported = {report.key: report.outcome.outputs or {} for report in reports if report.outcome is not None}
    for trial in campaign.trials:
        for step in trial.steps:
            if step.outputs and reported.get(step.key) != dict(step.outputs):
                raise Corrupt(f"trial {trial.number}, step {step.name}", "its owner reported other outputs", _TODO)


def replay_bundle(bundle: Bundle, progress: Progress = lambda done, total: None) -> list[Replayed]:
    """Give recorded results to the planner in the recorded positions, and compare what it proposes.

    Raises:
        Corrupt: the bundle does not fold; verify it first.
    """
    stream = campaign_stream(bundle.campaign)
    entries = [entry for entry in _read_entries(bundle) if entry.stream == stream]
    campaign = fold_campaign(entries[:1])
    if campaign is None:
        raise Corrupt("the bundle", f"it holds no entry of campaign {bundle.campaign}", _TODO)
    found, seen = [], {campaign.position: campaign}
    for number, entry in enumerate(entries[1:], 1):
        progress(number, len(entries))
        if entry.type == PROPOSED:
            body = entry.body or {}
            # Reports may have come in while it was planned: it is planned again from what the planner saw.
            before = seen.get(entry.facts["seen"])
            if before is None:
                raise Corrupt("the bundle", f"entry {entry.position} was planned from a position that there is not")
            again = propose(before, entry.facts["count"], frozenset(body["closed"]))
            found.append(_compared(before, entry.position, body, again))
            seen.clear()
        campaign = follow(campaign, entry)
        seen[campaign.position] = campaign
    return found


def _compared(campaign: Campaign, position: int, body: dict[str, Any], proposals: list[Proposal]) -> Replayed:
    recorded = tuple(body["proposals"])
    again = tuple(canonical.loads(canonical.dumps(proposal.as_dict())) for proposal in proposals)
    found = Replayed(position, "identical", recorded, again, dict(body["versions"]))
    if again == recorded:
        return found
    if len(again) == len(recorded) and all(_near(campaign, a, b) for a, b in zip(again, recorded, strict=True)):
        return replace(found, verdict="equivalent")
    return replace(found, verdict="different" if found.revision == str(REVISION) else "older")


def _near(campaign: Campaign, one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one["source"] != other["source"]:
        return False
    for parameter in campaign.spec.parameter:
        a, b = one["values"][parameter.name], other["values"][parameter.name]
        if a != b:
            step = parameter.resolution
            if step is None or isinstance(a, str) or isinstance(b, str) or abs(float(a) - float(b)) > step * 1.000001:
                return False
    return True
