"""`yosegi charter invite` and `admit`, and `yosegi site join`, at work: three files between two institutions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yosegi.app import membership
from yosegi.app.home import Home
from yosegi.app.keyring import signers
from yosegi.cli._charter_documents import check_fingerprint, next_statement, say_progress
from yosegi.cli._files import write_output
from yosegi.cli.documents import documents_of, load_signer, publish, save
from yosegi.cli.output import say
from yosegi.core import canonical
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.member_kinds import KINDS, MemberKind
from yosegi.governance.charter.amendment import differences, progress
from yosegi.governance.charter.charter import Charter, Member, Team
from yosegi.governance.charter.statement import Statement

if TYPE_CHECKING:
    from yosegi.trust.envelope import Envelope


def invite(
    home: Path,
    charter_id: str,
    title: str,
    country: str,
    kind: MemberKind,
    team: str,
    people: tuple[str, ...],
    demonstration: bool,
    keys: tuple[Path, ...],
    out: Path,
) -> None:
    """Invite an institution to charter CHARTER_ID: to found it with this site, or to join it."""
    documents = documents_of(home, charter_id)
    charters = membership.charters_in(documents)
    site = Home(home).settings().site
    current = Charter.peek(charters[-1]) if charters else None
    if current is not None:
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
    if current is not None:
        _refuse_changes(current, inviter, wanted, title, country, kind, people, demonstration)
    invitation = membership.Invitation(
        charter=charter_id,
        title=current.title if current else title or charter_id,
        inviter=inviter,
        team=wanted,
        documents=membership.without_agreements(documents),
        demonstration=demonstration,
    )
    write_output(out, invitation.to_bytes())
    say(f"{out}: send it; it is answered by yosegi site join {out.name} --out answer.json")


def _refuse_changes(
    current: Charter,
    inviter: Member,
    team: Team | None,
    title: str,
    country: str,
    kind: MemberKind,
    people: Sequence[str],
    demonstration: bool,
) -> None:
    """Refuse what an invitation to a charter in force cannot change; what repeats the charter may be said.

    Raises:
        Invalid: names the options that say otherwise than the charter.
    """
    there = team.people if team else ()
    says = {
        f"--title {title!r}": bool(title) and title != current.title,
        f"--country {country}": bool(country) and country != inviter.country,
        f"--kind {kind}": kind not in (KINDS[0], inviter.kind),
        f"--person {', '.join(people)}": any(person not in there for person in people),
        "--demonstration": demonstration and not current.demonstration,
    }
    if other := [option for option, differs in says.items() if differs]:
        why = f"the charter is in force, and an invitation to it changes nothing of what {' and '.join(other)} would"
        raise Invalid(f"charter {current.id}", why, "leave that out; to change it: yosegi charter propose")


def admit(home: Path, answer: Path, fingerprint: str, keys: tuple[Path, ...], out: Path) -> None:
    """Sign the charter in ANSWER, after its fingerprint was compared aloud, and welcome whoever sent it."""
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
        say_progress(proposed, found)
        say(f"{out}: the charter, for them to sign: yosegi charter sign {out}")
        say(f"then: yosegi charter publish {out}; and for the welcome: yosegi charter admit {answer} --out FILE")
        return
    publish(home, signed)
    if not _stated(documents, Home(home).settings().site):
        _, unsigned, _ = next_statement(home, proposed.id)
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
    check_fingerprint(proposed, said)


def join_charter(
    home: Path,
    file: Path,
    country: str,
    kind: MemberKind,
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
    current, proposed = membership.propose(invitation, member, people, SystemClock())
    if current is not None:
        say(f"charter {current.id} as it is in force: {current.fingerprint}; hear it from {invitation.inviter.id}")
    write_output(out, membership.answer(proposed, Home(home), SystemClock(), officers).to_bytes())
    say(f"{out}: send it back. Read aloud to {invitation.inviter.id}: {proposed.fingerprint}")
