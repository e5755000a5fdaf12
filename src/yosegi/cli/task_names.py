"""Names of tasks as people type them: `home/key`, of which the key's beginning is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from yosegi.client.client import Client

_WHOLE_KEY = 32
"""Characters of a key from which on it is not looked up."""


def full_name(client: Client, name: str, *, by_hand: bool = False) -> str:
    """The whole name of a task of a site.

    Args:
        client: at which site it is looked for.
        name: what was typed.
        by_hand: whether it is looked for among what waits for people, not among all.

    Raises:
        click.ClickException: it names none, or several.
    """
    if name.count("/") == 1 and len(name.rpartition("/")[2]) >= _WHOLE_KEY:
        return name
    names = (one.task for one in client.tasks.by_hand()) if by_hand else (one.name for one in client.tasks.list())
    found = {one for one in names if name in one}
    if len(found) != 1:
        what = f"{len(found)} tasks" if found else "no task"
        waiting, see = (" that waits for people", "by-hand") if by_hand else ("", "list")
        raise click.ClickException(f"{name!r} names {what}{waiting} here; see yosegi task {see}")
    return found.pop()
