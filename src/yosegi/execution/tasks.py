"""One task at its owner, folded from its entries; and the table of all tasks, a view of the ledger.

A task's stream is `task/<home site>/<key>`. The view checks every transition against the table in `core.states`, in the
transaction that appends the entry: what the table does not allow is never on record, so a fold need not ask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from yosegi.core.amounts import Amounts
from yosegi.core.engine import Outcome
from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.identifiers import split_capability
from yosegi.core.object import ObjectRef
from yosegi.core.states import TaskState, transition
from yosegi.execution.decision_summary import append_decision
from yosegi.ledger import Db, Entry
from yosegi.trust.calibration import CalibrationHeld
from yosegi.trust.envelope import Envelope
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import DecisionBasis, Request

ACCEPTED = "task.accepted"
REFUSED = "task.refused"
DISPATCHED = "task.dispatched"
UNCERTAIN = "task.uncertain"
ENDED = "task.ended"
CANCELLED = "task.cancelled"
ACKNOWLEDGED = "task.notice_acknowledged"
REVOKED = "task.revoked"
"""The right to it lapsed while it ran; its facts say how it was stopped."""

STATES: dict[str, TaskState] = {
    ACCEPTED: TaskState.ACCEPTED,
    REFUSED: TaskState.REFUSED,
    DISPATCHED: TaskState.DISPATCHED,
    UNCERTAIN: TaskState.UNCERTAIN,
    ENDED: TaskState.ENDED,
    CANCELLED: TaskState.CANCELLED,
}
"""The state each type of entry leads to."""


def task_stream(home: str, key: str) -> str:
    """The stream of a task: keys are unique within the home site that chose them."""
    return f"task/{home}/{key}"


@dataclass(frozen=True, slots=True)
class Task:
    """Where one task stands at its owner.

    Args:
        stream: `task/<home>/<key>`.
        position: of the last entry folded; what the next append expects.
        request: what was asked, with `request_digest` naming the signed document.
        objects: those among its inputs, by name; none where its contract is not known here.
        grant: from which its cost is held; empty where it costs nothing.
        held: the cost held.
        charged: the cost settled.
        notified: whether a person has acknowledged that it is uncertain.
        revoked: how it was stopped when its right lapsed, and `lapsed` why; empty while the right holds.
        decided: this owner's decisions on it, as its reports tell them.
        reservation: of its instrument, inside which it runs and which pays for the instrument's time; empty if none.
        calibration: that held on its instrument when it was started, if one is on record.
    """

    stream: str
    position: int = 0
    state: TaskState = TaskState.NEW
    request: Request | None = None
    request_digest: str = ""
    objects: Mapping[str, ObjectRef] = field(default_factory=dict)
    attempt: int = 0
    grant: str = ""
    held: Amounts = Amounts()
    charged: Amounts = Amounts()
    outcome: Outcome | None = None
    reasons: tuple[Explanation, ...] = ()
    notified: bool = False
    revoked: str = ""
    lapsed: tuple[Explanation, ...] = ()
    decided: tuple[DecisionBasis, ...] = ()
    reservation: str = ""
    calibration: CalibrationHeld | None = None

    @property
    def key(self) -> str:
        """The key the home site chose."""
        return self.stream.split("/", 2)[2]

    @property
    def home(self) -> str:
        """The site that asked."""
        return self.stream.split("/", 2)[1]

    @property
    def capability(self) -> str:
        """What is asked for, by name and version.

        Raises:
            Corrupt: as `asked`.
        """
        return split_capability(self.asked().capability)[1]

    def asked(self) -> Request:
        """The request.

        Raises:
            Corrupt: nothing was asked, or its body was erased.
        """
        if self.request is None:
            raise Corrupt(self.stream, "its request is missing or erased", "settle it: yosegi task settle")
        return self.request

    def follow(self, entry: Entry) -> Task:
        """The task after one more entry."""
        if entry.type == ACKNOWLEDGED:
            return replace(self, position=entry.position, notified=True)
        if entry.type == REVOKED:
            lapsed = _reasons(entry.body or {})
            return replace(self, position=entry.position, revoked=entry.facts["how"], lapsed=lapsed)
        state = STATES[entry.type]
        facts, body = entry.facts, entry.body or {}
        after = replace(self, position=entry.position, state=state, decided=append_decision(self.decided, body))
        if entry.type in (ACCEPTED, REFUSED):
            # A refusal just before the start keeps the request it refuses.
            if self.state is TaskState.NEW:
                after = replace(after, request=_request(body), request_digest=facts["request"])
            after = replace(after, reasons=_reasons(body))
        if entry.type == ACCEPTED:
            reservation = facts.get("reservation", "")
            return replace(
                after, grant=facts.get("grant", ""), held=Amounts(facts.get("held", {})), reservation=reservation
            )
        if entry.type == DISPATCHED:
            reservation = facts.get("reservation", self.reservation)
            held = CalibrationHeld.read(facts["calibration"]) if "calibration" in facts else None
            return replace(after, attempt=facts["attempt"], reasons=(), reservation=reservation, calibration=held)
        outcome = Outcome.read(body["outcome"]) if "outcome" in body else None
        return replace(after, outcome=outcome, charged=Amounts(facts.get("charged", {})), reasons=_reasons(body))


def facts_of(request: Request, envelope: Envelope) -> dict[str, Any]:
    """What the first entry of a task says of its request, without what becomes of it."""
    return {
        "team": request.team,
        "capability": request.capability,
        "request": envelope.payload_digest,
        "campaign": request.campaign or "",
        "by": request.on_behalf_of,
    }


def fold(stream: str, entries: Iterable[Entry]) -> Task:
    """The task its entries make."""
    task = Task(stream)
    for entry in entries:
        task = task.follow(entry)
    return task


def _request(body: dict[str, Any]) -> Request | None:
    if "request" not in body:
        return None
    return Request.recorded(body["request"])


def _reasons(body: dict[str, Any]) -> tuple[Explanation, ...]:
    return tuple(Explanation.read(reason) for reason in body.get("reasons", ()))


class TaskView:
    """Table `task`: one row a task of this owner, for lists and for taking up after a restart."""

    name = "task"
    version = 3
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE task (stream TEXT PRIMARY KEY, charter TEXT NOT NULL, home TEXT NOT NULL, key TEXT NOT NULL,"
        " team TEXT NOT NULL, capability TEXT NOT NULL, campaign TEXT NOT NULL, state TEXT NOT NULL,"
        " effect TEXT NOT NULL, result TEXT NOT NULL, notified INTEGER NOT NULL, first INTEGER NOT NULL,"
        " last INTEGER NOT NULL, asked TEXT NOT NULL, changed TEXT NOT NULL, awaits TEXT NOT NULL)",
        "CREATE INDEX task_state ON task (state, first)",
        "CREATE INDEX task_key ON task (key)",
        "CREATE INDEX task_capability ON task (capability, last)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep the row of the entry's task.

        Raises:
            Conflict: the table of transitions does not allow it; nothing is appended.
        """
        if entry.type == ACKNOWLEDGED:
            db.execute("UPDATE task SET notified = 1, last = ? WHERE stream = ?", (entry.sequence, entry.stream))
            return
        state = STATES.get(entry.type)
        if state is None:
            return
        facts = entry.facts
        if entry.position == 1:
            _, home, key = entry.stream.split("/", 2)
            row = (
                entry.stream,
                entry.header.charter,
                home,
                key,
                facts["team"],
                facts["capability"],
                facts.get("campaign", ""),
                str(state),
                "",
                "",
                0,
                entry.sequence,
                entry.sequence,
                entry.time,
                entry.time,
                facts.get("awaits", ""),
            )
            db.execute(f"INSERT INTO task VALUES ({', '.join('?' * len(row))})", row)
            return
        known = db.one("SELECT state FROM task WHERE stream = ?", (entry.stream,))
        if known is None:
            raise Invalid(f"entry {entry.sequence}", f"{entry.stream} has no first entry")
        transition(entry.stream, TaskState(known[0]), state)
        db.execute(
            "UPDATE task SET state = ?, effect = ?, result = ?, last = ?, changed = ?, awaits = '' WHERE stream = ?",
            (
                str(state),
                facts.get("effect", ""),
                facts.get("result", ""),
                entry.sequence,
                entry.time,
                entry.stream,
            ),
        )
