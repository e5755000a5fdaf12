"""Approvals: a person's yes to one exact request under one exact contract, used once, at dispatch.

It is given to digests, so nothing can be changed after it. It is signed with the person's own key, which no agent
holds. Using it is an entry in the same append as the dispatch, so it cannot count twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import model_validator

from yosegi.core.clock import timestamp
from yosegi.core.errors import YosegiError
from yosegi.core.identifiers import CharterId, Digest, Key, PersonId, SiteId
from yosegi.core.reasons import explain
from yosegi.governance.policy.decision import Decision
from yosegi.ledger import Db, Draft, Entry
from yosegi.ledger.view import apply_by_type
from yosegi.trust.document import Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey, by_id

GIVEN, USED, WITHDRAWN = "approval.given", "approval.used", "approval.withdrawn"
LONGEST = timedelta(days=31)


class ApprovalRefused(YosegiError):
    """An approval that does not count.

    Args:
        request: digest of the request.
        reason: a reason code.
        fields: what the reason's sentence names.
    """

    code = "approval_refused"

    def __init__(self, request: str, reason: str, **fields: Any) -> None:
        self.request, self.reason, self.fields = request, reason, fields
        super().__init__(f"approval of {request}: {explain(reason, 'en', **fields)}")


class Approval(Document):
    """A person's yes.

    Args:
        charter: under which charter.
        site: the owner's site, where it counts.
        id: its name.
        person: who approves.
        request: digest of the request document, to the byte.
        contract: digest of the contract.
        issued: when.
        not_after: until when dispatch must have begun.
    """

    kind: ClassVar[str] = "approval"

    charter: CharterId
    site: SiteId
    id: Key
    person: PersonId
    request: Digest
    contract: Digest
    issued: Moment
    not_after: Moment

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not timedelta() < self.not_after - self.issued <= LONGEST:
            raise ValueError(f"lives at most {LONGEST.days} days")
        return self


def accept_approval(
    envelope: Envelope, person_keys: Mapping[str, PublicKey], *, charter: str, site: str, now: datetime
) -> Approval:
    """The approval in an envelope, if the person's own key signed it for this site.

    Whether that person may approve is asked of `decide()` with the action `approve`, which no agent passes.

    Args:
        envelope: as received.
        person_keys: the keys of the person's account, by key id; keys of agents are never among them.
        charter: the charter it must be under.
        site: this site.
        now: the moment to judge by.

    Raises:
        Untrusted: signed by another key (an agent's, the site's), for another site or charter, or out of date.
    """
    approval = Approval.open(envelope, by_id(person_keys.values()), now=now, charter=charter)
    if approval.site != site:
        raise Untrusted("an approval", "wrong_addressee", found=approval.site, expected=site)
    return approval


def given(approval: Approval, envelope: Envelope, decision: Decision | None = None) -> Draft:
    """The entry that keeps an accepted approval, with the decision that the person may give it."""
    body: dict[str, Any] = {"document": envelope.model_dump(mode="json")}
    if decision is not None:
        body["decision"] = decision.model_dump(mode="json", exclude_none=True)
    return Draft(GIVEN, {"approval": approval.model_dump(mode="json")}, body)


def used(request: str, contract: str, task: str) -> Draft:
    """The entry, in the append that dispatches, by which an approval is used up."""
    return Draft(USED, {"request": request, "contract": contract, "task": task})


def withdrawn(approval: str, why: str) -> Draft:
    """The entry by which a person takes an approval back before it was used."""
    return Draft(WITHDRAWN, {"id": approval}, {"reason": why})


class ApprovalsView:
    """Approvals and whether they were used."""

    name = "approvals"
    version = 2
    ddl: Sequence[str] = (
        "CREATE TABLE approvals (id TEXT PRIMARY KEY, charter TEXT NOT NULL, request TEXT NOT NULL,"
        " contract TEXT NOT NULL, person TEXT NOT NULL, issued TEXT NOT NULL, not_after TEXT NOT NULL,"
        " state TEXT NOT NULL, task TEXT NOT NULL, stream TEXT NOT NULL)",
        "CREATE INDEX approvals_by_request ON approvals (request)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Fold one entry of an approval, or refuse it.

        Raises:
            ApprovalRefused: none for exactly this request and contract, out of date, used or withdrawn already.
            Invalid: facts of the wrong form.
        """
        apply_by_type(_HANDLERS, db, entry)


def is_approved(
    query: Callable[[str, Sequence[Any]], list[dict[str, Any]]],
    request: str,
    contract: str,
    now: datetime,
    task: str = "",
) -> bool:
    """Whether an unused approval of exactly this request and contract is at hand, or this very task has used it."""
    sql = (
        "SELECT 1 FROM approvals WHERE request = ? AND contract = ?"
        " AND ((state = 'given' AND not_after >= ?) OR (state = 'used' AND task = ?))"
    )
    return bool(query(sql, (request, contract, timestamp(now), task or "-")))


def _given(db: Db, entry: Entry) -> None:
    approval = Approval.read(dict(entry.facts["approval"]))
    if db.one("SELECT 1 FROM approvals WHERE id = ?", (approval.id,)) is not None:
        raise ApprovalRefused(approval.request, "approval_repeated", approval=approval.id)
    row = (
        approval.id,
        approval.charter,
        approval.request,
        approval.contract,
        approval.person,
        timestamp(approval.issued),
        timestamp(approval.not_after),
        "given",
        "",
        entry.stream,
    )
    db.execute("INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _used(db: Db, entry: Entry) -> None:
    request, contract, task = (str(entry.facts[name]) for name in ("request", "contract", "task"))
    rows = db.all(
        "SELECT id, contract, not_after, state FROM approvals WHERE request = ? AND charter = ? ORDER BY not_after, id",
        (request, entry.header.charter),
    )
    if not rows:
        raise ApprovalRefused(request, "approval_missing")
    same = [row for row in rows if row[1] == contract]
    if not same:
        raise ApprovalRefused(request, "approval_of_another_contract")
    fresh = [row for row in same if row[3] == "given" and str(row[2]) >= entry.time]
    if not fresh:
        state = "used" if any(row[3] == "used" for row in same) else same[0][3]
        raise ApprovalRefused(request, "approval_over", state="expired" if state == "given" else state)
    db.execute("UPDATE approvals SET state = 'used', task = ? WHERE id = ?", (task, fresh[0][0]))


def _withdrawn(db: Db, entry: Entry) -> None:
    name = str(entry.facts["id"])
    row = db.one("SELECT request, state FROM approvals WHERE id = ?", (name,))
    if row is None:
        raise ApprovalRefused(name, "approval_missing")
    if row[1] != "given":
        raise ApprovalRefused(str(row[0]), "approval_over", state=row[1])
    db.execute("UPDATE approvals SET state = 'withdrawn' WHERE id = ?", (name,))


_HANDLERS: Mapping[str, Callable[[Db, Entry], None]] = {GIVEN: _given, USED: _used, WITHDRAWN: _withdrawn}
