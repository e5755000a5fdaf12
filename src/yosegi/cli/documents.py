"""Signed documents as files on the command line: read, written, signed, and put in force at a site."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app.home import Home
from yosegi.cli._files import output, write_output
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.core.clock import SystemClock, timestamp
from yosegi.core.errors import Invalid
from yosegi.core.files import write_file

if TYPE_CHECKING:
    from yosegi.client.client import Client
    from yosegi.governance.charter.statement import Statement
    from yosegi.identity.accounts import Session
    from yosegi.services.governance.schemas import DocumentPublished
    from yosegi.services.runtime import Site
    from yosegi.trust.document import Document
    from yosegi.trust.envelope import Envelope
    from yosegi.trust.signer import Signer

File = click.Path(exists=True, dir_okay=False, path_type=Path)
Out = output()
Keys = click.option(
    "--key", "keys", type=File, multiple=True, help="A governance key's file from elsewhere; may be repeated."
)


def read_document(path: Path) -> Envelope:
    """A signed charter, statement or agreement from a file.

    Raises:
        Invalid: it is none of these.
    """
    from yosegi.trust.envelope import Envelope

    content = path.read_bytes()
    if (form := _form(content)) in MEMBERSHIP:
        what, todo = MEMBERSHIP[form]
        raise Invalid(str(path), f"is {what}, not a charter, statement or agreement", todo)
    envelope = Envelope.read(content, what=str(path))
    kind_of(envelope, str(path))
    return envelope


MEMBERSHIP = {
    "yosegi.invitation.v1": ("an invitation", "it is answered by yosegi site join"),
    "yosegi.answer.v1": ("the answer to an invitation", "it is taken by yosegi charter admit"),
    "yosegi.welcome.v1": ("a welcome", "it is taken by yosegi site join"),
}
"""The files that go round before somebody is a member: what each is, and what is done with it."""


def _form(content: bytes) -> str:
    """Which form a file says it has; empty where it says none."""
    from yosegi.core import canonical

    try:
        value = canonical.loads(content)
    except Invalid:
        return ""
    return str(value.get("format", "")) if isinstance(value, dict) else ""


def shown_documents(path: Path) -> tuple[str, list[Envelope]]:
    """What a file is, where it is more than one document, and the documents in it that people read before they act.

    Raises:
        Invalid: it is neither a document nor one of the files that go round before somebody is a member.
    """
    from yosegi.app import membership

    content = path.read_bytes()
    form = _form(content)
    if form not in MEMBERSHIP:
        return "", [read_document(path)]
    what, todo = MEMBERSHIP[form]
    if form == "yosegi.answer.v1":
        given = membership.MembershipAnswer.read(content, what=str(path))
        return f"{what}; {todo}", [given.charter, given.statement]
    if form == "yosegi.welcome.v1":
        welcome = membership.Welcome.read(content, what=str(path))
        return f"{what} for {welcome.site}; {todo}", membership.charters_in(welcome.documents)[-1:]
    invitation = membership.Invitation.read(content, what=str(path))
    team = f", into the team {invitation.team.id}" if invitation.team else ""
    told = f"{what} of {invitation.inviter.id} to the charter {invitation.charter}{team}; {todo}"
    return told, membership.charters_in(invitation.documents)[-1:]


def kind_of(envelope: Envelope, what: str) -> type[Document]:
    """Which kind of document it is.

    Raises:
        Invalid: neither charter, statement nor agreement.
    """
    from yosegi.governance.agreements.agreement import Agreement
    from yosegi.governance.charter.charter import Charter
    from yosegi.governance.charter.statement import Statement

    kinds: tuple[type[Document], ...] = (Charter, Statement, Agreement)
    for kind in kinds:
        if envelope.payload_type == kind.payload_type:
            return kind
    raise Invalid(what, f"{envelope.payload_type} is not a charter, statement or agreement")


def save(path: Path, envelope: Envelope) -> None:
    """Write a document that a command was asked for with `Out`."""
    write_output(path, envelope.to_bytes())


def from_toml(source: Path, kind: type[Document], dates: tuple[str, str], defaults: dict[str, Any]) -> Any:
    """An unsigned document of a TOML file; dates that are left out are from now, for a year.

    Raises:
        Invalid: not TOML, or not of that form.
    """
    from yosegi.app.dated_files import read_toml

    now = SystemClock().now()
    filled = {dates[0]: timestamp(now), dates[1]: timestamp(now + timedelta(days=365))}
    value = read_toml(source)
    if value.pop("kind", kind.kind) != kind.kind:
        raise Invalid(str(source), f"it is not of the kind {kind.kind}")
    return kind.read(defaults | filled | value, what=str(source))


def sign_file(path: Path, home: Path | None, keys: tuple[Path, ...], before: Path | None = None) -> list[str]:
    """Add a member's signatures to a document's file; the fingerprints of the keys that signed.

    A key that the charter does not name would spoil the document, so those sign that it names, or that the version
    `before` it does, or one that was accepted here: a member that leaves may be needed by the rule of the old one.

    Raises:
        Invalid: none of the keys is named.
    """
    from yosegi.app.keyring import signers
    from yosegi.governance.charter.charter import Charter

    envelope = read_document(path)
    found: list[Signer] = [load_signer(key) for key in keys]
    if not found and home is not None:
        found = list(signers(Home(home), "governance"))
    known = _named(home, envelope)
    if before is not None:
        known |= set(Charter.peek(read_document(before)).keys)
    chosen = [one for one in found if not known or one.public.key_id in known]
    if not chosen:
        raise Invalid(
            str(path),
            f"its charter names no governance key of {home or 'these files'}",
            "write it with these keys; or, if it drops their member, name the version in force: --before FILE",
        )
    write_file(path, envelope.signed_also_by(*chosen).to_bytes(), overwrite=True)
    return [one.public.fingerprint for one in chosen]


def load_signer(path: Path) -> Signer:
    """The key in a file, of whichever algorithm.

    Raises:
        LooseKeyFile, Invalid: it cannot be used.
    """
    from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

    try:
        return Ed25519Signer.load(path)
    except Invalid:
        return MlDsa65Signer.load(path)


def _named(home: Path | None, envelope: Envelope) -> set[str]:
    """The governance keys under whose charter a document stands; none where that charter was not accepted here."""
    from yosegi.app.stores import has_ledger
    from yosegi.core import canonical
    from yosegi.governance.charter.charter import Charter

    named = set(Charter.peek(envelope).keys) if envelope.payload_type == Charter.payload_type else set()
    if home is None or not has_ledger(Home(home)):
        return named
    value = canonical.loads(envelope.payload)
    charter = str(value.get("id", value.get("charter")))
    for known in documents_of(home, charter):
        if known.payload_type == Charter.payload_type:
            # A key that a new version takes away may be needed by the rule of the one before it.
            named = named | set(Charter.peek(known).keys)
    return named


def documents_of(home: Path, charter: str) -> list[Envelope]:
    """Every document a site has accepted under a charter; none where it does not live in it."""

    async def rest(site: Site, who: Session) -> tuple[Envelope, ...]:
        return site.governance.documents(charter) if charter in site.registry.charters() else ()

    def running(client: Client) -> tuple[Envelope, ...]:
        known = {one.id for one in client.charters()}
        return client.governance.documents(charter) if charter in known else ()

    return list(run_locally_or_remotely(home, rest, running))


def last_statement(documents: Iterable[Envelope], site: str) -> Statement | None:
    """A site's own last statement among documents, in the order of their acceptance."""
    from yosegi.governance.charter.statement import Statement

    stated = [Statement.peek(one) for one in documents if one.payload_type == Statement.payload_type]
    return next((one for one in reversed(stated) if one.site == site), None)


def publish(home: Path, envelope: Envelope) -> DocumentPublished:
    """Put a document in force at a site, running or not, and have it passed on.

    Raises:
        YosegiError: it may not be believed or published; nothing was changed.
    """

    async def rest(site: Site, who: Session) -> DocumentPublished:
        return await site.governance.publish(envelope.model_dump(mode="json"), who)

    return run_locally_or_remotely(home, rest, lambda client: client.governance.publish(envelope))


__all__ = [
    "MEMBERSHIP",
    "File",
    "Keys",
    "Out",
    "documents_of",
    "from_toml",
    "kind_of",
    "last_statement",
    "load_signer",
    "publish",
    "read_document",
    "save",
    "shown_documents",
    "sign_file",
]
