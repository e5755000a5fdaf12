"""`yosegi charter`: the life of the document that makes sites a federation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app import membership
from yosegi.app.dated_files import read_toml
from yosegi.app.home import Home
from yosegi.app.init_home import draft_statement, make_governance_keys
from yosegi.app.keyring import signers
from yosegi.cli._files import write_output
from yosegi.cli.connection import with_home, with_home_or_keys
from yosegi.cli.documents import (
    File,
    Keys,
    Out,
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
from yosegi.cli.output import as_json, explained, in_shell, say, show_json, show_table
from yosegi.core import canonical
from yosegi.core.clock import SystemClock, timestamp
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.reasons import explain
from yosegi.governance.charter.amendment import AmendmentProgress, differences, progress, successor
from yosegi.governance.charter.charter import Charter, Member, Team, follow
from yosegi.governance.charter.statement import Statement
from yosegi.trust.keys import PublicKey

if TYPE_CHECKING:
    from yosegi.trust.envelope import Envelope

DATES = ("issued", "expires")


@click.command()
@with_home_or_keys
@Keys
@as_json
@explained
def key(home: Path | None, keys: tuple[Path, ...], json_: bool) -> None:
    """Show the governance keys of a site, or of the files named, as they stand in a charter; and their fingerprints.

    \b
    Example: yosegi charter key --home home
    """
    found = tuple(load_signer(path) for path in keys)
    if not found and home is not None:
        found = signers(Home(home), "governance")
    _show_keys([one.public for one in found], json_)


@click.command("make-key")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@as_json
@explained
def make_key(folder: Path, json_: bool) -> None:
    """Make a further officer's pair of governance keys in the new FOLDER, and show them as they stand in a charter.

    For members whose documents need several officers (`needed = 2` in the charter). Best made on a machine without a
    network: only what is printed leaves it. The officer signs with both files: --key FOLDER/governance.key
    --key FOLDER/governance-pq.key

    \b
    Example: yosegi charter make-key second-officer
    """
    _show_keys(make_governance_keys(folder), json_)


def _show_keys(keys: Sequence[PublicKey], json_: bool) -> None:
    if json_:
        show_json([{"key": public.model_dump(mode="json"), "fingerprint": public.fingerprint} for public in keys])
        return
    listed = ", ".join(f'{{ algorithm = "{one.algorithm}", public = "{one.public}" }}' for one in keys)
    say(f"keys = [{listed}]")
    for public in keys:
        say(f"read aloud: {public.algorithm} {public.fingerprint}")


@click.command()
@click.argument("source", type=File)
@Out
@explained
def init(source: Path, out: Path) -> None:
    """Make the unsigned first version of a charter from SOURCE, a TOML file.

    Dates that are left out are filled in: from now, for a year. Members sign with both Ed25519 and ML-DSA-65, unless it
    says `post_quantum = false`.

    \b
    Example: yosegi charter init charter.toml --out charter.json
    """
    made = from_toml(source, Charter, DATES, {"version": 1, "post_quantum": True})
    save(out, made.sign())
    say(f"{out}: unsigned; each member signs it: yosegi charter sign {out}")


@click.command()
@click.argument("current", type=File)
@click.argument("changes", type=File)
@Out
@explained
def propose(current: Path, changes: Path, out: Path) -> None:
    """Make the unsigned version after CURRENT; CHANGES is a TOML file of what becomes otherwise.

    Whole fields are replaced (`title`, `expires`, `threshold`, `focus_areas` …). Members, teams, focus areas and
    challenges may be given one by one: those named are added or replaced, and `leave` names those that go.

    \b
    expires = 2028-04-01T00:00:00Z
    [[teams]]
    id = "alloys"
    challenges = ["alloys-by-design"]
    …
    [[members]]
    id = "harwell"
    …
    [leave]
    members = ["lab-b"]

    \b
    Example: yosegi charter propose charter.json changes.toml --out charter-2.json
    """
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


@click.command()
@click.argument("document", type=File)
@with_home_or_keys
@Keys
@click.option(
    "--before", type=File, help="The version in force, for a home that never accepted it: keys it names sign."
)
@explained
def sign(document: Path, home: Path | None, keys: tuple[Path, ...], before: Path | None) -> None:
    """Add a member's signatures to DOCUMENT, in place. Read it first: yosegi charter show DOCUMENT.

    A member that DOCUMENT drops may have to sign it under the rule of the version in force; where its home has not
    accepted that, name it by --before.

    \b
    Example: yosegi charter sign charter-2.json
    """
    say(f"{document}: signed with {' and '.join(sign_file(document, home, keys, before))}")


@click.command("publish")
@with_home
@click.argument("documents", type=File, nargs=-1, required=True)
@explained
def publish_(home: Path, documents: tuple[Path, ...]) -> None:
    """Verify DOCUMENTS, put them in force at a site, running or not, and pass them on to the members they concern.

    What may not be believed is refused and named, and changes nothing.

    \b
    Example: yosegi charter publish charter-2.json
    """
    for path in documents:
        done = publish(home, read_document(path))
        say(f"{path}: the {done.kind} is in force under charter {done.charter}")


@click.command()
@click.argument("document", type=File)
@as_json
@explained
def show(document: Path, json_: bool) -> None:
    """Show a charter, statement or agreement, and whose keys signed it; nothing is verified.

    Of an invitation, an answer to one or a welcome it shows the charter in it.

    \b
    Example: yosegi charter show charter-2.json
    """
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


@click.command()
@with_home
@click.argument("charter_id")
@Out
@explained
def export(home: Path, charter_id: str, out: Path) -> None:
    """Write the charter that is in force at a site, as it was signed, to a file.

    \b
    Example: yosegi charter export pair --out pair.json
    """
    charters = membership.charters_in(documents_of(home, charter_id))
    if not charters:
        raise NotFound("charter", charter_id)
    save(out, charters[-1])
    say(f"{out}: version {Charter.peek(charters[-1]).version}")


@click.command()
@click.argument("old", type=File)
@click.argument("new", type=File)
@as_json
@explained
def diff(old: Path, new: Path, json_: bool) -> None:
    """Show what changes from one version of a charter to another, for people to read before they sign.

    \b
    Example: yosegi charter diff charter-1.json charter-2.json
    """
    lines = differences(_charter(old), _charter(new))
    if json_:
        show_json(lines)
    else:
        say("\n".join(lines) or "nothing changes")


@click.command()
@click.argument("versions", type=File, nargs=-1, required=True)
@click.option("--fingerprint", default="", help="What the last version's must be, as it was read aloud.")
@as_json
@explained
def verify(versions: tuple[Path, ...], fingerprint: str, json_: bool) -> None:
    """Check a chain of charters, in order, offline: that each was signed under the rule before it and its own.

    Of a last version that is not signed enough yet it says who has signed and what is lacking, with status 1.

    \b
    Example: yosegi charter verify charter-1.json charter-2.json
    """
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
    _check_fingerprint(last, fingerprint)
    if json_:
        show_json({"charter": last.id, "version": last.version, "fingerprint": last.fingerprint} | _told(told))
    else:
        _say_progress(last, told)
    if not told.complete:
        raise SystemExit(1)


def _told(found: AmendmentProgress) -> dict[str, Any]:
    lacking = [
        {"code": code, "en": explain(code, "en", **dict(fields)), "version": version}
        for code, fields, version in found.lacking
    ]
    return {"complete": found.complete, "signed": found.signed, "waiting": found.waiting, "lacking": lacking}


def _say_progress(last: Charter, found: AmendmentProgress) -> None:
    say(f"charter {last.id}, version {last.version}, until {last.expires:%Y-%m-%d}: {last.fingerprint}")
    say(f"signed by {', '.join(found.signed) or 'nobody yet'}")
    for name, (have, need) in found.begun.items():
        say(f"begun by {name}: {have} of {need} keys")
    for code, fields, version in found.lacking:
        say(f"by the rule of version {version}: {explain(code, 'en', **dict(fields))}")
    if found.waiting:
        say(f"not signed by {', '.join(found.waiting)}")


@click.command()
@with_home
@click.argument("charter_id")
@Keys
@click.option("--draft", is_flag=True, help="Only write it, unsigned, to be signed elsewhere: yosegi charter sign.")
@Out
@explained
def state(home: Path, charter_id: str, keys: tuple[Path, ...], draft: bool, out: Path) -> None:
    """State a site's keys and reach under a charter it lives in, for thirty days; its governance keys sign.

    Where a member needs the keys of several officers, or they are kept offline, the statement is a draft like every
    other document: written here, signed anywhere (`yosegi charter sign OUT --key FILE`), and put in force with
    `yosegi charter publish OUT`. While the site runs it renews the statement by itself, for a year at most.

    \b
    Example: yosegi charter state pair --out statement.json
    """
    member, unsigned, charter = _next_statement(home, charter_id)
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


def _next_statement(home: Path, charter_id: str) -> tuple[Member, Statement, Charter]:
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


# -- in a hurry -------------------------------------------------------------------------------------------------------


@click.command()
@with_home
@click.argument("charter_id")
@click.option("--title", default="", help="The charter's title, for a first charter.")
@click.option("--country", default="", help="This site's country, for a first charter: ISO 3166, e.g. US.")
@click.option(
    "--kind", type=click.Choice(membership.KINDS), default="laboratory", show_default=True, help="What it is."
)
@click.option("--team", default="", help="A team that the new member joins; made with a first charter.")
@click.option("--person", "people", multiple=True, help="A member of that team from here, e.g. pi@lab-a; repeatable.")
@click.option("--demonstration", is_flag=True, help="All of it stands on one machine, for practice.")
@Keys
@Out
@explained
def invite(
    home: Path,
    charter_id: str,
    title: str,
    country: str,
    kind: membership.MemberKind,
    team: str,
    people: tuple[str, ...],
    demonstration: bool,
    keys: tuple[Path, ...],
    out: Path,
) -> None:
    """Invite an institution to charter CHARTER_ID: to found it with this site, or to join it.

    The file holds nothing secret. It is answered by `yosegi site join`.

    \b
    Example: yosegi charter invite pair --title "Two laboratories" --country US --team alloys \\
      --out invitation.json
    """
    documents = documents_of(home, charter_id)
    charters = membership.charters_in(documents)
    site = Home(home).settings().site
    if charters:
        current = Charter.peek(charters[-1])
        inviter, wanted = current.member(site), current.team(team) if team else None
        if team and wanted is None:
            raise NotFound("team", team, tuple(one.id for one in current.teams))
    elif not country:
        raise Invalid("--country", f"{site} does not live in {charter_id}, so this would found it", "say where you are")
    else:
        inviter = membership.member_of(Home(home), country, kind, tuple(load_signer(key) for key in keys))
        wanted = (
            Team.read({"id": team, "title": team, "lead": site, "sites": [site], "people": people}) if team else None
        )
    if inviter is None:
        raise NotFound("member", site)
    invitation = membership.Invitation(
        charter=charter_id,
        title=title or charter_id,
        inviter=inviter,
        team=wanted,
        documents=membership.without_agreements(documents),
        demonstration=demonstration,
    )
    write_output(out, invitation.to_bytes())
    say(f"{out}: send it; it is answered by yosegi site join {out.name} --out answer.json")


@click.command()
@with_home
@Keys
@click.argument("answer", type=File)
@click.option("--fingerprint", default="", help="What the other side reads aloud; asked for, if it is not given.")
@Out
@explained
def admit(home: Path, answer: Path, fingerprint: str, keys: tuple[Path, ...], out: Path) -> None:
    """Sign the charter in ANSWER, after its fingerprint was compared aloud, and welcome whoever sent it.

    Where others must sign as well, OUT is the charter for them to sign, and nothing is in force yet. Once it is signed
    and published here, the same command with another OUT writes the welcome.

    \b
    Example: yosegi charter admit answer.json --out welcome.json
    """
    given = membership.MembershipAnswer.read(answer.read_bytes(), what=str(answer))
    proposed = Charter.peek(given.charter)
    documents = documents_of(home, proposed.id)
    charters = membership.charters_in(documents)
    current = Charter.peek(charters[-1]) if charters else None
    if current is not None and current.digest == proposed.digest:
        _welcome(home, given, out)
        return
    for line in differences(current, proposed) if current else [f"founds {proposed.id} with {_members(proposed)}"]:
        say(line, err=True)
    _compare_aloud(proposed, fingerprint)
    named = {*proposed.keys, *(current.keys if current else ())}
    found_keys = [load_signer(key) for key in keys] or list(signers(Home(home), "governance"))
    mine = [one for one in found_keys if one.public.key_id in named]
    signed = given.charter.signed_also_by(*mine)
    found = progress(current, proposed, signed)
    if not found.complete:
        save(out, signed)
        _say_progress(proposed, found)
        say(f"{out}: the charter, for them to sign: yosegi charter sign {out}")
        say(f"then: yosegi charter publish {out}; and for the welcome: yosegi charter admit {answer} --out FILE")
        return
    publish(home, signed)
    if not _stated(documents, Home(home).settings().site):
        _, unsigned, _ = _next_statement(home, proposed.id)
        publish(home, unsigned.sign(*mine))
    _welcome(home, given, out)


def _welcome(home: Path, given: membership.MembershipAnswer, out: Path) -> None:
    """Put the statement of whoever joins in force, and write everything that is known under the charter for them."""
    publish(home, given.statement)
    stated = Statement.peek(given.statement)
    documents = membership.without_agreements(documents_of(home, stated.charter))
    write_output(out, membership.Welcome(site=stated.site, documents=documents).to_bytes())
    say(f"{stated.site} is in charter {stated.charter}. {out}: send it back; it is taken by yosegi site join")


def _stated(documents: Sequence[Envelope], site: str) -> bool:
    return any(e.payload_type == Statement.payload_type and Statement.peek(e).site == site for e in documents)


def _members(proposed: Charter) -> str:
    return " and ".join(member.id for member in proposed.members)


def _compare_aloud(proposed: Charter, said: str) -> None:
    """Have people compare a charter's fingerprint.

    Raises:
        Invalid: they are not the same.
    """
    say(f"fingerprint of charter {proposed.id}, version {proposed.version}: {proposed.fingerprint}", err=True)
    if not said:
        said = click.prompt("What does the other side read aloud?", err=True)
    _check_fingerprint(proposed, said)


def _check_fingerprint(proposed: Charter, said: str) -> None:
    if said and "".join(said.lower().split()) != proposed.fingerprint.replace(" ", ""):
        raise Invalid(
            "the fingerprint", "it is another charter that the other side holds", "do not sign; ask on another line"
        )


def join_charter(
    home: Path,
    file: Path,
    country: str,
    kind: membership.MemberKind,
    people: Sequence[str],
    keys: Sequence[Path],
    out: Path | None,
) -> None:
    """Answer an invitation, or take a welcome.

    Raises:
        Invalid, Untrusted: the file is neither, or does not hold.
    """
    value = canonical.loads(file.read_bytes(), what=str(file))
    form = value.get("format") if isinstance(value, dict) else None
    officers = tuple(load_signer(key) for key in keys)
    if form == "yosegi.welcome.v1":
        welcome = membership.Welcome.read(value, what=str(file))
        charter = membership.check_mine(Home(home), welcome, officers)
        for envelope in membership.taken(welcome):
            publish(home, envelope)
        say(f"{welcome.site} lives in charter {charter.id}, version {charter.version}: {charter.fingerprint}")
        return
    if form != "yosegi.invitation.v1":
        is_document = isinstance(value, dict) and "payload" in value
        todo = "it is for members to sign; ask whoever invited you for the welcome" if is_document else ""
        raise Invalid(str(file), "is neither an invitation nor a welcome", todo)
    if not country or out is None:
        raise Invalid("the command", "an invitation is answered with --country and --out", "say both")
    invitation = membership.Invitation.read(value, what=str(file))
    member = membership.member_of(Home(home), country, kind, officers)
    current, proposed = membership.propose(invitation, Home(home), member, people, SystemClock())
    if current is not None:
        say(f"charter {current.id} as it is in force: {current.fingerprint}; hear it from {invitation.inviter.id}")
    write_output(out, membership.answer(proposed, Home(home), SystemClock(), officers).to_bytes())
    say(f"{out}: send it back. Read aloud to {invitation.inviter.id}: {proposed.fingerprint}")


def _charter(path: Path) -> Charter:
    return Charter.peek(read_document(path))
