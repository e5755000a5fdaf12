"""What stops a site's work and only a person can mend, besides tasks: few things, so that each is read.

A breaker that opened, a station or a peer that nobody hears of any more, a peer that told two stories, this site's own
clock or disk, a ledger that has stopped, background work that fails again and again, a restoration that nobody has
settled. Whatever mends itself, or waits for a person's own request, is no notice.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from yosegi.core.clock import Clock, timestamp
from yosegi.core.engine import Engines
from yosegi.core.errors import YosegiError
from yosegi.core.supervision import BackgroundState, Supervisor
from yosegi.exchange import Channels
from yosegi.exchange.mailbox_host import RefusedMailRegister
from yosegi.execution.breaker import Breakers
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.ledger import Ledger
from yosegi.services.alerts.ledger_scrub import LedgerScrub
from yosegi.services.erasure.service import ErasureService

STATION_SILENT = 600.0
"""Seconds: longer than a restart of its computer takes."""
PEER_SILENT = 3600.0
"""Seconds: links between countries fail for minutes every day."""
DISK_LEAST = 0.05, 2 * 1024**3
"""Share and bytes that are still free when it is told; the smaller counts."""


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """One of them: a reason code with its fields, and a name that stays the same while it lasts.

    Args:
        told_by: the site whose words are among the fields, if any are.
        person: the member whom it concerns, besides those who run the site.
        once: whether it is told once and not repeated.
    """

    name: str
    code: str
    fields: dict[str, str]
    about: str
    told_by: str = ""
    person: str = ""
    once: bool = False


@dataclass
class HealthChecks:
    """Looks at what is there now.

    Args:
        refused_mail: what hosts of this site's mailbox turned away.
        engines: of this site; those that somebody has to settle, and those whose other end calls.
        folder: the site's home; None where there is none.
        erasure: what peers ask to have erased.
        scrub: reads the ledger again from its file; None where there is none.
        campaigns: what the members on whose behalf campaigns run are to be told.
        dispatcher: whose work somebody may have stopped.
    """

    site: str
    clock: Clock
    breakers: Breakers
    guard: RestoreGuard
    channels: Channels
    supervisor: Supervisor
    ledger: Ledger
    refused_mail: RefusedMailRegister
    engines: Engines = field(default_factory=lambda: Engines(()))
    folder: Path | None = None
    erasure: ErasureService | None = None
    scrub: LedgerScrub | None = None
    campaigns: Callable[[], Iterator[HealthProblem]] | None = None
    dispatcher: Dispatcher | None = None

    def now(self) -> list[HealthProblem]:
        """All that hold; a check that fails is one of them, and hides no other."""
        checks: dict[str, Callable[[], Iterator[HealthProblem]]] = {
            "ledger": self._ledger,
            "stop": self._stop,
            "background": self._background,
            "owner": self._owner,
            "instruments": self._instruments,
            "stations": self._stations,
            "peers": self._peers,
            "clock": self._clock,
            "disk": self._disk,
            "erasures": self._erasures,
            "campaigns": self._campaigns,
            "samples": self._samples,
        }
        return [problem for what, check in checks.items() for problem in self._checked(what, check)]

    def _checked(self, what: str, check: Callable[[], Iterator[HealthProblem]]) -> list[HealthProblem]:
        try:
            return list(check())
        except (YosegiError, OSError) as error:
            return [HealthProblem(f"check/{what}", "check_failed", {"what": what, "why": str(error)}, self.site)]

    def _ledger(self) -> Iterator[HealthProblem]:
        if (why := self.ledger.stopped) is not None:
            yield HealthProblem("ledger", "ledger_stopped", {"site": self.site, "why": str(why)}, self.site)
        if self.scrub is not None and self.scrub.damage:
            fields = {"site": self.site, "why": self.scrub.damage}
            yield HealthProblem("ledger/damage", "ledger_damaged", fields, self.site)

    def _stop(self) -> Iterator[HealthProblem]:
        if self.dispatcher is not None and self.dispatcher.is_stopped:
            by, since, why = self.dispatcher.stopped_by
            word = self.dispatcher.stop_level.replace("_", " ")
            fields = {"site": self.site, "word": word, "by": by, "since": since[:19], "why": why or "…"}
            yield HealthProblem(f"stop/{since}", "site_stop_engaged", fields, self.site)

    def _background(self) -> Iterator[HealthProblem]:
        for task in self.supervisor.failing():
            code = "background_failed" if task.state is BackgroundState.FAILED else "background_failing"
            fields = {"task": f"{task.owner}: {task.name}", "times": str(task.failures), "why": task.last_error}
            yield HealthProblem(f"background/{task.owner}/{task.name}", code, fields, self.site)

    def _erasures(self) -> Iterator[HealthProblem]:
        for erasure in () if self.erasure is None else self.erasure.waits_for_a_person():
            for _, peer in erasure.asked:
                fields = {"peer": peer, "subject": erasure.subject}
                yield HealthProblem(f"{erasure.stream}/{peer}", "erasure_asked", fields, erasure.subject, peer)

    def _campaigns(self) -> Iterator[HealthProblem]:
        if self.campaigns is not None:
            yield from self.campaigns()

    def _samples(self) -> Iterator[HealthProblem]:
        """Samples here that campaigns ask to be shipped, and that nobody has handed over yet."""
        rows = self.ledger.query(
            "SELECT destination, COUNT(*) AS count FROM sample WHERE holder = ? AND state = 'available'"
            " AND destination <> '' AND destination <> holder GROUP BY destination ORDER BY destination",
            (self.site,),
        )
        for row in rows:
            to = str(row["destination"])
            yield HealthProblem(f"shipment/{to}", "shipment_due", {"count": str(row["count"]), "to": to}, self.site)

    def _owner(self) -> Iterator[HealthProblem]:
        for name, why in self.breakers.opened.items():
            fields = {"capability": name, "why": why, "contact": f"operator@{self.site}"}
            yield HealthProblem(f"breaker/{name}", "breaker_open", fields, name)
        for (name, who), why in self.breakers.opened_to.items():
            if name not in self.breakers.opened:
                fields = {"capability": name, "requester": str(who), "why": why, "contact": f"operator@{self.site}"}
                about = f"{name} for {who}"
                yield HealthProblem(
                    f"breaker/{name}/{who.site}/{who.person}", "breaker_open_to", fields, about, who.site
                )
        if self.guard.open:
            yield HealthProblem(f"restore/{self.guard.epoch}", "restore_unsettled", {"site": self.site}, self.site)

    def _instruments(self) -> Iterator[HealthProblem]:
        for instrument in () if self.dispatcher is None else self.dispatcher.instruments.all():
            calibration = instrument.calibration
            if calibration is not None and self.clock.now() >= calibration.held.until:
                until = timestamp(calibration.held.until)
                fields = {"instrument": instrument.name, "until": until[:16].replace("T", " ")}
                name = f"calibration/{instrument.name}/{until}"
                yield HealthProblem(name, "calibration_lapsed", fields, instrument.name)

    def _stations(self) -> Iterator[HealthProblem]:
        for name, settling in self.engines.settling.items():
            if settling.unsettled:
                fields = {"station": name, "why": settling.unsettled, "contact": f"operator@{self.site}"}
                yield HealthProblem(f"station/{name}/forgot", "station_unsettled", fields, name)
        for name, answering in self.engines.answering.items():
            if (silent := answering.silent_seconds) > STATION_SILENT:
                fields = {"station": name, "minutes": str(int(silent // 60))}
                yield HealthProblem(f"station/{name}", "station_unheard", fields, name)
        for engine in self.engines:
            if engine.name not in self.engines.answering and (why := engine.statistics().get("trouble")):
                yield HealthProblem(
                    f"engine/{engine.name}", "engine_trouble", {"engine": engine.name, "why": why}, engine.name
                )

    def _peers(self) -> Iterator[HealthProblem]:
        for peer in sorted(self.channels.witness.forked):
            yield HealthProblem(f"fork/{peer}", "ledger_forked", {"peer": peer}, peer)
        for (host, sender), letters in self.refused_mail.now().items():
            fields = {"host": host, "peer": sender, "letters": str(letters)}
            yield HealthProblem(f"mail/{host}/{sender}", "mail_refused", fields, sender, host)
        for line in self.channels.statistics():
            ago = line["unheard_seconds"]
            if line["suspended_there"]:
                name = f"suspended/{line['charter']}/{line['peer']}"
                yield HealthProblem(name, "suspended_by_peer", {"peer": line["peer"]}, line["peer"], line["peer"])
            elif line["trouble"] and ago > PEER_SILENT and line["peer"] not in self.channels.witness.forked:
                fields = {"peer": line["peer"], "hours": str(int(ago // 3600)), "why": line["trouble"]}
                yield HealthProblem(
                    f"peer/{line['charter']}/{line['peer']}", "peer_unreachable", fields, line["peer"], line["peer"]
                )

    def _clock(self) -> Iterator[HealthProblem]:
        if seconds := self.channels.clocks.seconds_off:
            yield HealthProblem("clock", "clock_off", {"seconds": str(seconds)}, self.site)
        for peer, seconds in self.channels.clocks.apart.items():
            yield HealthProblem(f"clock/{peer}", "clocks_apart", {"peer": peer, "seconds": str(seconds)}, peer, peer)

    def _disk(self) -> Iterator[HealthProblem]:
        if self.folder is not None:
            usage = shutil.disk_usage(self.folder)
            if usage.free < min(DISK_LEAST[0] * usage.total, DISK_LEAST[1]):
                megabytes = str(usage.free // 1024**2)
                yield HealthProblem("disk", "disk_nearly_full", {"megabytes": megabytes}, self.site)
