"""A group of commands that are imported when they are called, and not when another of the group is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group some of whose commands stand in modules that need much of the program.

    Args:
        elsewhere: where such a command is, `module:attribute`, by its name.
    """

    def __init__(self, *args: Any, elsewhere: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, by name."""
        return sorted({*super().list_commands(ctx), *self._elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        if cmd_name not in self._elsewhere:
            return super().get_command(ctx, cmd_name)
        return imported(self._elsewhere[cmd_name])


def imported(where: str) -> click.Command:
    """The command that stands at `module:attribute`."""
    module, _, attribute = where.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command
