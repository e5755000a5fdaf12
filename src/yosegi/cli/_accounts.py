"""`yosegi site account`, at work on the file of a home's accounts."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from yosegi.app.home import Home
from yosegi.cli.output import in_shell, say, show_json, show_table
from yosegi.core.errors import Conflict
from yosegi.identity.accounts import (
    RUN_THE_SITE,
    Account,
    Role,
    add_account,
    change_account,
    close_account,
    read_accounts,
)
from yosegi.trust.passphrase import hash_passphrase
from yosegi.trust.signer import Ed25519Signer

AT_ONCE = "a running site takes it up at once"


def open_(home: Path, person: str, role: str, passphrase: str) -> None:
    """Give PERSON an account at this site, with a key and, if one is typed, a passphrase."""
    place = Home(home)
    site = place.name()
    known_account = read_accounts(place.accounts).get(person)
    if known_account is not None and state_of(known_account) != "closed":
        todo = "change it: yosegi site account role, passphrase, enable"
        raise Conflict(f"account {person}", f"it is there, {state_of(known_account)}, as {known_account.role}", todo)
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


def role(home: Path, person: str, role: str, leave_no_officer: bool) -> None:
    """Make PERSON a member, operator or officer of this site."""
    _refuse_without_officer(home, person, role, leave_no_officer)
    change_account(_file_of(home), person, role=role)
    say(f"{person} is {role} now; {AT_ONCE}")


def passphrase(home: Path, person: str, passphrase: str) -> None:
    """Give PERSON another passphrase; who signed in with the old one is signed out."""
    change_account(_file_of(home), person, passphrase=hash_passphrase(passphrase))
    say(f"{person} has another passphrase; {AT_ONCE}, and ends their sessions")


def disable(home: Path, person: str, leave_no_officer: bool) -> None:
    """Let PERSON in no more, until the account is enabled again. Their sessions and agents end at once."""
    _refuse_without_officer(home, person, "", leave_no_officer)
    change_account(_file_of(home), person, disabled=True)
    say(f"{person} is let in no more; {AT_ONCE}; undo it: yosegi site account enable --home {in_shell(home)} {person}")


def enable(home: Path, person: str) -> None:
    """Let PERSON in again after `disable`."""
    change_account(_file_of(home), person, disabled=None)
    say(f"{person} may sign in again; {AT_ONCE}")


def close(home: Path, person: str, leave_no_officer: bool) -> None:
    """Close the account of PERSON for good: passphrase and keys are forgotten, sessions and agents end at once."""
    _refuse_without_officer(home, person, "", leave_no_officer)
    close_account(_file_of(home), person)
    say(f"the account of {person} is closed; {AT_ONCE}")


def _refuse_without_officer(home: Path, person: str, role: str, meant: bool) -> None:
    """Refuse a change after which no officer, or nobody who runs the site, could sign in, unless it is meant.

    Args:
        home: the site's folder.
        person: whose account changes.
        role: what they become; empty for one who is let in no more.
        meant: whether to change it all the same, and only say so.

    Raises:
        Conflict: it is the last such account.
    """
    is_open = {one.person: one.role for one in read_accounts(_file_of(home)).values() if state_of(one) == "open"}
    then = {one: had for one, had in is_open.items() if one != person} | ({person: role} if role else {})
    for roles, whose, what in (
        (RUN_THE_SITE, "an operator or officer", "publish what was signed, bar anybody, settle a task or end a stop"),
        (("officer",), "an officer", "erase a spill"),
    ):
        if is_open.get(person) in roles and not any(one in roles for one in then.values()):
            if meant:
                say(f"nobody with an account can {what} here now; make an account: {_make_officer(home)}", err=True)
                return
            why = f"it is the last open account of {whose}, and nobody with an account could then {what} here"
            todo = f"make another first: {_make_officer(home)}; or, if it is meant, say --leave-no-officer"
            raise Conflict(f"account {person}", why, todo)


def _make_officer(home: Path) -> str:
    return f"yosegi site account --home {in_shell(home)} PERSON --role officer"


def list_(home: Path, json_: bool) -> None:
    """List the accounts of this site, with what each signs in with."""
    found = [_line(one) for one in read_accounts(_file_of(home)).values()]
    if json_:
        show_json(found)
        return
    rows = ((one["person"], one["role"], one["state"], one["signs_in_with"]) for one in found)
    show_table(("person", "role", "state", "signs in with"), rows, empty="nobody has an account")


def _line(one: Account) -> dict[str, str]:
    means = [*(["passphrase"] if one.passphrase else []), *(["key"] if one.keys else [])]
    return {"person": one.person, "role": one.role, "state": state_of(one), "signs_in_with": ", ".join(means)}


def state_of(one: Account) -> str:
    """Whether an account is open, disabled or closed."""
    if not one.disabled:
        return "open"
    return "disabled" if one.passphrase or one.keys else "closed"


def _file_of(home: Path) -> Path:
    """The file of a home's accounts.

    Raises:
        Invalid: not a home.
    """
    place = Home(home)
    place.name()
    return place.accounts
