"""The settings of one site: `site.toml` in its home folder, read strictly."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from yosegi.app.local_address import LAST_PORT, host_and_port, local_url_of
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import Clearance, PersonId, SiteId
from yosegi.core.object import LARGEST
from yosegi.core.values import Value
from yosegi.execution.engines.process.settings import ProcessSettings
from yosegi.execution.engines.registry import EngineTable, read_table
from yosegi.execution.engines.station.settings import StationSettings
from yosegi.execution.instruments.settings import InstrumentSettings
from yosegi.governance.charter.address import refused_number, wrong_form
from yosegi.identity.accounts import Role
from yosegi.identity.openid import is_provider_address
from yosegi.services.agents.settings import AgentSettings
from yosegi.services.operations.stop_permission import MayStop

Address = Annotated[str, StringConstraints(pattern=r"^[\w.\-\[\]:]+:\d{1,5}$")]
"""`host:port`; an IPv6 address in brackets, `[::1]:8100`."""


class KeySettings(Value):
    """A key in hardware. Its PIN never stands here: it comes from the environment or from a file of mode 0600."""

    module: str = Field(min_length=1)
    """Path of the vendor's PKCS #11 library."""
    token: str = Field(min_length=1)
    """The token's label."""
    label: str = Field(min_length=1)
    """The label of the key pair in it."""
    pin_env: str = ""
    """Name of the environment variable that holds the PIN."""
    pin_file: str = ""
    """Or the file that holds it, from the home folder."""

    @model_validator(mode="after")
    def _has_one_pin(self) -> KeySettings:
        if bool(self.pin_env) == bool(self.pin_file):
            raise ValueError("name either pin_env or pin_file, where the token's PIN is read")
        return self


class OidcSettings(Value):
    """Sign-in with the institution's OpenID Provider. Local accounts go on working beside it."""

    issuer: str
    """The provider, exactly as it names itself, e.g. `https://login.riken.example`."""
    client_id: str = Field(min_length=1)
    """This site's name there."""
    redirect_uri: str
    """This site's page that people come back to, as registered there: `https://…/sign-in/institution/back`."""
    client_secret_env: str = ""
    """The environment variable that holds the client's secret, if it has one; never here."""
    client_secret_file: str = ""
    """Or the file where it is read."""
    name: str = "your institution"
    """What the button says."""
    scopes: tuple[str, ...] = ("profile",)
    """What is asked for besides `openid`."""
    claim: str = "preferred_username"
    """Names the person: `x` is the account `x@site`. Choose one that people cannot choose themselves."""
    people: dict[str, PersonId] = Field(default_factory=dict)
    """Accounts of those whom the claim names otherwise."""
    groups_claim: str = "groups"
    """Names the person's groups."""
    roles: dict[Role, tuple[str, ...]] = Field(default_factory=dict)
    """Groups that give each role. Without any, only people with an account here are let in, with its role."""

    @model_validator(mode="after")
    def _is_safe(self) -> OidcSettings:
        if not urlsplit(self.redirect_uri).path.endswith("/sign-in/institution/back"):
            raise ValueError("redirect_uri ends with /sign-in/institution/back")
        for url in (self.issuer, self.redirect_uri):
            if not is_provider_address(url, url):
                raise ValueError(f"{url} is not an https address")
        if self.client_secret_env and self.client_secret_file:
            raise ValueError("name either client_secret_env or client_secret_file")
        return self


class LedgerSettings(Value):
    """Where the ledger lies: a file of the home folder, or a schema of a PostgreSQL database."""

    store: Literal["sqlite", "postgresql"] = "sqlite"
    """`sqlite` is a file of the home folder."""
    url: str = ""
    """How the server is reached: `postgresql://role@host/database`, or libpq's `host=… dbname=…`. No password."""
    schema_name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "yosegi"
    """One site's tables are in one schema; the site makes it."""
    password_env: str = ""
    """The environment variable that holds the role's password, if the server asks for one; never here."""
    password_file: str = ""
    """Or the file where it is read."""

    @model_validator(mode="after")
    def _is_safe(self) -> LedgerSettings:
        if (self.store == "postgresql") != bool(self.url):
            raise ValueError('store = "postgresql" needs a url, and nothing else has one')
        # The value itself is not repeated: it would stand in a log.
        if urlsplit(self.url).password is not None or re.search(r"\bpassword\s*=", self.url):
            raise ValueError("url holds a password: name password_env or password_file instead")
        if self.password_env and self.password_file:
            raise ValueError("name either password_env or password_file")
        return self


MailAddress = Annotated[str, StringConstraints(pattern=r"^[^\s@,]+@[^\s@,]+$")]


class EmailSettings(Value):
    """The mail server through which notices go."""

    host: str
    """Its name."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` on this machine only."""
    sender: Annotated[str, StringConstraints(pattern=r"^[^\s@]+@[^\s@]+$")]
    """The address that notices come from."""
    to: tuple[MailAddress, ...] = Field(min_length=1)
    """Where they go."""
    user: str = ""
    """As whom this site signs in there, if it has to."""
    password_file: str = ""
    """The file where the password is read; never here."""
    password_env: str = ""
    """Or the environment variable that holds it."""
    ca_file: str = ""
    """Certificates to trust besides the system's."""

    @model_validator(mode="after")
    def _is_safe(self) -> EmailSettings:
        if bool(self.user) != bool(self.password_file or self.password_env):
            raise ValueError("a user needs password_file or password_env, and neither is of use without a user")
        if self.security == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("without TLS only a mail server on this machine is used")
        return self


class NoticeSettings(Value):
    """Where notices to people go, besides the log."""

    webhook: str = ""
    """An address of the institution's own to which each notice is posted as JSON."""
    email: EmailSettings | None = None
    """A mail server through which they go."""
    people: dict[PersonId, MailAddress] = Field(default_factory=dict)
    """Where members want what concerns their own campaigns: held, ended, a source that keeps failing."""
    repeat_minutes: float = Field(default=10.0, gt=0)
    """Minutes after which what nobody has acknowledged is told again."""

    @model_validator(mode="after")
    def _can_reach_people(self) -> NoticeSettings:
        if self.people and self.email is None:
            raise ValueError("people have addresses, and [notices.email] names no mail server")
        return self


class LogSettings(Value):
    """What the site says on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    """From which level on: `info` tells sign-ins, stations and what becomes of tasks; `debug` every call of a peer."""
    form: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line for a log system."""


class MetricsSettings(Value):
    """Figures for Prometheus at `/metrics`, for whoever shows the token."""

    token_file: str = ""
    """The file, from the home folder, in which the bearer token stands; never here."""
    token_env: str = ""
    """Or the variable of the environment that has it."""

    @model_validator(mode="after")
    def _has_one_token(self) -> MetricsSettings:
        if bool(self.token_file) == bool(self.token_env):
            raise ValueError("name either token_file or token_env, where the bearer token is read")
        return self


class StopSettings(Value):
    """Who may stop everything the site runs: everybody who may be in the room."""

    by: MayStop = "anybody"
    """`anybody` who is signed in, `own_people` of this site, or its `operators` alone."""
    also: tuple[PersonId, ...] = ()
    """Further people by name, e.g. a visitor who works at the instrument."""


class NetworkSettings(Value):
    """Which addresses of peers this site connects to, whatever they state; public ones always."""

    loopback: bool = False
    """This machine itself: for a demonstration."""
    private: tuple[str, ...] = ()
    """Private ranges, as CIDR, e.g. `10.20.0.0/16`."""
    ca_file: str = ""
    """Certificates (PEM) of the institution's own authority, trusted beside the system's; from the home folder."""

    @field_validator("private")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value

    def refuses(self, number: str) -> str:
        """Why no connection is made to an IP address that a peer's address leads to; empty if one may be."""
        address = ipaddress.ip_address(number)
        why = refused_number(address, loopback=self.loopback, networks=self.private)
        if why and not refused_number(address, loopback=True, networks=self.private):
            return "it is this machine itself; to practise there, write loopback = true under [network] in site.toml"
        return f"{why}; to allow it, see [network] in site.toml" if why else ""


class FacilityApiSettings(Value):
    """The facility API of DOE's Integrated Research Infrastructure; it is served where `[iri]` stands in site.toml."""

    prefix: Annotated[str, StringConstraints(pattern=r"^(/[a-z0-9][a-z0-9._-]*)+$", max_length=100)] = "/iri"
    """Where it is served, beside the pages: `/iri/api/v2/facility`, `/iri/openapi.json`."""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/?#@]+[^\s?#]*)?$", max_length=400)] = ""
    """The address under which callers reach it, its prefix included; by default the site's `url` and the prefix."""
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "research"
    """The purpose of a job that names none; agreements say which purposes there are."""
    organization: Annotated[str, StringConstraints(max_length=200)] = ""
    """Who operates the facility; the site's title by default."""
    support_uri: Annotated[str, StringConstraints(pattern=r"^((https|mailto):\S+)?$", max_length=400)] = ""
    """Where its users find help."""
    country: Annotated[str, StringConstraints(max_length=100)] = ""
    """The facility's country, as it is told."""
    locality: Annotated[str, StringConstraints(max_length=100)] = ""
    """The facility's town, as it is told."""
    audience: Annotated[str, StringConstraints(max_length=400)] = ""
    """Access tokens (RFC 9068) of the provider in `[oidc]` are accepted if they are for exactly this audience."""


class ObjectSettings(Value):
    """How large data is taken."""

    largest_bytes: int = Field(default=4 * 2**30, ge=0, le=LARGEST)
    """A larger object is refused, whoever has it."""


class Settings(Value):
    """The whole of `site.toml`.

    Args:
        site: the name of this site, as charters have it.
        title: of this site, for people.
        keeps_mailboxes: whether this site keeps mail for members that only dial out.
        station: stations by name: each dials out to this site from an instrument computer.
        network: which addresses of peers this site connects to.
        objects: how large data is taken.
        notices: where notices to people go, besides the log.
        stop: who may stop everything the site runs.
        log: what the site says on standard error.
        metrics: figures for Prometheus, where they are served.
        ledger: where the ledger lies.
        listen: address of this machine where pages, API and stations are served.
        reach: `listens` (others may call `url`), `outbound` (mail waits at `mailbox`) or `carried`.
        url: how others reach this site, if it listens.
        mailbox: the member that keeps mail for this site, if it only dials out.
        process: the engine `process` of kind `process`, by a shorter name; `station.NAME` is `engine.NAME` of kind
            `station`.
        instrument: instruments by name: what shares one, and when it may be used.
        engine: other engines by name; each says its `kind`, which `yosegi engine list` names, and has the fields of
            that kind, which `yosegi engine show KIND` explains.
        most_open_tasks: tasks that one team may have waiting and running here at once; more are refused, with why.
        most_tasks_an_hour: tasks of one other site that are admitted at once and in an hour; more wait, and come again
            by themselves.
        groups: own staff by group, for house agreements.
        oidc: sign-in with the institution's provider.
        agents: tools for agents.
        policies_shown_to: who may see the policies that this owner's decisions rest on: `nobody` (they learn a digest),
            or `parties`: each home site the part that concerns its own people, this site's own forbids with it.
        clearances: what this site attests of its own people to owners, by clearance; on what grounds stands nowhere.
        key: keys that live in hardware; the others are files in `keys/`.
        iri: the facility API, where it is served.
    """

    site: SiteId
    title: str
    listen: Address
    reach: Literal["listens", "outbound", "carried"] = "listens"
    url: str = ""
    mailbox: str = ""
    keeps_mailboxes: bool = False
    most_open_tasks: int = Field(default=1000, ge=1)
    most_tasks_an_hour: int = Field(default=20_000, ge=1)
    policies_shown_to: Literal["nobody", "parties"] = "nobody"
    process: ProcessSettings = ProcessSettings()
    station: dict[SiteId, StationSettings] = Field(default_factory=dict)
    engine: dict[SiteId, dict[str, Any]] = Field(default_factory=dict)
    instrument: dict[SiteId, InstrumentSettings] = Field(default_factory=dict)
    network: NetworkSettings = NetworkSettings()
    objects: ObjectSettings = ObjectSettings()
    notices: NoticeSettings = NoticeSettings()
    stop: StopSettings = StopSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings | None = None
    ledger: LedgerSettings = LedgerSettings()
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    clearances: dict[Clearance, tuple[PersonId, ...]] = Field(default_factory=dict)
    key: dict[Literal["site", "governance"], KeySettings] = Field(default_factory=dict)
    oidc: OidcSettings | None = None
    agents: AgentSettings = AgentSettings()
    iri: FacilityApiSettings | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Settings:
        if self.reach == "listens" and not self.url:
            raise ValueError("a site that listens states its url")
        if self.reach == "outbound" and not self.mailbox:
            raise ValueError("a site that only dials out names the member that keeps its mailbox")
        if self.iri is not None and self.iri.audience and self.oidc is None:
            raise ValueError("[iri] audience is of the provider in [oidc], and there is none")
        return self

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and (why := wrong_form(value)):
            raise ValueError(f"is no address that others could call: {why}. e.g. https://yosegi.example.org")
        return value

    @field_validator("instrument")
    @classmethod
    def _use_one_each(cls, value: dict[str, InstrumentSettings]) -> dict[str, InstrumentSettings]:
        uses = [capability for settings in value.values() for capability in settings.lane]
        if twice := next((one for one in uses if uses.count(one) > 1), ""):
            raise ValueError(f"{twice} stands there twice; a capability uses one instrument")
        return value

    def engines(self) -> tuple[EngineTable, ...]:
        """Every engine that has something to do, by whatever table it stands in, its settings read.

        Raises:
            Invalid: a kind that is not installed, a field that does not hold, or one name for two engines.
        """
        tables = [EngineTable("process", "process", self.process, ("process",))] if self.process.publish else []
        tables += [EngineTable(n, "station", table, ("station", n)) for n, table in self.station.items()]
        tables += [read_table(name, table) for name, table in self.engine.items()]
        for table in tables:
            if [other.name for other in tables].count(table.name) > 1:
                raise Invalid(f"[{'.'.join(table.table)}]", f"another engine is called {table.name}", "rename one")
        return tuple(table for table in tables if table.settings.publish)

    @field_validator("listen")
    @classmethod
    def _has_a_port(cls, value: str) -> str:
        if int(value.rpartition(":")[2]) > LAST_PORT:
            raise ValueError(f"the port {value.rpartition(':')[2]} is above {LAST_PORT}")
        return value

    @property
    def addresses(self) -> tuple[str, ...]:
        """Under which programs of people reach this site: as it states itself, as agents are told, and where it binds.

        Without a slash at the end, and the one for choice first.
        """
        host, port = self.host_and_port
        shown = f"[{host}]" if ":" in host else host
        local = ("localhost", "127.0.0.1") if host in ("127.0.0.1", "localhost") else (shown,)
        named = (
            *self.agents.addresses,
            self.url,
            f"http://{shown}:{port}",
            *(f"http://{name}:{port}" for name in local),
        )
        return tuple(dict.fromkeys(name.rstrip("/") for name in named if name))

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where to bind."""
        return host_and_port(self.listen)

    @property
    def local_url(self) -> str:
        """The address at which programs on this machine reach the site."""
        return local_url_of(*self.host_and_port)
