"""`yosegi charter`, at work: documents made, shown, held against each other, signed and put in force."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yosegi.app import membership
from yosegi.app.dated_files import read_toml
from yosegi.app.home import Home
from yosegi.app.init_home import draft_statement, make_governance_keys
from yosegi.app.keyring import signers
from yosegi.cli.documents import (
    documents_of,
    from_toml,
    kind_of,
    last_statement,
    load_signer,
    publish,
    read_document,
    save,
    shown_documents,
    sign_file,
)
from yosegi.cli.output import in_shell, say, show_json, show_table
from yosegi.core import canonical
from yosegi.core.clock import SystemClock, timestamp
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.reasons import explain
from yosegi.governance.charter.amendment import AmendmentProgress, differences, progress, successor
from yosegi.governance.charter.charter import Charter, Member, follow
from yosegi.governance.charter.statement import Statement
from yosegi.trust.keys import PublicKey

if TYPE_CHECKING:
    from yosegi.trust.envelope import Envelope


DATES = ("issued", "expires")


def key(home: Path | None, keys: tuple[Path, ...], json_: bool) -> None:
    """Show the governance keys of a site, or of the files named, as they stand in a charter; and their fingerprints."""
    found = tuple(load_signer(path) for path in keys)
    if not found and home is not None:
        found = signers(Home(home), "governance")
    _show_keys([one.public for one in found], json_)


def make_key(folder: Path, json_: bool) -> None:
    """Make a further officer's pair of governance keys in the new FOLDER, and show them as they stand in a charter."""
    _show_keys(make_governance_keys(folder), json_)


def _show_keys(keys: Sequence[PublicKey], json_: bool) -> None:
    if json_:
        show_json([{"key": public.model_dump(mode="json"), "fingerprint": public.fingerprint} for public in keys])
        return
    listed = ", ".join(f'{{ algorithm = "{one.algorithm}", public = "{one.public}" }}' for one in keys)
    say(f"keys = [{listed}]")
    for public in keys:
        say(f"read aloud: {public.algorithm} {public.fingerprint}")


def init(source: Path, out: Path) -> None:
    """Make the unsigned first version of a charter from SOURCE, a TOML file."""
    made = from_toml(source, Charter, DATES, {"version": 1, "post_quantum": True})
    save(out, made.sign())
    say(f"{out}: unsigned; each member signs it: yosegi charter sign {out}")


def propose(current: Path, changes: Path, out: Path) -> None:
    """Make the unsigned version after CURRENT; CHANGES is a TOML file of what becomes otherwise."""
    old = _charter(current)
    new = _amended(old, read_toml(changes))
    save(out, new.sign())
    for line in differences(old, new):
        say(line)
    say(f"{out}: version {new.version}, unsigned; signed under the rule of version {old.version} and its own")


_LISTS = ("members", "teams", "focus_areas", "challenges")


def _amended(old: Charter, changes: dict[str, Any]) -> Charter:
    value = old.model_dump(mode="json", exclude_none=True)
    leave = changes.pop("leave", {})
    for name in _LISTS:
        given = {thing["id"]: thing for thing in changes.pop(name, ()) if isinstance(thing, dict) and "id" in thing}
        kept = [thing for thing in value[name] if thing["id"] not in given and thing["id"] not in leave.get(name, ())]
        value[name] = [*kept, *given.values()]
    now = SystemClock().now()
    merged = Charter.read(value | {"issued": timestamp(now)} | changes, what="the charter that would result")
    fields = {name: getattr(merged, name) for name in Charter.model_fields if name not in ("version", "previous", "id")}
    try:
        return successor(old, **fields)
    except ValueError as error:
        raise Invalid("the charter that would result", str(error)) from None


def sign(document: Path, home: Path | None, keys: tuple[Path, ...], before: Path | None) -> None:
    """Add a member's signatures to DOCUMENT, in place. Read it first: yosegi charter show DOCUMENT."""
    say(f"{document}: signed with {' and '.join(sign_file(document, home, keys, before))}")


def publish_(home: Path, documents: tuple[Path, ...]) -> None:
    """Verify DOCUMENTS, put them in force at a site, running or not, and pass them on to the members they concern."""
    for path in documents:
        done = publish(home, read_document(path))
        say(f"{path}: the {done.kind} is in force under charter {done.charter}")


def show(document: Path, json_: bool) -> None:
    """Show a charter, statement or agreement, and whose keys signed it; nothing is verified."""
    what, envelopes = shown_documents(document)
    if what and not json_:
        say(f"{document}: {what}")
    if json_:
        found = [_as_json(envelope) for envelope in envelopes]
        show_json(found if what else found[0])
        return
    for envelope in envelopes:
        _show(envelope)


def _as_json(envelope: Envelope) -> dict[str, Any]:
    signed = [signature.key_id for signature in envelope.signatures]
    value = canonical.loads(envelope.payload)
    return {"document": value, "signed_by": signed, "digest": envelope.payload_digest}


def _show(envelope: Envelope) -> None:
    value = canonical.loads(envelope.payload)
    signed = [signature.key_id for signature in envelope.signatures]
    show_table(("", ""), ((name, _short(item)) for name, item in value.items()))
    if envelope.payload_type == Charter.payload_type:
        shown = Charter.peek(envelope)
        _show_members(shown)
        _show_teams(shown)
        say(f"fingerprint {shown.fingerprint}: compare it aloud")
    say(f"digest {envelope.payload_digest}\nsigned by {', '.join(signed) or 'nobody yet'}")


def _show_members(shown: Charter) -> None:
    """Who is in it, whose site they use, and by which keys they sign: as their officers read them aloud."""
    rows = ((one.id, one.kind, one.country, one.needed, one.hosted_by or one.id) for one in shown.members)
    show_table(("member", "kind", "country", "keys to sign", "site"), rows, empty="no members")
    keys = ((one.id, key.algorithm, key.fingerprint) for one in shown.members for key in one.keys)
    show_table(("key of", "algorithm", "fingerprint"), keys, empty="no keys")


def _show_teams(shown: Charter) -> None:
    """Who works with whom, and on what."""
    rows = (
        (team.id, team.lead, ", ".join(team.sites), team.focus_area, ", ".join(team.challenges or ()))
        for team in shown.teams
    )
    show_table(("team", "lead", "sites", "focus area", "challenges"), rows, empty="no teams")
    for one in shown.challenges:
        if not shown.teams_on(one.id):
            say(f"no team works on the challenge {one.id}")


def _short(item: Any) -> str:
    if isinstance(item, list) and item and isinstance(item[0], dict):
        if {"algorithm", "public"} <= item[0].keys():
            keys = [PublicKey.read(one, what="a key") for one in item]
            return ", ".join(f"{key.algorithm} {key.fingerprint}" for key in keys)
        return ", ".join(str(one.get("id", one)) for one in item)
    return json.dumps(item, ensure_ascii=False) if isinstance(item, dict | list) else str(item)


def export(home: Path, charter_id: str, out: Path) -> None:
    """Write the charter that is in force at a site, as it was signed, to a file."""
    charters = membership.charters_in(documents_of(home, charter_id))
    if not charters:
        raise NotFound("charter", charter_id)
    save(out, charters[-1])
    say(f"{out}: version {Charter.peek(charters[-1]).version}")


def diff(old: Path, new: Path, json_: bool) -> None:
    """Show what changes from one version of a charter to another, for people to read before they sign."""
    lines = differences(_charter(old), _charter(new))
    if json_:
        show_json(lines)
    else:
        say("\n".join(lines) or "nothing changes")


def verify(versions: tuple[Path, ...], fingerprint: str, json_: bool) -> None:
    """Check a chain of charters, in order, offline: that each was signed under the rule before it and its own."""
    envelopes = [read_document(path) for path in versions]
    for path, envelope in zip(versions, envelopes, strict=True):
        if kind_of(envelope, str(path)) is not Charter:
            raise Invalid(str(path), "is not a charter")
    now = SystemClock().now()
    current = follow(None, envelopes[:-1], now) if len(envelopes) > 1 else None
    last = Charter.peek(envelopes[-1])
    told = progress(current, last, envelopes[-1])
    if told.complete:
        last = follow(current, envelopes[-1:], now)
    check_fingerprint(last, fingerprint)
    if json_:
        show_json({"charter": last.id, "version": last.version, "fingerprint": last.fingerprint} | _told(told))
    else:
        say_progress(last, told)
    if not told.complete:
        raise SystemExit(1)


def _told(found: AmendmentProgress) -> dict[str, Any]:
    lacking = [
        {"code": code, "en": explain(code, "en", **dict(fields)), "version": version}
        for code, fields, version in found.lacking
    ]
    return {"complete": found.complete, "signed": found.signed, "waiting": found.waiting, "lacking": lacking}


def say_progress(last: Charter, found: AmendmentProgress) -> None:
    say(f"charter {last.id}, version {last.version}, until {last.expires:%F %H:%M} UTC: {last.fingerprint}")
    say(f"signed by {', '.join(found.signed) or 'nobody yet'}")
    for name, (have, need) in found.begun.items():
        say(f"begun by {name}: {have} of {need} keys")
    for code, fields, version in found.lacking:
        say(f"by the rule of version {version}: {explain(code, 'en', **dict(fields))}")
    if found.waiting:
        say(f"not signed by {', '.join(found.waiting)}")


def state(home: Path, charter_id: str, keys: tuple[Path, ...], draft: bool, out: Path) -> None:
    """State a site's keys and reach under a charter it lives in, for thirty days; its governance keys sign."""
    member, unsigned, charter = next_statement(home, charter_id)
    found = [] if draft else [load_signer(key) for key in keys] or list(signers(Home(home), "governance"))
    named = {one.key_id for one in member.keys}
    envelope = unsigned.sign(*(one for one in found if one.public.key_id in named))
    save(out, envelope)
    if member.signed([signature.key_id for signature in envelope.signatures], charter.algorithms):
        publish(home, envelope)
        say(f"{out}: in force here; send it to those that this site does not reach")
        return
    have = len(envelope.signatures) // len(charter.algorithms)
    say(f"{out}: a draft; {have} of {member.needed} governance key pairs of {member.id} have signed it")
    say(f"next: yosegi charter sign {out} --key FILE, then yosegi charter publish {out} --home {in_shell(home)}")


def next_statement(home: Path, charter_id: str) -> tuple[Member, Statement, Charter]:
    """A site as a member, its next statement, unsigned, and the charter in force.

    Raises:
        NotFound: the site does not live in that charter.
    """
    documents = documents_of(home, charter_id)
    charters = membership.charters_in(documents)
    if not charters:
        raise NotFound("charter", charter_id)
    current, site = Charter.peek(charters[-1]), Home(home).settings().site
    member, before = current.member(site), last_statement(documents, site)
    if member is None:
        raise NotFound("member", site)
    serial, revoked = (before.serial + 1, before.revoked) if before else (1, ())
    made = draft_statement(Home(home), current, SystemClock(), serial, revoked=revoked)
    return member, made, current


def check_fingerprint(proposed: Charter, said: str) -> None:
    if said and "".join(said.lower().split()) != proposed.fingerprint.replace(" ", ""):
        raise Invalid(
            "the fingerprint", "it is another charter that the other side holds", "do not sign; ask on another line"
        )


def _charter(path: Path) -> Charter:
    return Charter.peek(read_document(path))
