"""The Python client of a running site: the same verbs as its pages and command line, with the same values."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from yosegi.client._arguments import check_kind
from yosegi.client.campaigns import CampaignHandle
from yosegi.client.connection import Connection, SiteRefused
from yosegi.core.clock import Clock, SystemClock
from yosegi.core.errors import Invalid, Unavailable
from yosegi.services.campaigns.schemas import CampaignCheck, CampaignDetail, CampaignSummary
from yosegi.services.peers.schemas import PeerStatus, SiteInfo
from yosegi.services.sessions.schemas import BrowserSignIn, SessionEnded, SessionToken

if TYPE_CHECKING:
    from yosegi.client.governance import GovernanceClient, MandatesClient
    from yosegi.client.grants import GrantsClient
    from yosegi.client.instruments import InstrumentsClient
    from yosegi.client.objects import ObjectsClient
    from yosegi.client.operations import OperationsClient
    from yosegi.client.samples import SamplesClient
    from yosegi.client.tasks import RequestsClient, TasksClient
    from yosegi.services.capabilities.schemas import CapabilitySummary, ContractDetail
    from yosegi.services.governance.schemas import (
        AccessLine,
        AgreementDetail,
        CharterDetail,
        PolicyAnswer,
        WhatIfAnswer,
    )
    from yosegi.trust.signer import Signer


_SPEC = "the path of a campaign file, its text, or a dict of the same shape"


class Client:
    """A connection to one site, made by `connect`.

    What it can be asked stands with the noun it is about: `tasks`, `requests`, `objects`, `samples`,
    `instruments`, `grants`, `governance`, `mandates` and `operations`; what scientists ask most stands here. Each noun
    is imported, with its answers, when it is first used.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def url(self) -> str:
        """The site's address."""
        return self._connection.url

    @property
    def token(self) -> str:
        """Of the session; empty where nobody is signed in. Whoever has it acts as this person."""
        return self._connection.token

    def __repr__(self) -> str:
        return f"<client of {self.url}, {'signed in' if self.token else 'not signed in'}>"

    # -- nouns ----------------------------------------------------------------------------------------------------

    @cached_property
    def tasks(self) -> TasksClient:
        """Tasks that others asked of this site."""
        from yosegi.client.tasks import TasksClient

        return TasksClient(self._connection)

    @cached_property
    def requests(self) -> RequestsClient:
        """Single tasks that are asked from this site."""
        from yosegi.client.tasks import RequestsClient

        return RequestsClient(self._connection)

    @cached_property
    def objects(self) -> ObjectsClient:
        """Data at this site."""
        from yosegi.client.objects import ObjectsClient

        return ObjectsClient(self._connection)

    @cached_property
    def samples(self) -> SamplesClient:
        """Physical samples."""
        from yosegi.client.samples import SamplesClient

        return SamplesClient(self._connection)

    @cached_property
    def instruments(self) -> InstrumentsClient:
        """Time on instruments."""
        from yosegi.client.instruments import InstrumentsClient

        return InstrumentsClient(self._connection)

    @cached_property
    def grants(self) -> GrantsClient:
        """Grants, and what was spent of them."""
        from yosegi.client.grants import GrantsClient

        return GrantsClient(self._connection)

    @cached_property
    def governance(self) -> GovernanceClient:
        """Charters, agreements, policy and suspensions."""
        from yosegi.client.governance import GovernanceClient

        return GovernanceClient(self._connection)

    @cached_property
    def mandates(self) -> MandatesClient:
        """Mandates, and the agents that act under them."""
        from yosegi.client.governance import MandatesClient

        return MandatesClient(self._connection)

    @cached_property
    def operations(self) -> OperationsClient:
        """What people do with one whole site."""
        from yosegi.client.operations import OperationsClient

        return OperationsClient(self._connection)

    # -- the site -------------------------------------------------------------------------------------------------

    def site(self) -> SiteInfo:
        """Which site this is."""
        return self._connection.get(SiteInfo, "/site")

    def peers(self) -> tuple[PeerStatus, ...]:
        """How each peer is reached, and when it was last heard."""
        return self._connection.get_all(PeerStatus, "/peers")

    def changes(self, after: int = -1) -> Iterator[int]:
        """The site's last sequence, each time it grows; for ever."""
        request = self._connection.request("GET", f"/changes?after={after}")
        with self._connection.opened(request) as answer:
            try:
                for line in answer:
                    if line.startswith(b"data: "):
                        yield int(line[6:])
            except ValueError as error:
                raise Unavailable(self.url, str(error), "is the site running?") from None

    # -- what scientists ask --------------------------------------------------------------------------------------

    def capabilities(self) -> tuple[CapabilitySummary, ...]:
        """Everything that can be used."""
        from yosegi.services.capabilities.schemas import CapabilitySummary

        return self._connection.get_all(CapabilitySummary, "/capabilities")

    def capability(self, ref: str) -> ContractDetail:
        """One contract.

        Raises:
            Invalid: not of the form `site/name@version`.
        """
        from yosegi.core.identifiers import split_capability
        from yosegi.services.capabilities.schemas import ContractDetail

        check_kind("capability()", "ref", ref, str, "its name, e.g. kiln/oven.anneal@1")
        split_capability(ref)
        return self._connection.get(ContractDetail, f"/capabilities/{quote(ref)}")

    def campaigns(self) -> tuple[CampaignSummary, ...]:
        """Every campaign of this site."""
        return self._connection.get_all(CampaignSummary, "/campaigns")

    def campaign(self, name: str) -> CampaignHandle:
        """One campaign.

        Raises:
            SiteRefused: none of that name.
        """
        check_kind("campaign()", "name", name, str, "the name of a campaign")
        handle = CampaignHandle(self._connection, name)
        handle.state()
        return handle

    def start(self, spec: str | Path | Mapping[str, Any], mandate: str = "") -> CampaignHandle:
        """Start a campaign from a file, its text, or a dict of the same shape; the tables it names are brought along.

        Args:
            spec: the file, its text, or a dict; a table in a dict may be a DataFrame or a list of rows.
            mandate: under which it acts; without one, starting it gives it one.

        Raises:
            SiteRefused: everything that is wrong with it is in the message, each with its line.
            TypeError: the specification is of no such kind.
        """
        from yosegi.client.campaign_body import campaign_body

        check_kind("start()", "spec", spec, (str, Path, Mapping), _SPEC)
        body = campaign_body(spec) | {"mandate": mandate}
        started = self._connection.post(CampaignDetail, "/campaigns", body)
        return CampaignHandle(self._connection, started.name)

    def check(self, spec: str | Path | Mapping[str, Any], mandate: str = "") -> CampaignCheck:
        """What would be said of a campaign that is started so; nothing is changed.

        Raises:
            TypeError: the specification is of no such kind.
        """
        from yosegi.client.campaign_body import campaign_body

        check_kind("check()", "spec", spec, (str, Path, Mapping), _SPEC)
        body = campaign_body(spec) | {"mandate": mandate}
        return self._connection.post(CampaignCheck, "/campaigns/check", body)

    def charters(self) -> tuple[CharterDetail, ...]:
        """Every charter the site lives in."""
        return self.governance.charters()

    def agreements(self) -> tuple[AgreementDetail, ...]:
        """The agreements the site is a party to."""
        return self.governance.agreements()

    def explain(self, capability: str, **question: Any) -> PolicyAnswer:
        """What policy would answer, and why not; see `GovernanceClient.explain`."""
        return self.governance.explain(capability, **question)

    def what_if(self, capability: str, **question: Any) -> WhatIfAnswer:
        """What policy would answer if agreements or rules were others; see `GovernanceClient.what_if`."""
        return self.governance.what_if(capability, **question)

    def access(self, person: str = "", purpose: str = "") -> tuple[AccessLine, ...]:
        """What somebody may use in each of their teams, and why not the rest."""
        return self.governance.access(person, purpose)

    # -- signing in and out ---------------------------------------------------------------------------------------

    def begin_browser_sign_in(self) -> BrowserSignIn:
        """Begin a sign-in that a person confirms in a browser."""
        return self._connection.post(BrowserSignIn, "/session/browser")

    def collect_browser_sign_in(self, secret: str) -> SessionToken:
        """The token of a sign-in that was begun so, once the person has confirmed it; empty until then."""
        return self._connection.post(SessionToken, "/session/browser/collect", {"secret": secret})

    def sign_out(self) -> SessionEnded:
        """End the session: its token opens nothing any more."""
        return self._connection.post(SessionEnded, "/session/end")


def connect(
    url: str,
    *,
    person: str = "",
    key: str | Path | Signer | None = None,
    passphrase: str = "",
    token: str = "",
    agent: str = "",
    clock: Clock | None = None,
) -> Client:
    """Connect to a running site and sign in with a key or a passphrase; without either, only `site` answers.

    Args:
        url: the site's address, e.g. `http://127.0.0.1:8101`.
        person: who signs in, e.g. `pi@argonne`.
        key: the person's key, or the file that holds it.
        passphrase: instead of a key.
        token: of a sign-in that was made before, e.g. by `yosegi sign-in`.
        agent: the program that acts for the person; `key` is then its own.
        clock: dates the login.

    Raises:
        Invalid: that is no address, the key's file is none, or nobody is named who signs in.
        Unavailable: nobody answers there.
        SiteRefused: the site does not let this person in.
        TypeError: an argument is of another kind.
    """
    check_kind("connect()", "url", url, str, "the address of a site, e.g. http://127.0.0.1:8101")
    _check_address(url)
    for name, value in (("person", person), ("passphrase", passphrase), ("token", token), ("agent", agent)):
        check_kind("connect()", name, value, str, "a text")
    if key is not None and not isinstance(key, str | Path) and not hasattr(key, "sign"):
        raise TypeError(f"connect(): key is of type {type(key).__name__}; give the file of a key, or the key itself")
    connection = Connection(url.rstrip("/"), token)
    if key is None and not passphrase:
        return Client(connection)
    if not person:
        raise Invalid("the sign-in", "nobody is named", 'say who: person="pi@argonne"')
    body: dict[str, Any] = {"person": person, "passphrase": passphrase}
    if key is not None:
        from yosegi.trust.signer import Ed25519Signer

        signer = Ed25519Signer.load(Path(key)) if isinstance(key, str | Path) else key
        body = {"login": _login(connection, person, agent, signer, clock or SystemClock())}
    return Client(Connection(connection.url, connection.post(SessionToken, "/session", body).token))


def _login(connection: Connection, person: str, agent: str, signer: Signer, clock: Clock) -> dict[str, Any]:
    from yosegi.trust.login import Login

    now = clock.now()
    login = Login(
        person=person,
        agent=agent or None,
        site=connection.get(SiteInfo, "/site").site,
        nonce=secrets.token_hex(16),
        issued=now,
        not_after=now + timedelta(minutes=2),
    )
    return login.sign(signer).model_dump(mode="json")


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Invalid(f"address {url!r}", "not the address of a site", "e.g. http://127.0.0.1:8101")


__all__ = ["CampaignHandle", "Client", "SiteRefused", "connect"]
