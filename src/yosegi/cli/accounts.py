"""`yosegi site account` and `yosegi site sessions`: who may sign in at a site, and who is signed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, with_home, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import NotFound

ROLES = ("member", "operator", "officer")


class _Accounts(WholeGroup):
    """A group whose first command is the one that is meant where none is named: `yosegi site account PERSON`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["open", *args]
        return super().parse_args(ctx, args)


LeaveNoOfficer = click.option(
    "--leave-no-officer", is_flag=True, help="Also where no officer, or nobody who runs the site, could then sign in."
)


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
    from yosegi.cli import _accounts

    _accounts.open_(home, person, role, passphrase)


@account.command()
@with_home
@click.argument("person")
@click.argument("role", type=click.Choice(ROLES))
@LeaveNoOfficer
@explained
def role(home: Path, person: str, role: str, leave_no_officer: bool) -> None:
    """Make PERSON a member, operator or officer of this site.

    \b
    Example: yosegi site account role postdoc@riken operator
    """
    from yosegi.cli import _accounts

    _accounts.role(home, person, role, leave_no_officer)


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
    from yosegi.cli import _accounts

    _accounts.passphrase(home, person, passphrase)


@account.command()
@with_home
@click.argument("person")
@LeaveNoOfficer
@explained
def disable(home: Path, person: str, leave_no_officer: bool) -> None:
    """Let PERSON in no more, until the account is enabled again. Their sessions and agents end at once.

    \b
    Example: yosegi site account disable postdoc@riken
    """
    from yosegi.cli import _accounts

    _accounts.disable(home, person, leave_no_officer)


@account.command()
@with_home
@click.argument("person")
@explained
def enable(home: Path, person: str) -> None:
    """Let PERSON in again after `disable`.

    \b
    Example: yosegi site account enable postdoc@riken
    """
    from yosegi.cli import _accounts

    _accounts.enable(home, person)


@account.command()
@with_home
@click.argument("person")
@LeaveNoOfficer
@explained
def close(home: Path, person: str, leave_no_officer: bool) -> None:
    """Close the account of PERSON for good: passphrase and keys are forgotten, sessions and agents end at once.

    What PERSON did stays on record, and so does the name. A key file of theirs in people/ signs in nowhere any more.

    \b
    Example: yosegi site account close postdoc@riken
    """
    from yosegi.cli import _accounts

    _accounts.close(home, person, leave_no_officer)


@account.command("list")
@with_home
@as_json
@explained
def list_(home: Path, json_: bool) -> None:
    """List the accounts of this site, with what each signs in with.

    \b
    Example: yosegi site account list
    """
    from yosegi.cli import _accounts

    _accounts.list_(home, json_)


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
