"""One running site: starts and closes what it is made of. Faces ask its services, one a noun."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from yosegi.campaign import Campaigns
from yosegi.core.clock import Clock
from yosegi.core.engine import Engines
from yosegi.core.supervision import Round, Supervisor, TaskScope
from yosegi.exchange import Channels, Exchange
from yosegi.exchange.requests import Requests
from yosegi.exchange.restore_sync import RestoreSync
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.records import TaskRepository
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.governance.charter.registry import Registry
from yosegi.identity.access_tokens import AccessTokens
from yosegi.identity.agent_tokens import AgentTokens
from yosegi.identity.authentication import Authenticator
from yosegi.identity.device_login import DeviceLogin
from yosegi.identity.oidc_claims import InstitutionSignIn
from yosegi.identity.sessions import SessionStore
from yosegi.ledger import Ledger
from yosegi.services.access.service import AccessLog
from yosegi.services.agents.service import AgentService
from yosegi.services.alerts.service import AlertService
from yosegi.services.approvals.service import ApprovalService
from yosegi.services.authorization.disclosure import PolicyDisclosure
from yosegi.services.authorization.revocation import RevocationMonitor
from yosegi.services.authorization.service import Authorizer
from yosegi.services.bench.service import BenchService
from yosegi.services.campaigns.amendments import AmendmentService
from yosegi.services.campaigns.service import CampaignService
from yosegi.services.capabilities.service import CapabilityCatalogue
from yosegi.services.delegation.service import MandateService
from yosegi.services.delegation.verifier import DelegationVerifier
from yosegi.services.erasure.service import ErasureService
from yosegi.services.facility_jobs.service import FacilityJobs
from yosegi.services.file_tasks.service import FileTaskService
from yosegi.services.governance.publisher import DocumentPublisher
from yosegi.services.governance.renewal import StatementRenewal
from yosegi.services.governance.service import GovernanceService
from yosegi.services.grants.service import GrantService
from yosegi.services.incidents.service import IncidentService
from yosegi.services.instruments.service import InstrumentService
from yosegi.services.metrics.service import MetricsService
from yosegi.services.objects.service import ObjectService
from yosegi.services.objects.transfers import ObjectTransfers
from yosegi.services.operations.service import OperationsService
from yosegi.services.peers.service import PeerService
from yosegi.services.preflight.service import PreflightService
from yosegi.services.programme.service import ProgrammeService
from yosegi.services.samples.handing_over import SampleHandOvers
from yosegi.services.samples.service import SampleService
from yosegi.services.sessions.service import SessionService
from yosegi.services.tasks.requests import TaskRequests
from yosegi.services.tasks.service import TaskService
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
        background: what else goes on while the site runs, by name.
        institution: lets people in whom their institution's provider vouches for.
        lasting: signs what must be believed in twenty years, beside the key that signs everything.
        access_tokens: knows who calls with a token that this provider gave out for this site.
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
    campaign_engine: Campaigns
    campaigns: CampaignService
    amendments: AmendmentService
    bench: BenchService
    tasks: TaskService
    task_requests: TaskRequests
    operations: OperationsService
    instruments: InstrumentService
    peers: PeerService
    programme: ProgrammeService
    alerts: AlertService
    agents: AgentService
    agent_tokens: AgentTokens
    authenticator: Authenticator
    sessions: SessionStore
    signing_in: SessionService
    access: AccessLog
    metrics: MetricsService
    transfers: ObjectTransfers
    objects: ObjectService
    erasure: ErasureService
    evidence: PolicyDisclosure
    preflight: PreflightService
    publisher: DocumentPublisher
    governance: GovernanceService
    rights: DelegationVerifier
    watch: RevocationMonitor
    grants: GrantService
    samples: SampleService
    hand_overs: SampleHandOvers
    approvals: ApprovalService
    mandates: MandateService
    restore_sync: RestoreSync
    renewal: StatementRenewal
    facility_jobs: FacilityJobs
    incidents: IncidentService
    file_tasks: FileTaskService
    resources: contextlib.AsyncExitStack
    background: Mapping[str, Round] = field(default_factory=dict)
    lasting: Signer | None = None
    institution: InstitutionSignIn | None = None
    access_tokens: AccessTokens | None = None
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
            self.campaign_engine.close,
        ):
            self.resources.push_async_callback(close)
        self._scope.repeat("watch over the ledger", self._watch_ledger)
        for name, work in self.background.items():
            self._scope.repeat(name, work)
        self.catalogue.start({name: p.contract for name, p in self.repository.published.items()})
        await self.authorizer.start()
        self.publisher.start()
        self.requests.start()
        self.rights.start()
        await self.access.start()
        self.exchange.start()
        self.objects.start()
        self.evidence.start()
        self.preflight.start()
        self.transfers.start()
        if any(not one.contract.effect.repeatable for one in self.repository.published.values()):
            await self.exchange.confirm()
        await self.dispatcher.start()
        self.instruments.start()
        # Not before it is known which breakers are open: an alert that was acknowledged would seem to have ended.
        self.alerts.start()
        await self.restore_sync.start()
        await self.erasure.start()
        await self.catalogue.publish(self.catalogue.own)
        self.campaign_engine.start()
        self.watch.start()
        self.renewal.start()

    async def _watch_ledger(self) -> bool:
        """Tell everybody who can still be told that nothing is recorded any more, and so nothing may be started."""
        why = await self.ledger.until_stopped()
        log.critical("the ledger of %s has stopped, and nothing is recorded any more: %s", self.name, why)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_ALERT):
                    await self.alerts.tell()
        finally:
            self.stopped.set()
        return False

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
