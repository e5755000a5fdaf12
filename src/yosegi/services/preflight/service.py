"""What an owner would say, before anybody acts: the home site asks it, and the owner answers by its own policy.

A question has no effect: nothing is held, accepted or started by it. It travels as every document does, so an owner
that only dials out is asked too, and its answer comes when it next calls. A home site asks for its own members alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from yosegi.core import canonical
from yosegi.core.clock import Clock, parse_timestamp, timestamp
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, Refused, Unavailable
from yosegi.core.identifiers import derived_key, home_of, split_capability
from yosegi.exchange import Channels, Received, sending
from yosegi.exchange.outbox import Outgoing
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.registry import Registry
from yosegi.governance.grants.grant import GrantExceeded
from yosegi.governance.policy.explanation import explained, why
from yosegi.governance.policy.policy import Policy
from yosegi.governance.policy.what_if import changed
from yosegi.ledger import Db, Draft, Entry, Ledger, Write
from yosegi.services.authorization.service import Authorizer
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import AuthorizationAnswer, AuthorizationQuery, IntendedAction
from yosegi.trust.signer import Signer

ASKED, ANSWERED, HEARD = "foresight.asked", "foresight.answered", "foresight.heard"
LIFETIME = timedelta(hours=1)
PATIENCE = 3.0
"""Seconds that somebody who asks is kept waiting for an owner."""
FRESH = timedelta(minutes=1)
"""A younger answer is good enough: what an owner's policy says changes seldom."""
MOST_A_MINUTE = 30
"""Questions that one site may ask of another in a minute, and one person here of all."""


@dataclass(frozen=True, slots=True)
class PreflightAnswer:
    """What is known of an owner's answer.

    Args:
        at: when it was given; None if there is none yet.
        would: what the owner would do with each capability asked about.
        why_not: why it was not asked now, or would not answer; None if it was.
    """

    at: datetime | None = None
    would: Mapping[str, IntendedAction] = field(default_factory=dict)
    why_not: Explanation | None = None


@dataclass
class PreflightRate:
    """So many a minute for each who asks."""

    most: int = MOST_A_MINUTE
    _times: dict[object, deque[float]] = field(default_factory=dict)

    def allows(self, who: object, now: float) -> bool:
        """Whether one more is within bounds, counting it if it is; `now` in monotonic seconds."""
        times = self._times.setdefault(who, deque())
        while times and times[0] <= now - 60.0:
            times.popleft()
        if len(times) >= self.most:
            return False
        times.append(now)
        return True


class PreflightView:
    """Table `foresight`: one row for each thing that was asked about, with the last question and the last answer."""

    name = "foresight"
    version = 1
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE foresight (about TEXT PRIMARY KEY, charter TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL,"
        " asked TEXT NOT NULL, open INTEGER NOT NULL, heard INTEGER NOT NULL)",
        "CREATE INDEX foresight_key ON foresight (key)",
        "CREATE INDEX foresight_open ON foresight (open, asked)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Note a question, which takes the place of an earlier one about the same, or the answer to it."""
        facts = entry.facts
        if entry.type == ASKED:
            about = str(facts["about"])
            known = db.one("SELECT heard FROM foresight WHERE about = ?", (about,))
            db.execute("DELETE FROM foresight WHERE about = ?", (about,))
            row = (about, *about.split(" ")[:2], facts["key"], entry.time, 1, -1 if known is None else known[0])
            db.execute("INSERT INTO foresight VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        elif entry.type == HEARD:
            heard = (entry.sequence, facts["key"])
            db.execute("UPDATE foresight SET open = 0, heard = ? WHERE key = ?", heard)


@dataclass
class PreflightService:
    """Asks owners what they would say, and answers for this one.

    Args:
        contracts: what this site publishes, by name; given by the composition root.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    registry: Registry
    authorizer: Authorizer
    channels: Channels
    contracts: Callable[[], Mapping[str, Contract]]
    patience: float = PATIENCE
    _awaited: dict[tuple[str, str], dict[str, datetime]] = field(default_factory=dict)
    """By charter and owner: questions that are not answered yet, and until when an answer is awaited."""
    _refused: dict[str, Explanation] = field(default_factory=dict)
    """By what was asked about: why the owner would not take the question."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _rate: PreflightRate = field(default_factory=PreflightRate)

    def start(self) -> None:
        """Await what was asked and not answered before."""
        since = timestamp(self.clock.now() - LIFETIME)
        for row in self.ledger.query("SELECT * FROM foresight WHERE open = 1 AND asked > ?", (since,)):
            self._await(row["charter"], row["owner"], row["key"], parse_timestamp(row["asked"]) + LIFETIME)

    # -- as the home ------------------------------------------------------------------------------------------------

    def expects(self, charter: str, peer: str) -> bool:
        """Whether an answer of a peer is awaited."""
        if not (awaited := self._awaited.get((charter, peer))):
            return False
        now = self.clock.now()
        for key in [key for key, until in awaited.items() if until < now]:
            del awaited[key]
        return bool(awaited)

    def _await(self, charter: str, owner: str, key: str, until: datetime) -> None:
        self._awaited.setdefault((charter, owner), {})[key] = until

    async def ask(
        self, charter: str, owner: str, question: Mapping[str, Any], fresh: timedelta = FRESH
    ) -> PreflightAnswer:
        """What an owner would say: its answer now, or the last one that is known, with its date.

        Args:
            charter: under which charter.
            owner: whose word it is.
            question: the fields of `WouldYou`, but for sender, addressee, key and dates.
            fresh: an answer that is younger is not asked for again.
        """
        about = f"{charter} {owner} {canonical.digest(canonical.dumps(dict(question)))}"
        before, now = self._known(about), self.clock.now()
        if before.at is not None and timedelta() <= now - before.at < fresh:
            return before
        if (refused := self._may_not(charter, owner, str(question["on_behalf_of"]))) is not None:
            return replace(before, why_not=refused)
        if (asked := self._asked(about, now)) is None:
            self._refused.pop(about, None)
            await self._send(charter, owner, question, about)
            asked = now
        # For an owner that was asked before and is out of reach nobody is kept waiting again.
        patience = self.patience - max(0.0, (now - asked).total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, patience)):
                while self._known(about) == before and about not in self._refused:
                    await self._news.wait()
        return self._known(about)

    def _known(self, about: str) -> PreflightAnswer:
        """The last answer to a question, if there is one, and why the owner would not take it, if it would not."""
        rows = self.ledger.query("SELECT heard FROM foresight WHERE about = ? AND heard >= 0", (about,))
        body = self.ledger.entry(rows[0]["heard"]).body if rows else None
        if body is None:
            return PreflightAnswer(why_not=self._refused.get(about))
        said = AuthorizationAnswer.recorded(body["document"])
        return PreflightAnswer(said.issued, {one.capability: one for one in said.answers}, self._refused.get(about))

    def _asked(self, about: str, now: datetime) -> datetime | None:
        """When it was asked, if that was not answered and may still be."""
        since = timestamp(now - LIFETIME)
        sql = "SELECT asked FROM foresight WHERE about = ? AND open = 1 AND asked > ?"
        rows = () if about in self._refused else self.ledger.query(sql, (about, since))
        return parse_timestamp(rows[0]["asked"]) if rows else None

    def _may_not(self, charter: str, owner: str, person: str) -> Explanation | None:
        if not self.registry.version_for(charter, owner, AuthorizationQuery):
            return explained("format_not_spoken", site=owner, format=AuthorizationQuery.payload_type)
        if not self._rate.allows(person, self.clock.monotonic()):
            return explained("asked_too_often", most=str(MOST_A_MINUTE))
        return None

    async def _send(self, charter: str, owner: str, question: Mapping[str, Any], about: str) -> None:
        now = self.clock.now()
        key = derived_key("would-you", about, now.isoformat())
        document = AuthorizationQuery.stated(
            "the question",
            charter=charter,
            sender=self.site,
            to=owner,
            key=key,
            issued=now,
            not_after=now + LIFETIME,
            **question,
        )
        facts = {"key": key, "about": about}
        topic = f"would-you/{about.rpartition(' ')[2]}"
        draft = sending(ASKED, owner, topic, document.sign(self.signer), facts, {})
        write = Write(f"foresight/{charter}/{owner}", None, (draft,), charter=charter, actor=self.site)
        self._await(charter, owner, key, now + LIFETIME)
        self.channels.posted(await self.ledger.append(write))

    async def on_answer(self, received: Received[AuthorizationAnswer]) -> None:
        """Keep what an owner says to a question of this site; what was not asked is not kept.

        Raises:
            Untrusted, Invalid: not of that owner, or not for this site.
        """
        said = received.document
        sql = "SELECT about FROM foresight WHERE key = ? AND charter = ? AND owner = ? AND open = 1"
        if not self.ledger.query(sql, (said.key, received.charter, received.sender)):
            raise Invalid("an answer", f"{self.site} has not asked {received.sender} this, or was answered before")
        draft = Draft(HEARD, {"key": said.key}, {"document": received.envelope.plain})
        stream = f"foresight/{received.charter}/{received.sender}"
        await self.ledger.append(Write(stream, None, (draft,), charter=received.charter, actor=received.sender))
        self._tell(received.charter, received.sender, said.key)

    async def rejected(self, out: Outgoing, because: str) -> None:
        """An owner does not take a question, e.g. as its version does not know the kind."""
        entry = self.ledger.entry(out.sequence)
        if entry.type == ASKED:
            self._refused[entry.facts["about"]] = explained("not_taken", site=out.to, why=because[:500])
            self._tell(out.charter, out.to, entry.facts["key"])

    def _tell(self, charter: str, owner: str, key: str) -> None:
        self._awaited.get((charter, owner), {}).pop(key, None)
        self._news.set()
        self._news.clear()

    # -- as the owner -----------------------------------------------------------------------------------------------

    async def on_question(self, received: Received[AuthorizationQuery]) -> None:
        """Answer what this owner would say of a member of the asking site, or of one it hosts, and of nobody else.

        Raises:
            Untrusted, Invalid: not of that site or not for this one, or about agreements that could not be in force.
            Refused: about somebody whom another site vouches for.
            Unavailable: it has asked too much in the last minute; it comes again.
        """
        asked, peer = received.document, received.sender
        home = home_of(asked.on_behalf_of)
        if (self.registry.federation(received.charter).roster.charter.host_of(home) or home) != peer:
            raise Refused(f"asking about {asked.on_behalf_of}", ("home_does_not_vouch",))
        if not self._rate.allows((received.charter, peer), self.clock.monotonic()):
            raise Unavailable(f"questions of {peer}", f"more than {MOST_A_MINUTE} in a minute", "it is asked again")
        stream = f"foresaid/{received.charter}/{peer}"
        policy = self._policy(asked)
        answers = tuple(self._would(policy, asked, ref) for ref in asked.capabilities)
        now = self.clock.now()
        fields = {"charter": asked.charter, "sender": self.site, "to": peer, "key": asked.key}
        said = AuthorizationAnswer(**fields, issued=now, not_after=now + LIFETIME, answers=answers)
        facts = {"person": asked.on_behalf_of, "team": asked.team}
        body = {"question": received.envelope.plain}
        draft = sending(ANSWERED, peer, f"would/{asked.key}", said.sign(self.signer), facts, body)
        write = Write(stream, None, (draft,), charter=received.charter, actor=peer)
        self.channels.posted(await self.ledger.append(write))

    def _policy(self, asked: AuthorizationQuery) -> Policy:
        policy = self.authorizer.policy(asked.charter)
        if not asked.add and not asked.without:
            return policy
        added = [Agreement.read(dict(value), what="an agreement to add") for value in asked.add or ()]
        return changed(policy, add=added, without=asked.without or ())

    def _would(self, policy: Policy, asked: AuthorizationQuery, ref: str) -> IntendedAction:
        """The first step that this owner would refuse, and why; or by which agreements it would do it all."""
        owner, name = split_capability(ref)
        contract = self.contracts().get(name) if owner == self.site else None
        if contract is None:
            unknown = explained("unknown_capability", capability=name)
            return IntendedAction(capability=ref, allow=False, at="accept", reasons=(unknown,))
        agreements: tuple[str, ...] = ()
        for question in self.authorizer.preflight_answer(asked, contract):
            decision = policy.decide(question)
            if not decision.allow:
                return IntendedAction(capability=ref, allow=False, at=decision.question.action, reasons=why(decision))
            agreements = agreements or decision.reasons
        try:
            if asked.conduct != "suggest":
                self.authorizer.check_grant(asked.charter, asked.team, contract.cost)
        except GrantExceeded as error:
            told = explained("grant_exceeded", **{name: str(value) for name, value in error.fields.items()})
            return IntendedAction(capability=ref, allow=False, at="accept", reasons=(told,))
        return IntendedAction(capability=ref, allow=True, agreements=agreements)
