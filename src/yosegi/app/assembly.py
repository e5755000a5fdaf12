"""Composition by constructors: from what a site is made of to a site that can be started. Nothing else knows all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from yosegi.app.engines import OpenEngines
from yosegi.app.home import Home
from yosegi.app.ledger_mark import HighWaterMark, MarkKeeper
from yosegi.app.settings import NoticeSettings, Settings
from yosegi.campaign import Campaigns, in_thread
from yosegi.campaign.asking import StepRequests
from yosegi.campaign.events import PointsWanted
from yosegi.campaign.own_mandates import CampaignMandates
from yosegi.campaign.planning import Compute
from yosegi.core.clock import Clock
from yosegi.core.engine import Engines, Outcome
from yosegi.core.events import Events
from yosegi.core.object import ObjectRef
from yosegi.core.supervision import Round, Supervisor
from yosegi.core.transport import HttpTransport, Transport
from yosegi.data import Chunk, ChunkRequest, ObjectStore, Puller
from yosegi.data.pulling import Offload
from yosegi.exchange import Channels, Exchange, Mailbox
from yosegi.exchange.budget import PeerBudget
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.events import ClockCorrected
from yosegi.exchange.mailbox_host import RefusedMailRegister
from yosegi.exchange.passed_on import PASSED_ON
from yosegi.exchange.peer_router import PeerRouter
from yosegi.exchange.reports import Reports
from yosegi.exchange.requests import RequestChanged, Requests
from yosegi.exchange.restore_sync import ANSWERED, RestoreSync
from yosegi.exchange.witness import Witness
from yosegi.execution.admission import Admission
from yosegi.execution.breaker import Breakers
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.events import StopLevelChanged, TaskChanged
from yosegi.execution.instruments.control_runner import ControlRunner
from yosegi.execution.instruments.register import Instruments
from yosegi.execution.instruments.reservation_reports import ReservationReporter
from yosegi.execution.instruments.watch import InstrumentWatch
from yosegi.execution.last_resort import LastResort
from yosegi.execution.late_reports import SENT_AGAIN, LateReports
from yosegi.execution.lost_tasks import LostTasks
from yosegi.execution.records import TaskRepository
from yosegi.execution.reporting import Reporter
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.governance.agreements.suspensions import SuspensionRegister
from yosegi.governance.charter.registry import Registry
from yosegi.governance.events import DocumentInForce, MandateEnded, RemoteMandateEnded, RemoteMandateRenewed
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.policy.explanation import explained
from yosegi.governance.policy.what_if import Expectation
from yosegi.identity.access_tokens import AccessTokens
from yosegi.identity.accounts import Account
from yosegi.identity.agent_tokens import AgentTokens
from yosegi.identity.authentication import Authenticator
from yosegi.identity.oidc_claims import InstitutionSignIn
from yosegi.identity.sessions import SessionStore
from yosegi.ledger import Ledger
from yosegi.ledger.snapshot import Snapshot
from yosegi.services.access.service import AccessLog
from yosegi.services.agents.proposer import ProposingAgent
from yosegi.services.agents.proposing import ProposingAgents
from yosegi.services.agents.service import AgentService
from yosegi.services.alerts.email import Mailer
from yosegi.services.alerts.health import HealthChecks
from yosegi.services.alerts.ledger_scrub import LedgerScrub
from yosegi.services.alerts.service import AlertService, Send, to_log, to_webhook
from yosegi.services.approvals.service import ApprovalService
from yosegi.services.authorization.disclosure import PolicyDisclosure
from yosegi.services.authorization.revocation import RevocationMonitor
from yosegi.services.authorization.service import Authorizer
from yosegi.services.bench.people import PeopleHere
from yosegi.services.bench.service import BenchService
from yosegi.services.campaigns.amendments import AmendmentService
from yosegi.services.campaigns.export import CampaignExporter
from yosegi.services.campaigns.file_check import CampaignChecker
from yosegi.services.campaigns.service import CampaignService
from yosegi.services.campaigns.standing import CampaignConditions
from yosegi.services.capabilities.service import CapabilityCatalogue
from yosegi.services.delegation.service import MandateService
from yosegi.services.delegation.verifier import DelegationVerifier
from yosegi.services.document_kinds import FORMATS, Receivers, kinds
from yosegi.services.erasure.service import ErasureService
from yosegi.services.facility_jobs.service import FacilityJobs
from yosegi.services.file_tasks.service import FileTaskService
from yosegi.services.governance.publisher import DocumentPublisher
from yosegi.services.governance.renewal import StatementRenewal
from yosegi.services.governance.service import GovernanceService
from yosegi.services.grants.service import GrantService
from yosegi.services.incidents.service import IncidentService
from yosegi.services.instruments.asked_reservations import AskedReservations
from yosegi.services.instruments.bookings import BookingService
from yosegi.services.instruments.reservations import ReservationService
from yosegi.services.instruments.service import InstrumentService
from yosegi.services.metrics.service import MetricsService
from yosegi.services.objects.service import ObjectService
from yosegi.services.objects.transfers import ObjectTransfers
from yosegi.services.operations.service import OperationsService
from yosegi.services.operations.stop_permission import StopPermission
from yosegi.services.peers.service import PeerService
from yosegi.services.preflight.service import PreflightService
from yosegi.services.programme.service import ProgrammeService
from yosegi.services.runtime import Site
from yosegi.services.samples.handing_over import SampleHandOvers
from yosegi.services.samples.records import SampleRecords
from yosegi.services.samples.repository import SampleRepository
from yosegi.services.samples.service import SampleService
from yosegi.services.samples.shipments import ShipmentService
from yosegi.services.samples.task_samples import TaskSamples
from yosegi.services.samples.usability import SampleUsability
from yosegi.services.sessions.service import SessionService
from yosegi.services.tasks.requests import TaskRequests
from yosegi.services.tasks.service import TaskService
from yosegi.trust.explanation import Explanation
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Signer


@dataclass(frozen=True, slots=True)
class Parts:
    """What a site is made from, wherever it comes from: a home folder, or a test.

    Args:
        engines: makes what does the work, once it is known who takes outcomes that come late.
        snapshot: reads the ledger from where it lies, beside the running site.
        resources: closes what was opened for the site; the site closes it.
        last_resort: the file that has a stop until the ledger has it; None where there is no folder for one.
        agents: that propose for campaigns, by the name that a campaign gives, beside those of installed packages.
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
    supervisor: Supervisor
    mailbox: Mailbox | None = None
    folder: Path | None = None
    metrics_token: str = ""
    snapshot: Callable[[], Snapshot] | None = None
    last_resort: Path | None = None
    lasting: Signer | None = None
    institution: InstitutionSignIn | None = None
    agents: Mapping[str, ProposingAgent] = field(default_factory=dict)
    compute: Compute = in_thread
    expectations: tuple[Expectation, ...] = ()
    offload: Offload = asyncio.to_thread
    resources: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)


@dataclass(frozen=True, slots=True)
class _Core:
    """Who is who, what is allowed, and what waits for whom."""

    events: Events
    registry: Registry
    delegation: Delegation
    channels: Channels
    catalogue: CapabilityCatalogue
    authorizer: Authorizer
    requests: Requests
    access: AccessLog
    refused_mail: RefusedMailRegister
    budget: PeerBudget
    instruments: Instruments
    controls: ControlRunner


@dataclass(frozen=True, slots=True)
class _Data:
    """What travels beside documents: objects, what decisions rest on, what owners would say."""

    puller: Puller
    repository: TaskRepository
    engines: Engines
    transfers: ObjectTransfers
    disclosure: PolicyDisclosure
    preflight: PreflightService
    objects: ObjectService
    samples: SampleRecords


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done here for others and for this site's own members, and whoever may ask for it."""

    verifier: DelegationVerifier
    guard: RestoreGuard
    dispatcher: Dispatcher
    admission: Admission
    campaigns: Campaigns
    reports: Reports
    erasure: ErasureService
    authenticator: Authenticator
    mandates: MandateService
    restore_sync: RestoreSync
    tasks: TaskService


@dataclass(frozen=True, slots=True)
class _Governance:
    """Documents, grants, samples and reservations as people and peers give them."""

    publisher: DocumentPublisher
    grants: GrantService
    samples: SampleService
    hand_overs: SampleHandOvers
    shipments: ShipmentService
    reservations: ReservationService
    bookings: BookingService


def _core(parts: Parts) -> _Core:
    settings, ledger, clock, signer = parts.settings, parts.ledger, parts.clock, parts.signer
    site, events = settings.site, Events()
    registry, suspensions = Registry(site, ledger, clock), SuspensionRegister(ledger)
    delegation = Delegation(site, ledger, signer, clock, registry.hosts)
    witness = Witness(site, ledger, clock, registry, parts.lasting)
    router = PeerRouter(site, registry, witness, clock, suspensions.bars)
    channels = Channels(site, registry, clock, witness, ClockWatch(events), router, events)
    breakers = Breakers(site, ledger)
    controls = ControlRunner(site, ledger, clock, breakers, parts.supervisor.scope("control samples"))
    instruments = Instruments(
        site, ledger, clock, settings.instrument, controls.is_due, partial(_last_resort, parts.last_resort),
        ReservationReporter(site, signer, clock, channels.posted),
    )  # fmt: skip
    catalogue = CapabilityCatalogue(site, ledger, clock, signer, registry, channels, instruments)
    authorizer = Authorizer(
        site, ledger, clock, registry, delegation, parts.rules, suspensions, catalogue.facts, settings.groups,
        parts.expectations, settings.clearances, shows=settings.policies_shown_to == "parties",
    )  # fmt: skip
    requests = Requests(site, ledger, signer, clock, registry, delegation, channels, catalogue.contract_of, events)
    refused_mail = RefusedMailRegister(site, ledger, clock)
    recorded = recorded_settings(settings, parts.rules) if parts.folder is not None else {}
    access = AccessLog(site, ledger, clock, parts.accounts, recorded, parts.supervisor.scope("access"))
    return _Core(
        events, registry, delegation, channels, catalogue, authorizer, requests, access, refused_mail,
        PeerBudget(clock), instruments, controls,
    )  # fmt: skip


def _data(parts: Parts, core: _Core) -> _Data:
    settings, ledger, clock, store = parts.settings, parts.ledger, parts.clock, parts.objects
    site, registry, authorizer, channels = settings.site, core.registry, core.authorizer, core.channels
    scope = parts.supervisor.scope
    puller = Puller(store, clock, wrong_object, offload=parts.offload)
    reporter = Reporter(site, parts.signer, clock, registry)

    async def on_late(stream: str, outcome: Outcome) -> None:
        await repository.resolve(stream, outcome)

    published = parts.engines(on_late)
    samples = SampleRecords(site, ledger, clock, parts.signer)
    repository = TaskRepository(
        site, ledger, authorizer, published, reporter, channels.posted, core.events, TaskSamples(samples).follow
    )
    transfers = ObjectTransfers(
        site, ledger, clock, store, puller, authorizer, channels, core.requests, repository,
        settings.objects.largest_bytes, scope("objects"),
    )  # fmt: skip
    disclosure = PolicyDisclosure(
        site, ledger, store, puller, authorizer, channels, core.budget, scope("policy disclosure")
    )
    preflight = PreflightService(
        site, ledger, parts.signer, clock, registry, authorizer, channels, lambda: core.catalogue.own
    )
    objects = ObjectService(site, ledger, store, clock, registry, authorizer, transfers, core.access, parts.offload)
    engines = Engines(one.engine for one in published.values())
    return _Data(puller, repository, engines, transfers, disclosure, preflight, objects, samples)


def _last_resort(path: Path | None, instrument: str) -> LastResort:
    """The file of last resort of an instrument, beside that of the site."""
    return LastResort(None if path is None else path.with_stem(f"{path.stem}-{instrument}"))


def _work(parts: Parts, core: _Core, data: _Data) -> _Work:
    site, ledger, clock, signer = parts.settings.site, parts.ledger, parts.clock, parts.signer
    registry, authorizer, channels, requests = core.registry, core.authorizer, core.channels, core.requests
    events, delegation, repository, scope = core.events, core.delegation, data.repository, parts.supervisor.scope
    verifier = DelegationVerifier(
        site, ledger, signer, clock, registry, authorizer, channels, events, scope("delegation")
    )
    guard = RestoreGuard(site, ledger)
    lost, usability = LostTasks(repository, guard), SampleUsability(data.samples)
    dispatcher = Dispatcher(
        repository, clock, channels.clocks, verifier, data.transfers, usability, core.controls.breakers, lost,
        parts.supervisor.scope("execution"), LastResort(parts.last_resort), core.instruments,
        core.controls,
    )  # fmt: skip
    admission = Admission(
        repository, dispatcher, clock, authorizer, verifier, data.transfers, usability, guard, lost,
        core.budget, parts.settings.most_open_tasks, parts.settings.most_tasks_an_hour,
    )  # fmt: skip
    asking = StepRequests(requests, authorizer, data.objects.named)
    own = CampaignMandates(site, ledger, delegation, clock)
    campaigns = Campaigns(
        site, ledger, requests, asking, own, core.catalogue.contract_of, scope("campaigns"), events, parts.compute
    )
    reports = Reports(site, ledger, delegation, requests, campaigns.consequences)
    erasure = ErasureService(
        site, ledger, signer, clock, registry, channels, parts.objects, requests, repository, campaigns
    )
    authenticator = Authenticator(
        site, clock, parts.accounts, agents=delegation.keys_of_agent, refuses=authorizer.refuses
    )
    mandates = MandateService(
        site, ledger, signer, clock, registry, delegation, channels, authenticator, requests.cancel, events
    )
    restore_sync = RestoreSync(site, ledger, signer, clock, registry, channels, admission.on_lost, scope("restoration"))
    tasks = TaskService(ledger, repository, dispatcher, authorizer, mandates)
    return _Work(
        verifier, guard, dispatcher, admission, campaigns, reports, erasure, authenticator, mandates,
        restore_sync, tasks,
    )  # fmt: skip


def _governance(parts: Parts, core: _Core, data: _Data, work: _Work) -> _Governance:
    site, ledger, clock = parts.settings.site, parts.ledger, parts.clock
    publisher = DocumentPublisher(
        site, ledger, clock, core.registry, core.authorizer, core.channels, core.catalogue, core.events,
        core.budget,
    )  # fmt: skip
    grants = GrantService(site, ledger, clock, parts.signer, core.registry, core.channels)
    repository = SampleRepository(data.samples, core.channels, core.authorizer)
    samples = SampleService(site, core.registry, core.authorizer, repository)
    hand_overs = SampleHandOvers(site, clock, parts.signer, core.registry, repository)
    shipments = ShipmentService(site, core.registry, repository, data.repository, work.campaigns, core.budget)
    reservations = ReservationService(core.instruments, data.repository, core.authorizer)
    bookings = BookingService(
        site, ledger, clock, parts.signer, core.registry, core.channels, core.authorizer, core.catalogue
    )
    return _Governance(publisher, grants, samples, hand_overs, shipments, reservations, bookings)


def _instruments(
    parts: Parts, core: _Core, data: _Data, work: _Work, governance: _Governance, may_stop: StopPermission
) -> InstrumentService:
    return InstrumentService(
        core.instruments, work.dispatcher, data.repository, core.authorizer, may_stop, core.catalogue,
        governance.reservations, governance.bookings, data.objects, parts.supervisor.scope("instruments"),
    )  # fmt: skip


def _exchange(parts: Parts, core: _Core, data: _Data, work: _Work, governance: _Governance) -> Exchange:
    asked_reservations = AskedReservations(governance.reservations, core.instruments.reporter)
    late = LateReports(parts.settings.site, parts.ledger, parts.signer, parts.clock, core.channels.posted)
    receivers = Receivers(
        work.admission, work.reports, core.catalogue, work.verifier, work.mandates, data.preflight, work.erasure,
        governance.publisher, governance.grants, governance.hand_overs, governance.shipments,
        asked_reservations, governance.bookings, work.restore_sync, core.refused_mail,
    )  # fmt: skip

    async def give(charter: str, peer: str, want: ChunkRequest) -> Chunk:
        return data.disclosure.give(charter, peer, want) or await data.transfers.give(charter, peer, want)

    return Exchange(
        parts.settings.site, parts.ledger, parts.signer, parts.sealing, core.registry, parts.transport, parts.clock,
        core.channels, parts.supervisor.scope("exchange"),
        kinds=kinds(receivers),
        refused=(
            work.reports.rejected, data.preflight.rejected, work.erasure.rejected, governance.hand_overs.rejected,
            governance.shipments.rejected, governance.bookings.rejected, core.catalogue.rejected,
            asked_reservations.rejected, late.rejected,
        ),
        expects=tuple(one.expects for one in (core.requests, data.transfers, data.disclosure, data.preflight)),
        introduce=governance.publisher.introduce,
        gives=give,
        takes=data.puller.take,
        budget=core.budget,
        rebuilds={
            ANSWERED: work.restore_sync.rebuilt, PASSED_ON: work.restore_sync.passed_on_again,
            SENT_AGAIN: late.rebuilt,
        },
        offload=parts.offload,
        mailbox=parts.mailbox,
    )  # fmt: skip


def _alerts(parts: Parts, core: _Core, data: _Data, work: _Work, scrub: LedgerScrub | None) -> AlertService:
    site, ledger, clock, supervisor = parts.settings.site, parts.ledger, parts.clock, parts.supervisor
    health = HealthChecks(
        site, clock, work.dispatcher.breakers, work.guard, core.channels, supervisor, ledger,
        core.refused_mail, data.engines, parts.folder, work.erasure, scrub, CampaignConditions(work.campaigns, clock),
        work.dispatcher,
    )  # fmt: skip
    every = parts.settings.notices.repeat_minutes * 60
    return AlertService(site, ledger, clock, work.tasks, _senders(parts), health.now, supervisor.scope("alerts"), every)


def _background(parts: Parts, core: _Core, work: _Work, scrub: LedgerScrub | None) -> dict[str, Round]:
    """What a site does by itself while it runs: for its own files, and as time goes by on its instruments."""
    rounds: dict[str, Round] = {}
    if core.instruments:
        rounds["time on instruments"] = InstrumentWatch(parts.clock, work.dispatcher).round
    if scrub is not None:
        rounds["reading of the ledger"] = scrub.round
    if parts.folder is not None:
        mark = HighWaterMark(Home(parts.folder).ledger_mark)
        rounds["high-water mark of the ledger"] = MarkKeeper(mark, parts.ledger, parts.clock).round
    return rounds


def _subscribe(events: Events, data: _Data, work: _Work, alerts: AlertService, monitor: RevocationMonitor) -> None:
    """Who is told of what: all of it, in one place."""
    events.subscribe(RequestChanged, lambda event: data.transfers.reported(event.asked))
    events.subscribe(RequestChanged, lambda event: data.disclosure.reported(event.asked))
    events.subscribe(RequestChanged, lambda event: work.campaigns.reported(event.asked))
    events.subscribe(TaskChanged, lambda event: alerts.task_changed(event.task))
    events.subscribe(StopLevelChanged, lambda event: alerts.look())
    for ended in (MandateEnded, DocumentInForce):
        events.subscribe(ended, lambda event: work.campaigns.wake_all())
    for lapsed in (RemoteMandateEnded, DocumentInForce):
        events.subscribe(lapsed, lambda event: monitor.look())
    events.subscribe(TaskChanged, lambda event: work.dispatcher.task_changed(event.task))
    events.subscribe(RemoteMandateRenewed, lambda event: work.dispatcher.wake_all())
    events.subscribe(ClockCorrected, lambda event: work.dispatcher.wake_all())


def assemble(parts: Parts) -> Site:
    """Join the services into a site that can be started: every object gets all it needs when it is made."""
    site, ledger, clock, signer = parts.settings.site, parts.ledger, parts.clock, parts.signer
    scope = parts.supervisor.scope
    core = _core(parts)
    access = core.access
    data = _data(parts, core)
    work = _work(parts, core, data)
    governance = _governance(parts, core, data, work)
    registry, authorizer, channels, catalogue = core.registry, core.authorizer, core.channels, core.catalogue
    issuer = parts.institution.openid.client.issuer if parts.institution else ""
    publisher, signers = governance.publisher, [one for one in (signer, parts.lasting) if one]
    monitor = RevocationMonitor(
        ledger, data.repository, work.dispatcher, authorizer, work.verifier, scope("authorization")
    )
    scrub = None if parts.snapshot is None else LedgerScrub(site, parts.snapshot, clock)
    alerts = _alerts(parts, core, data, work, scrub)
    _subscribe(core.events, data, work, alerts, monitor)
    sessions = SessionStore(ledger, clock, work.authenticator, issuer)
    proposing = ProposingAgents(work.campaigns, authorizer, parts.agents, scope("proposing agents"))
    core.events.subscribe(PointsWanted, proposing.wanted)
    exporter = CampaignExporter(site, ledger, core.requests, data.disclosure, parts.objects, parts.lasting)
    campaigns = CampaignService(
        site, work.campaigns, channels.clocks, authorizer, work.mandates, exporter, access, channels,
        CampaignChecker(site, work.campaigns, authorizer, proposing), parts.offload,
    )  # fmt: skip
    queries = GovernanceService(
        site, clock, registry, authorizer, catalogue, publisher, data.preflight, frozenset(FORMATS)
    )
    may_stop = StopPermission(site, parts.settings.stop.by, parts.settings.stop.also)
    asking = TaskRequests(core.requests, authorizer, work.mandates, catalogue.contract_of)
    metrics = MetricsService(
        site, clock, ledger, channels, work.dispatcher, parts.supervisor, data.engines, alerts, sessions,
        parts.metrics_token,
    )  # fmt: skip
    return Site(
        name=site,
        title=parts.settings.title,
        clock=clock,
        ledger=ledger,
        supervisor=parts.supervisor,
        registry=registry,
        authorizer=authorizer,
        channels=channels,
        exchange=_exchange(parts, core, data, work, governance),
        requests=core.requests,
        dispatcher=work.dispatcher,
        repository=data.repository,
        restore_guard=work.guard,
        catalogue=catalogue,
        campaign_engine=work.campaigns,
        campaigns=campaigns,
        amendments=AmendmentService(site, work.campaigns, authorizer, work.authenticator, clock),
        bench=BenchService(
            data.engines,
            data.repository,
            authorizer,
            PeopleHere(work.authenticator, authorizer, parts.institution is not None),
        ),
        tasks=work.tasks,
        operations=OperationsService(
            data.repository, work.dispatcher, work.guard, parts.supervisor, data.engines, may_stop, core.events
        ),
        instruments=_instruments(parts, core, data, work, governance, may_stop),
        task_requests=asking,
        facility_jobs=FacilityJobs(site, ledger, clock, asking, core.requests, data.repository, work.tasks, authorizer),
        incidents=IncidentService(ledger, lambda: data.repository.published),
        file_tasks=FileTaskService(data.objects),
        peers=PeerService(channels),
        programme=ProgrammeService(ledger, registry, queries, governance.grants, campaigns),
        renewal=StatementRenewal(site, clock, registry, publisher, signers, scope("governance")),
        resources=parts.resources,
        background=_background(parts, core, work, scrub),
        lasting=parts.lasting,
        institution=parts.institution,
        access_tokens=_access_tokens(parts, work.authenticator),
        alerts=alerts,
        agents=AgentService(ledger, clock, core.delegation),
        agent_tokens=AgentTokens(clock, work.authenticator),
        authenticator=work.authenticator,
        sessions=sessions,
        access=access,
        metrics=metrics,
        signing_in=SessionService(work.authenticator, sessions, access),
        transfers=data.transfers,
        objects=data.objects,
        erasure=work.erasure,
        evidence=data.disclosure,
        preflight=data.preflight,
        rights=work.verifier,
        watch=monitor,
        approvals=ApprovalService(
            site, ledger, clock, data.repository, work.dispatcher, authorizer, work.authenticator
        ),
        mandates=work.mandates,
        restore_sync=work.restore_sync,
        publisher=publisher,
        grants=governance.grants,
        samples=governance.samples,
        hand_overs=governance.hand_overs,
        governance=queries,
        engines=data.engines,
    )


def recorded_settings(settings: Settings, rules: Mapping[str, str]) -> dict[str, object]:
    """What is recorded of the settings at each start that finds others: site.toml holds no secret, and rules none."""
    return {**settings.model_dump(mode="json"), **{f"policy/{name}": text for name, text in rules.items()}}


def wrong_object(ref: ObjectRef, site: str, why: str) -> Explanation:
    """What is said of a peer that sent other bytes than it named."""
    return explained("object_wrong", digest=ref.sha256, site=site, why=why)


def _access_tokens(parts: Parts, authenticator: Authenticator) -> AccessTokens | None:
    """Where the settings name an audience, tokens of the institution's provider are accepted for the facility API."""
    iri = parts.settings.iri
    if iri is None or not iri.audience or parts.institution is None:
        return None
    return AccessTokens(parts.institution, authenticator, iri.audience)


def _senders(parts: Parts) -> tuple[Send, ...]:
    settings: NoticeSettings = parts.settings.notices
    senders: list[Send] = [to_log]
    if settings.webhook:
        # The institution's own address, which no peer chose.
        transport = HttpTransport()
        parts.resources.push_async_callback(transport.close)
        senders.append(to_webhook(settings.webhook, transport))
    if settings.email is not None:
        mailer = Mailer(clock=parts.clock, **settings.email.model_dump())
        senders.append(mailer)
        if settings.people:
            senders.append(mailer.to_people(settings.people))
    return tuple(senders)
