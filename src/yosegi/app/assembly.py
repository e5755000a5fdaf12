"""Joining the rooms: from what a site is made of to a site that can be started. Nothing else knows everyone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yosegi.app.engines import OpenEngines
from yosegi.app.settings import NoticeSettings, Settings
from yosegi.campaign import Campaigns, in_thread
from yosegi.campaign.engine import Compute
from yosegi.core.clock import Clock
from yosegi.core.engine import Engines, Outcome
from yosegi.core.object import ObjectRef
from yosegi.core.transport import HttpTransport, Transport
from yosegi.data import Chunk, ChunkRequest, ObjectStore, Puller
from yosegi.data.pulling import Offload
from yosegi.exchange import Exchange, Mailbox
from yosegi.exchange.requests import Requests
from yosegi.exchange.restore_sync import RestoreSync
from yosegi.execution.owner import TaskOwner
from yosegi.governance.charter.registry import Registry
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.policy.explanation import explained
from yosegi.governance.policy.what_if import Expectation
from yosegi.identity.accounts import Account, Authenticator
from yosegi.identity.oidc_claims import InstitutionSignIn
from yosegi.ledger import Ledger
from yosegi.services.alerts.email import Mailer
from yosegi.services.alerts.health import HealthChecks
from yosegi.services.alerts.service import AlertService, Send, to_log, to_webhook
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
from yosegi.services.runtime import Site
from yosegi.services.tasks.service import TaskRequests
from yosegi.trust.messages import Explanation
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Signer


@dataclass(frozen=True, slots=True)
class Parts:
    """What a site is made from, wherever it comes from: a home folder, or a test.

    Args:
        engines: makes what does the work, once it is known who takes outcomes that come late.
    """

    settings: Settings
    signer: Signer
    sealing: Unsealer
    rules: Mapping[str, str]
    accounts: Mapping[str, Account]
    clock: Clock
    transport: Transport
    ledger: Ledger
    engines: OpenEngines
    objects: ObjectStore
    mailbox: Mailbox | None = None
    folder: Path | None = None
    lasting: Signer | None = None
    institution: InstitutionSignIn | None = None
    compute: Compute = in_thread
    expectations: tuple[Expectation, ...] = ()
    offload: Offload = asyncio.to_thread


@dataclass(frozen=True, slots=True)
class _Core:
    """Who is who, what is allowed, and the conversations with others."""

    registry: Registry
    delegation: Delegation
    authorizer: Authorizer
    exchange: Exchange
    requests: Requests
    catalogue: CapabilityCatalogue


@dataclass(frozen=True, slots=True)
class _Data:
    """What travels beside documents: objects, what decisions rest on, what owners would say."""

    transfers: ObjectTransfers
    evidence: PolicyDisclosure
    preflight: PreflightService
    objects: ObjectService


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done here for others and for this site's own members, and whoever may ask for it."""

    rights: DelegationVerifier
    owner: TaskOwner
    engines: Engines
    campaigns: Campaigns
    erasure: ErasureService
    authenticator: Authenticator
    mandates: MandateService


def _core(parts: Parts) -> _Core:
    settings, ledger, clock, signer = parts.settings, parts.ledger, parts.clock, parts.signer
    registry = Registry(settings.site, ledger, clock)
    delegation = Delegation(settings.site, ledger, signer, clock)
    authorizer = Authorizer(
        settings.site, ledger, clock, registry, delegation, parts.rules, settings.groups, parts.expectations
    )
    authorizer.clearances, authorizer.shows = settings.clearances, settings.policies_shown_to == "parties"
    delegation.hosts = authorizer.hosts
    exchange = Exchange(
        settings.site, ledger, signer, parts.sealing, registry, parts.transport, clock, parts.mailbox, parts.lasting
    )
    requests = Requests(settings.site, ledger, signer, clock, registry, delegation, exchange.posted)
    catalogue = CapabilityCatalogue(settings.site, ledger, clock, signer, registry, exchange)
    authorizer.capabilities = catalogue.facts
    requests.contract_of, requests.check_clock = catalogue.contract_of, exchange.clocks.check_own
    return _Core(registry, delegation, authorizer, exchange, requests, catalogue)


def _data(parts: Parts, core: _Core) -> _Data:
    settings, ledger, clock = parts.settings, parts.ledger, parts.clock
    authorizer, exchange, requests = core.authorizer, core.exchange, core.requests
    puller = Puller(parts.objects, clock, wrong_object, offload=parts.offload)
    transfers = ObjectTransfers(
        settings.site,
        ledger,
        clock,
        parts.objects,
        puller,
        authorizer,
        exchange,
        requests,
        settings.objects.largest_bytes,
    )
    evidence = PolicyDisclosure(settings.site, ledger, parts.objects, puller, authorizer, exchange)
    preflight = PreflightService(
        settings.site, ledger, parts.signer, clock, core.registry, authorizer, exchange, lambda: core.catalogue.own
    )

    async def give(charter: str, peer: str, want: ChunkRequest) -> Chunk:
        return evidence.give(charter, peer, want) or await transfers.give(charter, peer, want)

    awaiting = (requests, transfers, evidence, preflight)
    exchange.gives, exchange.takes = give, puller.take
    exchange.expects = lambda charter, peer: any(one.expects(charter, peer) for one in awaiting)
    store, registry = parts.objects, core.registry
    objects = ObjectService(settings.site, ledger, store, clock, registry, authorizer, transfers, parts.offload)
    return _Data(transfers, evidence, preflight, objects)


def _work(parts: Parts, core: _Core, data: _Data) -> _Work:
    site, ledger, clock, signer = parts.settings.site, parts.ledger, parts.clock, parts.signer
    registry, authorizer, exchange, requests = core.registry, core.authorizer, core.exchange, core.requests

    async def on_late(stream: str, outcome: Outcome) -> None:
        await owner.resolve(stream, outcome)

    published = parts.engines(on_late)
    rights = DelegationVerifier(site, ledger, signer, clock, registry, authorizer, exchange)
    owner = TaskOwner(
        site,
        ledger,
        signer,
        clock,
        authorizer,
        rights,
        published,
        registry,
        exchange.posted,
        inputs=data.transfers,
    )
    owner.most_open, data.transfers.owner = parts.settings.most_open_tasks, owner
    exchange.clocks.righted = owner.block_while(lambda: exchange.clocks.seconds_off)
    contract_of, named = core.catalogue.contract_of, data.objects.named
    campaigns = Campaigns(
        site, ledger, requests, authorizer, core.delegation, contract_of, named, compute=parts.compute
    )
    erasure = ErasureService(site, ledger, signer, clock, registry, exchange, parts.objects, requests, owner, campaigns)
    authenticator = Authenticator(site, clock, parts.accounts, may_sign_in=authorizer.may_sign_in)
    mandates = MandateService(site, ledger, signer, clock, registry, core.delegation, exchange, authenticator)
    mandates.withdraw = requests.cancel
    engines = Engines(one.engine for one in published.values())
    return _Work(rights, owner, engines, campaigns, erasure, authenticator, mandates)


def _notices(parts: Parts, core: _Core, work: _Work) -> AlertService:
    site, clock = parts.settings.site, parts.clock
    conditions = HealthChecks(site, clock, work.owner, core.exchange, work.engines, parts.folder, work.erasure)
    every = parts.settings.notices.repeat_minutes * 60
    return AlertService(site, parts.ledger, clock, _senders(parts), every=every, conditions=conditions.now)


def assemble(parts: Parts) -> Site:
    """Join the rooms."""
    site, ledger, clock, signer = parts.settings.site, parts.ledger, parts.clock, parts.signer
    core = _core(parts)
    data = _data(parts, core)
    work = _work(parts, core, data)
    registry, authorizer, exchange, catalogue = core.registry, core.authorizer, core.exchange, core.catalogue
    publisher = DocumentPublisher(site, ledger, clock, registry, authorizer, exchange, catalogue)
    signers = [one for one in (signer, parts.lasting) if one]
    return Site(
        name=site,
        title=parts.settings.title,
        clock=clock,
        ledger=ledger,
        registry=registry,
        authorizer=authorizer,
        exchange=exchange,
        requests=core.requests,
        owner=work.owner,
        catalogue=catalogue,
        campaigns=work.campaigns,
        renewal=StatementRenewal(site, clock, registry, publisher, signers),
        lasting=parts.lasting,
        institution=parts.institution,
        notices=_notices(parts, core, work),
        authenticator=work.authenticator,
        transfers=data.transfers,
        objects=data.objects,
        erasure=work.erasure,
        evidence=data.evidence,
        preflight=data.preflight,
        rights=work.rights,
        watch=RevocationMonitor(ledger, clock, work.owner, authorizer, work.rights),
        approvals=ApprovalService(site, ledger, clock, work.owner, authorizer, work.authenticator),
        mandates=work.mandates,
        asking=TaskRequests(core.requests, authorizer, work.mandates, catalogue.contract_of),
        restore_sync=RestoreSync(site, ledger, signer, clock, registry, exchange, work.owner.lost),
        publisher=publisher,
        funds=GrantService(site, ledger, clock, signer, registry, exchange),
        governance=GovernanceService(site, clock, registry, authorizer, catalogue, publisher, data.preflight),
        engines=work.engines,
    )


def wrong_object(ref: ObjectRef, site: str, why: str) -> Explanation:
    """What is said of a peer that sent other bytes than it named."""
    return explained("object_wrong", digest=ref.sha256, site=site, why=why)


def _senders(parts: Parts) -> tuple[Send, ...]:
    settings: NoticeSettings = parts.settings.notices
    senders: list[Send] = [to_log]
    if settings.webhook:
        # The institution's own address, which no peer chose.
        senders.append(to_webhook(settings.webhook, HttpTransport()))
    if settings.email is not None:
        senders.append(Mailer(clock=parts.clock, **settings.email.model_dump()))
    return tuple(senders)
