"""`yosegi site account` and `yosegi site sessions`: who may sign in at a site, and who is signed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from yosegi.app.home import Home
from yosegi.cli.connection import client_of, with_home, with_site
from yosegi.cli.output import as_json, explained, in_shell, say, show_json, show_table
from yosegi.core.errors import Conflict, NotFound
from yosegi.identity.accounts import (
    Account,
    Role,
    add_account,
    change_account,
    close_account,
    read_accounts,
)
from yosegi.trust.passphrase import hash_passphrase
from yosegi.trust.signer import Ed25519Signer

ROLES = ("member", "operator", "officer")
AT_ONCE = "a running site takes it up at once"


class _Accounts(click.Group):
    """A group whose first command is the one that is meant where none is named: `yosegi site account PERSON`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["open", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Accounts)
def account() -> None:
    """Open, change and close accounts: who may sign in at this site.

    \b
    yosegi site account pi@riken --role member        (the same as: account open)
    yosegi site account disable pi@riken
    yosegi site account close pi@riken
    yosegi site account list

    A running site takes every change up at once, without a restart: a session of an account that was closed, disabled
    or given another passphrase or key opens nothing any more, whether a page, a token or an agent of theirs holds it.
    What changed is on record in the site's ledger within a minute.
    """


@account.command("open")
@with_home
@click.argument("person")
@click.option("--role", type=click.Choice(ROLES), default="member", show_default=True)
@click.option(
    "--passphrase",
    prompt="Passphrase (empty for a key only)",
    default="",
    hide_input=True,
    help="To sign in with on the site's pages; asked for if it is not given, and empty for a key only.",
)
@explained
def open_(home: Path, person: str, role: str, passphrase: str) -> None:
    """Give PERSON an account at this site, with a key and, if one is typed, a passphrase.

    PERSON is of this site (pi@this-site), or of a member that a charter has this site host: they are let in for as long
    as it does. Somebody of another site may be given one too, to look or to approve; they ask through their own site.
    An account that was closed is opened anew; one that is open is changed by `account role` and `account passphrase`.

    \b
    Example: yosegi site account open postdoc@riken --role member
    """
    place = Home(home)
    site = place.settings().site
    known_account = read_accounts(place.accounts).get(person)
    if known_account is not None and _state(known_account) != "closed":
        todo = "change it: yosegi site account role, passphrase, enable"
        raise Conflict(f"account {person}", f"it is there, {_state(known_account)}, as {known_account.role}", todo)
    people = place.folder / "people"
    path = people / f"{person}.key"
    known = path.exists()
    signer = Ed25519Signer.load(path) if known else Ed25519Signer.generate()
    add_account(place.accounts, person, cast(Role, role), passphrase=passphrase, key=signer.public)
    if not known:
        people.mkdir(mode=0o700, exist_ok=True)
        signer.save(path)
    say(f"{person} is {role} at {site}; the key is in {path}; {AT_ONCE}")
    institution = person.rpartition("@")[2]
    if institution != site:
        say(f"let in only while a charter here names {institution}, as a site of its own or hosted by {site}")


@account.command()
@with_home
@click.argument("person")
@click.argument("role", type=click.Choice(ROLES))
@explained
def role(home: Path, person: str, role: str) -> None:
    """Make PERSON a member, operator or officer of this site.

    \b
    Example: yosegi site account role postdoc@riken operator
    """
    change_account(_accounts(home), person, role=role)
    say(f"{person} is {role} now; {AT_ONCE}")
    _warn_of_nobody(home)


@account.command()
@with_home
@click.argument("person")
@click.option(
    "--passphrase", prompt=True, confirmation_prompt=True, hide_input=True, help="The new one; asked for if not given."
)
@explained
def passphrase(home: Path, person: str, passphrase: str) -> None:
    """Give PERSON another passphrase; who signed in with the old one is signed out.

    \b
    Example: yosegi site account passphrase postdoc@riken
    """
    change_account(_accounts(home), person, passphrase=hash_passphrase(passphrase))
    say(f"{person} has another passphrase; {AT_ONCE}, and ends their sessions")


@account.command()
@with_home
@click.argument("person")
@explained
def disable(home: Path, person: str) -> None:
    """Let PERSON in no more, until the account is enabled again. Their sessions and agents end at once.

    \b
    Example: yosegi site account disable postdoc@riken
    """
    change_account(_accounts(home), person, disabled=True)
    say(f"{person} is let in no more; {AT_ONCE}; undo it: yosegi site account enable --home {in_shell(home)} {person}")
    _warn_of_nobody(home)


@account.command()
@with_home
@click.argument("person")
@explained
def enable(home: Path, person: str) -> None:
    """Let PERSON in again after `disable`.

    \b
    Example: yosegi site account enable postdoc@riken
    """
    change_account(_accounts(home), person, disabled=None)
    say(f"{person} may sign in again; {AT_ONCE}")


@account.command()
@with_home
@click.argument("person")
@explained
def close(home: Path, person: str) -> None:
    """Close the account of PERSON for good: passphrase and keys are forgotten, sessions and agents end at once.

    What PERSON did stays on record, and so does the name. A key file of theirs in people/ signs in nowhere any more.

    \b
    Example: yosegi site account close postdoc@riken
    """
    close_account(_accounts(home), person)
    say(f"the account of {person} is closed; {AT_ONCE}")
    _warn_of_nobody(home)


def _warn_of_nobody(home: Path) -> None:
    """Say so where nobody is left who may release a stop, settle a task or bar anybody at this site."""
    accounts = read_accounts(_accounts(home)).values()
    if not any(one.role in ("operator", "officer") and _state(one) == "open" for one in accounts):
        say(
            "no operator or officer can sign in with an account now; make one: "
            f"yosegi site account --home {in_shell(home)} PERSON --role officer",
            err=True,
        )


@account.command("list")
@with_home
@as_json
@explained
def list_(home: Path, json_: bool) -> None:
    """List the accounts of this site, with what each signs in with.

    \b
    Example: yosegi site account list
    """
    found = [_line(one) for one in read_accounts(_accounts(home)).values()]
    if json_:
        show_json(found)
        return
    rows = ((one["person"], one["role"], one["state"], one["signs_in_with"]) for one in found)
    show_table(("person", "role", "state", "signs in with"), rows, empty="nobody has an account")


def _line(one: Account) -> dict[str, str]:
    means = [*(["passphrase"] if one.passphrase else []), *(["key"] if one.keys else [])]
    return {"person": one.person, "role": one.role, "state": _state(one), "signs_in_with": ", ".join(means)}


def _state(one: Account) -> str:
    if not one.disabled:
        return "open"
    return "disabled" if one.passphrase or one.keys else "closed"


def _accounts(home: Path) -> Path:
    """The file of a home's accounts.

    Raises:
        Invalid: not a home.
    """
    place = Home(home)
    place.settings()
    return place.accounts


@click.command()
@click.option("--end", "name", default="", help="End this session, by its name in the list.")
@click.option("--of", "of", default="", help="End every session of this person and their agents.")
@with_site
@as_json
@explained
def sessions(name: str, of: str, json_: bool, **site: Any) -> None:
    """Show who is signed in at a running site, or end a session: its token opens nothing any more.

    Operators and officers see everybody's, and others their own. Somebody who knows a passphrase or has a key can sign
    in again: to lock them out, `yosegi site account disable` or `yosegi incident suspend person`.

    \b
    Example: yosegi site sessions
    """
    client = client_of(**site)
    found = client.operations.sessions()
    if name or of:
        ending = [one for one in found if (one.name == name if name else one.person == of)]
        if not ending:
            raise NotFound("session", name or f"of {of}", tuple(one.name for one in found))
        for one in ending:
            client.operations.end_session(one.name)
            say(f"ended the session {one.name} of {one.person}")
        return
    if json_:
        show_json(found)
        return
    rows = ((s.name, s.person, s.agent, "program" if s.program else "page", s.opened[:19], s.until[:19]) for s in found)
    show_table(("session", "person", "agent", "held by", "since", "until"), rows, empty="nobody is signed in")
