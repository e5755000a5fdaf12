"""Figures of a running site in the form that Prometheus collects: what waits, what is uncertain, peers, ledger, lag.

They are read when they are asked for, so that nothing is counted twice or kept beside the ledger. Labels name peers,
stations and states; no person, no team and no capability.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from yosegi.core.clock import Clock
from yosegi.core.engine import Engines
from yosegi.core.errors import NotFound, Refused
from yosegi.core.supervision import Supervisor
from yosegi.exchange import Channels
from yosegi.execution.dispatch import Dispatcher
from yosegi.identity.accounts import Session
from yosegi.identity.sessions import SessionStore
from yosegi.ledger import Ledger
from yosegi.services.alerts.service import AlertService

NAP = 0.01
"""Seconds that the event loop is asked to wait, to see how much longer it does."""


@dataclass(eq=False)
class MetricsService(Collector):
    """Collects the figures of one site.

    Args:
        token: what a collector shows; empty where the settings name none, and then only operators are told.
    """

    site: str
    clock: Clock
    ledger: Ledger
    channels: Channels
    dispatcher: Dispatcher
    supervisor: Supervisor
    engines: Engines
    alerts: AlertService
    sessions: SessionStore
    token: str = ""
    _lag: float = 0.0
    _registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))

    def __post_init__(self) -> None:
        self._registry.register(self)

    @property
    def healthy(self) -> bool:
        """Whether the site records what happens, and so may start anything at all."""
        return self.ledger.stopped is None

    async def text(self, token: str, who: Session | None) -> bytes:
        """The figures in the text form of Prometheus, for whoever shows the token or runs the site.

        Raises:
            NotFound: neither; that there are figures is not said.
        """
        shown = bool(self.token) and hmac.compare_digest(self.token.encode(), token.encode())
        if not shown and (who is None or who.agent or not who.runs_the_site):
            if who is not None:
                raise Refused("the figures of this site", ("operators_only",))
            raise NotFound("page", "/metrics")
        before = self.clock.monotonic()
        await asyncio.sleep(NAP)
        self._lag = max(0.0, self.clock.monotonic() - before - NAP)
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        yield self._one("ledger_entries", "Entries that are durable.", self.ledger.size)
        yield self._one("ledger_epoch", "Epochs of the ledger; one more with each restoration.", self.ledger.epoch)
        yield self._one("ledger_stopped", "1 once nothing can be recorded any more.", float(not self.healthy))
        yield self._one("event_loop_lag_seconds", "How late the event loop was when this was collected.", self._lag)
        yield self._one(
            "site_stopped", "1 while somebody has stopped the whole site.", float(self.dispatcher.is_stopped)
        )
        yield self._one("alerts_open", "Things that only a person can mend.", len(self.alerts.open()))
        yield self._one("sessions_open", "Sessions that have not ended.", len(self.sessions.listing()))
        yield self._tasks()
        yield self._background()
        yield from self._peers()
        yield self._stations()

    def _one(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"yosegi_{name}", text, labels=["site"])
        family.add_metric([self.site], value)
        return family

    def _tasks(self) -> Metric:
        """Those that are not over: `accepted` wait, `dispatched` run, `uncertain` need a person."""
        family = GaugeMetricFamily("yosegi_tasks", "Tasks at this owner by state.", labels=["site", "state"])
        where = "state IN ('accepted', 'dispatched', 'uncertain')"
        sql = f"SELECT state, COUNT(*) AS n FROM task WHERE {where} GROUP BY state"
        counted = {row["state"]: row["n"] for row in self.ledger.query(sql)}
        for state in ("accepted", "dispatched", "uncertain"):
            family.add_metric([self.site, state], counted.get(state, 0))
        return family

    def _background(self) -> Metric:
        family = GaugeMetricFamily("yosegi_background_tasks", "Background work by state.", labels=["site", "state"])
        tasks = self.supervisor.tasks()
        for state in sorted({str(task.state) for task in tasks}):
            family.add_metric([self.site, state], sum(task.state == state for task in tasks))
        return family

    def _peers(self) -> Iterator[Metric]:
        labels = ["site", "charter", "peer"]
        silent = GaugeMetricFamily("yosegi_peer_silent_seconds", "Since a peer was last heard.", labels=labels)
        waiting = GaugeMetricFamily("yosegi_peer_waiting_messages", "Messages that wait for a peer.", labels=labels)
        failing = GaugeMetricFamily("yosegi_peer_failing", "1 while calls of a peer fail.", labels=labels)
        for line in self.channels.statistics():
            named = [self.site, line["charter"], line["peer"]]
            silent.add_metric(named, line["unheard_seconds"])
            waiting.add_metric(named, line["waiting"])
            failing.add_metric(named, float(bool(line["trouble"])))
        yield from (silent, waiting, failing)

    def _stations(self) -> Metric:
        family = GaugeMetricFamily(
            "yosegi_station_silent_seconds", "Since a station called.", labels=["site", "station"]
        )
        for name, engine in self.engines.answering.items():
            family.add_metric([self.site, name], engine.silent_seconds)
        return family
