"""How the command line speaks: tables for people, JSON for pipes, and errors that say what to do.

Whatever it says may repeat another site's words, so nothing in it acts on the terminal or hides in it (`sanitize`).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click

from yosegi.core.errors import Invalid, Refused, Unavailable, YosegiError
from yosegi.core.sanitize import plain, plain_json

if TYPE_CHECKING:
    from pydantic import BaseModel

    from yosegi.cli._sheet import Sheet
    from yosegi.services.erasure.schemas import ErasureOrdered, ErasureStatus

STATUS = {"usage": 2, "refused": 3, "not_found": 4, "conflict": 5, "unavailable": 6}
"""With which status a command ends, by the code of its error; of every other kind with 1."""
_OF_A_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG})

P = ParamSpec("P")
T = TypeVar("T")


def as_json(command: Callable[P, T]) -> Callable[P, T]:
    """The option `--json`, the same for every command."""
    return click.option("--json", "json_", is_flag=True, help="Print JSON, for programs.")(command)


def in_shell(path: Path) -> str:
    """A path as it stands in a command to be copied, whatever characters it has."""
    return quote(str(path))


def say(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Text on standard output or standard error."""
    click.echo(plain(str(text)), err=err, nl=nl)


def show_json(value: Any) -> None:
    """One JSON document on standard output; answers as they travel."""
    value = plain_of(value)
    click.echo(plain_json(json.dumps(value, ensure_ascii=False, indent=None if not sys.stdout.isatty() else 2)))


def plain_of(value: Any) -> Any:
    """An answer, or several, as JSON values; anything else as it is."""
    if hasattr(value, "model_dump"):  # pydantic's; what never met an answer does not import it
        return value.model_dump(mode="json")
    return [plain_of(one) for one in value] if isinstance(value, list | tuple) else value


def fields_of(answer: BaseModel) -> Iterator[tuple[str, object]]:
    """What an answer says, name by name, as JSON values; what is empty is left out."""
    empty: tuple[object, ...] = ("", None, [], {})
    return ((name, item) for name, item in answer.model_dump(mode="json").items() if item not in empty)


def in_words(value: object) -> str:
    """A JSON value for people: lists with commas, yes and no, amounts in their units, and of a reason its sentence."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(in_words(one) for one in value)
    if isinstance(value, dict):
        return str(value["en"]) if "en" in value else ", ".join(f"{in_words(n)} {unit}" for unit, n in value.items())
    return "" if value is None else str(value)


def minute(moment: str) -> str:
    """A moment of an answer to the minute, in UTC: what holds until the end of a day ends at midnight.

    Example:
        >>> minute("2027-04-01T00:00:00.000000Z")
        '2027-04-01 00:00'
    """
    return moment[:16].replace("T", " ")


def say_json_line(value: Any) -> None:
    """One of many JSON documents, a line each."""
    click.echo(plain_json(json.dumps(value, ensure_ascii=False)))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "nothing") -> None:
    """A table for people; the text of `empty` where there are no rows."""
    from yosegi.cli._sheet import Sheet

    table = Sheet(*columns, box=None, pad_edge=False, header_style="bold")
    count = 0
    for row in rows:
        count += 1
        table.add(*("" if cell is None else str(cell) for cell in row))
    if count:
        print_table(table)
    else:
        say(empty)


def amounts(of: Mapping[str, str]) -> str:
    """Amounts in their units, as people write them."""
    return ", ".join(f"{amount} {unit}" for unit, amount in of.items())


def print_table(table: Sheet) -> None:
    """A table made elsewhere; in a pipe, which has no width, long cells are kept whole and no blanks end a line."""
    from rich.console import Console

    if sys.stdout.isatty():
        console = Console(highlight=False, markup=False)
        table.keep_words(console.width)
        console.print(table)
        return
    console = Console(width=240, highlight=False, markup=False)
    with console.capture() as printed:
        console.print(table)
    click.echo("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()), nl=False)


class Failed(click.ClickException):
    """Why a command ends without doing what it was asked, on standard error, with the status of its kind.

    Args:
        message: in words.
        code: of the kind, for programs.
        reasons: reason codes, of a refusal.
        in_json: whether it is said as one line of JSON.
    """

    def __init__(self, message: str, code: str = "error", reasons: Sequence[str] = (), *, in_json: bool) -> None:
        super().__init__(plain(message))
        self.code, self.reasons, self.in_json = code, reasons, in_json
        self.exit_code = STATUS.get(code, 1)  # type: ignore[misc]  # click says so of its own

    def show(self, file: Any = None) -> None:
        """Say it."""
        if not self.in_json:
            super().show(file)
            return
        told = {"code": self.code, "message": self.message} | ({"reasons": [*self.reasons]} if self.reasons else {})
        click.echo(plain_json(json.dumps({"error": told}, ensure_ascii=False)), file=file, err=file is None)


def fail(error: YosegiError, *, in_json: bool = False) -> NoReturn:
    """Say what went wrong on standard error, and end with the status of its kind."""
    message = str(error)
    if isinstance(error, Refused):
        from yosegi.core.reasons import refusal  # reads the catalogue, which no command that succeeds needs

        message = refusal(error)
    raise Failed(message, error.code, getattr(error, "reasons", ()), in_json=in_json)


def explained(command: Callable[P, T]) -> Callable[P, T]:
    """A command whose errors are said in one line: of JSON, where `--json` was given."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except YosegiError as error:
            fail(error, in_json=bool(kwargs.get("json_")))
        except UnicodeDecodeError:
            fail(Invalid("a file", "is not UTF-8", "save it as UTF-8"), in_json=bool(kwargs.get("json_")))
        except OSError as error:
            fail(_unavailable(error), in_json=bool(kwargs.get("json_")))

    return run


def _unavailable(error: OSError) -> Unavailable:
    """What a disk or a file would not do, in words; a write that failed names no file, and a copied tree the first.

    Raises:
        OSError: it is neither.
    """
    todo = "name another place, or see to this one"
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        source, _, why = error.args[0][0]
        return Unavailable(str(source), f"it cannot be copied ({why})", todo)
    if error.filename is not None and error.strerror is not None:
        return Unavailable(str(error.filename), error.strerror, todo)
    if error.errno in _OF_A_DISK:
        return Unavailable("the disk", os.strerror(error.errno), "see to it, and do this again")
    raise error


def show_erasure(told: ErasureOrdered, json_: bool) -> None:
    """Say where something is gone, and who has not answered yet."""
    if json_:
        show_json(told)
        return
    say(f"{told.what} {told.subject}: gone at {', '.join(told.gone) or 'no site yet'}")
    if waiting := not_yet(told):
        say(f"not yet: {waiting}; look again: yosegi incident erasures")
    for digest in told.objects:
        say(f"its object {digest} is still here: yosegi object erase {digest[7:19]} --why …")


def not_yet(told: ErasureStatus) -> str:
    """Who has not answered yet, and who will not hear of it."""
    refused = [f"{site} ({why})" for site, why in told.not_taken.items()]
    return ", ".join([*told.waiting, *refused])
