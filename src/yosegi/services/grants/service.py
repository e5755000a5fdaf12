"""Grants as people ask for them: awarding, releasing, clawing back, moving between sites, and what is left.

The owner's site is the authority for its own units: nothing another site says changes a grant here but by a person's
word, and a move counts here when this site has written it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock, parse_timestamp, timestamp
from yosegi.core.errors import Conflict, Invalid, NotFound
from yosegi.core.identifiers import derived_key
from yosegi.core.period import begins_at, ends_at
from yosegi.exchange import Channels, Received, sending
from yosegi.governance.charter.registry import Registry
from yosegi.governance.grants import transfers
from yosegi.governance.grants.balances import balance
from yosegi.governance.grants.fiscal import fiscal_year
from yosegi.governance.grants.grant import Grant, accept_release, awarded, clawed_back, released
from yosegi.governance.grants.transfers import Transfer, TransferAnswer, TransferBack, move_stream
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.authorization.roles import check_operator
from yosegi.services.grants.schemas import (
    GrantAfterMove,
    GrantDetail,
    MoveAnswered,
    MoveDetail,
    MoveNamed,
    TrancheDetail,
    UsageRow,
)
from yosegi.services.grants.usage_table import USUAL, to_csv
from yosegi.services.grants.view import usage
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Signer

LIFETIME = timedelta(days=7)


def read_grant(value: Mapping[str, Any], site: str) -> Grant:
    """A grant as people write it: exact decimals of whole units, and tranches that may be fiscal years.

    Example:
        >>> made = read_grant({"id": "g", "charter": "c", "team": "t", "tranches": [
        ...     {"fiscal_year": 2027, "begins": "october", "contingent": True, "amounts": {"usd": "1000"}}]}, "nims")
        >>> made.tranches[0].id, f"{made.tranches[0].ends:%F}"
        ('fy2027', '2027-10-01')

    Raises:
        Invalid: not of that form.
    """
    given = dict(value)
    tranches = given.get("tranches", ())
    if not isinstance(tranches, list | tuple) or not all(isinstance(one, Mapping) for one in tranches):
        raise Invalid("the grant", "its tranches are no list of tables", "write [[tranches]]")
    given["tranches"] = [_tranche(dict(one)) for one in tranches]
    defaults = {"funder": site, "title": str(given.get("id", ""))}
    return Grant.read(defaults | given, what="the grant")


def _tranche(given: dict[str, Any]) -> dict[str, Any]:
    year, begins = given.pop("fiscal_year", None), given.pop("begins", None)
    if (year is None) != (begins is None) or (year is not None and begins not in ("october", "april")):
        raise Invalid("a tranche", "a fiscal year says in which month it begins", 'begins = "october" or "april"')
    if year is not None:
        if not isinstance(year, int) or not 2000 <= year <= 2999:
            raise Invalid("a tranche", f"{year!r} is no fiscal year", "e.g. fiscal_year = 2027")
        starts, ends = fiscal_year(year, begins)
        given = {"id": f"fy{year}", "starts": timestamp(starts), "ends": timestamp(ends)} | given
    amounts = given.get("amounts", {})
    if not isinstance(amounts, Mapping):
        raise Invalid("a tranche", "its amounts are no table", 'amounts = { usd = "1000" }')
    return given | {"amounts": dict(Amounts.parse({unit: str(n) for unit, n in amounts.items()}))}


@dataclass
class GrantService:
    """The grants of one site."""

    site: str
    ledger: Ledger
    clock: Clock
    signer: Signer
    registry: Registry
    channels: Channels

    # -- giving -------------------------------------------------------------------------------------------------------

    async def award(self, grant: Mapping[str, Any], who: Session) -> GrantDetail:
        """Give a team a grant; the same again changes nothing.

        Raises:
            Refused: not an operator or officer.
            Invalid: not a grant.
            NotFound: a charter, team or funder that is not known here.
            Conflict: another one has that name.
        """
        check_operator(who, "awarding a grant")
        made = read_grant(grant, self.site)
        if made.charter not in (charters := self.registry.charters()):
            raise NotFound("charter", made.charter, charters)
        charter = self.registry.federation(made.charter).roster.charter
        if charter.team(made.team) is None:
            raise NotFound("team", made.team, tuple(team.id for team in charter.teams))
        if charter.member(made.funder) is None:
            raise NotFound("member", made.funder, tuple(member.id for member in charter.members))
        draft, stream = awarded(made), f"grant/{made.id}"
        before = self.ledger.read(stream)
        if before and before[0].facts != dict(draft.facts):
            raise Conflict(f"grant {made.id}", "was given before with other terms", "choose another name")
        if not before:
            await self.ledger.append(Write(stream, 0, (draft,), charter=made.charter, actor=who.person))
        return self.show(made.id)

    async def release(
        self, grant: str, tranche: str, who: Session, *, document: Mapping[str, Any] | None, award_letter: str
    ) -> GrantDetail:
        """Open a contingent tranche, by the funder's signed release or by the digest of the award letter held here.

        Raises:
            Refused: not an operator or officer.
            Untrusted: the funder has not signed it, or it is for another grant.
            Invalid: neither, or a digest that is none.
        """
        check_operator(who, f"releasing {tranche}")
        given = self._grant(grant)
        if document is not None:
            envelope = Envelope.read(dict(document), what="the release")
            charter = self.registry.federation(given.charter).roster.charter
            found = accept_release(charter, given, self.site, envelope, self.clock.now())
            if found.tranche != tranche:
                raise Invalid("the release", f"is for the tranche {found.tranche}, not {tranche}")
            draft = released(grant, tranche, envelope)
        elif award_letter.startswith("sha256:") and len(award_letter) == 71:
            draft = released(grant, tranche, award_letter)
        else:
            raise Invalid("the release", "neither the funder's document nor the award letter's digest", "give one")
        return await self._write(given, draft, who)

    async def claw_back(
        self, grant: str, tranche: str, amounts: Mapping[str, str], reason: str, who: Session
    ) -> GrantDetail:
        """Shrink a tranche, never below what is held and spent.

        Raises:
            Refused: not an operator or officer.
            GrantRefused: more than is free.
        """
        check_operator(who, f"clawing back from {grant}")
        given = self._grant(grant)
        return await self._write(given, clawed_back(grant, tranche, Amounts.parse(dict(amounts)), reason), who)

    async def _write(self, grant: Grant, draft: Draft, who: Session) -> GrantDetail:
        write = Write(f"grant/{grant.id}", None, (draft,), charter=grant.charter, actor=who.person)
        self.channels.posted(await self.ledger.append(write))
        return self.show(grant.id)

    # -- moving -------------------------------------------------------------------------------------------------------

    async def move(
        self, grant: str, tranche: str, to: str, into: str, amounts: Mapping[str, str], reason: str, who: Session
    ) -> GrantAfterMove:
        """Set an amount apart for a grant of another site, and offer it there.

        Raises:
            Refused: not an operator or officer.
            Conflict: the other site does not speak of moves: the amount would stay apart for ever.
            GrantRefused: more than is free, or the tranche is locked.
            NotFound: no such member, grant or tranche.
        """
        check_operator(who, f"moving from {grant}")
        given, now = self._grant(grant), self.clock.now()
        if to == self.site or to not in self.registry.sites(given.charter):
            raise NotFound(
                "member to move to", to, tuple(s for s in self.registry.sites(given.charter) if s != self.site)
            )
        if not self.registry.version_for(given.charter, to, Transfer):
            todo = "its site has to be upgraded, and to state what it speaks then"
            raise Conflict(f"moving an amount to {to}", f"{to} states no format in which it could be offered", todo)
        part = next((one for one in given.tranches if one.id == tranche), None)
        starts, ends = (part.starts, part.ends) if part is not None else self._dates(grant, tranche)
        stream = f"grant/{grant}"
        key = derived_key("move", self.site, grant, self.ledger.position(stream) + 1)
        transfer = Transfer(
            charter=given.charter,
            sender=self.site,
            to=to,
            key=key,
            issued=now,
            not_after=now + LIFETIME,
            grant=grant,
            into=into,
            team=given.team,
            amounts=Amounts.parse(dict(amounts)),
            starts=starts,
            ends=ends,
            reason=reason[:2000],
        )
        facts = {"grant": grant, "tranche": tranche, "amounts": dict(transfer.amounts), "move": key, "to": to}
        draft = sending(
            transfers.MOVED_OUT, to, f"transfer/{key}", transfer.sign(self.signer), facts, {"reason": reason}
        )
        return GrantAfterMove(**dict(await self._write(given, draft, who)), move=f"{to}/{key}")

    async def take_back(self, to: str, key: str, who: Session) -> MoveNamed:
        """Ask a receiver to give a move back; its answer ends it, whichever it is.

        Raises:
            Refused: not an operator or officer.
            NotFound: no move of that name waits for an answer.
        """
        check_operator(who, "taking a move back")
        charter, grant = self._waiting("out", to, key, "asked")
        now = self.clock.now()
        document = TransferBack(charter=charter, sender=self.site, to=to, key=key, issued=now, not_after=now + LIFETIME)
        facts = {"grant": grant, "move": key, "to": to}
        draft = sending(transfers.BACK_ASKED, to, f"transfer/{key}", document.sign(self.signer), facts, {})
        write = Write(f"grant/{grant}", None, (draft,), charter=charter, actor=who.person)
        self.channels.posted(await self.ledger.append(write))
        return MoveNamed(move=f"{to}/{key}")

    async def answer(self, peer: str, key: str, accepted: bool, why: str, who: Session) -> MoveAnswered:
        """Take what a peer offers into the grant it names, or do not.

        Raises:
            Refused: not an operator or officer.
            NotFound: no such offer waits.
            GrantRefused: the grant it names is unknown here, or of another team.
        """
        check_operator(who, "answering a move")
        charter, into = self._waiting("in", peer, key, "offered")
        entry = self.ledger.read(move_stream(peer, key))[0]
        transfer = Transfer.read(Envelope.read((entry.body or {})["document"]).payload)
        writes = [self._answering(charter, peer, key, accepted, why, who.person, transfer)]
        if accepted:
            draft = transfers.moved_in(into, peer, transfer)
            writes.append(Write(f"grant/{into}", None, (draft,), charter=charter, actor=who.person))
        self.channels.posted(await self.ledger.append(*writes))
        return MoveAnswered(move=f"{peer}/{key}", accepted=accepted)

    def _answering(
        self, charter: str, peer: str, key: str, accepted: bool, why: str, by: str, transfer: Transfer | None
    ) -> Write:
        now, stream = self.clock.now(), move_stream(peer, key)
        document = TransferAnswer(
            charter=charter,
            sender=self.site,
            to=peer,
            key=key,
            issued=now,
            not_after=now + LIFETIME,
            accepted=accepted,
            transfer=None if transfer is None else transfer.digest,
            why=why[:2000],
        )
        facts = {"move": key, "from": peer, "accepted": accepted}
        draft = sending(
            transfers.MOVE_ANSWERED, peer, f"transfer-answer/{key}", document.sign(self.signer), facts, {"why": why}
        )
        # An offer and an answer, or an answer alone: whichever comes first decides.
        return Write(stream, self.ledger.position(stream), (draft,), charter=charter, actor=by)

    async def on_transfer(self, received: Received[Transfer]) -> None:
        """Record what a peer offers; a person takes it. The same again, or one given back before, changes nothing."""
        transfer = received.document
        stream = move_stream(received.sender, transfer.key)
        if self.ledger.position(stream):
            return
        facts: dict[str, Any] = {"move": transfer.key, "from": received.sender, "grant": transfer.into}
        facts |= {"amounts": dict(transfer.amounts)}
        body = {"document": received.envelope.model_dump(mode="json"), "receipt": received.receipt}
        draft = Draft(transfers.MOVE_OFFERED, facts, body)
        await self.ledger.append(Write(stream, 0, (draft,), charter=received.charter, actor=received.sender))

    async def on_back(self, received: Received[TransferBack]) -> None:
        """Say whether a move was taken; one that was not is refused for ever."""
        back = received.document
        stream = move_stream(received.sender, back.key)
        entries = self.ledger.read(stream)
        if entries and entries[-1].type == transfers.MOVE_ANSWERED:
            # Its answer is on its way, or was lost with a restore: it is said again.
            answered = bool(entries[-1].facts["accepted"])
            write = self._answering(received.charter, received.sender, back.key, answered, "", self.site, None)
            draft = Draft("grant.move_answer_repeated", write.drafts[0].facts, write.drafts[0].body)
            write = Write(stream, None, (draft,), charter=received.charter, actor=self.site)
        else:
            write = self._answering(received.charter, received.sender, back.key, False, "given back", self.site, None)
        self.channels.posted(await self.ledger.append(write))

    async def on_answer(self, received: Received[TransferAnswer]) -> None:
        """End a move by its receiver's word; the same word again changes nothing."""
        answer = received.document
        row = self.ledger.query(
            "SELECT grant_id, state FROM grant_moves WHERE way = 'out' AND peer = ? AND move = ?",
            (received.sender, answer.key),
        )
        if not row:
            raise NotFound("move", answer.key)
        if row[0]["state"] != "asked":
            return
        grant = str(row[0]["grant_id"])
        facts = {"grant": grant, "move": answer.key, "to": received.sender, "accepted": answer.accepted}
        body = {"document": received.envelope.model_dump(mode="json"), "receipt": received.receipt}
        write = Write(
            f"grant/{grant}",
            None,
            (Draft(transfers.MOVE_ENDED, facts, body),),
            charter=received.charter,
            actor=received.sender,
        )
        await self.ledger.append(write)

    def _waiting(self, way: str, peer: str, key: str, state: str) -> tuple[str, str]:
        """Charter and grant of a move in a state; the key's beginning is enough."""
        rows = self.ledger.query(
            "SELECT move, charter, grant_id FROM grant_moves WHERE way = ? AND peer = ? AND state = ? AND move = ?",
            (way, peer, state, key),
        )
        if not rows:
            waiting = [f"{one.peer}/{one.move}" for one in self.moves() if one.state == state]
            raise NotFound("move that waits", f"{peer}/{key}", tuple(waiting))
        return str(rows[0]["charter"]), str(rows[0]["grant_id"])

    def _dates(self, grant: str, tranche: str) -> tuple[Any, Any]:
        """Dates of a tranche that itself was moved here."""
        rows = self.ledger.query(
            "SELECT starts, ends FROM grant_tranches WHERE grant_id = ? AND tranche = ?", (grant, tranche)
        )
        if not rows:
            raise NotFound("tranche", tranche)
        starts, ends = str(rows[0]["starts"]), str(rows[0]["ends"])
        return (
            None if starts == transfers.ALWAYS else parse_timestamp(starts),
            None if ends == transfers.NEVER else parse_timestamp(ends),
        )

    # -- looking ------------------------------------------------------------------------------------------------------

    def moves(self) -> tuple[MoveDetail, ...]:
        """Every amount on its way, and those that have arrived or come back."""
        rows = self.ledger.query("SELECT * FROM grant_moves ORDER BY state, peer, move")
        return tuple(MoveDetail(**row | {"amounts": Amounts(json.loads(row["amounts"])).decimals()}) for row in rows)

    def list(self) -> tuple[GrantDetail, ...]:
        """Every grant of this site, and where it stands now."""
        return tuple(self.show(str(row["id"])) for row in self.ledger.query("SELECT id FROM grants ORDER BY id"))

    def show(self, name: str) -> GrantDetail:
        """One grant with its tranches, in exact decimals of whole units.

        Raises:
            GrantRefused: no such grant.
        """
        stands = balance(self.ledger.query, name, self.clock.now())
        grant = self._grant(name)
        rows = self.ledger.query(
            "SELECT * FROM grant_tranches WHERE grant_id = ? ORDER BY ends, tranche, unit", (name,)
        )
        return GrantDetail(
            id=name,
            charter=grant.charter,
            team=grant.team,
            funder=grant.funder,
            title=grant.title,
            **{kind: getattr(stands, kind).decimals() for kind in ("awarded", "locked", "held", "spent", "left")},
            tranches=tuple(_tranche_detail(row, self.clock) for row in rows),
        )

    def usage(self, by: Sequence[str] = USUAL, since: str = "", until: str = "") -> tuple[UsageRow, ...]:
        """What tasks held and spent here, summed by some of `GROUPS` and by unit; units are never added to one another.

        Of tasks accepted from `since` to `until`, days in UTC, both included, or moments with their offset; of all if
        empty.

        Raises:
            NotFound: no such group.
            Invalid: neither a day nor a moment with its offset.
        """
        return tuple(UsageRow(**row) for row in self._used(by, since, until))

    def usage_csv(self, by: Sequence[str] = USUAL, since: str = "", until: str = "") -> str:
        """The same as CSV.

        Raises:
            NotFound, Invalid: as `usage`.
        """
        rows = list(self._used(by, since, until))
        return to_csv(rows, list(rows[0]) if rows else (*by, "unit", "tasks", "held", "spent"))

    def _used(self, by: Sequence[str], since: str, until: str) -> Sequence[Mapping[str, Any]]:
        return usage(self.ledger.query, by, begins_at(since, "since"), ends_at(until, "until"))

    def _grant(self, name: str) -> Grant:
        entries = self.ledger.read(f"grant/{name}")
        if not entries:
            raise NotFound("grant", name, tuple(str(r["id"]) for r in self.ledger.query("SELECT id FROM grants")))
        return Grant.read(dict(entries[0].facts["grant"]))


def _tranche_detail(row: Mapping[str, Any], clock: Clock) -> TrancheDetail:
    now, unit = timestamp(clock.now()), str(row["unit"])
    state: Literal["open", "locked", "not yet", "lapsed"] = "open"
    if row["locked"]:
        state = "locked"
    elif now < row["starts"]:
        state = "not yet"
    elif now >= row["ends"]:
        state = "lapsed"
    amounts = {kind: Amounts({unit: row[kind]}).decimals().get(unit, "0") for kind in ("amount", "held", "spent")}
    dates = {
        "starts": "" if row["starts"] == transfers.ALWAYS else row["starts"],
        "ends": "" if row["ends"] == transfers.NEVER else row["ends"],
    }
    return TrancheDetail(tranche=row["tranche"], unit=unit, state=state, **amounts, **dates)
