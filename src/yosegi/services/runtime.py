"""One running site: starts and stops what it is made of. Faces ask its services, one a noun."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.campaign import Campaigns
from yosegi.core.clock import Clock
from yosegi.core.supervision import Supervisor
from yosegi.exchange import Channels, Exchange
from yosegi.exchange.requests import Requests
from yosegi.exchange.restore_sync import RestoreSync
from yosegi.execution.owner import TaskOwner
from yosegi.governance.charter.registry import Registry
from yosegi.identity.accounts import Authenticator
from yosegi.identity.device_login import DeviceLogin
from yosegi.identity.oidc_claims import InstitutionSignIn
from yosegi.ledger import Ledger
from yosegi.services.alerts.service import AlertService
from yosegi.services.approvals.service import ApprovalService
from yosegi.services.authorization.disclosure import PolicyDisclosure
from yosegi.services.authorization.revocation import RevocationMonitor
from yosegi.services.authorization.service import Authorizer
from yosegi.services.campaigns.service import CampaignService
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
from yosegi.services.operations.service import OperationsService
from yosegi.services.peers.service import PeerService
from yosegi.services.preflight.service import PreflightService
from yosegi.services.programme.service import ProgrammeService
from yosegi.services.tasks.requests import TaskRequests
from yosegi.services.tasks.service import TaskService
from yosegi.trust.signer import Signer


@dataclass(repr=False)
class Site:
    """A site with all its services, made by the composition root.

    Args:
        institution: lets people in whom their institution's provider vouches for.
        lasting: signs what must be believed in twenty years, beside the key that signs everything.
        stations: answers the calls of stations, by station name.
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
    owner: TaskOwner
    catalogue: CapabilityCatalogue
    campaign_engine: Campaigns
    campaigns: CampaignService
    tasks: TaskService
    task_requests: TaskRequests
    operations: OperationsService
    peers: PeerService
    programme: ProgrammeService
    alerts: AlertService
    authenticator: Authenticator
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
    approvals: ApprovalService
    mandates: MandateService
    restore_sync: RestoreSync
    renewal: StatementRenewal
    lasting: Signer | None = None
    institution: InstitutionSignIn | None = None
    stations: Mapping[str, Any] = field(default_factory=dict)
    demonstration: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<site {self.name}>"

    def __post_init__(self) -> None:
        self.handover = DeviceLogin(self.clock)

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up everything where the ledger left it."""
        self.catalogue.start({name: p.contract for name, p in self.owner.published.items()})
        await self.authorizer.start()
        self.publisher.start()
        self.requests.start()
        self.alerts.start()
        self.exchange.start()
        self.objects.start()
        self.evidence.start()
        self.preflight.start()
        self.transfers.start()
        await self.owner.start()
        await self.restore_sync.start()
        await self.erasure.start()
        await self.catalogue.publish(self.catalogue.own)
        self.campaign_engine.start()
        for work in (self.alerts.run(), self.rights.run(), self.watch.run(), self.renewal.run()):
            self._tasks.append(asyncio.create_task(work))

    def release_waiters(self) -> None:
        """Answer everybody who is kept waiting, peers, stations and pages alike: the site is about to end."""
        self.exchange.release_waiters()
        self.ledger.release_waiters()
        for station in self.stations.values():
            station.release_waiters()

    async def close(self) -> None:
        """Stop watching; nothing that is recorded is lost, and engines end what they started."""
        await self.campaign_engine.close()
        await self.owner.close()
        await self.transfers.close()
        await self.evidence.close()
        await self.exchange.close()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for engine in {id(p.engine): p.engine for p in self.owner.published.values()}.values():
            await engine.close()
        self.ledger.close()
