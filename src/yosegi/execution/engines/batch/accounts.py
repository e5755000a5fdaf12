"""Whose account a job runs under: the centre's own map from (member, team) to (local user, project).

The map is a file or a program of the centre's. It is private to the site: nothing of it is in a ledger or on a wire. A
file is read again when it has changed; while it does not hold nothing is submitted, and that is said: the helper, which
is root's, believes the same file and no copy of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field, StringConstraints, model_validator

from yosegi.core.errors import Invalid, Unavailable, YosegiError
from yosegi.core.values import Value
from yosegi.execution.engines.batch.dialect import run_command
from yosegi.execution.engines.batch.job_spec import Word

log = logging.getLogger("yosegi.execution")
LocalUser = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
_ANSWER = 4096


class AccountUnmapped(YosegiError):
    """Nobody has said under whose account a job is to run."""

    code = "account_unmapped"

    def __init__(self, member: str, team: str, ask: str) -> None:
        self.member, self.team, self.ask = member, team, ask
        todo = f"Ask {ask}" if ask else "Ask the computing centre for an entry in its account map"
        super().__init__(f"{member or 'nobody'} of team {team or '(none)'} has no account on this machine. {todo}")


class LocalAccount(Value):
    """An account of the machine, and the project that is charged; the job template's if none."""

    user: LocalUser
    project: Word | None = None


class AccountEntry(LocalAccount):
    """A line of the map: for a member in a team, a member in any team, or anybody in a team."""

    member: Annotated[str, StringConstraints(max_length=200)] | None = None
    team: Annotated[str, StringConstraints(max_length=200)] | None = None

    @model_validator(mode="after")
    def _is_for_somebody(self) -> AccountEntry:
        if not self.member and not self.team:
            raise ValueError("an entry names a member, a team or both")
        return self


class AccountTable(Value):
    """The whole map; `ask` says whom to ask for an entry."""

    ask: Annotated[str, StringConstraints(max_length=200)] = ""
    account: tuple[AccountEntry, ...] = Field(default=(), max_length=100_000)

    def find(self, member: str, team: str) -> LocalAccount | None:
        """The entry that says most: of the member in the team, then of the member, then of the team."""
        for whose in ((member, team), (member, None), (None, team)):
            for entry in self.account:
                if (entry.member, entry.team) == whose:
                    return LocalAccount(user=entry.user, project=entry.project)
        return None


class AccountMap(Protocol):
    """Says under whose account a job runs."""

    trouble: str
    """Why the map cannot be asked; empty if it can."""

    async def account_of(self, member: str, team: str) -> LocalAccount:
        """The account.

        Raises:
            AccountUnmapped: there is none; names whom to ask.
            Unavailable: the map cannot be asked now.
        """
        ...


class AccountMapFile:
    """A map in a TOML file.

    Raises:
        Invalid, Unavailable: the file does not hold, or is not there, when it is first read.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.trouble = path, ""
        self._seen, self._table = _version(path), _read(path)

    async def account_of(self, member: str, team: str) -> LocalAccount:
        """See `AccountMap.account_of`."""
        await asyncio.to_thread(self._look)
        if self.trouble:
            raise Unavailable("the account map", self.trouble)
        if (found := self._table.find(member, team)) is None:
            raise AccountUnmapped(member, team, self._table.ask)
        return found

    def users(self) -> tuple[str, ...]:
        """Every user whom the map names, each once."""
        return tuple(dict.fromkeys(entry.user for entry in self._table.account))

    def _look(self) -> None:
        """Read the file again if it is another one."""
        if (version := _version(self._path)) == self._seen:
            return
        self._seen = version
        try:
            self._table, self.trouble = _read(self._path), ""
        except (Invalid, Unavailable) as error:
            self.trouble = f"the account map does not hold, and its jobs wait: {error}"
            log.error("%s", self.trouble)


def _version(path: Path) -> tuple[int, int, int]:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
    return 0, 0, 0


def _read(path: Path) -> AccountTable:
    try:
        return AccountTable.read(tomllib.loads(path.read_text(encoding="utf-8")), what=f"account map {path}")
    except OSError as error:
        raise Unavailable(
            f"account map {path}", f"it cannot be read ({error.strerror})", "see that it is there"
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"account map {path}", f"it is no TOML ({error})") from None


class AccountProgram:
    """A map that a program of the centre's answers: a line of JSON with member and team in, one with the account out.

    What it answers is one object with `user` and perhaps `project`; an empty one means that there is none. It is asked
    for each job; while it does not answer in time, or not so, nothing is submitted.

    Args:
        argv: the program and its arguments.
        patience: seconds that an answer may take.
        ask: whom to ask for an entry.
    """

    def __init__(self, argv: Sequence[str], *, patience: float = 10.0, ask: str = "") -> None:
        self._argv, self._patience, self._ask, self.trouble = tuple(argv), patience, ask, ""

    async def account_of(self, member: str, team: str) -> LocalAccount:
        """See `AccountMap.account_of`."""
        try:
            found = await self._asked(member, team)
        except (Invalid, Unavailable) as error:
            self.trouble = f"the account map does not answer, and its jobs wait: {error}"
            raise Unavailable("the account map", str(error)) from None
        self.trouble = ""
        if found is None:
            raise AccountUnmapped(member, team, self._ask)
        return found

    async def _asked(self, member: str, team: str) -> LocalAccount | None:
        question = json.dumps({"member": member, "team": team}) + "\n"
        try:
            answer = await run_command(self._argv, question, patience=self._patience)
        except OSError as error:
            raise Unavailable(self._argv[0], f"it cannot be run ({error})") from None
        if answer.status:
            raise Unavailable(self._argv[0], f"it ended with status {answer.status}: {answer.said}")
        if len(answer.out) > _ANSWER:
            raise Unavailable(self._argv[0], f"its answer is longer than {_ANSWER} characters")
        said = answer.out.strip().encode()
        return None if said == b"{}" else LocalAccount.read(said, what="the answer of the account map")
