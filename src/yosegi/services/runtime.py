"""One running site, as its faces see it: starts and closes its services, and answers questions across them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import Any

from yosegi.campaign import Campaign, Campaigns, CampaignSpec
from yosegi.core.clock import Clock
from yosegi.core.contract import Conduct
from yosegi.core.engine import Engines
from yosegi.core.errors import NotFound, Refused
from yosegi.core.identifiers import home_of
from yosegi.core.states import CampaignState, Effect
from yosegi.core.supervision import BackgroundTask, Supervisor, TaskScope
from yosegi.exchange import Channels, Exchange
from yosegi.exchange.requests import Requests
from yosegi.exchange.restore_sync import RestoreSync
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.records import TaskRepository
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.execution.tasks import Task, task_stream
from yosegi.governance.charter.registry import Registry
from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticator
from yosegi.identity.device_login import DeviceLogin
from yosegi.identity.oidc_claims import InstitutionSignIn
from yosegi.identity.sessions import SessionStore
from yosegi.ledger import Ledger
from yosegi.services.alerts.service import AlertService
from yosegi.services.approvals.service import ApprovalService
from yosegi.services.authorization.disclosure import PolicyDisclosure
from yosegi.services.authorization.revocation import RevocationMonitor
from yosegi.services.authorization.service import Authorizer
from yosegi.services.capabilities.service import CapabilityCatalogue
from yosegi.services.delegation.service import MandateService
from yosegi.services.delegation.verifier import DelegationVerifier
from yosegi.services.erasure.service import ErasureService
from yosegi.services.governance.publisher import DocumentPublisher
from yosegi.services.governance.renewal import StatementRenewal
from yosegi.services.governance.service import GovernanceService
from yosegi.services.grants.service import GrantService
from yosegi.services.objects.service import ObjectService
from yosegi.services.objects.transfers import ObjectTransfers
from yosegi.services.preflight.service import PreflightService
from yosegi.services.tasks.service import TaskRequests
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.site")
LONGEST_ALERT = 30.0
"""Seconds that a site with a ledger that has stopped gives its mail server and webhook before it ends."""


@dataclass(repr=False)
class Site:
    """A site with all its services, made by the composition root.

    Args:
        supervisor: owns everything that runs in the background.
        resources: closes what was opened for this site (ledger, engines, connections), and all that is started here.
        institution: lets people in whom their institution's provider vouches for.
        lasting: signs what must be believed in twenty years, beside the key that signs everything.
        engines: what does the work; stations and others whose other end calls are answered by them.
    """

    name: str
    title: str
    clock: Clock
    ledger: Ledger
    supervisor: Supervisor
    registry: Registry
    authorizer: Authorizer
    channels: Channels
    exchange: Exchange
    requests: Requests
    dispatcher: Dispatcher
    repository: TaskRepository
    restore_guard: RestoreGuard
    catalogue: CapabilityCatalogue
    campaigns: Campaigns
    notices: AlertService
    authenticator: Authenticator
    sessions: SessionStore
    transfers: ObjectTransfers
    objects: ObjectService
    erasure: ErasureService
    evidence: PolicyDisclosure
    preflight: PreflightService
    publisher: DocumentPublisher
    governance: GovernanceService
    rights: DelegationVerifier
    watch: RevocationMonitor
    funds: GrantService
    approvals: ApprovalService
    mandates: MandateService
    restore_sync: RestoreSync
    asking: TaskRequests
    renewal: StatementRenewal
    resources: contextlib.AsyncExitStack
    lasting: Signer | None = None
    institution: InstitutionSignIn | None = None
    engines: Engines = field(default_factory=lambda: Engines(()))
    demonstration: bool = False
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the ledger has stopped for good and those who can be told have been."""
    _scope: TaskScope = field(init=False)

    def __repr__(self) -> str:
        return f"<site {self.name}>"

    def __post_init__(self) -> None:
        self.handover = DeviceLogin(self.clock)
        self._scope = self.supervisor.scope("site")

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up everything where the ledger left it.

        Raises:
            YosegiError: something could not be started; all that was opened or started is closed again.
        """
        try:
            await self._start()
        except BaseException:
            try:
                await self.close()
            except Exception:
                log.exception("closing %s after a failed start", self.name)
            raise

    async def _start(self) -> None:
        # Closed in the reverse of this order: what asks others for work first, what answers and records last.
        for engine in self.engines:
            self.resources.push_async_callback(engine.close)
            await engine.start()
        for close in (
            self.supervisor.close,
            self.exchange.close,
            self.evidence.close,
            self.transfers.close,
            self.dispatcher.close,
            self.campaigns.close,
        ):
            self.resources.push_async_callback(close)
        self._scope.repeat("watch over the ledger", self._watch_ledger)
        self.catalogue.start({name: p.contract for name, p in self.repository.published.items()})
        await self.authorizer.start()
        self.publisher.start()
        self.requests.start()
        self.rights.start()
        self.notices.start()
        self.exchange.start()
        self.objects.start()
        self.evidence.start()
        self.preflight.start()
        self.transfers.start()
        await self.dispatcher.start()
        await self.restore_sync.start()
        await self.erasure.start()
        await self.catalogue.publish(self.catalogue.own)
        self.campaigns.start()
        self.watch.start()
        self.renewal.start()

    async def _watch_ledger(self) -> bool:
        """Tell everybody who can still be told that nothing is recorded any more, and so nothing may be started."""
        why = await self.ledger.until_stopped()
        log.critical("the ledger of %s has stopped, and nothing is recorded any more: %s", self.name, why)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_ALERT):
                    await self.notices.tell()
        finally:
            self.stopped.set()
        return False

    def background(self, who: Session) -> tuple[BackgroundTask, ...]:
        """What runs in the background, and what of it has failed; its names and errors tell of every team's work.

        Raises:
            Refused: not an operator.
        """
        self._operator(who, "the background work of this site")
        return self.supervisor.tasks()

    def release_waiters(self) -> None:
        """Answer everybody who is kept waiting, peers, stations and pages alike: the site is about to end."""
        self.exchange.release_waiters()
        self.ledger.release_waiters()
        for engine in self.engines.answering.values():
            engine.release_waiters()

    async def close(self) -> None:
        """End everything, in the reverse of the order in which it was begun, whatever fails on the way.

        Nothing that is recorded is lost, and engines end what they started.

        Raises:
            Exception: the last failure; everything else is closed all the same.
        """
        await self.resources.aclose()

    # -- what people do -------------------------------------------------------------------------------------------

    async def start_campaign(self, spec: CampaignSpec, who: Session, mandate: str = "") -> Campaign:
        """Begin a campaign on behalf of whom its file names, under a mandate; an agent's under its own.

        A member who names none gives the campaign one of its own by starting it.

        Raises:
            Refused: somebody else's name is in the file, or that of somebody this site does not vouch for, its team
                does not work on the challenge it names, or it asks for more than the mandate allows.
            NotFound: a charter or a team that this site does not know.
            Unavailable: this site's clock is off, and a mandate given by it would be of another time.
        """
        self.channels.clocks.check_own()
        if spec.on_behalf_of != who.person and who.role != "officer":
            raise Refused(f"campaign {spec.name}", ("not_on_behalf_of_others",))
        charters = self.registry.charters()
        if spec.charter not in charters:
            raise NotFound("charter", spec.charter, charters)
        charter = self.registry.federation(spec.charter).roster.charter
        teams = tuple(team.id for team in charter.teams)
        if spec.team not in teams:
            raise NotFound("team", spec.team, teams)
        home = home_of(spec.on_behalf_of)
        if home != self.name and not self.registry.hosts(spec.charter, home):
            raise Refused(f"campaign {spec.name}", ("institution_not_hosted",))
        if spec.challenge is not None and spec.challenge not in charter.challenges_of(spec.team):
            raise Refused(f"campaign {spec.name} for {spec.challenge}", ("challenge_not_of_team",))
        mandate = mandate or who.mandate
        if mandate:
            contracts = {ref: self.campaigns.contract_of(spec.charter, ref) for ref in spec.capabilities()}
            self.mandates.check_campaign(mandate, spec, contracts, who)
        return await self.campaigns.begin(spec, by=who.person, mandate=mandate)

    async def move_campaign(
        self, name: str, state: CampaignState, who: Session, why: str, conduct: Conduct | None = None
    ) -> Campaign:
        """Hold, resume, safely stop or abort a campaign. Everybody who is signed in may stop.

        Raises:
            NotFound: none of that name; or to go on with, or further, one of another team.
            Refused: an agent resumes it, or it is to go further than before and is somebody else's.
        """
        if state is CampaignState.RUNNING:
            self.campaign(name, who)
            self._a_person(who, f"resuming campaign {name}")
        if conduct is not None and self.campaign(name, who).spec.on_behalf_of != who.person:
            raise Refused(f"changing how far campaign {name} goes", ("not_on_behalf_of_others",))
        return await self.campaigns.move(
            name, state, by=who.person, why=why or f"asked by {who.person}", conduct=conduct
        )

    async def settle_task(self, name: str, effect: Effect, note: str, who: Session) -> Task:
        """Say what an uncertain task did, after a look at the instrument.

        Raises:
            Refused: not an operator.
        """
        self._operator(who, f"settling {name}")
        home, key = self.find_task(name)
        return await self.repository.settle(home, key, effect, note, by=who.person)

    async def acknowledge_task(self, name: str, who: Session) -> Task:
        """Say that the notice of an uncertain task was seen.

        Raises:
            NotFound: none of that name, or one of another team.
            Refused: by an agent: a notice is for people.
        """
        self._a_person(who, f"acknowledging {name}")
        self.task_for(name, who)
        home, key = self.find_task(name)
        return await self.repository.acknowledge(home, key, by=who.person)

    async def cancel_task(self, name: str, reason: str, who: Session) -> Task:
        """Cancel a task that others asked of this site."""
        home, key = self.find_task(name)
        return await self.dispatcher.cancel(home, key, reason, by=who.person)

    async def set_stop_level(self, word: str, who: Session, reason: str) -> None:
        """Hold, safely stop or abort everything this site runs, or release it. Needs nobody else's permission.

        Raises:
            NotFound: not one of hold, stop, abort, release.
            Refused: releasing is for operators; anybody may stop.
        """
        if word == "hold":
            await self.dispatcher.hold(who.person, reason)
        elif word == "stop":
            await self.dispatcher.safe_stop(who.person, reason)
        elif word == "abort":
            await self.dispatcher.abort(who.person, reason)
        elif word == "release":
            self._operator(who, "releasing the switch")
            await self.dispatcher.release(who.person, reason)
        else:
            raise NotFound("switch position", word, ("hold", "stop", "abort", "release"))

    async def acknowledge_notice(self, name: str, who: Session) -> None:
        """Say that a notice was seen: of a condition by its name, of a task by the task's."""
        if any(notice.task == name for notice in self.notices.open()):
            await self.acknowledge_task(name, who)
        else:
            await self.notices.acknowledge(name, who.person)

    async def settle_restoration(self, who: Session, note: str) -> None:
        """Say that the instruments were looked at after this site was restored from a backup.

        Raises:
            Refused: not an operator.
            Conflict: there is nothing to settle.
        """
        self._operator(who, "settling the restoration")
        await self.restore_guard.settle(who.person, note)

    async def settle_station(self, name: str, who: Session, note: str) -> None:
        """Say that the instrument of a station that had forgotten what it did was looked at.

        Raises:
            NotFound: no such station.
            Refused: not an operator.
            Conflict: there is nothing to settle.
        """
        self._operator(who, f"settling station {name}")
        if name not in self.engines.settling:
            raise NotFound("station", name, tuple(self.engines.settling))
        await self.engines.settling[name].settle(who.person, note)

    async def close_breaker(self, capability: str, who: Session, note: str) -> None:
        """Say that a capability works again, after a look at it.

        Raises:
            NotFound: not published here.
            Refused: not an operator.
        """
        self._operator(who, f"closing the breaker of {capability}")
        if capability not in self.repository.published:
            raise NotFound("capability", capability, tuple(self.repository.published))
        await self.dispatcher.close_breaker(capability, who.person, note)

    def _a_person(self, who: Session, what: str) -> None:
        if who.agent:
            raise Refused(what, ("people_only",))

    def _operator(self, who: Session, what: str) -> None:
        self._a_person(who, what)
        if who.role not in ("operator", "officer"):
            raise Refused(what, ("operators_only",))

    # -- what people ask ------------------------------------------------------------------------------------------

    def may_see(self, charter: str, team: str, who: Session) -> bool:
        """Whether somebody may look at a team's work here: its people may, and those who run the site."""
        return who.role in ("operator", "officer") or self.authorizer.in_team(charter, team, who.person)

    def campaign(self, name: str, who: Session) -> Campaign:
        """One campaign of this home site, for somebody who may see it.

        Raises:
            NotFound: none of that name, or one of another team; which, is not said.
        """
        found = self.campaigns.get(name)
        if not self.may_see(found.spec.charter, found.spec.team, who):
            raise NotFound("campaign", name)
        return found

    def campaigns_of(self, who: Session) -> list[Campaign]:
        """Every campaign of this home site that somebody may see."""
        found = (self.campaigns.get(name) for name in self.campaigns.names())
        return [one for one in found if self.may_see(one.spec.charter, one.spec.team, who)]

    def find_task(self, name: str) -> tuple[str, str]:
        """Home site and key of a task named `home/key`, or by its key alone where that is enough.

        Raises:
            NotFound: none here, or more than one.
        """
        home, _, key = name.rpartition("/")
        rows = self.ledger.query("SELECT home, key FROM task WHERE key = ? OR key LIKE ?", (key, key + "%"))
        found = {(row["home"], row["key"]) for row in rows if home in ("", row["home"])}
        exact = {pair for pair in found if pair[1] == key}
        if len(exact or found) != 1:
            raise NotFound("task", name, tuple(sorted(f"{h}/{k}" for h, k in found)))
        return next(iter(exact or found))

    def task(self, name: str) -> Task:
        """One task of this owner, whoever asks; what is shown to people goes through `task_for`."""
        return self.repository.task(task_stream(*self.find_task(name)))

    def task_for(self, name: str, who: Session) -> Task:
        """One task of this owner, for somebody who may see it.

        Raises:
            NotFound: none of that name, or one of another team.
            Refused: what was asked and what came of it were erased.
        """
        task = self.task(name)
        row = self.ledger.query("SELECT charter, team FROM task WHERE stream = ?", (task.stream,))[0]
        if not self.may_see(row["charter"], row["team"], who):
            raise NotFound("task", name)
        if task.request is None:
            raise Refused(f"task {name}", ("body_erased",))
        return task

    def tasks(self, state: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """The latest tasks of this owner, whoever asks; what is shown to people goes through `tasks_for`."""
        return self._tasks_where("state = ?" if state else "1 = 1", [state] if state else [], limit)

    def tasks_for(self, who: Session, state: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """The latest tasks of this owner that somebody may see."""
        if who.role in ("operator", "officer"):
            return self.tasks(state, limit)
        teams = sorted(self.authorizer.teams_of(who.person))
        condition = f"team IN ({', '.join('?' * len(teams))})"
        if state:
            return self._tasks_where(f"{condition} AND state = ?", [*teams, state], limit)
        return self._tasks_where(condition, teams, limit)

    def _tasks_where(self, condition: str, values: list[str], limit: int) -> list[dict[str, Any]]:
        return self.ledger.query(
            f"SELECT home, key, team, capability, campaign, state, effect, result, notified, asked, changed FROM task"
            f" WHERE {condition} ORDER BY first DESC LIMIT ?",
            (*values, limit),
        )

    def peers(self) -> list[dict[str, Any]]:
        """How each peer is reached and when it was last heard."""
        return [line | {"told_by": line["peer"]} for line in self.channels.statistics()]
