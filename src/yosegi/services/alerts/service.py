"""Notices to people: what only they can mend is told again and again until somebody acknowledges or mends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from yosegi.core.clock import Clock, timestamp
from yosegi.core.errors import NotFound, YosegiError
from yosegi.core.reasons import explain
from yosegi.core.states import TaskState
from yosegi.core.supervision import TaskScope
from yosegi.core.transport import Transport
from yosegi.execution.tasks import Task
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.alerts.health import HealthProblem
from yosegi.services.alerts.schemas import AlertAcknowledged, AlertDetail
from yosegi.services.tasks.service import TaskService

log = logging.getLogger("yosegi.notices")

STREAM = "notices"
SEEN = "notice.acknowledged"
MOST_OF_ONE = 8
"""Alerts of one kind, but for uncertain tasks, that one other site has told one by one; the others are counted."""
REMEMBERED = 4096
"""Alerts of which it is known when they were told, those that are over among them."""
LOOK = 60.0
"""Seconds between two looks at what needs a person."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person must look at: a task, or, with no task, a condition of the site.

    Args:
        name: what it is told and acknowledged by.
        ja: the text in Japanese; the pages have their own words for tasks.
        told_by: the site whose words are repeated in the text, if any are.
        person: the member whom it concerns, besides those who run the site.
        once: whether it is told once and not repeated.
    """

    site: str
    task: str
    capability: str
    since: str
    text: str
    kind: Literal["uncertain", "approval", "condition"] = "uncertain"
    about: str = ""
    ja: str = ""
    told_by: str = ""
    person: str = ""
    once: bool = False

    @property
    def name(self) -> str:
        """What it is told and acknowledged by."""
        return self.task or self.about

    @property
    def source(self) -> str:
        """The site that asked for what a person must look at; empty where it is a condition of this site alone."""
        return self.task.partition("/")[0] or self.told_by


Send = Callable[[Alert], Awaitable[None]]


async def to_log(notice: Alert) -> None:
    """Write a notice to the site's log."""
    log.warning("%s", notice.text)


def to_webhook(url: str, transport: Transport) -> Send:
    """Post a notice to the institution's own address, as JSON."""

    async def send(notice: Alert) -> None:
        body = {
            "site": notice.site, "task": notice.task, "notice": notice.name, "kind": notice.kind,
            "since": notice.since, "text": notice.text,
        }  # fmt: skip
        await transport.call(url, json.dumps(body).encode(), timeout=10.0)

    return send


def summarised(alerts: Sequence[Alert]) -> list[Alert]:
    """What is told: of one kind and one other site no more than `MOST_OF_ONE`, and how many more there are.

    A peer may ask for a thousand approvals; that must not be a thousand e-mails. Uncertain tasks are all told: each
    may be a thing that stands in an instrument.
    """
    told, more = list[Alert](), Counter[tuple[str, str, str]]()
    seen = Counter[tuple[str, str, str]]()
    for alert in alerts:
        group = (alert.site, alert.kind, alert.source)
        seen[group] += 1
        if alert.kind == "uncertain" or alert.source in ("", alert.site) or seen[group] <= MOST_OF_ONE:
            told.append(alert)
        else:
            more[group] += 1
    for (site, kind, source), count in more.items():
        fields = {"count": str(count), "peer": source}
        en, ja = explain("alerts_more", "en", **fields), explain("alerts_more", "ja", **fields)
        told.append(Alert(site, "", source, "", en, "condition", f"more/{kind}/{source}", ja, source))
    return told


@dataclass
class AlertService:
    """Repeats what is open.

    Args:
        tasks: acknowledges the alert of a task.
        senders: where notices go; one that fails does not keep the others from it.
        every: seconds between two reminders of the same thing.
        conditions: what holds now, besides tasks.
    """

    site: str
    ledger: Ledger
    clock: Clock
    tasks: TaskService
    senders: tuple[Send, ...]
    conditions: Callable[[], Sequence[HealthProblem]]
    scope: TaskScope
    every: float = 600.0
    _seen: dict[str, str] = field(default_factory=dict)
    _acknowledged: set[str] = field(default_factory=set)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _told: dict[str, float] = field(default_factory=dict)
    _telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    def details(self) -> tuple[AlertDetail, ...]:
        """What is open, as it is shown."""
        return tuple(
            AlertDetail(
                task=alert.task,
                name=alert.name,
                kind=alert.kind,
                capability=alert.capability,
                since=alert.since,
                text=alert.text,
                ja=alert.ja,
                told_by=alert.told_by,
            )
            for alert in self.open()
        )

    def open(self) -> Sequence[Alert]:
        """Uncertain tasks and conditions that nobody has acknowledged, and what waits for a person's approval.

        A ledger that cannot be read hides the tasks and is told itself.
        """
        try:
            return [*self._uncertain(), *self._awaited(), *self._conditions()]
        except YosegiError as error:
            unread = HealthProblem("check/tasks", "check_failed", {"what": "tasks", "why": str(error)}, self.site)
            return self._conditions(unread)

    def _conditions(self, *more: HealthProblem) -> Sequence[Alert]:
        holding = {condition.name: condition for condition in (*more, *self.conditions())}
        # What is over may come again, and is told again then.
        self._acknowledged &= holding.keys()
        self._seen = {name: self._seen.get(name) or timestamp(self.clock.now()) for name in holding}
        return [
            Alert(
                self.site, "", one.about, self._seen[name], explain(one.code, "en", **one.fields), "condition", name,
                explain(one.code, "ja", **one.fields), one.told_by, one.person, one.once,
            )
            for name, one in holding.items()
            if name not in self._acknowledged
        ]  # fmt: skip

    def start(self) -> None:
        """Read back what was acknowledged; tell what is open, now and every so often."""
        self._acknowledged = {str(entry.facts["notice"]) for entry in self.ledger.read(STREAM)}
        self._wake.set()
        self.scope.repeat("alerts", self._round)

    async def acknowledge_for(self, name: str, who: Session) -> AlertAcknowledged:
        """Say that an alert was seen: of a condition by its name, of a task by the task's.

        Raises:
            NotFound: no such alert.
            Refused: by an agent, of a task: an alert is for people.
        """
        if any(alert.task == name for alert in self.open()):
            await self.tasks.acknowledge(name, who)
        else:
            await self.acknowledge(name, who.person)
        return AlertAcknowledged(acknowledged=name)

    async def acknowledge(self, name: str, by: str) -> None:
        """A person has seen a condition; it is not repeated while it lasts.

        Raises:
            NotFound: no such notice.
        """
        open_ = [notice.name for notice in self._conditions()]
        if name not in open_:
            raise NotFound("notice", name, tuple(open_))
        await self.ledger.append(Write(STREAM, None, (Draft(SEEN, {"notice": name}),), charter="", actor=by))
        self._acknowledged.add(name)

    def _awaited(self) -> Sequence[Alert]:
        rows = self.ledger.query(
            "SELECT home, key, capability, asked, (SELECT MAX(not_after) FROM approvals"
            " WHERE approvals.stream = 'approval/' || task.stream AND approvals.state = 'given') AS good_until"
            " FROM task WHERE state = 'accepted' AND awaits = 'approval_missing' ORDER BY first"
        )
        return [
            Alert(
                self.site,
                f"{row['home']}/{row['key']}",
                row["capability"],
                row["asked"],
                f"{row['capability']}: task {row['home']}/{row['key']} waits for a person's approval since "
                f"{row['asked']}. Look at what is asked: yosegi approval show {row['home']}/{row['key']}",
                kind="approval",
            )
            for row in rows
            if row["good_until"] is None or row["good_until"] < timestamp(self.clock.now())
        ]

    def _uncertain(self) -> Sequence[Alert]:
        rows = self.ledger.query(
            "SELECT home, key, capability, changed FROM task WHERE state = 'uncertain' AND notified = 0 ORDER BY first"
        )
        return [
            Alert(
                self.site,
                f"{row['home']}/{row['key']}",
                row["capability"],
                row["changed"],
                f"{row['capability']}: the effect of task {row['home']}/{row['key']} is unknown since "
                f"{row['changed']}. Look at the instrument, then: yosegi task settle {row['home']}/{row['key']}",
            )
            for row in rows
        ]

    def task_changed(self, task: Task) -> None:
        """Look at once if a person has to look at a task; what runs and ends as it should is nobody's to look at."""
        if task.state is TaskState.UNCERTAIN or task.reasons:
            self.look()

    def look(self) -> None:
        """Something may have become uncertain."""
        self._wake.set()

    async def _round(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(self.every, LOOK)):
                await self._wake.wait()
        self._wake.clear()
        await self.tell()
        return True

    async def tell(self) -> None:
        """Tell what is open and was not told lately.

        Raises:
            ExceptionGroup: senders failed in a way that nobody foresaw; all alerts were tried at all senders.
        """
        async with self._telling:
            now, failed = self.clock.monotonic(), list[Exception]()
            open_ = summarised(self.open())
            if len(self._told) > REMEMBERED:
                self._told = {one.name: self._told[one.name] for one in open_ if one.name in self._told}
            for notice in open_:
                again = float("inf") if self._is_told(notice) else self.every
                if now - self._told.get(notice.name, -1e18) >= again and await self._tell(notice, failed):
                    self._told[notice.name] = now
        if failed:
            raise ExceptionGroup("alerts could not be sent", failed)

    def _is_told(self, notice: Alert) -> bool:
        """Whether it was told and is not repeated."""
        return notice.once and notice.name in self._told

    async def _tell(self, notice: Alert, failed: list[Exception]) -> bool:
        """Whether everybody was told; if not, it is tried again with the next look."""
        told = True
        for send in self.senders:
            try:
                await send(notice)
            except (YosegiError, OSError) as error:
                told = False
                log.warning("a notice could not be sent: %s", error)
            except Exception as error:  # noqa: BLE001 raised once the other senders were tried
                told = False
                failed.append(error)
        return told
