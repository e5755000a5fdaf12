"""What an owner would say, before anybody acts: the home site asks it, and the owner answers by its own policy.

A question has no effect: nothing is held, accepted or started by it. It travels as every document does, so an owner
that only dials out is asked too, and its answer comes when it next calls. A home site asks for its own members alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from yosegi.core import canonical
from yosegi.core.clock import Clock, parse_timestamp
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, Refused, Unavailable
from yosegi.core.ids import derived_key, home_of, split_capability
from yosegi.exchange import Exchange, Incoming, sending
from yosegi.exchange.outbox import Outgoing
from yosegi.governance.agreement import Agreement
from yosegi.governance.explanation import explained, why
from yosegi.governance.foresight import changed
from yosegi.governance.grant import GrantExceeded
from yosegi.governance.policy import Policy
from yosegi.governance.registry import Registry
from yosegi.ledger import Draft, Entry, Ledger, Write
from yosegi.site.law import SiteLaw
from yosegi.trust.messages import Explanation, Would, WouldDo, WouldYou
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
class Foreseen:
    """What is known of an owner's answer.

    Args:
        at: when it was given; None if there is none yet.
        would: what the owner would do with each capability asked about.
        why_not: why it was not asked now, or would not answer; None if it was.
    """

    at: datetime | None = None
    would: Mapping[str, WouldDo] = field(default_factory=dict)
    why_not: Explanation | None = None


@dataclass
class Rate:
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


@dataclass
class Foresight:
    """Asks owners what they would say, and answers for this one.

    Args:
        contracts: what this site publishes, by name; given by the composition root.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    registry: Registry
    law: SiteLaw
    exchange: Exchange
    contracts: Callable[[], Mapping[str, Contract]]
    patience: float = PATIENCE
    _asked: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """By the question's key: what it was about, and until when its answer is awaited."""
    _known: dict[str, Foreseen] = field(default_factory=dict)
    """By what was asked about."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _rate: Rate = field(default_factory=Rate)

    def start(self) -> None:
        """Listen, and know what was asked and answered before."""
        for stream in self.ledger.streams("foresight/"):
            for entry in self.ledger.read(stream):
                self._follow(entry)
        self.exchange.on(WouldYou, self.on_question)
        self.exchange.on(Would, self.on_answer)

    def _follow(self, entry: Entry) -> None:
        facts = entry.facts
        if entry.type == ASKED:
            self._asked[facts["key"]] = facts["about"], parse_timestamp(entry.time) + LIFETIME
        elif entry.type == HEARD and entry.body is not None and facts["key"] in self._asked:
            said = Would.recorded(entry.body["document"])
            about, _ = self._asked.pop(facts["key"])
            known = self._known.get(about)
            if known is None or known.at is None or known.at < said.issued:
                self._known[about] = Foreseen(said.issued, {one.capability: one for one in said.answers})

    # -- as the home ------------------------------------------------------------------------------------------------

    def expects(self, charter: str, peer: str) -> bool:
        """Whether an answer of a peer is awaited."""
        now = self.clock.now()
        return any(about.startswith(f"{charter} {peer} ") and now < until for about, until in self._asked.values())

    async def ask(self, charter: str, owner: str, question: Mapping[str, Any], fresh: timedelta = FRESH) -> Foreseen:
        """What an owner would say: its answer now, or the last one that is known, with its date.

        Args:
            charter: under which charter.
            owner: whose word it is.
            question: the fields of `WouldYou`, but for sender, addressee, key and dates.
            fresh: an answer that is younger is not asked for again.
        """
        about = f"{charter} {owner} {canonical.digest(canonical.dumps(dict(question)))}"
        before, now = self._known.get(about), self.clock.now()
        known = before or Foreseen()
        if known.at is not None and now - known.at < fresh:
            return known
        if (refused := self._may_not(charter, owner, str(question["on_behalf_of"]))) is not None:
            return Foreseen(known.at, known.would, refused)
        if not any(one == about and now < until for one, until in self._asked.values()):
            await self._send(charter, owner, question, about)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.patience):
                while self._known.get(about) is before:
                    await self._news.wait()
        return self._known.get(about, known)

    def _may_not(self, charter: str, owner: str, person: str) -> Explanation | None:
        if not self.registry.version_for(charter, owner, WouldYou):
            return explained("format_not_spoken", site=owner, format=WouldYou.payload_type)
        if not self._rate.allows(person, self.clock.monotonic()):
            return explained("asked_too_often", most=str(MOST_A_MINUTE))
        return None

    async def _send(self, charter: str, owner: str, question: Mapping[str, Any], about: str) -> None:
        now = self.clock.now()
        key = derived_key("would-you", about, now.isoformat())
        document = WouldYou(
            charter=charter, sender=self.site, to=owner, key=key, issued=now, not_after=now + LIFETIME, **question
        )
        facts = {"key": key, "about": about}
        topic = f"would-you/{about.rpartition(' ')[2]}"
        draft = sending(ASKED, owner, topic, document.sign(self.signer), facts, {})
        write = Write(f"foresight/{charter}/{owner}", None, (draft,), charter=charter, actor=self.site)
        self._asked[key] = about, now + LIFETIME
        self.exchange.posted(await self.ledger.append(write))

    async def on_answer(self, incoming: Incoming) -> None:
        """Keep what an owner says to a question of this site; what was not asked is not kept.

        Raises:
            Untrusted, Invalid: not of that owner, or not for this site.
        """
        said = self._opened(Would, incoming)
        about, _ = self._asked.get(said.key, ("", None))
        if not about.startswith(f"{incoming.charter} {incoming.sender} "):
            raise Invalid("an answer", f"{self.site} has not asked {incoming.sender} this, or was answered before")
        draft = Draft(HEARD, {"key": said.key}, {"document": incoming.message.document.plain})
        stream = f"foresight/{incoming.charter}/{incoming.sender}"
        write = Write(stream, None, (draft,), charter=incoming.charter, actor=incoming.sender)
        for entry in await self.ledger.append(write):
            self._follow(entry)
        self._tell()

    async def rejected(self, out: Outgoing, because: str) -> None:
        """An owner does not take a question, e.g. as its version does not know the kind."""
        entry = self.ledger.entry(out.sequence)
        if entry.type == ASKED and (asked := self._asked.pop(entry.facts["key"], None)) is not None:
            known = self._known.get(asked[0], Foreseen())
            told = explained("not_taken", site=out.to, why=because[:500])
            self._known[asked[0]] = Foreseen(known.at, known.would, told)
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news.clear()

    # -- as the owner -----------------------------------------------------------------------------------------------

    async def on_question(self, incoming: Incoming) -> None:
        """Answer what this owner would say of a member of the asking site, or of one it hosts, and of nobody else.

        Raises:
            Untrusted, Invalid: not of that site or not for this one, or about agreements that could not be in force.
            Refused: about somebody whom another site vouches for.
            Unavailable: it has asked too much in the last minute; it comes again.
        """
        asked, peer = self._opened(WouldYou, incoming), incoming.sender
        home = home_of(asked.on_behalf_of)
        if (self.registry.federation(incoming.charter).roster.charter.host_of(home) or home) != peer:
            raise Refused(f"asking about {asked.on_behalf_of}", ("home_does_not_vouch",))
        if not self._rate.allows((incoming.charter, peer), self.clock.monotonic()):
            raise Unavailable(f"questions of {peer}", f"more than {MOST_A_MINUTE} in a minute", "it is asked again")
        stream = f"foresaid/{incoming.charter}/{peer}"
        policy = self._policy(asked)
        answers = tuple(self._would(policy, asked, ref) for ref in asked.capabilities)
        now = self.clock.now()
        fields = {"charter": asked.charter, "sender": self.site, "to": peer, "key": asked.key}
        said = Would(**fields, issued=now, not_after=now + LIFETIME, answers=answers)
        facts = {"person": asked.on_behalf_of, "team": asked.team}
        body = {"question": incoming.message.document.plain}
        draft = sending(ANSWERED, peer, f"would/{asked.key}", said.sign(self.signer), facts, body)
        write = Write(stream, None, (draft,), charter=incoming.charter, actor=peer)
        self.exchange.posted(await self.ledger.append(write))

    def _policy(self, asked: WouldYou) -> Policy:
        policy = self.law.policy(asked.charter)
        if not asked.add and not asked.without:
            return policy
        added = [Agreement.read(dict(value), what="an agreement to add") for value in asked.add or ()]
        return changed(policy, add=added, without=asked.without or ())

    def _would(self, policy: Policy, asked: WouldYou, ref: str) -> WouldDo:
        """The first step that this owner would refuse, and why; or by which agreements it would do it all."""
        owner, name = split_capability(ref)
        contract = self.contracts().get(name) if owner == self.site else None
        if contract is None:
            unknown = explained("unknown_capability", capability=name)
            return WouldDo(capability=ref, allow=False, at="accept", reasons=(unknown,))
        agreements: tuple[str, ...] = ()
        for question in self.law.foreseen(asked, contract):
            decision = policy.decide(question)
            if not decision.allow:
                return WouldDo(capability=ref, allow=False, at=decision.question.action, reasons=why(decision))
            agreements = agreements or decision.reasons
        try:
            if asked.conduct != "suggest":
                self.law.check_grant(asked.charter, asked.team, contract.cost)
        except GrantExceeded as error:
            told = explained("grant_exceeded", **{name: str(value) for name, value in error.fields.items()})
            return WouldDo(capability=ref, allow=False, at="accept", reasons=(told,))
        return WouldDo(capability=ref, allow=True, agreements=agreements)

    def _opened(self, kind: type[Any], incoming: Incoming) -> Any:
        keys = self.registry.keys_of(incoming.charter, incoming.sender)
        return kind.open(
            incoming.message.document, keys, now=self.clock.now(), to=self.site,
            charter=incoming.charter, sender=incoming.sender,
        )  # fmt: skip
