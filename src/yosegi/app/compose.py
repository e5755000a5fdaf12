"""The composition root: settings and a home folder become a running site."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from yosegi.app.assembly import Parts, assemble
from yosegi.app.engines import derived, open_engines
from yosegi.app.home import Home
from yosegi.app.keyring import earlier_keys, lasting, read_client_secret, read_metrics_token, signer
from yosegi.app.ledger_mark import HighWaterMark
from yosegi.app.settings import Settings
from yosegi.app.stores import snapshot_of, store_of
from yosegi.core.clock import Clock, SystemClock
from yosegi.core.errors import Invalid
from yosegi.core.supervision import Supervisor
from yosegi.core.transport import HttpTransport
from yosegi.data import FileStore, ObjectsView
from yosegi.exchange import Mailbox, OutboxView
from yosegi.exchange.requests import RequestView
from yosegi.execution.instruments.reservation_view import ReservationView
from yosegi.execution.remote_mandates import RemoteMandatesView
from yosegi.execution.tasks import TaskView
from yosegi.execution.turn_view import TurnView
from yosegi.governance.grants.balances import GrantsView
from yosegi.governance.mandates.approvals import ApprovalsView
from yosegi.governance.mandates.view import MandatesView
from yosegi.identity.accounts import AccountFile
from yosegi.identity.oidc_claims import ClaimMapping, InstitutionSignIn
from yosegi.identity.openid import OidcClient, OpenId, over_http
from yosegi.identity.session_view import SessionView
from yosegi.ledger import Ledger, View
from yosegi.services.agents.endpoint import EndpointAgent, key_reader
from yosegi.services.agents.view import AgentCallsView
from yosegi.services.facility_jobs.view import FacilityJobView
from yosegi.services.grants.view import SpendingView
from yosegi.services.instruments.booking_view import BookingView
from yosegi.services.preflight.service import PreflightView
from yosegi.services.runtime import Site
from yosegi.services.samples.view import SampleView
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Signer

VERSION = f"yosegi {importlib.metadata.version('yosegi')}"


def views() -> list[View]:
    """Every view a site keeps, in the order in which they are applied."""
    return [
        OutboxView(),
        RequestView(),
        TaskView(),
        GrantsView(),
        SpendingView(),
        PreflightView(),
        ObjectsView(),
        ApprovalsView(),
        MandatesView(),
        RemoteMandatesView(),
        SessionView(),
        AgentCallsView(),
        FacilityJobView(),
        SampleView(),
        ReservationView(),
        BookingView(),
        TurnView(),
    ]


async def open_ledger(home: Home, settings: Settings, clock: Clock, key: Signer | None = None) -> Ledger:
    """The site's ledger, with all its views; takes the lock.

    Raises:
        Locked: the site is running.
        StoreFailed: the disk, or the database server, does not do what is asked.
        Corrupt: it does not hold together, is gone, or is older than it was.
        Invalid, LooseKeyFile: its key is not where the settings say.
    """
    mark, store = HighWaterMark(home.ledger_mark), store_of(home, settings)
    try:
        mark.check_present(exists=store.exists())
    except BaseException:
        store.close()
        raise
    ledger = await Ledger.open(
        store,
        site=settings.site,
        signer=key or signer(home, "site"),
        clock=clock,
        views=views(),
        code=VERSION,
        keys=earlier_keys(home),
    )
    try:
        mark.check(ledger)
        mark.write(ledger.checkpoint())
    except BaseException:
        ledger.close()
        raise
    return ledger


async def compose(home: Home) -> Site:
    """A site made from its home folder, not yet started; `Site.close` closes all that was opened for it.

    Where this fails, nothing stays open: no lock, no thread and no process.

    Raises:
        Invalid: settings, a key or a policy that does not hold.
        Invalid, CannotDerive: an engine's kind or settings, or something that it publishes, as in `derived`.
        Locked, Corrupt: as `open_ledger`.
    """
    settings, clock, key = home.settings(), SystemClock(), signer(home, "site")
    if settings.oidc is not None:
        # Said now, and not to the first person who wants to sign in.
        read_client_secret(home, settings.oidc)
    # Before the ledger is locked: importing what is published may take long, and fail.
    engines = await derived(settings.engines(), home.folder.absolute())
    resources = contextlib.AsyncExitStack()
    try:
        ledger = await open_ledger(home, settings, clock, key)
        resources.callback(ledger.close)
        parts = replace(
            _parts(home, settings, clock, key, ledger), resources=resources, folder=home.folder, last_resort=home.stop
        )
        mailbox = Mailbox(home.mailbox) if settings.keeps_mailboxes else None
        if mailbox is not None:
            resources.callback(mailbox.close)
        opening = partial(open_engines, engines, home, settings, clock, key, ledger, parts.objects, parts.supervisor)
        return assemble(
            replace(
                parts, engines=opening, mailbox=mailbox, expectations=home.expectations(),
                snapshot=partial(snapshot_of, home),
            )
        )  # fmt: skip
    except BaseException:
        await resources.aclose()
        raise


def _parts(home: Home, settings: Settings, clock: Clock, key: Signer, ledger: Ledger) -> Parts:
    """What a home folder gives, but for what runs."""
    return Parts(
        settings=settings,
        signer=key,
        lasting=lasting(home, "site"),
        institution=institution_of(home, settings, clock),
        sealing=Unsealer.load(home.keys / "sealing.key"),
        rules=home.rules(),
        accounts=AccountFile(home.accounts),
        clock=clock,
        transport=HttpTransport(refuses=settings.network.refuses, ca_file=home.inside(settings.network.ca_file)),
        ledger=ledger,
        metrics_token="" if settings.metrics is None else read_metrics_token(home, settings.metrics),
        engines=lambda on_late: {},
        objects=FileStore(home.objects),
        supervisor=Supervisor(clock),
        agents={
            name: EndpointAgent(one, key_reader(one, home.folder)) for name, one in settings.agents.endpoint.items()
        },
    )


@contextlib.asynccontextmanager
async def offline_site(home: Home) -> AsyncIterator[Site]:
    """The site of a home that is not running, for governance: its policies are in force, no engine is started.

    Whatever is to be sent waits until the site is served.

    Raises:
        Locked: the site is running.
        StoreFailed: the disk, or the database server, does not do what is asked.
        Invalid, Corrupt: as `compose`.
    """
    settings, clock, key = home.settings(), SystemClock(), signer(home, "site")
    ledger = await open_ledger(home, settings, clock, key)
    async with contextlib.AsyncExitStack() as resources:
        resources.callback(ledger.close)
        site = assemble(replace(_parts(home, settings, clock, key, ledger), resources=resources))
        site.catalogue.start(site.catalogue.published_before())
        known = {ref for charter in site.registry.charters() for ref in site.catalogue.facts(charter)}
        site.authorizer.expect(row for row in home.expectations() if row.what in known)
        await site.authorizer.start()
        yield site


def institution_of(home: Home, settings: Settings, clock: Clock) -> InstitutionSignIn | None:
    """Sign-in with the institution's provider, if the settings name one.

    Raises:
        Invalid: the library is not there.
    """
    oidc = settings.oidc
    if oidc is None:
        return None
    if importlib.util.find_spec("joserfc") is None:
        raise Invalid(str(home.settings_file), "[oidc] needs joserfc", "install it: pip install 'yosegi[oidc]'")
    client = OidcClient(
        oidc.issuer, oidc.client_id, oidc.redirect_uri, lambda: read_client_secret(home, oidc), oidc.scopes
    )
    admission = ClaimMapping(settings.site, oidc.claim, oidc.people, oidc.groups_claim, oidc.roles)
    return InstitutionSignIn(oidc.name, OpenId(client, clock, over_http), admission)
