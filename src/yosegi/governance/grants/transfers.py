"""Moving an amount of a grant to another site: two signed entries, one at each, that end alike or not at all.

The giver sets the amount apart and signs a transfer; the receiver, who is the authority for its own units, takes it or
not, and signs its answer. Until the answer is heard the amount is at neither side's disposal. Only the receiver's word
ends a move: asked to give one back it refuses what it has not taken, for ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from yosegi.core.amounts import Amounts
from yosegi.core.identifiers import Digest, Key, TeamId
from yosegi.governance.grants.grant import GrantRefused
from yosegi.ledger import Db, Draft, Entry
from yosegi.trust.document import Addressed, Moment

MOVED_OUT, MOVE_ENDED = "grant.moved_out", "grant.move_ended"
MOVE_OFFERED, MOVE_ANSWERED, MOVED_IN = "grant.move_offered", "grant.move_answered", "grant.moved_in"
BACK_ASKED = "grant.move_back_asked"

Text = Annotated[str, StringConstraints(max_length=2000)]


class Transfer(Addressed):
    """A giver sets an amount apart for a grant of another site; `key` names the move.

    Args:
        grant: the giver's grant.
        into: the receiver's grant.
        team: whose both are.
        amounts: how much, in milli-units by unit.
        starts: from when on it may be drawn, as in the tranche it comes from.
        ends: until when.
    """

    kind: ClassVar[str] = "transfer"

    grant: Key
    into: Key
    team: TeamId
    amounts: Amounts
    starts: Moment | None = None
    ends: Moment | None = None
    reason: Text = ""


class TransferBack(Addressed):
    """A giver asks for a move back; the answer says whether it was taken before."""

    kind: ClassVar[str] = "transfer-back"


class TransferAnswer(Addressed):
    """The receiver's word on a move, which ends it."""

    kind: ClassVar[str] = "transfer-answer"

    accepted: bool
    transfer: Digest | None = None
    why: Text = ""


DDL = (
    "CREATE TABLE grant_moves (way TEXT NOT NULL, peer TEXT NOT NULL, move TEXT NOT NULL, charter TEXT NOT NULL,"
    " grant_id TEXT NOT NULL, tranche TEXT NOT NULL, amounts TEXT NOT NULL, state TEXT NOT NULL,"
    " PRIMARY KEY (way, peer, move))",
)


def move_stream(peer: str, key: str) -> str:
    """The stream of a move at its receiver."""
    return f"grant-move/{peer}/{key}"


def moved_in(grant: str, peer: str, transfer: Transfer) -> Draft:
    """The entry by which a receiver's grant grows, by a tranche of its own with the giver's dates."""
    facts: dict[str, Any] = {
        "grant": grant,
        "tranche": f"from-{peer}-{transfer.key}"[:128],
        "amounts": dict(transfer.amounts),
        "move": transfer.key,
        "from": peer,
        "team": transfer.team,
    }
    dated = transfer.model_dump(mode="json", include={"starts", "ends"}, exclude_none=True)
    return Draft(MOVED_IN, facts | dated)


def _moved_out(db: Db, entry: Entry) -> None:
    facts = entry.facts
    grant, tranche, amounts = str(facts["grant"]), str(facts["tranche"]), Amounts(facts["amounts"])
    if not amounts:
        raise GrantRefused(grant, "nothing_to_move")
    for unit, milli in amounts.items():
        row = db.one(
            "SELECT amount - held - spent, locked FROM grant_tranches WHERE grant_id = ? AND tranche = ? AND unit = ?",
            (grant, tranche, unit),
        )
        if row is None:
            raise GrantRefused(grant, "tranche_unknown", tranche=tranche)
        if row[1]:
            raise GrantRefused(grant, "tranche_locked", tranche=tranche)
        if milli > row[0]:
            raise GrantRefused(grant, "move_too_large", unit=unit, asked=milli / 1000, left=row[0] / 1000)
        _change(db, grant, tranche, unit, -milli)
    _remember(db, entry, "out", str(facts["to"]), "asked")


def _move_ended(db: Db, entry: Entry) -> None:
    facts = entry.facts
    peer, move = str(facts["to"]), str(facts["move"])
    row = db.one(
        "SELECT grant_id, tranche, amounts, state FROM grant_moves WHERE way = 'out' AND peer = ? AND move = ?",
        (peer, move),
    )
    if row is None or row[3] != "asked":
        raise GrantRefused(str(facts["grant"]), "move_over", move=move)
    if not facts["accepted"]:
        for unit, milli in Amounts(json.loads(row[2])).items():
            _change(db, str(row[0]), str(row[1]), unit, milli)
    _set(db, "out", peer, move, "accepted" if facts["accepted"] else "back")


def _move_offered(db: Db, entry: Entry) -> None:
    _remember(db, entry, "in", str(entry.facts["from"]), "offered")


def _move_answered(db: Db, entry: Entry) -> None:
    peer, move = str(entry.facts["from"]), str(entry.facts["move"])
    known = db.one("SELECT state FROM grant_moves WHERE way = 'in' AND peer = ? AND move = ?", (peer, move))
    if known is None and not entry.facts["accepted"]:
        _remember(db, entry, "in", peer, "refused")
    elif known is None or known[0] != "offered":
        raise GrantRefused(str(entry.facts.get("grant", "")), "move_over", move=move)
    else:
        _set(db, "in", peer, move, "accepted" if entry.facts["accepted"] else "refused")


def _moved_in(db: Db, entry: Entry) -> None:
    facts = entry.facts
    grant, tranche = str(facts["grant"]), str(facts["tranche"])
    row = db.one("SELECT charter, team FROM grants WHERE id = ?", (grant,))
    if row is None:
        raise GrantRefused(grant, "grant_unknown")
    if (row[0], row[1]) != (entry.header.charter, facts["team"]):
        raise GrantRefused(grant, "grant_of_another_team", team=facts["team"])
    key = (str(facts["from"]), str(facts["move"]))
    taken = db.one("SELECT state FROM grant_moves WHERE way = 'in' AND peer = ? AND move = ?", key)
    if taken is None or taken[0] != "accepted":
        raise GrantRefused(grant, "move_over", move=facts["move"])
    _set(db, "in", *key, "taken")
    for unit, milli in Amounts(facts["amounts"]).items():
        db.execute(
            "INSERT INTO grant_tranches (grant_id, tranche, unit, amount, held, spent, locked, starts, ends)"
            " VALUES (?, ?, ?, ?, 0, 0, 0, ?, ?)",
            (grant, tranche, unit, milli, facts.get("starts", ALWAYS), facts.get("ends", NEVER)),
        )


NEVER = "9999-12-31T23:59:59.999999Z"
ALWAYS = "0000-01-01T00:00:00.000000Z"


def _change(db: Db, grant: str, tranche: str, unit: str, milli: int) -> None:
    db.execute(
        "UPDATE grant_tranches SET amount = amount + ? WHERE grant_id = ? AND tranche = ? AND unit = ?",
        (milli, grant, tranche, unit),
    )


def _set(db: Db, way: str, peer: str, move: str, state: str) -> None:
    db.execute("UPDATE grant_moves SET state = ? WHERE way = ? AND peer = ? AND move = ?", (state, way, peer, move))


def _remember(db: Db, entry: Entry, way: str, peer: str, state: str) -> None:
    facts = entry.facts
    move = str(facts["move"])
    if db.one("SELECT 1 FROM grant_moves WHERE way = ? AND peer = ? AND move = ?", (way, peer, move)) is not None:
        raise GrantRefused(str(facts.get("grant", "")), "move_over", move=move)
    amounts = json.dumps(dict(Amounts(facts.get("amounts", {}))), sort_keys=True)
    row = (way, peer, move, entry.header.charter, facts.get("grant", ""), facts.get("tranche", ""), amounts, state)
    db.execute(f"INSERT INTO grant_moves VALUES ({', '.join('?' * len(row))})", row)


HANDLERS: Mapping[str, Callable[[Db, Entry], Any]] = {
    MOVED_OUT: _moved_out,
    MOVE_ENDED: _move_ended,
    MOVE_OFFERED: _move_offered,
    MOVE_ANSWERED: _move_answered,
    MOVED_IN: _moved_in,
}
